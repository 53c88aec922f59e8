//! Output of other signers, as a client really sends it to the running edge.

use crate::support::*;
use serde_json::Value;
use std::collections::BTreeMap;
use url::Url;

/// A vector signed with SHA-256 by a P-256 key that does not say so: Privet tries both digests (F2).
const DECIDED_TO_OPEN: &str = "key-p256.sec1-with-params-sha256/botocore";
/// All hosts of the vectors.
const HOSTS: &str =
    r#"["*.cloudfront.net", "*.example.com", "*.example.net", "192.0.2.10", "[2001:db8::1]"]"#;

fn vectors() -> Vec<Value> {
    let file = key_path("").join("../vectors/signing.json");
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

fn text<'a>(entry: &'a Value, name: &str) -> &'a str {
    entry[name].as_str().unwrap_or_default()
}

/// Returns the client's request; `None` when no web client can send it over HTTP.
fn ask_of(entry: &Value) -> Option<Ask> {
    let output = &entry["output"];
    let (link, cookies) = match (output["url"].as_str(), output["cookies"].as_object()) {
        (Some(url), _) => (url, None),
        (None, Some(pairs)) => {
            let pairs: Vec<String> = pairs
                .iter()
                .map(|(name, value)| match value.as_str() {
                    Some(value) => format!("{name}={value}"),
                    None => format!("{name}={value}"),
                })
                .collect();
            let why = text(entry, "verdict_why").strip_prefix("checked against ");
            (
                why.or(entry["input"]["url"].as_str())?,
                Some(pairs.join("; ")),
            )
        }
        (None, None) => return None,
    };
    // The verdict on a wildcard cookie is for a file below it.
    let link = if cookies.is_some() {
        link.replace("/*", "/a.ts")
    } else {
        link.to_owned()
    };
    let mut url = Url::parse(&link).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    url.set_fragment(None);
    url.set_username("").ok()?;
    url.set_password(None).ok()?;
    let ask = Ask::get(url.as_str());
    Some(match cookies {
        Some(cookies) => ask.header("Cookie", cookies),
        None => ask,
    })
}

/// Returns the time of the request: a second before the expiry, and never before the start.
fn moment_of(entry: &Value) -> u64 {
    let until = entry["input"]["expires"].as_u64().unwrap_or(2_000_000_000);
    until.saturating_sub(1)
}

/// Returns true for a policy whose addresses no test can have.
fn is_for_elsewhere(entry: &Value) -> bool {
    let ip = text(&entry["input"], "ip");
    let policy = text(entry, "policy_signed");
    (!ip.is_empty() || policy.contains("SourceIp"))
        && !policy.contains("\"0.0.0.0/0\"")
        && ip != "0.0.0.0/0"
}

/// Starts an edge that trusts only the key of these vectors, with an empty bucket.
fn edge_for(key: &str) -> TestEdge {
    let kind = key.split('.').next().unwrap();
    // The edge accepts no P-384 key, so nothing that such a key signed can be valid.
    let kind = if kind == "p384" { "rsa2048" } else { kind };
    let config = format!(
        r#"
[limits]
log_queue_records_max = 100000
{LISTENERS}
[[public_keys]]
id = "K2JCJMDEHXQW5F"
file = "KEYS/{kind}.pub.pem"
[[key_groups]]
id = "viewers"
public_keys = ["K2JCJMDEHXQW5F"]
[[distributions]]
id = "EDFDVBD6EXAMPLE"
domain_name = "d111111abcdef8.cloudfront.net"
aliases = {HOSTS}
certificate = {{ chain = "chain.pem", key = "key.pem" }}
origins = [{{ id = "videos", folder = "bucket" }}]
default_behavior = {{ origin = "videos", trusted_key_groups = ["viewers"] }}
"#
    );
    TestEdge::configured(&config)
}

/// A client that keeps connections, as a browser does, until the edge closes one.
struct Client<'a> {
    edge: &'a TestEdge,
    plain: Option<Viewer>,
    tls: Option<Viewer>,
}

impl Client<'_> {
    fn status(&mut self, ask: &Ask) -> u16 {
        let edge = self.edge;
        let slot = if ask.is_https() {
            &mut self.tls
        } else {
            &mut self.plain
        };
        let viewer = slot.get_or_insert_with(|| {
            if ask.is_https() {
                edge.tls()
            } else {
                edge.plain()
            }
        });
        let answer = viewer.ask(ask);
        if answer.header("Connection") != Some("keep-alive") {
            *slot = None;
        }
        answer.status()
    }
}

/// Requests every vector that has `verdict`; returns the names of those that were accepted and of those that were not.
fn outcomes(verdict: &str) -> (Vec<String>, Vec<String>) {
    let all = vectors();
    let mut by_key: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for entry in all.iter().filter(|entry| text(entry, "verdict") == verdict) {
        by_key.entry(text(entry, "key")).or_default().push(entry);
    }
    let (mut opened, mut refused) = (Vec::new(), Vec::new());
    for (key, entries) in by_key {
        let edge = edge_for(key);
        let mut client = Client {
            edge: &edge,
            plain: None,
            tls: None,
        };
        for entry in entries {
            let name = text(entry, "id").to_owned();
            edge.set_clock(moment_of(entry));
            let status = ask_of(entry).map(|ask| client.status(&ask));
            match status {
                // The bucket is empty, so an accepted request gets 404.
                Some(404) => opened.push(name),
                Some(403 | 413 | 400) | None => refused.push(name),
                Some(other) => panic!("{name}: {other}"),
            }
        }
    }
    (opened, refused)
}

#[test]
fn what_cloudfront_refuses_is_refused() {
    let (opened, refused) = outcomes("reject");
    assert_eq!(opened, [DECIDED_TO_OPEN]);
    assert!(refused.len() > 450, "{}", refused.len());
}

#[test]
fn what_cloudfront_opens_is_opened() {
    let all = vectors();
    let elsewhere: Vec<&str> = all
        .iter()
        .filter(|entry| is_for_elsewhere(entry))
        .map(|entry| text(entry, "id"))
        .collect();
    let (opened, refused) = outcomes("accept");
    // This machine does not have their addresses; the tests of privet-sign pass the addresses in.
    let wrongly: Vec<&String> = refused
        .iter()
        .filter(|name| !elsewhere.contains(&name.as_str()))
        .collect();
    assert!(wrongly.is_empty(), "{wrongly:?}");
    let leaked: Vec<&String> = opened
        .iter()
        .filter(|name| elsewhere.contains(&name.as_str()))
        .collect();
    assert!(leaked.is_empty(), "{leaked:?}");
    assert!(opened.len() > 530, "{}", opened.len());
}
