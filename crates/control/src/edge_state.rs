//! What an edge says of itself, and the place where operators find it.

use serde::Serialize;
use serde_json::Value;
use std::sync::{Arc, OnceLock};
use tokio::sync::watch;

/// How far an edge follows the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FollowerState {
    /// Id of the edge among those that follow the store.
    pub edge_id: String,
    /// Number of the last change up to which everything is in force.
    pub applied: u64,
    /// Time of the last answer of the store, in seconds since 1970; `None` if there was none yet.
    pub heard_at: Option<i64>,
    /// Why the store cannot be followed now; `None` if it can.
    pub fault: Option<String>,
    /// True if nothing was heard of the store for the configured time.
    pub is_stale: bool,
    /// How far the database was put back to an older state; `None` if it was not, or has passed that since.
    pub put_back: Option<PutBack>,
    /// Items that this edge does not serve as they are stored, the first hundred.
    pub failures: Vec<ItemFailure>,
    /// Number of all of them.
    pub failures_count: usize,
}

/// A database that lacks a change that the edge had heard of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PutBack {
    /// Number of the change that was known.
    pub had: u64,
    /// Number of the last change that the database had when that was noticed.
    pub has: u64,
}

/// Number of failures that are told one by one.
const FAILURES_MAX: usize = 100;

/// An item that an edge does not serve as it is stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ItemFailure {
    /// Kind of the item.
    pub kind: &'static str,
    /// Id of the item.
    pub id: String,
    /// Reason, with the paths of values.
    pub reason: String,
}

impl FollowerState {
    pub(crate) fn new(edge_id: &str) -> Self {
        FollowerState {
            edge_id: edge_id.to_owned(),
            applied: 0,
            heard_at: None,
            fault: None,
            is_stale: false,
            put_back: None,
            failures: Vec::new(),
            failures_count: 0,
        }
    }

    pub(crate) fn set_failures(&mut self, failures: impl ExactSizeIterator<Item = ItemFailure>) {
        self.failures_count = failures.len();
        self.failures = failures.take(FAILURES_MAX).collect();
    }

    /// Returns the state as it is shown and reported.
    pub fn to_json(&self) -> Value {
        // A struct of texts, numbers and flags has a form in JSON.
        serde_json::to_value(self).unwrap_or_default()
    }
}

/// The place of a follower's state: operators are served before there is a follower. Clones are the same place.
#[derive(Clone, Debug, Default)]
pub(crate) struct LateState(Arc<OnceLock<watch::Receiver<Arc<FollowerState>>>>);

impl LateState {
    /// Puts the view of a follower's state in its place; the first one stays.
    pub(crate) fn set(&self, state: watch::Receiver<Arc<FollowerState>>) {
        // A process has one follower.
        let _ = self.0.set(state);
    }

    /// Returns the newest state; `None` if nothing is followed.
    pub(crate) fn get(&self) -> Option<Arc<FollowerState>> {
        Some(Arc::clone(&self.0.get()?.borrow()))
    }
}
