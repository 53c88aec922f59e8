//! How a change is asked for, and what comes of it.

use crate::operations::Applied;

/// How a change is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeRequest {
    /// ETag of the version that is to be changed.
    pub if_match: Option<String>,
    /// Key by which a repeated request is known.
    pub idempotency_key: Option<String>,
    /// Whether the change is made, or only tried.
    pub mode: Mode,
}

/// Whether a change is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The change is made.
    #[default]
    Make,
    /// The change is checked, and what it would do is told.
    DryRun,
}

/// A change that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// Id of the item.
    pub id: String,
    /// Number of the change.
    pub change: u64,
    /// New ETag; `None` if the item was deleted.
    pub etag: Option<String>,
    /// New version; `None` if the item was deleted.
    pub version: Option<u64>,
    /// What would undo it.
    pub undo: Undo,
    /// Edges on which it is in force.
    pub applied: Applied,
}

/// What undoes a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undo {
    /// Deleting what was created.
    Delete,
    /// Restoring the version before.
    Restore {
        /// Number of that version.
        version: u64,
    },
}
