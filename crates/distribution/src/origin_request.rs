//! What of a viewer's request reaches the origin: the policies decide, and some things never do.

use crate::authorize::Authorized;
use crate::distribution::{CacheBehavior, is_change};
use crate::origin::{Origin, OriginSource};
use crate::policies::HeaderFilter;
use crate::redact::percent_decoded;
use crate::request::ViewerRequest;
use cookies::forwarded_cookies;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use query::forwarded_query;
use std::net::IpAddr;

mod cloudfront_headers;
mod cookies;
mod query;

pub use cloudfront_headers::{cloudfront_header, keyed_headers};

/// Sent unless a policy passes the viewer's on.
const USER_AGENT: HeaderValue = HeaderValue::from_static("Amazon CloudFront");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_AMZ_CF_ID: HeaderName = HeaderName::from_static("x-amz-cf-id");

/// Headers by which some servers serve another path, or act by another method, than the request line says.
const REROUTING: [&str; 7] = [
    "x-forwarded-prefix",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-url",
];

/// A request to an origin, but for what its connection adds: `Host` (unless the viewer's is passed on), the signature
/// for S3, and the conditions and ranges of the cache.
#[derive(Clone, Debug)]
pub struct OriginRequest {
    /// The viewer's method.
    pub method: Method,
    /// Origin path, path and the query that the policies pass on, raw.
    pub target: String,
    /// The header fields.
    pub headers: HeaderMap,
}

/// What the edge knows of a request beyond its bytes.
#[derive(Clone, Copy, Debug)]
pub struct RequestFacts<'a> {
    /// See [`crate::viewer_address`].
    pub viewer: IpAddr,
    /// The port that goes with that address, if known.
    pub viewer_port: Option<u16>,
    /// The value of `X-Amz-Cf-Id`.
    pub request_id: &'a str,
    /// The viewer's country, ISO 3166-1 alpha-2, if known.
    pub country: Option<&'a str>,
    /// What the edge adds to `Via`.
    pub via: &'a HeaderValue,
    /// The normalized `Accept-Encoding`, for behaviors whose cache policy keeps objects in several encodings.
    pub accept_encoding: Option<&'a HeaderValue>,
}

/// The request to `origin`, which is the behavior's primary origin or its secondary one.
///
/// The policies decide what is passed on (developer guide, "Control origin requests with a policy" and "Request and
/// response behavior for custom origins"). The cookies of signatures never reach an origin, nor do their parameters
/// where the behavior is restricted. Conditions and ranges are passed on only with methods that change objects: with the others they
/// are the cache's own matter.
pub fn origin_request(
    authorized: &Authorized<'_>,
    origin: &Origin,
    request: &ViewerRequest<'_>,
    facts: &RequestFacts<'_>,
) -> OriginRequest {
    let behavior = authorized.routed().behavior;
    let mut target = authorized.target_at(origin, request.path).into_owned();
    if let Some(query) = request
        .query
        .and_then(|query| forwarded_query(behavior, origin, query))
    {
        target.push('?');
        target.push_str(&query);
    }
    OriginRequest {
        method: request.method.clone(),
        target,
        headers: headers(behavior, origin, request, facts),
    }
}

fn headers(
    behavior: &CacheBehavior,
    origin: &Origin,
    request: &ViewerRequest<'_>,
    facts: &RequestFacts<'_>,
) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in request.headers {
        if is_passed(behavior, origin, request, name) {
            headers.append(name.clone(), value.clone());
        }
    }
    if let Some(value) = forwarded_cookies(behavior, request.headers) {
        headers.insert(header::COOKIE, value);
    }
    if is_normalized(behavior) {
        headers.remove(header::ACCEPT_ENCODING);
        if let Some(value) = facts.accept_encoding {
            headers.insert(header::ACCEPT_ENCODING, value.clone());
        }
    }
    for name in named_headers(behavior) {
        if let Some(value) = cloudfront_header(name, request, facts) {
            headers.insert(name.clone(), value);
        }
    }
    insert_host(&mut headers, behavior, origin, request);
    insert_edges_own(&mut headers, request, facts);
    for (name, value) in &origin.custom_headers {
        headers.insert(name.clone(), value.clone());
    }
    headers
}

