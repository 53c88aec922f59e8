//! Bounds the work on a single text, whoever wrote it.

/// Number of steps per byte of a text, a step being one byte examined in one scan. Two passes over a text take 20 to
/// 30, and one with open entities about 35; a step was measured to take up to 3 ns.
const STEPS_PER_BYTE: usize = 40;
/// Minimum number of steps, because short texts may become longer when they are redacted.
const STEPS_MIN: usize = 8 * 1024;

/// The steps left for a text.
pub(super) struct Budget {
    steps_left: usize,
}

/// Error for a text that costs more than its length permits, so that its contents are unknown.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OverBudget;

impl Budget {
    pub(super) fn of(text: &str) -> Self {
        Budget {
            steps_left: STEPS_MIN + STEPS_PER_BYTE * text.len(),
        }
    }

    /// Takes `steps` from the budget before they are made.
    pub(super) fn spend(&mut self, steps: usize) -> Result<(), OverBudget> {
        self.steps_left = self.steps_left.checked_sub(steps).ok_or(OverBudget)?;
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn steps_left(&self) -> usize {
        self.steps_left
    }
}
