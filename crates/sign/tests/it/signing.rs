//! Our output against that of other signers, byte for byte up to the order of parameters.

use std::collections::BTreeSet;
use std::sync::Arc;

use privet_sign::*;
use serde_json::Value;

use crate::support::{id, private_key, vectors};
use crate::vectors::text;

fn signer(entry: &Value) -> Signer {
    let hash = if text(entry, "hash") == "SHA256" {
        HashAlgorithm::Sha256
    } else {
        HashAlgorithm::Sha1
    };
    Signer::allow_legacy(
        Arc::new(private_key(text(entry, "key"))),
        id(text(entry, "key_pair_id")),
        hash,
    )
}

fn terms(input: &Value) -> Result<Terms, SignError> {
    let own = |name: &str| input[name].as_str().map(str::to_owned);
    Ok(Terms {
        from: input["not_before"].as_u64().map(Timestamp::from_secs),
        ip: input["ip"].as_str().map(IpRange::parse).transpose()?,
        resource: own("resource"),
        policy: own("policy"),
        ..Terms::until(Timestamp::from_secs(input["expires"].as_u64().unwrap_or(0)))
    })
}

fn sign_url(entry: &Value) -> Result<String, SignError> {
    let input = &entry["input"];
    signer(entry).sign_url(&WireUrl::parse(text(input, "url"))?, &terms(input)?)
}

/// Signs cookies. Wildcards are resources here, never URLs.
fn sign_cookies(entry: &Value) -> Result<SignedCookies, SignError> {
    let input = &entry["input"];
    let (url, mut terms) = (text(input, "url"), terms(input)?);
    if url.contains('*') {
        terms.resource = Some(url.to_owned());
        return signer(entry).sign_cookies(None, &terms);
    }
    signer(entry).sign_cookies(Some(&WireUrl::parse(url)?), &terms)
}

/// Splits a link into the part before the parameters, and the parameters without their order.
fn unordered(url: &str) -> (&str, BTreeSet<&str>) {
    let (base, query) = url.split_once('?').unwrap_or((url, ""));
    (base, query.split('&').collect())
}

#[test]
fn suggested_answers_are_ours() {
    let all = vectors();
    let suggested = all
        .iter()
        .filter(|entry| text(entry, "peer") == "suggested");
    let mut count = 0;
    for entry in suggested {
        count += 1;
        let output = &entry["output"];
        let ours = sign_url(entry);
        match output["url"].as_str() {
            Some(url) => assert_eq!(ours.as_deref(), Ok(url), "{}", text(entry, "id")),
            None => assert!(
                ours.is_err(),
                "{} was signed: {}",
                text(entry, "id"),
                text(output, "error")
            ),
        }
    }
    assert_eq!(count, 73);
}

fn is_comparable(entry: &Value) -> bool {
    let core = entry["tags"]
        .as_array()
        .is_some_and(|tags| tags.iter().any(|tag| tag == "core"));
    core && text(entry, "verdict") == "accept" && entry["deterministic"] == true
}

/// True if the conditions are in our order. Go and js-v3 write other orders, which gives other, equally valid bytes.
fn is_in_our_order(entry: &Value) -> bool {
    let policy = text(entry, "policy_signed");
    let position = |name: &str| policy.find(name);
    let (end, ip, start) = (
        position("DateLessThan"),
        position("IpAddress"),
        position("DateGreaterThan"),
    );
    (ip.is_none() || end < ip)
        && (start.is_none() || (end < start && (ip.is_none() || ip < start)))
        && policy.contains("{\"Statement\":[{\"Resource\"")
}

#[test]
fn other_signers_agree_byte_for_byte() {
    let (mut urls, mut cookies) = (0, 0);
    for entry in vectors()
        .iter()
        .filter(|entry| is_comparable(entry) && is_in_our_order(entry))
    {
        let name = text(entry, "id");
        if text(entry, "op") == "sign_cookie" {
            let ours: BTreeSet<String> = sign_cookies(entry)
                .unwrap()
                .pairs
                .into_iter()
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            let theirs = entry["output"]["cookies"].as_object().unwrap();
            // aws-cloudfront-sign adds the expiry to a custom policy, where it means nothing.
            let theirs: BTreeSet<String> = theirs
                .iter()
                .filter(|(name, _)| {
                    !(theirs.contains_key("CloudFront-Policy") && *name == "CloudFront-Expires")
                })
                .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
                .collect();
            assert_eq!(ours, theirs, "{name}");
            cookies += 1;
        } else {
            // aws-cloudfront-sign writes ~ as %7E.
            let url = text(&entry["output"], "url").replace("%7E", "~");
            let ours = sign_url(entry).unwrap_or_else(|error| panic!("{name}: {error}"));
            let (base, parameters) = unordered(&ours);
            let (their_base, mut theirs) = unordered(&url);
            if theirs.iter().any(|piece| piece.starts_with("Policy="))
                && parameters.iter().any(|piece| piece.starts_with("Policy="))
            {
                theirs.retain(|piece| !piece.starts_with("Expires="));
            }
            // aws-cloudfront-sign sends the policy along even where it is canned.
            if parameters.iter().any(|piece| piece.starts_with("Expires=")) {
                theirs.retain(|piece| !piece.starts_with("Policy="));
            }
            assert_eq!((base, parameters), (their_base, theirs), "{name}");
            urls += 1;
        }
    }
    assert_eq!((urls, cookies), (59, 9));
}
