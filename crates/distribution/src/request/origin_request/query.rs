//! Decides which query parameters reach the origin.

use super::bucket;
use super::parameter_filter::takes;
use crate::config::{CacheBehavior, Origin};
use http::Method;
use std::borrow::Cow;

/// Returns the parameters of `query` that the cache policy or the origin request policy passes on, with order and
/// spelling preserved; `None` when none is left. Where the behavior is restricted, signing parameters are left out
/// whatever the policies say.
pub(crate) fn forwarded_query(
    behavior: &CacheBehavior,
    origin: &Origin,
    method: &Method,
    query: &str,
) -> Option<String> {
    let query = match &behavior.trusted_keys {
        Some(_) => privet_sign::strip_query(query)?,
        None => Cow::Borrowed(query),
    };
    let is_forwarded = |piece: &&str| match origin.source.is_signed_by_edge() {
        true => bucket::takes_parameter(behavior, method, piece),
        false => server_takes(behavior, piece),
    };
    let pieces: Vec<&str> = query.split('&').filter(is_forwarded).collect();
    let forwarded = pieces.join("&");
    (!forwarded.is_empty()).then_some(forwarded)
}

fn server_takes(behavior: &CacheBehavior, piece: &str) -> bool {
    let policy = behavior.origin_request_policy.as_deref();
    policy.is_some_and(|policy| takes(&policy.query_strings, piece))
        || takes(&behavior.cache_policy.query_strings, piece)
}
