//! `privet operator rotate` and `privet operator key`: access keys one by one.

use super::shown::{key_json, say_new_key};
use super::{Form, NameArguments, RotateArguments};
use crate::command_error::CommandError;
use crate::moment;
use crate::report::{counted, note_line, say_all, say_json};
use crate::store_access::{local_actor, now, shown, stored};
use clap::{Args, Subcommand};
use privet_store::{AccessKeyChange, AccessKeySummary, Store, Timestamp};
use serde_json::json;

/// Arguments of `privet operator key`.
#[derive(Debug, Args)]
pub(super) struct KeysArguments {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Add an access key to an operator, whose secret is printed once.
    Add(NameArguments),
    /// Refuse an access key, until it is enabled again.
    Disable(IdArguments),
    /// Accept a disabled access key again.
    Enable(IdArguments),
    /// Delete an access key.
    Delete(IdArguments),
}

#[derive(Debug, Args)]
struct IdArguments {
    /// Id of the access key
    #[arg(value_name = "ACCESS_KEY_ID")]
    id: String,
    #[command(flatten)]
    form: Form,
}

/// Runs the command that was asked for.
pub(super) fn run(arguments: &KeysArguments) -> Result<(), CommandError> {
    match &arguments.command {
        KeyCommand::Add(arguments) => add(arguments),
        KeyCommand::Disable(arguments) => change(arguments, true),
        KeyCommand::Enable(arguments) => change(arguments, false),
        KeyCommand::Delete(arguments) => delete(arguments),
    }
}

fn add(arguments: &NameArguments) -> Result<(), CommandError> {
    let NameArguments { name, form } = arguments;
    let key = form
        .store
        .with_store(async |store| Ok(store.add_access_key(name, &local_actor(), now()).await?))?;
    say_new_key(name, &key, form)
}

/// Adds an access key, and ends the others after the overlap. The new one comes first: if the rest fails, nobody is
/// locked out.
pub(super) fn rotate(arguments: &RotateArguments) -> Result<(), CommandError> {
    let NameArguments { name, form } = &arguments.one;
    let end = stored(moment::after(moment::now(), arguments.overlap));
    let (key, ended) = form.store.with_store(async |store| {
        let old = store.access_keys(name).await?;
        let key = store.add_access_key(name, &local_actor(), now()).await?;
        let ended = end_keys(&store, &old, end).await?;
        Ok((key, ended))
    })?;
    say_new_key(name, &key, form)?;
    if !form.json {
        let keys = counted(ended, "other access key ends", "other access keys end");
        note_line(format!("{keys} at {}", shown(end)));
    }
    Ok(())
}

/// Ends the keys that are accepted beyond `end`; returns their number.
async fn end_keys(
    store: &Store,
    keys: &[AccessKeySummary],
    end: Timestamp,
) -> Result<u64, CommandError> {
    let mut ended = 0;
    let later = |key: &&AccessKeySummary| key.expires_at.is_none_or(|expiry| expiry > end);
    for key in keys.iter().filter(later) {
        let change = AccessKeyChange {
            expires_at: Some(Some(end)),
            ..AccessKeyChange::default()
        };
        store
            .change_access_key(&key.id, change, &local_actor(), now())
            .await?;
        ended += 1;
    }
    Ok(ended)
}

fn change(arguments: &IdArguments, disabled: bool) -> Result<(), CommandError> {
    let IdArguments { id, form } = arguments;
    let change = AccessKeyChange {
        disabled: Some(disabled),
        ..AccessKeyChange::default()
    };
    let key = form.store.with_store(async |store| {
        let actor = local_actor();
        Ok(store.change_access_key(id, change, &actor, now()).await?)
    })?;
    let state = if key.disabled { "disabled" } else { "enabled" };
    match form.json {
        true => say_json(&key_json(&key)),
        false => say_all(&[format!("{} of {} {state}", key.id, key.operator)]),
    }
}

fn delete(arguments: &IdArguments) -> Result<(), CommandError> {
    let IdArguments { id, form } = arguments;
    form.store
        .with_store(async |store| Ok(store.delete_access_key(id, &local_actor(), now()).await?))?;
    match form.json {
        true => say_json(&json!({ "access_key_id": id, "deleted": true })),
        false => say_all(&[format!("{id} deleted")]),
    }
}
