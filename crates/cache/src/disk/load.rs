//! Reads the tables on disk into the index, once, when the store is opened.
//!
//! No entry is served before all tables are read: only then is the last record of each key known. Keys replaced or
//! removed meanwhile are in the ledger and stay out of the index.

use super::Shared;
use super::folder::SEGMENTS;
use super::format::{TableLine, UNIT_BYTES};
use super::index::Index;
use super::segment::{Segment, number_of};
use crate::key::Key;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;

/// A record as found: fingerprint, stamp, packed location. There is one for each record, so it is kept short.
type LoadedRecord = (u64, u64, u64);

/// Reads every segment. Returns them in the order of their numbers.
pub(super) fn load<H>(
    shared: &Shared<H>,
    removed: &HashMap<Key, u64>,
) -> io::Result<Vec<Arc<Segment>>> {
    let mut shards: Vec<Vec<LoadedRecord>> = vec![Vec::new(); Index::shards()];
    let mut segments = Vec::new();
    for number in numbers(shared)? {
        let slot = u32::try_from(segments.len()).expect("there are fewer segments than slots");
        let Some(segment) = open(shared, number, slot)? else {
            continue;
        };
        let Ok(lines) = lines(&segment, shared.seed) else {
            // An unreadable segment must not be read at a later opening, when the list of removed keys may have
            // dropped its keys.
            std::fs::remove_file(&segment.path)?;
            continue;
        };
        for line in lines {
            // Dead records count as well: the list of removed keys must name them for as long as they are on disk.
            segment.note(line.seq, line.stamp);
            let is_removed = removed
                .get(&line.key)
                .is_some_and(|stamp| *stamp > line.stamp);
            if is_removed {
                continue;
            }
            let shard = line.key.shard(Index::shards());
            let packed = segment.location(&line).pack();
            let found = (line.key.fingerprint(), line.stamp, packed);
            shards[shard].push(found);
        }
        let segment = Arc::new(segment);
        shared.set_slot(slot, Some(Arc::clone(&segment)));
        segments.push(segment);
    }
    for (shard, found) in shards.into_iter().enumerate() {
        insert(shared, shard, found);
    }
    shared.ledger().end_loading();
    Ok(segments)
}

fn numbers<H>(shared: &Shared<H>) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in std::fs::read_dir(shared.folder.join(SEGMENTS))? {
        if let Some(number) = entry?.file_name().to_str().and_then(number_of) {
            numbers.push(number);
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Opens a segment. Removes a file that is not a segment of this store, since it would only take up space.
fn open<H>(shared: &Shared<H>, number: u64, slot: u32) -> io::Result<Option<Segment>> {
    let folder = shared.folder.join(SEGMENTS);
    let segment = Segment::open(&folder, number, slot, shared.seed)?;
    let Some(segment) = segment.filter(|segment| segment.size_bytes <= shared_size_max()) else {
        std::fs::remove_file(folder.join(format!("{number:016x}.seg")))?;
        return Ok(None);
    };
    Ok(Some(segment))
}

/// Returns the size of the largest segment that offsets in the index can address.
fn shared_size_max() -> u64 {
    (super::UNITS_MAX + 1) * UNIT_BYTES
}

/// Reads a segment's table. Without one, scans the segment and writes the result as its table.
fn lines(segment: &Segment, seed: u64) -> io::Result<Vec<TableLine>> {
    if let Some(lines) = segment.table(seed)? {
        return Ok(lines);
    }
    let lines = segment.scan(seed)?;
    let next_units = lines.last().map_or(1, |last| {
        u64::from(last.offset_units) + u64::from(last.length_units)
    });
    let table_bytes = (lines.len() * super::format::TABLE_LINE_BYTES) as u64;
    if (next_units + 1) * UNIT_BYTES + table_bytes <= segment.size_bytes {
        // Sealing may fail: a full or read-only disk must not keep the segment from being read.
        let _ = segment.seal(&lines, next_units, seed);
    }
    Ok(lines)
}

fn insert<H>(shared: &Shared<H>, shard: usize, mut found: Vec<LoadedRecord>) {
    found.sort_unstable_by_key(|(fingerprint, stamp, _)| (*fingerprint, Reverse(*stamp)));
    found.dedup_by_key(|(fingerprint, _, _)| *fingerprint);
    let ledger = shared.ledger();
    let entries: Vec<(u64, u64)> = found
        .into_iter()
        .filter(|(fingerprint, _, _)| !ledger.is_superseded(*fingerprint))
        .map(|(fingerprint, _, packed)| (fingerprint, packed))
        .collect();
    shared.index.insert_absent(shard, &entries);
}
