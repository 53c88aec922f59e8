//! The command line of Privet: which command was asked for, and where to find it.
//!
//! Each command has a module of its own; nothing is set up here that a command does not need.

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

mod command_error;
mod completions;
mod input;
mod key;
mod key_source;
mod manual;
mod moment;
mod new_key;
mod report;
mod sign;

const EXIT_CODES: &str = "\
Exit codes:
  0  done; for explain: the link opens
  1  failed, or some URLs were refused; for explain: the link would be refused
  2  wrong usage; for explain: could not tell";

const EXAMPLES: &str = "\
Examples:
  privet key create
  privet sign --key K2JCJMDEHXQW5F.pem --key-pair-id K2JCJMDEHXQW5F --for 2h https://d111.example.net/talk.mp4
  privet explain --public-key K2JCJMDEHXQW5F=K2JCJMDEHXQW5F.pub.pem 'https://d111.example.net/talk.mp4?Expires=…'

Exit codes:
  0  done; for explain: the link opens
  1  failed, or some URLs were refused; for explain: the link would be refused
  2  wrong usage; for explain: could not tell";

/// Private content delivery that anyone can run.
#[derive(Parser)]
#[command(name = "privet", version, after_help = EXAMPLES, arg_required_else_help = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Make key pairs and look at them.
    #[command(after_help = EXIT_CODES)]
    Key(key::KeyArguments),
    /// Make signed URLs, signed cookies and signed stream names.
    Sign(Box<sign::SignArguments>),
    /// Print a completion script for a shell.
    Completions(completions::CompletionsArguments),
    /// Print the manual pages, or write them to a folder.
    Man(manual::ManualArguments),
}

fn main() -> ExitCode {
    let line = CommandLine::parse();
    match &line.command {
        Command::Key(arguments) => key::run(arguments),
        Command::Sign(arguments) => sign::run(arguments),
        Command::Completions(arguments) => completions::run(arguments, CommandLine::command()),
        Command::Man(arguments) => manual::run(arguments, CommandLine::command()),
    }
}
