//! Requests for the same object at the same time: one of them fetches it, the others wait for that.

use super::WorkerCache;
use super::cache_request::CacheRequest;
use super::fetched::{Fetched, Stored};
use super::flight::{Flight, FlightGuard, FlightOutcome, FlightWaiter};
use super::look_up::{LookUp, variant_key};
use super::served::{CacheResult, Obtained, Served};
use super::stored_object::StoredObject;
use crate::origin_client::OriginFaultKind;
use privet_distribution::caching::{CacheStatus, ForwardReason, Freshness};
use std::rc::Rc;
use std::sync::Arc;
use tokio::sync::oneshot;

/// Returns true if one viewer's request may have caused the fault, so that those who waited send their own: a header
/// that a policy passes on may break a bucket's check of the signature.
fn is_of_one_request(kind: OriginFaultKind) -> bool {
    matches!(
        kind,
        OriginFaultKind::RequestBody | OriginFaultKind::Refused(_)
    )
}

impl WorkerCache {
    /// Starts a fetch in a task of its own, which goes on when viewers leave. The leader gets the response itself.
    pub(super) fn lead(
        self: &Rc<Self>,
        flight: Arc<Flight>,
        ask: &Rc<CacheRequest>,
        found: LookUp,
    ) -> oneshot::Receiver<(Fetched, FlightWaiter)> {
        let (sender, receiver) = oneshot::channel();
        let waiter = flight.follow();
        let (cache, ask) = (Rc::clone(self), Rc::clone(ask));
        // Created here, so that a task that never runs ends the flight too.
        let guard = Rc::new(FlightGuard::new(flight, &cache.shared));
        tokio::task::spawn_local(async move {
            let fetched = cache.fetch(&ask, found, Some(Rc::clone(&guard))).await;
            match &fetched {
                Fetched::Stored(stored) => guard.tell(FlightOutcome::Stored(stored.object.clone())),
                Fetched::ServeStale(object) => {
                    guard.tell(FlightOutcome::ServeStale(object.clone()));
                }
                Fetched::Unstorable(..) => cache.shared.flights.mark_unshareable(&ask),
                Fetched::Failed(fault) => guard.tell(FlightOutcome::Failed(*fault)),
            }
            let waiting = guard.waiters();
            // From here on only the fill keeps the flight alive.
            drop(guard);
            match sender.send((fetched, waiter)) {
                Ok(()) => {}
                Err((fetched, waiter)) => {
                    drop(waiter);
                    if let Fetched::Stored(Stored { hold, .. }) = fetched {
                        // The leader has left; the others get time to follow.
                        waiting.closed().await;
                        drop(hold);
                    }
                }
            }
        });
        receiver
    }

    /// Lets `ask` be fetched beside a fetch that is under way.
    pub(crate) fn mark_unshareable(&self, ask: &CacheRequest) {
        self.shared.flights.mark_unshareable(ask);
    }

    /// Returns the result of a request that waited; `None` when it has to look up again.
    pub(super) fn followed(
        &self,
        ask: &Rc<CacheRequest>,
        outcome: FlightOutcome,
        reason: ForwardReason,
        waiter: FlightWaiter,
    ) -> Option<Obtained> {
        let now = self.clock.now();
        let mut status = CacheStatus::forwarded(reason);
        status.collapsed = true;
        let object = match outcome {
            FlightOutcome::Stored(object) => object,
            FlightOutcome::ServeStale(object) => {
                // An object that was invalidated meanwhile is not served stale.
                let head = object.head();
                if self.shared.invalidations.cover(head, object.object.seq) {
                    self.shared.flights.mark_unshareable(ask);
                    return None;
                }
                return Some(Obtained::Stored(Box::new(Served {
                    object,
                    status,
                    how: CacheResult::Hit,
                    waiting: None,
                })));
            }
            FlightOutcome::Unshareable => {
                self.shared.flights.mark_unshareable(ask);
                return None;
            }
            FlightOutcome::Failed(fault) if is_of_one_request(fault.kind) => return None,
            FlightOutcome::Failed(fault) => return Some(Obtained::Failed(fault)),
        };
        let head = object.head();
        let is_fresh = head.lifetime.verdict(now) == Freshness::Fresh;
        // A flight lasts as long as its viewers do; a response requested before an invalidation is not for those after
        // it.
        let is_covered = self.shared.invalidations.cover(head, object.object.seq);
        if !is_fresh || is_covered {
            self.shared.flights.mark_unshareable(ask);
            return None;
        }
        // The object may be another variant; the next lookup finds the right one.
        if head.key != ask.key.as_bytes() && !self.is_variant_of(ask, &object) {
            return None;
        }
        status.ttl_secs = Some(head.lifetime.ttl_secs(now));
        Some(Obtained::Stored(Box::new(Served {
            object,
            status,
            how: CacheResult::Hit,
            waiting: Some(waiter),
        })))
    }

    fn is_variant_of(&self, ask: &CacheRequest, object: &StoredObject) -> bool {
        let marker = match self.shared.store.object(&ask.digest) {
            privet_cache::Lookup::Memory(marker) => marker,
            privet_cache::Lookup::Disk(_) | privet_cache::Lookup::Absent => return false,
        };
        let super::cached_head::Form::Marker(names) = &marker.head.form else {
            return false;
        };
        let marker = super::look_up::Marker {
            names: names.clone(),
            generation: marker.head.generation,
        };
        variant_key(ask, &marker) == object.head().key
    }
}
