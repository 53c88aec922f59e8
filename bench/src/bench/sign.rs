//! `bench sign`: links per CPU second on one thread, in this process.
//!
//! Its peers in the same rounds are `openssl speed` (the bare operation without a link) and botocore with cryptography.
//! CPU time is measured, so that a busy machine disturbs less.

use super::keys::{self, Key, UNTIL};
use super::{Bar, Row, medians};
use privet_sign::{HashAlgorithm, Signer, Stamp, Terms, WireUrl};
use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};
use xtask::command::{self, Outcome, program};
use xtask::tools;

const STAMPED_LINKS: usize = 1_000_000;

/// Runs all cases.
pub fn run(quick: bool) -> Outcome<Vec<Row>> {
    tools::install_for_benches()?;
    let (rounds, seconds) = if quick { (2, 1) } else { (7, 2) };
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut rows = Vec::new();
    let keys = keys::make(folder.path())?;
    for key in &keys {
        rows.extend(run_key(key, rounds, seconds)?);
    }
    rows.extend(stamp_rows(&keys[0], rounds)?);
    Ok(rows)
}

/// The rounds of one case, ours first.
struct Case {
    hash: HashAlgorithm,
    name: &'static str,
    openssl: Vec<(f64, f64)>,
    botocore: Vec<(f64, f64)>,
}

fn run_key(key: &Key, rounds: u32, seconds: u32) -> Outcome<Vec<Row>> {
    let case = |hash, name| Case {
        hash,
        name,
        openssl: Vec::new(),
        botocore: Vec::new(),
    };
    let mut cases = [
        case(HashAlgorithm::Sha1, "sha1"),
        case(HashAlgorithm::Sha256, "sha256"),
    ];
    for round in 1..=rounds {
        eprintln!("xtask: sign {}, round {round} of {rounds}", key.name);
        for case in &mut cases {
            // A peer runs before and after ours, so that both share a drift in the machine's speed.
            let openssl = openssl_speed(key, seconds)?;
            let ours =
                links_a_second(&key.signer(case.hash)?, Duration::from_secs(seconds.into()))?;
            let botocore = botocore(key, case.name, seconds)?;
            case.openssl.push((ours, openssl));
            case.botocore.push((ours, botocore));
        }
    }
    Ok(cases.iter().flat_map(|case| case.rows(key)).collect())
}

impl Case {
    fn rows(&self, key: &Key) -> [Row; 2] {
        let bar = if key.name == "P-256" { 1.1 } else { 0.95 };
        let row = |rounds: &[(f64, f64)], name, bar| {
            let (ours, peer, ratio) = medians(rounds);
            Row {
                case: format!("sign {} {}", key.name, self.name),
                ours,
                peer: Some((peer, name)),
                unit: "links/CPU s",
                ratio: Some(ratio),
                bar: Bar::AtLeast(bar),
            }
        };
        [
            row(&self.openssl, "openssl speed", bar),
            row(&self.botocore, "botocore", 1.0),
        ]
    }
}

fn links_a_second(signer: &Signer, duration: Duration) -> Outcome<f64> {
    let terms = Terms::until(UNTIL);
    let mut count = 0_u64;
    let started = cpu_time();
    loop {
        for _ in 0..20 {
            let url = format!("https://d111111abcdef8.cloudfront.net/videos/{count:08}.mp4");
            let url = WireUrl::parse(&url).map_err(|error| error.to_string())?;
            black_box(
                signer
                    .sign_url(&url, &terms)
                    .map_err(|error| error.to_string())?,
            );
            count += 1;
        }
        let spent = cpu_time() - started;
        if spent >= duration {
            return Ok(rate(count, spent));
        }
    }
}

/// Returns signatures per second of CPU time, from the machine-readable lines `+F2` (RSA) and `+F4` (ECDSA).
fn openssl_speed(key: &Key, seconds: u32) -> Outcome<f64> {
    let (algorithm, prefix) = if key.name == "P-256" {
        ("ecdsap256", "+F4:")
    } else {
        ("rsa2048", "+F2:")
    };
    let seconds = seconds.to_string();
    let text = command::output(&mut program(
        "openssl",
        &["speed", "-mr", "-seconds", &seconds, algorithm],
    ))?;
    let line = text.lines().find(|line| line.starts_with(prefix));
    let signatures = line
        .and_then(|line| line.split(':').nth(3))
        .and_then(|text| text.parse().ok());
    signatures.ok_or_else(|| format!("openssl speed said something new: {text}"))
}

fn botocore(key: &Key, hash: &str, seconds: u32) -> Outcome<f64> {
    let script = command::root().join("tests-peers/botocore_bench.py");
    let mut python = Command::new(tools::python("python3"));
    python
        .arg(script)
        .arg(&key.private_file)
        .args([hash, &seconds.to_string()]);
    let text = command::output(&mut python)?;
    text.trim()
        .parse()
        .map_err(|_| format!("botocore_bench.py printed {text}"))
}

/// Measures one signature for a million links, where the remaining cost is that of writing text.
fn stamp_rows(key: &Key, rounds: u32) -> Outcome<Vec<Row>> {
    let mut terms = Terms::until(UNTIL);
    terms.resource = Some("https://d111111abcdef8.cloudfront.net/videos/*".to_owned());
    let stamp = key
        .signer(HashAlgorithm::Sha1)?
        .stamp(&terms)
        .map_err(|error| error.to_string())?;
    let urls = (0..STAMPED_LINKS)
        .map(|number| format!("https://d111111abcdef8.cloudfront.net/videos/{number:08}.mp4"));
    let urls: Vec<String> = urls.collect();
    let measured = (0..rounds)
        .map(|_| stamp_all(&stamp, &urls))
        .collect::<Outcome<Vec<_>>>()?;
    let (wall, cpu, _) = medians(&measured);
    let row = |case: &str, ours, unit| Row {
        case: case.to_owned(),
        ours,
        peer: None,
        unit,
        ratio: None,
        bar: Bar::AtLeast(1_000_000.0),
    };
    Ok(vec![
        row("stamp 1,000,000 links", wall, "links/s"),
        row("stamp, CPU time", cpu, "links/CPU s"),
    ])
}

/// Returns links per second of wall time and of CPU time.
fn stamp_all(stamp: &Stamp, urls: &[String]) -> Outcome<(f64, f64)> {
    let mut out = String::with_capacity(64 * 1024);
    let (started, started_cpu) = (Instant::now(), cpu_time());
    for url in urls {
        if out.len() > 60 * 1024 {
            black_box(&out);
            out.clear();
        }
        stamp
            .apply_text(url, &mut out)
            .map_err(|error| error.to_string())?;
        out.push('\n');
    }
    black_box(&out);
    let count = urls.len() as u64;
    Ok((
        rate(count, started.elapsed()),
        rate(count, cpu_time() - started_cpu),
    ))
}

/// Returns the CPU time of this process so far.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(
        time.tv_sec.unsigned_abs(),
        u32::try_from(time.tv_nsec).unwrap_or(0),
    )
}

fn rate(count: u64, time: Duration) -> f64 {
    count as f64 / time.as_secs_f64()
}
