//! Headers and parameters that reach buckets and servers: an allow-list for buckets, one spelling of each name for
//! servers.

use crate::support::*;
use http::HeaderValue;
use privet_distribution::caching::{CacheKey, cache_key};
use privet_distribution::config::{Origin, Snapshot, read_toml};
use privet_distribution::request::{OriginRequest, RequestFacts, origin_request};
use std::path::Path;
use std::sync::OnceLock;

const CONFIG: &str = r#"
[[listeners]]
address = "127.0.0.1:80"
[[public_keys]]
id = "KRSA"
file = "rsa2048.pub.pem"
[[key_groups]]
id = "viewers"
public_keys = ["KRSA"]
[[cache_policies]]
id = "all-keyed"
query_strings = "all"
[[cache_policies]]
id = "pages"
headers = ["Referer"]
[[origin_request_policies]]
id = "all-but"
headers_except = ["X-Not"]
query_strings_except = ["utm"]
cookies_except = ["session"]
[[origin_request_policies]]
id = "own-all"
query_strings = "all"
[[origin_request_policies]]
id = "named"
headers = ["X-Amz-Acl", "x-amz-meta-a_b", "X_Custom", "X.Dotted", "X-Original-URL", "User-Agent", "Referer", "Accept-Encoding", "If_Match"]
query_strings = ["acl", "uploads", "uploadId", "partNumber", "restore", "select", "a b", "%74agging"]
cookies = ["theme"]
[[origin_request_policies]]
id = "root"
headers = ["Daphne-Root-Path"]
[[origin_request_policies]]
id = "listed"
query_strings = ["versionId"]
[[distributions]]
id = "E1"
domain_name = "d111111abcdef8.cloudfront.net"
[[distributions.origins]]
id = "app"
url = "https://app.example.com"
[[distributions.origins]]
id = "bucket"
s3 = { bucket = "videos" }
headers = { X-Secret = "s" }
[[distributions.origin_groups]]
id = "mixed"
origins = ["app", "bucket"]
failover_statuses = [500]
[[distributions.behaviors]]
path_pattern = "/server/*"
origin = "app"
origin_request_policy = "Managed-AllViewer"
[[distributions.behaviors]]
path_pattern = "/server-but/*"
origin = "app"
origin_request_policy = "all-but"
[[distributions.behaviors]]
path_pattern = "/server-named/*"
origin = "app"
origin_request_policy = "named"
[[distributions.behaviors]]
path_pattern = "/server-root/*"
origin = "app"
origin_request_policy = "root"
[[distributions.behaviors]]
path_pattern = "/pages/*"
origin = "app"
cache_policy = "pages"
[[distributions.behaviors]]
path_pattern = "/all/*"
origin = "bucket"
origin_request_policy = "Managed-AllViewerExceptHostHeader"
[[distributions.behaviors]]
path_pattern = "/but/*"
origin = "bucket"
origin_request_policy = "all-but"
[[distributions.behaviors]]
path_pattern = "/named/*"
origin = "bucket"
origin_request_policy = "named"
[[distributions.behaviors]]
path_pattern = "/listed/*"
origin = "bucket"
origin_request_policy = "listed"
[[distributions.behaviors]]
path_pattern = "/none/*"
origin = "bucket"
[[distributions.behaviors]]
path_pattern = "/own-all/*"
origin = "bucket"
origin_request_policy = "own-all"
[[distributions.behaviors]]
path_pattern = "/all-keyed/*"
origin = "bucket"
cache_policy = "all-keyed"
[[distributions.behaviors]]
path_pattern = "/by-origin/*"
origin = "bucket"
cache_policy = "UseOriginCacheControlHeaders-QueryStrings"
[[distributions.behaviors]]
path_pattern = "/mixed/*"
origin = "mixed"
origin_request_policy = "Managed-AllViewer"
[[distributions.behaviors]]
path_pattern = "/private/*"
origin = "bucket"
origin_request_policy = "named"
trusted_key_groups = ["viewers"]
[distributions.default_behavior]
origin = "bucket"
"#;

pub fn snapshot() -> &'static Snapshot {
    static SNAPSHOT: OnceLock<Snapshot> = OnceLock::new();
    SNAPSHOT.get_or_init(built)
}

fn built() -> Snapshot {
    let methods =
        r#"allowed_methods = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]"#;
    let behavior = "[[distributions.behaviors]]";
    let config = CONFIG.replace(behavior, &format!("{behavior}\n{methods}"));
    let (document, places) = read_toml(&config, Path::new("privet.toml")).unwrap();
    let mut read_file = |path: &Path| Ok(key_file(path.to_str().unwrap()));
    Snapshot::build(document, &places, &mut read_file).unwrap()
}

