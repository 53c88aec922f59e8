//! Writes a body by its shape. What the version does not know is left out.

use crate::cloudfront::model::{Element, Model, Shape, Version};
use serde_json::Value;
use std::fmt::Write;

/// Returns a value as the element of an operation, as `version` has it.
pub fn write(value: &Value, element: Element, version: Version) -> String {
    let mut text = format!(
        "<?xml version=\"1.0\"?>\n<{} xmlns=\"{}\">",
        element.root,
        version.namespace()
    );
    write_value(&mut text, value, element.shape, version);
    // Writing to a string cannot fail.
    let _ = write!(text, "</{}>", element.root);
    text
}

fn write_element(text: &mut String, name: &str, (value, shape): (&Value, &str), version: Version) {
    let _ = write!(text, "<{name}>");
    write_value(text, value, shape, version);
    let _ = write!(text, "</{name}>");
}

fn write_value(text: &mut String, value: &Value, shape: &str, version: Version) {
    match Model::get().shape(shape) {
        structure @ Shape::Structure(_) => write_structure(text, value, structure, version),
        Shape::List { element, shape } => {
            for item in value.as_array().into_iter().flatten() {
                write_element(text, element, (item, shape), version);
            }
        }
        Shape::Text
        | Shape::Flag
        | Shape::Whole
        | Shape::Fraction
        | Shape::Time
        | Shape::Bytes
        | Shape::Words(_) => match value {
            Value::String(value) => text.push_str(&escaped(value)),
            Value::Bool(_) | Value::Number(_) => {
                let _ = write!(text, "{value}");
            }
            Value::Null | Value::Array(_) | Value::Object(_) => {}
        },
    }
}

/// Writes the members in the order of the table. Items are counted; if there are none, the number alone is written.
fn write_structure(text: &mut String, value: &Value, shape: &Shape, version: Version) {
    let is_member = |name: &String| shape.members().iter().any(|member| member.name == name);
    let mut names = value
        .as_object()
        .into_iter()
        .flat_map(|object| object.keys());
    debug_assert!(names.all(is_member), "{value} has unknown members");
    let items = value.get("Items").and_then(Value::as_array);
    let count = items.map_or(0, Vec::len);
    let known = shape
        .members()
        .iter()
        .filter(|member| member.since <= version);
    for member in known {
        match (member.name, shape.is_counted()) {
            ("Quantity", true) => {
                let _ = write!(text, "<Quantity>{count}</Quantity>");
            }
            ("Items", true) if count == 0 => {}
            (name, _) => {
                if let Some(inner) = value.get(name).filter(|inner| !inner.is_null()) {
                    write_element(text, name, (inner, member.shape), version);
                }
            }
        }
    }
}

/// Returns a text as the content of an element. Characters that XML does not have are replaced.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // A reader would make a line feed of it.
            '\r' => escaped.push_str("&#13;"),
            '\t' | '\n' => escaped.push(char),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}
