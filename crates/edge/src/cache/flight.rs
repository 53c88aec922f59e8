//! One request to the origin for all viewers who want the same object at the same time.

use super::ask::Ask;
use super::fetch::{Fetched, Stored};
use super::fill::Follower;
use super::look_up::{Found, StoredObject, variant_key};
use super::{How, Obtained, Served, WorkerCache};
use crate::origin_client::{OriginFault, OriginFaultKind};
use privet_cache::Key;
use privet_distribution::{CacheStatus, ForwardReason, Freshness};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{oneshot, watch};

/// Keys whose responses were not for sharing lately.
const APART_MAX: usize = 65_536;

/// All flights of all workers.
#[derive(Debug, Default)]
pub(super) struct Flights {
    under_way: Mutex<HashMap<Key, Arc<Flight>>>,
    apart: Mutex<HashSet<Key>>,
}

/// A fetch, from the request until its bytes are stored.
#[derive(Debug)]
pub(super) struct Flight {
    digest: Key,
    outcome: watch::Sender<Option<Outcome>>,
}

impl Flight {
    pub(super) fn follow(&self) -> Landed {
        Landed {
            outcome: self.outcome.subscribe(),
            _hold: None,
        }
    }
}

/// What those who wait learn.
#[derive(Clone, Debug)]
pub(super) enum Outcome {
    /// An object, stored or on its way into the store.
    Stored(StoredObject),
    /// What is stored stands in for an origin that failed.
    StandIn(StoredObject),
    /// The response is not for sharing.
    Apart,
    /// No response.
    Failed(OriginFault),
}

/// Whether one has to fetch, or waits for another one.
pub(super) enum Role {
    Leader(Arc<Flight>),
    Follower(Landed),
}

/// A place among those who wait. As long as there is one, the fill goes on without being followed.
#[derive(Debug)]
pub(crate) struct Landed {
    outcome: watch::Receiver<Option<Outcome>>,
    _hold: Option<Follower>,
}

impl Landed {
    /// Waits for the outcome.
    pub(super) async fn outcome(&mut self) -> Outcome {
        match self.outcome.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or(Outcome::Apart),
            // Whoever fetched is gone without a word.
            Err(_) => Outcome::Apart,
        }
    }

    pub(super) fn with_hold(mut self, hold: Option<Follower>) -> Self {
        self._hold = hold;
        self
    }
}

impl Flights {
    /// Joins the flight under `digest`, or begins it.
    pub(super) fn join(&self, digest: &Key) -> Role {
        let mut under_way = lock(&self.under_way);
        if let Some(flight) = under_way.get(digest) {
            return Role::Follower(flight.follow());
        }
        let flight = Arc::new(Flight {
            digest: *digest,
            outcome: watch::Sender::new(None),
        });
        under_way.insert(*digest, Arc::clone(&flight));
        Role::Leader(flight)
    }

    /// Whether responses to `ask` were not for sharing lately.
    pub(super) fn are_apart(&self, ask: &Ask) -> bool {
        lock(&self.apart).contains(&ask.digest)
    }

    pub(super) fn set_apart(&self, ask: &Ask) {
        let mut apart = lock(&self.apart);
        if apart.len() >= APART_MAX {
            apart.clear();
        }
        apart.insert(ask.digest);
    }

    pub(super) fn set_together(&self, ask: &Ask) {
        lock(&self.apart).remove(&ask.digest);
    }

    fn remove(&self, flight: &Arc<Flight>) {
        let mut under_way = lock(&self.under_way);
        if under_way
            .get(&flight.digest)
            .is_some_and(|known| Arc::ptr_eq(known, flight))
        {
            under_way.remove(&flight.digest);
        }
    }
}

/// A panic while a lock is held leaves usable tables behind.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends a flight when it is dropped, whatever happened. A fill keeps it until its bytes are stored.
#[derive(Debug)]
pub(super) struct Landing {
    flight: Arc<Flight>,
    cache: Arc<super::EdgeCache>,
}

impl Landing {
    pub(super) fn new(flight: Arc<Flight>, cache: &Arc<super::EdgeCache>) -> Self {
        Landing {
            flight,
            cache: Arc::clone(cache),
        }
    }

