//! Decides which part of an object to send: conditions (RFC 9110 13) before ranges (RFC 9110 14).

use crate::byte_range::ByteRange;
use crate::caching::DateStrength;
use crate::http_date::parse_date;
use crate::response::ranges::{self, RangeSet};
use http::{HeaderMap, HeaderName, Method, header};
use privet_sign::Timestamp;

/// The object as the origin has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Representation {
    /// Length of the whole object in bytes.
    pub size_bytes: u64,
    /// Entity tag as sent, quotes included; weak when it begins with `W/`.
    pub etag: String,
    /// Time of the last modification, to the second, as in `Last-Modified`.
    pub last_modified: Timestamp,
    /// Value of `Content-Type`.
    pub content_type: String,
}

/// The facts that conditions and ranges are evaluated against. An object of an HTTP origin may lack any validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validators<'a> {
    /// Length of the whole object in bytes.
    pub size_bytes: u64,
    /// Entity tag as sent, quotes included; weak when it begins with `W/`.
    pub etag: Option<&'a str>,
    /// Date of `Last-Modified`.
    pub last_modified: Option<Timestamp>,
    /// Strength of that date: a strong one lets a viewer join new ranges to those it has (RFC 9110 13.1.5).
    pub date_strength: DateStrength,
    /// Date of the response, `Date`, for `If-Modified-Since` where `Last-Modified` is missing (RFC 9111 4.3.2). `None`
    /// ignores such conditions.
    pub dated: Option<Timestamp>,
}

impl<'a> From<&'a Representation> for Validators<'a> {
    fn from(representation: &'a Representation) -> Self {
        Validators {
            size_bytes: representation.size_bytes,
            etag: Some(&representation.etag),
            last_modified: Some(representation.last_modified),
            date_strength: DateStrength::Strong,
            dated: None,
        }
    }
}

/// The response to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// 200 with the whole object.
    Whole,
    /// 304.
    NotModified,
    /// 412.
    PreconditionFailed,
    /// 206 with one range.
    One(ByteRange),
    /// 206 with multipart/byteranges, in the requested order.
    Several(Vec<ByteRange>),
    /// 416 with `Content-Range: bytes */size`.
    NotSatisfiable,
}

/// Evaluates If-Match, If-Unmodified-Since, If-None-Match, If-Modified-Since, If-Range and Range for GET and HEAD, in
/// the order of RFC 9110 13.2.2. Other methods select `Whole`.
///
/// `Range` counts for GET only (RFC 9110 14.2). Out-of-order, overlapping, invalid or more than `ranges_max` ranges
/// give `Whole` (developer guide, "How CloudFront processes partial requests"). Allocates only if several ranges are
/// requested.
pub fn select(
    method: &Method,
    headers: &HeaderMap,
    representation: &Representation,
    ranges_max: usize,
) -> Selection {
    select_by(method, headers, &representation.into(), ranges_max)
}

/// Like [`select`], for an object that may lack validators. It is for successful responses only (RFC 9110 13.2.1).
///
/// Without an entity tag, `If-Match` holds for `*` alone. Without a date of modification, `If-Unmodified-Since` is
/// ignored (RFC 9110 13.1.4), and an `If-Range` with a date never holds.
pub fn select_by(
    method: &Method,
    headers: &HeaderMap,
    validators: &Validators<'_>,
    ranges_max: usize,
) -> Selection {
    if method != Method::GET && method != Method::HEAD {
        return Selection::Whole;
    }
    if !preconditions_hold(headers, validators) {
        return Selection::PreconditionFailed;
    }
    if is_not_modified(headers, validators) {
        return Selection::NotModified;
    }
    if method == Method::GET {
        select_range(headers, validators, ranges_max)
    } else {
        Selection::Whole
    }
}

/// Evaluates steps 1 and 2: If-Match by strong comparison, or else If-Unmodified-Since.
fn preconditions_hold(headers: &HeaderMap, validators: &Validators<'_>) -> bool {
    if headers.contains_key(header::IF_MATCH) {
        return any_tag(headers, header::IF_MATCH, |tag| {
            validators
                .etag
                .is_some_and(|etag| strongly_equal(tag, etag))
        });
    }
    match (
        date(headers, header::IF_UNMODIFIED_SINCE),
        validators.last_modified,
    ) {
        (Some(date), Some(last_modified)) => last_modified <= date,
        (None, _) | (_, None) => true,
    }
}

/// Evaluates steps 3 and 4: If-None-Match by weak comparison, or else If-Modified-Since.
fn is_not_modified(headers: &HeaderMap, validators: &Validators<'_>) -> bool {
    if headers.contains_key(header::IF_NONE_MATCH) {
        return any_tag(headers, header::IF_NONE_MATCH, |tag| {
            validators
                .etag
                .is_some_and(|etag| opaque(tag) == opaque(etag))
        });
    }
    let modified = validators.last_modified.or(validators.dated);
    match (date(headers, header::IF_MODIFIED_SINCE), modified) {
        (Some(date), Some(modified)) => modified <= date,
        (None, _) | (_, None) => false,
    }
}

/// Evaluates step 5: Range, unless If-Range says that the viewer has another version.
fn select_range(headers: &HeaderMap, validators: &Validators<'_>, ranges_max: usize) -> Selection {
    let Some(range) = only_value(headers, header::RANGE) else {
        return Selection::Whole;
    };
    if !if_range_holds(headers, validators) {
        return Selection::Whole;
    }
    match ranges::parse(range, validators.size_bytes, ranges_max) {
        RangeSet::Ignored => Selection::Whole,
        RangeSet::NotSatisfiable => Selection::NotSatisfiable,
        RangeSet::One(range) => Selection::One(range),
        RangeSet::Several(ranges) => Selection::Several(ranges),
    }
}

/// RFC 9110 13.1.5: If-Range needs a strong entity tag, or exactly the date of Last-Modified where that is strong too.
fn if_range_holds(headers: &HeaderMap, validators: &Validators<'_>) -> bool {
    if !headers.contains_key(header::IF_RANGE) {
        return true;
    }
    let Some(value) = only_value(headers, header::IF_RANGE) else {
        return false;
    };
    if value.starts_with('"') || value.starts_with("W/") {
        validators
            .etag
            .is_some_and(|etag| strongly_equal(value, etag))
    } else {
        validators.date_strength == DateStrength::Strong
            && validators.last_modified.is_some()
            && parse_date(value) == validators.last_modified
    }
}

/// RFC 9110 8.8.3.2: the tags are equal, and neither is weak.
fn strongly_equal(one: &str, other: &str) -> bool {
    one == other && !one.starts_with("W/")
}

/// Returns an entity tag without its `W/`.
fn opaque(tag: &str) -> &str {
    tag.strip_prefix("W/").unwrap_or(tag)
}

/// Returns whether the list contains `*` or a `wanted` tag. Text that is not an entity tag ends its line.
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

/// Returns the date of a header that occurs exactly once and is a valid HTTP-date; others are ignored (RFC 9110
/// 13.1.3).
fn date(headers: &HeaderMap, name: HeaderName) -> Option<Timestamp> {
    parse_date(only_value(headers, name)?)
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
