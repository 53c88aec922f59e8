//! Hands out stamps, and tracks which write of a key is the last.

use super::index::Index;
use super::removed::RemovedList;
use crate::key::Key;
use std::collections::{HashMap, HashSet};
use std::io;

/// The state of loading the index.
#[derive(Debug)]
enum Loading {
    /// Loading is under way; these fingerprints have been superseded meanwhile.
    UnderWay(HashSet<u64>),
    Over,
}

/// Stamps that were given out, and the writes that they belong to. All of it is under one lock.
#[derive(Debug)]
pub(super) struct Ledger {
    /// Stamps of the writes that are queued or under way. A write with another stamp has been overtaken.
    pending: HashMap<Key, u64>,
    next_stamp: u64,
    removed: RemovedList,
    loading: Loading,
}

impl Ledger {
    pub(super) fn new(first_stamp: u64, removed: RemovedList) -> Self {
        Ledger {
            pending: HashMap::new(),
            next_stamp: first_stamp,
            removed,
            loading: Loading::UnderWay(HashSet::new()),
        }
    }

    /// Removes the key from the index, overtakes its pending writes, and notes the removal if a record may be on disk.
    /// Returns the stamp of the next write, which is pending until it is settled.
    pub(super) fn supersede(&mut self, key: &Key, index: &Index) -> (u64, io::Result<()>) {
        let stamp = self.stamp();
        let was_pending = self.pending.insert(*key, stamp).is_some();
        let was_written = index.remove(key).is_some();
        let may_be_on_disk = match &mut self.loading {
            Loading::UnderWay(superseded) => {
                superseded.insert(key.fingerprint());
                true
            }
            Loading::Over => was_pending || was_written,
        };
        if may_be_on_disk {
            (stamp, self.removed.append(key, stamp))
        } else {
            (stamp, Ok(()))
        }
    }

    /// Stamps a copy of the key's current record. Returns `None` if a newer write is under way.
    pub(super) fn stamp_copy(&mut self, key: &Key) -> Option<u64> {
        if self.pending.contains_key(key) {
            return None;
        }
        let stamp = self.stamp();
        self.pending.insert(*key, stamp);
        Some(stamp)
    }

    /// True if the write with this stamp is still the last one of the key.
    pub(super) fn is_last(&self, key: &Key, stamp: u64) -> bool {
        self.pending.get(key) == Some(&stamp)
    }

    /// Ends a write, whether or not it succeeded, unless a newer one has overtaken it.
    pub(super) fn settle(&mut self, key: &Key, stamp: u64) {
        if self.is_last(key, stamp) {
            self.pending.remove(key);
        }
    }

    /// True if the fingerprint was superseded while loading.
    pub(super) fn is_superseded(&self, fingerprint: u64) -> bool {
        match &self.loading {
            Loading::UnderWay(superseded) => superseded.contains(&fingerprint),
            Loading::Over => false,
        }
    }

    pub(super) fn end_loading(&mut self) {
        self.loading = Loading::Over;
    }

    pub(super) fn removed(&mut self) -> &mut RemovedList {
        &mut self.removed
    }

    fn stamp(&mut self) -> u64 {
        let stamp = self.next_stamp;
        self.next_stamp += 1;
        stamp
    }
}
