//! The command line of Privet: parses it and dispatches to the commands.
//!
//! Each command has its own module; nothing is set up here that a command does not need.

use std::io::Write;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue};
use clap::{CommandFactory, Parser, Subcommand};
use printable::{is_printable, printable};
use privet_distribution::config::ServiceKind;

mod admin_socket;
mod api;
mod api_fault;
mod audit;
mod backup;
mod bucket_fault;
mod bucket_operators;
mod buckets;
mod buckets_endpoint;
mod cache;
mod check;
mod collections;
mod command_error;
mod completions;
mod config_file;
mod configuration;
mod control_settings;
mod demo;
mod edges;
mod equivalents;
mod explain;
mod export;
mod group_fault;
mod import;
mod init;
mod input;
mod invalidate;
mod key;
mod key_source;
mod link_fault;
mod link_registrar;
mod links;
mod local_buckets;
mod log_delivery;
mod log_files;
mod log_who;
mod manual;
mod moment;
mod new_key;
mod objects;
mod operators;
mod origin_secret;
mod printable;
mod probe;
mod progress;
mod reason;
mod report;
mod serve;
mod serve_error;
mod sign;
mod store_access;
mod store_fault;
mod stored_items;
mod stored_service;
mod table;
mod terminal;
mod text;
mod video;
mod whole_file;

/// Returns memory that viewers no longer need to the system within seconds, on its own thread. glibc's allocator
/// kept 99 of 100 bytes after a crowd of HTTP/2 viewers had left.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const EXAMPLES: &str = "\
Examples:
  privet demo
  privet init
  privet sign --key KEY.pem --key-pair-id ID --for 2h https://HOST/talk.mp4
  privet explain --public-key ID=KEY.pub.pem LINK
  privet video check talk.mp4
  privet serve privet.toml
  privet invalidate --distribution ID '/images/*'

Exit codes:
  0  done; for explain: the link opens; for video check: it plays
  1  failed, or some URLs were refused; for explain: the link would be refused; for video check: it does not play
  2  wrong usage; for explain and video check: cannot tell";

/// The version, with the commit that it was built from, if that is known.
const VERSION: &str = env!("PRIVET_VERSION");

/// Private content delivery that anyone can run.
#[derive(Parser)]
#[command(name = "privet", version = VERSION, after_help = EXAMPLES, arg_required_else_help = true)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Demo(demo::DemoArguments),
    Init(init::InitArguments),
    Serve(serve::ServeArguments),
    Check(check::CheckArguments),
    Invalidate(invalidate::InvalidateArguments),
    Invalidations(invalidate::InvalidationsArguments),
    Cache(cache::CacheArguments),
    Probe(probe::ProbeArguments),
    Import(import::ImportArguments),
    Export(export::ExportArguments),
    Backup(backup::BackupArguments),
    Restore(backup::RestoreArguments),
    /// See who changed what, and check that the audit trail is as it was written.
    Audit(audit::AuditArguments),
    /// Give people and programs access keys to the operators' interface.
    Operator(operators::OperatorArguments),
    /// Read and change distributions through a running edge with a store.
    Distribution(collections::SwitchableArguments),
    /// Read and change streaming distributions through a running edge with a store.
    Streaming(collections::SwitchableArguments),
    /// Read and change key groups through a running edge with a store.
    KeyGroup(collections::CreatableArguments),
    /// Read and change trusted signers, the older kind of key groups.
    TrustedSigner(collections::CreatableArguments),
    /// Read and change policies through a running edge with a store.
    Policy(collections::PolicyArguments),
    /// Read and change certificates through a running edge with a store.
    Certificate(collections::CreatableArguments),
    /// Make buckets, say who may read them, and read and change where others lie.
    Bucket(buckets::BucketArguments),
    /// Put objects into buckets of this machine, list them, get and delete them.
    Object(objects::ObjectArguments),
    /// Read and change origin access identities, the older kind of origin access controls.
    Identity(collections::CreatableArguments),
    /// Read and change origin access controls, whose keys sign requests to buckets.
    AccessControl(collections::CreatableArguments),
    /// See the edges of a fleet, and how far each has come.
    Edges(edges::EdgesArguments),
    /// Make and inspect key pairs; read and change public keys through a running edge with a store.
    Key(key::KeyArguments),
    /// Make signed URLs, signed cookies and signed stream names.
    Sign(Box<sign::SignArguments>),
    /// Make links that can be counted and revoked, find them, see their uses, and revoke them.
    Link(links::LinkArguments),
    Explain(explain::ExplainArguments),
    /// Look things up in the log files of this machine.
    Log(log_who::LogArguments),
    /// Check videos before viewers play them.
    Video(video::VideoArguments),
    /// Print a completion script for a shell.
    Completions(completions::CompletionsArguments),
    /// Print the manual pages, or write them to a folder.
    Man(manual::ManualArguments),
}

