//! Reads freshness and age from header fields (RFC 9111 4.2.1 and 4.2.3).

use super::Moments;
use crate::caching::cache_control::{CacheControl, DELTA_SECONDS_MAX, delta_seconds};
use crate::http_date::parse_date;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use privet_sign::Timestamp;

/// The freshness lifetime that header fields state, by the kind of field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Explicit {
    /// Seconds of `s-maxage` or `max-age`.
    Directive(u32),
    /// Seconds until the date of `Expires`.
    Expires(u32),
    /// No field states a lifetime.
    Absent,
}

impl Explicit {
    /// Reads `s-maxage` before `max-age` before `Expires`; an unreadable value counts as 0.
    pub(super) fn of(
        response: &HeaderMap,
        cache_control: &CacheControl,
        received: Timestamp,
    ) -> Self {
        let directive = cache_control.s_maxage.or_stale();
        if let Some(seconds) = directive.or_else(|| cache_control.max_age.or_stale()) {
            return Explicit::Directive(seconds);
        }
        // RFC 9213 2.2: directives for CDNs alone replace `Expires` too.
        if cache_control.is_targeted || !response.contains_key(header::EXPIRES) {
            return Explicit::Absent;
        }
        // RFC 9111 5.3: an invalid date, `0` above all, is in the past.
        let Some(expires) = same_date(response, header::EXPIRES) else {
            return Explicit::Expires(0);
        };
        let date = same_date(response, header::DATE).unwrap_or(received);
        let seconds = expires.as_secs().saturating_sub(date.as_secs());
        Explicit::Expires(capped(seconds))
    }
}

/// Returns the age at reception, `corrected_initial_age` of RFC 9111 4.2.3.
pub(super) fn initial_age_secs(response: &HeaderMap, moments: &Moments) -> u32 {
    let received = moments.received.as_secs();
    let date = same_date(response, header::DATE).unwrap_or(moments.received);
    let apparent_age = received.saturating_sub(date.as_secs());
    let response_delay = received.saturating_sub(moments.requested.as_secs());
    let corrected_age = u64::from(age_value(response)).saturating_add(response_delay);
    capped(apparent_age.max(corrected_age))
}

/// Returns how long the object had been unchanged when it was sent: `Date` minus `Last-Modified`.
pub(super) fn unchanged_secs(response: &HeaderMap, moments: &Moments) -> Option<u64> {
    let modified = same_date(response, header::LAST_MODIFIED)?;
    let date = same_date(response, header::DATE).unwrap_or(moments.received);
    date.as_secs().checked_sub(modified.as_secs())
}

/// Returns the value of `Age`, of which the first member counts: of several lines, and of a list in one line (RFC 9111
/// 5.1).
///
/// A value that is not a number is ignored, as RFC 9111 5.1 demands. Parameters, which `Age` does not have, do not
/// invalidate the number before them.
fn age_value(response: &HeaderMap) -> u32 {
    let line = response
        .get(header::AGE)
        .map_or(&b""[..], HeaderValue::as_bytes);
    let number = line
        .split(|byte| matches!(byte, b',' | b';'))
        .map(<[u8]>::trim_ascii)
        .find(|member| !member.is_empty());
    number.and_then(delta_seconds).unwrap_or(0)
}

/// Returns the date on which all lines agree.
fn same_date(response: &HeaderMap, name: HeaderName) -> Option<Timestamp> {
    let mut values = response.get_all(name).iter();
    let first = values.next()?;
    if values.any(|other| other != first) {
        return None;
    }
    parse_date(first.to_str().ok()?)
}

pub(super) fn capped(seconds: u64) -> u32 {
    u32::try_from(seconds).map_or(DELTA_SECONDS_MAX, |seconds| seconds.min(DELTA_SECONDS_MAX))
}
