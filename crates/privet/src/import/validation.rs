//! Checks the service that an import would make, as a whole and under the settings of this machine.

use super::file_items::FileItems;
use crate::command_error::CommandError;
use crate::configuration::{LoadError, read_text};
use crate::whole_file::{BYTES_MAX, read_whole};
use privet_distribution::config::{
    ConfigError, Document, ItemFault, ItemOrder, NodeDocument, OwnFiles, Places, ServiceItem,
    ServiceKind, Snapshot, read_items, read_toml_in_part,
};
use privet_edge::{all_certificate_faults, own_file_faults};
use std::path::Path;

/// The settings of the machine, with the positions of their values.
#[derive(Debug)]
pub(super) struct Node {
    document: NodeDocument,
    places: Places,
}

impl Node {
    /// Reads them; faults of what the same file serves are none of theirs.
    ///
    /// # Errors
    /// [`CommandError::Configuration`].
    pub(super) fn read(config: &Path) -> Result<Self, CommandError> {
        let text = read_text(config)?;
        let (document, places, mut faults) =
            read_toml_in_part(&text, config).map_err(LoadError::Faults)?;
        faults.retain(|fault| !is_of_service(&fault.path));
        match faults.is_empty() {
            true => Ok(Node {
                document: document.node,
                places,
            }),
            false => Err(LoadError::Faults(faults).into()),
        }
    }
}

/// Checks the items of the file together with those of the store that stay.
///
/// # Errors
/// [`CommandError::Configuration`], with the positions of faults in the file.
pub(super) fn check(
    node: Node,
    file: &FileItems,
    staying: &[&ServiceItem],
) -> Result<(), CommandError> {
    let items: Vec<&ServiceItem> = file.items.iter().chain(staying.iter().copied()).collect();
    let texts: Vec<(ServiceKind, String)> = items
        .iter()
        .map(|item| (item.kind, item.value.to_string()))
        .collect();
    let texts = texts.iter().map(|(kind, text)| (*kind, text.as_str()));
    let telling = Telling {
        items: &items,
        of_file: file.items.len(),
        places: &file.places,
    };
    let service = read_items(texts, Path::new("/")).map_err(|faults| {
        let faults = faults.into_iter().map(|fault| telling.of_item(&fault));
        LoadError::Faults(faults.collect())
    })?;
    let certificates = all_certificate_faults(&service, &mut |path| read_whole(path, BYTES_MAX));
    let own_files = own_file_faults(&service, &OwnFiles::of(&node.document));
    let database = node.document.geo_database.clone();
    let document = Document {
        node: node.document,
        service,
    };
    let built = Snapshot::build(document, &file.places, &mut |path| {
        let is_database = database.as_deref() == Some(path);
        read_whole(path, if is_database { u64::MAX } else { BYTES_MAX })
    });
    let faults: Vec<ConfigError> = match built {
        // A stored certificate that has become unusable must not keep anything else from being imported.
        Ok(_) => {
            let faults = certificates.into_iter().chain(own_files);
            let faults = faults.map(|fault| file.places.error(&fault.path, fault.message));
            faults.filter(|fault| telling.is_of_file(fault)).collect()
        }
        Err(faults) => faults,
    };
    if faults.is_empty() {
        return Ok(());
    }
    let faults = faults.into_iter();
    let faults = faults.map(|fault| telling.of_service(fault, &node.places));
    Err(LoadError::Faults(faults.collect()).into())
}

/// What is needed to say where a fault is.
struct Telling<'t> {
    items: &'t [&'t ServiceItem],
    /// Number of items, from the first, that stand in the file.
    of_file: usize,
    places: &'t Places,
}

impl Telling<'_> {
    fn in_item(&self, fault: &ConfigError) -> ItemFault {
        let mut order = ItemOrder::default();
        self.items.iter().for_each(|item| order.push(item.kind));
        order.fault(fault.clone())
    }

    fn is_of_file(&self, fault: &ConfigError) -> bool {
        let position = self.in_item(fault).position;
        position.is_some_and(|position| position < self.of_file)
    }

    fn of_service(&self, fault: ConfigError, node: &Places) -> ConfigError {
        if !is_of_service(&fault.path) {
            return node.error(&fault.path, fault.message);
        }
        let in_item = self.in_item(&fault);
        match in_item.position {
            Some(position) if position >= self.of_file => self.of_item(&in_item),
            Some(_) | None => fault,
        }
    }

    fn of_item(&self, fault: &ItemFault) -> ConfigError {
        let item = fault.position.and_then(|position| self.items.get(position));
        let Some(item) = item else {
            return Places::default().error(&fault.field, &fault.message);
        };
        let is_stored = fault
            .position
            .is_some_and(|position| position >= self.of_file);
        let owner = if is_stored { "the store's " } else { "" };
        let (kind, id, message) = (item.kind, &item.id, &fault.message);
        let dot = if fault.field.is_empty() { "" } else { ": " };
        let message = format!("{owner}{kind} {id:?}{dot}{}: {message}", fault.field);
        let none = Places::default();
        let places = if is_stored { &none } else { self.places };
        places.error("", message)
    }
}

/// Returns whether a path is that of something served.
fn is_of_service(path: &str) -> bool {
    let table = path.split(['.', '[']).next().unwrap_or_default();
    ServiceKind::ALL.iter().any(|kind| kind.table() == table)
}
