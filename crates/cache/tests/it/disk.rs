//! The disk tier from one opening to the next.

use crate::common::{
    DISK, Label, MEMORY, Opened, flat, key, object, open, open_loaded, pattern, version_of, write,
};
use bytes::Bytes;
use privet_cache::{
    Block, CacheStore, DiskOptions, Lookup, Object, Replaced, StoreEvent, StoreOptions, Use,
};
use std::io;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::Path;

/// Memory before a disk, and nobody who listens.
fn with_disk(disk: DiskOptions) -> StoreOptions {
    StoreOptions {
        disk: Some(disk),
        ..StoreOptions::memory(MEMORY)
    }
}

#[test]
fn a_folder_serves_one_store_at_a_time() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open_loaded(folder.path());
    let second = DiskOptions {
        folder: folder.path().to_owned(),
        size_bytes: DISK,
    };
    let second = CacheStore::<Label>::open(with_disk(second));
    assert_eq!(second.unwrap_err().kind(), io::ErrorKind::ResourceBusy);
    drop(opened);
    open_loaded(folder.path());
}

#[test]
fn too_small_a_disk_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let options = DiskOptions {
        folder: folder.path().to_owned(),
        size_bytes: 8 * 1024 * 1024 - 1,
    };
    let refused = CacheStore::<Label>::open(with_disk(options));
    assert_eq!(refused.unwrap_err().kind(), io::ErrorKind::InvalidInput);
}

#[test]
fn everything_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..100, 1);
    let opened = open_loaded(folder.path());
    for number in 0..100 {
        assert_eq!(opened.version(number), Some(1), "{number}");
    }
    assert_eq!(opened.store.statistics().disk_entries, 100);
    for number in 0..100 {
        assert!(matches!(
            opened.store.object(&key(number)),
            Lookup::Memory(_)
        ));
    }
}

#[test]
fn the_last_of_several_versions_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    for version in 1..4 {
        write(folder.path(), 0..50, version);
    }
    write(folder.path(), 0..10, 4);
    let opened = open_loaded(folder.path());
    for number in 0..50 {
        let expected = if number < 10 { 4 } else { 3 };
        assert_eq!(opened.version(number), Some(expected), "{number}");
    }
}

#[test]
fn what_was_removed_stays_away() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..50, 1);
    let opened = open(folder.path(), MEMORY, DISK);
    // The removal may come before or after loading ends.
    for number in 0..10 {
        opened.store.remove(&key(number));
    }
    opened.wait_for(|event| matches!(event, StoreEvent::Loaded { .. }));
    for number in 10..20 {
        opened.store.remove(&key(number));
    }
    for number in 15..20 {
        opened.store.put_object(key(number), object(number, 2));
    }
    opened.store.close();
    let check = |opened: &Opened| {
        for number in 0..50 {
            let expected = match number {
                0..15 => None,
                15..20 => Some(2),
                _ => Some(1),
            };
            assert_eq!(opened.version(number), expected, "{number}");
        }
    };
    check(&opened);
    drop(opened);
    for _ in 0..3 {
        check(&open_loaded(folder.path()));
    }
}

#[test]
fn a_body_can_be_sent_from_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let block = pattern(5, 5, 900_000);
    let opened = open_loaded(folder.path());
    let chunks = block.chunks(64 * 1024).map(Bytes::copy_from_slice);
    opened.store.put_block(key(5), Block::new(chunks.collect()));
    opened.store.put_object(key(6), object(6, 1));
    let without_body = Object {
        head: Label(3),
        seq: 0,
        body: None,
    };
    opened.store.put_object(key(7), without_body);
    opened.store.close();
    drop(opened);
    let opened = open_loaded(folder.path());
    let body = opened.store.body_on_disk(&key(5)).unwrap().unwrap();
    let mut bytes = vec![0; usize::try_from(body.size_bytes).unwrap()];
    body.file.read_exact_at(&mut bytes, body.offset).unwrap();
    assert_eq!(bytes, block);
    let Lookup::Disk(entry) = opened.store.object(&key(6)) else {
        panic!("the object is on disk alone");
    };
    let head = opened.store.load_head(&entry, &key(6)).unwrap().unwrap();
    assert_eq!(head.head, Label(1));
    assert!(opened.store.load_head(&entry, &key(7)).unwrap().is_none());
    let Lookup::Disk(entry) = opened.store.object(&key(7)) else {
        panic!("the object is on disk alone");
    };
    let head = opened.store.load_head(&entry, &key(7)).unwrap().unwrap();
    assert!(head.body.is_none());
    assert!(opened.store.body_on_disk(&key(7)).unwrap().is_none());
    assert!(opened.store.body_on_disk(&key(8)).unwrap().is_none());
    let found = opened.store.block(&key(5), Use::Again);
    assert!(
        matches!(found, Lookup::Disk(_)),
        "the block is on disk alone"
    );
}

#[test]
fn a_head_is_replaced_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..2, 1);
    let opened = open_loaded(folder.path());
    let replaced = opened
        .store
        .replace_head(&key(0), Label(9), 4, |_| true)
        .unwrap();
    assert_eq!(replaced, Replaced::Done);
    drop(opened);
    let opened = open_loaded(folder.path());
    let Lookup::Disk(entry) = opened.store.object(&key(0)) else {
        panic!("the object is on disk alone");
    };
    let object = opened.store.load_object(&entry, &key(0)).unwrap().unwrap();
    assert_eq!((object.head.clone(), object.seq), (Label(9), 4));
    assert_eq!(opened.version(1), Some(1));
}

