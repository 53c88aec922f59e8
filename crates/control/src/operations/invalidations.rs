//! Invalidations: documents of the store that every edge applies, or commands to the one edge that has no store.

use crate::operation_error::{Fault, OperationError};
use crate::operations::reading::{Item, Listed, MadeBy, PAGE_MAX, PageRequest, cut};
use crate::operations::writing::digest_of;
use crate::operations::{Applied, ChangeRequest, Mode, Operations, Source, random_text};
use crate::operator::{Operator, Publish, Read, Scope};
use crate::sigv4::hex;
use aws_lc_rs::digest::{SHA256, digest};
use privet_distribution::config::ServiceKind;
use privet_edge::{Invalidation, InvalidationItem, InvalidationReach, check_invalidation};
use privet_store::{
    DocumentChange, DocumentName, Expected, Idempotency, Page, Store, StoreError, StoredDocument,
    Write,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// Kind of invalidations in the store.
pub(crate) const KIND: &str = "invalidation";
/// Time in seconds after which an invalidation may be removed from the store; it has long been applied.
const KEPT_SECS: i64 = 30 * 24 * 60 * 60;
/// Invalidations removed when one is made: more than one, so that their number falls.
const REMOVED_MAX: u32 = 4;
/// Invalidations that are read at a time where a scope shows some of them.
const SCAN_PAGE: u32 = 500;
/// Ids count backwards from here, so that the newest comes first in a list: 32^7 seconds.
const ID_TIME_END: i64 = 34_359_738_368;

/// What is to be invalidated.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with distribution, paths, tags and caller_reference"
)]
pub struct InvalidationRequest {
    /// Id of the distribution.
    pub distribution: String,
    /// Paths, with `*` at the end for all that begin so.
    #[serde(default)]
    pub paths: Vec<String>,
    /// Cache tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// Text by which its author knows it; no other invalidation of the distribution has it.
    #[serde(default)]
    pub caller_reference: Option<String>,
}

impl InvalidationRequest {
    pub(crate) fn items(&self) -> Result<Vec<InvalidationItem>, OperationError> {
        let mut faults = Vec::new();
        let mut items = Vec::new();
        for (index, path) in self.paths.iter().enumerate() {
            match InvalidationItem::path(path) {
                Ok(item) => items.push(item),
                Err(reason) => faults.push(Fault::new(format!("paths[{index}]"), reason)),
            }
        }
        for (index, tag) in self.tags.iter().enumerate() {
            match InvalidationItem::tag(tag) {
                Ok(item) => items.push(item),
                Err(reason) => faults.push(Fault::new(format!("tags[{index}]"), reason)),
            }
        }
        match faults.is_empty() {
            true => Ok(items),
            false => Err(OperationError::Invalid(faults)),
        }
    }
}

impl Operations {
    /// Makes an invalidation. Without a store it is in force when this returns; with one, once all edges have applied
    /// it. Returns `None` if it was only tried.
    ///
    /// # Errors
    /// [`OperationError::Invalidation`], [`OperationError::NotFound`] for a distribution out of scope, and others.
    pub async fn invalidate(
        &self,
        operator: &Operator<Publish>,
        request: InvalidationRequest,
        change: &ChangeRequest,
    ) -> Result<Option<Item>, OperationError> {
        let items = request.items()?;
        check_invalidation(&items)?;
        let id = &request.distribution;
        // What may be seen is more: a distribution that one of the scope plays.
        if !operator.caller().scope.has(id) {
            return Err(OperationError::no_item(ServiceKind::Distribution, id));
        }
        match &self.shared.source {
            Source::Store(store) => {
                let store = store.opened()?;
                if store
                    .document(ServiceKind::Distribution.as_str(), id)
                    .await?
                    .is_none()
                {
                    return Err(OperationError::no_item(ServiceKind::Distribution, id));
                }
                if change.mode == Mode::DryRun {
                    let name = DocumentName::new(ServiceKind::Distribution.as_str(), id);
                    self.audit_trial(operator, "try_create_invalidation", name)
                        .await?;
                    return Ok(None);
                }
                let made = self
                    .store_invalidation(store, operator, &request, change)
                    .await?;
                Ok(Some(made))
            }
            Source::File(_) => {
                let edge = self.edge()?.clone();
                let id = request.distribution.clone();
                if change.mode == Mode::DryRun {
                    return Ok(None);
                }
                // An invalidation waits for the disk.
                let work = tokio::task::spawn_blocking(move || edge.invalidate(&id, &items));
                let lost = |_| OperationError::System("the thread for this has failed");
                let made = work.await.map_err(lost)??;
                Ok(Some(edge_item(&made)))
            }
        }
    }

