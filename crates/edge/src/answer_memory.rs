//! One memory budget for all bytes on their way to viewers, whatever the protocol and the source.
//!
//! A connection may hold a share of what is free, and the connections of one address together all but a quarter, so
//! that however many viewers stop reading, something is left for the next one. This module decides how much may be read
//! for a stream, and when; the reading is done elsewhere.
//!
//! No body waits forever. It waits only while bytes of its own are on their way, or while its connection holds its
//! share and the socket accepts nothing; it never waits for another connection. Either its own bytes leave, or the
//! viewer stops reading and `viewer_io` and `h2_watch` end the stream or the connection. Either the socket accepts
//! everything, which is reported here, or the same time limit ends it. A body with nothing on its way may read a little
//! whatever the others hold: that much was charged when its request was admitted.

mod gathered;
mod network;

pub(crate) use gathered::{GatherFault, GatheredBytes};

use crate::connections_by_address::ByNetwork;
use bytes::Bytes;
use network::Network;
use std::cell::Cell;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Largest chunk of a body in bytes: few system calls, and yet room for many viewers.
const CHUNK_SIZE_BYTES_MAX: u64 = 64 * 1024;
/// Size from which a chunk is worth its overhead (an HTTP/2 frame, a TLS record) while there is something else to send.
const CHUNK_SIZE_BYTES_WORTH: u64 = 16 * 1024;
/// Bytes that a body may have on their way whatever the others hold.
const CHUNK_SIZE_BYTES_MIN: u64 = 4 * 1024;
/// Bytes that the bodies of a connection may have on their way together, before each is held to the minimum. A single
/// fast stream keeps three chunks busy. With room for four, and chunks as short as 4 KiB at its end, 32 streams read at
/// the same time took 29 % more CPU.
const CONNECTION_SIZE_BYTES_MAX: u64 = 6 * CHUNK_SIZE_BYTES_MAX;
/// Cost of a request in progress, apart from its head: the minimum of its body, and the state of its stream.
const ANSWER_SIZE_BYTES: u64 = 2 * CHUNK_SIZE_BYTES_MIN;
/// Divisor of the free memory: a connection may hold 1/`SHARE` of it.
const SHARE: u64 = 8;
/// Divisor of the free memory for a connection with texts that are made for its viewer: it may hold 1/`TEXT_SHARE`.
const TEXT_SHARE: u64 = 2;
/// Cost of a refused request: its page, the head of that page, and the state of its stream.
const REFUSED_SIZE_BYTES: u64 = CHUNK_SIZE_BYTES_MIN;
/// Maximum number of refused requests' pages that wait for the viewer of one connection at the same time.
const REFUSED_MAX: u64 = 16;
/// A chunk that an origin has sent and nobody has taken, plus the buffer that the next one is read into.
const ORIGIN_BODY_SIZE_BYTES: u64 = 64 * 1024;
/// Cost of a counted chunk beside its bytes.
const CHUNK_OVERHEAD_BYTES: u64 = 96;
/// Bytes that TLS may buffer for a viewer that reads nothing: a chunk of a body and the head before it, so that both
/// leave in one write.
const TLS_SIZE_BYTES_MAX: u64 = 80 * 1024;
/// One TLS record with its header.
const TLS_SIZE_BYTES_MIN: u64 = 17 * 1024;

/// Bytes of all connections on their way to viewers.
#[derive(Debug)]
pub(crate) struct AnswerMemory {
    used_bytes: AtomicU64,
    limit_bytes: AtomicU64,
    networks: Mutex<ByNetwork<Network>>,
}

impl AnswerMemory {
    pub(crate) fn new(limit_bytes: u64) -> Arc<Self> {
        Arc::new(AnswerMemory {
            used_bytes: AtomicU64::new(0),
            limit_bytes: AtomicU64::new(limit_bytes),
            networks: Mutex::default(),
        })
    }

