//! How many connections each address has.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Connections of all workers, by address; of IPv6 by its first 64 bits, as one viewer has all addresses behind them.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    connections: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection's place; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct CrowdPlace {
    crowd: Arc<Crowd>,
    address: IpAddr,
}

impl Crowd {
    /// `None` when the address has `connections_max` connections already.
    pub(crate) fn enter(
        self: Arc<Self>,
        address: IpAddr,
        connections_max: usize,
    ) -> Option<CrowdPlace> {
        let address = network(address);
        let mut connections = self.lock();
        let count = connections.entry(address).or_default();
        if *count >= connections_max {
            if *count == 0 {
                connections.remove(&address);
            }
            return None;
        }
        *count += 1;
        drop(connections);
        Some(CrowdPlace {
            crowd: self,
            address,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // Counts are right even where somebody panicked meanwhile.
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for CrowdPlace {
    fn drop(&mut self) {
        let mut connections = self.crowd.lock();
        if let Some(count) = connections.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                connections.remove(&self.address);
            }
        }
    }
}

/// What of an address counts as one viewer's.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(crowd: &Arc<Crowd>, address: &str) -> Option<CrowdPlace> {
        Arc::clone(crowd).enter(address.parse().unwrap(), 2)
    }

    #[test]
    fn an_address_has_so_many_connections() {
        let crowd = Arc::new(Crowd::default());
        let none = Arc::clone(&crowd).enter("192.0.2.1".parse().unwrap(), 0);
        assert!(none.is_none());
        for (first, second) in [
            ("192.0.2.1", "::ffff:192.0.2.1"),
            ("2001:db8::1", "2001:db8::2:3:4:5"),
        ] {
            let places = [enter(&crowd, first), enter(&crowd, second)];
            assert!(places.iter().all(Option::is_some));
            assert!(enter(&crowd, first).is_none());
            assert!(enter(&crowd, "2001:db8:0:1::1").is_some());
            drop(places);
            assert!(enter(&crowd, second).is_some());
        }
        assert!(crowd.lock().is_empty());
    }
}
