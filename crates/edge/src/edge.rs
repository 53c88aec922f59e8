//! Starts the edge, swaps its configuration, drains it.

use crate::answer_memory::AnswerMemory;
use crate::cache::EdgeCache;
use crate::clock::Clock;
use crate::context::EdgeContext;
use crate::descriptors::{Descriptors, raise_limit, tell_of_shortage};
use crate::handle::EdgeHandle;
use crate::links::EdgeLinks;
use crate::listeners::Listeners;
use crate::log::{Log, LogStream, UndeliveredLogs};
use crate::memory::VerifiedSignatures;
use crate::notices::Notices;
use crate::origin::FileChanges;
use crate::origin_client::OriginClientShared;
use crate::request_id::node_name;
use crate::standard_error;
use crate::start_error::StartError;
use crate::state::EdgeState;
use crate::test_clock;
use crate::unwritten_logs::tell_of_unwritten_logs;
use crate::video::VideoIndexes;
use crate::worker;
use crate::workers::{Task, Workers, worker_count};
use arc_swap::ArcSwap;
use privet_cache::{CacheStore, DiskOptions, StoreEvent, StoreOptions};
use privet_distribution::config::{CacheSettings, Snapshot};
use privet_distribution::links::RevocationTable;
use privet_sign::PathTokenSecret;
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::{mpsc, watch};

/// Interval at which unused resources are released.
const FORGET_EVERY: Duration = Duration::from_secs(30);

/// Options for starting an edge.
#[derive(Debug)]
pub struct StartOptions {
    /// Configuration to start with.
    pub snapshot: Arc<Snapshot>,
    /// Live copy of the log.
    pub log_stream: LogStream,
    /// Clock of the edge; tests keep a clone and set it.
    pub clock: Clock,
    /// What is known to be revoked before the first request.
    pub revocations: Arc<RevocationTable>,
}

impl StartOptions {
    /// Options with the system's clock and without a live log.
    pub fn new(snapshot: Arc<Snapshot>) -> Self {
        StartOptions {
            snapshot,
            log_stream: LogStream::Off,
            clock: Clock::default(),
            revocations: Arc::default(),
        }
    }
}

/// A running edge with its threads. Dropping it does not stop it: call [`RunningEdge::drain`].
#[derive(Debug)]
pub struct RunningEdge {
    handle: EdgeHandle,
    workers: Vec<JoinHandle<io::Result<()>>>,
    drain: watch::Sender<bool>,
    log_thread: JoinHandle<()>,
}

impl RunningEdge {
    /// Opens everything, binds every listener and starts the workers, or does nothing at all.
    ///
    /// # Errors
    /// Something cannot be opened, bound or started.
    pub fn start(options: StartOptions) -> Result<Self, StartError> {
        let descriptors_max = raise_limit();
        tell_of_shortage(&options.snapshot, descriptors_max);
        let path_token_secret = random_secret();
        let changes = Arc::<FileChanges>::default();
        let snapshot = Arc::clone(&options.snapshot);
        let state = EdgeState::prepare(snapshot, &path_token_secret, &changes)?;
        let mut listeners = Listeners::default();
        let opened = listeners.open(&options.snapshot.node.listeners)?;
        tell_of_unwritten_logs(&options.snapshot, None);
        let notices = Arc::<Notices>::default();
        let undelivered = UndeliveredLogs::new(Arc::clone(&notices));
        let log_settings = options.snapshot.node.log.as_ref();
        let (log, log_thread) = Log::start(log_settings, options.log_stream, undelivered.clone())
            .map_err(|error| StartError::Log(error.to_string()))?;
        let limits = &options.snapshot.node.limits;
        let cache = open_cache(&options.snapshot.node.cache)?;
        let (drain, draining) = watch::channel(false);
        let (workers, inboxes) = Workers::new(worker_count(options.snapshot.node.edge.workers));
        let context = EdgeContext {
            state: Arc::new(ArcSwap::from_pointee(state)),
            memory: Arc::new(VerifiedSignatures::new(limits.signature_memory_entries_max)),
            cache,
            changes,
            videos: VideoIndexes::new(&options.snapshot.node.videos),
            connections_by_address: Arc::default(),
            rtmp_connections_by_address: Arc::default(),
            descriptors: Arc::new(Descriptors::new(descriptors_max)),
            answer_memory: AnswerMemory::new(limits.responses_size_bytes_max as u64),
            origin_client: Arc::new(OriginClientShared::new(Arc::clone(&notices))),
            notices,
            clock: options.clock,
            test_secret: test_clock::random_secret(),
            log,
            undelivered,
            ends: Arc::default(),
            key_use: Arc::default(),
            links: Arc::new(EdgeLinks::new(options.revocations)),
            workers: Arc::new(workers),
            drain: draining,
            node_name: node_name(),
        };
        let tasks = listeners.tasks(opened, &context.workers)?;
        let mut workers = Vec::new();
        for (number, inbox) in inboxes.into_iter().enumerate() {
            workers.push(start_worker(context.clone(), number, inbox)?);
        }
        start_forgetting(&context)?;
        context.workers.hand_out(tasks);
        Ok(RunningEdge {
            handle: EdgeHandle::new(context, path_token_secret, listeners),
            workers,
            drain,
            log_thread,
        })
    }

