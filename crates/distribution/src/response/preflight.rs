//! Answers to OPTIONS, which need no origin: CORS preflights and plain questions for `Allow`.

use crate::config::{AllowedMethods, CorsPolicy, ResponseHeadersPolicy};
use crate::request::{Authorized, Routed, ViewerRequest, check_protocol};
use crate::response::cors::{is_name_list, preflight_headers};
use crate::response::response_policy::apply_response_policy;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

/// How long a browser may remember a preflight.
const MAX_AGE_SECONDS: &str = "600";

const PREFLIGHT_VARY: HeaderValue = HeaderValue::from_static(
    "Origin, Access-Control-Request-Headers, Access-Control-Request-Method",
);

/// A complete answer without a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreflightAnswer {
    /// 204 for a preflight, 200 for another OPTIONS request.
    pub status: StatusCode,
    /// The header fields to send beside those of every answer.
    pub headers: HeaderMap,
}

/// The answer to a genuine CORS preflight; `None` when the request is none, or the behavior does not take it.
///
/// Browsers send preflights without cookies (Fetch standard, "CORS-preflight fetch"), so a restricted behavior that
/// allows OPTIONS answers them without a signature. With a CORS policy the answer is the policy's. Without one it tells
/// the behavior's methods and nothing of the object, and allows no credentials; an open behavior whose origin is no
/// folder leaves the answer to the origin then (`None`). To be asked after `route` and before `authorize`.
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
    // An open origin that can speak for itself does.
    let is_remote = routed.behavior.origin.primary.source.is_remote();
    if is_remote && routed.trusted_keys().is_none() {
        return None;
    }
    Some(PreflightAnswer {
        status: StatusCode::NO_CONTENT,
        headers: plain_answer(methods, request.headers),
    })
}

/// What the policy says. An origin that it does not allow gets no CORS headers, which is how a browser is refused.
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

/// Without a policy: everybody may ask, nobody with credentials.
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

/// The answer to any other OPTIONS request, which has to be authorized like a GET: 200 with `Allow` (RFC 9110 9.3.7).
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

/// The names asked for, given back only if they are names.
fn requested_headers(headers: &HeaderMap) -> Option<HeaderValue> {
    let value = headers.get(header::ACCESS_CONTROL_REQUEST_HEADERS)?;
    is_name_list(value).then(|| value.clone())
}
