//! Request bodies that do not arrive, or arrive too slowly: whom they block, and for how long.

use crate::support::*;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

const LIMITS: &str = "[limits]\nbody_timeout = \"1s\"\nbody_rate_min = \"1 KiB\"\n";
const ALL_METHODS: &str =
    r#"allowed_methods = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]"#;
/// Pause of a slow viewer between two drops.
const REST: Duration = Duration::from_millis(100);

fn origin() -> FakeOrigin {
    FakeOrigin::start(|ask| OriginAnswer::whole(200, &[], ask.body.clone()))
}

/// Starts an edge whose workers have two connections each to the origin.
fn edge(origin: &FakeOrigin) -> TestEdge {
    Remote::new(origin)
        .origin_lines("connections_max = 2\nconnect_timeout = \"1s\"")
        .behavior(ALL_METHODS)
        .tables(LIMITS)
        .start()
}

fn post(framing: &str, body: &str) -> Vec<u8> {
    format!("POST /upload HTTP/1.1\r\nHost: {HOST}\r\n{framing}\r\n\r\n{body}").into_bytes()
}

/// Sends `drops` one by one, with a pause after each, until the edge responds or closes; returns the response.
fn drip(stream: &mut TcpStream, drops: &mut dyn Iterator<Item = Vec<u8>>) -> String {
    stream.set_read_timeout(Some(REST)).unwrap();
    let mut answer = Vec::new();
    let mut buffer = [0; 4096];
    let begun = Instant::now();
    while answer.is_empty() {
        assert!(begun.elapsed() < PATIENCE, "the edge waits for ever");
        let drop = drops.next().unwrap_or_default();
        let _ = stream.write_all(&drop);
        match stream.read(&mut buffer) {
            Ok(0) => return String::new(),
            Ok(length) => answer.extend_from_slice(&buffer[..length]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return String::new(),
        }
    }
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

fn endless(drop: &str) -> impl Iterator<Item = Vec<u8>> {
    std::iter::repeat(drop.as_bytes().to_vec())
}

/// F2: five stalled requests used to block an origin for everybody.
#[test]
fn stalled_bodies_hold_no_connection_to_the_origin() {
    let origin = origin();
    let edge = edge(&origin);
    let mut viewers: Vec<Viewer> = (0..10).map(|_| edge.plain()).collect();
    for (number, viewer) in viewers.iter_mut().enumerate() {
        viewer.send(&match number % 4 {
            0 => post("Content-Length: 10", ""),
            1 => post("Transfer-Encoding: chunked", ""),
            2 => post("Transfer-Encoding: chunked", "a;what=\"this is no body"),
            _ => post("Transfer-Encoding: chunked", "a\r\n"),
        });
    }
    for number in 0..4 {
        assert_eq!(edge.fetch(&format!("/bystander{number}")).status(), 200);
    }
    for viewer in &mut viewers {
        let answer = viewer.answer("POST").unwrap();
        assert_eq!(answer.status(), 408);
        assert_eq!(answer.field("Connection"), Some("close"));
        assert_eq!(viewer.rest(), b"");
    }
    assert!(origin.asks().iter().all(|ask| ask.method == "GET"));
    assert!(origin.connections() <= 4);
    let (_folder, log) = edge.stop();
    let records = log.records();
    let late = records.iter().find(|record| record["sc-status"] == "408");
    let late = late.unwrap();
    assert_eq!(late["x-edge-result-type"], "Error");
    assert_eq!(late["x-edge-detailed-result-type"], "ClientCommError");
}

/// F2: a body that arrived by a byte or a chunk per second used to go on forever.
#[test]
fn bodies_that_drip_end() {
    let origin = origin();
    let edge = edge(&origin);
    let chunked = "Transfer-Encoding: chunked";
    for (framing, body, drop) in [
        ("Content-Length: 1000000", "", "x"),
        (chunked, "", "1\r\nx\r\n"),
        // These bytes are no body: chunk extensions, zeros before a size, trailers.
        (chunked, "4\r\nfour\r\n4;", "x"),
        (chunked, "4\r\nfour\r\n", "0"),
        (chunked, "4\r\nfour\r\n0\r\n", "x"),
    ] {
        let mut stream = connect(edge.http(), None, None).unwrap();
        stream.write_all(&post(framing, body)).unwrap();
        let answer = drip(&mut stream, &mut endless(drop));
        let is_refused = answer.starts_with("HTTP/1.1 408 ") || answer.starts_with("HTTP/1.1 400 ");
        assert!(is_refused, "{framing} {body:?} {drop:?}: {answer:?}");
    }
    // Requests that had reached the origin have released its connection.
    assert_eq!(edge.fetch("/bystander").status(), 200);
    origin.wait_for_ended_connections(origin.connections() - 1);
}

#[test]
fn a_slow_body_of_an_honest_viewer_arrives() {
    let origin = origin();
    let edge = edge(&origin);
    let mut stream = connect(edge.http(), None, None).unwrap();
    let piece = "x".repeat(200);
    let framing = format!("Content-Length: {}\r\nConnection: close", 30 * piece.len());
    stream.write_all(&post(&framing, "")).unwrap();
    let answer = drip(&mut stream, &mut endless(&piece).take(30));
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(answer.ends_with(&piece.repeat(30)));
    assert_eq!(
        origin.asks()[0].header("Content-Length"),
        Some(&*(30 * piece.len()).to_string())
    );
}

#[test]
fn a_viewer_that_waits_for_100_is_told_to_go_on() {
    let origin = origin();
    let edge = edge(&origin);
    for body in ["ten bytes!", "ten b"] {
        let mut viewer = edge.plain();
        viewer.send(&post("Content-Length: 10\r\nExpect: 100-continue", ""));
        assert_eq!(viewer.head().unwrap().status(), 100);
        viewer.send(body.as_bytes());
        let answer = viewer.answer("POST").unwrap();
        if body.len() == 10 {
            assert_eq!((answer.status(), answer.text()), (200, body));
        } else {
            assert_eq!(answer.status(), 408);
            assert_eq!(viewer.rest(), b"");
        }
    }
}

#[test]
fn bodies_keep_their_framing() {
    let origin = origin();
    let edge = edge(&origin);
    for (framing, sent, length, body) in [
        ("Content-Length: 0", "", Some("0"), ""),
        ("Content-Length: 4", "four", Some("4"), "four"),
        ("Transfer-Encoding: chunked", "0\r\n\r\n", Some("0"), ""),
        (
            "Transfer-Encoding: chunked",
            "4\r\nfour\r\n3\r\nand\r\n0\r\nTrailer: x\r\n\r\n",
            None,
            "fourand",
        ),
    ] {
        let mut viewer = edge.plain();
        viewer.send(&post(framing, sent));
        let (answer, _) = viewer.framed_answer();
        assert_eq!(answer.status(), 200, "{framing} {sent:?}");
        let asks = origin.asks();
        let ask = asks.last().unwrap();
        assert_eq!(ask.header("Content-Length"), length, "{framing} {sent:?}");
        assert_eq!(ask.body, body.as_bytes());
    }
}

/// A response of the origin does not wait for the rest of the body, and the viewer gets it.
#[test]
fn an_answer_does_not_wait_for_the_rest_of_a_body() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("url = \"http://{}\"", listener.local_addr().unwrap());
    let edge = Remote::without_origin()
        .origin("app", &url)
        .behavior(ALL_METHODS)
        .tables(LIMITS)
        .start();
    let mut viewer = edge.plain();
    viewer.send(&post("Content-Length: 1000000", "the beginning"));
    let (mut asked, _) = listener.accept().unwrap();
    let mut head = [0; 64 * 1024];
    assert!(asked.read(&mut head).unwrap() > 0);
    asked
        .write_all(b"HTTP/1.1 413 Scripted\r\nContent-Length: 4\r\n\r\nmuch")
        .unwrap();
    let answer = viewer.answer("POST").unwrap();
    assert_eq!((answer.status(), answer.text()), (413, "much"));
    assert_eq!(viewer.rest(), b"");
    // The connection to the origin is not kept open for the rest either.
    asked.set_read_timeout(Some(PATIENCE)).unwrap();
    let _ = asked.read_to_end(&mut Vec::new());
}

/// These bodies are not read by anything, so the edge does not wait for them.
#[test]
fn a_body_that_nobody_wants_is_not_waited_for() {
    let edge = TestEdge::new();
    for method in ["PUT", "POST", "GET", "BREW"] {
        for mut viewer in [edge.plain(), edge.tls()] {
            let path = "/redir/a";
            let request = format!(
                "{method} {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 1000000\r\n\r\nbeginning"
            );
            viewer.send(request.as_bytes());
            assert!(viewer.answer(method).unwrap().status() >= 300);
            assert_eq!(viewer.rest(), b"");
        }
    }
}

/// Returns the head of a POST whose body is to follow.
fn h2_post(stream: u32) -> Vec<u8> {
    let mut fields = request_fields("POST");
    fields[2].1 = "/upload";
    headers(stream, END_HEADERS, &block(&fields))
}

/// Returns for each stream the status of its response, and whether it was reset afterwards.
fn h2_ends(viewer: &mut FrameViewer, streams: &[u32]) -> Vec<(u16, bool)> {
    let mut ends = vec![(0, false); streams.len()];
    while ends.iter().any(|(_, is_reset)| !is_reset) {
        let frame = viewer.next().expect("the connection has ended");
        let Some(at) = streams.iter().position(|stream| *stream == frame.stream) else {
            continue;
        };
        match frame.kind {
            HEADERS => ends[at].0 = frame.status(),
            RST_STREAM => ends[at].1 = true,
            _ => {}
        }
    }
    ends
}

/// F2 over HTTP/2: of many stalled bodies on one connection, each ends, and the connection goes on.
#[test]
fn stalled_bodies_of_http2_are_reset_and_hold_nothing() {
    let origin = origin();
    let edge = edge(&origin);
    let mut viewer = FrameViewer::greeted(edge.https(), &[]);
    viewer.send(&window_update(0, 1_000_000));
    let streams: Vec<u32> = (0..100).map(|number| number * 2 + 1).collect();
    for stream in &streams {
        viewer.send(&h2_post(*stream));
        // An empty DATA frame does not begin a body.
        viewer.send(&data(*stream, 0, b""));
    }
    assert_eq!(edge.fetch("/bystander").status(), 200);
    let ends = h2_ends(&mut viewer, &streams);
    assert!(ends.iter().all(|end| *end == (408, true)), "{ends:?}");
    viewer.assert_alive();
    assert_eq!(origin.asks().len(), 1);
}

#[test]
fn bodies_of_http2_that_drip_end() {
    let origin = origin();
    let edge = edge(&origin);
    for drop in [&b"x"[..], b""] {
        let mut viewer = FrameViewer::greeted(edge.https(), &[]);
        viewer.send(&h2_post(1));
        viewer.send(&data(1, 0, b"the beginning"));
        let begun = Instant::now();
        let end = loop {
            assert!(begun.elapsed() < PATIENCE, "the edge waits for ever");
            viewer.send(&data(1, 0, drop));
            match viewer.next_within(REST) {
                Heard::Frame(frame) if frame.kind == HEADERS => break frame.status(),
                Heard::Frame(_) | Heard::Nothing => {}
                Heard::End => panic!("the connection has ended"),
            }
        };
        assert_eq!(end, 408);
        assert!(viewer.until_kind(RST_STREAM, 1).is_some());
    }
    origin.wait_for_ended_connections(2);
}

#[test]
fn bodies_of_http2_arrive() {
    let origin = origin();
    let edge = edge(&origin);
    let mut viewer = FrameViewer::greeted(edge.https(), &[]);
    for (stream, pieces) in [
        (1, &[&b""[..]][..]),
        (3, &[b"", b"four", b""]),
        (5, &[b"all"]),
    ] {
        viewer.send(&h2_post(stream));
        for (number, piece) in pieces.iter().enumerate() {
            let is_last = number + 1 == pieces.len();
            viewer.send(&data(stream, u8::from(is_last), piece));
        }
        let head = viewer.until_kind(HEADERS, stream).unwrap();
        assert_eq!(head.status(), 200);
        let asks = origin.asks();
        assert_eq!(asks.last().unwrap().body, pieces.concat());
    }
}

/// Answers before it has read the body, and keeps the connection open until its peer closes it.
fn hasty_origin() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || serve_hastily(stream));
        }
    });
    address
}

