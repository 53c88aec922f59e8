//! Writes items as the tables of a configuration file, which reads as the same service.

use crate::config::service_item::{ServiceItem, ServiceKind};
use serde_json::{Map, Value};
use std::fmt::Write;

/// Returns the items as TOML, by their kinds, and in the order in which they are given.
pub fn write_toml(items: &[ServiceItem]) -> String {
    let mut text = String::new();
    for kind in ServiceKind::ALL {
        for item in items.iter().filter(|item| item.kind == kind) {
            if let Some(members) = item.value.as_object() {
                separate(&mut text);
                push(&mut text, format_args!("[[{}]]\n", kind.table()));
                write_members(&mut text, members, kind.table());
            }
        }
    }
    text
}

/// Writes plain values first, then tables: after the header of a table, all keys belong to it.
fn write_members(text: &mut String, members: &Map<String, Value>, path: &str) {
    let (tables, plain): (Vec<_>, Vec<_>) = ordered(members)
        .into_iter()
        .partition(|(_, value)| is_table(value));
    for (key, value) in plain {
        push(text, format_args!("{} = ", key_text(key)));
        write_value(text, value);
        text.push('\n');
    }
    for (key, value) in tables {
        let path = format!("{path}.{}", key_text(key));
        match value {
            Value::Array(elements) => {
                for members in elements.iter().filter_map(Value::as_object) {
                    separate(text);
                    push(text, format_args!("[[{path}]]\n"));
                    write_members(text, members, &path);
                }
            }
            Value::Object(members) => {
                separate(text);
                push(text, format_args!("[{path}]\n"));
                write_members(text, members, &path);
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// Returns the members with the names of things first, as people write them.
fn ordered(members: &Map<String, Value>) -> Vec<(&String, &Value)> {
    const FIRST: [&str; 5] = ["id", "name", "domain_name", "aliases", "path_pattern"];
    let mut ordered: Vec<(&String, &Value)> = members.iter().collect();
    let rank = |key: &str| FIRST.iter().position(|first| *first == key);
    ordered.sort_by_key(|(key, _)| rank(key).unwrap_or(FIRST.len()));
    ordered
}

/// Returns true for what has a header of its own: objects, and arrays of objects.
fn is_table(value: &Value) -> bool {
    match value {
        Value::Object(_) => true,
        Value::Array(elements) => !elements.is_empty() && elements.iter().all(Value::is_object),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn write_value(text: &mut String, value: &Value) {
    match value {
        // No key takes null, so no item has it.
        Value::Null => text.push_str("\"\""),
        Value::Bool(flag) => push(text, format_args!("{flag}")),
        Value::Number(number) => push(text, format_args!("{number}")),
        Value::String(string) => write_string(text, string),
        Value::Array(elements) => {
            text.push('[');
            for (position, element) in elements.iter().enumerate() {
                if position > 0 {
                    text.push_str(", ");
                }
                write_value(text, element);
            }
            text.push(']');
        }
        Value::Object(members) => {
            text.push('{');
            for (position, (key, value)) in members.iter().enumerate() {
                text.push_str(if position > 0 { ", " } else { " " });
                push(text, format_args!("{} = ", key_text(key)));
                write_value(text, value);
            }
            text.push_str(" }");
        }
    }
}

/// Writes a basic string (TOML 1.0, "String"); one of several lines, such as a key in PEM, keeps them.
fn write_string(text: &mut String, string: &str) {
    let is_long = string.contains('\n');
    text.push_str(if is_long { "\"\"\"\n" } else { "\"" });
    for character in string.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push('\n'),
            '\t' => text.push_str("\\t"),
            '\r' => text.push_str("\\r"),
            other if other.is_control() => {
                push(text, format_args!("\\u{:04X}", u32::from(other)));
            }
            other => text.push(other),
        }
    }
    text.push_str(if is_long { "\"\"\"" } else { "\"" });
}

/// Returns a key, in quotes unless it is a bare one.
fn key_text(key: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !key.is_empty() && key.bytes().all(is_bare) {
        return key.to_owned();
    }
    let mut text = String::new();
    write_string(&mut text, &key.replace('\n', " "));
    text
}

/// Leaves an empty line before a header.
fn separate(text: &mut String) {
    if !text.is_empty() {
        text.push('\n');
    }
}

fn push(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string does not fail.
    let _ = text.write_fmt(arguments);
}
