//! The connections of one worker to one server: how many there are, who gets the next one, and how long an idle one is
//! kept.
//!
//! Viewers of one address use at most three quarters of them at a time: a response is passed on as fast as its viewer
//! takes it, and slow viewers would otherwise hold all connections.

use super::request_body::WatchedBody;
use crate::connections_by_address::ByNetwork;
use hyper::client::conn::http1::SendRequest;
use privet_distribution::config::{AddressFamilies, HttpServer};
use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::rc::{Rc, Weak};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep_until};

/// Divisor of the connections: one in this many is left to viewers of other addresses.
const OTHERS_SHARE: usize = 4;

/// All pools of a worker.
#[derive(Debug, Default)]
pub(super) struct Pools {
    by_host: RefCell<HashMap<String, Vec<ServerPool>>>,
}

/// A server, and the conditions under which connections to it are opened.
#[derive(Clone, Copy, Debug)]
pub(super) struct Destination<'d> {
    pub(super) server: &'d HttpServer,
    pub(super) addresses: AddressFamilies,
    /// Authorities to trust, PEM; `None` means the system's.
    pub(super) roots_pem: Option<&'d [u8]>,
}

#[derive(Debug)]
struct ServerPool {
    server: HttpServer,
    addresses: AddressFamilies,
    roots_pem: Option<Vec<u8>>,
    pool: Rc<Pool>,
}

impl ServerPool {
    fn is_of(&self, destination: &Destination<'_>) -> bool {
        self.server == *destination.server
            && self.addresses == destination.addresses
            && self.roots_pem.as_deref() == destination.roots_pem
    }
}

impl Pools {
    /// Returns the pool of this server, reached at these addresses and trusted by these authorities.
    pub(super) fn of(&self, destination: &Destination<'_>) -> Rc<Pool> {
        let Destination {
            server,
            addresses,
            roots_pem,
        } = *destination;
        let mut by_host = self.by_host.borrow_mut();
        if let Some(known) = by_host
            .get(&server.host)
            .and_then(|pools| pools.iter().find(|known| known.is_of(destination)))
        {
            return Rc::clone(&known.pool);
        }
        // A new server is rare: this is the time to forget those of earlier configurations.
        by_host.retain(|_, pools| {
            pools.retain(|known| known.pool.taken() > 0 || Rc::strong_count(&known.pool) > 1);
            !pools.is_empty()
        });
        let pool = Rc::new(Pool::default());
        by_host
            .entry(server.host.clone())
            .or_default()
            .push(ServerPool {
                server: server.clone(),
                addresses,
                roots_pem: roots_pem.map(<[u8]>::to_vec),
                pool: Rc::clone(&pool),
            });
        pool
    }
}

/// The connections to one server.
#[derive(Debug, Default)]
pub(super) struct Pool {
    /// Idle connections. The last used one is at the back, and is used first.
    idle: RefCell<VecDeque<IdleConnection>>,
    /// Waiting callers, in order. There are none while a connection is idle or a slot is free.
    waiters: RefCell<VecDeque<oneshot::Sender<Checkout>>>,
    /// Number of slots in use: connections that are open, or being opened.
    taken: Cell<usize>,
    /// True while a task looks after the idle connections.
    is_tended: Cell<bool>,
    shares: RefCell<ByNetwork<AddressShare>>,
}

/// The slots that viewers of one address may still take.
#[derive(Debug)]
struct AddressShare {
    places_max: usize,
    free: Arc<Semaphore>,
}

/// One of these slots, while a response is on its way.
#[derive(Debug)]
struct SharedSlot {
    // The share is known for as long as anybody holds a slot of it.
    _of: Arc<AddressShare>,
    _permit: OwnedSemaphorePermit,
}

#[derive(Debug)]
struct IdleConnection {
    connection: Connection,
    keep_until: Instant,
}

/// The result of a checkout: a connection that has served before, or the right to open one.
#[derive(Debug)]
pub(super) enum Checkout {
    Reused(Connection),
    Open(PoolSlot),
}

/// The kind of connection that a caller accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectionKind {
    Any,
    /// A connection opened for this request, because an idle one has just turned out to be closed.
    Fresh,
}

/// The right to have one connection open. When dropped, it passes to the next waiter.
#[derive(Debug)]
pub(super) struct PoolSlot {
    pool: Weak<Pool>,
    /// Slot in the viewer's share, while its response is on its way.
    share: Option<SharedSlot>,
}

