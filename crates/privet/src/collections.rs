//! `privet distribution`, `streaming`, `key-group`, `policy` and the others: what is served, read and changed through a
//! running edge, one document at a time.

mod acts;
mod input;
mod shown;

use crate::api::ApiArguments;
use crate::command_error::CommandError;
use crate::report::finish;
use clap::{Args, Subcommand};
use privet_distribution::config::ServiceKind;
use serde_json::Value;
use std::process::ExitCode;

/// A kind of documents, and where the operators' interface has them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Collection {
    kind: ServiceKind,
    path: &'static str,
}

impl Collection {
    /// Returns the path beneath the interface.
    pub(crate) fn path(self) -> &'static str {
        self.path
    }

    /// Returns the collection of a kind.
    pub(crate) fn of(kind: ServiceKind) -> Self {
        let path = match kind {
            ServiceKind::Distribution => "/v1/distributions",
            ServiceKind::StreamingDistribution => "/v1/streaming",
            ServiceKind::PublicKey => "/v1/keys",
            ServiceKind::KeyGroup => "/v1/key-groups",
            ServiceKind::TrustedSigner => "/v1/trusted-signers",
            ServiceKind::CachePolicy => "/v1/policies/cache",
            ServiceKind::OriginRequestPolicy => "/v1/policies/origin-request",
            ServiceKind::ResponseHeadersPolicy => "/v1/policies/response-headers",
            ServiceKind::Certificate => "/v1/certificates",
            ServiceKind::Bucket => "/v1/buckets",
            ServiceKind::OriginAccessIdentity => "/v1/origin-access-identities",
            ServiceKind::OriginAccessControl => "/v1/origin-access-controls",
        };
        Collection { kind, path }
    }
}

const CREATE_EXAMPLES: &str = "\
A document is a JSON object, or a TOML table with the keys of the configuration file: as they stand beneath the header of
the table, or with that header.";

/// Commands of a collection, whatever is in it.
#[derive(Debug, Subcommand)]
pub(crate) enum CollectionCommand {
    /// List the documents, with their versions and who made them.
    List(ListArguments),
    /// Show a document as TOML, and where it is in force.
    Show(ShowArguments),
    /// Replace a document; the versions before stay readable.
    #[command(after_help = CREATE_EXAMPLES)]
    Update(UpdateArguments),
    /// Delete a document that nothing refers to.
    Delete(DeleteArguments),
    /// List the versions of a document, deleted ones too.
    Versions(VersionsArguments),
    /// Put an older version of a document back, as a new version.
    Restore(RestoreArguments),
}

/// Commands of a collection whose documents are created from a file.
#[derive(Debug, Subcommand)]
pub(crate) enum CreatableCommand {
    /// Create a document.
    #[command(after_help = CREATE_EXAMPLES)]
    Create(CreateArguments),
    #[command(flatten)]
    Others(CollectionCommand),
}

/// Commands of distributions, which can be switched off.
#[derive(Debug, Subcommand)]
pub(crate) enum SwitchableCommand {
    /// Serve a disabled distribution again.
    Enable(SwitchArguments),
    /// Treat the hosts of a distribution as unknown. Only a disabled one can be deleted.
    Disable(SwitchArguments),
    #[command(flatten)]
    Others(CreatableCommand),
}

/// Arguments of `privet distribution` and `privet streaming`.
#[derive(Debug, Args)]
pub(crate) struct SwitchableArguments {
    #[command(subcommand)]
    command: SwitchableCommand,
}

/// Arguments of `privet key-group` and its like.
#[derive(Debug, Args)]
pub(crate) struct CreatableArguments {
    #[command(subcommand)]
    command: CreatableCommand,
}

