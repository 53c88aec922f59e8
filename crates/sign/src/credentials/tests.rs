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

/// Fidelity note F1: in cookies only base64 values are percent-decoded.
#[test]
fn only_base64_cookies_are_percent_decoded() {
    let headers: [&[u8]; 1] = [
        b"CloudFront-Policy=a%7Eb; CloudFront-Signature=c%2Dd; CloudFront-Key-Pair-Id=K%41; CloudFront-Expires=%31",
    ];
    let credentials = Credentials::from_request(None, headers.into_iter());
    let check = |field, expected| assert_eq!(credentials.field(field), Some(expected), "{field:?}");
    check(Field::Policy, "a~b");
    check(Field::Signature, "c-d");
    check(Field::KeyPairId, "K%41");
    check(Field::Expires, "%31");
}

/// In the URL all values are percent-decoded.
#[test]
fn all_parameters_are_percent_decoded_once() {
    let query = "Policy=%2541&Signature=%42&Key-Pair-Id=%4B&Expires=%31&Hash-Algorithm=SHA%31";
    let credentials = Credentials::from_request(Some(query), std::iter::empty());
    let check = |field, expected| assert_eq!(credentials.field(field), Some(expected), "{field:?}");
    check(Field::Policy, "%41");
    check(Field::Signature, "B");
    check(Field::KeyPairId, "K");
    check(Field::Expires, "1");
    check(Field::HashAlgorithm, "SHA1");
    assert_eq!(credentials.key_pair_id(), Some("K"));
    assert_eq!(credentials.signature(), Some("B"));
}

#[test]
fn what_is_absent_is_none() {
    let credentials = Credentials::from_request(Some("Expires=1"), std::iter::empty());
    assert_eq!(credentials.key_pair_id(), None);
    assert_eq!(credentials.signature(), None);
    assert!(!credentials.is_empty());
}

/// A policy wins over an `Expires` beside it, so only an `Expires` without a policy is canned.
#[test]
fn an_end_without_a_policy_is_canned() {
    let check = |query, expected| {
        let credentials = Credentials::from_request(Some(query), std::iter::empty());
        assert_eq!(credentials.is_canned(), expected, "{query}");
    };
    check("", false);
    check("Signature=x&Key-Pair-Id=K", false);
    check("Policy=p&Signature=x&Key-Pair-Id=K", false);
    check("Expires=1&Policy=p&Signature=x&Key-Pair-Id=K", false);
    check("Expires=1&Signature=x&Key-Pair-Id=K", true);
}

#[test]
fn reserved_names_are_compared_decoded_and_with_their_case() {
    let check = |name, expected| {
        assert_eq!(is_signing_parameter(name), expected, "{name}");
        assert_eq!(has_reserved_name(name), expected, "{name}");
        let query = format!("a=1&{name}=2");
        assert_eq!(has_reserved_name(&query), expected, "{query}");
    };
    check("", false);
    check("expires", false);
    check("Expires2", false);
    check("Key_Pair_Id", false);
    check("CloudFront-Policy", false);
    check("%2545xpires", false);
    check("Expires", true);
    check("Policy", true);
    check("Signature", true);
    check("Key-Pair-Id", true);
    check("Key%2DPair%2dId", true);
    check("Hash-Algorithm", true);
}

/// The parameter carried to other URLs is the one that was verified, by its plain name.
#[test]
fn what_counts_has_a_plain_name_and_the_value_that_is_judged() {
    let query = "Policy=p&Expires=5&%53ignature=s%2B&Key-Pair-Id=K";
    let both = Credentials::from_request(Some(query), std::iter::empty());
    assert_eq!(both.counted("Policy"), Some(("Policy", "p")));
    assert_eq!(both.counted("Expires"), None, "beside a policy");
    assert_eq!(both.counted("Key-Pair-Id"), Some(("Key-Pair-Id", "K")));
    let (name, value) = both.counted("%53ignature").unwrap();
    assert_eq!((name, Some(value)), ("Signature", both.signature()));
    assert_eq!(both.counted("other"), None);
    assert_eq!(both.counted("Hash-Algorithm"), None, "it is not there");
    let canned = Credentials::from_request(Some("Expires=5&Signature=s"), std::iter::empty());
    assert_eq!(canned.counted("Expires"), Some(("Expires", "5")));
}
