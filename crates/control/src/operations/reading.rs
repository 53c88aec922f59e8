//! Reading items of the service: from the store with their history, or from the file as it is loaded.

use crate::operation_error::OperationError;
use crate::operations::{Applied, Operations, Source};
use crate::operator::{Operator, Read, Scope};
use crate::service::{Facts, facts, stored_name};
use crate::sigv4::hex;
use crate::visible::{Visible, is_visible};
use aws_lc_rs::digest::{SHA256, digest};
use privet_distribution::config::{ServiceItem, ServiceKind};
use privet_store::{DocumentName, Page, Store, StoredDocument, StoredVersion};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Items of a page unless the operator gives another number.
pub(crate) const PAGE_DEFAULT: u32 = 100;
/// Maximum number of items of a page.
pub(crate) const PAGE_MAX: u32 = 200;
/// Documents that a scope may lead to.
const VISIBLE_MAX: usize = 100_000;

/// The wanted part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Id of the last item of the page before.
    pub after: Option<String>,
    /// Maximum number of items.
    pub limit: u32,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed<T> {
    /// Items, in the order of the list.
    pub items: Vec<T>,
    /// Where the next page begins; `None` for the last page.
    pub next: Option<String>,
}

/// Who made a version, how and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MadeBy {
    /// `operator`, or `file`.
    pub kind: &'static str,
    /// Name of the operator.
    pub operator: Option<String>,
    /// Seconds since 1970.
    pub at: Option<i64>,
}

/// An item of the service.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// Id of the item.
    pub id: String,
    /// ETag of this version.
    pub etag: String,
    /// Number of this version; `None` in a file.
    pub version: Option<u64>,
    /// Author of this version.
    pub made_by: MadeBy,
    /// Seconds since 1970 of the first version; `None` in a file.
    pub created_at: Option<i64>,
    /// Object with the keys of the kind's table, secrets sealed.
    pub document: Value,
    /// Items that refer to this one, where they were asked for.
    pub used_by: Option<Vec<DocumentName>>,
    /// Edges on which this version is in force; `None` without a store.
    pub applied: Option<Applied>,
}

/// A version of an item.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemVersion {
    /// Number of the version, from 1.
    pub version: u64,
    /// ETag that the item had with it.
    pub etag: String,
    /// Author of the version.
    pub made_by: MadeBy,
    /// Operation that wrote it.
    pub operation: String,
    /// Document, or `None` if this version deleted it.
    pub document: Option<Value>,
}

