//! Configurations of an edge before HTTP origins, and what a viewer of such an edge wants to know.

use crate::support::{Answer, FakeOrigin, HOST, KEYS, LISTENERS, LOG, TestEdge, Viewer};
use std::path::Path;

/// An edge before origins that tests run. Everything is text in the configuration's own words.
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
    /// One origin called `app`, everything public but `/private/*`, 64 MiB of memory and no disk.
    pub fn new(origin: &FakeOrigin) -> Self {
        Remote::without_origin().origin("app", &format!("url = {:?}", origin.url()))
    }

    /// The same, for origins that are added one by one; the first is the default behavior's.
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

    /// Another origin.
    pub fn origin(mut self, id: &str, lines: &str) -> Self {
        let origin = format!("[[distributions.origins]]\nid = {id:?}\n{lines}\n");
        self.origins.push(origin);
        self
    }

    /// More lines for the origin added last.
    pub fn origin_lines(mut self, lines: &str) -> Self {
        let origin = self.origins.last_mut().expect("an origin was added");
        origin.push_str(lines);
        origin.push('\n');
        self
    }

    /// Other lines in `[cache]`.
    pub fn cache(mut self, lines: &str) -> Self {
        self.cache = format!("{lines}\n");
        self
    }

    /// A disk tier in `folder`, which outlasts the edge.
    pub fn disk(self, folder: &Path) -> Self {
        self.cache(&format!(
            "memory = \"64 MiB\"\nfolder = {folder:?}\ndisk = \"1 GiB\""
        ))
    }

    /// A cache policy for the default behavior.
    pub fn policy(self, lines: &str) -> Self {
        self.tables(&format!("[[cache_policies]]\nid = \"test\"\n{lines}"))
            .behavior("cache_policy = \"test\"")
    }

    /// Tables outside the distribution.
    pub fn tables(mut self, lines: &str) -> Self {
        self.tables.push_str(lines);
        self.tables.push('\n');
        self
    }

    /// More lines for the default behavior.
    pub fn behavior(mut self, lines: &str) -> Self {
        self.default_behavior.push_str(lines);
        self.default_behavior.push('\n');
        self
    }

    /// One more behavior, asked before those added later.
    pub fn path(mut self, pattern: &str, lines: &str) -> Self {
        let behavior =
            format!("[[distributions.behaviors]]\npath_pattern = {pattern:?}\n{lines}\n");
        self.behaviors.push_str(&behavior);
        self
    }

    /// Tables of the distribution: origin groups, custom errors.
    pub fn distribution(mut self, lines: &str) -> Self {
        self.distribution.push_str(lines);
        self.distribution.push('\n');
        self
    }

    /// The whole configuration.
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

/// A plain URL of the fixture's host.
pub fn url(path: &str) -> String {
    format!("http://{HOST}{path}")
}

/// How a body ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// As announced.
    Whole(Vec<u8>),
    /// With less than announced, or without its last chunk.
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

    /// What came of it, however it ended.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Body::Whole(bytes) | Body::CutShort(bytes) => bytes,
        }
    }
}

impl Answer {
    /// The first header of the name, whatever its case.
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    /// The first word of `X-Cache`: `Hit`, `Miss`, `RefreshHit`, `Error`.
    #[track_caller]
    pub fn outcome(&self) -> &str {
        let line = self.field("X-Cache").expect("every answer has X-Cache");
        line.split(' ').next().unwrap_or_default()
    }
}

impl Viewer {
    /// The next answer to a method other than HEAD, with a body framed by its length, by chunks or by the end of
    /// the connection.
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
    /// Asks for a path of the fixture's host over plain HTTP; the body must come whole.
    #[track_caller]
    pub fn fetch(&self, path: &str) -> Answer {
        self.fetch_with(path, &[])
    }

    /// The same with headers.
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
