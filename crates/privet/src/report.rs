//! How commands fail on standard error, and how they say what they have to say.

use std::fmt::Display;
use std::process::ExitCode;

use crate::command_error::CommandError;
use crate::printable::json_line;
use crate::terminal;
use serde_json::Value;

/// Says why a command failed, and hands back its exit code.
pub(crate) fn fail(error: &CommandError) -> ExitCode {
    if let CommandError::Configuration(error) = error {
        error.report();
    } else if !matches!(error, CommandError::BrokenPipe) {
        error_line(error);
        if let Some(hint) = error.hint() {
            terminal::hint(hint);
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

/// Lines on standard output.
pub(crate) fn say_all(lines: &[String]) -> Result<(), CommandError> {
    lines
        .iter()
        .try_for_each(terminal::say)
        .map_err(|error| CommandError::write("standard output", &error))
}

/// One JSON object on standard output.
pub(crate) fn say_json(value: &Value) -> Result<(), CommandError> {
    say_all(&[json_line(value)])
}

/// `error: …`.
pub(crate) fn error_line(text: impl Display) {
    terminal::error(text);
}

/// `warning: …`.
pub(crate) fn warning_line(text: impl Display) {
    terminal::warning(text);
}

/// Whether a command tells of what is worth a note. Errors are told in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Notes {
    Told,
    /// By `--quiet`.
    Silent,
}

impl Notes {
    /// [`note_line`], unless the command is silent.
    pub(crate) fn tell(self, text: impl Display) {
        match self {
            Notes::Told => note_line(text),
            Notes::Silent => {}
        }
    }
}

/// `note: …`.
pub(crate) fn note_line(text: impl Display) {
    terminal::note(text);
}

/// `1 object`, `2 objects`.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    }
}
