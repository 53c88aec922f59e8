//! One request to the origin for all viewers who want the same object at the same time.

use super::cache_request::CacheRequest;
use super::fill::Follower;
use super::stored_object::StoredObject;
use crate::origin_client::OriginFault;
use privet_cache::Key;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Maximum number of remembered keys whose responses could not be shared lately; beyond it all are forgotten.
const UNSHAREABLE_MAX: usize = 65_536;

/// All flights of all workers.
#[derive(Debug, Default)]
pub(super) struct Flights {
    under_way: Mutex<HashMap<Key, Arc<Flight>>>,
    unshareable: Mutex<HashSet<Key>>,
}

/// A fetch, from the request until its bytes are stored.
#[derive(Debug)]
pub(super) struct Flight {
    digest: Key,
    outcome: watch::Sender<Option<FlightOutcome>>,
}

impl Flight {
    pub(super) fn follow(&self) -> FlightWaiter {
        FlightWaiter {
            outcome: self.outcome.subscribe(),
            _hold: None,
        }
    }
}

/// The outcome sent to waiters.
#[derive(Clone, Debug)]
pub(super) enum FlightOutcome {
    /// An object, stored or on its way into the store.
    Stored(StoredObject),
    /// A stored object, served stale because the origin failed.
    ServeStale(StoredObject),
    /// The response cannot be shared.
    Unshareable,
    /// No response.
    Failed(OriginFault),
}

/// The role of a request in a flight: to fetch, or to wait for the one that does.
pub(super) enum Joined {
    Lead(Arc<Flight>),
    Wait(FlightWaiter),
}

/// A request's wait for a flight. While there is one, the fill goes on even without followers.
#[derive(Debug)]
pub(crate) struct FlightWaiter {
    outcome: watch::Receiver<Option<FlightOutcome>>,
    _hold: Option<Follower>,
}

impl FlightWaiter {
    /// Waits for the outcome.
    pub(super) async fn outcome(&mut self) -> FlightOutcome {
        match self.outcome.wait_for(Option::is_some).await {
            Ok(outcome) => outcome.clone().unwrap_or(FlightOutcome::Unshareable),
            // The fetching task has ended without an outcome.
            Err(_) => FlightOutcome::Unshareable,
        }
    }

    pub(super) fn with_hold(mut self, hold: Option<Follower>) -> Self {
        self._hold = hold;
        self
    }
}

impl Flights {
    /// Joins the flight under `digest`, or begins it.
    pub(super) fn join(&self, digest: &Key) -> Joined {
        let mut under_way = lock(&self.under_way);
        if let Some(flight) = under_way.get(digest) {
            return Joined::Wait(flight.follow());
        }
        let flight = Arc::new(Flight {
            digest: *digest,
            outcome: watch::Sender::new(None),
        });
        under_way.insert(*digest, Arc::clone(&flight));
        Joined::Lead(flight)
    }

    /// Returns true if responses to `ask` could not be shared lately.
    pub(super) fn is_unshareable(&self, ask: &CacheRequest) -> bool {
        lock(&self.unshareable).contains(&ask.digest)
    }

    pub(super) fn mark_unshareable(&self, ask: &CacheRequest) {
        let mut unshareable = lock(&self.unshareable);
        if unshareable.len() >= UNSHAREABLE_MAX {
            unshareable.clear();
        }
        unshareable.insert(ask.digest);
    }

    pub(super) fn mark_shareable(&self, ask: &CacheRequest) {
        lock(&self.unshareable).remove(&ask.digest);
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

/// Locks a table. A panic while the lock is held leaves it usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends a flight when it is dropped, on every path. A fill holds it until its bytes are stored.
#[derive(Debug)]
pub(super) struct FlightGuard {
    flight: Arc<Flight>,
    cache: Arc<super::EdgeCache>,
}

impl FlightGuard {
    pub(super) fn new(flight: Arc<Flight>, cache: &Arc<super::EdgeCache>) -> Self {
        FlightGuard {
            flight,
            cache: Arc::clone(cache),
        }
    }

    /// Returns a handle on the waiters, who may outlast this guard.
    pub(super) fn waiters(&self) -> watch::Sender<Option<FlightOutcome>> {
        self.flight.outcome.clone()
    }

    pub(super) fn tell(&self, outcome: FlightOutcome) {
        self.flight.outcome.send_if_modified(|told| {
            let is_first = told.is_none();
            if is_first {
                *told = Some(outcome);
            }
            is_first
        });
    }
}

impl Drop for FlightGuard {
    fn drop(&mut self) {
        // Removed first, so that a waiter who looks up again does not join this flight again.
        self.cache.flights.remove(&self.flight);
        self.tell(FlightOutcome::Unshareable);
    }
}
