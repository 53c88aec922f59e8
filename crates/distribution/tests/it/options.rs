//! OPTIONS: preflights without a signature, everything else with one.

use crate::support::*;
use http::header;
use privet_distribution::request::{Denial, route};
use privet_distribution::response::{PreflightAnswer, options, preflight};

fn asked(url: &str) -> Sent {
    send("OPTIONS", url)
        .header("origin", "https://player.example")
        .header("access-control-request-method", "GET")
}

fn answer(sent: &Sent) -> Option<PreflightAnswer> {
    let snapshot = snapshot();
    sent.with(|request| preflight(&route(&snapshot, request).unwrap(), request))
}

#[test]
fn what_is_no_preflight_needs_a_signature() {
    let url = format!("{U}/cors/a");
    assert_eq!(answer(&send("OPTIONS", url.clone())), None);
    assert_eq!(
        answer(&send("OPTIONS", url.clone()).header("origin", "https://a")),
        None
    );
    let mut sent = asked(&url);
    sent.method = http::Method::GET;
    assert_eq!(answer(&sent), None);
    assert_eq!(answer(&asked(&format!("{U}/public/a"))), None);
    let over_http = "http://d111111abcdef8.cloudfront.net/redir/a";
    assert_eq!(answer(&asked(over_http)), None);
    let denial = send("OPTIONS", url.clone()).run(&snapshot()).unwrap_err();
    assert!(matches!(denial, Denial::Signature(_)), "{denial:?}");
    let answer = send("OPTIONS", signed(&url, E)).run_with(&snapshot(), options);
    let answer = answer.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers[header::ALLOW], "GET, HEAD, OPTIONS");
}

#[test]
fn a_preflight_hears_the_methods() {
    let url = format!("{U}/cors/a");
    let names = "range, if-none-match";
    let found = answer(&asked(&url).header("access-control-request-headers", names)).unwrap();
    assert_eq!(found.status, 204);
    let headers = found.headers;
    assert_eq!(
        headers[header::ACCESS_CONTROL_ALLOW_METHODS],
        "GET, HEAD, OPTIONS"
    );
    assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_HEADERS], names);
    assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
    assert_eq!(headers[header::ACCESS_CONTROL_MAX_AGE], "600");
    assert!(!headers.contains_key(header::ACCESS_CONTROL_ALLOW_CREDENTIALS));
    let strange = answer(&asked(&url).header("access-control-request-headers", "a: b")).unwrap();
    assert!(
        !strange
            .headers
            .contains_key(header::ACCESS_CONTROL_ALLOW_HEADERS)
    );
}
