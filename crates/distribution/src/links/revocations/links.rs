//! The revocations of single links, of which there may be a million: at most 48 bytes each, found within 100 ns.
//!
//! The table has shards, so that readers never wait for long: a shard is locked while one revocation is put into it or
//! while it grows. A shard is an array in the order of hashes, with gaps. A revocation lies at the position that its
//! hash has in the array's length, or behind it as far as others with lower hashes push it. A search therefore ends at
//! the first higher hash or gap, growing is one pass, and the length may be any number: a table that doubled would be
//! half empty.

use super::{Ended, REPEATS_MAX, RevocationEntry, RevokedBy, Taken, WhyNotTaken};
use privet_sign::{LinkId, Timestamp};
use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Number of shards: a shard of a table of a million has 4000 revocations, and grows in some 50 microseconds.
const SHARDS: usize = 1 << SHARD_BITS;
const SHARD_BITS: u32 = 8;

/// Positions of a shard's first array.
const LENGTH_MIN: usize = 8;

/// Slots behind the last position, for what is pushed beyond it.
const OVERHANG: usize = 24;

/// Set in a slot's number if the revocation cuts.
const CUT: u64 = 1 << 63;

/// True if the table can hold a revocation with this number.
pub(super) fn can_hold(seq: u64) -> bool {
    (1..1 << 62).contains(&seq)
}

/// The revocations of links.
#[derive(Debug)]
pub(super) struct LinkTable {
    shards: Box<[RwLock<Shard>]>,
    /// Nobody can choose links whose hashes are close, for these are not known.
    seeds: [u64; 2],
}

/// One revocation. Half of the link's digest tells links apart; no one finds two links that have it in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot {
    digest: [u64; 2],
    /// The revocation's number, with [`CUT`]. A gap has 0.
    number: u64,
    /// The end, in seconds since the epoch.
    until: u64,
}

#[derive(Debug, Default)]
struct Shard {
    /// Slots for `length` positions, and [`OVERHANG`] more.
    slots: Box<[Slot]>,
    length: usize,
    count: usize,
}

impl Default for LinkTable {
    fn default() -> Self {
        let random = RandomState::new();
        LinkTable {
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            seeds: [random.hash_one(1), random.hash_one(2)],
        }
    }
}

impl LinkTable {
    /// Returns the revocation of a link that is in force at `now`, one that cuts if there is one.
    pub(super) fn find(&self, link: &LinkId, now: Timestamp) -> Option<RevokedBy> {
        let digest = digest_of(link);
        let hash = self.hash(digest);
        let shard = read(&self.shards[shard_of(hash)]);
        let of_link = shard.slots.get(shard.run(self, hash, digest)?..)?;
        let of_link = of_link.iter().take_while(|slot| slot.digest == digest);
        let in_force = of_link.filter(|slot| !slot.is_gap() && now.as_secs() < slot.until);
        let revoked_by = in_force.map(|slot| RevokedBy {
            revocation: slot.seq(),
            cut: slot.number & CUT != 0,
        });
        // There are at most `REPEATS_MAX`, and nearly always one.
        revoked_by.reduce(|one, other| if other.cut && !one.cut { other } else { one })
    }

    /// Adds a revocation, whose number [`can_hold`] permits.
    pub(super) fn insert(
        &self,
        link: &LinkId,
        entry: &RevocationEntry,
    ) -> Result<Taken, WhyNotTaken> {
        let digest = digest_of(link);
        let hash = self.hash(digest);
        let slot = Slot {
            digest,
            number: entry.seq | if entry.cut { CUT } else { 0 },
            until: entry.until.as_secs(),
        };
        write(&self.shards[shard_of(hash)]).insert(self, hash, slot)
    }

    /// Removes the revocations with these numbers; returns how many there were.
    pub(super) fn remove(&self, numbers: &HashSet<u64>) -> u64 {
        let is_one = |slot: &Slot| numbers.contains(&slot.seq());
        self.remove_where(is_one, |_| {})
    }

    /// Removes what ended at or before `before`.
    pub(super) fn remove_ended(&self, before: u64) -> Ended {
        let mut ended = Ended::default();
        self.remove_where(|slot| slot.until <= before, |slot| ended.note(slot.until));
        ended
    }

    /// Removes the slots of which `is_one` is true, shard by shard. Readers wait only where there is one.
    fn remove_where(&self, is_one: impl Fn(&Slot) -> bool, mut removed: impl FnMut(&Slot)) -> u64 {
        let mut count = 0;
        for shard in &self.shards {
            let concerns = |slot: &Slot| !slot.is_gap() && is_one(slot);
            if !read(shard).slots.iter().any(concerns) {
                continue;
            }
            let mut shard = write(shard);
            let gone = shard.slots.iter().filter(|slot| concerns(slot));
            for slot in gone {
                removed(slot);
                count += 1;
            }
            shard.rebuild(self, |slot| !is_one(slot));
        }
        count
    }

    fn hash(&self, digest: [u64; 2]) -> u64 {
        let product = u128::from(digest[0] ^ self.seeds[0]) * u128::from(digest[1] ^ self.seeds[1]);
        let [low, high] = halves(product);
        low ^ high
    }
}

impl Shard {
    /// Returns the index of the link's first slot.
    fn run(&self, table: &LinkTable, hash: u64, digest: [u64; 2]) -> Option<usize> {
        let index = self.place(table, hash, digest)?;
        (self.slots[index].digest == digest && !self.slots[index].is_gap()).then_some(index)
    }

