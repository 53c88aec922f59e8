//! `privet invalidate` and `privet invalidations`: removes objects from the cache of a running edge, and lists
//! invalidations.

use crate::admin_socket::{Question, list, number, text};
use crate::api::{Api, ApiArguments, ApiRequest};
use crate::command_error::CommandError;
use crate::equivalents::EquivalentsArgument;
use crate::moment::{self, parse_moment};
use crate::report::{counted, finish, say_all, say_json};
use clap::Args;
use http::Method;
use privet_control::{InvalidationRequest, Operation};
use privet_edge::{InvalidationItem, InvalidationReach, check_invalidation};
use privet_sign::Timestamp;
use serde_json::{Value, json};
use std::process::ExitCode;

/// Remove objects from the cache of a running edge, whatever their age.
///
/// Matching objects are treated as missing from then on, across restarts too. All encodings and variants of a path are
/// removed; a trailing * matches by prefix. A path without a query means the object without a query.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privet invalidate --distribution EDFDVBD6EXAMPLE /index.html '/images/*'
  privet invalidate --distribution EDFDVBD6EXAMPLE --tag spring
  privet invalidate --distribution EDFDVBD6EXAMPLE --dry-run '/search?q=*'

Exit codes: 0 done, 1 refused, or no edge is running, 2 wrong usage")]
pub(crate) struct InvalidateArguments {
    #[command(flatten)]
    api: ApiArguments,
    /// The distribution whose objects are removed
    #[arg(long, value_name = "ID")]
    distribution: String,
    /// A tag of the origin's responses (Cache-Tag, Surrogate-Key); all objects with it are removed
    #[arg(long, value_name = "TAG", value_parser = InvalidationItem::tag)]
    tag: Vec<InvalidationItem>,
    /// Show what would be removed, without contacting an edge
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    equivalents: EquivalentsArgument,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Paths, percent-encoded as in a URL; at most 3,000 with the tags, 15 with a * at the end
    #[arg(value_name = "PATH", value_parser = InvalidationItem::path, required_unless_present = "tag")]
    path: Vec<InvalidationItem>,
}

/// Runs the command: 0 when the invalidation is complete.
pub(crate) fn run(arguments: &InvalidateArguments) -> ExitCode {
    finish(invalidate(arguments))
}

fn invalidate(arguments: &InvalidateArguments) -> Result<(), CommandError> {
    let items = [&arguments.path[..], &arguments.tag].concat();
    check_invalidation(&items).map_err(CommandError::Invalidation)?;
    let written = |items: &[InvalidationItem]| -> Vec<String> {
        items.iter().map(|item| item.as_str().to_owned()).collect()
    };
    let body = json!({
        "distribution": arguments.distribution,
        "paths": written(&arguments.path),
        "tags": written(&arguments.tag),
    });
    let shown = arguments.equivalents.of(|| {
        Operation::Invalidate(InvalidationRequest {
            distribution: arguments.distribution.clone(),
            paths: written(&arguments.path),
            tags: written(&arguments.tag),
            caller_reference: None,
        })
    });
    if arguments.dry_run {
        return match arguments.json {
            true => say_json(&shown.added_to(&body)),
            false => {
                say_all(&items.iter().map(meaning).collect::<Vec<_>>())?;
                shown.tell();
                Ok(())
            }
        };
    }
    let answer = match arguments.api.remote()? {
        Some(api) => invalidate_through(&api, &body)?,
        None => {
            let question = Question {
                method: "POST",
                target: "/invalidations",
                body: Some(body),
            };
            question.ask(&arguments.api.socket.find()?)?
        }
    };
    match arguments.json {
        true => say_json(&shown.added_to(&answer)),
        false => {
            let (id, status) = (text(&answer, "id"), text(&answer, "status"));
            say_all(&[format!("{id} {status}")])?;
            shown.tell();
            Ok(())
        }
    }
}

fn meaning(item: &InvalidationItem) -> String {
    let what = item.as_str();
    match item.reach() {
        InvalidationReach::Path => format!("{what}  this object, in all its variants"),
        InvalidationReach::Wildcard => format!("{what}  every object with this prefix"),
        InvalidationReach::Tag => format!("{what}  every object with this tag"),
    }
}

/// Show the latest invalidations of a running edge, or one of them.
#[derive(Debug, Args)]
pub(crate) struct InvalidationsArguments {
    #[command(flatten)]
    api: ApiArguments,
    /// Maximum number, the newest first
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    count: u16,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// The invalidation to show, with its paths and tags
    #[arg(value_name = "ID", value_parser = parse_id)]
    id: Option<String>,
}

