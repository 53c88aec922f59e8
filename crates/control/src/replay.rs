//! Signatures that have changed something: each may do so once, for as long as it would otherwise be in time.

use crate::sigv4::{SKEW_SECS_MAX, Verified};
use std::collections::{BTreeSet, HashMap, HashSet};
use thiserror::Error;

/// Signatures remembered by default; some 200 bytes each.
const SIGNATURES_MAX: usize = 100_000;
/// Of these the most of one access key: no operator keeps the others from changing anything.
const KEY_SIGNATURES_MAX: usize = 10_000;
/// Time for which a signature is remembered, from when it says it was made: twice the skew, so that a clock which is
/// set back does not bring it to life again.
const REMEMBERED_SECS: i64 = 2 * SKEW_SECS_MAX;

/// The signatures that were used. What is alive is never forgotten: a full table refuses new ones.
#[derive(Debug)]
pub(crate) struct UsedSignatures {
    signatures: HashSet<[u8; 32]>,
    /// The same signatures by the end of their time, with their access keys.
    ends: BTreeSet<(i64, [u8; 32], String)>,
    /// Number of signatures of each access key.
    by_key: HashMap<String, usize>,
    limits: Limits,
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    all: usize,
    of_one_key: usize,
}

/// The reason why a signature may not change anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReplayRefusal {
    /// The signature was used before.
    #[error("this signature has been used before; sign the request anew")]
    Used,
    /// Too many signatures are alive, of this key or of all.
    #[error("too many signed changes within ten minutes; try again later")]
    Full,
    /// The request was signed before this process began, which does not know what was used until then.
    #[error("the change was signed before this edge began to serve; sign it again")]
    BeforeStart,
}

impl Default for UsedSignatures {
    fn default() -> Self {
        UsedSignatures::new(Limits {
            all: SIGNATURES_MAX,
            of_one_key: KEY_SIGNATURES_MAX,
        })
    }
}

impl UsedSignatures {
    fn new(limits: Limits) -> Self {
        UsedSignatures {
            signatures: HashSet::new(),
            ends: BTreeSet::new(),
            by_key: HashMap::new(),
            limits,
        }
    }

    /// Uses a signature up. Times are in seconds since 1970.
    pub(crate) fn use_once(&mut self, verified: &Verified, now: i64) -> Result<(), ReplayRefusal> {
        self.forget_ended(now);
        if self.signatures.contains(&verified.signature) {
            return Err(ReplayRefusal::Used);
        }
        let of_key = self.by_key.get(&verified.access_key_id).copied();
        let of_key = of_key.unwrap_or_default();
        if self.signatures.len() >= self.limits.all || of_key >= self.limits.of_one_key {
            return Err(ReplayRefusal::Full);
        }
        let key = verified.access_key_id.clone();
        self.signatures.insert(verified.signature);
        self.by_key.insert(key.clone(), of_key + 1);
        let end = verified.signed_at.saturating_add(REMEMBERED_SECS);
        self.ends.insert((end, verified.signature, key));
        Ok(())
    }

    /// Lets a signature be used again whose change was refused.
    pub(crate) fn give_back(&mut self, verified: &Verified) {
        if self.signatures.remove(&verified.signature) {
            let end = verified.signed_at.saturating_add(REMEMBERED_SECS);
            let key = verified.access_key_id.clone();
            self.forget_one_of(&key);
            self.ends.remove(&(end, verified.signature, key));
        }
    }

    /// Counts one signature less of a key.
    fn forget_one_of(&mut self, key: &str) {
        if let Some(count) = self.by_key.get_mut(key) {
            *count -= 1;
            if *count == 0 {
                self.by_key.remove(key);
            }
        }
    }

    fn forget_ended(&mut self, now: i64) {
        while self.ends.first().is_some_and(|(end, ..)| *end < now) {
            let Some((_, signature, key)) = self.ends.pop_first() else {
                return;
            };
            self.signatures.remove(&signature);
            self.forget_one_of(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_counts_once_and_a_full_table_forgets_none() {
        let mut used = UsedSignatures::new(Limits {
            all: 3,
            of_one_key: 2,
        });
        let mut check = |(key, signature): (&str, u8), signed_at, now, expected| {
            let verified = Verified {
                access_key_id: key.to_owned(),
                signature: [signature; 32],
                signed_at,
            };
            let got = used.use_once(&verified, now);
            assert_eq!(got, expected, "{key} {signature} at {now}");
        };
        check(("A", 1), 1000, 1000, Ok(()));
        check(("A", 1), 1000, 1000, Err(ReplayRefusal::Used));
        check(("A", 1), 1000, 1600, Err(ReplayRefusal::Used));
        check(("A", 2), 1100, 1000, Ok(()));
        // One key has as many as it may, and another is not kept out by that.
        check(("A", 3), 1000, 1600, Err(ReplayRefusal::Full));
        check(("B", 4), 1100, 1600, Ok(()));
        check(("C", 5), 1000, 1600, Err(ReplayRefusal::Full));
        check(("A", 3), 1500, 1601, Ok(()));
        check(("A", 2), 1100, 1601, Err(ReplayRefusal::Used));
    }

    #[test]
    fn what_is_given_back_counts_again_once() {
        let mut used = UsedSignatures::new(Limits {
            all: 1,
            of_one_key: 1,
        });
        let verified = |signature| Verified {
            access_key_id: "A".to_owned(),
            signature: [signature; 32],
            signed_at: 1000,
        };
        assert_eq!(used.use_once(&verified(1), 1000), Ok(()));
        used.give_back(&verified(2));
        let again = used.use_once(&verified(1), 1000);
        assert_eq!(again, Err(ReplayRefusal::Used));
        used.give_back(&verified(1));
        used.give_back(&verified(1));
        assert_eq!(used.use_once(&verified(1), 1000), Ok(()));
        let other = used.use_once(&verified(2), 1000);
        assert_eq!(other, Err(ReplayRefusal::Full));
        assert_eq!((used.by_key.len(), used.ends.len()), (1, 1));
    }
}