/// Arguments of `privet policy`.
#[derive(Debug, Args)]
pub(crate) struct PolicyArguments {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    /// Cache policies: what is in the cache key, and how long objects are fresh.
    Cache(CreatableArguments),
    /// Origin request policies: what origins get of a viewer's request.
    OriginRequest(CreatableArguments),
    /// Response headers policies: headers that viewers get.
    ResponseHeaders(CreatableArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArguments {
    #[command(flatten)]
    one: One,
    /// Show this version instead of the present one
    #[arg(long = "version", value_name = "N")]
    number: Option<u64>,
}

impl ListArguments {
    /// Returns the interface to ask.
    pub(crate) fn api(&self) -> &ApiArguments {
        &self.form.api
    }

    /// Returns true for JSON.
    pub(crate) fn is_json(&self) -> bool {
        self.form.json
    }
}

/// Arguments of the creation of a document.
#[derive(Debug, Args)]
pub(crate) struct CreateArguments {
    /// File with the document; - for standard input
    #[arg(value_name = "FILE")]
    file: String,
    #[command(flatten)]
    creation: Creation,
}

/// How something is created.
#[derive(Debug, Args)]
pub(crate) struct Creation {
    /// Show what would be created, without creating it
    #[arg(long)]
    pub(crate) dry_run: bool,
    #[command(flatten)]
    pub(crate) form: Form,
}

#[derive(Debug, Args)]
pub(crate) struct UpdateArguments {
    #[command(flatten)]
    change: Change,
    /// File with the whole document; - for standard input
    #[arg(value_name = "FILE")]
    file: String,
}

#[derive(Debug, Args)]
pub(crate) struct DeleteArguments {
    #[command(flatten)]
    change: Change,
}

#[derive(Debug, Args)]
pub(crate) struct SwitchArguments {
    #[command(flatten)]
    change: Change,
}

#[derive(Debug, Args)]
pub(crate) struct VersionsArguments {
    #[command(flatten)]
    one: One,
}

#[derive(Debug, Args)]
pub(crate) struct RestoreArguments {
    #[command(flatten)]
    change: Change,
    /// Number of the version
    #[arg(value_name = "N")]
    version: u64,
}

/// The document that a command is about.
#[derive(Debug, Args)]
struct One {
    /// Id of the document
    #[arg(value_name = "ID")]
    id: String,
    #[command(flatten)]
    form: Form,
}

/// A change of one document.
#[derive(Debug, Args)]
struct Change {
    #[command(flatten)]
    one: One,
    /// Change it only if it still has this ETag [default: the one that it has now]
    #[arg(long, value_name = "ETAG")]
    if_match: Option<String>,
    /// Show what would be changed and cut off, without changing it
    #[arg(long)]
    dry_run: bool,
}

/// Options of every subcommand: whom to ask, and the form of the output.
#[derive(Debug, Args)]
pub(crate) struct Form {
    #[command(flatten)]
    pub(crate) api: ApiArguments,
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

/// Runs a command of distributions of either kind.
pub(crate) fn run_switchable(kind: ServiceKind, arguments: &SwitchableArguments) -> ExitCode {
    let collection = Collection::of(kind);
    match &arguments.command {
        SwitchableCommand::Enable(arguments) => {
            finish(acts::switch(collection, &arguments.change, "enable"))
        }
        SwitchableCommand::Disable(arguments) => {
            finish(acts::switch(collection, &arguments.change, "disable"))
        }
        SwitchableCommand::Others(command) => finish(creatable(collection, command)),
    }
}

/// Runs a command of another collection.
pub(crate) fn run_creatable(kind: ServiceKind, arguments: &CreatableArguments) -> ExitCode {
    finish(creatable(Collection::of(kind), &arguments.command))
}

/// Runs a command of policies.
pub(crate) fn run_policy(arguments: &PolicyArguments) -> ExitCode {
    match &arguments.command {
        PolicyCommand::Cache(arguments) => run_creatable(ServiceKind::CachePolicy, arguments),
        PolicyCommand::OriginRequest(arguments) => {
            run_creatable(ServiceKind::OriginRequestPolicy, arguments)
        }
        PolicyCommand::ResponseHeaders(arguments) => {
            run_creatable(ServiceKind::ResponseHeadersPolicy, arguments)
        }
    }
}

fn creatable(collection: Collection, command: &CreatableCommand) -> Result<(), CommandError> {
    match command {
        CreatableCommand::Create(arguments) => create(collection, arguments),
        CreatableCommand::Others(command) => run(collection, command),
    }
}

/// Creates a document.
///
/// # Errors
/// [`CommandError::Api`].
pub(crate) fn create(
    collection: Collection,
    arguments: &CreateArguments,
) -> Result<(), CommandError> {
    create_from(collection, &arguments.file, &arguments.creation)
}

/// Creates the document in a file.
///
/// # Errors
/// [`CommandError::Api`], those of the file.
pub(crate) fn create_from(
    collection: Collection,
    file: &str,
    creation: &Creation,
) -> Result<(), CommandError> {
    let document = input::read(collection.kind, file)?;
    acts::create(collection, &document.value, creation)
}

/// Creates a document.
///
/// # Errors
/// [`CommandError::Api`].
pub(crate) fn create_document(
    collection: Collection,
    document: &Value,
    creation: &Creation,
) -> Result<(), CommandError> {
    acts::create(collection, document, creation)
}

/// Prints what has become of a change.
///
/// # Errors
/// [`CommandError::Write`].
pub(crate) fn tell(outcome: &Value, form: &Form) -> Result<(), CommandError> {
    acts::tell(outcome, form)
}

/// Runs a command that every collection has.
///
/// # Errors
/// [`CommandError::Api`].
pub(crate) fn run(collection: Collection, command: &CollectionCommand) -> Result<(), CommandError> {
    match command {
        CollectionCommand::List(arguments) => acts::list(collection, &arguments.form),
        CollectionCommand::Show(arguments) => acts::show(collection, arguments),
        CollectionCommand::Update(arguments) => acts::update(collection, arguments),
        CollectionCommand::Delete(arguments) => acts::delete(collection, &arguments.change),
        CollectionCommand::Versions(arguments) => acts::versions(collection, &arguments.one),
        CollectionCommand::Restore(arguments) => acts::restore(collection, arguments),
    }
}
