//! CloudFront's older cache settings: what goes to the origin, and what is in the cache key.

use crate::support::*;
use http::HeaderValue;
use privet_distribution::caching::cache_key;
use privet_distribution::config::Snapshot;
use privet_distribution::request::{RequestFacts, origin_request};

fn snapshot(keys: &str) -> Snapshot {
    snapshot_of(&format!(
        r#"
[[listeners]]
address = "127.0.0.1:80"
[[distributions]]
id = "E1"
domain_name = "d.example"
origins = [{{ id = "app", url = "https://app.example.com" }}]
[distributions.default_behavior]
origin = "app"
{keys}
"#
    ))
}

/// Returns target and headers of the request to the origin, without those that the edge adds, and the cache key.
fn outcome(keys: &str, sent: &Sent) -> (String, Vec<u8>) {
    let snapshot = snapshot(keys);
    sent.with(|request| {
        sent.run_with(&snapshot, |authorized| {
            let via = HeaderValue::from_static("1.1 node");
            let facts = RequestFacts {
                viewer: "192.0.2.77".parse().unwrap(),
                viewer_port: None,
                request_id: "id",
                country: None,
                via: &via,
                accept_encoding: None,
            };
            let origin = &authorized.routed().behavior.origin.primary;
            let asked = origin_request(authorized, origin, request, &facts);
            let own = ["via", "x-amz-cf-id", "x-forwarded-for"];
            let fields = asked.headers.iter();
            let mut lines: Vec<String> = fields
                .filter(|(name, _)| !own.contains(&name.as_str()))
                .map(|(name, value)| format!("; {name}: {}", value.to_str().unwrap()))
                .collect();
            lines.sort();
            let key = cache_key(authorized, request).as_bytes().to_vec();
            (format!("{}{}", asked.target, lines.concat()), key)
        })
        .unwrap()
    })
}

fn usual(query: &str) -> Sent {
    get(format!("http://d.example/a{query}"))
        .header("cookie", "theme=dark; session=s")
        .header("accept-language", "pt")
        .header("user-agent", "curl")
}

#[track_caller]
fn check(keys: &str, expected: &str) {
    let (asked, _) = outcome(keys, &usual("?page=1&utm=x"));
    assert_eq!(asked, expected, "{keys}");
}

#[track_caller]
fn check_shared(keys: &str, one: &Sent, other: &Sent, expected: bool) {
    let (one, other) = (outcome(keys, one).1, outcome(keys, other).1);
    assert_eq!(one == other, expected, "{keys}");
}

const LISTED: &str =
    "forwarded_values = { headers = [\"Accept-Language\"], cookies = [\"theme\"] }";
const KEYED: &str =
    "forwarded_values = { query_string = true, query_string_cache_keys = [\"page\"] }";
const ALL: &str =
    "forwarded_values = { query_string = true, headers = [\"*\"], cookies = \"all\" }";

#[test]
fn what_goes_to_the_origin() {
    check("forwarded_values = {}", "/a; user-agent: Amazon CloudFront");
    check(
        LISTED,
        "/a; accept-language: pt; cookie: theme=dark; user-agent: Amazon CloudFront",
    );
    check(KEYED, "/a?page=1&utm=x; user-agent: Amazon CloudFront");
    check(
        ALL,
        "/a?page=1&utm=x; accept-language: pt; cookie: session=s; theme=dark; host: d.example; user-agent: curl",
    );
    // Nothing is cached, and the same goes to the origin.
    check(
        &format!("max_ttl = 0\n{LISTED}"),
        "/a; accept-language: pt; cookie: theme=dark; user-agent: Amazon CloudFront",
    );
}

#[test]
fn what_is_in_the_cache_key() {
    let other_language = || {
        get("http://d.example/a")
            .header("cookie", "theme=dark; session=t")
            .header("accept-language", "de")
    };
    let other_session = || {
        get("http://d.example/a")
            .header("cookie", "theme=dark; session=t")
            .header("accept-language", "pt")
    };
    check_shared(
        "forwarded_values = {}",
        &usual("?b"),
        &other_language(),
        true,
    );
    check_shared(LISTED, &usual("?b"), &other_language(), false);
    check_shared(LISTED, &usual("?b"), &other_session(), true);
    check_shared(
        KEYED,
        &usual("?page=1&utm=x"),
        &usual("?utm=y&page=1"),
        true,
    );
    check_shared(KEYED, &usual("?page=1"), &usual("?page=2"), false);
    let all = "forwarded_values = { query_string = true }";
    check_shared(all, &usual("?page=1&utm=x"), &usual("?page=1&utm=y"), false);
}
