//! Checks a request's head before anything else is decided about it.

use crate::exchange::Received;
use http::header::{HOST, TRANSFER_ENCODING};
use http::request::Parts;
use http::{HeaderValue, Method, Version};
use privet_distribution::config::Limits;
use privet_distribution::request::{Denial, ViewerRequest};
use privet_sign::Scheme;

/// Refuses heads that are too large or that two readers could interpret differently.
pub(super) fn check(received: &Received) -> Result<(), Denial> {
    let request = received.viewer_request();
    let limits = &received.state.snapshot.node.limits;
    within_limits(&request, received.request_head_size_bytes(), limits)?;
    well_formed(&received.parts)
}

/// Checks the limits that CloudFront documents for the request line and head.
fn within_limits(
    request: &ViewerRequest<'_>,
    head_size_bytes: u64,
    limits: &Limits,
) -> Result<(), Denial> {
    // The URL is measured as CloudFront's guide counts it: scheme, host, path and query.
    let scheme_size_bytes = match request.scheme {
        Scheme::Http => "http://".len(),
        Scheme::Https => "https://".len(),
    };
    let query_size_bytes = request.query.map_or(0, |query| query.len() + 1);
    let url_size_bytes =
        scheme_size_bytes + request.host.len() + request.path.len() + query_size_bytes;
    if url_size_bytes > limits.url_size_bytes_max
        || head_size_bytes > limits.head_size_bytes_max as u64
    {
        return Err(Denial::HeadTooLarge);
    }
    Ok(())
}

/// Checks what hyper leaves to us: exactly one `Host` (RFC 9112 3.2), no authority in place of a path (RFC 9112 3.2.3),
/// no target of another scheme than we serve, no transfer coding of a body that is not supported (RFC 9112 6.1).
fn well_formed(parts: &Parts) -> Result<(), Denial> {
    let is_foreign = |scheme: &str| !matches!(scheme, "http" | "https");
    let mut codings = parts.headers.get_all(TRANSFER_ENCODING).iter();
    let is_chunked = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"chunked");
    let is_coded =
        codings.next().is_some_and(|value| !is_chunked(value)) || codings.next().is_some();
    if parts.uri.scheme_str().is_some_and(is_foreign) || is_coded {
        return Err(Denial::BadRequest);
    }
    let hosts = parts.headers.get_all(HOST).iter().count();
    let no_host = hosts == 0 && parts.version == Version::HTTP_11;
    let only_authority = parts.uri.scheme().is_none() && parts.uri.authority().is_some();
    if hosts > 1 || no_host || (only_authority && parts.method != Method::CONNECT) {
        return Err(Denial::BadRequest);
    }
    Ok(())
}
