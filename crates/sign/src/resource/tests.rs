use proptest::prelude::*;

use super::*;

fn target(url: &str) -> Target<'_> {
    let (scheme, rest) = url.split_once("://").expect("a scheme");
    let (host, tail) = rest.split_at(rest.find('/').expect("a path"));
    let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
    Target {
        scheme,
        host,
        path,
        query,
    }
}

fn check(resource: &str, url: &str, expected: bool) {
    assert_eq!(covers(resource, &target(url)), expected, "{resource} {url}");
}

#[test]
fn sections_are_kept_apart() {
    check("", "https://h.de/", false);
    check("h.de/*", "https://h.de/a", false);
    check("HTTPS://h.de/*", "https://h.de/a", false);
    check("https://h.de", "https://h.de/a", false);
    check("https://h.de/a", "https://h.de/a?b", false);
    check("https://h.de/a?", "https://h.de/a", false);
    check("https://h.de/a\\?", "https://h.de/a", false);
    check("https://h*/a", "https://h.de/b/a", false);
    check("https://*.de/a", "https://evil.com/x.de/a", false);
    check("https://h.de/*.ts", "https://h.de/a.ts?x=1", false);
    check("https://h.de/a\\?b?c", "https://h.de/a?bdc", true);
    check("https://h.de/a\\b", "https://h.de/a\\b", true);
    check("https://h.de/a\\?b\\?c", "https://h.de/a?b?c", true);
    check("https://h.de/a\\?b\\?c", "https://h.de/a?bxc", false);
    check("https://h.de", "https://h.de/", true);
    check("https://H.de/a", "https://h.DE/a", true);
    check("*h.de/u?x=http://*", "https://h.de/u?x=http://y", true);
    check("https://h.de/a?b=*", "https://h.de/a?b=", true);
    check(
        "https://h.de/?/?/?/?/?/q?x",
        "https://h.de/1/2/3/4/5/q?x",
        true,
    );
    check(
        "https://h.de/?/?/?/?/?/q?x",
        "https://h.de/1/2/3/4/5/q?y",
        false,
    );
}

/// Matches in the obvious way, by trying everything.
fn slow(pattern: &[u8], text: &[u8]) -> bool {
    match pattern.split_first() {
        None => text.is_empty(),
        Some((b'*', rest)) => (0..=text.len()).any(|taken| slow(rest, &text[taken..])),
        Some((b'?', rest)) => !text.is_empty() && slow(rest, &text[1..]),
        Some((byte, rest)) => text.first() == Some(byte) && slow(rest, &text[1..]),
    }
}

proptest! {
    #[test]
    fn globs_match_as_the_slow_one(pattern in "[ab*?]{0,8}", text in "[ab?]{0,10}") {
        let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
        prop_assert_eq!(glob::matches(pattern, text), slow(pattern, text));
    }

    #[test]
    fn sets_of_states_match_as_the_slow_one(pattern in "[ab*?]{0,10}", path in "[ab]{0,6}", query in "[ab]{0,6}") {
        let bytes = pattern.as_bytes();
        let expected = (0..bytes.len()).any(|index| {
            bytes[index] == b'?'
                && index + 1 < bytes.len()
                && slow(&bytes[..index], path.as_bytes())
                && slow(&bytes[index + 1..], query.as_bytes())
        });
        prop_assert_eq!(glob::matches_split(bytes, path.as_bytes(), query.as_bytes()), expected);
        prop_assert_eq!(any_delimiter_matches(bytes, &path, &query), expected);
    }
}

#[test]
fn long_patterns_fall_back_to_states() {
    let pattern = format!("{}b", "*a".repeat(1000));
    let text = "a".repeat(4000);
    assert!(!glob::matches(pattern.as_bytes(), text.as_bytes()));
    assert!(glob::matches(
        pattern.as_bytes(),
        format!("{text}b").as_bytes()
    ));
}

/// Only two protocols are served, and a resource of any other covers nothing, wildcards or not.
#[test]
fn other_protocols_cover_nothing() {
    check("ftp://h.de/*", "https://h.de/a", false);
    check("*s://h.de/*", "https://h.de/a", false);
    check("*s://h.de/*", "https://xs://h.de/a", false);
    check("?ttps://h.de/*", "https://h.de/a", false);
    check("http://h.de/*", "https://h.de/a", false);
    check("https://h.de/*", "http://h.de/a", false);
    check("http://h.de/*", "http://h.de/a", true);
    check("*://h.de/*", "http://h.de/a", true);
    check("http*://h.de/*", "http://h.de/a", true);
}

/// Without a path, a host that ends in `*` covers all paths, and any other covers the root alone.
#[test]
fn a_resource_without_a_path() {
    check("https://h.de", "https://h.de/?a", false);
    check("https://h.*e", "https://h.de/a", false);
    check("https://h.de*", "https://i.de/", false);
    check("https://h.de*", "https://h.de/", true);
    check("https://h.d*", "https://h.de/a?b=1", true);
    check("*", "https://h.de/a?b=1", true);
}

#[test]
fn a_resource_is_shown_as_people_read_it() {
    assert_eq!(display_rest("h.d*", None), ("*", Some("*")));
    assert_eq!(display_rest("h.de", None), ("/", None));
    assert_eq!(display_rest("h.de", Some("/a*")), ("/a*", Some("*")));
    assert_eq!(display_rest("h.de", Some("/a")), ("/a", None));
    assert_eq!(display_rest("h.de", Some("/a?b=*")), ("/a", Some("b=*")));
    assert_eq!(display_rest("h.de", Some("/a\\?b?")), ("/a", Some("b?")));
}
