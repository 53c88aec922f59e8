//! Invalidations by operators and by changes. Nothing is searched for and deleted: an entry found in the store that is
//! older than an invalidation covering it counts as absent, from the moment of that invalidation and after every
//! restart.

use super::cached_head::CachedHead;
use super::invalidation_item::{InvalidationItem, Meaning};
use privet_cache::CacheStore;
use privet_distribution::caching::InvalidationPath;
use privet_sign::Timestamp;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

/// Maximum number of finished invalidations that are remembered for queries.
const REMEMBERED_MAX: usize = 10_000;
/// Maximum number of paths and tags that one distribution's objects are compared with; beyond it all of its objects are
/// invalidated. Viewers who may change objects add a path with each change.
const COMPARED_MAX: usize = 100_000;
/// Maximum size in bytes of the items of the remembered invalidations, together.
const REMEMBERED_SIZE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// An invalidation, which is complete as soon as it exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalidation {
    /// Id: `I` and 13 characters. Empty for a change at the origin, which no operator requested.
    pub id: String,
    /// Id of the distribution.
    pub distribution_id: String,
    /// Time of the request.
    pub created: Timestamp,
    /// Items that were requested.
    pub items: Vec<InvalidationItem>,
}

impl Invalidation {
    /// Creates the invalidation of objects that were changed at their origin; no operator requested it.
    pub(crate) fn of_changes(
        distribution_id: &str,
        paths: Vec<InvalidationPath>,
        now: Timestamp,
    ) -> Self {
        Invalidation {
            id: String::new(),
            distribution_id: distribution_id.to_owned(),
            created: now,
            items: paths.into_iter().map(InvalidationItem::changed).collect(),
        }
    }
}

/// All invalidations, with the journal that stores them.
#[derive(Debug)]
pub(crate) struct Invalidations {
    store: CacheStore<CachedHead>,
    /// Number of the newest invalidation; younger objects need no comparison.
    newest: AtomicU64,
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    by_distribution: HashMap<String, OfDistribution>,
    finished: VecDeque<Arc<Invalidation>>,
    finished_size_bytes: usize,
}

/// The paths and tags of one distribution's invalidations, each with the latest number.
#[derive(Debug, Default)]
struct OfDistribution {
    paths: HashMap<String, Vec<(InvalidationPath, u64)>>,
    prefixes: Vec<(InvalidationPath, u64)>,
    tags: HashMap<String, u64>,
}

impl Invalidations {
    /// Reads the journal: the invalidations that some stored object may be older than.
    pub(super) fn read(store: CacheStore<CachedHead>) -> Self {
        let mut known = Known::default();
        let mut newest = store.current_seq();
        for (seq, record) in store.journal() {
            newest = newest.max(seq);
            match decode(&record) {
                Some(invalidation) => known.add(&Arc::new(invalidation), seq),
                // A record that cannot be read may mean anything, so it invalidates everything before it.
                None => known.add_everything(seq),
            }
        }
        Invalidations {
            store,
            newest: AtomicU64::new(newest),
            known: RwLock::new(known),
        }
    }

    /// Returns true if an invalidation later than `seq` covers an object, where `seq` was the newest number when the
    /// object was requested. The head remembers that none does.
    pub(super) fn cover(&self, head: &CachedHead, seq: u64) -> bool {
        let newest = self.newest.load(Ordering::Acquire);
        if seq.max(head.cleared.seq()) >= newest {
            return false;
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let covers = [head.distribution_id.as_str(), EVERY_DISTRIBUTION]
            .iter()
            .filter_map(|id| known.by_distribution.get(*id))
            .any(|of_distribution| of_distribution.cover(head, seq));
        if !covers {
            head.cleared.clear_up_to(newest);
        }
        covers
    }

    /// Adds an invalidation durably. Waits for the disk.
    pub(crate) fn add(&self, invalidation: &Arc<Invalidation>) -> io::Result<()> {
        let record = encode(invalidation);
        let seq = self.store.journal_append(&record)?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.add(invalidation, seq);
        self.newest.fetch_max(seq, Ordering::AcqRel);
        Ok(())
    }

    /// Drops invalidations that concern nothing stored: all up to the number `settled`, which
    /// [`CacheStore::oldest_seq`] returned a while ago, so that nobody holds an older object any more.
    pub(crate) fn forget(&self, settled: u64) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.by_distribution.retain(|_, of_distribution| {
            of_distribution.forget(settled);
            !of_distribution.is_empty()
        });
    }

    /// Returns one of the latest invalidations by its id.
    pub(crate) fn find(&self, id: &str) -> Option<Arc<Invalidation>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut finished = known.finished.iter().rev();
        finished.find(|invalidation| invalidation.id == id).cloned()
    }

    /// Returns the latest invalidations, newest first.
    pub(crate) fn latest(&self, count_max: usize) -> Vec<Arc<Invalidation>> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known
            .finished
            .iter()
            .rev()
            .take(count_max)
            .cloned()
            .collect()
    }
}

