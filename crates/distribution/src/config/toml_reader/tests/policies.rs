//! Tests of the three kinds of policies.

use super::*;
use crate::config::policies::{CachePolicy, HeaderFilter, NameFilter};

const LISTENER: &str = "listeners = [{ address = '127.0.0.1:80' }]\n";

#[track_caller]
fn check_policies(text: &str, expected: &str) {
    check(&format!("{LISTENER}{text}"), expected);
}

fn read(text: &str) -> Document {
    read_toml(text, Path::new("p.toml")).unwrap().0
}

#[test]
fn times_to_live_are_in_order() {
    check_policies(
        "cache_policies = [{ id = 'a', min_ttl = 10, default_ttl = 5, max_ttl = 1 }]",
        "2:59: cache_policies[0].default_ttl: is less than min_ttl; raise it
         2:72: cache_policies[0].max_ttl: is less than default_ttl; raise it",
    );
    check_policies(
        "cache_policies = [{ id = 'a', max_ttl = 0, headers = ['Origin'] }]",
        "2:41: cache_policies[0].max_ttl: is 0, so nothing is cached and nothing can be in the cache key; name it in an origin request policy",
    );
    let ttls = |text: &str| {
        let document = read(&format!("cache_policies = [{{ id = 'a', {text} }}]"));
        let policy = &document.service.cache_policies[0];
        [policy.min_ttl, policy.default_ttl, policy.max_ttl].map(|ttl| ttl.as_secs())
    };
    assert_eq!(ttls("name = 'b'"), [0, 86_400, 31_536_000]);
    assert_eq!(ttls("max_ttl = 60"), [0, 60, 60]);
    assert_eq!(ttls("max_ttl = 0"), [0, 0, 0]);
    assert_eq!(ttls("min_ttl = '2d'"), [172_800, 172_800, 31_536_000]);
    assert_eq!(ttls("default_ttl = '400d'"), [0, 34_560_000, 34_560_000]);
}

#[test]
fn what_cannot_be_in_a_cache_key() {
    check_policies(
        "cache_policies = [{ id = 'a', headers = ['Accept-Encoding', 'Range', 'Cookie', 'TE', 'a b'], query_strings = 'some', cookies = 'all', cookies_except = ['x'] }]",
        "2:42: cache_policies[0].headers[0]: is in the cache key already, normalized; remove it, or set gzip, brotli and zstd to false
         2:61: cache_policies[0].headers[1]: \"range\" cannot be in the cache key; remove it
         2:70: cache_policies[0].headers[2]: \"cookie\" cannot be in the cache key; remove it
         2:80: cache_policies[0].headers[3]: \"te\" cannot be in the cache key; remove it
         2:86: cache_policies[0].headers[4]: \"a b\" is not a header name
         2:110: cache_policies[0].query_strings: \"some\" is not one of none, all; did you mean \"none\"?
         2:152: cache_policies[0].cookies_except: cannot be combined with cookies; remove one of them",
    );
}

#[test]
fn names_of_policies() {
    check_policies(
        "cache_policies = [{ id = 'a' }, { id = 'b', name = 'a' }, { id = 'Managed-CachingDisabled' }]
distributions = [{ id = 'E1', domain_name = 'd.example', origins = [{ id = 'o', folder = 'a' }], default_behavior = { origin = 'o', cache_policy = 'Managed-CachingOptimised', origin_request_policy = '', response_headers_policy = 'x' } }]",
        "2:52: cache_policies[1].name: \"a\" is used twice; rename or remove one
         2:66: cache_policies[2].id: \"Managed-CachingDisabled\" is one of CloudFront's managed policies; rename it
         3:148: distributions[0].default_behavior.cache_policy: no cache policy is named \"Managed-CachingOptimised\"; did you mean \"Managed-CachingOptimized\"?
         3:200: distributions[0].default_behavior.origin_request_policy: is empty; remove the line
         3:230: distributions[0].default_behavior.response_headers_policy: no response headers policy is named \"x\"",
    );
}

#[test]
fn behaviors_name_policies_by_id_or_name() {
    let text = format!(
        "{LISTENER}cache_policies = [{{ id = 'a', name = 'b' }}]
distributions = [{{ id = 'E1', domain_name = 'd.example', origins = [{{ id = 'o', folder = 'a' }}],
default_behavior = {{ origin = 'o', cache_policy = 'b', origin_request_policy = 'Managed-AllViewer' }},
behaviors = [
{{ path_pattern = '1', origin = 'o', cache_policy = 'a', response_headers_policy = '67f7725c-6f97-4210-82d7-5512b31e9d03' }},
{{ path_pattern = '2', origin = 'o', compress = true }}] }}]"
    );
    let (document, places) = read_toml(&text, Path::new("p.toml")).unwrap();
    let snapshot = Snapshot::build(document, &places, &mut |_: &Path| Ok(Vec::new())).unwrap();
    let [first, second, default] = snapshot
        .distributions()
        .get(0)
        .unwrap()
        .behaviors
        .as_slice()
    else {
        panic!("three behaviors");
    };
    assert_eq!(first.cache_policy.id, "a");
    let name = &first.response_headers_policy.as_ref().unwrap().name;
    assert_eq!(name, "Managed-SecurityHeadersPolicy");
    assert_eq!(*second.cache_policy, CachePolicy::caching_optimized());
    assert!(second.compress && second.origin_request_policy.is_none());
    assert_eq!(default.cache_policy.id, "a");
    let name = &default.origin_request_policy.as_ref().unwrap().name;
    assert_eq!(name, "Managed-AllViewer");
}

