//! Restrictions by country, and what origins are told of it.
//!
//! The database knows 127.0.0.5 as BR, .6 as DE, .7 as registered in PT, .8 without a country, 198.51.100.0/24 as JP
//! and 2001:db8::/32 as CA.

use crate::support::*;
use privet_edge::StartError;
use std::fs;

const CUSTOM_ERROR: &str = "[[distributions.custom_errors]]\nstatus = 403\npage = \"/page.html\"\n\
    page_status = 403";

fn database() -> String {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/countries.mmdb");
    format!("[geo]\ndatabase = {file:?}\n")
}

fn origin() -> FakeOrigin {
    FakeOrigin::start(|ask| {
        let country = ask.header("CloudFront-Viewer-Country").unwrap_or("none");
        OriginAnswer::whole(200, &[("Cache-Control", "max-age=60")], country)
    })
}

/// Returns a configuration with `allow` or `block` lines for the distribution.
fn restricted(origin: &FakeOrigin, restriction: &str) -> Remote {
    Remote::new(origin)
        .tables(&database())
        .distribution(&format!("[distributions.geo]\n{restriction}"))
}

#[track_caller]
fn check(edge: &TestEdge, viewer: &str, expected: u16) {
    for url in [url("/a"), format!("{U}/a"), signed(&url("/private/a"), E)] {
        let answer = edge.ask(&Ask::get(&url).by_address(viewer));
        assert_eq!(answer.status(), expected, "{url} by {viewer}");
    }
}

#[test]
fn a_broken_database_leaves_the_old_one_in_force() {
    let origin = origin();
    let config = restricted(&origin, "block = [\"BR\"]").config();
    let mut edge = TestEdge::configured(&config);
    let good = fs::read(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/data/countries.mmdb"
    ))
    .unwrap();
    fs::write(edge.folder().join("torn.mmdb"), &good[..good.len() / 2]).unwrap();
    let torn = config.replace(&database(), "[geo]\ndatabase = \"torn.mmdb\"\n");
    let Err(StartFailure::Edge(StartError::GeoDatabase { file, .. })) = edge.reload(&torn) else {
        panic!("half a database is none");
    };
    assert!(file.ends_with("torn.mmdb"));
    check(&edge, "127.0.0.5", 403);
    check(&edge, "127.0.0.6", 200);
}

#[test]
fn a_block_list() {
    let origin = origin();
    let edge = restricted(&origin, "block = [\"BR\", \"PT\"]").start();
    check(&edge, "127.0.0.5", 403);
    check(&edge, "127.0.0.7", 403);
    check(&edge, "127.0.0.6", 200);
}

#[test]
fn an_allow_list() {
    let origin = origin();
    let edge = restricted(&origin, "allow = [\"BR\", \"PT\"]").start();
    check(&edge, "127.0.0.6", 403);
    check(&edge, "127.0.0.5", 200);
    check(&edge, "127.0.0.7", 200);
}

#[test]
fn whoever_is_not_known_is_served() {
    let origin = origin();
    for restriction in ["allow = [\"BR\"]", "block = [\"BR\"]"] {
        let edge = restricted(&origin, restriction).start();
        check(&edge, "127.0.0.1", 200);
        check(&edge, "127.0.0.8", 200);
    }
}

#[test]
fn the_page_and_the_log_say_why() {
    let origin = origin();
    let edge = restricted(&origin, "block = [\"BR\"]").start();
    // The country is checked before the signature, and before the redirect to https.
    let answer = edge.ask(&Ask::get(url("/private/a")).by_address("127.0.0.5"));
    assert_eq!(answer.status(), 403);
    assert_eq!(answer.header("Content-Type"), Some("text/html"));
    assert_eq!(answer.header("X-Cache"), Some("Error from cloudfront"));
    let reason =
        "The Amazon CloudFront distribution is configured to block access from your country.";
    assert!(answer.text().contains(reason), "{}", answer.text());
    assert!(
        answer
            .text()
            .contains(answer.header("X-Amz-Cf-Id").unwrap())
    );
    let record = edge.live.wait_for(1).pop().unwrap();
    assert_eq!(record["x-edge-result-type"], "Error");
    assert_eq!(record["x-edge-detailed-result-type"], "ClientGeoBlocked");
    assert_eq!(record["c-ip"], "127.0.0.5");
    assert!(origin.asks().is_empty());
}

