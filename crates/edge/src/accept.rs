//! Accepts connections under the limits and gives each to the worker that has the fewest.

use crate::connection::{serve_plain, serve_tls};
use crate::crowd::CrowdPlace;
use crate::guests::{Guest, Whose};
use crate::proxy_header;
use crate::rtmp;
use crate::worker::WorkerShared;
use privet_distribution::{Listener, ListenerProtocol};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

/// After a failed accept (out of file descriptors) the listener rests this long, while room is made.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);
/// How often, and how far apart, a connection without a place looks whether others have made room.
const ROOM_LOOKS: usize = 3;
const ROOM_PAUSE: Duration = Duration::from_millis(5);
/// A viewer keeps its place for this part of `idle_timeout` after an answer, whoever else wants it: 6 seconds by default.
const KEPT_SHARE: u32 = 10;

/// What a worker is told to do.
#[derive(Debug)]
pub(crate) enum Task {
    Listen(ListenOn),
    Serve(Accepted),
    /// Close some that have waited longest, since before this moment: whoever came later may be why it was asked.
    MakeRoom(Whose, Instant),
}

/// A listener that a worker is to accept from, until `stop` says otherwise.
#[derive(Debug)]
pub(crate) struct ListenOn {
    pub(crate) listener: TcpListener,
    pub(crate) configured: Listener,
    pub(crate) stop: watch::Receiver<bool>,
}

/// All workers, by number.
#[derive(Debug)]
pub(crate) struct Crew {
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    tasks: mpsc::UnboundedSender<Task>,
    connections: AtomicUsize,
}

impl Crew {
    /// A crew of this size, and where each of its workers hears its tasks.
    pub(crate) fn new(size: usize) -> (Self, Vec<mpsc::UnboundedReceiver<Task>>) {
        let (members, receivers) = (0..size)
            .map(|_| {
                let (tasks, receiver) = mpsc::unbounded_channel();
                let connections = AtomicUsize::new(0);
                (Member { tasks, connections }, receiver)
            })
            .unzip();
        (Crew { members }, receivers)
    }

    /// How many workers were started.
    pub(crate) fn size(&self) -> usize {
        self.members.len()
    }

    /// Gives each worker its task of every row.
    pub(crate) fn hand_out(&self, rows: Vec<Vec<Task>>) {
        for (member, task) in rows
            .into_iter()
            .flat_map(|row| self.members.iter().zip(row))
        {
            // A worker that is gone has nothing to do any more.
            let _ = member.tasks.send(task);
        }
    }

    /// Connections that the worker of this number has.
    pub(crate) fn connections_of(&self, number: usize) -> usize {
        self.members[number].connections.load(Ordering::Relaxed)
    }

