//! `privet operator rotate` and `privet operator key`: access keys one by one.

use super::register::Register;
use super::shown::{key_json, say_new_key};
use super::{ChangeArguments, Form, NameArguments, RotateArguments};
use crate::command_error::CommandError;
use crate::equivalents::{EquivalentsArgument, Shown};
use crate::moment;
use crate::report::{counted, note_line, say_all, say_json};
use crate::store_access::{shown, stored};
use clap::{Args, Subcommand};
use privet_control::{AccessKeyName, Operation};
use privet_store::{AccessKeyChange, AccessKeySummary, Timestamp};
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
    Add(ChangeArguments),
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
    equivalents: EquivalentsArgument,
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

fn add(arguments: &ChangeArguments) -> Result<(), CommandError> {
    let ChangeArguments { one, equivalents } = arguments;
    let NameArguments { name, form } = one;
    let key = Register::find(&form.api)?.add_key(name)?;
    let shown = equivalents.of(|| Operation::CreateAccessKey(name.clone()));
    say_new_key(name, (&key, &shown), form)
}

/// Adds an access key, and ends the others after the overlap. The new one comes first, and is told at once: if the rest
/// fails, nobody is locked out, and no secret is lost.
pub(super) fn rotate(arguments: &RotateArguments) -> Result<(), CommandError> {
    let NameArguments { name, form } = &arguments.one;
    let end = stored(moment::after(moment::now(), arguments.overlap));
    let register = Register::find(&form.api)?;
    let old = register.keys(name)?;
    let key = register.add_key(name)?;
    say_new_key(name, (&key, &Shown::default()), form)?;
    let ended = end_keys(&register, &old, end)?;
    if !form.json {
        let keys = counted(ended, "other access key ends", "other access keys end");
        note_line(format!("{keys} at {}", shown(end)));
    }
    Ok(())
}

/// Ends the keys that are accepted beyond `end`; returns their number.
fn end_keys(
    register: &Register,
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
        register.change_key(Some(&key.operator), &key.id, change)?;
        ended += 1;
    }
    Ok(ended)
}

fn change(arguments: &IdArguments, disabled: bool) -> Result<(), CommandError> {
    let IdArguments {
        id,
        equivalents,
        form,
    } = arguments;
    let change = AccessKeyChange {
        disabled: Some(disabled),
        ..AccessKeyChange::default()
    };
    let key = Register::find(&form.api)?.change_key(None, id, change.clone())?;
    let shown = equivalents.of(|| Operation::UpdateAccessKey {
        key: AccessKeyName {
            operator: key.operator.clone(),
            id: id.clone(),
        },
        change,
    });
    if form.json {
        return say_json(&shown.added_to(&key_json(&key)));
    }
    let state = if key.disabled { "disabled" } else { "enabled" };
    say_all(&[format!("{} of {} {state}", key.id, key.operator)])?;
    shown.tell();
    Ok(())
}

fn delete(arguments: &IdArguments) -> Result<(), CommandError> {
    let IdArguments {
        id,
        equivalents,
        form,
    } = arguments;
    let register = Register::find(&form.api)?;
    // Afterwards nobody knows whose it was.
    let operator = match equivalents.is_given() {
        true => register.owner(None, id)?,
        false => String::new(),
    };
    register.delete_key(id)?;
    let id = id.clone();
    let told = json!({ "access_key_id": id, "deleted": true });
    let line = format!("{id} deleted");
    let key = AccessKeyName { operator, id };
    let shown = equivalents.of(|| Operation::DeleteAccessKey(key));
    if form.json {
        return say_json(&shown.added_to(&told));
    }
    say_all(&[line])?;
    shown.tell();
    Ok(())
}
