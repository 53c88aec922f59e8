//! Remembers for a while the entries that left probation unused.

use std::collections::{HashMap, VecDeque};

/// Memory that one remembered fingerprint takes up, in the table and in the queue.
pub(super) const GHOST_OVERHEAD_BYTES: u64 = 64;

/// Fingerprints in the order of their eviction, as many as the limits of weight and count allow.
#[derive(Debug, Default)]
pub(super) struct Ghost {
    /// Number of each fingerprint's last eviction. A queue member with another number is of an earlier one.
    members: HashMap<u64, u64>,
    queue: VecDeque<Member>,
    weight_bytes: u64,
    next_number: u64,
}

#[derive(Debug)]
struct Member {
    fingerprint: u64,
    number: u64,
    weight_bytes: u64,
}

impl Ghost {
    /// Remembers a fingerprint and forgets the eldest ones beyond either limit.
    pub(super) fn insert(
        &mut self,
        fingerprint: u64,
        weight_bytes: u64,
        weight_bytes_max: u64,
        count_max: usize,
    ) {
        self.next_number += 1;
        self.members.insert(fingerprint, self.next_number);
        self.queue.push_back(Member {
            fingerprint,
            number: self.next_number,
            weight_bytes,
        });
        self.weight_bytes += weight_bytes;
        while self.weight_bytes > weight_bytes_max || self.queue.len() > count_max {
            self.forget_eldest();
        }
    }

    /// Forgets the fingerprint. Returns true if it was remembered.
    pub(super) fn take(&mut self, fingerprint: u64) -> bool {
        self.members.remove(&fingerprint).is_some()
    }

    /// Returns the memory that all ghosts take up.
    pub(super) fn size_bytes(&self) -> u64 {
        self.queue.len() as u64 * GHOST_OVERHEAD_BYTES
    }

    pub(super) fn forget_eldest(&mut self) {
        let Some(eldest) = self.queue.pop_front() else {
            return;
        };
        self.weight_bytes -= eldest.weight_bytes;
        if self.members.get(&eldest.fingerprint) == Some(&eldest.number) {
            self.members.remove(&eldest.fingerprint);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eldest_is_forgotten_first() {
        let mut ghost = Ghost::default();
        for fingerprint in 0..5 {
            ghost.insert(fingerprint, 10, 30, 100);
        }
        assert!(!ghost.take(0));
        assert!(!ghost.take(1));
        assert!(ghost.take(2));
        assert!(!ghost.take(2));
        assert!(ghost.take(4));
    }

    #[test]
    fn a_second_leaving_outlives_the_first() {
        let mut ghost = Ghost::default();
        ghost.insert(1, 10, 30, 100);
        ghost.insert(2, 10, 30, 100);
        ghost.insert(1, 10, 30, 100);
        ghost.insert(3, 10, 30, 100);
        assert!(ghost.take(1));
        assert_eq!(ghost.size_bytes(), 3 * GHOST_OVERHEAD_BYTES);
    }
}
