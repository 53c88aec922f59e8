//! Maps keys to locations on disk: 16 bytes per cell, in tables that are still more than half full after they grow.
//!
//! A table stores 64 bits of a key, and the shard implies some more; a reader of a record compares the whole key.

use crate::key::Key;
use std::mem::size_of;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

const SHARDS: usize = 256;
/// Capacity of the smallest table that holds anything.
const CAPACITY_MIN: usize = 8;
const USES_MAX: u64 = 3;

const SLOT_BITS: u32 = 20;
const UNIT_BITS: u32 = 19;
const LENGTH_SHIFT: u32 = UNIT_BITS;
const SLOT_SHIFT: u32 = 2 * UNIT_BITS;
const USES_SHIFT: u32 = SLOT_SHIFT + SLOT_BITS;
const BLOCK_SHIFT: u32 = USES_SHIFT + 2;
const TAKEN_SHIFT: u32 = BLOCK_SHIFT + 1;

/// Number of segments that an index can tell apart.
pub(super) const SLOTS_MAX: usize = 1 << SLOT_BITS;
/// The largest offset and length, in units.
pub(super) const UNITS_MAX: u64 = (1 << UNIT_BITS) - 1;

/// The location of one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Location {
    /// Slot of the record's segment.
    pub(super) slot: u32,
    pub(super) offset_units: u32,
    pub(super) length_units: u32,
    pub(super) is_block: bool,
}

impl Location {
    /// Packs the location into a cell's word, with a use count of 0.
    pub(super) fn pack(self) -> u64 {
        u64::from(self.offset_units)
            | u64::from(self.length_units) << LENGTH_SHIFT
            | u64::from(self.slot) << SLOT_SHIFT
            | u64::from(self.is_block) << BLOCK_SHIFT
            | 1 << TAKEN_SHIFT
    }

    fn unpack(packed: u64) -> Self {
        Location {
            slot: bits(packed, SLOT_SHIFT, SLOT_BITS),
            offset_units: bits(packed, 0, UNIT_BITS),
            length_units: bits(packed, LENGTH_SHIFT, UNIT_BITS),
            is_block: bits(packed, BLOCK_SHIFT, 1) == 1,
        }
    }
}

fn bits(packed: u64, shift: u32, count: u32) -> u32 {
    u32::try_from(packed >> shift & ((1 << count) - 1)).expect("fields are 20 bits at most")
}

/// Fingerprint and packed location of an entry. A location of 0 marks a free cell.
#[derive(Debug, Default)]
struct Cell {
    fingerprint: u64,
    packed: AtomicU64,
}

impl Cell {
    fn is_free(&self) -> bool {
        self.packed.load(Ordering::Relaxed) == 0
    }
}

/// A hash table with linear probing. A removal moves later cells back, so there are no tombstones.
#[derive(Debug, Default)]
struct Table {
    cells: Box<[Cell]>,
    taken: usize,
}

/// The place on disk of each key, by shard, for all threads.
#[derive(Debug)]
pub(super) struct Index {
    shards: Box<[RwLock<Table>]>,
}

impl Index {
    pub(super) fn new() -> Self {
        Index {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
        }
    }

    /// Returns the number of shards.
    pub(super) const fn shards() -> usize {
        SHARDS
    }

    /// Looks an entry up and counts a use of it.
    pub(super) fn find_to_use(&self, key: &Key) -> Option<Location> {
        let table = self.read(key);
        let cell = table.cell(key.fingerprint())?;
        let packed = cell.packed.load(Ordering::Relaxed);
        if packed >> USES_SHIFT & USES_MAX < USES_MAX {
            // Two concurrent readers may count as one.
            cell.packed
                .store(packed + (1 << USES_SHIFT), Ordering::Relaxed);
        }
        Some(Location::unpack(packed))
    }

    /// Looks an entry up. Returns its location and its number of uses.
    pub(super) fn find(&self, key: &Key) -> Option<(Location, u64)> {
        let table = self.read(key);
        let packed = table
            .cell(key.fingerprint())?
            .packed
            .load(Ordering::Relaxed);
        Some((Location::unpack(packed), packed >> USES_SHIFT & USES_MAX))
    }

    /// Inserts an entry, replacing the key's earlier one.
    pub(super) fn insert(&self, key: &Key, location: Location, uses: u64) {
        let packed = location.pack() | uses.min(USES_MAX) << USES_SHIFT;
        self.write(key).insert(key.fingerprint(), packed);
    }

