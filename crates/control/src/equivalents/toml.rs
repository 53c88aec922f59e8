//! Tables of a configuration file, as `privet import` takes them.

use crate::equivalents::secrets::{Masked, Sealed, mask};
use crate::equivalents::{Equivalent, Operation};
use crate::operation_error::OperationError;
use privet_distribution::config::{ServiceItem, ServiceKind, write_toml};
use serde_json::Value;

/// Returns the table of an operation.
pub(super) fn text(operation: &Operation) -> Result<Equivalent, OperationError> {
    let text = match operation {
        Operation::Create { kind, document } => {
            let id = document.get(kind.id_key()).and_then(Value::as_str);
            match id {
                Some(id) => Ok(table(*kind, id, mask(*kind, document, Sealed::Replaced)?)),
                None => Err(format!(
                    "a table of a file has its {}; add one",
                    kind.id_key()
                )),
            }
        }
        Operation::Update { target, document } => {
            let masked = mask(target.kind, document, Sealed::Replaced)?;
            Ok(table(target.kind, &target.id, masked))
        }
        Operation::Delete(target) => Err(format!(
            "take the table out of [[{}]]; privet import --prune deletes what a file does not have",
            target.kind.table()
        )),
        Operation::Switch { .. } => Err("set enabled in the table of the distribution".to_owned()),
        Operation::Restore { .. } => Err("a file has no earlier versions".to_owned()),
        Operation::List(_)
        | Operation::Get(..)
        | Operation::Invalidate(_)
        | Operation::CreateOperator(_)
        | Operation::UpdateOperator { .. }
        | Operation::DeleteOperator(_)
        | Operation::CreateAccessKey(_)
        | Operation::UpdateAccessKey { .. }
        | Operation::DeleteAccessKey(_)
        | Operation::RotateAccessKey { .. }
        | Operation::SetRotation { .. }
        | Operation::EndRotation(_)
        | Operation::RotateNow(_)
        | Operation::ForgetEdge(_) => Err("a file has what is served alone".to_owned()),
    };
    Ok(text)
}

/// Returns the table of an item. A file has its secrets in clear, so that comments say where they have to be put.
fn table(kind: ServiceKind, id: &str, masked: Masked) -> String {
    let Masked {
        mut document,
        secrets,
    } = masked;
    if let Some(members) = document.as_object_mut() {
        members.insert(kind.id_key().to_owned(), id.into());
    }
    let mut text = String::new();
    for secret in secrets {
        text.push_str(&format!(
            "# Put the secret at {} in the place of {}.\n",
            secret.pointer, secret.name
        ));
    }
    text + &write_toml(&[ServiceItem {
        kind,
        id: id.to_owned(),
        value: document,
    }])
}
