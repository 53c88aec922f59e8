//! The commands of `privet`.

use crate::equivalents::here_document::HereDocument;
use crate::equivalents::secrets::{Masked, Sealed, mask};
use crate::equivalents::{AccessKeyName, Equivalent, Operation, Target};
use crate::operation_error::OperationError;
use crate::operations::{InvalidationRequest, NewOperatorRequest, OperatorPatch, Switch};
use crate::rotation::{KeyType, Schedule};
use crate::shell::word;
use privet_distribution::config::ServiceKind;
use privet_store::AccessKeyChange;

/// Returns the commands of an operation.
pub(super) fn text(operation: &Operation) -> Result<Equivalent, OperationError> {
    let command = match operation {
        Operation::List(kind) => Ok(Command::of(*kind, "list").line()),
        Operation::Get(kind, id) => Ok(Command::of(*kind, "show").name(id).line()),
        Operation::Create { kind, document } => {
            // `privet key create` makes a key pair.
            let is_key = *kind == ServiceKind::PublicKey;
            let verb = if is_key { "add" } else { "create" };
            let masked = mask(*kind, document, Sealed::Replaced)?;
            Ok(Command::of(*kind, verb).name("-").reading(&masked))
        }
        Operation::Update { target, document } => {
            let masked = mask(target.kind, document, Sealed::Kept)?;
            let command = Command::on(target, "update").name("-");
            Ok(command.reading(&masked))
        }
        Operation::Delete(target) => Ok(Command::on(target, "delete").line()),
        Operation::Restore { target, version } => {
            let command = Command::on(target, "restore");
            Ok(command.name(&version.to_string()).line())
        }
        Operation::Switch { target, switch } => {
            let verb = match switch {
                Switch::Enable => "enable",
                Switch::Disable => "disable",
            };
            Ok(Command::on(target, verb).line())
        }
        Operation::Invalidate(request) => invalidate(request),
        Operation::CreateOperator(request) => create_operator(request),
        Operation::UpdateOperator { name, patch } => update_operator(name, patch),
        Operation::DeleteOperator(name) => Ok(operator("delete", name).line()),
        Operation::CreateAccessKey(name) => Ok(operator("key add", name).line()),
        Operation::UpdateAccessKey { key, change } => update_key(key, change),
        Operation::DeleteAccessKey(key) => Ok(operator("key delete", &key.id).line()),
        Operation::RotateAccessKey { .. } => Err(
            "privet operator rotate ends all other access keys of the operator, not one of them"
                .to_owned(),
        ),
        Operation::SetRotation { group, schedule } => Ok(set_rotation(group, schedule)),
        Operation::EndRotation(group) => Ok(rotation(group).flag("stop").line()),
        Operation::RotateNow(group) => Ok(rotation(group).flag("now").line()),
        Operation::ForgetEdge(id) => Ok(Command::new("edges forget").name(id).line()),
    };
    Ok(command)
}

/// A command line. Names follow the options; if one looks like an option, `--` stands before them.
struct Command {
    line: String,
    names: Vec<String>,
}

impl Command {
    fn new(verb: &str) -> Self {
        Command {
            line: format!("privet {verb}"),
            names: Vec::new(),
        }
    }

    fn of(kind: ServiceKind, verb: &str) -> Self {
        Command::new(&format!("{} {verb}", noun(kind)))
    }

    /// Makes a command that changes an item.
    fn on(target: &Target, verb: &str) -> Self {
        let command = Command::of(target.kind, verb);
        let command = match &target.etag {
            Some(etag) => command.option("if-match", etag),
            None => command,
        };
        command.name(&target.id)
    }

    fn option(mut self, name: &str, value: &str) -> Self {
        self.line.push_str(&format!(" --{name}={}", word(value)));
        self
    }

    fn flag(mut self, name: &str) -> Self {
        self.line.push_str(&format!(" --{name}"));
        self
    }

    fn name(mut self, name: &str) -> Self {
        self.names.push(name.to_owned());
        self
    }

    fn line(self) -> String {
        let mut line = self.line;
        let is_option = |name: &String| name.len() > 1 && name.starts_with('-');
        if self.names.iter().any(is_option) {
            line.push_str(" --");
        }
        for name in &self.names {
            line.push_str(&format!(" {}", word(name)));
        }
        line
    }

