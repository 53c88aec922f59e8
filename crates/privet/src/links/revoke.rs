//! `privet link revoke` and `lift`.

use super::{Form, shown};
use crate::api::{Api, ApiRequest};
use crate::command_error::CommandError;
use crate::link_fault::LinkFault;
use crate::moment::{self, Moment};
use crate::report::{counted, say_all, say_json};
use clap::Args;
use http::Method;
use privet_control::Mode;
use serde_json::{Map, Value};
use std::io::{self, IsTerminal};

/// Number of registered links that are revoked without a confirmation.
const UNCONFIRMED_MAX: u64 = 100;

#[derive(Debug, Args)]
#[group(id = "target", required = true, multiple = false, args = ["link", "subject", "label", "object", "key"])]
pub(super) struct RevokeArguments {
    /// Id or identity of a link, or the signed URL of any; with - it is read from standard input
    #[arg(value_name = "ID|URL")]
    link: Option<String>,
    /// All links of this subject
    #[arg(long, value_name = "TEXT")]
    subject: Option<String>,
    /// All registered links with this label
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// All links for the objects of this pattern, HOST/PATH with *
    #[arg(long, value_name = "PATTERN")]
    object: Option<String>,
    /// All links of this key
    #[arg(long, value_name = "ID")]
    key: Option<String>,
    /// End of the revocation of a subject, a key or objects [default: in 366 days]
    #[arg(long, value_name = "TIME", value_parser = moment::parse_moment)]
    until: Option<Moment>,
    /// End running transfers, too
    #[arg(long)]
    cut: bool,
    /// Note for operators
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Count the registered links that would be revoked, and revoke nothing
    #[arg(long)]
    dry_run: bool,
    /// Revoke more than 100 registered links without being asked to confirm it; only on a terminal is that asked
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    form: Form,
}

#[derive(Debug, Args)]
pub(super) struct LiftArguments {
    /// Number of the revocation
    #[arg(value_name = "NUMBER")]
    number: u64,
    #[command(flatten)]
    form: Form,
}

pub(super) fn run(arguments: &RevokeArguments) -> Result<(), CommandError> {
    let mut body = Map::new();
    let link = arguments.link.as_deref().map(shown::named).transpose()?;
    let targets = [
        ("link", &link),
        ("subject", &arguments.subject),
        ("label", &arguments.label),
        ("object", &arguments.object),
        ("key", &arguments.key),
        ("note", &arguments.note),
    ];
    for (name, value) in targets {
        if let Some(value) = value {
            body.insert(name.to_owned(), value.as_str().into());
        }
    }
    body.insert("cut".to_owned(), arguments.cut.into());
    if let Some(until) = arguments.until {
        let until = until.resolve(moment::now()).to_utc();
        body.insert("until".to_owned(), until.into());
    }
    let body = Value::Object(body);
    let api = arguments.form.api.find()?;
    let is_asked = !arguments.yes && !arguments.form.json && io::stdin().is_terminal();
    if is_asked && !arguments.dry_run {
        check_count(&sent(&api, &body, Mode::DryRun)?)?;
    }
    let mode = match arguments.dry_run {
        true => Mode::DryRun,
        false => Mode::Make,
    };
    let answer = sent(&api, &body, mode)?;
    match arguments.form.json {
        true => say_json(&answer),
        false => say_all(&[said(&answer, arguments.dry_run)]),
    }
}

fn sent(api: &Api, body: &Value, mode: Mode) -> Result<Value, CommandError> {
    let query = match mode {
        Mode::DryRun => "?dry_run=1",
        Mode::Make => "",
    };
    let answer = api.ask(&ApiRequest {
        method: Method::POST,
        target: format!("/v1/revocations{query}"),
        body: Some(body),
        ..ApiRequest::default()
    })?;
    Ok(answer.body)
}

/// Refuses a revocation of many links that nobody has confirmed.
fn check_count(outcome: &Value) -> Result<(), LinkFault> {
    match outcome["links"].as_u64() {
        Some(links) if links > UNCONFIRMED_MAX => Err(LinkFault::Many { links }),
        Some(_) | None => Ok(()),
    }
}

fn said(outcome: &Value, is_trial: bool) -> String {
    let links = outcome["links"].as_u64();
    let links = links.map(|links| counted(links, "registered link", "registered links"));
    let number = outcome["revocation"].as_u64();
    match (is_trial, number, links) {
        (true, _, Some(links)) => format!("{links} would be revoked; nothing is"),
        (true, _, None) => "would be revoked, whatever links there are; nothing is".to_owned(),
        (false, Some(number), Some(links)) => format!("revoked, {links} (revocation {number})"),
        (false, Some(number), None) => format!("revoked (revocation {number})"),
        (false, None, _) => "nothing to revoke".to_owned(),
    }
}

pub(super) fn lift(arguments: &LiftArguments) -> Result<(), CommandError> {
    let answer = arguments.form.api.find()?.ask(&ApiRequest {
        method: Method::DELETE,
        target: format!("/v1/revocations/{}", arguments.number),
        ..ApiRequest::default()
    })?;
    match arguments.form.json {
        true => say_json(&answer.body),
        false => say_all(&[format!("revocation {} is lifted", arguments.number)]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[track_caller]
    fn check(links: &Value, expected: &Result<(), LinkFault>) {
        assert_eq!(check_count(&json!({ "links": links })), *expected);
    }

    #[test]
    fn many_links_are_revoked_by_those_who_mean_it() {
        check(&json!(101), &Err(LinkFault::Many { links: 101 }));
        check(&json!(100), &Ok(()));
        check(&Value::Null, &Ok(()));
    }
}
