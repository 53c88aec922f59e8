//! The connections of the listener. When there are too many, one on which no operator was heard gives way: strangers
//! keep no operator out, and an operator with many connections keeps out no other.

use crate::networks::network;
use std::collections::HashMap;
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::task::{AbortHandle, Id, JoinSet};

/// Maximum number of connections served at the same time; others wait.
const CONNECTIONS_MAX: usize = 64;
/// Of these the most that one network may have.
const NETWORK_CONNECTIONS_MAX: usize = 32;
/// Connections of one operator that stay when there is no room for others.
const OPERATOR_CONNECTIONS_MAX: usize = 8;

/// Which operator was heard last on a connection, and what is worked on there. Clones are the same.
#[derive(Clone, Debug, Default)]
pub(crate) struct Standing(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    operator: Option<String>,
    running: usize,
}

/// A request of a connection that is worked on until this is dropped.
#[derive(Debug)]
pub(crate) struct Working(Standing);

impl Standing {
    /// Notes that an operator was heard.
    pub(crate) fn note_known(&self, operator: &str) {
        let mut state = self.lock();
        if state.operator.as_deref() != Some(operator) {
            state.operator = Some(operator.to_owned());
        }
    }

    /// Notes that a request has begun.
    pub(crate) fn begin(&self) -> Working {
        self.lock().running += 1;
        Working(self.clone())
    }

    fn operator(&self) -> Option<String> {
        self.lock().operator.clone()
    }

    fn is_idle(&self) -> bool {
        self.lock().running == 0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic while the lock is held leaves a usable state behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        self.0.lock().running -= 1;
    }
}

/// The connections that are served.
#[derive(Debug)]
pub(crate) struct Connections {
    tasks: JoinSet<()>,
    served: HashMap<Id, Served>,
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
            next: 0,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Returns true if one more can be served, perhaps in the place of another.
    pub(crate) fn has_room(&self) -> bool {
        self.served.len() < CONNECTIONS_MAX || self.dispensable(|_| true).is_some()
    }

