//! Which query parameters reach the origin.

use super::bucket;
use crate::distribution::CacheBehavior;
use crate::origin::{Origin, OriginSource};
use crate::policies::NameFilter;
use crate::percent::percent_decoded;
use http::Method;
use std::borrow::Cow;

/// The parameters of `query` that the cache policy or the origin request policy passes on, order and spelling kept;
/// `None` when none is left. Where the behavior is restricted, those of signatures are left out whatever the policies say.
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
    let is_forwarded = |piece: &&str| match origin.source {
        OriginSource::S3(_) => bucket::takes_parameter(behavior, method, piece),
        OriginSource::Http(_) | OriginSource::Folder { .. } => server_takes(behavior, piece),
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

/// Another spelling of a listed name is the listed name: what is left out stays out, what is kept is kept. A parameter
/// without a name is none. Also for what tells objects apart.
pub(crate) fn takes(filter: &NameFilter, piece: &str) -> bool {
    let raw = piece.split('=').next().unwrap_or(piece);
    let decoded = percent_decoded(raw);
    let decoded = std::str::from_utf8(&decoded).unwrap_or(raw);
    match filter {
        NameFilter::None => false,
        NameFilter::All => true,
        NameFilter::Only(_) => filter.takes(raw) || filter.takes(decoded),
        NameFilter::AllExcept(_) => !raw.is_empty() && filter.takes(raw) && filter.takes(decoded),
    }
}
