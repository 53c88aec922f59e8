//! Configurations of an edge with HTTP origins, and helpers for the viewers of such an edge.

use crate::support::{Answer, FakeOrigin, HOST, KEYS, LISTENERS, LOG, TestEdge, Viewer};
use std::path::Path;

/// An edge with origins that tests run. All parts are text in the syntax of the configuration.
#[derive(Clone, Debug)]
pub struct Remote {
    cache: String,
    origins: Vec<String>,
    tables: String,
    distribution: String,
    behaviors: String,
    default_behavior: String,
}

impl Remote {
    /// Returns a configuration with one origin called `app`, everything public but `/private/*`, 64 MiB of memory and
    /// no disk.
    pub fn new(origin: &FakeOrigin) -> Self {
        Remote::without_origin().origin("app", &format!("url = {:?}", origin.url()))
    }

    /// Returns the same without an origin; origins are added one by one, the first for the default behavior.
    pub fn without_origin() -> Self {
        Remote {
            cache: "memory = \"64 MiB\"\n".to_owned(),
            origins: Vec::new(),
            tables: String::new(),
            distribution: String::new(),
            behaviors: String::new(),
            default_behavior: String::new(),
        }
    }

    /// Adds an origin.
    pub fn origin(mut self, id: &str, lines: &str) -> Self {
        let origin = format!("[[distributions.origins]]\nid = {id:?}\n{lines}\n");
        self.origins.push(origin);
        self
    }

    /// Adds lines to the origin added last.
    pub fn origin_lines(mut self, lines: &str) -> Self {
        let origin = self.origins.last_mut().expect("an origin was added");
        origin.push_str(lines);
        origin.push('\n');
        self
    }

    /// Replaces the lines of `[cache]`.
    pub fn cache(mut self, lines: &str) -> Self {
        self.cache = format!("{lines}\n");
        self
    }

    /// Sets a disk tier in `folder`, which outlives the edge.
    pub fn disk(self, folder: &Path) -> Self {
        self.cache(&format!(
            "memory = \"64 MiB\"\nfolder = {folder:?}\ndisk = \"1 GiB\""
        ))
    }

    /// Sets a cache policy for the default behavior.
    pub fn policy(self, lines: &str) -> Self {
        self.tables(&format!("[[cache_policies]]\nid = \"test\"\n{lines}"))
            .behavior("cache_policy = \"test\"")
    }

    /// Adds tables outside the distribution.
    pub fn tables(mut self, lines: &str) -> Self {
        self.tables.push_str(lines);
        self.tables.push('\n');
        self
    }

    /// Adds lines to the default behavior.
    pub fn behavior(mut self, lines: &str) -> Self {
        self.default_behavior.push_str(lines);
        self.default_behavior.push('\n');
        self
    }

    /// Adds a behavior, which is matched before those added later.
    pub fn path(mut self, pattern: &str, lines: &str) -> Self {
        let behavior =
            format!("[[distributions.behaviors]]\npath_pattern = {pattern:?}\n{lines}\n");
        self.behaviors.push_str(&behavior);
        self
    }

    /// Adds tables of the distribution: origin groups, custom errors.
    pub fn distribution(mut self, lines: &str) -> Self {
        self.distribution.push_str(lines);
        self.distribution.push('\n');
        self
    }

    /// Returns the whole configuration.
    pub fn config(&self) -> String {
        let private = "[[distributions.behaviors]]\npath_pattern = \"/private/*\"\n\
             trusted_key_groups = [\"viewers\"]\n";
        let origin = if self.default_behavior.contains("origin =") {
            ""
        } else {
            "origin = \"app\"\n"
        };
        let policy = self.default_behavior.clone();
        [
            "[edge]\nworkers = 2\n[cache]\n",
            &self.cache,
            LISTENERS,
            KEYS,
            &self.tables,
            "[[distributions]]\nid = \"EDFDVBD6EXAMPLE\"\ndomain_name = \"",
            HOST,
            "\"\ncertificate = { chain = \"chain.pem\", key = \"key.pem\" }\n",
            &self.origins.concat(),
            &self.behaviors,
            private,
            origin,
            &policy,
            "[distributions.default_behavior]\n",
            origin,
            &policy,
            &self.distribution,
            LOG,
        ]
        .concat()
    }