    /// Returns the handle by which the rest of the program controls the edge.
    pub fn handle(&self) -> &EdgeHandle {
        &self.handle
    }

    /// Stops accepting, lets running requests finish (for at most the configured time), and writes the log to its end.
    pub fn drain(self) {
        let _ = self.drain.send(true);
        self.handle.close_listeners();
        for worker in self.workers {
            // A worker that panicked has nothing left to drain.
            let _ = worker.join();
        }
        // After the workers, whose last connections still use the cache and write to the log.
        let context = self.handle.context();
        context.cache.store().close();
        context.log.stop();
        let _ = self.log_thread.join();
    }
}

fn start_worker(
    context: EdgeContext,
    number: usize,
    inbox: mpsc::UnboundedReceiver<Task>,
) -> Result<JoinHandle<io::Result<()>>, StartError> {
    let state = Arc::clone(&context.state);
    std::thread::Builder::new()
        .name(format!("privet-worker-{number}"))
        .spawn(move || {
            worker::run(context, number, inbox, || {
                state.load().snapshot.node.limits.drain_timeout
            })
        })
        .map_err(|error| StartError::Thread(error.to_string()))
}

/// Starts a background thread that closes idle resources of the origins, and drops invalidations that no longer apply
/// to anything.
fn start_forgetting(context: &EdgeContext) -> Result<(), StartError> {
    let state = Arc::downgrade(&context.state);
    let cache = Arc::downgrade(&context.cache);
    let links = Arc::downgrade(&context.links);
    let clock = context.clock.clone();
    std::thread::Builder::new()
        .name("privet-forget".into())
        .spawn(move || {
            // Oldest object at the previous pass: nothing older is on its way by now.
            let mut settled = 0;
            loop {
                std::thread::sleep(FORGET_EVERY);
                let (Some(state), Some(cache)) = (state.upgrade(), cache.upgrade()) else {
                    return;
                };
                state.load().forget_idle();
                if let Some(links) = links.upgrade() {
                    links.sweep(clock.now());
                }
                cache.invalidations.forget(settled);
                settled = cache.store().oldest_seq();
            }
        })
        .map(drop)
        .map_err(|error| StartError::Thread(error.to_string()))
}

/// Returns a secret that nobody else has: path tokens end with the process.
fn random_secret() -> PathTokenSecret {
    let mut bytes = [0; 32];
    // The operating system's source of randomness does not fail once the process has begun (aws-lc aborts otherwise).
    let _ = aws_lc_rs::rand::fill(&mut bytes);
    PathTokenSecret::new(&bytes).expect("32 bytes make a secret")
}

fn open_cache(settings: &CacheSettings) -> Result<Arc<EdgeCache>, StartError> {
    let disk = settings.disk.as_ref().map(|disk| DiskOptions {
        folder: disk.folder.clone(),
        size_bytes: disk.size_bytes_max,
    });
    let store = CacheStore::open(StoreOptions {
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

/// Reports events of the cache's disk.
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
            standard_error::warning("the cache's disk is full; the cache continues in memory");
        }
        StoreEvent::DiskFailed { error } => {
            standard_error::warning(format_args!(
                "the cache's disk failed, the cache continues in memory: {error}"
            ));
        }
        StoreEvent::DiskBack => standard_error::note("the cache's disk can be written again"),
    }
}