impl Operations {
    /// Lists items of a kind by id.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn list(
        &self,
        operator: &Operator<Read>,
        kind: ServiceKind,
        page: &PageRequest,
    ) -> Result<Listed<Item>, OperationError> {
        match &self.shared.source {
            Source::File(service) => {
                let items = service.items.load_full();
                let names = visible_in_file(&operator.caller().scope, &items);
                Ok(list_file(&items, kind, page, names.as_ref()))
            }
            Source::Store(store) => self.list_store(store.opened()?, operator, kind, page).await,
        }
    }

    async fn list_store(
        &self,
        store: &Store,
        operator: &Operator<Read>,
        kind: ServiceKind,
        page: &PageRequest,
    ) -> Result<Listed<Item>, OperationError> {
        let wanted = page.limit.clamp(1, PAGE_MAX);
        let documents = match self.visible(store, &operator.caller().scope).await? {
            None => {
                let page = Page {
                    after: page.after.clone(),
                    limit: wanted + 1,
                };
                store.documents(kind.as_str(), &page).await?
            }
            Some(names) => {
                let after = page.after.as_deref().unwrap_or_default();
                let names = names
                    .into_iter()
                    .filter(|(of, id)| *of == kind && id.as_str() > after);
                let names = names.take(page_length(wanted) + 1);
                let mut documents = Vec::new();
                for (_, id) in names {
                    documents.extend(store.document(kind.as_str(), &id).await?);
                }
                documents
            }
        };
        let progress = self.progress(store).await?;
        let items = documents.into_iter().map(|document| {
            let applied = self.applied_document(&progress, &document.etag);
            item_of(document, None, applied)
        });
        Ok(cut(items.collect(), wanted, |item: &Item| item.id.clone()))
    }

    /// Returns an item and what refers to it.
    ///
    /// # Errors
    /// [`OperationError::NotFound`], and those of the store.
    pub async fn item(
        &self,
        operator: &Operator<Read>,
        kind: ServiceKind,
        id: &str,
    ) -> Result<Item, OperationError> {
        self.check_visible(operator, kind, id).await?;
        match &self.shared.source {
            Source::File(service) => {
                let items = service.items.load_full();
                let mut items = items.iter();
                let item = items.find(|item| item.kind == kind && item.id == id);
                item.map(file_item)
                    .ok_or_else(|| OperationError::no_item(kind, id))
            }
            Source::Store(store) => {
                let store = store.opened()?;
                let document = store.document(kind.as_str(), id).await?;
                let document = document.ok_or_else(|| OperationError::no_item(kind, id))?;
                let users = store.used_by(kind.as_str(), id).await?;
                let visible = self.visible(store, &operator.caller().scope).await?;
                let users = users.into_iter();
                let users = users.filter(|user| is_visible(&visible, user)).collect();
                let progress = self.progress(store).await?;
                let applied = self.applied_document(&progress, &document.etag);
                Ok(item_of(document, Some(users), applied))
            }
        }
    }

    /// Lists the versions of an item, newest first; of a deleted one too.
    ///
    /// # Errors
    /// [`OperationError::NotFound`], [`OperationError::NoStore`], and those of the store.
    pub async fn versions(
        &self,
        operator: &Operator<Read>,
        kind: ServiceKind,
        id: &str,
        page: &PageRequest,
    ) -> Result<Listed<ItemVersion>, OperationError> {
        let store = self.own_store()?;
        self.check_visible(operator, kind, id).await?;
        let wanted = page.limit.clamp(1, PAGE_MAX);
        let page = Page {
            after: page.after.clone(),
            limit: wanted + 1,
        };
        let versions = store.versions(kind.as_str(), id, &page).await?;
        if versions.is_empty() && page.after.is_none() {
            return Err(OperationError::no_item(kind, id));
        }
        let versions = versions.into_iter().map(version_of).collect();
        Ok(cut(versions, wanted, |version: &ItemVersion| {
            version.version.to_string()
        }))
    }

    /// Returns one version of an item.
    ///
    /// # Errors
    /// [`OperationError::NotFound`], [`OperationError::NoStore`], and those of the store.
    pub async fn version(
        &self,
        operator: &Operator<Read>,
        kind: ServiceKind,
        id: &str,
        number: u64,
    ) -> Result<ItemVersion, OperationError> {
        let store = self.own_store()?;
        self.check_visible(operator, kind, id).await?;
        let version = store.version(kind.as_str(), id, number).await?;
        let absent = || OperationError::NotFound {
            what: "version",
            id: number.to_string(),
        };
        version.map(version_of).ok_or_else(absent)
    }

    /// Checks that an item is within an operator's scope. What is not is as absent.
    pub(super) async fn check_visible(
        &self,
        operator: &Operator<Read>,
        kind: ServiceKind,
        id: &str,
    ) -> Result<(), OperationError> {
        let scope = &operator.caller().scope;
        let names = match &self.shared.source {
            Source::File(service) => visible_in_file(scope, &service.items.load()),
            Source::Store(store) => self.visible(store.opened()?, scope).await?,
        };
        match names {
            None => Ok(()),
            Some(names) if names.contains(&(kind, id.to_owned())) => Ok(()),
            Some(_) => Err(OperationError::no_item(kind, id)),
        }
    }

    /// Returns the names of all items within a scope: its distributions and all that they refer to; `None` for all.
    pub(super) async fn visible(
        &self,
        store: &Store,
        scope: &Scope,
    ) -> Result<Visible, OperationError> {
        let Some(mut waiting) = roots(scope) else {
            return Ok(None);
        };
        let mut names: BTreeSet<(ServiceKind, String)> = waiting.iter().cloned().collect();
        while let Some((kind, id)) = waiting.pop() {
            let Some(document) = store.document(kind.as_str(), &id).await? else {
                continue;
            };
            for name in self.references(store, &document).await? {
                if names.len() < VISIBLE_MAX && names.insert(name.clone()) {
                    waiting.push(name);
                }
            }
        }
        Ok(Some(names))
    }
}

/// Returns where a scope begins: an id may be of either kind of distribution.
fn roots(scope: &Scope) -> Option<Vec<(ServiceKind, String)>> {
    let Scope::Distributions(ids) = scope else {
        return None;
    };
    let kinds = [
        ServiceKind::Distribution,
        ServiceKind::StreamingDistribution,
    ];
    let names = ids
        .iter()
        .flat_map(|id| kinds.map(|kind| (kind, id.clone())));
    Some(names.collect())
}

