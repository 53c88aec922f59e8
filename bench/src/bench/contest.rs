//! Alternating rounds of load: server CPU per request and requests per second, Privet beside its peers.
//!
//! The benches choose the servers, files and bars.

use super::fetch::Viewer;
use super::load::{CONNECTIONS, Load, Numbering, Protocol, Received, STREAMS};
use super::process::{cpu_time, writes};
use super::servers::{SECRET, Server};
use super::{Bar, Output, Row, medians};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;
use xtask::command::{self, Outcome};
use xtask::tools;

/// Number of bytes in a mebibyte.
pub const MIB: u64 = 1024 * 1024;

const WARMING_VIEWERS: usize = 16;

/// The way the cases of a bench are measured, and the choice of cases.
pub struct Contest<'a> {
    pub folder: &'a Path,
    pub rounds: u32,
    pub seconds: u32,
    only: Option<&'a str>,
}

/// One side of a case.
pub struct Side<'a> {
    pub server: &'a Server,
    /// A server whose CPU time counts too: the origin behind this one.
    pub behind: Option<&'a Server>,
    pub targets: Vec<String>,
    pub numbering: Numbering,
    pub cookie: Option<&'a str>,
    /// At once on each connection of HTTP/2.
    pub streams: u32,
}

impl<'a> Side<'a> {
    /// Returns a server by itself, with requests for `targets` in turn.
    pub fn new(server: &'a Server, targets: Vec<String>, cookie: Option<&'a str>) -> Self {
        Self {
            server,
            behind: None,
            targets,
            numbering: Numbering::AsListed,
            cookie,
            streams: STREAMS,
        }
    }

    /// Requests every target once, over plain HTTP and with a few viewers at a time, so that a cache has all of them.
    pub fn warm(&self) -> Outcome {
        let share = self.targets.len().div_ceil(WARMING_VIEWERS).max(1);
        let warm = |targets: &[String]| {
            let mut viewer = Viewer::connect(self.server.http_port)?;
            targets
                .iter()
                .try_for_each(|target| viewer.get(target, self.cookie).map(|_| ()))
        };
        let warmed: Outcome = thread::scope(|scope| {
            let shares = self.targets.chunks(share);
            let viewers: Vec<_> = shares
                .map(|share| scope.spawn(move || warm(share)))
                .collect();
            viewers
                .into_iter()
                .try_for_each(|viewer| viewer.join().map_err(|_| "a viewer panicked".to_owned())?)
        });
        warmed.map_err(|message| format!("{}: {message}", self.server.name))
    }

    fn cpu_time(&self) -> Outcome<Duration> {
        let behind = self
            .behind
            .map_or(Ok(Duration::ZERO), |server| cpu_time(server.process()))?;
        Ok(cpu_time(self.server.process())? + behind)
    }
}

impl<'a> Contest<'a> {
    /// Prepares the rounds; only cases whose name contains `only` run.
    pub fn new(folder: &'a Path, output: &Output, only: Option<&'a str>) -> Self {
        let (rounds, seconds) = if output.quick { (2, 1) } else { (5, 3) };
        Self {
            folder,
            rounds,
            seconds,
            only,
        }
    }

    /// Returns true if the case is to run.
    pub fn is_chosen(&self, case: &str) -> bool {
        self.only.is_none_or(|only| case.contains(only))
    }

