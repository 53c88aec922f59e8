use super::*;

fn check_query(query: &str, expected: Option<&str>) {
    assert_eq!(strip_query(query).as_deref(), expected, "{query}");
}

#[test]
fn reserved_parameters_are_stripped() {
    check_query("", None);
    check_query("Expires=1&Signature&Key-Pair-Id=K", None);
    check_query("%45xpires=1", None);
    check_query("&Policy=x", None);
    check_query("a=1&Expires=1&Signature=2&b=2", Some("a=1&b=2"));
    check_query("Hash-Algorithm=SHA1&a&&b=%41", Some("a&&b=%41"));
    check_query("expires=1&Expires=1", Some("expires=1"));
    assert!(matches!(
        strip_query("a=1&b=2&Policy=x"),
        Some(Cow::Borrowed("a=1&b=2"))
    ));
}

#[test]
fn signing_cookies_are_stripped() {
    let check = |value: &str, expected: &str| assert_eq!(strip_cookies(value), expected, "{value}");
    check("", "");
    check("CloudFront-Policy=x; CloudFront-Signature=y", "");
    check("a=1; CloudFront-Key-Pair-Id=K; b=2", "a=1; b=2");
    check("CloudFront-Expires=1; a=1", "a=1");
    check(
        "cloudfront-policy=x; CloudFront-Viewer=1",
        "cloudfront-policy=x; CloudFront-Viewer=1",
    );
}

#[test]
fn cookies_are_looked_at_only_without_reserved_parameters() {
    let cookies: [&[u8]; 2] = [
        b"CloudFront-Policy=first; x",
        b" CloudFront-Policy=second;CloudFront-Signature=\xff",
    ];
    let read = |query| Credentials::from_request(query, cookies.into_iter());
    let from_url = read(Some("a=1&Expires="));
    assert_eq!(
        (from_url.source, from_url.field(Field::Expires)),
        (CredentialSource::Url, Some(""))
    );
    assert_eq!(from_url.field(Field::Policy), None);
    let from_cookies = read(Some("a=1"));
    assert_eq!(from_cookies.source, CredentialSource::Cookies);
    assert_eq!(from_cookies.field(Field::Policy), Some("first"));
    assert_eq!(from_cookies.signature(), Some("\u{fffd}"));
    assert!(Credentials::from_request(None, std::iter::empty()).is_empty());
}
