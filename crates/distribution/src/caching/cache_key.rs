//! The cache key (developer guide, "Understand the cache key"): everything that tells two objects apart, and nothing
//! else.
//!
//! No signing parameter or signing cookie ever gets into it, so all viewers who may see an object share it.

use crate::caching::compression::{ContentCoding, accepted_codings};
use crate::caching::vary::VaryNames;
use crate::config::{CacheBehavior, CachePolicy, NameFilter};
use crate::cookies::cookies;
use crate::header_names::is_nominated;
use crate::languages::Languages;
use crate::request::{
    Authorized, Routed, ViewerRequest, buckets, forwarded_query, forwards_host, takes_parameter,
    without_grants,
};
use crate::selecting_value::selecting_value;
use http::{HeaderMap, HeaderName, Method, header};
use privet_sign::{Scheme, strip_query};
use std::borrow::Cow;

/// The bytes that identify a cached object.
///
/// The key is a series of fields, each a tag, its length and its bytes, so no two objects have the same key. It
/// contains what the viewer sent, cookies included where the policy says so, and must not be logged.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CacheKey(Vec<u8>);

impl CacheKey {
    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Returns the key of one of the variants that `Vary` tells apart (RFC 9111 4.1).
    ///
    /// `request` is the request as it is sent to the origin: a field that does not reach it counts as absent.
    #[must_use]
    pub fn variant(
        &self,
        names: &VaryNames,
        request: &HeaderMap,
        policy: &CachePolicy,
    ) -> CacheKey {
        let mut key = self.clone();
        for name in names.names() {
            key.push(Tag::VaryName, name.as_str().as_bytes());
            if let Some(value) = selecting_value(request, name, policy.languages()) {
                key.push(Tag::VaryValue, &value);
            }
        }
        key
    }

    /// Returns the key of the form that the edge itself compressed.
    #[must_use]
    pub fn coded(&self, coding: ContentCoding) -> CacheKey {
        let mut key = self.clone();
        key.push(Tag::Coding, coding.as_str().as_bytes());
        key
    }

    fn push(&mut self, tag: Tag, bytes: &[u8]) {
        self.0.push(tag as u8);
        self.0
            .extend_from_slice(&(bytes.len() as u64).to_le_bytes());
        self.0.extend_from_slice(bytes);
    }
}

/// The kind of a field in the key. The numbers are stored on disks, so they are never reused.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Tag {
    Distribution = 1,
    Behavior = 2,
    Origin = 3,
    Method = 4,
    Path = 5,
    Query = 6,
    HeaderName = 7,
    HeaderValue = 8,
    Cookie = 9,
    AcceptEncoding = 10,
    VaryName = 11,
    VaryValue = 12,
    Coding = 13,
    Scheme = 14,
    Host = 15,
    BucketQuery = 16,
}

/// Returns the key of the object that an authorized request names.
///
/// It consists of distribution, behavior, origin, the path at the origin (the default root object replaces `/`), and
/// the parts of query, headers, cookies and `Accept-Encoding` that the cache policy names, with the parameters that
/// reach a bucket. Two behaviors share nothing, because their requests to the origin may differ. Scheme and alias count
/// only where an origin gets them; GET and HEAD share a key, every other method has its own.
pub fn cache_key(authorized: &Authorized<'_>, request: &ViewerRequest<'_>) -> CacheKey {
    let path = authorized.origin_path(request.path);
    key_at(authorized.routed(), &path, request)
}

fn key_at(routed: &Routed<'_>, path: &str, request: &ViewerRequest<'_>) -> CacheKey {
    let behavior = routed.behavior;
    let policy = &*behavior.cache_policy;
    let mut key = CacheKey(Vec::with_capacity(
        160 + path.len() + request.query.map_or(0, str::len),
    ));
    key.push(Tag::Distribution, routed.distribution.id.as_bytes());
    key.push(Tag::Behavior, behavior.path_pattern.as_str().as_bytes());
    key.push(Tag::Origin, behavior.origin.primary.id.as_bytes());
    if request.method != Method::GET && request.method != Method::HEAD {
        key.push(Tag::Method, request.method.as_str().as_bytes());
    }
    key.push(Tag::Path, path.as_bytes());
    let restricted = routed.trusted_keys().is_some();
    if let Some(query) = filtered_query(request.query, &policy.query_strings, restricted) {
        key.push(Tag::Query, query.as_bytes());
    }
    push_bucket_query(&mut key, request, routed);
    push_host_and_scheme(&mut key, request, behavior);
    push_headers(&mut key, request, policy);
    push_cookies(&mut key, request.headers, &policy.cookies);
    if let Some(codings) = normalized_accept_encoding(request.headers, policy) {
        key.push(Tag::AcceptEncoding, codings.as_bytes());
    }
    key
}

/// The parameters that an origin request policy passes to a bucket name another object, or another form of it. Two
/// different sets of them must not share an entry of the cache; parameters that do not reach the bucket do not count.
fn push_bucket_query(key: &mut CacheKey, request: &ViewerRequest<'_>, routed: &Routed<'_>) {
    let behavior = routed.behavior;
    // Without such a policy, the bucket gets no parameter that is not in the key already.
    if behavior.origin_request_policy.is_none() {
        return;
    }
    let query = routed
        .query_without_grant(request)
        .zip(buckets(behavior).next());
    if let Some(query) =
        query.and_then(|(query, bucket)| forwarded_query(behavior, bucket, request.method, &query))
    {
        key.push(Tag::BucketQuery, query.as_bytes());
    }
}

