//! Applies the invalidations of the store to this edge: all of them, whatever fails in between.

use crate::follower::Following;
use crate::operations::{INVALIDATION_KIND, InvalidationRequest};
use privet_edge::standard_error;
use privet_store::{Change, Page, Store, StoreError};
use serde_json::Value;

/// Number of changes, or of invalidations, that are read at a time.
const PAGE: u32 = 500;

impl Following {
    /// Applies all invalidations up to what the copy has. If that fails, all are read again the next time.
    pub(super) async fn invalidate(&mut self, store: &Store) -> Result<(), StoreError> {
        let seq = self.copy.applied();
        let applied = match self.invalidated {
            Some(applied) => Some(applied),
            None => self.reported(store).await?,
        };
        match applied {
            Some(applied) if applied >= seq => {}
            Some(applied) => self.invalidate_after(store, applied).await?,
            None => self.invalidate_all(store).await?,
        }
        self.invalidated = Some(seq);
        Ok(())
    }

    async fn invalidate_after(&self, store: &Store, mut seq: u64) -> Result<(), StoreError> {
        loop {
            let changes = store.changes_after(seq, PAGE).await?;
            let Some(last) = changes.last() else {
                return Ok(());
            };
            seq = last.seq;
            for change in &changes {
                self.invalidate_by(store, change).await?;
            }
        }
    }

    /// Applies every invalidation that the store knows: the cache of an edge that it does not know may be old.
    async fn invalidate_all(&self, store: &Store) -> Result<(), StoreError> {
        let mut page = Page {
            after: None,
            limit: PAGE,
        };
        loop {
            let documents = store.documents(INVALIDATION_KIND, &page).await?;
            let Some(last) = documents.last() else {
                return Ok(());
            };
            page.after = Some(last.id.clone());
            for document in &documents {
                self.invalidate_as(&document.id, &document.body);
            }
        }
    }

    async fn invalidate_by(&self, store: &Store, change: &Change) -> Result<(), StoreError> {
        if change.kind == INVALIDATION_KIND
            && change.version.is_some()
            && let Some(document) = store.document(&change.kind, &change.id).await?
        {
            self.invalidate_as(&document.id, &document.body);
        }
        Ok(())
    }

    fn invalidate_as(&self, id: &str, body: &Value) {
        let request: Option<InvalidationRequest> = serde_json::from_value(body.clone()).ok();
        let items = request.as_ref().and_then(|request| request.items().ok());
        let (Some(request), Some(items)) = (request, items) else {
            return standard_error::warning(format_args!("the invalidation {id} cannot be read"));
        };
        if self
            .edge
            .snapshot()
            .distribution(&request.distribution)
            .is_none()
        {
            // Nothing is served of a distribution that is gone.
            return;
        }
        if let Err(error) = self.edge.invalidate(&request.distribution, &items) {
            standard_error::warning(format_args!("the invalidation {id} failed: {error}"));
        }
    }
}
