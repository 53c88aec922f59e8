//! Replays one trace against the store's memory tier and other caches of the same size, and prints hits and time.
//!
//! `cargo run --release --manifest-path crates/cache/peers/Cargo.toml`. One thread; requests follow Zipf's law over
//! half a million objects of half a kilobyte to 90; every cache is given the same weights. The first quarter is not
//! counted.

use foyer::{CacheBuilder, EvictionConfig, LfuConfig, S3FifoConfig};
use privet_cache::{Head, Lookup, Object, CacheStore, StoreOptions, block_key};
use std::error::Error;
use std::io::{self, Write};
use std::time::Instant;

const OBJECTS: u64 = 500_000;
const REQUESTS: usize = 4_000_000;
/// Overhead that the store counts for an entry beside its head.
const OVERHEAD: u64 = 240;

/// A cache of weights.
trait Peer {
    /// Returns true if the object was cached; it should be afterwards.
    fn request(&mut self, number: u64) -> bool;
}

struct Weight(u64);

impl Head for Weight {
    fn encode(&self, _out: &mut Vec<u8>) {}

    fn decode(_bytes: &[u8]) -> Option<Self> {
        None
    }

    fn size_bytes(&self) -> usize {
        usize::try_from(self.0.saturating_sub(OVERHEAD)).unwrap_or(usize::MAX)
    }
}

impl Peer for CacheStore<Weight> {
    fn request(&mut self, number: u64) -> bool {
        let key = block_key([1; 16], number);
        if let Lookup::Memory(_) = self.object(&key) {
            return true;
        }
        let object = Object {
            head: Weight(weight(number)),
            seq: 0,
            body: None,
        };
        self.put_object(key, object);
        false
    }
}

impl Peer for moka::sync::Cache<u64, u64> {
    fn request(&mut self, number: u64) -> bool {
        let found = self.get(&number).is_some();
        if !found {
            self.insert(number, weight(number));
        }
        found
    }
}

#[derive(Clone)]
struct ByValue;

impl quick_cache::Weighter<u64, u64> for ByValue {
    fn weight(&self, _key: &u64, value: &u64) -> u64 {
        *value
    }
}

impl Peer for quick_cache::sync::Cache<u64, u64, ByValue> {
    fn request(&mut self, number: u64) -> bool {
        let found = self.get(&number).is_some();
        if !found {
            self.insert(number, weight(number));
        }
        found
    }
}

impl Peer for foyer::Cache<u64, u64> {
    fn request(&mut self, number: u64) -> bool {
        let found = self.get(&number).is_some();
        if !found {
            self.insert(number, weight(number));
        }
        found
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let total: u64 = (0..OBJECTS).map(weight).sum();
    for (exponent, scans) in [(0.9, false), (0.9, true), (1.0, false), (1.0, true)] {
        let trace = trace(exponent, scans);
        for share in [1, 5, 20] {
            let size_bytes = total * share / 100;
            let mut out = io::stdout();
            let scans = if scans { "with scans" } else { "without scans" };
            writeln!(
                out,
                "Zipf {exponent} {scans}, {share} % = {} MiB",
                size_bytes >> 20
            )?;
            for (name, mut peer) in peers(size_bytes)? {
                let (hits, nanoseconds) = replay(peer.as_mut(), &trace);
                writeln!(out, "  {name:24} {hits:6.2} % {nanoseconds:5} ns")?;
            }
        }
    }
    Ok(())
}

fn peers(size_bytes: u64) -> io::Result<Vec<(&'static str, Box<dyn Peer>)>> {
    let moka = moka::sync::Cache::builder()
        .max_capacity(size_bytes)
        .weigher(|_, weight: &u64| u32::try_from(*weight).unwrap_or(u32::MAX))
        .build();
    let quick = quick_cache::sync::Cache::with_weighter(100_000, size_bytes, ByValue);
    Ok(vec![
        (
            "privet-cache",
            Box::new(CacheStore::<Weight>::open(StoreOptions::memory(size_bytes))?),
        ),
        ("moka, W-TinyLFU", Box::new(moka)),
        ("quick_cache, Clock-PRO", Box::new(quick)),
        (
            "foyer, S3-FIFO",
            Box::new(foyer(size_bytes, S3FifoConfig::default())),
        ),
        (
            "foyer, W-TinyLFU",
            Box::new(foyer(size_bytes, LfuConfig::default())),
        ),
    ])
}

fn foyer(size_bytes: u64, eviction: impl Into<EvictionConfig>) -> foyer::Cache<u64, u64> {
    let narrow = |weight: u64| usize::try_from(weight).unwrap_or(usize::MAX);
    CacheBuilder::new(narrow(size_bytes))
        .with_eviction_config(eviction)
        .with_weighter(move |_, weight: &u64| narrow(*weight))
        .build()
}

/// Returns the hit ratio in percent after the first quarter, and the nanoseconds per request.
fn replay(peer: &mut dyn Peer, trace: &[u64]) -> (f64, u128) {
    let began = Instant::now();
    let (warming, counted) = trace.split_at(trace.len() / 4);
    for number in warming {
        peer.request(*number);
    }
    let mut hits = 0_u32;
    for number in counted {
        hits += u32::from(peer.request(*number));
    }
    let nanoseconds = began.elapsed().as_nanos() / trace.len() as u128;
    (f64::from(hits) * 100.0 / counted.len() as f64, nanoseconds)
}

/// Returns a size between half a kilobyte and 90, small ones more often.
fn weight(number: u64) -> u64 {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (600.0 * (unit(&mut state) * 5.0).exp()) as u64
}

fn trace(exponent: f64, scans: bool) -> Vec<u64> {
    let mut sum = 0.0;
    let mut sums = Vec::new();
    for rank in 1..=OBJECTS {
        sum += (rank as f64).powf(-exponent);
        sums.push(sum);
    }
    let mut state = 88_172_645_463_325_252_u64;
    let mut scanned = 1_000_000_000;
    let mut requests = Vec::with_capacity(REQUESTS);
    let mut until_scan = 50_000;
    while requests.len() < REQUESTS {
        until_scan -= 1;
        if scans && until_scan == 0 {
            requests.extend(scanned..scanned + 10_000);
            scanned += 10_000;
            until_scan = 50_000;
        }
        let wanted = unit(&mut state) * sum;
        requests.push(sums.partition_point(|sum| *sum < wanted) as u64);
    }
    requests
}

/// Returns the next number between 0 and 1.
fn unit(state: &mut u64) -> f64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state >> 11) as f64 / (1_u64 << 53) as f64
}
