//! What this crate asks the rules about items: what they refer to, and whether a service with them is sound.
//!
//! The only file that knows the form of those answers.

use crate::item_file::read_file;
use crate::operation_error::{Fault, OperationError, words};
use crate::sigv4::hex;
use crate::visible::{Visible, is_visible};
use aws_lc_rs::digest::{SHA256, digest};
use privet_distribution::config::{
    ItemFacts, ItemFault, ItemOrder, Places, ServiceItem, ServiceKind, Snapshot, read_items,
};
use privet_edge::{StartFault, certificate_faults, own_file_faults};
use privet_store::DocumentName;
use std::collections::BTreeSet;
use std::path::Path;

/// What the store has to know of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) references: Vec<(ServiceKind, String)>,
    /// Items that are used if they exist.
    pub(crate) mentions: Vec<(ServiceKind, String)>,
    /// Names of the buckets whose objects a distribution serves.
    pub(crate) origin_buckets: BTreeSet<String>,
    /// JSON pointers to secrets.
    pub(crate) secrets: Vec<String>,
    pub(crate) claims: Vec<String>,
}

impl Facts {
    /// Returns everything that the item names, whether that has to exist or not.
    pub(crate) fn into_named(self) -> impl Iterator<Item = (ServiceKind, String)> {
        self.references.into_iter().chain(self.mentions)
    }
}

/// Returns the facts of an item whose secrets are in clear.
pub(crate) fn facts(item: &ServiceItem) -> Result<Facts, OperationError> {
    let facts = ItemFacts::of(item).map_err(|faults| {
        let faults = faults.into_iter().map(|fault| own_fault(fault, 1));
        OperationError::Invalid(faults.collect())
    })?;
    let mut claims = facts.claims;
    claims.extend(reference_claim(item));
    Ok(Facts {
        references: facts.references.into_iter().collect(),
        mentions: facts.mentions.into_iter().collect(),
        origin_buckets: facts.origin_buckets,
        secrets: facts.secrets,
        claims,
    })
}

/// Returns the name that the reference of an item's author takes among those of its kind: a digest, since claims are
/// shorter than references.
fn reference_claim(item: &ServiceItem) -> Option<String> {
    let reference = item.value.get("caller_reference")?.as_str()?;
    let digest = hex(digest(&SHA256, reference.as_bytes()).as_ref());
    Some(format!("{} reference {digest}", item.kind))
}

/// A service as it would be, to be checked: changed items, and after them what they refer to and what refers to them.
#[derive(Clone, Debug)]
pub(crate) struct Checked {
    pub(crate) items: Vec<ServiceItem>,
    /// Number of items that are the request's own; faults of those have their paths.
    pub(crate) own: usize,
    pub(crate) removed: Vec<(ServiceKind, String)>,
    /// Items that the operator may hear of.
    pub(crate) visible: Visible,
}

/// Checks that `base` with these changes is a sound service.
///
/// Reads the files that the items name; to be called where the disk may be waited for.
pub(crate) fn validate(
    base: &Snapshot,
    checked: &Checked,
    folder: &Path,
) -> Result<(), OperationError> {
    let texts: Vec<(ServiceKind, String)> = checked
        .items
        .iter()
        .map(|item| (item.kind, item.value.to_string()))
        .collect();
    let items = texts.iter().map(|(kind, text)| (*kind, text.as_str()));
    let document = read_items(items, folder).map_err(|faults| checked.invalid(faults))?;
    let mut order = ItemOrder::default();
    checked.items.iter().for_each(|item| order.push(item.kind));
    let own_files = &base.node.own_files;
    let mut read = |path: &Path| read_file(path, own_files);
    let snapshot = base.with_changes(&document, &checked.removed, &mut read);
    let faults: Vec<ItemFault> = match snapshot {
        Ok(_) => {
            let mut faults = certificate_faults(&document, &mut read);
            faults.extend(own_file_faults(&document, own_files));
            of_request(faults, &order, checked.own)
        }
        Err(errors) => errors.into_iter().map(|error| order.fault(error)).collect(),
    };
    match faults.is_empty() {
        true => Ok(()),
        false => Err(checked.invalid(faults)),
    }
}

/// Returns the faults of the request's own items. Others are not looked at: a certificate that has become unusable must
/// not keep a key from being removed.
fn of_request(faults: Vec<StartFault>, order: &ItemOrder, own: usize) -> Vec<ItemFault> {
    let nowhere = Places::default();
    let faults = faults.into_iter();
    let faults = faults.map(|fault| order.fault(nowhere.error(&fault.path, fault.message)));
    faults
        .filter(|fault| fault.position.is_some_and(|position| position < own))
        .collect()
}

impl Checked {
    fn invalid(&self, faults: Vec<ItemFault>) -> OperationError {
        let faults = faults.into_iter().map(|fault| {
            let position = fault.position.unwrap_or_default();
            let other = self.items.get(position);
            match other.filter(|_| position >= self.own) {
                Some(other) => self.fault_of_other(other, &fault),
                None => own_fault(fault, self.own),
            }
        });
        OperationError::Invalid(faults.collect())
    }

    /// Returns the fault of an item that is not the request's: one of the request as a whole, which names the item, if
    /// the operator may hear of that.
    fn fault_of_other(&self, other: &ServiceItem, fault: &ItemFault) -> Fault {
        let name = stored_name(other.kind, &other.id);
        let message = match is_visible(&self.visible, &name) {
            true => {
                let (kind, id) = (words(other.kind), &other.id);
                format!("the {kind} {id:?}: {}", fault.message)
            }
            false => "something outside of the scope could not be served with this".to_owned(),
        };
        Fault::new("document", message)
    }
}

/// Returns a fault with its path in the request. A request about one item has it as `document`, an import its `items`.
fn own_fault(fault: ItemFault, own: usize) -> Fault {
    let position = fault.position.unwrap_or_default();
    let prefix = match own {
        2.. => format!("items[{position}].document"),
        0 | 1 => "document".to_owned(),
    };
    match fault.field.is_empty() {
        true => Fault::new(prefix, fault.message),
        false => Fault::new(format!("{prefix}.{}", fault.field), fault.message),
    }
}

/// Returns the name under which the store has an item.
pub(crate) fn stored_name(kind: ServiceKind, id: &str) -> DocumentName {
    DocumentName::new(kind.as_str(), id)
}