/// Key for all distributions; no distribution's id is empty.
const EVERY_DISTRIBUTION: &str = "";

impl Known {
    fn add(&mut self, invalidation: &Arc<Invalidation>, seq: u64) {
        let id = invalidation.distribution_id.clone();
        let of_distribution = self.by_distribution.entry(id).or_default();
        for item in &invalidation.items {
            of_distribution.add(item.meaning().clone(), seq);
        }
        if of_distribution.count() > COMPARED_MAX {
            *of_distribution = OfDistribution::everything(seq);
        }
        // Changes at origins cannot be queried, and must not push out what operators requested.
        if !invalidation.id.is_empty() {
            self.remember(Arc::clone(invalidation));
        }
    }

    fn remember(&mut self, invalidation: Arc<Invalidation>) {
        self.finished_size_bytes += size_bytes(&invalidation);
        self.finished.push_back(invalidation);
        while self.finished.len() > REMEMBERED_MAX
            || self.finished_size_bytes > REMEMBERED_SIZE_BYTES_MAX
        {
            let Some(oldest) = self.finished.pop_front() else {
                return;
            };
            self.finished_size_bytes -= size_bytes(&oldest);
        }
    }

    fn add_everything(&mut self, seq: u64) {
        let everything = OfDistribution::everything(seq);
        let every = EVERY_DISTRIBUTION.to_owned();
        self.by_distribution.insert(every, everything);
    }
}

impl OfDistribution {
    /// Returns a table that covers everything older, by one path.
    fn everything(seq: u64) -> Self {
        let mut of_distribution = OfDistribution::default();
        if let Ok(everything) = InvalidationPath::parse("/*") {
            of_distribution.add(Meaning::Path(everything), seq);
        }
        of_distribution
    }

    fn count(&self) -> usize {
        self.paths.len() + self.prefixes.len() + self.tags.len()
    }

    fn add(&mut self, meaning: Meaning, seq: u64) {
        match meaning {
            Meaning::Path(path) if path.is_prefix() => put(&mut self.prefixes, path, seq),
            Meaning::Path(path) => {
                let name = path.name().to_owned();
                put(self.paths.entry(name).or_default(), path, seq);
            }
            Meaning::Tag(tag) => {
                self.tags.insert(tag, seq);
            }
        }
    }

    fn forget(&mut self, settled: u64) {
        self.paths.retain(|_, paths| {
            paths.retain(|(_, number)| *number > settled);
            !paths.is_empty()
        });
        self.prefixes.retain(|(_, number)| *number > settled);
        self.tags.retain(|_, number| *number > settled);
    }

    fn is_empty(&self) -> bool {
        self.paths.is_empty() && self.prefixes.is_empty() && self.tags.is_empty()
    }

    fn cover(&self, head: &CachedHead, seq: u64) -> bool {
        let query = head.query.as_deref();
        let means = |(path, number): &(InvalidationPath, u64)| {
            *number > seq && path.matches(&head.path, query)
        };
        let name = privet_distribution::config::object_name(&head.path);
        self.paths
            .get(&*name)
            .is_some_and(|paths| paths.iter().any(means))
            || self.prefixes.iter().any(means)
            || head
                .tags
                .iter()
                .any(|tag| self.tags.get(tag).is_some_and(|number| *number > seq))
    }
}

/// Adds a path; of equal ones only the latest number is kept.
fn put(paths: &mut Vec<(InvalidationPath, u64)>, path: InvalidationPath, seq: u64) {
    match paths.iter_mut().find(|(known, _)| *known == path) {
        Some((_, number)) => *number = seq,
        None => paths.push((path, seq)),
    }
}

/// Encodes an invalidation in lines: id, distribution, seconds; then two for each item, as it was written and as it is
/// understood.
fn encode(invalidation: &Invalidation) -> Vec<u8> {
    let mut text = format!(
        "{}\n{}\n{}\n",
        invalidation.id,
        invalidation.distribution_id,
        invalidation.created.as_secs()
    );
    for item in &invalidation.items {
        let understood = match item.meaning() {
            Meaning::Path(path) => format!("P{}", path.encode()),
            Meaning::Tag(tag) => format!("T{tag}"),
        };
        for line in [item.as_str(), &understood] {
            text.push_str(&escaped(line));
            text.push('\n');
        }
    }
    text.into_bytes()
}