/// A connection that serves one request at a time. Dropping it closes it.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) sender: SendRequest<WatchedBody>,
    pub(super) history: History,
    afterwards: Afterwards,
    keep_alive_timeout: Duration,
    // Fields are dropped in this order: the task ends before the slot is free.
    _task: ConnectionTask,
    place: PoolSlot,
}

/// The history of a connection: while idle, one that has served may have been closed by the origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum History {
    JustOpened,
    HasServed,
}

/// The fate of a connection when its response has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Afterwards {
    Kept,
    /// Closed: an origin that leaves a request's body unread takes it for the next request, and its response for that
    /// one's.
    Closed,
}

/// The task that moves a connection's bytes. Dropping this ends it.
#[derive(Debug)]
pub(super) struct ConnectionTask(pub(super) AbortHandle);

impl Drop for ConnectionTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Pool {
    /// Returns a connection, or the right to open one, as soon as there is one and the viewer's address is below its
    /// share. At most `connections_max` are open at once; a caller that stops waiting gives up its turn.
    pub(super) async fn checkout(
        self: &Rc<Self>,
        wanted: ConnectionKind,
        viewer: Option<IpAddr>,
        connections_max: usize,
    ) -> Checkout {
        let connections_max = connections_max.max(1);
        let share = match viewer {
            Some(viewer) => self.share(viewer, connections_max).await,
            None => None,
        };
        let mut checkout = self.next(wanted, connections_max).await;
        checkout.place().share = share;
        checkout
    }

    /// Waits until the address is below its share. `None` never occurs, because nobody closes the semaphore.
    async fn share(&self, viewer: IpAddr, connections_max: usize) -> Option<SharedSlot> {
        let places_max = connections_max - connections_max / OTHERS_SHARE;
        let places_max = places_max.min(Semaphore::MAX_PERMITS);
        let new = || AddressShare {
            places_max,
            free: Arc::new(Semaphore::new(places_max)),
        };
        let is_of_now = |share: &AddressShare| share.places_max == places_max;
        let share = self.shares.borrow_mut().of(viewer, is_of_now, new);
        let permit = Arc::clone(&share.free).acquire_owned().await.ok()?;
        Some(SharedSlot {
            _of: share,
            _permit: permit,
        })
    }

    async fn next(self: &Rc<Self>, wanted: ConnectionKind, connections_max: usize) -> Checkout {
        loop {
            if let Some(checkout) = self.take(wanted, connections_max) {
                return checkout;
            }
            let (sender, receiver) = oneshot::channel();
            self.wait(sender);
            match receiver.await {
                Ok(Checkout::Reused(connection)) if wanted == ConnectionKind::Fresh => {
                    return Checkout::Open(connection.close());
                }
                Ok(checkout) => return checkout,
                // The pool outlives its waiters, so no sender is dropped unused.
                Err(_) => {}
            }
        }
    }

    /// Returns the number of connections that are open, or being opened.
    pub(super) fn taken(&self) -> usize {
        self.taken.get()
    }

    /// Adds a waiter. Those who have stopped waiting are mostly in front; removing them keeps the queue from growing.
    fn wait(&self, sender: oneshot::Sender<Checkout>) {
        let mut waiters = self.waiters.borrow_mut();
        while waiters.front().is_some_and(oneshot::Sender::is_closed) {
            waiters.pop_front();
        }
        waiters.push_back(sender);
    }

    fn take(self: &Rc<Self>, wanted: ConnectionKind, connections_max: usize) -> Option<Checkout> {
        while let Some(connection) = self.pop_idle() {
            match wanted {
                ConnectionKind::Any if connection.sender.is_ready() => {
                    return Some(Checkout::Reused(connection));
                }
                ConnectionKind::Any => drop(connection),
                ConnectionKind::Fresh => return Some(Checkout::Open(connection.close())),
            }
        }
        if self.taken.get() < connections_max {
            self.taken.set(self.taken.get() + 1);
            return Some(Checkout::Open(PoolSlot::of(self)));
        }
        None
    }

    /// Takes the last used connection. The pool is no longer borrowed when the caller looks at the connection, whose
    /// drop comes back here.
    fn pop_idle(&self) -> Option<Connection> {
        let idle = self.idle.borrow_mut().pop_back()?;
        Some(idle.connection)
    }

