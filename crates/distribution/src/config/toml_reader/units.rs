//! Durations such as `15m` and sizes such as `32 MiB`.

use std::time::Duration;

const DURATION_UNITS: [(&str, u64); 5] = [
    ("ms", 1),
    ("s", 1_000),
    ("m", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

const SIZE_UNITS: [(&str, u64); 5] = [
    ("", 1),
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// Parses `500ms`, `30s`, `15m`, `2h` or `1d`; a space before the unit is allowed.
pub(crate) fn parse_duration(text: &str) -> Option<Duration> {
    parse(text, &DURATION_UNITS).map(Duration::from_millis)
}

/// Parses bytes: `8192`, `20 KiB`, `32 MiB` or `1 GiB`; the space is optional.
pub(crate) fn parse_size(text: &str) -> Option<u64> {
    parse(text, &SIZE_UNITS)
}

fn parse(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let number: u64 = digits.parse().ok()?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.checked_mul(*factor)
}

/// Formats a duration as an operator would write it, in the largest unit that leaves no remainder.
pub(crate) fn format_duration(duration: Duration) -> String {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    format(millis, &DURATION_UNITS, "")
}

/// Formats a size as an operator would write it, in the largest unit that leaves no remainder.
pub(crate) fn format_size(bytes: u64) -> String {
    format(bytes, &SIZE_UNITS, " ")
}

fn format(number: u64, units: &[(&str, u64)], space: &str) -> String {
    let unit = units
        .iter()
        .rev()
        .find(|(name, factor)| !name.is_empty() && number > 0 && number.is_multiple_of(*factor));
    match unit {
        Some((name, factor)) => format!("{}{space}{name}", number / factor),
        None => number.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for bad in [
            "",
            "s",
            "5",
            "-5s",
            "1.5h",
            "5 weeks",
            "99999999999999999999s",
            "999999999999999999d",
        ] {
            assert_eq!(parse_duration(bad), None, "{bad:?}");
        }
        for (text, millis) in [
            ("500ms", 500),
            ("30s", 30_000),
            ("15 m", 900_000),
            ("2h", 7_200_000),
        ] {
            assert_eq!(
                parse_duration(text),
                Some(Duration::from_millis(millis)),
                "{text}"
            );
        }
        assert_eq!(format_duration(Duration::from_secs(900)), "15m");
        assert_eq!(format_duration(Duration::from_millis(1_001)), "1001ms");
    }

    #[test]
    fn sizes() {
        for bad in ["", "MiB", "1 MB", "1kib", "-1", "17179869185 GiB"] {
            assert_eq!(parse_size(bad), None, "{bad:?}");
        }
        for (text, bytes) in [
            ("8192", 8_192),
            ("0", 0),
            ("20 KiB", 20_480),
            ("32MiB", 33_554_432),
        ] {
            assert_eq!(parse_size(text), Some(bytes), "{text}");
        }
        assert_eq!(format_size(33_554_432), "32 MiB");
        assert_eq!(format_size(0), "0");
    }
}
