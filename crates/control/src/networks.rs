//! What the clients of one network have open at the same time, so that none of them keeps out all others.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Returns the address that stands for those of one subscriber: a /64 network of IPv6 is one.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let prefix = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(prefix))
        }
    }
}

/// The number of things that each network has open. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct NetworkCounts {
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
    count_max: usize,
}

/// One of them, counted until this is dropped.
#[derive(Debug)]
pub(crate) struct NetworkSlot {
    counts: NetworkCounts,
    network: IpAddr,
}

impl NetworkCounts {
    /// Lets each network have so many.
    pub(crate) fn new(count_max: usize) -> Self {
        NetworkCounts {
            counts: Arc::default(),
            count_max,
        }
    }

    /// Counts one more; `None` if the network of the address has as many as it may.
    pub(crate) fn open(&self, address: IpAddr) -> Option<NetworkSlot> {
        let network = network(address);
        let mut counts = self.lock();
        let count = counts.entry(network).or_default();
        if *count >= self.count_max {
            return None;
        }
        *count += 1;
        Some(NetworkSlot {
            counts: self.clone(),
            network,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // A panic while the lock is held leaves a usable table behind.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for NetworkSlot {
    fn drop(&mut self) {
        let mut counts = self.counts.lock();
        if let Some(count) = counts.get_mut(&self.network) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(one: &str, other: &str, is_one_network: bool) {
        let [one, other] = [one, other].map(|text| text.parse::<IpAddr>().unwrap());
        let counts = NetworkCounts::new(2);
        let mut open = vec![counts.open(one).unwrap(), counts.open(one).unwrap()];
        assert!(counts.open(one).is_none());
        assert_eq!(counts.open(other).is_none(), is_one_network);
        open.pop();
        assert!(counts.open(other).is_some());
        drop(open);
        assert!(counts.lock().is_empty());
    }

    #[test]
    fn one_network_does_not_take_everything() {
        check("192.0.2.1", "::ffff:192.0.2.1", true);
        check("2001:db8::1", "2001:db8::2", true);
        check("192.0.2.1", "192.0.2.2", false);
        check("2001:db8::1", "2001:db8:0:1::1", false);
    }
}
