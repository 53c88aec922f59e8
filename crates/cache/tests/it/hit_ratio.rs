//! The memory tier's hit ratio, against S3-FIFO as in the paper: one set of queues, nothing rounded.

use crate::common::key;
use privet_cache::{CacheStore, Head, Lookup, Object, StoreOptions};
use std::collections::{HashMap, VecDeque};

const OBJECTS: usize = 20_000;
const REQUESTS: usize = 250_000;
/// Number of percentage points by which the store may fall behind.
const BEHIND_MAX: f64 = 1.0;
/// Overhead that the store counts for an entry beside its head.
const OVERHEAD: u64 = 240;

/// A head that reports the given size.
struct Weight(u64);

impl Head for Weight {
    fn encode(&self, _out: &mut Vec<u8>) {}

    fn decode(_bytes: &[u8]) -> Option<Self> {
        None
    }

    fn size_bytes(&self) -> usize {
        usize::try_from(self.0 - OVERHEAD).unwrap()
    }
}

#[derive(Default)]
struct Paper {
    limit: u64,
    probation: VecDeque<u64>,
    main: VecDeque<u64>,
    probation_bytes: u64,
    main_bytes: u64,
    uses: HashMap<u64, u8>,
    ghosts: VecDeque<u64>,
    ghost_bytes: u64,
}

impl Paper {
    /// Returns true if the object was cached; it is afterwards.
    fn request(&mut self, number: u64) -> bool {
        if let Some(uses) = self.uses.get_mut(&number) {
            *uses = (*uses + 1).min(3);
            return true;
        }
        while self.probation_bytes + self.main_bytes + weight(number) > self.limit {
            self.evict();
        }
        self.uses.insert(number, 0);
        if self.ghosts.contains(&number) {
            self.main.push_back(number);
            self.main_bytes += weight(number);
        } else {
            self.probation.push_back(number);
            self.probation_bytes += weight(number);
        }
        false
    }

    fn evict(&mut self) {
        let from_probation = self.probation_bytes > self.limit / 10 || self.main.is_empty();
        if from_probation {
            let number = self.probation.pop_front().unwrap();
            self.probation_bytes -= weight(number);
            if self.uses[&number] > 0 {
                self.uses.insert(number, 0);
                self.main.push_back(number);
                self.main_bytes += weight(number);
                return;
            }
            self.uses.remove(&number);
            self.ghosts.push_back(number);
            self.ghost_bytes += weight(number);
            while self.ghost_bytes > self.limit * 9 / 10 {
                self.ghost_bytes -= weight(self.ghosts.pop_front().unwrap());
            }
            return;
        }
        let number = self.main.pop_front().unwrap();
        let uses = self.uses.get_mut(&number).unwrap();
        if *uses > 0 {
            *uses -= 1;
            self.main.push_back(number);
        } else {
            self.uses.remove(&number);
            self.main_bytes -= weight(number);
        }
    }
}

/// Returns a size between half a kilobyte and 64.
fn weight(number: u64) -> u64 {
    512 << (number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 61)
}

/// Makes requests that follow Zipf's law, with a scan of 2,000 objects now and then if `scans` is set.
fn trace(exponent: f64, scans: bool) -> Vec<u64> {
    let mut sum = 0.0;
    let mut sums = Vec::with_capacity(OBJECTS);
    for rank in 1..=OBJECTS {
        sum += (rank as f64).powf(-exponent);
        sums.push(sum);
    }
    let mut state = 88_172_645_463_325_252_u64;
    let mut scanned = 1_000_000;
    let mut requests = Vec::with_capacity(REQUESTS);
    while requests.len() < REQUESTS {
        if scans && requests.len() % 20_000 < 1_000 {
            requests.extend(scanned..scanned + 2_000);
            scanned += 2_000;
        }
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let wanted = (state >> 11) as f64 / (1_u64 << 53) as f64 * sum;
        requests.push(sums.partition_point(|sum| *sum < wanted) as u64);
    }
    requests
}

fn check(exponent: f64, scans: bool, share: u64) {
    let total: u64 = (0..OBJECTS as u64).map(weight).sum();
    let limit = total * share / 100;
    let store = CacheStore::<Weight>::open(StoreOptions::memory(limit)).unwrap();
    let mut paper = Paper {
        limit,
        ..Paper::default()
    };
    let (mut hits, mut paper_hits) = (0, 0);
    let trace = trace(exponent, scans);
    for number in &trace {
        paper_hits += u32::from(paper.request(*number));
        if let Lookup::Memory(_) = store.object(&key(*number)) {
            hits += 1;
            continue;
        }
        let object = Object {
            head: Weight(weight(*number)),
            seq: 0,
            body: None,
        };
        store.put_object(key(*number), object);
    }
    let of_hundred = |hits: u32| f64::from(hits) * 100.0 / trace.len() as f64;
    let (ours, papers) = (of_hundred(hits), of_hundred(paper_hits));
    assert!(ours >= papers - BEHIND_MAX, "{ours:.2} against {papers:.2}");
}

#[test]
fn a_small_memory_chooses_as_well_as_the_paper() {
    check(0.9, false, 2);
    check(1.0, false, 2);
}

#[test]
fn a_larger_memory_chooses_as_well_as_the_paper() {
    check(0.9, false, 10);
    check(1.0, false, 20);
}

#[test]
fn scans_push_out_no_more_than_the_paper_lets_them() {
    check(0.9, true, 2);
    check(1.0, true, 10);
}
