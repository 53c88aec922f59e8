//! The cost of open, silent connections: memory for each, and their effect on the requests of others.

use super::{GrowthBench, OBJECT_SIZE_BYTES, row};
use crate::bench::cache::servers::{self, Sizes};
use crate::bench::contest::{Side, file_name, nginx_links, or_failure};
use crate::bench::fetch::Viewer;
use crate::bench::load::Protocol;
use crate::bench::process::{cpu_time, memory_bytes, open_files};
use crate::bench::servers::Server;
use crate::bench::{Bar, Row};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use xtask::command::Outcome;

const COUNTS: [usize; 3] = [100, 1_000, 10_000];
/// CPU time per second below which a server counts as idle; even then it still wakes up.
const IDLE_CPU_MAX: Duration = Duration::from_millis(30);
/// Until Privet has parked what is idle, and the allocator has given back what nobody needs any more.
const REST: Duration = Duration::from_secs(20);
const SIZES: Sizes = Sizes {
    memory: "64 MiB",
    disk: None,
};

/// Returns rows for each protocol and number: memory beside nginx, CPU per request beside the smallest number.
pub fn rows(bench: &GrowthBench<'_>) -> Vec<Row> {
    let mut rows = Vec::new();
    for protocol in [Protocol::Plain, Protocol::Https, Protocol::Http2] {
        let mut first = None;
        for count in COUNTS {
            let case = format!("{count} idle connections, {}", protocol.name());
            if bench.contest.is_chosen("connections") || bench.contest.is_chosen(&case) {
                rows.extend(or_failure(of_case(
                    bench,
                    &case,
                    (protocol, count),
                    &mut first,
                )));
            }
        }
    }
    rows
}

/// `first`: the CPU a request of others beside the fewest connections.
fn of_case(
    bench: &GrowthBench<'_>,
    case: &str,
    (protocol, count): (Protocol, usize),
    first: &mut Option<f64>,
) -> Outcome<Vec<Row>> {
    eprintln!("xtask: {case}");
    let (memory, cpu_us) = ours(bench, protocol, count)?;
    let first = *first.get_or_insert(cpu_us);
    let theirs = theirs(bench, protocol, count)?;
    let memory = Row {
        case: format!("{case}, memory"),
        ours: memory / 1024.0,
        peer: Some((theirs / 1024.0, "nginx")),
        unit: "KiB each",
        ratio: None,
        bar: memory_bar(protocol, count),
    };
    memory.announce();
    let cpu = row(format!("{case}, CPU"), cpu_us, first, "CPU us/request");
    Ok(vec![memory, cpu])
}

/// Of the connection, in KiB. Fewer connections share what a server has once among too few.
fn memory_bar(protocol: Protocol, count: usize) -> Bar {
    match protocol {
        Protocol::Plain if count == COUNTS[2] => Bar::AtMost(3.0),
        Protocol::Https if count == COUNTS[2] => Bar::AtMost(10.0),
        Protocol::Plain | Protocol::Https | Protocol::Http2 => Bar::None,
    }
}

/// Returns the bytes per connection, and the CPU per request of others.
fn ours(bench: &GrowthBench<'_>, protocol: Protocol, count: usize) -> Outcome<(f64, f64)> {
    let folder = bench.contest.folder;
    let privet = servers::privet(folder, &bench.keys, bench.origin.http_port, SIZES)?;
    let targets = vec![format!("/{}?n=0", file_name(OBJECT_SIZE_BYTES))];
    let side = Side::new(&privet, targets, Some(&bench.cookie));
    side.warm()?;
    let (memory, held) = hold(folder, &side, protocol, count)?;
    let round = || {
        bench
            .contest
            .round(&side, OBJECT_SIZE_BYTES, Protocol::Plain)
    };
    let cpu_us = (0..bench.contest.rounds)
        .map(|_| round().map(|(cpu_us, _)| cpu_us))
        .collect::<Outcome<Vec<f64>>>()?;
    drop(held);
    Ok((memory, crate::bench::median(&cpu_us)))
}

