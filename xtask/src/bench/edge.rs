//! `bench edge`: server CPU a request, Privet beside nginx, in turns.
//!
//! Only the servers' own CPU time counts, so that the load generators on the same cores do not. Both
//! check a link on every request: nginx an MD5 sum, Privet a CloudFront cookie or link.

use super::keys::{self, Key};
use super::load::{Load, Protocol, Received};
use super::memory::{self, READERS};
use super::process::{cpu_time, peak_memory_bytes};
use super::servers::{self, AccessLog, Memory, SECRET, Server};
use super::{Bar, EdgeArguments, Row, medians};
use crate::command::{self, Outcome};
use crate::tools;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const MIB: u64 = 1024 * 1024;
/// Links of their own for each request; Privet's memory of signatures is switched off then.
const NEW_LINKS: u64 = 10_000;
const MEMORY_BAR_BYTES: f64 = 100e6;

/// Runs the chosen cases.
pub fn run(arguments: &EdgeArguments) -> Outcome<Vec<Row>> {
    tools::install_for_benches()?;
    let sizes = arguments
        .sizes
        .iter()
        .map(|text| parse_size(text))
        .collect::<Outcome<Vec<_>>>()?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let bench = EdgeBench::prepare(folder.path(), &sizes, arguments)?;
    let mut rows = Vec::new();
    for &size in &sizes {
        for protocol in [Protocol::Plain, Protocol::Https, Protocol::Http2] {
            for key in &bench.keys {
                rows.extend(or_failure(bench.repeated(size, protocol, key)));
            }
        }
    }
    rows.extend(or_failure(
        bench.new_links(sizes.first().copied().unwrap_or(1024)),
    ));
    rows.extend(or_failure(
        bench.logged(sizes.first().copied().unwrap_or(1024)),
    ));
    rows.extend(or_failure(bench.slow_viewers()));
    Ok(rows)
}

/// A case that could not be measured is a missed one; what was measured before it is still shown.
fn or_failure(rows: Outcome<Vec<Row>>) -> Vec<Row> {
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

/// What all cases share.
struct EdgeBench<'a> {
    folder: &'a Path,
    keys: [Key; 2],
    privet: Server,
    nginx: Server,
    rounds: u32,
    seconds: u32,
    only: Option<&'a str>,
}

/// One side of a case.
struct Side<'a> {
    server: &'a Server,
    targets: Vec<String>,
    cookie: Option<&'a str>,
}

impl<'a> EdgeBench<'a> {
    fn prepare(folder: &'a Path, sizes: &[u64], arguments: &'a EdgeArguments) -> Outcome<Self> {
        let files = folder.join("files");
        fs::create_dir_all(&files).map_err(|error| error.to_string())?;
        fs::create_dir_all(folder.join("privet-logs")).map_err(|error| error.to_string())?;
        for &size in sizes.iter().chain(&[64 * MIB]) {
            let bytes: Vec<u8> = (0..size)
                .map(|index| (index * 31 + index / 251) as u8)
                .collect();
            fs::write(files.join(file_name(size)), bytes).map_err(|error| error.to_string())?;
        }
        servers::make_certificate(folder)?;
        let keys = keys::make(folder)?;
        let privet = Server::privet(folder, &keys, Memory::Default, AccessLog::Off)?;
        let nginx = Server::nginx(folder, AccessLog::Off)?;
        for server in [&privet, &nginx] {
            eprintln!("xtask: {} uses {}", server.name, servers::cipher(server)?);
        }
        let (rounds, seconds) = if arguments.output.quick {
            (2, 1)
        } else {
            (5, 3)
        };
        Ok(Self {
            folder,
            keys,
            privet,
            nginx,
            rounds,
            seconds,
            only: arguments.only.as_deref(),
        })
    }

    fn is_chosen(&self, case: &str) -> bool {
        self.only.is_none_or(|only| case.contains(only))
    }

