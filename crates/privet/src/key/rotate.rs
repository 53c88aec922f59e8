//! `privet key rotate`: the rotation of a key group's signing key, and the key itself for those who sign elsewhere.

use crate::admin_socket::{list, number, text};
use crate::api::{ApiArguments, ApiRequest, encoded};
use crate::command_error::CommandError;
use crate::equivalents::{EquivalentsArgument, Shown};
use crate::moment;
use crate::new_key::{NewKeyType, write_new};
use crate::report::{say_all, say_json};
use http::Method;
use privet_control::{Operation, Schedule};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `privet key rotate`.
#[derive(clap::Args)]
pub(super) struct RotateArguments {
    /// Key group
    #[arg(long, value_name = "ID")]
    group: String,
    /// Make another key this often, and the first one now
    #[arg(long, value_name = "DURATION", value_parser = moment::parse_duration, requires = "overlap")]
    every: Option<Duration>,
    /// How long a key stays at least after another has taken its place
    #[arg(long, value_name = "DURATION", value_parser = moment::parse_duration, requires = "every")]
    overlap: Option<Duration>,
    /// Longest life of a link that privet sign --group makes [default: 7d]
    #[arg(long, value_name = "DURATION", value_parser = moment::parse_duration, requires = "every")]
    longest_link: Option<Duration>,
    /// Kind of the keys [default: rsa]
    #[arg(long = "type", value_enum, value_name = "TYPE", requires = "every")]
    kind: Option<NewKeyType>,
    /// Make another key now, whenever the next one is due
    #[arg(long, conflicts_with_all = ["every", "stop", "write_key"])]
    now: bool,
    /// End the rotation: the keys stay in the group, their private keys are deleted
    #[arg(long, conflicts_with_all = ["every", "write_key"])]
    stop: bool,
    /// Write the private key that signs now to a new file, readable only by you
    #[arg(long, value_name = "FILE", conflicts_with = "every")]
    write_key: Option<PathBuf>,
    #[command(flatten)]
    equivalents: EquivalentsArgument,
    #[command(flatten)]
    api: ApiArguments,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command.
///
/// # Errors
/// [`CommandError::Api`]; [`CommandError::NewKey`] for a file that cannot be written.
pub(super) fn run(arguments: &RotateArguments) -> Result<(), CommandError> {
    if let Some(file) = &arguments.write_key {
        return write_key(arguments, file);
    }
    let (method, rest, body) = match (arguments.every, arguments.overlap) {
        (Some(every), Some(overlap)) => {
            (Method::POST, "", Some(schedule(arguments, every, overlap)))
        }
        _ if arguments.now => (Method::POST, "/now", None),
        _ if arguments.stop => (Method::DELETE, "", None),
        _ => (Method::GET, "", None),
    };
    let request = ApiRequest {
        method,
        target: target(&arguments.group, rest),
        if_match: None,
        body: body.as_ref(),
    };
    let rotation = arguments.api.find()?.ask(&request)?.body;
    let shown = operation(arguments, &rotation);
    let shown = shown.map(|operation| arguments.equivalents.of(|| operation));
    let with_texts = |object: Value| match &shown {
        Some(shown) => shown.added_to(&object),
        None => object,
    };
    let told = match (arguments.stop, arguments.json) {
        (true, true) => {
            return say_json(&with_texts(
                json!({ "group": arguments.group, "stopped": true }),
            ));
        }
        (false, true) => return say_json(&with_texts(rotation)),
        (true, false) => vec![format!(
            "{}: rotated no more; its keys stay in the group",
            arguments.group
        )],
        (false, false) => lines(&rotation),
    };
    say_all(&told)?;
    shown.iter().for_each(Shown::tell);
    Ok(())
}

/// Returns what was done to the group; `None` if its rotation was only read.
fn operation(arguments: &RotateArguments, rotation: &Value) -> Option<Operation> {
    let group = arguments.group.clone();
    if arguments.stop {
        return Some(Operation::EndRotation(group));
    }
    if arguments.now {
        return Some(Operation::RotateNow(group));
    }
    arguments.every?;
    // The answer has the schedule with everything filled in.
    let schedule: Schedule = serde_json::from_value(rotation.clone()).ok()?;
    Some(Operation::SetRotation { group, schedule })
}

/// Returns the target of a request about the rotation of a group.
fn target(group: &str, rest: &str) -> String {
    format!("/v1/key-groups/{}/rotation{rest}", encoded(group))
}

fn schedule(arguments: &RotateArguments, every: Duration, overlap: Duration) -> Value {
    let kind = arguments.kind.map(|kind| match kind {
        NewKeyType::Rsa => "rsa",
        NewKeyType::P256 => "p256",
    });
    json!({
        "every_seconds": every.as_secs(),
        "overlap_seconds": overlap.as_secs(),
        "longest_link_seconds": arguments.longest_link.map(|longest| longest.as_secs()),
        "type": kind,
    })
}

fn write_key(arguments: &RotateArguments, file: &std::path::Path) -> Result<(), CommandError> {
    let api = arguments.api.find()?;
    let key = api.get(target(&arguments.group, "/signing-key"))?.body;
    let (id, pem) = (text(&key, "key_pair_id"), text(&key, "pem"));
    if id.is_empty() || pem.is_empty() {
        return Err(api.garbled().into());
    }
    write_new(file, pem, 0o600)?;
    let shown = file.display().to_string();
    match arguments.json {
        true => say_json(&json!({ "key_pair_id": id, "file": shown })),
        false => say_all(&[
            format!("key pair id  {id}"),
            format!("private key  {shown} (keep it secret: it signs links)"),
        ]),
    }
}

fn lines(rotation: &Value) -> Vec<String> {
    let days = |name: &str| span(number(rotation, name));
    let mut lines = vec![format!(
        "{}  every {}, overlap {}, links up to {}, {}  next key due {}",
        text(rotation, "group"),
        days("every_seconds"),
        days("overlap_seconds"),
        days("longest_link_seconds"),
        text(rotation, "type"),
        text(rotation, "due_at"),
    )];
    let current = &rotation["current"];
    if !current.is_null() {
        lines.push(format!(
            "  {}  signs since {}{}",
            text(current, "id"),
            text(current, "since"),
            opened(current)
        ));
    }
    let next = &rotation["next"];
    if !next.is_null() {
        let applied = &next["applied"];
        lines.push(format!(
            "  {}  is published, in force on {} of {} edges",
            text(next, "id"),
            number(applied, "edges"),
            number(applied, "of"),
        ));
    }
    lines.extend(list(rotation, "retiring").iter().map(|key| {
        format!(
            "  {}  replaced {}{}  {}",
            text(key, "id"),
            text(key, "replaced_at"),
            opened(key),
            retirement(key)
        )
    }));
    lines
}

/// Returns when a key is retired, and why not now.
pub(super) fn retirement(key: &Value) -> String {
    match text(key, "retires_at") {
        "" => format!("retires later: {}", text(key, "reason")),
        at => format!("retires {at}: {}", text(key, "reason")),
    }
}

fn opened(key: &Value) -> String {
    match text(key, "last_opened_at") {
        "" => "  opened nothing yet".to_owned(),
        at => format!("  last opened {at}"),
    }
}

/// Returns a number of seconds in the largest unit that has it whole.
fn span(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let whole = units
        .into_iter()
        .find(|(unit, _)| seconds >= *unit && seconds.is_multiple_of(*unit));
    whole.map_or(format!("{seconds}s"), |(unit, name)| {
        format!("{}{name}", seconds / unit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_written_in_their_largest_unit() {
        let spans = [0, 59, 60, 90, 5_400, 7_200, 604_800].map(span);
        assert_eq!(spans, ["0s", "59s", "1m", "90s", "90m", "2h", "7d"]);
    }
}