    /// Changes the limit. Bytes already on their way under the old limit are not affected.
    pub(crate) fn set_limit(&self, limit_bytes: u64) {
        self.limit_bytes.store(limit_bytes, Ordering::Relaxed);
    }

    pub(crate) fn used_bytes(&self) -> u64 {
        self.used_bytes.load(Ordering::Relaxed)
    }

    fn network(&self, viewer: IpAddr) -> Arc<Network> {
        // A panic elsewhere cannot have damaged a map of addresses.
        let mut networks = self.networks.lock().unwrap_or_else(PoisonError::into_inner);
        networks.of(viewer, |_| true, Network::default)
    }

    fn free_bytes(&self) -> u64 {
        let limit_bytes = self.limit_bytes.load(Ordering::Relaxed);
        limit_bytes.saturating_sub(self.used_bytes())
    }

    /// Returns how many bytes TLS may buffer for a connection that begins now.
    pub(crate) fn tls_size_bytes_max(&self) -> u64 {
        let share = self.free_bytes() / SHARE;
        if share < CONNECTION_SIZE_BYTES_MAX {
            TLS_SIZE_BYTES_MIN
        } else {
            TLS_SIZE_BYTES_MAX
        }
    }
}

/// Bytes of one connection on their way to the viewer.
#[derive(Debug)]
pub(crate) struct ConnectionMemory {
    all: Arc<AnswerMemory>,
    network: Option<Arc<Network>>,
    used_bytes: AtomicU64,
    /// Part of `used_bytes` that is chunks of bodies.
    chunks_bytes: AtomicU64,
    /// Bytes that the stream has accepted and buffers while the socket accepts none.
    held_back_bytes_max: u64,
    is_blocked: AtomicBool,
    bodies: AtomicU64,
    /// Number of refused requests' pages.
    refused: AtomicU64,
    /// Wakers by the number of the body; no more than there are streams.
    waiting: Mutex<Vec<(u64, Waker)>>,
}

impl ConnectionMemory {
    /// Creates the account of a connection. `viewer` is the address that it counts for; `None` for a proxy, which
    /// brings many viewers. `held_back_bytes_max`: see [`AnswerMemory::tls_size_bytes_max`]; 0 for a plain connection.
    pub(crate) fn new(
        all: &Arc<AnswerMemory>,
        viewer: Option<IpAddr>,
        held_back_bytes_max: u64,
    ) -> Arc<Self> {
        Arc::new(ConnectionMemory {
            all: Arc::clone(all),
            network: viewer.map(|viewer| all.network(viewer)),
            used_bytes: AtomicU64::new(0),
            chunks_bytes: AtomicU64::new(0),
            held_back_bytes_max,
            is_blocked: AtomicBool::new(false),
            bodies: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            waiting: Mutex::default(),
        })
    }

    /// Reserves memory for the response to a request with a head of this size; `None` when the connection already has
    /// its share. A connection that holds nothing always gets it.
    pub(crate) fn admit(self: &Arc<Self>, head_size_bytes: u64) -> Option<BodyMemory> {
        let size_bytes = ANSWER_SIZE_BYTES + head_size_bytes;
        let used_bytes = self.used_bytes.load(Ordering::Relaxed);
        let fits = used_bytes + size_bytes <= self.free_bytes() / SHARE;
        (used_bytes == 0 || fits).then(|| self.body(size_bytes))
    }

    /// Returns memory for the short page that says why a request was not admitted, which [`RefusedAnswer`] counts.
    pub(crate) fn refusal(self: &Arc<Self>) -> BodyMemory {
        self.body(0)
    }

