//! The first segment of a long video that is not cached: time, and bytes that the origin sent.

use super::MediaBench;
use super::segments::ms;
use super::servers::CACHED;
use super::videos::FOUR_HOURS;
use crate::bench::fetch::Viewer;
use crate::bench::{Bar, Row, median};
use std::thread;
use std::time::Duration;
use xtask::command::Outcome;

const CASE: &str = "cold 4 h video, first segment";
const TIME_BAR_MS: f64 = 150.0;
const ORIGIN_BAR_MB: f64 = 20.0;
/// Time for read-ahead to finish, and for the origin to log it.
const SETTLING: Duration = Duration::from_millis(500);

/// Returns the rows; each round starts a Privet with an empty cache.
pub fn rows(bench: &MediaBench<'_>) -> Outcome<Vec<Row>> {
    if !bench.is_chosen(CASE) {
        return Ok(Vec::new());
    }
    let (mut times, mut warm_times, mut sent) = (Vec::new(), Vec::new(), Vec::new());
    let target = format!("{CACHED}/{}/hls/t1/1.m4s", FOUR_HOURS.file);
    for _ in 0..bench.rounds() {
        let privet = bench.place.privet(bench.key, bench.origin.http_port)?;
        let mut viewer = Viewer::connect(privet.server.http_port)?;
        let before = bench.place.sent_bytes();
        times.push(ms(viewer.get(&target, Some(&bench.cookie))?));
        thread::sleep(SETTLING);
        sent.push((bench.place.sent_bytes() - before) as f64 / 1e6);
        warm_times.push(ms(viewer.get(&target, Some(&bench.cookie))?));
    }
    let row = |case: &str, values: &[f64], unit, bar| Row {
        case: case.to_owned(),
        ours: median(values),
        peer: None,
        unit,
        ratio: None,
        bar,
    };
    let (late, early) = (format!("{CASE}, origin"), format!("{CASE}, once more"));
    let rows = vec![
        row(CASE, &times, "ms", Bar::AtMost(TIME_BAR_MS)),
        row(&late, &sent, "MB read", Bar::AtMost(ORIGIN_BAR_MB)),
        row(&early, &warm_times, "ms", Bar::None),
    ];
    rows.iter().for_each(Row::announce);
    Ok(rows)
}
