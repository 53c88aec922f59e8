//! Counts the memory that entries, fills and readers hold.

use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Memory that a counted chunk takes beside its bytes: the owner, the counters of `Bytes`, the allocator's own.
pub(crate) const CHUNK_OVERHEAD_BYTES: u64 = 96;

/// The memory use of the whole store, as one number.
#[derive(Debug)]
pub(crate) struct Meter {
    used_bytes: AtomicU64,
    limit_bytes: u64,
}

impl Meter {
    pub(crate) fn new(limit_bytes: u64) -> Self {
        Meter {
            used_bytes: AtomicU64::new(0),
            limit_bytes,
        }
    }

    pub(crate) fn used_bytes(&self) -> u64 {
        self.used_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn limit_bytes(&self) -> u64 {
        self.limit_bytes
    }

    /// Returns the number of bytes that must be freed before the limit holds again.
    pub(crate) fn excess_bytes(&self) -> u64 {
        self.used_bytes().saturating_sub(self.limit_bytes)
    }

    pub(crate) fn add(&self, size_bytes: u64) {
        self.used_bytes.fetch_add(size_bytes, Ordering::Relaxed);
    }

    pub(crate) fn take(&self, size_bytes: u64) {
        self.used_bytes.fetch_sub(size_bytes, Ordering::Relaxed);
    }

    /// Wraps bytes in a chunk that is counted until its last reader drops it.
    pub(crate) fn chunk<T>(self: &Arc<Self>, bytes: T) -> Bytes
    where
        T: AsRef<[u8]> + Send + 'static,
    {
        let counted_bytes = bytes.as_ref().len() as u64 + CHUNK_OVERHEAD_BYTES;
        self.add(counted_bytes);
        Bytes::from_owner(CountedChunk {
            bytes,
            counted_bytes,
            meter: Arc::clone(self),
        })
    }
}

/// The owner behind a counted chunk.
struct CountedChunk<T> {
    bytes: T,
    counted_bytes: u64,
    meter: Arc<Meter>,
}

impl<T: AsRef<[u8]>> AsRef<[u8]> for CountedChunk<T> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

impl<T> Drop for CountedChunk<T> {
    fn drop(&mut self) {
        self.meter.take(self.counted_bytes);
    }
}

/// Memory reserved for bytes in flight. On drop it gives back what has not become chunks.
#[derive(Debug)]
pub struct Reservation {
    size_bytes: u64,
    meter: Arc<Meter>,
}

impl Reservation {
    /// Makes a reservation of bytes that the meter counts already.
    pub(crate) fn counted(size_bytes: u64, meter: &Arc<Meter>) -> Self {
        Reservation {
            size_bytes,
            meter: Arc::clone(meter),
        }
    }

    /// Returns the number of bytes left.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Makes a chunk and takes its size out of the reservation. Any excess over the reservation is counted in addition.
    ///
    /// `bytes` should fill its buffer: spare capacity is not counted.
    pub fn chunk<T>(&mut self, bytes: T) -> Bytes
    where
        T: AsRef<[u8]> + Send + 'static,
    {
        let size_bytes = bytes.as_ref().len() as u64 + CHUNK_OVERHEAD_BYTES;
        let chunk = self.meter.chunk(bytes);
        let moved_bytes = size_bytes.min(self.size_bytes);
        self.size_bytes -= moved_bytes;
        self.meter.take(moved_bytes);
        chunk
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.meter.take(self.size_bytes);
    }
}
