//! What asking the origin for an object has come to.

use super::fill::Follower;
use super::stored_object::StoredObject;
use crate::origin_client::{OriginFault, OriginResponse};
use http::StatusCode;
use privet_distribution::caching::Unstorable;

/// What a fetch came to.
#[derive(Debug)]
pub(super) enum Fetched {
    /// Stored, on its way into the store, or confirmed.
    Stored(Stored),
    /// For one viewer.
    Unstorable(Box<OriginResponse>, Unstorable),
    /// The origin failed, what is stored may be served.
    ServeStale(StoredObject),
    /// There is no response.
    Failed(OriginFault),
}

/// An object that viewers may follow.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) object: StoredObject,
    /// What the origin said.
    pub(super) forward_status: StatusCode,
    /// Keeps the fill going until it is dropped.
    pub(super) hold: Option<Follower>,
}
