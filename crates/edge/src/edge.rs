//! Starts the edge, swaps its configuration, drains it.

use crate::answer_memory::AnswerMemory;
use crate::cache::{EdgeCache, Invalidation, InvalidationItem};
use crate::clock::Clock;
use crate::context::EdgeContext;
use crate::crew::{Crew, ListenOn, Task, worker_count};
use crate::descriptors::{Shortages, raise_limit, shortage_note};
use crate::ends::EndTotals;
use crate::film::FilmIndexes;
use crate::log::{Log, LogStream};
use crate::memory::VerifiedSignatures;
use crate::operator::{InvalidationError, Operator, OperatorThread, OriginPrivacy};
use crate::request_id::node_name;
use crate::standard_error;
use crate::start_error::{StartError, listen_error};
use crate::state::EdgeState;
use crate::test_clock;
use crate::worker;
use arc_swap::ArcSwap;
use privet_cache::{DiskOptions, Statistics, Store, StoreEvent, StoreOptions};
use privet_distribution::config::{CacheSettings, Listener, ListenerProtocol, Snapshot};
use privet_sign::SessionSecret;
use socket2::{Domain, Protocol, Socket, Type};
use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Connections that the operating system holds until a worker takes them.
const BACKLOG: i32 = 1_024;
/// How often files that nobody asks for are let go of.
const FORGET_EVERY: Duration = Duration::from_secs(30);

/// How to start.
#[derive(Debug)]
pub struct StartOptions {
    /// The configuration.
    pub snapshot: Arc<Snapshot>,
    /// A live copy of the log.
    pub log_stream: LogStream,
    /// The clock; tests keep a clone and set it.
    pub clock: Clock,
}

impl StartOptions {
    /// With the system's clock and no live log.
    pub fn new(snapshot: Arc<Snapshot>) -> Self {
        StartOptions {
            snapshot,
            log_stream: LogStream::Off,
            clock: Clock::default(),
        }
    }
}

/// The door to the data plane.
#[derive(Debug)]
pub struct Edge;

impl Edge {
    /// Opens everything, binds every listener and starts the workers, or does nothing at all.
    pub fn start(options: StartOptions) -> Result<RunningEdge, StartError> {
        let descriptors_max = raise_limit();
        tell_of_shortage(&options.snapshot, descriptors_max);
        let session_secret = random_secret();
        let state = EdgeState::prepare(Arc::clone(&options.snapshot), &session_secret)?;
        let mut listeners = Listeners::default();
        let opened = listeners.open(&options.snapshot.listeners)?;
        let log_settings = options.snapshot.log.as_ref();
        let (log, log_thread) = Log::start(log_settings, options.log_stream)
            .map_err(|error| StartError::Log(error.to_string()))?;
        let limits = &options.snapshot.limits;
        let cache = open_cache(&options.snapshot.cache)?;
        let (drain, draining) = watch::channel(false);
        let (crew, inboxes) = Crew::new(worker_count(options.snapshot.edge.workers));
        let shared = EdgeContext {
            state: Arc::new(ArcSwap::from_pointee(state)),
            memory: Arc::new(VerifiedSignatures::new(limits.signature_memory_entries_max)),
            cache,
            films: FilmIndexes::new(&options.snapshot.films),
            crowd: Arc::default(),
            rtmp_crowd: Arc::default(),
            shortages: Arc::new(Shortages::new(descriptors_max)),
            answer_memory: AnswerMemory::new(limits.answers_size_bytes_max as u64),
            origin_client: Arc::default(),
            clock: options.clock,
            test_secret: test_clock::random_secret(),
            log,
            ends: Arc::default(),
            crew: Arc::new(crew),
            drain: draining,
            node_name: node_name(),
        };
        let operator = Operator::new(&shared);
        let mut edge = RunningEdge {
            operator_thread: OperatorThread::start(operator.clone())?,
            operator,
            shared,
            session_secret,
            listeners,
            workers: Vec::new(),
            drain,
            log_thread,
        };
        for (number, inbox) in inboxes.into_iter().enumerate() {
            edge.start_worker(number, inbox)?;
        }
        edge.start_forgetting()?;
        let handles = edge.handles(opened)?;
        edge.shared.crew.hand_out(handles);
        Ok(edge)
    }
}