/// Whether a header of the viewer's is passed on as it is.
fn is_passed(
    behavior: &CacheBehavior,
    origin: &Origin,
    request: &ViewerRequest<'_>,
    name: &HeaderName,
) -> bool {
    let is_change = is_change(request.method);
    if is_never_forwarded(name) || is_edges_own(name) || is_nominated(request.headers, name) {
        return false;
    }
    // A viewer must not steer the bucket with the edge's own signature: `x-amz-copy-source` would read other objects.
    let is_for_s3 = name.as_str().starts_with("x-amz-");
    if is_for_s3 && matches!(origin.source, OriginSource::S3(_)) {
        return is_named(behavior, name);
    }
    // Some servers take these for the path or the method that is meant, past everything that was decided here.
    if REROUTING.contains(&name.as_str()) {
        return is_named(behavior, name);
    }
    if is_of_the_cache(name) {
        return is_change;
    }
    let is_content = name.as_str().starts_with("content-");
    let goes_with_change = is_content || name == header::AUTHORIZATION;
    is_selected(behavior, name) || (is_change && goes_with_change)
}

/// Whether a header never crosses the edge: those of one connection (RFC 9110 7.6.1, RFC 9112 6), those that would
/// pass for the edge's or the origin's own word (developer guide, "HTTP request headers and CloudFront behavior"), and
/// `Expect`.
pub(crate) fn is_never_forwarded(name: &HeaderName) -> bool {
    const OTHERS: [&str; 5] = [
        "keep-alive",
        "proxy-connection",
        "http2-settings",
        "x-forwarded-proto",
        "x-real-ip",
    ];
    let known = [
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::EXPECT,
        header::PROXY_AUTHENTICATE,
        header::PROXY_AUTHORIZATION,
        header::TE,
        header::TRAILER,
        header::TRANSFER_ENCODING,
        header::UPGRADE,
    ];
    let text = name.as_str();
    known.contains(name)
        || OTHERS.contains(&text)
        || text.starts_with("x-edge-")
        || text.starts_with("x-amz-cf-")
}

/// Whether a header is a matter of the cache: conditions and ranges.
pub(crate) fn is_of_the_cache(name: &HeaderName) -> bool {
    let known = [
        header::IF_MATCH,
        header::IF_NONE_MATCH,
        header::IF_MODIFIED_SINCE,
        header::IF_UNMODIFIED_SINCE,
        header::IF_RANGE,
        header::RANGE,
    ];
    known.contains(name) || name == "request-range"
}

/// Headers that the edge writes, if only with pieces of the viewer's.
fn is_edges_own(name: &HeaderName) -> bool {
    [header::HOST, header::COOKIE, header::VIA].contains(name)
        || name == X_FORWARDED_FOR
        || name.as_str().starts_with("cloudfront-")
}

/// Whether the viewer's `Connection` names the header, which ends at the edge then (RFC 9110 7.6.1).
pub(crate) fn is_nominated(request: &HeaderMap, name: &HeaderName) -> bool {
    let mut values = request.get_all(header::CONNECTION).into_iter();
    values.any(|value| {
        let mut options = value.as_bytes().split(|byte| *byte == b',');
        options.any(|option| {
            option
                .trim_ascii()
                .eq_ignore_ascii_case(name.as_str().as_bytes())
        })
    })
}

/// Whether a policy passes the header on.
fn is_selected(behavior: &CacheBehavior, name: &HeaderName) -> bool {
    if behavior.cache_policy.headers.contains(name) {
        return true;
    }
    match behavior
        .origin_request_policy
        .as_ref()
        .map(|policy| &policy.headers)
    {
        None | Some(HeaderFilter::None) => false,
        Some(HeaderFilter::Only(names)) => names.contains(name),
        Some(HeaderFilter::AllViewer | HeaderFilter::AllViewerAndCloudFront(_)) => true,
        Some(HeaderFilter::AllViewerExcept(names)) => !names.contains(name),
    }
}

