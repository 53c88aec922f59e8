//! The body of the fuzz target for requests to origins: nothing may reach an origin that is not listed here.
//!
//! The fuzz target and an ordinary test that runs the checked-in corpus share it. The lists are not the edge's own, and
//! names are read as the most careless server reads them.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use privet_distribution::caching::cache_key;
use privet_distribution::config::{Origin, Snapshot, read_toml};
use privet_distribution::request::{
    Authorized, OriginRequest, RequestFacts, ViewerRequest, authorize, origin_request, route,
    split_path_token,
};
use privet_sign::{Scheme, SignatureMemory, SignatureQuestion, Timestamp, strip_query};
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::OnceLock;

const HOST: &str = "d111111abcdef8.cloudfront.net";
const VIEWER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 77));
const CONFIG: &str = r#"
listeners = [{ address = "127.0.0.1:80" }]
[[origin_request_policies]]
id = "but"
headers_except = ["X-Not"]
query_strings_except = ["not"]
cookies_except = ["not"]
[[origin_request_policies]]
id = "listed"
headers = ["X-Amz-Acl", "X_Custom", "Referer", "User-Agent"]
query_strings = ["acl", "uploads", "uploadId", "restore", "select"]
cookies = ["theme"]
[[distributions]]
id = "E1"
domain_name = "d111111abcdef8.cloudfront.net"
origins = [{ id = "app", url = "http://app.example" }, { id = "bucket", s3 = { bucket = "videos" } }]
origin_groups = [{ id = "pair", origins = ["app", "bucket"], failover_statuses = [500] }]
behaviors = [
BEHAVIORS]
default_behavior = { origin = "app" }
"#;
const POLICIES: [&str; 4] = [
    "Managed-AllViewer",
    "but",
    "listed",
    "Managed-AllViewerExceptHostHeader",
];
const ORIGINS: [&str; 3] = ["app", "bucket", "pair"];

const LISTED_HEADERS: [&str; 4] = ["x-amz-acl", "x_custom", "referer", "user-agent"];
const LISTED_PARAMETERS: [&str; 5] = ["acl", "uploads", "uploadid", "restore", "select"];
const OF_POST: [&str; 4] = ["uploads", "uploadid", "restore", "select"];
/// Headers that may reach a bucket with any request; the next list is for changes only.
const OF_BUCKETS: [&str; 5] = [
    "origin",
    "access-control-request-headers",
    "access-control-request-method",
    "user-agent",
    "x-amz-cf-id",
];
const OF_CHANGES: [&str; 11] = [
    "content-type",
    "content-encoding",
    "content-language",
    "content-disposition",
    "content-md5",
    "cache-control",
    "expires",
    "if-match",
    "if-none-match",
    "if-modified-since",
    "if-unmodified-since",
];
const OF_OBJECTS: [&str; 9] = [
    "versionid",
    "partnumber",
    "x-id",
    "response-expires",
    "response-cache-control",
    "response-content-language",
    "response-content-type",
    "response-content-disposition",
    "response-content-encoding",
];
/// Headers that reach no origin in any spelling.
const OF_NOBODY: [&str; 14] = [
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "proxy",
    "forwarded",
    "x-real-ip",
    "x-forwarded-proto",
    "x-original-url",
    "x-http-method-override",
];

/// Words in header names that steer some server to another path, method or viewer. Headers that no policy lists do not
/// contain them.
const STEERING: [&str; 13] = [
    "accel", "cert", "forward", "host", "original", "override", "path", "proxy", "remote",
    "rewrite", "root", "sendfile", "upstream",
];
/// Names with such words that the edge writes itself.
const OF_THE_EDGE: [&str; 3] = ["host", "via", "x-forwarded-for"];
/// Prefixes of names that browsers and SDKs complete, and that describe an object or a page.
const HARMLESS_BEGINNINGS: [&str; 9] = [
    "accept",
    "content-",
    "hx-",
    "if-",
    "max-forwards",
    "sec-",
    "x-amz-",
    "x-goog-meta-",
    "x-object-meta-",
];

