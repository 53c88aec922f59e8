//! `bench edge`: server CPU per request, Privet beside nginx, alternately.
//!
//! Only the servers' own CPU time counts, not that of the load generators on the same cores. Both check a link on every
//! request: nginx an MD5 sum, Privet a CloudFront cookie or link.

use super::contest::{
    self, Contest, MIB, Side, file_name, nginx_links, or_failure, parse_size, size_name,
};
use super::idle::IdleViewers;
use super::keys::{self, Key};
use super::load::Protocol;
use super::memory::SlowViewers;
use super::process::{memory_bytes, peak_memory_bytes};
use super::servers::{self, AccessLog, Memory, Server};
use super::{Bar, EdgeArguments, Row};
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;
use xtask::command::Outcome;
use xtask::tools;

/// Streams at once on each connection of HTTP/2, and what the CPU by nginx's may be; other rows have four.
const STREAMS: [(u32, Bar); 3] = [(1, Bar::None), (16, Bar::AtMost(0.8)), (100, Bar::None)];
/// The answers of streams that were asked for together leave together.
const WRITES_BAR: f64 = 0.3;
/// Number of different links, requested in turn from an edge that remembers only the last signature.
const NEW_LINKS: u64 = 10_000;
const MEMORY_BAR_BYTES: f64 = 100e6;
const SLOW_VIEWERS: usize = 500;
const IDLE_MEMORY_BAR_BYTES: f64 = 150e6;
const IDLE_VIEWERS: usize = 60;
const IDLE_STREAMS: u32 = 120;
/// Time for all streams to get their responses.
const IDLE_FOR: Duration = Duration::from_secs(5);
/// Time until the allocator has returned unused memory.
const REST: Duration = Duration::from_secs(30);

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
    for (streams, bar) in STREAMS {
        rows.extend(or_failure(bench.streams(
            sizes.first().copied().unwrap_or(1024),
            streams,
            bar,
        )));
    }
    rows.extend(or_failure(
        bench.new_links(sizes.first().copied().unwrap_or(1024)),
    ));
    rows.extend(or_failure(
        bench.logged(sizes.first().copied().unwrap_or(1024)),
    ));
    rows.extend(or_failure(bench.slow_viewers()));
    rows.extend(or_failure(bench.idle_viewers()));
    Ok(rows)
}

/// State shared by all cases.
struct EdgeBench<'a> {
    contest: Contest<'a>,
    keys: [Key; 2],
    privet: Server,
    nginx: Server,
}

impl<'a> EdgeBench<'a> {
    fn prepare(folder: &'a Path, sizes: &[u64], arguments: &'a EdgeArguments) -> Outcome<Self> {
        fs::create_dir_all(folder.join("privet-logs")).map_err(|error| error.to_string())?;
        for &size in sizes.iter().chain(&[64 * MIB]) {
            contest::make_file(folder, size)?;
        }
        servers::make_certificate(folder)?;
        let keys = keys::make(folder)?;
        let privet = Server::privet(folder, &keys, Memory::Default, AccessLog::Off)?;
        let nginx = Server::nginx(folder, AccessLog::Off)?;
        for server in [&privet, &nginx] {
            eprintln!("xtask: {} uses {}", server.name, servers::cipher(server)?);
        }
        let contest = Contest::new(folder, &arguments.output, arguments.only.as_deref());
        Ok(Self {
            contest,
            keys,
            privet,
            nginx,
        })
    }

    /// The same grant with every request, as a viewer with a cookie sends it.
    fn repeated(&self, size: u64, protocol: Protocol, key: &Key) -> Outcome<Vec<Row>> {
        let case = format!(
            "{} {}, {} cookie",
            size_name(size),
            protocol.name(),
            key.name
        );
        if !self.contest.is_chosen(&case) {
            return Ok(Vec::new());
        }
        let cookie = key.cookie("*")?;
        let ours = Side::new(
            &self.privet,
            vec![format!("/{}", file_name(size))],
            Some(&cookie),
        );
        let theirs = Side::new(&self.nginx, nginx_links(&file_name(size), 1)?, None);
        self.contest.compare(
            &case,
            size,
            protocol,
            &ours,
            &[(&theirs, bar(size, protocol))],
        )
    }

    /// A cookie over HTTP/2, with so many streams at once on each connection.
    fn streams(&self, size: u64, streams: u32, bar: Bar) -> Outcome<Vec<Row>> {
        let (key, protocol) = (&self.keys[0], Protocol::Http2);
        let (size_name, key_name) = (size_name(size), key.name);
        let name = protocol.name();
        let case = format!("{size_name} {name} with {streams} streams, {key_name} cookie");
        if !self.contest.is_chosen(&case) {
            return Ok(Vec::new());
        }
        let cookie = key.cookie("*")?;
        let mut ours = Side::new(
            &self.privet,
            vec![format!("/{}", file_name(size))],
            Some(&cookie),
        );
        let mut theirs = Side::new(&self.nginx, nginx_links(&file_name(size), 1)?, None);
        (ours.streams, theirs.streams) = (streams, streams);
        let peers = [(&theirs, bar)];
        let mut rows = self.contest.compare(&case, size, protocol, &ours, &peers)?;
        let writes = |side: &Side<'_>| self.contest.writes(side, size, protocol);
        rows.push(Row {
            case: format!("{case}, writes"),
            ours: writes(&ours)?,
            peer: Some((writes(&theirs)?, "nginx")),
            unit: "writes/answer",
            ratio: None,
            bar: match streams {
                1 => Bar::None,
                _ => Bar::AtMost(WRITES_BAR),
            },
        });
        Ok(rows)
    }

