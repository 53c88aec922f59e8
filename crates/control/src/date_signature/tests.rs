//! Signatures of boto 2 count in their time; anything else does not.

use super::*;
use http::{HeaderName, HeaderValue};

/// A second of the captures, 2026-11-21T16:24:23Z, and its signature.
const SIGNED_AT: i64 = 1_795_278_263;
const DATE_TEXT: &str = "Sat, 21 Nov 2026 16:24:23 GMT";
const SIGNED: &str = "AWS AKIDEXAMPLE:y/lSgujjZljqhycUmuIeKDI0WUM=";
const SECRET: &str = "secret";

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let name: HeaderName = name.parse().unwrap();
        headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    headers
}

fn good() -> HeaderMap {
    headers(&[("authorization", SIGNED), ("date", DATE_TEXT)])
}

#[track_caller]
fn check_malformed(pairs: &[(&str, &str)], expected: &str) {
    match DateClaim::read(&headers(pairs), SIGNED_AT) {
        Err(DateRefusal::Malformed { part, .. }) => assert_eq!(part, expected, "{pairs:?}"),
        other => panic!("{pairs:?}: {other:?}"),
    }
}

#[test]
fn what_is_not_a_signature_is_refused() {
    let date = ("date", DATE_TEXT);
    for authorization in [
        "AWS ",
        "AWS AKIDEXAMPLE",
        "AWS :y/lSgujjZljqhycUmuIeKDI0WUM=",
        "AWS AKID EXAMPLE:y/lSgujjZljqhycUmuIeKDI0WUM=",
        "AWS AKIDEXAMPLE:",
        "AWS AKIDEXAMPLE:y/lSgujjZljqhycUmuIeKDI0WUM",
        "AWS AKIDEXAMPLE:y_lSgujjZljqhycUmuIeKDI0WUM=",
        // The same bytes, with bits behind them.
        "AWS AKIDEXAMPLE:y/lSgujjZljqhycUmuIeKDI0WUN=",
        "AWS AKIDEXAMPLE:y/lSgujjZljqhycUmuIeKDI0",
        "AWS AKIDEXAMPLE: y/lSgujjZljqhycUmuIeKDI0WUM=",
        "aws AKIDEXAMPLE:y/lSgujjZljqhycUmuIeKDI0WUM=",
        "AWS4-HMAC-SHA256 AKIDEXAMPLE:y/lSgujjZljqhycUmuIeKDI0WUM=",
    ] {
        check_malformed(&[("authorization", authorization), date], "Authorization");
    }
    let signed = ("authorization", SIGNED);
    check_malformed(&[date], "Authorization");
    check_malformed(&[signed, signed, date], "Authorization");
    check_malformed(&[signed], "Date");
    check_malformed(&[signed, date, date], "Date");
    for text in [
        "",
        "1795278263",
        "Sat, 21 Nov 2026 16:24:23 +0000",
        "Saturday, 21-Nov-26 16:24:23 GMT",
        "Sat Nov 21 16:24:23 2026",
        "Sun, 21 Nov 2026 16:24:23 GMT",
        "sat, 21 Nov 2026 16:24:23 GMT",
        "Sat, 21 Nov 2026 16:24:23 GMT\u{fc}",
    ] {
        check_malformed(&[signed, ("date", text)], "Date");
    }
    let mut temporary = good();
    temporary.insert("x-amz-security-token", HeaderValue::from_static("t"));
    let refused = DateClaim::read(&temporary, SIGNED_AT);
    assert_eq!(refused, Err(DateRefusal::SecurityToken));
}

#[test]
fn a_date_counts_for_a_minute_before_and_behind() {
    let check = |now, expected| {
        let read = DateClaim::read(&good(), now).map(|_| ());
        assert_eq!(read, expected, "{now}");
    };
    check(SIGNED_AT + 61, Err(DateRefusal::Expired));
    check(i64::MAX, Err(DateRefusal::Expired));
    check(SIGNED_AT - 61, Err(DateRefusal::NotYet));
    check(i64::MIN, Err(DateRefusal::NotYet));
    check(SIGNED_AT + 60, Ok(()));
    check(SIGNED_AT - 60, Ok(()));
}

#[test]
fn the_secret_and_the_date_make_the_signature() {
    let claim = DateClaim::read(&good(), SIGNED_AT).unwrap();
    assert!(!claim.is_made_with(""));
    assert!(!claim.is_made_with("Secret"));
    let later = headers(&[
        ("authorization", SIGNED),
        ("date", "Sat, 21 Nov 2026 16:24:24 GMT"),
    ]);
    let later = DateClaim::read(&later, SIGNED_AT).unwrap();
    assert!(!later.is_made_with(SECRET));
    assert_eq!(claim.access_key_id(), "AKIDEXAMPLE");
    assert_eq!(claim.signed_at(), SIGNED_AT);
    assert!(claim.is_made_with(SECRET));
}

#[test]
fn requests_of_one_second_are_told_apart_by_what_they_ask() {
    let claim = DateClaim::read(&good(), SIGNED_AT).unwrap();
    let none = HeaderMap::new();
    let matching = |etags: &[&'static str]| {
        let mut headers = HeaderMap::new();
        for etag in etags {
            headers.append(IF_MATCH, HeaderValue::from_static(etag));
        }
        headers
    };
    let (one, two) = (matching(&["E1"]), matching(&["E1", "E2"]));
    let asked = |method, path, query, headers, body| {
        let asked = AskedFor {
            method,
            path,
            query,
            headers,
            body,
        };
        claim.of_request(&asked).signature
    };
    let all = [
        asked("PUT", "/a", "", &none, b""),
        asked("POST", "/a", "", &none, b""),
        asked("PUT", "/b", "", &none, b""),
        asked("PUT", "/a", "b", &none, b""),
        asked("PUT", "/a", "", &one, b""),
        asked("PUT", "/a", "", &two, b""),
        asked("PUT", "/a", "", &none, b"E1\n"),
        asked("PUT", "/a", "", &none, b"E1"),
    ];
    for (position, first) in all.iter().enumerate() {
        for second in &all[position + 1..] {
            assert_ne!(first, second);
        }
    }
    assert_eq!(all[0], asked("PUT", "/a", "", &none, b""));
}
