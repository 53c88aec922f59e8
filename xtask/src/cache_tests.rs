//! `cargo xtask cache-tests`: the public suite for HTTP caches, run through an edge in front of the suite's own origin.
//!
//! The edge is configured as the suite expects of a cache: nothing is stored unless the origin allows it, and all
//! methods and headers pass. Everything stays on loopback.

use crate::command::{self, Outcome, cargo, output, program, run as run_shown};
use crate::tools;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use tempfile::TempDir;

/// Runs all tests, or only the test `id` with all its messages; those of the published suite or of the one in the
/// folder `suite`; through an edge started here or through a given server.
pub fn run(
    id: Option<&str>,
    suite: Option<&Path>,
    through: Option<&str>,
    origin_port: Option<u16>,
) -> Outcome {
    let published = tools::install_cache_tests()?;
    let suite = suite.map_or(published, Path::to_owned);
    let origin = start_origin(&suite, origin_port.unwrap_or(0))?;
    let edge = match through {
        Some(_) => None,
        None => Some(start_edge(&origin.url)?),
    };
    let base = match (&edge, through) {
        (Some((edge, _)), _) => edge.url.replace("127.0.0.1", "localhost"),
        (None, url) => url.unwrap_or_default().to_owned(),
    };
    let mut client = Command::new("node");
    client
        .args(["--no-warnings", "--dns-result-order=ipv4first", "cli.mjs"])
        .current_dir(&suite)
        .env("npm_config_base", base.trim_end_matches('/'))
        // npm would set this from package.json; an empty id selects all tests.
        .env("npm_package_config_id", id.unwrap_or_default());
    if id.is_some() {
        return run_shown(&mut client);
    }
    println!("xtask: running the suite; it takes some minutes, since caches age by the clock");
    let results = parse(&output(&mut client)?)?;
    Report::of(&tests(&suite)?, &results).print();
    Ok(())
}

/// A child process that is killed when dropped, and the address it reported to listen on.
struct Listening {
    child: Child,
    url: String,
}

impl Listening {
    /// Takes the address from the first line of `says` that has one. Later lines are read and dropped, so that a full
    /// pipe never blocks the child.
    fn new(child: Child, says: impl Read + Send + 'static) -> Outcome<Self> {
        let mut listening = Listening {
            child,
            url: String::new(),
        };
        let mut lines = BufReader::new(says).lines();
        let mut said = String::new();
        for line in lines.by_ref().map_while(Result::ok) {
            if let Some(at) = line.find("http://") {
                listening.url = line[at..].trim().to_owned();
                break;
            }
            said.push_str(&line);
            said.push('\n');
        }
        if listening.url.is_empty() {
            return Err(format!("a server did not start: {}", said.trim()));
        }
        std::thread::spawn(move || lines.for_each(drop));
        Ok(listening)
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        // A process that has ended by itself needs no killing.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start_origin(suite: &Path, port: u16) -> Outcome<Listening> {
    let loopback_only = command::root().join("tests-peers/origins/loopback_only.mjs");
    let mut command = Command::new("node");
    command
        .arg("--import")
        .arg(loopback_only)
        .arg("server/server.mjs")
        .current_dir(suite)
        .env("npm_config_protocol", "http")
        .env("npm_config_port", port.to_string())
        .env("npm_config_pidfile", "/dev/null")
        // The process ends when this pipe is closed, whatever happens to this program.
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = spawn(&mut command)?;
    let says = child.stdout.take().ok_or("the origin has no output")?;
    Listening::new(child, says)
}

fn start_edge(origin: &str) -> Outcome<(Listening, TempDir)> {
    run_shown(cargo().args(["build", "--locked", "-p", "privet", "--bin", "privet"]))?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let config = folder.path().join("privet.toml");
    let text = CONFIG.replace("ORIGIN", origin.trim_end_matches('/'));
    fs::write(&config, text).map_err(|error| format!("cannot write the configuration: {error}"))?;
    let privet = command::target().join("debug/privet");
    let mut command = program("setpriv", &["--pdeathsig", "KILL"]);
    command
        .arg(privet)
        .arg("serve")
        .arg(&config)
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    let mut child = spawn(&mut command)?;
    let says = child.stderr.take().ok_or("the edge has no output")?;
    Ok((Listening::new(child, says)?, folder))
}

fn spawn(command: &mut Command) -> Outcome<Child> {
    let name = command.get_program().to_owned();
    command
        .spawn()
        .map_err(|error| format!("cannot run {}: {error}", name.display()))
}

/// A test of the suite.
struct Test {
    id: String,
    kind: String,
    /// Ids of the tests without which this one says nothing.
    needs: Vec<String>,
}

fn tests(suite: &Path) -> Outcome<Vec<Test>> {
    let script = command::root().join("tests-peers/cache-tests/kinds.mjs");
    let listed = output(
        Command::new("node")
            .arg("--no-warnings")
            .arg(script)
            .current_dir(suite),
    )?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let test = |line: &str| {
        let value = parse(line)?;
        let needs = value["needs"].as_array().into_iter().flatten();
        Ok(Test {
            id: text(&value["id"]),
            kind: text(&value["kind"]),
            needs: needs.map(text).collect(),
        })
    };
    listed.lines().map(test).collect()
}

fn parse(text: &str) -> Outcome<Value> {
    serde_json::from_str(text).map_err(|error| format!("the suite said something else: {error}"))
}

/// Result of a test, in the suite's own terms (its lib/display.mjs).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Pass,
    Fail,
    /// The setup of the test failed.
    SetupFail,
    /// A required test did not pass.
    NeedFail,
    Untested,
}

