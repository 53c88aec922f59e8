//! Messages for a person at a terminal: errors, hints and notes on standard error, results on standard output.

use std::fmt::Display;
use std::io::{self, Write};

const BOLD_RED: anstyle::Style = anstyle::AnsiColor::Red.on_default().bold();
const BOLD_CYAN: anstyle::Style = anstyle::AnsiColor::Cyan.on_default().bold();

/// `error: …` on standard error.
pub(crate) fn error(message: impl Display) {
    complain("error", BOLD_RED, message);
}

/// `hint: …` on standard error: what to do next.
pub(crate) fn hint(message: impl Display) {
    complain("hint", BOLD_CYAN, message);
}

/// `note: …` on standard error.
pub(crate) fn note(message: impl Display) {
    complain("note", BOLD_CYAN, message);
}

fn complain(word: &str, style: anstyle::Style, message: impl Display) {
    // Standard error may be closed; then there is nobody to tell.
    let _ = writeln!(anstream::stderr(), "{style}{word}:{style:#} {message}");
}

/// One line on standard output; an error when nobody reads it any more.
pub(crate) fn say(line: impl Display) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
