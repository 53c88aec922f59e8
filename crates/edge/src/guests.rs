//! The connections of a worker, so that those that have waited longest without a request can be closed for others.

use crate::connection::ConnectionState;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::{Rc, Weak};
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// How many are closed at once: looking for them takes a look at all.
const CLOSED_MAX: usize = 32;
/// And no more of those that may go than one in this many.
const CLOSED_SHARE: usize = 16;

/// Which connections may be closed for others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whose {
    /// Those that wait for a request.
    Waiting,
    /// Those among them that have never sent one.
    Silent,
}

/// All connections of a worker.
#[derive(Debug, Default)]
pub(crate) struct Guests {
    seated: RefCell<HashMap<u64, Rc<Guest>>>,
    next: Cell<u64>,
}

/// A connection's entry; dropping it ends that.
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
    talk: RefCell<Talk>,
    task: OnceCell<AbortHandle>,
}

/// What a connection has come to.
#[derive(Debug)]
enum Talk {
    /// A PROXY header or a TLS handshake is awaited.
    Greeting,
    Http(Weak<ConnectionState>),
    /// RTMP, which has limits of its own.
    Film,
}

impl Default for Guest {
    fn default() -> Self {
        Guest {
            accepted: Instant::now(),
            talk: RefCell::new(Talk::Greeting),
            task: OnceCell::new(),
        }
    }
}

impl Guest {
    /// The task that serves it, which can be ended.
    pub(crate) fn is_served_by(&self, task: AbortHandle) {
        // It is told once.
        let _ = self.task.set(task);
    }

    /// It speaks HTTP from now on.
    pub(crate) fn speaks(&self, connection: &Rc<ConnectionState>) {
        self.talk.replace(Talk::Http(Rc::downgrade(connection)));
    }

    /// It speaks RTMP.
    pub(crate) fn plays(&self) {
        self.talk.replace(Talk::Film);
    }

    /// Since when it may be closed for others; `None` while it may not.
    fn waiting_since(&self, whose: Whose) -> Option<Instant> {
        match &*self.talk.borrow() {
            Talk::Greeting => Some(self.accepted),
            Talk::Http(connection) => {
                let connection = connection.upgrade()?;
                let may_go = whose == Whose::Waiting || connection.request_count() == 0;
                connection.waiting_since().filter(|_| may_go)
            }
            Talk::Film => None,
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

    /// Closes some that have waited longest, since `before` at least. Nothing of an answer is lost: they are owed none.
    pub(crate) fn make_room(&self, whose: Whose, before: Instant) {
        let mut waiting: Vec<(Instant, AbortHandle)> = self
            .seated
            .borrow()
            .values()
            .filter_map(|guest| Some((guest.waiting_since(whose)?, guest.task.get()?.clone())))
            .filter(|(since, _)| *since < before)
            .collect();
        waiting.sort_unstable_by_key(|(since, _)| *since);
        let count = (waiting.len() / CLOSED_SHARE).clamp(1, CLOSED_MAX);
        for (_, task) in waiting.into_iter().take(count) {
            task.abort();
        }
    }
}
