//! `Server-Timing`: metrics of the edge for browsers' developer tools (developer guide, "Server-Timing header").

use crate::logging::ResultType;
use http::HeaderValue;

/// Number of values that the first four characters of a request id can have.
const DRAWS: f64 = 16_777_216.0;

/// Returns the field for the response to a request, if the request is among the `percent` that a response headers
/// policy samples.
///
/// `request_id` is random, and its first four characters of base64 decide the sampling. The metrics are CloudFront's
/// `cdn-cache-hit`, `cdn-cache-refresh` or `cdn-cache-miss`, `cdn-hit-layer`, `cdn-pop` and `cdn-rid`; an origin's own
/// field stays beside it.
pub fn server_timing(
    percent: f64,
    request_id: &str,
    result: ResultType,
    location: &str,
) -> Option<HeaderValue> {
    if draw(request_id) * 100.0 >= percent {
        return None;
    }
    let cache = match result {
        ResultType::Hit => "cdn-cache-hit, cdn-hit-layer;desc=\"EDGE\"",
        ResultType::RefreshHit => "cdn-cache-refresh",
        ResultType::Miss
        | ResultType::LimitExceeded
        | ResultType::CapacityExceeded
        | ResultType::Error
        | ResultType::Redirect => "cdn-cache-miss",
    };
    let text = format!("{cache}, cdn-pop;desc=\"{location}\", cdn-rid;desc=\"{request_id}\"");
    HeaderValue::try_from(text).ok()
}

/// Returns a number from 0 to below 1.
fn draw(request_id: &str) -> f64 {
    let digit = |byte: u8| match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'-' => 62,
        _ => 63,
    };
    let number = request_id
        .bytes()
        .take(4)
        .fold(0_u32, |number, byte| number * 64 + u32::from(digit(byte)));
    f64::from(number) / DRAWS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(percent: f64, id: &str, result: ResultType, expected: Option<&str>) {
        let found = server_timing(percent, id, result, "PRV50-C1");
        let text = found.as_ref().and_then(|value| value.to_str().ok());
        assert_eq!(text, expected, "{percent} {id}");
    }

    #[test]
    fn the_share_is_drawn_by_the_request_id() {
        check(0.0, "AAAA", ResultType::Hit, None);
        check(50.0, "gAAA", ResultType::Hit, None);
        check(99.9, "____", ResultType::Hit, None);
        let hit = "cdn-cache-hit, cdn-hit-layer;desc=\"EDGE\", cdn-pop;desc=\"PRV50-C1\", cdn-rid;desc=\"AAAA\"";
        check(0.01, "AAAA", ResultType::Hit, Some(hit));
        let miss = "cdn-cache-miss, cdn-pop;desc=\"PRV50-C1\", cdn-rid;desc=\"____\"";
        check(100.0, "____", ResultType::Error, Some(miss));
    }
}
