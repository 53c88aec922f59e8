//! `privet probe`: checks whether the origins of private behaviors can be read or written without going through the
//! edge.

use crate::admin_socket::{Question, list, text};
use crate::api::{Api, ApiArguments, ApiRequest};
use crate::command_error::CommandError;
use crate::moment;
use crate::printable::json_line;
use crate::report::{self, say_all};
use crate::stored_service::served_snapshot;
use clap::Args;
use http::Method;
use privet_edge::{
    KnownObject, OriginPrivacy, ProbeError, ProbeScope, Probing, WritingCheck, probe_origins,
};
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;

/// Check whether private origins can be read without credentials.
///
/// Requests without credentials are sent to each bucket and server: for its listing, for an object that does not exist,
/// and for one that does, the object given by --object or else the default root object. A refusal counts only if the
/// edge's own keys can read that object; if they cannot, or if the bucket refuses the edge itself, the result is
/// unclear. Whether anyone can write to a bucket is determined from its ACL and its policy, if the edge's keys may read
/// them.
///
/// If an edge is running, it sends the requests; otherwise this command does, using the configuration. With --endpoint
/// or --profile, the edge behind the operators' interface sends them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privet probe --object /videos/talk.mp4
  privet probe --object EDFDVBD632BHDS5/talk.mp4 --object www.example.com/index.html

Exit codes: 0 all are private, 1 one can be read or written by anyone, or failed, 2 cannot tell, or wrong usage")]
pub(crate) struct ProbeArguments {
    #[command(flatten)]
    api: ApiArguments,
    /// An object that exists; with the id or a host of its distribution before the path if there are several. May be
    /// repeated
    #[arg(long = "object", value_name = "[WHOSE]/PATH", value_parser = parse_object)]
    objects: Vec<String>,
    /// Also try to write to buckets: a PUT without a signature, under a random name, with a digest that is wrong on
    /// purpose, so that it cannot succeed
    #[arg(long)]
    write: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn parse_object(text: &str) -> Result<String, String> {
    if !text.contains('/') {
        return Err("a path begins with a slash".to_owned());
    }
    let parsed = text.parse::<KnownObject>();
    parsed
        .map(|object| object.to_string())
        .map_err(|error| error.to_string())
}

/// The result for all origins together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Private,
    Public,
    CannotTell,
}

/// Runs the command.
pub(crate) fn run(arguments: &ProbeArguments) -> ExitCode {
    match probe(arguments) {
        Ok(Verdict::Private) => ExitCode::SUCCESS,
        Ok(Verdict::Public) => ExitCode::from(1),
        Ok(Verdict::CannotTell) => ExitCode::from(2),
        Err(error) => report::fail(&error),
    }
}

fn probe(arguments: &ProbeArguments) -> Result<Verdict, CommandError> {
    let answer = ask(arguments)?;
    let origins = list(&answer, "origins");
    let lines = if arguments.json {
        vec![json_line(&answer)]
    } else if origins.is_empty() {
        vec!["nothing to probe: no private behavior has a bucket or a server as its origin, and folders can be reached through the edge only".to_owned()]
    } else {
        let messages = origins.iter().map(|origin| text(origin, "message"));
        messages.map(str::to_owned).collect()
    };
    let verdict = verdict(origins, arguments.write);
    match say_all(&lines) {
        // The exit code is part of the result, even if nobody reads the text.
        Ok(()) | Err(CommandError::BrokenPipe) => Ok(verdict),
        Err(error) => Err(error),
    }
}

fn ask(arguments: &ProbeArguments) -> Result<Value, CommandError> {
    match arguments.api.remote()? {
        Some(api) => ask_elsewhere(&api, arguments),
        None => ask_here(arguments),
    }
}

/// Has the edge behind an operators' interface probe; returns what the socket would return.
fn ask_elsewhere(api: &Api, arguments: &ProbeArguments) -> Result<Value, CommandError> {
    let body = json!({ "objects": arguments.objects, "write": arguments.write });
    let request = ApiRequest {
        method: Method::POST,
        target: "/v1/origins/probe".to_owned(),
        if_match: None,
        body: Some(&body),
    };
    let mut answer = api.ask(&request)?.body;
    match answer.get_mut("items").map(Value::take) {
        Some(origins @ Value::Array(_)) => Ok(json!({ "origins": origins })),
        Some(_) | None => Err(api.garbled().into()),
    }
}

fn ask_here(arguments: &ProbeArguments) -> Result<Value, CommandError> {
    let socket_arguments = &arguments.api.socket;
    let question = Question {
        method: "POST",
        target: "/origins/probe",
        body: Some(json!({ "objects": arguments.objects, "write": arguments.write })),
    };
    match socket_arguments.find() {
        Ok(socket) => match question.ask(&socket) {
            Err(CommandError::EdgeAbsent { .. }) if socket_arguments.socket.is_none() => {
                ask_without_edge(&arguments.api.config(), arguments)
            }
            answered => answered,
        },
        Err(CommandError::NoSocket { .. }) => ask_without_edge(&arguments.api.config(), arguments),
        Err(error) => Err(error),
    }
}

fn ask_without_edge(config: &Path, arguments: &ProbeArguments) -> Result<Value, CommandError> {
    let snapshot = served_snapshot(config)?;
    let objects = arguments.objects.iter();
    let probing = Probing {
        scope: ProbeScope::Servers,
        objects: objects
            .map(|object| object.parse())
            .collect::<Result<_, ProbeError>>()
            .map_err(CommandError::Probe)?,
        writing: if arguments.write {
            WritingCheck::Try
        } else {
            WritingCheck::Read
        },
    };
    let origins = probe_origins(&snapshot, &probing, moment::now()).map_err(CommandError::Probe)?;
    let origins: Vec<Value> = origins.iter().map(OriginPrivacy::to_json).collect();
    Ok(json!({ "origins": origins }))
}

/// Returns the result for all origins: one public origin outweighs all others. Unknown writers make it unclear only if
/// writing was tried, since an edge need not be allowed to read ACL and policy.
fn verdict(origins: &[Value], tried_to_write: bool) -> Verdict {
    let mut verdict = Verdict::Private;
    for origin in origins {
        match (text(origin, "access"), text(origin, "writers")) {
            ("public", _) | (_, "anybody") => return Verdict::Public,
            ("private", "nobody") => {}
            ("private", "") if !tried_to_write || !is_bucket(origin) => {}
            _ => verdict = Verdict::CannotTell,
        }
    }
    verdict
}

fn is_bucket(origin: &Value) -> bool {
    text(origin, "place").starts_with("bucket ")
}
