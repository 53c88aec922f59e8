//! A browser must not keep restricted content longer than the grant it came by.

use crate::caching::{Directive, delta_seconds, directives};
use crate::http_date::{date_value, parse_date};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use privet_sign::Timestamp;

/// The fields that say less than the origin's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GrantCap {
    /// In place of all lines of `Cache-Control`.
    pub cache_control: Option<HeaderValue>,
    /// In place of `Expires`.
    pub expires: Option<HeaderValue>,
    /// What is said to some caches only, which need not hear it.
    pub removed: Vec<HeaderName>,
}

impl GrantCap {
    /// Puts the fields into an answer.
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

/// Caps what `response` allows the viewer to keep to the seconds left of the grant; `None` when it says no more.
///
/// `max-age` and `s-maxage` become at most what is left, `stale-while-revalidate` and `stale-if-error` at most what is
/// left after those, `Expires` at most the end of the grant. A number that cannot be read becomes 0, since some viewer
/// may read one. Fields for single caches, such as `CDN-Cache-Control`, go: for a cache between edge and viewer they
/// stand above those that are capped. All else is kept as it stands.
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

/// What some proxies and networks follow in place of `Cache-Control`, from before RFC 9213.
const OLDER_FIELDS: [&str; 3] = ["surrogate-control", "x-accel-expires", "edge-control"];

/// RFC 9213 2 has targeted fields end in `-Cache-Control`.
fn is_targeted(name: &&HeaderName) -> bool {
    let name = name.as_str();
    name.ends_with("-cache-control") || OLDER_FIELDS.contains(&name)
}

/// What a directive's number is about.
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

/// Whether a directive that gives no time holds the name of one: some caches look for `max-age` anywhere in the field,
/// and find it in `public; max-age=60` too.
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
                // Nobody can tell what a viewer makes of it.
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
    // The pieces come from a header value and stay one.
    HeaderValue::from_bytes(&bytes).ok()
}

/// Of several dates the latest counts. What is no date lies in the past (RFC 9111 5.3), but many browsers read more
/// than HTTP-dates; only numbers stay, such as the usual `0`.
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

/// At most three digits: more of them may be a year.
fn is_number(text: &[u8]) -> bool {
    let text = text.trim_ascii();
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    matches!(digits.len(), 1..=3) && digits.iter().all(u8::is_ascii_digit)
}

#[cfg(test)]
mod tests;
