//! Adding the counts of a batch to those of the ledger.

use super::LedgerEntry;
use crate::limits::{LEDGER_ADDRESSES_MAX, LEDGER_REASONS_MAX};

/// Reason that stands for those for which there is no more room.
const OTHER_REASON: &str = "other";
/// Largest count that the databases keep.
const COUNT_MAX: u64 = i64::MAX.unsigned_abs();

/// Returns the sum of both. Where more addresses are known than are kept, the last ones stay.
pub(super) fn merged(stored: LedgerEntry, new: &LedgerEntry) -> LedgerEntry {
    let served = match (stored.served, new.served) {
        (Some((first, last)), Some((new_first, new_last))) => {
            Some((first.min(new_first), last.max(new_last)))
        }
        (one, other) => one.or(other),
    };
    let mut refusals = stored.refusals;
    for (reason, count) in &new.refusals {
        let has_room = refusals.contains_key(reason) || refusals.len() < LEDGER_REASONS_MAX - 1;
        let reason = if has_room { reason } else { OTHER_REASON };
        let known = refusals.entry(reason.to_owned()).or_default();
        *known = sum(*known, *count);
    }
    let mut addresses = stored.addresses;
    for address in &new.addresses {
        addresses.retain(|known| known != address);
        addresses.push(address.clone());
    }
    let surplus = addresses.len().saturating_sub(LEDGER_ADDRESSES_MAX);
    addresses.drain(..surplus);
    LedgerEntry {
        digest: stored.digest,
        served,
        uses: sum(stored.uses, new.uses),
        viewers: sum(stored.viewers, new.viewers),
        bytes: sum(stored.bytes, new.bytes),
        watched_seconds: sum(stored.watched_seconds, new.watched_seconds),
        refusals,
        addresses,
    }
}

fn sum(one: u64, other: u64) -> u64 {
    one.saturating_add(other).min(COUNT_MAX)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{COUNT_MAX, LEDGER_ADDRESSES_MAX, LEDGER_REASONS_MAX, LedgerEntry, merged};
    use crate::{LinkDigest, Timestamp};

    fn entry(served: Option<(i64, i64)>) -> LedgerEntry {
        LedgerEntry {
            digest: LinkDigest::from_bytes([1; 32]),
            served: served.map(|(first, last)| {
                (
                    Timestamp::from_seconds(first),
                    Timestamp::from_seconds(last),
                )
            }),
            uses: 1,
            viewers: 1,
            bytes: COUNT_MAX - 1,
            watched_seconds: 2,
            refusals: BTreeMap::new(),
            addresses: Vec::new(),
        }
    }

    #[test]
    fn times_widen_and_counts_end_at_their_limit() {
        let times = |one, other| merged(entry(one), &entry(other)).served;
        assert_eq!(times(None, None), None);
        assert_eq!(times(Some((3, 4)), None), entry(Some((3, 4))).served);
        assert_eq!(times(None, Some((3, 4))), entry(Some((3, 4))).served);
        assert_eq!(
            times(Some((3, 4)), Some((1, 9))),
            entry(Some((1, 9))).served
        );
        let both = merged(entry(None), &entry(None));
        assert_eq!((both.uses, both.watched_seconds), (2, 4));
        assert_eq!(both.bytes, COUNT_MAX);
    }

    #[test]
    fn addresses_and_reasons_are_bounded() {
        let mut stored = entry(None);
        for batch in 0..10 {
            let mut new = entry(None);
            for number in 0..LEDGER_ADDRESSES_MAX / 4 {
                new.addresses.push(format!("{batch}-{number}"));
            }
            for number in 0..LEDGER_REASONS_MAX / 4 {
                new.refusals.insert(format!("{batch}-{number}"), 1);
            }
            stored = merged(stored, &new);
        }
        assert_eq!(stored.addresses.len(), LEDGER_ADDRESSES_MAX);
        assert_eq!(stored.addresses[0], "6-0");
        assert_eq!(stored.refusals.len(), LEDGER_REASONS_MAX);
        assert_eq!(stored.refusals.values().sum::<u64>(), 80);
        assert_eq!(stored.refusals["other"], 80 - 31);
        let mut again = entry(None);
        again.addresses.push("6-0".to_owned());
        let stored = merged(stored, &again);
        assert_eq!(stored.addresses.last().map(String::as_str), Some("6-0"));
        assert_eq!(stored.addresses.len(), LEDGER_ADDRESSES_MAX);
    }
}
