//! Each operation as text for other tools: `privet`, `aws`, HTTP by curl, Terraform, and TOML of a configuration.
//!
//! Pure: nothing is looked up and nothing is done here. A text does exactly what the operation does, or there is none
//! and a reason in its place. No text has a secret: variables, or names to be replaced, stand for them.

mod aws;
mod curl;
mod hcl;
mod here_document;
mod privet;
mod secrets;
mod terraform;
mod toml;

use crate::operation_error::OperationError;
use crate::operations::{InvalidationRequest, NewOperatorRequest, OperatorPatch, Switch};
use crate::rotation::Schedule;
use privet_distribution::config::ServiceKind;
use privet_store::AccessKeyChange;
use serde_json::{Value, json};

/// An operation that has equivalents: all that change what is stored, and the reading of items.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Items of a kind are listed.
    List(ServiceKind),
    /// An item is read.
    Get(ServiceKind, String),
    /// An item is created; without an id in it, it gets a random one.
    Create {
        /// Kind of the item.
        kind: ServiceKind,
        /// Document of the item.
        document: Value,
    },
    /// The document of an item is replaced.
    Update {
        /// The item.
        target: Target,
        /// New document.
        document: Value,
    },
    /// An item is deleted.
    Delete(Target),
    /// An earlier version of an item is put back.
    Restore {
        /// The item.
        target: Target,
        /// Number of the version.
        version: u64,
    },
    /// A distribution is enabled or disabled.
    Switch {
        /// The distribution.
        target: Target,
        /// What is done.
        switch: Switch,
    },
    /// Objects are removed from the caches.
    Invalidate(InvalidationRequest),
    /// An operator is created.
    CreateOperator(NewOperatorRequest),
    /// An operator is changed.
    UpdateOperator {
        /// Name of the operator.
        name: String,
        /// What changes.
        patch: OperatorPatch,
    },
    /// An operator is deleted, by its name.
    DeleteOperator(String),
    /// An access key is added to the operator of that name.
    CreateAccessKey(String),
    /// An access key is changed.
    UpdateAccessKey {
        /// The key.
        key: AccessKeyName,
        /// What changes.
        change: AccessKeyChange,
    },
    /// An access key is deleted.
    DeleteAccessKey(AccessKeyName),
    /// An access key is replaced by a new one.
    RotateAccessKey {
        /// The key that ends.
        key: AccessKeyName,
        /// Seconds for which it is still accepted.
        overlap_secs: u64,
    },
    /// The keys of a key group are rotated from now on.
    SetRotation {
        /// Id of the group.
        group: String,
        /// When that is done.
        schedule: Schedule,
    },
    /// The rotation of a key group ends, by the id of the group.
    EndRotation(String),
    /// The key of a key group is rotated now, by the id of the group.
    RotateNow(String),
    /// An edge is forgotten, by its id.
    ForgetEdge(String),
}

/// An item that is changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// Kind of the item.
    pub kind: ServiceKind,
    /// Id of the item.
    pub id: String,
    /// ETag of the version that is changed; `None` for the one that is there when the text is run.
    pub etag: Option<String>,
}

/// An access key by its operator and its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKeyName {
    /// Name of the operator.
    pub operator: String,
    /// Id of the key.
    pub id: String,
}

/// A text, or the reason why the tool cannot say the operation.
pub type Equivalent = Result<String, String>;

/// An operation in the words of each tool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Equivalents {
    /// Commands of `privet`, for a POSIX shell.
    pub privet: Equivalent,
    /// Commands of `aws`, for a POSIX shell.
    pub aws: Equivalent,
    /// Commands of curl, for a POSIX shell.
    pub http: Equivalent,
    /// Blocks of a Terraform configuration.
    pub terraform: Equivalent,
    /// Tables of a configuration file.
    pub toml: Equivalent,
}

impl Equivalents {
    /// Returns the texts with the names of their forms, in the order in which they are shown.
    pub fn forms(&self) -> [(&'static str, &Equivalent); 5] {
        [
            ("privet", &self.privet),
            ("aws", &self.aws),
            ("http", &self.http),
            ("terraform", &self.terraform),
            ("toml", &self.toml),
        ]
    }

    /// Returns the object that `POST /v1/equivalents` answers: texts or `null`, and reasons.
    pub fn to_json(&self) -> Value {
        let mut shown = json!({ "reasons": {} });
        for (form, equivalent) in self.forms() {
            shown[form] = equivalent.as_ref().ok().cloned().into();
            if let Err(reason) = equivalent {
                shown["reasons"][form] = reason.as_str().into();
            }
        }
        shown
    }
}

/// Returns the operation in the words of each tool.
///
/// # Errors
/// [`OperationError::Invalid`] for a document that cannot be read, and for a name with control characters.
pub fn equivalents(operation: &Operation) -> Result<Equivalents, OperationError> {
    check_names(operation)?;
    Ok(Equivalents {
        privet: privet::text(operation)?,
        aws: aws::text(operation)?,
        http: curl::text(operation)?,
        terraform: terraform::text(operation)?,
        toml: toml::text(operation)?,
    })
}

/// Refuses names with control characters: no item has one, a shell cannot pass all of them on, and in a header of HTTP
/// a line feed would begin another.
fn check_names(operation: &Operation) -> Result<(), OperationError> {
    let names: Vec<&str> = match operation {
        Operation::List(_) | Operation::Create { .. } => Vec::new(),
        Operation::Get(_, id)
        | Operation::DeleteOperator(id)
        | Operation::CreateAccessKey(id)
        | Operation::SetRotation { group: id, .. }
        | Operation::EndRotation(id)
        | Operation::RotateNow(id)
        | Operation::ForgetEdge(id) => vec![id],
        Operation::Update { target, .. }
        | Operation::Delete(target)
        | Operation::Restore { target, .. }
        | Operation::Switch { target, .. } => {
            let etag = target.etag.as_deref();
            [target.id.as_str()].into_iter().chain(etag).collect()
        }
        Operation::Invalidate(request) => {
            let items = request.paths.iter().chain(&request.tags);
            let items = items.map(String::as_str);
            let reference = request.caller_reference.as_deref();
            let names = items.chain(reference);
            names.chain([request.distribution.as_str()]).collect()
        }
        Operation::CreateOperator(request) => {
            let scope = request.scope.iter().flatten().map(String::as_str);
            scope.chain([request.name.as_str()]).collect()
        }
        Operation::UpdateOperator { name, patch } => {
            let scope = patch.scope.iter().flatten().flatten();
            scope.map(String::as_str).chain([name.as_str()]).collect()
        }
        Operation::UpdateAccessKey { key, .. }
        | Operation::DeleteAccessKey(key)
        | Operation::RotateAccessKey { key, .. } => vec![&key.operator, &key.id],
    };
    match names.iter().any(|name| name.contains(char::is_control)) {
        true => Err(OperationError::invalid(
            "parameters",
            "has a control character",
        )),
        false => Ok(()),
    }
}

#[cfg(test)]
mod tests;