/// Fuzzes requests to origins. First line: a digit for the behavior, the method, and the query. Further lines: one
/// header each.
pub fn origin_request_of(bytes: &[u8]) {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    let first = String::from_utf8_lossy(lines.next().unwrap_or_default()).into_owned();
    let mut words = first.splitn(3, ' ');
    let number: usize = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
    let number = number % (POLICIES.len() * ORIGINS.len());
    let Ok(method) = words.next().unwrap_or("GET").parse::<Method>() else {
        return;
    };
    let mut headers = HeaderMap::new();
    for line in lines.take(60) {
        let at = line
            .iter()
            .position(|byte| *byte == b':')
            .unwrap_or(line.len());
        let (name, value) = (&line[..at], line.get(at + 1..).unwrap_or_default());
        let name = HeaderName::from_bytes(name);
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value.trim_ascii())) {
            headers.append(name, value);
        }
    }
    let path = format!("/{number}/a");
    let request = ViewerRequest {
        https_port: None,
        method: &method,
        version: Version::HTTP_11,
        scheme: Scheme::Http,
        host: HOST,
        path: &path,
        query: words.next(),
        headers: &headers,
        client: VIEWER,
        has_body: !headers.is_empty(),
        path_token: None,
    };
    check(&request, POLICIES[number / ORIGINS.len()]);
}

fn check(request: &ViewerRequest<'_>, policy: &str) {
    let Ok(routed) = route(snapshot(), request) else {
        return;
    };
    let Ok(authorized) = authorize(routed, request, Timestamp::from_secs(0), &Nobody) else {
        return;
    };
    let choice = &authorized.routed().behavior.origin;
    let secondary = choice.failover.as_ref().map(|failover| &failover.secondary);
    for origin in std::iter::once(&choice.primary).chain(secondary) {
        let sent = sent_to(origin, &authorized, request);
        check_names(&sent, policy);
        if origin.source.is_signed_by_edge() {
            check_bucket(&sent, request, policy);
            check_key(&sent, &authorized, request);
        } else {
            check_server(&sent, policy);
        }
    }
}

fn sent_to(
    origin: &Origin,
    authorized: &Authorized<'_>,
    request: &ViewerRequest<'_>,
) -> OriginRequest {
    let facts = RequestFacts {
        viewer: VIEWER,
        viewer_port: None,
        request_id: "id",
        country: None,
        via: &HeaderValue::from_static("1.1 node"),
        accept_encoding: Some(&HeaderValue::from_static("gzip")),
    };
    origin_request(authorized, origin, request, &facts)
}

/// Checks that every name has a single spelling, and is none that stops at the edge.
fn check_names(sent: &OriginRequest, policy: &str) {
    let mut seen = std::collections::BTreeSet::new();
    for name in sent.headers.keys() {
        let text = name.as_str();
        let careless = careless(text);
        let is_listed = policy == "listed" && LISTED_HEADERS.contains(&text);
        assert!(careless == text || is_listed, "{name} has another spelling");
        assert!(
            !OF_NOBODY.contains(&careless.as_str()),
            "{name} reaches nobody"
        );
        assert!(
            !careless.starts_with("cloudfront-"),
            "{name} is the edge's own"
        );
        assert!(seen.insert(careless), "{name} is there twice");
    }
    assert_eq!(sent.headers.get_all("x-amz-cf-id").iter().count(), 1);
    assert_eq!(sent.headers["x-amz-cf-id"], "id", "it is the edge's own");
    for name in ["referer", "origin"] {
        for value in sent.headers.get_all(name) {
            let Ok(url) = value.to_str() else {
                let has_url = value.as_bytes().windows(3).any(|window| window == b"://");
                let has_query = value.as_bytes().contains(&b'?');
                assert!(
                    !has_url && !has_query,
                    "{name} is no text, and perhaps a URL"
                );
                continue;
            };
            let query = url.split_once('?').map(|(_, query)| query);
            assert_eq!(
                query.and_then(strip_query).as_deref(),
                query,
                "a grant in {url}"
            );
            let slashes = url.match_indices('/').map(|(at, _)| at);
            let mut paths = slashes.map(|at| &url[at..]);
            assert!(
                paths.all(|path| split_path_token(path).is_none()),
                "a token in {url}"
            );
        }
    }
    for cookies in sent.headers.get_all("cookie") {
        let cookies = String::from_utf8_lossy(cookies.as_bytes()).to_ascii_lowercase();
        let mut names = cookies
            .split(';')
            .filter_map(|cookie| cookie.split('=').next());
        assert!(names.all(|name| name.trim() != "cloudfront-signature"));
    }
}

