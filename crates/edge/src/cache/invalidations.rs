//! What operators and changes have invalidated. Nothing is searched for: whatever is found in the store and is older
//! than an invalidation that means it counts as absent, from the same moment on and after every restart.

use super::cached_head::CachedHead;
use privet_cache::Store;
use privet_distribution::InvalidationPath;
use privet_sign::Timestamp;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

/// Finished invalidations that can be asked about.
const REMEMBERED_MAX: usize = 10_000;
/// Paths and tags by which one distribution's objects are compared; beyond that all of them are invalidated. Viewers who
/// may change objects add a path with each change.
const ITEMS_PER_DISTRIBUTION_MAX: usize = 100_000;
/// Paths and tags in one invalidation.
pub const INVALIDATION_ITEMS_MAX: usize = 3_000;

/// An invalidation, which is complete as soon as it exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalidation {
    /// `I` and 13 characters.
    pub id: String,
    /// The distribution's.
    pub distribution_id: String,
    /// When it was asked for.
    pub created: Timestamp,
    /// What was asked for, as it was written.
    pub items: Vec<String>,
}

/// One thing to invalidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Path(InvalidationPath),
    Tag(String),
}

/// All of them, with the journal that keeps them.
#[derive(Debug)]
pub(crate) struct Invalidations {
    store: Store<CachedHead>,
    /// The number of the newest one: objects that are younger need no look.
    newest: AtomicU64,
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    by_distribution: HashMap<String, OfDistribution>,
    finished: VecDeque<Invalidation>,
}

/// By what they are found, with the number of the latest.
#[derive(Debug, Default)]
struct OfDistribution {
    paths: HashMap<String, Vec<(InvalidationPath, u64)>>,
    prefixes: Vec<(InvalidationPath, u64)>,
    tags: HashMap<String, u64>,
    items: usize,
}

impl Invalidations {
    /// Those that some stored object may be older than.
    pub(super) fn read(store: Store<CachedHead>) -> Self {
        let mut known = Known::default();
        let mut newest = store.current_seq();
        for (seq, record) in store.journal() {
            newest = newest.max(seq);
            match decode(&record) {
                Some((invalidation, items)) => known.add(invalidation, items, seq),
                // Something that is not understood may mean anything: everything before it goes.
                None => known.add_everything(seq),
            }
        }
        Invalidations {
            store,
            newest: AtomicU64::new(newest),
            known: RwLock::new(known),
        }
    }

    /// Whether an object that was asked for when `seq` was the newest number is meant by a later one.
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

    /// Invalidates, durably. Waits for the disk.
    pub(crate) fn add(&self, invalidation: Invalidation, items: Vec<Item>) -> io::Result<()> {
        let record = encode(&invalidation, &items);
        let seq = self.store.journal_append(&record)?;
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.add(invalidation, items, seq);
        self.newest.fetch_max(seq, Ordering::AcqRel);
        Ok(())
    }

