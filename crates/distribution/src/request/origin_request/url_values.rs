//! URLs in the values of headers, where user agents put them on their own. A viewer's URL may be a signed one.

use crate::logging::redact_links;
use crate::request::path_token::split_path_token;
use http::{HeaderName, HeaderValue, header};
use privet_sign::strip_query;
use std::borrow::Cow;

/// Returns the value of a viewer's header for origins and cache keys: if it is or contains a URL, without signing
/// parameters and path tokens. `None` when such a value is not text, or takes too long to read: it cannot be judged
/// then.
///
/// The decision goes by the value, because libraries have their own names for the header with the page's URL. Only a
/// URL's grant is removed, because the origin reads the rest: a random value may be its own token. `Authorization` and
/// `Signature` are never changed, since those of other schemes have a `Signature` parameter too (RFC 9421, and the
/// drafts before it).
pub(crate) fn without_grants<'v>(
    name: &HeaderName,
    value: &'v HeaderValue,
) -> Option<Cow<'v, HeaderValue>> {
    let is_other = *name == header::AUTHORIZATION || name.as_str() == "signature";
    if is_other || !has_url(value.as_bytes()) {
        return Some(Cow::Borrowed(value));
    }
    let text = value.to_str().ok()?;
    match stripped_url(text)? {
        Cow::Borrowed(_) => Some(Cow::Borrowed(value)),
        Cow::Owned(text) => HeaderValue::try_from(text).ok().map(Cow::Owned),
    }
}

/// Returns whether the value may contain a URL with a grant. A path has no grant without one of these marks; a base64
/// token that begins with `/` has none of them, so it passes whole.
fn has_url(value: &[u8]) -> bool {
    let is_opening = |byte: &u8| b" \t\"'<".contains(byte);
    let begin = value.iter().find(|byte| !is_opening(byte));
    let has_mark = || value.iter().any(|byte| b"~%&#".contains(byte));
    value.contains(&b'?')
        || value.windows(3).any(|window| window == b"://")
        || (begin == Some(&b'/') && has_mark())
}

/// Removes the URL's own grant. In the rest, such as a link in a parameter, values are redacted as in logs.
fn stripped_url(url: &str) -> Option<Cow<'_, str>> {
    let (base, query) = match url.split_once('?') {
        Some((base, query)) => (base, Some(query)),
        None => (url, None),
    };
    let path_at = path_at(base);
    let mut path = &base[path_at..];
    while let Some((_, rest)) = split_path_token(path) {
        path = rest;
    }
    let stripped = query.and_then(strip_query);
    let is_whole = path.len() == base.len() - path_at && stripped.as_deref() == query;
    if is_whole {
        return redact_links(url);
    }
    let mut text = format!("{}{path}", &base[..path_at]);
    if let Some(query) = stripped {
        text.push('?');
        text.push_str(&query);
    }
    Some(Cow::Owned(redact_links(&text)?.into_owned()))
}

/// Returns the offset of the path in a URL, or in a reference that has only a path.
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
        for other in [header::AUTHORIZATION, HeaderName::from_static("signature")] {
            assert_eq!(*without_grants(&other, &value).unwrap(), value);
        }
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
        // Two slashes introduce a host only at the very beginning.
        check(&format!("//h/~{token}/a?b"), "//h/a?b");
        check(&format!("/~{token}/a//b?c"), "/a//b?c");
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

    /// A value with as many bytes as an RSA signature.
    fn random() -> String {
        "Ab3xY9-qK".repeat(38)
    }

    #[test]
    fn f7_grants_in_links_within_urls_are_replaced() {
        let value = random();
        for (link, expected) in [
            (
                "?u=%2Fb%3FSignature%3DVALUE%26c%3D1",
                "?u=%2Fb%3FSignature%3Dredacted%26c%3D1",
            ),
            (
                "?u=%252Fb%253FSignature%253DVALUE",
                "?u=%252Fb%253FSignature%253Dredacted",
            ),
            ("?u=/b?Policy=VALUE", "?u=/b?Policy=redacted"),
            ("#a?b&amp;Signature=VALUE", "#a?b&amp;Signature=redacted"),
        ] {
            let link = format!("https://h/a{}", link.replace("VALUE", &value));
            check(&link, &format!("https://h/a{expected}"));
        }
    }

    #[test]
    fn f7_tokens_in_parameters_of_urls_are_replaced() {
        let token = format!("S1{}", "aB3".repeat(60));
        for around in [
            "https://h/a?xPolicy=/~TOKEN/b",
            "https://h/a?signature=/~TOKEN/b",
            "https://h/a?b=%2F%7ETOKEN%2Fb",
            "https://h/a?b#/~TOKEN/b",
        ] {
            check(
                &around.replace("TOKEN", &token),
                &around.replace("TOKEN", "REDACTED"),
            );
        }
    }

    /// Tokens of other programs and signatures of other schemes pass unchanged.
    #[test]
    fn f7_random_values_beside_urls_stay() {
        let value = random();
        for text in [
            "{\"u\":\"https://x.example/\",\"t\":\"VALUE\"}",
            "keyId=\"https://x.example/users/a#main-key\",algorithm=\"rsa-sha256\",signature=\"VALUE\"",
            "sig1=:VALUE=:, see https://x.example/",
            "https://h/a?token=VALUE&code=VALUE",
            "https://h/a/VALUE?b",
            "https://h/a?ids=77,84,77,84,77,84,77,84,77,84,77,84,77,84,77,84,77,84,77,84,77,84,77,84,77,84,77,84,77,84,77,84,77,84,77,84,77,84,77,84,77,84,77,84,77,84,77,84,77,84,77,84,77,84,77,84,77,84,77,84,77,84,77,84",
        ] {
            let text = text.replace("VALUE", &value);
            check(&text, &text);
        }
    }

    #[test]
    fn f7_a_url_that_takes_too_long_to_read_is_left_out() {
        let deep = format!("https://h/a?b=Signature=a&#65%{}41", "25".repeat(40));
        let value = HeaderValue::from_str(&deep).unwrap();
        assert_eq!(without_grants(&http::header::REFERER, &value), None);
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

    /// A value that is not text passes only if it cannot contain a URL.
    #[test]
    fn other_encodings_pass_where_there_is_no_url() {
        let name = HeaderName::from_static("x-other");
        let passes = |bytes: &[u8]| {
            let value = HeaderValue::from_bytes(bytes).unwrap();
            without_grants(&name, &value).is_some_and(|passed| *passed == value)
        };
        for fine in [&b"x\xe9"[..], b"50% x\xe9 #1 ~", b"/x\xe9", b"http:/x\xe9"] {
            assert!(passes(fine), "{fine:x?}");
        }
        for url in [
            &b"http://x\xe9"[..],
            b"x\xe9?a",
            b"/x\xe9#b",
            b" '/~x\xe9",
            b"/%x\xe9",
        ] {
            assert!(!passes(url), "{url:x?}");
        }
    }
}