    /// Reserves memory for the page of a refused request; `None` when too many of them already wait for the viewer, or
    /// when there is too little memory for them. A connection that holds nothing always gets it.
    pub(crate) fn try_refuse(self: &Arc<Self>) -> Option<RefusedAnswer> {
        let used_bytes = self.used_bytes.load(Ordering::Relaxed);
        let fits = used_bytes + REFUSED_SIZE_BYTES <= self.free_bytes() / TEXT_SHARE;
        let is_among_few = self.refused.load(Ordering::Relaxed) < REFUSED_MAX;
        (is_among_few && (fits || used_bytes == 0)).then(|| self.refuse())
    }

    /// Does the same for a connection that has one response at a time.
    pub(crate) fn refuse(self: &Arc<Self>) -> RefusedAnswer {
        self.refused.fetch_add(1, Ordering::Relaxed);
        RefusedAnswer(Charge::of(REFUSED_SIZE_BYTES, self))
    }

    fn body(self: &Arc<Self>, size_bytes: u64) -> BodyMemory {
        BodyMemory {
            charge: Charge::of(size_bytes, self),
            body: Arc::new(Body {
                connection: Arc::clone(self),
                number: self.bodies.fetch_add(1, Ordering::Relaxed),
                chunks_bytes: AtomicU64::new(0),
            }),
            has_let_others: Cell::new(false),
        }
    }

    /// Notes that the socket accepts nothing.
    pub(crate) fn blocked(&self) {
        if !self.is_blocked.swap(true, Ordering::Relaxed) {
            self.add(self.held_back_bytes_max);
        }
    }

    /// Notes that everything written has been handed to the operating system.
    pub(crate) fn flushed(&self) {
        if self.is_blocked.swap(false, Ordering::Relaxed) {
            self.take(self.held_back_bytes_max);
            self.wake_all();
        }
    }

    /// Returns how many of the `size_bytes` that are wanted may be prepared at once.
    pub(crate) fn room(&self, size_bytes: u64) -> u64 {
        let share = self.free_bytes() / SHARE;
        size_bytes.min(share).max(CHUNK_SIZE_BYTES_MIN)
    }

    fn chunks_bytes_max(&self) -> u64 {
        // Half of the connection's share, so that the other half is left for more requests.
        CONNECTION_SIZE_BYTES_MAX.min(self.free_bytes() / SHARE / 2)
    }

    /// Returns the free memory of which this connection may have a share.
    fn free_bytes(&self) -> u64 {
        let free_bytes = self.all.free_bytes();
        match &self.network {
            Some(network) => network.free_bytes(free_bytes),
            None => free_bytes,
        }
    }

    fn add(&self, size_bytes: u64) {
        if let Some(network) = &self.network {
            network.add(size_bytes);
        }
        self.used_bytes.fetch_add(size_bytes, Ordering::Relaxed);
        self.all.used_bytes.fetch_add(size_bytes, Ordering::Relaxed);
    }

