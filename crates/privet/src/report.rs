//! What commands say on standard error: errors, hints, notes. Colours only on a terminal.

use std::fmt::Display;
use std::io::Write;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};

use crate::command_error::CommandError;

/// Says why a command failed, and hands back its exit code.
pub(crate) fn fail(error: &CommandError) -> ExitCode {
    if *error != CommandError::BrokenPipe {
        error_line(error);
        if let Some(hint) = error.hint() {
            hint_line(hint);
        }
    }
    error.exit_code()
}

/// `error: …`
pub(crate) fn error_line(text: impl Display) {
    line(AnsiColor::Red.on_default().bold(), "error", text);
}

/// `hint: …`
pub(crate) fn hint_line(text: impl Display) {
    line(AnsiColor::Cyan.on_default().bold(), "hint", text);
}

/// `note: …`
pub(crate) fn note_line(text: impl Display) {
    line(Style::new().bold(), "note", text);
}

/// `warning: …`
pub(crate) fn warning_line(text: impl Display) {
    line(AnsiColor::Yellow.on_default().bold(), "warning", text);
}

fn line(style: Style, word: &str, text: impl Display) {
    let text = printable(&text.to_string());
    // Nobody is left to tell when standard error is gone.
    let _ = writeln!(anstream::stderr().lock(), "{style}{word}:{style:#} {text}");
}

/// `text` with control characters spelled out: links are written by strangers, terminals obey.
pub(crate) fn printable(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    let spell = |char: char| match char {
        char if char.is_control() => char.escape_default().to_string(),
        char => char.to_string(),
    };
    text.chars().map(spell).collect()
}