    /// One of the latest, by its id.
    pub(crate) fn find(&self, id: &str) -> Option<Invalidation> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let mut finished = known.finished.iter().rev();
        finished.find(|invalidation| invalidation.id == id).cloned()
    }

    /// The latest, newest first.
    pub(crate) fn latest(&self, count_max: usize) -> Vec<Invalidation> {
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

/// In place of a distribution's id, which is never empty.
const EVERY_DISTRIBUTION: &str = "";

impl Known {
    fn add(&mut self, invalidation: Invalidation, items: Vec<Item>, seq: u64) {
        let id = invalidation.distribution_id.clone();
        let of_distribution = self.by_distribution.entry(id).or_default();
        for item in items {
            of_distribution.add(item, seq);
        }
        if of_distribution.items > ITEMS_PER_DISTRIBUTION_MAX {
            *of_distribution = OfDistribution::everything(seq);
        }
        if self.finished.len() >= REMEMBERED_MAX {
            self.finished.pop_front();
        }
        self.finished.push_back(invalidation);
    }

    fn add_everything(&mut self, seq: u64) {
        let everything = OfDistribution::everything(seq);
        let every = EVERY_DISTRIBUTION.to_owned();
        self.by_distribution.insert(every, everything);
    }
}

impl OfDistribution {
    /// All that is older, by one item.
    fn everything(seq: u64) -> Self {
        let mut of_distribution = OfDistribution::default();
        if let Ok(everything) = InvalidationPath::parse("/*") {
            of_distribution.add(Item::Path(everything), seq);
        }
        of_distribution
    }

    fn add(&mut self, item: Item, seq: u64) {
        self.items += 1;
        match item {
            Item::Path(path) if path.is_prefix() => put(&mut self.prefixes, path, seq),
            Item::Path(path) => {
                let name = path.name().to_owned();
                put(self.paths.entry(name).or_default(), path, seq);
            }
            Item::Tag(tag) => {
                self.tags.insert(tag, seq);
            }
        }
    }

    fn cover(&self, head: &CachedHead, seq: u64) -> bool {
        let query = head.query.as_deref();
        let means = |(path, number): &(InvalidationPath, u64)| {
            *number > seq && path.matches(&head.path, query)
        };
        let name = privet_distribution::object_name(&head.path);
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

/// The latest of equal ones is enough.
fn put(paths: &mut Vec<(InvalidationPath, u64)>, path: InvalidationPath, seq: u64) {
    match paths.iter_mut().find(|(known, _)| *known == path) {
        Some((_, number)) => *number = seq,
        None => paths.push((path, seq)),
    }
}

/// Lines: id, distribution, seconds; then two for each item, as it was written and as it is understood.
fn encode(invalidation: &Invalidation, items: &[Item]) -> Vec<u8> {
    let mut text = format!(
        "{}\n{}\n{}\n",
        invalidation.id,
        invalidation.distribution_id,
        invalidation.created.as_secs()
    );
    for (written, item) in invalidation.items.iter().zip(items) {
        let understood = match item {
            Item::Path(path) => format!("P{}", path.encode()),
            Item::Tag(tag) => format!("T{tag}"),
        };
        for line in [written, &understood] {
            text.push_str(&escaped(line));
            text.push('\n');
        }
    }
    text.into_bytes()
}

fn decode(record: &[u8]) -> Option<(Invalidation, Vec<Item>)> {
    let text = std::str::from_utf8(record).ok()?;
    let mut lines = text.lines();
    let mut invalidation = Invalidation {
        id: lines.next()?.to_owned(),
        distribution_id: lines.next()?.to_owned(),
        created: Timestamp::from_secs(lines.next()?.parse().ok()?),
        items: Vec::new(),
    };
    let mut items = Vec::new();
    while let Some(written) = lines.next() {
        let understood = unescaped(lines.next()?);
        items.push(match understood.split_at_checked(1)? {
            ("P", path) => Item::Path(InvalidationPath::decode(path)?),
            ("T", tag) => Item::Tag(tag.to_owned()),
            _ => return None,
        });
        invalidation.items.push(unescaped(written));
    }
    Some((invalidation, items))
}

/// Decoded names may have line ends.
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

    #[test]
    fn too_many_items_become_one() {
        let mut known = Known::default();
        for seq in 1..=ITEMS_PER_DISTRIBUTION_MAX as u64 + 2 {
            let invalidation = Invalidation {
                id: String::new(),
                distribution_id: "E".to_owned(),
                created: Timestamp::from_secs(0),
                items: Vec::new(),
            };
            let path = InvalidationPath::parse(&format!("/{seq}")).unwrap();
            known.add(invalidation, vec![Item::Path(path)], seq);
        }
        let of_distribution = &known.by_distribution["E"];
        assert_eq!((of_distribution.paths.len(), of_distribution.items), (1, 2));
        let newest_of_all = of_distribution.prefixes[0].1;
        assert_eq!(newest_of_all, ITEMS_PER_DISTRIBUTION_MAX as u64 + 1);
    }
}