#[test]
fn preflights_from_blocked_countries_are_refused() {
    let origin = origin();
    let edge = restricted(&origin, "block = [\"BR\"]")
        .behavior("allowed_methods = [\"GET\", \"HEAD\", \"OPTIONS\"]")
        .start();
    let status = |viewer: &str| {
        let ask = Ask::get(url("/private/a"))
            .method("OPTIONS")
            .header("Origin", "https://player.example")
            .header("Access-Control-Request-Method", "GET")
            .by_address(viewer);
        edge.ask(&ask).status()
    };
    assert_eq!(status("127.0.0.5"), 403);
    assert_eq!(status("127.0.0.6"), 204);
}

#[test]
fn a_page_of_the_operators_for_blocked_countries() {
    let origin = origin();
    let edge = restricted(&origin, "block = [\"BR\"]")
        .tables("[[origin_request_policies]]\nid = \"country\"\nheaders = [\"CloudFront-Viewer-Country\"]")
        .behavior("origin_request_policy = \"country\"")
        .distribution(CUSTOM_ERROR)
        .start();
    let answer = edge.ask(&Ask::get(url("/a")).by_address("127.0.0.5"));
    assert_eq!((answer.status(), answer.text()), (403, "BR"));
    let asks = origin.asks();
    let targets: Vec<&str> = asks.iter().map(|ask| ask.target.as_str()).collect();
    assert_eq!(targets, ["/page.html"]);
    let record = edge.live.wait_for(1).pop().unwrap();
    assert_eq!(record["x-edge-detailed-result-type"], "ClientGeoBlocked");
}

/// With the country in the cache key there is an object for each country; the viewer's own header does not count.
#[test]
fn origins_hear_the_country() {
    let origin = origin();
    let edge = Remote::new(&origin)
        .tables(&database())
        .policy("default_ttl = \"1h\"\nheaders = [\"CloudFront-Viewer-Country\"]")
        .start();
    let country = |viewer: &str| {
        let ask = Ask::get(url("/a"))
            .header("CloudFront-Viewer-Country", "XX")
            .by_address(viewer);
        let answer = edge.ask(&ask);
        (answer.outcome().to_owned(), answer.text().to_owned())
    };
    let miss = |country: &str| ("Miss".to_owned(), country.to_owned());
    let hit = |country: &str| ("Hit".to_owned(), country.to_owned());
    assert_eq!(country("127.0.0.1"), miss("none"));
    assert_eq!(country("127.0.0.5"), miss("BR"));
    assert_eq!(country("127.0.0.7"), miss("PT"));
    assert_eq!(country("127.0.0.5"), hit("BR"));
    assert_eq!(country("127.0.0.8"), hit("none"));
}

#[test]
fn behind_a_trusted_proxy_the_viewers_country_counts() {
    let origin = origin();
    let edge = "[edge]\nworkers = 2\n";
    let trusted = format!("{edge}trusted_proxies = [\"127.0.0.5\"]\n");
    let config = restricted(&origin, "allow = [\"JP\", \"CA\"]").config();
    let edge = TestEdge::configured(&config.replace(edge, &trusted));
    let status = |peer: &str, forwarded_for: &str| {
        let ask = Ask::get(url("/a")).header("X-Forwarded-For", forwarded_for);
        edge.ask(&ask.by_address(peer)).status()
    };
    assert_eq!(status("127.0.0.6", "198.51.100.7"), 403);
    assert_eq!(status("127.0.0.5", "127.0.0.7"), 403);
    assert_eq!(status("127.0.0.5", "198.51.100.7"), 200);
    assert_eq!(status("127.0.0.5", "2001:db8::1"), 200);
}
