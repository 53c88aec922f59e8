//! Prints the errors and notes of commands to standard error, and their results to standard output.

use std::fmt::Display;
use std::process::ExitCode;

use crate::api_fault::ApiFault;
use crate::command_error::CommandError;
use crate::printable::json_line;
use crate::terminal;
use serde_json::Value;

/// Prints why a command failed, and returns its exit code.
pub(crate) fn fail(error: &CommandError) -> ExitCode {
    if let CommandError::Configuration(error) = error {
        error.report();
    } else if let CommandError::Api(ApiFault::Refused(problem)) = error {
        problem.report();
    } else if !matches!(error, CommandError::BrokenPipe) {
        error_line(error);
        if let Some(hint) = error.hint() {
            terminal::hint(hint);
        }
    }
    error.exit_code()
}

/// Returns the exit code of a command, and prints why it failed, if it did.
pub(crate) fn finish(done: Result<(), CommandError>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

/// Prints lines to standard output.
pub(crate) fn say_all(lines: &[String]) -> Result<(), CommandError> {
    lines
        .iter()
        .try_for_each(terminal::say)
        .map_err(|error| CommandError::write("standard output", &error))
}

/// Prints one JSON object to standard output.
pub(crate) fn say_json(value: &Value) -> Result<(), CommandError> {
    say_all(&[json_line(value)])
}

/// Prints `error: …`.
pub(crate) fn error_line(text: impl Display) {
    terminal::error(text);
}

/// Prints `warning: …`.
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

/// Prints `note: …`.
pub(crate) fn note_line(text: impl Display) {
    terminal::note(text);
}

/// Returns `1 object`, `2 objects`.
pub(crate) fn counted(count: u64, one: &str, many: &str) -> String {
    match count {
        1 => format!("1 {one}"),
        count => format!("{count} {many}"),
    }
}
