//! What of an object to send: conditions (RFC 9110 13) before ranges (RFC 9110 14).

use crate::ranges::{self, ByteRange, RangeSet};
use http::{HeaderMap, HeaderName, Method, header};
use privet_sign::Timestamp;

/// What the origin has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Representation {
    /// The length of the whole object.
    pub size_bytes: u64,
    /// The entity tag as sent, quotes included; weak when it begins with `W/`.
    pub etag: String,
    /// To the second, as in `Last-Modified`.
    pub last_modified: Timestamp,
    /// The value of `Content-Type`.
    pub content_type: String,
}

/// What to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// 200 with everything.
    Whole,
    /// 304.
    NotModified,
    /// 412.
    PreconditionFailed,
    /// 206 with one range.
    One(ByteRange),
    /// 206 with multipart/byteranges, in the order asked.
    Several(Vec<ByteRange>),
    /// 416 with `Content-Range: bytes */size`.
    NotSatisfiable,
}

/// Evaluates If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since, If-Range and Range for GET and HEAD,
/// in the order of RFC 9110 13.2.2. Other methods select `Whole`.
///
/// `Range` counts for GET only (RFC 9110 14.2). Out-of-order, overlapping, invalid or more than `ranges_max` ranges
/// give `Whole` (developer guide, "How CloudFront processes partial requests"). Does not allocate unless several ranges
/// are asked for.
pub fn select(
    method: &Method,
    headers: &HeaderMap,
    representation: &Representation,
    ranges_max: usize,
) -> Selection {
    if method != Method::GET && method != Method::HEAD {
        return Selection::Whole;
    }
    if !preconditions_hold(headers, representation) {
        return Selection::PreconditionFailed;
    }
    if is_not_modified(headers, representation) {
        return Selection::NotModified;
    }
    if method == Method::GET {
        select_range(headers, representation, ranges_max)
    } else {
        Selection::Whole
    }
}

/// Steps 1 and 2: If-Match by strong comparison, or else If-Unmodified-Since.
fn preconditions_hold(headers: &HeaderMap, representation: &Representation) -> bool {
    if headers.contains_key(header::IF_MATCH) {
        return any_tag(headers, header::IF_MATCH, |tag| {
            strongly_equal(tag, &representation.etag)
        });
    }
    date(headers, header::IF_UNMODIFIED_SINCE)
        .is_none_or(|date| representation.last_modified <= date)
}

/// Steps 3 and 4: If-None-Match by weak comparison, or else If-Modified-Since.
fn is_not_modified(headers: &HeaderMap, representation: &Representation) -> bool {
    if headers.contains_key(header::IF_NONE_MATCH) {
        return any_tag(headers, header::IF_NONE_MATCH, |tag| {
            opaque(tag) == opaque(&representation.etag)
        });
    }
    date(headers, header::IF_MODIFIED_SINCE)
        .is_some_and(|date| representation.last_modified <= date)
}

/// Step 5: Range, unless If-Range says that the viewer has another version.
fn select_range(
    headers: &HeaderMap,
    representation: &Representation,
    ranges_max: usize,
) -> Selection {
    let Some(range) = only_value(headers, header::RANGE) else {
        return Selection::Whole;
    };
    if !if_range_holds(headers, representation) {
        return Selection::Whole;
    }
    match ranges::parse(range, representation.size_bytes, ranges_max) {
        RangeSet::Ignored => Selection::Whole,
        RangeSet::NotSatisfiable => Selection::NotSatisfiable,
        RangeSet::One(range) => Selection::One(range),
        RangeSet::Several(ranges) => Selection::Several(ranges),
    }
}

/// RFC 9110 13.1.5: a strong entity tag, or exactly the date of Last-Modified.
fn if_range_holds(headers: &HeaderMap, representation: &Representation) -> bool {
    if !headers.contains_key(header::IF_RANGE) {
        return true;
    }
    let Some(value) = only_value(headers, header::IF_RANGE) else {
        return false;
    };
    if value.starts_with('"') || value.starts_with("W/") {
        strongly_equal(value, &representation.etag)
    } else {
        parse_date(value) == Some(representation.last_modified)
    }
}

/// RFC 9110 8.8.3.2: equal, and neither is weak.
fn strongly_equal(one: &str, other: &str) -> bool {
    one == other && !one.starts_with("W/")
}

/// An entity tag without its mark of weakness.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// Whether `*` or a tag that is `wanted` stands in the list. What is not an entity tag ends its line.
fn any_tag(headers: &HeaderMap, name: HeaderName, wanted: impl Fn(&str) -> bool) -> bool {
    headers.get_all(name).iter().any(|value| {
        let Ok(value) = value.to_str() else {
            return false;
        };
        value.trim() == "*" || tags(value).any(&wanted)
    })
}

fn tags(mut rest: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches([',', ' ', '\t']);
        let mark = if rest.starts_with("W/") { 2 } else { 0 };
        let inner = rest[mark..].strip_prefix('"')?;
        let end = mark + 1 + inner.find('"')? + 1;
        let (tag, after) = rest.split_at(end);
        rest = after;
        Some(tag)
    })
}

/// The date of a header that is there exactly once and is a valid HTTP-date; others are ignored (RFC 9110 13.1.3).
fn date(headers: &HeaderMap, name: HeaderName) -> Option<Timestamp> {
    parse_date(only_value(headers, name)?)
}

fn parse_date(text: &str) -> Option<Timestamp> {
    let time = httpdate::parse_http_date(text).ok()?;
    let since_epoch = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(Timestamp::from_secs(since_epoch.as_secs()))
}

fn only_value(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    if values.next().is_some() {
        return None;
    }
    value.to_str().ok().map(str::trim)
}

#[cfg(test)]
mod tests;
