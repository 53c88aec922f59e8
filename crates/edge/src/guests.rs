//! The connections of a worker, so that those that have waited longest without a request can be closed for others.

use crate::connection_state::ConnectionState;
use crate::connections_by_address::network;
use std::cell::{Cell, OnceCell, RefCell};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::IpAddr;
use std::rc::{Rc, Weak};
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// Maximum number of connections closed at once: each search visits all connections.
const CLOSED_MAX: usize = 32;
/// Divisor of the number of closable connections: at most 1/`CLOSED_SHARE` of them, but at least one, are closed at
/// once.
const CLOSED_SHARE: usize = 16;

/// Connections that may be closed for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Those that wait for a request.
    Waiting,
    /// Those among them that have never sent one.
    Silent,
    /// All that wait, starting with the address that has most of them.
    Crowding,
}

/// All connections of a worker.
#[derive(Debug, Default)]
pub(crate) struct Guests {
    seated: RefCell<HashMap<u64, Rc<Guest>>>,
    next: Cell<u64>,
}

/// A connection's entry, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Seat {
    guests: Rc<Guests>,
    number: u64,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.guests.seated.borrow_mut().remove(&self.number);
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Guest {
    accepted: Instant,
    /// Network that the connection counts for; `None` for proxies, which bring many viewers.
    network: Cell<Option<IpAddr>>,
    talk: RefCell<Talk>,
    task: OnceCell<AbortHandle>,
}

/// Protocol that a connection has come to.
#[derive(Debug)]
enum Talk {
    /// A PROXY header or a TLS handshake is awaited.
    Greeting,
    Http(Weak<ConnectionState>),
    /// RTMP, which has limits of its own.
    Video,
}

impl Default for Guest {
    fn default() -> Self {
        Guest {
            accepted: Instant::now(),
            network: Cell::new(None),
            talk: RefCell::new(Talk::Greeting),
            task: OnceCell::new(),
        }
    }
}

impl Guest {
    /// Sets the task that serves the connection, which can be aborted.
    pub(crate) fn is_served_by(&self, task: AbortHandle) {
        // This is set only once.
        let _ = self.task.set(task);
    }

    /// Counts the connection for this address.
    pub(crate) fn comes_from(&self, address: IpAddr) {
        self.network.set(Some(network(address)));
    }

    /// Notes that the connection speaks HTTP from now on.
    pub(crate) fn speaks(&self, connection: &Rc<ConnectionState>) {
        self.talk.replace(Talk::Http(Rc::downgrade(connection)));
    }

    /// Notes that the connection speaks RTMP.
    pub(crate) fn plays(&self) {
        self.talk.replace(Talk::Video);
    }

    /// Returns the time since which the connection may be closed for others; `None` while it may not.
    fn waiting_since(&self, whose: Whose) -> Option<Instant> {
        match &*self.talk.borrow() {
            Talk::Greeting => Some(self.accepted),
            Talk::Http(connection) => {
                let connection = connection.upgrade()?;
                let may_go = whose != Whose::Silent || connection.request_count() == 0;
                connection.waiting_since().filter(|_| may_go)
            }
            Talk::Video => None,
        }
    }
}

impl Guests {
    /// Enters a connection.
    pub(crate) fn seat(self: &Rc<Self>, guest: &Rc<Guest>) -> Seat {
        let number = self.next.get();
        self.next.set(number + 1);
        self.seated.borrow_mut().insert(number, Rc::clone(guest));
        Seat {
            guests: Rc::clone(self),
            number,
        }
    }

    /// Closes some connections that have waited longest, at least since `before`. No response is lost: none is due to
    /// them.
    pub(crate) fn make_room(&self, whose: Whose, before: Instant) {
        let seated = self.seated.borrow();
        let mut waiting: Vec<Waiting> = seated
            .values()
            .filter_map(|guest| {
                Some(Waiting {
                    since: guest.waiting_since(whose)?,
                    network: guest.network.get(),
                    task: guest.task.get()?.clone(),
                })
            })
            .filter(|guest| guest.since < before)
            .collect();
        drop(seated);
        let crowds = match whose {
            Whose::Waiting | Whose::Silent => HashMap::new(),
            Whose::Crowding => crowds(&waiting),
        };
        let connections_by_address =
            |guest: &Waiting| guest.network.and_then(|network| crowds.get(&network));
        waiting.sort_by_cached_key(|guest| {
            (Reverse(connections_by_address(guest).copied()), guest.since)
        });
        let count = (waiting.len() / CLOSED_SHARE).clamp(1, CLOSED_MAX);
        for guest in waiting.into_iter().take(count) {
            guest.task.abort();
        }
    }
}

/// A connection that may be closed.
#[derive(Debug)]
struct Waiting {
    since: Instant,
    network: Option<IpAddr>,
    task: AbortHandle,
}

/// Returns the number of these connections for each network.
fn crowds(waiting: &[Waiting]) -> HashMap<IpAddr, usize> {
    let mut crowds = HashMap::new();
    for network in waiting.iter().filter_map(|guest| guest.network) {
        *crowds.entry(network).or_default() += 1;
    }
    crowds
}