fn visible_in_file(scope: &Scope, items: &[ServiceItem]) -> Visible {
    let mut waiting = roots(scope)?;
    let mut names: BTreeSet<(ServiceKind, String)> = waiting.iter().cloned().collect();
    while let Some((kind, id)) = waiting.pop() {
        let item = items.iter().find(|item| item.kind == kind && item.id == id);
        // An item that cannot be read refers to nothing.
        let references = item
            .and_then(|item| facts(item).ok())
            .map(Facts::into_named);
        for name in references.into_iter().flatten() {
            if names.insert(name.clone()) {
                waiting.push(name);
            }
        }
    }
    Some(names)
}

fn list_file(
    items: &[ServiceItem],
    kind: ServiceKind,
    page: &PageRequest,
    names: Option<&BTreeSet<(ServiceKind, String)>>,
) -> Listed<Item> {
    let after = page.after.as_deref().unwrap_or_default();
    let is_wanted = |item: &&ServiceItem| {
        let name = (item.kind, item.id.clone());
        item.kind == kind
            && item.id.as_str() > after
            && names.is_none_or(|names| names.contains(&name))
    };
    let mut items: Vec<Item> = items.iter().filter(is_wanted).map(file_item).collect();
    items.sort_by(|one, other| one.id.cmp(&other.id));
    let wanted = page.limit.clamp(1, PAGE_MAX);
    items.truncate(page_length(wanted) + 1);
    cut(items, wanted, |item: &Item| item.id.clone())
}

/// Returns an item of the file, its secrets replaced by a word: the file has them in clear.
fn file_item(item: &ServiceItem) -> Item {
    let mut document = item.value.clone();
    // An item that cannot be read is not shown: what is secret in it is not known.
    let secrets = facts(item).map(|facts| facts.secrets);
    match secrets {
        Ok(secrets) => mask(&mut document, &secrets, "in the file"),
        Err(_) => document = Value::Null,
    }
    // Of what is shown: a digest of a secret would let readers try what it is.
    let digest = hex(digest(&SHA256, document.to_string().as_bytes()).as_ref());
    Item {
        id: item.id.clone(),
        etag: format!("F{}", digest.get(..12).unwrap_or_default().to_uppercase()),
        version: None,
        made_by: MadeBy {
            kind: "file",
            operator: None,
            at: None,
        },
        created_at: None,
        document,
        used_by: None,
        applied: None,
    }
}

/// Replaces texts at JSON pointers by `{"sealed": WORD}`.
pub(super) fn mask(document: &mut Value, pointers: &[String], word: &str) {
    for pointer in pointers {
        if let Some(value) = document.pointer_mut(pointer)
            && value.is_string()
        {
            *value = json!({ "sealed": word });
        }
    }
}

fn item_of(document: StoredDocument, used_by: Option<Vec<DocumentName>>, applied: Applied) -> Item {
    Item {
        id: document.id,
        etag: document.etag,
        version: Some(document.version),
        made_by: MadeBy {
            kind: "operator",
            operator: Some(document.made_by),
            at: Some(document.updated_at.seconds()),
        },
        created_at: Some(document.created_at.seconds()),
        document: document.body,
        used_by,
        applied: Some(applied),
    }
}

fn version_of(version: StoredVersion) -> ItemVersion {
    ItemVersion {
        version: version.number,
        etag: version.etag,
        made_by: MadeBy {
            kind: "operator",
            operator: Some(version.made_by),
            at: Some(version.at.seconds()),
        },
        operation: version.operation,
        document: version.body,
    }
}

/// Returns a page of items of which one more was read than is wanted.
pub(super) fn cut<T>(mut items: Vec<T>, wanted: u32, cursor: fn(&T) -> String) -> Listed<T> {
    let wanted = page_length(wanted);
    let is_more = items.len() > wanted;
    items.truncate(wanted);
    let next = items.last().filter(|_| is_more).map(cursor);
    Listed { items, next }
}

fn page_length(limit: u32) -> usize {
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// Returns the name in the store of a reference: policies may be referred to by their names.
pub(super) async fn resolve(
    store: &Store,
    kind: ServiceKind,
    reference: &str,
) -> Result<DocumentName, OperationError> {
    let by_id = stored_name(kind, reference);
    if !kind.has_titles() || store.document(kind.as_str(), reference).await?.is_some() {
        return Ok(by_id);
    }
    let mut page = Page::first(PAGE_MAX);
    loop {
        let documents = store.documents(kind.as_str(), &page).await?;
        let is_named = |document: &&StoredDocument| {
            document.body.get("name").and_then(Value::as_str) == Some(reference)
        };
        if let Some(document) = documents.iter().find(is_named) {
            return Ok(stored_name(kind, &document.id));
        }
        match documents.last() {
            Some(last) => page.after = Some(last.id.clone()),
            None => return Ok(by_id),
        }
    }
}
