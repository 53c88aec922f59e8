//! How many refusals of strangers are written down: some a minute, and the number of those that were not.

const WINDOW_SECS: i64 = 60;
const WRITTEN_MAX: u32 = 60;

/// The refusals within the current minute.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Refusals {
    began: i64,
    written: u32,
    left_out: u64,
}

impl Refusals {
    /// Returns the number of refusals that were left out before this one, if this one is written down.
    pub(crate) fn admit(&mut self, now: i64) -> Option<u64> {
        if now.saturating_sub(self.began) >= WINDOW_SECS || now < self.began {
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

    #[test]
    fn of_many_refusals_some_are_written_down() {
        let mut refusals = Refusals::default();
        for _ in 0..WRITTEN_MAX {
            assert_eq!(refusals.admit(100), Some(0));
        }
        assert_eq!(refusals.admit(100), None);
        assert_eq!(refusals.admit(159), None);
        assert_eq!(refusals.admit(160), Some(2));
        assert_eq!(refusals.admit(160), Some(0));
    }
}
