//! What header fields say of freshness and age (RFC 9111 4.2.1 and 4.2.3).

use super::storage::Moments;
use crate::cache_control::{CacheControl, DELTA_SECONDS_MAX, delta_seconds};
use crate::http_date::parse_date;
use http::{HeaderMap, HeaderName, header};
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
        if !response.contains_key(header::EXPIRES) {
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

/// The value of `Age`. What cannot be read, and what came in several pieces, is as old as can be.
///
/// Of a list within one line the first member counts (RFC 9111 5.1). `, ` with a space is how an intermediary joins
/// two lines (RFC 9110 5.3): two caches disagree then, and none is believed.
fn age_value(response: &HeaderMap) -> u32 {
    let mut lines = response.get_all(header::AGE).iter();
    let Some(line) = lines.next() else {
        return 0;
    };
    if lines.next().is_some() {
        return DELTA_SECONDS_MAX;
    }
    let line = line.as_bytes().trim_ascii();
    let mut members = line.split(|&byte| byte == b',');
    let first = members.next().unwrap_or_default();
    let others_are_numbers = members.all(|member| delta_seconds(member).is_some());
    match delta_seconds(first) {
        Some(seconds) if others_are_numbers => seconds,
        Some(_) | None => DELTA_SECONDS_MAX,
    }
}

/// A date that all lines agree on.
fn same_date(response: &HeaderMap, name: HeaderName) -> Option<Timestamp> {
    let mut values = response.get_all(name).iter();
    let first = values.next()?;
    if values.any(|other| other != first) {
        return None;
    }
    parse_date(first.to_str().ok()?.trim())
}

fn capped(seconds: u64) -> u32 {
    u32::try_from(seconds).map_or(DELTA_SECONDS_MAX, |seconds| seconds.min(DELTA_SECONDS_MAX))
}
