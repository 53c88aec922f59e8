//! `privet key list`: the public keys of a store, with their age and their use.

use super::rotate::retirement;
use crate::admin_socket::{list as list_of, text};
use crate::collections::{Collection, ListArguments};
use crate::command_error::CommandError;
use crate::report::{say_all, say_json};
use crate::table::table;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Keys that are printed.
const KEYS_MAX: usize = 1_000_000;

/// Lists the keys.
///
/// # Errors
/// [`CommandError::Api`].
pub(super) fn list(collection: Collection, arguments: &ListArguments) -> Result<(), CommandError> {
    let api = arguments.api().find()?;
    let mut keys = api.list(collection.path(), "", KEYS_MAX)?;
    // Where the service comes from a file, and of an older edge, nothing is known of the use of keys.
    let usage = match api.get("/v1/key-usage") {
        Ok(answer) => answer.body,
        Err(error) if error.is_refusal("no_store") || error.is_refusal("no_such_path") => {
            Value::Null
        }
        Err(error) => return Err(error),
    };
    let usage: HashMap<&str, &Value> = list_of(&usage, "items")
        .iter()
        .map(|key| (text(key, "id"), key))
        .collect();
    for key in &mut keys {
        let known = usage.get(text(key, "id")).copied().cloned();
        if let Some(members) = key.as_object_mut() {
            members.insert("usage".to_owned(), known.unwrap_or_default());
        }
    }
    if arguments.is_json() {
        return say_json(&json!({ "items": keys }));
    }
    let rows: Vec<[String; 5]> = keys.iter().map(row).collect();
    say_all(&table(
        ["ID", "ADDED", "GROUPS", "LAST OPENED", "ROTATION"],
        &rows,
    ))
}

fn row(key: &Value) -> [String; 5] {
    let usage = &key["usage"];
    let or_none = |text: &str| match text {
        "" => "-".to_owned(),
        text => text.to_owned(),
    };
    let groups: Vec<&str> = list_of(usage, "groups")
        .iter()
        .filter_map(Value::as_str)
        .collect();
    let rotation = match text(usage, "rotation") {
        "retiring" => retirement(usage),
        "current" => "signs".to_owned(),
        "next" => "is published".to_owned(),
        other => or_none(other),
    };
    [
        text(key, "id").to_owned(),
        or_none(text(usage, "created_at")),
        or_none(&groups.join(",")),
        or_none(text(usage, "last_opened_at")),
        rotation,
    ]
}
