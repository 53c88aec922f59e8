//! Requests to origins.

use crate::support::*;
use http::HeaderValue;
use privet_distribution::config::{Snapshot, read_toml};
use privet_distribution::request::{
    OriginRequest, RequestFacts, keyed_headers, origin_request, route,
};
use privet_distribution::response::preflight;
use std::path::Path;

const CONFIG: &str = r#"
[[listeners]]
address = "127.0.0.1:80"
[[public_keys]]
id = "KRSA"
file = "rsa2048.pub.pem"
[[public_keys]]
id = "KEC"
file = "p256.pub.pem"
[[key_groups]]
id = "viewers"
public_keys = ["KRSA"]
[[key_groups]]
id = "others"
public_keys = ["KEC"]
[[key_groups]]
id = "both"
public_keys = ["KRSA", "KEC"]
[[cache_policies]]
id = "keyed"
query_strings = ["lang"]
headers = ["X-Key", "CloudFront-Viewer-Country"]
cookies = ["theme"]
[[origin_request_policies]]
id = "more"
headers = ["Origin", "User-Agent", "CloudFront-Forwarded-Proto"]
cookies_except = ["session"]
query_strings_except = ["utm"]
[[response_headers_policies]]
id = "player"
cors = { allow_origins = ["https://*.example.com"], allow_methods = ["GET", "HEAD"], allow_headers = ["*"], allow_credentials = true, max_age = "10m" }
security = { content_type_options = {} }
[[distributions]]
id = "E1"
domain_name = "d111111abcdef8.cloudfront.net"
default_root_object = "index.html"
[[distributions.origins]]
id = "app"
url = "https://app.example.com"
origin_path = "/app"
headers = { X-Key = "ours", X-Secret = "s" }
[[distributions.origins]]
id = "bucket"
s3 = { bucket = "videos" }
[[distributions.origins]]
id = "mirror"
s3 = { bucket = "mirror" }
origin_path = "/videos"
[[distributions.origin_groups]]
id = "pair"
origins = ["bucket", "mirror"]
failover_statuses = [500]
[[distributions.behaviors]]
path_pattern = "/changes/*"
origin = "app"
allowed_methods = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
[[distributions.behaviors]]
path_pattern = "/plain/*"
origin = "app"
[[distributions.behaviors]]
path_pattern = "/keyed/*"
origin = "app"
cache_policy = "keyed"
origin_request_policy = "more"
[[distributions.behaviors]]
path_pattern = "/all/*"
origin = "app"
cache_policy = "Managed-CachingDisabled"
origin_request_policy = "Managed-AllViewer"
allowed_methods = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
[[distributions.behaviors]]
path_pattern = "/secret/*"
origin = "app"
cache_policy = "UseOriginCacheControlHeaders-QueryStrings"
origin_request_policy = "Managed-AllViewerAndCloudFrontHeaders-2022-06"
trusted_key_groups = ["viewers"]
[[distributions.behaviors]]
path_pattern = "/bucket/*"
origin = "pair"
origin_request_policy = "Managed-AllViewer"
allowed_methods = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
[[distributions.behaviors]]
path_pattern = "/cors/*"
origin = "app"
response_headers_policy = "player"
allowed_methods = ["GET", "HEAD", "OPTIONS"]
trusted_key_groups = ["viewers"]
[[distributions.behaviors]]
path_pattern = "/others/*"
origin = "app"
trusted_key_groups = ["others"]
[[distributions.behaviors]]
path_pattern = "/both/*"
origin = "app"
trusted_key_groups = ["both"]
[distributions.default_behavior]
origin = "app"
"#;

fn remote() -> Snapshot {
    let (document, places) = read_toml(CONFIG, Path::new("privet.toml")).unwrap();
    let mut read_file = |path: &Path| Ok(key_file(path.to_str().unwrap()));
    Snapshot::build(document, &places, &mut read_file).unwrap()
}

