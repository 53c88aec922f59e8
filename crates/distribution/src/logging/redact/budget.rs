//! Bounds the work that one text may cost, whoever made it up.

/// Steps for each byte of a text, a step being one byte that is looked at in one scan. Two passes over a text take
/// 20 to 30, and one with open entities about 35; a step was measured to take up to 3 ns.
const STEPS_PER_BYTE: usize = 40;
/// Short texts may be longer once they are redacted.
const STEPS_MIN: usize = 8 * 1024;

/// The steps that are left for a text.
pub(super) struct Budget {
    steps_left: usize,
}

/// The text costs more than its length permits: nobody knows what is in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OverBudget;

impl Budget {
    pub(super) fn of(text: &str) -> Self {
        Budget {
            steps_left: STEPS_MIN + STEPS_PER_BYTE * text.len(),
        }
    }

    /// Takes `steps` before they are made.
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), OverBudget> {
        self.steps_left = self.steps_left.checked_sub(steps).ok_or(OverBudget)?;
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn steps_left(&self) -> usize {
        self.steps_left
    }
}
