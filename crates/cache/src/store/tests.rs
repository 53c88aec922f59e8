use super::*;
use crate::options::{DiskOptions, StoreEvent};
use crate::{StoreOptions, block_key};
use std::path::Path;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const ENOSPC: i32 = 28;
const EIO: i32 = 5;

struct Number(u64);

impl Head for Number {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_le_bytes());
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(u64::from_le_bytes).map(Number)
    }

    fn size_bytes(&self) -> usize {
        8
    }
}

fn open(folder: &Path) -> (CacheStore<Number>, Receiver<StoreEvent>) {
    let (sender, events) = channel();
    let sender = Mutex::new(sender);
    let disk = DiskOptions {
        folder: folder.to_owned(),
        size_bytes: 8 * 1024 * 1024,
    };
    let options = StoreOptions {
        observer: Box::new(move |event| {
            let _ = sender.lock().unwrap().send(event);
        }),
        disk: Some(disk),
        ..StoreOptions::memory(8 * 1024 * 1024)
    };
    let store = CacheStore::open(options).unwrap();
    wait(&events, |event| matches!(event, StoreEvent::Loaded { .. }));
    (store, events)
}

fn wait(events: &Receiver<StoreEvent>, wanted: impl Fn(&StoreEvent) -> bool) {
    while !wanted(&events.recv_timeout(Duration::from_secs(60)).unwrap()) {}
}

fn put(store: &CacheStore<Number>, number: u64, head: u64) {
    let object = Object {
        head: Number(head),
        seq: 0,
        body: None,
    };
    store.put_object(block_key([1; 16], number), object);
}

fn kept(store: &CacheStore<Number>, number: u64) -> Option<u64> {
    let key = block_key([1; 16], number);
    let object = match store.object(&key) {
        Lookup::Memory(object) => Some(object),
        Lookup::Disk(entry) => store.load_object(&entry, &key).unwrap(),
        Lookup::Absent => None,
    };
    object.map(|object| object.head.0)
}

fn check_failure(errno: i32, told: impl Fn(&StoreEvent) -> bool) {
    let folder = tempfile::tempdir().unwrap();
    let (store, events) = open(folder.path());
    put(&store, 1, 1);
    put(&store, 2, 1);
    store.close();
    drop(store);
    let (store, events_after) = open(folder.path());
    drop(events);
    let disk = store.inner.disk.as_ref().unwrap();
    disk.fail_writes(errno);
    put(&store, 2, 2);
    wait(&events_after, told);
    put(&store, 3, 2);
    assert_eq!(store.statistics().writes_skipped, 2);
    // Entries on disk can still be read, and entries that could not be written are in memory.
    for (number, head) in [(1, 1), (2, 2), (3, 2)] {
        assert_eq!(kept(&store, number), Some(head));
    }
    store.retry_disk();
    disk.fail_writes(0);
    store.retry_disk();
    wait(&events_after, |event| *event == StoreEvent::DiskBack);
    put(&store, 4, 3);
    drop(store);
    let (store, _) = open(folder.path());
    // The older version of an entry that could not be written is not served in its place.
    for (number, head) in [(1, Some(1)), (2, None), (3, None), (4, Some(3))] {
        assert_eq!(kept(&store, number), head, "{number}");
    }
}

#[test]
fn a_full_disk_is_told_and_gone_around() {
    check_failure(ENOSPC, |event| *event == StoreEvent::DiskFull);
}

#[test]
fn a_failing_disk_is_told_and_gone_around() {
    check_failure(EIO, |event| matches!(event, StoreEvent::DiskFailed { .. }));
}