    async fn store_invalidation(
        &self,
        store: &Store,
        operator: &Operator<Publish>,
        request: &InvalidationRequest,
        change: &ChangeRequest,
    ) -> Result<Item, OperationError> {
        let mut body = json!({
            "distribution": request.distribution,
            "paths": request.paths,
            "tags": request.tags,
        });
        if let Some(reference) = &request.caller_reference {
            body["caller_reference"] = reference.as_str().into();
        }
        let digest = digest_of(
            store,
            ("invalidate", ServiceKind::Distribution, ""),
            &body,
            change,
        );
        if let Some(made) = self.made_before(operator, &digest, change).await? {
            return self.invalidation(&operator.reader(), &made.id).await;
        }
        let id = new_id(self.now())?;
        let mut made = invalidation_change(&id, Expected::Absent, Some(body));
        made.claims = reference_claim(request).into_iter().collect();
        let mut changes = vec![made];
        let old = Page {
            after: Some(id_at(self.now().saturating_sub(KEPT_SECS))),
            limit: REMOVED_MAX,
        };
        for old in store.documents(KIND, &old).await? {
            changes.push(invalidation_change(&old.id, Expected::Any, None));
        }
        let write = Write {
            actor: operator.caller().actor(),
            operation: "create_invalidation".to_owned(),
            at: self.timestamp(),
            changes,
            idempotency: change.idempotency_key.clone().map(|key| Idempotency {
                key,
                request_digest: digest.clone(),
                response: json!({ "id": id }),
            }),
        };
        match store.write(write).await {
            Ok(written) => {
                self.changed(store, &id, None, &written).await?;
                self.invalidation(&operator.reader(), &id).await
            }
            Err(StoreError::Repeated { key }) => {
                let made = self.made_before(operator, &digest, change).await?;
                let made = made.ok_or(StoreError::Repeated { key })?;
                self.invalidation(&operator.reader(), &made.id).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Lists invalidations, newest first.
    ///
    /// # Errors
    /// Those of the store; [`OperationError::NoEdge`].
    pub async fn invalidations(
        &self,
        operator: &Operator<Read>,
        page: &PageRequest,
    ) -> Result<Listed<Item>, OperationError> {
        let wanted = page.limit.clamp(1, PAGE_MAX);
        let scope = &operator.caller().scope;
        match &self.shared.source {
            Source::File(_) => {
                let all = self.edge()?.invalidations(usize::MAX);
                let all = all.iter().filter(|made| scope.has(&made.distribution_id));
                let behind: Vec<Item> = all.map(|made| edge_item(made)).collect();
                let begin = page.after.as_ref().and_then(|after| {
                    behind
                        .iter()
                        .position(|item| item.id == *after)
                        .map(|at| at + 1)
                });
                let rest = behind.into_iter().skip(begin.unwrap_or_default()).collect();
                Ok(cut(rest, wanted, |item: &Item| item.id.clone()))
            }
            Source::Store(store) => {
                let store = store.opened()?;
                let progress = self.progress(store).await?;
                let documents =
                    visible_invalidations(store, scope, (page.after.clone(), wanted + 1)).await?;
                let listed = cut(documents, wanted, |document: &StoredDocument| {
                    document.id.clone()
                });
                let items = listed.items.into_iter();
                let items = items.map(|document| {
                    let applied = self.applied_document(&progress, &document.etag);
                    stored_item(document, applied)
                });
                Ok(Listed {
                    items: items.collect(),
                    next: listed.next,
                })
            }
        }
    }

    /// Returns an invalidation.
    ///
    /// # Errors
    /// [`OperationError::NotFound`], and those of [`Operations::invalidations`].
    pub async fn invalidation(
        &self,
        operator: &Operator<Read>,
        id: &str,
    ) -> Result<Item, OperationError> {
        let absent = || OperationError::NotFound {
            what: "invalidation",
            id: id.to_owned(),
        };
        let scope = &operator.caller().scope;
        match &self.shared.source {
            Source::File(_) => {
                let made = self.edge()?.invalidation(id);
                let made = made.filter(|made| scope.has(&made.distribution_id));
                made.map(|made| edge_item(&made)).ok_or_else(absent)
            }
            Source::Store(store) => {
                let store = store.opened()?;
                let document = store.document(KIND, id).await?;
                let document = document
                    .filter(|document| scope.has(distribution_of(document)))
                    .ok_or_else(absent)?;
                let progress = self.progress(store).await?;
                let applied = self.applied_document(&progress, &document.etag);
                Ok(stored_item(document, applied))
            }
        }
    }
}

/// Returns up to `wanted` invalidations behind `after` that the scope shows. Those of others are passed over here, so
/// that a page names none of them as its end.
async fn visible_invalidations(
    store: &Store,
    scope: &Scope,
    (after, wanted): (Option<String>, u32),
) -> Result<Vec<StoredDocument>, StoreError> {
    let mut page = Page {
        after,
        limit: match scope {
            Scope::All => wanted,
            Scope::Distributions(_) => SCAN_PAGE,
        },
    };
    let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
    let mut visible = Vec::new();
    loop {
        let documents = store.documents(KIND, &page).await?;
        let is_last = documents.len() < usize::try_from(page.limit).unwrap_or(usize::MAX);
        page.after = documents.last().map(|document| document.id.clone());
        let shown = documents.into_iter();
        visible.extend(shown.filter(|document| scope.has(distribution_of(document))));
        if is_last || visible.len() >= wanted {
            visible.truncate(wanted);
            return Ok(visible);
        }
    }
}

fn invalidation_change(id: &str, expected: Expected, body: Option<Value>) -> DocumentChange {
    DocumentChange {
        kind: KIND.to_owned(),
        id: id.to_owned(),
        expected,
        body,
        references: Vec::new(),
        secrets: Vec::new(),
        claims: Vec::new(),
    }
}

/// Returns the name that the reference of an invalidation takes: a digest, since claims are shorter than references.
fn reference_claim(request: &InvalidationRequest) -> Option<String> {
    let reference = request.caller_reference.as_ref()?;
    let digest = hex(digest(&SHA256, reference.as_bytes()).as_ref());
    Some(format!("invalidation {} {digest}", request.distribution))
}

fn distribution_of(document: &StoredDocument) -> &str {
    let id = document.body.get("distribution").and_then(Value::as_str);
    id.unwrap_or_default()
}

fn stored_item(document: StoredDocument, applied: Applied) -> Item {
    Item {
        id: document.id,
        etag: document.etag,
        version: Some(document.version),
        made_by: MadeBy {
            kind: "operator",
            operator: Some(document.made_by),
            at: Some(document.created_at.seconds()),
        },
        created_at: Some(document.created_at.seconds()),
        document: document.body,
        used_by: None,
        applied: Some(applied),
    }
}

fn edge_item(made: &Invalidation) -> Item {
    let at = i64::try_from(made.created.as_secs()).unwrap_or(i64::MAX);
    let written = |reach: InvalidationReach, is: bool| -> Vec<&str> {
        let items = made
            .items
            .iter()
            .filter(|item| (item.reach() == reach) == is);
        items.map(InvalidationItem::as_str).collect()
    };
    Item {
        id: made.id.clone(),
        etag: made.id.clone(),
        version: None,
        made_by: MadeBy {
            kind: "operator",
            operator: None,
            at: Some(at),
        },
        created_at: Some(at),
        document: json!({
            "distribution": made.distribution_id,
            "paths": written(InvalidationReach::Tag, false),
            "tags": written(InvalidationReach::Tag, true),
        }),
        used_by: None,
        applied: Some(Applied {
            edges: 1,
            of: 1,
            awaited: 0,
            at: Some(at),
        }),
    }
}

/// Returns a random id whose order is that of time, the newest first.
fn new_id(now: i64) -> Result<String, OperationError> {
    Ok(format!("{}{}", id_at(now), random_text(6)?))
}

/// Returns the beginning of the ids of that second: `I` and 7 digits of base 32.
fn id_at(now: i64) -> String {
    const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHIJKLMNOPQRSTUV";
    let left = ID_TIME_END.saturating_sub(now).clamp(0, ID_TIME_END - 1);
    let digit = |position: u32| {
        let value = usize::try_from((left >> (5 * position)) & 31).unwrap_or_default();
        char::from(DIGITS[value])
    };
    std::iter::once('I')
        .chain((0..7).rev().map(digit))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(earlier: i64, later: i64) {
        assert!(
            id_at(later) < id_at(earlier),
            "{} {}",
            id_at(later),
            id_at(earlier)
        );
        assert_eq!(id_at(later).len(), 8);
    }

    #[test]
    fn the_newest_id_comes_first() {
        check(1, 2);
        check(1_700_000_031, 1_700_000_032);
        check(1_700_000_000, 1_800_000_000);
        assert_eq!(new_id(1_700_000_000).unwrap().len(), 14);
    }
}
