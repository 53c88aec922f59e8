//! Prints messages for a person at a terminal: errors, hints and notes to standard error, results to standard output.
//! Each is one line, whatever untrusted text is in it.

use crate::printable::printable;
use std::fmt::Display;
use std::io::{self, Write};

const BOLD_RED: anstyle::Style = anstyle::AnsiColor::Red.on_default().bold();
const BOLD_YELLOW: anstyle::Style = anstyle::AnsiColor::Yellow.on_default().bold();
const BOLD_CYAN: anstyle::Style = anstyle::AnsiColor::Cyan.on_default().bold();

/// Prints `error: …` to standard error.
pub(crate) fn error(message: impl Display) {
    complain("error", BOLD_RED, message);
}

/// Prints `hint: …` to standard error: what to do next.
pub(crate) fn hint(message: impl Display) {
    complain("hint", BOLD_CYAN, message);
}

/// Prints `warning: …` to standard error: something that needs attention.
pub(crate) fn warning(message: impl Display) {
    complain("warning", BOLD_YELLOW, message);
}

/// Prints `note: …` to standard error.
pub(crate) fn note(message: impl Display) {
    complain("note", BOLD_CYAN, message);
}

fn complain(word: &str, style: anstyle::Style, message: impl Display) {
    let message = message.to_string();
    let message = printable(&message);
    // Standard error may be closed; then there is nobody to tell.
    let _ = writeln!(anstream::stderr(), "{style}{word}:{style:#} {message}");
}

/// Prints one line to standard error, which is no message.
pub(crate) fn aside(line: impl Display) {
    let line = line.to_string();
    // Standard error may be closed; then there is nobody to tell.
    let _ = writeln!(anstream::stderr(), "{}", printable(&line));
}

/// Prints one line to standard output; an error if nobody reads it any more.
pub(crate) fn say(line: impl Display) -> io::Result<()> {
    let line = line.to_string();
    let mut out = anstream::stdout().lock();
    writeln!(out, "{}", printable(&line))?;
    out.flush()
}
