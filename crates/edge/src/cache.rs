//! The cache between viewers and origins: looks objects up, fetches a missing one once for all who request it, and
//! stores it.
//!
//! `privet-distribution` decides whether a response is stored and for how long; `privet-cache` stores the bytes.

mod cache_request;
mod cached_head;
mod compressed;
mod digest;
mod fetch;
mod fetch_fault;
mod fetched;
mod fill;
mod fills;
mod flight;
mod invalidation_item;
mod invalidations;
mod look_up;
mod reader;
mod reserved;
mod served;
mod sink;
mod stored_object;
mod together;

pub(crate) use cache_request::CacheRequest;
pub(crate) use cached_head::CachedHead;
pub(crate) use compressed::{FolderForm, FormBytes};
pub(crate) use digest::digest;
pub(crate) use flight::FlightWaiter;
pub use invalidation_item::{InvalidationItem, InvalidationReach};
pub use invalidations::Invalidation;
pub(crate) use invalidations::Invalidations;
pub(crate) use reader::{Next, ObjectReader, ReadFault};
pub(crate) use served::{CacheResult, Obtained, Served};
pub(crate) use stored_object::StoredObject;

use crate::clock::Clock;
use crate::origin::DiskWork;
use crate::origin_client::{OriginClient, OriginFaultKind, OriginRequestBody};
use compressed::COMPRESSIONS_MAX;
use fetched::Fetched;
use fills::Fills;
use flight::{Flights, Joined};
use http::{Method, StatusCode};
use look_up::LookUp;
use privet_cache::CacheStore;
use privet_distribution::caching::{
    CacheStatus, Collapsing, ForwardReason, Freshness, InvalidationPath,
};
use privet_sign::Timestamp;
use reserved::OnTheirWay;
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Maximum number of times that a request looks up again after waiting for another one's response.
const ATTEMPTS_MAX: usize = 4;

/// State shared by the workers.
#[derive(Debug)]
pub(crate) struct EdgeCache {
    store: CacheStore<CachedHead>,
    pub(crate) invalidations: Invalidations,
    flights: Flights,
    fills: Fills,
    compressions: Semaphore,
    block_size_bytes: u64,
    on_their_way: OnTheirWay,
}

impl EdgeCache {
    /// Creates a cache around `store`, which has `memory_size_bytes` of memory, and reads its journal.
    pub(crate) fn new(
        store: CacheStore<CachedHead>,
        memory_size_bytes: u64,
        block_size_bytes: u64,
    ) -> Arc<Self> {
        Arc::new(EdgeCache {
            invalidations: Invalidations::read(store.clone()),
            store,
            flights: Flights::default(),
            fills: Fills::default(),
            compressions: Semaphore::new(COMPRESSIONS_MAX),
            block_size_bytes,
            on_their_way: OnTheirWay::of(memory_size_bytes),
        })
    }

    pub(crate) fn store(&self) -> &CacheStore<CachedHead> {
        &self.store
    }
}

/// One worker's access to the cache and to the origins.
#[derive(Debug)]
pub(crate) struct WorkerCache {
    shared: Arc<EdgeCache>,
    client: Rc<OriginClient>,
    clock: Clock,
}

impl WorkerCache {
    pub(crate) fn new(shared: Arc<EdgeCache>, client: Rc<OriginClient>, clock: Clock) -> Rc<Self> {
        Rc::new(WorkerCache {
            shared,
            client,
            clock,
        })
    }

    /// Obtains the response to a GET or HEAD: from the store, from a fetch under way, or from the origin.
    pub(crate) async fn obtain(self: &Rc<Self>, ask: &Rc<CacheRequest>) -> Obtained {
        if ask.policy.is_disabled() {
            return self
                .pass(ask, OriginRequestBody::Empty, ForwardReason::Bypass)
                .await;
        }
        for _ in 0..ATTEMPTS_MAX {
            let now = self.clock.now();
            let found = self.look_up(ask).await;
            if let Some(served) = self.served_from_store(ask, &found, now) {
                return Obtained::Stored(Box::new(served));
            }
            if ask.method == Method::HEAD && found.object.is_none() {
                let reason = found.reason();
                return self.pass(ask, OriginRequestBody::Empty, reason).await;
            }
            let is_unshareable = self.shared.flights.is_unshareable(ask);
            if is_unshareable && found.object.is_none() {
                return self.fetch_as_viewer(ask, found).await;
            }
            if is_unshareable || ask.collapsing == Collapsing::Apart {
                return self.fetch_apart(ask, found).await;
            }
            if let Some(obtained) = self.fetch_together(ask, found).await {
                return obtained;
            }
        }
        // Give up on sharing: fetch for this viewer alone.
        let found = self.look_up(ask).await;
        self.fetch_apart(ask, found).await
    }

