//! Measures how the store grows: index bytes an object, look-up time, time to open, for each number of objects given.
//!
//! `cargo run --release --package privet-cache --example store_growth -- FOLDER 1000 100000 10000000`. Each object takes
//! 512 bytes of disk in `FOLDER`, which must not exist; it is removed at the end.

use privet_cache::{
    DiskOptions, Head, Key, Lookup, Object, Store, StoreEvent, StoreOptions, block_key,
};
use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// Of each look-up measurement.
const LOOKUPS: u64 = 2_000_000;
/// How far the feeder runs ahead of the writer.
const AHEAD: u64 = 20_000;
const MEMORY_SIZE_BYTES: u64 = 256 * 1024 * 1024;

/// A head of a usual size.
struct Plain([u8; 200]);

impl Head for Plain {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0);
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Plain)
    }

    fn size_bytes(&self) -> usize {
        200
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("a folder is needed")?);
    for argument in arguments {
        let objects: u64 = argument.parse()?;
        std::fs::create_dir(&folder)?;
        let measured = measure(&folder, objects);
        std::fs::remove_dir_all(&folder)?;
        measured?;
    }
    Ok(())
}

fn measure(folder: &Path, objects: u64) -> Result<(), Box<dyn Error>> {
    let mut out = io::stdout();
    let began = Instant::now();
    let (store, _) = open(folder, objects)?;
    fill(&store, objects);
    store.close();
    let filled = began.elapsed();
    let skipped = store.statistics().writes_skipped;
    drop(store);
    let (store, took) = open(folder, objects)?;
    let statistics = store.statistics();
    writeln!(
        out,
        "{objects} objects: written in {filled:.1?} ({skipped} skipped), opened in {took:.3?}, {} on disk, \
         {:.1} index bytes each",
        statistics.disk_entries,
        statistics.index_bytes as f64 / statistics.disk_entries as f64
    )?;
    let present = time_lookups(&store, |number| number % objects);
    let absent = time_lookups(&store, |number| objects + number);
    writeln!(
        out,
        "  look-up of a place on disk {present} ns, of nothing {absent} ns"
    )?;
    let first = key(0);
    if let Lookup::Disk(entry) = store.object(&first) {
        store.load_object(&entry, &first)?;
    }
    let memory = time_lookups(&store, |_| 0);
    writeln!(out, "  look-up in memory {memory} ns")?;
    Ok(())
}

fn open(folder: &Path, objects: u64) -> io::Result<(Store<Plain>, Duration)> {
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
                // Nobody listens after the opening.
                let _ = sender.send(event);
            }
        }),
    };
    let store = Store::open(options)?;
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

fn fill(store: &Store<Plain>, objects: u64) {
    for number in 0..objects {
        let object = Object {
            head: Plain([7; 200]),
            seq: 0,
            body: None,
        };
        store.put_object(key(number), object);
        if number % AHEAD == AHEAD - 1 {
            wait_for_writes(store, number + 1);
        }
    }
}

fn wait_for_writes(store: &Store<Plain>, wanted: u64) {
    loop {
        let statistics = store.statistics();
        if statistics.writes + statistics.writes_skipped >= wanted {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Nanoseconds each, keys made beforehand and taken in an order that no processor guesses.
fn time_lookups(store: &Store<Plain>, number: impl Fn(u64) -> u64) -> u128 {
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
        std::hint::black_box(store.object(key));
    }
    began.elapsed().as_nanos() / u128::from(LOOKUPS)
}

fn key(number: u64) -> Key {
    block_key([5; 16], number)
}
