//! How many requests are worked on at the same time, each with a body in memory.

use crate::authentication::Peer;
use crate::networks::{NetworkCounts, NetworkSlot};
use tokio::sync::{Semaphore, SemaphorePermit};

/// Requests of the listener at the same time.
const REQUESTS_MAX: usize = 64;
/// Of these the most that one network may have.
const NETWORK_REQUESTS_MAX: usize = 16;
/// Heads whose sender is looked up at the same time; others wait, for a look-up is short.
const LOOKUPS_MAX: usize = 16;

/// The turns of all requests. Those of the socket are as many as its connections, which have one request each.
#[derive(Debug)]
pub(crate) struct Turns {
    listener: Semaphore,
    by_network: NetworkCounts,
    lookups: Semaphore,
}

/// The turn of a request, until this is dropped.
#[derive(Debug)]
pub(crate) enum Turn<'a> {
    /// Requests of the socket need none of the listener's: strangers must not keep out the machine's own admin.
    Socket,
    Listener {
        _permit: SemaphorePermit<'a>,
        _slot: NetworkSlot,
    },
}

impl Turns {
    pub(crate) fn new() -> Self {
        Turns {
            listener: Semaphore::new(REQUESTS_MAX),
            by_network: NetworkCounts::new(NETWORK_REQUESTS_MAX),
            lookups: Semaphore::new(LOOKUPS_MAX),
        }
    }

    /// Waits until the sender of a request may be looked up, before it has a turn: so many strangers cost operators a
    /// moment, and no turn.
    pub(crate) async fn lookup(&self, peer: Peer) -> Option<SemaphorePermit<'_>> {
        match peer {
            Peer::Socket => None,
            // It is never closed.
            Peer::Address(_) => self.lookups.acquire().await.ok(),
        }
    }

    /// Takes a turn; `None` if too many requests are worked on.
    pub(crate) fn take(&self, peer: Peer) -> Option<Turn<'_>> {
        let address = match peer {
            Peer::Socket => return Some(Turn::Socket),
            Peer::Address(address) => address,
        };
        let slot = self.by_network.open(address)?;
        let permit = self.listener.try_acquire().ok()?;
        Some(Turn::Listener {
            _permit: permit,
            _slot: slot,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    #[test]
    fn strangers_take_no_turn_of_the_socket_and_few_of_others() {
        let turns = Turns::new();
        let address = |number: u8| Peer::Address(IpAddr::from([192, 0, 2, number]));
        let mut taken = Vec::new();
        while let Some(turn) = turns.take(address(1)) {
            taken.push(turn);
        }
        assert_eq!(taken.len(), NETWORK_REQUESTS_MAX);
        for number in 2..100 {
            while let Some(turn) = turns.take(address(number)) {
                taken.push(turn);
            }
        }
        assert_eq!(taken.len(), REQUESTS_MAX);
        assert!(turns.take(Peer::Socket).is_some());
        drop(taken);
        assert!(turns.take(address(1)).is_some());
    }
}