fn check_bucket(sent: &OriginRequest, request: &ViewerRequest<'_>, policy: &str) {
    let is_listed = policy == "listed";
    let is_change = [Method::PUT, Method::POST, Method::DELETE].contains(&sent.method);
    for (name, value) in &sent.headers {
        let name = name.as_str();
        let is_named = is_listed && (LISTED_HEADERS.contains(&name) || name == "cookie");
        let is_known = OF_BUCKETS.contains(&name) || (is_change && OF_CHANGES.contains(&name));
        assert!(is_named || is_known, "{name} reaches a bucket");
        assert!(name != "x_custom", "it has two spellings");
        if name == "user-agent" && !is_named {
            assert_eq!(value, "Amazon CloudFront", "it is the edge's own");
        }
    }
    let query = sent.target.split_once('?').map_or("", |(_, query)| query);
    let names: Vec<String> = query.split('&').map(careless_parameter).collect();
    for name in names.iter().filter(|_| !query.is_empty()) {
        let name = name.as_str();
        let is_named = is_listed && LISTED_PARAMETERS.contains(&name);
        assert!(
            is_named || OF_OBJECTS.contains(&name),
            "{name} reaches a bucket"
        );
    }
    query.split('&').for_each(check_shape);
    assert_ne!(sent.method, Method::PATCH, "a bucket knows no PATCH");
    if sent.method == Method::POST {
        let is_meant = names.iter().any(|name| OF_POST.contains(&name.as_str()));
        assert!(is_listed && is_meant, "a POST that S3 does not know");
        for value in request.headers.get_all("content-type") {
            let text = value.to_str().expect("a type is text").to_ascii_lowercase();
            assert!(
                !text.contains("multipart") && !text.contains("form"),
                "a form: {text}"
            );
        }
    }
}

/// Checks parameters whose values gateways put into object names: they must lead to no folder and no other object.
fn check_shape(piece: &str) {
    let name = careless_parameter(piece);
    if !["versionid", "uploadid", "partnumber", "x-id"].contains(&name.as_str()) {
        return;
    }
    let value = piece.split_once('=').map_or("", |(_, value)| value);
    let value = careless_value(value);
    let is_plain = value
        .iter()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(byte));
    assert!(is_plain, "{piece} may name another object");
    let is_dots = !value.is_empty() && value.iter().all(|byte| *byte == b'.');
    assert!(!is_dots, "{piece} may name a folder");
    let splices = value
        .iter()
        .position(|byte| *byte == b'_')
        .is_some_and(|at| at >= 32);
    assert!(
        name != "versionid" || !splices,
        "{piece} may name another object of Ceph's"
    );
}

/// Checks that the cache key depends on the part of the query that reaches the bucket, and on nothing else of it.
fn check_key(sent: &OriginRequest, authorized: &Authorized<'_>, request: &ViewerRequest<'_>) {
    let query = sent.target.split_once('?').map(|(_, query)| query);
    let same = ViewerRequest { query, ..*request };
    assert_eq!(cache_key(authorized, request), cache_key(authorized, &same));
    let other = ViewerRequest {
        query: Some("versionId=another"),
        ..*request
    };
    let with_other = cache_key(authorized, &other);
    let passes_versions = with_other
        != cache_key(
            authorized,
            &ViewerRequest {
                query: None,
                ..*request
            },
        );
    if passes_versions && query != Some("versionId=another") {
        assert_ne!(cache_key(authorized, request), with_other);
    }
}

