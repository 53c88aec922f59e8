//! Dates of signatures, in ISO 8601's basic form.

use crate::sigv4::{EXPIRES_SECS_MAX, Refusal, SKEW_SECS_MAX};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Reads `YYYYMMDDTHHMMSSZ`, whose day has to be that of the scope, into seconds since 1970.
pub(super) fn read(text: &str, day: &str) -> Result<i64, Refusal> {
    let malformed = |fault| Refusal::malformed("X-Amz-Date", fault);
    let is_form = text.len() == 16
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 => byte == b'T',
            15 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        });
    if !is_form {
        return Err(malformed("is not YYYYMMDDTHHMMSSZ"));
    }
    if !text.starts_with(day) {
        return Err(malformed("is of another day than the credential"));
    }
    let moment = DateTime::strptime("%Y%m%dT%H%M%SZ", text)
        .ok()
        .and_then(|moment| TimeZone::UTC.to_timestamp(moment).ok());
    moment
        .map(|moment| moment.as_second())
        .ok_or(malformed("is no date"))
}

/// Checks that a request was signed about now.
pub(super) fn check_skew(signed_at: i64, now: i64) -> Result<(), Refusal> {
    match now.abs_diff(signed_at) <= SKEW_SECS_MAX.unsigned_abs() {
        true => Ok(()),
        false => Err(Refusal::Skewed),
    }
}

/// Checks that a presigned URL is in force.
pub(super) fn check_expiry(signed_at: i64, expires: &str, now: i64) -> Result<(), Refusal> {
    let malformed = || Refusal::malformed("X-Amz-Expires", "is not 1 to 604800 seconds");
    let is_number = (1..=6).contains(&expires.len()) && expires.bytes().all(|b| b.is_ascii_digit());
    let secs: i64 = match is_number {
        true => expires.parse().map_err(|_| malformed())?,
        false => return Err(malformed()),
    };
    if !(1..=EXPIRES_SECS_MAX).contains(&secs) {
        return Err(malformed());
    }
    if signed_at > now.saturating_add(SKEW_SECS_MAX) {
        return Err(Refusal::NotYet);
    }
    match now <= signed_at.saturating_add(secs) {
        true => Ok(()),
        false => Err(Refusal::Expired),
    }
}
