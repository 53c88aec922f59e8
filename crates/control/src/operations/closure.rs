//! What has to be looked at with a change: everything that the changed items refer to, and everything that refers to
//! them.

use crate::operation_error::OperationError;
use crate::operations::Operations;
use crate::operations::reading::resolve;
use crate::service::{Facts, facts};
use privet_distribution::config::{ServiceItem, ServiceKind};
use privet_store::{DocumentName, Store, StoreError, StoredDocument};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

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

/// Returns a submitted document with its secrets in clear: a sealed value stands for the one that the stored document
/// has, wherever that stands there now.
pub(super) fn clear_submitted(
    store: &Store,
    name: &DocumentName,
    submitted: &Value,
    current: Option<&StoredDocument>,
) -> Result<Value, OperationError> {
    let mut known = BTreeMap::new();
    if let Some(current) = current {
        let clear = store.unseal(&current.kind, &current.id, &current.body)?;
        pair(&current.body, &clear, &mut known);
    }
    let mut clear = submitted.clone();
    match open(&mut clear, &known) {
        Ok(()) => Ok(clear),
        Err(pointer) => Err(OperationError::Store(StoreError::Sealed {
            name: name.clone(),
            pointer,
        })),
    }
}

/// Collects the sealed texts of a document with what they hold.
fn pair(sealed: &Value, clear: &Value, known: &mut BTreeMap<String, Value>) {
    if let Some(text) = sealed_text(sealed) {
        known.insert(text.to_owned(), clear.clone());
        return;
    }
    match (sealed, clear) {
        (Value::Object(sealed), Value::Object(clear)) => {
            for (key, value) in sealed {
                if let Some(clear) = clear.get(key) {
                    pair(value, clear, known);
                }
            }
        }
        (Value::Array(sealed), Value::Array(clear)) => {
            for (value, clear) in sealed.iter().zip(clear) {
                pair(value, clear, known);
            }
        }
        // Values without parts are not sealed.
        (
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_),
            _,
        ) => {}
    }
}

/// Opens the sealed values of a document; the error is the pointer of one that is not known.
fn open(value: &mut Value, known: &BTreeMap<String, Value>) -> Result<(), String> {
    if let Some(text) = sealed_text(value) {
        *value = known.get(text).ok_or_else(String::new)?.clone();
        return Ok(());
    }
    match value {
        Value::Object(members) => members.iter_mut().try_for_each(|(key, value)| {
            open(value, known).map_err(|pointer| format!("/{key}{pointer}"))
        }),
        Value::Array(values) => values
            .iter_mut()
            .enumerate()
            .try_for_each(|(index, value)| {
                open(value, known).map_err(|pointer| format!("/{index}{pointer}"))
            }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

/// Returns the text of a sealed value.
pub(super) fn sealed_text(value: &Value) -> Option<&str> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    object.get("sealed")?.as_str()
}
