//! Open files: how many the system allows, and how many viewers they suffice for.

use crate::standard_error;
use crate::workers::worker_count;
use privet_distribution::config::Snapshot;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Descriptors of a worker itself: its runtime, and the folders and files that it opens briefly.
const WORKER_DESCRIPTORS: u64 = 32;
/// Descriptors of the process besides: logs, the cache's files, the operator's socket, standard streams.
const PROCESS_DESCRIPTORS: u64 = 128;

/// Raises the soft limit of open files to the hard one. Returns the resulting limit.
pub(crate) fn raise_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        // The limit stays as it was, so that one counts.
        Err(_) => limit.current,
    };
    current.unwrap_or(u64::MAX)
}

/// Returns the maximum number of descriptors needed for anything but viewers' connections.
fn others(snapshot: &Snapshot) -> u64 {
    let workers = worker_count(snapshot.node.edge.workers) as u64;
    let origins = snapshot.origins().iter();
    let origins = origins.filter(|origin| origin.source.is_remote());
    let origins = origins.map(|origin| origin.patience.connections_max as u64);
    let each = WORKER_DESCRIPTORS + snapshot.node.listeners.len() as u64 + origins.sum::<u64>();
    PROCESS_DESCRIPTORS + snapshot.node.limits.open_files_max as u64 + workers * each
}

/// Returns how many viewers may be connected when `descriptors_max` files may be open. Half of these are for viewers in
/// any case.
fn viewers_max(snapshot: &Snapshot, descriptors_max: u64) -> u64 {
    let left = descriptors_max.saturating_sub(others(snapshot));
    left.max(descriptors_max / 2)
}

/// Returns the warning for a configuration that needs more open files than the edge may have.
fn shortage_note(snapshot: &Snapshot, descriptors_max: u64) -> Option<String> {
    let connections_max = snapshot.node.limits.connections_max;
    let others = others(snapshot);
    let needed = others.saturating_add(connections_max as u64);
    (needed > descriptors_max).then(|| {
        format!(
            "{descriptors_max} files may be open, too few for {connections_max} viewers (limits.connections_max) and \
             {others} files and connections to origins; {} viewers are the most now: raise the hard limit (ulimit -Hn, \
             LimitNOFILE of systemd), or lower connections_max, open_files_max or the origins' connections_max",
            viewers_max(snapshot, descriptors_max).min(connections_max as u64)
        )
    })
}

/// Warns the operator of a configuration that needs more open files than the edge may have.
pub(crate) fn tell_of_shortage(snapshot: &Snapshot, descriptors_max: u64) {
    if let Some(note) = shortage_note(snapshot, descriptors_max) {
        standard_error::warning(note);
    }
}

/// Returns the warning that `serve` would give for this configuration if started here and now; `None` when all is well.
pub fn descriptors_note(snapshot: &Snapshot) -> Option<String> {
    let limit = getrlimit(Resource::Nofile);
    shortage_note(snapshot, limit.maximum.unwrap_or(u64::MAX))
}

/// Limit on open files, and so on connected viewers.
#[derive(Debug)]
pub(crate) struct Descriptors {
    max: u64,
}

impl Descriptors {
    pub(crate) fn new(max: u64) -> Self {
        Descriptors { max }
    }

    pub(crate) fn max(&self) -> u64 {
        self.max
    }

    /// Returns how many viewers may be connected, as far as descriptors go.
    pub(crate) fn viewers_max(&self, snapshot: &Snapshot) -> usize {
        usize::try_from(viewers_max(snapshot, self.max)).unwrap_or(usize::MAX)
    }
}
