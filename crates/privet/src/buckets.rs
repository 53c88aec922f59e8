//! `privet bucket`: embedded buckets are made, granted to readers and filled from a folder; of others it is read and
//! changed where they lie.

mod sync;

use crate::api::{ApiRequest, encoded};
use crate::collections::{self, Collection, CollectionCommand, Creation, Form};
use crate::command_error::CommandError;
use crate::report::finish;
use clap::{Args, Subcommand};
use http::Method;
use privet_distribution::config::ServiceKind;
use serde_json::{Map, Value, json};
use std::process::ExitCode;

const CREATE_EXAMPLES: &str = "\
Examples:
  privet bucket create articles        a bucket that this machine keeps
  privet bucket create archive.toml    a bucket elsewhere: name, and folder or endpoint

A name that ends with .toml or .json, has a slash or is - is a file with a document.";

const GRANT_EXAMPLES: &str = "\
Examples:
  privet bucket grant articles --identity E127EXAMPLE51Z
  privet bucket grant articles --distribution EDFDVBD6EXAMPLE";

/// Arguments of `privet bucket`.
#[derive(Debug, Args)]
pub(crate) struct BucketArguments {
    #[command(subcommand)]
    command: BucketCommand,
}

#[derive(Debug, Subcommand)]
enum BucketCommand {
    /// Create a bucket that this machine keeps, or say where one lies.
    #[command(after_help = CREATE_EXAMPLES)]
    Create(CreateArguments),
    /// Let an origin access identity, or a distribution, read a bucket that this machine keeps.
    #[command(after_help = GRANT_EXAMPLES)]
    Grant(GrantArguments),
    /// Take the right to read a bucket back.
    Revoke(RevokeArguments),
    /// Put into a bucket what is new or has changed in a folder.
    Sync(sync::SyncArguments),
    #[command(flatten)]
    Others(CollectionCommand),
}

#[derive(Debug, Args)]
struct CreateArguments {
    /// Name of the bucket, or a file with a document
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    creation: Creation,
}

#[derive(Debug, Args)]
struct GrantArguments {
    #[command(flatten)]
    reader: Reader,
    /// Let it hear that an object does not exist: 404 instead of 403
    #[arg(long)]
    list: bool,
}

#[derive(Debug, Args)]
struct RevokeArguments {
    #[command(flatten)]
    reader: Reader,
}

/// Who may read which bucket, and how the change is made.
#[derive(Debug, Args)]
struct Reader {
    /// Name of the bucket
    #[arg(value_name = "BUCKET")]
    bucket: String,
    #[command(flatten)]
    who: Who,
    /// Show what would be changed, without changing it
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Who {
    /// Id of an origin access identity
    #[arg(long, value_name = "ID")]
    identity: Option<String>,
    /// Id of a distribution whose origin has an origin access control, or names the bucket
    #[arg(long, value_name = "ID")]
    distribution: Option<String>,
}

/// Runs the command.
pub(crate) fn run(arguments: &BucketArguments) -> ExitCode {
    let collection = Collection::of(ServiceKind::Bucket);
    finish(match &arguments.command {
        BucketCommand::Create(arguments) => create(collection, arguments),
        BucketCommand::Grant(arguments) => change(&arguments.reader, "grants", arguments.list),
        BucketCommand::Revoke(arguments) => change(&arguments.reader, "grants/revoke", false),
        BucketCommand::Sync(arguments) => sync::run(arguments),
        BucketCommand::Others(command) => collections::run(collection, command),
    })
}

fn create(collection: Collection, arguments: &CreateArguments) -> Result<(), CommandError> {
    let CreateArguments { name, creation } = arguments;
    match is_file(name) {
        true => collections::create_from(collection, name, creation),
        false => {
            let document = json!({ "name": name, "embedded": true });
            collections::create_document(collection, &document, creation)
        }
    }
}

fn is_file(name: &str) -> bool {
    name == "-" || name.contains('/') || name.ends_with(".toml") || name.ends_with(".json")
}

fn change(reader: &Reader, what: &str, list: bool) -> Result<(), CommandError> {
    let mut body = Map::new();
    for (key, id) in [
        ("origin_access_identity", &reader.who.identity),
        ("distribution", &reader.who.distribution),
    ] {
        if let Some(id) = id {
            body.insert(key.to_owned(), Value::from(id.as_str()));
        }
    }
    if list {
        body.insert("list".to_owned(), Value::Bool(true));
    }
    let query = if reader.dry_run { "?dry_run=1" } else { "" };
    let bucket = encoded(&reader.bucket);
    let request = ApiRequest {
        method: Method::POST,
        target: format!("/v1/buckets/{bucket}/{what}{query}"),
        if_match: None,
        body: Some(&Value::Object(body)),
    };
    let form = &reader.form;
    collections::tell(&form.api.find()?.ask(&request)?.body, form)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_told_from_a_name() {
        for name in ["-", "a.toml", "a.json", "./articles", "folder/a"] {
            assert!(is_file(name), "{name}");
        }
        for name in ["articles", "a.b.c", "toml"] {
            assert!(!is_file(name), "{name}");
        }
    }
}
