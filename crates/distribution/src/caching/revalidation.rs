//! Decides which fields of a response are stored, how it is revalidated, and what a 304 changes (RFC 9111 3.1, 3.2,
//! 4.3).

use crate::caching::cache_control::{CDN_CACHE_CONTROL, CacheControl};
use crate::config::{CachePolicy, NameFilter};
use crate::http_date::parse_date;
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Returns `If-None-Match` and `If-Modified-Since` for the stored response, both if it has both validators (RFC 9111
/// 4.3.1); `None` when it has none.
pub fn revalidation_headers(stored: &HeaderMap) -> Option<HeaderMap> {
    let mut headers = HeaderMap::new();
    if let Some(tag) = stored.get(header::ETAG) {
        headers.insert(header::IF_NONE_MATCH, tag.clone());
    }
    if let Some(date) = stored.get(header::LAST_MODIFIED)
        && is_date(date)
    {
        headers.insert(header::IF_MODIFIED_SINCE, date.clone());
    }
    (!headers.is_empty()).then_some(headers)
}

/// The strength of a modification date as a validator of an object's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateStrength {
    /// Responses with the same date have the same bytes.
    Strong,
    /// The object may have changed again within the second of its date.
    Weak,
}

/// Returns the strength of a response's `Last-Modified`, as RFC 9110 8.8.2.2 lets a cache rely on it: strong where
/// `Date` is so much later that neither the one-second resolution nor a difference between two clocks can hide a
/// change.
///
/// It is determined once, from a response as received, with a `Date`, and stored beside its bytes: the later date of a
/// 304 says nothing about bytes that came before it.
pub fn date_strength(response: &HeaderMap) -> DateStrength {
    let date = |name: HeaderName| {
        let mut lines = response.get_all(name).iter();
        let line = lines.next().filter(|_| lines.next().is_none())?;
        parse_date(line.to_str().ok()?)
    };
    let dates = date(header::LAST_MODIFIED).zip(date(header::DATE));
    let is_settled = dates.is_some_and(|(modified, dated)| {
        let since_secs = dated.as_secs().checked_sub(modified.as_secs());
        since_secs.is_some_and(|secs| secs >= SETTLED_AFTER_SECS)
    });
    if is_settled {
        DateStrength::Strong
    } else {
        DateStrength::Weak
    }
}

/// Minimum difference between the two dates. One second is enough if one clock gives both dates, which cannot be known
/// here: files may be on other machines than the servers that send them. RFC 7232 2.2.2 had this minute for the
/// difference of two clocks.
const SETTLED_AFTER_SECS: u64 = 60;

fn is_date(value: &HeaderValue) -> bool {
    value.to_str().is_ok_and(|text| parse_date(text).is_some())
}

/// Returns whether a 304 is about the stored response (RFC 9111 4.3.4). If it is not, the stored response is neither
/// updated nor used, and the origin is asked without conditions.
///
/// A 304 without validators is about the response that was named in the request. A different entity tag alone is no
/// contradiction: servers that compress send the tag sometimes with the name of the coding and sometimes without. A
/// different tag is a contradiction if the stored response has a date of modification and the 304 has another one or
/// none; different dates are one unless the tags agree.
pub fn matches_stored(stored: &HeaderMap, not_modified: &HeaderMap) -> bool {
    let same = |name: HeaderName| match (stored.get(&name), not_modified.get(&name)) {
        (Some(known), Some(now)) => Some(known == now),
        (None | Some(_), None) | (None, Some(_)) => None,
    };
    match (
        opaque_tags_agree(stored, not_modified),
        same(header::LAST_MODIFIED),
    ) {
        (Some(true), _) | (None | Some(false), Some(true)) => true,
        (None | Some(false), Some(false)) => false,
        (None, None) => true,
        (Some(false), None) => !stored.contains_key(header::LAST_MODIFIED),
    }
}

fn opaque_tags_agree(stored: &HeaderMap, not_modified: &HeaderMap) -> Option<bool> {
    fn opaque(headers: &HeaderMap) -> Option<&[u8]> {
        let tag = headers.get(header::ETAG)?.as_bytes();
        Some(tag.strip_prefix(b"W/").unwrap_or(tag))
    }
    Some(opaque(stored)? == opaque(not_modified)?)
}

/// Returns the stored fields updated by those of a 304 (RFC 9111 3.2), for [`crate::caching::storage`] and the next
/// viewer.
///
/// Each field of the 304 replaces all stored lines of its name, except fields that belong to the stored bytes:
/// `Content-Length`, `Content-Encoding`, `Content-Range`, `Content-MD5`, digests and `ETag`. A stored `Age` is dropped,
/// and so is a stored `Date`, since both would count from the previous response; the 304 may bring them again. The
/// result has only fields that [`storable_headers`] would store.
pub fn freshened(stored: &HeaderMap, not_modified: &HeaderMap, policy: &CachePolicy) -> HeaderMap {
    let mut headers = stored.clone();
    headers.remove(header::AGE);
    headers.remove(header::DATE);
    let update = end_to_end_headers(not_modified);
    for name in update.keys().filter(|name| !belongs_to_the_bytes(name)) {
        headers.remove(name);
        for value in update.get_all(name) {
            headers.append(name, value.clone());
        }
    }
    storable_headers(&headers, policy)
}

fn belongs_to_the_bytes(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "content-length"
            | "content-encoding"
            | "content-range"
            | "content-md5"
            | "content-digest"
            | "repr-digest"
            | "digest"
            | "etag"
    )
}

/// Returns the end-to-end fields of `response` (RFC 9110 7.6.1, RFC 9111 3.1), for responses that are passed on.
///
/// It drops `Connection` and the fields that it names, `Keep-Alive`, `Proxy-*`, `TE`, `Trailer`, `Transfer-Encoding`,
/// `Upgrade`.
pub fn end_to_end_headers(response: &HeaderMap) -> HeaderMap {
    let nominated: Vec<HeaderName> = response
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        // RFC 9110 7.6.1: a sender must not list end-to-end fields in `Connection`; if it does, do not lose the framing
        // headers, or the directives for caches.
        .filter(|name| name != header::CONTENT_LENGTH && !tells_how_long(name))
        .collect();
    let mut headers = HeaderMap::with_capacity(response.len());
    for (name, value) in response {
        if !is_hop_by_hop(name) && !nominated.contains(name) {
            headers.append(name, value.clone());
        }
    }
    headers
}

fn tells_how_long(name: &HeaderName) -> bool {
    name == header::CACHE_CONTROL || *name == CDN_CACHE_CONTROL
}

fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authentication-info"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// Returns the fields of `response` that are stored: [`end_to_end_headers`], without those that `private="…"` and
/// `no-cache="…"` name (RFC 9111 5.2.2.7 and 5.2.2.4).
///
/// `Set-Cookie` is stored only where cookies are in the cache key (developer guide, "Cache content based on cookies"):
/// otherwise one viewer's cookie would go to the next.
pub fn storable_headers(response: &HeaderMap, policy: &CachePolicy) -> HeaderMap {
    let mut headers = end_to_end_headers(response);
    let cache_control = CacheControl::for_audience(response, policy.audience());
    let named = cache_control.private.fields().iter();
    for name in named.chain(cache_control.no_cache.fields()) {
        // The directives that limit caching of the response are never its private part.
        if !tells_how_long(name) {
            headers.remove(name);
        }
    }
    if policy.cookies == NameFilter::None {
        headers.remove(header::SET_COOKIE);
        headers.remove("set-cookie2");
    }
    headers
}

#[cfg(test)]
mod tests;
