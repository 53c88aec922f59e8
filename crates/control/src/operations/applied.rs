//! On how many edges a change is in force: a fact that edges report, and nothing that is assumed.

use crate::operation_error::OperationError;
use crate::operations::{Operations, Source};
use crate::operator::{Operator, Read};
use privet_store::{EdgeRecord, Store};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Changes whose numbers are remembered here.
const CHANGES_MAX: usize = 10_000;
/// Seconds after the newest report of all until which an edge counts as connected; it reports every few seconds.
const CONNECTED_SECS: i64 = 30;

/// How far a change has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// Number of edges on which it is in force.
    pub edges: usize,
    /// Number of edges that are known.
    pub of: usize,
    /// Number of edges that are heard of and do not have it in force yet.
    #[serde(skip)]
    pub awaited: usize,
    /// Seconds since 1970 of the newest report that was counted.
    pub at: Option<i64>,
}

/// The numbers of changes that were made in this process, by the ETag of what they wrote.
///
/// For other documents the last change of all is taken, which is in force later: "in force" is never said too early.
#[derive(Debug, Default)]
pub(super) struct RecentChanges(Mutex<HashMap<String, u64>>);

impl RecentChanges {
    pub(super) fn note(&self, etag: &str, change: u64) {
        let mut changes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if changes.len() >= CHANGES_MAX {
            changes.clear();
        }
        changes.insert(etag.to_owned(), change);
    }

    fn find(&self, etag: &str) -> Option<u64> {
        let changes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        changes.get(etag).copied()
    }
}

impl Operations {
    /// Says on how many edges a change is in force.
    ///
    /// # Errors
    /// [`OperationError::NoStore`], and those of the store.
    pub async fn applied(
        &self,
        _operator: &Operator<Read>,
        change: u64,
    ) -> Result<Applied, OperationError> {
        applied(self.own_store()?, change).await
    }

    /// Returns true if every change is in force on all connected edges. Of a file there are no changes.
    ///
    /// # Errors
    /// Those of the store.
    pub(crate) async fn is_all_in_force(
        &self,
        _operator: &Operator<Read>,
    ) -> Result<bool, OperationError> {
        match &self.shared.source {
            Source::File(_) => Ok(true),
            Source::Store(store) => {
                let progress = self.progress(store.opened()?).await?;
                Ok(count(&progress.edges, progress.last_change).awaited == 0)
            }
        }
    }

    /// Returns edges and the last change, to be asked once for a list of documents.
    pub(super) async fn progress(&self, store: &Store) -> Result<Progress, OperationError> {
        Ok(Progress {
            edges: store.edges().await?,
            last_change: store.last_change().await?,
        })
    }

    pub(super) fn applied_document(&self, progress: &Progress, etag: &str) -> Applied {
        let change = self
            .shared
            .recent
            .find(etag)
            .unwrap_or(progress.last_change);
        count(&progress.edges, change)
    }
}

/// What edges have reported, and the number of the last change.
#[derive(Debug)]
pub(super) struct Progress {
    edges: Vec<EdgeRecord>,
    last_change: u64,
}

pub(super) async fn applied(store: &Store, change: u64) -> Result<Applied, OperationError> {
    Ok(count(&store.edges().await?, change))
}

fn count(edges: &[EdgeRecord], change: u64) -> Applied {
    let has_it = |edge: &&EdgeRecord| edge.report.applied_seq >= change;
    let applied = edges.iter().filter(has_it);
    let seen = |edge: &EdgeRecord| edge.seen_at.seconds();
    let newest = edges.iter().map(seen).max().unwrap_or_default();
    let connected = edges
        .iter()
        .filter(|edge| newest.saturating_sub(seen(edge)) <= CONNECTED_SECS);
    Applied {
        edges: applied.clone().count(),
        of: edges.len(),
        awaited: connected.filter(|edge| !has_it(edge)).count(),
        at: applied.map(|edge| edge.seen_at.seconds()).max(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use privet_store::{EdgeReport, Timestamp};
    use serde_json::Value;

    fn edge(applied_seq: u64, seen_at: i64) -> EdgeRecord {
        EdgeRecord {
            report: EdgeReport {
                id: String::new(),
                name: String::new(),
                version: String::new(),
                applied_seq,
                state: Value::Null,
            },
            seen_at: Timestamp::from_seconds(seen_at),
        }
    }

    #[test]
    fn edges_that_are_gone_are_not_awaited() {
        for (edges, expected) in [
            (vec![], (0, 0, 0)),
            (vec![edge(6, 1000), edge(7, 1001)], (1, 2, 1)),
            (vec![edge(7, 1000), edge(9, 1001)], (2, 2, 0)),
            (vec![edge(6, 970), edge(7, 1000)], (1, 2, 1)),
            (vec![edge(6, 969), edge(7, 1000)], (1, 2, 0)),
            (vec![edge(7, 900), edge(6, 1000)], (1, 2, 1)),
        ] {
            let applied = count(&edges, 7);
            let found = (applied.edges, applied.of, applied.awaited);
            assert_eq!(found, expected, "{edges:?}");
        }
    }
}
