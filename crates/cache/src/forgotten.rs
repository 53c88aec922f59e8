//! Up to which number invalidations are forgotten.

use std::sync::atomic::{AtomicU64, Ordering};

/// An object that is older may not be kept any more.
#[derive(Debug, Default)]
pub(crate) struct Forgotten {
    seq: AtomicU64,
}

impl Forgotten {
    pub(crate) fn seq(&self) -> u64 {
        self.seq.load(Ordering::SeqCst)
    }

    /// Asks for the oldest object twice: one that came in between is either seen by the second question or sees the
    /// answer to the first, and goes.
    pub(crate) fn forget(&self, oldest: impl Fn() -> u64) -> u64 {
        let first = oldest();
        self.seq.fetch_max(first, Ordering::SeqCst);
        first.min(oldest())
    }
}