/// The headers that the policies call by name.
fn named_headers(behavior: &CacheBehavior) -> impl Iterator<Item = &HeaderName> {
    let policy = behavior.origin_request_policy.as_ref();
    let names: &[HeaderName] = match policy.map(|policy| &policy.headers) {
        Some(HeaderFilter::Only(names) | HeaderFilter::AllViewerAndCloudFront(names)) => names,
        None
        | Some(HeaderFilter::None | HeaderFilter::AllViewer | HeaderFilter::AllViewerExcept(_)) => {
            &[]
        }
    };
    behavior.cache_policy.headers.iter().chain(names)
}

fn is_named(behavior: &CacheBehavior, name: &HeaderName) -> bool {
    named_headers(behavior).any(|named| named == name)
}

fn is_normalized(behavior: &CacheBehavior) -> bool {
    let policy = &behavior.cache_policy;
    policy.gzip || policy.brotli || policy.zstd
}

/// A bucket knows only its own name.
/// Whether a policy passes the viewer's `Host` on, to origins that take it.
pub(crate) fn forwards_host(behavior: &CacheBehavior) -> bool {
    is_selected(behavior, &header::HOST)
}

fn insert_host(
    headers: &mut HeaderMap,
    behavior: &CacheBehavior,
    origin: &Origin,
    request: &ViewerRequest<'_>,
) {
    let is_http = matches!(origin.source, OriginSource::Http(_));
    if let Ok(value) = HeaderValue::from_str(request.host)
        && is_http
        && !request.host.is_empty()
        && forwards_host(behavior)
    {
        headers.insert(header::HOST, value);
    }
}

fn insert_edges_own(
    headers: &mut HeaderMap,
    request: &ViewerRequest<'_>,
    facts: &RequestFacts<'_>,
) {
    headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
    let passed_by = request.headers.get_all(header::VIA).into_iter();
    let via = passed_by.map(HeaderValue::as_bytes);
    let via = via.chain([facts.via.as_bytes()]).collect::<Vec<_>>();
    insert_joined(headers, header::VIA, &via);
    let viewer = facts.viewer.to_string();
    let before = forwarded_before(request.headers, facts.viewer);
    let mut addresses = before;
    addresses.push(viewer.as_bytes());
    insert_joined(headers, X_FORWARDED_FOR, &addresses);
    if let Ok(id) = HeaderValue::from_str(facts.request_id) {
        headers.insert(X_AMZ_CF_ID, id);
    }
}

/// The elements of the viewer's `X-Forwarded-For`, up to the viewer's own address where a trusted proxy put it: what
/// the origin reads last is the address that the edge believes.
fn forwarded_before(request: &HeaderMap, viewer: IpAddr) -> Vec<&[u8]> {
    let values = request.get_all(X_FORWARDED_FOR).into_iter();
    let mut elements: Vec<&[u8]> = values
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|element| !element.is_empty())
        .collect();
    let is_viewer = |element: &&[u8]| {
        let text = std::str::from_utf8(element).ok();
        let address = text.and_then(|text| text.parse::<IpAddr>().ok());
        address.map(|address| address.to_canonical()) == Some(viewer)
    };
    if let Some(position) = elements.iter().rposition(is_viewer) {
        elements.truncate(position);
    }
    elements
}

fn insert_joined(headers: &mut HeaderMap, name: HeaderName, values: &[&[u8]]) {
    if let Ok(value) = HeaderValue::from_bytes(&values.join(&b", "[..])) {
        headers.insert(name, value);
    }
}

/// A name as it was written, and percent-decoded.
fn decoded_name(raw: &str) -> String {
    String::from_utf8_lossy(&percent_decoded(raw)).into_owned()
}