/// A running edge. Dropping it does not stop it: call [`RunningEdge::drain`].
#[derive(Debug)]
pub struct RunningEdge {
    pub(crate) operator: Operator,
    operator_thread: OperatorThread,
    shared: EdgeContext,
    /// For as long as this process lives, where none is configured.
    session_secret: SessionSecret,
    listeners: Listeners,
    workers: Vec<JoinHandle<io::Result<()>>>,
    drain: watch::Sender<bool>,
    log_thread: JoinHandle<()>,
}

impl RunningEdge {
    /// Protocol and bound address of each listener (with the real port where 0 was configured), in no order.
    pub fn addresses(&self) -> Vec<(ListenerProtocol, SocketAddr)> {
        let open = self.listeners.open.values();
        open.map(|open| (open.configured.protocol.clone(), open.bound))
            .collect()
    }

    /// The edge's clock, to be set in tests.
    pub fn clock(&self) -> &Clock {
        &self.shared.clock
    }

    /// What a request must have in `X-Privet-Test-Secret` to set the clock in test mode.
    pub fn test_secret(&self) -> &str {
        &self.shared.test_secret
    }

    /// The signatures confirmed so far.
    pub fn verified_signatures(&self) -> &VerifiedSignatures {
        &self.shared.memory
    }

    /// How much has ended since the start, whatever the log's settings are.
    pub fn end_totals(&self) -> EndTotals {
        self.shared.ends.totals()
    }

    /// Makes every stored object that `items` mean count as absent, from now on and after every restart.
    ///
    /// Complete when it returns; it waits for the disk, if the cache has one. Limits are CloudFront's (developer guide,
    /// "Quotas"): 3,000 items, 15 of them with a wildcard.
    ///
    /// # Errors
    /// Nothing is invalidated then: limits, an unknown distribution, a disk that cannot be written.
    pub fn invalidate(
        &self,
        distribution_id: &str,
        items: &[InvalidationItem],
    ) -> Result<Arc<Invalidation>, InvalidationError> {
        self.operator.invalidate(distribution_id, items)
    }

    /// One of the latest invalidations, by its id.
    pub fn invalidation(&self, id: &str) -> Option<Arc<Invalidation>> {
        self.operator.invalidations().find(id)
    }

    /// The latest invalidations, newest first, `count_max` at most.
    pub fn invalidations(&self, count_max: usize) -> Vec<Arc<Invalidation>> {
        self.operator.invalidations().latest(count_max)
    }

    /// What the cache holds and has done since it was opened.
    pub fn cache_statistics(&self) -> Statistics {
        self.shared.cache.store().statistics()
    }

    /// What origins of restricted behaviors told somebody without keys, when they were asked last. Empty until the
    /// first answers have come.
    pub fn privacy_of_origins(&self) -> Vec<OriginPrivacy> {
        self.operator.privacy_of_origins()
    }

    /// The memory that answers take on their way to viewers; see `limits.answers_size_bytes_max`.
    pub fn answers_size_bytes(&self) -> u64 {
        self.shared.answer_memory.used_bytes()
    }

