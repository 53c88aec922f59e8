//! Parses times and durations as people type them: `2h`, `+2h`, `now`, epoch seconds, ISO 8601.
//!
//! The clock is read only in [`now`]; parsing is arithmetic.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use privet_sign::Timestamp;

/// A time as typed, before the clock is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// A time given as epoch seconds or in ISO 8601.
    At(Timestamp),
    /// A time relative to the clock: `now`, `+2h`.
    After(Duration),
}

impl Moment {
    /// Returns the time itself.
    pub(crate) fn resolve(self, now: Timestamp) -> Timestamp {
        match self {
            Moment::At(moment) => moment,
            Moment::After(duration) => after(now, duration),
        }
    }
}

/// Returns the time that is `duration` after `now`.
pub(crate) fn after(now: Timestamp, duration: Duration) -> Timestamp {
    Timestamp::from_secs(now.as_secs().saturating_add(duration.as_secs()))
}

/// Reads the clock.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Timestamp::from_secs(since.map_or(0, |since| since.as_secs()))
}

/// Why a text is not a time or a duration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum MomentError {
    /// Not a duration, such as `2` or `h`.
    Duration,
    /// A duration of zero.
    DurationZero,
    /// A duration beyond the range of times.
    DurationTooLong,
    /// Not a time in any form.
    Time,
    /// ISO 8601 without Z or offset.
    NoOffset,
    /// A date before 1970.
    BeforeEpoch,
    /// Milliseconds, with the seconds that were meant.
    Milliseconds(u64),
    /// A time past the year 9999.
    TooLate,
}

impl fmt::Display for MomentError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            MomentError::Duration => {
                "write numbers with units s, m, h, d or w, such as 90m or 1d12h"
            }
            MomentError::DurationZero => "the duration is zero: give at least 1s",
            MomentError::DurationTooLong => {
                "the duration ends past the year 9999: give a shorter one"
            }
            MomentError::Time => {
                "write epoch seconds, 2030-01-01T18:00:00Z, 2030-01-01, +2h or now"
            }
            MomentError::NoOffset => {
                "the time has no offset: add Z for UTC, or an offset such as +02:00"
            }
            MomentError::BeforeEpoch => "the time is before 1970",
            MomentError::Milliseconds(seconds) => {
                return write!(
                    formatter,
                    "looks like milliseconds: divide by 1000, that is {seconds}"
                );
            }
            MomentError::TooLate => "the time is past the year 9999: give seconds since 1970",
        };
        formatter.write_str(text)
    }
}

impl std::error::Error for MomentError {}

/// Parses `2h`, `90m`, `1d12h`: units s, m, h, d, w, largest first or not, each with a number.
///
/// # Errors
/// [`MomentError`].
pub(crate) fn parse_duration(text: &str) -> Result<Duration, MomentError> {
    let mut seconds = 0u64;
    let mut rest = text;
    if rest.is_empty() {
        return Err(MomentError::Duration);
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit_on) = rest.split_at(digits);
        let unit = unit_on.chars().next().and_then(unit_secs);
        let (Some(unit), false) = (unit, number.is_empty()) else {
            return Err(MomentError::Duration);
        };
        let number: u64 = number.parse().map_err(|_| MomentError::DurationTooLong)?;
        seconds = number
            .checked_mul(unit)
            .and_then(|part| part.checked_add(seconds))
            .filter(|seconds| *seconds <= Timestamp::MAX_EXPIRY.as_secs())
            .ok_or(MomentError::DurationTooLong)?;
        rest = &unit_on[1..];
    }
    match seconds {
        0 => Err(MomentError::DurationZero),
        seconds => Ok(Duration::from_secs(seconds)),
    }
}

fn unit_secs(unit: char) -> Option<u64> {
    match unit {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3_600),
        'd' => Some(86_400),
        'w' => Some(604_800),
        _ => None,
    }
}

