//! Open files: as many as the system allows, and what they suffice for.

use crate::standard_error;
use crate::workers::worker_count;
use privet_distribution::config::Snapshot;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What a worker has open for itself: its runtime, and the folders and files that it looks at in passing.
const WORKER_DESCRIPTORS: u64 = 32;
/// What the process has open besides: logs, the cache's files, the operator's socket, standard streams.
const PROCESS_DESCRIPTORS: u64 = 128;

/// Raises the soft limit of open files to the hard one. Returns what it is now.
pub(crate) fn raise_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        // It stays as it was, which is what counts then.
        Err(_) => limit.current,
    };
    current.unwrap_or(u64::MAX)
}

/// What else than viewers' connections needs descriptors, at most.
fn others(snapshot: &Snapshot) -> u64 {
    let workers = worker_count(snapshot.edge.workers) as u64;
    let origins = snapshot.origins().iter();
    let origins = origins.filter(|origin| origin.source.is_remote());
    let origins = origins.map(|origin| origin.patience.connections_max as u64);
    let each = WORKER_DESCRIPTORS + snapshot.listeners.len() as u64 + origins.sum::<u64>();
    PROCESS_DESCRIPTORS + snapshot.limits.open_files_max as u64 + workers * each
}

/// How many viewers may be connected when `descriptors_max` files may be open. Half of them is for viewers in any case.
fn viewers_max(snapshot: &Snapshot, descriptors_max: u64) -> u64 {
    let left = descriptors_max.saturating_sub(others(snapshot));
    left.max(descriptors_max / 2)
}

/// What to tell an operator whose configuration needs more open files than the edge may have.
fn shortage_note(snapshot: &Snapshot, descriptors_max: u64) -> Option<String> {
    let connections_max = snapshot.limits.connections_max;
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

/// Tells the operator of a configuration that needs more open files than the edge may have.
pub(crate) fn tell_of_shortage(snapshot: &Snapshot, descriptors_max: u64) {
    if let Some(note) = shortage_note(snapshot, descriptors_max) {
        standard_error::warning(note);
    }
}

/// What to tell the operator of this configuration, if `serve` were started here and now; `None` when all is well.
pub fn descriptors_note(snapshot: &Snapshot) -> Option<String> {
    let limit = getrlimit(Resource::Nofile);
    shortage_note(snapshot, limit.maximum.unwrap_or(u64::MAX))
}

/// How many files may be open, and so how many viewers connected.
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

    /// How many viewers may be connected, as far as descriptors go.
    pub(crate) fn viewers_max(&self, snapshot: &Snapshot) -> usize {
        usize::try_from(viewers_max(snapshot, self.max)).unwrap_or(usize::MAX)
    }
}