    /// Goes over to another configuration without dropping a request: running requests end under the old one.
    ///
    /// Errors leave the old configuration in force, whole. The number of workers stays as it was started.
    pub fn reload(&mut self, snapshot: Arc<Snapshot>) -> Result<(), StartError> {
        let state = Arc::new(EdgeState::prepare(snapshot, &self.session_secret)?);
        let snapshot = &state.snapshot;
        let socket = self
            .operator_thread
            .prepare(snapshot.admin_socket.as_deref())?;
        let opened = self.listeners.open(&snapshot.listeners)?;
        let handles = self.handles(opened)?;
        let had_test_clock = self.shared.state.load().snapshot.test_clock;
        if had_test_clock && !snapshot.test_clock {
            // A clock that a test has stopped must not outlive the test mode.
            self.shared.clock.release();
        }
        tell_of_shortage(snapshot, self.shared.shortages.descriptors_max());
        self.shared.state.store(Arc::clone(&state));
        self.operator_thread.take(socket);
        let answers_size_bytes_max = snapshot.limits.answers_size_bytes_max;
        self.shared
            .answer_memory
            .set_limit(answers_size_bytes_max as u64);
        self.shared.log.change(snapshot.log.clone());
        self.shared.crew.hand_out(handles);
        self.listeners.close_all_but(&snapshot.listeners);
        Ok(())
    }

    /// Stops accepting, lets running requests end (for the configured time at most), writes the log to its end.
    pub fn drain(self) {
        let _ = self.drain.send(true);
        self.listeners.close_all_but_none();
        self.operator_thread.stop();
        for worker in self.workers {
            // A worker that panicked has nothing left to drain.
            let _ = worker.join();
        }
        self.shared.cache.store().close();
        self.shared.log.stop();
        let _ = self.log_thread.join();
    }

    fn start_worker(
        &mut self,
        number: usize,
        inbox: mpsc::UnboundedReceiver<Task>,
    ) -> Result<(), StartError> {
        let shared = self.shared.clone();
        let state = Arc::clone(&self.shared.state);
        let thread = std::thread::Builder::new()
            .name(format!("privet-worker-{number}"))
            .spawn(move || {
                worker::run(shared, number, inbox, || {
                    state.load().snapshot.limits.drain_timeout
                })
            })
            .map_err(|error| StartError::Thread(error.to_string()))?;
        self.workers.push(thread);
        Ok(())
    }

    /// A quiet thread that ages what the origins keep open.
    fn start_forgetting(&self) -> Result<(), StartError> {
        let state = Arc::downgrade(&self.shared.state);
        std::thread::Builder::new()
            .name("privet-forget".into())
            .spawn(move || {
                loop {
                    std::thread::sleep(FORGET_EVERY);
                    let Some(state) = state.upgrade() else { return };
                    state.load().forget_idle();
                }
            })
            .map(drop)
            .map_err(|error| StartError::Thread(error.to_string()))
    }

    /// For every newly opened listener a handle for each worker. Errors: out of file descriptors.
    fn handles(&self, opened: Vec<Listener>) -> Result<Vec<Vec<Task>>, StartError> {
        let mut handles = Vec::new();
        for configured in opened {
            let Some(open) = self.listeners.open.get(&listener_key(&configured)) else {
                continue;
            };
            let handle = || {
                let listener = open.socket.try_clone();
                let listener =
                    listener.map_err(|error| listen_error(configured.address, &error))?;
                Ok(Task::Listen(ListenOn {
                    listener,
                    configured: configured.clone(),
                    stop: open.stop.subscribe(),
                }))
            };
            let each = (0..self.shared.crew.size()).map(|_| handle());
            handles.push(each.collect::<Result<Vec<_>, _>>()?);
        }
        Ok(handles)
    }
}

fn tell_of_shortage(snapshot: &Snapshot, descriptors_max: u64) {
    if let Some(note) = shortage_note(snapshot, descriptors_max) {
        standard_error::warning(note);
    }
}

/// Nobody else has it: sessions end with the process.
fn random_secret() -> SessionSecret {
    let mut bytes = [0; 32];
    // The operating system's source of randomness does not fail once the process has begun (aws-lc aborts otherwise).
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    SessionSecret::new(&bytes).expect("32 bytes make a secret")
}

