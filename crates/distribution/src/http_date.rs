//! HTTP-dates (RFC 9110 5.6.7) as moments, and back.

use http::HeaderValue;
use privet_sign::Timestamp;
use std::time::{Duration, UNIX_EPOCH};

/// Any of the three forms; `None` for everything else and for what lies before 1970.
pub(crate) fn parse_date(text: &str) -> Option<Timestamp> {
    let time = httpdate::parse_http_date(text).ok()?;
    let since_epoch = time.duration_since(UNIX_EPOCH).ok()?;
    Some(Timestamp::from_secs(since_epoch.as_secs()))
}

/// IMF-fixdate; what lies beyond the year 9999 becomes its last second.
pub(crate) fn date_value(at: Timestamp) -> HeaderValue {
    let secs = at.min(Timestamp::MAX_EXPIRY).as_secs();
    let text = httpdate::fmt_http_date(UNIX_EPOCH + Duration::from_secs(secs));
    HeaderValue::try_from(text).expect("an IMF-fixdate is plain ASCII")
}
