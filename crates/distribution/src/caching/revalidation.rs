//! What is stored of a response, how it is revalidated, and what a 304 changes (RFC 9111 3.1, 3.2 and 4.3).

use crate::caching::cache_control::{CDN_CACHE_CONTROL, CacheControl};
use crate::config::{CachePolicy, NameFilter};
use crate::http_date::parse_date;
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// `If-None-Match` and `If-Modified-Since` for the stored response, both if it has both (RFC 9111 4.3.1); `None` when
/// it has no validator.
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

/// Whether the date of modification tells the bytes of a response from all others of the same object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateStrength {
    /// It does: whoever has the same date has the same bytes.
    Strong,
    /// The object may have changed again within the second of its date.
    Weak,
}

/// `Last-Modified` of a response as RFC 9110 8.8.2.2 lets a cache count on it: strong where `Date` is so much later
/// that neither the second nor two clocks that differ can hide a change.
///
/// To be asked of a response as it came, with a `Date`, and kept beside its bytes: the later date of a 304 says nothing
/// of bytes that came before.
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

/// One second is enough where one clock gives both dates, which nobody here can know: files lie on other machines than
/// the servers that send them. RFC 7232 2.2.2 had this minute for the difference of two clocks.
const SETTLED_AFTER_SECS: u64 = 60;

fn is_date(value: &HeaderValue) -> bool {
    value.to_str().is_ok_and(|text| parse_date(text).is_some())
}

/// Whether a 304 is about the stored response (RFC 9111 4.3.4). Where it is not, the stored response is neither updated
/// nor used, and the origin is asked without conditions.
///
/// A 304 without validators answers the one response that was asked about. Another entity tag alone does not speak
/// against it: servers that compress send the tag with the name of the coding at one time and without it at another.
/// Another tag together with another, or no, date of modification where the stored response has one does.
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

/// The stored fields updated by those of a 304 (RFC 9111 3.2), for [`crate::caching::storage`] and for the next viewer.
///
/// Each field of the 304 takes the place of all stored lines of its name, save those that belong to the stored bytes:
/// `Content-Length`, `Content-Encoding`, `Content-Range`, `Content-MD5`, digests and `ETag`. A stored `Age` goes, and
/// so does a `Date` that the 304 does not bring anew, since both would count from the response before. The result is
/// what [`storable_headers`] would leave.
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

/// The fields of `response` that go beyond this hop (RFC 9110 7.6.1, RFC 9111 3.1): for answers that are passed on.
///
/// Without `Connection` and what it names, `Keep-Alive`, `Proxy-*`, `TE`, `Trailer`, `Transfer-Encoding`, `Upgrade`.
pub fn end_to_end_headers(response: &HeaderMap) -> HeaderMap {
    let nominated: Vec<HeaderName> = response
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|value| value.as_bytes().split(|&byte| byte == b','))
        .filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok())
        // RFC 9110 7.6.1: a sender must not name fields meant for all; whoever does is not to cost a viewer the
        // framing.
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

/// The fields of `response` that are stored: [`end_to_end_headers`], without those that `private="…"` and
/// `no-cache="…"` name (RFC 9111 5.2.2.7 and 5.2.2.4).
///
/// `Set-Cookie` is stored only where cookies are in the cache key (developer guide, "Cache content based on cookies"):
/// otherwise one viewer's cookie would be given to the next.
pub fn storable_headers(response: &HeaderMap, policy: &CachePolicy) -> HeaderMap {
    let mut headers = end_to_end_headers(response);
    let cache_control = CacheControl::for_audience(response, policy.audience());
    let named = cache_control.private.fields().iter();
    for name in named.chain(cache_control.no_cache.fields()) {
        // What tells how long the rest may be kept is never what is private in it.
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
