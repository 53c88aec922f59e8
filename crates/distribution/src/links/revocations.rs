//! Decides whether a grant was revoked: what an edge knows of revocations, in memory.
//!
//! Any number of threads judge while one applies changes; none of them waits for longer than a small part of the table
//! takes to grow. Revocations of single links are in [`links`], of which there may be a million; those of keys,
//! subjects and objects in [`groups`].

mod groups;
mod links;
mod pattern;

pub use pattern::{OBJECT_PATTERN_SIZE_BYTES_MAX, ObjectPattern, PatternError, RevokedObject};

use groups::Groups;
use links::LinkTable;
use privet_sign::{Grant, LinkId, LinkMark, SubjectDigest, Timestamp};
use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

/// Maximum number of object patterns that are in force at once. The interfaces refuse to make more; a table takes
/// twice as many, since clocks differ over which of them have ended.
pub const OBJECT_PATTERNS_MAX: usize = 1000;

/// Maximum number of revocations of one link, key or subject. Where they are made, one that changes nothing is not made
/// again.
const REPEATS_MAX: usize = 64;

/// Time for which a revocation is remembered after its end: a clock that was wrong by less than this forgets nothing.
const REMEMBERED_SECS: u64 = 24 * 60 * 60;

/// What a revocation is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// One link, whoever made it.
    Link(LinkId),
    /// Every link of the key with this id, whenever it was made.
    Key(String),
    /// Every link whose mark has this subject.
    Subject(SubjectDigest),
    /// Every grant for the objects that the pattern covers.
    Object(ObjectPattern),
}

/// A revocation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationEntry {
    /// Its number, by which it is lifted; never 0.
    pub seq: u64,
    /// What it is about.
    pub what: Revoked,
    /// Its end, at which it is no longer in force: not before the end of the links that it is about.
    pub until: Timestamp,
    /// True if running transfers are to be cut.
    pub cut: bool,
    /// The time at which it was made. One of a subject or of objects is not about links whose marks say that they were
    /// made later.
    pub made: Timestamp,
}

/// A change of what is revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RevocationChange {
    /// A revocation is in force from now on. One that the table has already changes nothing.
    Made(RevocationEntry),
    /// The revocation with this number was lifted. One that the table does not have changes nothing.
    Lifted(u64),
}

/// The revocation that refuses a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevokedBy {
    /// Its number.
    pub revocation: u64,
    /// True if running transfers are to be cut.
    pub cut: bool,
}

/// The table's answer about a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// No revocation is about the grant.
    NotRevoked,
    /// The grant is refused.
    Revoked(RevokedBy),
    /// The clock was set back behind what the table has forgotten. It cannot say, and nothing may be served until
    /// another table has been read.
    Forgotten,
}

/// What a grant is judged by. Its signature was found to be good.
#[derive(Clone, Copy, Debug)]
pub struct GrantFacts<'a> {
    /// The identity of the link.
    pub link: LinkSource<'a>,
    /// The id of the key that signed.
    pub key_pair_id: &'a str,
    /// What the signed text says of the link.
    pub mark: Option<&'a LinkMark>,
    /// The object that is to be served.
    pub object: RevokedObject<'a>,
}

/// The identity of a link, or where to get it. A digest is computed only if the table has revocations of single links.
#[derive(Clone, Copy, Debug)]
pub enum LinkSource<'a> {
    /// It is computed when it is needed.
    Grant(&'a Grant),
    /// It is known.
    Known(LinkId),
}

/// A revocation that the table does not take, and that is not in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotTaken {
    /// Its number.
    pub revocation: u64,
    /// The reason.
    pub why: WhyNotTaken,
}

/// Reason why a table does not take a revocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhyNotTaken {
    /// Its number is one that no revocation has: 0, or 2^62 or more.
    Number,
    /// There are too many patterns: see [`OBJECT_PATTERNS_MAX`].
    Patterns,
    /// There are too many revocations of the same link, key or subject.
    Repeats,
}

