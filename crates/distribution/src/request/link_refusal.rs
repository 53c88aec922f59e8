//! Every reason why a link with a good signature opens nothing: it was revoked, is used up, or nobody can tell.

use privet_sign::Timestamp;

/// Reason why a link opens nothing, though its signature is good. The viewer sees none of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinkRefusal {
    /// The link, its key, its subject or the object was revoked.
    Revoked {
        /// The revocation's number.
        revocation: u64,
    },
    /// All uses have been made, by other viewers or before this one's last visit ended.
    UsedUp {
        /// How many there were.
        uses: u32,
        /// When the last of them was made.
        last_at: Timestamp,
    },
    /// As many viewers as may use the link have.
    ViewersUsedUp,
    /// As many bytes as the link may send were sent.
    BytesUsedUp,
    /// The link has ended in the store, earlier than its signed text says.
    Ended,
    /// The signed text says that the link is limited, and the store does not know it.
    NotRegistered,
    /// The edge has had no news of the store for too long to know what was revoked.
    StoreStale,
    /// The store did not say whether there is a use.
    StoreSilent,
    /// The clock was set back behind revocations that the edge has forgotten.
    RevocationsForgotten,
}

/// Whether trying again may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasting {
    /// The refusal is the link's end, as far as this viewer is concerned.
    ForGood,
    /// The edge cannot tell at present.
    ForNow,
}

impl LinkRefusal {
    /// Returns one lower-case token for the operator's log.
    pub fn token(self) -> &'static str {
        match self {
            LinkRefusal::Revoked { .. } => "link-revoked",
            LinkRefusal::UsedUp { .. } => "link-used-up",
            LinkRefusal::ViewersUsedUp => "link-viewers-used-up",
            LinkRefusal::BytesUsedUp => "link-bytes-used-up",
            LinkRefusal::Ended => "link-ended",
            LinkRefusal::NotRegistered => "link-not-registered",
            LinkRefusal::StoreStale => "link-store-stale",
            LinkRefusal::StoreSilent => "link-store-silent",
            LinkRefusal::RevocationsForgotten => "link-revocations-forgotten",
        }
    }

    /// Returns whether trying again may help, which decides between 403 and 503.
    pub fn lasting(self) -> Lasting {
        match self {
            LinkRefusal::Revoked { .. }
            | LinkRefusal::UsedUp { .. }
            | LinkRefusal::ViewersUsedUp
            | LinkRefusal::BytesUsedUp
            | LinkRefusal::Ended
            | LinkRefusal::NotRegistered => Lasting::ForGood,
            LinkRefusal::StoreStale
            | LinkRefusal::StoreSilent
            | LinkRefusal::RevocationsForgotten => Lasting::ForNow,
        }
    }
}
