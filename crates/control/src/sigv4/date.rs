//! The time of a signature: `X-Amz-Date` or `Date`, and how far it may be from ours.

use crate::sigv4::authorization::Authorization;
use crate::sigv4::refusal::{Refusal, SKEW_SECS_MAX};
use http::HeaderMap;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::time::UNIX_EPOCH;

/// Returns the time at which a request says that it was signed, in seconds since 1970; on the day of its scope.
pub(super) fn signed_at(
    headers: &HeaderMap,
    authorization: &Authorization,
) -> Result<i64, Refusal> {
    let (name, part) = match headers.contains_key("x-amz-date") {
        true => ("x-amz-date", "X-Amz-Date"),
        false => ("date", "Date"),
    };
    let mut values = headers.get_all(name).iter();
    let value = values
        .next()
        .ok_or(Refusal::malformed("X-Amz-Date", "is missing"))?;
    if values.next().is_some() {
        return Err(Refusal::malformed(part, "is sent twice"));
    }
    if !authorization.covers(name) {
        return Err(Refusal::malformed(part, "is not among SignedHeaders"));
    }
    let text = value.to_str().unwrap_or_default();
    let signed_at = parse_basic(text).or_else(|| match name {
        "date" => parse_http(text),
        _ => None,
    });
    let signed_at = signed_at.ok_or(Refusal::malformed(part, "is not YYYYMMDDTHHMMSSZ"))?;
    if !basic_format(signed_at)?.starts_with(&authorization.date) {
        return Err(Refusal::malformed(
            part,
            "is not on the day of the credential scope",
        ));
    }
    Ok(signed_at)
}

/// Checks that a signature is of about now.
pub(super) fn check_skew(signed_at: i64, now: i64) -> Result<(), Refusal> {
    let age = now.saturating_sub(signed_at);
    if age > SKEW_SECS_MAX {
        return Err(Refusal::Expired);
    }
    if age < -SKEW_SECS_MAX {
        return Err(Refusal::NotYet);
    }
    Ok(())
}

/// Returns a time as `YYYYMMDDTHHMMSSZ`.
pub(super) fn basic_format(seconds: i64) -> Result<String, Refusal> {
    let fault = |_| Refusal::malformed("X-Amz-Date", "is out of range");
    let at = Timestamp::from_second(seconds).map_err(fault)?;
    Ok(at.strftime("%Y%m%dT%H%M%SZ").to_string())
}

fn parse_basic(text: &str) -> Option<i64> {
    let is_form = text.len() == 16
        && text.bytes().enumerate().all(|(index, byte)| match index {
            8 => byte == b'T',
            15 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        });
    if !is_form {
        return None;
    }
    let two = |at: usize| text.get(at..at + 2)?.parse::<i8>().ok();
    let time = DateTime::new(
        text.get(..4)?.parse().ok()?,
        two(4)?,
        two(6)?,
        two(9)?,
        two(11)?,
        two(13)?,
        0,
    );
    let zoned = time.ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(zoned.timestamp().as_second())
}

fn parse_http(text: &str) -> Option<i64> {
    let time = httpdate::parse_http_date(text).ok()?;
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}