fn theirs(bench: &GrowthBench<'_>, protocol: Protocol, count: usize) -> Outcome<f64> {
    let nginx = servers::nginx(bench.contest.folder, bench.origin.http_port)?;
    let link = nginx_links(&file_name(OBJECT_SIZE_BYTES), 1)?.remove(0);
    let side = Side::new(&nginx, vec![format!("{link}&n=0")], None);
    side.warm()?;
    hold(bench.contest.folder, &side, protocol, count).map(|(memory, _)| memory)
}

/// Connections that have sent one request and stay open until this is dropped.
enum Held {
    Plain { _viewers: Vec<Viewer> },
    Tls(Child),
}

impl Drop for Held {
    fn drop(&mut self) {
        match self {
            Held::Plain { .. } => {}
            Held::Tls(h2load) => {
                // A process that has ended by itself needs no killing.
                let _ = h2load.kill();
                let _ = h2load.wait();
            }
        }
    }
}

/// Opens the connections; returns the server's additional memory per connection.
fn hold(folder: &Path, side: &Side<'_>, protocol: Protocol, count: usize) -> Outcome<(f64, Held)> {
    let process = side.server.process();
    let (files, before) = (open_files(process)?, memory_bytes(process)?);
    let held = match protocol {
        Protocol::Plain => plain(side, count)?,
        Protocol::Https | Protocol::Http2 => tls(folder, side, protocol, count)?,
    };
    wait_for_connections(side.server, files + count)?;
    thread::sleep(REST);
    let added = memory_bytes(process)?.saturating_sub(before);
    Ok((added as f64 / count as f64, held))
}

fn plain(side: &Side<'_>, count: usize) -> Outcome<Held> {
    let viewer = |_| {
        let mut viewer = Viewer::connect(side.server.http_port)?;
        viewer.get(&side.targets[0], side.cookie)?;
        Ok(viewer)
    };
    let viewers = (0..count).map(viewer).collect::<Outcome<Vec<_>>>()?;
    Ok(Held::Plain { _viewers: viewers })
}

/// Runs h2load with a script: one request on each connection at once, another only after the measurement.
fn tls(folder: &Path, side: &Side<'_>, protocol: Protocol, count: usize) -> Outcome<Held> {
    let script = folder.join("idle.txt");
    let url = format!(
        "https://localhost:{}{}",
        side.server.https_port, side.targets[0]
    );
    fs::write(&script, format!("0.0\t{url}\n300000.0\t{url}\n"))
        .map_err(|error| error.to_string())?;
    let mut h2load = Command::new("h2load");
    h2load.args(["-t", "1", "-m", "1", "-c", &count.to_string()]);
    h2load.args(["-n", &(2 * count).to_string()]);
    if protocol == Protocol::Https {
        h2load.arg("--h1");
    }
    if let Some(cookie) = side.cookie {
        h2load.arg("-H").arg(format!("cookie: {cookie}"));
    }
    h2load.arg(format!("--timing-script-file={}", script.display()));
    let child = h2load
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("cannot start h2load: {error}"))?;
    Ok(Held::Tls(child))
}

/// Waits until the server has opened `files` files, which include connections, and has responded to their requests.
fn wait_for_connections(server: &Server, files: usize) -> Outcome {
    let deadline = Instant::now() + Duration::from_secs(120);
    // The connection that warmed the cache may be gone.
    while open_files(server.process())? + 2 < files {
        if Instant::now() > deadline {
            let open = open_files(server.process())?;
            let name = server.name;
            return Err(format!("{name} has only {open} of {files} files open"));
        }
        thread::sleep(Duration::from_millis(100));
    }
    // An open connection may not have finished its handshake.
    while Instant::now() < deadline {
        let before = cpu_time(server.process())?;
        thread::sleep(Duration::from_secs(1));
        if cpu_time(server.process())?.saturating_sub(before) <= IDLE_CPU_MAX {
            return Ok(());
        }
    }
    Err(format!("{} does not come to rest", server.name))
}
