//! One thread with one single-threaded runtime: accepts from the shared listeners and serves what it accepted.

use crate::clock::Clock;
use crate::connection::{ConnectionState, serve_plain, serve_tls};
use crate::exchange::OpenExchange;
use crate::log::{Log, Place as LogPlace, WorkerLog};
use crate::memory::{VerifiedSignatures, WorkerMemory};
use crate::pipeline::RequestBody;
use crate::state::EdgeState;
use arc_swap::ArcSwap;
use http::{HeaderValue, Request};
use http_body::Body;
use privet_distribution::ListenerProtocol;
use privet_sign::Timestamp;
use std::cell::{Cell, RefCell};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, UNIX_EPOCH};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::LocalSet;

/// After a failed accept (out of file descriptors) the listener rests this long.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long a log line may wait for others.
const FLUSH_LOG_EVERY: Duration = Duration::from_secs(1);
/// Threads of a worker that may wait for the disk.
const DISK_THREADS_MAX: usize = 16;

/// What all workers share.
#[derive(Clone, Debug)]
pub(crate) struct EdgeShared {
    pub(crate) state: Arc<ArcSwap<EdgeState>>,
    pub(crate) memory: Arc<VerifiedSignatures>,
    pub(crate) clock: Clock,
    pub(crate) log: Log,
    pub(crate) connections: Arc<AtomicUsize>,
    pub(crate) drain: watch::Receiver<bool>,
    pub(crate) node_name: String,
}

/// What one worker's connections share.
#[derive(Debug)]
pub(crate) struct WorkerShared {
    pub(crate) memory: WorkerMemory,
    pub(crate) clock: Clock,
    pub(crate) log: Rc<WorkerLog>,
    pub(crate) drain: watch::Receiver<bool>,
    pub(crate) via: HeaderValue,
    state: RefCell<arc_swap::Cache<Arc<ArcSwap<EdgeState>>, Arc<EdgeState>>>,
    connections: Arc<AtomicUsize>,
    date: RefCell<HeaderValue>,
    date_of: Cell<u64>,
}

/// A request that has a place in the log, or one that can not get any.
#[derive(Debug)]
pub(crate) enum Admitted {
    Yes(OpenExchange, RequestBody),
    No(OpenExchange),
}

impl WorkerShared {
    fn new(edge: EdgeShared) -> Self {
        let via = format!("1.1 {}.cloudfront.net (CloudFront)", edge.node_name);
        WorkerShared {
            memory: WorkerMemory::new(edge.memory),
            clock: edge.clock,
            log: Rc::new(WorkerLog::new(edge.log)),
            drain: edge.drain,
            // The node name is hexadecimal.
            via: HeaderValue::try_from(via).unwrap_or_else(|_| HeaderValue::from_static("1.1")),
            state: RefCell::new(arc_swap::Cache::new(edge.state)),
            connections: edge.connections,
            date: RefCell::new(HeaderValue::from_static("")),
            date_of: Cell::new(u64::MAX),
        }
    }

    /// The configuration of this moment; whoever holds it keeps it.
    pub(crate) fn current(&self) -> Arc<EdgeState> {
        Arc::clone(self.state.borrow_mut().load())
    }

    /// Opens the record of a request, before anything is decided.
    pub(crate) fn exchange(
        &self,
        request: Request<RequestBody>,
        connection: &Rc<ConnectionState>,
    ) -> Admitted {
        let (parts, body) = request.into_parts();
        let state = self.current();
        let has_body = !body.is_end_stream();
        let records_max = state.snapshot.limits.log_queue_records_max;
        let place = self.log.reserve(records_max);
        let refused = place == LogPlace::Refused;
        let exchange = OpenExchange::new(parts, has_body, Rc::clone(connection), state, place);
        if refused {
            Admitted::No(exchange)
        } else {
            Admitted::Yes(exchange, body)
        }
    }