fn serve_hastily(mut stream: TcpStream) {
    let mut head = Vec::new();
    let mut buffer = [0; 4096];
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        match stream.read(&mut buffer) {
            Ok(length) if length > 0 => head.extend_from_slice(&buffer[..length]),
            Ok(_) | Err(_) => return,
        }
    }
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhasty");
    while stream.read(&mut buffer).is_ok_and(|length| length > 0) {}
}

/// What comes late of a body is never taken for a request, however long the connection has been idle before.
#[test]
fn the_rest_of_a_body_is_no_request() {
    let origin = format!("url = \"http://{}\"", hasty_origin());
    let edge = Remote::without_origin()
        .origin("app", &origin)
        .behavior(ALL_METHODS)
        .tables("[limits]\nhead_timeout = \"5s\"\nidle_timeout = \"20s\"")
        .start();
    // Longer than an idle connection stays with hyper, and than a head or the origin's connection may take.
    for pause in [2_500, 5_500].map(Duration::from_millis) {
        let framings = ["Content-Length: 5000", "Transfer-Encoding: chunked"];
        let mut viewers: Vec<_> = framings
            .iter()
            .flat_map(|framing| [(framing, edge.plain()), (framing, edge.tls())])
            .collect();
        for (framing, viewer) in &mut viewers {
            viewer.send(&post(framing, "5\r\nabcde\r\n"));
            let answer = viewer.answer("POST").unwrap();
            assert_eq!((answer.status(), answer.text()), (200, "hasty"));
            assert_eq!(answer.header("Connection"), Some("close"));
        }
        rest(pause);
        let smuggled = format!("GET /smuggled HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
        for (framing, viewer) in &mut viewers {
            viewer.send(smuggled.as_bytes());
            assert_eq!(viewer.rest(), b"", "{framing} after {pause:?}");
        }
    }
}

/// Lets this much time pass: nothing comes on a connection of its own.
fn rest(time: Duration) {
    let (mut silent, _other) = std::os::unix::net::UnixStream::pair().unwrap();
    silent.set_read_timeout(Some(time)).unwrap();
    assert!(silent.read(&mut [0]).is_err());
}