    pub fn start(&self) -> TestEdge {
        TestEdge::configured(&self.config())
    }
}

/// Returns a URL of the fixture's host over plain HTTP.
pub fn url(path: &str) -> String {
    format!("http://{HOST}{path}")
}

/// A body, with the way it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A body that came as announced.
    Whole(Vec<u8>),
    /// A body with fewer bytes than announced, or without its last chunk.
    CutShort(Vec<u8>),
}

impl Body {
    #[track_caller]
    pub fn whole(self) -> Vec<u8> {
        match self {
            Body::Whole(bytes) => bytes,
            Body::CutShort(bytes) => panic!("cut short after {} bytes", bytes.len()),
        }
    }

    /// Returns the bytes that came, however the body ended.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Body::Whole(bytes) | Body::CutShort(bytes) => bytes,
        }
    }
}

impl Answer {
    /// Returns the first header of that name, in any case.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// Returns the first word of `X-Cache`: `Hit`, `Miss`, `RefreshHit`, `Error`.
    #[track_caller]
    pub fn outcome(&self) -> &str {
        let line = self.field("X-Cache").expect("every answer has X-Cache");
        line.split(' ').next().unwrap_or_default()
    }
}

impl Viewer {
    /// Reads the next response to a method other than HEAD, with a body framed by its length, by chunks or by the end
    /// of the connection.
    #[track_caller]
    pub fn framed_answer(&mut self) -> (Answer, Body) {
        let answer = self.head().expect("an answer");
        if [204, 304].contains(&answer.status()) {
            return (answer, Body::Whole(Vec::new()));
        }
        let is_chunked = answer.field("Transfer-Encoding").is_some();
        let length = answer.field("Content-Length").map(|length| {
            length
                .parse::<usize>()
                .expect("the edge writes good lengths")
        });
        let body = match length {
            _ if is_chunked => self.chunked_body(),
            Some(length) => {
                let bytes = self.take(length);
                if bytes.len() == length {
                    Body::Whole(bytes)
                } else {
                    Body::CutShort(bytes)
                }
            }
            None => Body::Whole(self.rest()),
        };
        (answer, body)
    }

    fn chunked_body(&mut self) -> Body {
        let mut body = Vec::new();
        loop {
            let Some(size) = self.chunk_size() else {
                return Body::CutShort(body);
            };
            let bytes = self.take(size);
            let is_short = bytes.len() < size;
            body.extend(bytes);
            if is_short || self.take(2) != b"\r\n" {
                return Body::CutShort(body);
            }
            if size == 0 {
                return Body::Whole(body);
            }
        }
    }

    fn chunk_size(&mut self) -> Option<usize> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            let byte = self.take(1);
            line.push(*byte.first()?);
        }
        usize::from_str_radix(std::str::from_utf8(&line).ok()?.trim_end(), 16).ok()
    }
}

impl TestEdge {
    /// Requests a path of the fixture's host over plain HTTP; the body must be complete.
    #[track_caller]
    pub fn fetch(&self, path: &str) -> Answer {
        self.fetch_with(path, &[])
    }

    /// Does the same with headers.
    #[track_caller]
    pub fn fetch_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut ask = crate::support::Ask::get(url(path));
        for (name, value) in headers {
            ask = ask.header(name, *value);
        }
        let mut viewer = self.plain();
        viewer.send(&ask.bytes());
        let (mut answer, body) = viewer.framed_answer();
        answer.body = body.whole();
        answer
    }
}
