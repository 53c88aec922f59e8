//! One thread with one single-threaded runtime, and what its connections share.

use crate::accept::{Crew, Task, accept};
use crate::answer_memory::{AnswerMemory, BodyMemory, ConnectionMemory};
use crate::cache::{EdgeCache, WorkerCache};
use crate::clock::Clock;
use crate::connection::ConnectionState;
use crate::crowd::Crowd;
use crate::descriptors::Shortages;
use crate::exchange::{OpenExchange, headers_memory_size_bytes};
use crate::film::FilmIndexes;
use crate::guests::Guests;
use crate::log::{Log, Place as LogPlace, WorkerLog};
use crate::memory::{VerifiedSignatures, WorkerMemory};
use crate::origin_client::{OriginClient, OriginClientShared};
use crate::proxy_header::ProxyComplaints;
use crate::request_body::RequestBody;
use crate::state::EdgeState;
use arc_swap::ArcSwap;
use http::request::Parts;
use http::{HeaderValue, Request, Version};
use http_body::Body;
use hyper::body::Incoming;
use privet_distribution::Denial;
use privet_sign::Timestamp;
use std::cell::{Cell, RefCell};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};
use tokio::sync::{mpsc, watch};
use tokio::task::LocalSet;

/// How long a log line may wait for others.
const FLUSH_LOG_EVERY: Duration = Duration::from_secs(1);
/// Threads of a worker that may wait for the disk.
const DISK_THREADS_MAX: usize = 16;

/// What all workers share.
#[derive(Clone, Debug)]
pub(crate) struct EdgeShared {
    pub(crate) state: Arc<ArcSwap<EdgeState>>,
    pub(crate) memory: Arc<VerifiedSignatures>,
    pub(crate) cache: Arc<EdgeCache>,
    pub(crate) films: Arc<FilmIndexes>,
    pub(crate) crowd: Arc<Crowd>,
    pub(crate) rtmp_crowd: Arc<Crowd>,
    pub(crate) shortages: Arc<Shortages>,
    pub(crate) answer_memory: Arc<AnswerMemory>,
    pub(crate) origin_client: Arc<OriginClientShared>,
    pub(crate) clock: Clock,
    /// For setting it from outside.
    pub(crate) test_secret: Arc<str>,
    pub(crate) log: Log,
    pub(crate) crew: Arc<Crew>,
    pub(crate) drain: watch::Receiver<bool>,
    pub(crate) node_name: String,
}

/// What one worker's connections share.
#[derive(Debug)]
pub(crate) struct WorkerShared {
    pub(crate) memory: WorkerMemory,
    pub(crate) cache: Rc<WorkerCache>,
    pub(crate) films: Arc<FilmIndexes>,
    pub(crate) crowd: Arc<Crowd>,
    pub(crate) rtmp_crowd: Arc<Crowd>,
    pub(crate) shortages: Arc<Shortages>,
    pub(crate) answer_memory: Arc<AnswerMemory>,
    pub(crate) guests: Rc<Guests>,
    pub(crate) clock: Clock,
    /// For setting it from outside.
    pub(crate) test_secret: Arc<str>,
    pub(crate) log: Rc<WorkerLog>,
    pub(crate) drain: watch::Receiver<bool>,
    pub(crate) via: HeaderValue,
    pub(crate) proxy_complaints: ProxyComplaints,
    state: RefCell<arc_swap::Cache<Arc<ArcSwap<EdgeState>>, Arc<EdgeState>>>,
    date: RefCell<HeaderValue>,
    date_of: Cell<u64>,
}

/// A request that has a place in the log and memory for its answer, or one that lacks either.
#[derive(Debug)]
pub(crate) enum Admitted {
    Yes(OpenExchange, RequestBody),
    No(OpenExchange, Denial),
}

/// HTTP/2 packs a field into a byte of the viewer's, so it has the limit that hyper sets for HTTP/1.1.
const FIELDS_MAX: usize = 100;