fn facts(via: &HeaderValue) -> RequestFacts<'_> {
    RequestFacts {
        viewer: "192.0.2.77".parse().unwrap(),
        viewer_port: None,
        request_id: "id==",
        country: Some("BR"),
        via,
        accept_encoding: None,
    }
}

fn sent_to_origin(sent: &Sent) -> OriginRequest {
    let snapshot = remote();
    sent.with(|request| {
        sent.run_with(&snapshot, |authorized| {
            let via = HeaderValue::from_static("1.1 node (CloudFront)");
            let origin = &authorized.routed().behavior.origin.primary;
            origin_request(authorized, origin, request, &facts(&via))
        })
        .unwrap()
    })
}

/// Checks the lines of target and headers, sorted.
#[track_caller]
fn check(sent: &Sent, expected: &str) {
    let request = sent_to_origin(sent);
    let mut lines: Vec<String> = request
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    lines.insert(0, request.target);
    let expected: Vec<&str> = expected.lines().map(str::trim).collect();
    assert_eq!(lines, expected);
}

const H: &str = "http://d111111abcdef8.cloudfront.net";

#[test]
fn without_policies_nothing_is_passed_on() {
    check(
        &get(format!("{H}/plain/a%20b/c?q=1"))
            .header("user-agent", "curl")
            .header("accept", "*/*")
            .header("accept-language", "de")
            .header("accept-encoding", "gzip")
            .header("authorization", "Basic x")
            .header("cookie", "a=1")
            .header("referer", "https://r")
            .header("x-real-ip", "1.1.1.1")
            .header("x-forwarded-proto", "https")
            .header("x-amz-cf-id", "forged")
            .header("if-none-match", "\"e\"")
            .header("range", "bytes=0-1")
            .header("cloudfront-viewer-country", "XX")
            .header("expect", "100-continue"),
        "/app/plain/a%20b/c
         user-agent: Amazon CloudFront
         via: 1.1 node (CloudFront)
         x-amz-cf-id: id==
         x-forwarded-for: 192.0.2.77
         x-key: ours
         x-secret: s",
    );
    check(
        &get(format!("{H}/")),
        "/app/index.html
         user-agent: Amazon CloudFront
         via: 1.1 node (CloudFront)
         x-amz-cf-id: id==
         x-forwarded-for: 192.0.2.77
         x-key: ours
         x-secret: s",
    );
}

#[test]
fn both_policies_count_and_custom_headers_win() {
    check(
        &get(format!("{H}/keyed/a?utm=1&lang=de&&Lang=x&%75tm=2&a=1"))
            .header("user-agent", "curl")
            .header("origin", "https://o")
            .header("x-key", "theirs")
            .header("cookie", "z=1; theme=dark; session=s; a=2")
            .header("cookie", "b=3")
            .header("via", "1.0 squid")
            .header("x-forwarded-for", "203.0.113.9, 203.0.113.8")
            .header("cloudfront-forwarded-proto", "https"),
        "/app/keyed/a?lang=de&Lang=x&a=1
         cloudfront-forwarded-proto: http
         cloudfront-viewer-country: BR
         cookie: a=2; b=3; theme=dark; z=1
         origin: https://o
         user-agent: curl
         via: 1.0 squid, 1.1 node (CloudFront)
         x-amz-cf-id: id==
         x-forwarded-for: 203.0.113.9, 203.0.113.8, 192.0.2.77
         x-key: ours
         x-secret: s",
    );
}

