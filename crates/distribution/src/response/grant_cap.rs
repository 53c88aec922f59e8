//! Keeps browsers from caching restricted content beyond the grant that it came by.

use crate::caching::{Directive, delta_seconds, directives};
use crate::http_date::{date_value, parse_date};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use privet_sign::Timestamp;

/// The fields that limit caching more than the origin's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrantCap {
    /// Replacement for all lines of `Cache-Control`.
    pub cache_control: Option<HeaderValue>,
    /// Replacement for `Expires`.
    pub expires: Option<HeaderValue>,
    /// Names of fields for single caches only, which viewers need not get.
    pub removed: Vec<HeaderName>,
}

impl GrantCap {
    /// Applies the fields to a response.
    pub fn apply(self, headers: &mut HeaderMap) {
        for name in self.removed {
            headers.remove(name);
        }
        if let Some(value) = self.cache_control {
            headers.insert(header::CACHE_CONTROL, value);
        }
        if let Some(value) = self.expires {
            headers.insert(header::EXPIRES, value);
        }
    }
}

/// Limits the viewer's caching of `response` to the seconds left of the grant; `None` when it does not allow more.
///
/// `max-age` and `s-maxage` become at most the remaining time, `stale-while-revalidate` and `stale-if-error` at most
/// the time that remains after those, and `Expires` at most the end of the grant. An unreadable number becomes 0, since
/// some viewer may read one. Fields for single caches, such as `CDN-Cache-Control`, are removed: a cache between edge
/// and viewer prefers them to the capped ones. Everything else stays as it is.
pub fn capped_by_grant(
    response: &HeaderMap,
    grant_ends: Timestamp,
    now: Timestamp,
) -> Option<GrantCap> {
    let left_secs = grant_ends.as_secs().saturating_sub(now.as_secs());
    let cap = GrantCap {
        cache_control: capped_cache_control(response, left_secs),
        expires: capped_expires(response, grant_ends),
        removed: response.keys().filter(is_targeted).cloned().collect(),
    };
    (cap != GrantCap::default()).then_some(cap)
}

/// Fields from before RFC 9213 that some proxies and networks follow in place of `Cache-Control`.
const OLDER_FIELDS: [&str; 3] = ["surrogate-control", "x-accel-expires", "edge-control"];

/// RFC 9213 2: names of targeted fields end in `-Cache-Control`.
fn is_targeted(name: &&HeaderName) -> bool {
    let name = name.as_str();
    name.ends_with("-cache-control") || OLDER_FIELDS.contains(&name)
}

/// The kind of time that a directive's number limits.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Span {
    Fresh,
    Stale,
}

fn span(directive: &Directive<'_>) -> Option<Span> {
    match directive.name.to_ascii_lowercase().as_slice() {
        b"max-age" | b"s-maxage" => Some(Span::Fresh),
        b"stale-while-revalidate" | b"stale-if-error" => Some(Span::Stale),
        _ => None,
    }
}

/// Returns whether a directive without a time contains the name of one: some caches look for `max-age` anywhere in the
/// field, and find it in `public; max-age=60` too.
fn may_be_read_as_a_time(directive: &Directive<'_>) -> bool {
    const NAMES: [&[u8]; 3] = [b"max-age", b"s-maxage", b"stale-"];
    let raw = directive.raw.to_ascii_lowercase();
    let has = |name: &[u8]| raw.windows(name.len()).any(|window| window == name);
    span(directive).is_none() && NAMES.iter().any(|name| has(name))
}

fn number(directive: &Directive<'_>) -> Option<u64> {
    let argument = directive.argument.as_ref()?;
    delta_seconds(argument.bytes()).map(u64::from)
}

fn capped_cache_control(response: &HeaderMap, left_secs: u64) -> Option<HeaderValue> {
    let mut all = Vec::new();
    for line in response.get_all(header::CACHE_CONTROL) {
        for directive in directives(line.as_bytes()) {
            match directive {
                Ok(directive) => all.push(directive),
                // Readers differ about an unterminated string, so a viewer may read anything into it.
                Err(_) => return Some(HeaderValue::from_static("no-store")),
            }
        }
    }
    if all.iter().any(may_be_read_as_a_time) {
        return Some(HeaderValue::from_static("no-store"));
    }
    let fresh = all
        .iter()
        .filter(|directive| span(directive) == Some(Span::Fresh));
    let fresh_secs = fresh.filter_map(number).max().unwrap_or(0);
    let stale_left_secs = left_secs - fresh_secs.min(left_secs);
    let limit = |span: Span| match span {
        Span::Fresh => left_secs,
        Span::Stale => stale_left_secs,
    };
    let is_over = |directive: &Directive<'_>| {
        span(directive).is_some_and(|span| number(directive).is_none_or(|secs| secs > limit(span)))
    };
    if !all.iter().any(is_over) {
        return None;
    }
    let mut bytes = Vec::with_capacity(64);
    for directive in &all {
        if !bytes.is_empty() {
            bytes.extend_from_slice(b", ");
        }
        match span(directive).filter(|_| is_over(directive)) {
            None => bytes.extend_from_slice(directive.raw),
            Some(span) => {
                let secs = number(directive).map_or(0, |_| limit(span));
                bytes.extend_from_slice(directive.name);
                bytes.extend_from_slice(format!("={secs}").as_bytes());
            }
        }
    }
    // The pieces come from a header value, so together they are valid as one.
    HeaderValue::from_bytes(&bytes).ok()
}

/// The latest of several dates counts. An invalid date is in the past (RFC 9111 5.3), but many browsers read more than
/// HTTP-dates; only numbers stay, such as the usual `0`.
fn capped_expires(response: &HeaderMap, grant_ends: Timestamp) -> Option<HeaderValue> {
    let mut latest = None;
    for value in response.get_all(header::EXPIRES) {
        match value.to_str().ok().and_then(parse_date) {
            Some(date) => latest = latest.max(Some(date)),
            None if is_number(value.as_bytes()) => {}
            None => return Some(HeaderValue::from_static("0")),
        }
    }
    (latest? > grant_ends).then(|| date_value(grant_ends))
}

/// Allows at most three digits: more of them may be a year.
fn is_number(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    matches!(digits.len(), 1..=3) && digits.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests;