    /// A different link with every request, so that each signature is checked with the public key.
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
            .filter(|(protocol, key)| self.contest.is_chosen(&name(*protocol, key)))
            .collect();
        if chosen.is_empty() {
            return Ok(rows);
        }
        let forgetful =
            Server::privet(self.contest.folder, &self.keys, Memory::One, AccessLog::Off)?;
        let theirs = nginx_links(&file_name(size), NEW_LINKS)?;
        for (protocol, key) in chosen {
            let origin = format!(
                "{}://localhost:{}",
                protocol.scheme(),
                forgetful.port(protocol)
            );
            let links = key.links(&format!("{origin}/{}", file_name(size)), NEW_LINKS)?;
            let targets = links
                .iter()
                .filter_map(|link| Some(link.strip_prefix(&origin)?.to_owned()));
            let ours = Side::new(&forgetful, targets.collect(), None);
            let theirs = Side::new(&self.nginx, theirs.clone(), None);
            rows.extend(self.contest.compare(
                &name(protocol, key),
                size,
                protocol,
                &ours,
                &[(&theirs, Bar::None)],
            )?);
        }
        Ok(rows)
    }

    /// A repeated grant while both servers write access logs: Privet CloudFront's 33 fields, compressed; nginx its
    /// combined format, plain.
    fn logged(&self, size: u64) -> Outcome<Vec<Row>> {
        let key = &self.keys[0];
        let protocol = Protocol::Plain;
        let name = protocol.name();
        let case = format!(
            "{} {name}, {} cookie, access log",
            size_name(size),
            key.name
        );
        if !self.contest.is_chosen(&case) {
            return Ok(Vec::new());
        }
        let privet = Server::privet(
            self.contest.folder,
            &self.keys,
            Memory::Default,
            AccessLog::On,
        )?;
        let nginx = Server::nginx(self.contest.folder, AccessLog::On)?;
        let cookie = key.cookie("*")?;
        let ours = Side::new(
            &privet,
            vec![format!("/{}", file_name(size))],
            Some(&cookie),
        );
        let theirs = Side::new(&nginx, nginx_links(&file_name(size), 1)?, None);
        self.contest
            .compare(&case, size, protocol, &ours, &[(&theirs, Bar::None)])
    }

    /// Peak memory while many viewers read a large file slowly.
    fn slow_viewers(&self) -> Outcome<Vec<Row>> {
        let case = format!("{SLOW_VIEWERS} slow viewers of 64 MiB, memory");
        if !self.contest.is_chosen(&case) {
            return Ok(Vec::new());
        }
        eprintln!("xtask: {case}");
        let file = file_name(64 * MIB);
        let cookie = self.keys[0].cookie("*")?;
        // A separate server, because peaks of other cases must not count.
        let privet = Server::privet(
            self.contest.folder,
            &self.keys,
            Memory::Default,
            AccessLog::On,
        )?;
        let peak = |server: &Server, target: &str, cookie: Option<&str>| {
            let viewers = SlowViewers {
                count: SLOW_VIEWERS,
                pause: Duration::from_millis(100),
                duration: Duration::from_secs(10),
            };
            let taken = viewers.read(server.http_port, cookie, |_| target.to_owned())?;
            if taken.unanswered > 0 {
                return Err(format!("{} slow viewers got no 200", taken.unanswered));
            }
            Ok::<_, String>(peak_memory_bytes(server.process())? as f64)
        };
        let ours = peak(&privet, &format!("/{file}"), Some(&cookie))?;
        let theirs = peak(&self.nginx, &nginx_links(&file, 1)?[0], None)?;
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

impl EdgeBench<'_> {
    /// Memory while viewers send requests on all streams and read nothing, and some time after they have left.
    fn idle_viewers(&self) -> Outcome<Vec<Row>> {
        let case = format!("{IDLE_VIEWERS} idle viewers of {IDLE_STREAMS} h2 streams, memory");
        if !self.contest.is_chosen(&case) {
            return Ok(Vec::new());
        }
        eprintln!("xtask: {case}");
        let cookie = self.keys[0].cookie("*")?;
        let memory = |server: &Server, target: &str, cookie: &str| {
            let asked = (target, cookie);
            let port = server.https_port;
            let viewers = IdleViewers::connect(IDLE_VIEWERS, IDLE_STREAMS, port, asked)?;
            thread::sleep(IDLE_FOR);
            let held = memory_bytes(server.process())? as f64 / 1e6;
            drop(viewers);
            thread::sleep(REST);
            let kept = memory_bytes(server.process())? as f64 / 1e6;
            Ok::<_, String>((held, kept))
        };
        let file = file_name(64 * MIB);
        let privet = Server::privet(
            self.contest.folder,
            &self.keys,
            Memory::Default,
            AccessLog::Off,
        )?;
        let (held, kept) = memory(&privet, &format!("/{file}"), &cookie)?;
        let theirs = memory(&self.nginx, &nginx_links(&file, 1)?[0], "none=1")?;
        let row = |case: String, ours: f64, theirs: f64| Row {
            case,
            ours,
            peer: Some((theirs, "nginx")),
            unit: "MB",
            ratio: None,
            bar: Bar::AtMost(IDLE_MEMORY_BAR_BYTES / 1e6),
        };
        Ok(vec![
            row(case.clone(), held, theirs.0),
            row(format!("{case} after they left"), kept, theirs.1),
        ])
    }
}

/// Returns the highest ratio to nginx. The values were measured in a spike before the edge was written; see
/// docs/performance.md.
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
