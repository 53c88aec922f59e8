//! Tests of the keys by which CloudFront's API describes distributions, and of logs, versions and older cache settings.

use super::origins::check_origins;
use super::*;
use crate::config::distribution::{
    DistributionLogging, HttpVersions, LogDelivery, MinimumTlsVersion,
};
use crate::config::document::{DistributionDocument, ForwardedHeaderNames, ForwardedQuery};
use crate::config::policies::{HeaderFilter, NameFilter};
use crate::logging::{LogFormat, LogKind, LogLayout};

const ORIGIN: &str = "{ id = 'o', folder = 'a' }";
const FIRST: &str = "[[distributions]]\nid = 'E2'\ndomain_name = 'd2.example'\norigins = [{ id = 'o', folder = 'a' }]\ndefault_behavior = { origin = 'o' }\n";

/// Checks the faults of a second distribution with these lines, the first of which is line 14.
#[track_caller]
fn check_keys(lines: &str, expected: &str) {
    check_origins(ORIGIN, &format!("{FIRST}{lines}"), expected);
}

fn read(lines: &str) -> DistributionDocument {
    let text = format!("{FIRST}{lines}");
    let (document, _) = read_toml(&text, Path::new("/etc/p.toml")).unwrap();
    document.service.distributions[0].clone()
}

#[test]
fn faults_of_descriptions() {
    let long = "é".repeat(129);
    check_keys(
        &format!("comment = '{long}'\ncaller_reference = 5\nprice_class = 'PriceClass_300'\nipv6_enabled = 'no'\nrealtime_metrics = 1\ncertificate_source = 'ACM'"),
        "14:11: distributions[1].comment: has 129 characters; write 0 to 128
         15:20: distributions[1].caller_reference: is an integer; write a string in quotes
         16:15: distributions[1].price_class: \"PriceClass_300\" is not one of PriceClass_100, PriceClass_200, PriceClass_All; did you mean \"PriceClass_100\"?
         17:16: distributions[1].ipv6_enabled: is a string; write true or false
         18:20: distributions[1].realtime_metrics: is an integer; write true or false
         19:22: distributions[1].certificate_source: \"ACM\" is not one of acm, cloudfront, iam; did you mean \"acm\"?",
    );
    check_keys(
        "tags = { 'aws:x' = 'a', AWS:y = 'a', b = 5, c = 'a!', '' = '', d = 'é /=+-@_.:' }"
            .replace("AWS:y", "'AWS:y'")
            .as_str(),
        "14:8: distributions[1].tags: \"\" is not the key of a tag: 1 to 128 letters, digits, blanks and _.:/=+-@, without aws: in front
         14:8: distributions[1].tags: \"AWS:y\" is not the key of a tag: 1 to 128 letters, digits, blanks and _.:/=+-@, without aws: in front
         14:8: distributions[1].tags: \"aws:x\" is not the key of a tag: 1 to 128 letters, digits, blanks and _.:/=+-@, without aws: in front
         14:44: distributions[1].tags.b: is an integer; write a string in quotes
         14:51: distributions[1].tags.c: is not the value of a tag: up to 256 letters, digits, blanks and _.:/=+-@",
    );
    let many: Vec<String> = (0..51).map(|number| format!("t{number} = ''")).collect();
    check_keys(
        &format!("tags = {{ {} }}", many.join(", ")),
        "14:8: distributions[1].tags: has 51 entries; remove some, the maximum is 50",
    );
    check_keys("comment = ''\ntags = {}\ncaller_reference = 'a'", "");
}

#[test]
fn names_of_keys_and_groups_are_their_own() {
    check(
        "listeners = [{ address = '127.0.0.1:80' }]
public_keys = [{ id = 'K1', name = 'a', pem = 'x' }, { id = 'K2', name = 'a', pem = 'x' }]
key_groups = [{ id = 'g', name = 'a' }, { id = 'h', name = 'a' }, { id = 'i', name = '' }]",
        "2:74: public_keys[1].name: \"a\" is used twice; rename or remove one
         3:60: key_groups[1].name: \"a\" is used twice; rename or remove one
         3:86: key_groups[2].name: has 0 characters; write 1 to 128",
    );
}