fn decode(record: &[u8]) -> Option<Invalidation> {
    let text = std::str::from_utf8(record).ok()?;
    let mut lines = text.lines();
    let mut invalidation = Invalidation {
        id: lines.next()?.to_owned(),
        distribution_id: lines.next()?.to_owned(),
        created: Timestamp::from_secs(lines.next()?.parse().ok()?),
        items: Vec::new(),
    };
    while let Some(written) = lines.next() {
        let understood = unescaped(lines.next()?);
        let meaning = match understood.split_at_checked(1)? {
            ("P", path) => Meaning::Path(InvalidationPath::decode(path)?),
            ("T", tag) => Meaning::Tag(tag.to_owned()),
            _ => return None,
        };
        let item = InvalidationItem::known(unescaped(written), meaning);
        invalidation.items.push(item);
    }
    Some(invalidation)
}

fn size_bytes(invalidation: &Invalidation) -> usize {
    let items = invalidation.items.iter();
    items
        .map(|item| size_of_val(item) + 2 * item.as_str().len())
        .sum()
}

/// Escapes line ends, which decoded names may contain.
fn escaped(line: &str) -> String {
    line.replace('\\', "\\\\")
        .replace('\n', "\\n")
        .replace('\r', "\\r")
}

fn unescaped(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') => out.push('\n'),
                Some('r') => out.push('\r'),
                Some(other) => out.push(other),
                None => {}
            },
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use privet_cache::StoreOptions;

    fn invalidation(id: &str, paths: &[&str]) -> Arc<Invalidation> {
        let items = paths.iter().map(|path| InvalidationItem::path(path));
        Arc::new(Invalidation {
            id: id.to_owned(),
            distribution_id: "E1".to_owned(),
            created: Timestamp::from_secs(1),
            items: items.collect::<Result<_, _>>().unwrap(),
        })
    }

    fn in_memory() -> Invalidations {
        Invalidations::read(CacheStore::open(StoreOptions::memory(1 << 20)).unwrap())
    }

    #[test]
    fn changes_are_nobodys_to_ask_about() {
        let invalidations = in_memory();
        invalidations.add(&invalidation("", &["/a"])).unwrap();
        assert_eq!(invalidations.find(""), None);
        assert_eq!(invalidations.latest(10), []);
    }

    #[test]
    fn too_many_paths_become_everything() {
        let mut known = Known::default();
        for number in 0..=COMPARED_MAX {
            known.add(&invalidation("", &[&format!("/{number}")]), 7);
        }
        let of_distribution = &known.by_distribution["E1"];
        assert_eq!(of_distribution.count(), 1);
        assert!(of_distribution.prefixes[0].0.matches("/other", None));
    }

    #[test]
    fn the_newest_are_remembered() {
        let invalidations = in_memory();
        for number in 0..=REMEMBERED_MAX {
            let id = format!("I{number}");
            invalidations.add(&invalidation(&id, &["/a"])).unwrap();
        }
        assert_eq!(invalidations.find("I0"), None);
        assert!(invalidations.find("I1").is_some());
        let newest = format!("I{REMEMBERED_MAX}");
        assert_eq!(invalidations.latest(1)[0].id, newest);
        assert_eq!(invalidations.latest(usize::MAX).len(), REMEMBERED_MAX);
    }

    #[test]
    fn what_was_asked_for_is_bounded() {
        let invalidations = in_memory();
        let long = format!("/{}", "a".repeat(3_999));
        let paths = vec![long.as_str(); 300];
        for number in 0..40 {
            let id = format!("I{number}");
            invalidations.add(&invalidation(&id, &paths)).unwrap();
        }
        let known = invalidations.known.read().unwrap();
        assert!(known.finished_size_bytes <= REMEMBERED_SIZE_BYTES_MAX);
        assert!(known.finished.len() < 40);
    }

    #[test]
    fn what_concerns_nothing_any_more_is_forgotten() {
        let invalidations = in_memory();
        invalidations
            .add(&invalidation("I1", &["/a", "/b*"]))
            .unwrap();
        invalidations.add(&invalidation("I2", &["/c"])).unwrap();
        invalidations.forget(1);
        let is_known = |path: &str| {
            let known = invalidations.known.read().unwrap();
            known.by_distribution["E1"].paths.contains_key(path)
        };
        assert_eq!([is_known("/a"), is_known("/c")], [false, true]);
        invalidations.forget(2);
        assert!(
            invalidations
                .known
                .read()
                .unwrap()
                .by_distribution
                .is_empty()
        );
        assert!(invalidations.find("I1").is_some());
    }

    #[test]
    fn records_are_read_as_they_were_written() {
        let items = ["/a%0Ab%5C", "/a?b=1*", "/c*", "/%2A"];
        let mut written = Arc::unwrap_or_clone(invalidation("I1", &items));
        written
            .items
            .push(InvalidationItem::tag("spring videos").unwrap());
        assert_eq!(decode(&encode(&written)), Some(written));
        assert_eq!(decode(b"I1\nE1\nsoon\n"), None);
        assert_eq!(decode(b"I1\nE1\n1\n/a\n"), None);
        assert_eq!(decode(b"I1\nE1\n1\n/a\nX/a\n"), None);
    }
}
