//! What differs between an item in the store and the same in a file. Secrets are compared and never shown.

use crate::printable::json_line;
use privet_control::{Difference, differences};
use privet_distribution::config::{ItemFacts, ServiceItem};
use serde_json::{Value, json};

/// Longest value in a line.
const VALUE_CHARACTERS_MAX: usize = 60;

/// Returns a difference as one line.
pub(crate) fn line(difference: &Difference) -> String {
    let text = |value: &Option<Value>| value.as_ref().map_or("none".to_owned(), short);
    let Difference {
        path,
        before,
        after,
    } = difference;
    format!("{path}: {} -> {}", text(before), text(after))
}

fn short(value: &Value) -> String {
    let text = json_line(value);
    match text.char_indices().nth(VALUE_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// Returns what differs, in the order of the paths, with words in place of secrets.
pub(crate) fn masked_differences(before: &ServiceItem, after: &ServiceItem) -> Vec<Difference> {
    let (mut masked_before, mut masked_after) = (before.value.clone(), after.value.clone());
    for pointer in secrets(before) {
        mask(&mut masked_before, &pointer, "a secret");
    }
    for pointer in secrets(after) {
        let is_same = before.value.pointer(&pointer) == after.value.pointer(&pointer);
        let word = if is_same {
            "a secret"
        } else {
            "another secret"
        };
        mask(&mut masked_after, &pointer, word);
    }
    differences(&masked_before, &masked_after)
}

/// Returns the places of an item's secrets. An item that cannot be read has been refused before.
fn secrets(item: &ServiceItem) -> Vec<String> {
    ItemFacts::of(item).map_or_else(|_| Vec::new(), |facts| facts.secrets)
}

fn mask(value: &mut Value, pointer: &str, word: &str) {
    if let Some(secret) = value.pointer_mut(pointer) {
        *secret = json!(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use privet_distribution::config::ServiceKind;

    #[track_caller]
    fn check(before: &Value, after: &Value, expected: &[&str]) {
        let item = |value: &Value| ServiceItem {
            kind: ServiceKind::Distribution,
            id: "E1".to_owned(),
            value: value.clone(),
        };
        let found = masked_differences(&item(before), &item(after));
        let lines: Vec<String> = found.iter().map(line).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn secrets_are_compared_and_not_shown() {
        let distribution = |secret: &str, enabled: bool| {
            json!({
                "id": "E1", "domain_name": "d.example", "enabled": enabled,
                "origins": [{"id": "o", "s3": {
                    "bucket": "b", "access_key_id": "A", "secret_access_key": secret,
                }}],
                "default_behavior": {"origin": "o"},
            })
        };
        let one = distribution("hunter2", true);
        check(&one, &one, &[]);
        check(
            &one,
            &distribution("hunter2", false),
            &["/enabled: true -> false"],
        );
        check(
            &one,
            &distribution("hunter3", true),
            &["/origins/0/s3/secret_access_key: \"a secret\" -> \"another secret\""],
        );
        let mut none = one.clone();
        none["origins"] = json!([{"id": "o", "folder": "/f"}]);
        let lines = masked_differences(
            &ServiceItem {
                kind: ServiceKind::Distribution,
                id: "E1".to_owned(),
                value: none,
            },
            &ServiceItem {
                kind: ServiceKind::Distribution,
                id: "E1".to_owned(),
                value: one,
            },
        );
        let text = format!("{lines:?}");
        assert!(
            text.contains("another secret") && !text.contains("hunter2"),
            "{text}"
        );
    }
}
