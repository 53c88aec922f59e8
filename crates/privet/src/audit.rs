//! `privet audit`: who did what, and whether the trail is as it was written.

use crate::admin_socket::{number, text};
use crate::api::{Api, ApiArguments, encoded};
use crate::command_error::CommandError;
use crate::moment::{self, Moment, parse_moment};
use crate::printable::json_line;
use crate::report::{counted, finish, say_all, say_json};
use crate::store_access::{open_store, runtime, store_settings};
use crate::store_fault::StoreFault;
use crate::table::table;
use clap::{Args, Subcommand, ValueEnum};
use privet_store::AuditVerdict;
use serde_json::{Value, json};
use std::path::Path;
use std::process::ExitCode;

/// Arguments of `privet audit`.
#[derive(Debug, Args)]
pub(crate) struct AuditArguments {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// List the latest entries, the newest first. Listing them is written down too.
    #[command(after_help = "\
Examples:
  privet audit list --outcome refused
  privet audit list --kind distribution --id EDFDVBD6EXAMPLE --from 2030-01-01")]
    List(ListArguments),
    /// Show one entry, with the values before and after.
    Show(ShowArguments),
    /// Check the chain of hashes of all entries.
    ///
    /// The store of the configuration is opened; with --endpoint, --profile or --socket, a running edge checks. An end
    /// that was cut off shows only by its last hash: note it, and compare.
    #[command(
        after_help = "Exit codes: 0 every entry is as it was written, 1 one is not, or failed"
    )]
    Verify(VerifyArguments),
}

#[derive(Debug, Args)]
struct ListArguments {
    /// Maximum number of entries
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=10_000))]
    count: u16,
    /// Entries of this operator
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
    /// Entries about this kind: distribution, public_key, operator, …
    #[arg(long, value_name = "KIND")]
    kind: Option<String>,
    /// Entries about what has this id
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// Entries of this operation, such as distributions.update
    #[arg(long, value_name = "OPERATION")]
    operation: Option<String>,
    /// Entries with this end
    #[arg(long, value_enum, value_name = "OUTCOME")]
    outcome: Option<OutcomeWord>,
    /// Entries from this time on
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    from: Option<Moment>,
    /// Entries up to this time
    #[arg(long, value_name = "TIME", value_parser = parse_moment)]
    to: Option<Moment>,
    #[command(flatten)]
    api: ApiArguments,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// An end of an operation on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OutcomeWord {
    Done,
    Refused,
    Failed,
}

#[derive(Debug, Args)]
struct ShowArguments {
    /// Number of the entry
    #[arg(value_name = "N")]
    seq: u64,
    #[command(flatten)]
    api: ApiArguments,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct VerifyArguments {
    #[command(flatten)]
    api: ApiArguments,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command: 1 for a trail that is broken.
pub(crate) fn run(arguments: &AuditArguments) -> ExitCode {
    finish(match &arguments.command {
        AuditCommand::List(arguments) => list(arguments),
        AuditCommand::Show(arguments) => show(arguments),
        AuditCommand::Verify(arguments) => verify(arguments),
    })
}

fn verify(arguments: &VerifyArguments) -> Result<(), CommandError> {
    let verdict = match arguments.api.named()? {
        Some(api) => asked_verdict(&api)?,
        None => own_verdict(&arguments.api.config())?,
    };
    let (entries, head) = match verdict {
        AuditVerdict::Whole { entries, head } => (entries, head),
        AuditVerdict::Broken { seq, reason } => {
            return Err(StoreFault::AuditBroken { seq, reason }.into());
        }
    };
    if arguments.json {
        return say_json(&json!({ "whole": true, "entries": entries, "head": head }));
    }
    let count = counted(entries, "entry", "entries");
    say_all(&[
        format!("{count}, all as they were written"),
        format!("last hash  {head}"),
    ])
}

fn own_verdict(config: &Path) -> Result<AuditVerdict, CommandError> {
    let settings = store_settings(config)?;
    runtime()?.block_on(async { Ok(open_store(&settings).await?.verify_audit().await?) })
}

fn asked_verdict(api: &Api) -> Result<AuditVerdict, CommandError> {
    let verdict = api.get("/v1/changes/verify")?.body;
    let words = |name| text(&verdict, name).to_owned();
    match verdict.get("whole").and_then(Value::as_bool) {
        Some(true) => Ok(AuditVerdict::Whole {
            entries: number(&verdict, "entries"),
            head: words("head"),
        }),
        Some(false) => Ok(AuditVerdict::Broken {
            seq: number(&verdict, "seq"),
            reason: words("reason"),
        }),
        None => Err(api.garbled().into()),
    }
}

fn list(arguments: &ListArguments) -> Result<(), CommandError> {
    let api: Api = arguments.api.find()?;
    let entries = api.list("/v1/changes", &filters(arguments), arguments.count.into())?;
    if arguments.json {
        return say_json(&json!({ "items": entries }));
    }
    let rows: Vec<[String; 7]> = entries.iter().map(row).collect();
    say_all(&table(
        [
            "ENTRY",
            "AT",
            "OPERATOR",
            "HOW",
            "OPERATION",
            "OUTCOME",
            "ABOUT",
        ],
        &rows,
    ))
}

/// Returns the filters as they stand in a query behind others.
fn filters(arguments: &ListArguments) -> String {
    let outcome = arguments.outcome.map(|outcome| match outcome {
        OutcomeWord::Done => "done",
        OutcomeWord::Refused => "refused",
        OutcomeWord::Failed => "failed",
    });
    let now = moment::now();
    let time = |moment: Option<Moment>| moment.map(|moment| moment.resolve(now).to_utc());
    let filters = [
        ("operator", arguments.operator.clone()),
        ("kind", arguments.kind.clone()),
        ("id", arguments.id.clone()),
        ("operation", arguments.operation.clone()),
        ("outcome", outcome.map(str::to_owned)),
        ("from", time(arguments.from)),
        ("to", time(arguments.to)),
    ];
    let given = filters
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    given
        .map(|(name, value)| format!("&{name}={}", encoded(&value)))
        .collect()
}

fn row(entry: &Value) -> [String; 7] {
    let about = &entry["document"];
    let about = format!("{} {}", text(about, "kind"), text(about, "id"));
    let outcome = match text(entry, "detail") {
        "" => text(entry, "outcome").to_owned(),
        detail => format!("{} ({detail})", text(entry, "outcome")),
    };
    let how = match text(entry, "address") {
        "" => text(entry, "how").to_owned(),
        address => format!("{} {address}", text(entry, "how")),
    };
    [
        number(entry, "seq").to_string(),
        text(entry, "at").to_owned(),
        text(entry, "operator").to_owned(),
        how,
        text(entry, "operation").to_owned(),
        outcome,
        about.trim().to_owned(),
    ]
}

fn show(arguments: &ShowArguments) -> Result<(), CommandError> {
    let target = format!("/v1/changes/{}", arguments.seq);
    let entry = arguments.api.find()?.get(target)?.body;
    if arguments.json {
        return say_json(&entry);
    }
    let members = entry.as_object().into_iter().flatten();
    let lines: Vec<String> = members
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| match value.as_str() {
            Some(text) => format!("{name:<12}{text}"),
            None => format!("{name:<12}{}", json_line(value)),
        })
        .collect();
    say_all(&lines)
}
