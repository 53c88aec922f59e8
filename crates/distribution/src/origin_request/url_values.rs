//! URLs in the values of headers, into which user agents put them by themselves. A viewer's URL may be a signed one.

use crate::redact::redact_url;
use crate::session::split_session;
use http::{HeaderName, HeaderValue, header};
use privet_sign::strip_query;
use std::borrow::Cow;

/// The value of a viewer's header as origins get it and cache keys hold it: without signing parameters and session
/// tokens, if it is a URL or has one. `None` when such a value is no text, of which nothing can be told.
///
/// It goes by the value: libraries have names of their own for the page they are on. Only `Authorization` is left alone:
/// that of other schemes has a `Signature` too, which the origin is to read.
pub(crate) fn without_grants<'v>(
    name: &HeaderName,
    value: &'v HeaderValue,
) -> Option<Cow<'v, HeaderValue>> {
    if *name == header::AUTHORIZATION || !has_url(value.as_bytes()) {
        return Some(Cow::Borrowed(value));
    }
    let text = value.to_str().ok()?;
    match stripped_url(text) {
        Cow::Borrowed(_) => Some(Cow::Borrowed(value)),
        Cow::Owned(text) => HeaderValue::try_from(text).ok().map(Cow::Owned),
    }
}

/// Whether the value may have a URL with a grant in it. A path has none without one of these marks, and a token in base64
/// that begins with `/` has none of them, so that it stays whole.
fn has_url(value: &[u8]) -> bool {
    let is_opening = |byte: &u8| b" \t\"'<".contains(byte);
    let begin = value.iter().find(|byte| !is_opening(byte));
    let has_mark = || value.iter().any(|byte| b"~%&#".contains(byte));
    value.contains(&b'?')
        || value.windows(3).any(|window| window == b"://")
        || (begin == Some(&b'/') && has_mark())
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
        for name in [
            "referer",
            "origin",
            "ping-from",
            "x_original.url",
            "x-other",
        ] {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            let passed = without_grants(&name, &value).unwrap();
            assert_eq!(passed.to_str().unwrap(), expected, "{name}");
        }
        let other = http::header::AUTHORIZATION;
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
            "/a/b",
            "W/\"etag\"",
            &format!("/{}==", "aB3+/".repeat(60)),
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
