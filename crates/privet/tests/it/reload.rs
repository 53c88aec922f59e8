//! A new configuration under a running edge, the edge's shutdown, and the test clock.

use crate::support::*;
use privet_distribution::config::ListenerProtocol;
use privet_edge::StartError;
use std::fs;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

#[test]
fn a_bad_snapshot_leaves_the_old_one_in_force() {
    let mut edge = TestEdge::new();
    edge.put("public/a", b"alpha");
    let before = edge.http();
    let missing = fixture().replace("\"bucket\"", "\"missing\"");
    assert!(matches!(
        edge.reload(&missing),
        Err(StartFailure::Edge(StartError::Folder { .. }))
    ));
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = holder.local_addr().unwrap().to_string();
    let other = fixture().replace("127.0.0.1:0", &taken);
    assert!(matches!(
        edge.reload(&other),
        Err(StartFailure::Edge(StartError::Listen { .. }))
    ));
    drop(holder);
    let junk = edge.folder().join("junk.pem");
    fs::write(junk, "junk").unwrap();
    let uncertified = fixture().replace("\"chain.pem\"", "\"junk.pem\"");
    assert!(matches!(
        edge.reload(&uncertified),
        Err(StartFailure::Edge(StartError::Certificate { .. }))
    ));
    assert_eq!(edge.http(), before);
    assert_eq!(edge.get(&format!("http://{HOST}/public/a")).text(), "alpha");
    edge.assert_alive();
}

#[test]
fn a_removed_key_refuses_from_the_next_request_on() {
    let mut edge = TestEdge::new();
    let url = format!("http://{HOST}/private/a");
    let (rsa, ec) = (signed(&url, E), signed_by(EC, &url, E));
    let mut viewer = edge.plain();
    assert_eq!(
        (viewer.get(&rsa).status(), viewer.get(&ec).status()),
        (404, 404)
    );
    edge.reload(&fixture().replace("[\"KRSA\", \"KEC\"]", "[\"KEC\"]"))
        .unwrap();
    let refused = viewer.get(&rsa);
    assert!(refused.text().contains("<Code>InvalidKey</Code>"));
    assert_eq!(viewer.get(&ec).status(), 404);
    // A different key has the same id: what was remembered about the old key must not count.
    let swapped = fixture().replace("KEYS/rsa2048.pub.pem", "KEYS/rsa4096.pub.pem");
    edge.reload(&swapped).unwrap();
    assert!(
        viewer
            .get(&rsa)
            .text()
            .contains("<Code>AccessDenied</Code>")
    );
    edge.reload(&fixture()).unwrap();
    assert_eq!(viewer.get(&rsa).status(), 404);
}

#[test]
fn nothing_is_dropped_under_load() {
    let mut edge = TestEdge::new();
    edge.put("public/a", &vec![7; 20_000]);
    let (http, https) = (edge.http(), edge.https());
    let over = AtomicBool::new(false);
    let answered = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for round in 0..3 {
            let (over, answered) = (&over, &answered);
            scope.spawn(move || {
                let connect = || match round {
                    0 => Viewer::plain(http, None),
                    _ => Viewer::tls(https, None),
                };
                let mut viewer = connect();
                while !over.load(Ordering::Relaxed) {
                    let answer = viewer.get(&format!("http://{HOST}/public/a"));
                    assert_eq!((answer.status(), answer.body.len()), (200, 20_000));
                    answered.fetch_add(1, Ordering::Relaxed);
                    if round == 2 {
                        viewer = connect();
                    }
                }
            });
        }
        for round in 0..50 {
            let seen = answered.load(Ordering::Relaxed);
            let limits = format!("ranges_max = {}", 5 + round % 2);
            edge.reload(&fixture_with_limits(&limits)).unwrap();
            while answered.load(Ordering::Relaxed) < seen + 5 {
                std::thread::yield_now();
            }
        }
        over.store(true, Ordering::Relaxed);
    });
    let (_, live) = edge.stop();
    assert_eq!(live.records().len(), answered.load(Ordering::Relaxed));
}

/// Connects until nothing listens there any more.
fn until_refused(address: SocketAddr) {
    let begun = std::time::Instant::now();
    while connect(address, None, None).is_ok() {
        assert!(begun.elapsed() < PATIENCE, "{address} still listens");
    }
}

const SIZE_BYTES: usize = 20_000_000;

/// Returns a narrow viewer with a download in progress.
fn downloading(edge: &TestEdge) -> Viewer {
    edge.put("public/large", &vec![7; SIZE_BYTES]);
    let mut viewer = Viewer::narrow(edge.http());
    viewer.send(&Ask::get(format!("http://{HOST}/public/large")).bytes());
    assert_eq!(viewer.head().unwrap().status(), 200);
    viewer
}

#[test]
fn listeners_and_downloads() {
    let mut edge = TestEdge::new();
    let mut viewer = downloading(&edge);
    let before = edge.http();
    let other = edge.folder().join("other/public");
    fs::create_dir_all(&other).unwrap();
    fs::write(other.join("large"), "small now").unwrap();
    let moved = fixture()
        .replace("127.0.0.1:0", "127.0.0.3:0")
        .replace("\"bucket\"", "\"other\"");
    edge.reload(&moved).unwrap();
    until_refused(before);
    assert_eq!(edge.http().ip().to_string(), "127.0.0.3");
    assert_eq!(
        edge.get(&format!("http://{HOST}/public/large")).text(),
        "small now"
    );
    // The download began under the old configuration and ends under it; the next request sees the new one.
    assert!(viewer.take(SIZE_BYTES) == vec![7; SIZE_BYTES]);
    assert_eq!(
        viewer.get(&format!("http://{HOST}/public/large")).text(),
        "small now"
    );
}