/// Parses epoch seconds, ISO 8601 with Z or offset, a date (00:00 UTC), `+2h` or `now`.
///
/// # Errors
/// [`MomentError`]; milliseconds are recognized and refused.
pub(crate) fn parse_moment(text: &str) -> Result<Moment, MomentError> {
    if text == "now" {
        return Ok(Moment::After(Duration::ZERO));
    }
    if let Some(duration) = text.strip_prefix('+') {
        return parse_duration(duration).map(Moment::After);
    }
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return parse_epoch(text).map(Moment::At);
    }
    parse_iso(text).map(Moment::At)
}

fn parse_epoch(digits: &str) -> Result<Timestamp, MomentError> {
    let seconds: u64 = digits.parse().map_err(|_| MomentError::TooLate)?;
    let latest = Timestamp::MAX_EXPIRY.as_secs();
    if seconds <= latest {
        return Ok(Timestamp::from_secs(seconds));
    }
    Err(match seconds / 1000 {
        meant if meant <= latest => MomentError::Milliseconds(meant),
        _ => MomentError::TooLate,
    })
}

fn parse_iso(text: &str) -> Result<Timestamp, MomentError> {
    let seconds = match text.parse::<jiff::Timestamp>() {
        Ok(moment) => moment.as_second(),
        Err(_) => midnight(text)?,
    };
    let seconds = u64::try_from(seconds).map_err(|_| MomentError::BeforeEpoch)?;
    Ok(Timestamp::from_secs(seconds))
}

/// Parses a date alone; a time of day without an offset would be ambiguous.
fn midnight(text: &str) -> Result<i64, MomentError> {
    let has_time = text.contains(['T', 't', ' ', ':']);
    if has_time {
        return Err(match text.parse::<jiff::civil::DateTime>() {
            Ok(_) => MomentError::NoOffset,
            Err(_) => MomentError::Time,
        });
    }
    let date: jiff::civil::Date = text.parse().map_err(|_| MomentError::Time)?;
    date.to_zoned(jiff::tz::TimeZone::UTC)
        .map(|zoned| zoned.timestamp().as_second())
        .map_err(|_| MomentError::Time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn check(text: &str, expected: &Result<Moment, MomentError>) {
        assert_eq!(&parse_moment(text), expected, "{text}");
    }

    fn at(secs: u64) -> Result<Moment, MomentError> {
        Ok(Moment::At(Timestamp::from_secs(secs)))
    }

    #[test]
    fn moments() {
        check("", &Err(MomentError::Time));
        check(
            "1790000000000",
            &Err(MomentError::Milliseconds(1_790_000_000)),
        );
        check("253402300800000000", &Err(MomentError::TooLate));
        check("2030-01-01T18:00:00", &Err(MomentError::NoOffset));
        check("1969-12-31T23:59:59Z", &Err(MomentError::BeforeEpoch));
        check("+0s", &Err(MomentError::DurationZero));
        check("now", &Ok(Moment::After(Duration::ZERO)));
        check("+2h", &Ok(Moment::After(Duration::from_secs(7_200))));
        check("253402300799", &at(253_402_300_799));
        check("1970-01-01", &at(0));
        check("2026-01-01T18:00:00.9+01:00", &at(1_767_286_800));
    }

    #[test]
    fn relative_moments_never_overflow() {
        let late = Moment::After(Duration::from_secs(u64::MAX));
        assert_eq!(late.resolve(Timestamp::from_secs(1)).as_secs(), u64::MAX);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC*") {
            let _ = (parse_moment(&text), parse_duration(&text));
        }

        #[test]
        fn likely_text_is_read_or_refused(text in "[+]?[0-9TZ:smhdw.+-]{0,40}") {
            let _ = (parse_moment(&text), parse_duration(&text));
        }

        #[test]
        fn written_durations_are_read(hours in 1u64..1_000_000, minutes in 0u64..60) {
            let expected = Duration::from_secs(hours * 3_600 + minutes * 60);
            prop_assert_eq!(parse_duration(&format!("{hours}h{minutes}m")), Ok(expected));
        }
    }
}
