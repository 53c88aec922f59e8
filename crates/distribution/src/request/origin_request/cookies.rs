//! Decides which cookies reach the origin.

use super::bucket::lists_cookie;
use crate::config::{CacheBehavior, NameFilter, Origin};
use crate::cookies::cookies;
use http::{HeaderMap, HeaderValue};

/// Returns the cookies that the cache policy or the origin request policy names, sorted by name (developer guide,
/// "Cache content based on cookies"); `None` when none is left. Signing cookies are left out whatever the policies say,
/// on open behaviors too: browsers send them to every path. A bucket gets only the cookies that a policy lists.
pub(super) fn forwarded_cookies(
    behavior: &CacheBehavior,
    origin: &Origin,
    request: &HeaderMap,
) -> Option<HeaderValue> {
    let policy = behavior.origin_request_policy.as_deref();
    let cookies = cookies(request, |name| {
        let takes = |filter: &NameFilter| match origin.source.is_signed_by_edge() {
            true => lists_cookie(filter, name),
            false => filter.takes_bytes(name),
        };
        policy.is_some_and(|policy| takes(&policy.cookies)) || takes(&behavior.cache_policy.cookies)
    });
    let texts: Vec<&[u8]> = cookies.into_iter().map(|cookie| cookie.text).collect();
    let joined = texts.join(&b"; "[..]);
    HeaderValue::from_bytes(&joined)
        .ok()
        .filter(|value| !value.is_empty())
}
