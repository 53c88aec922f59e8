//! Responses to OPTIONS that need no origin: CORS preflights and plain requests for `Allow`.

use crate::config::{AllowedMethods, CorsPolicy, ResponseHeadersPolicy};
use crate::request::{Authorized, Routed, ViewerRequest, check_protocol};
use crate::response::cors::{is_name_list, preflight_headers};
use crate::response::response_policy::apply_response_policy;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

/// Seconds for which a browser may cache a preflight.
const MAX_AGE_SECONDS: &str = "600";

const PREFLIGHT_VARY: HeaderValue = HeaderValue::from_static(
    "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
);

/// A complete response without a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreflightAnswer {
    /// Status of the response: 204 for a preflight, 200 for another OPTIONS request.
    pub status: StatusCode,
    /// Header fields to send besides those of every response.
    pub headers: HeaderMap,
}

/// Returns the response to a genuine CORS preflight; `None` when the request is not one, or the behavior does not take
/// it.
///
/// Browsers send preflights without cookies (Fetch standard, "CORS-preflight fetch"), so a restricted behavior that
/// allows OPTIONS responds to them without a signature. A CORS policy decides the response. Without one, the response
/// lists the behavior's methods, says nothing about the object, and allows no credentials; an open behavior whose
/// origin is not a folder leaves it to the origin (`None`). This comes after `route` and before `authorize`.
pub fn preflight(routed: &Routed<'_>, request: &ViewerRequest<'_>) -> Option<PreflightAnswer> {
    let wanted = request.method == Method::OPTIONS
        && request.headers.contains_key(header::ORIGIN)
        && request
            .headers
            .contains_key(header::ACCESS_CONTROL_REQUEST_METHOD);
    let methods = &routed.behavior.allowed_methods;
    if !wanted || !methods.allows(&Method::OPTIONS) || check_protocol(routed, request).is_err() {
        return None;
    }
    let policy = routed.behavior.response_headers_policy.as_deref();
    if let Some(policy) = policy
        && let Some(cors) = &policy.cors
    {
        return Some(PreflightAnswer {
            status: StatusCode::NO_CONTENT,
            headers: policy_answer(policy, cors, request.headers),
        });
    }
    // A remote origin of an open behavior responds itself.
    let is_remote = routed.behavior.origin.primary.source.is_remote();
    if is_remote && routed.trusted_keys().is_none() {
        return None;
    }
    Some(PreflightAnswer {
        status: StatusCode::NO_CONTENT,
        headers: plain_answer(methods, request.headers),
    })
}

/// Returns the policy's headers. An origin that it does not allow gets no CORS headers; browsers take that as a
/// refusal.
fn policy_answer(
    policy: &ResponseHeadersPolicy,
    cors: &CorsPolicy,
    request: &HeaderMap,
) -> HeaderMap {
    let mut headers = preflight_headers(cors, request);
    headers.insert(header::VARY, PREFLIGHT_VARY);
    apply_response_policy(policy, request, &mut headers);
    headers
}

/// Returns the headers without a policy: every origin is allowed, but no credentials.
fn plain_answer(methods: &AllowedMethods, request: &HeaderMap) -> HeaderMap {
    let mut headers = allow(methods);
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static(methods.as_header()),
    );
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_ORIGIN,
        HeaderValue::from_static("*"),
    );
    if let Some(names) = requested_headers(request) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, names);
    }
    headers.insert(
        header::ACCESS_CONTROL_MAX_AGE,
        HeaderValue::from_static(MAX_AGE_SECONDS),
    );
    headers.insert(header::VARY, PREFLIGHT_VARY);
    headers
}

/// Returns the response to any other OPTIONS request, which has to be authorized like a GET: 200 with `Allow` (RFC 9110
/// 9.3.7).
pub fn options(authorized: &Authorized<'_>) -> PreflightAnswer {
    PreflightAnswer {
        status: StatusCode::OK,
        headers: allow(&authorized.routed().behavior.allowed_methods),
    }
}

fn allow(methods: &AllowedMethods) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::ALLOW, HeaderValue::from_static(methods.as_header()));
    headers
}

/// Returns the requested header names, but only if they are names.
fn requested_headers(headers: &HeaderMap) -> Option<HeaderValue> {
    let value = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS)?;
    is_name_list(value).then(|| value.clone())
}
