//! Keeps an edge's service as the store has it: reads what changed, rebuilds what it touches, and reports how far it
//! is.
//!
//! It runs on a thread of its own. With the database down, the edge serves what the local copy has.

mod assembly;
mod copy;
mod counting;
mod history;
mod invalidating;
mod record;
mod revoking;
mod staleness;
mod upkeep;

pub use copy::LocalCopy;

use crate::edge_state::FollowerState;
use crate::follower::assembly::{Assembly, Failure, Gathered};
use crate::follower::copy::{CopyView, Touched};
use crate::follower::counting::Counting;
use crate::follower::record::EdgeRecord;
use crate::follower::revoking::Revoking;
use crate::follower::staleness::Staleness;
use crate::follower::upkeep::Upkeep;
use crate::late_store::LateStore;
use crate::operations::KEYS_OPENED;
use crate::store_links::StoreLinks;
use privet_distribution::config::{ServiceKind, Snapshot};
use privet_edge::{EdgeHandle, StartError, standard_error};
use privet_sign::PathTokenSecret;
use privet_store::{EdgeReport, Store, StoreError, StoreOptions, Timestamp};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use thiserror::Error;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, timeout};

/// Interval at which the store is asked even if nothing is heard of it, and this edge's state is reported.
const TICK: Duration = Duration::from_secs(2);
/// Least time from the beginning of one look at the store to that of the next one for news: the changes of a burst are
/// taken over together.
const PAUSE: Duration = Duration::from_millis(5);
/// Least time between two reports. Each is a write of its own: an edge that reported every change of a burst would take
/// half of what the store can write.
const REPORT_PAUSE: Duration = Duration::from_millis(50);
/// Interval at which items that could not be served are tried again.
const RETRY: Duration = Duration::from_secs(5);
/// Time limit for a look at the store. Whatever a look has begun is done again by the next one.
const PATIENCE: Duration = Duration::from_secs(120);
/// Purpose of the secret that proves visits of links.
const VISITS: &str = "visits of links";
/// Number of the change of an item that was not in force when the edge started: when it was changed is not known here.
const BEFORE_START: u64 = 0;

/// Everything that a follower needs.
#[derive(Debug)]
pub struct FollowerOptions {
    /// Edge whose service follows the store.
    pub edge: EdgeHandle,
    /// Local copy that the edge was started from.
    pub copy: LocalCopy,
    /// Store, which is opened here if it could not be reached at the start.
    pub store: LateStore,
    /// How the store is opened.
    pub options: StoreOptions,
    /// File in which this edge remembers its id and the invalidations that it has applied; no other edge has it.
    pub record: PathBuf,
    /// Name of this edge for people.
    pub edge_name: String,
    /// Version of the program.
    pub version: String,
    /// Time without news of the database after which the edge says that it is stale.
    pub stale_after: Duration,
}

/// The thread that follows the store.
#[derive(Debug)]
pub struct Follower {
    commands: mpsc::UnboundedSender<Command>,
    thread: JoinHandle<()>,
    state: watch::Receiver<Arc<FollowerState>>,
}

#[derive(Debug)]
enum Command {
    Resync,
    Stop,
}

impl Follower {
    /// Starts to follow the store. What it has at that moment is read first.
    ///
    /// # Errors
    /// Fails if the operating system cannot start a thread.
    pub fn start(options: FollowerOptions) -> io::Result<Self> {
        let (commands, inbox) = mpsc::unbounded_channel();
        let mut following = Following::new(options);
        let (tell, state) = watch::channel(Arc::new(following.state.clone()));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = std::thread::Builder::new()
            .name("privet-follow".into())
            .spawn(move || {
                runtime.block_on(following.run(inbox, &tell));
                runtime.shutdown_background();
            })?;
        Ok(Follower {
            commands,
            thread,
            state,
        })
    }

    /// Returns a view of the follower's state, which is always the newest.
    pub fn state(&self) -> watch::Receiver<Arc<FollowerState>> {
        self.state.clone()
    }

    /// Builds the whole service anew, because the settings of the machine have changed.
    pub fn resync(&self) {
        // Sending fails only after the thread has panicked; the edge serves on without it.
        let _ = self.commands.send(Command::Resync);
    }

    /// Stops following, after what is being done.
    pub fn stop(self) {
        let _ = self.commands.send(Command::Stop);
        let _ = self.thread.join();
    }
}

/// The part of the service that is to be built again.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Extent {
    Everything,
    Only(Touched),
}

