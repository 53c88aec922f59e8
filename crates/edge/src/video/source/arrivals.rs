//! Objects whose origin does not send their length: the whole object is fetched first, once for all requests, and once
//! it is stored it can be read in parts.

use super::refusals::unsized_object;
use crate::cache::{
    CacheRequest, Next, ObjectReader, ReadFault, Served, StoredObject, WorkerCache,
};
use crate::origin_client::origin_denial;
use privet_cache::Key;
use privet_distribution::request::Denial;
use std::collections::HashMap;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// Time that a request waits for the object. Players give up on a playlist after 10 to 20 s, and request it again.
const WAIT_MAX: Duration = Duration::from_secs(15);
/// Time limit for a whole object. One that never ends must not hold its connection forever.
const ARRIVAL_MAX: Duration = Duration::from_secs(60 * 60);
/// Maximum number of objects on their way at the same time.
const ARRIVALS_MAX: usize = 64;
/// Time for which an object that was too long is not fetched again.
const REFUSED_FOR: Duration = Duration::from_secs(60);
/// Maximum number of such objects remembered.
const REFUSED_MAX: usize = 1024;
/// Bytes that a task reads before it yields to others.
const TURN_SIZE_BYTES: u64 = 4 * 1024 * 1024;

type Arrival = Result<StoredObject, Denial>;
type Arriving = watch::Receiver<Option<Arrival>>;

/// Objects on their way, for all workers.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    under_way: Mutex<HashMap<Key, Arriving>>,
    refused: Mutex<HashMap<Key, Instant>>,
}

/// An object of unknown length, as a worker has obtained it.
pub(super) struct Unsized {
    pub(super) cache: Rc<WorkerCache>,
    pub(super) ask: Rc<CacheRequest>,
    pub(super) served: Served,
    /// Maximum length in bytes; the edge does not wait for a longer object.
    pub(super) size_bytes_max: u64,
}

impl Arrivals {
    /// Waits until the whole object is stored, and returns it with its length. If that takes too long for a request,
    /// the fetch continues, whether the viewer stays or not: the next request finds more of it.
    ///
    /// Errors: [`Denial::VideoArriving`] when it takes longer; the object is too long, was not stored, or the origin
    /// failed.
    pub(super) async fn stored(self: &Arc<Self>, object: Unsized) -> Arrival {
        outcome(self.join(object)?).await
    }

    /// Joins those who wait for the object, or starts to fetch it in a task of its own.
    fn join(self: &Arc<Self>, object: Unsized) -> Result<Arriving, Denial> {
        let key = object.served.object.key();
        let mut under_way = lock(&self.under_way);
        if let Some(arriving) = under_way.get(&key) {
            return Ok(arriving.clone());
        }
        if self.is_refused(&key) {
            return Err(unsized_object());
        }
        if under_way.len() >= ARRIVALS_MAX {
            return Err(Denial::CapacityExceeded);
        }
        let (sender, arriving) = watch::channel(None);
        under_way.insert(key, arriving.clone());
        // Created here, so that a task that never runs ends the arrival too.
        let end = End {
            arrivals: Arc::clone(self),
            key,
        };
        tokio::task::spawn_local(async move {
            let arrival = timeout(ARRIVAL_MAX, object.taken()).await;
            let arrival = arrival.unwrap_or(Err(Denial::OriginTimeout));
            if arrival.as_ref().err() == Some(&unsized_object()) {
                end.arrivals.refuse(key);
            }
            drop(end);
            sender.send_replace(Some(arrival));
        });
        Ok(arriving)
    }

    fn is_refused(&self, key: &Key) -> bool {
        let refused = lock(&self.refused);
        let at = refused.get(key);
        at.is_some_and(|at| at.elapsed() < REFUSED_FOR)
    }

    fn refuse(&self, key: Key) {
        let mut refused = lock(&self.refused);
        if refused.len() >= REFUSED_MAX {
            refused.clear();
        }
        refused.insert(key, Instant::now());
    }
}

/// Ends an arrival when it is dropped, whatever happened.
struct End {
    arrivals: Arc<Arrivals>,
    key: Key,
}

impl Drop for End {
    fn drop(&mut self) {
        lock(&self.arrivals.under_way).remove(&self.key);
    }
}

impl Unsized {
    /// Reads the object to its end, so that the cache store gets all of it, and looks it up there.
    async fn taken(self) -> Arrival {
        let Served {
            object, waiting, ..
        } = self.served;
        // A short object may be complete between its first byte and this task's first turn; a reader would then look
        // for a fill in vain.
        if let Some(kept) = self.cache.kept_whole(&object).await {
            return Ok(kept);
        }
        let mut reader = ObjectReader::new(&self.cache, Some(&self.ask), object.clone(), waiting);
        let mut size_bytes = 0;
        let mut turn_bytes = 0;
        loop {
            let next = poll_fn(|context| reader.poll_next(usize::MAX, context)).await;
            let length = match next {
                Ok(Next::Bytes(bytes)) => bytes.len() as u64,
                Ok(Next::File { size_bytes, .. }) => size_bytes,
                Ok(Next::End) => break,
                Err(ReadFault::Origin(kind)) => return Err(origin_denial(kind)),
                Err(ReadFault::Lost) => return Err(Denial::OriginInvalidResponse),
            };
            size_bytes += length;
            turn_bytes += length;
            if size_bytes > self.size_bytes_max {
                return Err(unsized_object());
            }
            if turn_bytes >= TURN_SIZE_BYTES {
                turn_bytes = 0;
                tokio::task::yield_now().await;
            }
        }
        // There was no memory to store it in, or it was invalidated meanwhile.
        let kept = self.cache.kept_whole(&object).await;
        kept.ok_or(Denial::CapacityExceeded)
    }
}

/// Waits for an arrival, within the time limit of a request.
async fn outcome(mut arriving: Arriving) -> Arrival {
    match timeout(WAIT_MAX, arriving.wait_for(Option::is_some)).await {
        Err(_) => Err(Denial::VideoArriving),
        // The task that fetched was dropped without a result.
        Ok(Err(_)) => Err(Denial::OriginClosed),
        Ok(Ok(arrival)) => arrival.clone().unwrap_or(Err(Denial::OriginClosed)),
    }
}

/// Locks a table, which a panic under the lock leaves usable.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn m2_a_request_waits_for_a_while_and_no_longer() {
        let (_sender, arriving) = watch::channel(None);
        let begin = Instant::now();
        let arrival = outcome(arriving).await;
        assert_eq!(arrival.err(), Some(Denial::VideoArriving));
        assert_eq!(begin.elapsed(), WAIT_MAX);
    }

    #[tokio::test(start_paused = true)]
    async fn m2_what_came_of_it_is_told_at_once() {
        let (sender, arriving) = watch::channel(None);
        sender.send_replace(Some(Err(Denial::OriginTimeout)));
        assert_eq!(
            outcome(arriving.clone()).await.err(),
            Some(Denial::OriginTimeout)
        );
        let (sender, arriving) = watch::channel(None);
        drop(sender);
        assert_eq!(outcome(arriving).await.err(), Some(Denial::OriginClosed));
    }

    #[tokio::test(start_paused = true)]
    async fn m2_what_was_too_long_is_fetched_again_later() {
        let arrivals = Arrivals::default();
        let key = Key([1; 16]);
        arrivals.refuse(key);
        assert!(arrivals.is_refused(&key));
        assert!(!arrivals.is_refused(&Key([2; 16])));
        tokio::time::advance(REFUSED_FOR).await;
        assert!(!arrivals.is_refused(&key));
    }
}
