//! The cost of distributions: time to start, memory, and CPU per request whose host is one of many.

use super::{GrowthBench, OBJECT_SIZE_BYTES, row};
use crate::bench::contest::{Side, file_name};
use crate::bench::load::Protocol;
use crate::bench::process::memory_bytes;
use crate::bench::servers::{Server, free_port};
use crate::bench::{Row, median};
use std::fmt::Write;
use std::time::Instant;
use xtask::command::Outcome;

const COUNTS: [usize; 4] = [1, 100, 10_000, 100_000];
/// Number of distributions that get requests, spread over all.
const ASKED_MAX: usize = 1_000;

/// Returns three rows for each number.
pub fn rows(bench: &GrowthBench<'_>) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    let mut first = None;
    for count in COUNTS {
        let case = |what: &str| format!("{count} distributions, {what}");
        eprintln!("xtask: {count} distributions");
        let now = measure(bench, count)?;
        let first = *first.get_or_insert(now);
        rows.extend([
            row(case("start"), now.start_ms, first.start_ms, "ms"),
            row(case("memory"), now.memory_mb, first.memory_mb, "MB"),
            row(case("CPU"), now.cpu_us, first.cpu_us, "CPU us/request"),
        ]);
    }
    Ok(rows)
}

#[derive(Clone, Copy)]
struct Measured {
    start_ms: f64,
    memory_mb: f64,
    cpu_us: f64,
}

fn measure(bench: &GrowthBench<'_>, count: usize) -> Outcome<Measured> {
    let port = free_port()?;
    let toml = toml(bench, port, count);
    let folder = bench.contest.folder;
    // The build is done before the clock starts.
    Server::build_privet()?;
    let started = Instant::now();
    let privet = Server::privet_with(folder, (port, port), &toml)?;
    let start_ms = started.elapsed().as_secs_f64() * 1000.0;
    let memory_mb = memory_bytes(privet.process())? as f64 / 1e6;
    let asked = count.min(ASKED_MAX);
    let target = |number: usize| {
        let host = host(number * (count / asked));
        format!("/{}\tHost: {host}", file_name(OBJECT_SIZE_BYTES))
    };
    let side = Side::new(
        &privet,
        (0..asked).map(target).collect(),
        Some(&bench.cookie),
    );
    side.warm()?;
    let cpu_us = (0..bench.contest.rounds)
        .map(|_| {
            let round = bench
                .contest
                .round(&side, OBJECT_SIZE_BYTES, Protocol::Plain);
            round.map(|(cpu_us, _)| cpu_us)
        })
        .collect::<Outcome<Vec<f64>>>()?;
    Ok(Measured {
        start_ms,
        memory_mb,
        cpu_us: median(&cpu_us),
    })
}

fn host(number: usize) -> String {
    format!("videos{number}.example.com")
}

fn toml(bench: &GrowthBench<'_>, port: u16, count: usize) -> String {
    let key = &bench.keys[0];
    let mut toml = format!(
        r#"[edge]
workers = 2

[[listeners]]
address = "127.0.0.1:{port}"
protocol = "http"

[[public_keys]]
id = "{}"
file = "{}"

[[key_groups]]
id = "bench"
public_keys = ["{}"]
"#,
        key.id,
        key.public_file.display(),
        key.id
    );
    for number in 0..count {
        let text = format!(
            r#"
[[distributions]]
id = "EBENCH{number:07}"
domain_name = "d{number}.cloudfront.net"
aliases = ["{}"]
origins = [{{ id = "files", url = "http://127.0.0.1:{}" }}]

[distributions.default_behavior]
origin = "files"
trusted_key_groups = ["bench"]
"#,
            host(number),
            bench.origin.http_port,
        );
        // Writing to a string does not fail.
        let _ = toml.write_str(&text);
    }
    toml
}
