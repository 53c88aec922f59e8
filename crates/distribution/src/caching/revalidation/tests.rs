use super::*;

const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

fn headers(text: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for line in text.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        headers.append(
            HeaderName::try_from(name).unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    headers
}

fn open_policy() -> CachePolicy {
    CachePolicy {
        cookies: NameFilter::All,
        ..CachePolicy::caching_optimized()
    }
}

#[test]
fn conditions() {
    assert_eq!(revalidation_headers(&headers("foo: 1")), None);
    assert_eq!(revalidation_headers(&headers("last-modified: 0")), None);
    let stored = format!("etag: W/\"a\"\nlast-modified: {DATE}");
    let expected = format!("if-none-match: W/\"a\"\nif-modified-since: {DATE}");
    assert_eq!(
        revalidation_headers(&headers(&stored)),
        Some(headers(&expected))
    );
}

#[track_caller]
fn check_match(stored: &str, not_modified: &str, expected: bool) {
    let found = matches_stored(&headers(stored), &headers(not_modified));
    assert_eq!(found, expected, "{stored} and {not_modified}");
}

/// RFC 9111 4.3.4.
#[test]
fn a_304_about_another_response_is_not_used() {
    let other = "Sun, 06 Nov 1994 08:49:38 GMT";
    let dated = format!("etag: \"a\"\nlast-modified: {DATE}");
    check_match(&dated, "etag: \"b\"", false);
    check_match(
        &dated,
        &format!("etag: \"b\"\nlast-modified: {other}"),
        false,
    );
    check_match(
        &format!("last-modified: {DATE}"),
        &format!("last-modified: {other}"),
        false,
    );
}

#[test]
fn a_304_about_the_stored_response_is_used() {
    let dated = format!("etag: \"a\"\nlast-modified: {DATE}");
    check_match(&dated, "foo: 1", true);
    check_match(&dated, "etag: W/\"a\"", true);
    check_match(&dated, &dated, true);
    check_match("etag: \"a\"", "etag: \"a-gzip\"", true);
    check_match(
        &dated,
        &format!("etag: \"a-gzip\"\nlast-modified: {DATE}"),
        true,
    );
}

#[track_caller]
fn check_freshened(stored: &str, not_modified: &str, expected: &str) {
    let found = freshened(&headers(stored), &headers(not_modified), &open_policy());
    assert_eq!(found, headers(expected), "{stored} by {not_modified}");
}

/// RFC 9111 3.2.
#[test]
fn what_belongs_to_the_bytes_stays() {
    for name in [
        "content-length",
        "content-encoding",
        "content-range",
        "content-md5",
        "etag",
    ] {
        let stored = format!("{name}: 5");
        check_freshened(&stored, &format!("{name}: 10"), &stored);
        check_freshened("a: 1", &stored, "a: 1");
    }
    check_freshened("a: 1", "connection: b\nb: 1\ntransfer-encoding: x", "a: 1");
}

#[test]
fn everything_else_is_replaced() {
    for name in [
        "test-header",
        "content-foo",
        "content-type",
        "content-location",
        "set-cookie",
        "set-cookie2",
        "cache-control",
        "expires",
        "content-security-policy",
    ] {
        check_freshened(
            &format!("{name}: a\n{name}: b\nkept: 1"),
            &format!("{name}: c\n{name}: d"),
            &format!("kept: 1\n{name}: c\n{name}: d"),
        );
    }
    // A stored age would make a response old that has just been confirmed.
    check_freshened("age: 7200\ndate: x\na: 1", "b: 2", "a: 1\nb: 2");
    check_freshened("age: 7200\ndate: x", "age: 3\ndate: y", "age: 3\ndate: y");
}

/// RFC 9111 3.1.
#[test]
fn what_is_not_stored() {
    let sent = headers(
        "connection: a, b\na: 1\nb: 2\nc: 3\nkeep-alive: 1\nproxy-authenticate: 1\n\
         proxy-authentication-info: 1\nproxy-authorization: 1\nproxy-connection: 1\nte: 1\ntrailer: x\n\
         transfer-encoding: chunked\nupgrade: x",
    );
    assert_eq!(end_to_end_headers(&sent), headers("c: 3"));
    let framed = headers(
        "connection: content-length, cache-control\ncontent-length: 1\ncache-control: no-store",
    );
    let kept = headers("content-length: 1\ncache-control: no-store");
    assert_eq!(end_to_end_headers(&framed), kept);
}

#[test]
fn named_fields_are_not_stored() {
    let named = "cache-control: max-age=9, private=\"a\", no-cache=\"b, c\"";
    let sent = headers(&format!("{named}\na: 1\nb: 2\nc: 3\nd: 4"));
    let expected = headers(&format!("{named}\nd: 4"));
    assert_eq!(storable_headers(&sent, &open_policy()), expected);
}

#[test]
fn set_cookie_is_stored_only_with_cookies_in_the_key() {
    let sent = headers("a: 1\nset-cookie: a=b\nset-cookie2: a=b");
    assert_eq!(storable_headers(&sent, &open_policy()), sent);
    let closed = CachePolicy::caching_optimized();
    assert_eq!(storable_headers(&sent, &closed), headers("a: 1"));
}

#[test]
fn a_date_counts_once_it_is_old() {
    let check =
        |text: &str, expected| assert_eq!(date_strength(&headers(text)), expected, "{text}");
    let dated = "date: Sun, 06 Nov 1994 08:50:37 GMT";
    check(dated, DateStrength::Weak);
    check(&format!("last-modified: {DATE}"), DateStrength::Weak);
    check(
        &format!("last-modified: {DATE}\ndate: {DATE}"),
        DateStrength::Weak,
    );
    check(
        &format!("last-modified: nonsense\n{dated}"),
        DateStrength::Weak,
    );
    check(
        &format!("last-modified: {DATE}\ndate: nonsense"),
        DateStrength::Weak,
    );
    let twice = format!("last-modified: {DATE}\nlast-modified: {DATE}\n{dated}");
    check(&twice, DateStrength::Weak);
    let modified = |second| format!("last-modified: Sun, 06 Nov 1994 08:{second} GMT\n{dated}");
    check(&modified("51:00"), DateStrength::Weak);
    check(&modified("50:36"), DateStrength::Weak);
    check(&modified("49:38"), DateStrength::Weak);
    check(&modified("49:37"), DateStrength::Strong);
    check(&modified("00:00"), DateStrength::Strong);
}