impl WorkerShared {
    fn new(edge: EdgeShared) -> Self {
        let via = format!("1.1 {}.cloudfront.net (CloudFront)", edge.node_name);
        WorkerShared {
            memory: WorkerMemory::new(edge.memory),
            cache: WorkerCache::new(
                edge.cache,
                OriginClient::new(edge.origin_client),
                edge.clock.clone(),
            ),
            films: edge.films,
            crowd: edge.crowd,
            rtmp_crowd: edge.rtmp_crowd,
            shortages: edge.shortages,
            answer_memory: edge.answer_memory,
            guests: Rc::default(),
            clock: edge.clock,
            test_secret: edge.test_secret,
            log: Rc::new(WorkerLog::new(edge.log)),
            drain: edge.drain,
            // The node name is hexadecimal.
            via: HeaderValue::try_from(via).unwrap_or_else(|_| HeaderValue::from_static("1.1")),
            proxy_complaints: ProxyComplaints::default(),
            state: RefCell::new(arc_swap::Cache::new(edge.state)),
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
        request: Request<Incoming>,
        connection: &Rc<ConnectionState>,
    ) -> Admitted {
        let (parts, body) = request.into_parts();
        let state = self.current();
        let has_body = !body.is_end_stream();
        let body = RequestBody::new(body, &state.snapshot.limits);
        let records_max = state.snapshot.limits.log_queue_records_max;
        let place = self.log.reserve(records_max);
        let admitted = admit(&parts, &place, connection);
        let is_http2 = parts.version == Version::HTTP_2;
        let (memory, denial) = match admitted {
            Ok(memory) => (memory, None),
            Err(denial) => (connection.memory.refusal(), Some(denial)),
        };
        let connection = Rc::clone(connection);
        let mut exchange = OpenExchange::new(parts, has_body, connection, state, (place, memory));
        let Some(denial) = denial else {
            return Admitted::Yes(exchange, body);
        };
        // A connection of HTTP/1.1 has one request at a time, and what it says of the connection counts.
        if is_http2 {
            exchange.forget_request();
        }
        Admitted::No(exchange, denial)
    }

    /// What a new connection of `peer`, or of whom a PROXY header names, has on its way. `held_back_bytes_max`: see there.
    pub(crate) fn connection_memory(
        &self,
        peer: SocketAddr,
        held_back_bytes_max: u64,
    ) -> Arc<ConnectionMemory> {
        let state = self.current();
        let is_proxy = state.snapshot.trusted_proxies.contains(peer.ip());
        let viewer = (!is_proxy).then(|| peer.ip());
        ConnectionMemory::new(&self.answer_memory, viewer, held_back_bytes_max)
    }

    /// The value of `Date`, made once a second.
    pub(crate) fn date(&self, now: Timestamp) -> HeaderValue {
        let now = now.as_secs();
        if self.date_of.get() != now {
            self.date.replace(http_date(Timestamp::from_secs(now)));
            self.date_of.set(now);
        }
        self.date.borrow().clone()
    }
}

/// Memory for the answer, or why there is none.
fn admit(
    parts: &Parts,
    place: &LogPlace,
    connection: &ConnectionState,
) -> Result<BodyMemory, Denial> {
    if parts.headers.len() > FIELDS_MAX {
        return Err(Denial::HeadTooLarge);
    }
    if *place == LogPlace::Refused {
        return Err(Denial::CapacityExceeded);
    }
    let target = parts
        .uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    let authority = parts
        .uri
        .authority()
        .map_or(0, |authority| authority.as_str().len());
    let head_size_bytes = target + authority + headers_memory_size_bytes(&parts.headers);
    let admitted = connection.memory.admit(head_size_bytes as u64);
    admitted.ok_or(Denial::CapacityExceeded)
}

/// IMF-fixdate (RFC 9110 5.6.7).
pub(crate) fn http_date(at: Timestamp) -> HeaderValue {
    // The formatter ends with the year 9999.
    let secs = at.min(Timestamp::MAX_EXPIRY).as_secs();
    let text = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(secs));
    HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Runs the worker of this `number` to its drained end. Errors: the runtime cannot be made.
pub(crate) fn run(
    edge: EdgeShared,
    number: usize,
    mut tasks: mpsc::UnboundedReceiver<Task>,
    drain_timeout: impl Fn() -> Duration,
) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(DISK_THREADS_MAX)
        .build()?;
    let local = LocalSet::new();
    let crew = Arc::clone(&edge.crew);
    let shared = Rc::new(WorkerShared::new(edge));
    runtime.block_on(local.run_until(async {
        tokio::task::spawn_local(flush_log(Rc::clone(&shared.log)));
        let mut drain = shared.drain.clone();
        loop {
            let task = tokio::select! {
                task = tasks.recv() => task,
                _ = drain.wait_for(|draining| *draining) => None,
            };
            match task {
                Some(Task::Listen(listen_on)) => {
                    let crew = Arc::clone(&crew);
                    tokio::task::spawn_local(accept(listen_on, Rc::clone(&shared), crew));
                }
                Some(Task::Serve(accepted)) => accepted.serve(&shared),
                Some(Task::MakeRoom(whose, before)) => shared.guests.make_room(whose, before),
                None => break,
            }
        }
        let drained = async {
            while crew.connections_of(number) > 0 {
                // Connections that were on their way are told at once that the edge stops.
                while let Ok(Task::Serve(accepted)) = tasks.try_recv() {
                    accepted.serve(&shared);
                }
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
