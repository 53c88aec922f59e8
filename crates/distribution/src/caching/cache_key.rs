//! The cache key (developer guide, "Understand the cache key"): what tells two objects apart, and nothing else.
//!
//! No signing parameter and no signing cookie ever gets into it, so all who may see an object share it.

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
/// A series of fields, each a tag, its length and its bytes, so that no two objects have the same key. The key holds
/// what the viewer sent, cookies included where the policy says so: it is not for logs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CacheKey(Vec<u8>);

impl CacheKey {
    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The key of the one response among those that `Vary` tells apart (RFC 9111 4.1).
    ///
    /// `request` is the request as it is sent to the origin: a field that does not get there counts as absent.
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

    /// The key of the form that the edge itself compressed.
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

/// What a field of the key is. The numbers are on disks: they are never given to anything else.
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

/// The key of the object that an authorized request asks for.
///
/// Distribution, behavior, origin, the path at the origin (the default root object stands in for `/`), and of query,
/// headers, cookies and `Accept-Encoding` what the cache policy names. Two behaviors share nothing: they may send their
/// origin other requests. Scheme and alias do not count; GET and HEAD share, every other method is by itself.
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
    push_what_the_bucket_hears(&mut key, request, routed);
    push_what_the_origin_hears(&mut key, request, behavior);
    push_headers(&mut key, request, policy);
    push_cookies(&mut key, request.headers, &policy.cookies);
    if let Some(codings) = normalized_accept_encoding(request.headers, policy) {
        key.push(Tag::AcceptEncoding, codings.as_bytes());
    }
    key
}

/// The parameters that an origin request policy lets through to a bucket name another object, or another form of it.
/// Two of them are never one object of the cache; what does not get there tells nothing apart.
fn push_what_the_bucket_hears(
    key: &mut CacheKey,
    request: &ViewerRequest<'_>,
    routed: &Routed<'_>,
) {
    let behavior = routed.behavior;
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

/// An origin that is told the viewer's `Host` may answer by it: one alias is not to answer for another. One that is
/// asked over the viewer's scheme may send the viewer to the other scheme, which is not for those who come from there.
fn push_what_the_origin_hears(
    key: &mut CacheKey,
    request: &ViewerRequest<'_>,
    behavior: &CacheBehavior,
) {
    let mut origins = behavior.origin.origins();
    if origins.any(|origin| origin.source.hears_host()) && forwards_host(behavior) {
        key.push(Tag::Host, request.host.as_bytes());
    }
    let mut origins = behavior.origin.origins();
    if origins.any(|origin| origin.source.hears_scheme()) {
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
        // HTTP/2 has it in `:authority`.
        if name == header::HOST {
            key.push(Tag::HeaderValue, request.host.as_bytes());
            continue;
        }
        // What ends at the edge is absent for the origin: its answer is none for those who have the field sent on.
        let is_edges_own = name.as_str().starts_with("cloudfront-") || name == header::COOKIE;
        if is_edges_own || !is_nominated(request.headers, name) {
            push_values(key, request.headers, name, policy);
        }
    }
}

fn push_values(key: &mut CacheKey, headers: &HeaderMap, name: &HeaderName, policy: &CachePolicy) {
    // A cookie header is only ever keyed without what signs the request.
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
    // The signing ones are long to read, and most policies take none.
    if *filter == NameFilter::None {
        return;
    }
    for cookie in cookies(headers, |name| filter.takes_bytes(name)) {
        key.push(Tag::Cookie, cookie.text);
    }
}

/// What of `query` the filter lets through; `None` when nothing is left. Also for requests to the origin.
///
/// Order and spelling are kept, `&` is the only separator. A name counts as listed as it stands and percent-decoded,
/// in the same case. On a restricted behavior the signing parameters are always removed; elsewhere they are
/// parameters like others.
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

/// `Accept-Encoding` as the key and the origin get it: `br`, `gzip` and `zstd`, those that the viewer takes and the
/// policy has on, in this order. `None` when there is none of them. `q=0` and `*` do not take a coding.
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
