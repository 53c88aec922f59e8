//! One request as the cache sees it, detached from the viewer's own: fills outlive the viewers who began them.

use crate::origin_client::{OriginCall, OriginRequestBody};
use crate::redeem::Redeemed;
use http::header::{
    CONTENT_LENGTH, CONTENT_RANGE, ETAG, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use privet_cache::Key;
use privet_distribution::caching::{
    CacheKey, Collapsing, DateStrength, collapsing, filtered_query,
};
use privet_distribution::config::{CachePolicy, Distribution, Origin, OriginChoice};
use privet_distribution::request::{OriginRequest, RequestFacts, ViewerRequest, origin_request};

use privet_distribution::{ByteRange, ContentRange, RangeSpec};
use privet_sign::Scheme;
use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// A request as the cache and the origins see it.
#[derive(Debug)]
pub(crate) struct CacheRequest {
    pub(super) key: CacheKey,
    pub(super) digest: Key,
    pub(super) distribution: Arc<Distribution>,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) policy: Arc<CachePolicy>,
    pub(super) origins: OriginChoice,
    pub(super) collapsing: Collapsing,
    pub(super) method: Method,
    /// Headers that go to the origin, without conditions and ranges.
    headers: HeaderMap,
    /// The first range that the viewer wants; `None` begins with the first byte.
    pub(super) wanted: Option<RangeSpec>,
    /// The viewer's own conditions and ranges, for responses that are not stored.
    conditions: HeaderMap,
    target: String,
    /// Target and headers for the second origin of a group, which has other paths, rules and custom headers.
    secondary: Option<(String, HeaderMap)>,
    viewer_scheme: Scheme,
    viewer: IpAddr,
}

impl CacheRequest {
    /// Creates the cache request of an authorized request, with its cache key and the key's digest.
    pub(crate) fn new(
        authorized: &Redeemed<'_>,
        request: &ViewerRequest<'_>,
        facts: &RequestFacts<'_>,
        (key, digest): (CacheKey, Key),
    ) -> Self {
        let routed = authorized.routed();
        let origins = routed.behavior.origin.clone();
        let primary = origin_request(authorized, &origins.primary, request, facts);
        let OriginRequest {
            method,
            target,
            headers,
        } = primary;
        let secondary = origins.failover.as_ref().map(|failover| {
            let secondary = origin_request(authorized, &failover.secondary, request, facts);
            (secondary.target, secondary.headers)
        });
        CacheRequest {
            digest,
            key,
            distribution: Arc::clone(routed.distribution),
            path: object_path(routed.distribution, request.path),
            query: filtered_query(
                request.query,
                &routed.behavior.cache_policy.query_strings,
                routed.behavior.trusted_keys.is_some(),
            )
            .map(Cow::into_owned),
            policy: Arc::clone(&routed.behavior.cache_policy),
            collapsing: collapsing(routed.behavior),
            origins,
            method,
            headers,
            wanted: first_range_wanted(request),
            conditions: conditions(request),
            target,
            secondary,
            viewer_scheme: request.scheme,
            viewer: request.client,
        }
    }

    /// Returns a GET of the whole object. Headers that are added to it go to either origin of a group.
    pub(super) fn get(&self) -> OriginCall {
        self.call(Method::GET, OriginRequestBody::Empty)
    }

    /// Returns a request with the viewer's method and `body`.
    pub(super) fn call(&self, method: Method, body: OriginRequestBody) -> OriginCall {
        OriginCall {
            method,
            target: String::new(),
            headers: HeaderMap::new(),
            body,
            viewer_scheme: self.viewer_scheme,
            viewer: Some(self.viewer),
        }
    }

    /// Returns [`CacheRequest::call`] with the viewer's own conditions and ranges.
    pub(super) fn call_as_viewer(&self, body: OriginRequestBody) -> OriginCall {
        let mut call = self.call(self.method.clone(), body);
        call.headers.clone_from(&self.conditions);
        call
    }

    /// Addresses `call` to `origin`, one of the two: sets its target, and puts the origin's headers beneath the call's
    /// own.
    pub(super) fn address(&self, origin: &Origin, call: &mut OriginCall) {
        let (target, headers) = match &self.secondary {
            Some((target, headers)) if origin.index != self.origins.primary.index => {
                (target, headers)
            }
            Some(_) | None => (&self.target, &self.headers),
        };
        call.target.clone_from(target);
        let added = std::mem::replace(&mut call.headers, headers.clone());
        call.headers.extend(added);
    }

    /// Returns the headers that each possible origin receives. Which origin of a group responds is known only
    /// afterwards, and not at all at a lookup, so a response is shared only among requests that both origins would see
    /// alike.
    pub(super) fn heard(&self) -> impl Iterator<Item = &HeaderMap> {
        let secondary = self.secondary.as_ref().map(|(_, headers)| headers);
        std::iter::once(&self.headers).chain(secondary)
    }

