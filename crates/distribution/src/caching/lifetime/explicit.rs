//! What header fields say of freshness and age (RFC 9111 4.2.1 and 4.2.3).

use super::Moments;
use crate::caching::cache_control::{CacheControl, DELTA_SECONDS_MAX, delta_seconds};
use crate::http_date::parse_date;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use privet_sign::Timestamp;

/// Which field gave the freshness lifetime.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Explicit {
    /// `s-maxage` or `max-age`.
    Directive(u32),
    /// `Expires`.
    Expires(u32),
    /// Nothing was said.
    Absent,
}

impl Explicit {
    /// `s-maxage` before `max-age` before `Expires`; what cannot be read counts as 0.
    pub(super) fn of(
        response: &HeaderMap,
        cache_control: &CacheControl,
        received: Timestamp,
    ) -> Self {
        let directive = cache_control.s_maxage.or_stale();
        if let Some(seconds) = directive.or_else(|| cache_control.max_age.or_stale()) {
            return Explicit::Directive(seconds);
        }
        // RFC 9213 2.2: what is said to CDNs alone stands for `Expires` too.
        if cache_control.is_targeted || !response.contains_key(header::EXPIRES) {
            return Explicit::Absent;
        }
        // RFC 9111 5.3: an invalid date, `0` above all, lies in the past.
        let Some(expires) = same_date(response, header::EXPIRES) else {
            return Explicit::Expires(0);
        };
        let date = same_date(response, header::DATE).unwrap_or(received);
        let seconds = expires.as_secs().saturating_sub(date.as_secs());
        Explicit::Expires(capped(seconds))
    }
}

/// `corrected_initial_age`.
pub(super) fn initial_age_secs(response: &HeaderMap, moments: &Moments) -> u32 {
    let received = moments.received.as_secs();
    let date = same_date(response, header::DATE).unwrap_or(moments.received);
    let apparent_age = received.saturating_sub(date.as_secs());
    let response_delay = received.saturating_sub(moments.requested.as_secs());
    let corrected_age = u64::from(age_value(response)).saturating_add(response_delay);
    capped(apparent_age.max(corrected_age))
}

/// How long the object had not changed for when it was sent: `Date` less `Last-Modified`.
pub(super) fn unchanged_secs(response: &HeaderMap, moments: &Moments) -> Option<u64> {
    let modified = same_date(response, header::LAST_MODIFIED)?;
    let date = same_date(response, header::DATE).unwrap_or(moments.received);
    date.as_secs().checked_sub(modified.as_secs())
}

/// The value of `Age`, of which the first member counts: of several lines, and of a list in one line (RFC 9111 5.1).
///
/// What is no number is ignored, as RFC 9111 5.1 demands. Parameters, which `Age` has none of, take nothing from the
/// number before them.
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

/// A date that all lines agree on.
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