pub const H: &str = "http://d111111abcdef8.cloudfront.net";

/// Returns the request to the primary origin of the behavior.
fn to_origin(sent: &Sent) -> OriginRequest {
    let snapshot = snapshot();
    sent.with(|request| {
        sent.run_with(snapshot, |authorized| {
            let via = HeaderValue::from_static("1.1 node");
            let facts = RequestFacts {
                viewer: "192.0.2.77".parse().unwrap(),
                viewer_port: None,
                request_id: "id==",
                country: None,
                via: &via,
                accept_encoding: Some(&HeaderValue::from_static("gzip")),
            };
            let origin: &Origin = &authorized.routed().behavior.origin.primary;
            origin_request(authorized, origin, request, &facts)
        })
        .unwrap()
    })
}

fn key(sent: &Sent) -> CacheKey {
    let snapshot = snapshot();
    sent.with(|request| {
        sent.run_with(snapshot, |authorized| cache_key(authorized, request))
            .unwrap()
    })
}

/// Returns the names that arrive, except those that the edge or the operator adds to every request.
fn names(sent: &Sent) -> Vec<String> {
    let own = [
        "accept-encoding",
        "host",
        "user-agent",
        "via",
        "x-amz-cf-id",
        "x-forwarded-for",
        "x-secret",
    ];
    let request = to_origin(sent);
    let mut names: Vec<String> = request.headers.keys().map(ToString::to_string).collect();
    names.retain(|name| !own.contains(&name.as_str()));
    names.sort();
    names
}

/// Checks that of the headers `sent` with a request to `path` exactly `expected` arrive.
#[track_caller]
fn check_headers(method: &str, path: &str, sent: &[&str], expected: &[&str]) {
    let mut request = send(method, format!("{H}{path}"));
    for name in sent {
        request = request.header(name, "v");
    }
    assert_eq!(names(&request), expected, "{method} {path}");
}

/// Spellings that a server may take for a known name.
const SPELLINGS: [&str; 16] = [
    "x_amz_copy_source",
    "x-amz_copy-source",
    "x.amz.copy.source",
    "x_amz_acl",
    "x_original_url",
    "x_http_method_override",
    "x_real_ip",
    "x_forwarded_proto",
    "x_forwarded_for",
    "cloudfront_viewer_country",
    "if_none_match",
    "if_modified_since",
    "content_type",
    "content_length",
    "x!plain",
    "_",
];

#[test]
fn s1_another_spelling_of_a_name_passes_nowhere() {
    for path in ["/server/a", "/server-but/a", "/all/a", "/but/a", "/none/a"] {
        for method in ["GET", "PUT"] {
            check_headers(method, path, &SPELLINGS, &[]);
        }
    }
    check_headers("GET", "/server-named/a", &SPELLINGS, &[]);
}

#[test]
fn s1_what_some_servers_act_upon_passes_only_by_name() {
    let names = [
        "x-original-url",
        "x-rewrite-url",
        "x-http-method-override",
        "x-forwarded-host",
        "forwarded",
        "x-client-ip",
        "true-client-ip",
        "cf-connecting-ip",
        "proxy",
        "x-middleware-subrequest",
        "x-accel-mapping",
        "script-name",
    ];
    check_headers("GET", "/server/a", &names, &[]);
    check_headers("GET", "/server-but/a", &names, &[]);
    check_headers("GET", "/server-named/a", &names, &["x-original-url"]);
    check_headers("GET", "/named/a", &names, &[]);
    // The managed cache policy lists the headers that override the method, but only for servers.
    check_headers("GET", "/by-origin/a", &names, &[]);
}

/// Steering names that no list contains.
#[test]
fn a_names_that_may_steer_pass_only_by_name() {
    let names = [
        "daphne-root-path",
        "x-traversal-path",
        "x-request-base",
        "x-proxied-https",
        "proxy-ssl-id",
        "wl-proxy-ssl",
        "client-cert",
        "x-arr-clientcert",
        "x-ms-client-principal-name",
        "x-amzn-oidc-data",
        "x-amzn-mtls-clientcert",
        "x-goog-authenticated-user-email",
        "x-auth-request-email",
        "remote-groups",
        "x-astro-path",
        "x-sveltekit-pathname",
        "camelhttppath",
        "x-apigateway-event",
        "x-appengine-remote-addr",
        "x-ingress-path",
        "next-url",
        "x-verb",
        "x-clientip",
    ];
    for method in ["GET", "PUT"] {
        check_headers(method, "/server/a", &names, &[]);
        check_headers(method, "/server-but/a", &names, &[]);
    }
    check_headers("GET", "/server-root/a", &names, &["daphne-root-path"]);
}

