//! Freshness of stored responses: clocks, revalidation, stale responses, errors, variants, methods.

use crate::scenario_faults::ALL_METHODS;
use crate::support::*;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

/// A policy that leaves freshness to the origin alone.
const AS_THE_ORIGIN_SAYS: &str = "min_ttl = \"0s\"\ndefault_ttl = \"0s\"\nmax_ttl = \"365d\"";

/// Starts an origin that responds with the number of the request, counted from 1.
fn counting(headers: &'static [(&'static str, &'static str)]) -> FakeOrigin {
    let asked = AtomicUsize::new(0);
    FakeOrigin::start(move |_| {
        let number = asked.fetch_add(1, Ordering::SeqCst) + 1;
        OriginAnswer::whole(200, headers, number.to_string())
    })
}

/// Starts an origin that responds with `status`, which a test may change.
fn switchable(headers: &'static [(&'static str, &'static str)]) -> (FakeOrigin, Arc<AtomicUsize>) {
    let status = Arc::new(AtomicUsize::new(200));
    let answered = Arc::clone(&status);
    let origin = FakeOrigin::start(move |_| match answered.load(Ordering::SeqCst) {
        200 => OriginAnswer::whole(200, headers, "good"),
        status => OriginAnswer::whole(status as u16, &[], "bad"),
    });
    (origin, status)
}

fn edge_before(origin: &FakeOrigin) -> TestEdge {
    Remote::new(origin).policy(AS_THE_ORIGIN_SAYS).start()
}

fn text_at(edge: &TestEdge, secs: u64) -> String {
    edge.set_clock(secs);
    edge.fetch("/a").text().to_owned()
}

#[test]
fn an_object_is_fresh_as_long_as_its_origin_says() {
    let origin = counting(&[("Cache-Control", "max-age=10")]);
    let edge = edge_before(&origin);
    assert_eq!(text_at(&edge, NOW), "1");
    assert_eq!(text_at(&edge, NOW + 9), "1");
    let kept = edge.fetch("/a");
    assert_eq!((kept.field("Age"), kept.outcome()), (Some("9"), "Hit"));
    assert_eq!(text_at(&edge, NOW + 11), "2");
}

/// Whatever the clock does, responses are correct, and what has long become stale does not become fresh again.
#[test]
fn a_clock_that_jumps_does_no_harm() {
    let origin = counting(&[("Cache-Control", "max-age=60")]);
    let edge = edge_before(&origin);
    assert_eq!(text_at(&edge, NOW), "1");
    for jump in [NOW - 100_000, NOW + 100_000_000, NOW - 1, 0, NOW] {
        edge.set_clock(jump);
        let answer = edge.fetch("/a");
        assert_eq!(answer.status(), 200, "at {jump}");
        let age = answer
            .field("Age")
            .map_or(0, |age| age.parse::<u64>().unwrap());
        assert!(age <= 60, "{age} at {jump}");
    }
    let number: usize = text_at(&edge, NOW + 1).parse().unwrap();
    assert!(number >= 2, "what is older than its lifetime came back");
}

#[test]
fn a_stale_object_is_revalidated() {
    let object = PatternedObject::new(1_000, "\"v1\"").with("Cache-Control", "max-age=10");
    let (origin, object) = FakeOrigin::of(&object);
    let edge = edge_before(&origin);
    let first = edge.fetch("/a");
    edge.set_clock(NOW + 11);
    let second = edge.fetch("/a");
    assert_eq!(
        (second.outcome(), &second.body),
        ("RefreshHit", &first.body)
    );
    let asks = origin.asks();
    assert_eq!(asks[0].header("If-None-Match"), None);
    assert_eq!(asks[1].header("If-None-Match"), Some("\"v1\""));
    assert_eq!(origin.sent_size_bytes(), 1_000);
    edge.set_clock(NOW + 20);
    assert_eq!(edge.fetch("/a").outcome(), "Hit");
    let new = object.change_to("\"v2\"");
    edge.set_clock(NOW + 22);
    let third = edge.fetch("/a");
    new.assert_is(0, &third.body);
    assert_eq!(third.field("ETag"), Some("\"v2\""));
}

#[test]
fn a_stale_object_is_served_while_it_is_revalidated() {
    let gate = Gate::closed();
    let asked = AtomicUsize::new(0);
    let held = gate.clone();
    let origin = FakeOrigin::start(move |_| {
        let headers = [("Cache-Control", "max-age=10, stale-while-revalidate=30")];
        match asked.fetch_add(1, Ordering::SeqCst) {
            0 => OriginAnswer::whole(200, &headers, "first"),
            _ => OriginAnswer::whole(200, &headers, "second").after(&held),
        }
    });
    let edge = edge_before(&origin);
    assert_eq!(text_at(&edge, NOW), "first");
    // The origin is silent, and still no viewer waits; one revalidation is enough.
    for _ in 0..10 {
        assert_eq!(text_at(&edge, NOW + 15), "first");
    }
    assert_eq!(origin.wait_for_asks(2).len(), 2);
    gate.open();
    let begun = Instant::now();
    while text_at(&edge, NOW + 15) == "first" {
        assert!(begun.elapsed() < PATIENCE);
    }
    assert_eq!(origin.asks().len(), 2);
}

