//! `bench media`: the cost of videos, beside ready-made files and streams from nginx.
//!
//! Server and load have one processor each. Viewers repeat one signed cookie with every request, as players do; nginx
//! checks nothing. CPU time comes first, because wall time mostly shows the neighbours on the machine.

mod cold;
mod growth;
mod rtmp;
mod segments;
mod servers;
mod stream_viewer;
pub mod videos;

use super::contest::or_failure;
use super::keys::{self, Key};
use super::servers::{Server, make_certificate};
use super::{MediaArguments, Row};
use servers::{Pinning, Place};
use videos::{FOUR_HOURS, ONE_DAY, ONE_HOUR, ONE_MINUTE, TEN_MINUTES};
use xtask::command::Outcome;
use xtask::tools;

/// Runs the chosen cases, and prints each row as soon as it is known.
pub fn run(arguments: &MediaArguments) -> Outcome<Vec<Row>> {
    tools::install_for_video_benches()?;
    videos::make(&[ONE_MINUTE, TEN_MINUTES, ONE_HOUR, FOUR_HOURS, ONE_DAY])?;
    Server::build_privet()?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    make_certificate(folder.path())?;
    let keys = keys::make(folder.path())?;
    let place = Place {
        folder: folder.path(),
        pinning: Pinning::take()?,
    };
    let bench = MediaBench {
        arguments,
        place,
        cookie: keys[0].cookie("*")?,
        key: &keys[0],
        origin: place.origin()?,
    };
    let mut rows = Vec::new();
    for part in [segments::rows, cold::rows, rtmp::rows, growth::rows] {
        rows.extend(or_failure(part(&bench)));
    }
    Ok(rows)
}

/// State shared by all parts.
struct MediaBench<'a> {
    arguments: &'a MediaArguments,
    place: Place<'a>,
    key: &'a Key,
    cookie: String,
    origin: Server,
}

impl MediaBench<'_> {
    fn is_chosen(&self, case: &str) -> bool {
        let only = self.arguments.only.as_deref();
        only.is_none_or(|only| case.contains(only))
    }

    fn is_quick(&self) -> bool {
        self.arguments.output.quick
    }

    fn rounds(&self) -> u32 {
        if self.is_quick() { 2 } else { 7 }
    }

    fn seconds(&self) -> u32 {
        if self.is_quick() { 1 } else { 3 }
    }
}