#[test]
fn a_drain_lets_downloads_end() {
    let edge = TestEdge::new();
    let mut viewer = downloading(&edge);
    let mut idle = edge.plain();
    assert_eq!(idle.get(&format!("http://{HOST}/public/a")).status(), 404);
    let addresses = [edge.http(), edge.https()];
    let stopping = std::thread::spawn(move || edge.stop());
    addresses.into_iter().for_each(until_refused);
    assert_eq!(idle.rest(), b"");
    assert!(viewer.take(SIZE_BYTES) == vec![7; SIZE_BYTES]);
    assert_eq!(viewer.rest(), b"");
    let (folder, _) = stopping.join().unwrap();
    let records = file_records(&folder.path().join("logs"));
    assert!(
        records
            .iter()
            .any(|record| record[7] == "/public/large" && record[13] == "Miss")
    );
}

#[test]
fn a_drain_does_not_wait_for_ever() {
    let edge = TestEdge::configured(&fixture_with_limits("drain_timeout = \"1s\""));
    let mut viewer = downloading(&edge);
    let (folder, _) = edge.stop();
    assert!(viewer.rest().len() < SIZE_BYTES);
    let records = file_records(&folder.path().join("logs"));
    assert_eq!(records.len(), 1);
    assert_eq!(records[0][28], "ClientCommError");
}

#[test]
fn the_test_clock_is_for_tests() {
    let put = |edge: &TestEdge, text: &str| {
        let mut ask = Ask::get(format!("http://{HOST}/.privet-test/clock")).method("PUT");
        ask.body = text.as_bytes().to_vec();
        edge.ask(&ask.header("X-Privet-Test-Secret", edge.running().test_secret()))
    };
    let edge = TestEdge::new();
    assert_eq!(put(&edge, "5").status(), 403);
    let answer = edge.get(&format!("http://{HOST}/.privet-test/clock"));
    assert_eq!(answer.status(), 403);
    assert_eq!(answer.header("X-Privet-Test-Clock"), None);
    assert_eq!(edge.running().clock().now().as_secs(), NOW);

    let edge = TestEdge::configured(&format!("{}\n[test]\nclock = true\n", fixture()));
    for text in ["yesterday", "-1", "", "+", &"1".repeat(100)] {
        assert_eq!(put(&edge, text).status(), 400, "{text}");
    }
    let link = signed(&format!("{U}/private/a"), E);
    assert_eq!(edge.get(&link).status(), 404);
    assert_eq!(put(&edge, &E.to_string()).text(), format!("{E}\n"));
    let refused = edge.get(&link);
    assert_eq!(refused.status(), 403);
    assert_eq!(
        refused.header("X-Privet-Test-Clock"),
        Some(E.to_string().as_str())
    );
    assert_eq!(put(&edge, "+10").text(), format!("{}\n", E + 10));
    assert_eq!(put(&edge, "real").status(), 200);
    assert!(!edge.running().clock().is_set());
    let count = edge.live.text().lines().count();
    assert!(count <= 2, "the clock's requests are not logged");
}

/// Two listeners may both leave the choice of their port to the system.
#[test]
fn ports_chosen_by_the_system() {
    let edge = TestEdge::configured(&fixture().replace("127.0.0.2:0", "127.0.0.1:0"));
    let protocols: Vec<ListenerProtocol> = edge
        .running()
        .addresses()
        .into_iter()
        .map(|(protocol, _)| protocol)
        .collect();
    assert_eq!(protocols.len(), 2);
    edge.assert_alive();
}

/// N6: a proxy on the same machine brings strangers to a loopback address.
#[test]
fn n6_nobody_sets_the_clock_without_the_secret() {
    let edge = TestEdge::configured(&format!("{}\n[test]\nclock = true\n", fixture()));
    let url = format!("http://{HOST}/.privet-test/clock");
    let secret = edge.running().test_secret();
    let (wrong, longer) = ("0".repeat(secret.len()), format!("{secret}0"));
    for presented in ["", "x", &wrong, &secret[1..], &longer] {
        for method in ["GET", "PUT"] {
            let mut ask = Ask::get(url.clone()).method(method);
            ask.body = b"5".to_vec();
            let answer = edge.ask(&ask.header("X-Privet-Test-Secret", presented));
            assert_eq!(answer.status(), 403, "{presented}");
        }
    }
    assert_eq!(edge.get(&url).status(), 403);
    assert!(!edge.running().clock().is_set() || edge.running().clock().now().as_secs() == NOW);
}

#[test]
fn a_stopped_clock_does_not_outlive_the_test_mode() {
    let mut edge = TestEdge::configured(&format!("{}\n[test]\nclock = true\n", fixture()));
    let link = signed(&format!("{U}/private/a"), E);
    assert_eq!(edge.get(&link).status(), 404);
    edge.reload(&fixture()).unwrap();
    assert!(!edge.running().clock().is_set());
    // By the real clock the link expired long ago.
    assert_eq!(edge.get(&link).status(), 403);
}
