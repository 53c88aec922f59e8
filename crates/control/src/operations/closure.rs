//! What has to be looked at with a change: everything that the changed items refer to, and everything that refers to
//! them.

use crate::operation_error::OperationError;
use crate::operations::Operations;
use crate::operations::reading::resolve;
use crate::service::{Facts, facts};
use privet_distribution::config::{ServiceItem, ServiceKind};
use privet_store::{DocumentName, Store, StoredDocument};
use std::collections::BTreeSet;

/// Users of the changed items that are checked again with a change. What a checked item refers to does not count:
/// without that it could not be checked at all.
const USERS_MAX: usize = 2_000;

impl Operations {
    /// Returns the names of the items that a stored document refers to.
    pub(super) async fn references(
        &self,
        store: &Store,
        document: &StoredDocument,
    ) -> Result<Vec<(ServiceKind, String)>, OperationError> {
        let Ok(item) = clear_item(store, document) else {
            return Ok(Vec::new());
        };
        // A stored document that an earlier version could read refers to nothing that this one knows.
        let Ok(facts) = facts(&item) else {
            return Ok(Vec::new());
        };
        let mut names = Vec::new();
        for (kind, reference) in facts.into_named() {
            names.push((kind, resolve(store, kind, &reference).await?.id));
        }
        Ok(names)
    }

    /// Returns `changed` and after it what it refers to and what refers to it, secrets in clear.
    pub(super) async fn closure(
        &self,
        store: &Store,
        changed: &[(ServiceItem, Facts)],
    ) -> Result<Vec<ServiceItem>, OperationError> {
        let mut closure = Closure::of(changed);
        let changed = changed.iter();
        let names = changed.map(|(item, _)| DocumentName::new(item.kind.as_str(), &item.id));
        closure.add_users(store, names.collect()).await?;
        closure.add_references(store).await?;
        Ok(closure.items)
    }
}

/// Items that were found, and references that were not followed yet.
struct Closure {
    known: BTreeSet<(String, String)>,
    items: Vec<ServiceItem>,
    waiting: Vec<(ServiceKind, String)>,
}

impl Closure {
    fn of(changed: &[(ServiceItem, Facts)]) -> Self {
        let name = |item: &ServiceItem| (item.kind.as_str().to_owned(), item.id.clone());
        Closure {
            known: changed.iter().map(|(item, _)| name(item)).collect(),
            items: changed.iter().map(|(item, _)| item.clone()).collect(),
            waiting: changed
                .iter()
                .flat_map(|(_, facts)| facts.clone().into_named())
                .collect(),
        }
    }

    /// Adds what refers to these items, directly or not, up to the limit.
    async fn add_users(
        &mut self,
        store: &Store,
        mut upward: Vec<DocumentName>,
    ) -> Result<(), OperationError> {
        let mut left = USERS_MAX;
        while let Some(name) = upward.pop() {
            for user in store.used_by(&name.kind, &name.id).await? {
                if left == 0 {
                    return Ok(());
                }
                if self.add(store, &user).await? {
                    left -= 1;
                    upward.push(user);
                }
            }
        }
        Ok(())
    }

    /// Adds what the items refer to, all of it.
    async fn add_references(&mut self, store: &Store) -> Result<(), OperationError> {
        while let Some((kind, reference)) = self.waiting.pop() {
            let name = resolve(store, kind, &reference).await?;
            self.add(store, &name).await?;
        }
        Ok(())
    }

    /// Adds a stored document, and returns true if it was not there yet.
    async fn add(&mut self, store: &Store, name: &DocumentName) -> Result<bool, OperationError> {
        if name.kind.parse::<ServiceKind>().is_err() {
            // It is of the store, and no part of what is served: the rotation of a group's keys.
            return Ok(false);
        }
        let key = (name.kind.clone(), name.id.clone());
        if self.known.contains(&key) {
            return Ok(false);
        }
        let Some(document) = store.document(&name.kind, &name.id).await? else {
            return Ok(false);
        };
        self.known.insert(key);
        let item = clear_item(store, &document)?;
        self.waiting.extend(facts(&item)?.into_named());
        self.items.push(item);
        Ok(true)
    }
}

/// Returns a stored item with its secrets in clear.
pub(super) fn clear_item(
    store: &Store,
    document: &StoredDocument,
) -> Result<ServiceItem, OperationError> {
    let kind = document
        .kind
        .parse()
        .map_err(|_| OperationError::NotFound {
            what: "item",
            id: document.id.clone(),
        })?;
    Ok(ServiceItem {
        kind,
        id: document.id.clone(),
        value: store.unseal(&document.kind, &document.id, &document.body)?,
    })
}
