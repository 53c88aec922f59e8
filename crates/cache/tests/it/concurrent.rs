//! Four threads on one store.

use crate::common::{DISK, key, object, open, version_of};
use privet_cache::{Lookup, StoreEvent};
use std::sync::atomic::{AtomicU64, Ordering};

const KEYS: u64 = 400;
const ROUNDS: u64 = 6_000;

#[test]
fn no_reader_sees_an_older_version_than_was_put_before() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open(folder.path(), 2 * 1024 * 1024, DISK);
    opened.wait_for(|event| matches!(event, StoreEvent::Loaded { .. }));
    let put: Vec<AtomicU64> = (0..KEYS).map(|_| AtomicU64::new(0)).collect();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = opened.store.clone();
            let put = &put;
            scope.spawn(move || {
                let mut state = thread + 1;
                for round in 1..=ROUNDS {
                    state = state * 48_271 % 2_147_483_647;
                    let number = state % KEYS;
                    // Each key has one thread that writes it, and four that read it.
                    if number % 4 == thread && round % 3 == 0 {
                        store.put_object(key(number), object(number, round));
                        put[usize::try_from(number).unwrap()].store(round, Ordering::SeqCst);
                        continue;
                    }
                    let least = put[usize::try_from(number).unwrap()].load(Ordering::SeqCst);
                    let found = match store.object(&key(number)) {
                        Lookup::Memory(object) => Some(object),
                        Lookup::Disk(entry) => store.load_object(&entry, &key(number)).unwrap(),
                        Lookup::Absent => None,
                    };
                    if let Some(object) = found {
                        assert!(version_of(number, &object) >= least);
                    }
                }
            });
        }
    });
    let statistics = opened.store.statistics();
    assert!(statistics.hits_disk > 0, "{statistics:?}");
    assert!(statistics.disk_bytes <= DISK);
    assert!(statistics.memory_bytes <= 3 * 1024 * 1024);
}