#[test]
fn all_viewer_passes_all_but_what_ends_here() {
    check(
        &get(format!("{H}/all/a?"))
            .header("connection", "close, X-Hop")
            .header("x-hop", "1")
            .header("keep-alive", "timeout=5")
            .header("te", "trailers")
            .header("upgrade", "h2c")
            .header("transfer-encoding", "chunked")
            .header("proxy-authorization", "x")
            .header("expect", "100-continue")
            .header("x-edge-location", "forged")
            .header("if-none-match", "\"e\"")
            .header("range", "bytes=0-1")
            .header("authorization", "Basic x")
            .header("accept-encoding", "gzip, br")
            .header("accept", "*/*"),
        "/app/all/a
         accept-encoding: gzip, br
         accept: */*
         authorization: Basic x
         host: d111111abcdef8.cloudfront.net
         user-agent: Amazon CloudFront
         via: 1.1 node (CloudFront)
         x-amz-cf-id: id==
         x-forwarded-for: 192.0.2.77
         x-key: ours
         x-secret: s",
    );
}

#[test]
fn signatures_never_reach_the_origin_of_a_restricted_behavior() {
    let url = signed(&format!("{H}/secret/a?b=2&a=1"), E);
    check(
        &get(url)
            .header("cookie", "CloudFront-Policy=p; cloudfront-signature=s; a=1")
            .header("cookie", "CloudFront-Key-Pair-Id=K"),
        "/app/secret/a?b=2&a=1
         cloudfront-forwarded-proto: http
         cloudfront-is-android-viewer: false
         cloudfront-is-desktop-viewer: true
         cloudfront-is-ios-viewer: false
         cloudfront-is-mobile-viewer: false
         cloudfront-is-smarttv-viewer: false
         cloudfront-is-tablet-viewer: false
         cloudfront-viewer-country: BR
         cloudfront-viewer-http-version: 1.1
         cookie: a=1
         host: d111111abcdef8.cloudfront.net
         user-agent: Amazon CloudFront
         via: 1.1 node (CloudFront)
         x-amz-cf-id: id==
         x-forwarded-for: 192.0.2.77
         x-key: ours
         x-secret: s",
    );
}

#[test]
fn where_a_behavior_is_open_the_names_are_nobodys() {
    let sent = get(format!("{H}/all/a?Expires=1&Signature=s"));
    // A browser also sends here the cookies of the restricted paths.
    let request = sent_to_origin(&sent.header("cookie", "CloudFront-Signature=s; a=1"));
    assert_eq!(request.target, "/app/all/a?Expires=1&Signature=s");
    assert_eq!(request.headers["cookie"], "a=1");
}

#[test]
fn changes_carry_their_content_and_conditions() {
    let request = sent_to_origin(
        &send("PUT", format!("{H}/bucket/a"))
            .header("content-type", "text/plain")
            .header("content-length", "5")
            .header("content-md5", "x")
            .header("if-none-match", "*")
            .header("x-amz-copy-source", "/videos/secret")
            .header("x-amz-acl", "public-read"),
    );
    let names = ["content-type", "content-md5", "if-none-match"];
    assert!(names.iter().all(|name| request.headers.contains_key(*name)));
    let kept_back = ["x-amz-copy-source", "x-amz-acl", "content-length", "host"];
    assert!(
        kept_back
            .iter()
            .all(|name| !request.headers.contains_key(*name))
    );
}

#[test]
fn a_bucket_is_not_told_how_to_answer() {
    let url = format!("{H}/bucket/a?response-content-type=text/html&versionId=1&acl&upload%49d=2");
    let sent = get(url);
    assert_eq!(sent_to_origin(&sent).target, "/bucket/a?versionId=1");
    let snapshot = remote();
    let target = sent.with(|request| {
        sent.run_with(&snapshot, |authorized| {
            let via = HeaderValue::from_static("1.1 node");
            let choice = &authorized.routed().behavior.origin;
            let secondary = &choice.failover.as_ref().unwrap().secondary;
            origin_request(authorized, secondary, request, &facts(&via)).target
        })
    });
    assert_eq!(target.unwrap(), "/videos/bucket/a?versionId=1");
}

#[test]
fn the_last_address_is_the_one_believed() {
    let forwarded = |value: &str| {
        let sent = get(format!("{H}/plain/a")).header("x-forwarded-for", value);
        let request = sent_to_origin(&sent);
        request.headers["x-forwarded-for"]
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        forwarded("1.1.1.1, 192.0.2.77, 10.0.0.1"),
        "1.1.1.1, 192.0.2.77"
    );
    assert_eq!(forwarded("garbage,,"), "garbage, 192.0.2.77");
}

fn preflight_answer(path: &str, origin: &'static str) -> Option<String> {
    let snapshot = remote();
    let sent = send("OPTIONS", format!("{H}{path}"))
        .header("origin", origin)
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "range, x-word");
    let answer = sent.with(|request| preflight(&route(&snapshot, request).unwrap(), request))?;
    assert_eq!(answer.status, 204);
    let mut lines: Vec<String> = answer
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap()))
        .collect();
    lines.sort();
    Some(lines.concat())
}

#[test]
fn preflights_hear_the_policy_without_a_signature() {
    assert_eq!(preflight_answer("/all/a", "https://a.example.com"), None);
    assert_eq!(
        preflight_answer("/cors/a", "https://a.example").unwrap(),
        "vary: Origin, Access-Control-Request-Headers, Access-Control-Request-Method\n\
         x-content-type-options: nosniff\n"
    );
    assert_eq!(
        preflight_answer("/cors/a", "https://a.example.com").unwrap(),
        "access-control-allow-credentials: true\n\
         access-control-allow-headers: range, x-word\n\
         access-control-allow-methods: GET, HEAD\n\
         access-control-allow-origin: https://a.example.com\n\
         access-control-max-age: 600\n\
         vary: Origin, Access-Control-Request-Headers, Access-Control-Request-Method\n\
         x-content-type-options: nosniff\n"
    );
}

#[test]
fn the_cache_key_takes_the_edges_word_for_the_country() {
    let snapshot = remote();
    let via = HeaderValue::from_static("1.1 node");
    let sent = get(format!("{H}/keyed/a")).header("cloudfront-viewer-country", "XX");
    sent.with(|request| {
        let policy = |path| {
            let distribution = &snapshot.distributions().get(0).unwrap();
            let mut behaviors = distribution.behaviors.iter();
            let behavior = behaviors.find(|behavior| behavior.path_pattern.as_str() == path);
            behavior.unwrap().cache_policy.clone()
        };
        let name = "cloudfront-viewer-country";
        let headers = keyed_headers(&policy("/keyed/*"), request, &facts(&via));
        assert_eq!(headers[name], "BR");
        let nowhere = RequestFacts {
            country: None,
            ..facts(&via)
        };
        let headers = keyed_headers(&policy("/keyed/*"), request, &nowhere);
        assert!(!headers.contains_key(name));
        let headers = keyed_headers(&policy("/plain/*"), request, &nowhere);
        assert!(matches!(headers, std::borrow::Cow::Borrowed(_)));
    });
}

/// With a change, a server gets the headers about its content and the viewer's credentials; other headers need a
/// policy.
#[test]
fn a_server_hears_of_a_change_what_it_is_about() {
    let sent = |method: &str| {
        let sent = send(method, format!("{H}/changes/a"))
            .header("content-type", "text/plain")
            .header("content-language", "de")
            .header("authorization", "Bearer x")
            .header("if-match", "\"a\"")
            .header("x-other", "1")
            .header("dnt", "1");
        let names = sent_to_origin(&sent).headers;
        let asked = [
            "content-type",
            "content-language",
            "authorization",
            "if-match",
            "x-other",
            "dnt",
        ];
        let there = asked.iter().filter(|name| names.contains_key(**name));
        there.copied().collect::<Vec<_>>().join(" ")
    };
    let of_changes = "content-type content-language authorization if-match";
    assert_eq!(sent("PUT"), of_changes);
    assert_eq!(sent("POST"), of_changes);
    assert_eq!(sent("GET"), "");
}
