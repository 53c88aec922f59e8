//! How links and revocations are printed.

use crate::admin_socket::text;
use crate::command_error::CommandError;
use crate::input;
use crate::printable::printable;
use crate::table::table;
use serde_json::Value;

/// Returns what a link is named by; `-` stands for standard input, so that no URL is in a list of processes.
pub(super) fn named(given: &str) -> Result<String, CommandError> {
    if given != "-" {
        return Ok(given.to_owned());
    }
    let bytes = input::read("-")?;
    let read = crate::text::decode(&bytes).ok_or_else(|| CommandError::Read {
        source: "standard input".to_owned(),
        reason: "it is not UTF-8 text".to_owned(),
    })?;
    Ok(read.trim().to_owned())
}

pub(super) fn links(links: &[Value]) -> Vec<String> {
    let rows: Vec<[String; 6]> = links
        .iter()
        .map(|link| {
            [
                word(link, "id"),
                word(link, "state"),
                used(link),
                word(link, "expires_at"),
                whom(link),
                word(link, "object"),
            ]
        })
        .collect();
    table(["ID", "STATE", "USES", "ENDS", "FOR", "OBJECT"], &rows)
}

pub(super) fn whole(link: &Value, uses: &[Value]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            lines.push(format!("{name:<14}{value}"));
        }
    };
    let members = [
        ("id", "id"),
        ("state", "state"),
        ("object", "object"),
        ("ends", "expires_at"),
        ("made", "made_at"),
        ("made by", "made_by"),
        ("key", "key_pair_id"),
        ("subject", "subject"),
        ("owner", "owner"),
        ("label", "label"),
        ("note", "note"),
    ];
    for (name, member) in members {
        line(name, word(link, member));
    }
    line("uses", used(link));
    let revocation = &link["revocation"];
    if !revocation.is_null() {
        let by = word(revocation, "made_by");
        let on = word(revocation, "made_at");
        line("revoked", format!("on {on}, by {by}"));
    }
    let ledger = &link["ledger"];
    if !ledger.is_null() {
        line("first use", word(ledger, "first_use"));
        line("last use", word(ledger, "last_use"));
        line("viewers", number(ledger, "viewers"));
        line("bytes", number(ledger, "bytes"));
        line(
            "watched",
            format!("{} s", number(ledger, "watched_seconds")),
        );
        let refusals = ledger["refusals"].as_object();
        for (reason, count) in refusals.into_iter().flatten() {
            line("refused", format!("{count} times: {}", printable(reason)));
        }
    }
    for one in uses {
        let given_back = match one["given_back"].as_bool() {
            Some(true) => ", given back",
            Some(false) | None => "",
        };
        let text = format!(
            "at {} by {}{given_back}",
            word(one, "at"),
            word(one, "viewer")
        );
        line(&format!("use {}", number(one, "number")), text);
    }
    lines
}

pub(super) fn revocations(found: &[Value]) -> Vec<String> {
    let rows: Vec<[String; 6]> = found
        .iter()
        .map(|one| {
            [
                number(one, "seq"),
                word(one, "kind"),
                word(one, "value"),
                word(one, "made_at"),
                word(one, "made_by"),
                word(one, "until"),
            ]
        })
        .collect();
    table(["NUMBER", "KIND", "OF", "MADE", "BY", "UNTIL"], &rows)
}

/// Returns how many uses were made of how many.
fn used(link: &Value) -> String {
    let uses = number(link, "uses");
    match link["limits"]["uses"].as_u64() {
        Some(uses_max) => format!("{uses} of {uses_max}"),
        None => uses,
    }
}

fn whom(link: &Value) -> String {
    let subject = word(link, "subject");
    match subject.is_empty() {
        true => word(link, "label"),
        false => subject,
    }
}

fn word(object: &Value, member: &str) -> String {
    printable(text(object, member)).to_string()
}

fn number(object: &Value, member: &str) -> String {
    object
        .get(member)
        .and_then(Value::as_u64)
        .map_or_else(String::new, |number| number.to_string())
}