#[test]
fn a_stale_object_is_served_instead_of_an_error() {
    let (origin, status) = switchable(&[("Cache-Control", "max-age=10, stale-if-error=60")]);
    let edge = edge_before(&origin);
    assert_eq!(text_at(&edge, NOW), "good");
    status.store(500, Ordering::SeqCst);
    edge.set_clock(NOW + 15);
    let stale = edge.fetch("/a");
    assert_eq!((stale.status(), stale.text()), (200, "good"));
    edge.set_clock(NOW + 100);
    assert_eq!(edge.fetch("/a").status(), 500);
}

#[test]
fn a_stale_object_outlasts_its_origin() {
    let (origin, _) = switchable(&[("Cache-Control", "max-age=10, stale-if-error=60")]);
    let edge = edge_before(&origin);
    assert_eq!(text_at(&edge, NOW), "good");
    drop(origin);
    assert_eq!(text_at(&edge, NOW + 15), "good");
}

#[test]
fn what_must_be_revalidated_is_not_served_stale() {
    for directive in ["must-revalidate", "proxy-revalidate", "stale-if-error=0"] {
        let value = format!("max-age=10, {directive}");
        let status = Arc::new(AtomicUsize::new(200));
        let answered = Arc::clone(&status);
        let origin = FakeOrigin::start(move |_| {
            let status = answered.load(Ordering::SeqCst) as u16;
            OriginAnswer::whole(status, &[("Cache-Control", &value)], "text")
        });
        let edge = edge_before(&origin);
        assert_eq!(text_at(&edge, NOW), "text");
        status.store(500, Ordering::SeqCst);
        edge.set_clock(NOW + 15);
        assert_eq!(edge.fetch("/a").status(), 500, "{directive}");
    }
}

#[test]
fn errors_are_kept_for_ten_seconds() {
    for status in [404, 500, 502, 503, 504] {
        let origin = FakeOrigin::start(move |_| OriginAnswer::whole(status, &[], "error"));
        let edge = edge_before(&origin);
        for secs in [0, 5, 9] {
            edge.set_clock(NOW + secs);
            let answer = edge.fetch("/a");
            assert_eq!((answer.status(), answer.text()), (status, "error"));
            assert_eq!(answer.outcome(), "Error");
        }
        assert_eq!(origin.asks().len(), 1, "{status}");
        edge.set_clock(NOW + 11);
        edge.fetch("/a");
        assert_eq!(origin.asks().len(), 2, "{status}");
    }
    // Spec 8, "Error caching": these statuses are cached only when the origin says for how long.
    for status in [400, 403, 405] {
        let origin = FakeOrigin::start(move |_| OriginAnswer::whole(status, &[], "error"));
        let edge = edge_before(&origin);
        assert_eq!(edge.fetch("/a").status(), status);
        assert_eq!(edge.fetch("/a").status(), status);
        assert_eq!(origin.asks().len(), 2, "{status}");
    }
}

#[test]
fn variants_are_kept_apart() {
    let origin = FakeOrigin::start(|ask| {
        let color = ask.header("X-Color").unwrap_or("none").to_owned();
        let headers = [("Vary", "X-Color"), ("Cache-Control", "max-age=60")];
        OriginAnswer::whole(200, &headers, color)
    });
    let forwarding = "[[origin_request_policies]]\nid = \"color\"\nheaders = [\"X-Color\"]";
    let edge = Remote::new(&origin)
        .policy(AS_THE_ORIGIN_SAYS)
        .tables(forwarding)
        .behavior("origin_request_policy = \"color\"")
        .start();
    for expected in ["Miss", "Hit"] {
        for color in ["red", "green"] {
            let answer = edge.fetch_with("/a", &[("X-Color", color)]);
            assert_eq!((answer.text(), answer.outcome()), (color, expected));
        }
        let plain = edge.fetch("/a");
        assert_eq!((plain.text(), plain.outcome()), ("none", expected));
    }
    assert_eq!(origin.asks().len(), 3);
}

#[test]
fn a_head_is_answered_without_a_body() {
    let object = PatternedObject::new(5_000_000, "\"v1\"").with("Cache-Control", "max-age=60");
    let (origin, object) = FakeOrigin::of(&object);
    let edge = edge_before(&origin);
    let head = Ask::get(url("/a")).method("HEAD");
    let cold = edge.ask(&head);
    assert_eq!(cold.status(), 200);
    assert_eq!(cold.field("Content-Length"), Some("5000000"));
    let whole = edge.fetch("/a");
    object.pattern().assert_is(0, &whole.body);
    let warm = edge.ask(&head);
    assert_eq!(warm.outcome(), "Hit");
    assert_eq!(warm.field("ETag"), Some("\"v1\""));
    origin.assert_each_byte_was_read_once("/a", 5_000_000);
}

