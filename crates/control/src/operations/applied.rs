//! On how many edges a change is in force: a fact that edges report, and nothing that is assumed.

use crate::operation_error::OperationError;
use crate::operations::Operations;
use crate::operator::{Operator, Read};
use privet_store::{EdgeRecord, Store};
use serde::Serialize;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// Changes whose numbers are remembered here.
const CHANGES_MAX: usize = 10_000;

/// How far a change has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Applied {
    /// Number of edges on which it is in force.
    pub edges: usize,
    /// Number of edges that are known.
    pub of: usize,
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
    let applied = edges
        .iter()
        .filter(|edge| edge.report.applied_seq >= change);
    Applied {
        edges: applied.clone().count(),
        of: edges.len(),
        at: applied.map(|edge| edge.seen_at.seconds()).max(),
    }
}