/// Checks an id. It becomes part of a path, so other text could name another path.
fn parse_id(text: &str) -> Result<String, &'static str> {
    let is_id = text
        .bytes()
        .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit());
    if text.is_empty() || !is_id {
        return Err("an id has only capital letters and digits, such as I2J0I21PCUYOIK");
    }
    Ok(text.to_owned())
}

/// Runs the command: 1 if there is no such invalidation.
pub(crate) fn run_list(arguments: &InvalidationsArguments) -> ExitCode {
    finish(show(arguments))
}

fn show(arguments: &InvalidationsArguments) -> Result<(), CommandError> {
    let answer = match arguments.api.remote()? {
        Some(api) => read_through(&api, arguments)?,
        None => {
            let target = match &arguments.id {
                Some(id) => format!("/invalidations/{id}"),
                None => format!("/invalidations?count={}", arguments.count),
            };
            let question = Question {
                method: "GET",
                target: &target,
                body: None,
            };
            question.ask(&arguments.api.socket.find()?)?
        }
    };
    if arguments.json {
        return say_json(&answer);
    }
    let lines: Vec<String> = match &arguments.id {
        Some(_) => {
            let paths = list(&answer, "paths").iter().map(|path| ("path", path));
            let tags = list(&answer, "tags").iter().map(|tag| ("tag", tag));
            let items = paths.chain(tags).map(|(kind, written)| {
                format!("  {kind} {}", written.as_str().unwrap_or_default())
            });
            std::iter::once(summary(&answer))
                .chain(items)
                .collect::<Vec<_>>()
        }
        None => list(&answer, "invalidations")
            .iter()
            .map(|one| {
                let items = counted(number(one, "items"), "item", "items");
                format!("{}  {items}", summary(one))
            })
            .collect(),
    };
    say_all(&lines)
}

fn summary(invalidation: &Value) -> String {
    format!(
        "{}  {}  {}  {}",
        text(invalidation, "id"),
        text(invalidation, "status"),
        Timestamp::from_secs(number(invalidation, "created")).to_utc(),
        text(invalidation, "distribution"),
    )
}

fn invalidate_through(api: &Api, body: &Value) -> Result<Value, CommandError> {
    let asked = ApiRequest {
        method: Method::POST,
        target: "/v1/invalidations".to_owned(),
        if_match: None,
        body: Some(body),
    };
    Ok(as_of_socket(&api.ask(&asked)?.body))
}

fn read_through(api: &Api, arguments: &InvalidationsArguments) -> Result<Value, CommandError> {
    let Some(id) = &arguments.id else {
        let items = api.list("/v1/invalidations", "", arguments.count.into())?;
        let latest: Vec<Value> = items.iter().map(as_of_socket).collect();
        return Ok(json!({ "invalidations": latest }));
    };
    let item = api.get(format!("/v1/invalidations/{id}"))?;
    Ok(as_of_socket(&item.body))
}

/// Returns an invalidation of `/v1` in the form that the socket has, so that scripts find the same wherever they ask.
fn as_of_socket(item: &Value) -> Value {
    let document = &item["document"];
    let (paths, tags) = (list(document, "paths"), list(document, "tags"));
    let created = parse_moment(text(&item["made_by"], "at"));
    let created = created.map_or(0, |created| created.resolve(moment::now()).as_secs());
    json!({
        "id": item["id"],
        "distribution": document["distribution"],
        "status": match text(item, "status") {
            "completed" => "Completed",
            _ => "InProgress",
        },
        "created": created,
        "items": paths.len() + tags.len(),
        "paths": paths,
        "tags": tags,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invalidation_of_the_interface_reads_as_one_of_the_socket() {
        let item = json!({
            "id": "I1", "etag": "E1", "status": "in_progress",
            "made_by": {"kind": "operator", "operator": "ci", "at": "2030-01-01T00:00:00Z"},
            "document": {"distribution": "E1", "paths": ["/a*"], "tags": ["x"]},
        });
        let expected = json!({
            "id": "I1", "distribution": "E1", "status": "InProgress", "created": 1_893_456_000,
            "items": 2, "paths": ["/a*"], "tags": ["x"],
        });
        assert_eq!(as_of_socket(&item), expected);
    }
}