    fn connections(&self) -> usize {
        let counts = self.members.iter().map(|member| &member.connections);
        counts.map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// Has every worker close some connections that have only waited since before this moment.
    fn make_room(&self, whose: Whose, before: Instant) {
        for member in &self.members {
            // A worker that is gone has none.
            let _ = member.tasks.send(Task::MakeRoom(whose, before));
        }
    }

    /// A place at the living worker with the fewest connections; `None` when there are `connections_max` already.
    fn place(self: &Arc<Self>, connections_max: usize) -> Option<Place> {
        if self.connections() >= connections_max {
            return None;
        }
        let living =
            (0..self.members.len()).filter(|number| !self.members[*number].tasks.is_closed());
        let number = living.min_by_key(|number| self.connections_of(*number))?;
        self.members[number]
            .connections
            .fetch_add(1, Ordering::Relaxed);
        Some(Place {
            crew: Arc::clone(self),
            number,
        })
    }
}

/// A connection's place at a worker; given back when it is dropped.
#[derive(Debug)]
struct Place {
    crew: Arc<Crew>,
    number: usize,
}

impl Drop for Place {
    fn drop(&mut self) {
        let member = &self.crew.members[self.number];
        member.connections.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A connection on its way to its worker.
#[derive(Debug)]
pub(crate) struct Accepted {
    stream: TcpStream,
    peer: SocketAddr,
    configured: Listener,
    place: Place,
}

impl Accepted {
    /// Serves the connection on this worker, beside all others.
    pub(crate) fn serve(self, shared: &Rc<WorkerShared>) {
        let shared = Rc::clone(shared);
        let guest = Rc::new(Guest::default());
        let seat = shared.guests.seat(&guest);
        let served = Rc::clone(&guest);
        let task = tokio::task::spawn_local(async move {
            let _seat = seat;
            // Without a file descriptor in the runtime there is nothing to serve.
            let Ok(mut stream) = tokio::net::TcpStream::from_std(self.stream) else {
                return;
            };
            let mut peer = self.peer;
            let mut ended_tls = None;
            if self.configured.proxy_protocol {
                let state = shared.current();
                match proxy_header::read(&mut stream, peer, &state.snapshot).await {
                    Ok(proxied) => (peer, ended_tls) = (proxied.viewer, proxied.tls),
                    Err(fault) => {
                        let listener = self.configured.address;
                        shared.proxy_complaints.hear(peer, listener, &fault);
                        return;
                    }
                }
            }
            let Some(entered) = enter(&self.configured.protocol, peer, &shared) else {
                return;
            };
            if let Entered::Counted { .. } = entered {
                served.comes_from(peer.ip());
            }
            match self.configured.protocol {
                ListenerProtocol::Http => {
                    serve_plain(stream, (peer, ended_tls), shared, &served).await;
                }
                ListenerProtocol::Https => serve_tls(stream, peer, shared, &served).await,
                ListenerProtocol::Rtmp => {
                    served.plays();
                    rtmp::serve_plain(stream, (peer, ended_tls), shared).await;
                }
                ListenerProtocol::Rtmps => {
                    served.plays();
                    rtmp::serve_tls(stream, peer, shared).await;
                }
            }
            drop(self.place);
        });
        guest.is_served_by(task.abort_handle());
    }
}

/// Whether an address may have another connection.
enum Entered {
    /// It gives its place back when it is dropped.
    Counted { _place: CrowdPlace },
    /// Proxies bring many viewers.
    TrustedProxy,
}

/// `None` when the address has as many connections as it may have. `peer` is whom a PROXY header names, if there was one.
fn enter(protocol: &ListenerProtocol, peer: SocketAddr, shared: &WorkerShared) -> Option<Entered> {
    let state = shared.current();
    let limits = &state.snapshot.limits;
    if state.snapshot.trusted_proxies.contains(peer.ip()) {
        return Some(Entered::TrustedProxy);
    }
    let shortages = &shared.shortages;
    let (crowd, key, connections_max, news) = match protocol {
        ListenerProtocol::Http | ListenerProtocol::Https => (
            &shared.crowd,
            "connections_per_address_max",
            limits.connections_per_address_max,
            &shortages.addresses,
        ),
        ListenerProtocol::Rtmp | ListenerProtocol::Rtmps => (
            &shared.rtmp_crowd,
            "rtmp_connections_per_address_max",
            limits.rtmp_connections_per_address_max,
            &shortages.rtmp_addresses,
        ),
    };
    let place = Arc::clone(crowd).enter(peer.ip(), connections_max);
    if place.is_none() {
        news.hear(|count| {
            let address = peer.ip();
            format!(
                "closed connections whose addresses have limits.{key} = {connections_max} already: {count}, \
                 the last from {address}; proxies belong into edge.trusted_proxies"
            )
        });
    }
    place.map(|_place| Entered::Counted { _place })
}

/// Accepts until the listener is closed or the edge drains.
pub(crate) async fn accept(listen_on: ListenOn, shared: Rc<WorkerShared>, crew: Arc<Crew>) {
    let ListenOn {
        listener,
        configured,
        mut stop,
    } = listen_on;
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
        return;
    };
    let mut drain = shared.drain.clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stop.wait_for(|stopped| *stopped) => return,
            _ = drain.wait_for(|draining| *draining) => return,
        };
        match accepted {
            Ok((stream, peer)) => {
                // Without a place, or with an error, the stream is dropped and so closed.
                if let Some(place) = place(&crew, &shared).await {
                    let _ = hand_over(stream, peer, &configured, place);
                }
            }
            // The viewer gave up meanwhile, or file descriptors ran out; both pass.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                shared.shortages.accepting.hear(|count| {
                    format!(
                        "no connection could be accepted ({error}; {count} since this was last told), and of those that wait \
                         for a request some are closed, if there are any; let the edge open more files, or lower limits.connections_max"
                    )
                });
                crew.make_room(Whose::Waiting, Instant::now());
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// A place, for which others may have to go: where descriptors are short, those that wait for a request; below
/// `connections_max`, which is somebody's wish, those that never sent one, and where there are none, those that have been
/// idle for a while.
async fn place(crew: &Arc<Crew>, shared: &WorkerShared) -> Option<Place> {
    let state = shared.current();
    let limits = &state.snapshot.limits;
    let wished = limits.connections_max;
    let possible = shared.shortages.viewers_max(&state.snapshot);
    let connections_max = wished.min(possible);
    if let Some(place) = crew.place(connections_max) {
        return Some(place);
    }
    let now = Instant::now();
    let attempts = if possible < wished {
        vec![(Whose::Waiting, Some(now))]
    } else {
        let kept_until = now.checked_sub(limits.idle_timeout / KEPT_SHARE);
        vec![(Whose::Silent, Some(now)), (Whose::Crowding, kept_until)]
    };
    let mut found = None;
    for (whose, before) in attempts {
        let Some(before) = before else { continue };
        crew.make_room(whose, before);
        if let Some(place) = room(crew, connections_max).await {
            found = Some((place, whose));
            break;
        }
    }
    let outcome = match &found {
        Some((_, Whose::Waiting)) => {
            "got one when those were closed that had waited longest for a request"
        }
        Some((_, Whose::Silent)) => "got one when those were closed that had never sent a request",
        Some((_, Whose::Crowding)) => "got one when those were closed that had long been idle",
        None => "was closed, as no other could be",
    };
    shared.shortages.places.hear(|count| {
        format!(
            "all {connections_max} places are taken; connections that found it so: {count}, of which the last {outcome}; raise \
             limits.connections_max ({wished}) and the open files that the edge may have"
        )
    });
    found.map(|(place, _)| place)
}

/// A place that somebody gives back soon.
async fn room(crew: &Arc<Crew>, connections_max: usize) -> Option<Place> {
    for _ in 0..ROOM_LOOKS {
        tokio::time::sleep(ROOM_PAUSE).await;
        if let Some(place) = crew.place(connections_max) {
            return Some(place);
        }
    }
    None
}

fn hand_over(
    stream: tokio::net::TcpStream,
    peer: SocketAddr,
    configured: &Listener,
    place: Place,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let crew = Arc::clone(&place.crew);
    let number = place.number;
    let accepted = Accepted {
        stream: stream.into_std()?,
        peer,
        configured: configured.clone(),
        place,
    };
    // A worker that is gone drops the connection.
    let _ = crew.members[number].tasks.send(Task::Serve(accepted));
    Ok(())
}