#[test]
fn versions_of_http_and_tls() {
    check_keys(
        "http_version = 'http3'\nminimum_protocol_version = 'TLSv1.3'",
        "14:16: distributions[1].http_version: \"http3\" is not one of http1.1, http2, http2and3; did you mean \"http2\"?
         15:28: distributions[1].minimum_protocol_version: \"TLSv1.3\" is not one of SSLv3, TLSv1, TLSv1_2016, TLSv1.1_2016, TLSv1.2_2018, TLSv1.2_2019, TLSv1.2_2021, TLSv1.2_2025, TLSv1.3_2025; did you mean \"TLSv1\"?",
    );
    let usual = read("");
    assert_eq!(
        (usual.http_versions, usual.minimum_tls),
        (HttpVersions::Http2, MinimumTlsVersion::Tls12)
    );
    let strict = read("http_version = 'http1.1'\nminimum_protocol_version = 'TLSv1.3_2025'");
    assert_eq!(
        (strict.http_versions, strict.minimum_tls),
        (HttpVersions::Http1, MinimumTlsVersion::Tls13)
    );
    let old = read("http_version = 'http2and3'\nminimum_protocol_version = 'SSLv3'");
    assert_eq!(
        (old.http_versions, old.minimum_tls),
        (HttpVersions::Http2, MinimumTlsVersion::Tls12)
    );
}

#[test]
fn logs_lie_beneath_the_folder_of_their_bucket() {
    check_keys(
        "logging = { prefix = 'a' }",
        "14:11: distributions[1].logging.bucket: is missing; add it",
    );
    let bad = "is not the host name of a bucket; write it like articles.s3.us-east-1.amazonaws.com";
    for bucket in ["logs", "..", "../x.s3.amazonaws.com", ".s3.amazonaws.com"] {
        check_keys(
            &format!("logging = {{ bucket = '{bucket}' }}"),
            &format!("14:22: distributions[1].logging.bucket: {bad}"),
        );
    }
    let bad = "must be a path of up to 256 ASCII characters, 128 after its last slash, without a leading slash, without blanks and without ..";
    let long = format!("{}/a", "a".repeat(255));
    let long_name = "a".repeat(129);
    for prefix in [
        "/", "/a", "../a", "a/../b", "a//b", "./a", "a b", "é", "a\\b", &long, &long_name,
    ] {
        check_keys(
            &format!("logging = {{ bucket = 'logs.s3.amazonaws.com', prefix = '{prefix}' }}"),
            &format!("14:56: distributions[1].logging.prefix: {bad}"),
        );
    }
    for prefix in ["", "a", "a/", "a/b/", "..a", "a/..b"] {
        let read = read(&format!(
            "logging = {{ bucket = 'my.logs.s3.amazonaws.com', prefix = '{prefix}', include_cookies = true }}"
        ));
        let expected = DistributionLogging {
            bucket: "my.logs".to_owned(),
            prefix: prefix.to_owned(),
            include_cookies: true,
            layout: LogLayout::new(LogKind::Requests, LogFormat::W3c),
            delivery: LogDelivery::Folder,
        };
        assert_eq!(read.logging, Some(expected));
    }
}

#[test]
fn a_log_has_the_fields_that_are_chosen() {
    let check = |keys: &str, expected: &str| {
        let line = format!("logging = {{ bucket = 'logs.s3.amazonaws.com', {keys} }}");
        check_keys(&line, expected);
    };
    check(
        "format = 'parquet'",
        "14:56: distributions[1].logging.format: \"parquet\" is not one of w3c, json",
    );
    check(
        "fields = []",
        "14:56: distributions[1].logging.fields: has no field; name one, or leave the key out for all of them",
    );
    check(
        "fields = ['']",
        "14:57: distributions[1].logging.fields[0]: is empty; fill it in",
    );
    check(
        "fields = ['date', 'x-sname']",
        "14:56: distributions[1].logging.fields: \"x-sname\" is not a field of this log",
    );
    let read = read(
        "logging = { bucket = 'logs.s3.amazonaws.com', format = 'json', fields = ['sc-status', 'c-ip'] }",
    );
    let layout = read.logging.unwrap().layout;
    assert_eq!(layout.format(), LogFormat::Json);
    assert_eq!(layout.names().collect::<Vec<_>>(), ["sc-status", "c-ip"]);
}

