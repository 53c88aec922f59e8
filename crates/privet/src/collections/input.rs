//! Reads the document that a command gets: JSON, or TOML with the keys of the configuration file.

use crate::api_fault::ApiFault;
use crate::command_error::CommandError;
use crate::input::read_up_to;
use crate::text;
use privet_distribution::config::ServiceKind;
use serde_json::Value;

/// The interface takes no larger bodies.
const DOCUMENT_BYTES_MAX: usize = 1024 * 1024;

/// A document, and the ETag of the version that it was made from, if its text says so.
#[derive(Debug, PartialEq)]
pub(super) struct Document {
    pub(super) value: Value,
    pub(super) etag: Option<String>,
}

/// Reads the document called `name`: a file, or standard input for `-`.
///
/// # Errors
/// [`CommandError::Read`], [`CommandError::TooLarge`], [`CommandError::Api`] for what is no document.
pub(super) fn read(kind: ServiceKind, name: &str) -> Result<Document, CommandError> {
    let bytes = read_up_to(name, DOCUMENT_BYTES_MAX)?;
    let text = text::decode(&bytes);
    let read = text
        .ok_or_else(|| "it is not text".to_owned())
        .and_then(|text| parse(kind, &text));
    Ok(read.map_err(|problem| ApiFault::Document {
        source_name: match name {
            "-" => "standard input".to_owned(),
            file => file.to_owned(),
        },
        problem,
    })?)
}

fn parse(kind: ServiceKind, text: &str) -> Result<Document, String> {
    let value = match text.trim_start().starts_with('{') {
        true => serde_json::from_str(text).map_err(|error| format!("not JSON: {error}"))?,
        false => table(kind, text)?,
    };
    let Value::Object(mut members) = value else {
        return Err("the document is not an object".to_owned());
    };
    // An item as it was read, with its ETag beside the document.
    match members.remove("document") {
        Some(value) => Ok(Document {
            value,
            etag: members
                .get("etag")
                .and_then(Value::as_str)
                .map(str::to_owned),
        }),
        None => Ok(Document {
            value: Value::Object(members),
            etag: None,
        }),
    }
}

/// Reads a table: the keys alone, or beneath their header.
fn table(kind: ServiceKind, text: &str) -> Result<Value, String> {
    // The error's own text has several lines, and would quote one of the document, which may have a secret.
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start));
        let line = before.map_or(1, |before| before.matches('\n').count() + 1);
        format!("line {line}: {}", error.message())
    })?;
    let mut value = serde_json::to_value(table).map_err(|error| error.to_string())?;
    let is_alone = is_alone(&value, kind.table());
    let pointer = format!("/{}", kind.table().replace('.', "/"));
    match value.pointer_mut(&pointer).map(Value::take) {
        None => Ok(value),
        Some(Value::Array(mut elements)) if is_alone && elements.len() == 1 => {
            Ok(elements.pop().unwrap_or_default())
        }
        Some(_) => Err(format!(
            "write one [[{}]] and nothing else; privet import takes whole files",
            kind.table()
        )),
    }
}

/// Returns true if there is nothing but the table at `path`, keys with dots between them.
fn is_alone(value: &Value, path: &str) -> bool {
    let (key, rest) = path.split_once('.').unwrap_or((path, ""));
    let members = value.as_object();
    let is_single = members.is_some_and(|members| members.len() == 1);
    is_single && (rest.is_empty() || value.get(key).is_some_and(|inner| is_alone(inner, rest)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(text: &str, expected: Result<Value, &str>) {
        let read = parse(ServiceKind::KeyGroup, text).map(|document| document.value);
        assert_eq!(read, expected.map_err(str::to_owned), "{text}");
    }

    #[test]
    fn what_is_no_document_is_told() {
        check(
            "{",
            Err("not JSON: EOF while parsing an object at line 1 column 1"),
        );
        check("a = 1\na = 2", Err("line 2: duplicate key"));
        check(
            "id = hunter2",
            Err("line 1: string values must be quoted, expected literal string"),
        );
        let one = "write one [[key_groups]] and nothing else; privet import takes whole files";
        check(
            "[[key_groups]]\nid = \"a\"\n[[key_groups]]\nid = \"b\"",
            Err(one),
        );
        check(
            "[[key_groups]]\nid = \"a\"\n[store]\nfile = \"x\"",
            Err(one),
        );
        check("[key_groups]\nid = \"a\"", Err(one));
    }

    #[test]
    fn json_and_toml_are_read() {
        let group = json!({"id": "g", "public_keys": ["K1"]});
        check(&group.to_string(), Ok(group.clone()));
        check("id = \"g\"\npublic_keys = [\"K1\"]", Ok(group.clone()));
        check(
            "[[key_groups]]\nid = \"g\"\npublic_keys = [\"K1\"]",
            Ok(group.clone()),
        );
        let item = json!({"id": "g", "etag": "E1", "document": group});
        let read = parse(ServiceKind::KeyGroup, &item.to_string()).unwrap();
        assert_eq!((read.value, read.etag.as_deref()), (group, Some("E1")));
    }
}
