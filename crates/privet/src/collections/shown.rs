//! How documents and their changes are printed.

use crate::admin_socket::{list as list_of, number, text};
use crate::printable::json_line;
use crate::table::table;
use privet_distribution::config::{ServiceItem, ServiceKind, write_toml};
use serde_json::Value;

/// Returns documents in a table.
pub(super) fn list(items: &[Value]) -> Vec<String> {
    let rows: Vec<[String; 5]> = items
        .iter()
        .map(|item| {
            let made_by = &item["made_by"];
            [
                text(item, "id").to_owned(),
                number(item, "version").to_string(),
                text(made_by, "at").to_owned(),
                maker(made_by),
                summary(&item["document"]),
            ]
        })
        .collect();
    table(["ID", "VERSION", "CHANGED", "BY", "SUMMARY"], &rows)
}

/// Returns versions in a table.
pub(super) fn versions(versions: &[Value]) -> Vec<String> {
    let rows: Vec<[String; 4]> = versions
        .iter()
        .map(|version| {
            let made_by = &version["made_by"];
            let operation = match version["document"].is_null() {
                true => format!("{} (deleted)", text(version, "operation")),
                false => text(version, "operation").to_owned(),
            };
            [
                number(version, "version").to_string(),
                text(made_by, "at").to_owned(),
                maker(made_by),
                operation,
            ]
        })
        .collect();
    table(["VERSION", "AT", "BY", "OPERATION"], &rows)
}

/// Returns a document as TOML; what is known of it besides stands in comments.
pub(super) fn item(kind: ServiceKind, id: &str, item: &Value) -> Vec<String> {
    let made_by = &item["made_by"];
    let mut lines = vec![format!(
        "# version {}, etag {}, by {} at {}",
        number(item, "version"),
        text(item, "etag"),
        maker(made_by),
        text(made_by, "at"),
    )];
    if let Some(applied) = applied(&item["applied"]) {
        lines.push(format!("# {applied}"));
    }
    for user in list_of(item, "used_by") {
        lines.push(format!(
            "# used by {} {}",
            text(user, "kind"),
            text(user, "id")
        ));
    }
    if item["document"].is_null() {
        lines.push("# this version deleted it".to_owned());
        return lines;
    }
    let toml = write_toml(&[ServiceItem {
        kind,
        id: id.to_owned(),
        value: item["document"].clone(),
    }]);
    lines.extend(toml.lines().map(str::to_owned));
    lines
}

/// The answer to a change.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    outcome: &'a Value,
}

impl<'a> Shown<'a> {
    pub(super) fn of(outcome: &'a Value) -> Self {
        Shown { outcome }
    }

    pub(super) fn lines(&self) -> Vec<String> {
        match self.outcome["dry_run"] == Value::Bool(true) {
            true => self.tried(),
            false => self.changed(),
        }
    }

    fn tried(&self) -> Vec<String> {
        let mut lines: Vec<String> = list_of(self.outcome, "diff")
            .iter()
            .map(|difference| {
                let side = |name| difference.get(name).map_or("none".to_owned(), json_line);
                let path = text(difference, "path");
                format!("{path}: {} -> {}", side("before"), side("after"))
            })
            .collect();
        if lines.is_empty() {
            lines.push("nothing would be changed".to_owned());
        }
        for cut_off in list_of(self.outcome, "cut_off") {
            let what = text(cut_off, "what").replace('_', " ");
            lines.push(format!("would cut off {what} {}", text(cut_off, "id")));
        }
        lines
    }

    fn changed(&self) -> Vec<String> {
        let outcome = self.outcome;
        let id = text(outcome, "id");
        let state = match outcome["etag"].as_str() {
            Some(etag) => format!("version {}, etag {etag}", number(outcome, "version")),
            None => "deleted".to_owned(),
        };
        let mut lines = vec![format!("{id}  {state}")];
        lines.extend(applied(&outcome["applied"]));
        lines
    }
}

/// Returns on how many edges something is in force.
fn applied(applied: &Value) -> Option<String> {
    applied.is_object().then(|| {
        let (edges, of) = (number(applied, "edges"), number(applied, "of"));
        let so_far = if edges < of { " so far" } else { "" };
        format!("in force on {edges} of {of} edges{so_far}")
    })
}

fn maker(made_by: &Value) -> String {
    match text(made_by, "operator") {
        "" => text(made_by, "kind").to_owned(),
        operator => operator.to_owned(),
    }
}

/// Returns what tells documents apart for people: hosts, a name, the keys of a group.
fn summary(document: &Value) -> String {
    let words = |name: &str| {
        let values = list_of(document, name).iter().filter_map(Value::as_str);
        values.map(str::to_owned).collect::<Vec<_>>()
    };
    let mut parts: Vec<String> = Vec::new();
    if document["enabled"] == Value::Bool(false) {
        parts.push("(disabled)".to_owned());
    }
    let names = ["domain_name", "name"].map(|name| text(document, name).to_owned());
    parts.extend(names.into_iter().filter(|name| !name.is_empty()));
    for name in ["aliases", "public_keys", "key_pairs"] {
        parts.extend(words(name));
    }
    parts.join(" ")
}
