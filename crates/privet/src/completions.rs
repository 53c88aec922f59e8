//! `privet completions`: prints scripts with which shells complete the command line.

use std::io::{self, Write};
use std::process::ExitCode;

use crate::command_error::CommandError;
use crate::report;

/// Arguments of `privet completions`.
#[derive(clap::Args)]
#[command(after_help = "\
Examples:
  mkdir -p ~/.local/share/bash-completion/completions
  privet completions bash > ~/.local/share/bash-completion/completions/privet
  mkdir -p ~/.zfunc && privet completions zsh > ~/.zfunc/_privet
  mkdir -p ~/.config/fish/completions && privet completions fish > ~/.config/fish/completions/privet.fish")]
pub(crate) struct CompletionsArguments {
    /// The shell to write for
    shell: clap_complete::Shell,
}

/// Prints the script.
pub(crate) fn run(arguments: &CompletionsArguments, mut command: clap::Command) -> ExitCode {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "privet", &mut script);
    match io::stdout().lock().write_all(&script) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report::fail(&CommandError::write("standard output", &error)),
    }
}
