//! The store's hit ratio for requests that follow Zipf's law, beside two policies simulated in a few lines.
//!
//! All objects have the same size, so a reference policy can count objects and needs no bytes.

use crate::bench::{Bar, Row};
use bytes::Bytes;
use privet_cache::{Block, CacheStore, Head, Key, Lookup, Object, StoreOptions, block_key};
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use xtask::command::Outcome;

/// Largest difference in percentage points by which the store may fall behind a reference.
const BEHIND_MAX: f64 = 2.0;
const OBJECT_SIZE_BYTES: usize = 8 * 1024;
/// Size at which the store counts an object, including its entry and the counts of its one chunk.
const COUNTED_SIZE_BYTES: u64 = OBJECT_SIZE_BYTES as u64 + 96 + 208 + Plain::SIZE_BYTES as u64;
/// Share of all objects that fits into the cache.
const CACHE_SHARE: f64 = 0.1;
const SEED: u64 = 0x9e37_79b9_7f4a_7c15;

/// Returns one row for each exponent and reference.
pub fn rows(objects: u64, requests: u64) -> Outcome<Vec<Row>> {
    let mut rows = Vec::new();
    for exponent in [0.8, 1.0] {
        let trace = trace(exponent, objects, requests);
        let capacity = (objects as f64 * CACHE_SHARE) as usize;
        let ours = ratio(&trace, &mut StoreCache::open(capacity)?);
        let references = [
            ("S3-FIFO", ratio(&trace, &mut S3Fifo::new(capacity))),
            ("W-TinyLFU", ratio(&trace, &mut TinyLfu::new(capacity))),
        ];
        for (name, reference) in references {
            rows.push(Row {
                case: format!("hit ratio, Zipf {exponent}, room for a tenth"),
                ours,
                peer: Some((reference, name)),
                unit: "% hits",
                ratio: None,
                bar: Bar::AtLeast(reference - BEHIND_MAX),
            });
        }
    }
    Ok(rows)
}

/// A cache that is given one request after another.
trait Policy {
    /// Requests an object and reports whether it was cached. It may be cached afterwards in either case.
    fn ask(&mut self, number: u32) -> Found;
}

#[derive(Clone, Copy, PartialEq)]
enum Found {
    Hit,
    Miss,
}

/// Returns the percentage of hits after the first third, which fills the cache.
fn ratio(trace: &[u32], policy: &mut dyn Policy) -> f64 {
    let (warming, counted) = trace.split_at(trace.len() / 3);
    for &number in warming {
        policy.ask(number);
    }
    let asked = counted.iter().map(|&number| policy.ask(number));
    let hits = asked.filter(|&found| found == Found::Hit).count();
    100.0 * hits as f64 / counted.len() as f64
}

/// Returns requests in which object `n` occurs in proportion to `1 / (n + 1)^exponent`.
fn trace(exponent: f64, objects: u64, requests: u64) -> Vec<u32> {
    let mut total = 0.0;
    let sums: Vec<f64> = (0..objects)
        .map(|number| {
            total += ((number + 1) as f64).powf(-exponent);
            total
        })
        .collect();
    let mut random = Random(SEED);
    (0..requests)
        .map(|_| {
            let wanted = random.fraction() * total;
            sums.partition_point(|&sum| sum < wanted) as u32
        })
        .collect()
}

/// The generator xorshift64.
struct Random(u64);

impl Random {
    fn fraction(&mut self) -> f64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Privet's store, in memory.
struct StoreCache {
    store: CacheStore<Plain>,
}

struct Plain([u8; Self::SIZE_BYTES]);

impl Plain {
    const SIZE_BYTES: usize = 64;
}

impl Head for Plain {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Plain)
    }

    fn size_bytes(&self) -> usize {
        Self::SIZE_BYTES
    }
}

