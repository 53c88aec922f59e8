//! Makes a snapshot of stored items: of all of them at the start, and of what changed afterwards.
//!
//! An item that this machine cannot serve, because of a file that is not here for instance, is left as it was, and
//! told: all others have to go on.

use crate::item_file::read_file;
use privet_distribution::config::{
    ItemFacts, ItemFault, ItemOrder, ServiceDocument, ServiceKind, Snapshot, read_items,
};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

/// Number of distributions that are resolved together: one fault among them makes each be resolved by itself, and
/// before each lot the tables of the snapshot are copied.
pub(crate) const CHUNK: usize = 10_000;
/// Number of faults that are told of one item.
const FAULTS_MAX: usize = 5;

/// A distribution of either kind, as JSON with its secrets in clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredItem {
    pub(crate) kind: ServiceKind,
    pub(crate) id: String,
    pub(crate) text: String,
}

/// An item that is not in force, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: ServiceKind,
    pub(crate) id: String,
    /// Faults, with the paths of their values; never a secret.
    pub(crate) reason: String,
}

impl Failure {
    /// Returns true if the snapshot serves the item, in another form than the one at fault.
    pub(crate) fn has_form_in(&self, snapshot: &Snapshot) -> bool {
        match self.kind {
            ServiceKind::Distribution => snapshot.distribution(&self.id).is_some(),
            ServiceKind::StreamingDistribution => {
                snapshot.streaming_distribution(&self.id).is_some()
            }
            ServiceKind::PublicKey
            | ServiceKind::KeyGroup
            | ServiceKind::TrustedSigner
            | ServiceKind::CachePolicy
            | ServiceKind::OriginRequestPolicy
            | ServiceKind::ResponseHeadersPolicy
            | ServiceKind::Certificate
            | ServiceKind::Bucket
            | ServiceKind::OriginAccessIdentity
            | ServiceKind::OriginAccessControl => false,
        }
    }
}

/// What is to be put in force.
#[derive(Debug, Default)]
pub(crate) struct Gathered {
    /// Distributions that are gone.
    pub(crate) removed: Vec<(ServiceKind, String)>,
    /// Distributions that are new or changed, before the streaming distributions.
    pub(crate) items: Vec<StoredItem>,
    /// What they refer to.
    pub(crate) base: Base,
    /// Items that cannot be read.
    pub(crate) unreadable: Vec<Failure>,
}

impl Gathered {
    /// Adds an item: a distribution of either kind to be served, anything else to be referred to.
    pub(crate) fn add(&mut self, kind: ServiceKind, id: &str, text: String) {
        match kind.is_distribution() {
            true => self.items.push(StoredItem {
                kind,
                id: id.to_owned(),
                text,
            }),
            false => self.base.insert(kind, id, text),
        }
    }

    /// Brings the distributions before the streaming distributions.
    pub(crate) fn sort(&mut self) {
        self.items
            .sort_by(|one, other| (one.kind, &one.id).cmp(&(other.kind, &other.id)));
    }

    /// Returns the names of all that it has or removes.
    pub(crate) fn names(&self) -> impl Iterator<Item = (ServiceKind, String)> {
        let items = self.items.iter().map(|item| (item.kind, item.id.clone()));
        let unreadable = self.unreadable.iter();
        let unreadable = unreadable.map(|failure| (failure.kind, failure.id.clone()));
        items.chain(self.removed.iter().cloned()).chain(unreadable)
    }
}

/// Everything that distributions may refer to, as JSON.
#[derive(Debug, Default)]
pub(crate) struct Base(HashMap<(ServiceKind, String), String>);

impl Base {
    /// Adds an item under its id, and a policy under its name too.
    pub(crate) fn insert(&mut self, kind: ServiceKind, id: &str, text: String) {
        if kind.has_titles() {
            let value: Option<serde_json::Value> = serde_json::from_str(&text).ok();
            let name = value.as_ref().and_then(|value| value.get("name")?.as_str());
            if let Some(name) = name {
                self.0.insert((kind, name.to_owned()), text.clone());
            }
        }
        self.0.insert((kind, id.to_owned()), text);
    }

    /// Returns everything that `service` refers to, and what that refers to. What is missing is left out: the check of
    /// the snapshot tells.
    fn of(
        &self,
        service: &ServiceDocument,
        folder: &Path,
    ) -> Result<ServiceDocument, Vec<ItemFault>> {
        let mut all = ServiceDocument::default();
        let mut known: BTreeSet<&str> = BTreeSet::new();
        let mut wanted = ItemFacts::references_of(service);
        while !wanted.is_empty() {
            let found = wanted.iter().filter_map(|name| {
                let text = self.0.get(name)?;
                // A policy may be named by its id here and by its name there.
                known.insert(text).then_some((name.0, text.as_str()))
            });
            let found: Vec<(ServiceKind, &str)> = found.collect();
            let read = read_items(found, folder)?;
            wanted = ItemFacts::references_of(&read);
            all.append(read);
        }
        Ok(all)
    }
}

