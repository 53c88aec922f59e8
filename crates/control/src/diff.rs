//! What differs between two documents, and what of the service a change would cut off.

use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Differences that are listed; of more, the last one says so.
const DIFFERENCES_MAX: usize = 1_000;

/// A value that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// JSON pointer of the value.
    pub path: String,
    /// Value before; absent if there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// Value after; absent if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

/// Something that viewers could reach before a change and cannot after it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct CutOff {
    /// Kind of what is cut off.
    pub what: CutOffKind,
    /// Host, key or key group.
    pub id: String,
    /// Document in which that happens.
    pub document: String,
}

/// A kind of access that a change can end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CutOffKind {
    /// Viewers of a host are not served any more.
    Host,
    /// Links signed with a key do not open any more.
    Key,
    /// Links signed with the keys of a group do not open any more.
    KeyGroup,
    /// Links signed with the keys of a signer do not open any more.
    TrustedSigner,
}

/// Returns what differs, in the order of the paths.
pub fn differences(before: &Value, after: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    walk(&mut String::new(), Some(before), Some(after), &mut found);
    found.truncate(DIFFERENCES_MAX);
    found
}

fn walk(
    path: &mut String,
    before: Option<&Value>,
    after: Option<&Value>,
    found: &mut Vec<Difference>,
) {
    if before == after || found.len() > DIFFERENCES_MAX {
        return;
    }
    if let (Some(Value::Object(before)), Some(Value::Object(after))) = (before, after) {
        return walk_objects(path, before, after, found);
    }
    if let (Some(Value::Array(before)), Some(Value::Array(after))) = (before, after) {
        for index in 0..before.len().max(after.len()) {
            let length = path.len();
            path.push_str(&format!("/{index}"));
            walk(path, before.get(index), after.get(index), found);
            path.truncate(length);
        }
        return;
    }
    found.push(Difference {
        path: path.clone(),
        before: before.cloned(),
        after: after.cloned(),
    });
}

fn walk_objects(
    path: &mut String,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    found: &mut Vec<Difference>,
) {
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    for key in keys {
        let length = path.len();
        path.push('/');
        path.push_str(&key.replace('~', "~0").replace('/', "~1"));
        walk(path, before.get(key), after.get(key), found);
        path.truncate(length);
    }
}

/// Returns what a change of one document cuts off. `before` and `after` are documents of the same kind; `after` is
/// `None` if it is deleted.
pub fn cut_off(document: &str, before: &Value, after: Option<&Value>) -> Vec<CutOff> {
    let had = access(before);
    let has = after.map(access).unwrap_or_default();
    let gone = had.difference(&has).map(|(what, id)| CutOff {
        what: *what,
        id: id.clone(),
        document: document.to_owned(),
    });
    gone.collect()
}

/// Returns what a document gives access to: of a distribution the hosts and the groups and signers that it trusts, if
/// it is enabled; of a key group or a signer its keys.
fn access(document: &Value) -> BTreeSet<(CutOffKind, String)> {
    let mut access = BTreeSet::new();
    if document.get("enabled") == Some(&Value::Bool(false)) {
        return access;
    }
    let mut add = |what: CutOffKind, value: Option<&Value>| {
        let values = match value {
            Some(Value::Array(values)) => values.as_slice(),
            Some(value) => std::slice::from_ref(value),
            None => &[],
        };
        let names = values.iter().filter_map(Value::as_str);
        access.extend(names.map(|name| (what, name.to_owned())));
    };
    add(CutOffKind::Host, document.get("domain_name"));
    add(CutOffKind::Host, document.get("aliases"));
    add(CutOffKind::Key, document.get("public_keys"));
    add(CutOffKind::Key, document.get("key_pairs"));
    let behaviors = document.get("behaviors").and_then(Value::as_array);
    let behaviors = behaviors.into_iter().flatten();
    let trusting = behaviors
        .chain(document.get("default_behavior"))
        .chain([document]);
    for behavior in trusting {
        add(CutOffKind::KeyGroup, behavior.get("trusted_key_groups"));
        add(CutOffKind::TrustedSigner, behavior.get("trusted_signers"));
    }
    access
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(before: &Value, after: &Value, expected: &Value) {
        let found = serde_json::to_value(differences(before, after)).unwrap();
        assert_eq!(&found, expected);
    }

    #[test]
    fn differences_have_the_paths_of_values() {
        check(&json!({}), &json!({}), &json!([]));
        check(
            &json!(null),
            &json!({"a": 1}),
            &json!([{"path": "", "before": null, "after": {"a": 1}}]),
        );
        check(
            &json!({"a": [1, 2], "b/c": 1, "d": {"e": 1}}),
            &json!({"a": [1, 3, 4], "d": {"e": 1}}),
            &json!([
                {"path": "/a/1", "before": 2, "after": 3},
                {"path": "/a/2", "after": 4},
                {"path": "/b~1c", "before": 1},
            ]),
        );
    }

    #[track_caller]
    fn check_cut_off(before: &Value, after: Option<&Value>, expected: &Value) {
        let found = serde_json::to_value(cut_off("E1", before, after)).unwrap();
        assert_eq!(&found, expected);
    }

    #[test]
    fn what_a_change_cuts_off_is_named() {
        let before = json!({
            "domain_name": "a.example", "aliases": ["b.example"],
            "behaviors": [{"trusted_key_groups": ["g"]}], "default_behavior": {"trusted_signers": ["self"]},
        });
        check_cut_off(&before, Some(&before), &json!([]));
        let gone = |what: &str, id: &str| json!({"what": what, "id": id, "document": "E1"});
        let all = json!([
            gone("host", "a.example"),
            gone("host", "b.example"),
            gone("key_group", "g"),
            gone("trusted_signer", "self"),
        ]);
        check_cut_off(&before, None, &all);
        let mut disabled = before.clone();
        disabled["enabled"] = json!(false);
        check_cut_off(&before, Some(&disabled), &all);
        check_cut_off(&disabled, Some(&before), &json!([]));
        check_cut_off(
            &json!({"public_keys": ["K1", "K2"]}),
            Some(&json!({"public_keys": ["K2"]})),
            &json!([gone("key", "K1")]),
        );
    }
}
