//! The fills that are under way, by the generation of the object they fill.

use super::cached_head::Generation;
use super::fill::{Fill, Follower, Reach};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// All fills of all workers.
#[derive(Debug, Default)]
pub(super) struct Fills {
    by_generation: Mutex<HashMap<Generation, Vec<Weak<Fill>>>>,
}

impl Fills {
    pub(super) fn insert(&self, generation: Generation, fill: &Arc<Fill>) {
        let mut fills = self.lock();
        fills
            .entry(generation)
            .or_default()
            .push(Arc::downgrade(fill));
    }

    /// Returns a follower of a fill that has the byte at `position`, or will have it within `reach`.
    pub(super) fn follow(
        &self,
        generation: &Generation,
        position: u64,
        reach: Reach,
    ) -> Option<Follower> {
        let fills = self.lock();
        let candidates = fills.get(generation)?.iter().filter_map(Weak::upgrade);
        let mut followers = candidates.filter_map(|fill| fill.follow(position, reach));
        followers.next()
    }

    /// Returns true if a fill has the byte at `position`, or will have it soon.
    pub(super) fn come_by(&self, generation: &Generation, position: u64) -> bool {
        let fills = self.lock();
        let mut of_generation = fills.get(generation).into_iter().flatten();
        of_generation.any(|fill| fill.upgrade().is_some_and(|fill| fill.comes_by(position)))
    }

    /// Removes a fill that is over.
    pub(super) fn remove(&self, generation: &Generation, fill: &Arc<Fill>) {
        let mut fills = self.lock();
        let Some(of_generation) = fills.get_mut(generation) else {
            return;
        };
        of_generation.retain(|known| !std::ptr::eq(known.as_ptr(), Arc::as_ptr(fill)));
        if of_generation.is_empty() {
            fills.remove(generation);
        }
    }

    /// Locks the table. A panic while the lock is held leaves it usable.
    fn lock(&self) -> MutexGuard<'_, HashMap<Generation, Vec<Weak<Fill>>>> {
        self.by_generation
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
