//! `Cache-Status` (RFC 9211): tells the reader of a response how this cache handled the request.

use http::{HeaderValue, StatusCode};
use std::fmt::Write as _;

/// Name of this cache.
const CACHE_NAME: &str = "Privet";

/// The handling of a request by the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handling {
    /// The response came from the cache, without a request to the origin.
    Hit,
    /// The request, or one for the same object, went to the origin.
    Forwarded(ForwardReason),
}

/// Reason why a request went to the origin (RFC 9211 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardReason {
    /// The behavior does not cache.
    Bypass,
    /// The cache does not handle the method.
    Method,
    /// Nothing is stored under the key.
    UriMiss,
    /// The stored responses are for other values of the fields that `Vary` names.
    VaryMiss,
    /// The request itself demanded it.
    Request,
    /// The stored response is stale.
    Stale,
    /// Only some bytes of the object are stored.
    Partial,
}

impl ForwardReason {
    fn token(self) -> &'static str {
        match self {
            ForwardReason::Bypass => "bypass",
            ForwardReason::Method => "method",
            ForwardReason::UriMiss => "uri-miss",
            ForwardReason::VaryMiss => "vary-miss",
            ForwardReason::Request => "request",
            ForwardReason::Stale => "stale",
            ForwardReason::Partial => "partial",
        }
    }
}

/// One member of the list. Parameters that do not apply to the handling are left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CacheStatus {
    /// `hit` or `fwd`.
    pub handling: Handling,
    /// `fwd-status`: status of the origin's response, if there was one and the viewer gets another.
    pub forward_status: Option<StatusCode>,
    /// `ttl`, as returned by [`crate::caching::Lifetime::ttl_secs`].
    pub ttl_secs: Option<i64>,
    /// `stored`: true if the origin's response was stored.
    pub stored: bool,
    /// `collapsed`: true if the request waited for another one's response.
    pub collapsed: bool,
    /// `detail`: a token, such as [`crate::caching::Unstorable::token`].
    pub detail: Option<&'static str>,
}

impl CacheStatus {
    /// Makes a hit that stays fresh for `ttl_secs`; negative when it was served stale.
    pub fn hit(ttl_secs: i64) -> Self {
        CacheStatus {
            handling: Handling::Hit,
            forward_status: None,
            ttl_secs: Some(ttl_secs),
            stored: false,
            collapsed: false,
            detail: None,
        }
    }

    /// Makes the status of a request that went to the origin, before anything is known of the response.
    pub fn forwarded(reason: ForwardReason) -> Self {
        CacheStatus {
            handling: Handling::Forwarded(reason),
            forward_status: None,
            ttl_secs: None,
            stored: false,
            collapsed: false,
            detail: None,
        }
    }

    /// Returns the member, which goes after those of the caches nearer to the origin (RFC 9211 2).
    pub fn to_header_value(&self) -> HeaderValue {
        let mut text = String::with_capacity(96);
        text.push_str(CACHE_NAME);
        match self.handling {
            Handling::Hit => text.push_str("; hit"),
            Handling::Forwarded(reason) => self.push_forwarding(&mut text, reason),
        }
        if let Some(ttl_secs) = self.ttl_secs {
            // RFC 8941 3.3.1: integers have at most 15 digits. Writing to a String does not fail.
            let limit = 999_999_999_999_999;
            let _ = write!(text, "; ttl={}", ttl_secs.clamp(-limit, limit));
        }
        if let Some(detail) = self.detail {
            let _ = write!(text, "; detail={detail}");
        }
        HeaderValue::try_from(text).unwrap_or_else(|_| HeaderValue::from_static(CACHE_NAME))
    }

    fn push_forwarding(&self, text: &mut String, reason: ForwardReason) {
        text.push_str("; fwd=");
        text.push_str(reason.token());
        if let Some(status) = self.forward_status {
            let _ = write!(text, "; fwd-status={}", status.as_u16());
        }
        if self.stored {
            text.push_str("; stored");
        }
        if self.collapsed {
            text.push_str("; collapsed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(status: CacheStatus, expected: &str) {
        assert_eq!(status.to_header_value(), expected);
    }

    #[test]
    fn a_hit_has_nothing_of_forwarding() {
        let hit = CacheStatus {
            stored: true,
            collapsed: true,
            forward_status: Some(StatusCode::OK),
            ..CacheStatus::hit(-5)
        };
        check(hit, "Privet; hit; ttl=-5");
        check(
            CacheStatus::hit(i64::MIN),
            "Privet; hit; ttl=-999999999999999",
        );
    }

    #[test]
    fn forwarding() {
        check(
            CacheStatus::forwarded(ForwardReason::Bypass),
            "Privet; fwd=bypass",
        );
        let stored = CacheStatus {
            ttl_secs: Some(60),
            stored: true,
            collapsed: true,
            ..CacheStatus::forwarded(ForwardReason::UriMiss)
        };
        check(stored, "Privet; fwd=uri-miss; stored; collapsed; ttl=60");
        let refused = CacheStatus {
            forward_status: Some(StatusCode::NOT_MODIFIED),
            detail: Some("no-store"),
            ..CacheStatus::forwarded(ForwardReason::Stale)
        };
        check(
            refused,
            "Privet; fwd=stale; fwd-status=304; detail=no-store",
        );
    }
}
