//! Messages for a person at a terminal: errors, hints and notes on standard error, results on standard output. Each is
//! one line, whatever text of strangers is in it.

use crate::printable::printable;
use std::fmt::Display;
use std::io::{self, Write};

const BOLD_RED: anstyle::Style = anstyle::AnsiColor::Red.on_default().bold();
const BOLD_YELLOW: anstyle::Style = anstyle::AnsiColor::Yellow.on_default().bold();
const BOLD_CYAN: anstyle::Style = anstyle::AnsiColor::Cyan.on_default().bold();

/// `error: …` on standard error.
pub(crate) fn error(message: impl Display) {
    complain("error", BOLD_RED, message);
}

/// `hint: …` on standard error: what to do next.
pub(crate) fn hint(message: impl Display) {
    complain("hint", BOLD_CYAN, message);
}

/// `warning: …` on standard error: what should be looked at.
pub(crate) fn warning(message: impl Display) {
    complain("warning", BOLD_YELLOW, message);
}

/// `note: …` on standard error.
pub(crate) fn note(message: impl Display) {
    complain("note", BOLD_CYAN, message);
}

fn complain(word: &str, style: anstyle::Style, message: impl Display) {
    let message = message.to_string();
    let message = printable(&message);
    // Standard error may be closed; then there is nobody to tell.
    let _ = writeln!(anstream::stderr(), "{style}{word}:{style:#} {message}");
}

/// One line on standard output; an error when nobody reads it any more.
pub(crate) fn say(line: impl Display) -> io::Result<()> {
    let line = line.to_string();
    let mut out = anstream::stdout().lock();
    writeln!(out, "{}", printable(&line))?;
    out.flush()
}
