//! Converts HTTP-dates (RFC 9110 5.6.7) to timestamps, and back.

use http::HeaderValue;
use privet_sign::Timestamp;
use std::time::{Duration, UNIX_EPOCH};

/// Parses any of the three forms, in any case, with surrounding whitespace; returns `None` for everything else and for
/// dates before 1970.
///
/// HTTP-dates are case-sensitive, but recipients are encouraged to be robust (RFC 9110 5.6.7).
pub fn parse_date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    let time = httpdate::parse_http_date(text)
        .or_else(|_| httpdate::parse_http_date(&in_usual_case(text)))
        .ok()?;
    let since_epoch = time.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp::from_secs(since_epoch.as_secs()))
}

/// Capitalizes the names of days and months, and puts `GMT` into capitals.
fn in_usual_case(text: &str) -> String {
    let mut is_in_word = false;
    let cased = text.chars().map(|character| {
        let was_in_word = std::mem::replace(&mut is_in_word, character.is_ascii_alphabetic());
        if was_in_word {
            character.to_ascii_lowercase()
        } else {
            character.to_ascii_uppercase()
        }
    });
    cased.collect::<String>().replace("Gmt", "GMT")
}

/// Returns an IMF-fixdate; timestamps beyond the year 9999 become its last second.
pub fn date_value(at: Timestamp) -> HeaderValue {
    let secs = at.min(Timestamp::MAX_EXPIRY).as_secs();
    let text = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(secs));
    HeaderValue::try_from(text).expect("an IMF-fixdate is plain ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The three forms are from RFC 9110 5.6.7.
    #[test]
    fn the_three_forms_in_any_case() {
        let expected = Some(Timestamp::from_secs(784_111_777));
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "SUN, 06 Nov 1994 08:49:37 GMT",
            "sun, 06 nov 1994 08:49:37 gmt",
            "Sun, 06 NOV 1994 08:49:37 gMT",
            "sUNDAY, 06-nOV-94 08:49:37 Gmt",
            "SUN NOV  6 08:49:37 1994",
        ] {
            assert_eq!(parse_date(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "0",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 08:49:37 AEST",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun 06 Nov 1994 08:49:37 GMT",
            "Sun, 06  Nov 1994 08:49:37 GMT",
            "Sun, 06-Nov-1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08.49.37 GMT",
            "Sun, 06 Nov 1994 8:49:37 GMT",
            // The date was a Sunday.
            "Mon Nov  6 08:49:37 1994",
            "Thu, 01 Jan 1960 00:00:00 GMT",
            "s\u{fc}n, 06 Nov 1994 08:49:37 GMT",
        ] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }
}
