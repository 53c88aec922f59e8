//! How many entries of the audit trail one sender can make without changing anything: some a minute, and the number of
//! those that were left out.

use std::collections::HashMap;

const WINDOW_SECS: i64 = 60;
const WRITTEN_MAX: u32 = 60;
/// Senders that are told apart. All others count as one.
const SENDERS_MAX: usize = 1_000;

/// The refusals and readings within the current minute, by who caused them.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    senders: HashMap<(Sender, Matter), Window>,
    /// Those for whom there is no room.
    others: Window,
}

/// The sender of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Sender {
    /// All who are not known together.
    Stranger,
    /// An operator, by name.
    Operator(String),
}

/// Something that is written down and has changed nothing. Refusals hide no readings, and the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Matter {
    Refusal,
    Reading,
}

#[derive(Clone, Copy, Debug, Default)]
struct Window {
    began: i64,
    written: u32,
    left_out: u64,
}

impl Refusals {
    /// Returns the number of entries of that sender that were left out before this one, if this one is written down.
    /// `now` is in seconds since 1970.
    pub(crate) fn admit(&mut self, sender: Sender, matter: Matter, now: i64) -> Option<u64> {
        let key = (sender, matter);
        if !self.senders.contains_key(&key) && self.senders.len() >= SENDERS_MAX {
            // One that has left nothing out is as one that was never heard of.
            self.senders
                .retain(|_, window| !window.is_over(now) || window.left_out > 0);
            if self.senders.len() >= SENDERS_MAX {
                return self.others.admit(now);
            }
        }
        self.senders.entry(key).or_default().admit(now)
    }
}

impl Window {
    /// Returns true after its time, and if the clock was set back to before its beginning.
    fn is_over(self, now: i64) -> bool {
        now.saturating_sub(self.began) >= WINDOW_SECS || now < self.began
    }

    fn admit(&mut self, now: i64) -> Option<u64> {
        if self.is_over(now) {
            self.began = now;
            self.written = 0;
        }
        if self.written >= WRITTEN_MAX {
            self.left_out = self.left_out.saturating_add(1);
            return None;
        }
        self.written += 1;
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operator(number: usize) -> Sender {
        Sender::Operator(format!("operator-{number}"))
    }

    #[test]
    fn of_many_refusals_some_are_written_down() {
        for sender in [Sender::Stranger, operator(1)] {
            let mut refusals = Refusals::default();
            let mut admit = |now| refusals.admit(sender.clone(), Matter::Refusal, now);
            for _ in 0..WRITTEN_MAX {
                assert_eq!(admit(100), Some(0));
            }
            assert_eq!(admit(100), None);
            assert_eq!(admit(159), None);
            assert_eq!(admit(160), Some(2));
            assert_eq!(admit(160), Some(0));
        }
    }

    #[test]
    fn nobody_hides_what_others_do_nor_what_is_read() {
        let mut refusals = Refusals::default();
        for _ in 0..=WRITTEN_MAX {
            refusals.admit(operator(1), Matter::Refusal, 100);
        }
        let mut admit = |sender, matter| refusals.admit(sender, matter, 100);
        assert_eq!(admit(operator(1), Matter::Refusal), None);
        assert_eq!(admit(operator(1), Matter::Reading), Some(0));
        assert_eq!(admit(operator(2), Matter::Refusal), Some(0));
        assert_eq!(admit(Sender::Stranger, Matter::Refusal), Some(0));
    }

    #[test]
    fn the_table_has_a_limit() {
        let mut refusals = Refusals::default();
        for number in 0..2 * SENDERS_MAX {
            refusals.admit(operator(number), Matter::Refusal, 100);
        }
        assert_eq!(refusals.senders.len(), SENDERS_MAX);
        // Those for whom there was no room share one count.
        let late = operator(2 * SENDERS_MAX);
        assert_eq!(refusals.admit(late.clone(), Matter::Refusal, 100), None);
        assert_eq!(refusals.admit(operator(1), Matter::Refusal, 100), Some(0));
        assert_eq!(refusals.admit(late, Matter::Refusal, 160), Some(0));
        assert_eq!(refusals.senders.len(), 1);
    }
}
