//! Times: seconds since the epoch, rounding, and the UTC text for explanations.
//!
//! The clock itself is the caller's: everything here is arithmetic.

/// Seconds since 1970-01-01T00:00:00Z.
///
/// Any value is representable; [`Timestamp::MAX_EXPIRY`] bounds what a policy may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// 9999-12-31T23:59:59Z, the latest expiry; anything later in a policy is `MalformedPolicy` (milliseconds
    /// land there).
    pub const MAX_EXPIRY: Timestamp = Timestamp(253_402_300_799);

    /// Makes the time `secs` seconds after the epoch.
    pub const fn from_secs(secs: u64) -> Self {
        Timestamp(secs)
    }

    /// Returns the seconds since the epoch.
    pub const fn as_secs(self) -> u64 {
        self.0
    }

    /// Rounds up to the next multiple of `step_secs`. A multiple stays as it is.
    ///
    /// Expiries rounded like this repeat, so that signed URLs repeat and browsers can cache them. A step of 0 or 1
    /// changes nothing; the result never exceeds [`Timestamp::MAX_EXPIRY`] unless the time itself did.
    #[must_use]
    pub const fn rounded_up(self, step_secs: u64) -> Timestamp {
        if step_secs <= 1 || self.0 > Self::MAX_EXPIRY.0 {
            return self;
        }
        let rest = self.0 % step_secs;
        if rest == 0 {
            return self;
        }
        match self.0.checked_add(step_secs - rest) {
            Some(rounded) if rounded <= Self::MAX_EXPIRY.0 => Timestamp(rounded),
            Some(_) | None => Self::MAX_EXPIRY,
        }
    }

    /// Formats UTC date and time, `2026-01-01T18:00:00Z`; `beyond year 9999` past [`Timestamp::MAX_EXPIRY`].
    pub fn to_utc(self) -> String {
        if self > Self::MAX_EXPIRY {
            return "beyond year 9999".to_owned();
        }
        let (year, month, day) = civil_from_days(self.0 / 86_400);
        let second = self.0 % 86_400;
        format!(
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z",
            second / 3_600,
            second / 60 % 60,
            second % 60
        )
    }
}

/// Returns year, month and day of the proleptic Gregorian calendar, `days` after 1970-01-01.
///
/// The calculation counts in eras of 400 years that begin on 1 March, so that the leap day comes last.
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_utc(secs: u64, expected: &str) {
        assert_eq!(Timestamp::from_secs(secs).to_utc(), expected);
    }

    #[test]
    fn dates_are_written_in_utc() {
        check_utc(253_402_300_800, "beyond year 9999");
        check_utc(0, "1970-01-01T00:00:00Z");
        check_utc(951_782_400, "2000-02-29T00:00:00Z");
        check_utc(1_406_899_201, "2014-08-01T13:20:01Z");
        check_utc(1_767_290_400, "2026-01-01T18:00:00Z");
        check_utc(253_402_300_799, "9999-12-31T23:59:59Z");
    }

    fn check_rounding(secs: u64, step: u64, expected: u64) {
        assert_eq!(
            Timestamp::from_secs(secs).rounded_up(step).as_secs(),
            expected
        );
    }

    #[test]
    fn expiries_round_up_to_the_step() {
        check_rounding(u64::MAX, 900, u64::MAX);
        check_rounding(253_402_300_799, 900, 253_402_300_799);
        check_rounding(7, 0, 7);
        check_rounding(7, u64::MAX, 253_402_300_799);
        check_rounding(900, 900, 900);
        check_rounding(901, 900, 1800);
    }
}
