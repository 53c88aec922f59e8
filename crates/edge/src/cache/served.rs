//! Results of the cache: an object to serve, a response for one viewer, or a fault.

use super::flight::FlightWaiter;
use super::stored_object::StoredObject;
use crate::origin_client::{OriginFault, OriginResponse};
use privet_distribution::caching::CacheStatus;
use privet_distribution::logging::ResultType;

/// The result of a cache request.
#[derive(Debug)]
pub(crate) enum Obtained {
    /// An object, stored or on its way into the store.
    Stored(Box<Served>),
    /// A response for this viewer alone.
    Passed(Box<OriginResponse>, CacheStatus),
    /// No response.
    Failed(OriginFault),
}

/// An object to serve.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) object: StoredObject,
    pub(crate) status: CacheStatus,
    pub(crate) how: CacheResult,
    /// Waiter that keeps the fill going until the viewer follows it.
    pub(crate) waiting: Option<FlightWaiter>,
}

/// The way an object came to be served, in the log's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CacheResult {
    Hit,
    RefreshHit,
    Miss,
}

impl CacheResult {
    /// The result for the log.
    pub(crate) fn result(self) -> ResultType {
        match self {
            CacheResult::Hit => ResultType::Hit,
            CacheResult::RefreshHit => ResultType::RefreshHit,
            CacheResult::Miss => ResultType::Miss,
        }
    }
}
