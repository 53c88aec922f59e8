//! Counts the memory that entries, fills and readers hold.

use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What a counted chunk costs beside its bytes: the owner, the counts of `Bytes`, the allocator's own.
pub(crate) const CHUNK_OVERHEAD_BYTES: u64 = 96;

/// One number for the whole store.
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

    /// How much must go before the limit holds again.
    pub(crate) fn excess_bytes(&self) -> u64 {
        self.used_bytes().saturating_sub(self.limit_bytes)
    }

    pub(crate) fn add(&self, size_bytes: u64) {
        self.used_bytes.fetch_add(size_bytes, Ordering::Relaxed);
    }

    pub(crate) fn take(&self, size_bytes: u64) {
        self.used_bytes.fetch_sub(size_bytes, Ordering::Relaxed);
    }

    /// Bytes that are counted until the last reader lets go of them.
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

/// The owner behind a chunk.
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

/// Memory for bytes that are on their way. Gives back on drop what has not become chunks.
#[derive(Debug)]
pub struct Reservation {
    size_bytes: u64,
    meter: Arc<Meter>,
}

impl Reservation {
    /// Of bytes that the meter counts already.
    pub(crate) fn counted(size_bytes: u64, meter: &Arc<Meter>) -> Self {
        Reservation {
            size_bytes,
            meter: Arc::clone(meter),
        }
    }

    /// What is left of it.
    pub fn size_bytes(&self) -> u64 {
        self.size_bytes
    }

    /// Makes a chunk and takes its size out of the reservation; what the reservation lacks is counted anew.
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
