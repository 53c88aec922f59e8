//! Requests that are one object in the cache are one request to the origin: the key and what is passed on are filtered
//! alike.

use crate::support::*;
use http::HeaderValue;
use http::header::COOKIE;
use privet_distribution::caching::{CacheKey, cache_key};
use privet_distribution::config::{Snapshot, read_toml};
use privet_distribution::request::{OriginRequest, RequestFacts, origin_request};
use proptest::prelude::*;
use std::path::Path;

const H: &str = "http://d111111abcdef8.cloudfront.net";
/// Filters in the syntax of a policy: none, a list, all, all but a list.
const FILTERS: [&str; 4] = [
    "",
    "NAMES = ['lang', 'b']",
    "NAMES = 'all'",
    "NAMES_except = ['lang', 'b']",
];

fn config(policy: &str) -> String {
    format!(
        "listeners = [{{ address = '127.0.0.1:80' }}]
         [[cache_policies]]
         id = 'keyed'
         {policy}
         [[distributions]]
         id = 'E1'
         domain_name = 'd111111abcdef8.cloudfront.net'
         origins = [{{ id = 'app', url = 'https://app.example.com' }}]
         default_behavior = {{ origin = 'app', cache_policy = 'keyed' }}"
    )
}

fn cookie_policy(filter: &str) -> Snapshot {
    snapshot_of(&config(&filter.replace("NAMES", "cookies")))
}

fn asked(snapshot: &Snapshot, sent: &Sent) -> (CacheKey, OriginRequest) {
    let via = HeaderValue::from_static("1.1 node");
    let facts = RequestFacts {
        viewer: "192.0.2.77".parse().unwrap(),
        viewer_port: None,
        request_id: "id==",
        country: None,
        via: &via,
        accept_encoding: None,
    };
    sent.with(|request| {
        let both = |authorized: &privet_distribution::request::Authorized<'_>| {
            let origin = &authorized.routed().behavior.origin.primary;
            let key = cache_key(authorized, request);
            (key, origin_request(authorized, origin, request, &facts))
        };
        sent.run_with(snapshot, both).unwrap()
    })
}

/// Returns the key, and the cookies that reach the origin.
fn cookies(snapshot: &Snapshot, values: &[&[u8]]) -> (CacheKey, Option<Vec<u8>>) {
    let sent = values.iter().fold(get(format!("{H}/a")), |sent, value| {
        sent.header_of_bytes("cookie", value)
    });
    let (key, request) = asked(snapshot, &sent);
    let heard = request.headers.get(COOKIE);
    (key, heard.map(|value| value.as_bytes().to_vec()))
}

/// An edge that stripped other spaces than ASCII's would cache the response for no cookie under the cookie's key.
#[test]
fn b_a_blank_that_is_none_makes_another_cookie() {
    for filter in FILTERS {
        let snapshot = cookie_policy(filter);
        let (plain, heard) = cookies(&snapshot, &[b"lang=de"]);
        for odd in [
            &b"\xa0lang=de"[..],
            b"lang\xa0=de",
            b"\x85lang=de",
            b"lang=de\xa0",
            b"\xc2\xa0lang=de",
            b"\xe2\x80\x83lang=de",
            b"x=1;\xa0lang=de",
            b"\xa0=1; lang\xa0=de",
        ] {
            let (key, odd_heard) = cookies(&snapshot, &[odd]);
            assert_eq!(key == plain, odd_heard == heard, "{filter} {odd:x?}");
        }
    }
}

#[test]
fn b_only_ascii_blanks_are_none_of_a_cookie() {
    let snapshot = cookie_policy(FILTERS[1]);
    for value in [
        &b" \tlang=de\t "[..],
        b"x=1;\tlang=de ;",
        b"lang=de; CLOUDFRONT-policy=x",
    ] {
        assert_eq!(
            cookies(&snapshot, &[value]),
            cookies(&snapshot, &[b"lang=de"]),
            "{value:x?}"
        );
    }
}

#[test]
fn b_a_policy_names_cookies_in_ascii() {
    let document = |policy: &str| {
        let text = config(policy);
        let (document, places) = read_toml(&text, Path::new("privet.toml")).unwrap();
        let mut read_file = |_: &Path| Ok(Vec::new());
        Snapshot::build(document, &places, &mut read_file).map(|_| ())
    };
    let origin_policy = "[[origin_request_policies]]\nid = 'more'\n";
    for name in ["größe", "\u{a0}lang", "\u{fffd}", "a b", "a=b", "a;b"] {
        for key in ["cookies", "cookies_except"] {
            let line = format!("{key} = ['ok', '{name}']");
            for policy in [line.clone(), format!("{origin_policy}{line}")] {
                let errors = document(&policy).unwrap_err();
                let shown = format!("{errors:?}");
                assert!(shown.contains("cannot be the name of a cookie"), "{shown}");
            }
        }
    }
    assert!(document("cookies = ['__Host-a.b', 'a[1]']").is_ok());
}

/// Generates bytes that some reader may take for names, separators or spaces.
fn cookie_header() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        Just(&b"lang"[..]),
        Just(&b"b"[..]),
        Just(&b"="[..]),
        Just(&b"; "[..]),
        Just(&b";"[..]),
        Just(&b" "[..]),
        Just(&b"\t"[..]),
        Just(&b"\xa0"[..]),
        Just(&b"\x85"[..]),
        Just(&b"\xc2\xa0"[..]),
        Just(&b"\xff"[..]),
        Just(&b"\""[..]),
        Just(&b","[..]),
        Just(&b"CloudFront-Policy=x"[..]),
        Just(&b"1"[..]),
    ];
    prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat())
}

fn query() -> impl Strategy<Value = String> {
    let pieces = [
        "lang", "b", "=", "&", "&&", "%6cang", "%26", "%3D", "+", "1", "%C3", "",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..6)
        .prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn b_equal_keys_are_equal_cookies_at_the_origin(
        one in prop::collection::vec(cookie_header(), 0..3),
        other in prop::collection::vec(cookie_header(), 0..3),
        filter in 0..FILTERS.len(),
    ) {
        let snapshot = cookie_policy(FILTERS[filter]);
        let lines = |values: &[Vec<u8>]| {
            let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
            cookies(&snapshot, &values)
        };
        let ((one_key, one_heard), (other_key, other_heard)) = (lines(&one), lines(&other));
        // The key is made of what the origin gets, so that nothing else distinguishes objects.
        prop_assert!(one_key != other_key || one_heard == other_heard);
        prop_assert!(one_heard.is_some() || other_heard.is_some() || one_key == other_key);
    }

    #[test]
    fn b_equal_keys_are_equal_queries_at_the_origin(
        one in query(),
        other in query(),
        filter in 0..FILTERS.len(),
    ) {
        let snapshot = snapshot_of(&config(&FILTERS[filter].replace("NAMES", "query_strings")));
        let (one_key, one) = asked(&snapshot, &get(format!("{H}/a?{one}")));
        let (other_key, other) = asked(&snapshot, &get(format!("{H}/a?{other}")));
        prop_assert!(one_key != other_key || one.target == other.target);
    }
}
