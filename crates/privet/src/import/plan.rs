//! What an import changes: the items of the file against those of the store.

use super::difference::masked_differences;
use crate::command_error::CommandError;
use crate::configuration::LoadError;
use crate::progress::progress;
use crate::store_access::{local_actor, now};
use crate::stored_items::StoredItem;
use privet_control::{CutOff, Difference, cut_off};
use privet_distribution::config::{ItemFacts, Places, ServiceItem, ServiceKind};
use privet_store::{DocumentChange, DocumentName, Expected, Write};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What becomes of the store's items that the file does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Others {
    /// They stay.
    Stay,
    /// They are deleted.
    Deleted,
}

/// An item that is about to be changed.
#[derive(Debug)]
pub(super) struct PlannedChange<'i> {
    pub(super) act: Act,
    pub(super) item: &'i ServiceItem,
    pub(super) differences: Vec<Difference>,
    pub(super) cut_off: Vec<CutOff>,
    expected: Expected,
}

/// What happens to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    Add,
    Change,
    Remove,
}

impl Act {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Act::Add => "add",
            Act::Change => "change",
            Act::Remove => "remove",
        }
    }

    /// Returns the sign before the item, as in a patch.
    pub(super) fn sign(self) -> char {
        match self {
            Act::Add => '+',
            Act::Change => '~',
            Act::Remove => '-',
        }
    }
}

/// The whole import before it is made.
#[derive(Debug)]
pub(super) struct Plan<'i> {
    pub(super) changes: Vec<PlannedChange<'i>>,
    /// Number of items that are the same in both.
    pub(super) unchanged: usize,
    /// Items of the store that the file does not have, and that stay.
    pub(super) staying: Vec<&'i ServiceItem>,
}

impl<'i> Plan<'i> {
    /// Compares.
    pub(super) fn of(file: &'i [ServiceItem], stored: &'i [StoredItem], others: Others) -> Self {
        let mut left: BTreeMap<(ServiceKind, &str), &StoredItem> = stored
            .iter()
            .map(|stored| ((stored.item.kind, stored.item.id.as_str()), stored))
            .collect();
        let mut plan = Plan {
            changes: Vec::new(),
            unchanged: 0,
            staying: Vec::new(),
        };
        for item in file {
            match left.remove(&(item.kind, item.id.as_str())) {
                None => plan.changes.push(PlannedChange {
                    act: Act::Add,
                    item,
                    differences: Vec::new(),
                    cut_off: Vec::new(),
                    expected: Expected::Absent,
                }),
                Some(stored) if stored.item.value == item.value => plan.unchanged += 1,
                Some(stored) => plan.changes.push(changed(item, stored)),
            }
        }
        for stored in left.into_values() {
            match others {
                Others::Stay => plan.staying.push(&stored.item),
                Others::Deleted => plan.changes.push(removed(stored)),
            }
        }
        plan
    }

    pub(super) fn count(&self, act: Act) -> usize {
        let changes = self.changes.iter();
        changes.filter(|change| change.act == act).count()
    }

    /// Returns the write that makes all changes, if no other change comes between.
    ///
    /// # Errors
    /// [`CommandError::Configuration`] for an item that cannot be read, which the check of the whole has refused.
    pub(super) fn write(&self) -> Result<Write, CommandError> {
        let progress = progress(self.changes.len(), "preparing");
        let changes = progress.wrap_iter(self.changes.iter()).map(document_change);
        Ok(Write {
            actor: local_actor(),
            operation: "import".to_owned(),
            at: now(),
            changes: changes.collect::<Result<_, _>>()?,
            idempotency: None,
        })
    }
}

fn changed<'i>(item: &'i ServiceItem, stored: &StoredItem) -> PlannedChange<'i> {
    PlannedChange {
        act: Act::Change,
        item,
        differences: masked_differences(&stored.item, item),
        cut_off: cut_off(&item.id, &stored.item.value, Some(&item.value)),
        expected: Expected::Etag(stored.etag.clone()),
    }
}

fn removed(stored: &StoredItem) -> PlannedChange<'_> {
    PlannedChange {
        act: Act::Remove,
        item: &stored.item,
        differences: Vec::new(),
        cut_off: cut_off(&stored.item.id, &stored.item.value, None),
        expected: Expected::Etag(stored.etag.clone()),
    }
}

fn document_change(change: &PlannedChange<'_>) -> Result<DocumentChange, CommandError> {
    let item = change.item;
    let facts = match change.act {
        Act::Remove => ItemFacts::default(),
        Act::Add | Act::Change => ItemFacts::of(item).map_err(|faults| {
            let places = Places::default();
            let faults = faults.into_iter();
            let faults = faults.map(|fault| places.error(&fault.field, fault.message));
            LoadError::Faults(faults.collect())
        })?,
    };
    let references = facts.references.into_iter();
    Ok(DocumentChange {
        kind: item.kind.as_str().to_owned(),
        id: item.id.clone(),
        expected: change.expected.clone(),
        body: match change.act {
            Act::Remove => None,
            Act::Add | Act::Change => Some(item.value.clone()),
        },
        references: references
            .map(|(kind, id)| DocumentName::new(kind.as_str(), id))
            .collect(),
        secrets: facts.secrets,
        claims: facts.claims,
    })
}

impl PlannedChange<'_> {
    /// Returns the change as JSON.
    pub(super) fn json(&self) -> Value {
        let mut json = json!({
            "act": self.act.as_str(),
            "kind": self.item.kind.as_str(),
            "id": self.item.id,
        });
        if self.act == Act::Change {
            json["differences"] = json!(self.differences);
        }
        if !self.cut_off.is_empty() {
            json["cut_off"] = json!(self.cut_off);
        }
        json
    }
}
