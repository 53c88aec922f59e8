//! What a scope shows of a service.

use privet_distribution::config::ServiceKind;
use privet_store::DocumentName;
use std::collections::BTreeSet;

/// The names of all items within a scope: its distributions and all that they refer to; `None` for all.
pub(crate) type Visible = Option<BTreeSet<(ServiceKind, String)>>;

/// Returns true for what a scope shows.
pub(crate) fn is_visible(visible: &Visible, name: &DocumentName) -> bool {
    match (visible, name.kind.parse()) {
        (None, _) => true,
        (Some(names), Ok(kind)) => names.contains(&(kind, name.id.clone())),
        (Some(_), Err(_)) => false,
    }
}