    /// Compares CPU and rate; returns a pair of rows for each peer. The bar applies to the CPU.
    pub fn compare(
        &self,
        case: &str,
        size: u64,
        protocol: Protocol,
        ours: &Side<'_>,
        peers: &[(&Side<'_>, Bar)],
    ) -> Outcome<Vec<Row>> {
        eprintln!("xtask: {case}");
        let mut rounds = vec![(Vec::new(), Vec::new()); peers.len()];
        for _ in 0..self.rounds {
            let ours = self.round(ours, size, protocol)?;
            for ((peer, _), (cpu, rate)) in peers.iter().zip(&mut rounds) {
                let theirs = self.round(peer, size, protocol)?;
                cpu.push((ours.0, theirs.0));
                rate.push((ours.1, theirs.1));
            }
        }
        let mut rows = Vec::new();
        for ((peer, bar), (cpu, rate)) in peers.iter().zip(&rounds) {
            let name = peer.server.name;
            rows.push(Row::beside(case, name, cpu, "CPU us/request", *bar));
            let case = format!("{case}, rate");
            rows.push(Row::beside(&case, name, rate, "requests/s", Bar::None));
        }
        Ok(rows)
    }

    /// Returns CPU microseconds per request, and requests per second.
    pub fn round(&self, side: &Side<'_>, size: u64, protocol: Protocol) -> Outcome<(f64, f64)> {
        let before = side.cpu_time()?;
        let (requests, seconds) = self.load(side, size, protocol)?;
        let spent = side.cpu_time()?.saturating_sub(before);
        Ok((spent.as_secs_f64() * 1e6 / requests, requests / seconds))
    }

    /// Writes of the server for each request.
    pub fn writes(&self, side: &Side<'_>, size: u64, protocol: Protocol) -> Outcome<f64> {
        let before = writes(side.server.process())?;
        let (requests, _) = self.load(side, size, protocol)?;
        let written = writes(side.server.process())?.saturating_sub(before);
        Ok(written as f64 / requests)
    }

    /// Asks for as long as a round lasts: how many requests were answered, and in how many seconds.
    fn load(&self, side: &Side<'_>, size: u64, protocol: Protocol) -> Outcome<(f64, f64)> {
        let load = Load {
            protocol,
            port: side.server.port(protocol),
            targets: &side.targets,
            numbering: side.numbering,
            cookie: side.cookie,
            connections: CONNECTIONS,
            streams: side.streams,
            // Sixteen viewers of a large file need some time before their first bytes level out.
            seconds: if size > MIB {
                self.seconds.max(3)
            } else {
                self.seconds
            },
        };
        let received = load
            .run(self.folder)
            .map_err(|message| format!("{}: {message}", side.server.name))?;
        let requests = requests(&received, size);
        if requests <= 0.0 {
            return Err(format!("{} answered nothing", side.server.name));
        }
        Ok((requests, received.seconds))
    }
}

impl Row {
    /// Returns the medians of both sides' values in each round.
    pub fn beside(
        case: &str,
        peer_name: &'static str,
        rounds: &[(f64, f64)],
        unit: &'static str,
        bar: Bar,
    ) -> Self {
        let (ours, peer, ratio) = medians(rounds);
        Self {
            case: case.to_owned(),
            ours,
            peer: Some((peer, peer_name)),
            unit,
            ratio: Some(ratio),
            bar,
        }
    }
}

/// Turns a case that could not be measured into a missed one, so that earlier results are still shown.
pub fn or_failure(rows: Outcome<Vec<Row>>) -> Vec<Row> {
    rows.unwrap_or_else(|message| {
        eprintln!("xtask: {message}");
        vec![Row {
            case: format!("not measured: {message}"),
            ours: f64::NAN,
            peer: None,
            unit: "",
            ratio: None,
            bar: Bar::AtMost(0.0),
        }]
    })
}

/// Counts requests. Large files are counted by bytes, because a run ends in the middle of some.
fn requests(received: &Received, size: u64) -> f64 {
    if size < MIB {
        received.requests as f64
    } else {
        received.bytes as f64 / size as f64
    }
}

/// Returns `count` different links to one file, made as nginx's manual describes.
pub fn nginx_links(file: &str, count: u64) -> Outcome<Vec<String>> {
    let script = "import base64, hashlib, sys
for number in range(int(sys.argv[3])):
    expires = 4000000000 + number
    digest = hashlib.md5(f'{expires}/{sys.argv[1]} {sys.argv[2]}'.encode()).digest()
    text = base64.urlsafe_b64encode(digest).decode().rstrip('=')
    print(f'/{sys.argv[1]}?md5={text}&expires={expires}')";
    let mut python = Command::new(tools::python("python3"));
    let text = command::output(python.args(["-c", script, file, SECRET, &count.to_string()]))?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// Makes a file of the origin, whose bytes do not repeat early.
pub fn make_file(folder: &Path, size: u64) -> Outcome {
    let files = folder.join("files");
    fs::create_dir_all(&files).map_err(|error| error.to_string())?;
    let bytes: Vec<u8> = (0..size)
        .map(|index| (index * 31 + index / 251) as u8)
        .collect();
    fs::write(files.join(file_name(size)), bytes).map_err(|error| error.to_string())
}

/// Returns the name of a file of this size.
pub fn file_name(size: u64) -> String {
    format!("{size}.bin")
}

/// Returns the size as it appears in the name of a case.
pub fn size_name(size: u64) -> String {
    if size >= MIB {
        format!("{} MiB", size / MIB)
    } else {
        format!("{} KiB", size / 1024)
    }
}

/// Parses sizes such as `64k`.
pub fn parse_size(text: &str) -> Outcome<u64> {
    let (digits, unit) = match text.to_ascii_lowercase() {
        text if text.ends_with('m') => (text.trim_end_matches('m').to_owned(), MIB),
        text if text.ends_with('k') => (text.trim_end_matches('k').to_owned(), 1024),
        text => (text, 1),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| format!("{text} is not a size; write 1k, 64k or 1m"))?;
    Ok(number * unit)
}

#[cfg(test)]
mod tests {
    use super::{parse_size, size_name};

    #[test]
    fn sizes_are_read_and_written() {
        for (text, size, name) in [("1k", 1024, "1 KiB"), ("64M", 67_108_864, "64 MiB")] {
            assert_eq!(parse_size(text), Ok(size));
            assert_eq!(size_name(size), name);
        }
        assert_eq!(parse_size("1024"), Ok(1024));
        assert!(parse_size("big").is_err());
        assert!(parse_size("").is_err());
    }
}