    /// Serves a connection, in the place of another if there are too many, of all or of its network. It is closed if
    /// none gives way.
    pub(crate) fn serve<F>(&mut self, address: IpAddr, serving: impl FnOnce(Standing) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let network = network(address);
        let of_network = self.served.values();
        let of_network = of_network.filter(|served| served.network == network);
        let gone = if of_network.count() >= NETWORK_CONNECTIONS_MAX {
            self.let_one_go(|served| served.network == network)
        } else if self.served.len() >= CONNECTIONS_MAX {
            self.let_one_go(|_| true)
        } else {
            Some(())
        };
        if gone.is_none() {
            return;
        }
        let standing = Standing::default();
        let task = self.tasks.spawn(serving(standing.clone()));
        let served = Served {
            number: self.next,
            network,
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

    /// Ends the connection among some that gives way first.
    fn let_one_go(&mut self, is_among: impl Fn(&Served) -> bool) -> Option<()> {
        let id = self.dispensable(is_among)?;
        self.served.remove(&id)?.task.abort();
        Some(())
    }

    /// Returns the connection among some that gives way first: one without an operator, the oldest of the network that
    /// has most of these; then one of an operator who has more than stay, the oldest that is idle before others.
    fn dispensable(&self, is_among: impl Fn(&Served) -> bool) -> Option<Id> {
        let (mut strangers, mut known) = (Vec::new(), Vec::new());
        for (id, served) in &self.served {
            match served.standing.operator() {
                Some(operator) => known.push((id, served, operator)),
                None => strangers.push((id, served, served.network)),
            }
        }
        let networks = counts(&strangers);
        strangers.retain(|(_, served, _)| is_among(served));
        let first = strangers.iter().min_by_key(|(_, served, network)| {
            let most_first = usize::MAX - networks.get(network).copied().unwrap_or_default();
            (most_first, served.number)
        });
        if let Some((id, ..)) = first {
            return Some(**id);
        }
        let operators = counts(&known);
        known.retain(|(_, served, operator)| {
            let count = operators.get(operator).copied().unwrap_or_default();
            count > OPERATOR_CONNECTIONS_MAX && is_among(served)
        });
        let first = known
            .iter()
            .min_by_key(|(_, served, _)| (!served.standing.is_idle(), served.number));
        first.map(|(id, ..)| **id)
    }
}

/// Returns how many connections each network or operator has.
fn counts<K: Clone + Eq + Hash>(connections: &[(&Id, &Served, K)]) -> HashMap<K, usize> {
    let mut counts = HashMap::new();
    for (_, _, owner) in connections {
        *counts.entry(owner.clone()).or_default() += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::pending;

    /// Opens a connection that never ends by itself; `None` if it is closed at once.
    fn try_open(connections: &mut Connections, address: IpAddr) -> Option<Standing> {
        let mut standing = None;
        connections.serve(address, |of_connection| {
            standing = Some(of_connection);
            pending()
        });
        standing
    }

    #[track_caller]
    fn open(connections: &mut Connections, address: IpAddr) -> Standing {
        try_open(connections, address).unwrap()
    }

    fn address(number: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, number])
    }

    fn numbers(connections: &Connections, address: IpAddr) -> Vec<u64> {
        let served = connections.served.values();
        let served = served.filter(|served| served.network == network(address));
        let mut numbers: Vec<u64> = served.map(|served| served.number).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Opens connections on which an operator is heard.
    fn known(connections: &mut Connections, from: IpAddr, operator: &str, count: usize) {
        for _ in 0..count {
            open(connections, from).note_known(operator);
        }
    }

    #[tokio::test]
    async fn strangers_give_way_and_operators_do_not() {
        let mut connections = Connections::new();
        let [one, two] = [1, 2].map(address);
        for _ in 0..2 * NETWORK_CONNECTIONS_MAX {
            open(&mut connections, one);
        }
        // Of one network, the newest are served.
        assert_eq!(numbers(&connections, one), (32..64).collect::<Vec<u64>>());
        for _ in 0..NETWORK_CONNECTIONS_MAX {
            open(&mut connections, two);
        }
        assert_eq!(connections.served.len(), CONNECTIONS_MAX);
        assert!(connections.has_room());
        for number in 3..7 {
            known(&mut connections, address(number), &format!("{number}"), 8);
        }
        // Both networks of strangers have given up as much.
        for (stranger, first) in [(one, 48), (two, 80)] {
            let left: Vec<u64> = (first..first + 16).collect();
            assert_eq!(numbers(&connections, stranger), left);
        }
        for number in 7..11 {
            known(&mut connections, address(number), &format!("{number}"), 8);
        }
        // All have no more than stay.
        assert!(!connections.has_room());
        assert!(try_open(&mut connections, one).is_none());
        for number in 3..11 {
            assert_eq!(numbers(&connections, address(number)).len(), 8);
        }
    }

    #[tokio::test]
    async fn an_operator_finds_room_beside_strangers_of_the_same_network() {
        let mut connections = Connections::new();
        let shared = address(1);
        known(&mut connections, shared, "admin", 1);
        for _ in 0..3 * NETWORK_CONNECTIONS_MAX {
            open(&mut connections, shared);
        }
        assert_eq!(numbers(&connections, shared).first(), Some(&0));
        known(&mut connections, shared, "admin", 1);
        let left = numbers(&connections, shared);
        assert_eq!(
            (left.len(), left.last()),
            (NETWORK_CONNECTIONS_MAX, Some(&97))
        );
    }

    #[tokio::test]
    async fn idle_connections_of_an_operator_give_way_to_another() {
        let mut connections = Connections::new();
        let mut working = Vec::new();
        for from in [address(1), address(2)] {
            for number in 0..NETWORK_CONNECTIONS_MAX {
                let standing = open(&mut connections, from);
                standing.note_known("reader");
                // The oldest of each network are at work.
                if number < 4 {
                    working.push(standing.begin());
                }
            }
        }
        // The network's own limit, and that of all.
        for from in [address(1), address(3)] {
            assert!(connections.has_room());
            known(&mut connections, from, "admin", 1);
        }
        let left = numbers(&connections, address(1));
        assert_eq!(left.get(..5), Some(&[0, 1, 2, 3, 6][..]));
        // What an operator has at work stays, up to a number.
        for from in [address(4), address(5)] {
            known(&mut connections, from, "admin", NETWORK_CONNECTIONS_MAX);
        }
        assert_eq!(
            numbers(&connections, address(1)).get(..4),
            Some(&[0, 1, 2, 3][..])
        );
        let left = numbers(&connections, address(2));
        assert_eq!(left, [32, 33, 34, 35]);
        drop(working);
    }
}