struct Following {
    edge: EdgeHandle,
    copy: LocalCopy,
    assembly: Assembly,
    store: LateStore,
    options: StoreOptions,
    staleness: Staleness,
    state: FollowerState,
    record: EdgeRecord,
    edge_name: String,
    version: String,
    /// Items that are not in force as they are stored, with the numbers of the changes that are waiting for that.
    failures: BTreeMap<(ServiceKind, String), (u64, Failure)>,
    /// Number of the change up to which the service was built; `None` if everything has to be built, because a change
    /// could not be put in force, or the work on it was given up.
    built: Option<u64>,
    tried: Instant,
    key_use: KeyUse,
    reported: Option<Reported>,
    revoking: Revoking,
    counting: Counting,
    upkeep: Upkeep,
}

/// The last report of this edge.
#[derive(Clone, Copy, Debug)]
struct Reported {
    at: Instant,
    applied: u64,
}

/// Whether the last use of keys before this process is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyUse {
    Unknown,
    Remembered,
}

/// Kind and id of an item.
type ItemName = (ServiceKind, String);

/// Why a service could not be built. That of the edge stays as it was.
#[derive(Debug, Error)]
enum BuildError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Start(#[from] StartError),
}

impl Following {
    fn new(mut options: FollowerOptions) -> Self {
        let record = EdgeRecord::open(&options.record);
        let start = options.copy.take_start();
        let built = start.as_ref().map(|(applied, _)| *applied);
        // What the edge was started without is tried again, as what cannot be put in force later.
        let failures = start.into_iter().flat_map(|(_, failures)| failures);
        let failures = failures.map(|one| ((one.kind, one.id.clone()), (BEFORE_START, one)));
        let links = StoreLinks::new(options.store.clone(), &record.facts.id);
        let secret = PathTokenSecret::new(&options.options.key.derived(VISITS));
        if let Some(secret) = secret {
            options.edge.links().ask_at(Arc::new(links.clone()), secret);
        }
        Following {
            revoking: options.copy.take_revoking(),
            counting: Counting::default(),
            upkeep: Upkeep::new(links),
            failures: failures.collect(),
            built,
            assembly: options.copy.assembly(),
            edge: options.edge,
            copy: options.copy,
            store: options.store,
            options: options.options,
            staleness: Staleness::new(options.stale_after),
            state: FollowerState::new(&record.facts.id),
            record,
            edge_name: options.edge_name,
            version: options.version,
            tried: Instant::now(),
            key_use: KeyUse::Unknown,
            reported: None,
        }
    }

    /// Follows the store until told to stop.
    async fn run(
        &mut self,
        commands: mpsc::UnboundedReceiver<Command>,
        tell: &watch::Sender<Arc<FollowerState>>,
    ) {
        // The timer is beside everything that waits for the store.
        let staleness = self.staleness.watch();
        tokio::select! {
            () = self.follow(commands, tell) => {}
            () = staleness.run(tell) => {}
        }
    }

    async fn follow(
        &mut self,
        mut commands: mpsc::UnboundedReceiver<Command>,
        tell: &watch::Sender<Arc<FollowerState>>,
    ) {
        let mut news = None;
        loop {
            let began = Instant::now();
            let looked = timeout(PATIENCE, self.look()).await;
            self.note(looked.unwrap_or(Err(StoreError::Unreachable {
                cause: format!("no answer within {} s", PATIENCE.as_secs()),
            })));
            tell.send_replace(Arc::new(self.state.clone()));
            if news.is_none() {
                news = self.store.get().map(Store::watch);
            }
            tokio::select! {
                command = commands.recv() => match command {
                    Some(Command::Resync) => self.built = None,
                    Some(Command::Stop) | None => break,
                },
                () = heard(news.as_mut(), began + PAUSE) => {}
                () = tokio::time::sleep_until(self.due(began + TICK)) => {}
            }
        }
        self.edge.links().ask_nobody();
        self.record.save();
    }

    /// Takes over what has changed, and reports how far this edge is.
    async fn look(&mut self) -> Result<(), StoreError> {
        // What is asked now and answered later is news of now.
        let asked = self.edge.clock().now();
        let store = self.opened().await?;
        self.take_over(&store).await?;
        if !self.failures.is_empty() && self.tried.elapsed() >= RETRY {
            self.retry();
        }
        self.date_failures(&store).await?;
        self.compare_history(&store).await?;
        self.invalidate(&store).await?;
        self.state.applied = self.applied();
        self.staleness.note_heard();
        let settings = self.edge.snapshot().node.links;
        self.upkeep.tend(&store, &settings, now()).await?;
        let links = self.edge.links();
        links.heard(asked);
        let edge_id = &self.state.edge_id;
        self.counting.send(&self.edge, edge_id, &store).await?;
        self.state.heard_at = Some(now().seconds());
        self.remember_key_use(&store).await?;
        let reported = self.report_in_time(&store).await;
        self.record.save_in_time();
        reported
    }