    /// The value of `Date`, made once a second.
    pub(crate) fn date(&self, now: Timestamp) -> HeaderValue {
        let now = now.as_secs();
        if self.date_of.get() != now {
            // The formatter ends with the year 9999.
            let secs = now.min(Timestamp::MAX_EXPIRY.as_secs());
            let text = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(secs));
            if let Ok(value) = HeaderValue::try_from(text) {
                self.date.replace(value);
                self.date_of.set(now);
            }
        }
        self.date.borrow().clone()
    }
}

/// A listener that this worker is to serve, until `stop` says otherwise.
#[derive(Debug)]
pub(crate) struct ListenOn {
    pub(crate) listener: TcpListener,
    pub(crate) protocol: ListenerProtocol,
    pub(crate) stop: watch::Receiver<bool>,
}

/// Runs a worker to its drained end. Errors: the runtime can not be made.
pub(crate) fn run(
    edge: EdgeShared,
    mut listeners: mpsc::UnboundedReceiver<ListenOn>,
    drain_timeout: impl Fn() -> Duration,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(DISK_THREADS_MAX)
        .build()?;
    let local = LocalSet::new();
    let shared = Rc::new(WorkerShared::new(edge));
    runtime.block_on(local.run_until(async {
        let connections = Rc::new(Cell::new(0usize));
        tokio::task::spawn_local(flush_log(Rc::clone(&shared.log)));
        let mut drain = shared.drain.clone();
        loop {
            tokio::select! {
                next = listeners.recv() => match next {
                    Some(listen_on) => {
                        let accepting = accept(listen_on, Rc::clone(&shared), Rc::clone(&connections));
                        tokio::task::spawn_local(accepting);
                    }
                    None => break,
                },
                _ = drain.wait_for(|draining| *draining) => break,
            }
        }
        let drained = async {
            while connections.get() > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let _ = tokio::time::timeout(drain_timeout(), drained).await;
    }));
    // What is still open is broken off here; its records are written as their connections drop.
    drop(local);
    shared.log.flush();
    runtime.shutdown_background();
    Ok(())
}

/// Sends the worker's log lines on, every second.
async fn flush_log(log: Rc<WorkerLog>) {
    loop {
        tokio::time::sleep(FLUSH_LOG_EVERY).await;
        log.flush();
    }
}

async fn accept(listen_on: ListenOn, shared: Rc<WorkerShared>, connections: Rc<Cell<usize>>) {
    let ListenOn {
        listener,
        protocol,
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
                admit(stream, peer, &protocol, &shared, &connections);
            }
            // The viewer gave up meanwhile, or file descriptors ran out; both pass.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// Serves a connection if the limit allows one more; else it is closed at once.
fn admit(
    stream: TcpStream,
    peer: SocketAddr,
    protocol: &ListenerProtocol,
    shared: &Rc<WorkerShared>,
    connections: &Rc<Cell<usize>>,
) {
    let connections_max = shared.current().snapshot.limits.connections_max;
    let place = Place::take(&shared.connections, connections);
    if place.number > connections_max || stream.set_nodelay(true).is_err() {
        return;
    }
    let shared = Rc::clone(shared);
    match protocol {
        ListenerProtocol::Http => tokio::task::spawn_local(async move {
            serve_plain(stream, peer, shared).await;
            drop(place);
        }),
        ListenerProtocol::Https => tokio::task::spawn_local(async move {
            serve_tls(stream, peer, shared).await;
            drop(place);
        }),
    };
}

/// A connection's place among all; given back when it is dropped.
#[derive(Debug)]
struct Place {
    number: usize,
    all: Arc<AtomicUsize>,
    here: Rc<Cell<usize>>,
}

impl Place {
    fn take(all: &Arc<AtomicUsize>, here: &Rc<Cell<usize>>) -> Self {
        here.set(here.get() + 1);
        Place {
            number: all.fetch_add(1, Ordering::Relaxed) + 1,
            all: Arc::clone(all),
            here: Rc::clone(here),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.all.fetch_sub(1, Ordering::Relaxed);
        self.here.set(self.here.get() - 1);
    }
}
