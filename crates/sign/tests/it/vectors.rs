//! Outputs of other signers: those that the edge opens, and those that it refuses.

use privet_sign::*;
use serde_json::Value;

use crate::support::{Received, client, id, private_key, vectors};

/// One vector as a request: the requested URL, and cookies.
pub struct Request {
    pub url: String,
    pub cookies: Option<String>,
}

pub fn text<'a>(entry: &'a Value, name: &str) -> &'a str {
    entry[name].as_str().unwrap_or_default()
}

pub fn keys_of(entry: &Value) -> Option<KeySet> {
    let name = text(entry, "key");
    if name.starts_with("p384") {
        return None;
    }
    let mut keys = KeySet::default();
    keys.insert(
        id(text(entry, "key_pair_id")),
        private_key(name).public_key(),
    );
    Some(keys)
}

pub fn request_of(entry: &Value) -> Option<Request> {
    let output = &entry["output"];
    if let Some(url) = output["url"].as_str() {
        return Some(Request {
            url: url.to_owned(),
            cookies: None,
        });
    }
    let cookies = output["cookies"].as_object()?;
    let pairs: Vec<String> = cookies
        .iter()
        .map(|(name, value)| match value.as_str() {
            Some(value) => format!("{name}={value}"),
            None => format!("{name}={value}"),
        })
        .collect();
    // The verdict of a wildcard cookie was given for a file below it.
    let why = text(entry, "verdict_why");
    let url = why
        .strip_prefix("checked against ")
        .or(entry["input"]["url"].as_str())?;
    Some(Request {
        url: url.replace("/*", "/a.ts"),
        cookies: Some(pairs.join("; ")),
    })
}

fn opens(entry: &Value) -> Result<Grant, String> {
    let keys = keys_of(entry).ok_or("key")?;
    let request = request_of(entry).ok_or("output")?;
    let received = Received::by_browser(&request.url).ok_or("url")?;
    let until = entry["input"]["expires"].as_u64().unwrap_or(2_000_000_000);
    let from = entry["input"]["not_before"].as_u64().unwrap_or(0);
    let now = until
        .saturating_sub(1)
        .max(from.min(until.saturating_sub(1)));
    if received.path.len() + received.query.as_deref().unwrap_or_default().len() > 8100 {
        return Err("too long".into());
    }
    let address = entry["input"]["ip"]
        .as_str()
        .and_then(|ip| ip.split('/').next()?.parse().ok());
    let address = address.unwrap_or_else(client);
    received
        .verify_with(request.cookies.as_deref(), &keys, now, address)
        .map_err(|refusal| refusal.token().to_owned())
}

/// Id of a vector signed with SHA-256 by a P-256 key, without naming the hash. The models of 2026 refuse it; Privet
/// opens it, since signers of AWS itself wrote such links before the parameter existed (matrix T26).
const DECIDED_TO_OPEN: &str = "key-p256.sec1-with-params-sha256/botocore";

#[test]
fn p256_with_sha256_opens_without_the_parameter() {
    let all = vectors();
    let entry = all
        .iter()
        .find(|entry| text(entry, "id") == DECIDED_TO_OPEN)
        .unwrap();
    assert_eq!(
        opens(entry).map(|grant| grant.key_pair_id().to_owned()),
        Ok(text(entry, "key_pair_id").to_owned())
    );
}

#[test]
fn what_cloudfront_refuses_is_refused() {
    for entry in vectors()
        .iter()
        .filter(|entry| text(entry, "verdict") == "reject")
    {
        let name = text(entry, "id");
        if name == DECIDED_TO_OPEN {
            continue;
        }
        assert!(
            opens(entry).is_err(),
            "{name} opened: {}",
            text(entry, "verdict_why")
        );
    }
}

#[test]
fn what_cloudfront_opens_is_opened() {
    let mut opened = 0;
    for entry in vectors()
        .iter()
        .filter(|entry| text(entry, "verdict") == "accept")
    {
        if let Err(reason) = opens(entry) {
            panic!("{} refused: {reason}", text(entry, "id"));
        }
        opened += 1;
    }
    assert!(opened > 570, "{opened}");
}
