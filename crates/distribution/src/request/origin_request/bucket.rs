//! Decides which parts of a viewer's request reach a bucket. The edge signs all of them with its own keys, so this is
//! an allow-list: only what is listed here, or by the operator, gets there.

use super::parameter_filter::takes;
use super::parameter_shapes::has_known_shape;
use super::{is_named, is_selected};
use crate::config::{CacheBehavior, NameFilter, Origin, is_change};
use crate::header_names::{is_of_the_cache, is_plain, is_steering};
use crate::percent::percent_decoded;
use http::{HeaderName, Method, header};

/// Fields that describe the object of a change (Amazon S3 API reference, PutObject). They go with every change.
const OF_CONTENT: [HeaderName; 5] = [
    header::CONTENT_DISPOSITION,
    header::CONTENT_ENCODING,
    header::CONTENT_LANGUAGE,
    HeaderName::from_static("content-md5"),
    header::CONTENT_TYPE,
];
/// Fields that say how long the object may be cached, for a change whose policy passes them.
const OF_CACHING: [HeaderName; 2] = [header::CACHE_CONTROL, header::EXPIRES];
/// Conditions of a change. A range is not one of them: S3 knows it for reading only (RFC 9110 14.2).
const CONDITIONS: [HeaderName; 4] = [
    header::IF_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_NONE_MATCH,
    header::IF_UNMODIFIED_SINCE,
];
/// Fields of cross-origin requests, where a policy passes them.
const OF_CORS: [HeaderName; 3] = [
    header::ACCESS_CONTROL_REQUEST_HEADERS,
    header::ACCESS_CONTROL_REQUEST_METHOD,
    header::ORIGIN,
];
/// Prefix of user metadata, whose names may have any character: after this prefix no spelling leads anywhere else.
const METADATA: &str = "x-amz-meta-";

/// Parameters that change the headers of a bucket's responses. CloudFront's managed origin request policies do not pass
/// them on (developer guide, "Use managed origin request policies"): a link could choose how a browser treats an
/// object.
const OVERRIDES: [&str; 3] = [
    "response-content-disposition",
    "response-content-encoding",
    "response-content-type",
];
/// Parameters that name an object, a part of it, or the form of the response. Every other parameter makes another
/// request of it, so it reaches a bucket only where a policy lists it.
const OF_OBJECTS: [&str; 9] = [
    "partNumber",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "versionId",
    "x-id",
];
/// Ids of the managed origin request policies that pass all parameters on.
const ALL_QUERIES_IDS: [&str; 4] = [
    "216adef6-5c7f-47e4-b989-5492eafa07d3",
    "33f36d7e-f396-46d9-90e0-52428a34d9dc",
    "b689b0a8-53d0-40ab-baf2-68738e2966ac",
    "775133bc-15f2-49f9-abea-afb2e0bf67d2",
];

/// Returns the buckets that a behavior may send requests to.
pub(crate) fn buckets(behavior: &CacheBehavior) -> impl Iterator<Item = &Origin> {
    let failover = behavior.origin.failover.as_ref();
    let secondary = failover.map(|failover| &failover.secondary);
    let origins = std::iter::once(&behavior.origin.primary).chain(secondary);
    origins
        .map(|origin| &**origin)
        .filter(|origin| origin.source.is_signed_by_edge())
}

/// Returns whether a viewer's header, not one that ends at the edge anyway, is passed on to a bucket.
pub(super) fn takes_header(behavior: &CacheBehavior, method: &Method, name: &HeaderName) -> bool {
    let is_change = is_change(method);
    // S3 has no names with other characters. Such a name could only be another spelling of one.
    let is_of_s3 = is_plain(name) || name.as_str().starts_with(METADATA);
    if !is_of_s3 || is_steering(name) {
        return false;
    }
    if is_of_the_cache(name) {
        return is_change && CONDITIONS.contains(name);
    }
    if OF_CONTENT.contains(name) && is_change {
        return true;
    }
    let is_common = OF_CORS.contains(name) || (OF_CACHING.contains(name) && is_change);
    is_named(behavior, name) || (is_common && is_selected(behavior, name))
}

/// Returns whether a viewer's parameter, with its value, is passed on to a bucket.
pub(super) fn takes_parameter(behavior: &CacheBehavior, method: &Method, piece: &str) -> bool {
    let Some(name) = parameter_name(piece) else {
        return false;
    };
    if !has_known_shape(&name, piece) {
        return false;
    }
    if is_listed(behavior, &name) {
        return true;
    }
    let policy = behavior.origin_request_policy.as_deref();
    let is_withheld = policy.is_some_and(|policy| ALL_QUERIES_IDS.contains(&policy.id.as_str()))
        && OVERRIDES.contains(&name.as_str());
    let is_passed = |filter: &NameFilter| takes(filter, piece);
    is_of_objects(method, &name)
        && (is_passed(&behavior.cache_policy.query_strings)
            || policy.is_some_and(|policy| is_passed(&policy.query_strings) && !is_withheld))
}

/// Returns whether a parameter may pass with this method. A change writes to the key alone: a gateway that took a
/// version for the target of a write would change an old one.
fn is_of_objects(method: &Method, name: &str) -> bool {
    match *method {
        Method::DELETE => ["versionId", "x-id"].contains(&name),
        Method::PUT | Method::POST | Method::PATCH => name == "x-id",
        _ => OF_OBJECTS.contains(&name),
    }
}

/// Returns the name of a parameter if it is the same to every reader: wherever it is split at its `=`, before decoding
/// or after, however often. `None` when it is not, or when the value has control characters or is not text.
pub(super) fn parameter_name(piece: &str) -> Option<String> {
    let (name, value) = piece.split_once('=').unwrap_or((piece, ""));
    let name = percent_decoded(name);
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.".contains(byte);
    let value = percent_decoded(value);
    // A value that is not text is not signed: it would be lost on the way, and the request would be another one.
    let is_text = std::str::from_utf8(&value).is_ok() && !value.iter().any(u8::is_ascii_control);
    if name.is_empty() || !name.iter().all(is_plain) || !is_text {
        return None;
    }
    String::from_utf8(name.into_owned()).ok()
}

/// Returns whether an operator wrote the parameter's name into a policy.
fn is_listed(behavior: &CacheBehavior, name: &str) -> bool {
    let policy = behavior.origin_request_policy.as_deref();
    listed(&behavior.cache_policy.query_strings)
        .chain(
            policy
                .into_iter()
                .flat_map(|policy| listed(&policy.query_strings)),
        )
        .any(|listed| listed == name)
}

/// Returns the names that a filter lists. "All" and "all but these" list none of those that they pass.
fn listed(filter: &NameFilter) -> std::slice::Iter<'_, String> {
    match filter {
        NameFilter::Only(names) => names.iter(),
        NameFilter::None | NameFilter::All | NameFilter::AllExcept(_) => [].iter(),
    }
}

/// Returns whether a filter lists the cookie by name.
pub(super) fn lists_cookie(filter: &NameFilter, name: &[u8]) -> bool {
    listed(filter).any(|listed| listed.as_bytes() == name)
}
