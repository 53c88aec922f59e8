//! Many requests on one connection: order, keep-alive, pipelining, and what the edge remembers between them.

use crate::support::*;
use std::fs;

#[test]
fn http_10_closes_unless_asked() {
    let edge = TestEdge::new();
    edge.put("public/a.txt", b"alpha");
    let ask = Ask::get(format!("http://{HOST}/public/a.txt")).version("HTTP/1.0");
    let mut viewer = edge.plain();
    let answer = viewer.ask(&ask);
    assert_eq!((answer.status(), answer.text()), (200, "alpha"));
    assert_eq!(viewer.rest(), b"");
    assert_ne!(answer.header("Connection"), Some("keep-alive"));
    let mut viewer = edge.plain();
    let stay = ask.header("Connection", "keep-alive");
    for _ in 0..3 {
        let answer = viewer.ask(&stay);
        assert_eq!(answer.header("Connection"), Some("keep-alive"));
    }
}

#[test]
fn a_viewer_that_wants_to_close_is_told_so() {
    let edge = TestEdge::new();
    let mut viewer = edge.plain();
    let ask = Ask::get(format!("http://{HOST}/public/a")).header("Connection", "close");
    let answer = viewer.ask(&ask);
    assert_eq!(viewer.rest(), b"");
    assert_eq!(answer.header("Connection"), Some("close"));
}

#[test]
fn spent_connections_close() {
    let config = fixture_with_limits("requests_per_connection_max = 3");
    let edge = TestEdge::configured(&config);
    for mut viewer in [edge.plain(), edge.tls()] {
        let url = format!("http://{HOST}/public/a");
        for expected in ["keep-alive", "keep-alive", "close"] {
            assert_eq!(viewer.get(&url).header("Connection"), Some(expected));
        }
        assert_eq!(viewer.rest(), b"");
    }
}

#[test]
fn keep_alive_on_both_kinds() {
    let edge = TestEdge::new();
    edge.put("public/a.txt", b"alpha");
    for mut viewer in [edge.plain(), edge.tls()] {
        for _ in 0..50 {
            let answer = viewer.get(&format!("http://{HOST}/public/a.txt"));
            assert_eq!((answer.status(), answer.text()), (200, "alpha"));
        }
    }
}

#[test]
fn twenty_requests_in_one_write() {
    let edge = TestEdge::new();
    let small = b"small".to_vec();
    let large: Vec<u8> = (0..300_000u32).map(|at| (at / 3) as u8).collect();
    let huge: Vec<u8> = (0..3_000_000u32).map(|at| (at / 5) as u8).collect();
    for (name, bytes) in [("small", &small), ("large", &large), ("huge", &huge)] {
        edge.put(&format!("public/{name}"), bytes);
    }
    let names = ["small", "large", "missing", "huge", "small"];
    let asks: Vec<Ask> = (0..20)
        .map(|position| names[position % names.len()])
        .map(|name| Ask::get(format!("http://{HOST}/public/{name}")))
        .collect();
    let written: Vec<u8> = asks.iter().flat_map(Ask::bytes).collect();
    for mut viewer in [edge.plain(), edge.tls()] {
        viewer.send(&written);
        for position in 0..20 {
            let answer = viewer.answer("GET").unwrap();
            match names[position % names.len()] {
                "small" => assert!(answer.body == small, "{position}"),
                "large" => assert!(answer.body == large, "{position}"),
                "huge" => assert!(answer.body == huge, "{position}"),
                _ => assert_eq!(answer.status(), 404, "{position}"),
            }
        }
    }
}

#[test]
fn many_streams_on_one_connection() {
    let edge = TestEdge::new();
    let objects: Vec<Vec<u8>> = (0..40u8)
        .map(|number| vec![number; usize::from(number) * 20_000])
        .collect();
    let mut asks = Vec::new();
    for (number, bytes) in objects.iter().enumerate() {
        edge.put(&format!("private/{number}"), bytes);
        asks.push(Ask::get(signed(&format!("{U}/private/{number}"), E)));
    }
    for (answer, bytes) in ask_multiplexed(&edge, &asks).iter().zip(&objects) {
        assert_eq!(answer.status(), 200);
        assert!(answer.body() == bytes);
    }
}

#[test]
fn a_repeated_grant_costs_one_public_key_operation() {
    let edge = TestEdge::new();
    let operations = || edge.running().verified_signatures().public_key_operations();
    let link = signed(&format!("{U}/private/a"), E);
    let cookies = policy_cookies(RSA, &policy(&format!("{U}/private/*")));
    edge.get(&link.replace("/private/a", "/private/b"));
    assert_eq!(operations(), 1);
    for _ in 0..20 {
        edge.get(&link);
    }
    assert_eq!(operations(), 2);
    for name in 0..20 {
        let ask = Ask::get(format!("{U}/private/{name}")).header("Cookie", &cookies);
        assert_eq!(edge.ask(&ask).status(), 404);
    }
    assert_eq!(operations(), 3);
    // The signature is remembered, never the decision.
    edge.set_clock(E);
    assert_eq!(edge.get(&link).status(), 403);
    assert_eq!(operations(), 3);
}

/// Sends requests until the object is cached, which needs a file that has not changed for a while.
fn until_hot(viewer: &mut Viewer, url: &str) {
    let begun = std::time::Instant::now();
    while viewer.get(url).header("X-Cache") != Some("Hit from cloudfront") {
        assert!(begun.elapsed() < PATIENCE);
    }
}

#[test]
fn a_changed_file_is_served_anew() {
    let edge = TestEdge::new();
    let mut viewer = edge.plain();
    for size_bytes in [10, 20_000, 3_000_000] {
        let url = format!("http://{HOST}/public/{size_bytes}");
        let path = edge.put(&format!("public/{size_bytes}"), &vec![0; size_bytes]);
        until_hot(&mut viewer, &url);
        let mut etags = vec![viewer.get(&url).header("Etag").unwrap().to_owned()];
        for round in 1..=20u8 {
            let bytes = vec![round; size_bytes];
            if round % 2 == 0 {
                fs::write(&path, &bytes).unwrap();
            } else {
                let aside = path.with_extension("new");
                fs::write(&aside, &bytes).unwrap();
                fs::rename(&aside, &path).unwrap();
            }
            let answer = viewer.get(&url);
            assert!(answer.body == bytes, "{size_bytes} bytes, round {round}");
            etags.push(answer.header("Etag").unwrap().to_owned());
        }
        let replaced = etags.windows(2).step_by(2);
        assert!(
            replaced.into_iter().all(|pair| pair[0] != pair[1]),
            "{etags:?}"
        );
        fs::remove_file(&path).unwrap();
        assert_eq!(viewer.get(&url).status(), 404);
    }
}
