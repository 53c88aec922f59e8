//! Bytes of all connections of one address on their way.

use std::sync::atomic::{AtomicU64, Ordering};

/// Divisor of what one address might take: at least 1/`OTHERS_SHARE` of that is left for others.
const OTHERS_SHARE: u64 = 4;

/// Bytes of the connections of one address on their way.
#[derive(Debug, Default)]
pub(super) struct Network {
    used_bytes: AtomicU64,
}

impl Network {
    pub(super) fn add(&self, size_bytes: u64) {
        self.used_bytes.fetch_add(size_bytes, Ordering::Relaxed);
    }

    pub(super) fn take(&self, size_bytes: u64) {
        self.used_bytes.fetch_sub(size_bytes, Ordering::Relaxed);
    }

    /// Returns how much of `free_bytes` is free for this address: its connections together hold at most three times
    /// what is left for others.
    pub(super) fn free_bytes(&self, free_bytes: u64) -> u64 {
        let used_bytes = self.used_bytes.load(Ordering::Relaxed);
        let most_bytes = free_bytes.saturating_mul(OTHERS_SHARE - 1);
        most_bytes.saturating_sub(used_bytes) / OTHERS_SHARE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_is_left_for_others() {
        let network = Network::default();
        assert_eq!(network.free_bytes(1_000), 750);
        network.add(600);
        assert_eq!(network.free_bytes(400), 150);
        network.add(150);
        assert_eq!(network.free_bytes(250), 0);
        // Others have taken some of the rest.
        assert_eq!(network.free_bytes(100), 0);
        network.take(750);
        assert_eq!(network.free_bytes(u64::MAX), u64::MAX / 4);
    }
}