    fn served_from_store(
        self: &Rc<Self>,
        ask: &Rc<CacheRequest>,
        found: &LookUp,
        now: Timestamp,
    ) -> Option<Served> {
        let object = found.object.as_ref()?;
        let lifetime = &object.head().lifetime;
        match lifetime.verdict(now) {
            Freshness::Fresh => {}
            Freshness::StaleWhileRevalidate => self.refresh(ask, found),
            Freshness::Stale => return None,
        }
        Some(Served {
            status: CacheStatus::hit(lifetime.ttl_secs(now)),
            object: object.clone(),
            how: CacheResult::Hit,
            waiting: None,
        })
    }

    /// Revalidates in the background, unless somebody already does.
    fn refresh(self: &Rc<Self>, ask: &Rc<CacheRequest>, found: &LookUp) {
        if let Joined::Lead(flight) = self.shared.flights.join(&found.digest) {
            drop(self.lead(flight, ask, found.clone()));
        }
    }

    /// Makes one fetch for all requests that arrive meanwhile; `None` when its response is not for this one.
    async fn fetch_together(
        self: &Rc<Self>,
        ask: &Rc<CacheRequest>,
        found: LookUp,
    ) -> Option<Obtained> {
        let reason = found.reason();
        let digest = found.digest;
        match self.shared.flights.join(&digest) {
            Joined::Lead(flight) => {
                let response = self.lead(flight, ask, found);
                // The sender is dropped only together with the whole worker.
                match response.await {
                    Ok((fetched, waiter)) => Some(self.obtained(fetched, reason, Some(waiter))),
                    Err(_) => Some(Obtained::Failed(OriginFaultKind::Closed.into())),
                }
            }
            Joined::Wait(mut waiter) => {
                let outcome = waiter.outcome().await;
                self.followed(ask, outcome, reason, waiter)
            }
        }
    }

    /// Requests an object whose responses could not be shared lately, just as the viewer does.
    async fn fetch_as_viewer(self: &Rc<Self>, ask: &Rc<CacheRequest>, found: LookUp) -> Obtained {
        let reason = found.reason();
        let fetched = self.fetch_viewers_own(ask, found).await;
        self.obtained(fetched, reason, None)
    }

    async fn fetch_apart(self: &Rc<Self>, ask: &Rc<CacheRequest>, found: LookUp) -> Obtained {
        let reason = found.reason();
        let fetched = self.fetch(ask, found, None).await;
        self.obtained(fetched, reason, None)
    }

    /// Converts a fetch into the result of the request that made it.
    fn obtained(
        &self,
        fetched: Fetched,
        reason: ForwardReason,
        waiter: Option<FlightWaiter>,
    ) -> Obtained {
        let now = self.clock.now();
        let mut status = CacheStatus::forwarded(reason);
        match fetched {
            Fetched::Stored(stored) => {
                status.forward_status = Some(stored.forward_status);
                status.stored = true;
                status.ttl_secs = Some(stored.object.head().lifetime.ttl_secs(now));
                let how = if stored.forward_status == StatusCode::NOT_MODIFIED {
                    CacheResult::RefreshHit
                } else {
                    CacheResult::Miss
                };
                Obtained::Stored(Box::new(Served {
                    object: stored.object,
                    status,
                    how,
                    waiting: waiter.map(|waiter| waiter.with_hold(stored.hold)),
                }))
            }
            Fetched::Unstorable(response, unstorable) => {
                status.detail = Some(unstorable.token());
                Obtained::Passed(response, status)
            }
            Fetched::ServeStale(object) => {
                status.ttl_secs = Some(object.head().lifetime.ttl_secs(now));
                Obtained::Stored(Box::new(Served {
                    object,
                    status,
                    how: CacheResult::Hit,
                    waiting: None,
                }))
            }
            Fetched::Failed(fault) => Obtained::Failed(fault),
        }
    }

    /// Passes a request with the viewer's own method to the origin; its response is never stored.
    pub(crate) async fn pass(
        self: &Rc<Self>,
        ask: &Rc<CacheRequest>,
        body: OriginRequestBody,
        reason: ForwardReason,
    ) -> Obtained {
        let call = ask.call_as_viewer(body);
        let answered = self
            .client
            .send_with_failover(&ask.origins, call, |origin, call| ask.address(origin, call))
            .await;
        match answered {
            Ok(response) => {
                let mut status = CacheStatus::forwarded(reason);
                status.forward_status = Some(response.status);
                Obtained::Passed(Box::new(response), status)
            }
            Err(fault) => Obtained::Failed(fault),
        }
    }

    /// Invalidates what a change at the origin has made out of date.
    pub(crate) async fn invalidate_changed(
        &self,
        distribution_id: &str,
        paths: Vec<InvalidationPath>,
        now: Timestamp,
    ) {
        let invalidation = Invalidation::of_changes(distribution_id, paths, now);
        let shared = Arc::clone(&self.shared);
        let adding = DiskWork::start(move || shared.invalidations.add(&Arc::new(invalidation)));
        // A journal that cannot be written fails the disk as a whole, which the store reports to the operator.
        let _ = adding.await;
    }
}
