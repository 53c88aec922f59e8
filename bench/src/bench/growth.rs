//! `bench growth`: the cost of more of everything: objects in the cache, connections, distributions.
//!
//! The peer of most rows is Privet's own smallest case, because the growth of the numbers is what matters.

mod connections;
mod distributions;
mod store;
mod stored;

use super::contest::{Contest, or_failure};
use super::keys::{self, Key};
use super::servers::{Server, make_certificate};
use super::{Bar, GrowthArguments, Row, cache, contest};
use xtask::command::Outcome;
use xtask::tools;

/// Runs the chosen parts.
pub fn run(arguments: &GrowthArguments) -> Outcome<Vec<Row>> {
    tools::install_for_benches()?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let only = arguments.only.as_deref();
    let contest = Contest::new(folder.path(), &arguments.output, only);
    let mut rows = Vec::new();
    if contest.is_chosen("objects") {
        rows.extend(or_failure(store::rows(&contest)));
    }
    let connections = only.is_some_and(|only| only.contains("connections"));
    let is_stored = only.is_none_or(|only| only.contains("stored"));
    if connections
        || is_stored
        || contest.is_chosen("connections")
        || contest.is_chosen("distributions")
    {
        let bench = GrowthBench::prepare(contest)?;
        if connections || bench.contest.is_chosen("connections") {
            rows.extend(connections::rows(&bench));
        }
        if is_stored {
            rows.extend(or_failure(stored::rows(&bench)));
        }
        if bench.contest.is_chosen("distributions") {
            rows.extend(or_failure(distributions::rows(&bench)));
        }
    }
    Ok(rows)
}

/// State shared by the parts with servers: one object of 1 KiB at an origin.
struct GrowthBench<'a> {
    contest: Contest<'a>,
    keys: [Key; 2],
    cookie: String,
    origin: Server,
}

const OBJECT_SIZE_BYTES: u64 = 1024;

impl<'a> GrowthBench<'a> {
    fn prepare(contest: Contest<'a>) -> Outcome<Self> {
        let folder = contest.folder;
        contest::make_file(folder, OBJECT_SIZE_BYTES)?;
        make_certificate(folder)?;
        let keys = keys::make(folder)?;
        Ok(Self {
            cookie: keys[0].cookie("*")?,
            keys,
            origin: cache::servers::origin(folder)?,
            contest,
        })
    }
}

/// Returns a row with our value beside our value in the smallest case.
fn row(case: String, ours: f64, first: f64, unit: &'static str) -> Row {
    Row {
        case,
        ours,
        peer: Some((first, "smallest case")),
        unit,
        ratio: Some(ours / first),
        bar: Bar::None,
    }
}
