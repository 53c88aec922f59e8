//! `privet link`: links that are registered with the store, so that they can be counted, found and revoked.
//!
//! A link with limits opens nothing before it is registered; its URL is printed once and stored nowhere.

mod create;
mod revoke;
mod shown;

use crate::api::{ApiArguments, encoded};
use crate::command_error::CommandError;
use crate::report::{finish, say_all, say_json};
use clap::{Args, Subcommand};
use create::CreateArguments;
use revoke::{LiftArguments, RevokeArguments};
use serde_json::{Value, json};
use std::process::ExitCode;

/// Number of links of a list unless another one is given.
const COUNT_DEFAULT: usize = 100;

/// Arguments of `privet link`.
#[derive(Debug, Args)]
pub(crate) struct LinkArguments {
    #[command(subcommand)]
    command: LinkCommand,
}

#[derive(Debug, Subcommand)]
enum LinkCommand {
    /// Make a link that can be counted, found and revoked, or register one that was signed elsewhere.
    #[command(after_help = "\
Examples:
  privet link create --key K2J.pem --key-pair-id K2J --uses 1 --for 1h https://HOST/talk.mp4
  privet link create --group viewers --for 7d --subject anna@example.com --label course https://HOST/talk.mp4
  privet link create --register --label old 'https://HOST/talk.mp4?Expires=…&Signature=…&Key-Pair-Id=…'")]
    Create(Box<CreateArguments>),
    /// List links, newest first.
    List(ListArguments),
    /// Show a link: its terms, its uses, and what edges have counted.
    Show(ShowArguments),
    /// Revoke a link, or all links of a subject, a label, a key or of objects.
    #[command(after_help = "\
Examples:
  privet link revoke 4Jq0cPDQ1r9m8y2kVtO7Zw
  privet link revoke 'https://HOST/talk.mp4?Policy=…&Signature=…&Key-Pair-Id=…' --cut
  privet link revoke --subject anna@example.com --dry-run
  privet link revoke --object 'HOST/videos/*'")]
    Revoke(RevokeArguments),
    /// List the revocations that are in force, the last ones first.
    Revocations(RevocationsArguments),
    /// Lift a revocation by its number: what it refused opens again.
    Lift(LiftArguments),
}

#[derive(Debug, Args)]
struct ListArguments {
    /// Only links of this subject
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,
    /// Only links with this label
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// Only links of this owner
    #[arg(long, value_name = "TEXT")]
    owner: Option<String>,
    /// Only links of this key
    #[arg(long, value_name = "ID")]
    key: Option<String>,
    /// Only links for objects of this host
    #[arg(long, value_name = "HOST")]
    host: Option<String>,
    /// Only links for objects whose paths begin so
    #[arg(long, value_name = "PATH")]
    prefix: Option<String>,
    /// Only links in this state: live, ended or revoked
    #[arg(long, value_name = "STATE", value_parser = ["live", "ended", "revoked"])]
    state: Option<String>,
    /// Maximum number of links
    #[arg(long, value_name = "N", default_value_t = COUNT_DEFAULT)]
    count: usize,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Args)]
struct ShowArguments {
    /// Id or identity of the link, or its signed URL; with - it is read from standard input
    #[arg(value_name = "ID|URL")]
    link: String,
    /// Maximum number of uses that are shown
    #[arg(long, value_name = "N", default_value_t = 20)]
    uses: usize,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Args)]
struct RevocationsArguments {
    /// Maximum number of revocations
    #[arg(long, value_name = "N", default_value_t = COUNT_DEFAULT)]
    count: usize,
    #[command(flatten)]
    form: Form,
}

/// Options of every subcommand: whose links, and the form of the output.
#[derive(Debug, Args)]
struct Form {
    #[command(flatten)]
    api: ApiArguments,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command that was asked for.
pub(crate) fn run(arguments: &LinkArguments) -> ExitCode {
    finish(match &arguments.command {
        LinkCommand::Create(arguments) => create::run(arguments),
        LinkCommand::List(arguments) => list(arguments),
        LinkCommand::Show(arguments) => show(arguments),
        LinkCommand::Revoke(arguments) => revoke::run(arguments),
        LinkCommand::Revocations(arguments) => revocations(arguments),
        LinkCommand::Lift(arguments) => revoke::lift(arguments),
    })
}

fn list(arguments: &ListArguments) -> Result<(), CommandError> {
    let filters = [
        ("subject", &arguments.subject),
        ("label", &arguments.label),
        ("owner", &arguments.owner),
        ("key", &arguments.key),
        ("host", &arguments.host),
        ("prefix", &arguments.prefix),
        ("state", &arguments.state),
    ];
    let filters: String = filters
        .iter()
        .filter_map(|(name, value)| Some(format!("&{name}={}", encoded(value.as_deref()?))))
        .collect();
    let api = arguments.form.api.find()?;
    let links = api.list("/v1/links", &filters, arguments.count)?;
    match arguments.form.json {
        true => say_json(&json!({ "links": links })),
        false => say_all(&shown::links(&links)),
    }
}

fn show(arguments: &ShowArguments) -> Result<(), CommandError> {
    let api = arguments.form.api.find()?;
    let name = shown::named(&arguments.link)?;
    let target = format!("/v1/links/{}", encoded(&name));
    let mut link = api.get(&target)?.body;
    let is_limited = link.get("limited").and_then(Value::as_bool) == Some(true);
    let uses = match is_limited && arguments.uses > 0 {
        true => api.list(&format!("{target}/uses"), "", arguments.uses)?,
        false => Vec::new(),
    };
    if arguments.form.json {
        link["last_uses"] = uses.into();
        return say_json(&link);
    }
    say_all(&shown::whole(&link, &uses))
}

fn revocations(arguments: &RevocationsArguments) -> Result<(), CommandError> {
    let api = arguments.form.api.find()?;
    let found = api.list("/v1/revocations", "", arguments.count)?;
    match arguments.form.json {
        true => say_json(&json!({ "revocations": found })),
        false => say_all(&shown::revocations(&found)),
    }
}
