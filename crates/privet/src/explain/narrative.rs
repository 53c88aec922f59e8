//! Writes an explanation as text for people, or as JSON for programs.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use privet_sign::{Check, Explanation, LinkMark, Outcome, Timestamp, Verdict};
use serde_json::{Value, json};

use super::Decision;
use super::log_lines::{FoundLine, LogLines};
use crate::printable::printable;

const GOOD: Style = AnsiColor::Green.on_default().bold();
const BAD: Style = AnsiColor::Red.on_default().bold();
const OPEN: Style = AnsiColor::Yellow.on_default().bold();
const HINT: Style = AnsiColor::Cyan.on_default().bold();
const ASIDE: Style = Style::new().dimmed();
/// The longest expectation that is shown for a check that passed.
const ASIDE_BYTES_MAX: usize = 60;
const PLAIN: Style = Style::new();

/// An explanation and the decision that it leads to.
pub(super) struct Narrative<'a> {
    pub(super) decision: &'a Decision,
    pub(super) explanation: &'a Explanation,
    pub(super) now: Timestamp,
    /// What the logs say of the link; `None` if nobody asked.
    pub(super) log: Option<LogLines>,
}

impl Narrative<'_> {
    /// Writes the checks, the verdict and the hints.
    pub(super) fn write(&self, output: &mut impl Write) -> io::Result<()> {
        let explanation = self.explanation;
        for check in &explanation.checks {
            write_check(check, output)?;
        }
        if let Some(policy) = &explanation.policy_text {
            writeln!(output, "policy  {}", printable(policy))?;
        }
        if let Some(id) = &explanation.link_id {
            writeln!(output, "link    {id}")?;
        }
        if let Some(mark) = &explanation.link_mark {
            writeln!(output, "mark    {}", mark_text(mark))?;
        }
        let (style, text) = decision_line(self.decision);
        let at = self.now.to_utc();
        writeln!(output, "{style}{}{style:#} (at {at})", printable(&text))?;
        explanation
            .hints
            .iter()
            .try_for_each(|hint| writeln!(output, "{HINT}hint:{HINT:#} {}", printable(hint)))?;
        match &self.log {
            Some(log) => write_log(log, output),
            None => Ok(()),
        }
    }

    /// Returns the same as one JSON object.
    pub(super) fn json(&self) -> Value {
        let explanation = self.explanation;
        let (verdict, code, reason) = match self.decision {
            Decision::Link(Verdict::Opens) => ("opens", None, None),
            Decision::Link(Verdict::Refused(code)) => (
                "refused",
                Some(code.code()),
                Some(code.message().to_owned()),
            ),
            Decision::Link(Verdict::CannotTell(missing)) => {
                ("cannot-tell", None, Some(missing.clone()))
            }
            Decision::Unserved(reason) => ("refused", None, Some(reason.clone())),
        };
        let checks: Vec<Value> = explanation.checks.iter().map(json_check).collect();
        let mut json = json!({
            "verdict": verdict,
            "code": code,
            "reason": reason,
            "at": self.now.as_secs(),
            "checks": checks,
            "hints": explanation.hints,
            "policy": explanation.policy_text,
            "link_id": explanation.link_id.map(|id| id.to_string()),
            "mark": explanation.link_mark.as_ref().map(json_mark),
        });
        if let Some(log) = &self.log {
            let found: Vec<Value> = log.found.iter().map(FoundLine::json).collect();
            json["log"] = json!({ "found": found, "notes": log.notes });
        }
        json
    }
}

/// Returns the mark of a link in words.
fn mark_text(mark: &LinkMark) -> String {
    let limited = match &mark.limited {
        Some(limited) => format!("limited link {}", limited.id),
        None => "not limited".to_owned(),
    };
    let made = mark.made.map(|made| format!("made {}", made.to_utc()));
    let subject = mark.subject.map(|digest| format!("subject {digest}"));
    let parts = [Some(limited), made, subject].into_iter().flatten();
    parts.collect::<Vec<_>>().join(", ")
}

fn json_mark(mark: &LinkMark) -> Value {
    json!({
        "limited_id": mark.limited.map(|limited| limited.id.to_string()),
        "made": mark.made.map(Timestamp::as_secs),
        "subject_digest": mark.subject.map(|digest| digest.to_string()),
    })
}

fn write_log(log: &LogLines, output: &mut impl Write) -> io::Result<()> {
    if log.found.is_empty() {
        writeln!(output, "log     no request with this link was found")?;
    }
    for line in &log.found {
        writeln!(output, "log     {}", printable(&line.text()))?;
    }
    log.notes
        .iter()
        .try_for_each(|note| writeln!(output, "{HINT}hint:{HINT:#} {}", printable(note)))
}

fn write_check(check: &Check, output: &mut impl Write) -> io::Result<()> {
    let (style, mark) = match check.outcome {
        Outcome::Passed => (GOOD, "ok"),
        Outcome::Failed => (BAD, "no"),
        Outcome::Unknown => (OPEN, "?"),
        Outcome::Skipped => (PLAIN, "-"),
    };
    let name = check.name;
    let (expected, found) = (printable(&check.expected), printable(&check.found));
    write!(output, "{style}{mark:<2}{style:#}  {name:<14} {found}")?;
    match check.outcome {
        Outcome::Passed if expected == found || expected.len() > ASIDE_BYTES_MAX => {
            writeln!(output)
        }
        Outcome::Passed => writeln!(output, " {ASIDE}(expected: {expected}){ASIDE:#}"),
        Outcome::Failed | Outcome::Unknown => {
            writeln!(output, "\n{:18} expected: {expected}", "")
        }
        Outcome::Skipped => writeln!(output),
    }
}

fn decision_line(decision: &Decision) -> (Style, String) {
    match decision {
        Decision::Link(Verdict::Opens) => (GOOD, "opens: the file is served".to_owned()),
        Decision::Link(Verdict::Refused(code)) => {
            let (code, message) = (code.code(), code.message());
            (BAD, format!("refused: 403 {code}, {message}"))
        }
        Decision::Link(Verdict::CannotTell(missing)) => (OPEN, format!("cannot tell: {missing}")),
        Decision::Unserved(reason) => (BAD, format!("refused: 403, {reason}")),
    }
}

fn json_check(check: &Check) -> Value {
    let outcome = match check.outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Unknown => "unknown",
        Outcome::Skipped => "skipped",
    };
    json!({
        "name": check.name,
        "outcome": outcome,
        "expected": check.expected,
        "found": check.found,
    })
}