    /// Returns when there is something to be done without news: what was put off until then, or the next look.
    fn due(&self, next: Instant) -> Instant {
        if self.state.fault.is_some() {
            return next;
        }
        let waits = |reported: &Reported| reported.applied != self.state.applied;
        let report = self.reported.filter(waits);
        let report = report.map_or(next, |reported| reported.at + REPORT_PAUSE);
        self.record.due(next).min(report)
    }

    async fn opened(&self) -> Result<Store, StoreError> {
        if let Some(store) = self.store.get() {
            return Ok(store.clone());
        }
        let opened = Store::open(self.options.clone()).await?;
        self.store.set(opened.clone());
        Ok(opened)
    }

    /// Brings the copy to the present, and the service to the copy. `built` is empty meanwhile: if this is given up
    /// anywhere, though the copy may already have the changes, everything is built by the next look.
    async fn take_over(&mut self, store: &Store) -> Result<(), StoreError> {
        let built = self.built.take();
        // A store in a file is its own copy, to which more may be written meanwhile: of that nothing may be seen in
        // part.
        let (caught_up, mut view) = match self.copy.catch_up_with_view(store).await {
            Ok(caught_up) => caught_up,
            Err(error) => {
                self.built = built.filter(|built| *built == self.copy.applied());
                return Err(error);
            }
        };
        let links = self.edge.links();
        match caught_up.whole {
            true => view.renew_revocations(&mut self.revoking, links)?,
            false => view.take_over_revocations(&mut self.revoking, links)?,
        }
        let touched = Touched::by(&caught_up.changed);
        let is_whole = caught_up.whole || built.is_none();
        if !is_whole && touched.is_empty() {
            self.built = Some(caught_up.seq);
            return Ok(());
        }
        let extent = match is_whole {
            true => Extent::Everything,
            false => Extent::Only(touched),
        };
        self.built = self.rebuild(&extent, view);
        Ok(())
    }

    /// Lets items that were not in force at the start wait for all that has changed since this edge last reported: one
    /// of these changes may be theirs.
    async fn date_failures(&mut self, store: &Store) -> Result<(), StoreError> {
        let mut changes = self.failures.values().map(|(change, _)| *change);
        if !changes.any(|change| change == BEFORE_START) {
            return Ok(());
        }
        let edges = store.edges().await?;
        let mut reports = edges.into_iter().map(|edge| edge.report);
        let own = reports.find(|report| report.id == self.state.edge_id);
        let next = self.next_change(own.map_or(0, |report| report.applied_seq));
        let changes = self.failures.values_mut().map(|(change, _)| change);
        changes
            .filter(|change| **change == BEFORE_START)
            .for_each(|change| *change = next);
        Ok(())
    }

    /// Returns the number of the change after `applied`; the last one if there is none.
    fn next_change(&self, applied: u64) -> u64 {
        applied.saturating_add(1).min(self.copy.applied())
    }

    /// Returns the number of the change up to which everything is in force here, invalidations as well.
    fn applied(&self) -> u64 {
        let Some(built) = self.built else {
            return self.state.applied;
        };
        let waiting = self.failures.values().map(|(change, _)| *change).min();
        let built = waiting.map_or(built, |change| built.min(change.saturating_sub(1)));
        built.min(self.record.facts.invalidated.unwrap_or_default())
    }

    /// Takes over from this edge's last report when its keys last opened something: the process that wrote it may have
    /// ended since.
    async fn remember_key_use(&mut self, store: &Store) -> Result<(), StoreError> {
        if self.key_use == KeyUse::Remembered {
            return Ok(());
        }
        let edges = store.edges().await?;
        let mut reports = edges.into_iter().map(|edge| edge.report);
        let own = reports.find(|report| report.id == self.state.edge_id);
        let keys = own
            .as_ref()
            .and_then(|own| own.state.get(KEYS_OPENED)?.as_object());
        for (id, at) in keys.into_iter().flatten() {
            let at = privet_sign::Timestamp::from_secs(at.as_u64().unwrap_or_default());
            self.edge.remember_key_use(id, at);
        }
        self.key_use = KeyUse::Remembered;
        Ok(())
    }

    /// Returns the state, and when keys last opened something here.
    fn reported_state(&self) -> Value {
        let keys = self.edge.keys_last_opened().into_iter();
        let keys: Map<String, Value> = keys.map(|(id, at)| (id, at.as_secs().into())).collect();
        let mut state = self.state.to_json();
        if let Some(members) = state.as_object_mut() {
            members.insert(KEYS_OPENED.to_owned(), keys.into());
        }
        state
    }

    /// Reports how far this edge is, unless it has done so a moment ago: then that is due later.
    async fn report_in_time(&mut self, store: &Store) -> Result<(), StoreError> {
        let now = Instant::now();
        let is_early = |reported: Reported| now < reported.at + REPORT_PAUSE;
        if self.reported.is_some_and(is_early) {
            return Ok(());
        }
        self.report(store).await?;
        self.reported = Some(Reported {
            at: now,
            applied: self.state.applied,
        });
        Ok(())
    }