#[test]
fn what_browsers_and_sdks_send_by_themselves_passes() {
    let names = [
        "access-control-request-method",
        "accept-language",
        "authorization",
        "cache-control",
        "dnt",
        "hx-current-url",
        "last-event-id",
        "max-forwards",
        "origin",
        "priority",
        "referer",
        "save-data",
        "sec-ch-ua-platform",
        "sec-fetch-user",
        "upgrade-insecure-requests",
        "x-amz-meta-path",
        "x-amz-server-side-encryption",
        "x-amz-user-agent",
        "x-auth-token",
        "x-csrf-token",
        "x-requested-with",
        "x-xsrf-token",
    ];
    let mut expected = names.to_vec();
    expected.sort_unstable();
    check_headers("GET", "/server/a", &names, &expected);
}

#[test]
fn s1_a_bucket_gets_what_describes_the_object_and_cors() {
    let sent = [
        "accept",
        "accept-language",
        "authorization",
        "access-control-request-method",
        "cache-control",
        "content-disposition",
        "content-md5",
        "content-range",
        "content-type",
        "date",
        "expires",
        "if-match",
        "if-range",
        "origin",
        "range",
        "referer",
        "x-amz-acl",
        "x-amz-copy-source",
        "x-amz-meta-a",
        "x-auth-token",
        "x-other",
    ];
    let of_change = [
        "content-disposition",
        "content-md5",
        "content-type",
        "if-match",
    ];
    check_headers("PUT", "/none/a", &sent, &of_change);
    let mut with_policy = vec!["access-control-request-method", "cache-control"];
    with_policy.extend(["content-disposition", "content-md5", "content-type"]);
    with_policy.extend(["expires", "if-match", "origin"]);
    for path in ["/all/a", "/but/a"] {
        check_headers("PUT", path, &sent, &with_policy);
        check_headers(
            "GET",
            path,
            &sent,
            &["access-control-request-method", "origin"],
        );
    }
    check_headers("GET", "/none/a", &sent, &[]);
}

#[test]
fn s1_what_a_policy_lists_by_name_passes() {
    let sent = [
        "x-amz-acl",
        "x_amz_acl",
        "x-amz-meta-a_b",
        "x_custom",
        "x.dotted",
        "if_match",
    ];
    let listed = ["x-amz-acl", "x-amz-meta-a_b"];
    check_headers("PUT", "/named/a", &sent, &listed);
    let listed = [
        "if_match",
        "x-amz-acl",
        "x-amz-meta-a_b",
        "x.dotted",
        "x_custom",
    ];
    check_headers("PUT", "/server-named/a", &sent, &listed);
}

#[test]
fn a_bucket_hears_nothing_of_the_way() {
    let sent = get(format!("{H}/all/a"))
        .header("x-forwarded-for", "203.0.113.9")
        .header("via", "1.0 squid")
        .header("accept-encoding", "br")
        .header("user-agent", "curl")
        .header("cookie", "a=1; theme=dark; session=s");
    let mut lines: Vec<String> = to_origin(&sent)
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
        .collect();
    lines.sort();
    let own = [
        "user-agent: Amazon CloudFront",
        "x-amz-cf-id: id==",
        "x-secret: s",
    ];
    assert_eq!(lines, own);
    let listed = to_origin(&Sent {
        url: format!("{H}/named/a"),
        ..sent
    });
    assert_eq!(listed.headers["user-agent"], "curl");
    assert_eq!(listed.headers["accept-encoding"], "gzip");
    assert_eq!(listed.headers["cookie"], "theme=dark");
}

#[test]
fn what_connection_names_ends_here_in_every_spelling() {
    let sent = get(format!("{H}/server/a"))
        .header("connection", "close, X_Hop, x.other")
        .header("x-hop", "1")
        .header("x-other", "1");
    assert!(names(&sent).is_empty());
}

fn target(path_and_query: &str) -> String {
    to_origin(&get(format!("{H}{path_and_query}"))).target
}

