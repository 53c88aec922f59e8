//! How operators and access keys are printed.

use super::Form;
use crate::command_error::CommandError;
use crate::equivalents::Shown;
use crate::report::{counted, say_all, say_json};
use crate::store_access::shown;
use privet_store::{AccessKeySummary, NewAccessKey, Operator, Timestamp};
use serde_json::{Value, json};

/// An operator with the access keys.
#[derive(Debug)]
pub(super) struct Described {
    pub(super) operator: Operator,
    pub(super) keys: Vec<AccessKeySummary>,
}

impl Described {
    /// Returns the ids of the access keys that are accepted at `now`.
    pub(super) fn accepted_keys(&self, now: Timestamp) -> impl Iterator<Item = &str> {
        let keys = self.keys.iter();
        let accepted = keys.filter(move |key| state(key, now) == "accepted");
        let is_enabled = !self.operator.disabled;
        accepted
            .filter(move |_| is_enabled)
            .map(|key| key.id.as_str())
    }

    /// Returns the operator as one object.
    pub(super) fn json(&self) -> Value {
        let Operator {
            name,
            role,
            scope,
            disabled,
            created_at,
        } = &self.operator;
        json!({
            "name": name,
            "role": role.as_str(),
            "scope": scope,
            "disabled": disabled,
            "created_at": shown(*created_at),
            "access_keys": self.keys.iter().map(key_json).collect::<Vec<_>>(),
        })
    }

    /// Returns the operator in one line.
    pub(super) fn line(&self) -> String {
        let operator = &self.operator;
        let state = if operator.disabled {
            "disabled"
        } else {
            "enabled"
        };
        let keys = counted(self.keys.len() as u64, "access key", "access keys");
        let used = self.keys.iter().filter_map(|key| key.last_used_at).max();
        format!(
            "{}  {}  {state}  {}  {keys}  last used {}",
            operator.name,
            operator.role.as_str(),
            scope(operator),
            used.map_or("never".to_owned(), shown),
        )
    }

    /// Returns the operator, and the access keys in a line each.
    pub(super) fn lines(&self, now: Timestamp) -> Vec<String> {
        let mut lines = vec![self.line()];
        lines.extend(self.keys.iter().map(|key| {
            let used = key.last_used_at.map_or("never".to_owned(), shown);
            let end = key.expires_at.map(|end| format!("  ends {}", shown(end)));
            format!(
                "  {}  {}  created {}  last used {used}{}",
                key.id,
                state(key, now),
                shown(key.created_at),
                end.unwrap_or_default(),
            )
        }));
        lines
    }
}

/// Returns an access key as one object.
pub(super) fn key_json(key: &AccessKeySummary) -> Value {
    json!({
        "access_key_id": key.id,
        "created_at": shown(key.created_at),
        "expires_at": key.expires_at.map(shown),
        "disabled": key.disabled,
        "last_used_at": key.last_used_at.map(shown),
    })
}

fn state(key: &AccessKeySummary, now: Timestamp) -> &'static str {
    match (key.disabled, key.expires_at) {
        (true, _) => "disabled",
        (false, Some(end)) if end <= now => "expired",
        (false, _) => "accepted",
    }
}

fn scope(operator: &Operator) -> String {
    match &operator.scope {
        None => "all distributions".to_owned(),
        Some(ids) => ids.join(","),
    }
}

/// Prints a new access key, the only time that its secret is seen, and the texts that were asked for.
pub(super) fn say_new_key(
    operator: &str,
    (key, shown): (&NewAccessKey, &Shown),
    form: &Form,
) -> Result<(), CommandError> {
    let secret = key.secret_access_key.expose();
    if form.json {
        return say_json(&shown.added_to(&json!({
            "access_key_id": key.access_key_id,
            "secret_access_key": secret,
        })));
    }
    say_all(&[
        format!("operator           {operator}"),
        format!("access key id      {}", key.access_key_id),
        format!("secret access key  {secret} (it is not shown again)"),
        String::new(),
        "Keep both in ~/.config/privet/profiles.toml (mode 0600):".to_owned(),
        format!("  [{}]", toml_key(operator)),
        "  endpoint = \"https://HOST:9443\"".to_owned(),
        format!("  access_key_id = \"{}\"", key.access_key_id),
        "  secret_access_key = \"…\"".to_owned(),
    ])?;
    shown.tell();
    Ok(())
}

/// Prints a new access key as commands of a shell that set the variables which AWS clients read. Ids and secrets have
/// no characters that a shell treats in a way of its own.
pub(super) fn say_variables(key: &NewAccessKey) -> Result<(), CommandError> {
    say_all(&[
        format!("export AWS_ACCESS_KEY_ID='{}'", key.access_key_id),
        format!(
            "export AWS_SECRET_ACCESS_KEY='{}'",
            key.secret_access_key.expose()
        ),
    ])
}

/// Returns an operator's name as a key in TOML; names have no quotes.
fn toml_key(name: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    match name.bytes().all(is_bare) {
        true => name.to_owned(),
        false => format!("\"{name}\""),
    }
}