impl StoreCache {
    fn open(capacity: usize) -> Outcome<Self> {
        let options = StoreOptions::memory(capacity as u64 * COUNTED_SIZE_BYTES);
        let store = CacheStore::open(options).map_err(|error| error.to_string())?;
        Ok(Self { store })
    }
}

impl Policy for StoreCache {
    fn ask(&mut self, number: u32) -> Found {
        let key: Key = block_key([1; 16], number.into());
        match self.store.object(&key) {
            Lookup::Memory(_) | Lookup::Disk(_) => Found::Hit,
            Lookup::Absent => {
                let body = Block::new(vec![Bytes::from(vec![0; OBJECT_SIZE_BYTES])]);
                let object = Object {
                    head: Plain([0; Plain::SIZE_BYTES]),
                    seq: 0,
                    body: Some(body),
                };
                self.store.put_object(key, object);
                Found::Miss
            }
        }
    }
}

/// S3-FIFO (Yang and others, "FIFO queues are all you need for cache eviction", SOSP 2023, algorithm 1).
struct S3Fifo {
    small: VecDeque<u32>,
    main: VecDeque<u32>,
    ghosts: VecDeque<u32>,
    remembered: HashSet<u32>,
    /// Uses of each object in `small` or `main` since it was added or last examined, 3 at most.
    uses: HashMap<u32, u8>,
    small_max: usize,
    capacity: usize,
}

impl S3Fifo {
    fn new(capacity: usize) -> Self {
        Self {
            small: VecDeque::new(),
            main: VecDeque::new(),
            ghosts: VecDeque::new(),
            remembered: HashSet::new(),
            uses: HashMap::new(),
            small_max: capacity / 10,
            capacity,
        }
    }

    fn evict(&mut self) {
        if self.small.len() >= self.small_max {
            self.evict_small();
        } else {
            self.evict_main();
        }
    }

    fn evict_small(&mut self) {
        while let Some(number) = self.small.pop_front() {
            if self.uses.get(&number).is_some_and(|&uses| uses > 1) {
                self.uses.insert(number, 0);
                self.main.push_back(number);
                continue;
            }
            self.uses.remove(&number);
            self.remember(number);
            return;
        }
        self.evict_main();
    }

    fn evict_main(&mut self) {
        while let Some(number) = self.main.pop_front() {
            let uses = self.uses.get(&number).copied().unwrap_or(0);
            if uses == 0 {
                self.uses.remove(&number);
                return;
            }
            self.uses.insert(number, uses - 1);
            self.main.push_back(number);
        }
    }

    fn remember(&mut self, number: u32) {
        self.ghosts.push_back(number);
        self.remembered.insert(number);
        if self.ghosts.len() > self.capacity - self.small_max
            && let Some(oldest) = self.ghosts.pop_front()
        {
            self.remembered.remove(&oldest);
        }
    }
}

impl Policy for S3Fifo {
    fn ask(&mut self, number: u32) -> Found {
        if let Some(uses) = self.uses.get_mut(&number) {
            *uses = (*uses + 1).min(3);
            return Found::Hit;
        }
        while self.small.len() + self.main.len() >= self.capacity {
            self.evict();
        }
        if self.remembered.remove(&number) {
            self.main.push_back(number);
        } else {
            self.small.push_back(number);
        }
        self.uses.insert(number, 0);
        Found::Miss
    }
}

/// W-TinyLFU (Einziger and others, "TinyLFU: a highly efficient cache admission policy", ACM Transactions on Storage
/// 2017): the window has a hundredth of the capacity; of the rest, a fifth is probation and four fifths are protected.
/// Uses are counted exactly and halved from time to time.
struct TinyLfu {
    window: Lru,
    probation: Lru,
    protected: Lru,
    uses: HashMap<u32, u32>,
    counted: usize,
    capacity: usize,
}

