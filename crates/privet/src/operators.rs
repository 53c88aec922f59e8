//! `privet operator`: people and programs with access keys to the operators' interface, kept in the store.
//!
//! Whoever may open the store and its sealing key is an admin already: the first operator is made here. From elsewhere,
//! the operators' interface is asked.

mod acts;
mod keys;
mod register;
mod shown;

use crate::api::ApiArguments;
use crate::equivalents::EquivalentsArgument;
use crate::moment;
use crate::report::finish;
use clap::{Args, Subcommand, ValueEnum};
use privet_control::AUTOPILOT;
use privet_store::Role;
use std::process::ExitCode;
use std::time::Duration;

const NAME_LENGTH_MAX: usize = 64;
/// Name of the machine's own admin in the audit trail.
const LOCAL: &str = "local";

/// Arguments of `privet operator`.
#[derive(Debug, Args)]
pub(crate) struct OperatorArguments {
    #[command(subcommand)]
    command: OperatorCommand,
}

#[derive(Debug, Subcommand)]
enum OperatorCommand {
    /// Make an operator with an access key, whose secret is printed once.
    #[command(after_help = "\
Examples:
  privet operator create alice --role admin
  privet operator create ci --role publish --scope EDFDVBD6EXAMPLE --json")]
    Create(CreateArguments),
    /// List the operators.
    List(ListArguments),
    /// Show an operator, and the access keys with the time of their last use.
    Show(NameArguments),
    /// Give an operator another role or scope.
    Update(UpdateArguments),
    /// Accept the access keys of a disabled operator again.
    Enable(ChangeArguments),
    /// Refuse all access keys of an operator, until it is enabled again.
    Disable(DryRunArguments),
    /// Delete an operator with all access keys.
    Delete(DryRunArguments),
    /// Add an access key, and end those there are after an overlap.
    #[command(after_help = "Example:\n  privet operator rotate ci --overlap 2h")]
    Rotate(RotateArguments),
    /// Add, disable, enable or delete one access key.
    Key(keys::KeysArguments),
}

#[derive(Debug, Args)]
struct CreateArguments {
    /// Name: 1 to 64 letters, digits, '.', '-', '_' and '@'
    #[arg(value_name = "NAME", value_parser = parse_name)]
    name: String,
    /// What the operator may do
    #[arg(long, value_enum, value_name = "ROLE")]
    role: RoleWord,
    /// A distribution that the operator is restricted to, by id; repeat it for more
    #[arg(long, value_name = "ID")]
    scope: Vec<String>,
    /// Print the access key as a shell's commands that set the variables of AWS clients, for eval
    #[arg(long, conflicts_with = "json")]
    env: bool,
    #[command(flatten)]
    equivalents: EquivalentsArgument,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Args)]
struct ListArguments {
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Args)]
struct NameArguments {
    /// Name of the operator
    #[arg(value_name = "NAME")]
    name: String,
    #[command(flatten)]
    form: Form,
}

/// A change of an operator.
#[derive(Debug, Args)]
struct ChangeArguments {
    #[command(flatten)]
    one: NameArguments,
    #[command(flatten)]
    equivalents: EquivalentsArgument,
}

#[derive(Debug, Args)]
struct DryRunArguments {
    #[command(flatten)]
    change: ChangeArguments,
    /// Show which access keys would be cut off
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = true)]
struct NewValues {
    /// New role
    #[arg(long, value_enum, value_name = "ROLE")]
    role: Option<RoleWord>,
    /// A distribution that the operator is restricted to from now on; repeat it for more
    #[arg(long, value_name = "ID", conflicts_with = "no_scope")]
    scope: Vec<String>,
    /// Lift every restriction to distributions
    #[arg(long)]
    no_scope: bool,
}

#[derive(Debug, Args)]
struct UpdateArguments {
    #[command(flatten)]
    change: ChangeArguments,
    #[command(flatten)]
    values: NewValues,
}

#[derive(Debug, Args)]
struct RotateArguments {
    #[command(flatten)]
    one: NameArguments,
    /// How long the present access keys are still accepted
    #[arg(long, value_name = "DURATION", default_value = "1d", value_parser = moment::parse_duration)]
    overlap: Duration,
}

/// Options of every subcommand: whose operators, and the form of the output.
#[derive(Debug, Args)]
struct Form {
    /// Without an interface, the store of the configuration is opened.
    #[command(flatten)]
    api: ApiArguments,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// A role on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RoleWord {
    /// Reading
    Read,
    /// Reading, and changing what is served
    Publish,
    /// Everything, operators included
    Admin,
}

impl RoleWord {
    fn role(self) -> Role {
        match self {
            RoleWord::Read => Role::Read,
            RoleWord::Publish => Role::Publish,
            RoleWord::Admin => Role::Admin,
        }
    }
}

fn parse_name(text: &str) -> Result<String, &'static str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_@".contains(&byte);
    let is_name = (1..=NAME_LENGTH_MAX).contains(&text.len()) && text.bytes().all(is_plain);
    match text {
        LOCAL => Err("this is the name of the machine's own admin; choose another"),
        AUTOPILOT => Err("this is the name of what rotates keys by itself; choose another"),
        _ if is_name => Ok(text.to_owned()),
        _ => Err("a name is 1 to 64 letters, digits, '.', '-', '_' and '@'"),
    }
}

/// Runs the command that was asked for.
pub(crate) fn run(arguments: &OperatorArguments) -> ExitCode {
    finish(match &arguments.command {
        OperatorCommand::Create(arguments) => acts::create(arguments),
        OperatorCommand::List(arguments) => acts::list(arguments),
        OperatorCommand::Show(arguments) => acts::show(arguments),
        OperatorCommand::Update(arguments) => acts::update(arguments),
        OperatorCommand::Enable(arguments) => acts::enable(arguments),
        OperatorCommand::Disable(arguments) => acts::disable(arguments),
        OperatorCommand::Delete(arguments) => acts::delete(arguments),
        OperatorCommand::Rotate(arguments) => keys::rotate(arguments),
        OperatorCommand::Key(arguments) => keys::run(arguments),
    })
}