    /// The same grant with every request: what a viewer with a cookie sends.
    fn repeated(&self, size: u64, protocol: Protocol, key: &Key) -> Outcome<Vec<Row>> {
        let case = format!(
            "{} {}, {} cookie",
            size_name(size),
            protocol.name(),
            key.name
        );
        if !self.is_chosen(&case) {
            return Ok(Vec::new());
        }
        let cookie = key.cookie("*")?;
        let ours = Side {
            server: &self.privet,
            targets: vec![format!("/{}", file_name(size))],
            cookie: Some(&cookie),
        };
        let theirs = Side {
            server: &self.nginx,
            targets: nginx_links(&file_name(size), 1)?,
            cookie: None,
        };
        self.compare(&case, size, protocol, &ours, &theirs, bar(size, protocol))
    }

    /// A link of its own with every request: each signature is checked by the public key.
    fn new_links(&self, size: u64) -> Outcome<Vec<Row>> {
        let mut rows = Vec::new();
        let name = |protocol: Protocol, key: &Key| {
            format!(
                "{} {}, {} new links",
                size_name(size),
                protocol.name(),
                key.name
            )
        };
        let cases = [Protocol::Plain, Protocol::Https]
            .into_iter()
            .flat_map(|protocol| self.keys.iter().map(move |key| (protocol, key)));
        let chosen: Vec<_> = cases
            .filter(|(protocol, key)| self.is_chosen(&name(*protocol, key)))
            .collect();
        if chosen.is_empty() {
            return Ok(rows);
        }
        let forgetful = Server::privet(self.folder, &self.keys, Memory::One, AccessLog::Off)?;
        let theirs = nginx_links(&file_name(size), NEW_LINKS)?;
        for (protocol, key) in chosen {
            let origin = format!(
                "{}://localhost:{}",
                protocol.scheme(),
                port(&forgetful, protocol)
            );
            let links = key.links(&format!("{origin}/{}", file_name(size)), NEW_LINKS)?;
            let targets = links
                .iter()
                .filter_map(|link| Some(link.strip_prefix(&origin)?.to_owned()));
            let ours = Side {
                server: &forgetful,
                targets: targets.collect(),
                cookie: None,
            };
            let theirs = Side {
                server: &self.nginx,
                targets: theirs.clone(),
                cookie: None,
            };
            rows.extend(self.compare(
                &name(protocol, key),
                size,
                protocol,
                &ours,
                &theirs,
                Bar::None,
            )?);
        }
        Ok(rows)
    }

    /// A repeated grant while both servers write their access logs: Privet CloudFront's 33 fields, compressed; nginx
    /// its combined format, plain.
    fn logged(&self, size: u64) -> Outcome<Vec<Row>> {
        let key = &self.keys[0];
        let protocol = Protocol::Plain;
        let name = protocol.name();
        let case = format!(
            "{} {name}, {} cookie, access log",
            size_name(size),
            key.name
        );
        if !self.is_chosen(&case) {
            return Ok(Vec::new());
        }
        let privet = Server::privet(self.folder, &self.keys, Memory::Default, AccessLog::On)?;
        let nginx = Server::nginx(self.folder, AccessLog::On)?;
        let cookie = key.cookie("*")?;
        let ours = Side {
            server: &privet,
            targets: vec![format!("/{}", file_name(size))],
            cookie: Some(&cookie),
        };
        let theirs = Side {
            server: &nginx,
            targets: nginx_links(&file_name(size), 1)?,
            cookie: None,
        };
        self.compare(&case, size, protocol, &ours, &theirs, Bar::None)
    }

    fn compare(
        &self,
        case: &str,
        size: u64,
        protocol: Protocol,
        ours: &Side<'_>,
        theirs: &Side<'_>,
        bar: Bar,
    ) -> Outcome<Vec<Row>> {
        eprintln!("xtask: {case}");
        let (mut cpu, mut rate) = (Vec::new(), Vec::new());
        for _ in 0..self.rounds {
            let our_round = self.round(ours, size, protocol)?;
            let their_round = self.round(theirs, size, protocol)?;
            cpu.push((our_round.0, their_round.0));
            rate.push((our_round.1, their_round.1));
        }
        let row = |suffix: &str, rounds: &[(f64, f64)], unit, bar| {
            let (ours, peer, ratio) = medians(rounds);
            let case = format!("{case}{suffix}");
            Row {
                case,
                ours,
                peer: Some((peer, "nginx")),
                unit,
                ratio: Some(ratio),
                bar,
            }
        };
        Ok(vec![
            row("", &cpu, "CPU us/request", bar),
            row(", rate", &rate, "requests/s", Bar::None),
        ])
    }

