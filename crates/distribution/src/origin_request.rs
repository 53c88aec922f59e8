//! What of a viewer's request reaches the origin.

use crate::authorize::Authorized;
use crate::origin::Origin;
use crate::request::ViewerRequest;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::net::IpAddr;

/// A request to an origin, but for what its connection adds: `Host` (unless the viewer's is passed on), the signature
/// for S3, and the conditions and ranges of the cache.
#[derive(Clone, Debug)]
pub struct OriginRequest {
    /// The viewer's method.
    pub method: Method,
    /// Origin path, path and the query that the policies pass on, raw.
    pub target: String,
    /// The header fields.
    pub headers: HeaderMap,
}

/// What the edge knows of a request beyond its bytes.
#[derive(Clone, Copy, Debug)]
pub struct RequestFacts<'a> {
    /// See [`crate::viewer_address`].
    pub viewer: IpAddr,
    /// The value of `X-Amz-Cf-Id`.
    pub request_id: &'a str,
    /// The viewer's country, ISO 3166-1 alpha-2, if known.
    pub country: Option<&'a str>,
    /// What the edge adds to `Via`.
    pub via: &'a HeaderValue,
}

/// The request to `origin`, which is the behavior's primary origin or its secondary one.
///
/// The policies decide what is passed on (developer guide, "Control origin requests with a policy"). The parameters and
/// cookies of signatures never reach an origin of a restricted behavior.
pub fn origin_request(
    authorized: &Authorized<'_>,
    origin: &Origin,
    request: &ViewerRequest<'_>,
    facts: &RequestFacts<'_>,
) -> OriginRequest {
    let _ = (authorized, origin, facts);
    OriginRequest {
        method: request.method.clone(),
        target: request.path.to_owned(),
        headers: HeaderMap::new(),
    }
}

/// The value of one of CloudFront's own request headers, such as `CloudFront-Viewer-Country`; `None` when it is not
/// known. What a viewer sends under such a name is never believed.
pub fn cloudfront_header(
    name: &HeaderName,
    request: &ViewerRequest<'_>,
    facts: &RequestFacts<'_>,
) -> Option<HeaderValue> {
    let _ = (name, request, facts);
    None
}

/// Whether a header never crosses the edge: those of one connection (RFC 9110 7.6.1), and those that the edge makes.
pub(crate) fn is_never_forwarded(name: &HeaderName) -> bool {
    let _ = name;
    false
}

/// Whether a header is a matter of the cache: conditions and ranges.
pub(crate) fn is_of_the_cache(name: &HeaderName) -> bool {
    let _ = name;
    false
}
