//! Headers into which user agents put URLs by themselves. A viewer's URL may be a signed one.

use super::header_names::folded;
use crate::redact::redact_url;
use crate::session::split_session;
use http::{HeaderName, HeaderValue};
use privet_sign::strip_query;
use std::borrow::Cow;

/// Names as [`folded`] has them: what browsers write, and what proxies write of the URL that was asked for.
const URL_HEADERS: [&str; 10] = [
    "content-location",
    "origin",
    "ping-from",
    "ping-to",
    "referer",
    "referrer",
    "x-forwarded-uri",
    "x-original-uri",
    "x-original-url",
    "x-rewrite-url",
];

/// The value of a viewer's header as origins get it and cache keys hold it: without signing parameters and session
/// tokens, if it is a header of URLs. `None` when such a value is no text, of which nothing can be told.
///
/// Other headers are nobody's but the viewer's: `Authorization` of other schemes has a `Signature` too, which the origin
/// is to read.
pub(crate) fn without_grants<'v>(
    name: &HeaderName,
    value: &'v HeaderValue,
) -> Option<Cow<'v, HeaderValue>> {
    if !URL_HEADERS.contains(&&*folded(name)) {
        return Some(Cow::Borrowed(value));
    }
    let text = value.to_str().ok()?;
    match stripped_url(text) {
        Cow::Borrowed(_) => Some(Cow::Borrowed(value)),
        Cow::Owned(text) => HeaderValue::try_from(text).ok().map(Cow::Owned),
    }
}

/// What is not the URL's own, such as a link in a parameter of it, is redacted as in logs.
fn stripped_url(url: &str) -> Cow<'_, str> {
    let (base, query) = match url.split_once('?') {
        Some((base, query)) => (base, Some(query)),
        None => (url, None),
    };
    let path_at = path_at(base);
    let mut path = &base[path_at..];
    while let Some((_, rest)) = split_session(path) {
        path = rest;
    }
    let stripped = query.and_then(strip_query);
    let is_whole = path.len() == base.len() - path_at && stripped.as_deref() == query;
    if is_whole {
        return redact_url(url);
    }
    let mut text = format!("{}{path}", &base[..path_at]);
    if let Some(query) = stripped {
        text.push('?');
        text.push_str(&query);
    }
    Cow::Owned(redact_url(&text).into_owned())
}

/// Where the path of a URL begins, or of a reference that has only a path.
fn path_at(base: &str) -> usize {
    let is_path = base.starts_with('/') && !base.starts_with("//");
    let authority_at = match base.find("//") {
        Some(at) if !is_path => at + 2,
        Some(_) | None => 0,
    };
    let slash = base[authority_at..].find('/');
    slash.map_or(base.len(), |at| authority_at + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: &str) {
        let value = HeaderValue::from_str(url).unwrap();
        for name in ["referer", "origin", "ping-from", "x_original.url"] {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            let passed = without_grants(&name, &value).unwrap();
            assert_eq!(passed.to_str().unwrap(), expected, "{name}");
        }
        let other = HeaderName::from_static("x-other");
        assert_eq!(*without_grants(&other, &value).unwrap(), value);
    }

    #[test]
    fn signatures_are_taken_out_of_urls() {
        let token = format!("S1{}", "a".repeat(200));
        for tilde in ["~", "%7E", "%7e"] {
            check(
                &format!("https://h/{tilde}{token}/a/b?c=1"),
                "https://h/a/b?c=1",
            );
        }
        check(&format!("/~{token}/~{token}/a"), "/a");
        check(
            "https://h/a?Policy=p&Signature=s&Key-Pair-Id=K",
            "https://h/a",
        );
        check(
            "https://h/a?x=1&Expires=5&%53ignature=s&y",
            "https://h/a?x=1&y",
        );
        check(
            "https://h/a?next=%2Fb%3FSignature%3D%40&Hash-Algorithm=SHA256",
            "https://h/a?next=%2Fb%3FSignature%3D%40",
        );
        check("https://h?Signature=s", "https://h");
    }

    #[test]
    fn other_urls_stay_as_they_are() {
        for url in [
            "https://h",
            "null",
            "",
            "https://h/~anna/a?b=c&&d",
            "about:blank",
        ] {
            check(url, url);
        }
    }

    #[test]
    fn a_url_that_is_no_text_is_left_out() {
        let value = HeaderValue::from_bytes(b"https://h/\xff").unwrap();
        assert_eq!(without_grants(&http::header::REFERER, &value), None);
    }
}