    /// CPU microseconds a request, and requests a second.
    fn round(&self, side: &Side<'_>, size: u64, protocol: Protocol) -> Outcome<(f64, f64)> {
        let load = Load {
            protocol,
            port: port(side.server, protocol),
            targets: &side.targets,
            cookie: side.cookie,
            // Sixteen viewers of a large file need a while before their first bytes settle.
            seconds: if size > MIB {
                self.seconds.max(3)
            } else {
                self.seconds
            },
        };
        let before = cpu_time(side.server.process())?;
        let received = load
            .run(self.folder)
            .map_err(|message| format!("{}: {message}", side.server.name))?;
        let spent = cpu_time(side.server.process())?.saturating_sub(before);
        let requests = requests(&received, size);
        if requests <= 0.0 {
            return Err(format!("{} answered nothing", side.server.name));
        }
        Ok((
            spent.as_secs_f64() * 1e6 / requests,
            requests / received.seconds,
        ))
    }

    /// The most memory while many viewers read a large file slowly.
    fn slow_viewers(&self) -> Outcome<Vec<Row>> {
        let case = format!("{READERS} slow viewers of 64 MiB, memory");
        if !self.is_chosen(&case) {
            return Ok(Vec::new());
        }
        eprintln!("xtask: {case}");
        let file = file_name(64 * MIB);
        let cookie = self.keys[0].cookie("*")?;
        // A server of its own: peaks of other cases do not count.
        let privet = Server::privet(self.folder, &self.keys, Memory::Default, AccessLog::On)?;
        let duration = Duration::from_secs(10);
        memory::read_slowly(
            privet.http_port,
            &format!("/{file}"),
            Some(&cookie),
            duration,
        )?;
        let ours = peak_memory_bytes(privet.process())? as f64;
        let links = nginx_links(&file, 1)?;
        memory::read_slowly(self.nginx.http_port, &links[0], None, duration)?;
        let theirs = peak_memory_bytes(self.nginx.process())? as f64;
        Ok(vec![Row {
            case,
            ours: ours / 1e6,
            peer: Some((theirs / 1e6, "nginx")),
            unit: "MB, peak",
            ratio: None,
            bar: Bar::AtMost(MEMORY_BAR_BYTES / 1e6),
        }])
    }
}

/// Large files are counted by their bytes: a run ends in the middle of some.
fn requests(received: &Received, size: u64) -> f64 {
    if size < MIB {
        received.requests as f64
    } else {
        received.bytes as f64 / size as f64
    }
}

fn port(server: &Server, protocol: Protocol) -> u16 {
    match protocol {
        Protocol::Plain => server.http_port,
        Protocol::Https | Protocol::Http2 => server.https_port,
    }
}

/// Ours by nginx's, at most. Measured in a spike before the edge was written; see docs/performance.md.
fn bar(size: u64, protocol: Protocol) -> Bar {
    match (protocol, size) {
        (Protocol::Http2, _) => Bar::AtMost(0.95),
        (_, size) if size > MIB => Bar::None,
        (Protocol::Plain | Protocol::Https, size) if size <= 1024 => Bar::AtMost(0.75),
        (Protocol::Plain, size) if size <= 64 * 1024 => Bar::AtMost(0.8),
        (Protocol::Https, size) if size <= 64 * 1024 => Bar::AtMost(0.55),
        (Protocol::Plain, _) => Bar::AtMost(1.0),
        (Protocol::Https, _) => Bar::AtMost(0.5),
    }
}

/// `count` different links to one file, made as nginx's manual says.
fn nginx_links(file: &str, count: u64) -> Outcome<Vec<String>> {
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

fn file_name(size: u64) -> String {
    format!("{size}.bin")
}

fn size_name(size: u64) -> String {
    if size >= MIB {
        format!("{} MiB", size / MIB)
    } else {
        format!("{} KiB", size / 1024)
    }
}

fn parse_size(text: &str) -> Outcome<u64> {
    let (digits, unit) = match text.to_ascii_lowercase() {
        text if text.ends_with('m') => (text.trim_end_matches('m').to_owned(), MIB),
        text if text.ends_with('k') => (text.trim_end_matches('k').to_owned(), 1024),
        text => (text, 1),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| format!("{text} is no size; write 1k, 64k or 1m"))?;
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
