//! Which cookies reach the origin.

use crate::distribution::CacheBehavior;
use http::{HeaderMap, HeaderValue, header};

/// Case does not matter here: a misspelt one is no credential, but still nobody else's business.
const SIGNING_COOKIES: [&str; 5] = [
    "CloudFront-Expires",
    "CloudFront-Policy",
    "CloudFront-Signature",
    "CloudFront-Key-Pair-Id",
    "CloudFront-Hash-Algorithm",
];

/// The cookies that the cache policy or the origin request policy names, sorted by name (developer guide, "Cache
/// content based on cookies"); `None` when none is left. Those of signatures are left out whatever the policies say, for
/// open behaviors too: browsers send them along to every path.
pub(super) fn forwarded_cookies(
    behavior: &CacheBehavior,
    request: &HeaderMap,
) -> Option<HeaderValue> {
    let policy = behavior.origin_request_policy.as_deref();
    let is_forwarded = |name: &[u8]| {
        let name = String::from_utf8_lossy(name);
        let is_signing = SIGNING_COOKIES
            .iter()
            .any(|known| known.eq_ignore_ascii_case(&name));
        let is_passed = policy.is_some_and(|policy| policy.cookies.takes(&name))
            || behavior.cache_policy.cookies.takes(&name);
        is_passed && !is_signing
    };
    let values = request.get_all(header::COOKIE).into_iter();
    let mut cookies: Vec<(&[u8], &[u8])> = values
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
        .map(<[u8]>::trim_ascii)
        .filter(|cookie| !cookie.is_empty())
        .map(|cookie| (name_of(cookie), cookie))
        .filter(|(name, _)| is_forwarded(name))
        .collect();
    // Of cookies with one name the order says which path is longer (RFC 6265 5.4), so the sort is a stable one.
    cookies.sort_by_key(|(name, _)| *name);
    let texts: Vec<&[u8]> = cookies.into_iter().map(|(_, cookie)| cookie).collect();
    let joined = texts.join(&b"; "[..]);
    HeaderValue::from_bytes(&joined)
        .ok()
        .filter(|value| !value.is_empty())
}

fn name_of(cookie: &[u8]) -> &[u8] {
    let name = cookie.split(|byte| *byte == b'=').next();
    name.unwrap_or(cookie).trim_ascii_end()
}