fn check_server(sent: &OriginRequest, policy: &str) {
    for name in sent.headers.keys().map(http::HeaderName::as_str) {
        let is_known = OF_THE_EDGE.contains(&name)
            || (policy == "listed" && LISTED_HEADERS.contains(&name))
            || HARMLESS_BEGINNINGS
                .iter()
                .any(|beginning| name.starts_with(beginning));
        let word = STEERING.iter().find(|word| name.contains(**word));
        assert!(is_known || word.is_none(), "{name} steers by {word:?}");
    }
    let last = |name: &str| {
        let value = sent.headers[name].as_bytes();
        String::from_utf8_lossy(value)
            .rsplit(',')
            .next()
            .map(|last| last.trim().to_owned())
    };
    assert_eq!(last("x-forwarded-for").as_deref(), Some("192.0.2.77"));
    assert_eq!(last("via").as_deref(), Some("1.1 node"));
    if [Method::GET, Method::HEAD, Method::OPTIONS].contains(&sent.method) {
        for name in ["range", "if-match", "if-none-match", "if-range"] {
            assert!(
                !sent.headers.contains_key(name),
                "{name} is the cache's own matter"
            );
        }
    }
}

fn careless(name: &str) -> String {
    let fold = |character: char| match character {
        'a'..='z' | '0'..='9' => character,
        'A'..='Z' => character.to_ascii_lowercase(),
        _ => '-',
    };
    name.chars().map(fold).collect()
}

/// Returns the name of a parameter, decoded until nothing changes and then cut.
fn careless_parameter(piece: &str) -> String {
    let text = careless_value(piece);
    let end = text.iter().position(|byte| b"=&;?#\0".contains(byte));
    let name = &text[..end.unwrap_or(text.len())];
    String::from_utf8_lossy(name).trim().to_ascii_lowercase()
}

/// Decodes until nothing changes.
fn careless_value(piece: &str) -> Vec<u8> {
    let mut text = piece.replace('+', " ").into_bytes();
    while let Some(at) = text.windows(3).position(is_escape) {
        let digits = [text[at + 1], text[at + 2]].map(|digit| char::from(digit).to_digit(16));
        let [Some(high), Some(low)] = digits else {
            break;
        };
        text.splice(at..at + 3, [(high * 16 + low) as u8]);
    }
    text
}

fn is_escape(window: &[u8]) -> bool {
    window[0] == b'%' && window[1..].iter().all(u8::is_ascii_hexdigit)
}

fn snapshot() -> &'static Snapshot {
    static SNAPSHOT: OnceLock<Snapshot> = OnceLock::new();
    SNAPSHOT.get_or_init(|| {
        let mut behaviors = String::new();
        for number in 0..POLICIES.len() * ORIGINS.len() {
            let (policy, origin) = (POLICIES[number / ORIGINS.len()], ORIGINS[number % ORIGINS.len()]);
            behaviors += &format!(
                "{{ path_pattern = \"/{number}/*\", origin = \"{origin}\", origin_request_policy = \"{policy}\", \
                 allowed_methods = [\"GET\", \"HEAD\", \"OPTIONS\", \"PUT\", \"POST\", \"PATCH\", \"DELETE\"] }},\n"
            );
        }
        let config = CONFIG.replace("BEHAVIORS", &behaviors);
        let (document, places) = read_toml(&config, Path::new("privet.toml")).expect("it is TOML");
        let mut read_file = |_: &Path| Err(std::io::ErrorKind::NotFound.into());
        Snapshot::build(document, &places, &mut read_file).expect("it has no faults")
    })
}

/// A signature check that always fails; no behavior here has keys.
struct Nobody;

impl SignatureMemory for Nobody {
    fn verifies(&self, _question: &SignatureQuestion<'_>) -> bool {
        false
    }
}
