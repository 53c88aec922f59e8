//! The cost of longer videos and more viewers, beside the shortest video and a single viewer.

use super::MediaBench;
use super::segments::{cost, ms};
use super::servers::CACHED;
use super::videos::{Clip, FOUR_HOURS, ONE_DAY, ONE_HOUR, ONE_MINUTE, TEN_MINUTES};
use crate::bench::fetch::Viewer;
use crate::bench::load::Protocol;
use crate::bench::process::{memory_bytes, peak_memory_bytes};
use crate::bench::{Bar, Row, median};
use xtask::command::{self, Outcome, program};

const VIDEOS: [Clip; 4] = [ONE_MINUTE, ONE_HOUR, FOUR_HOURS, ONE_DAY];
const VIEWERS: [u32; 4] = [1, 10, 100, 1_000];
/// Number of segments that the viewers request.
const SEGMENTS: u32 = 20;

/// Returns the rows for videos from a minute to a day, and for 1 to 1,000 viewers.
pub fn rows(bench: &MediaBench<'_>) -> Outcome<Vec<Row>> {
    let mut rows = lengths(bench)?;
    rows.extend(viewers(bench)?);
    Ok(rows)
}

/// Measurements of a video in a folder.
struct Length {
    memory_mb: f64,
    cold_ms: f64,
    warm_ms: f64,
    playlist_ms: f64,
    playlist_kb: f64,
    manifest_ms: f64,
}

fn lengths(bench: &MediaBench<'_>) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    let mut first: Option<Length> = None;
    for clip in VIDEOS {
        let case = format!("video of {}", clip.name);
        if !bench.is_chosen(&case) {
            continue;
        }
        let measured = length(bench, &clip)?;
        let smallest = first.as_ref().unwrap_or(&measured);
        let row = |what: &str, unit, value: fn(&Length) -> f64| {
            grown(
                &format!("{case}, {what}"),
                unit,
                value(&measured),
                value(smallest),
            )
        };
        let new = [
            row("memory", "MB", |length| length.memory_mb),
            row("first segment, cold", "ms", |length| length.cold_ms),
            row("first segment, warm", "ms", |length| length.warm_ms),
            row("media playlist", "ms", |length| length.playlist_ms),
            row("media playlist, size", "KB", |length| length.playlist_kb),
            row("DASH manifest", "ms", |length| length.manifest_ms),
        ];
        new.iter().for_each(Row::announce);
        rows.extend(new);
        first.get_or_insert(measured);
    }
    Ok(rows)
}

/// Returns medians over servers that start with empty caches.
fn length(bench: &MediaBench<'_>, clip: &Clip) -> Outcome<Length> {
    let mut rounds = Vec::new();
    for _ in 0..bench.rounds() {
        rounds.push(length_once(bench, clip)?);
    }
    let middle = |value: fn(&Length) -> f64| median(&rounds.iter().map(value).collect::<Vec<_>>());
    Ok(Length {
        memory_mb: middle(|length| length.memory_mb),
        cold_ms: middle(|length| length.cold_ms),
        warm_ms: middle(|length| length.warm_ms),
        playlist_ms: middle(|length| length.playlist_ms),
        playlist_kb: middle(|length| length.playlist_kb),
        manifest_ms: middle(|length| length.manifest_ms),
    })
}

fn length_once(bench: &MediaBench<'_>, clip: &Clip) -> Outcome<Length> {
    let privet = bench.place.privet(bench.key, bench.origin.http_port)?;
    let process = privet.server.process();
    let mut viewer = Viewer::connect(privet.server.http_port)?;
    // The memory of a connection and of the file itself does not belong to the index.
    viewer.get(
        &format!("/{}\tRange: bytes=0-0", clip.file),
        Some(&bench.cookie),
    )?;
    let before = memory_bytes(process)?;
    let mut get = |item: &str| {
        let target = format!("/{}/{item}", clip.file);
        viewer.get(&target, Some(&bench.cookie)).map(ms)
    };
    let cold_ms = get("hls/t1/1.m4s")?;
    let memory_mb = memory_bytes(process)?.saturating_sub(before) as f64 / 1e6;
    let warm: Vec<f64> = (0..20)
        .map(|_| get("hls/t1/1.m4s"))
        .collect::<Outcome<_>>()?;
    let playlist: Vec<f64> = (0..5)
        .map(|_| get("hls/t1/media.m3u8"))
        .collect::<Outcome<_>>()?;
    let manifest: Vec<f64> = (0..5)
        .map(|_| get("dash/manifest.mpd"))
        .collect::<Outcome<_>>()?;
    let list_url = format!(
        "http://localhost:{}/{}/hls/t1/media.m3u8",
        privet.server.http_port, clip.file
    );
    let mut curl = program("curl", &["-s", "-S", "-f", "-b", &bench.cookie, &list_url]);
    let list_bytes = command::output_bytes(&mut curl)?.len();
    Ok(Length {
        memory_mb,
        cold_ms,
        warm_ms: median(&warm),
        playlist_ms: median(&playlist),
        playlist_kb: list_bytes as f64 / 1e3,
        manifest_ms: median(&manifest),
    })
}

/// Measures as many viewers as there are connections, each as fast as it can be.
fn viewers(bench: &MediaBench<'_>) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    let mut first: Option<(f64, f64)> = None;
    let name = |number| format!("{CACHED}/{}/hls/t1/{number}.m4s", TEN_MINUTES.file);
    let targets: Vec<String> = (1..=SEGMENTS).map(name).collect();
    for count in VIEWERS {
        let case = format!("HLS, {count} viewers");
        if !bench.is_chosen(&case) {
            continue;
        }
        let privet = bench.place.privet(bench.key, bench.origin.http_port)?;
        let mut costs = Vec::new();
        for _ in 0..bench.rounds() {
            let server = &privet.server;
            let cookie = Some(&*bench.cookie);
            let cost = cost(bench, server, &targets, cookie, Protocol::Plain, count)?;
            costs.push(cost.cpu_secs_a_gb);
        }
        let cpu = median(&costs);
        let memory = peak_memory_bytes(privet.server.process())? as f64 / 1e6;
        let smallest = *first.get_or_insert((cpu, memory));
        let new = [
            grown(&format!("{case}, CPU"), "CPU s/GB", cpu, smallest.0),
            grown(&format!("{case}, memory"), "MB, peak", memory, smallest.1),
        ];
        new.iter().for_each(Row::announce);
        rows.extend(new);
    }
    Ok(rows)
}

fn grown(case: &str, unit: &'static str, ours: f64, smallest: f64) -> Row {
    Row {
        case: case.to_owned(),
        ours,
        peer: Some((smallest, "smallest case")),
        unit,
        ratio: Some(ours / smallest),
        bar: Bar::None,
    }
}
