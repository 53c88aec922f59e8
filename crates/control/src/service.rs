//! What this crate asks the rules about items: what they refer to, and whether a service with them is sound.
//!
//! The only file that knows the form of those answers.

use crate::operation_error::{Fault, OperationError, words};
use privet_distribution::config::{
    ItemFacts, ItemFault, ItemOrder, Places, ServiceDocument, ServiceItem, ServiceKind, Snapshot,
    read_items,
};
use privet_edge::certificate_faults;
use privet_store::DocumentName;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

const FILE_SIZE_BYTES_MAX: u64 = 1024 * 1024;

/// What the store has to know of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) references: Vec<(ServiceKind, String)>,
    /// JSON pointers to secrets.
    pub(crate) secrets: Vec<String>,
    pub(crate) claims: Vec<String>,
}

/// Returns the facts of an item whose secrets are in clear.
pub(crate) fn facts(item: &ServiceItem) -> Result<Facts, OperationError> {
    let facts =
        ItemFacts::of(item).map_err(|faults| invalid(std::slice::from_ref(item), 1, faults))?;
    Ok(Facts {
        references: facts.references.into_iter().collect(),
        secrets: facts.secrets,
        claims: facts.claims,
    })
}

/// Checks that `base` with these changes is a sound service. The first `own` of `changed` are the request's own, and
/// faults of those have their paths; the others are what they refer to, and what refers to them.
///
/// Reads the files that the items name; to be called where the disk may be waited for.
pub(crate) fn validate(
    base: &Snapshot,
    changed: &[ServiceItem],
    own: usize,
    removed: &[(ServiceKind, String)],
    folder: &Path,
) -> Result<(), OperationError> {
    let texts: Vec<(ServiceKind, String)> = changed
        .iter()
        .map(|item| (item.kind, item.value.to_string()))
        .collect();
    let items = texts.iter().map(|(kind, text)| (*kind, text.as_str()));
    let document = read_items(items, folder).map_err(|faults| invalid(changed, own, faults))?;
    let mut order = ItemOrder::default();
    changed.iter().for_each(|item| order.push(item.kind));
    let snapshot = base.with_changes(&document, removed, &mut read_file);
    let faults: Vec<ItemFault> = match snapshot {
        Ok(_) => unusable_certificates(&document, &order, own),
        Err(errors) => errors.into_iter().map(|error| order.fault(error)).collect(),
    };
    match faults.is_empty() {
        true => Ok(()),
        false => Err(invalid(changed, own, faults)),
    }
}

/// Returns faults of the certificates among the request's own items. Others are not looked at: a certificate that has
/// become unusable must not keep a key from being removed.
fn unusable_certificates(
    document: &ServiceDocument,
    order: &ItemOrder,
    own: usize,
) -> Vec<ItemFault> {
    let nowhere = Places::default();
    let faults = certificate_faults(document, &mut read_file).into_iter();
    let faults = faults.map(|fault| order.fault(nowhere.error(&fault.path, fault.message)));
    faults
        .filter(|fault| fault.position.is_some_and(|position| position < own))
        .collect()
}

/// Returns faults with paths in the request. A request about one item has it as `document`, an import its `items`. A fault
/// of another item is one of the request as a whole, and names the item.
fn invalid(items: &[ServiceItem], own: usize, faults: Vec<ItemFault>) -> OperationError {
    let in_request = |fault: ItemFault| {
        let position = fault.position.unwrap_or_default();
        if let Some(other) = items.get(position).filter(|_| position >= own.max(1)) {
            let message = format!(
                "the {} {:?}: {}",
                words(other.kind),
                other.id,
                fault.message
            );
            return Fault::new("document", message);
        }
        let prefix = match own {
            2.. => format!("items[{position}].document"),
            0 | 1 => "document".to_owned(),
        };
        match fault.field.is_empty() {
            true => Fault::new(prefix, fault.message),
            false => Fault::new(format!("{prefix}.{}", fault.field), fault.message),
        }
    };
    OperationError::Invalid(faults.into_iter().map(in_request).collect())
}

/// Returns the name under which the store has an item.
pub(crate) fn stored_name(kind: ServiceKind, id: &str) -> DocumentName {
    DocumentName::new(kind.as_str(), id)
}

/// Returns true for kinds that are switched on and off.
pub(crate) fn can_be_disabled(kind: ServiceKind) -> bool {
    match kind {
        ServiceKind::Distribution | ServiceKind::StreamingDistribution => true,
        ServiceKind::PublicKey
        | ServiceKind::KeyGroup
        | ServiceKind::TrustedSigner
        | ServiceKind::CachePolicy
        | ServiceKind::OriginRequestPolicy
        | ServiceKind::ResponseHeadersPolicy
        | ServiceKind::Certificate => false,
    }
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    let mut bytes = Vec::new();
    file.take(FILE_SIZE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > FILE_SIZE_BYTES_MAX {
        true => Err(io::Error::other("it is too large")),
        false => Ok(bytes),
    }
}