/// Checks that a policy that passes everything passes nothing of `query` to a bucket.
#[track_caller]
fn check_left_out(query: &str) {
    for path in [
        "/all/a",
        "/but/a",
        "/all-keyed/a",
        "/by-origin/a",
        "/none/a",
    ] {
        assert_eq!(target(&format!("{path}?{query}")), path, "{query}");
    }
}

#[test]
fn s3_no_spelling_of_administration_reaches_a_bucket() {
    let names = [
        "acl", "tagging", "uploads", "uploadId", "session", "append", "mdsearch", "delete",
    ];
    for name in names {
        for end in [
            "", "=", "=x", "%3D", "%3Dx", "%3D%3D", "%253D", "%26", "%00", "+", "%20", ";",
        ] {
            check_left_out(&format!("{name}{end}"));
            check_left_out(&format!("{end}{name}"));
            check_left_out(&format!("{end}{name}=x"));
        }
    }
    for piece in [
        "versionId%3D1",
        "x;acl",
        "%76ersionId%3D",
        "ver%2573ionId=1",
        "%E2%84%AA=1",
        "=",
    ] {
        check_left_out(piece);
    }
    check_left_out("versionId=1%0d%0aX-Amz-Acl:x");
}

#[test]
fn what_names_an_object_passes_by_policy() {
    let query = "versionId=a%2Eb&partNumber=2&x-id=GetObject&response-expires=x&utm=1&foo=2";
    let passed = "versionId=a%2Eb&partNumber=2&x-id=GetObject&response-expires=x";
    for path in ["/all/a", "/but/a", "/all-keyed/a"] {
        assert_eq!(
            target(&format!("{path}?{query}")),
            format!("{path}?{passed}")
        );
    }
    assert_eq!(target(&format!("/none/a?{query}")), "/none/a");
    // The managed policies keep a link from choosing how a browser treats the object (F42).
    let query = "response-content-type=text/html";
    assert_eq!(target(&format!("/all/a?{query}")), "/all/a");
    assert_eq!(
        target(&format!("/own-all/a?{query}")),
        format!("/own-all/a?{query}")
    );
    assert_eq!(target("/all/a?%72esponse-content-type=text/html"), "/all/a");
}

/// Ceph joins a version and a name to `_:<version>_<name>`, and splits such a name at the first `_`.
#[test]
fn c_a_version_never_reads_on_into_a_name() {
    let id = "a1-.".repeat(8);
    for rest in [
        "_private/2024",
        "_private%2F2024",
        "_private",
        "_",
        "%5Fprivate",
        "/x",
        "%2Fx",
        "%252Fx",
        "+x",
        "%20x",
        "~",
        ":x",
        "%C3%A9",
    ] {
        check_left_out(&format!("versionId={id}{rest}"));
        let listed = format!("/listed/a?versionId={id}{rest}");
        assert_eq!(target(&listed), "/listed/a", "{rest}");
    }
    for other in [".", "..", "_", "%2e%2e", &"a".repeat(129)] {
        check_left_out(&format!("versionId={other}"));
    }
    let of_b2 =
        "4_z27c88f1d182b150646ff0b16_f200ec353a2184825_d20161231_m010101_c000_v0001015_t0050";
    for good in [
        "null",
        &id,
        "a_b.C-",
        "_a",
        "a_",
        &format!("{}_", "a".repeat(31)),
        of_b2,
        "0b5c1f2e-5b3c-4a6f-9d7e-2f1a0c3b4d5e",
        "1700000000000000",
        "",
    ] {
        let path = format!("/all/a?versionId={good}");
        assert_eq!(target(&path), path);
    }
}

#[test]
fn c_parameters_of_objects_have_shapes() {
    for piece in [
        "partNumber=x",
        "partNumber=123456",
        "partNumber=1%2F2",
        "partNumber=-1",
        "partNumber=+1",
        "x-id=a%2Fb",
        "x-id=1",
    ] {
        check_left_out(piece);
    }
    for piece in [
        "uploadId=a/b",
        "uploadId=a%2Fb",
        "uploadId=..",
        "uploadId=a+b",
        "uploadId=a%25",
        "uploadId=%C3%A9",
        "partNumber=x",
    ] {
        assert_eq!(target(&format!("/named/a?{piece}")), "/named/a", "{piece}");
    }
    for piece in ["uploadId=2~Ab_c.d-e", "uploadId", "partNumber=10000"] {
        let path = format!("/named/a?{piece}");
        assert_eq!(target(&path), path);
    }
}