/// Checks the faults of a behavior with these keys.
#[track_caller]
fn check_behavior(keys: &str, expected: &str) {
    let line = format!("behaviors = [{{ path_pattern = '/x', origin = 'o', {keys} }}]");
    check_keys(&line, expected);
}

#[test]
fn faults_of_forwarded_values() {
    check_behavior(
        "min_ttl = 5",
        "14:61: distributions[1].behaviors[0].min_ttl: is only for forwarded_values; a cache policy has its own",
    );
    check_behavior(
        "forwarded_values = {}, cache_policy = 'Managed-CachingDisabled', origin_request_policy = 'Managed-AllViewer'",
        "14:89: distributions[1].behaviors[0].cache_policy: cannot be combined with forwarded_values; remove one of them
         14:140: distributions[1].behaviors[0].origin_request_policy: cannot be combined with forwarded_values; remove one of them",
    );
    check_behavior(
        "min_ttl = 5, default_ttl = 2, max_ttl = 1, forwarded_values = { query_string_cache_keys = ['a'], headers = ['*', 'Accept'], cookies = ['a b'] }",
        "14:78: distributions[1].behaviors[0].default_ttl: is less than min_ttl; raise it
         14:91: distributions[1].behaviors[0].max_ttl: is less than default_ttl; raise it
         14:141: distributions[1].behaviors[0].forwarded_values.query_string_cache_keys: is only for query_string = true; remove it
         14:158: distributions[1].behaviors[0].forwarded_values.headers: has \"*\", which stands alone; remove the others
         14:186: distributions[1].behaviors[0].forwarded_values.cookies[0]: \"a b\" cannot be the name of a cookie: that is ASCII, without blanks, \"=\" and \";\"",
    );
    check_behavior(
        "forwarded_values = { headers = ['Cookie', 'Cache-Control', 'a b'] }",
        "14:83: distributions[1].behaviors[0].forwarded_values.headers[0]: \"cookie\" cannot be in the cache key; remove it
         14:93: distributions[1].behaviors[0].forwarded_values.headers[1]: \"cache-control\" cannot be in the cache key; remove it
         14:110: distributions[1].behaviors[0].forwarded_values.headers[2]: \"a b\" is not a header name",
    );
}

#[test]
fn methods_whose_responses_are_cached() {
    check_behavior(
        "cached_methods = ['GET', 'HEAD', 'OPTIONS']",
        "14:68: distributions[1].behaviors[0].cached_methods: has OPTIONS, which allowed_methods has not; remove it",
    );
    check_behavior(
        "cached_methods = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'POST', 'PATCH', 'DELETE'], allowed_methods = ['GET', 'HEAD', 'OPTIONS']",
        "14:68: distributions[1].behaviors[0].cached_methods: must be [\"GET\", \"HEAD\"] or [\"GET\", \"HEAD\", \"OPTIONS\"]",
    );
    check_behavior(
        "cached_methods = ['HEAD', 'GET', 'OPTIONS'], allowed_methods = ['GET', 'HEAD', 'OPTIONS']",
        "",
    );
}

