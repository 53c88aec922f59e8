//! The only parser of `Cookie` fields. The cache key and the origin request both use it: if they parsed a header in
//! different ways, a response would be stored under the key of another.

use http::{HeaderMap, header};

/// Names of the signing cookies, compared case-insensitively: a misspelt one is no credential, but still a secret.
const SIGNING_COOKIES: [&str; 5] = [
    "CloudFront-Expires",
    "CloudFront-Policy",
    "CloudFront-Signature",
    "CloudFront-Key-Pair-Id",
    "CloudFront-Hash-Algorithm",
];

/// A cookie of a request, whose bytes may be in any encoding, or in none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cookie<'h> {
    /// Bytes before the first `=`, or all of them.
    pub(crate) name: &'h [u8],
    /// Name and value as sent.
    pub(crate) text: &'h [u8],
}

impl<'h> Cookie<'h> {
    fn new(text: &'h [u8]) -> Self {
        let name = text.split(|byte| *byte == b'=').next().unwrap_or(text);
        Cookie {
            name: name.trim_ascii_end(),
            text,
        }
    }

    fn is_of_a_signature(&self) -> bool {
        let mut known = SIGNING_COOKIES.iter();
        known.any(|known| self.name.eq_ignore_ascii_case(known.as_bytes()))
    }
}

/// Returns the cookies whose names satisfy `takes`, sorted by name, without signing cookies. Only ASCII whitespace
/// around a cookie is trimmed.
pub(crate) fn cookies<'h>(
    headers: &'h HeaderMap,
    takes: impl Fn(&[u8]) -> bool,
) -> Vec<Cookie<'h>> {
    let values = headers.get_all(header::COOKIE).into_iter();
    let mut cookies: Vec<Cookie<'_>> = values
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
        .map(<[u8]>::trim_ascii)
        .filter(|text| !text.is_empty())
        .map(Cookie::new)
        .filter(|cookie| !cookie.is_of_a_signature() && takes(cookie.name))
        .collect();
    // The order of cookies with the same name tells which path is longer (RFC 6265 5.4), so the sort must be stable.
    cookies.sort_by_key(|cookie| cookie.name);
    cookies
}
