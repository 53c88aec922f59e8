//! Operators' commands to a running edge: to forget objects, to report what is cached, and to check whether buckets are
//! private.
//!
//! The edge's handle passes them on.

mod change;
mod courier;
mod invalidate;
mod privacy;

pub use change::ChangeError;
pub use courier::LogCourier;
pub use invalidate::{
    INVALIDATION_ITEMS_MAX, INVALIDATION_SIZE_BYTES_MAX, INVALIDATION_WILDCARDS_MAX,
    InvalidationError, check_invalidation,
};
pub use privacy::{
    KnownObject, OriginAccess, OriginPrivacy, ProbeError, ProbeScope, Prober, Probing, UnseenCause,
    probe_origins,
};

use crate::cache::{EdgeCache, Invalidations};
use crate::clock::Clock;
use crate::context::EdgeContext;
use crate::origin_client::OriginClientShared;
use crate::state::EdgeState;
use arc_swap::ArcSwap;
use privet_distribution::config::CacheSettings;
use std::sync::{Arc, Mutex, PoisonError};

/// State that an operator's commands need.
#[derive(Clone, Debug)]
pub(crate) struct Operator {
    cache: Arc<EdgeCache>,
    /// Settings that the cache was opened with; a reload does not change them.
    pub(crate) cache_settings: CacheSettings,
    clock: Clock,
    origin_client: Arc<OriginClientShared>,
    privacy: Arc<Mutex<Vec<OriginPrivacy>>>,
    state: Arc<ArcSwap<EdgeState>>,
}

impl Operator {
    pub(crate) fn new(edge: &EdgeContext) -> Self {
        Operator {
            cache: Arc::clone(&edge.cache),
            cache_settings: edge.state.load().snapshot.node.cache.clone(),
            clock: edge.clock.clone(),
            origin_client: Arc::clone(&edge.origin_client),
            privacy: Arc::default(),
            state: Arc::clone(&edge.state),
        }
    }

    /// Returns a courier, which brings log files into buckets.
    pub(crate) fn courier(&self) -> LogCourier {
        LogCourier::new(Arc::clone(&self.origin_client))
    }

    pub(crate) fn invalidations(&self) -> &Invalidations {
        &self.cache.invalidations
    }

    pub(crate) fn privacy_of_origins(&self) -> Vec<OriginPrivacy> {
        let privacy = self.privacy.lock().unwrap_or_else(PoisonError::into_inner);
        privacy.clone()
    }
}