impl WhyNotTaken {
    /// Returns one lower-case token for the operator's log.
    pub fn token(self) -> &'static str {
        match self {
            WhyNotTaken::Number => "revocation-number",
            WhyNotTaken::Patterns => "revocation-patterns-full",
            WhyNotTaken::Repeats => "revocation-repeated",
        }
    }
}

impl<'a> GrantFacts<'a> {
    /// Returns the facts of a grant for an object.
    pub fn of(grant: &'a Grant, object: RevokedObject<'a>) -> Self {
        GrantFacts {
            link: LinkSource::Grant(grant),
            key_pair_id: grant.key_pair_id(),
            mark: grant.link_mark(),
            object,
        }
    }
}

impl LinkSource<'_> {
    fn link_id(self) -> LinkId {
        match self {
            LinkSource::Grant(grant) => grant.link_id(),
            LinkSource::Known(link) => link,
        }
    }
}

/// What an edge knows of revocations. It begins empty.
#[derive(Debug, Default)]
pub struct RevocationTable {
    links: LinkTable,
    groups: RwLock<Groups>,
    /// Number of revocations of links, and of groups. Each counts before it is found, and until it is no longer found.
    link_count: AtomicU64,
    group_count: AtomicU64,
    /// Both, and one more as soon as something was forgotten: 0 means that there is nothing to look for.
    known: AtomicU64,
    /// The latest end among the revocations that were forgotten, in seconds since the epoch.
    forgotten: AtomicU64,
    cuts: AtomicU64,
}

impl RevocationTable {
    /// Makes an empty table.
    pub fn new() -> Self {
        Self::default()
    }

    /// Judges a grant at `now`. Where several revocations are about it, one that cuts is named.
    ///
    /// An empty table costs one load. Otherwise a digest may be computed, see [`LinkSource`].
    pub fn judge(&self, facts: &GrantFacts<'_>, now: Timestamp) -> Judgement {
        if self.known.load(Ordering::Relaxed) == 0 {
            return Judgement::NotRevoked;
        }
        if now.as_secs() < self.forgotten.load(Ordering::Relaxed) {
            return Judgement::Forgotten;
        }
        let mut found = None;
        if self.link_count.load(Ordering::Relaxed) > 0 {
            found = self.links.find(&facts.link.link_id(), now);
        }
        let is_settled = found.is_some_and(|by: RevokedBy| by.cut);
        if !is_settled && self.group_count.load(Ordering::Relaxed) > 0 {
            let groups = self.groups.read().unwrap_or_else(PoisonError::into_inner);
            found = stronger(found, groups.find(facts, now));
        }
        match found {
            Some(by) => Judgement::Revoked(by),
            None => Judgement::NotRevoked,
        }
    }

    /// Applies changes in their order. When it returns, whatever is judged then is judged by them.
    ///
    /// Lifts are made together at the end, each batch in one pass over the table: callers pass what they have at once.
    /// A revocation that was lifted in the same batch is never in force.
    ///
    /// # Errors
    /// The revocations that were not taken; all others are in force. Whoever made them has to hear of it.
    pub fn apply(&self, changes: &[RevocationChange]) -> Result<(), Vec<NotTaken>> {
        let mut lifted: HashSet<u64> = HashSet::new();
        for change in changes {
            match change {
                RevocationChange::Lifted(seq) => lifted.insert(*seq),
                // A number that comes again after its lift was made again.
                RevocationChange::Made(entry) => lifted.remove(&entry.seq),
            };
        }
        let mut refused = Vec::new();
        for change in changes {
            let RevocationChange::Made(entry) = change else {
                continue;
            };
            if lifted.contains(&entry.seq) {
                continue;
            }
            if let Err(why) = self.take(entry) {
                let revocation = entry.seq;
                refused.push(NotTaken { revocation, why });
            }
        }
        if !lifted.is_empty() {
            self.lift(&lifted);
        }
        if refused.is_empty() {
            Ok(())
        } else {
            Err(refused)
        }
    }

