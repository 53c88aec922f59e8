//! Applies a response headers policy to cross-origin requests (Fetch standard, "HTTP-CORS protocol").

use crate::config::{CorsPolicy, origin_matches};
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// All methods of CloudFront, for `ALL`.
const ALL_METHODS: &str = "DELETE, GET, HEAD, OPTIONS, PATCH, POST, PUT";

/// Decides whether the policy allows `origin`, the value of `Origin`; `None` when it does not.
///
/// The result is the value of `Access-Control-Allow-Origin`: `*` only where every origin is allowed and credentials are
/// not, else the origin itself.
fn allowed_origin(cors: &CorsPolicy, origin: &HeaderValue) -> Option<HeaderValue> {
    let text = origin.to_str().ok()?;
    let is_anybody = cors.allow_origins.iter().any(|pattern| pattern == "*");
    if is_anybody && !cors.allow_credentials {
        return Some(HeaderValue::from_static("*"));
    }
    let mut patterns = cors.allow_origins.iter();
    let is_allowed = is_anybody || patterns.any(|pattern| origin_matches(pattern, text));
    is_allowed.then(|| origin.clone())
}

/// Returns whether responses differ by origin, so that caches behind the edge must know (Fetch standard, "CORS protocol
/// and HTTP caches").
fn varies(cors: &CorsPolicy) -> bool {
    cors.allow_credentials || !cors.allow_origins.iter().any(|pattern| pattern == "*")
}

/// Returns the headers for the response to a simple or actual request with this `Origin`; none when the origin is not
/// allowed.
pub(crate) fn answer_headers(cors: &CorsPolicy, origin: Option<&HeaderValue>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let Some(allowed) = origin.and_then(|origin| allowed_origin(cors, origin)) else {
        return headers;
    };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    if cors.allow_credentials {
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_CREDENTIALS,
            HeaderValue::from_static("true"),
        );
    }
    insert_list(
        &mut headers,
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        &cors.expose_headers,
    );
    headers
}

/// Returns the headers for the response to a preflight; no CORS headers when the origin is not allowed.
pub(crate) fn preflight_headers(cors: &CorsPolicy, request: &HeaderMap) -> HeaderMap {
    let mut headers = answer_headers(cors, request.get(header::ORIGIN));
    if headers.is_empty() {
        return headers;
    }
    if cors.allow_methods.iter().any(|method| method == "ALL") {
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static(ALL_METHODS),
        );
    } else {
        insert_list(
            &mut headers,
            header::ACCESS_CONTROL_ALLOW_METHODS,
            &cors.allow_methods,
        );
    }
    // For a request with credentials, `*` is only a header name (Fetch standard, "CORS-preflight fetch"), so the
    // requested names are returned instead.
    let is_any = cors.allow_headers.iter().any(|name| name == "*");
    let asked = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS);
    match asked.filter(|value| is_any && cors.allow_credentials && is_name_list(value)) {
        Some(asked) => {
            headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, asked.clone());
        }
        None => insert_list(
            &mut headers,
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            &cors.allow_headers,
        ),
    }
    if let Some(max_age) = cors.max_age {
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, max_age.as_secs().into());
    }
    headers
}

/// Adds `Origin` to `Vary` where responses differ by it.
pub(crate) fn vary_by_origin(cors: &CorsPolicy, response: &mut HeaderMap) {
    let is_there = response.get_all(header::VARY).into_iter().any(|value| {
        let mut names = value.as_bytes().split(|byte| *byte == b',');
        names.any(|name| {
            let name = name.trim_ascii();
            name.eq_ignore_ascii_case(b"origin") || name == b"*"
        })
    });
    if varies(cors) && !is_there {
        response.append(header::VARY, HeaderValue::from_static("Origin"));
    }
}

/// Returns whether `value` has only the characters of a list of names.
pub(crate) fn is_name_list(value: &HeaderValue) -> bool {
    let mut bytes = value.as_bytes().iter();
    bytes.all(|&byte| byte.is_ascii_alphanumeric() || b"-_, ".contains(&byte))
}

fn insert_list(headers: &mut HeaderMap, name: HeaderName, values: &[String]) {
    if let Ok(value) = HeaderValue::from_str(&values.join(", "))
        && !values.is_empty()
    {
        headers.insert(name, value);
    }
}
