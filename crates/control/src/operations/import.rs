//! Taking over many items at once: the whole service is checked with them, and one write makes all or nothing.

use crate::operation_error::{Fault, OperationError};
use crate::operations::Operations;
use crate::operations::change::Mode;
use crate::operations::reading::resolve;
use crate::operations::writing::Effect;
use crate::operator::{Admin, Operator, Scope};
use crate::service::{Facts, facts};
use privet_distribution::config::ServiceItem;
use privet_store::{DocumentChange, Expected, Store, Write};
use serde_json::Value;
use std::collections::BTreeSet;

/// What an import has made, or would make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Imported {
    /// Number of items.
    pub items: usize,
    /// Number of the last change; `None` if it was only tried.
    pub change: Option<u64>,
}

impl Operations {
    /// Creates items, or replaces those of the same kind and id. Others stay.
    ///
    /// # Errors
    /// [`OperationError::Invalid`] with the faults of all items, and others; nothing is changed then.
    pub async fn import(
        &self,
        operator: &Operator<Admin>,
        items: Vec<ServiceItem>,
        mode: Mode,
    ) -> Result<Imported, OperationError> {
        let store = self.store()?;
        check_import_scope(operator)?;
        let items = read(items)?;
        let effect = Effect {
            changed: &items,
            removed: &[],
            visible: &None,
        };
        let limited = match self.has_listed_places(operator) {
            true => &items[..],
            false => &[],
        };
        for (item, _) in limited {
            let before = store.document(item.kind.as_str(), &item.id).await?;
            let before = before.map_or(Value::Null, |before| before.body);
            self.check_places((before, Some(item.value.clone())))
                .await?;
        }
        self.check_service(store, effect).await?;
        let count = items.len();
        if mode == Mode::DryRun {
            return Ok(Imported {
                items: count,
                change: None,
            });
        }
        let write = Write {
            actor: operator.caller().actor(),
            operation: "import".to_owned(),
            at: self.timestamp(),
            changes: changes(store, items).await?,
            idempotency: None,
        };
        self.make_folders(&write.changes).await?;
        let written = store.write(write).await?;
        Ok(Imported {
            items: count,
            change: Some(written.change),
        })
    }
}

/// An import is about everything: an operator with a scope makes none.
pub(super) fn check_import_scope(operator: &Operator<Admin>) -> Result<(), OperationError> {
    match &operator.caller().scope {
        Scope::All => Ok(()),
        Scope::Distributions(_) => Err(OperationError::ScopeTooNarrow("this imports a service")),
    }
}

fn read(items: Vec<ServiceItem>) -> Result<Vec<(ServiceItem, Facts)>, OperationError> {
    if items.is_empty() {
        return Err(OperationError::invalid("items", "are none"));
    }
    let mut names = BTreeSet::new();
    let mut faults = Vec::new();
    let mut known = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        if !names.insert((item.kind, item.id.clone())) {
            let message = format!("the {} {:?} is there twice", item.kind, item.id);
            faults.push(Fault::new(format!("items[{index}]"), message));
        }
        match facts(&item) {
            Ok(facts) => known.push((item, facts)),
            Err(OperationError::Invalid(of_item)) => {
                let in_items = |fault: Fault| {
                    let field = format!("items[{index}].{}", fault.field);
                    Fault::new(field, fault.message)
                };
                faults.extend(of_item.into_iter().map(in_items));
            }
            Err(other) => return Err(other),
        }
    }
    match faults.is_empty() {
        true => Ok(known),
        false => Err(OperationError::Invalid(faults)),
    }
}

async fn changes(
    store: &Store,
    items: Vec<(ServiceItem, Facts)>,
) -> Result<Vec<DocumentChange>, OperationError> {
    // A policy that comes with the same import may be referred to by its name as well.
    let titles: Vec<(ServiceItem, String)> = items
        .iter()
        .filter_map(|(item, _)| {
            let name = item.value.get("name")?.as_str()?.to_owned();
            Some((item.clone(), name))
        })
        .collect();
    let mut changes = Vec::with_capacity(items.len());
    for (item, facts) in items {
        let mut references = BTreeSet::new();
        for (kind, reference) in &facts.references {
            let is_titled = |(other, name): &&(ServiceItem, String)| {
                let is_name = kind.has_titles() && name == reference;
                other.kind == *kind && (is_name || other.id == *reference)
            };
            let name = match titles.iter().find(is_titled) {
                Some((other, _)) => crate::service::stored_name(*kind, &other.id),
                None => resolve(store, *kind, reference).await?,
            };
            references.insert(name);
        }
        changes.push(DocumentChange {
            kind: item.kind.as_str().to_owned(),
            id: item.id,
            expected: Expected::Any,
            body: Some(item.value),
            references: references.into_iter().collect(),
            secrets: facts.secrets,
            claims: facts.claims,
        });
    }
    Ok(changes)
}