    /// Returns true if the viewer's own conditions or range go along when the request is not shared.
    pub(super) fn has_conditions(&self) -> bool {
        !self.conditions.is_empty()
    }

    /// Returns the condition under which the viewer wants only a part.
    pub(super) fn if_range(&self) -> Option<&HeaderValue> {
        self.conditions.get(IF_RANGE)
    }

    /// Returns the minimum TTL that a custom error response sets for `status`.
    pub(super) fn error_min_ttl(&self, status: StatusCode) -> Option<Duration> {
        let custom = self.distribution.custom_error(status);
        custom.map(|response| response.min_ttl)
    }
}

fn conditions(request: &ViewerRequest<'_>) -> HeaderMap {
    let names = [
        RANGE,
        IF_RANGE,
        IF_MATCH,
        IF_NONE_MATCH,
        IF_MODIFIED_SINCE,
        IF_UNMODIFIED_SINCE,
    ];
    // Other methods have their conditions in the origin request already; a range is for reading (RFC 9110 14.2).
    let is_read = request.method == Method::GET || request.method == Method::HEAD;
    let mut conditions = HeaderMap::new();
    for name in names.iter().filter(|_| is_read) {
        for value in request.headers.get_all(name) {
            conditions.append(name.clone(), value.clone());
        }
    }
    conditions
}

/// Returns the path by which an object is invalidated: for `/`, that of the default root object.
pub(super) fn object_path(distribution: &Distribution, path: &str) -> String {
    match &distribution.default_root_object {
        Some(object) if path == "/" => format!("/{object}"),
        Some(_) | None => path.to_owned(),
    }
}

fn first_range_wanted(request: &ViewerRequest<'_>) -> Option<RangeSpec> {
    let value = request
        .headers
        .get(RANGE)
        .filter(|_| request.method == Method::GET)?;
    let set = value.to_str().ok()?.trim().strip_prefix("bytes=")?;
    let (start, end) = set.split(',').next()?.trim().split_once('-')?;
    let (start_text, end_text) = (start.trim(), end.trim());
    match (start_text.parse(), end_text.parse()) {
        (Ok(start), Ok(end_inclusive)) if start <= end_inclusive => {
            Some(RangeSpec::Within(ByteRange {
                start,
                end_inclusive,
            }))
        }
        (Ok(start), Err(_)) if end_text.is_empty() => Some(RangeSpec::From(start)),
        (Err(_), Ok(length)) if start_text.is_empty() => Some(RangeSpec::Last(length)),
        (Ok(_) | Err(_), Ok(_) | Err(_)) => None,
    }
}

/// A validator that tells whether two responses have the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Validator {
    /// A strong entity tag.
    Tag(HeaderValue),
    /// A modification date that is as good, of a response without an entity tag.
    Date(HeaderValue),
}

impl Validator {
    /// Returns the validator of a response; `None` if it cannot be combined from parts (RFC 9111 3.4). `date_strength`
    /// is the result of [`privet_distribution::caching::date_strength`] when the response arrived.
    pub(super) fn of(headers: &HeaderMap, date_strength: DateStrength) -> Option<Self> {
        match (headers.get(ETAG), date_strength) {
            (Some(tag), _) if tag.as_bytes().starts_with(b"\"") => {
                Some(Validator::Tag(tag.clone()))
            }
            (Some(_), _) | (None, DateStrength::Weak) => None,
            (None, DateStrength::Strong) => {
                headers.get(LAST_MODIFIED).cloned().map(Validator::Date)
            }
        }
    }

    /// Adds the condition that makes a request fail with 412 once the object has changed.
    pub(super) fn put_into(&self, headers: &mut HeaderMap) {
        match self {
            Validator::Tag(tag) => headers.insert(IF_MATCH, tag.clone()),
            Validator::Date(date) => headers.insert(IF_UNMODIFIED_SINCE, date.clone()),
        };
    }

    /// Returns true if a response has the same bytes.
    pub(super) fn holds(&self, headers: &HeaderMap) -> bool {
        // A date that was strong once is strong in every later response.
        Validator::of(headers, DateStrength::Strong).as_ref() == Some(self)
    }
}

/// Maximum size of an object, below which offsets can be added without overflow.
pub(super) const OBJECT_SIZE_BYTES_MAX: u64 = 1 << 62;

/// The `Content-Range` of a 206 whose length goes with it, of an object that is not too long.
pub(super) fn content_range(headers: &HeaderMap) -> Option<ContentRange> {
    let found = ContentRange::parse(headers.get(CONTENT_RANGE)?.to_str().ok()?)?;
    let promised: Option<u64> = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    let fits = found.size_bytes <= OBJECT_SIZE_BYTES_MAX
        && promised.is_none_or(|promised| promised == found.range.size_bytes());
    fits.then_some(found)
}
