//! Cases with one large object: ranges of it, and many viewers who read it slowly.

use super::CacheBench;
use super::servers::Sizes;
use crate::bench::contest::{MIB, Side, nginx_links, or_failure, size_name};
use crate::bench::load::Protocol;
use crate::bench::memory::{SlowViewers, Taken};
use crate::bench::process::peak_memory_bytes;
use crate::bench::servers::Server;
use crate::bench::{Bar, Row};
use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;
use xtask::command::Outcome;

/// A file below the folder that nginx slices.
const FILE: &str = "large/10g.bin";
const SIZE_BYTES: u64 = 10 * 1024 * MIB;
/// Size of the part that the ranges lie in: half of the memory.
const WARM_SIZE_BYTES: u64 = 256 * MIB;
const RANGES: u64 = 2_000;
const SLOW_VIEWERS: usize = 2_000;
const SLOW: Sizes = Sizes {
    memory: "256 MiB",
    disk: None,
};
const SLOW_WITH_DISK: Sizes = Sizes {
    memory: "256 MiB",
    disk: Some("8 GiB"),
};
const SLOW_MEMORY_BAR_BYTES: f64 = 256.0 * MIB as f64 + 100e6;

/// Makes a sparse file, which takes no disk at the origin.
pub fn make(folder: &Path) -> Outcome {
    let make = || {
        fs::create_dir_all(folder.join("files/large"))?;
        File::create(folder.join("files").join(FILE))?.set_len(SIZE_BYTES)
    };
    make().map_err(|error: std::io::Error| format!("cannot make the large file: {error}"))
}

/// Measures ranges in turn, all of them cached in memory.
pub fn ranges(bench: &CacheBench<'_>) -> Vec<Row> {
    let cases = [64 * 1024, MIB].iter().flat_map(|&size| {
        let name = |protocol: Protocol| {
            let name = format!("ranges of {}, {}", size_name(size), protocol.name());
            (name, size, protocol)
        };
        [Protocol::Plain, Protocol::Https].map(name)
    });
    let chosen: Vec<_> = cases
        .filter(|(name, ..)| bench.contest.is_chosen(name))
        .collect();
    if chosen.is_empty() {
        return Vec::new();
    }
    let measure = || {
        let (privet, nginx) = (bench.privet(super::MEMORY)?, bench.nginx()?);
        let link = nginx_links(FILE, 1)?.remove(0);
        let mut rows = Vec::new();
        for (name, size, protocol) in &chosen {
            let ours = targets(&format!("/{FILE}?n=0"), *size);
            let ours = Side::new(&privet, ours, Some(&bench.cookie));
            let theirs = Side::new(&nginx, targets(&format!("{link}&n=0"), *size), None);
            let peers = [(&theirs, Bar::None)];
            rows.extend(bench.warm_and_compare(name, *size, *protocol, &ours, &peers)?);
        }
        Ok(rows)
    };
    or_failure(measure())
}

/// Returns ranges that start anywhere in the warm part, in an order without a pattern.
fn targets(target: &str, size: u64) -> Vec<String> {
    // The step has no factor in common with the number of positions.
    let places = (WARM_SIZE_BYTES - size) / 512;
    let start = |number: u64| number * 104_729 % places * 512;
    (0..RANGES)
        .map(|number| {
            let start = start(number);
            format!("{target}\tRange: bytes={start}-{}", start + size - 1)
        })
        .collect()
}

/// Measures peak memory while many viewers read slowly at different positions.
pub fn slow_viewers(bench: &CacheBench<'_>) -> Vec<Row> {
    let variants = [("memory", SLOW), ("memory and disk", SLOW_WITH_DISK)];
    let mut rows = Vec::new();
    for (name, sizes) in variants {
        let case = format!("{SLOW_VIEWERS} slow viewers of 10 GiB, {name}");
        if bench.contest.is_chosen(&case) {
            eprintln!("xtask: {case}");
            rows.extend(or_failure(slow_viewers_rows(bench, &case, sizes)));
        }
    }
    rows
}

fn slow_viewers_rows(bench: &CacheBench<'_>, case: &str, sizes: Sizes) -> Outcome<Vec<Row>> {
    // Separate servers, because peaks of other cases must not count.
    let (privet, nginx) = (bench.privet(sizes)?, bench.nginx()?);
    let seconds = if bench.contest.rounds > 2 { 30 } else { 10 };
    let viewers = SlowViewers {
        count: SLOW_VIEWERS,
        pause: Duration::from_secs(1),
        duration: Duration::from_secs(seconds),
    };
    let peak = |server: &Server, target: &str, cookie: Option<&str>| {
        let apart = SIZE_BYTES / SLOW_VIEWERS as u64;
        let taken = viewers.read(server.http_port, cookie, |number| {
            format!("{target}\tRange: bytes={}-", number as u64 * apart)
        })?;
        let peak_bytes = peak_memory_bytes(server.process())?;
        Ok::<_, String>((peak_bytes as f64 / 1e6, taken))
    };
    let (our_peak, ours) = peak(&privet, &format!("/{FILE}?n=0"), Some(&bench.cookie))?;
    let link = nginx_links(FILE, 1)?.remove(0);
    let (their_peak, theirs) = peak(&nginx, &format!("{link}&n=0"), None)?;
    let row = |what: &str, ours: f64, theirs: f64, unit, bar| Row {
        case: format!("{case}{what}"),
        ours,
        peer: Some((theirs, "nginx slice")),
        unit,
        ratio: None,
        bar,
    };
    let bytes = |taken: &Taken| taken.bytes as f64 / 1e6;
    let unanswered = |taken: &Taken| taken.unanswered as f64;
    let bar = Bar::AtMost(SLOW_MEMORY_BAR_BYTES / 1e6);
    Ok(vec![
        row("", our_peak, their_peak, "MB, peak", bar),
        row(", sent", bytes(&ours), bytes(&theirs), "MB", Bar::None),
        row(
            ", unanswered",
            unanswered(&ours),
            unanswered(&theirs),
            "viewers",
            Bar::AtMost(0.0),
        ),
    ])
}
