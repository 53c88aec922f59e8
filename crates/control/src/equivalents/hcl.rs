//! Blocks of Terraform's language (HCL native syntax, "Structural Elements" and "Template Expressions").

use crate::equivalents::here_document::is_obeyed;
use crate::equivalents::secrets::Secret;
use serde_json::Value;

/// What a body has.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Entry {
    /// An attribute with a value.
    Attribute(String, Value),
    /// An attribute with an expression, as it stands.
    Expression(String, String),
    /// A block: its type with its labels, and its body.
    Block(String, Vec<Entry>),
}

/// Returns an attribute.
pub(super) fn attribute(name: impl Into<String>, value: impl Into<Value>) -> Entry {
    Entry::Attribute(name.into(), value.into())
}

/// Returns a block.
pub(super) fn block(name: impl Into<String>, body: Vec<Entry>) -> Entry {
    Entry::Block(name.into(), body)
}

/// Returns the text of entries; a variable stands in the place of each placeholder.
pub(super) fn text(entries: &[Entry], secrets: &[Secret]) -> String {
    let mut text = String::new();
    write(&mut text, entries, (secrets, ""));
    text
}

fn write(text: &mut String, entries: &[Entry], (secrets, indent): (&[Secret], &str)) {
    for entry in entries {
        match entry {
            Entry::Attribute(name, value) => {
                let value = expression(value, secrets);
                text.push_str(&format!("{indent}{name} = {value}\n"));
            }
            Entry::Expression(name, expression) => {
                text.push_str(&format!("{indent}{name} = {expression}\n"));
            }
            Entry::Block(name, body) => {
                if body.is_empty() {
                    text.push_str(&format!("{indent}{name} {{}}\n"));
                    continue;
                }
                text.push_str(&format!("{indent}{name} {{\n"));
                write(text, body, (secrets, &format!("{indent}  ")));
                text.push_str(&format!("{indent}}}\n"));
            }
        }
    }
}

fn expression(value: &Value, secrets: &[Secret]) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(string) => match secrets.iter().find(|secret| secret.name == *string) {
            Some(secret) => format!("var.{}", variable(secret)),
            None => quoted(string),
        },
        Value::Array(elements) => {
            let elements = elements.iter().map(|element| expression(element, secrets));
            format!("[{}]", elements.collect::<Vec<_>>().join(", "))
        }
        Value::Object(members) => {
            let members = members
                .iter()
                .map(|(key, value)| format!("{} = {}", quoted(key), expression(value, secrets)));
            format!("{{ {} }}", members.collect::<Vec<_>>().join(", "))
        }
    }
}

/// Returns the name of the variable that holds a secret.
pub(super) fn variable(secret: &Secret) -> String {
    secret.name.to_ascii_lowercase()
}

/// Returns a quoted template that stands for exactly this text. `${` and `%{` would begin an expression; doubling
/// their first character takes that away.
pub(super) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    let mut chars = text.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            '$' | '%' if chars.peek() == Some(&'{') => quoted.extend([char, char]),
            // Before another of its kind it would be read with that one.
            '$' | '%' if chars.peek() == Some(&char) => {
                quoted.push_str(&format!("\\u{:04x}", u32::from(char)));
            }
            char if is_obeyed(char) => quoted.push_str(&format!("\\u{:04x}", u32::from(char))),
            char => quoted.push(char),
        }
    }
    quoted.push('"');
    quoted
}