    /// Forgets what ended more than a day before `now`. It may be called at any time, a few times an hour suffice.
    pub fn sweep(&self, now: Timestamp) {
        let before = now.as_secs().saturating_sub(REMEMBERED_SECS);
        let links = self.links.remove_ended(before);
        let groups = {
            let mut groups = self.groups.write().unwrap_or_else(PoisonError::into_inner);
            groups.remove_ended(before)
        };
        let latest = links.latest.max(groups.latest);
        if latest > self.forgotten.load(Ordering::Relaxed) {
            if self.forgotten.swap(latest, Ordering::Relaxed) == 0 {
                self.known.fetch_add(1, Ordering::Relaxed);
            }
        }
        self.uncount(&self.link_count, links.count);
        self.uncount(&self.group_count, groups.count);
    }

    /// Returns the number of revocations.
    pub fn len(&self) -> u64 {
        self.link_count.load(Ordering::Relaxed) + self.group_count.load(Ordering::Relaxed)
    }

    /// True if there are no revocations.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns a number that grows with each revocation that cuts. A running transfer whose grant was judged at the
    /// same number need not be judged again.
    pub fn cuts(&self) -> u64 {
        self.cuts.load(Ordering::Acquire)
    }

    fn take(&self, entry: &RevocationEntry) -> Result<(), WhyNotTaken> {
        if !links::can_hold(entry.seq) {
            return Err(WhyNotTaken::Number);
        }
        let count = match entry.what {
            Revoked::Link(_) => &self.link_count,
            Revoked::Key(_) | Revoked::Subject(_) | Revoked::Object(_) => &self.group_count,
        };
        // It counts first: nobody may find the table empty and this in it.
        self.known.fetch_add(1, Ordering::Relaxed);
        count.fetch_add(1, Ordering::Relaxed);
        let taken = match &entry.what {
            Revoked::Link(link) => self.links.insert(link, entry),
            Revoked::Key(_) | Revoked::Subject(_) | Revoked::Object(_) => {
                let mut groups = self.groups.write().unwrap_or_else(PoisonError::into_inner);
                groups.insert(entry)
            }
        };
        match taken {
            Ok(Taken::New) => {}
            Ok(Taken::Known) | Err(_) => self.uncount(count, 1),
        }
        if taken.is_ok() && entry.cut {
            self.cuts.fetch_add(1, Ordering::Release);
        }
        taken.map(|_| ())
    }

    fn lift(&self, lifted: &HashSet<u64>) {
        let links = self.links.remove(lifted);
        let groups = {
            let mut groups = self.groups.write().unwrap_or_else(PoisonError::into_inner);
            groups.remove(lifted)
        };
        self.uncount(&self.link_count, links);
        self.uncount(&self.group_count, groups);
    }

    fn uncount(&self, counter: &AtomicU64, count: u64) {
        counter.fetch_sub(count, Ordering::Relaxed);
        self.known.fetch_sub(count, Ordering::Relaxed);
    }
}

/// What became of a revocation that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    New,
    /// It was there already.
    Known,
}

/// What was removed because it had ended.
#[derive(Clone, Copy, Debug, Default)]
struct Ended {
    count: u64,
    /// The latest end among it, in seconds since the epoch.
    latest: u64,
}

impl Ended {
    fn note(&mut self, until: u64) {
        self.count += 1;
        self.latest = self.latest.max(until);
    }
}

/// Returns one of two, one that cuts if there is one.
fn stronger(one: Option<RevokedBy>, other: Option<RevokedBy>) -> Option<RevokedBy> {
    match (one, other) {
        (Some(one), Some(other)) if other.cut && !one.cut => Some(other),
        (Some(one), _) => Some(one),
        (None, other) => other,
    }
}

#[cfg(test)]
mod tests;
