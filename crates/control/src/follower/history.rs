//! Notices a database that was put back to an older state: the edge remembers the last change that it has heard of.

use super::Following;
use crate::edge_state::PutBack;
use crate::follower::record::{Facts, KnownChange};
use privet_edge::standard_error;
use privet_store::{ChangeMark, History, Store, StoreError};

impl Following {
    /// Compares the history of the store with the change that was known, and remembers the last one.
    pub(super) async fn compare_history(&mut self, store: &Store) -> Result<(), StoreError> {
        let known = self.record.facts.known.as_ref();
        let known = known.map(|known| ChangeMark {
            seq: known.seq,
            digest: known.digest.clone(),
        });
        let history = store.history(known.as_ref()).await?;
        let before = self.state.put_back;
        self.state.put_back = take_over(&mut self.record.facts, before, &history);
        if self.state.put_back.is_some() && self.state.put_back != before {
            // The numbers of its invalidations are used again by others: all are applied.
            self.record.facts.invalidated = None;
        }
        match (before, self.state.put_back) {
            (None, Some(PutBack { had, has })) => standard_error::warning(format_args!(
                "the database was put back to an older state: change {had} was known here, and the database, whose last \
                 change is {has}, does not have it; it is served as it is: keys that were removed since may open again"
            )),
            (Some(_), None) => {
                standard_error::note("the database has passed the change that was known before");
            }
            (None, None) | (Some(_), Some(_)) => {}
        }
        Ok(())
    }
}

/// Remembers the last change of the history, unless the history lacks the one that was known. Returns how far it was
/// put back, until it has passed both the number that was known and its own of that moment.
fn take_over(facts: &mut Facts, before: Option<PutBack>, history: &History) -> Option<PutBack> {
    let last = &history.last;
    if !history.has_known
        && let Some(known) = &facts.known
    {
        let put_back = before.unwrap_or(PutBack {
            had: known.seq,
            has: last.seq,
        });
        if last.seq <= put_back.had.max(put_back.has) {
            // It may have been put back once more.
            let has = put_back.has.min(last.seq);
            return Some(PutBack { has, ..put_back });
        }
    }
    facts.known = Some(KnownChange {
        seq: last.seq,
        digest: last.digest.clone(),
    });
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(seq: u64, digest: &str, has_known: bool) -> History {
        History {
            last: ChangeMark {
                seq,
                digest: digest.to_owned(),
            },
            has_known,
        }
    }

    /// Passes each history to an edge that knows change 10; checks what it says, and what it knows at the end.
    #[track_caller]
    fn check(histories: &[(History, Option<(u64, u64)>)], known: u64) {
        let mut facts = Facts::default();
        assert_eq!(take_over(&mut facts, None, &history(10, "ten", true)), None);
        let mut put_back = None;
        for (history, expected) in histories {
            put_back = take_over(&mut facts, put_back, history);
            let said = put_back.map(|PutBack { had, has }| (had, has));
            assert_eq!(said, *expected, "{history:?}");
        }
        assert_eq!(facts.known.map(|known| known.seq), Some(known));
    }

    #[test]
    fn an_older_state_is_said_until_the_number_is_passed() {
        let less = |seq| history(seq, "other", false);
        check(&[(less(8), Some((10, 8)))], 10);
        check(&[(less(0), Some((10, 0)))], 10);
        check(
            &[
                (less(8), Some((10, 8))),
                (less(9), Some((10, 8))),
                (less(7), Some((10, 7))),
                (less(10), Some((10, 7))),
                (less(11), None),
            ],
            11,
        );
    }

    #[test]
    fn another_change_of_the_same_number_is_an_older_state() {
        check(&[(history(10, "other", false), Some((10, 10)))], 10);
        check(
            &[
                (history(14, "other", false), Some((10, 14))),
                (history(14, "other", false), Some((10, 14))),
                (history(15, "other", false), None),
            ],
            15,
        );
    }

    #[test]
    fn a_history_that_goes_on_says_nothing() {
        check(&[(history(10, "ten", true), None)], 10);
        check(&[(history(12, "twelve", true), None)], 12);
        // What was put back is there again.
        check(
            &[
                (history(8, "other", false), Some((10, 8))),
                (history(10, "ten", true), None),
            ],
            10,
        );
    }
}