    fn keep_or_close(self: &Rc<Self>, connection: Connection) {
        match connection.afterwards {
            Afterwards::Kept => self.keep(connection),
            Afterwards::Closed => drop(connection),
        }
    }

    fn keep(self: &Rc<Self>, mut connection: Connection) {
        connection.history = History::HasServed;
        connection.place.share = None;
        let mut checkout = Checkout::Reused(connection);
        while let Some(waiter) = self.next_waiter() {
            match waiter.send(checkout) {
                Ok(()) => return,
                Err(refused) => checkout = refused,
            }
        }
        if let Checkout::Reused(connection) = checkout {
            let keep_until = Instant::now() + connection.keep_alive_timeout;
            self.idle.borrow_mut().push_back(IdleConnection {
                connection,
                keep_until,
            });
            if !self.is_tended.replace(true) {
                tokio::task::spawn_local(tend(Rc::downgrade(self)));
            }
        }
    }

    fn next_waiter(&self) -> Option<oneshot::Sender<Checkout>> {
        self.waiters.borrow_mut().pop_front()
    }

    /// Passes a slot on, or frees it.
    fn free(self: &Rc<Self>) {
        while let Some(waiter) = self.next_waiter() {
            let place = PoolSlot::of(self);
            match waiter.send(Checkout::Open(place)) {
                Ok(()) => return,
                // The waiter is gone. Without its pool the slot's drop does not call this again; the loop goes on.
                Err(Checkout::Open(mut refused)) => refused.pool = Weak::new(),
                Err(Checkout::Reused(_)) => {}
            }
        }
        self.taken.set(self.taken.get() - 1);
    }

    /// Closes connections that have been idle for too long or were closed by the origin. Returns the time to look
    /// again.
    fn close_expired(&self, now: Instant) -> Option<Instant> {
        let all = std::mem::take(&mut *self.idle.borrow_mut());
        let (kept, expired): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|idle| now < idle.keep_until && !idle.connection.sender.is_closed());
        let next = kept.iter().map(|idle| idle.keep_until).min();
        *self.idle.borrow_mut() = kept.into();
        drop(expired);
        next
    }
}

/// Looks after idle connections until there are none.
async fn tend(pool: Weak<Pool>) {
    loop {
        let Some(next) = pool.upgrade().and_then(|pool| {
            let next = pool.close_expired(Instant::now());
            pool.is_tended.set(next.is_some());
            next
        }) else {
            return;
        };
        sleep_until(next).await;
    }
}

impl Checkout {
    fn place(&mut self) -> &mut PoolSlot {
        match self {
            Checkout::Reused(connection) => &mut connection.place,
            Checkout::Open(place) => place,
        }
    }
}

impl PoolSlot {
    fn of(pool: &Rc<Pool>) -> Self {
        PoolSlot {
            pool: Rc::downgrade(pool),
            share: None,
        }
    }

    /// Turns the slot into a connection.
    pub(super) fn fill(
        self,
        sender: SendRequest<WatchedBody>,
        task: ConnectionTask,
        keep_alive_timeout: Duration,
    ) -> Connection {
        Connection {
            sender,
            history: History::JustOpened,
            afterwards: Afterwards::Kept,
            keep_alive_timeout,
            _task: task,
            place: self,
        }
    }
}

impl Drop for PoolSlot {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.free();
        }
    }
}

impl Connection {
    /// Closes the connection and keeps its slot for another one.
    pub(super) fn close(self) -> PoolSlot {
        self.place
    }

    /// Limits the connection to this request, which has a body.
    pub(super) fn close_afterwards(&mut self) {
        self.afterwards = Afterwards::Closed;
    }

    /// Gives the connection back to the pool for the next request. It is closed instead when the origin wants that,
    /// when it has carried a body to the origin, or when the origin does not take the whole request.
    pub(super) fn give_back(mut self) {
        let Some(pool) = self.place.pool.upgrade() else {
            return;
        };
        if self.sender.is_ready() {
            pool.keep_or_close(self);
        } else if !self.sender.is_closed() {
            let patience = self.keep_alive_timeout;
            tokio::task::spawn_local(async move {
                let ready = tokio::time::timeout(patience, self.sender.ready()).await;
                if matches!(ready, Ok(Ok(()))) {
                    pool.keep_or_close(self);
                }
            });
        }
    }
}