#[test]
fn filters_of_headers_and_names() {
    let policy = |text: &str| {
        let document = read(&format!(
            "origin_request_policies = [{{ id = 'a', {text} }}]"
        ));
        document.service.origin_request_policies[0].clone()
    };
    let names = |names: &[&'static str]| -> Vec<http::HeaderName> {
        let names = names.iter().map(|name| http::HeaderName::from_static(name));
        names.collect()
    };
    let check = |text: &str, expected: HeaderFilter| {
        assert_eq!(policy(text).headers, expected, "{text}");
    };
    check("name = 'b'", HeaderFilter::None);
    check("headers = 'all-viewer'", HeaderFilter::AllViewer);
    check(
        "headers = ['Origin'], cloudfront_headers = ['CloudFront-Viewer-Country']",
        HeaderFilter::Only(names(&["origin", "cloudfront-viewer-country"])),
    );
    check(
        "headers = 'all-viewer', cloudfront_headers = ['CloudFront-Viewer-Country']",
        HeaderFilter::AllViewerAndCloudFront(names(&["cloudfront-viewer-country"])),
    );
    check(
        "headers_except = ['Host']",
        HeaderFilter::AllViewerExcept(names(&["host"])),
    );
    let filters = policy("cookies = ['a'], query_strings_except = ['b']");
    assert_eq!(filters.cookies, NameFilter::Only(vec!["a".to_owned()]));
    assert_eq!(
        filters.query_strings,
        NameFilter::AllExcept(vec!["b".to_owned()])
    );
    check_policies(
        "origin_request_policies = [{ id = 'a', headers = ['X_Real_IP', 'X-Forwarded_For', 'X_Forwarded'] }]",
        "2:50: origin_request_policies[0].headers: \"x_real_ip\" cannot be passed on; remove it
         2:50: origin_request_policies[0].headers: \"x-forwarded_for\" cannot be passed on; remove it",
    );
    check_policies(
        "origin_request_policies = [{ id = 'a', headers = ['TE', 'Origin'], cloudfront_headers = ['Host'] }]",
        "2:50: origin_request_policies[0].headers: \"te\" cannot be passed on; remove it
         2:89: origin_request_policies[0].cloudfront_headers: \"host\" is not one of CloudFront's own headers; write it into headers",
    );
}

#[test]
fn response_headers_policies() {
    check_policies(
        "[[response_headers_policies]]
id = 'a'
remove = ['Content-Length', 'X-Amz-Cf-Id', 'Vary']
server_timing_percent = 101
custom = [{ header = 'Content-Length', value = '5' }, { header = 'a b' }, { header = 'X', value = \"1\\n2\" }]
[response_headers_policies.cors]
allow_origins = ['https://*.example.com', 'exa*mple.org']
allow_methods = ['GET', 'get']
allow_headers = ['*', 'a b']
[response_headers_policies.security]
strict_transport_security = {}
frame_options = { value = 'deny' }
xss_protection = { block = true, report = 'https://a' }
",
        "4:10: response_headers_policies[0].remove: \"content-length\" cannot be removed
         4:10: response_headers_policies[0].remove: \"x-amz-cf-id\" cannot be removed
         5:25: response_headers_policies[0].server_timing_percent: is out of range; write a value from 0 to 100
         6:10: response_headers_policies[0].custom: sets \"content-length\", which only the edge sets; remove it
         6:66: response_headers_policies[0].custom[1].header: \"a b\" is not a header name
         6:99: response_headers_policies[0].custom[2].value: has characters that a header cannot have
         8:43: response_headers_policies[0].cors.allow_origins[1]: \"exa*mple.org\" is not an origin; write \"*\", or one like https://www.example.com or https://*.example.com
         9:25: response_headers_policies[0].cors.allow_methods[1]: \"get\" is not one of GET, DELETE, HEAD, OPTIONS, PATCH, POST, PUT, ALL
         10:23: response_headers_policies[0].cors.allow_headers[1]: \"a b\" is not a header name
         12:29: response_headers_policies[0].security.strict_transport_security.max_age: is missing; add it
         13:27: response_headers_policies[0].security.frame_options.value: \"deny\" is not one of DENY, SAMEORIGIN; did you mean \"DENY\"?
         14:43: response_headers_policies[0].security.xss_protection.report: cannot be combined with block; remove one of them",
    );
    let document = read(
        "[[response_headers_policies]]
id = 'a'
security = { strict_transport_security = { max_age = '1d', include_subdomains = true, preload = true, override = true }, content_type_options = {}, xss_protection = { protection = false } }",
    );
    let headers = &document.service.response_headers_policies[0].headers;
    let values: Vec<_> = headers
        .iter()
        .map(|header| (header.value.to_str().unwrap(), header.overrides))
        .collect();
    assert_eq!(
        values,
        [
            ("max-age=86400; includeSubDomains; preload", true),
            ("nosniff", false),
            ("0", false)
        ]
    );
}
