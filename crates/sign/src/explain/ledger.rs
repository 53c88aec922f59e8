//! The list of checks, and the verdict that follows from it.

use crate::explain::{Check, Outcome, Verdict, short};
use crate::refusal::{ErrorCode, Refusal};

/// The checks so far, and the error code of the first that failed.
#[derive(Default)]
pub(super) struct Ledger {
    pub(super) checks: Vec<Check>,
    refused: Option<ErrorCode>,
    unknown: Option<String>,
}

impl Ledger {
    pub(super) fn note(&mut self, name: &'static str, expected: &str, found: &str) {
        self.push(name, Outcome::Passed, expected, found);
    }

    fn push(&mut self, name: &'static str, outcome: Outcome, expected: &str, found: &str) {
        let (expected, found) = (short(expected).into_owned(), short(found).into_owned());
        self.checks.push(Check {
            name,
            outcome,
            expected,
            found,
        });
    }

    /// Takes the error code of the first check that failed.
    pub(super) fn refuse(&mut self, refusal: Option<&Refusal>) {
        self.refused = self.refused.or(refusal.map(Refusal::error_code));
    }

    /// Records a check, which failed if there is a refusal.
    pub(super) fn judge(
        &mut self,
        name: &'static str,
        refusal: Option<&Refusal>,
        expected: &str,
        found: &str,
    ) {
        self.refuse(refusal);
        let outcome = match refusal {
            Some(_) => Outcome::Failed,
            None => Outcome::Passed,
        };
        self.push(name, outcome, expected, found);
    }

    /// Records a failure whose error code comes with a later check, where the edge notices it.
    pub(super) fn foresee(&mut self, name: &'static str, expected: &str, found: &str) {
        self.push(name, Outcome::Failed, expected, found);
    }

    pub(super) fn unknown(&mut self, name: &'static str, expected: &str, found: &str) {
        self.unknown.get_or_insert_with(|| found.to_owned());
        self.push(name, Outcome::Unknown, expected, found);
    }

    pub(super) fn skip(&mut self, name: &'static str, expected: &str, found: &str) {
        self.push(name, Outcome::Skipped, expected, found);
    }

    pub(super) fn verdict(&self) -> Verdict {
        match (self.refused, &self.unknown) {
            (Some(code), _) => Verdict::Refused(code),
            (None, Some(missing)) => Verdict::CannotTell(missing.clone()),
            (None, None) => Verdict::Opens,
        }
    }
}
