//! Viewers of an RTMP stream: CPU, memory and starved viewers, beside nginx's RTMP module.

use super::MediaBench;
use super::segments::ms;
use super::servers::{APPLICATION, VideoServer};
use super::stream_viewer::{Stream, Watched};
use super::videos::ONE_MINUTE;
use crate::bench::contest::or_failure;
use crate::bench::keys::UNTIL;
use crate::bench::process::{cpu_time, memory_bytes};
use crate::bench::{Bar, Row, median};
use privet_sign::{HashAlgorithm, Terms};
use std::thread;
use std::time::Duration;
use xtask::command::Outcome;

const COUNTS: [usize; 3] = [100, 400, 1_000];
/// Time over which the viewers' starts are spread.
const RAMP: Duration = Duration::from_secs(2);
/// Time without a byte after which a player stalls.
const STARVED: Duration = Duration::from_secs(5);
/// Limit of the rounds, each of which takes a minute.
const ROUNDS_MAX: u32 = 3;
const VIEWER_STACK_BYTES: usize = 256 * 1024;
const MEMORY_BAR_MB: f64 = 60.0;

/// Returns the rows for each number of viewers. Every round has new servers, because of their memory.
pub fn rows(bench: &MediaBench<'_>) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for count in COUNTS {
        let case = format!("RTMP, {count} viewers");
        if bench.is_chosen(&case) {
            rows.extend(or_failure(at(bench, &case, count)));
        }
    }
    Ok(rows)
}

fn at(bench: &MediaBench<'_>, case: &str, count: usize) -> Outcome<Vec<Row>> {
    let signed = bench.key.signer(HashAlgorithm::Sha1)?;
    let signed = signed.sign_stream(ONE_MINUTE.file, &Terms::until(UNTIL));
    let signed = format!("mp4:{}", signed.map_err(|error| error.to_string())?);
    let mut rounds = Vec::new();
    for _ in 0..bench.rounds().min(ROUNDS_MAX) {
        let privet = bench.place.privet(bench.key, bench.origin.http_port)?;
        let ours = crowd(bench, &privet, &signed, count)?;
        drop(privet);
        let nginx = bench.place.nginx()?;
        rounds.push((ours, crowd(bench, &nginx, ONE_MINUTE.file, count)?));
    }
    let beside = |what: &str, unit, bar, value: fn(&Crowd) -> f64| {
        let values: Vec<(f64, f64)> = rounds
            .iter()
            .map(|(ours, theirs)| (value(ours), value(theirs)))
            .collect();
        Row::beside(&format!("{case}, {what}"), "nginx-rtmp", &values, unit, bar)
    };
    let alone = |what: &str, unit, bar, value: fn(&Crowd) -> f64| Row {
        ratio: None,
        ..beside(what, unit, bar, value)
    };
    let rows = vec![
        beside("CPU", "CPU s/GB", Bar::AtMost(1.0), Crowd::cpu_secs_a_gb),
        beside("share", "% of a CPU", Bar::None, |crowd| crowd.cpu_percent),
        alone("memory", "MB", Bar::AtMost(MEMORY_BAR_MB), |crowd| {
            crowd.memory_mb
        }),
        alone("starved", "viewers", Bar::AtMost(0.0), |crowd| {
            crowd.starved as f64
        }),
        beside("sent", "MB", Bar::None, |crowd| crowd.bytes as f64 / 1e6),
        beside("first media", "ms, p50", Bar::None, |crowd| {
            crowd.first_media_ms
        }),
    ];
    rows.iter().for_each(Row::announce);
    Ok(rows)
}

/// Measurements of a crowd of viewers.
struct Crowd {
    cpu_secs: f64,
    cpu_percent: f64,
    memory_mb: f64,
    /// Number of viewers that got nothing, or stalled.
    starved: usize,
    bytes: u64,
    first_media_ms: f64,
}

impl Crowd {
    fn cpu_secs_a_gb(&self) -> f64 {
        self.cpu_secs * 1e9 / self.bytes as f64
    }
}

/// Starts viewers one after another and lets them watch; memory is measured while all are connected.
fn crowd(bench: &MediaBench<'_>, server: &VideoServer, name: &str, count: usize) -> Outcome<Crowd> {
    let duration = Duration::from_secs(if bench.is_quick() { 10 } else { 25 });
    let stream = Stream {
        port: server.rtmp_port,
        application: APPLICATION,
        name,
        duration,
    };
    let process = server.server.process();
    let before = cpu_time(process)?;
    let (watched, memory) = thread::scope(|scope| {
        let viewer = |number: usize| {
            let late = RAMP * number as u32 / count as u32;
            let watch = move || {
                thread::sleep(late);
                stream.watch()
            };
            thread::Builder::new()
                .stack_size(VIEWER_STACK_BYTES)
                .spawn_scoped(scope, watch)
        };
        let viewers = (0..count).map(viewer).collect::<Result<Vec<_>, _>>();
        let viewers = viewers.map_err(|error| error.to_string())?;
        thread::sleep(duration);
        let memory = memory_bytes(process)?;
        let watched = viewers
            .into_iter()
            .map(|viewer| viewer.join().map_err(|_| "a viewer panicked".to_owned())?);
        Ok::<_, String>((watched.collect::<Vec<_>>(), memory))
    })?;
    let cpu_secs = cpu_time(process)?.saturating_sub(before).as_secs_f64();
    sum(&watched, cpu_secs, duration, memory).ok_or_else(|| {
        let reason = watched
            .into_iter()
            .find_map(Result::err)
            .unwrap_or_default();
        format!("{}: nobody saw anything: {reason}", server.server.name)
    })
}

/// Sums the measurements up; `None` when no viewer saw anything.
fn sum(
    watched: &[Outcome<Watched>],
    cpu_secs: f64,
    duration: Duration,
    memory: u64,
) -> Option<Crowd> {
    let seen: Vec<&Watched> = watched.iter().filter_map(|one| one.as_ref().ok()).collect();
    let first_media: Vec<f64> = seen.iter().map(|one| ms(one.first_media)).collect();
    let fed = seen
        .iter()
        .filter(|one| one.longest_silence < STARVED)
        .count();
    (!seen.is_empty()).then(|| Crowd {
        cpu_secs,
        cpu_percent: cpu_secs * 100.0 / (duration + RAMP).as_secs_f64(),
        memory_mb: memory as f64 / 1e6,
        starved: watched.len() - fed,
        bytes: seen.iter().map(|one| one.bytes).sum(),
        first_media_ms: median(&first_media),
    })
}
