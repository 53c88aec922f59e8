//! Runs what the documentation tells a reader to type. Every block is run, or is listed here with the reason why not.
//!
//! A document is one shell in one fresh folder, whose blocks build on each other as they do for a reader. `privet` is
//! the real program; ports are replaced by free ones, in configurations and commands alike.

use crate::support::*;
use std::fmt::Write as _;
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The way a block is tested.
#[derive(Clone, Copy, Debug)]
enum Fate {
    /// Bash runs its commands one by one; each must exit with 0 or as [`STATUSES`] says.
    Run,
    /// The standard output of the last block that was run.
    Printed,
    /// The first part of that output; the output of later commands is left out.
    PrintedFirst,
    /// The last part of that output; the output of earlier commands is left out. Digits may differ, since times do.
    PrintedLast,
    /// The contents of an existing file of this name, apart from its comments and empty lines.
    Is(&'static str),
    /// A file of this name.
    File(&'static str),
    /// More lines for the file of this name.
    Append(&'static str),
    /// A block that is not run, with the reason.
    Not(&'static str),
}
use self::Fate::{Append, File, Is, Not, Printed, PrintedFirst, PrintedLast, Run};

/// A block, identified by its first line, and what a reader does before and after it.
#[derive(Clone, Copy, Debug)]
struct Step {
    first_line: &'static str,
    fate: Fate,
    before: &'static str,
    after: &'static str,
}

const fn step(first_line: &'static str, fate: Fate) -> Step {
    Step {
        first_line,
        fate,
        before: "",
        after: "",
    }
}

impl Step {
    const fn before(self, before: &'static str) -> Self {
        Step { before, ..self }
    }

    const fn after(self, after: &'static str) -> Self {
        Step { after, ..self }
    }
}

const TRIED_ELSEWHERE: &str = "peers_proxies.rs runs it";
const MEASURED: &str = "the result of a measurement";

const README: &[Step] = &[
    step("cargo run --release -- demo     #", Not("builds Privet, and runs all tests")),
    step("cargo build --release &&", Run).after("sed -i s/:80[8]0/:PORT_A/ privet.toml"),
    step("[[listeners]]", Is("privet.toml")),
    step("privet check", Run),
    step("privet.toml: ok", Printed),
    step("curl http://localhost:8080/talk.mp4", Run),
    step("<?xml", Printed),
    step("link=$(privet sign --key K2JCJMDEHXQW5F.pem --key-pair-id K2JCJMDEHXQW5F --for 1h", Run),
    step("a video", Printed),
    step("privet explain --at", Run),
    step("refused: 403", PrintedLast),
    step("cp ~/Videos/any.mp4", Run),
    step("[[distributions.origins]]", Append("privet.toml"))
        .before("stop; without_origin")
        .after("sed -i 's/^# endpoint/endpoint/' privet.toml; start_server"),
    step("export AWS_ACCESS_KEY_ID=", Run),
    step("curl -sD-", Run),
    step("privet cache  ", Run),
    step("[[distributions.origins]]", Append("privet.toml"))
        .before("stop; without_origin")
        .after("start_server; privet serve & ready PORT_A; curl -fsS \"$(privet sign --key K2JCJMDEHXQW5F.pem \
                --key-pair-id K2JCJMDEHXQW5F --for 1h http://localhost:PORT_A/talk.mp4)\" | cmp - files/talk.mp4"),
];

const COMMAND_LINE: &[Step] = &[
    step("privet init  ", Run).after("rm -r privet.toml K*.pem"),
    step("privet key create  ", Run),
    step("privet key create --id K2J ", Run),
    step(
        "privet sign --key K2J.pem --key-pair-id K2J --for 2h < urls",
        Run,
    )
    .before("printf 'https://HOST/videos/%s.mp4\\n' a b > urls.txt"),
    step(
        "privet sign --key K2J.pem --key-pair-id K2J --for 1d --cookies",
        Run,
    )
    .before("cp ../edge/edge.toml privet.toml; start_server; privet serve & ready PORT_A"),
    step(
        "privet sign --key K2J.pem --key-pair-id K2J --for 1d \\",
        Run,
    )
    .before("cp ../edge/talk.m3u8 ../edge/manifest.mpd ."),
    step(
        "privet sign --key K2J.pem --key-pair-id K2J --for 2h --stream",
        Run,
    ),
    step("#!/bin/sh", File("kms-sign"))
        .before("openssl pkey -pubin -in K2J.pub.pem -outform DER -out K2J.pub.der")
        .after("chmod +x kms-sign"),
    step("privet sign --external-signer", Run),
    step("link=$(privet sign", Run),
    step("privet video check talk.mp4", Run)
        .before("cp \"$CLIPS/pcm.mov\" talk.mp4; echo '{\"renditions\":[{\"file\":\"talk.mp4\",\"label\":\"360p\"}]}' > talk.video.json"),
    step("talk.mp4 plays", PrintedFirst),
    step("privet video check 'https://HOST/", Not("asks a server; the cli_video_url tests do")),
    step("privet demo  ", Run).before("stop"),
    step("[admin]", Append("privet.toml")).after("start_server; privet serve & ready PORT_A"),
    step("privet invalidate --distribution", Run),
    step("privet probe --object EDF", Run)
        .before("stop; start_server; cat ../edge/second.toml >> privet.toml"),
    step("privet import service.toml", Not("needs a store; store.md is run, and cli_store.rs")),
    step("privet distribution list", Not("needs an edge with a store; cli_collections.rs starts one")),
    step("mkdir -p ~/.local/share/bash-completion", Run),
];

const VIDEOS: &[Step] = &[
    step("https://HOST/video/talk.mp4?SIGNED", Not("a list of addresses; the video_ tests ask for all of them")),
    step("[distributions.default_behavior.video]", Append("privet.toml"))
        .before("five_minutes")
        .after("privet check"),
    step("<video class", Not("HTML; video_players_browsers.rs runs pages")),
    step("response_headers_policy = ", Append("privet.toml"))
        .before("five_minutes; sed -i '/^\\[log\\]/,$d' privet.toml")
        .after("privet check; privet serve & ready PORT_A; echo x > files/page.vtt; curl -fsS -H 'Origin: https://www.example.com' \
                -D- \"$(privet sign --key K2JCJMDEHXQW5F.pem --key-pair-id K2JCJMDEHXQW5F --for 1h \
                http://localhost:PORT_A/page.vtt)\" | grep -qi '^access-control-allow-origin: \\*'; stop"),
    step("{", File("files/talk.video.json"))
        .after("for name in talk.720p.mp4 talk.1080p.mp4; do cp \"$CLIPS/set.mp4\" files/$name; done; \
                echo WEBVTT > files/talk.en.vtt; privet serve & ready PORT_A; mpv \"$(privet sign --key K2JCJMDEHXQW5F.pem \
                --key-pair-id K2JCJMDEHXQW5F --for 1h http://localhost:PORT_A/talk.video.json |
                sed 's/video.json/&\\/hls\\/master.m3u8/')\"; stop"),
    step("[[listeners]]", Append("privet.toml"))
        .before("five_minutes")
        .after("sed -i s/0.0.0.0:1935/127.0.0.1:PORT_B/ privet.toml; privet check"),
    step("stream=$(privet sign", Run),
];

/// The libraries that the page names are among the test tools, except those for PHP and Ruby.
const SIGNING: &[Step] = &[
    step("import datetime", File("sign.py"))
        .before("five_minutes; echo 'a video' > files/talk.mp4; privet serve & ready PORT_A")
        .after("opens \"$(\"$PYTHON\" sign.py)\""),
    step("import {", File("sign.mjs"))
        .before("ln -s \"$NODE_MODULES\" node_modules")
        .after("opens \"$(node sign.mjs)\""),
    step(
        "<?php",
        Not("PHP and its SDK are not among the tools of the tests"),
    ),
    step(
        "require \"aws-sdk",
        Not("Ruby and its SDK are not among the tools of the tests"),
    ),
    step("url=http", Run).after("opens \"$link\""),
];

const BEHIND_A_PROXY: &[Step] = &[
    step("[edge]", Append("privet.toml"))
        .before("five_minutes")
        .after("privet check"),
    step("server {", Not(TRIED_ELSEWHERE)),
    step("cdn.example.com {", Not(TRIED_ELSEWHERE)),
    step("frontend cdn", Not(TRIED_ELSEWHERE)),
    step("frontend cdn", Not(TRIED_ELSEWHERE)),
    step("http:", Not("Traefik was tried by hand")),
];

const FIDELITY: &[Step] = &[step("[[cache_policies]]", Append("privet.toml"))
    .before("five_minutes")
    .after("privet check")];

const PERFORMANCE: &[Step] = &[
    step("cargo xtask bench sign", Not("measures for hours")),
    step("case   ", Not(MEASURED)),
    step("case   ", Not(MEASURED)),
    step("case   ", Not(MEASURED)),
    step("case   ", Not(MEASURED)),
    step("case   ", Not(MEASURED)),
    step("case   ", Not(MEASURED)),
    step("case   ", Not(MEASURED)),
    step("case   ", Not(MEASURED)),
    step("case   ", Not(MEASURED)),
    step("case   ", Not(MEASURED)),
    step("case   ", Not(MEASURED)),
    step("case   ", Not(MEASURED)),
    step("case   ", Not(MEASURED)),
    step("case   ", Not(MEASURED)),
    step("case   ", Not(MEASURED)),
    step("case   ", Not(MEASURED)),
    step("case   ", Not(MEASURED)),
    step("case   ", Not(MEASURED)),
    step("case   ", Not(MEASURED)),
    step("case   ", Not(MEASURED)),
    step("case   ", Not(MEASURED)),
];

const CONFORMANCE_CACHE: &[Step] = &[step(
    "cargo xtask cache-tests",
    Not("installs the public suite and runs it; scenario_public_suite.rs has cases of it"),
)];

const TESTING: &[Step] = &[
    step(
        "cargo xtask fuzz",
        Not("runs for minutes, with another toolchain"),
    ),
    step(
        "PRIVET_KILLS=200",
        Not("store_kills.rs itself is run, with fewer kills"),
    ),
    step(
        "cargo xtask simulate",
        Not("the simulation's own tests run it, with fewer seeds"),
    ),
    step("cargo xtask mutants", Not("runs for an hour")),
];

const STORE: &[Step] = &[
    step("[store]\nfile", Append("privet.toml")).before("privet init"),
    step("privet operator create alice", Run),
    step(
        "[store]\nurl",
        Not("needs a database server, which the store's own tests start"),
    ),
    step("privet operator create ci", Run),
    step(
        "[default]",
        Not("holds an access key; cli_collections.rs writes such a file"),
    ),
    step(
        "privet distribution list --profile",
        Not("another machine's; cli_collections.rs runs them"),
    ),
    step("privet backup today.backup  ", Run),
];

const BUCKETS: &[Step] = &[
    step(
        "[buckets]\naddress",
        Not("is part of a configuration; articles.md is run with it"),
    ),
    step(
        "privet bucket create articles",
        Not("needs a running edge; embedded_buckets.rs runs them"),
    ),
    step(
        "eval \"$(privet operator create me",
        Not("needs a running edge; articles.md is run with the same"),
    ),
    step(
        "privet bucket grant articles --identity",
        Not("needs items of these ids; embedded_buckets.rs runs them"),
    ),
    step(
        "[[distributions.origins]]\nid = \"articles\"",
        Not("is part of a configuration; embedded_buckets.rs serves it"),
    ),
];

const KEYS: &[Step] = &[step(
    "privet key rotate --group viewers",
    Not("needs a running edge with a group; cli_collections.rs runs them"),
)];
const LINKS: &[Step] = &[
    step(
        "{\"Statement\":[{",
        Not("the vectors of privet-sign have such policies"),
    ),
    step(
        "privet link create --key",
        Not("needs a running edge; limited_links.rs runs them"),
    ),
    step(
        "privet link revoke 4J",
        Not("needs a running edge; limited_links.rs runs them"),
    ),
    step(
        "privet log who",
        Not("needs a running edge; limited_links.rs runs them"),
    ),
];
/// One session with the AWS CLI, over real ports: viewers reach a host name that no resolver knows.
const ARTICLES: &[Step] = &[
    step("[[listeners]]", File("privet.toml")),
    step("eval ", Run),
    step("aws s3 mb s3://c2-video-test-private", Run),
    step("privet key create", Run),
    step("[[public_keys]]", File("service.toml")),
    step("privet import service.toml", Run),
    step("identity=$(aws", Run),
    step(
        "{\n  \"CallerReference\": \"article-web\"",
        File("web.json"),
    ),
    step("sed -i \"s/IDENTITY/$identity/\" web.json", Run),
    step("curl -s --cacert", Run),
    step("<?xml", Printed),
    step("link=$(aws cloudfront sign", Run),
    step("a picture", Printed),
    step("privet explain --public-key APKA", Run),
    step(
        "{\n  \"CallerReference\": \"article-streaming\"",
        File("streaming.json"),
    ),
    step("sed -i \"s/IDENTITY/$identity/\" streaming.json", Run),
    step("ls logs", Run)
        .before("until ls logs/c2-video-test-logs/web > /dev/null 2>&1; do :; done"),
    step("aws cloudfront get-distribution-config", Run).after("stop"),
];

const CLOUDFRONT_API: &[Step] = &[
    step(
        "provider \"aws\" {",
        Not("cloudfront_clients.rs runs Terraform with these settings"),
    ),
    step(
        "export AWS_ENDPOINT_URL_CLOUDFRONT",
        Not("articles.md is run, with this"),
    ),
    step(
        "client = boto3.client(",
        Not("cloudfront_clients.rs makes such a client"),
    ),
    step(
        "[control]",
        Not("cloudfront_clients.rs starts an edge with these settings"),
    ),
    step(
        "connection = CloudFrontConnection(",
        Not("cloudfront_clients.rs makes such a connection"),
    ),
];

/// All documents that have blocks.
const DOCUMENTS: &[(&str, &[Step])] = &[
    ("README.md", README),
    ("docs/command-line.md", COMMAND_LINE),
    ("docs/videos.md", VIDEOS),
    ("docs/signing.md", SIGNING),
    ("docs/store.md", STORE),
    ("docs/buckets.md", BUCKETS),
    ("docs/keys.md", KEYS),
    ("docs/links.md", LINKS),
    ("docs/articles.md", ARTICLES),
    ("docs/cloudfront-api.md", CLOUDFRONT_API),
    ("docs/behind-a-proxy.md", BEHIND_A_PROXY),
    ("docs/fidelity.md", FIDELITY),
    ("docs/conformance-cache.md", CONFORMANCE_CACHE),
    ("docs/performance.md", PERFORMANCE),
    ("docs/testing.md", TESTING),
];

/// Commands that do not exit with 0, identified by a part of them, with the status and the reason.
const STATUSES: &[(&str, i32, &str)] = &[
    (
        "privet explain --at 2030-01-01",
        1,
        "the link has ended by then",
    ),
    (
        "privet explain --public-key K2J=K2J.pem --ip",
        1,
        "the link has ended by then",
    ),
    (
        "privet explain --public-key APKA",
        1,
        "the link has ended by then",
    ),
    (
        "privet probe --object /talk.mp4",
        1,
        "the bucket of this test is open to everybody",
    ),
];

/// Commands that are left out of blocks that are run, with the reason.
const LEFT_OUT: &[(&str, &str)] = &[
    (
        "ffplay \"rtmp:",
        "opens a window; video_rtmp_clients.rs plays streams",
    ),
    (
        "rtmpdump -r",
        "asks at the port of RTMP, which may be another program's; video_rtmp_clients.rs runs it",
    ),
];

/// Words of the documents and what replaces them here. Each port has a placeholder of its own.
const WORDS: &[(&str, &str)] = &[
    ("HOST", "a.videos.example.com"),
    ("127.0.0.1:7480", "127.0.0.1:PORT_B"),
    ("127.0.0.1:8000", "127.0.0.1:PORT_B"),
    ("127.0.0.1:8443", "127.0.0.1:PORT_D"),
    ("127.0.0.1:9443", "127.0.0.1:PORT_C"),
    ("127.0.0.1:9000", "127.0.0.1:PORT_F"),
    ("127.0.0.1:1935", "127.0.0.1:PORT_E"),
    ("localhost:1935", "localhost:PORT_E"),
    ("8080", "PORT_A"),
    ("/srv/privet", "srv/privet"),
    (
        "I2J0I21PCUYOIK",
        "$(privet invalidations --json | grep -o 'I[A-Z0-9]\\{13\\}' | head -1)",
    ),
];

#[test]
fn every_block_of_the_docs_is_run_or_named() {
    let listed: Vec<&str> = DOCUMENTS.iter().map(|(name, _)| *name).collect();
    for document in documents() {
        let blocks = blocks(&document);
        let steps = DOCUMENTS.iter().find(|(name, _)| *name == document);
        let steps = steps.map_or(&[][..], |(_, steps)| steps);
        assert!(
            blocks.is_empty() || listed.contains(&document.as_str()),
            "{document} has blocks: add it to DOCUMENTS"
        );
        let mut left: Vec<&Step> = steps.iter().collect();
        for block in &blocks {
            let found = left.iter().position(|step| block.is_of(step));
            let found = found.unwrap_or_else(|| {
                panic!(
                    "{}: nothing here runs this block: {:?}",
                    block.place(),
                    block.text
                )
            });
            left.remove(found);
        }
        assert!(left.is_empty(), "{document} has no such blocks: {left:?}");
    }
}

/// An exception that no document needs any more would excuse the next block like it.
#[test]
fn exceptions_are_for_what_the_docs_say() {
    let text: String = documents()
        .iter()
        .flat_map(|name| blocks(name))
        .map(|block| block.text)
        .collect();
    let words = STATUSES.iter().map(|(word, _, why)| (*word, *why));
    let words = words
        .chain(LEFT_OUT.iter().copied())
        .chain(WORDS.iter().copied());
    for (word, other) in words {
        assert!(
            text.contains(word) && !other.is_empty(),
            "{word} stands in no block"
        );
    }
    for step in DOCUMENTS.iter().flat_map(|(_, steps)| *steps) {
        assert!(
            !matches!(step.fate, Not("")),
            "{}: say why not",
            step.first_line
        );
    }
}

#[test]
fn readme_does_what_it_says() {
    run_document("README.md");
}

#[test]
fn command_line_does_what_it_says() {
    run_document("docs/command-line.md");
}

#[test]
fn videos_does_what_it_says() {
    run_document("docs/videos.md");
}

#[test]
fn signing_does_what_it_says() {
    run_document("docs/signing.md");
}

#[test]
fn store_does_what_it_says() {
    run_document("docs/store.md");
}

#[test]
fn articles_does_what_it_says() {
    run_document("docs/articles.md");
}

#[test]
fn parts_of_configurations_are_taken() {
    run_document("docs/behind-a-proxy.md");
    run_document("docs/fidelity.md");
}

/// A fenced code block.
#[derive(Debug)]
struct Block {
    document: String,
    /// Line number of its first line of text, counted from 1.
    line: usize,
    text: String,
}

impl Block {
    fn is_of(&self, step: &Step) -> bool {
        self.text.starts_with(step.first_line)
    }

    fn place(&self) -> String {
        format!("{}:{}", self.document, self.line)
    }

    /// Returns the lines with their numbers; a line that ends with a backslash is joined with the next.
    fn commands(&self) -> Vec<(usize, String)> {
        let mut commands: Vec<(usize, String)> = Vec::new();
        let mut goes_on = false;
        for (index, line) in self.text.lines().enumerate() {
            match commands.last_mut().filter(|_| goes_on) {
                Some((_, command)) => *command += &format!("\n{line}"),
                None => commands.push((self.line + index, line.to_owned())),
            }
            goes_on = line.ends_with('\\');
        }
        commands
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// Returns the names of README.md and of all documents in `docs`.
fn documents() -> Vec<String> {
    let docs = fs::read_dir(root().join("docs")).unwrap();
    let names = docs.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let papers = names.filter(|name| name.ends_with(".md"));
    let mut all: Vec<String> = papers.map(|name| format!("docs/{name}")).collect();
    all.push("README.md".to_owned());
    all
}

fn blocks(document: &str) -> Vec<Block> {
    let text = fs::read_to_string(root().join(document)).unwrap();
    let mut blocks: Vec<Block> = Vec::new();
    let mut indent = None;
    for (index, line) in text.lines().enumerate() {
        let is_fence = line.trim_start().starts_with("```");
        match indent {
            None if is_fence => {
                indent = Some(line.len() - line.trim_start().len());
                blocks.push(Block {
                    document: document.to_owned(),
                    line: index + 2,
                    text: String::new(),
                });
            }
            Some(_) if is_fence => indent = None,
            Some(indent) => {
                let block = blocks.last_mut().unwrap();
                block.text += line.get(indent..).unwrap_or_default();
                block.text.push('\n');
            }
            None => {}
        }
    }
    assert!(indent.is_none(), "{document}: a fence is open at the end");
    blocks
}

/// Runs a document, with several attempts: another process may take a free port first.
fn run_document(document: &str) {
    for _ in 0..3 {
        let tour = Tour::new();
        let script = tour.script(document);
        let ran = tour.run(&script);
        let report = [ran.text(), ran.errors()].concat();
        if report.contains("another program uses this port") {
            continue;
        }
        assert!(ran.status.success(), "{report}");
        return tour.compare(document);
    }
    panic!("no port stays free");
}

/// The folders of one run: `here` is the reader's working folder, `home` the home folder, `said` holds the output.
struct Tour {
    folder: tempfile::TempDir,
    ports: [(&'static str, u16); 6],
}

impl Tour {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "bin",
            "here",
            "home/Videos",
            "said",
            "bucket/my-videos",
            "bucket/videos",
            "bucket/videos",
            "edge",
        ] {
            fs::create_dir_all(folder.path().join(name)).unwrap();
        }
        let free = [(); 6].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
        let numbers = free.map(|listener| listener.local_addr().unwrap().port());
        let names = ["PORT_A", "PORT_B", "PORT_C", "PORT_D", "PORT_E", "PORT_F"];
        let ports = std::array::from_fn(|index| (names[index], numbers[index]));
        let tour = Tour { folder, ports };
        for (name, text) in PROGRAMS {
            let text = text.replace("PRIVET", env!("CARGO_BIN_EXE_privet"));
            tour.write(&format!("bin/{name}"), &format!("#!/bin/bash\n{text}"));
        }
        let (chain, key) = certificate();
        tour.write("edge/chain.pem", chain);
        tour.write("edge/key.pem", key);
        let five_minutes = blocks("README.md")
            .into_iter()
            .find(|block| block.text.starts_with("[[listeners]]"));
        let five_minutes = five_minutes.unwrap().text;
        for (name, text) in FILES.iter().chain(&[("five.toml", five_minutes.as_str())]) {
            tour.write(&format!("edge/{name}"), &tour.adapted(text));
        }
        tour.write("home/.curlrc", &tour.adapted(CURLRC));
        fs::copy(clip_file("short.mp4"), tour.path("home/Videos/any.mp4")).unwrap();
        tour
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt;
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// Replaces the words and ports of a document by those of this run.
    fn adapted(&self, text: &str) -> String {
        let words = WORDS.iter().fold(text.to_owned(), |text, (word, other)| {
            text.replace(word, other)
        });
        let ports = self.ports.iter();
        let text = ports.fold(words, |text, (word, port)| {
            text.replace(word, &port.to_string())
        });
        text.replace("TOUR", self.folder.path().to_str().unwrap())
    }

    /// Returns all steps of a document as one script, in the order of its table.
    fn script(&self, document: &str) -> String {
        let mut blocks = blocks(document);
        let mut script = self.adapted(FUNCTIONS);
        for (number, step) in steps(document).iter().enumerate() {
            let block = taken(&mut blocks, step);
            script += &format!("said={number}\n");
            script += &self.command(&format!("{}: before it", block.place()), step.before);
            match step.fate {
                Run => {
                    for (line, command) in block.commands() {
                        script += &self.command(&format!("{document}:{line}"), &command);
                    }
                }
                Is(name) => {
                    script += &self.file(">", "TOUR/said/block", &block.text);
                    script += &format!("same {name} '{}'\n", block.place());
                }
                File(name) => script += &self.file(">", name, &block.text),
                Append(name) => script += &self.file(">>", name, &block.text),
                Printed | PrintedFirst | PrintedLast | Not(_) => {}
            }
            // The output of the command after the block does not count as the block's.
            script += &format!("said={number}.after\n");
            script += &self.command(&format!("{}: after it", block.place()), step.after);
        }
        script
    }

    fn file(&self, sign: &str, name: &str, text: &str) -> String {
        self.adapted(&format!(
            "cat {sign} {name} <<'END_OF_BLOCK'\n{text}END_OF_BLOCK\n"
        ))
    }

    /// Returns a command for the reader's shell. A server that it starts in the background must listen before the next
    /// command.
    fn command(&self, place: &str, command: &str) -> String {
        if command.is_empty() || LEFT_OUT.iter().any(|(word, _)| command.starts_with(word)) {
            return String::new();
        }
        let status = STATUSES.iter().find(|(word, ..)| command.contains(word));
        let status = status.map_or(0, |(_, status, _)| *status);
        let command = self.adapted(command);
        let is_server = ["privet serve", "privet demo"]
            .iter()
            .any(|word| command.starts_with(word));
        let words = command.split(" #").next().unwrap_or_default().trim_end();
        let mut text = String::new();
        // A server in the foreground would never end, so it is stopped once it serves.
        if is_server && !words.contains('&') {
            let _ = writeln!(
                text,
                "{{ foreground {words}\n}} >> $folder/said/$said 2>> $folder/said/$said.err"
            );
        } else {
            let _ = writeln!(
                text,
                "{{ {command}\n}} >> $folder/said/$said 2>> $folder/said/$said.err"
            );
        }
        let _ = writeln!(text, "ended $? {status} '{place}'");
        if is_server && words.ends_with('&') {
            text += &self.adapted("ready PORT_A\n");
        }
        text
    }

    fn run(&self, script: &str) -> Ran {
        self.write("script", script);
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new("env");
        command.arg("-i");
        command.arg(format!("PATH={}:{path}", self.path("bin").display()));
        command.arg(format!("HOME={}", self.path("home").display()));
        command.arg(format!("CLIPS={}", clip_file("").display()));
        command.arg(format!("PYTHON={}", python().display()));
        command.arg(format!("NODE_MODULES={}", node_modules().display()));
        command
            .args(["bash", "../script"])
            .current_dir(self.path("here"));
        run_within(&mut command, Duration::from_secs(100))
    }

    /// Compares the output with what the document says it is.
    fn compare(&self, document: &str) {
        let mut blocks = blocks(document);
        let mut last = None;
        for (number, step) in steps(document).iter().enumerate() {
            let block = taken(&mut blocks, step);
            let printed = || {
                let name = format!("said/{}", last.expect("a block was run before"));
                masked(&fs::read_to_string(self.path(&name)).unwrap())
            };
            let expected = masked(&self.adapted(&block.text));
            match step.fate {
                Run => last = Some(number),
                Printed => assert_eq!(
                    printed().trim_end(),
                    expected.trim_end(),
                    "{}",
                    block.place()
                ),
                PrintedFirst => {
                    let printed = printed();
                    assert!(
                        printed.starts_with(&expected),
                        "{}: {printed}",
                        block.place()
                    );
                }
                PrintedLast => {
                    let printed = without_digits(&printed());
                    let expected = without_digits(&expected);
                    assert!(printed.ends_with(&expected), "{}: {printed}", block.place());
                }
                File(_) | Append(_) | Is(_) | Not(_) => {}
            }
        }
    }
}

/// Removes and returns the first block that belongs to the step, so that no later step gets it.
fn taken(blocks: &mut Vec<Block>, step: &Step) -> Block {
    let found = blocks.iter().position(|block| block.is_of(step));
    let found = found.unwrap_or_else(|| panic!("no block begins like this: {:?}", step.first_line));
    blocks.remove(found)
}

/// Masks what differs between the clips of different versions of ffmpeg.
fn masked(text: &str) -> String {
    let is_rate = |words: &[&str]| words.get(1).is_some_and(|next| next.starts_with("kbit/s"));
    let words: Vec<&str> = text.split(' ').collect();
    let shown = words
        .iter()
        .enumerate()
        .map(|(index, word)| match is_rate(&words[index..]) {
            true => "N",
            false => word,
        });
    shown.collect::<Vec<&str>>().join(" ")
}

fn without_digits(text: &str) -> String {
    text.replace(|char: char| char.is_ascii_digit(), "0")
}

fn steps(document: &str) -> &'static [Step] {
    DOCUMENTS
        .iter()
        .find(|(name, _)| *name == document)
        .unwrap()
        .1
}

/// Shell functions of the steps above, and the checks of each command.
const FUNCTIONS: &str = r#"
folder=TOUR
gone() {
    echo "$1"
    tail -n 20 "$folder/said/$said" "$folder/said/$said.err"
    exit 1
}
ended() {
    [ "$1" -eq "$2" ] || gone "$3: exit status $1"
}
ready() {
    until grep -qs "serving on .*:$1\$" "$folder/said/$said.err"; do
        kill -0 $! 2> /dev/null || gone "nothing serves at port $1"
    done
}
foreground() {
    rm -f $folder/said/server
    "$@" > $folder/said/server 2>&1 &
    until grep -qs -e 'serving on' -e 'Ctrl-C to stop' $folder/said/server; do
        kill -0 $! 2> /dev/null || gone "$*: it ends"
    done
    kill $!
    wait $!
}
stop() {
    kill $(jobs -p)
    wait
}
# A server that is open to everybody. To the edge it is a bucket, too: it asks nobody for a signature.
start_server() {
    for place in . my-videos videos videos; do
        cp files/talk.mp4 $folder/bucket/$place/ 2> /dev/null || echo "a video" > $folder/bucket/$place/talk.mp4
    done
    echo home > $folder/bucket/index.html
    privet serve $folder/edge/open.toml &
    ready PORT_B
}
five_minutes() {
    [ -e K2JCJMDEHXQW5F.pem ] || privet key create --id K2JCJMDEHXQW5F
    mkdir -p files
    cp $folder/edge/five.toml privet.toml
}
without_origin() {
    sed -i '/^\[\[distributions.origins/,/^trusted_key_groups/d' privet.toml
}
same() {
    grep -v -e '^#' -e '^$' "$1" > $folder/said/file
    grep -v '^$' $folder/said/block | diff $folder/said/file - >> $folder/said/$said || gone "$2: the file $1 is another one"
}
opens() {
    [ "$(curl -fsS "$1")" = 'a video' ] || gone "$1 does not open"
}
"#;

/// Programs that come before all others in `PATH`. Servers end with the shell that started them.
const PROGRAMS: &[(&str, &str)] = &[
    ("privet", "exec setpriv --pdeathsig KILL PRIVET \"$@\"\n"),
    (
        "cargo",
        "[ \"$*\" = 'build --release' ] && mkdir -p target/release && cp ../bin/privet target/release/\n",
    ),
    // Fake players: they show nothing, but require a playlist.
    ("mpv", "curl -fsS \"$1\" | grep -q '^#EXTM3U'\n"),
    ("ffplay", "curl -fsS \"$1\" | grep -q '<MPD'\n"),
    (
        "aws",
        "[[ \"$1\" = cloudfront || \"$1\" = s3 ]] && exec \"$PYTHON\" -m awscli \"$@\"\n\
         [ \"$*\" = 'kms sign --key-id alias/privet --message fileb:///dev/stdin --message-type DIGEST \
         --signing-algorithm RSASSA_PKCS1_V1_5_SHA_256 --query Signature --output text' ] || exit 9\n\
         openssl pkeyutl -sign -inkey K2J.pem -pkeyopt digest:sha256 | base64 -w0\n",
    ),
];

const CURLRC: &str = r#"
connect-to = "HOST:443:127.0.0.1:PORT_A"
cacert = "TOUR/edge/chain.pem"
"#;

const FILES: &[(&str, &str)] = &[
    ("open.toml", OPEN),
    ("edge.toml", EDGE),
    ("second.toml", SECOND),
    (
        "talk.m3u8",
        "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\n1.ts\n#EXT-X-ENDLIST\n",
    ),
    (
        "manifest.mpd",
        "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"><Period><AdaptationSet>\
         <Representation id=\"1\" bandwidth=\"1\"><BaseURL>1.mp4</BaseURL></Representation></AdaptationSet></Period></MPD>\n",
    ),
];

const OPEN: &str = r#"
[[listeners]]
address = "127.0.0.1:PORT_B"
[[distributions]]
id = "EOPEN"
domain_name = "127.0.0.1"
[[distributions.origins]]
id = "all"
folder = "TOUR/bucket"
[distributions.default_behavior]
origin = "all"
"#;

const EDGE: &str = r#"
[[listeners]]
address = "127.0.0.1:PORT_A"
protocol = "https"
[[public_keys]]
id = "K2J"
file = "K2J.pub.pem"
[[key_groups]]
id = "mine"
public_keys = ["K2J"]
[[distributions]]
id = "EDFDVBD6EXAMPLE"
domain_name = "HOST"
certificate = { chain = "TOUR/edge/chain.pem", key = "TOUR/edge/key.pem" }
[[distributions.origins]]
id = "server"
url = "http://127.0.0.1:PORT_B"
[distributions.default_behavior]
origin = "server"
trusted_key_groups = ["mine"]
"#;

const SECOND: &str = r#"
[[distributions]]
id = "ESECOND"
domain_name = "www.example.com"
certificate = { chain = "TOUR/edge/chain.pem", key = "TOUR/edge/key.pem" }
[[distributions.origins]]
id = "server"
url = "http://127.0.0.1:PORT_B"
[distributions.default_behavior]
origin = "server"
trusted_key_groups = ["mine"]
"#;
