//! Converts seconds since 1970 into year, month and day in UTC.

use privet_sign::Timestamp;

/// A point in time in the proleptic Gregorian calendar, UTC, without leap seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DateTime {
    pub(crate) year: u64,
    pub(crate) month: u64,
    pub(crate) day: u64,
    pub(crate) hour: u64,
    pub(crate) minute: u64,
    pub(crate) second: u64,
}

impl DateTime {
    pub(crate) fn of(timestamp: Timestamp) -> Self {
        let seconds = timestamp.as_secs();
        // Years are counted from 0000-03-01, so that the leap day is the last of its year (Hinnant, "chrono-compatible
        // low-level date algorithms", civil_from_days).
        let days = seconds / 86_400 + 719_468;
        let era = days / 146_097;
        let day_of_era = days % 146_097;
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        DateTime {
            year: era * 400 + year_of_era + u64::from(month <= 2),
            month,
            day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
            hour: seconds / 3_600 % 24,
            minute: seconds / 60 % 60,
            second: seconds % 60,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(seconds: u64, date: &str, time: &str) {
        let at = DateTime::of(Timestamp::from_secs(seconds));
        let found_date = format!("{:04}-{:02}-{:02}", at.year, at.month, at.day);
        let found_time = format!("{:02}:{:02}:{:02}", at.hour, at.minute, at.second);
        assert_eq!((found_date.as_str(), found_time.as_str()), (date, time));
    }

    #[test]
    fn days() {
        check(0, "1970-01-01", "00:00:00");
        check(951_782_400, "2000-02-29", "00:00:00");
        check(951_868_799, "2000-02-29", "23:59:59");
        check(951_868_800, "2000-03-01", "00:00:00");
        check(1_767_225_599, "2025-12-31", "23:59:59");
        check(4_107_542_400, "2100-03-01", "00:00:00");
        check(253_402_300_799, "9999-12-31", "23:59:59");
    }
}
