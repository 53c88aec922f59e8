//! Tells of distributions whose logs are written nowhere: they ask for one, and the node has no folder of logs.

use crate::standard_error;
use privet_distribution::config::Snapshot;
use std::fmt::Write;

/// Number of distributions that are told by their ids.
const NAMED_MAX: usize = 5;

/// Warns of those that are new or changed since `before`.
pub(crate) fn tell_of_unwritten_logs(snapshot: &Snapshot, before: Option<&Snapshot>) {
    if let Some(note) = note_since(snapshot, before) {
        standard_error::warning(note);
    }
}

/// Returns the warning that `serve` would give for this configuration; `None` when all logs are written.
pub fn unwritten_logs_note(snapshot: &Snapshot) -> Option<String> {
    note_since(snapshot, None)
}

fn note_since(snapshot: &Snapshot, before: Option<&Snapshot>) -> Option<String> {
    if snapshot.node.log.is_some() {
        return None;
    }
    let distributions = snapshot.distributions();
    let distributions = distributions.changed_since(before.map(Snapshot::distributions));
    let distributions = distributions.filter(|one| one.logging.is_some());
    let streaming = snapshot.streaming_distributions();
    let streaming = streaming.changed_since(before.map(Snapshot::streaming_distributions));
    let streaming = streaming.filter(|one| one.logging.is_some());
    let ids = distributions.map(|one| one.id.as_str());
    note(ids.chain(streaming.map(|one| one.id.as_str())))
}

fn note<'i>(mut ids: impl Iterator<Item = &'i str>) -> Option<String> {
    let mut named = ids.next()?.to_owned();
    for id in ids.by_ref().take(NAMED_MAX - 1) {
        // Writing to a string does not fail.
        let _ = write!(named, ", {id}");
    }
    let more = match ids.count() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    Some(format!(
        "no [log] table: the logging of {named}{more} is written nowhere"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(count: usize, expected: Option<&str>) {
        let ids: Vec<String> = (1..=count).map(|number| format!("E{number}")).collect();
        let told = note(ids.iter().map(String::as_str));
        let expected =
            expected.map(|ids| format!("no [log] table: the logging of {ids} is written nowhere"));
        assert_eq!(told, expected);
    }

    #[test]
    fn a_few_are_named() {
        check(0, None);
        check(1, Some("E1"));
        check(5, Some("E1, E2, E3, E4, E5"));
        check(7, Some("E1, E2, E3, E4, E5 and 2 more"));
    }
}
