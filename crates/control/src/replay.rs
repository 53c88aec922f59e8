//! Signatures that have changed something: each may do so once, for as long as it would otherwise be in time.

use crate::sigv4::SKEW_SECS_MAX;
use std::collections::{BTreeSet, HashSet};
use thiserror::Error;

/// Signatures remembered by default; 100 bytes each.
pub(crate) const SIGNATURES_MAX: usize = 100_000;
/// Time for which a signature is remembered, from when it says it was made: twice the skew, so that a clock which is
/// set back does not bring it to life again.
const REMEMBERED_SECS: i64 = 2 * SKEW_SECS_MAX;

/// The signatures that were used. What is alive is never forgotten: a full table refuses new ones.
#[derive(Debug)]
pub(crate) struct UsedSignatures {
    signatures: HashSet<[u8; 32]>,
    /// The same signatures by the end of their time.
    ends: BTreeSet<(i64, [u8; 32])>,
    count_max: usize,
}

/// The reason why a signature may not change anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ReplayRefusal {
    /// The signature was used before.
    #[error("this signature has been used before; sign the request anew")]
    Used,
    /// Too many signatures are alive.
    #[error("too many signed changes within ten minutes; try again later")]
    Full,
}

impl UsedSignatures {
    pub(crate) fn new(count_max: usize) -> Self {
        UsedSignatures {
            signatures: HashSet::new(),
            ends: BTreeSet::new(),
            count_max,
        }
    }

    /// Uses a signature made at `signed_at`. Times are in seconds since 1970.
    pub(crate) fn use_once(
        &mut self,
        signature: [u8; 32],
        signed_at: i64,
        now: i64,
    ) -> Result<(), ReplayRefusal> {
        self.forget_ended(now);
        if self.signatures.contains(&signature) {
            return Err(ReplayRefusal::Used);
        }
        if self.signatures.len() >= self.count_max {
            return Err(ReplayRefusal::Full);
        }
        self.signatures.insert(signature);
        let end = signed_at.saturating_add(REMEMBERED_SECS);
        self.ends.insert((end, signature));
        Ok(())
    }

    fn forget_ended(&mut self, now: i64) {
        while let Some(&(end, signature)) = self.ends.first() {
            if end >= now {
                return;
            }
            self.ends.pop_first();
            self.signatures.remove(&signature);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_counts_once_and_a_full_table_forgets_none() {
        let mut used = UsedSignatures::new(2);
        let mut check = |signature: u8, signed_at, now, expected| {
            let got = used.use_once([signature; 32], signed_at, now);
            assert_eq!(got, expected, "{signature} at {now}");
        };
        check(1, 1000, 1000, Ok(()));
        check(1, 1000, 1000, Err(ReplayRefusal::Used));
        check(1, 1000, 1600, Err(ReplayRefusal::Used));
        check(2, 1100, 1000, Ok(()));
        check(3, 1000, 1600, Err(ReplayRefusal::Full));
        check(3, 1500, 1601, Ok(()));
        check(2, 1100, 1601, Err(ReplayRefusal::Used));
    }
}
