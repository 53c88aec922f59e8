//! Input that no honest viewer sends: after each case the edge must still serve the next request.

use crate::support::*;
use std::io::Write;
use std::net::TcpStream;

/// Sends `bytes` on a new connection of each kind and passes the response to `look`.
fn after_sending(edge: &TestEdge, bytes: &[u8], look: impl Fn(Option<Answer>, &mut Viewer)) {
    for mut viewer in [edge.plain(), edge.tls()] {
        viewer.send(bytes);
        viewer.half_close();
        let answer = viewer.answer("GET");
        look(answer, &mut viewer);
        edge.assert_alive();
    }
}

/// Checks that the edge refuses `bytes` with `status` and closes the connection.
#[track_caller]
fn check(edge: &TestEdge, bytes: &[u8], status: u16) {
    let shown = bytes[..bytes.len().min(100)].escape_ascii().to_string();
    after_sending(edge, bytes, |answer, viewer| {
        let answer = answer.unwrap_or_else(|| panic!("no answer to {shown}"));
        assert_eq!(answer.status(), status, "{shown}");
        assert_eq!(answer.header("Server"), Some("CloudFront"), "{shown}");
        assert_eq!(
            answer.header("X-Cache"),
            Some("Error from cloudfront"),
            "{shown}"
        );
        assert_eq!(viewer.rest(), b"", "{shown}");
    });
}

#[test]
fn heads_that_stop_short() {
    let edge = TestEdge::new();
    let whole = Ask::get(format!("http://{HOST}/public/a")).bytes();
    for length in [0, 1, 3, 4, 10, 26, whole.len() - 2, whole.len() - 1] {
        after_sending(&edge, &whole[..length], |answer, viewer| {
            assert_eq!(answer, None, "{length} bytes");
            assert_eq!(viewer.rest(), b"");
        });
    }
}

#[test]
fn what_is_not_http() {
    let edge = TestEdge::new();
    for bytes in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
        b"hello\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET / HTTP/3.0\r\nHost: a\r\n\r\n",
        b"GET / HTTP/1.1 x\r\nHost: a\r\n\r\n",
        b"GET  / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\xff\xfe / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET noslash HTTP/1.1\r\nHost: a b\r\n\r\n",
        b"GET /public/a\x01b HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /public/a\x7fb HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /public/a\0b HTTP/1.1\r\nHost: a\r\n\r\n",
    ] {
        check(&edge, bytes, 400);
    }
}

#[test]
fn headers_that_are_none() {
    let edge = TestEdge::new();
    for line in [
        "no colon",
        "Name : space before the colon",
        ": no name",
        "Na(me: x",
        "X: a\0b",
        "X: a\u{1}b",
        "X: a\r\n folded",
        "Content-Length: 1\r\nContent-Length: 2",
        "Content-Length: -1",
        "Content-Length: 1x",
        "Content-Length: 99999999999999999999",
        "Transfer-Encoding: gzip",
        "Transfer-Encoding: chunked, gzip",
    ] {
        let head = format!("GET /public/a HTTP/1.1\r\nHost: {HOST}\r\n{line}\r\n\r\n");
        check(&edge, head.as_bytes(), 400);
    }
}