    /// Inserts entries of one shard, as fingerprints and packed locations, where there is none yet.
    pub(super) fn insert_absent(&self, shard: usize, entries: &[(u64, u64)]) {
        let mut table = write(&self.shards[shard]);
        table.reserve(entries.len());
        for (fingerprint, packed) in entries {
            if table.cell(*fingerprint).is_none() {
                table.insert(*fingerprint, *packed);
            }
        }
    }

    pub(super) fn remove(&self, key: &Key) -> Option<Location> {
        let packed = self.write(key).remove(key.fingerprint())?;
        Some(Location::unpack(packed))
    }

    /// Removes an entry if it is still at `location`.
    pub(super) fn remove_at(&self, key: &Key, location: Location) -> Option<Location> {
        let mut table = self.write(key);
        let packed = table
            .cell(key.fingerprint())?
            .packed
            .load(Ordering::Relaxed);
        if Location::unpack(packed) != location {
            return None;
        }
        table.remove(key.fingerprint()).map(Location::unpack)
    }

    /// Removes all entries of one segment. It is slow, and meant for a segment whose table is lost.
    pub(super) fn remove_slot(&self, slot: u32) {
        for shard in &self.shards {
            let mut table = write(shard);
            let cells = table.cells.iter().filter(|cell| !cell.is_free());
            let lost: Vec<u64> = cells
                .filter(|cell| Location::unpack(cell.packed.load(Ordering::Relaxed)).slot == slot)
                .map(|cell| cell.fingerprint)
                .collect();
            for fingerprint in lost {
                table.remove(fingerprint);
            }
        }
    }

    pub(super) fn len(&self) -> u64 {
        let shards = self.shards.iter();
        shards.map(|shard| read(shard).taken as u64).sum()
    }

    /// Returns the memory that the tables take up.
    pub(super) fn size_bytes(&self) -> u64 {
        let cells: usize = self
            .shards
            .iter()
            .map(|shard| read(shard).cells.len())
            .sum();
        (cells * size_of::<Cell>() + SHARDS * size_of::<RwLock<Table>>()) as u64
    }

    fn read(&self, key: &Key) -> RwLockReadGuard<'_, Table> {
        read(&self.shards[key.shard(SHARDS)])
    }

    fn write(&self, key: &Key) -> RwLockWriteGuard<'_, Table> {
        write(&self.shards[key.shard(SHARDS)])
    }
}

fn read(shard: &RwLock<Table>) -> RwLockReadGuard<'_, Table> {
    shard.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(shard: &RwLock<Table>) -> RwLockWriteGuard<'_, Table> {
    shard.write().unwrap_or_else(PoisonError::into_inner)
}

impl Table {
    fn cell(&self, fingerprint: u64) -> Option<&Cell> {
        let at = self.position(fingerprint)?;
        let cell = &self.cells[at];
        (!cell.is_free()).then_some(cell)
    }

    /// Returns the position of the fingerprint's cell, or of the free cell where it would go. `None` if there
    /// are no cells.
    fn position(&self, fingerprint: u64) -> Option<usize> {
        if self.cells.is_empty() {
            return None;
        }
        let mut at = self.home(fingerprint);
        while !self.cells[at].is_free() && self.cells[at].fingerprint != fingerprint {
            at = self.after(at);
        }
        Some(at)
    }

    /// Scales the fingerprint to the table's length, which need not be a power of two, so that a table can
    /// grow by half.
    fn home(&self, fingerprint: u64) -> usize {
        let product = u128::from(fingerprint) * self.cells.len() as u128;
        usize::try_from(product >> 64).expect("a share of the length is less than the length")
    }

    fn after(&self, at: usize) -> usize {
        if at + 1 == self.cells.len() {
            0
        } else {
            at + 1
        }
    }

    fn insert(&mut self, fingerprint: u64, packed: u64) {
        self.reserve(1);
        let at = self
            .position(fingerprint)
            .expect("a table with room has cells");
        let cell = &mut self.cells[at];
        if cell.is_free() {
            self.taken += 1;
        }
        cell.fingerprint = fingerprint;
        *cell.packed.get_mut() = packed;
    }

