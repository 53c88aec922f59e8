//! Idle HTTP/1.1 connections: what parks them is not to be seen from outside.

use crate::support::*;
use std::io::Read;
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// The edge parks what has been idle for two seconds.
const A_WHILE: Duration = Duration::from_millis(2500);
const BALANCER: &str = "127.0.0.9";

fn url() -> String {
    format!("http://{HOST}/public/a.txt")
}

fn edge_with(limits: &str) -> TestEdge {
    let edge = TestEdge::configured(&fixture_with_limits(limits));
    edge.put("public/a.txt", b"alpha");
    edge
}

/// A plain and an encrypted connection that have been idle for a while after a request.
fn idle(edge: &TestEdge) -> [Viewer; 2] {
    let mut viewers = [edge.plain(), edge.tls()];
    for viewer in &mut viewers {
        check_served(viewer);
    }
    rest(A_WHILE);
    viewers
}

/// Lets this much time pass: nothing comes on a connection of its own.
fn rest(time: Duration) {
    let (mut silent, _other) = UnixStream::pair().unwrap();
    silent.set_read_timeout(Some(time)).unwrap();
    assert!(silent.read(&mut [0]).is_err());
}

#[track_caller]
fn check_served(viewer: &mut Viewer) {
    let answer = viewer.get(&url());
    assert_eq!((answer.status(), answer.text()), (200, "alpha"));
}

/// Whether a new connection from `source` gets a place.
fn is_served(edge: &TestEdge, source: &str) -> bool {
    let source: IpAddr = source.parse().unwrap();
    let mut viewer = Viewer::plain(edge.http(), Some(source));
    viewer.send(&Ask::get(url()).bytes());
    viewer.answer("GET").is_some()
}

#[test]
fn the_next_request_is_answered() {
    let edge = edge_with("");
    edge.put("public/large", &[7; 300_000]);
    let mut viewers = idle(&edge);
    for viewer in &mut viewers {
        check_served(viewer);
        let large = viewer.get(&format!("http://{HOST}/public/large"));
        assert!(large.body == [7; 300_000]);
    }
    // Again, and now with several requests at once and the beginning of another.
    rest(A_WHILE);
    let ask = Ask::get(url()).bytes();
    let (begin, end) = ask.split_at(20);
    for viewer in &mut viewers {
        viewer.send(&[&ask[..], &ask, &ask, begin].concat());
        for _ in 0..3 {
            assert_eq!(viewer.answer("GET").unwrap().text(), "alpha");
        }
    }
    // Bytes of a request that has begun are not lost however long the rest of it takes.
    rest(A_WHILE);
    for viewer in &mut viewers {
        viewer.send(end);
        assert_eq!(viewer.answer("GET").unwrap().text(), "alpha");
        viewer.send(b"GET nonsense\r\n\r\n");
        assert_eq!(viewer.answer("GET").unwrap().status(), 400);
        assert_eq!(viewer.rest(), b"");
    }
}

#[test]
fn a_request_that_begins_has_its_time() {
    let edge = edge_with("head_timeout = \"1s\"");
    for mut viewer in idle(&edge) {
        viewer.send(b"GET / HTT");
        let begun = Instant::now();
        assert_eq!(viewer.rest(), b"");
        assert!(begun.elapsed() >= Duration::from_millis(900));
    }
}

#[test]
fn idle_time_ends_as_if_they_were_not_parked() {
    let edge = edge_with("idle_timeout = \"3s\"");
    let begun = Instant::now();
    for mut viewer in idle(&edge) {
        assert_eq!(viewer.rest(), b"");
        let waited = begun.elapsed();
        assert!(waited >= Duration::from_millis(2900), "{waited:?}");
        assert!(waited < PATIENCE);
    }
}

#[test]
fn a_stop_ends_them_at_once() {
    let edge = edge_with("");
    let viewers = idle(&edge);
    let begun = Instant::now();
    let (_folder, log) = edge.stop();
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(log.records().len(), 2);
    for mut viewer in viewers {
        assert_eq!(viewer.rest(), b"");
    }
}

/// Also: whoever leaves while parked is noticed at once.
#[test]
fn they_count_until_their_viewers_leave() {
    let edge = edge_with("connections_per_address_max = 2");
    let viewers = idle(&edge);
    assert!(!is_served(&edge, "127.0.0.1"));
    assert!(is_served(&edge, "127.0.0.7"));
    drop(viewers);
    let begun = Instant::now();
    while !is_served(&edge, "127.0.0.1") {
        assert!(begun.elapsed() < PATIENCE, "no place is given back");
    }
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn they_give_way_when_they_have_waited_longest() {
    // Places are kept for a tenth of it.
    let edge = edge_with("connections_max = 2\nidle_timeout = \"10s\"");
    let viewers = idle(&edge);
    assert!(is_served(&edge, "127.0.0.7"));
    let begun = Instant::now();
    let ended = viewers.map(|mut viewer| viewer.rest());
    assert_eq!(ended, [b"", b""]);
    assert!(begun.elapsed() < PATIENCE);
}

#[test]
fn what_a_balancer_said_of_them_is_kept() {
    let listeners = LISTENERS.replace("protocol =", "proxy_protocol = true\nprotocol =");
    let trusted = format!("[edge]\ntrusted_proxies = [\"{BALANCER}\"]\n");
    let config = fixture()
        .replace("[edge]\n", &trusted)
        .replace(LISTENERS, &listeners);
    let edge = TestEdge::configured(&config);
    edge.put("public/a.txt", b"alpha");
    let start = proxied("192.0.2.7:40000");
    let mut viewers =
        [Listening::Plain, Listening::Tls].map(|kind| edge.behind(BALANCER, &start, kind));
    for _ in 0..2 {
        for viewer in &mut viewers {
            check_served(viewer);
        }
        rest(A_WHILE);
    }
    let records = edge.live.wait_for(4);
    let clients: Vec<_> = records.iter().map(|record| &record["c-ip"]).collect();
    assert!(
        clients.iter().all(|client| *client == "192.0.2.7"),
        "{clients:?}"
    );
    let versions = records
        .iter()
        .filter(|record| record["ssl-protocol"] == "TLSv1.3");
    assert_eq!(versions.count(), 2);
}