    /// Returns the index at which the link's first slot is, or would be put; `None` if there is no room.
    fn place(&self, table: &LinkTable, hash: u64, digest: [u64; 2]) -> Option<usize> {
        if self.length == 0 {
            return None;
        }
        let mut index = position(hash, self.length);
        loop {
            let slot = self.slots.get(index)?;
            if slot.is_gap() || slot.digest == digest {
                return Some(index);
            }
            let other = table.hash(slot.digest);
            // Links of one hash lie together, in the order of their digests.
            if (other, slot.digest) > (hash, digest) {
                return Some(index);
            }
            index += 1;
        }
    }

    fn insert(&mut self, table: &LinkTable, hash: u64, slot: Slot) -> Result<Taken, WhyNotTaken> {
        if let Some(start) = self.run(table, hash, slot.digest) {
            let of_link = self.slots[start..].iter_mut();
            let of_link =
                of_link.take_while(|other| other.digest == slot.digest && !other.is_gap());
            let mut count = 0;
            for other in of_link {
                if other.seq() == slot.seq() {
                    *other = slot;
                    return Ok(Taken::Known);
                }
                count += 1;
            }
            if count >= REPEATS_MAX {
                return Err(WhyNotTaken::Repeats);
            }
        }
        if self.count + 1 > most(self.length) {
            self.rebuild(table, |_| true);
        }
        while !self.put(table, hash, slot) {
            self.spread(table, longer(self.length), |_| true);
        }
        Ok(Taken::New)
    }

    /// Puts a slot into its place, and pushes those behind it towards the next gap. Returns whether there was one.
    fn put(&mut self, table: &LinkTable, hash: u64, slot: Slot) -> bool {
        let Some(index) = self.place(table, hash, slot.digest) else {
            return false;
        };
        let behind = &self.slots[index..];
        let Some(gap) = behind.iter().position(Slot::is_gap) else {
            return false;
        };
        self.slots.copy_within(index..index + gap, index + 1);
        self.slots[index] = slot;
        self.count += 1;
        true
    }

    /// Spreads what is kept over an array that fits it, with room for one more.
    fn rebuild(&mut self, table: &LinkTable, keep: impl Fn(&Slot) -> bool) {
        let kept = |slot: &&Slot| !slot.is_gap() && keep(slot);
        let count = self.slots.iter().filter(kept).count();
        let mut length = self.length;
        if count + 1 > most(length) {
            length = longer(length);
        } else if count * 2 < length {
            length = longer(longer(count));
        }
        self.spread(table, length, keep);
    }

    /// Spreads what is kept over `length` positions, or more if the overhang is too short.
    fn spread(&mut self, table: &LinkTable, length: usize, keep: impl Fn(&Slot) -> bool) {
        let mut length = length;
        loop {
            let kept = self
                .slots
                .iter()
                .filter(|slot| !slot.is_gap() && keep(slot));
            if let Some((slots, count)) = spread(table, length, kept) {
                *self = Shard {
                    slots,
                    length,
                    count,
                };
                return;
            }
            length = longer(length);
        }
    }
}

/// Spreads slots, in the order of their hashes, over `length` positions; `None` if the overhang is too short.
fn spread<'s>(
    table: &LinkTable,
    length: usize,
    kept: impl Iterator<Item = &'s Slot>,
) -> Option<(Box<[Slot]>, usize)> {
    let mut slots = vec![Slot::GAP; length + OVERHANG].into_boxed_slice();
    let mut next = 0;
    let mut count = 0;
    for slot in kept {
        let index = next.max(position(table.hash(slot.digest), length));
        *slots.get_mut(index)? = *slot;
        next = index + 1;
        count += 1;
    }
    Some((slots, count))
}

impl Slot {
    const GAP: Slot = Slot {
        digest: [0; 2],
        number: 0,
        until: 0,
    };

    fn is_gap(&self) -> bool {
        self.number == 0
    }

    fn seq(&self) -> u64 {
        self.number & !CUT
    }
}

/// Returns how many of `length` positions may be taken: seven eighths.
fn most(length: usize) -> usize {
    length - length / 8
}

/// Returns the next greater length: by an eighth, so that at least three quarters of the positions are taken.
fn longer(length: usize) -> usize {
    (length + length / 8).max(LENGTH_MIN)
}

/// Returns the position that a hash has among `length`; a higher hash has no lower position.
fn position(hash: u64, length: usize) -> usize {
    let [_, high] = halves(u128::from(hash << SHARD_BITS) * length as u128);
    high as usize
}

fn shard_of(hash: u64) -> usize {
    (hash >> (u64::BITS - SHARD_BITS)) as usize
}

/// Returns the low and the high half.
fn halves(number: u128) -> [u64; 2] {
    [number as u64, (number >> 64) as u64]
}

fn digest_of(link: &LinkId) -> [u64; 2] {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, ..] = *link.as_bytes();
    [
        u64::from_be_bytes([a, b, c, d, e, f, g, h]),
        u64::from_be_bytes([i, j, k, l, m, n, o, p]),
    ]
}

fn read(shard: &RwLock<Shard>) -> RwLockReadGuard<'_, Shard> {
    shard.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(shard: &RwLock<Shard>) -> RwLockWriteGuard<'_, Shard> {
    shard.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
