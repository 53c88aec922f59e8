//! `privet import`: takes the service of a file into a store.

mod difference;
mod file_items;
mod plan;
mod validation;

use crate::command_error::CommandError;
use crate::origin_secret::OriginSecret;
use crate::report::{counted, finish, say_all, say_json};
use crate::store_access::{StoreArguments, open_store, runtime, store_settings};
use crate::stored_items::stored_items;
use clap::Args;
use file_items::{Certificates, FileItems};
use plan::{Act, Others, Plan, PlannedChange};
use privet_control::CutOff;
use privet_distribution::config::StoreSettings;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use validation::Node;

/// Take the service of a file into the store of a configuration.
///
/// Items of the file are added, or replace those of the same id; others of the store stay. The service is checked as a
/// whole before anything is written, and edges take it up whether they run already or not. Public keys are stored as
/// text; the files of certificates stay paths.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  privet import service.toml --dry-run
  privet import privet.toml --config privet.toml
  privet import service.toml --prune

Exit codes: 0 done, 1 faults in the file, or failed; nothing is changed then, 2 wrong usage")]
pub(crate) struct ImportArguments {
    #[command(flatten)]
    store: StoreArguments,
    /// File with distributions, keys and policies; it may be the configuration itself
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Show what would be changed, and what would be cut off
    #[arg(long)]
    dry_run: bool,
    /// Delete what the store has and the file does not
    #[arg(long)]
    prune: bool,
    /// Store certificates and their private keys, sealed, in place of the paths of their files
    #[arg(long)]
    embed_certificates: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Runs the command: 1 if the file has faults, or if the service with it would have some.
pub(crate) fn run(arguments: &ImportArguments) -> ExitCode {
    finish(import(arguments))
}

fn import(arguments: &ImportArguments) -> Result<(), CommandError> {
    let certificates = match arguments.embed_certificates {
        true => Certificates::Embedded,
        false => Certificates::ByPath,
    };
    let others = match arguments.prune {
        true => Others::Deleted,
        false => Others::Stay,
    };
    let outcome = match arguments.dry_run {
        true => Outcome::Shown,
        false => Outcome::Written,
    };
    let config = arguments.store.config.file();
    Import::read(&config, &arguments.file, certificates)?.carry_out(
        others,
        outcome,
        |plan, change| tell(arguments, plan, change),
    )
}

/// Takes the service of `file` into the store of `config` without a word, with a secret for an origin that the program
/// itself serves. Other items of the store stay.
///
/// # Errors
/// [`CommandError::Configuration`] with all faults, [`CommandError::Store`]; nothing is changed then.
pub(crate) fn take_over(
    config: &Path,
    file: &Path,
    secret: &OriginSecret,
) -> Result<(), CommandError> {
    let mut import = Import::read(config, file, Certificates::ByPath)?;
    secret.add_to_items(&mut import.file.items);
    import.carry_out(Others::Stay, Outcome::Written, |_, _| Ok(()))
}

/// What becomes of a plan that has no faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Shown,
    Written,
}

/// A file's service, and the store and the machine that it is for.
#[derive(Debug)]
struct Import {
    settings: StoreSettings,
    node: Node,
    file: FileItems,
}

impl Import {
    fn read(config: &Path, file: &Path, certificates: Certificates) -> Result<Self, CommandError> {
        Ok(Import {
            settings: store_settings(config)?,
            node: Node::read(config)?,
            file: FileItems::read(file, certificates)?,
        })
    }

    /// Plans the changes and checks them as a whole. `tell` hears of the plan, and of the change's number if one was
    /// written.
    fn carry_out(
        self,
        others: Others,
        outcome: Outcome,
        tell: impl FnOnce(&Plan<'_>, Option<u64>) -> Result<(), CommandError>,
    ) -> Result<(), CommandError> {
        let Import {
            settings,
            node,
            mut file,
        } = self;
        runtime()?.block_on(async {
            let store = open_store(&settings).await?;
            let stored = stored_items(&store).await?;
            file.name_policies_by_id(stored.iter().map(|stored| &stored.item));
            let plan = Plan::of(&file.items, &stored, others);
            validation::check(node, &file, &plan.staying)?;
            let change = match outcome {
                Outcome::Written if !plan.changes.is_empty() => {
                    Some(store.write(plan.write()?).await?.change)
                }
                Outcome::Written | Outcome::Shown => None,
            };
            tell(&plan, change)
        })
    }
}

/// Says what was changed, or would be.
fn tell(
    arguments: &ImportArguments,
    plan: &Plan<'_>,
    change: Option<u64>,
) -> Result<(), CommandError> {
    if arguments.json {
        let changes: Vec<Value> = plan.changes.iter().map(PlannedChange::json).collect();
        return say_json(&json!({
            "dry_run": arguments.dry_run,
            "added": plan.count(Act::Add),
            "changed": plan.count(Act::Change),
            "removed": plan.count(Act::Remove),
            "unchanged": plan.unchanged,
            "staying": plan.staying.len(),
            "changes": changes,
            "change": change,
        }));
    }
    let mut lines: Vec<String> = plan.changes.iter().flat_map(told).collect();
    lines.push(summary(arguments, plan));
    say_all(&lines)
}

fn told(change: &PlannedChange<'_>) -> Vec<String> {
    let (sign, kind, id) = (change.act.sign(), change.item.kind, &change.item.id);
    let mut lines = vec![format!("{sign} {kind} {id}")];
    let differences = change.differences.iter().map(difference::line);
    lines.extend(differences.map(|line| format!("    {line}")));
    let cut_off = change.cut_off.iter().map(cut_off_line);
    lines.extend(cut_off.map(|line| format!("    cuts off {line}")));
    lines
}

fn cut_off_line(cut_off: &CutOff) -> String {
    let what = json!(cut_off.what);
    let what = what.as_str().unwrap_or_default().replace('_', " ");
    format!("{what} {}", cut_off.id)
}

fn summary(arguments: &ImportArguments, plan: &Plan<'_>) -> String {
    let staying = match plan.staying.len() as u64 {
        0 => String::new(),
        count => {
            let items = counted(count, "item", "items");
            format!("; {items} of the store not in the file, kept (--prune deletes)")
        }
    };
    if plan.changes.is_empty() {
        return format!("nothing changed: {} unchanged{staying}", plan.unchanged);
    }
    let would = if arguments.dry_run { "would be " } else { "" };
    let count = |act| plan.count(act);
    format!(
        "{would}{} added, {} changed, {} removed, {} unchanged{staying}",
        count(Act::Add),
        count(Act::Change),
        count(Act::Remove),
        plan.unchanged
    )
}