fn open_cache(settings: &CacheSettings) -> Result<Arc<EdgeCache>, StartError> {
    let disk = settings.disk.as_ref().map(|disk| DiskOptions {
        folder: disk.folder.clone(),
        size_bytes: disk.size_bytes_max,
    });
    let store = Store::open(StoreOptions {
        memory_size_bytes: settings.memory_size_bytes_max as u64,
        disk,
        observer: Box::new(tell_operator),
    });
    let store = store.map_err(|error| StartError::Cache(error.to_string()))?;
    Ok(EdgeCache::new(
        store,
        settings.memory_size_bytes_max as u64,
        settings.block_size_bytes as u64,
    ))
}

/// What became of the cache's disk.
fn tell_operator(event: StoreEvent) {
    match event {
        StoreEvent::Loaded { entries, took } => {
            if entries > 0 {
                let noun = if entries == 1 { "entry" } else { "entries" };
                standard_error::note(format_args!(
                    "the cache on disk has {entries} {noun}, read in {took:.1?}"
                ));
            }
        }
        StoreEvent::Emptied => {
            standard_error::note(
                "the cache on disk was written by another version and is empty now",
            );
        }
        StoreEvent::DiskFull => {
            standard_error::warning("the cache's disk is full; the cache goes on in memory");
        }
        StoreEvent::DiskFailed { error } => {
            standard_error::warning(format_args!(
                "the cache's disk failed, the cache goes on in memory: {error}"
            ));
        }
        StoreEvent::DiskBack => standard_error::note("the cache's disk can be written again"),
    }
}

/// What tells listeners apart: the address, and the protocol too where the system chooses the port, since several
/// may ask for that.
type ListenerKey = (SocketAddr, Option<&'static str>);

fn listener_key(configured: &Listener) -> ListenerKey {
    let protocol = match configured.protocol {
        ListenerProtocol::Http => "http",
        ListenerProtocol::Https => "https",
        ListenerProtocol::Rtmp => "rtmp",
        ListenerProtocol::Rtmps => "rtmps",
    };
    let port_is_chosen = configured.address.port() == 0;
    (configured.address, port_is_chosen.then_some(protocol))
}

/// The bound listeners, as configured.
#[derive(Debug, Default)]
struct Listeners {
    open: HashMap<ListenerKey, OpenListener>,
}

#[derive(Debug)]
struct OpenListener {
    configured: Listener,
    bound: SocketAddr,
    socket: TcpListener,
    stop: watch::Sender<bool>,
}

impl Listeners {
    /// Binds what is not bound yet and returns it. On an error nothing new stays bound.
    fn open(&mut self, wanted: &[Listener]) -> Result<Vec<Listener>, StartError> {
        let mut opened: Vec<OpenListener> = Vec::new();
        for configured in wanted {
            match self.open.get(&listener_key(configured)) {
                Some(open) if open.configured == *configured => continue,
                // The same address under another protocol: the socket is kept, its workers are told.
                Some(open) => {
                    let socket = open.socket.try_clone();
                    opened.push(open_listener(configured, socket)?);
                }
                None => opened.push(open_listener(configured, bind(configured.address))?),
            }
        }
        let configured = opened.iter().map(|open| open.configured.clone()).collect();
        for open in opened {
            let key = listener_key(&open.configured);
            if let Some(old) = self.open.insert(key, open) {
                let _ = old.stop.send(true);
            }
        }
        Ok(configured)
    }

    fn close_all_but(&mut self, wanted: &[Listener]) {
        self.open.retain(|_, open| {
            let keep = wanted.contains(&open.configured);
            if !keep {
                let _ = open.stop.send(true);
            }
            keep
        });
    }

    fn close_all_but_none(mut self) {
        self.close_all_but(&[]);
    }
}

fn open_listener(
    configured: &Listener,
    socket: io::Result<TcpListener>,
) -> Result<OpenListener, StartError> {
    let fault = |error: io::Error| listen_error(configured.address, &error);
    let socket = socket.map_err(fault)?;
    Ok(OpenListener {
        configured: configured.clone(),
        bound: socket.local_addr().map_err(fault)?,
        socket,
        stop: watch::Sender::new(false),
    })
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // A restart must not wait for old connections to fade; two servers on one address stay impossible.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}