    fn take(&self, size_bytes: u64) {
        if let Some(network) = &self.network {
            network.take(size_bytes);
        }
        self.used_bytes.fetch_sub(size_bytes, Ordering::Relaxed);
        self.all.used_bytes.fetch_sub(size_bytes, Ordering::Relaxed);
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<(u64, Waker)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wake_all(&self) {
        let waiting = std::mem::take(&mut *self.waiting());
        for (_, waker) in waiting {
            waker.wake();
        }
    }

    fn wake(&self, number: u64) {
        let waker = {
            let mut waiting = self.waiting();
            let place = waiting.iter().position(|(other, _)| *other == number);
            place.map(|place| waiting.swap_remove(place).1)
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

/// The connection is over, and with it the bytes that its stream has buffered.
impl Drop for ConnectionMemory {
    fn drop(&mut self) {
        self.flushed();
    }
}

/// Bytes that are counted until this is dropped.
#[derive(Debug)]
pub(crate) struct Charge {
    size_bytes: u64,
    connection: Arc<ConnectionMemory>,
}

impl Charge {
    fn of(size_bytes: u64, connection: &Arc<ConnectionMemory>) -> Self {
        connection.add(size_bytes);
        Charge {
            size_bytes,
            connection: Arc::clone(connection),
        }
    }

    /// Charges bytes that are made for one viewer; `None` when they are too many beside all that is on its way.
    pub(crate) fn try_of(size_bytes: u64, connection: &Arc<ConnectionMemory>) -> Option<Self> {
        let mut charge = Charge::of(0, connection);
        charge.try_grow(size_bytes).map(|()| charge)
    }

    /// Counts `size_bytes` more of the same bytes; `None` when they become too many.
    fn try_grow(&mut self, size_bytes: u64) -> Option<()> {
        let connection = &self.connection;
        let would_hold = connection.used_bytes.load(Ordering::Relaxed) + size_bytes;
        let is_short = self.size_bytes + size_bytes <= CHUNK_SIZE_BYTES_MIN;
        let fits = is_short || would_hold <= connection.free_bytes() / TEXT_SHARE;
        fits.then(|| {
            connection.add(size_bytes);
            self.size_bytes += size_bytes;
        })
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.connection.take(self.size_bytes);
    }
}

/// The page of a refused request, counted until this is dropped.
#[derive(Debug)]
pub(crate) struct RefusedAnswer(Charge);

impl Drop for RefusedAnswer {
    fn drop(&mut self) {
        self.0.connection.refused.fetch_sub(1, Ordering::Relaxed);
    }
}

#[derive(Debug)]
struct Body {
    connection: Arc<ConnectionMemory>,
    number: u64,
    chunks_bytes: AtomicU64,
}

impl Body {
    fn add(&self, size_bytes: u64) {
        self.chunks_bytes.fetch_add(size_bytes, Ordering::Relaxed);
        let connection = &self.connection;
        connection
            .chunks_bytes
            .fetch_add(size_bytes, Ordering::Relaxed);
        connection.add(size_bytes);
    }

    /// Wakes those that may go on now: the body itself when none of its bytes are left, all bodies when half of the
    /// connection's allowance is free. Waking all for every chunk would cost more than it brings.
    fn take(&self, size_bytes: u64) {
        let connection = &self.connection;
        connection.take(size_bytes);
        let before = connection
            .chunks_bytes
            .fetch_sub(size_bytes, Ordering::Relaxed);
        let half = connection.chunks_bytes_max() / 2;
        if before > half && before - size_bytes <= half {
            connection.wake_all();
        }
        if self.chunks_bytes.fetch_sub(size_bytes, Ordering::Relaxed) == size_bytes {
            connection.wake(self.number);
        }
    }

    fn wait(&self, context: &Context<'_>) {
        let mut waiting = self.connection.waiting();
        waiting.retain(|(other, _)| *other != self.number);
        waiting.push((self.number, context.waker().clone()));
    }

    fn turn(&self) -> Turn {
        let connection = &self.connection;
        let left = connection
            .chunks_bytes_max()
            .saturating_sub(connection.chunks_bytes.load(Ordering::Relaxed));
        if left >= CHUNK_SIZE_BYTES_WORTH {
            // Half of what is left, so that later requests find something.
            return Turn::Read((left / 2).clamp(CHUNK_SIZE_BYTES_WORTH, CHUNK_SIZE_BYTES_MAX));
        }
        let has_some = self.chunks_bytes.load(Ordering::Relaxed) > 0;
        if has_some || connection.is_blocked.load(Ordering::Relaxed) {
            Turn::Wait
        } else {
            Turn::LetOthers
        }
    }
}

/// The next step of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// Read a chunk of up to this size.
    Read(u64),
    /// Let the connection send what is buffered. If that makes no room, then because the viewer closed the windows of
    /// other streams, and the body may read a little.
    LetOthers,
    /// Wait to be woken.
    Wait,
}

/// Memory for the body of one response.
#[derive(Debug)]
pub(crate) struct BodyMemory {
    charge: Charge,
    body: Arc<Body>,
    /// Set when the other bodies have had their turn since the last chunk.
    has_let_others: Cell<bool>,
}

impl BodyMemory {
    /// Waits for room for the next chunk: `size_bytes_max` bytes or fewer.
    pub(crate) fn poll_room(&self, size_bytes_max: u64, context: &Context<'_>) -> Poll<Room> {
        let size_bytes_most = match self.body.turn() {
            Turn::Read(size_bytes) => size_bytes,
            Turn::LetOthers if self.has_let_others.get() => CHUNK_SIZE_BYTES_MIN,
            Turn::LetOthers => {
                self.has_let_others.set(true);
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Turn::Wait => {
                self.body.wait(context);
                return Poll::Pending;
            }
        };
        self.has_let_others.set(false);
        let size_bytes = size_bytes_most.min(size_bytes_max);
        self.body.add(size_bytes);
        Poll::Ready(Room {
            size_bytes,
            body: Arc::clone(&self.body),
        })
    }

    /// Charges the bytes that a connection to an origin may have read ahead for this response alone; `None` when the
    /// connection already has its share. The only response of a connection always gets it.
    pub(crate) fn try_charge_origin(&self) -> Option<Charge> {
        let connection = &self.charge.connection;
        let used_bytes = connection.used_bytes.load(Ordering::Relaxed);
        let fits = used_bytes + ORIGIN_BODY_SIZE_BYTES <= connection.free_bytes() / SHARE;
        let is_alone = used_bytes <= self.charge.size_bytes;
        (fits || is_alone).then(|| Charge::of(ORIGIN_BODY_SIZE_BYTES, connection))
    }

    /// Charges bytes that were made for this response alone; `None` when they are too many beside all that is on its
    /// way.
    pub(crate) fn try_charge(&self, size_bytes: u64) -> Option<Charge> {
        Charge::try_of(size_bytes, &self.charge.connection)
    }
}

impl Drop for BodyMemory {
    fn drop(&mut self) {
        let number = self.body.number;
        let mut waiting = self.body.connection.waiting();
        waiting.retain(|(other, _)| *other != number);
    }
}

/// Room for one chunk, counted as if the chunk were there.
#[derive(Debug)]
pub(crate) struct Room {
    size_bytes: u64,
    body: Arc<Body>,
}

impl Room {
    pub(crate) fn size_bytes(&self) -> usize {
        // At most a chunk, so the conversion loses nothing.
        self.size_bytes as usize
    }

    /// Returns the chunk that fills the room, counted until no reference to it is left.
    pub(crate) fn filled(mut self, bytes: Bytes) -> Bytes {
        let size_bytes = bytes.len() as u64 + CHUNK_OVERHEAD_BYTES;
        if size_bytes > self.size_bytes {
            self.body.add(size_bytes - self.size_bytes);
        } else {
            self.body.take(self.size_bytes - size_bytes);
        }
        self.size_bytes = size_bytes;
        if bytes.len() as u64 <= CHUNK_SIZE_BYTES_MIN {
            // A short slice must not hold on to the whole block that it is part of.
            return Bytes::from_owner(Counted {
                bytes: bytes.to_vec(),
                _counted: self,
            });
        }
        Bytes::from_owner(Counted {
            bytes,
            _counted: self,
        })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.body.take(self.size_bytes);
    }
}

/// Bytes together with the value that counts them.
struct Counted<B, C> {
    bytes: B,
    _counted: C,
}

impl<B: AsRef<[u8]>, C> AsRef<[u8]> for Counted<B, C> {
    fn as_ref(&self) -> &[u8] {
        self.bytes.as_ref()
    }
}

/// Returns `bytes`, counted by `charge` until no reference to them is left.
pub(crate) fn charged(bytes: Bytes, charge: Charge) -> Bytes {
    Bytes::from_owner(Counted {
        bytes,
        _counted: charge,
    })
}

#[cfg(test)]
mod tests;
