//! Which cookies reach the origin.

use super::bucket::lists_cookie;
use crate::distribution::CacheBehavior;
use crate::origin::{Origin, OriginSource};
use crate::policies::NameFilter;
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
/// open behaviors too: browsers send them along to every path. A bucket gets those alone that a policy lists.
pub(super) fn forwarded_cookies(
    behavior: &CacheBehavior,
    origin: &Origin,
    request: &HeaderMap,
) -> Option<HeaderValue> {
    let policy = behavior.origin_request_policy.as_deref();
    let is_forwarded = |name: &[u8]| {
        let name = String::from_utf8_lossy(name);
        let is_signing = SIGNING_COOKIES
            .iter()
            .any(|known| known.eq_ignore_ascii_case(&name));
        let takes = |filter: &NameFilter| match origin.source {
            OriginSource::S3(_) => lists_cookie(filter, &name),
            OriginSource::Http(_) | OriginSource::Folder { .. } => filter.takes(&name),
        };
        let is_passed = policy.is_some_and(|policy| takes(&policy.cookies))
            || takes(&behavior.cache_policy.cookies);
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
