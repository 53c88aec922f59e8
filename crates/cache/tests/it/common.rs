//! A head to store, patterns to fill bodies with, and ways to wait for the store.

use bytes::Bytes;
use privet_cache::{
    Block, CacheStore, DiskOptions, Head, Key, Lookup, Object, StoreEvent, StoreOptions, block_key,
};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

pub const MEMORY: u64 = 32 * 1024 * 1024;
pub const DISK: u64 = 16 * 1024 * 1024;
/// Time limit, far above what any test here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A head with the version of the object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label(pub u64);

impl Head for Label {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"label ");
        out.extend_from_slice(&self.0.to_le_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let number = bytes.strip_prefix(b"label ")?;
        Some(Label(u64::from_le_bytes(number.try_into().ok()?)))
    }

    fn size_bytes(&self) -> usize {
        8
    }
}

pub fn key(number: u64) -> Key {
    block_key([9; 16], number)
}

/// Returns bytes whose every position depends on number and version.
pub fn pattern(number: u64, version: u64, length: usize) -> Vec<u8> {
    let mut state = number
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(version);
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}

pub fn length(number: u64, version: u64) -> usize {
    usize::try_from((number * 7_919 + version * 101) % 40_000).unwrap() + 1
}

pub fn object(number: u64, version: u64) -> Object<Label> {
    let body = pattern(number, version, length(number, version));
    Object {
        head: Label(version),
        seq: 0,
        body: Some(Block::new(vec![Bytes::from(body)])),
    }
}

/// Returns the version of an object after checking every byte of it.
pub fn version_of(number: u64, object: &Object<Label>) -> u64 {
    let version = object.head.0;
    let body = object.body.as_ref().expect("bodies are short");
    let expected = pattern(number, version, length(number, version));
    assert_eq!(flat(body), expected, "object {number}, version {version}");
    version
}

pub fn flat(block: &Block) -> Vec<u8> {
    block.chunks().concat()
}

pub struct Opened {
    pub store: CacheStore<Label>,
    pub events: Receiver<StoreEvent>,
}

/// Opens a store on a folder.
pub fn open(folder: &Path, memory_size_bytes: u64, size_bytes: u64) -> Opened {
    let (sender, events) = channel();
    let sender = std::sync::Mutex::new(sender);
    let options = StoreOptions {
        memory_size_bytes,
        disk: Some(DiskOptions {
            folder: folder.to_owned(),
            size_bytes,
        }),
        observer: Box::new(move |event| {
            let _ = sender.lock().unwrap().send(event);
        }),
    };
    Opened {
        store: CacheStore::open(options).unwrap(),
        events,
    }
}

/// Opens a store and waits until everything is loaded.
pub fn open_loaded(folder: &Path) -> Opened {
    let opened = open(folder, MEMORY, DISK);
    opened.wait_for(|event| matches!(event, StoreEvent::Loaded { .. }));
    opened
}

impl Opened {
    pub fn wait_for(&self, wanted: impl Fn(&StoreEvent) -> bool) -> StoreEvent {
        loop {
            let event = self.events.recv_timeout(PATIENCE).unwrap();
            if wanted(&event) {
                return event;
            }
        }
    }

    /// Returns the stored version of an object, from memory or disk.
    pub fn version(&self, number: u64) -> Option<u64> {
        let object = match self.store.object(&key(number)) {
            Lookup::Memory(object) => Some(object),
            Lookup::Disk(entry) => self.store.load_object(&entry, &key(number)).unwrap(),
            Lookup::Absent => None,
        };
        object.map(|object| version_of(number, &object))
    }
}

/// Puts objects and closes the store, so that all of them are on disk.
pub fn write(folder: &Path, numbers: std::ops::Range<u64>, version: u64) {
    let opened = open_loaded(folder);
    for number in numbers {
        opened
            .store
            .put_object(key(number), object(number, version));
    }
    opened.store.close();
}