fn main() -> ExitCode {
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(error) => return refuse_usage(&error),
    };
    match &line.command {
        Command::Demo(arguments) => demo::run(arguments),
        Command::Init(arguments) => init::run(arguments),
        Command::Serve(arguments) => serve::run(arguments),
        Command::Check(arguments) => check::run(arguments),
        Command::Invalidate(arguments) => invalidate::run(arguments),
        Command::Invalidations(arguments) => invalidate::run_list(arguments),
        Command::Cache(arguments) => cache::run(arguments),
        Command::Probe(arguments) => probe::run(arguments),
        Command::Import(arguments) => import::run(arguments),
        Command::Export(arguments) => export::run(arguments),
        Command::Backup(arguments) => backup::run(arguments),
        Command::Restore(arguments) => backup::run_restore(arguments),
        Command::Audit(arguments) => audit::run(arguments),
        Command::Operator(arguments) => operators::run(arguments),
        Command::Distribution(arguments) => {
            collections::run_switchable(ServiceKind::Distribution, arguments)
        }
        Command::Streaming(arguments) => {
            collections::run_switchable(ServiceKind::StreamingDistribution, arguments)
        }
        Command::KeyGroup(arguments) => {
            collections::run_creatable(ServiceKind::KeyGroup, arguments)
        }
        Command::TrustedSigner(arguments) => {
            collections::run_creatable(ServiceKind::TrustedSigner, arguments)
        }
        Command::Policy(arguments) => collections::run_policy(arguments),
        Command::Certificate(arguments) => {
            collections::run_creatable(ServiceKind::Certificate, arguments)
        }
        Command::Bucket(arguments) => buckets::run(arguments),
        Command::Object(arguments) => objects::run(arguments),
        Command::Identity(arguments) => {
            collections::run_creatable(ServiceKind::OriginAccessIdentity, arguments)
        }
        Command::AccessControl(arguments) => {
            collections::run_creatable(ServiceKind::OriginAccessControl, arguments)
        }
        Command::Edges(arguments) => edges::run(arguments),
        Command::Key(arguments) => key::run(arguments),
        Command::Sign(arguments) => sign::run(arguments),
        Command::Link(arguments) => links::run(arguments),
        Command::Log(arguments) => log_who::run(arguments),
        Command::Explain(arguments) => explain::run(arguments),
        Command::Video(arguments) => video::run(arguments),
        Command::Completions(arguments) => completions::run(arguments, CommandLine::command()),
        Command::Man(arguments) => manual::run(arguments, CommandLine::command()),
    }
}

/// Prints clap's message about the command line. clap repeats arguments as they were written, so a message about
/// arguments with control characters is escaped first.
fn refuse_usage(error: &clap::Error) -> ExitCode {
    let mut arguments = std::env::args_os();
    let is_plain = arguments.all(|argument| is_printable(&argument.to_string_lossy()));
    let hint = hint_at_new_name(error);
    if is_plain && hint.is_none() {
        error.exit();
    }
    let text = error.render().to_string();
    for line in text.lines() {
        // Standard error may be closed; then there is nobody to tell.
        let _ = writeln!(anstream::stderr(), "{}", printable(line));
    }
    if let Some(hint) = hint {
        terminal::hint(hint);
    }
    ExitCode::from(2)
}

/// The present name of a command that was renamed, if the command line has its former one.
fn hint_at_new_name(error: &clap::Error) -> Option<&'static str> {
    match error.get(ContextKind::InvalidSubcommand) {
        Some(ContextValue::String(name)) if name == "film" => {
            Some("privet film check is called privet video check now")
        }
        Some(_) | None => None,
    }
}
