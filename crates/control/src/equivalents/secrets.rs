//! Documents without their secrets: placeholders stand for them, which no other text of the document contains.

use crate::operation_error::OperationError;
use crate::service::facts;
use privet_distribution::config::{ServiceItem, ServiceKind};
use serde_json::Value;

/// Beginning of a placeholder, which is the name of a variable too.
const PREFIX: &str = "PRIVET_SECRET_";
/// Id of a document that has none yet, while it is read.
const NO_ID: &str = "new";

/// A document without secrets.
#[derive(Clone, Debug)]
pub(super) struct Masked {
    /// Document with placeholders.
    pub(super) document: Value,
    pub(super) secrets: Vec<Secret>,
}

/// A secret that is not shown.
#[derive(Clone, Debug)]
pub(super) struct Secret {
    /// Placeholder, and name of the variable.
    pub(super) name: String,
    /// JSON pointer to its place in the document.
    pub(super) pointer: String,
}

/// What becomes of sealed values, which stand for secrets that the store has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sealed {
    /// They stay: the interface takes them back.
    Kept,
    /// They are replaced as well: no other tool can open them.
    Replaced,
}

/// Returns a document without its secrets.
///
/// # Errors
/// [`OperationError::Invalid`] for a document that cannot be read: where its secrets are is not known.
pub(super) fn mask(
    kind: ServiceKind,
    document: &Value,
    sealed: Sealed,
) -> Result<Masked, OperationError> {
    let mut opened = document.clone();
    let mut kept = Vec::new();
    open(&mut opened, "", &mut kept);
    let pointers = secret_pointers(kind, &opened)?;
    let prefix = free_prefix(document);
    let mut masked = Masked {
        document: opened,
        secrets: Vec::new(),
    };
    for (pointer, value) in kept {
        // A value of this form elsewhere is no secret, and the interface would refuse it.
        if (sealed == Sealed::Kept || !pointers.contains(&pointer))
            && let Some(place) = masked.document.pointer_mut(&pointer)
        {
            *place = value;
        }
    }
    for pointer in pointers {
        let number = masked.secrets.len() + 1;
        if let Some(place) = masked.document.pointer_mut(&pointer)
            && place.is_string()
        {
            let name = format!("{prefix}{number}");
            *place = Value::String(name.clone());
            masked.secrets.push(Secret { name, pointer });
        }
    }
    Ok(masked)
}

fn secret_pointers(kind: ServiceKind, document: &Value) -> Result<Vec<String>, OperationError> {
    let mut value = document.clone();
    let fault = || OperationError::invalid("document", "is not an object");
    let members = value.as_object_mut().ok_or_else(fault)?;
    let id = members.entry(kind.id_key()).or_insert_with(|| NO_ID.into());
    let id = id.as_str().unwrap_or(NO_ID).to_owned();
    Ok(facts(&ServiceItem { kind, id, value })?.secrets)
}

/// Puts texts in the place of sealed values, so that the document can be read, and collects them with their pointers.
fn open(value: &mut Value, pointer: &str, kept: &mut Vec<(String, Value)>) {
    let is_sealed = value.as_object().is_some_and(|object| {
        object.len() == 1 && object.get("sealed").is_some_and(Value::is_string)
    });
    if is_sealed {
        let text = Value::String("sealed".to_owned());
        kept.push((pointer.to_owned(), std::mem::replace(value, text)));
        return;
    }
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                // RFC 6901, 3.
                let key = key.replace('~', "~0").replace('/', "~1");
                open(value, &format!("{pointer}/{key}"), kept);
            }
        }
        Value::Array(elements) => {
            for (index, value) in elements.iter_mut().enumerate() {
                open(value, &format!("{pointer}/{index}"), kept);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Returns a beginning that the document does not contain: its author must not be able to have a variable put where
/// another text stands.
fn free_prefix(document: &Value) -> String {
    let text = document.to_string();
    let mut prefix = PREFIX.to_owned();
    while text.contains(&prefix) {
        prefix.push('_');
    }
    prefix
}