    pub(super) fn tell(&self, outcome: Outcome) {
        self.flight.outcome.send_if_modified(|told| {
            let is_first = told.is_none();
            if is_first {
                *told = Some(outcome);
            }
            is_first
        });
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        self.cache.flights.remove(&self.flight);
        self.tell(Outcome::Apart);
    }
}

/// Whether a fault may be of one viewer's making, so that those who waited ask for themselves: what a policy passes on
/// may be what a bucket's check of the signature stumbles over.
fn is_of_one_request(kind: OriginFaultKind) -> bool {
    matches!(
        kind,
        OriginFaultKind::RequestBody | OriginFaultKind::Refused(_)
    )
}

impl WorkerCache {
    /// Begins to fetch, in a task of its own that no viewer's leaving ends. The leader gets the response itself.
    pub(super) fn take_off(
        self: &Rc<Self>,
        flight: Arc<Flight>,
        ask: &Rc<Ask>,
        found: Found,
    ) -> oneshot::Receiver<(Fetched, Landed)> {
        let (sender, receiver) = oneshot::channel();
        let landed = flight.follow();
        let (cache, ask) = (Rc::clone(self), Rc::clone(ask));
        // Made here, so that a task that never gets its turn ends the flight too.
        let landing = Rc::new(Landing::new(flight, &cache.shared));
        tokio::task::spawn_local(async move {
            let fetched = cache.fetch(&ask, found, Some(Rc::clone(&landing))).await;
            match &fetched {
                Fetched::Stored(stored) => landing.tell(Outcome::Stored(stored.object.clone())),
                Fetched::StandIn(object) => landing.tell(Outcome::StandIn(object.clone())),
                Fetched::Unstorable(..) => cache.shared.flights.set_apart(&ask),
                Fetched::Failed(fault) => landing.tell(Outcome::Failed(*fault)),
            }
            let waiting = landing.flight.outcome.clone();
            // What waits for nothing but the fill's end is the fill's.
            drop(landing);
            match sender.send((fetched, landed)) {
                Ok(()) => {}
                Err((fetched, landed)) => {
                    drop(landed);
                    if let Fetched::Stored(Stored { hold, .. }) = fetched {
                        // The leader has left; the others are given the time to follow.
                        waiting.closed().await;
                        drop(hold);
                    }
                }
            }
        });
        receiver
    }

    /// Lets `ask` be fetched beside a fetch that is under way.
    pub(crate) fn part(&self, ask: &Ask) {
        self.shared.flights.set_apart(ask);
    }

    /// What one who waited gets; `None` when he has to look again.
    pub(super) fn followed(
        &self,
        ask: &Rc<Ask>,
        outcome: Outcome,
        reason: ForwardReason,
        landed: Landed,
    ) -> Option<Obtained> {
        let now = self.clock.now();
        let mut status = CacheStatus::forwarded(reason);
        status.collapsed = true;
        let object = match outcome {
            Outcome::Stored(object) => object,
            Outcome::StandIn(object) => {
                // What is invalidated meanwhile stands in for nothing.
                let head = object.head();
                if self.shared.invalidations.cover(head, object.object.seq) {
                    self.shared.flights.set_apart(ask);
                    return None;
                }
                return Some(Obtained::Stored(Box::new(Served {
                    object,
                    status,
                    how: How::Hit,
                    waiting: None,
                })));
            }
            Outcome::Apart => {
                self.shared.flights.set_apart(ask);
                return None;
            }
            Outcome::Failed(fault) if is_of_one_request(fault.kind) => return None,
            Outcome::Failed(fault) => return Some(Obtained::Failed(fault)),
        };
        let head = object.head();
        let is_fresh = head.lifetime.verdict(now) == Freshness::Fresh;
        // A flight lasts as long as its viewers do; what was asked for before an invalidation is not for those after it.
        let is_covered = self.shared.invalidations.cover(head, object.object.seq);
        if !is_fresh || is_covered {
            self.shared.flights.set_apart(ask);
            return None;
        }
        // Of several that `Vary` tells apart, the next look-up finds the right one.
        if head.key != ask.key.as_bytes() && !self.is_variant_of(ask, &object) {
            return None;
        }
        status.ttl_secs = Some(head.lifetime.ttl_secs(now));
        Some(Obtained::Stored(Box::new(Served {
            object,
            status,
            how: How::Hit,
            waiting: Some(landed),
        })))
    }

    fn is_variant_of(&self, ask: &Ask, object: &StoredObject) -> bool {
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
