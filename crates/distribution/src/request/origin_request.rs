//! Decides which parts of a viewer's request reach the origin: the policies decide, and some parts never do.

use crate::config::{CacheBehavior, CachePolicy, HeaderFilter, Origin, is_change};
use crate::header_names::{
    is_edges_own, is_never_forwarded, is_nominated, is_of_the_cache, is_plain, may_steer,
};
use crate::languages::Languages;
use crate::request::authorize::Authorized;
use crate::request::viewer_request::ViewerRequest;
use crate::selecting_value::selecting_value;
use cookies::forwarded_cookies;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use std::net::IpAddr;

mod bucket;
mod bucket_restriction;
mod cloudfront_headers;
mod cookies;
mod parameter_filter;
mod parameter_shapes;
mod query;
mod url_values;

pub(crate) use bucket::buckets;
pub(crate) use bucket_restriction::check_bucket;
pub use cloudfront_headers::{cloudfront_header, keyed_headers};
pub(crate) use parameter_filter::takes as takes_parameter;
pub(crate) use query::forwarded_query;
pub(crate) use url_values::without_grants;

/// `User-Agent` of the edge, sent unless a policy passes the viewer's on.
const USER_AGENT: HeaderValue = HeaderValue::from_static("Amazon CloudFront");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_AMZ_CF_ID: HeaderName = HeaderName::from_static("x-amz-cf-id");

/// A request to an origin, without the parts that its connection adds: `Host` (unless the viewer's is passed on), the
/// signature for S3, and the conditions and ranges of the cache.
#[derive(Clone, Debug)]
pub struct OriginRequest {
    /// Method of the viewer's request.
    pub method: Method,
    /// Origin path, path and the query that the policies pass on, raw.
    pub target: String,
    /// Header fields for the origin.
    pub headers: HeaderMap,
}

/// Facts about a request that are not in its bytes.
#[derive(Clone, Copy, Debug)]
pub struct RequestFacts<'a> {
    /// Address of the viewer; see [`crate::request::forwarded`].
    pub viewer: IpAddr,
    /// Port that goes with that address, if known.
    pub viewer_port: Option<u16>,
    /// Value of `X-Amz-Cf-Id`.
    pub request_id: &'a str,
    /// Country of the viewer, ISO 3166-1 alpha-2, if known.
    pub country: Option<&'a str>,
    /// Element that the edge adds to `Via`.
    pub via: &'a HeaderValue,
    /// Normalized `Accept-Encoding`, for behaviors whose cache policy caches objects in several encodings.
    pub accept_encoding: Option<&'a HeaderValue>,
}

/// Builds the request to `origin`, which is the behavior's primary origin or its secondary one.
///
/// The policies decide what is passed on (developer guide, "Control origin requests with a policy" and "Request and
/// response behavior for custom origins"). Signing cookies never reach an origin, nor do signing parameters where the
/// behavior is restricted. Conditions and ranges are passed on only with methods that change objects: with the others
/// they are the cache's own matter.
pub fn origin_request(
    authorized: &Authorized<'_>,
    origin: &Origin,
    request: &ViewerRequest<'_>,
    facts: &RequestFacts<'_>,
) -> OriginRequest {
    let behavior = authorized.routed().behavior;
    let mut target = authorized.target_at(origin, request.path).into_owned();
    if let Some(query) = authorized
        .routed()
        .query_without_grant(request)
        .and_then(|query| forwarded_query(behavior, origin, request.method, &query))
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
        if is_passed(behavior, origin, request, name)
            && let Some(value) = without_grants(name, value)
        {
            headers.append(name.clone(), value.into_owned());
        }
    }
    if let Some(value) = forwarded_cookies(behavior, origin, request.headers) {
        headers.insert(header::COOKIE, value);
    }
    if is_normalized(behavior) {
        headers.remove(header::ACCEPT_ENCODING);
        if let Some(value) = facts.accept_encoding
            && forwards_codings(behavior, origin)
        {
            headers.insert(header::ACCEPT_ENCODING, value.clone());
        }
    }
    normalize_languages(&mut headers, &behavior.cache_policy);
    for name in named_headers(behavior) {
        if let Some(value) = cloudfront_header(name, request, facts) {
            headers.insert(name.clone(), value);
        }
    }
    insert_host(&mut headers, behavior, origin, request);
    insert_edges_own(&mut headers, origin, request, facts);
    for (name, value) in &origin.custom_headers {
        headers.insert(name.clone(), value.clone());
    }
    headers
}

