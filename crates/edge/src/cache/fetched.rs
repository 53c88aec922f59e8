//! The outcome of a request for an object to its origin.

use super::fill::Follower;
use super::stored_object::StoredObject;
use crate::origin_client::{OriginFault, OriginResponse};
use http::StatusCode;
use privet_distribution::caching::Unstorable;

/// The outcome of a fetch.
#[derive(Debug)]
pub(super) enum Fetched {
    /// An object that is stored, on its way into the store, or confirmed by the origin.
    Stored(Stored),
    /// A response for one viewer only, and why it is not stored.
    Unstorable(Box<OriginResponse>, Unstorable),
    /// The stored object: the origin failed, and it may be served stale.
    ServeStale(StoredObject),
    /// No response.
    Failed(OriginFault),
}

/// An object that viewers may follow.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) object: StoredObject,
    /// Status of the origin's response.
    pub(super) forward_status: StatusCode,
    /// Follower that keeps the fill going until it is dropped.
    pub(super) hold: Option<Follower>,
}
