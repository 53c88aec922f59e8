use super::*;
use crate::links::Revoked;

/// Returns links that differ as digests do.
fn link(number: u64) -> LinkId {
    let mut bytes = [0; LinkId::SIZE_BYTES];
    let mut state = number;
    for chunk in bytes.chunks_exact_mut(8) {
        // SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        chunk.copy_from_slice(&(mixed ^ (mixed >> 31)).to_be_bytes());
    }
    LinkId::from_bytes(bytes)
}

fn insert(table: &LinkTable, number: u64, until: u64) {
    let entry = RevocationEntry {
        seq: number,
        what: Revoked::Link(link(number)),
        until: Timestamp::from_secs(until),
        cut: false,
        made: Timestamp::from_secs(0),
    };
    assert_eq!(table.insert(&link(number), &entry), Ok(Taken::New));
}

fn found(table: &LinkTable, number: u64) -> Option<u64> {
    let found = table.find(&link(number), Timestamp::from_secs(10));
    found.map(|by| by.revocation)
}

fn slots(table: &LinkTable) -> usize {
    let shards = table.shards.iter();
    shards.map(|shard| read(shard).slots.len()).sum()
}

#[test]
fn a_revocation_takes_48_bytes_at_every_size() {
    const COUNT: u64 = 60_000;
    assert_eq!(size_of::<Slot>(), 32);
    let table = LinkTable::default();
    for number in 1..=COUNT {
        insert(&table, number, 100);
        // The overhangs are a fixed part: 200 kB.
        let fixed = SHARDS * OVERHANG * size_of::<Slot>();
        let is_small = number < (SHARDS * LENGTH_MIN * 4) as u64;
        if is_small || number % 101 != 0 {
            continue;
        }
        let bytes = slots(&table) * size_of::<Slot>() - fixed;
        assert!(
            bytes as u64 <= number * 48,
            "{number} revocations take {bytes} bytes"
        );
    }
    let missed = (1..=COUNT).find(|number| found(&table, *number) != Some(*number));
    assert_eq!(missed, None);
    let invented = (COUNT + 1..COUNT * 2).find(|number| found(&table, *number).is_some());
    assert_eq!(invented, None);
}

#[test]
fn what_is_removed_gives_its_memory_back() {
    let table = LinkTable::default();
    for number in 1..=20_000 {
        insert(&table, number, number);
    }
    let full = slots(&table);
    let odd: HashSet<u64> = (1..=20_000).filter(|number| number % 2 == 1).collect();
    assert_eq!(table.remove(&odd), 10_000);
    assert_eq!(table.remove(&odd), 0);
    for number in [9999, 19_999] {
        assert_eq!(found(&table, number), None);
        assert_eq!(found(&table, number + 1), Some(number + 1));
    }
    let ended = table.remove_ended(19_000);
    assert_eq!((ended.count, ended.latest), (9500, 19_000));
    assert_eq!(found(&table, 19_000), None);
    assert_eq!(found(&table, 19_002), Some(19_002));
    assert!(slots(&table) < full / 2);
}

/// Links whose hashes are the same, as nobody can find them.
#[test]
fn links_of_one_hash_are_told_apart() {
    let table = LinkTable {
        seeds: [0, 0],
        ..LinkTable::default()
    };
    // With these seeds, a digest that is half zero has the hash 0.
    let odd = |number: u64| {
        let mut bytes = [0; LinkId::SIZE_BYTES];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        LinkId::from_bytes(bytes)
    };
    let find = |number| table.find(&odd(number), Timestamp::from_secs(10));
    for number in (1..=40).rev().chain(41..=80) {
        let entry = RevocationEntry {
            seq: number,
            what: Revoked::Link(odd(number)),
            until: Timestamp::from_secs(100),
            cut: false,
            made: Timestamp::from_secs(0),
        };
        assert_eq!(table.insert(&odd(number), &entry), Ok(Taken::New));
    }
    assert_eq!(table.remove(&HashSet::from([7, 77])), 2);
    for number in 0..=81 {
        let is_there = (1..=80).contains(&number) && number % 70 != 7;
        assert_eq!(find(number).is_some(), is_there, "{number}");
    }
}
