//! The end of an object whose length was unknown when it was opened.

use super::{ObjectReader, Source};
use crate::cache::fill::{Follower, Reach};
use privet_cache::Lookup;

impl ObjectReader {
    /// Returns true if nothing is missing at this position of an object of unknown length: it ends here, or the fill
    /// has come no further yet.
    pub(super) fn is_at_open_end(&mut self) -> bool {
        if self.follower.is_none() {
            let fills = &self.cache.shared.fills;
            let generation = &self.object.head().generation;
            self.follower = fills.follow(generation, self.position, Reach::Any);
        }
        // The order matters: a fill that is over by now knows its end.
        if self.follower.as_ref().is_some_and(Follower::is_foremost) {
            self.source = Source::Following;
            return true;
        }
        self.end = match &self.follower {
            Some(follower) => follower.known_end(),
            None => self.kept_size_bytes(),
        };
        self.end == Some(self.position)
    }

    /// Returns the length of the object, once it is stored.
    fn kept_size_bytes(&self) -> Option<u64> {
        match self.cache.shared.store.object(&self.object.digest) {
            Lookup::Memory(object) if object.head.generation == self.object.head().generation => {
                object.head.size_bytes()
            }
            Lookup::Memory(_) | Lookup::Disk(_) | Lookup::Absent => None,
        }
    }
}
