//! The bodies that are waited for. While it waits for one, a request has no turn; of too many waits one ends, so that
//! nobody who sends slowly keeps out others.

use crate::authentication::Peer;
use crate::networks::network;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Bodies that are waited for at the same time, each of which may be in memory.
const WAITS_MAX: usize = 64;
/// Of these the most of one sender: a network whose operators are not known yet, or an operator.
const SENDER_WAITS_MAX: usize = 16;

/// Sender of a body, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Sender {
    /// A network: whose key the signature is of is not known before the body is there.
    Network(IpAddr),
    /// An operator whose token was compared.
    Operator(String),
}

/// All bodies that are waited for, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Bodies(Arc<Mutex<Waits>>);

#[derive(Debug, Default)]
struct Waits {
    waits: BTreeMap<u64, (Sender, oneshot::Sender<()>)>,
    next: u64,
}

/// The wait for a body, until this is dropped.
#[derive(Debug)]
pub(crate) struct Wait {
    waits: Arc<Mutex<Waits>>,
    number: u64,
    ended: oneshot::Receiver<()>,
}

impl Bodies {
    /// Begins to wait for a body of that peer, and of that operator if the head has shown which one it is. If too many
    /// are waited for, the oldest wait of the same sender ends, or of all that of the network or operator with the
    /// most.
    /// `None` on the socket, whose connections have one request each.
    pub(crate) fn wait(&self, peer: Peer, operator: Option<&str>) -> Option<Wait> {
        let sender = match (peer, operator) {
            (Peer::Socket, _) => return None,
            (Peer::Address(_), Some(operator)) => Sender::Operator(operator.to_owned()),
            (Peer::Address(address), None) => Sender::Network(network(address)),
        };
        let (end, ended) = oneshot::channel();
        let mut waits = lock(&self.0);
        waits.make_room(&sender);
        let number = waits.next;
        waits.next += 1;
        waits.waits.insert(number, (sender, end));
        Some(Wait {
            waits: Arc::clone(&self.0),
            number,
            ended,
        })
    }
}

impl Wait {
    /// Returns when this wait has to end, and never if it does not.
    pub(crate) async fn ended(&mut self) {
        if (&mut self.ended).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        lock(&self.waits).waits.remove(&self.number);
    }
}

impl Waits {
    fn make_room(&mut self, sender: &Sender) {
        let own = self.waits.values().filter(|(of, _)| of == sender);
        let crowded = if own.count() >= SENDER_WAITS_MAX {
            Some(sender.clone())
        } else if self.waits.len() >= WAITS_MAX {
            most(self.waits.values().map(|(sender, _)| sender))
        } else {
            None
        };
        let oldest = self
            .waits
            .iter()
            .find(|(_, (of, _))| Some(of) == crowded.as_ref());
        if let Some(number) = oldest.map(|(number, _)| *number)
            && let Some((_, end)) = self.waits.remove(&number)
        {
            // It may have ended by itself at this moment.
            let _ = end.send(());
        }
    }
}

/// Returns the value that is there most often, the first of several.
fn most<'a, K: Clone + Eq + Hash + 'a>(values: impl Iterator<Item = &'a K>) -> Option<K> {
    let mut counts: HashMap<&K, (usize, usize)> = HashMap::new();
    for (place, value) in values.enumerate() {
        counts.entry(value).or_insert((0, usize::MAX - place)).0 += 1;
    }
    let most = counts.into_iter().max_by_key(|(_, count)| *count);
    most.map(|(value, _)| value.clone())
}

fn lock(waits: &Mutex<Waits>) -> MutexGuard<'_, Waits> {
    // A panic while the lock is held leaves a usable table behind.
    waits.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u8) -> Peer {
        Peer::Address(IpAddr::from([192, 0, 2, number]))
    }

    fn has_ended(wait: &mut Wait) -> bool {
        wait.ended.try_recv().is_ok()
    }

    #[test]
    fn the_oldest_of_a_network_gives_way_to_its_next() {
        let bodies = Bodies::default();
        let wait = |number, operator| bodies.wait(address(number), operator).unwrap();
        let mut others = [wait(2, None), wait(1, Some("admin"))];
        let mut waits: Vec<Wait> = (0..SENDER_WAITS_MAX).map(|_| wait(1, None)).collect();
        assert!(!waits.iter_mut().any(has_ended));
        let mut next = wait(1, None);
        assert!(has_ended(&mut waits[0]) && !waits.iter_mut().skip(1).any(has_ended));
        assert!(!others.iter_mut().any(has_ended) && !has_ended(&mut next));
        // Those that have ended by themselves leave room.
        drop(waits.split_off(1));
        let mut more: Vec<Wait> = (1..SENDER_WAITS_MAX).map(|_| wait(1, None)).collect();
        assert!(!more.iter_mut().any(has_ended) && !has_ended(&mut next));
    }

    #[test]
    fn an_operator_gives_way_to_others() {
        let bodies = Bodies::default();
        let wait = |number, operator| bodies.wait(address(number), operator).unwrap();
        let mut admin = wait(1, Some("admin"));
        let mut waits: Vec<Wait> = (0..10)
            .flat_map(|number| (0..10).map(move |_| number))
            .map(|number| wait(number, (number == 0).then_some("reader")))
            .collect();
        assert!(!has_ended(&mut admin));
        let left = waits.iter_mut().map(has_ended).filter(|ended| !ended);
        assert_eq!(left.count(), WAITS_MAX - 1);
        assert_eq!(lock(&bodies.0).waits.len(), WAITS_MAX);
        drop((admin, waits));
        assert!(lock(&bodies.0).waits.is_empty());
        assert!(bodies.wait(Peer::Socket, None).is_none());
    }
}