#[test]
fn the_disk_is_never_more_than_full_and_keeps_what_is_used() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open(folder.path(), 1024 * 1024, DISK);
    opened.wait_for(|event| matches!(event, StoreEvent::Loaded { .. }));
    for number in 0..3_000 {
        opened.store.put_object(key(number), object(number, 1));
        while opened.store.statistics().writes <= number {
            std::thread::yield_now();
        }
        for used in 0..20 {
            let _ = opened.store.object(&key(used));
        }
        let statistics = opened.store.statistics();
        assert!(statistics.disk_bytes <= DISK, "{statistics:?}");
        assert!(folder_bytes(&folder.path().join("segments")) <= DISK);
    }
    opened.store.close();
    assert!(opened.store.statistics().evictions_disk > 1_000);
    drop(opened);
    let opened = open_loaded(folder.path());
    let kept = (0..20).filter(|number| opened.version(*number) == Some(1));
    assert_eq!(kept.count(), 20);
    let all = (0..3_000).filter(|number| opened.version(*number).is_some());
    assert!(all.count() > 300);
}

#[test]
fn what_comes_back_again_and_again_stays_within_the_bound() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open(folder.path(), 1024 * 1024, DISK);
    opened.wait_for(|event| matches!(event, StoreEvent::Loaded { .. }));
    // The objects exceed the disk by a third, so that each has been evicted when it comes again.
    for step in 0..4_500 {
        let number = step % 1_100;
        opened.store.put_object(key(number), object(number, 1));
        while opened.store.statistics().writes <= step {
            std::thread::yield_now();
        }
        let statistics = opened.store.statistics();
        assert!(statistics.disk_bytes <= DISK, "{statistics:?}");
    }
}

fn folder_bytes(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap();
    // A file may be removed between the listing and this call.
    let sizes = entries.filter_map(|entry| entry.unwrap().metadata().ok());
    sizes.map(|metadata| metadata.len()).sum()
}

#[test]
fn a_video_that_left_the_disk_can_be_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..1, 1);
    let opened = open(folder.path(), 1024 * 1024, DISK);
    opened.wait_for(|event| matches!(event, StoreEvent::Loaded { .. }));
    let body = opened.store.body_on_disk(&key(0)).unwrap().unwrap();
    for path in std::fs::read_dir(folder.path().join("segments")).unwrap() {
        std::fs::remove_file(path.unwrap().path()).unwrap();
    }
    let mut bytes = vec![0; usize::try_from(body.size_bytes).unwrap()];
    body.file.read_exact_at(&mut bytes, body.offset).unwrap();
    assert_eq!(bytes, flat(object(0, 1).body.as_ref().unwrap()));
}

#[test]
fn a_disk_that_fails_and_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..10, 1);
    let opened = open_loaded(folder.path());
    let segments = folder.path().join("segments");
    let aside = folder.path().join("aside");
    std::fs::rename(&segments, &aside).unwrap();
    opened.store.put_object(key(20), object(20, 1));
    opened.wait_for(|event| matches!(event, StoreEvent::DiskFailed { .. }));
    for number in 0..10 {
        assert_eq!(opened.version(number), Some(1));
    }
    assert_eq!(opened.version(20), Some(1));
    assert_eq!(opened.store.statistics().writes_skipped, 1);
    std::fs::rename(&aside, &segments).unwrap();
    opened.store.retry_disk();
    opened.wait_for(|event| *event == StoreEvent::DiskBack);
    opened.store.put_object(key(21), object(21, 1));
    drop(opened);
    let opened = open_loaded(folder.path());
    assert_eq!(opened.version(21), Some(1));
    assert_eq!(opened.version(20), None);
}

#[test]
fn the_journal_outlasts_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let opened = open_loaded(folder.path());
    assert_eq!(opened.store.current_seq(), 0);
    for (number, text) in ["/a*", "/b*", "/c*"].into_iter().enumerate() {
        let seq = opened.store.journal_append(text.as_bytes()).unwrap();
        assert_eq!(seq, number as u64 + 1);
    }
    drop(opened);
    let opened = open_loaded(folder.path());
    assert_eq!(opened.store.current_seq(), 3);
    let texts: Vec<_> = opened.store.journal();
    assert_eq!(texts[0], (1, Bytes::from_static(b"/a*")));
    assert_eq!(texts[2], (3, Bytes::from_static(b"/c*")));
    assert_eq!(opened.store.journal_append(b"/d*").unwrap(), 4);
}

#[test]
fn nobody_else_can_read_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    write(&inner, 0..1, 1);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&inner), 0o700);
    for name in ["lock", "store", "journal", "removed"] {
        assert_eq!(mode(&inner.join(name)), 0o600, "{name}");
    }
    for entry in std::fs::read_dir(inner.join("segments")).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

#[test]
fn an_object_read_from_disk_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..1, 1);
    let opened = open_loaded(folder.path());
    let Lookup::Disk(entry) = opened.store.object(&key(0)) else {
        panic!("the object is on disk alone");
    };
    let object = opened.store.load_object(&entry, &key(0)).unwrap().unwrap();
    assert_eq!(version_of(0, &object), 1);
}
