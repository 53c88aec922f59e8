//! Gives out stamps, and knows which write of a key is the last.

use super::index::Index;
use super::removed::RemovedList;
use crate::key::Key;
use std::collections::{HashMap, HashSet};
use std::io;

/// Whether everything on disk is in the index.
#[derive(Debug)]
enum Loading {
    /// Not yet; these fingerprints have been superseded meanwhile.
    UnderWay(HashSet<u64>),
    Over,
}

/// See the file's own words.
#[derive(Debug)]
pub(super) struct Ledger {
    /// What waits or is being written, with the stamp that it must still have at the end.
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

    /// Takes the key out of the index, overtakes writes of it, and writes the removal down if there was anything. Gives
    /// the stamp of what comes after, which is pending until it is settled.
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

    /// Stamps a copy of what the index says now; `None` when something newer is under way.
    pub(super) fn stamp_copy(&mut self, key: &Key) -> Option<u64> {
        if self.pending.contains_key(key) {
            return None;
        }
        let stamp = self.stamp();
        self.pending.insert(*key, stamp);
        Some(stamp)
    }

    /// Whether the write with this stamp is still the last word on the key.
    pub(super) fn is_last(&self, key: &Key, stamp: u64) -> bool {
        self.pending.get(key) == Some(&stamp)
    }

    /// Ends a write, whichever way it went, unless something newer has overtaken it.
    pub(super) fn settle(&mut self, key: &Key, stamp: u64) {
        if self.is_last(key, stamp) {
            self.pending.remove(key);
        }
    }

    /// Whether the fingerprint was superseded while loading.
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
