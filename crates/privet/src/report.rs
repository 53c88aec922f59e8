//! How commands fail on standard error, and how text of strangers is made safe for a terminal.

use std::borrow::Cow;
use std::fmt::Display;
use std::process::ExitCode;

use crate::command_error::CommandError;
use crate::console;

/// Says why a command failed, and hands back its exit code.
pub(crate) fn fail(error: &CommandError) -> ExitCode {
    if let CommandError::Configuration(error) = error {
        error.report();
    } else if !matches!(error, CommandError::BrokenPipe) {
        error_line(error);
        if let Some(hint) = error.hint() {
            console::hint(hint);
        }
    }
    error.exit_code()
}

/// The exit code of a command that either did what it should or says why not.
pub(crate) fn finish(done: Result<(), CommandError>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

/// Lines on standard output, control characters spelled out.
pub(crate) fn say_all(lines: &[String]) -> Result<(), CommandError> {
    lines
        .iter()
        .try_for_each(|line| console::say(printable(line)))
        .map_err(|error| CommandError::write("standard output", &error))
}

/// `error: …`, control characters spelled out.
pub(crate) fn error_line(text: impl Display) {
    console::error(printable(&text.to_string()));
}

/// `note: …`, control characters spelled out.
pub(crate) fn note_line(text: impl Display) {
    console::note(printable(&text.to_string()));
}

/// `1 object`, `2 objects`.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    }
}

/// `text` with control characters spelled out: links are written by strangers, terminals obey.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut spelled = String::with_capacity(text.len() + 16);
    for char in text.chars() {
        if char.is_control() {
            spelled.extend(char.escape_default());
        } else {
            spelled.push(char);
        }
    }
    Cow::Owned(spelled)
}