/// Items that were read together.
#[derive(Debug)]
pub(crate) struct Chunk {
    items: Vec<StoredItem>,
    /// What they and everything that they refer to say; the faults, if one of them cannot be read.
    service: Result<ServiceDocument, Vec<ItemFault>>,
}

/// Assembles snapshots on one machine.
#[derive(Clone, Debug)]
pub(crate) struct Assembly {
    /// Folder at which relative paths of items begin.
    pub(crate) folder: PathBuf,
}

impl Assembly {
    /// Returns `snapshot` without what is removed, and with the gathered items in place of those of their ids.
    pub(crate) fn apply(
        &self,
        snapshot: Snapshot,
        gathered: &Gathered,
    ) -> (Snapshot, Vec<Failure>) {
        let Gathered {
            removed,
            items,
            base,
            unreadable,
        } = gathered;
        let snapshot = self.without(snapshot, removed);
        let chunks = items
            .chunks(CHUNK)
            .map(|items| self.read(items.to_vec(), base));
        let (snapshot, mut failures) = self.fill(snapshot, chunks, base);
        failures.extend(unreadable.iter().cloned());
        (snapshot, failures)
    }

    /// Returns `snapshot` with the items of all chunks, but the faulty ones.
    pub(crate) fn fill(
        &self,
        mut snapshot: Snapshot,
        chunks: impl Iterator<Item = Chunk>,
        base: &Base,
    ) -> (Snapshot, Vec<Failure>) {
        let mut failures = Vec::new();
        for Chunk { items, service } in chunks {
            let before = snapshot.clone();
            let put = service.ok().and_then(|service| {
                let changed = snapshot.changed(&service, &[], &mut read_file);
                changed.ok()
            });
            snapshot = match put {
                Some(snapshot) => snapshot,
                // One of them is at fault, or several: each by itself then.
                None => self.put_each(before, &items, base, &mut failures),
            };
        }
        (snapshot, failures)
    }

    /// Reads items, with everything that they refer to.
    pub(crate) fn read(&self, items: Vec<StoredItem>, base: &Base) -> Chunk {
        let texts = items.iter().map(|item| (item.kind, item.text.as_str()));
        let service = read_items(texts, &self.folder).and_then(|mut service| {
            service.append(base.of(&service, &self.folder)?);
            Ok(service)
        });
        Chunk { items, service }
    }

    pub(crate) fn without(
        &self,
        snapshot: Snapshot,
        removed: &[(ServiceKind, String)],
    ) -> Snapshot {
        if removed.is_empty() {
            return snapshot;
        }
        let nothing = ServiceDocument::default();
        // Nothing is read and nothing checked of what is taken away.
        let kept = snapshot.clone();
        let changed = snapshot.changed(&nothing, removed, &mut read_file);
        changed.unwrap_or(kept)
    }

    fn put_each(
        &self,
        mut snapshot: Snapshot,
        items: &[StoredItem],
        base: &Base,
        failures: &mut Vec<Failure>,
    ) -> Snapshot {
        for item in items {
            let before = snapshot.clone();
            snapshot = match self.put(snapshot, item, base) {
                Ok(snapshot) => snapshot,
                Err(faults) => {
                    failures.push(Failure {
                        kind: item.kind,
                        id: item.id.clone(),
                        reason: reason(&faults),
                    });
                    before
                }
            };
        }
        snapshot
    }

    fn put(
        &self,
        snapshot: Snapshot,
        item: &StoredItem,
        base: &Base,
    ) -> Result<Snapshot, Vec<ItemFault>> {
        let service = self.read(vec![item.clone()], base).service?;
        let changed = snapshot.changed(&service, &[], &mut read_file);
        changed.map_err(|errors| {
            let mut order = ItemOrder::default();
            order.push(item.kind);
            errors.into_iter().map(|error| order.fault(error)).collect()
        })
    }
}

fn reason(faults: &[ItemFault]) -> String {
    let told = faults.iter().take(FAULTS_MAX).map(|fault| {
        let separator = if fault.field.is_empty() { "" } else { ": " };
        format!("{}{separator}{}", fault.field, fault.message)
    });
    let mut told: Vec<String> = told.collect();
    if faults.len() > FAULTS_MAX {
        told.push(format!("and {} more", faults.len() - FAULTS_MAX));
    }
    told.join("; ")
}
