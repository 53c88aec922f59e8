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

/// Prefix of the names of the cookies that prove a visit of a limited link. They are no business of origins either.
pub(crate) const VISIT_COOKIE_PREFIX: &str = "__Host-privet-visit-";

/// True if a cookie of this name proves a visit, or is a misspelt one that may.
pub(crate) fn is_of_a_visit(name: &[u8]) -> bool {
    name.get(..VISIT_COOKIE_PREFIX.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(VISIT_COOKIE_PREFIX.as_bytes()))
}

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

    /// Returns the bytes behind the first `=`, without white space around them.
    fn value(&self) -> &'h [u8] {
        let at = self.text.iter().position(|byte| *byte == b'=');
        at.map_or(&[][..], |at| self.text[at + 1..].trim_ascii())
    }
}

/// Returns the cookies whose names satisfy `takes`, sorted by name, without signing cookies and
/// those of visits. Only ASCII whitespace around a cookie is trimmed.
pub(crate) fn cookies<'h>(
    headers: &'h HeaderMap,
    takes: impl Fn(&[u8]) -> bool,
) -> Vec<Cookie<'h>> {
    let mut cookies: Vec<Cookie<'_>> = all(headers)
        .filter(|cookie| !cookie.is_of_a_signature() && !is_of_a_visit(cookie.name))
        .filter(|cookie| takes(cookie.name))
        .collect();
    // The order of cookies with the same name tells which path is longer (RFC 6265 5.4), so the sort must be stable.
    cookies.sort_by_key(|cookie| cookie.name);
    cookies
}

/// Returns the values of the cookies with exactly this name, in the order of the request.
pub(crate) fn values<'h>(headers: &'h HeaderMap, name: &str) -> impl Iterator<Item = &'h [u8]> {
    all(headers)
        .filter(move |cookie| cookie.name == name.as_bytes())
        .map(|cookie| cookie.value())
}

fn all(headers: &HeaderMap) -> impl Iterator<Item = Cookie<'_>> {
    let fields = headers.get_all(header::COOKIE).into_iter();
    fields
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
        .map(<[u8]>::trim_ascii)
        .filter(|text| !text.is_empty())
        .map(Cookie::new)
}