    async fn report(&self, store: &Store) -> Result<(), StoreError> {
        let report = EdgeReport {
            id: self.state.edge_id.clone(),
            name: self.edge_name.clone(),
            version: self.version.clone(),
            applied_seq: self.state.applied,
            state: self.reported_state(),
        };
        store.report_edge(&report, now()).await
    }

    /// Notes whether the store was heard of, and tells the operator when that has changed.
    fn note(&mut self, looked: Result<(), StoreError>) {
        let was_reachable = self.state.fault.is_none();
        match looked {
            Ok(()) => {
                if !was_reachable {
                    standard_error::note("the store is reached again; everything is taken over");
                }
                self.state.fault = None;
            }
            Err(error) => {
                if was_reachable {
                    standard_error::warning(format_args!(
                        "the store cannot be followed: {error}; what is known of it is served on"
                    ));
                }
                self.state.fault = Some(error.to_string());
            }
        }
        self.state.is_stale = self.staleness.is_over();
        let failures = self.failures.values().map(|(_, failure)| failure.told());
        self.state.set_failures(failures);
    }

    /// Tries the items again that are not in force.
    fn retry(&mut self) {
        self.tried = Instant::now();
        let waiting = self.failures.iter();
        let touched = waiting.map(|((kind, id), (change, _))| (*kind, id.clone(), *change));
        let touched = Touched::again(touched);
        match self.copy.view() {
            // Of a copy that has changed meanwhile, the changes come first.
            Ok(view) if self.built == Some(view.seq()) => {
                self.built = self.rebuild(&Extent::Only(touched), view);
            }
            Ok(_) | Err(_) => {}
        }
    }

    /// Builds the service anew as far as it was touched, and puts it in force. Returns the number of the last change
    /// that it has then; `None` if that failed.
    fn rebuild(&mut self, extent: &Extent, mut view: CopyView) -> Option<u64> {
        match self.build(extent, &mut view) {
            Ok((names, failures)) => {
                self.settle(extent, &names, failures);
                Some(view.seq())
            }
            Err(error) => {
                standard_error::warning(format_args!("a change cannot be put in force: {error}"));
                None
            }
        }
    }

    /// Returns the names of what was built, and what could not be.
    fn build(
        &self,
        extent: &Extent,
        view: &mut CopyView,
    ) -> Result<(Vec<ItemName>, Vec<Failure>), BuildError> {
        let gathered = match extent {
            Extent::Only(touched) if touched.is_empty() => return Ok((Vec::new(), Vec::new())),
            Extent::Only(touched) => view.gather(touched)?,
            Extent::Everything => Gathered::default(),
        };
        let mut failures = Vec::new();
        self.edge.change_service(|snapshot: &Snapshot| {
            let (snapshot, failed) = match extent {
                Extent::Everything => view.renew(snapshot)?,
                Extent::Only(_) => self.assembly.apply(snapshot.clone(), &gathered),
            };
            failures = failed;
            Ok::<_, BuildError>(snapshot)
        })?;
        Ok((gathered.names().collect(), failures))
    }

    /// Notes which items are not in force now.
    fn settle(&mut self, extent: &Extent, names: &[ItemName], failures: Vec<Failure>) {
        let before = std::mem::take(&mut self.failures);
        let mut kept = before.clone();
        match extent {
            Extent::Everything => kept.clear(),
            Extent::Only(_) => names.iter().for_each(|name| drop(kept.remove(name))),
        }
        for failure in failures {
            let name = (failure.kind, failure.id.clone());
            let change = match (before.get(&name), extent) {
                (Some((change, _)), _) => *change,
                (None, Extent::Only(touched)) => touched.first_change(),
                (None, Extent::Everything) if self.state.heard_at.is_some() => {
                    self.next_change(self.state.applied)
                }
                (None, Extent::Everything) => BEFORE_START,
            };
            if before.get(&name).is_none_or(|(_, old)| *old != failure) {
                standard_error::warning(format_args!(
                    "the {} {} is not in force as it is stored: {}",
                    failure.kind, failure.id, failure.reason
                ));
            }
            kept.insert(name, (change, failure));
        }
        self.failures = kept;
    }
}

/// Waits until `earliest` and for news of the store; forever while it cannot be reached.
async fn heard(news: Option<&mut watch::Receiver<u64>>, earliest: Instant) {
    tokio::time::sleep_until(earliest).await;
    let is_news = match news {
        Some(news) => news.changed().await.is_ok(),
        None => false,
    };
    if !is_news {
        std::future::pending::<()>().await;
    }
}

/// Returns the time of the machine, by which edges of a fleet are compared; a clock that a test has set is not meant.
fn now() -> Timestamp {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Timestamp::from_seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
