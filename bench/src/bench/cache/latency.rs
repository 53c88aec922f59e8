//! The time that one viewer waits for an object that is not cached: through a cache and without it, alternately.

use super::servers::{self, Sizes};
use super::{CacheBench, Case, MISS_BAR, cases, far_origin};
use crate::bench::contest::{file_name, nginx_links, or_failure};
use crate::bench::fetch::Viewer;
use crate::bench::load::Protocol;
use crate::bench::{Bar, Row};
use xtask::command::Outcome;

const SIZES: Sizes = super::MEMORY;

/// Returns the rows for an origin on this machine, and for a distant one.
pub fn of_misses(bench: &CacheBench<'_>, sizes: &[u64]) -> Vec<Row> {
    let near = "latency of misses";
    let far = format!(
        "latency of misses, origin {} ms away",
        far_origin::AWAY.as_millis()
    );
    let mut rows = Vec::new();
    if let Some(cases) = bench.chosen(cases(near, sizes, &[Protocol::Plain])) {
        let port = bench.origin.http_port;
        rows.extend(or_failure(measure(bench, &cases, port, 100)));
    }
    if let Some(cases) = bench.chosen(cases(&far, sizes, &[Protocol::Plain])) {
        let port = far_origin::start(bench.origin.http_port);
        rows.extend(or_failure(
            port.and_then(|port| measure(bench, &cases, port, 20)),
        ));
    }
    rows
}

fn measure(
    bench: &CacheBench<'_>,
    cases: &[Case],
    origin: u16,
    requests: u32,
) -> Outcome<Vec<Row>> {
    let folder = bench.contest.folder;
    let privet = servers::privet(folder, &bench.keys, origin, SIZES)?;
    let nginx = servers::nginx(folder, origin)?;
    let mut rows = Vec::new();
    for case in cases {
        eprintln!("xtask: {}", case.name);
        let target = format!("/{}?n=", file_name(case.size));
        let link = nginx_links(&file_name(case.size), 1)?.remove(0) + "&n=";
        let mut viewers = [
            (
                Viewer::connect(privet.http_port)?,
                &target,
                Some(&*bench.cookie),
            ),
            (Viewer::connect(origin)?, &target, None),
            (Viewer::connect(nginx.http_port)?, &link, None),
        ];
        let (mut direct, mut beside) = (Vec::new(), Vec::new());
        for number in 0..bench.contest.rounds * requests {
            let mut times = [0.0; 3];
            for ((viewer, target, cookie), time) in viewers.iter_mut().zip(&mut times) {
                let took = viewer.get(&format!("{target}late{number}"), *cookie)?;
                *time = took.as_secs_f64() * 1e6;
            }
            let [ours, origin, theirs] = times;
            direct.push((ours, origin));
            beside.push((ours, theirs));
        }
        let unit = "us, median";
        rows.extend([
            Row::beside(&case.name, "origin", &direct, unit, Bar::AtMost(MISS_BAR)),
            Row::beside(&case.name, "nginx", &beside, unit, Bar::None),
        ]);
    }
    Ok(rows)
}