/// An origin that gets the viewer's `Host` may respond by it: the response for one alias must not be served for
/// another. An origin that is asked over the viewer's scheme may redirect to the other scheme, which must not happen to
/// viewers who already use that one.
fn push_host_and_scheme(key: &mut CacheKey, request: &ViewerRequest<'_>, behavior: &CacheBehavior) {
    let mut origins = behavior.origin.origins();
    if origins.any(|origin| origin.source.forwards_host()) && forwards_host(behavior) {
        key.push(Tag::Host, request.host.as_bytes());
    }
    let mut origins = behavior.origin.origins();
    if origins.any(|origin| origin.source.matches_viewer_scheme()) {
        let scheme: &[u8] = match request.scheme {
            Scheme::Http => b"http",
            Scheme::Https => b"https",
        };
        key.push(Tag::Scheme, scheme);
    }
}

fn push_headers(key: &mut CacheKey, request: &ViewerRequest<'_>, policy: &CachePolicy) {
    for name in &policy.headers {
        if name == header::ACCEPT_ENCODING && normalizes(policy) {
            continue;
        }
        key.push(Tag::HeaderName, name.as_str().as_bytes());
        // HTTP/2 has the host in `:authority`.
        if name == header::HOST {
            key.push(Tag::HeaderValue, request.host.as_bytes());
            continue;
        }
        // A field that ends at the edge is absent for the origin: its response is not valid for viewers whose field is
        // forwarded.
        let is_edges_own = name.as_str().starts_with("cloudfront-") || name == header::COOKIE;
        if is_edges_own || !is_nominated(request.headers, name) {
            push_values(key, request.headers, name, policy);
        }
    }
}

fn push_values(key: &mut CacheKey, headers: &HeaderMap, name: &HeaderName, policy: &CachePolicy) {
    // A cookie header is only keyed without the signing cookies.
    if name == header::COOKIE {
        for cookie in cookies(headers, |_| true) {
            key.push(Tag::HeaderValue, cookie.text);
        }
        return;
    }
    if name == header::ACCEPT_LANGUAGE && policy.languages() == Languages::ByPreference {
        if let Some(value) = selecting_value(headers, name, Languages::ByPreference) {
            key.push(Tag::HeaderValue, &value);
        }
        return;
    }
    let values = headers.get_all(name).into_iter();
    for value in values.filter_map(|value| without_grants(name, value)) {
        key.push(Tag::HeaderValue, value.as_bytes());
    }
}

fn push_cookies(key: &mut CacheKey, headers: &HeaderMap, filter: &NameFilter) {
    // Signing cookies take long to read, and most policies include no cookies.
    if *filter == NameFilter::None {
        return;
    }
    for cookie in cookies(headers, |name| filter.takes_bytes(name)) {
        key.push(Tag::Cookie, cookie.text);
    }
}

/// Returns the part of `query` that the filter passes; `None` when nothing is left. Requests to the origin use this
/// too.
///
/// Order and spelling are preserved, and `&` is the only separator. A name counts as listed as it is or
/// percent-decoded, case-sensitively. On a restricted behavior, signing parameters are always removed; elsewhere they
/// are ordinary parameters.
pub fn filtered_query<'q>(
    query: Option<&'q str>,
    filter: &NameFilter,
    restricted: bool,
) -> Option<Cow<'q, str>> {
    let query = match (query?, restricted) {
        (query, true) => strip_query(query)?,
        (query, false) => Cow::Borrowed(query),
    };
    match filter {
        NameFilter::None => None,
        NameFilter::All => (!query.is_empty()).then_some(query),
        NameFilter::Only(_) | NameFilter::AllExcept(_) => {
            let kept: Vec<&str> = query
                .split('&')
                .filter(|piece| !piece.is_empty() && takes_parameter(filter, piece))
                .collect();
            if kept.is_empty() {
                None
            } else if kept.len() == query.split('&').count() {
                Some(query)
            } else {
                Some(Cow::Owned(kept.join("&")))
            }
        }
    }
}

/// Returns `Accept-Encoding` for the key and the origin: those of `br`, `gzip` and `zstd` that the viewer accepts and
/// the policy enables, in this order. `None` when there are none. `q=0` and `*` do not accept a coding.
pub fn normalized_accept_encoding(
    request: &HeaderMap,
    policy: &CachePolicy,
) -> Option<&'static str> {
    if !normalizes(policy) {
        return None;
    }
    let accepted = accepted_codings(request);
    let brotli = policy.brotli && accepted.contains(ContentCoding::Brotli);
    let gzip = policy.gzip && accepted.contains(ContentCoding::Gzip);
    let zstd = policy.zstd && accepted.contains(ContentCoding::Zstd);
    match (brotli, gzip, zstd) {
        (false, false, false) => None,
        (true, false, false) => Some("br"),
        (false, true, false) => Some("gzip"),
        (false, false, true) => Some("zstd"),
        (true, true, false) => Some("br,gzip"),
        (true, false, true) => Some("br,zstd"),
        (false, true, true) => Some("gzip,zstd"),
        (true, true, true) => Some("br,gzip,zstd"),
    }
}

fn normalizes(policy: &CachePolicy) -> bool {
    policy.gzip || policy.brotli || policy.zstd
}

#[cfg(test)]
mod tests;