impl Verdict {
    fn word(self) -> &'static str {
        match self {
            Verdict::Pass => "pass",
            Verdict::Fail => "fail",
            Verdict::SetupFail => "setup failed",
            Verdict::NeedFail => "needs another",
            Verdict::Untested => "untested",
        }
    }
}

struct Report {
    /// Numbers of tests by kind, then by verdict.
    counts: BTreeMap<String, BTreeMap<Verdict, usize>>,
    failures: Vec<String>,
}

impl Report {
    fn of(tests: &[Test], results: &Value) -> Self {
        let mut report = Report {
            counts: BTreeMap::new(),
            failures: Vec::new(),
        };
        for test in tests {
            let verdict = verdict(test, tests, results);
            let kind = report.counts.entry(test.kind.clone()).or_default();
            *kind.entry(verdict).or_default() += 1;
            if verdict != Verdict::Pass {
                let reason = results[&test.id][1].as_str().unwrap_or_default();
                let line = format!("{:9} {:13} {} {reason}", test.kind, verdict.word(), test.id);
                report.failures.push(line);
            }
        }
        report.failures.sort();
        report
    }

    fn print(&self) {
        for line in &self.failures {
            println!("{line}");
        }
        for (kind, verdicts) in &self.counts {
            let total: usize = verdicts.values().sum();
            let words = verdicts
                .iter()
                .map(|(verdict, count)| format!("{count} {}", verdict.word()));
            println!(
                "xtask: {kind}: {total} tests, {}",
                words.collect::<Vec<_>>().join(", ")
            );
        }
    }
}

fn verdict(test: &Test, tests: &[Test], results: &Value) -> Verdict {
    let result = &results[&test.id];
    if result.is_null() {
        return Verdict::Untested;
    }
    let is_met = |need: &String| {
        let needed = tests.iter().find(|test| test.id == *need);
        needed.is_none_or(|needed| verdict(needed, tests, results) == Verdict::Pass)
    };
    if !test.needs.iter().all(is_met) {
        return Verdict::NeedFail;
    }
    match (result.as_bool(), result[0].as_str()) {
        (Some(true), _) => Verdict::Pass,
        (_, Some("Setup")) => Verdict::SetupFail,
        (_, _) => Verdict::Fail,
    }
}

/// A cache that follows the origin's directives and otherwise RFC 9111 alone.
const CONFIG: &str = r#"
[[listeners]]
address = "127.0.0.1:0"
protocol = "http"

[cache]
memory = "64 MiB"

[[cache_policies]]
id = "as-the-origin-says"
min_ttl = "0s"
default_ttl = "0s"
max_ttl = "365d"
query_strings = "all"
cookies = "all"
gzip = false
brotli = false
zstd = false
heuristic_percent = 10
normalize_accept_language = true

[[origin_request_policies]]
id = "everything"
headers = "all-viewer"
cookies = "all"
query_strings = "all"

[[distributions]]
id = "CACHETESTS"
domain_name = "localhost"

[[distributions.origins]]
id = "suite"
url = "ORIGIN"

[distributions.default_behavior]
origin = "suite"
allowed_methods = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
cache_policy = "as-the-origin-says"
origin_request_policy = "everything"

[[distributions.custom_errors]]
status = 400
min_ttl = "0s"

[[distributions.custom_errors]]
status = 403
min_ttl = "0s"

[[distributions.custom_errors]]
status = 404
min_ttl = "0s"

[[distributions.custom_errors]]
status = 405
min_ttl = "0s"

[[distributions.custom_errors]]
status = 414
min_ttl = "0s"

[[distributions.custom_errors]]
status = 500
min_ttl = "0s"

[[distributions.custom_errors]]
status = 501
min_ttl = "0s"

[[distributions.custom_errors]]
status = 502
min_ttl = "0s"

[[distributions.custom_errors]]
status = 503
min_ttl = "0s"

[[distributions.custom_errors]]
status = 504
min_ttl = "0s"
"#;
