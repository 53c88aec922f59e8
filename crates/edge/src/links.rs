//! What the edge knows of links that is not in their signed text: which were revoked, whom it asks about limited
//! ones, and what it counts of them.
//!
//! Whoever follows the store tells it here of revocations, and takes the counts away. The walk asks it by `redeem`.

mod ledger;

pub use ledger::{LinkCounts, LinkRefusals};
pub(crate) use ledger::{Seen, SeenVisit};

use arc_swap::{ArcSwap, ArcSwapOption};
use ledger::Ledger;
use privet_distribution::links::{
    ConfirmSetting, GrantFacts, Heard, Judgement, NotTaken, RevocationChange, RevocationTable,
    ShownVisits, StoreQuestion, Visit,
};
use privet_sign::{LimitedId, LinkId, PathTokenSecret, Timestamp};
use std::fmt::Debug;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Viewers of whom it is remembered that they have shown a cookie.
const SHOWN_MAX: usize = 100_000;

/// Something that the store will have said.
pub type LinkFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The store of links, as the edge asks it.
pub trait LinkStore: Send + Sync + Debug {
    /// Returns the terms of a limited link that are not in its signed text. They never change.
    fn terms(&self, link: LimitedId) -> LinkFuture<TermsHeard>;

    /// Asks for a use, or what would be answered. A question that is asked again gets the same answer.
    fn ask(&self, question: StoreQuestion) -> LinkFuture<Heard>;

    /// Gives the use back that a question has made, of which nothing was served. It is tried, and may fail.
    fn give_back(&self, unused: StoreQuestion);

    /// Reserves bytes of a link that may send a limited number; false if there are fewer, `None` if nobody can tell.
    fn reserve_bytes(
        &self,
        link: (LimitedId, LinkId),
        count: u64,
        now: Timestamp,
    ) -> LinkFuture<Option<bool>>;

    /// Returns reserved bytes that were not sent. It is tried, and may fail.
    fn return_bytes(&self, link: LimitedId, count: u64);
}

/// Terms of a limited link that its signed text does not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkTerms {
    /// When a person has to confirm.
    pub confirm: ConfirmSetting,
    /// The name of the file, for the page that asks.
    pub file_name: Option<String>,
    /// Who has sent the link, if the owner said so.
    pub sender: Option<String>,
    /// The end of the link.
    pub until: Timestamp,
    /// Number of uses that it has altogether; `None` if it is not limited by them.
    pub uses: Option<u32>,
    /// True if it may send a limited number of bytes.
    pub counts_bytes: bool,
}

/// What was heard of a link's terms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TermsHeard {
    /// The store has them.
    Known(Arc<LinkTerms>),
    /// There is no such link.
    NotRegistered,
    /// The store does not answer.
    Silent,
}

/// Knowledge of links, which all workers share.
#[derive(Debug)]
pub struct EdgeLinks {
    table: ArcSwap<RevocationTable>,
    source: ArcSwapOption<LinkSource>,
    /// Second in which the store was last heard of.
    heard_at: AtomicU64,
    shown: Mutex<ShownVisits>,
    ledger: Ledger,
}

/// The store, and the secret that all edges of it share.
#[derive(Debug)]
pub(crate) struct LinkSource {
    pub(crate) store: Arc<dyn LinkStore>,
    pub(crate) secret: PathTokenSecret,
}

impl EdgeLinks {
    pub(crate) fn new(revocations: Arc<RevocationTable>) -> Self {
        EdgeLinks {
            table: ArcSwap::new(revocations),
            source: ArcSwapOption::empty(),
            heard_at: AtomicU64::new(0),
            shown: Mutex::new(ShownVisits::new(SHOWN_MAX)),
            ledger: Ledger::default(),
        }
    }

    /// Names the store that is asked about limited links from now on; until then they are refused. `secret` proves
    /// visits to all edges of the store.
    pub fn ask_at(&self, store: Arc<dyn LinkStore>, secret: PathTokenSecret) {
        let source = LinkSource { store, secret };
        self.source.store(Some(Arc::new(source)));
    }

    /// Asks nobody any more: limited links are refused.
    pub fn ask_nobody(&self) {
        self.source.store(None);
    }

    /// Applies changes of revocations; when it returns, every grant is judged by them.
    ///
    /// # Errors
    /// Those that are not in force: see [`RevocationTable::apply`].
    pub fn apply(&self, changes: &[RevocationChange]) -> Result<(), Vec<NotTaken>> {
        self.table.load().apply(changes)
    }

    /// Judges by another table from now on, which has been read as a whole.
    pub fn replace(&self, table: Arc<RevocationTable>) {
        self.table.store(table);
    }

    /// Returns the table that grants are judged by now. It goes on changing, until another one replaces it.
    pub fn revocations(&self) -> Arc<RevocationTable> {
        self.table.load_full()
    }

    /// Returns the number of revocations that the edge knows.
    pub fn revocation_count(&self) -> u64 {
        self.table.load().len()
    }

    /// Takes note that the store was heard of at `now`, with news or without.
    pub fn heard(&self, now: Timestamp) {
        self.heard_at.store(now.as_secs(), Ordering::Relaxed);
    }

    /// Forgets what has ended before `now`.
    pub fn sweep(&self, now: Timestamp) {
        self.table.load().sweep(now);
        self.shown().sweep(now);
    }

    /// Takes what was counted since the last call, for the store.
    pub fn take_counts(&self) -> Vec<(LinkId, LinkCounts)> {
        self.ledger.take()
    }

    /// Puts counts back that could not be stored. They are added to those that came since.
    pub fn put_counts_back(&self, counts: Vec<(LinkId, LinkCounts)>) {
        for (link, counts) in counts {
            self.ledger.add(link, counts);
        }
    }

    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    pub(crate) fn source(&self) -> Option<Arc<LinkSource>> {
        self.source.load_full()
    }

    /// Returns the second in which the store was last heard of.
    pub(crate) fn heard_at(&self) -> Timestamp {
        Timestamp::from_secs(self.heard_at.load(Ordering::Relaxed))
    }

    pub(crate) fn judge(&self, facts: &GrantFacts<'_>, now: Timestamp) -> Judgement {
        self.table.load().judge(facts, now)
    }

    /// See [`RevocationTable::cuts`].
    pub(crate) fn cuts(&self) -> u64 {
        self.table.load().cuts()
    }

    pub(crate) fn note_shown(&self, visit: &Visit) {
        self.shown().note(visit);
    }

    pub(crate) fn shown(&self) -> MutexGuard<'_, ShownVisits> {
        // A panic while the lock is held leaves a usable table behind.
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
