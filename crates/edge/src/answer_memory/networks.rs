//! What all connections of one address have on their way.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Others find at least one part in so many of what one address might take.
const OTHERS_SHARE: u64 = 4;
/// Addresses of closed connections are forgotten when there are more of them than this, or than of open ones.
const FORGOTTEN_MAX: usize = 64;

/// All addresses that have connections.
#[derive(Debug, Default)]
pub(super) struct Networks {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    by_address: HashMap<IpAddr, Weak<Network>>,
    /// So many are open, or have not been looked at since.
    tidy_at: usize,
}

/// What the connections of one address have on their way.
#[derive(Debug, Default)]
pub(super) struct Network {
    used_bytes: AtomicU64,
}

impl Networks {
    pub(super) fn of(&self, address: IpAddr) -> Arc<Network> {
        // A panic elsewhere leaves a map of addresses as good as it was.
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(network) = known.by_address.get(&address).and_then(Weak::upgrade) {
            return network;
        }
        if known.by_address.len() >= known.tidy_at {
            known
                .by_address
                .retain(|_, network| network.strong_count() > 0);
            known.tidy_at = known.by_address.len() * 2 + FORGOTTEN_MAX;
        }
        let network = Arc::new(Network::default());
        known.by_address.insert(address, Arc::downgrade(&network));
        network
    }
}

impl Network {
    pub(super) fn add(&self, size_bytes: u64) {
        self.used_bytes.fetch_add(size_bytes, Ordering::Relaxed);
    }

    pub(super) fn take(&self, size_bytes: u64) {
        self.used_bytes.fetch_sub(size_bytes, Ordering::Relaxed);
    }

    /// How much of `free_bytes` is free for this address: its connections together hold three times at most of what is left
    /// for others.
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
    fn an_address_is_one_while_it_has_connections() {
        let networks = Networks::default();
        let address = |number: u32| IpAddr::from(number.to_be_bytes());
        let first = networks.of(address(1));
        assert!(Arc::ptr_eq(&first, &networks.of(address(1))));
        assert!(!Arc::ptr_eq(&first, &networks.of(address(2))));
        for number in 0..10_000 {
            networks.of(address(number));
        }
        let known = networks.known.lock().unwrap();
        assert!(known.by_address.len() <= FORGOTTEN_MAX + 3);
        drop(known);
        assert!(Arc::ptr_eq(&first, &networks.of(address(1))));
    }

    #[test]
    fn a_quarter_is_left_for_others() {
        let network = Network::default();
        assert_eq!(network.free_bytes(1_000), 750);
        network.add(600);
        assert_eq!(network.free_bytes(400), 150);
        network.add(150);
        assert_eq!(network.free_bytes(250), 0);
        // Others have taken of the rest.
        assert_eq!(network.free_bytes(100), 0);
        network.take(750);
        assert_eq!(network.free_bytes(u64::MAX), u64::MAX / 4);
    }
}
