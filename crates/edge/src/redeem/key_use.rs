//! When each public key last opened something, to the minute: what is still in use must not be taken away.
//!
//! Every request with a grant notes it, so it costs no lock and rarely a write.

use arc_swap::ArcSwap;
use privet_sign::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Keys that are remembered; of more, those that opened something last.
const KEYS_MAX: usize = 1_000;
const MINUTE_SECS: u64 = 60;

/// The last use of keys by their ids. Only keys that a configuration trusts get here, for only these open anything.
#[derive(Debug, Default)]
pub(crate) struct KeyUse {
    minutes: ArcSwap<Minutes>,
}

type Minutes = HashMap<Arc<str>, Arc<AtomicU32>>;

impl KeyUse {
    /// Notes that a grant of a key was accepted.
    pub(crate) fn note(&self, key_pair_id: &str, now: Timestamp) {
        let minute = u32::try_from(now.as_secs() / MINUTE_SECS).unwrap_or(u32::MAX);
        match self.minutes.load().get(key_pair_id) {
            // Most requests come in a minute that is noted already, and leave the cache line alone.
            Some(last) if last.load(Ordering::Relaxed) >= minute => {}
            Some(last) => drop(last.fetch_max(minute, Ordering::Relaxed)),
            None => self.add(key_pair_id, minute),
        }
    }

    /// Returns the beginnings of the minutes in which keys last opened something.
    pub(crate) fn last_opened(&self) -> BTreeMap<String, Timestamp> {
        let minutes = self.minutes.load();
        let last_opened = minutes.iter().map(|(id, minute)| {
            let seconds = u64::from(minute.load(Ordering::Relaxed)) * MINUTE_SECS;
            (id.to_string(), Timestamp::from_secs(seconds))
        });
        last_opened.collect()
    }

    fn add(&self, key_pair_id: &str, minute: u32) {
        self.minutes.rcu(|before| {
            let mut minutes = Minutes::clone(before);
            // Another worker may have added it meanwhile.
            let last = minutes.entry(key_pair_id.into()).or_default();
            last.fetch_max(minute, Ordering::Relaxed);
            if minutes.len() > KEYS_MAX {
                let last =
                    |(_, minute): &(&Arc<str>, &Arc<AtomicU32>)| minute.load(Ordering::Relaxed);
                let oldest = minutes
                    .iter()
                    .min_by_key(last)
                    .map(|(id, _)| Arc::clone(id));
                oldest.map(|id| minutes.remove(&id));
            }
            minutes
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Timestamp {
        Timestamp::from_secs(secs)
    }

    #[test]
    fn a_clock_that_goes_back_makes_nothing_older() {
        let keys = KeyUse::default();
        keys.note("K1", at(600));
        keys.note("K1", at(60));
        keys.note("K2", at(59));
        let expected = [("K1".to_owned(), at(600)), ("K2".to_owned(), at(0))];
        assert_eq!(keys.last_opened(), BTreeMap::from(expected));
        keys.note("K1", at(719));
        assert_eq!(keys.last_opened()["K1"], at(660));
    }

    #[test]
    fn of_too_many_keys_the_longest_unused_are_forgotten() {
        let keys = KeyUse::default();
        for number in 0..KEYS_MAX as u64 + 5 {
            keys.note(&format!("K{number}"), at(number * MINUTE_SECS));
        }
        let known = keys.last_opened();
        assert_eq!(known.len(), KEYS_MAX);
        assert!(!known.contains_key("K4") && known.contains_key("K5"));
    }

    #[test]
    fn workers_note_together() {
        let keys = KeyUse::default();
        std::thread::scope(|scope| {
            for worker in 0..4_u64 {
                let keys = &keys;
                scope.spawn(move || {
                    for round in 0..100 {
                        keys.note(&format!("K{round}"), at(worker * MINUTE_SECS));
                    }
                });
            }
        });
        let known = keys.last_opened();
        assert_eq!(known.len(), 100);
        assert!(
            known.values().all(|last| *last == at(3 * MINUTE_SECS)),
            "{known:?}"
        );
    }
}
