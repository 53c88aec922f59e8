//! `privet backup` and `privet restore`: everything that a store has, in one file.

use crate::command_error::CommandError;
use crate::report::{counted, finish, note_line, say_all, say_json};
use crate::store_access::{MissingKey, StoreArguments, now, shown, store_settings};
use crate::store_fault::StoreFault;
use clap::Args;
use privet_distribution::config::StoreSettings;
use privet_store::{BackupSummary, Store, StoreError};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

/// Write everything that the store has into one file: items with all versions, operators, the audit trail.
///
/// The file is of one moment, whether edges run or not, and is read again and checked before the command ends. Secrets
/// in it stay sealed: it is of use with the sealing key alone, which is not in it.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privet backup privet-2030-01-01.backup

Exit codes: 0 done, 1 failed, or the file exists already, 2 wrong usage")]
pub(crate) struct BackupArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// File to create, readable only by you
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command: 1 if the file exists already.
pub(crate) fn run(arguments: &BackupArguments) -> ExitCode {
    finish(backup(arguments))
}

fn backup(arguments: &BackupArguments) -> Result<(), CommandError> {
    let file = &arguments.file;
    if fs::symlink_metadata(file).is_ok() {
        return Err(CommandError::OutputExists(file.clone()));
    }
    let settings = store_settings(&arguments.store.config.file())?;
    let made = arguments
        .store
        .with_store(async |store| Ok(store.backup(file, now()).await?))?;
    let read = Store::check_backup(file)?;
    if read != made {
        let cause = "the file does not read as it was written".to_owned();
        return Err(StoreError::BackupDamaged { cause }.into());
    }
    if arguments.json {
        return say_json(&json(&made));
    }
    say_all(&lines(&made))?;
    note_key(&settings);
    Ok(())
}

/// Reminds of what a backup does not have, if it is a file that could be lost together with the database.
fn note_key(settings: &StoreSettings) {
    if let Some(file) = &settings.key_file {
        note_line(format!(
            "the sealing key {} is not in the backup: keep a copy of it elsewhere",
            file.display()
        ));
    }
}

/// Put a backup into an empty store.
///
/// The whole file is checked before anything is written. The store of the configuration has to be new, and its sealing
/// key that of the backup. Edges take everything anew.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privet restore privet-2030-01-01.backup --dry-run
  privet restore privet-2030-01-01.backup --config new.toml

Exit codes: 0 done, 1 the file is damaged, or the store not empty; nothing is changed then, 2 wrong usage")]
pub(crate) struct RestoreArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// File that privet backup has written
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Check the file alone, without opening a store
    #[arg(long)]
    dry_run: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command: 1 if the backup is damaged, or the store not empty.
pub(crate) fn run_restore(arguments: &RestoreArguments) -> ExitCode {
    finish(restore(arguments))
}

fn restore(arguments: &RestoreArguments) -> Result<(), CommandError> {
    let file = &arguments.file;
    let summary = match arguments.dry_run {
        true => Store::check_backup(file)?,
        false => arguments
            .store
            .with_store_of(MissingKey::Refuse, async |store| {
                // A key that is not the backup's was now made the database's own, which is still empty.
                let restored = store.restore(file).await;
                restored.map_err(|error| {
                    if error == StoreError::WrongKey {
                        return CommandError::from(StoreFault::KeyOfBackup);
                    }
                    error.into()
                })
            })?,
    };
    match arguments.json {
        true => say_json(&json(&summary)),
        false => say_all(&lines(&summary)),
    }
}

fn json(summary: &BackupSummary) -> Value {
    json!({
        "at": shown(summary.at),
        "schema": summary.schema,
        "store_id": summary.store_id,
        "rows": summary.counts,
        "sha256": summary.sha256,
    })
}

fn lines(summary: &BackupSummary) -> Vec<String> {
    let rows = |table: &str| summary.counts.get(table).copied().unwrap_or_default();
    vec![
        format!(
            "{}, {}, {}, {}",
            counted(rows("documents"), "document", "documents"),
            counted(rows("versions"), "version", "versions"),
            counted(rows("operators"), "operator", "operators"),
            counted(rows("audit"), "audit entry", "audit entries"),
        ),
        format!("of {}, SHA-256 {}", shown(summary.at), summary.sha256),
    ]
}
