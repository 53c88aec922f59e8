use super::*;

fn check_refused(url: &str, expected: SignError) {
    assert_eq!(WireUrl::parse(url), Err(expected), "{url}");
}

fn check(url: &str, expected: &str, changes: &[UrlChange]) {
    let wire = WireUrl::parse(url).expect(url);
    assert_eq!(
        (wire.as_str(), wire.changes()),
        (expected, changes),
        "{url}"
    );
    // The normalized URL is a fixed point.
    assert_eq!(Url::parse(expected).expect(expected).as_str(), expected);
    assert_eq!(WireUrl::parse(expected).expect(expected).changes(), &[]);
}

#[test]
fn what_no_client_sends_is_refused() {
    check_refused("", SignError::NotHttp);
    check_refused("*", SignError::NotHttp);
    check_refused("wss://h/live", SignError::NotHttp);
    check_refused("https:/h/a", SignError::NotHttp);
    check_refused(
        "https:///h/a",
        SignError::NotAUrl("there is no host".into()),
    );
    check_refused(
        "https://h:99999/",
        SignError::NotAUrl("invalid port number".into()),
    );
    check_refused(" https://h/a", SignError::ControlCharacters);
    check_refused("https://h/a\u{a0}", SignError::ControlCharacters);
    check_refused("https://h/a\tb", SignError::ControlCharacters);
    check_refused("https://h/a\\b", SignError::Backslash);
    check_refused("https://@h/a", SignError::UserInfo);
    check_refused("https://user:pw@h/a", SignError::UserInfo);
    check_refused(
        "https://h/?%45xpires=1",
        SignError::ReservedParameter("Expires"),
    );
    check_refused(
        "https://h/?a&Signature",
        SignError::ReservedParameter("Signature"),
    );
    for host in [
        "b.s3.amazonaws.com",
        "s3-eu-west-1.amazonaws.com",
        "b.s3.eu-west-1.amazonaws.com",
    ] {
        check_refused(
            &format!("https://{host}/a"),
            SignError::BucketHost(host.into()),
        );
    }
}

#[test]
fn endless_urls_are_refused() {
    let result = WireUrl::parse(&format!("https://h.de/{}", "a".repeat(70_000)));
    assert!(result == Err(SignError::TooLong { bytes: 70_013 }));
}

#[test]
fn changes_are_reported() {
    check(
        "HTTPS://h.de/a",
        "https://h.de/a",
        &[UrlChange::SchemeLowered],
    );
    let host = |from: &str, to: &str| UrlChange::HostRewritten {
        from: from.into(),
        to: to.into(),
    };
    check("https://H.de/A", "https://h.de/A", &[host("H.de", "h.de")]);
    check(
        "https://bücher.de/",
        "https://xn--bcher-kva.de/",
        &[host("bücher.de", "xn--bcher-kva.de")],
    );
    check(
        "http://0x7f.1/",
        "http://127.0.0.1/",
        &[host("0x7f.1", "127.0.0.1")],
    );
    check(
        "https://h.de:443/",
        "https://h.de/",
        &[UrlChange::DefaultPortRemoved],
    );
    check(
        "http://h.de:08080/",
        "http://h.de:8080/",
        &[UrlChange::PortRewritten],
    );
    check(
        "https://h.de?a",
        "https://h.de/?a",
        &[UrlChange::SlashAdded],
    );
    check(
        "https://h.de/a/../b",
        "https://h.de/b",
        &[UrlChange::DotSegmentsCollapsed],
    );
    check(
        "https://h.de/a/%2E%2e/b",
        "https://h.de/b",
        &[UrlChange::DotSegmentsCollapsed],
    );
    check(
        "https://h.de/My File",
        "https://h.de/My%20File",
        &[UrlChange::PathEncoded],
    );
    check(
        "https://h.de/a?'",
        "https://h.de/a?%27",
        &[UrlChange::QueryEncoded],
    );
    check(
        "https://h.de/a?",
        "https://h.de/a",
        &[UrlChange::EmptyQueryPiecesDropped],
    );
    check(
        "https://h.de/a?&b&&c&",
        "https://h.de/a?b&c",
        &[UrlChange::EmptyQueryPiecesDropped],
    );
    check(
        "https://h.de/a#",
        "https://h.de/a",
        &[UrlChange::FragmentCut],
    );
}

#[test]
fn wire_form_is_left_alone() {
    for url in [
        "https://d111111abcdef8.cloudfront.net/images/image.jpg?size=large&license=yes",
        "https://h.de/a(b)=c,d;e:f@g!h$i.jpg",
        "https://h.de/%41%7Eb//c/100%/x.jpg",
        "http://[2001:db8::1]:8080/a",
        "https://h.de/.well-known/x?expires=1&a=?b",
        "https://h.de./a",
    ] {
        check(url, url, &[]);
    }
}
