//! Growth of the store: index bytes per object, lookup time, time to open.
//!
//! Each object takes 512 bytes of disk.

use super::row;
use crate::bench::contest::Contest;
use crate::bench::{Bar, Row};
use privet_cache::{
    CacheStore, DiskOptions, Head, Key, Lookup, Object, StoreEvent, StoreOptions, block_key,
};
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};
use xtask::command::Outcome;

/// Number of lookups per measurement.
const LOOKUPS: u64 = 2_000_000;
/// Number of objects by which the feeder may run ahead of the writer.
const AHEAD: u64 = 20_000;
const MEMORY_SIZE_BYTES: u64 = 256 * 1024 * 1024;
/// A typical size of a head.
const HEAD_SIZE_BYTES: usize = 200;

/// Returns five rows for each number of objects.
pub fn rows(contest: &Contest<'_>) -> Outcome<Vec<Row>> {
    let counts: &[u64] = if contest.rounds > 2 {
        &[1_000, 100_000, 10_000_000]
    } else {
        &[1_000, 100_000]
    };
    let mut measured: Vec<(u64, Measured)> = Vec::new();
    for &objects in counts {
        eprintln!("xtask: {objects} objects");
        let folder = contest.folder.join("store");
        let result = measure(&folder, objects);
        // A folder that could not be removed shows in the next measurement.
        let _ = fs::remove_dir_all(&folder);
        measured.push((objects, result.map_err(|error| error.to_string())?));
    }
    let Some((_, first)) = measured.first().cloned() else {
        return Ok(Vec::new());
    };
    let mut rows = Vec::new();
    for (objects, now) in measured {
        let case = |what: &str| format!("{objects} objects, {what}");
        let index = "index bytes/object";
        rows.extend([
            Row {
                case: case("index"),
                ours: now.index_bytes,
                peer: None,
                unit: index,
                ratio: None,
                bar: Bar::None,
            },
            row(case("start"), now.open_ms, first.open_ms, "ms"),
            row(case("lookup on disk"), now.disk_ns, first.disk_ns, "ns"),
            row(
                case("lookup of nothing"),
                now.absent_ns,
                first.absent_ns,
                "ns",
            ),
            row(
                case("lookup in memory"),
                now.memory_ns,
                first.memory_ns,
                "ns",
            ),
        ]);
    }
    Ok(rows)
}

#[derive(Clone)]
struct Measured {
    index_bytes: f64,
    open_ms: f64,
    disk_ns: f64,
    absent_ns: f64,
    memory_ns: f64,
}

fn measure(folder: &Path, objects: u64) -> std::io::Result<Measured> {
    let (store, _) = open(folder, objects)?;
    fill(&store, objects);
    store.close();
    drop(store);
    let (store, opened) = open(folder, objects)?;
    let statistics = store.statistics();
    if statistics.disk_entries < objects / 100 * 99 {
        eprintln!(
            "xtask: only {} of {objects} are on disk",
            statistics.disk_entries
        );
    }
    let disk_ns = time_lookups(&store, |number| number % objects);
    let absent_ns = time_lookups(&store, |number| objects + number);
    let first = key(0);
    if let Lookup::Disk(entry) = store.object(&first) {
        store.load_object(&entry, &first)?;
    }
    Ok(Measured {
        index_bytes: statistics.index_bytes as f64 / statistics.disk_entries as f64,
        open_ms: opened.as_secs_f64() * 1000.0,
        disk_ns,
        absent_ns,
        memory_ns: time_lookups(&store, |_| 0),
    })
}

struct Plain([u8; HEAD_SIZE_BYTES]);

impl Head for Plain {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Plain)
    }

    fn size_bytes(&self) -> usize {
        HEAD_SIZE_BYTES
    }
}

fn open(folder: &Path, objects: u64) -> std::io::Result<(CacheStore<Plain>, Duration)> {
    let (sender, events) = channel();
    let sender = Mutex::new(sender);
    let options = StoreOptions {
        memory_size_bytes: MEMORY_SIZE_BYTES,
        disk: Some(DiskOptions {
            folder: folder.to_owned(),
            size_bytes: (objects * 512 * 5 / 4).max(64 * 1024 * 1024),
        }),
        observer: Box::new(move |event| {
            if let Ok(sender) = sender.lock() {
                // Nobody receives events after the store has been opened.
                let _ = sender.send(event);
            }
        }),
    };
    let store = CacheStore::open(options)?;
    Ok((store, wait_until_loaded(&events)))
}

fn wait_until_loaded(events: &Receiver<StoreEvent>) -> Duration {
    for event in events {
        if let StoreEvent::Loaded { took, .. } = event {
            return took;
        }
    }
    Duration::ZERO
}

fn fill(store: &CacheStore<Plain>, objects: u64) {
    for number in 0..objects {
        let object = Object {
            head: Plain([7; HEAD_SIZE_BYTES]),
            seq: 0,
            body: None,
        };
        store.put_object(key(number), object);
        if number % AHEAD == AHEAD - 1 {
            wait_for_writes(store, number + 1);
        }
    }
}

fn wait_for_writes(store: &CacheStore<Plain>, wanted: u64) {
    loop {
        let statistics = store.statistics();
        if statistics.writes + statistics.writes_skipped >= wanted {
            return;
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Returns nanoseconds per lookup. Keys are made beforehand and used in an order that a processor cannot predict.
fn time_lookups(store: &CacheStore<Plain>, number: impl Fn(u64) -> u64) -> f64 {
    let mut state = 1_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state >> 8
    };
    let keys: Vec<Key> = (0..LOOKUPS).map(|_| key(number(next()))).collect();
    let began = Instant::now();
    for key in &keys {
        black_box(store.object(key));
    }
    began.elapsed().as_nanos() as f64 / LOOKUPS as f64
}

fn key(number: u64) -> Key {
    block_key([5; 16], number)
}
