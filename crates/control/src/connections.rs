//! The connections of the listener. When there are too many, one on which no operator was heard gives way, of the
//! network that has most of those: strangers keep no operator out.

use crate::networks::{NetworkCounts, network};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::{AbortHandle, Id, JoinSet};

/// Maximum number of connections served at the same time; others wait.
const CONNECTIONS_MAX: usize = 64;
/// Of these the most that one network may have.
const NETWORK_CONNECTIONS_MAX: usize = 32;

/// Whether an operator was heard on a connection. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing(Arc<AtomicBool>);

impl Standing {
    pub(crate) fn note_known(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_known(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The connections that are served.
#[derive(Debug)]
pub(crate) struct Connections {
    tasks: JoinSet<()>,
    served: HashMap<Id, Served>,
    by_network: NetworkCounts,
    /// Number of the next connection.
    next: u64,
}

#[derive(Debug)]
struct Served {
    number: u64,
    network: IpAddr,
    standing: Standing,
    task: AbortHandle,
}

impl Connections {
    pub(crate) fn new() -> Self {
        Connections {
            tasks: JoinSet::new(),
            served: HashMap::new(),
            by_network: NetworkCounts::new(NETWORK_CONNECTIONS_MAX),
            next: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Returns true if one more can be served, perhaps in the place of another.
    pub(crate) fn has_room(&self) -> bool {
        self.served.len() < CONNECTIONS_MAX
            || self
                .served
                .values()
                .any(|served| !served.standing.is_known())
    }

    /// Serves a connection, unless its network has too many or there is no room for it.
    pub(crate) fn serve<F>(&mut self, address: IpAddr, serving: impl FnOnce(Standing) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let Some(slot) = self.by_network.open(address) else {
            return;
        };
        if self.served.len() >= CONNECTIONS_MAX && self.let_one_go().is_none() {
            return;
        }
        let standing = Standing::default();
        let serving = serving(standing.clone());
        let task = self.tasks.spawn(async move {
            serving.await;
            drop(slot);
        });
        let served = Served {
            number: self.next,
            network: network(address),
            standing,
            task: task.clone(),
        };
        self.next += 1;
        self.served.insert(task.id(), served);
    }

    /// Waits for the end of a connection.
    pub(crate) async fn join_next(&mut self) {
        let ended = self.tasks.join_next_with_id().await;
        let id = match ended {
            Some(Ok((id, ()))) => id,
            Some(Err(error)) => error.id(),
            None => return,
        };
        self.served.remove(&id);
    }

    /// Ends the oldest connection without an operator, of the network that has most of these.
    fn let_one_go(&mut self) -> Option<()> {
        let strangers = || {
            let served = self.served.iter();
            served.filter(|(_, served)| !served.standing.is_known())
        };
        let mut counts: HashMap<IpAddr, usize> = HashMap::new();
        strangers().for_each(|(_, served)| *counts.entry(served.network).or_default() += 1);
        let most = counts.values().copied().max()?;
        let is_of_most = |served: &Served| counts.get(&served.network) == Some(&most);
        let of_most = strangers().filter(|(_, served)| is_of_most(served));
        let (id, _) = of_most.min_by_key(|(_, served)| served.number)?;
        let gone = self.served.remove(&id.clone())?;
        gone.task.abort();
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    /// Opens a connection that never ends by itself.
    fn open(connections: &mut Connections, address: IpAddr) -> Standing {
        let mut standing = None;
        connections.serve(address, |of_connection| {
            standing = Some(of_connection);
            pending()
        });
        standing.unwrap_or_default()
    }

    fn numbers(connections: &Connections, address: IpAddr) -> Vec<u64> {
        let served = connections.served.values();
        let served = served.filter(|served| served.network == network(address));
        let mut numbers: Vec<u64> = served.map(|served| served.number).collect();
        numbers.sort_unstable();
        numbers
    }

    #[tokio::test]
    async fn strangers_give_way_and_operators_do_not() {
        let mut connections = Connections::new();
        let [one, two, operator] = [1, 2, 3].map(|number: u8| IpAddr::from([192, 0, 2, number]));
        for _ in 0..2 * NETWORK_CONNECTIONS_MAX {
            open(&mut connections, one);
        }
        assert_eq!(numbers(&connections, one).len(), NETWORK_CONNECTIONS_MAX);
        for _ in 0..NETWORK_CONNECTIONS_MAX {
            open(&mut connections, two);
        }
        assert_eq!(connections.served.len(), CONNECTIONS_MAX);
        assert!(connections.has_room());
        for _ in 0..NETWORK_CONNECTIONS_MAX {
            open(&mut connections, operator).note_known();
            connections.join_next().await;
        }
        // Both networks of strangers have given up as much.
        for (stranger, first) in [(one, 16), (two, 48)] {
            let left: Vec<u64> = (first..first + 16).collect();
            assert_eq!(numbers(&connections, stranger), left);
        }
        let network_of_many = IpAddr::from([192, 0, 2, 4]);
        for _ in 0..NETWORK_CONNECTIONS_MAX {
            open(&mut connections, network_of_many).note_known();
            connections.join_next().await;
        }
        assert!(!connections.has_room());
        open(&mut connections, one);
        assert!(numbers(&connections, one).is_empty());
        let left = numbers(&connections, operator).len();
        assert_eq!(left, NETWORK_CONNECTIONS_MAX);
    }
}
