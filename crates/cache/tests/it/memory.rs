//! The memory limit, whoever holds the memory.

use crate::common::{Label, flat, key, object};
use bytes::Bytes;
use privet_cache::{Block, CacheStore, Lookup, Replaced, StoreOptions, Use};

const LIMIT: u64 = 4 * 1024 * 1024;

fn store() -> CacheStore<Label> {
    CacheStore::open(StoreOptions::memory(LIMIT)).unwrap()
}

#[test]
fn readers_that_keep_chunks_leave_less_for_entries() {
    let store = store();
    let mut held = Vec::new();
    for number in 0..48 {
        let chunk = store.chunk(vec![1; 64 * 1024]);
        held.push(chunk.clone());
        store.put_block(key(number), store.block_of(vec![chunk]));
        assert!(store.statistics().memory_bytes <= LIMIT);
    }
    for number in 100..1_000 {
        store.put_object(key(number), object(number, 1));
        assert!(store.statistics().memory_bytes <= LIMIT);
    }
    drop(held);
    let rest = store.try_reserve(LIMIT).unwrap();
    assert_eq!(store.statistics().objects + store.statistics().blocks, 0);
    drop(rest);
    assert_eq!(store.statistics().memory_bytes, 0);
}

#[test]
fn more_than_there_is_cannot_be_reserved() {
    let store = store();
    assert!(store.try_reserve(LIMIT + 1).is_none());
    let half = store.try_reserve(LIMIT / 2).unwrap();
    assert!(store.try_reserve(LIMIT / 2 + 1).is_none());
    drop(half);
    assert!(store.try_reserve(LIMIT / 2 + 1).is_some());
}

#[test]
fn a_reservation_turns_into_chunks() {
    let store = store();
    let mut reservation = store.try_reserve(1_000_000).unwrap();
    let chunk = reservation.chunk(vec![7; 60_000]);
    assert!(reservation.size_bytes() < 1_000_000 - 60_000);
    assert_eq!(store.statistics().memory_bytes, 1_000_000);
    drop(reservation);
    assert!(store.statistics().memory_bytes < 61_000);
    drop(chunk);
    assert_eq!(store.statistics().memory_bytes, 0);
}

#[test]
fn foreign_chunks_are_counted_for_as_long_as_they_are_held() {
    let store = store();
    store.put_block(key(1), Block::new(vec![Bytes::from(vec![5; 50_000])]));
    let Lookup::Memory(block) = store.block(&key(1), Use::Again) else {
        panic!("the block was just put");
    };
    store.remove(&key(1));
    assert!(store.statistics().memory_bytes >= 50_000);
    assert_eq!(flat(&block), [5; 50_000]);
    drop(block);
    assert_eq!(store.statistics().memory_bytes, 0);
}

#[test]
fn objects_and_blocks_do_not_answer_for_each_other() {
    let store = store();
    store.put_object(key(1), object(1, 1));
    store.put_block(key(2), Block::new(Vec::new()));
    assert!(matches!(store.block(&key(1), Use::Again), Lookup::Absent));
    assert!(matches!(store.object(&key(2)), Lookup::Absent));
}

#[test]
fn a_new_head_keeps_the_body() {
    let store = store();
    assert_eq!(
        store.replace_head(&key(1), Label(2), 5, |_| true).unwrap(),
        Replaced::Absent
    );
    store.put_object(key(1), object(1, 1));
    assert_eq!(
        store.replace_head(&key(1), Label(2), 5, |_| true).unwrap(),
        Replaced::Done
    );
    let Lookup::Memory(found) = store.object(&key(1)) else {
        panic!("the object was just put");
    };
    assert_eq!((found.head.clone(), found.seq), (Label(2), 5));
    let body = object(1, 1).body.unwrap();
    assert_eq!(flat(found.body.as_ref().unwrap()), flat(&body));
}

#[test]
fn what_forgotten_invalidations_concern_is_not_kept() {
    let store = store();
    for seq in 1..=3 {
        assert_eq!(store.journal_append(b"all").unwrap(), seq);
    }
    let mut second = object(2, 1);
    second.seq = 2;
    store.put_object(key(2), second);
    assert_eq!(store.oldest_seq(), 2);
    store.put_object(key(1), object(1, 1));
    assert!(matches!(store.object(&key(1)), Lookup::Absent));
    store.remove(&key(2));
    assert_eq!(store.oldest_seq(), 3);
    assert!(store.journal().is_empty());
}

/// A late 304 is about an object that is no longer there: its head never gets another object's body.
#[test]
fn a_head_is_not_given_to_another_objects_body() {
    let store = store();
    store.put_object(key(1), object(1, 2));
    let is_first = |head: &Label| *head == Label(1);
    let replaced = store.replace_head(&key(1), Label(1), 5, is_first).unwrap();
    assert_eq!(replaced, Replaced::Absent);
    assert!(matches!(store.object(&key(1)), Lookup::Absent));
}
