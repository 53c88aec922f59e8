//! Reads the items of a service from JSON, tells what a store has to know of them, and writes them as TOML.

use crate::config::config_error::ConfigError;
use crate::config::document::ServiceDocument;
use crate::config::service_item::ServiceKind;
use crate::config::toml_reader::read_items_in_part;
use std::path::Path;

mod facts;
mod toml_writer;

pub use facts::ItemFacts;
pub use toml_writer::write_toml;

/// A fault of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemFault {
    /// Position of the item among those that were given; `None` for a fault of none of them.
    pub position: Option<usize>,
    /// Path of the value in the item, such as `origins[0].url`; empty for the item itself.
    pub field: String,
    /// Message that says what is wrong and what to do.
    pub message: String,
}

/// Reads items, as texts of JSON with their kinds. Relative paths of files begin at `folder`.
///
/// # Errors
/// Returns syntax errors, unknown keys, wrong types, values out of range and missing values.
pub fn read_items<'t>(
    items: impl IntoIterator<Item = (ServiceKind, &'t str)>,
    folder: &Path,
) -> Result<ServiceDocument, Vec<ItemFault>> {
    let mut order = ItemOrder::default();
    let items = items.into_iter().inspect(|(kind, _)| order.push(*kind));
    let (service, errors) = read_items_in_part(items, folder);
    if errors.is_empty() {
        return Ok(service);
    }
    Err(errors.into_iter().map(|error| order.fault(error)).collect())
}

/// The kinds of items in the order in which they were given, to tell which one a path such as `distributions[3].id`
/// means.
#[derive(Clone, Debug, Default)]
pub struct ItemOrder(Vec<ServiceKind>);

impl ItemOrder {
    /// Adds the next item.
    pub fn push(&mut self, kind: ServiceKind) {
        self.0.push(kind);
    }

    /// Returns the fault with the position of its item.
    pub fn fault(&self, error: ConfigError) -> ItemFault {
        let place = error.path.split_once('[').and_then(|(table, rest)| {
            let (number, field) = rest.split_once(']')?;
            let kind = ServiceKind::ALL
                .into_iter()
                .find(|kind| kind.table() == table)?;
            let mut positions = self
                .0
                .iter()
                .enumerate()
                .filter(|(_, known)| **known == kind);
            let (position, _) = positions.nth(number.parse().ok()?)?;
            Some((position, field.strip_prefix('.').unwrap_or(field)))
        });
        match place {
            Some((position, field)) => ItemFault {
                position: Some(position),
                field: field.to_owned(),
                message: error.message,
            },
            None => ItemFault {
                position: None,
                field: error.path,
                message: error.message,
            },
        }
    }
}
