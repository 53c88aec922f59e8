//! Accepts connections under the limit and gives each to the worker that has the fewest.

use crate::connection::{serve_plain, serve_tls};
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

/// After a failed accept (out of file descriptors) the listener rests this long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a worker is told to do.
#[derive(Debug)]
pub(crate) enum Task {
    Listen(ListenOn),
    Serve(Accepted),
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
        tokio::task::spawn_local(async move {
            // Without a file descriptor in the runtime there is nothing to serve.
            let Ok(mut stream) = tokio::net::TcpStream::from_std(self.stream) else {
                return;
            };
            let mut peer = self.peer;
            if self.configured.proxy_protocol {
                let state = shared.current();
                match proxy_header::read(&mut stream, peer, &state.snapshot).await {
                    Ok(viewer) => peer = viewer,
                    Err(fault) => {
                        let listener = self.configured.address;
                        shared.proxy_complaints.hear(peer, listener, &fault);
                        return;
                    }
                }
            }
            match self.configured.protocol {
                ListenerProtocol::Http => serve_plain(stream, peer, shared).await,
                ListenerProtocol::Https => serve_tls(stream, peer, shared).await,
                ListenerProtocol::Rtmp => rtmp::serve_plain(stream, peer, shared).await,
                ListenerProtocol::Rtmps => rtmp::serve_tls(stream, peer, shared).await,
            }
            drop(self.place);
        });
    }
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
                let connections_max = shared.current().snapshot.limits.connections_max;
                // Without a place, or with an error, the stream is dropped and so closed.
                if let Some(place) = crew.place(connections_max) {
                    let _ = hand_over(stream, peer, &configured, place);
                }
            }
            // The viewer gave up meanwhile, or file descriptors ran out; both pass.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
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
