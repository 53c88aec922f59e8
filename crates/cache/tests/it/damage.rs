//! Damaged files.

use crate::common::{key, object, open_loaded, write};
use privet_cache::StoreEvent;
use proptest::prelude::*;
use std::path::{Path, PathBuf};

const OBJECTS: u64 = 40;

fn segments(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("segments")).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Checks that every object found is intact and of the last version. Returns how many were found.
fn check(folder: &Path, version: u64) -> usize {
    let opened = open_loaded(folder);
    let mut found = 0;
    for number in 0..OBJECTS {
        if let Some(read) = opened.version(number) {
            assert_eq!(read, version, "{number}");
            found += 1;
        }
    }
    found
}

fn flip(path: &Path, at: usize, bit: u32) {
    let mut bytes = std::fs::read(path).unwrap();
    if let Some(byte) = bytes.get_mut(at) {
        *byte ^= 1 << bit;
        std::fs::write(path, bytes).unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_flipped_bit_is_never_served(at in 0..900_000_usize, bit in 0..8_u32) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), 0..OBJECTS, 1);
        flip(&segments(folder.path())[0], at, bit);
        let found = check(folder.path(), 1);
        // The head of the segment has 40 bytes; a flip there takes the whole segment away.
        prop_assert!(found >= 39 || at < 512, "{found} found");
    }

    #[test]
    fn a_flipped_bit_at_the_end_is_never_served(at in 0..4_096_usize, bit in 0..8_u32) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), 0..OBJECTS, 1);
        let segment = &segments(folder.path())[0];
        let length = usize::try_from(segment.metadata().unwrap().len()).unwrap();
        flip(segment, length - 1 - at, bit);
        prop_assert_eq!(check(folder.path(), 1), 40);
    }

    #[test]
    fn a_flipped_bit_beside_the_segments_brings_nothing_back(
        name in prop::sample::select(vec!["removed", "journal", "store"]),
        at in 0..400_usize,
        bit in 0..8_u32,
    ) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), 0..OBJECTS, 1);
        {
            let opened = open_loaded(folder.path());
            for number in 0..10 {
                opened.store.remove(&key(number));
            }
            opened.store.journal_append(b"/everything").unwrap();
        }
        flip(&folder.path().join(name), at, bit);
        let opened = open_loaded(folder.path());
        for number in 0..10 {
            prop_assert_eq!(opened.version(number), None);
        }
        // Either the invalidation is known, or there is no entry that it could concern.
        let is_empty = opened.store.statistics().disk_entries == 0;
        prop_assert!(is_empty || opened.store.journal().len() == 1);
    }

    #[test]
    fn a_truncated_segment_is_never_served(length in 0..1_500_000_u64) {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), 0..OBJECTS, 1);
        let segment = std::fs::OpenOptions::new().write(true).open(&segments(folder.path())[0]).unwrap();
        segment.set_len(length).unwrap();
        drop(segment);
        check(folder.path(), 1);
        check(folder.path(), 1);
    }
}

#[test]
fn an_older_version_does_not_stand_in_for_a_damaged_one() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..OBJECTS, 1);
    write(folder.path(), 0..OBJECTS, 2);
    let second = &segments(folder.path())[1];
    for at in (600..700_000).step_by(1_000) {
        flip(second, at, 3);
    }
    let length = usize::try_from(second.metadata().unwrap().len()).unwrap();
    flip(second, length - 500, 1);
    check(folder.path(), 2);
    check(folder.path(), 2);
}

#[test]
fn a_list_of_removed_keys_that_was_cut_short_keeps_its_whole_lines() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..OBJECTS, 1);
    {
        let opened = open_loaded(folder.path());
        opened.store.remove(&key(0));
        opened.store.remove(&key(1));
    }
    let path = folder.path().join("removed");
    let bytes = std::fs::read(&path).unwrap();
    std::fs::write(&path, &bytes[..bytes.len() - 5]).unwrap();
    let opened = open_loaded(folder.path());
    assert_eq!(opened.version(0), None);
    assert_eq!(opened.version(2), Some(1));
}

#[test]
fn an_unknown_form_is_emptied_and_told() {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), 0..OBJECTS, 1);
    std::fs::write(folder.path().join("store"), "privet-cache 2 00 1\n").unwrap();
    let opened = open_loaded_with_emptied(folder.path());
    assert_eq!(opened.store.statistics().disk_entries, 0);
    opened.store.put_object(key(1), object(1, 3));
    drop(opened);
    assert_eq!(open_loaded(folder.path()).version(1), Some(3));
}

fn open_loaded_with_emptied(folder: &Path) -> crate::common::Opened {
    let opened = crate::common::open(folder, crate::common::MEMORY, crate::common::DISK);
    opened.wait_for(|event| *event == StoreEvent::Emptied);
    opened.wait_for(|event| matches!(event, StoreEvent::Loaded { .. }));
    opened
}

#[test]
fn a_segment_of_another_store_is_not_read() {
    let mine = tempfile::tempdir().unwrap();
    let other = tempfile::tempdir().unwrap();
    write(mine.path(), 0..1, 1);
    write(other.path(), 0..OBJECTS, 2);
    let target = mine.path().join("segments/00000000000000ff.seg");
    std::fs::copy(&segments(other.path())[0], target).unwrap();
    assert_eq!(check(mine.path(), 1), 1);
}
