//! Conditions and ranges of requests, by RFC 9110, 13 and 14. Pure.

use crate::error;
use crate::facts::Fields;
use http::{HeaderMap, HeaderValue};
use privet_objects::{Metadata, TagCondition, WriteConditions};
use s3s::dto::{Timestamp, TimestampFormat};
use s3s::{S3Error, S3ErrorCode, S3Result};
use std::ops::Range;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Reads a list of entity tags. Clients of S3 send them without quotes as well.
pub(super) fn tags(text: &str) -> TagCondition {
    if text.trim() == "*" {
        return TagCondition::Any;
    }
    let tags = text.split(',').map(|tag| {
        let tag = tag.trim();
        let tag = tag.strip_prefix("W/").unwrap_or(tag);
        tag.trim_matches('"').to_owned()
    });
    TagCondition::OneOf(tags.collect())
}

/// Returns the conditions of a write.
pub(super) fn of_write(fields: &Fields) -> S3Result<WriteConditions> {
    let if_none_match = fields.if_none_match.as_deref().map(tags);
    // S3 knows `*` alone here; a tag would say something that nobody means.
    if let Some(TagCondition::OneOf(_)) = if_none_match {
        return Err(error::not_implemented(
            "If-None-Match with an entity tag on a write",
        ));
    }
    Ok(WriteConditions {
        if_match: fields.if_match.as_deref().map(tags),
        if_none_match,
    })
}

/// Conditions under which an object is read, or copied.
#[derive(Clone, Debug, Default)]
pub(super) struct ReadConditions {
    pub(super) if_match: Option<TagCondition>,
    pub(super) if_none_match: Option<TagCondition>,
    pub(super) if_modified_since: Option<u64>,
    pub(super) if_unmodified_since: Option<u64>,
}

/// What conditions of a read have decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Read,
    NotModified,
    Failed,
}

impl ReadConditions {
    pub(super) fn of(fields: &Fields) -> Self {
        // A date that cannot be read is no condition (RFC 9110, 13.1.3).
        let date = |text: &Option<String>| text.as_deref().and_then(seconds_of);
        ReadConditions {
            if_match: fields.if_match.as_deref().map(tags),
            if_none_match: fields.if_none_match.as_deref().map(tags),
            if_modified_since: date(&fields.if_modified_since),
            if_unmodified_since: date(&fields.if_unmodified_since),
        }
    }

    /// Decides in the order of RFC 9110, 13.2.2.
    pub(super) fn decide(&self, metadata: &Metadata) -> Decision {
        let modified = seconds(metadata.modified);
        let passes = match (&self.if_match, self.if_unmodified_since) {
            (Some(tags), _) => matches(tags, metadata),
            (None, Some(since)) => modified <= since,
            (None, None) => true,
        };
        let is_known = match (&self.if_none_match, self.if_modified_since) {
            (Some(tags), _) => matches(tags, metadata),
            (None, Some(since)) => modified <= since,
            (None, None) => false,
        };
        match (passes, is_known) {
            (false, _) => Decision::Failed,
            (true, true) => Decision::NotModified,
            (true, false) => Decision::Read,
        }
    }
}

fn matches(tags: &TagCondition, metadata: &Metadata) -> bool {
    match tags {
        TagCondition::Any => true,
        TagCondition::OneOf(tags) => tags.contains(&metadata.etag.to_string()),
    }
}

/// Returns the bytes that a request wants of an object; `None` for all of them.
///
/// # Errors
/// `InvalidRange` if there are none of these.
pub(super) fn range(fields: &Fields, metadata: &Metadata) -> S3Result<Option<Range<u64>>> {
    let Some(text) = fields.range.as_deref() else {
        return Ok(None);
    };
    if !if_range_holds(fields.if_range.as_deref(), metadata) {
        return Ok(None);
    }
    match read_range(text, metadata.size) {
        Wanted::Everything => Ok(None),
        Wanted::Bytes(range) => Ok(Some(range)),
        Wanted::Nothing => Err(invalid_range(metadata.size)),
    }
}

/// Says that an object has none of the bytes that were asked for.
pub(super) fn invalid_range(size: u64) -> S3Error {
    let mut error = error::known(
        S3ErrorCode::InvalidRange,
        "The requested range is not satisfiable",
    );
    if let Ok(value) = HeaderValue::from_str(&format!("bytes */{size}")) {
        let mut headers = HeaderMap::new();
        headers.insert(http::header::CONTENT_RANGE, value);
        error.set_headers(headers);
    }
    error
}