    /// Returns the command with a document as its input.
    fn reading(self, masked: &Masked) -> String {
        let HereDocument {
            redirection,
            lines,
            comments,
        } = HereDocument::of_masked(masked);
        format!("{comments}{} {redirection}\n{lines}", self.line())
    }
}

fn noun(kind: ServiceKind) -> &'static str {
    match kind {
        ServiceKind::PublicKey => "key",
        ServiceKind::KeyGroup => "key-group",
        ServiceKind::TrustedSigner => "trusted-signer",
        ServiceKind::CachePolicy => "policy cache",
        ServiceKind::OriginRequestPolicy => "policy origin-request",
        ServiceKind::ResponseHeadersPolicy => "policy response-headers",
        ServiceKind::Certificate => "certificate",
        ServiceKind::Bucket => "bucket",
        ServiceKind::OriginAccessIdentity => "identity",
        ServiceKind::OriginAccessControl => "access-control",
        ServiceKind::Distribution => "distribution",
        ServiceKind::StreamingDistribution => "streaming",
    }
}

fn operator(verb: &str, name: &str) -> Command {
    Command::new(&format!("operator {verb}")).name(name)
}

fn rotation(group: &str) -> Command {
    Command::new("key rotate").option("group", group)
}

fn invalidate(request: &InvalidationRequest) -> Equivalent {
    if request.caller_reference.is_some() {
        return Err("privet invalidate gives no caller_reference".to_owned());
    }
    let mut command = Command::new("invalidate").option("distribution", &request.distribution);
    for tag in &request.tags {
        command = command.option("tag", tag);
    }
    for path in &request.paths {
        command = command.name(path);
    }
    Ok(command.line())
}

fn create_operator(request: &NewOperatorRequest) -> Equivalent {
    let mut command = operator("create", &request.name).option("role", request.role.as_str());
    match request.scope.as_deref() {
        Some([]) => return Err("privet operator create gives no empty scope".to_owned()),
        scope => {
            for id in scope.unwrap_or_default() {
                command = command.option("scope", id);
            }
        }
    }
    Ok(command.line())
}

/// Returns a command for role and scope, and another for whether the operator is disabled.
fn update_operator(name: &str, patch: &OperatorPatch) -> Equivalent {
    let OperatorPatch {
        role,
        scope,
        disabled,
    } = patch;
    let mut lines = Vec::new();
    if role.is_some() || scope.is_some() {
        let mut command = operator("update", name);
        if let Some(role) = role {
            command = command.option("role", role.as_str());
        }
        command = match scope {
            None => command,
            Some(None) => command.flag("no-scope"),
            Some(Some(ids)) if ids.is_empty() => {
                return Err("privet operator update gives no empty scope".to_owned());
            }
            Some(Some(ids)) => ids
                .iter()
                .fold(command, |command, id| command.option("scope", id)),
        };
        lines.push(command.line());
    }
    if let Some(disabled) = disabled {
        let verb = if *disabled { "disable" } else { "enable" };
        lines.push(operator(verb, name).line());
    }
    match lines.is_empty() {
        true => Err("nothing is changed".to_owned()),
        false => Ok(lines.join(" &&\n  ")),
    }
}

fn update_key(key: &AccessKeyName, change: &AccessKeyChange) -> Equivalent {
    match (change.expires_at, change.disabled) {
        (Some(_), _) => Err("privet operator key sets no end of an access key".to_owned()),
        (None, Some(true)) => Ok(operator("key disable", &key.id).line()),
        (None, Some(false)) => Ok(operator("key enable", &key.id).line()),
        (None, None) => Err("nothing is changed".to_owned()),
    }
}

fn set_rotation(group: &str, schedule: &Schedule) -> String {
    let Schedule {
        every_secs,
        overlap_secs,
        longest_link_secs,
        key_type,
    } = schedule;
    let key_type = match key_type {
        KeyType::Rsa => "rsa",
        KeyType::P256 => "p256",
    };
    rotation(group)
        .option("every", &format!("{every_secs}s"))
        .option("overlap", &format!("{overlap_secs}s"))
        .option("longest-link", &format!("{longest_link_secs}s"))
        .option("type", key_type)
        .line()
}
