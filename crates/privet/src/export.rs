//! `privet export`: writes what a store serves as the tables of a configuration file.

use crate::command_error::CommandError;
use crate::new_key::{NewKeyError, write_new};
use crate::report::finish;
use crate::store_access::StoreArguments;
use crate::stored_items::stored_items;
use clap::Args;
use privet_distribution::config::write_toml;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

/// Write what a store serves as TOML, which privet import takes.
///
/// Secrets are in it in clear: keys of origins, private keys of certificates. The settings of the machine stay in its
/// own file.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privet export --output service.toml
  privet export --config /etc/privet.toml | less

Exit codes: 0 done, 1 failed, 2 wrong usage")]
pub(crate) struct ExportArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// File to create, readable only by you, instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Runs the command: 1 if the file exists already.
pub(crate) fn run(arguments: &ExportArguments) -> ExitCode {
    finish(export(arguments))
}

fn export(arguments: &ExportArguments) -> Result<(), CommandError> {
    let stored = arguments
        .store
        .with_store(async |store| stored_items(&store).await)?;
    let items: Vec<_> = stored.into_iter().map(|stored| stored.item).collect();
    let text = write_toml(&items);
    match &arguments.output {
        Some(file) => write_new(file, &text, 0o600).map_err(|error| match error {
            NewKeyError::Exists(file) => CommandError::OutputExists(file),
            NewKeyError::Write { .. } | NewKeyError::Generation => CommandError::NewKey(error),
        }),
        // Not escaped: this is read by programs, and TOML itself has no control characters.
        None => io::stdout()
            .lock()
            .write_all(text.as_bytes())
            .map_err(|error| CommandError::write("standard output", &error)),
    }
}