/// Where spellings of `Accept-Language` share objects, the origin gets the spelling of the cache key: it must not
/// choose by a value that the key does not have.
fn normalize_languages(headers: &mut HeaderMap, policy: &CachePolicy) {
    let name = header::ACCEPT_LANGUAGE;
    if policy.languages() == Languages::AsWritten {
        return;
    }
    let selecting = selecting_value(headers, &name, Languages::ByPreference);
    headers.remove(&name);
    // The text consists of header values and commas, so it is a valid header value.
    if let Some(Ok(value)) = selecting.map(|text| HeaderValue::from_bytes(&text)) {
        headers.insert(name, value);
    }
}

/// Returns whether a viewer's header is passed on.
pub(crate) fn is_passed(
    behavior: &CacheBehavior,
    origin: &Origin,
    request: &ViewerRequest<'_>,
    name: &HeaderName,
) -> bool {
    if is_never_forwarded(name) || is_edges_own(name) || is_nominated(request.headers, name) {
        return false;
    }
    match origin.source.is_signed_by_edge() {
        true => bucket::takes_header(behavior, request.method, name),
        false => server_takes(behavior, request.method, name),
    }
}

/// Returns whether a header, not one that ends at the edge anyway, is passed on to a server.
fn server_takes(behavior: &CacheBehavior, method: &Method, name: &HeaderName) -> bool {
    // Many servers take `_` and `.` for `-`, so a name has spellings that no policy means; and some take the path, the
    // method or the viewer from a header, past everything that was decided here.
    if (!is_plain(name) || may_steer(name)) && !is_named(behavior, name) {
        return false;
    }
    let is_change = is_change(method);
    if is_of_the_cache(name) {
        return is_change;
    }
    let is_content = name.as_str().starts_with("content-");
    let goes_with_change = is_content || name == header::AUTHORIZATION;
    is_selected(behavior, name) || (is_change && goes_with_change)
}

/// Returns whether a policy passes the header on.
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

/// Returns the headers that the policies list by name.
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
    [policy.gzip, policy.brotli, policy.zstd].contains(&true)
}

/// A bucket has only one form of an object, and proxies in front of buckets are known to rewrite this field, which
/// breaks a signature that covers it.
fn forwards_codings(behavior: &CacheBehavior, origin: &Origin) -> bool {
    !origin.source.is_signed_by_edge() || is_named(behavior, &header::ACCEPT_ENCODING)
}

/// Returns whether a policy passes the viewer's `Host` on, to origins that take it.
pub(crate) fn forwards_host(behavior: &CacheBehavior) -> bool {
    is_selected(behavior, &header::HOST)
}

fn insert_host(
    headers: &mut HeaderMap,
    behavior: &CacheBehavior,
    origin: &Origin,
    request: &ViewerRequest<'_>,
) {
    if let Ok(value) = HeaderValue::from_str(request.host)
        && origin.source.forwards_host()
        && !request.host.is_empty()
        && forwards_host(behavior)
    {
        headers.insert(header::HOST, value);
    }
}

fn insert_edges_own(
    headers: &mut HeaderMap,
    origin: &Origin,
    request: &ViewerRequest<'_>,
    facts: &RequestFacts<'_>,
) {
    headers.entry(header::USER_AGENT).or_insert(USER_AGENT);
    if let Ok(id) = HeaderValue::from_str(facts.request_id) {
        headers.insert(X_AMZ_CF_ID, id);
    }
    if !origin.source.is_signed_by_edge() {
        insert_forwarding_fields(headers, request, facts);
    }
}

/// Adds the fields that describe the request's way: `Via` and `X-Forwarded-For`.
fn insert_forwarding_fields(
    headers: &mut HeaderMap,
    request: &ViewerRequest<'_>,
    facts: &RequestFacts<'_>,
) {
    let passed_by = request.headers.get_all(header::VIA).into_iter();
    let via = passed_by.map(HeaderValue::as_bytes);
    let via = via.chain([facts.via.as_bytes()]).collect::<Vec<_>>();
    insert_joined(headers, header::VIA, &via);
    let viewer = facts.viewer.to_string();
    let before = forwarded_before(request.headers, facts.viewer);
    let mut addresses = before;
    addresses.push(viewer.as_bytes());
    insert_joined(headers, X_FORWARDED_FOR, &addresses);
}

/// Returns the elements of the viewer's `X-Forwarded-For`, up to the viewer's own address if a trusted proxy put it
/// there: the last address that the origin reads is the one that the edge believes.
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
