//! Connections from the same address: their number, and the state that they share.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Connections of all workers, by address; by the first 64 bits for IPv6, since one viewer has all addresses below
/// them.
#[derive(Debug, Default)]
pub(crate) struct ConnectionsByAddress {
    connections: Mutex<HashMap<IpAddr, usize>>,
}

/// A connection's slot; released when this is dropped.
#[derive(Debug)]
pub(crate) struct AddressSlot {
    connections_by_address: Arc<ConnectionsByAddress>,
    address: IpAddr,
}

impl ConnectionsByAddress {
    /// Takes a slot; `None` when the address already has `connections_max` connections.
    pub(crate) fn enter(
        self: Arc<Self>,
        address: IpAddr,
        connections_max: usize,
    ) -> Option<AddressSlot> {
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
        Some(AddressSlot {
            connections_by_address: self,
            address,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // Counts are right even if somebody panicked meanwhile.
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AddressSlot {
    fn drop(&mut self) {
        let mut connections = self.connections_by_address.lock();
        if let Some(count) = connections.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                connections.remove(&self.address);
            }
        }
    }
}

/// Excess of unused over used addresses at which the unused ones are forgotten.
const FORGOTTEN_MAX: usize = 64;

/// State that all connections from an address share, for as long as any of them holds it.
#[derive(Debug)]
pub(crate) struct ByNetwork<T> {
    known: HashMap<IpAddr, Weak<T>>,
    /// Number of entries at which those that are no longer shared are removed.
    tidy_at: usize,
}

impl<T> Default for ByNetwork<T> {
    fn default() -> Self {
        ByNetwork {
            known: HashMap::new(),
            tidy_at: FORGOTTEN_MAX,
        }
    }
}

impl<T> ByNetwork<T> {
    /// Returns what this address shares, if that is `wanted`; otherwise a `new` one, which is shared from now on.
    pub(crate) fn of(
        &mut self,
        address: IpAddr,
        wanted: impl FnOnce(&T) -> bool,
        new: impl FnOnce() -> T,
    ) -> Arc<T> {
        let address = network(address);
        let known = self.known.get(&address).and_then(Weak::upgrade);
        if let Some(shared) = known.filter(|shared| wanted(shared)) {
            return shared;
        }
        if self.known.len() >= self.tidy_at {
            self.known.retain(|_, shared| shared.strong_count() > 0);
            self.tidy_at = self.known.len() * 2 + FORGOTTEN_MAX;
        }
        let shared = Arc::new(new());
        self.known.insert(address, Arc::downgrade(&shared));
        shared
    }
}

/// Returns the part of an address that counts as one viewer's.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            translated(address).map_or_else(
                || IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0)),
                IpAddr::V4,
            )
        }
    }
}

/// Returns the IPv4 address that a translator has embedded in an IPv6 address (RFC 6052 2.1, RFC 2765 2.1): all of
/// those share their first 64 bits.
fn translated(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let [.., high, low] = address.segments();
    let is_translated = matches!(
        address.segments(),
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] | [0, 0, 0, 0, 0xffff, 0, _, _]
    );
    is_translated.then(|| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn enter(
        connections_by_address: &Arc<ConnectionsByAddress>,
        address: &str,
    ) -> Option<AddressSlot> {
        Arc::clone(connections_by_address).enter(address.parse().unwrap(), 2)
    }

    #[test]
    fn an_address_has_so_many_connections() {
        let connections_by_address = Arc::new(ConnectionsByAddress::default());
        let none = Arc::clone(&connections_by_address).enter("192.0.2.1".parse().unwrap(), 0);
        assert!(none.is_none());
        for (first, second) in [
            ("192.0.2.1", "::ffff:192.0.2.1"),
            ("2001:db8::1", "2001:db8::2:3:4:5"),
        ] {
            let places = [
                enter(&connections_by_address, first),
                enter(&connections_by_address, second),
            ];
            assert!(places.iter().all(Option::is_some));
            assert!(enter(&connections_by_address, first).is_none());
            assert!(enter(&connections_by_address, "2001:db8:0:1::1").is_some());
            drop(places);
            assert!(enter(&connections_by_address, second).is_some());
        }
        assert!(connections_by_address.lock().is_empty());
    }

    #[test]
    fn viewers_behind_a_translator_are_not_one() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("64:ff9b::192.0.2.1"), of("192.0.2.1"));
        assert_eq!(of("::ffff:0:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("64:ff9b::192.0.2.1"), of("64:ff9b::192.0.2.2"));
        assert_eq!(of("64:ff9b:1::192.0.2.1"), of("64:ff9b:1::192.0.2.2"));
    }

    #[test]
    fn an_address_shares_something_while_somebody_has_it() {
        let mut networks = ByNetwork::default();
        let mut of = |address: IpAddr, number: u32| networks.of(address, |_| true, || number);
        let address = |number: u32| IpAddr::from(number.to_be_bytes());
        let first = of("2001:db8::1".parse().unwrap(), 1);
        assert_eq!(*of("2001:db8::2:1".parse().unwrap(), 2), 1);
        assert_eq!(*of("2001:db8:0:1::1".parse().unwrap(), 3), 3);
        for number in 0..10_000 {
            assert_eq!(*of(address(number), number), number);
        }
        assert_eq!(*of(address(7), 4), 4, "nobody had it any more");
        assert_eq!(*of("2001:db8::1".parse().unwrap(), 5), 1);
        drop(first);
        assert_eq!(*of("2001:db8::1".parse().unwrap(), 6), 6);
        let _kept = networks.of(address(1), |_| true, || 1);
        assert_eq!(*networks.of(address(1), |old| *old == 2, || 2), 2);
        assert!(networks.known.len() <= FORGOTTEN_MAX + 4);
    }
}
