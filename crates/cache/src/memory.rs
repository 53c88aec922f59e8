//! The memory tier: S3-FIFO by bytes, in shards.
//!
//! New entries wait in probation. Those used there move on to the main queue; the rest are evicted, and their
//! fingerprints remembered for a while. Objects and blocks have separate probation queues, so that a long video passing
//! through evicts blocks that nobody requested again, but no objects. (Yang and others, "FIFO queues are all you need
//! for cache eviction", SOSP 2023.)

use crate::block::{Block, Head, Object};
use crate::key::Key;
use crate::meter::Meter;
use shard::{Shard, Weight};
use std::sync::Arc;
use std::sync::atomic::Ordering;

mod ghost;
mod shard;

/// Minimum size of a shard, so that a queue's share holds more than a few blocks.
const SHARD_SIZE_BYTES_MIN: u64 = 64 * 1024 * 1024;
const SHARDS_MAX: u64 = 16;
/// Memory that an entry takes up beside its head and body: its slots in the table and a queue, and its allocation.
const ENTRY_OVERHEAD_BYTES: u64 = 240;

/// The value of a key.
#[derive(Debug)]
pub(crate) enum Payload<H> {
    Object(Arc<Object<H>>),
    Block(Arc<Block>),
}

impl<H> Clone for Payload<H> {
    fn clone(&self) -> Self {
        match self {
            Payload::Object(object) => Payload::Object(Arc::clone(object)),
            Payload::Block(block) => Payload::Block(Arc::clone(block)),
        }
    }
}

impl<H: Head> Payload<H> {
    /// Returns the weight of the entry in its queue and at the meter.
    fn weight(&self) -> Weight {
        let (own_bytes, body) = match self {
            Payload::Object(object) => (object.head.size_bytes() as u64, object.body.as_ref()),
            Payload::Block(block) => (0, Some(block.as_ref())),
        };
        let own_bytes = own_bytes + ENTRY_OVERHEAD_BYTES;
        Weight {
            own_bytes,
            whole_bytes: own_bytes + body.map_or(0, Block::size_bytes),
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Payload::Object(_) => Kind::Object,
            Payload::Block(_) => Kind::Block,
        }
    }
}

/// The kind of an entry. Objects and blocks wait in probation queues of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Object,
    Block,
}

impl Kind {
    /// Returns the number of objects that an entry of this kind counts as.
    fn objects(self) -> u64 {
        match self {
            Kind::Object => 1,
            Kind::Block => 0,
        }
    }
}

/// The effect of a lookup on eviction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Touch {
    /// The lookup counts as a use of the entry.
    Use,
    /// The lookup does not count.
    Peek,
}

/// The result of an attempt to evict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Evicted {
    Entry,
    /// No entry, only the ghosts of earlier ones.
    Ghosts,
    Nothing,
}

/// Counts of the tier.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct MemoryCounts {
    pub(crate) objects: u64,
    pub(crate) blocks: u64,
    pub(crate) hits: u64,
    pub(crate) evictions: u64,
}

/// Entries in memory, by shard, for all threads.
#[derive(Debug)]
pub(crate) struct MemoryTier<H> {
    shards: Box<[Shard<H>]>,
    meter: Arc<Meter>,
}

impl<H: Head> MemoryTier<H> {
    pub(crate) fn new(meter: &Arc<Meter>) -> Self {
        let limit_bytes = meter.limit_bytes();
        let count = (limit_bytes / SHARD_SIZE_BYTES_MIN).clamp(1, SHARDS_MAX);
        let shard = |_| Shard::new(limit_bytes / count, meter);
        MemoryTier {
            shards: (0..count).map(shard).collect(),
            meter: Arc::clone(meter),
        }
    }

    pub(crate) fn find(&self, key: &Key, touch: Touch) -> Option<Payload<H>> {
        self.shard(key).find(key, touch)
    }

    /// Stores an entry, replacing the key's earlier one, and evicts whatever exceeds the limit.
    pub(crate) fn put(&self, key: Key, payload: Payload<H>) {
        let replaced = self.shard(&key).put(key, payload);
        drop(replaced);
        self.make_room();
    }

    /// Stores an entry that was read from disk, unless a newer one has been put in memory. `is_current` is called under
    /// the lock that a newer entry would need.
    pub(crate) fn promote(&self, key: Key, payload: Payload<H>, is_current: impl Fn() -> bool) {
        self.shard(&key).put_if_absent(key, payload, is_current);
        self.make_room();
    }

    /// Replaces an entry with what `change` makes of it. Returns `None` if there is no entry, or if `change`
    /// returns `None`.
    pub(crate) fn replace(
        &self,
        key: &Key,
        change: impl FnOnce(&Payload<H>) -> Option<Payload<H>>,
    ) -> Option<Payload<H>> {
        let changed = self.shard(key).replace(key, change);
        self.make_room();
        changed
    }

    pub(crate) fn remove(&self, key: &Key) {
        let removed = self.shard(key).remove(key);
        drop(removed);
    }

    /// True if the tier holds the entry and it has been used here.
    pub(crate) fn is_used(&self, key: &Key) -> bool {
        self.shard(key).is_used(key)
    }

    /// Evicts entries until the limit holds or nothing is left to evict.
    pub(crate) fn make_room(&self) {
        while self.meter.excess_bytes() > 0 {
            let fullest = self.shards.iter().max_by_key(|shard| shard.weight_bytes());
            match fullest.map_or(Evicted::Nothing, Shard::evict) {
                Evicted::Entry | Evicted::Ghosts => {}
                Evicted::Nothing => return,
            }
        }
    }

    /// Returns the smallest `seq` of an object. `None` if there are no objects.
    pub(crate) fn oldest_seq(&self) -> Option<u64> {
        self.shards.iter().filter_map(Shard::oldest_seq).min()
    }

    pub(crate) fn counts(&self) -> MemoryCounts {
        let mut counts = MemoryCounts::default();
        for shard in &self.shards {
            let (objects, blocks) = shard.entries();
            counts.objects += objects;
            counts.blocks += blocks;
            counts.hits += shard.hits.load(Ordering::Relaxed);
            counts.evictions += shard.evictions.load(Ordering::Relaxed);
        }
        counts
    }

    fn shard(&self, key: &Key) -> &Shard<H> {
        &self.shards[key.shard(self.shards.len())]
    }
}