#[test]
fn an_upload_passes_through_and_is_seen_afterwards() {
    let text = Arc::new(std::sync::Mutex::new(b"before".to_vec()));
    let origin = FakeOrigin::start(move |ask| {
        if ask.method == "PUT" {
            *text.lock().unwrap() = ask.body.clone();
            return OriginAnswer::whole(201, &[("X-Stored", "yes")], "stored");
        }
        let headers = [("Cache-Control", "max-age=60")];
        OriginAnswer::whole(200, &headers, text.lock().unwrap().clone())
    });
    let edge = Remote::new(&origin)
        .policy(AS_THE_ORIGIN_SAYS)
        .behavior(ALL_METHODS)
        .start();
    assert_eq!(edge.fetch("/a").text(), "before");
    let mut put = Ask::get(url("/a"))
        .method("PUT")
        .header("Content-Type", "video/mp4");
    put.body = Pattern::of_version(3).bytes(0..2_000_000);
    let stored = edge.ask(&put);
    assert_eq!((stored.status(), stored.text()), (201, "stored"));
    assert_eq!(stored.field("X-Stored"), Some("yes"));
    let asks = origin.asks();
    assert_eq!(asks[1].body, put.body);
    assert_eq!(asks[1].header("Content-Type"), Some("video/mp4"));
    // RFC 9111 4.4: a successful unsafe request invalidates the stored response.
    assert_eq!(edge.fetch("/a").body, put.body);
}

#[test]
fn what_is_not_to_be_stored_is_not_stored() {
    for value in ["no-store", "private", "no-cache", "max-age=0"] {
        let headers = move |number: usize| {
            OriginAnswer::whole(200, &[("Cache-Control", value)], number.to_string())
        };
        let asked = AtomicUsize::new(0);
        let origin = FakeOrigin::start(move |_| headers(asked.fetch_add(1, Ordering::SeqCst)));
        let edge = edge_before(&origin);
        let texts: Vec<String> = (0..3).map(|_| text_at(&edge, NOW)).collect();
        assert_eq!(texts, ["0", "1", "2"], "{value}");
    }
}

#[test]
fn a_body_without_a_length_is_kept_too() {
    let origin = FakeOrigin::start(|_| {
        let headers = [("Cache-Control", "max-age=60")];
        OriginAnswer::chunked(200, &headers, &[b"one ", b"by ", b"one"])
    });
    let edge = edge_before(&origin);
    for outcome in ["Miss", "Hit"] {
        let answer = edge.fetch("/a");
        assert_eq!((answer.text(), answer.outcome()), ("one by one", outcome));
    }
    let part = edge.fetch_with("/a", &[("Range", "bytes=4-5")]);
    assert_eq!((part.status(), part.text()), (206, "by"));
}

/// Every request reaches the origin, over connections that stay open.
#[test]
fn nothing_is_kept_where_caching_is_disabled() {
    let origin = counting(&[("Cache-Control", "max-age=60")]);
    let api = "origin = \"app\"\ncache_policy = \"Managed-CachingDisabled\"";
    let edge = Remote::new(&origin).path("/api/*", api).start();
    let mut viewer = edge.plain();
    for number in 1..=5 {
        let answer = viewer.get(&url("/api/orders"));
        assert_eq!(
            (answer.text(), answer.outcome()),
            (number.to_string().as_str(), "Miss")
        );
    }
    // An idle connection is reused, though not always by the very next request.
    let asks = origin.asks();
    let is_reused = asks
        .windows(2)
        .any(|two| two[0].connection == two[1].connection);
    assert!(is_reused, "{} connections", origin.connections());
}

/// The developer tools of a browser show what the cache did.
#[test]
fn server_timing_tells_what_the_cache_did() {
    let (origin, _) = FakeOrigin::object(1_000, "\"v1\"");
    let edge = Remote::new(&origin)
        .tables("[[response_headers_policies]]\nid = \"timed\"\nserver_timing_percent = 100")
        .behavior("response_headers_policy = \"timed\"")
        .start();
    for did in ["cdn-cache-miss, ", "cdn-cache-hit, "] {
        let answer = edge.fetch("/a");
        let timing = answer.field("Server-Timing").unwrap();
        assert!(timing.starts_with(did), "{timing}");
        let id = answer.field("X-Amz-Cf-Id").unwrap();
        assert!(
            timing.ends_with(&format!("cdn-rid;desc=\"{id}\"")),
            "{timing}"
        );
    }
}
