//! `privet edges`: the edges that follow a store.

use crate::admin_socket::{list as list_of, number, text};
use crate::api::{ApiArguments, ApiRequest, encoded};
use crate::command_error::CommandError;
use crate::equivalents::EquivalentsArgument;
use crate::report::{counted, finish, say_all, say_json};
use crate::table::table;
use clap::{Args, Subcommand};
use http::Method;
use privet_control::Operation;
use serde_json::{Value, json};
use std::process::ExitCode;

/// Arguments of `privet edges`.
#[derive(Debug, Args)]
pub(crate) struct EdgesArguments {
    #[command(subcommand)]
    command: EdgesCommand,
}

#[derive(Debug, Subcommand)]
enum EdgesCommand {
    /// List the edges, the last change that each has in force, and when it was last heard of.
    List(ListArguments),
    /// Forget an edge that is no more. One that still runs comes back with its next report.
    Forget(ForgetArguments),
}

#[derive(Debug, Args)]
struct ListArguments {
    #[command(flatten)]
    api: ApiArguments,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct ForgetArguments {
    /// Id of the edge
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    equivalents: EquivalentsArgument,
    #[command(flatten)]
    api: ApiArguments,
}

/// Runs the command that was asked for.
pub(crate) fn run(arguments: &EdgesArguments) -> ExitCode {
    finish(match &arguments.command {
        EdgesCommand::List(arguments) => list(arguments),
        EdgesCommand::Forget(arguments) => forget(arguments),
    })
}

fn list(arguments: &ListArguments) -> Result<(), CommandError> {
    let answer = arguments.api.find()?.get("/v1/edges")?.body;
    let edges = answer.get("items").and_then(Value::as_array);
    let edges = edges.map_or(&[][..], Vec::as_slice);
    if arguments.json {
        return say_json(&json!({ "items": edges }));
    }
    let rows: Vec<[String; 6]> = edges
        .iter()
        .map(|edge| {
            [
                text(edge, "id").to_owned(),
                text(edge, "name").to_owned(),
                text(edge, "version").to_owned(),
                number(edge, "applied_seq").to_string(),
                text(edge, "seen_at").to_owned(),
                state(&edge["state"]),
            ]
        })
        .collect();
    say_all(&table(
        ["ID", "NAME", "VERSION", "APPLIED", "SEEN", "STATE"],
        &rows,
    ))
}

/// Returns the state that an edge has reported in a word, or what is wrong with it.
fn state(state: &Value) -> String {
    let failures = list_of(state, "failures").len() as u64;
    let put_back = &state["put_back"];
    if put_back.is_object() {
        let (had, has) = (number(put_back, "had"), number(put_back, "has"));
        return format!("database put back: had change {had}, has {has}");
    }
    match (text(state, "fault"), failures, &state["is_stale"]) {
        ("", 0, Value::Bool(true)) => "stale".to_owned(),
        ("", 0, _) => "current".to_owned(),
        ("", failures, _) => counted(failures, "item refused", "items refused"),
        (fault, ..) => fault.to_owned(),
    }
}

fn forget(arguments: &ForgetArguments) -> Result<(), CommandError> {
    let asked = ApiRequest {
        method: Method::DELETE,
        target: format!("/v1/edges/{}", encoded(&arguments.id)),
        ..ApiRequest::default()
    };
    arguments.api.find()?.ask(&asked)?;
    say_all(&[format!("{} forgotten", arguments.id)])?;
    let operation = || Operation::ForgetEdge(arguments.id.clone());
    arguments.equivalents.of(operation).tell();
    Ok(())
}
