//! `privet audit`: who did what, and whether the trail is as it was written.

use crate::command_error::CommandError;
use crate::report::{counted, finish, say_all, say_json};
use crate::store_access::StoreArguments;
use clap::{Args, Subcommand};
use privet_store::AuditVerdict;
use serde_json::json;
use std::process::ExitCode;

/// Arguments of `privet audit`.
#[derive(Debug, Args)]
pub(crate) struct AuditArguments {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// Check the chain of hashes of all entries, in the store itself.
    ///
    /// An end that was cut off shows only by its last hash: note it, and compare.
    #[command(
        after_help = "Exit codes: 0 every entry is as it was written, 1 one is not, or failed"
    )]
    Verify(VerifyArguments),
}

#[derive(Debug, Args)]
struct VerifyArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command: 1 for a trail that is broken.
pub(crate) fn run(arguments: &AuditArguments) -> ExitCode {
    finish(match &arguments.command {
        AuditCommand::Verify(arguments) => verify(arguments),
    })
}

fn verify(arguments: &VerifyArguments) -> Result<(), CommandError> {
    let verdict = arguments
        .store
        .with_store(async |store| Ok(store.verify_audit().await?))?;
    let (entries, head) = match verdict {
        AuditVerdict::Whole { entries, head } => (entries, head),
        AuditVerdict::Broken { seq, reason } => {
            return Err(CommandError::AuditBroken { seq, reason });
        }
    };
    if arguments.json {
        return say_json(&json!({ "whole": true, "entries": entries, "head": head }));
    }
    let count = counted(entries, "entry", "entries");
    say_all(&[
        format!("{count}, all as they were written"),
        format!("last hash  {head}"),
    ])
}
