//! Why links are neither registered nor revoked.

use thiserror::Error;

/// A fault of a command about links.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum LinkFault {
    /// Settings of visits that nobody counts.
    #[error("--confirm and --window are for links with --uses, --viewers or --bytes")]
    NothingCounted,
    /// Something else than links of one URL each.
    #[error(
        "links that are registered are signed one by one, and not with --shared, --cookies, --stream, --playlist or --policy"
    )]
    NotOneByOne,
    /// A revocation of many links that nobody has confirmed.
    #[error("this revokes {links} registered links: give --yes if all of them are meant")]
    Many {
        /// Number of links.
        links: u64,
    },
    /// A text that names no link in a log.
    #[error(
        "neither a signed URL nor the 16 digits behind `grant:` in a log: the logs name links by their signatures"
    )]
    NotInLogs,
}

impl LinkFault {
    /// Returns what the reader can do next, if the message does not say it already.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            LinkFault::Many { .. } => Some("--dry-run counts them and revokes nothing"),
            LinkFault::NotInLogs => {
                Some("privet link show ID tells what was counted of a registered link")
            }
            LinkFault::NothingCounted | LinkFault::NotOneByOne => None,
        }
    }
}
