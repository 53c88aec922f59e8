//! What operators ask of a running edge: to forget objects, to tell what it keeps, and whether buckets are private.
//!
//! Asked by the program that runs the edge, and over a Unix socket ([`desk`]).

mod api;
mod desk;
mod invalidate;
mod privacy;
mod socket;

pub use invalidate::{
    INVALIDATION_ITEMS_MAX, INVALIDATION_SIZE_BYTES_MAX, INVALIDATION_WILDCARDS_MAX,
    InvalidationError, check_invalidation,
};
pub use privacy::{
    KnownObject, OriginAccess, OriginPrivacy, ProbeError, ProbeScope, Probing, UnseenCause,
    probe_origins,
};

pub(crate) use desk::OperatorThread;

use crate::cache::{EdgeCache, Invalidation, InvalidationItem};
use crate::clock::Clock;
use crate::context::EdgeContext;
use crate::edge::RunningEdge;
use crate::origin_client::OriginClientShared;
use crate::state::EdgeState;
use arc_swap::ArcSwap;
use privet_cache::Statistics;
use privet_distribution::CacheSettings;
use std::sync::{Arc, Mutex, PoisonError};

/// What answering an operator takes.
#[derive(Clone, Debug)]
pub(crate) struct Operator {
    cache: Arc<EdgeCache>,
    /// Those that the cache was opened with; a reload does not change them.
    cache_settings: CacheSettings,
    clock: Clock,
    origin_client: Arc<OriginClientShared>,
    privacy: Arc<Mutex<Vec<OriginPrivacy>>>,
    state: Arc<ArcSwap<EdgeState>>,
}

impl Operator {
    pub(crate) fn new(edge: &EdgeContext) -> Self {
        Operator {
            cache: Arc::clone(&edge.cache),
            cache_settings: edge.state.load().snapshot.cache.clone(),
            clock: edge.clock.clone(),
            origin_client: Arc::clone(&edge.origin_client),
            privacy: Arc::default(),
            state: Arc::clone(&edge.state),
        }
    }

    fn privacy_of_origins(&self) -> Vec<OriginPrivacy> {
        let privacy = self.privacy.lock().unwrap_or_else(PoisonError::into_inner);
        privacy.clone()
    }
}

impl RunningEdge {
    /// Makes every stored object that `items` mean count as absent, from now on and after every restart.
    ///
    /// Complete when it returns; it waits for the disk, if the cache has one. Limits are CloudFront's (developer guide,
    /// "Quotas"): 3,000 items, 15 of them with a wildcard.
    ///
    /// # Errors
    /// Nothing is invalidated then: limits, an unknown distribution, a disk that cannot be written.
    pub fn invalidate(
        &self,
        distribution_id: &str,
        items: &[InvalidationItem],
    ) -> Result<Arc<Invalidation>, InvalidationError> {
        self.operator.invalidate(distribution_id, items)
    }

    /// One of the latest invalidations, by its id.
    pub fn invalidation(&self, id: &str) -> Option<Arc<Invalidation>> {
        self.operator.cache.invalidations.find(id)
    }

    /// The latest invalidations, newest first, `count_max` at most.
    pub fn invalidations(&self, count_max: usize) -> Vec<Arc<Invalidation>> {
        self.operator.cache.invalidations.latest(count_max)
    }

    /// What the cache holds and has done since it was opened.
    pub fn cache_statistics(&self) -> Statistics {
        self.operator.cache.store().statistics()
    }

    /// What origins of restricted behaviors told somebody without keys, when they were asked last. Empty until the
    /// first answers have come.
    pub fn privacy_of_origins(&self) -> Vec<OriginPrivacy> {
        self.operator.privacy_of_origins()
    }
}