impl TinyLfu {
    fn new(capacity: usize) -> Self {
        let window = (capacity / 100).max(1);
        let protected = (capacity - window) * 4 / 5;
        Self {
            window: Lru::new(window),
            probation: Lru::new(capacity - window - protected),
            protected: Lru::new(protected),
            uses: HashMap::new(),
            counted: 0,
            capacity,
        }
    }

    fn count(&mut self, number: u32) {
        let uses = self.uses.entry(number).or_default();
        *uses = (*uses + 1).min(15);
        self.counted += 1;
        if self.counted >= 10 * self.capacity {
            self.counted /= 2;
            self.uses.retain(|_, uses| {
                *uses /= 2;
                *uses > 0
            });
        }
    }

    fn uses(&self, number: u32) -> u32 {
        self.uses.get(&number).copied().unwrap_or(0)
    }

    /// Moves an object from the window to probation in place of the oldest there, if it is used more.
    fn admit(&mut self, candidate: u32) {
        let main = self.probation.len() + self.protected.len();
        if main < self.probation.capacity + self.protected.capacity {
            self.probation.put(candidate);
            return;
        }
        if let Some(victim) = self.probation.oldest()
            && self.uses(candidate) > self.uses(victim)
        {
            self.probation.remove(victim);
            self.probation.put(candidate);
        }
    }
}

impl Policy for TinyLfu {
    fn ask(&mut self, number: u32) -> Found {
        self.count(number);
        if self.window.remove(number) == Found::Hit {
            self.window.put(number);
            return Found::Hit;
        }
        if self.protected.remove(number) == Found::Hit {
            self.protected.put(number);
            return Found::Hit;
        }
        if self.probation.remove(number) == Found::Hit {
            self.protected.put(number);
            if self.protected.len() > self.protected.capacity
                && let Some(demoted) = self.protected.oldest()
            {
                self.protected.remove(demoted);
                self.probation.put(demoted);
            }
            return Found::Hit;
        }
        self.window.put(number);
        if self.window.len() > self.window.capacity
            && let Some(candidate) = self.window.oldest()
        {
            self.window.remove(candidate);
            self.admit(candidate);
        }
        Found::Miss
    }
}

/// Objects by the time of their last use. The owner keeps it within its capacity.
struct Lru {
    times: HashMap<u32, u64>,
    by_time: BTreeMap<u64, u32>,
    now: u64,
    capacity: usize,
}

impl Lru {
    fn new(capacity: usize) -> Self {
        Self {
            times: HashMap::new(),
            by_time: BTreeMap::new(),
            now: 0,
            capacity,
        }
    }

    fn len(&self) -> usize {
        self.times.len()
    }

    fn put(&mut self, number: u32) {
        self.now += 1;
        self.times.insert(number, self.now);
        self.by_time.insert(self.now, number);
    }

    fn remove(&mut self, number: u32) -> Found {
        match self.times.remove(&number) {
            Some(time) => {
                self.by_time.remove(&time);
                Found::Hit
            }
            None => Found::Miss,
        }
    }

    fn oldest(&self) -> Option<u32> {
        self.by_time.first_key_value().map(|(_, &number)| number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_hold_what_fits_and_no_more() {
        let policies: [&mut dyn Policy; 2] = [&mut S3Fifo::new(100), &mut TinyLfu::new(100)];
        for policy in policies {
            for number in 0..50 {
                assert!(policy.ask(number) == Found::Miss);
            }
            for number in 0..50 {
                assert!(policy.ask(number) == Found::Hit);
            }
            let found: Vec<Found> = (100..10_100).map(|number| policy.ask(number)).collect();
            assert!(found.iter().all(|&found| found == Found::Miss));
        }
    }

    #[test]
    fn a_trace_follows_the_law() {
        let trace = trace(1.0, 1000, 100_000);
        let count = |number| trace.iter().filter(|&&asked| asked == number).count() as f64;
        let times = count(0) / count(9);
        assert!((8.0..12.0).contains(&times), "{times}");
    }
}
