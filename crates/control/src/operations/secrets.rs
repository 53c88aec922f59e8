//! Sealed values in a submitted document: they stand for the secrets that the stored one has, where these may stay.

use crate::operation_error::OperationError;
use privet_store::{DocumentName, Store, StoreError, StoredDocument};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Members by which an origin or a bucket says where requests, and with them its secrets, are sent.
const DESTINATION: [&str; 8] = [
    "url",
    "protocol",
    "http_port",
    "https_port",
    "trusted_roots",
    "bucket_host",
    "endpoint",
    "bucket",
];

/// Where a secret stands: whoever may not read it must not have it sent elsewhere either.
#[derive(Clone, Debug, PartialEq)]
struct Use {
    /// Keys that lead to it, without the positions in arrays.
    keys: Vec<String>,
    /// Where the origin or bucket around it leads.
    destination: Value,
}

/// Returns a submitted document with its secrets in clear: a sealed value stands for the one that the stored document
/// has, under the same keys and for the same destination. Origins may change their order.
///
/// # Errors
/// [`StoreError::Sealed`], with the pointer of a value that stands for nothing there.
pub(super) fn clear_submitted(
    store: &Store,
    name: &DocumentName,
    submitted: &Value,
    current: Option<&StoredDocument>,
) -> Result<Value, OperationError> {
    let mut known = BTreeMap::new();
    if let Some(current) = current {
        let clear = store.unseal(&current.kind, &current.id, &current.body)?;
        let root = Use::of(&current.body);
        pair((&current.body, &clear), &root, &mut known);
    }
    let mut clear = submitted.clone();
    let root = Use::of(&clear);
    match open(&mut clear, &root, &known) {
        Ok(()) => Ok(clear),
        Err(pointer) => Err(OperationError::Store(StoreError::Sealed {
            name: name.clone(),
            pointer,
        })),
    }
}

/// Sealed texts of a document, with what they hold and where they stand.
type Known = BTreeMap<String, (Value, Use)>;

impl Use {
    fn of(document: &Value) -> Self {
        Use {
            keys: Vec::new(),
            destination: destination(document),
        }
    }

    /// Returns the use of what stands under a key.
    fn beneath(&self, key: &str, value: &Value) -> Self {
        let mut keys = self.keys.clone();
        keys.push(key.to_owned());
        let own = match key {
            "origin" => destination(value),
            _ => self.destination.clone(),
        };
        Use {
            keys,
            destination: own,
        }
    }

    /// Returns the use of an element.
    fn element(&self, value: &Value) -> Self {
        let is_origin = self.keys.len() == 1 && self.keys.iter().all(|key| key == "origins");
        Use {
            keys: self.keys.clone(),
            destination: match is_origin {
                true => destination(value),
                false => self.destination.clone(),
            },
        }
    }
}

/// Returns where an origin or a bucket leads.
fn destination(value: &Value) -> Value {
    let of = |value: &Value| -> Map<String, Value> {
        let members = value.as_object().into_iter().flatten();
        let members = members.filter(|(key, _)| DESTINATION.contains(&key.as_str()));
        members
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    };
    json!([of(value), value.get("s3").map(of)])
}

/// Collects the sealed texts of a document.
fn pair((sealed, clear): (&Value, &Value), place: &Use, known: &mut Known) {
    if let Some(text) = sealed_text(sealed) {
        known.insert(text.to_owned(), (clear.clone(), place.clone()));
        return;
    }
    match (sealed, clear) {
        (Value::Object(sealed), Value::Object(clear)) => {
            for (key, value) in sealed {
                if let Some(clear) = clear.get(key) {
                    pair((value, clear), &place.beneath(key, value), known);
                }
            }
        }
        (Value::Array(sealed), Value::Array(clear)) => {
            for (value, clear) in sealed.iter().zip(clear) {
                pair((value, clear), &place.element(value), known);
            }
        }
        // Values without parts are not sealed.
        (
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_)
            | Value::Object(_),
            _,
        ) => {}
    }
}

/// Opens the sealed values of a document; the error is the pointer of one that stands for nothing there.
fn open(value: &mut Value, place: &Use, known: &Known) -> Result<(), String> {
    if let Some(text) = sealed_text(value) {
        let known = known.get(text).filter(|(_, before)| before == place);
        let (clear, _) = known.ok_or_else(String::new)?;
        *value = clear.clone();
        return Ok(());
    }
    match value {
        Value::Object(members) => members.iter_mut().try_for_each(|(key, value)| {
            let place = place.beneath(key, value);
            open(value, &place, known).map_err(|pointer| format!("/{key}{pointer}"))
        }),
        Value::Array(values) => values
            .iter_mut()
            .enumerate()
            .try_for_each(|(index, value)| {
                let place = place.element(value);
                open(value, &place, known).map_err(|pointer| format!("/{index}{pointer}"))
            }),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

/// Returns the text of a sealed value.
fn sealed_text(value: &Value) -> Option<&str> {
    let object = value.as_object().filter(|object| object.len() == 1)?;
    object.get("sealed")?.as_str()
}
