//! The number up to which invalidations are forgotten.

use std::sync::atomic::{AtomicU64, Ordering};

/// The highest number that was forgotten. An object with a smaller `seq` can no longer be stored.
#[derive(Debug, Default)]
pub(crate) struct Forgotten {
    seq: AtomicU64,
}

impl Forgotten {
    pub(crate) fn seq(&self) -> u64 {
        self.seq.load(Ordering::SeqCst)
    }

    /// Raises the number to the smallest `seq` that `oldest` returns. `oldest` is called twice: an object stored in
    /// between is either seen by the second call, or sees the number set by the first and is dropped.
    pub(crate) fn forget(&self, oldest: impl Fn() -> u64) -> u64 {
        let first = oldest();
        self.seq.fetch_max(first, Ordering::SeqCst);
        first.min(oldest())
    }
}