/// RFC 9112 3.2: an HTTP/1.1 request has exactly one Host.
#[test]
fn hosts() {
    let edge = TestEdge::new();
    edge.put("public/a", b"alpha");
    check(&edge, b"GET /public/a HTTP/1.1\r\n\r\n", 400);
    let two = format!("GET /public/a HTTP/1.1\r\nHost: {HOST}\r\nHost: other.example\r\n\r\n");
    check(&edge, two.as_bytes(), 400);
    let same = format!("GET /public/a HTTP/1.1\r\nHost: {HOST}\r\nHost: {HOST}\r\n\r\n");
    check(&edge, same.as_bytes(), 400);
    let mut viewer = edge.plain();
    viewer.send(b"GET /public/a HTTP/1.0\r\n\r\n");
    assert_eq!(viewer.answer("GET").unwrap().status(), 403);
    let absolute = format!("GET http://{HOST}/public/a HTTP/1.1\r\nHost: other.example\r\n\r\n");
    let mut viewer = edge.plain();
    viewer.send(absolute.as_bytes());
    assert_eq!(viewer.answer("GET").unwrap().text(), "alpha");
    let other = format!("GET http://other.example/public/a HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    let mut viewer = edge.plain();
    viewer.send(other.as_bytes());
    assert_eq!(viewer.answer("GET").unwrap().status(), 403);
}

/// N2: the edge serves http and https only, whatever scheme a request target names.
#[test]
fn n2_targets_of_other_schemes() {
    let edge = TestEdge::new();
    edge.put("public/a", b"alpha");
    for scheme in ["ftp", "ws", "wss", "file", "httpx", "h", "rtmp"] {
        let head = format!("GET {scheme}://{HOST}/public/a HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
        check(&edge, head.as_bytes(), 400);
    }
    for scheme in ["http", "https", "HTTP", "Https"] {
        let mut viewer = edge.plain();
        let head = format!("GET {scheme}://{HOST}/public/a HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
        viewer.send(head.as_bytes());
        assert_eq!(viewer.answer("GET").unwrap().text(), "alpha", "{scheme}");
    }
}

/// N3: a body in a transfer coding that the edge does not decode would reach the origin as if it were plain.
#[test]
fn n3_codings_of_bodies() {
    let edge = TestEdge::new();
    for coding in [
        "gzip, chunked",
        "chunked, chunked",
        "identity, chunked",
        "chunked;q=1",
        "\"chunked\"",
        "x chunked",
        "gzip\r\nTransfer-Encoding: chunked",
        "chunked\r\nTransfer-Encoding: chunked",
    ] {
        let head = format!(
            "GET /public/a HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: {coding}\r\n\r\n0\r\n\r\n"
        );
        check(&edge, head.as_bytes(), 400);
    }
}

/// N3: hyper drops the length when both framings are present, so the request cannot be refused. The chunks then count,
/// and what follows the body is never taken for another request (RFC 9112 6.3).
#[test]
fn n3_after_both_framings_nothing_is_read() {
    let edge = TestEdge::new();
    edge.put("public/a", b"alpha");
    let next = format!("GET /public/a HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    for both in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
    ] {
        let head =
            format!("GET /public/a HTTP/1.1\r\nHost: {HOST}\r\n{both}\r\n\r\n0\r\n\r\n{next}");
        let mut viewer = edge.plain();
        viewer.send(head.as_bytes());
        let answer = viewer.answer("GET").unwrap();
        assert_eq!(answer.header("Connection"), Some("close"), "{both}");
        assert_eq!(viewer.rest(), b"", "{both}");
    }
}

/// N4: a path that looks like one with a token but has none names nothing, on open behaviors too.
#[test]
fn n4_paths_with_a_token_that_nobody_issued() {
    let edge = TestEdge::new();
    edge.put("public/a", b"alpha");
    for token in ["A".repeat(180), "-_".repeat(90), "a".repeat(1022)] {
        for tilde in ["~", "%7E", "%7e"] {
            let answer = edge.get(&format!("http://{HOST}/{tilde}S1{token}/public/a"));
            assert_eq!(answer.status(), 403, "{token}");
            assert!(answer.text().contains("<Code>AccessDenied</Code>"));
        }
    }
    edge.live.wait_for(9);
    let live = edge.live.text();
    assert!(live.contains("path-token-mismatch"), "{live}");
    assert!(!live.contains("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), "{live}");
}

#[test]
fn invalid_text_in_the_path() {
    let edge = TestEdge::new();
    for path in [
        &b"/public/\xff\xfe"[..],
        b"/public/\xc3\xa9",
        b"/public/a?\xff",
    ] {
        let mut bytes = b"GET ".to_vec();
        bytes.extend_from_slice(path);
        bytes.extend_from_slice(format!(" HTTP/1.1\r\nHost: {HOST}\r\n\r\n").as_bytes());
        after_sending(&edge, &bytes, |answer, _| {
            let status = answer.unwrap().status();
            assert!(
                matches!(status, 400 | 404),
                "{}: {status}",
                path.escape_ascii()
            );
        });
    }
}

/// Returns a head of exactly this many bytes.
fn head_of(size_bytes: usize) -> Vec<u8> {
    let ask = Ask::get(format!("http://{HOST}/public/a"));
    let filler = size_bytes - ask.clone().header("X", "").bytes().len();
    ask.header("X", "a".repeat(filler)).bytes()
}

#[test]
fn heads_over_the_limit() {
    let edge = TestEdge::new();
    check(&edge, &head_of(20_481), 413);
    check(&edge, &head_of(31_000), 413);
    // The edge responds here before it has read everything, and the reset may destroy the response.
    after_sending(&edge, &head_of(1024 * 1024), |answer, _| {
        assert!(answer.is_none_or(|answer| answer.status() == 413));
    });
    let mut many = Ask::get(format!("http://{HOST}/public/a"));
    for number in 0..200 {
        many = many.header(&format!("X-{number}"), "x");
    }
    check(&edge, &many.bytes(), 413);
    let mut viewer = edge.plain();
    viewer.send(&head_of(20_480));
    assert_eq!(viewer.answer("GET").unwrap().status(), 404);
    assert!(
        edge.live
            .wait_for(1)
            .iter()
            .all(|record| record["sc-status"] != "413")
    );
}

#[test]
fn get_with_a_body() {
    let edge = TestEdge::new();
    edge.put("public/a", b"alpha");
    let mut ask = Ask::get(format!("http://{HOST}/public/a"));
    ask.body = b"GET /public/smuggled HTTP/1.1\r\nHost: x\r\n\r\n".to_vec();
    let mut viewer = edge.plain();
    let answer = viewer.ask(&ask);
    assert_eq!(
        (answer.status(), answer.header("Content-Type")),
        (403, Some("text/html"))
    );
    viewer.half_close();
    assert_eq!(viewer.rest(), b"", "the body was taken for a request");
    let records = edge.live.wait_for(1);
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["x-privet-refusal"], "body-not-allowed");
}

#[test]
fn bodies_are_never_requests() {
    let edge = TestEdge::new();
    edge.put("public/a", b"alpha");
    let inner = "GET /public/a HTTP/1.1\r\nHost: d111111abcdef8.cloudfront.net\r\n\r\n";
    let head = format!("POST /public/a HTTP/1.1\r\nHost: {HOST}\r\n");
    let length = inner.len();
    for body in [
        format!("Content-Length: {length}\r\n\r\n{inner}"),
        format!(
            "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{inner}\r\n0\r\n\r\n"
        ),
        format!(
            "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n{length:x}\r\n{inner}\r\n0\r\n\r\n"
        ),
        format!("Transfer-Encoding: chunked\r\n\r\nZZ\r\n{inner}"),
        format!("Transfer-Encoding: chunked\r\n\r\n5\r\nabcdefg\r\n{inner}"),
        format!("Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{inner}"),
    ] {
        let bytes = format!("{head}{body}");
        after_sending(&edge, bytes.as_bytes(), |answer, viewer| {
            let status = answer.map(|answer| answer.status());
            assert!(matches!(status, Some(403 | 400)), "{status:?} {body}");
            let rest = viewer.rest();
            let rest = String::from_utf8_lossy(&rest);
            assert!(!rest.contains("alpha"), "{body} {rest}");
        });
    }
}

#[test]
fn a_slow_head_is_not_waited_for() {
    let edge = TestEdge::configured(&fixture_with_limits("head_timeout = \"1s\""));
    let whole = Ask::get(format!("http://{HOST}/public/a")).bytes();
    // Connections that send nothing, connections that send little, and a connection's second head.
    let mut viewers = [
        edge.plain(),
        edge.tls(),
        edge.plain(),
        edge.tls(),
        edge.plain(),
    ];
    for viewer in &mut viewers[2..] {
        viewer.send(&whole[..20]);
    }
    viewers[4].send(&whole[20..]);
    assert_eq!(viewers[4].answer("GET").unwrap().status(), 404);
    viewers[4].send(&whole[..20]);
    for viewer in &mut viewers {
        assert_eq!(viewer.rest(), b"");
    }
    edge.assert_alive();
}

#[test]
fn an_idle_connection_is_closed() {
    let edge = TestEdge::configured(&fixture_with_limits("idle_timeout = \"1s\""));
    for mut viewer in [edge.plain(), edge.tls()] {
        assert_eq!(viewer.get(&format!("http://{HOST}/public/a")).status(), 404);
        assert_eq!(viewer.rest(), b"");
    }
}

#[test]
fn a_viewer_that_does_not_read_is_left() {
    let edge = TestEdge::configured(&fixture_with_limits("write_timeout = \"1s\""));
    let size_bytes = 30_000_000;
    edge.put("public/a.bin", &vec![7; size_bytes]);
    let ask = Ask::get(format!("http://{HOST}/public/a.bin")).bytes();
    for (records, mut viewer) in [
        (1, Viewer::narrow(edge.http())),
        (2, Viewer::narrow_tls(edge.https())),
    ] {
        viewer.send(&ask);
        assert_eq!(viewer.head().unwrap().status(), 200);
        let records = edge.live.wait_for(records);
        let last = records.last().unwrap();
        assert_eq!(last["sc-status"], "200");
        assert_eq!(last["x-edge-result-type"], "Error");
        assert_eq!(last["x-edge-detailed-result-type"], "ClientCommError");
        assert!(viewer.rest().len() < size_bytes);
    }
    edge.assert_alive();
}

#[test]
fn a_viewer_that_hangs_up_is_logged() {
    let edge = TestEdge::new();
    edge.put("public/a.bin", &vec![7; 30_000_000]);
    let ask = Ask::get(format!("http://{HOST}/public/a.bin")).bytes();
    for (count, mut viewer) in [
        (1, Viewer::narrow(edge.http())),
        (2, Viewer::narrow_tls(edge.https())),
    ] {
        viewer.send(&ask);
        assert_eq!(viewer.head().unwrap().status(), 200);
        drop(viewer);
        let records = edge.live.wait_for(count);
        assert_eq!(records.len(), count);
        let last = records.last().unwrap();
        assert_eq!(last["x-edge-result-type"], "Error");
        assert_eq!(last["x-edge-detailed-result-type"], "ClientCommError");
    }
    edge.assert_alive();
}

/// Returns the ClientHello of a client that offers at most `version`, without an extension that offers more.
fn hello(version: u8) -> Vec<u8> {
    let mut body = vec![3, version];
    body.extend_from_slice(&[9; 32]);
    body.push(0);
    // TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 and TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA.
    body.extend_from_slice(&[0, 4, 0xc0, 0x2b, 0xc0, 0x09]);
    body.extend_from_slice(&[1, 0]);
    // supported_groups: secp256r1; signature_algorithms: ecdsa_secp256r1_sha256.
    let extensions = [0, 10, 0, 4, 0, 2, 0, 23, 0, 13, 0, 4, 0, 2, 4, 3];
    body.extend_from_slice(&[0, extensions.len() as u8]);
    body.extend_from_slice(&extensions);
    let mut record = vec![22, 3, 1, 0, body.len() as u8 + 4, 1, 0, 0, body.len() as u8];
    record.extend_from_slice(&body);
    record
}

/// Returns the TLS port's response to raw bytes.
fn raw_tls(edge: &TestEdge, bytes: &[u8]) -> Vec<u8> {
    use std::io::Read;
    let mut stream: TcpStream = connect(edge.https(), None, None).unwrap();
    stream.write_all(bytes).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    answer
}

#[test]
fn broken_handshakes() {
    let edge = TestEdge::configured(&fixture_with_limits("tls_handshake_timeout = \"1s\""));
    let plain = Ask::get(format!("http://{HOST}/public/a")).bytes();
    let mut noise = vec![22, 3, 1, 0x40, 0];
    noise.extend((0..16_384u32).map(|at| (at * 7) as u8));
    for bytes in [&plain[..], &noise, &hello(3)[..20], b""] {
        let answer = raw_tls(&edge, bytes);
        assert!(answer.first().is_none_or(|kind| *kind == 21), "{answer:?}");
        edge.assert_alive();
    }
    // A viewer that connects and sends nothing is disconnected.
    let mut silent = Viewer::plain(edge.https(), None);
    assert_eq!(silent.rest(), b"");
    assert!(
        edge.live
            .text()
            .lines()
            .all(|line| line.contains("alive.txt"))
    );
}

#[test]
fn tls_11_is_refused() {
    let edge = TestEdge::new();
    for old in [1, 2] {
        // The fatal alert protocol_version.
        assert_eq!(raw_tls(&edge, &hello(old))[5..], [2, 70]);
    }
    // The same hello with TLS 1.2 gets a handshake record.
    assert_eq!(raw_tls(&edge, &hello(3))[0], 22);
}

#[test]
fn connections_over_the_limit() {
    let edge = TestEdge::configured(&fixture_with_limits("connections_max = 3"));
    let url = format!("http://{HOST}/public/a");
    let mut within: Vec<Viewer> = (0..3).map(|_| edge.plain()).collect();
    for viewer in &mut within {
        assert_eq!(viewer.get(&url).status(), 404);
    }
    let mut over = edge.plain();
    over.send(&Ask::get(&url).bytes());
    assert_eq!(over.rest(), b"");
    for viewer in &mut within {
        assert_eq!(viewer.get(&url).status(), 404);
    }
    // A slot that is released becomes available to others.
    drop(within);
    let begun = std::time::Instant::now();
    loop {
        let mut next = edge.plain();
        next.send(&Ask::get(&url).bytes());
        if next.answer("GET").is_some() {
            break;
        }
        assert!(begun.elapsed() < PATIENCE);
    }
}