/// The value is left out, so it does not make another object in the cache either.
#[test]
fn c_what_has_no_shape_is_not_in_the_key() {
    let key = |query: &str| key(&get(format!("{H}/own-all/a?{query}")));
    assert_eq!(key("versionId=a%2Fb"), key(""));
    assert_ne!(key("versionId=ab"), key(""));
}

#[test]
fn a_change_means_the_key_alone() {
    for (method, query, passed) in [
        ("PUT", "response-expires=x&x-id=PutObject", "x-id=PutObject"),
        (
            "DELETE",
            "versionId=1&response-expires=x&x=y",
            "versionId=1",
        ),
    ] {
        let sent = send(method, format!("{H}/all/a?{query}"));
        assert_eq!(to_origin(&sent).target, format!("/all/a?{passed}"));
    }
    let listed = send("PUT", format!("{H}/named/a?partNumber=2&uploadId=3&x=y"));
    assert_eq!(
        to_origin(&listed).target,
        "/named/a?partNumber=2&uploadId=3"
    );
}

#[test]
fn a_listed_parameter_passes_by_the_name_that_is_read() {
    let query = "acl&%61cl=1&ACL&acl%3D&tagging&%74agging&a%20b=1&a+b=1&versionId=1&partNumber=3";
    let passed = "/named/a?acl&%61cl=1&partNumber=3";
    assert_eq!(target(&format!("/named/a?{query}")), passed);
}

/// Two requests that reach a bucket differently are never the same object in the cache.
#[test]
fn what_a_bucket_hears_is_in_the_key() {
    let keys = |one: &str, other: &str| {
        [one, other].map(|query| key(&get(format!("{H}/own-all/a?{query}"))))
    };
    for (one, other) in [
        ("versionId=1", "versionId=2"),
        ("response-content-type=text/html", "x=1"),
        ("partNumber=1", "versionId=1"),
    ] {
        let [one, other] = keys(one, other);
        assert_ne!(one, other);
    }
    let [one, other] = keys("foo=1&acl", "versionId%3D2");
    assert_eq!(one, other);
    let mixed = |query: &str| key(&get(format!("{H}/mixed/a?{query}")));
    assert_ne!(mixed("versionId=1"), mixed("versionId=2"));
}

#[test]
fn f7_referers_reach_no_origin_with_a_grant() {
    let link = signed(&format!("{H}/private/a?x=1"), E);
    for path in ["/server/a", "/server-named/a", "/named/a", "/pages/a"] {
        let sent = get(format!("{H}{path}")).header("referer", &link);
        let passed = to_origin(&sent).headers["referer"].clone();
        assert_eq!(passed, format!("{H}/private/a?x=1"), "{path}");
    }
    let sent = get(format!("{H}/server/a")).header("origin", &link);
    assert_eq!(
        to_origin(&sent).headers["origin"],
        format!("{H}/private/a?x=1")
    );
    // Two viewers of one page share what was made for it.
    let page = |referer: &str| key(&get(format!("{H}/pages/a")).header("referer", referer));
    assert_eq!(page(&link), page(&format!("{H}/private/a?x=1")));
    assert_ne!(page(&link), page(&format!("{H}/private/b")));
}

#[test]
fn e_no_header_takes_a_grant_along() {
    let link = signed(&format!("{H}/private/a?x=1"), E);
    let stripped = format!("{H}/private/a?x=1");
    for name in [
        "hx-current-url",
        "x-xhr-referer",
        "turbolinks-referrer",
        "turbo-referrer",
        "destination",
        "link",
        "x-page",
        "user-agent",
    ] {
        let sent = get(format!("{H}/server/a")).header(name, &link);
        assert_eq!(to_origin(&sent).headers[name], stripped, "{name}");
        let relative = link.strip_prefix(H).unwrap();
        let sent = get(format!("{H}/server/a")).header(name, relative);
        assert_eq!(to_origin(&sent).headers[name], "/private/a?x=1", "{name}");
        for value in [
            format!("<{link}>; rel=\"next\""),
            format!("\"{link}\""),
            format!("<https://h/b?y=1>, <{link}>"),
            link.strip_prefix("http://").unwrap().to_owned(),
        ] {
            let sent = get(format!("{H}/server/a")).header(name, &value);
            let passed = to_origin(&sent).headers[name].to_str().unwrap().to_owned();
            let signature = value.split_once("Signature=").unwrap().1;
            assert!(
                !passed.contains(&signature[..20]),
                "{name} {value}: {passed}"
            );
        }
    }
}
