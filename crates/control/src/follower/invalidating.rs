//! Applies the invalidations of the store, each at least once: by the numbers of changes, which the edge remembers.

use super::Following;
use crate::operations::{INVALIDATION_KIND, InvalidationRequest};
use privet_distribution::config::ServiceKind;
use privet_edge::{InvalidationItem, standard_error};
use privet_store::{Change, Page, Store, StoreError};
use serde_json::Value;

/// Number of changes, or of invalidations, that are read at a time.
const PAGE: u32 = 500;

impl Following {
    /// Applies all invalidations that this edge has not applied yet.
    pub(super) async fn invalidate(&mut self, store: &Store) -> Result<(), StoreError> {
        if self.record.facts.store != store.id() {
            // The numbers are those of another database.
            self.record.facts.store = store.id().to_owned();
            self.record.facts.invalidated = None;
        }
        let before = self.record.facts.clone();
        let done = self.invalidate_missing(store).await;
        self.make_up_for_missed();
        // The number alone says little: it is written with the next invalidation.
        let has_applied = done.as_ref().is_ok_and(|applied| *applied > 0);
        if has_applied || before.missed != self.record.facts.missed || before.invalidated.is_none()
        {
            self.record.save();
        }
        done.map(drop)
    }

    /// Returns the number of invalidations that were applied.
    async fn invalidate_missing(&mut self, store: &Store) -> Result<u64, StoreError> {
        let Some(mut seq) = self.record.facts.invalidated else {
            // Before all are read, so that one that is made meanwhile is read again.
            let last = store.last_change().await?;
            let count = self.invalidate_all(store).await?;
            self.record.facts.invalidated = Some(last);
            return Ok(count);
        };
        let mut count = 0;
        loop {
            let changes = store.changes_after(seq, PAGE).await?;
            let Some(last) = changes.last() else {
                return Ok(count);
            };
            for change in &changes {
                count += self.invalidate_by(store, change).await?;
                self.record.facts.invalidated = Some(change.seq);
            }
            seq = last.seq;
        }
    }

    /// Applies every invalidation that the store knows: the cache of an edge that has no numbers may be old.
    async fn invalidate_all(&mut self, store: &Store) -> Result<u64, StoreError> {
        let (mut page, mut count) = (
            Page {
                after: None,
                limit: PAGE,
            },
            0,
        );
        loop {
            let documents = store.documents(INVALIDATION_KIND, &page).await?;
            let Some(last) = documents.last() else {
                return Ok(count);
            };
            page.after = Some(last.id.clone());
            for document in &documents {
                self.invalidate_as(store, &document.id, &document.body)
                    .await?;
                count += 1;
            }
        }
    }

    async fn invalidate_by(&mut self, store: &Store, change: &Change) -> Result<u64, StoreError> {
        if change.kind != INVALIDATION_KIND || change.version.is_none() {
            return Ok(0);
        }
        let Some(document) = store.document(&change.kind, &change.id).await? else {
            return Ok(0);
        };
        self.invalidate_as(store, &document.id, &document.body)
            .await?;
        Ok(1)
    }

    async fn invalidate_as(
        &mut self,
        store: &Store,
        id: &str,
        body: &Value,
    ) -> Result<(), StoreError> {
        let request: Option<InvalidationRequest> = serde_json::from_value(body.clone()).ok();
        let items = request.as_ref().and_then(|request| request.items().ok());
        let (Some(request), Some(items)) = (request, items) else {
            standard_error::warning(format_args!("the invalidation {id} cannot be read"));
            return Ok(());
        };
        let distribution = request.distribution;
        if self.edge.snapshot().distribution(&distribution).is_none() {
            let kind = ServiceKind::Distribution.as_str();
            if store.document(kind, &distribution).await?.is_some() {
                // It may be served later, with what its cache has.
                self.record.facts.missed.insert(distribution);
            }
            return Ok(());
        }
        let applied = self.edge.invalidate(&distribution, &items);
        applied
            .map_err(|error| StoreError::Failed {
                cause: format!("the invalidation {id} cannot be applied here: {error}"),
            })
            .map(drop)
    }

    /// Invalidates everything of distributions that are served now, and were not when one of their invalidations came.
    fn make_up_for_missed(&mut self) {
        let snapshot = self.edge.snapshot();
        let Ok(everything) = InvalidationItem::path("/*") else {
            return;
        };
        self.record.facts.missed.retain(|id| {
            let is_served = snapshot.distribution(id).is_some();
            // One that fails is tried again.
            !is_served
                || self
                    .edge
                    .invalidate(id, std::slice::from_ref(&everything))
                    .is_err()
        });
    }
}