/// A range counts only if the object is still the one that the client has a part of (RFC 9110, 13.1.5).
fn if_range_holds(if_range: Option<&str>, metadata: &Metadata) -> bool {
    let Some(text) = if_range else {
        return true;
    };
    match seconds_of(text) {
        Some(date) => date == seconds(metadata.modified),
        None => !text.starts_with("W/") && text.trim_matches('"') == metadata.etag.to_string(),
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    /// The field is not of a form that is known, or has several ranges: it is ignored (RFC 9110, 14.2).
    Everything,
    Bytes(Range<u64>),
    Nothing,
}

fn read_range(text: &str, size: u64) -> Wanted {
    let parts = text
        .strip_prefix("bytes=")
        .filter(|set| !set.contains(','))
        .and_then(|range| range.trim().split_once('-'));
    let Some((first, last)) = parts else {
        return Wanted::Everything;
    };
    let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number that is too large stands behind the end.
        true if !text.is_empty() => Some(text.parse().unwrap_or(u64::MAX)),
        true | false => None,
    };
    match (number(first), number(last)) {
        (Some(first), _) if first >= size && (last.is_empty() || number(last) >= Some(first)) => {
            Wanted::Nothing
        }
        (Some(first), None) if last.is_empty() => Wanted::Bytes(first..size),
        (Some(first), Some(last)) if last >= first => {
            Wanted::Bytes(first..last.saturating_add(1).min(size))
        }
        (None, Some(0)) if first.is_empty() => Wanted::Nothing,
        (None, Some(_)) if first.is_empty() && size == 0 => Wanted::Nothing,
        (None, Some(count)) if first.is_empty() => Wanted::Bytes(size - count.min(size)..size),
        (_, _) => Wanted::Everything,
    }
}

/// Returns whole seconds since 1970.
pub(super) fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

fn seconds_of(text: &str) -> Option<u64> {
    httpdate::parse_http_date(text).ok().map(seconds)
}

/// Returns the time of one of s3s's, in whole seconds.
pub(super) fn time_of(timestamp: &Timestamp) -> Option<SystemTime> {
    let mut text = Vec::new();
    timestamp
        .format(TimestampFormat::HttpDate, &mut text)
        .ok()?;
    let text = String::from_utf8(text).ok()?;
    httpdate::parse_http_date(&text).ok()
}

/// Writes a time as header fields have it.
pub(super) fn http_date(time: SystemTime) -> String {
    httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(seconds(time)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a case is written as a value"
    )]
    fn check(text: &str, size: u64, expected: Wanted) {
        assert_eq!(read_range(text, size), expected);
    }

    #[test]
    fn ranges_that_are_none_are_ignored() {
        for text in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=a-b",
            "bytes=5-2",
            "items=0-1",
            "bytes=0-1,3-4",
            "bytes=+1-2",
        ] {
            check(text, 10, Wanted::Everything);
        }
    }

    #[test]
    fn ranges_end_with_the_object() {
        check("bytes=10-", 10, Wanted::Nothing);
        check("bytes=10-20", 10, Wanted::Nothing);
        check("bytes=-0", 10, Wanted::Nothing);
        check("bytes=0-", 0, Wanted::Nothing);
        check("bytes=-5", 0, Wanted::Nothing);
        check("bytes=99999999999999999999-", 10, Wanted::Nothing);
        check("bytes=9-99999999999999999999", 10, Wanted::Bytes(9..10));
        check("bytes=0-0", 10, Wanted::Bytes(0..1));
        check("bytes=-3", 10, Wanted::Bytes(7..10));
        check("bytes=-30", 10, Wanted::Bytes(0..10));
        check("bytes=4-", 10, Wanted::Bytes(4..10));
    }

    #[test]
    fn tags_are_read_with_and_without_quotes() {
        assert_eq!(tags(" * "), TagCondition::Any);
        let expected = TagCondition::OneOf(vec!["a".to_owned(), "b".to_owned(), "c".to_owned()]);
        assert_eq!(tags("\"a\", W/\"b\",c"), expected);
    }
}
