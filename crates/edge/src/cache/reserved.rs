//! Bounds the memory of blocks that are still being fetched.

use super::EdgeCache;
use bytes::Bytes;
use privet_cache::Reservation;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Divisor of the cache's memory: blocks in flight may use 1/SHARE of it.
const SHARE: u64 = 4;

/// Memory reserved for blocks in flight, over all workers.
#[derive(Debug)]
pub(super) struct OnTheirWay {
    size_bytes: AtomicU64,
    size_bytes_max: u64,
}

impl OnTheirWay {
    pub(super) fn of(memory_size_bytes: u64) -> Self {
        OnTheirWay {
            size_bytes: AtomicU64::new(0),
            size_bytes_max: memory_size_bytes / SHARE,
        }
    }
}

/// A reservation for one block. Dropping it gives back what has not become chunks.
#[derive(Debug)]
pub(super) struct Reserved {
    cache: Arc<EdgeCache>,
    reservation: Reservation,
    size_bytes: u64,
}

impl Reserved {
    /// Reserves memory; `None` when too much is in flight, or when viewers hold the memory.
    pub(super) fn take(cache: &Arc<EdgeCache>, size_bytes: u64) -> Option<Self> {
        let on_their_way = &cache.on_their_way;
        let before = on_their_way
            .size_bytes
            .fetch_add(size_bytes, Ordering::Relaxed);
        let fits = before.saturating_add(size_bytes) <= on_their_way.size_bytes_max;
        let reservation = fits.then(|| cache.store.try_reserve(size_bytes)).flatten();
        let Some(reservation) = reservation else {
            on_their_way
                .size_bytes
                .fetch_sub(size_bytes, Ordering::Relaxed);
            return None;
        };
        Some(Reserved {
            cache: Arc::clone(cache),
            reservation,
            size_bytes,
        })
    }

    /// Turns bytes into a chunk that is counted against the reservation.
    pub(super) fn chunk(&mut self, bytes: Vec<u8>) -> Bytes {
        self.reservation.chunk(bytes)
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        self.cache
            .on_their_way
            .size_bytes
            .fetch_sub(self.size_bytes, Ordering::Relaxed);
    }
}
