//! The one reading of `Cookie` fields. What tells objects apart and what an origin hears are both taken from here: cut
//! in two ways, one header would be kept under the key of another.

use http::{HeaderMap, header};

/// Case does not matter here: a misspelt one is no credential, but still nobody else's business.
const SIGNING_COOKIES: [&str; 5] = [
    "CloudFront-Expires",
    "CloudFront-Policy",
    "CloudFront-Signature",
    "CloudFront-Key-Pair-Id",
    "CloudFront-Hash-Algorithm",
];

/// A cookie of a request. Its bytes may be of any encoding, or of none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cookie<'h> {
    /// What stands before the first `=`, or all of it.
    pub(crate) name: &'h [u8],
    /// Name and value as they were sent.
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

/// The cookies whose names `takes` says yes to, sorted by name; never one of a signature. Only ASCII blanks around a
/// cookie are none of it.
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
    // Of cookies with one name the order says which path is longer (RFC 6265 5.4), so the sort is a stable one.
    cookies.sort_by_key(|cookie| cookie.name);
    cookies
}
