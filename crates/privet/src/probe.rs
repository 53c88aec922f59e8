//! `privet probe`: whether the origins of private behaviors can be read past the edge.

use crate::command_error::CommandError;
use crate::configuration::load;
use crate::moment;
use crate::operator::{Question, SocketArguments, list, text};
use crate::report::{self, say_all};
use clap::Args;
use privet_edge::{OriginPrivacy, ProbeScope, Probing, probe_origins};
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;

/// Ask the origins of private behaviors, without any keys, for what only the edge should get.
///
/// Each bucket and server is asked for its listing, for an object that does not exist, and for the object that --object
/// names, or else the default root object. The running edge asks, if there is one; otherwise this command does, from
/// the configuration.
#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  privet probe --object /films/talk.mp4

Exit codes: 0 all are private, 1 one can be read by anyone, or failed, 2 could not tell, or wrong usage")]
pub(crate) struct ProbeArguments {
    #[command(flatten)]
    socket: SocketArguments,
    /// An object that is there: a bucket may hide its listing and still hand out objects
    #[arg(long, value_name = "PATH", value_parser = parse_object)]
    object: Option<String>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn parse_object(text: &str) -> Result<String, &'static str> {
    if !text.starts_with('/') {
        return Err("a path begins with a slash");
    }
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("a path has only ASCII characters; write others percent-encoded");
    }
    Ok(text.to_owned())
}

/// What all origins together amount to.
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
        vec![answer.to_string()]
    } else if origins.is_empty() {
        vec!["no private behavior has a bucket or a server as its origin".to_owned()]
    } else {
        let messages = origins.iter().map(|origin| text(origin, "message"));
        messages.map(str::to_owned).collect()
    };
    let verdict = verdict(origins);
    match say_all(&lines) {
        // The exit code is an answer too, whoever stopped reading the words.
        Ok(()) | Err(CommandError::BrokenPipe) => Ok(verdict),
        Err(error) => Err(error),
    }
}

fn ask(arguments: &ProbeArguments) -> Result<Value, CommandError> {
    let question = Question {
        method: "POST",
        target: "/origins/probe",
        body: Some(json!({ "object": arguments.object })),
    };
    match arguments.socket.find() {
        Ok(socket) => match question.ask(&socket) {
            Err(CommandError::EdgeAbsent { .. }) if arguments.socket.socket.is_none() => {
                ask_without_edge(&arguments.socket.config, arguments.object.clone())
            }
            answered => answered,
        },
        Err(CommandError::NoSocket { .. }) => {
            ask_without_edge(&arguments.socket.config, arguments.object.clone())
        }
        Err(error) => Err(error),
    }
}

fn ask_without_edge(config: &Path, known_object: Option<String>) -> Result<Value, CommandError> {
    let loaded = load(config).map_err(|error| CommandError::Configuration(error.to_string()))?;
    let probing = Probing {
        scope: ProbeScope::Servers,
        known_object,
    };
    let origins = probe_origins(&loaded.snapshot, &probing, moment::now())
        .map_err(|error| CommandError::read("the origins", &error))?;
    let origins: Vec<Value> = origins.iter().map(OriginPrivacy::to_json).collect();
    Ok(json!({ "origins": origins }))
}

/// One public origin outweighs all others.
fn verdict(origins: &[Value]) -> Verdict {
    let mut verdict = Verdict::Private;
    for origin in origins {
        match text(origin, "access") {
            "public" => return Verdict::Public,
            "private" => {}
            _ => verdict = Verdict::CannotTell,
        }
    }
    verdict
}
