//! Why a link cannot be signed with the key of a group.

use thiserror::Error;

/// A fault of signing with the key that a group's rotation gives out.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum GroupFault {
    /// An interface or a configuration without a group: another key is signed with.
    #[error("--config, --socket, --endpoint, --profile and --ca are for --group")]
    GroupMissing,
    /// A link that would outlive its key.
    #[error(
        "links of this group end by {latest} at the latest: the key is retired once they have ended"
    )]
    TooLong { latest: String },
    /// No key, with the reason.
    #[error("{0}")]
    NoKey(String),
}

impl GroupFault {
    /// Returns what the reader can do next, if the message does not say it already.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            GroupFault::TooLong { .. } => {
                Some("give a shorter --for, or set --longest-link with privet key rotate")
            }
            GroupFault::NoKey(_) => Some("privet key rotate --group ID tells how far its keys are"),
            GroupFault::GroupMissing => None,
        }
    }

    /// Returns true for a fault of the command line.
    pub(crate) fn is_usage(&self) -> bool {
        matches!(self, GroupFault::GroupMissing)
    }
}