    /// Grows by half, or as far as `more` entries need, if more than seven in eight cells would be taken.
    fn reserve(&mut self, more: usize) {
        let wanted = self.taken + more;
        if wanted * 8 <= self.cells.len() * 7 {
            return;
        }
        let half_more = self.cells.len() + self.cells.len() / 2;
        let capacity = (wanted * 5 / 4).max(half_more).max(CAPACITY_MIN);
        let cells = (0..capacity).map(|_| Cell::default()).collect();
        let old = std::mem::replace(&mut self.cells, cells);
        self.taken = 0;
        for cell in old.into_iter().filter(|cell| !cell.is_free()) {
            let packed = cell.packed.into_inner();
            let at = self
                .position(cell.fingerprint)
                .expect("a grown table has cells");
            self.cells[at].fingerprint = cell.fingerprint;
            *self.cells[at].packed.get_mut() = packed;
            self.taken += 1;
        }
    }

    fn remove(&mut self, fingerprint: u64) -> Option<u64> {
        let mut hole = self.position(fingerprint)?;
        if self.cells[hole].is_free() {
            return None;
        }
        let removed = std::mem::take(&mut self.cells[hole]).packed.into_inner();
        self.taken -= 1;
        let mut at = self.after(hole);
        while !self.cells[at].is_free() {
            let home = self.home(self.cells[at].fingerprint);
            // The cell may move back only if that does not put it before its home.
            let home_to_cell = self.distance(home, at);
            if home_to_cell >= self.distance(hole, at) {
                self.cells.swap(hole, at);
                hole = at;
            }
            at = self.after(at);
        }
        Some(removed)
    }

    fn distance(&self, from: usize, to: usize) -> usize {
        if to >= from {
            to - from
        } else {
            to + self.cells.len() - from
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    fn location(number: u32) -> Location {
        Location {
            slot: number % 1_000_000,
            offset_units: number % 524_288,
            length_units: 524_287,
            is_block: number.is_multiple_of(2),
        }
    }

    proptest! {
        #[test]
        fn a_table_does_as_a_map_does(steps in prop::collection::vec((0..3_u8, 0..60_u64), 0..400)) {
            let mut table = Table::default();
            let mut map = HashMap::new();
            for (step, number) in steps {
                // The fingerprints crowd at both ends, so that runs wrap around.
                let fingerprint = number.wrapping_mul(3).wrapping_sub(90);
                let packed = location(u32::try_from(number).unwrap()).pack();
                match step {
                    0 => prop_assert_eq!(table.remove(fingerprint), map.remove(&fingerprint)),
                    _ => {
                        table.insert(fingerprint, packed);
                        map.insert(fingerprint, packed);
                    }
                }
                prop_assert_eq!(table.taken, map.len());
            }
            for (fingerprint, packed) in map {
                let cell = table.cell(fingerprint).unwrap();
                prop_assert_eq!(cell.packed.load(Ordering::Relaxed), packed);
            }
        }
    }

    #[test]
    fn a_location_survives_packing() {
        for number in [0, 1, 999_999, 524_287, 524_288] {
            assert_eq!(Location::unpack(location(number).pack()), location(number));
        }
    }

    #[test]
    fn an_entry_takes_32_bytes_at_most() {
        let index = Index::new();
        for number in 0..200_000_u64 {
            index.insert(&crate::block_key([3; 16], number), location(1), 0);
            if number > 50_000 && number.is_multiple_of(1_000) {
                assert!(index.size_bytes() <= 32 * (number + 1), "{number}");
            }
        }
    }

    #[test]
    fn uses_are_counted_to_three() {
        let index = Index::new();
        let key = crate::block_key([3; 16], 1);
        index.insert(&key, location(7), 0);
        for uses in [1, 2, 3, 3] {
            assert_eq!(index.find_to_use(&key), Some(location(7)));
            assert_eq!(index.find(&key), Some((location(7), uses)));
        }
        assert_eq!(index.remove_at(&key, location(8)), None);
        assert_eq!(index.remove_at(&key, location(7)), Some(location(7)));
        assert_eq!(index.find(&key), None);
    }

    #[test]
    fn a_slot_can_be_cleared() {
        let index = Index::new();
        for number in 0..100 {
            let key = crate::block_key([3; 16], number);
            index.insert(&key, location(u32::try_from(number % 3).unwrap()), 0);
        }
        index.remove_slot(1);
        assert_eq!(index.len(), 67);
    }
}
