//! Secrets inside of a document's body: sealed where the writer says, opened for the edge.
//!
//! A sealed value is the object `{"sealed":"v1.…"}`. Objects of that form are kept for this: no body may have one at
//! a place that is not one for secrets, or somebody could move a secret to a place where it is shown.

use serde_json::{Map, Value};

use super::{Place, SealingKey};
use crate::limits::BODY_DEPTH_MAX;
use crate::{DocumentName, StoreError};

const SEALED: &str = "sealed";

/// Seals the secrets of one document's new body.
pub(crate) struct Sealer<'a> {
    pub(crate) key: &'a SealingKey,
    pub(crate) name: &'a DocumentName,
    /// Body that is stored now: sealed values of it may stand at another place in the new one.
    pub(crate) current: Option<&'a Value>,
}

impl Sealer<'_> {
    /// Returns `body` with the values at `pointers` sealed. Values that are absent or null are left; sealed ones are
    /// kept if they open for this document.
    pub(crate) fn seal(&self, mut body: Value, pointers: &[String]) -> Result<Value, StoreError> {
        for pointer in pointers {
            let Some(value) = body.pointer_mut(pointer) else {
                continue;
            };
            match value {
                Value::Null => {}
                Value::String(text) => *value = sealed(self.key.seal(&self.place(pointer), text)?),
                Value::Object(object) => {
                    let text = sealed_text(object).ok_or_else(|| not_a_text(pointer))?;
                    *value = sealed(self.kept(pointer, text)?);
                }
                Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
                    return Err(not_a_text(pointer));
                }
            }
        }
        let mut places = Vec::new();
        find(&body, &mut String::new(), &mut places)?;
        let stray = places.iter().find(|place| !pointers.contains(place));
        stray.map_or(Ok(()), |place| {
            let problem = format!("has a sealed value at `{place}`, where no secret belongs");
            Err(StoreError::invalid("body", problem))
        })?;
        Ok(body)
    }

    /// Returns a text that opens at `pointer`: `text` itself, or the same secret sealed again where it has moved there
    /// from another place of the same document.
    fn kept(&self, pointer: &str, text: &str) -> Result<String, StoreError> {
        if self.key.open(&self.place(pointer), text).is_some() {
            return Ok(text.to_owned());
        }
        let secret = self.places_in_current().into_iter().find_map(|place| {
            let stored = self.current?.pointer(&place)?.as_object()?;
            let same = sealed_text(stored) == Some(text);
            same.then(|| self.key.open(&self.place(&place), text))?
        });
        let secret = secret.ok_or_else(|| StoreError::Sealed {
            name: self.name.clone(),
            pointer: pointer.to_owned(),
        })?;
        self.key.seal(&self.place(pointer), secret.expose())
    }

    fn places_in_current(&self) -> Vec<String> {
        let mut places = Vec::new();
        if let Some(current) = self.current {
            // What is stored was checked when it was written.
            let _ = find(current, &mut String::new(), &mut places);
        }
        places
    }

    fn place<'b>(&'b self, pointer: &'b str) -> Place<'b> {
        Place {
            kind: &self.name.kind,
            id: &self.name.id,
            pointer,
        }
    }
}

/// Returns `body` with its sealed values in clear.
pub(crate) fn opened(
    key: &SealingKey,
    name: &DocumentName,
    body: &Value,
) -> Result<Value, StoreError> {
    let mut places = Vec::new();
    find(body, &mut String::new(), &mut places)?;
    let mut body = body.clone();
    for pointer in places {
        let place = Place {
            kind: &name.kind,
            id: &name.id,
            pointer: &pointer,
        };
        let Some(value) = body.pointer_mut(&pointer) else {
            continue;
        };
        let text = value.as_object().and_then(sealed_text);
        let secret = text.and_then(|text| key.open(&place, text));
        let secret = secret.ok_or_else(|| StoreError::Sealed {
            name: name.clone(),
            pointer: pointer.clone(),
        })?;
        *value = Value::String(secret.expose().to_owned());
    }
    Ok(body)
}

/// Collects the pointers of all objects of the sealed form, and refuses a body that is nested too deeply.
fn find(value: &Value, pointer: &mut String, places: &mut Vec<String>) -> Result<(), StoreError> {
    walk(value, pointer, places, BODY_DEPTH_MAX)
}

fn walk(
    value: &Value,
    pointer: &mut String,
    places: &mut Vec<String>,
    depth: usize,
) -> Result<(), StoreError> {
    let Some(depth) = depth.checked_sub(1) else {
        let problem = format!("is nested more than {BODY_DEPTH_MAX} levels deep");
        return Err(StoreError::invalid("body", problem));
    };
    let length = pointer.len();
    match value {
        Value::Object(object) if object.len() == 1 && object.contains_key(SEALED) => {
            places.push(pointer.clone());
        }
        Value::Object(object) => {
            for (name, member) in object {
                let name = name.replace('~', "~0").replace('/', "~1");
                pointer.push('/');
                pointer.push_str(&name);
                walk(member, pointer, places, depth)?;
                pointer.truncate(length);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointer.push_str(&format!("/{index}"));
                walk(item, pointer, places, depth)?;
                pointer.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
    Ok(())
}

fn sealed(text: String) -> Value {
    Value::Object(Map::from_iter([(SEALED.to_owned(), Value::String(text))]))
}

fn sealed_text(object: &Map<String, Value>) -> Option<&str> {
    let only = object.len() == 1;
    only.then(|| object.get(SEALED)?.as_str())?
}

fn not_a_text(pointer: &str) -> StoreError {
    let problem = format!("has a secret at `{pointer}` that is not a text");
    StoreError::invalid("body", problem)
}