#[test]
fn forwarded_values_as_written() {
    let behavior = |keys: &str| {
        let line = format!("behaviors = [{{ path_pattern = '/x', origin = 'o', {keys} }}]");
        read(&line).behaviors[0].forwarded_values.clone().unwrap()
    };
    let bare = behavior("forwarded_values = {}");
    assert_eq!(bare.query, ForwardedQuery::None);
    assert_eq!(bare.headers, ForwardedHeaderNames::Only(Vec::new()));
    assert_eq!(bare.cookies, NameFilter::None);
    let secs = [bare.min_ttl, bare.default_ttl, bare.max_ttl].map(|ttl| ttl.as_secs());
    assert_eq!(secs, [0, 86_400, 31_536_000]);
    let full = behavior(
        "max_ttl = '1h', forwarded_values = { query_string = true, query_string_cache_keys = ['a'], headers = ['*'], cookies = 'all' }",
    );
    assert_eq!(full.query, ForwardedQuery::AllKeyedBy(vec!["a".to_owned()]));
    assert_eq!(full.headers, ForwardedHeaderNames::All);
    assert_eq!(full.cookies, NameFilter::All);
    assert_eq!(
        (full.default_ttl.as_secs(), full.max_ttl.as_secs()),
        (3_600, 3_600)
    );
}

/// The policies that a behavior with older settings gets.
#[test]
fn forwarded_values_become_policies() {
    let text = format!(
        "listeners = [{{ address = '127.0.0.1:80' }}]\n{FIRST}behaviors = [
            {{ path_pattern = '/keyed', origin = 'o', max_ttl = 9, forwarded_values = {{ query_string = true, query_string_cache_keys = ['a'], headers = ['Accept-Encoding'], cookies = ['c'] }} }},
            {{ path_pattern = '/all', origin = 'o', forwarded_values = {{ query_string = true, headers = ['*'], cookies = 'all' }} }},
            {{ path_pattern = '/off', origin = 'o', max_ttl = 0, forwarded_values = {{ headers = ['Accept'], query_string = true }} }},
            {{ path_pattern = '/bare', origin = 'o', forwarded_values = {{}} }},
            {{ path_pattern = '/same', origin = 'o', forwarded_values = {{ query_string = false }} }},
        ]"
    );
    let (document, places) = read_toml(&text, Path::new("/etc/p.toml")).unwrap();
    let snapshot = Snapshot::build(document, &places, &mut |_: &Path| Ok(Vec::new())).unwrap();
    let distribution = snapshot.distributions().get(0).unwrap();
    let [keyed, all, off, bare, same, _] = distribution.behaviors.as_slice() else {
        panic!("{distribution:?}");
    };
    let a = NameFilter::Only(vec!["a".to_owned()]);
    let c = NameFilter::Only(vec!["c".to_owned()]);
    let policy = &keyed.cache_policy;
    assert_eq!((&policy.query_strings, &policy.cookies), (&a, &c));
    assert_eq!(policy.headers, ["accept-encoding"]);
    assert_eq!(
        (policy.gzip, policy.brotli, policy.zstd),
        (false, false, false)
    );
    assert_eq!(policy.max_ttl.as_secs(), 9);
    let request = keyed.origin_request_policy.as_ref().unwrap();
    assert_eq!(request.query_strings, NameFilter::All);
    assert_eq!(
        (&request.headers, &request.cookies),
        (&HeaderFilter::None, &NameFilter::None)
    );

    assert!(all.cache_policy.is_disabled());
    let request = all.origin_request_policy.as_ref().unwrap();
    assert_eq!(request.headers, HeaderFilter::AllViewer);
    assert_eq!(
        (&request.cookies, &request.query_strings),
        (&NameFilter::All, &NameFilter::All)
    );

    assert!(off.cache_policy.is_disabled());
    let request = off.origin_request_policy.as_ref().unwrap();
    assert_eq!(
        request.headers,
        HeaderFilter::Only(vec![http::header::ACCEPT])
    );
    assert_eq!(
        (&request.cookies, &request.query_strings),
        (&NameFilter::None, &NameFilter::All)
    );

    let policy = &bare.cache_policy;
    assert_eq!(
        (policy.gzip, policy.brotli, policy.zstd),
        (true, false, false)
    );
    assert_eq!(
        (&policy.query_strings, policy.headers.len()),
        (&NameFilter::None, 0)
    );
    assert!(bare.origin_request_policy.is_none());
    // Many behaviors have the same settings: they share what becomes of them.
    assert!(std::sync::Arc::ptr_eq(
        &bare.cache_policy,
        &same.cache_policy
    ));
}
