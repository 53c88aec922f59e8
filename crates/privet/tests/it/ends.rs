//! The end of everything that viewers are sent: the totals count each answer, each refusal and each RTMP event once,
//! whatever is logged.

use crate::support::*;
use privet_distribution::config::ListenerProtocol;
use privet_edge::EndTotals;
use std::time::Instant;

const STREAMS: &str = "s5c39gqb8ow64r.cloudfront.net";
const STREAMING: &str = r#"
[[listeners]]
address = "127.0.0.1:0"
protocol = "rtmp"
[[streaming_distributions]]
id = "EGTXBD79EXAMPLE"
domain_name = "s5c39gqb8ow64r.cloudfront.net"
distribution = "EDFDVBD6EXAMPLE"
trusted_key_groups = ["viewers"]
"#;

/// Waits until the totals are as `wanted`, which leaves the bytes open: those are some if there was an exchange.
#[track_caller]
fn expect(edge: &TestEdge, wanted: EndTotals) {
    let begun = Instant::now();
    loop {
        let totals = edge.running().end_totals();
        let counts = EndTotals {
            bytes_sent: 0,
            ..totals
        };
        if counts == wanted {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{totals:?}");
        std::thread::yield_now();
    }
}

/// Totals of requests that were all refused and belong to no distribution.
fn refused_heads(count: u64) -> EndTotals {
    EndTotals {
        exchanges: count,
        unassigned: count,
        refused: count,
        ..EndTotals::default()
    }
}

fn streams(events: u64, refused: u64) -> EndTotals {
    EndTotals {
        stream_events: events,
        streams_refused: refused,
        ..EndTotals::default()
    }
}

#[test]
fn answers_and_refusals_of_a_distribution() {
    let edge = TestEdge::new();
    edge.put("public/a.txt", b"text");
    assert_eq!(
        edge.get(&format!("http://{HOST}/public/a.txt")).status(),
        200
    );
    assert_eq!(edge.get(&format!("http://{HOST}/private/a")).status(), 403);
    let unknown = edge.get("http://nobody.example.com/");
    assert!(unknown.status() >= 400);
    let wanted = EndTotals {
        exchanges: 3,
        unassigned: 1,
        refused: 2,
        ..EndTotals::default()
    };
    expect(&edge, wanted);
}

#[test]
fn heads_that_never_become_requests_over_http_1_1() {
    let edge = TestEdge::new();
    let long = format!(
        "GET / HTTP/1.1\r\nHost: {HOST}\r\nX: {}\r\n\r\n",
        "x".repeat(64 * 1024)
    );
    let fields = format!(
        "GET / HTTP/1.1\r\nHost: {HOST}\r\n{}\r\n",
        "X: y\r\n".repeat(200)
    );
    let malformed = format!("GET / HTTP/1.1\r\nHost {HOST}\r\n\r\n");
    for (count, (head, status)) in (1..).zip([(long, 413), (fields, 413), (malformed, 400)]) {
        let mut viewer = edge.plain();
        viewer.send(head.as_bytes());
        let answer = viewer.answer("GET").unwrap();
        assert_eq!(answer.status(), status);
        expect(&edge, refused_heads(count));
    }
    assert!(edge.running().end_totals().bytes_sent > 0);
    assert_eq!(edge.live.records().len(), 0);
}

#[test]
fn requests_that_are_not_admitted() {
    let edge = TestEdge::new();
    let mut viewer = FrameViewer::greeted(edge.https(), &[(INITIAL_WINDOW_SIZE, 0)]);
    // The first are refused with a page, the others, for which there is no room, with a reset.
    let count = 100;
    for number in 0..count {
        let mut fields = block(&request_fields("GET"));
        fields.extend([0x40, 1, b'a', 0]);
        fields.extend(vec![0xbe; 150]);
        let stream = number * 2 + 1;
        viewer.send(&headers(stream, WHOLE, &fields));
        let answered = |frame: &Frame| frame.stream == stream;
        viewer.until(answered).unwrap();
    }
    drop(viewer);
    expect(&edge, refused_heads(u64::from(count)));
}

#[test]
fn heads_that_never_become_requests_over_http_2() {
    let edge = TestEdge::new();
    let mut viewer = FrameViewer::greeted(edge.https(), &[]);
    for stream in [1, 3] {
        let mut fields = block(&request_fields("GET"));
        // Entries of the dynamic table, so that little is sent: 34 bytes each, as SETTINGS_MAX_HEADER_LIST_SIZE counts.
        fields.extend([0x40, 1, b'a', 0]);
        fields.extend(vec![0xbe; 1_200]);
        viewer.send(&headers(stream, WHOLE, &fields));
        let head = viewer.until(|frame| frame.stream == stream).unwrap();
        assert_eq!((head.kind, head.status()), (HEADERS, 431));
    }
    expect(&edge, refused_heads(2));
    // One of ours, as short as they get.
    viewer.send(&headers(5, WHOLE, &block(&request_fields("HEAD"))));
    let head = viewer.until(|frame| frame.stream == 5).unwrap();
    assert_eq!((head.kind, head.status()), (HEADERS, 404));
    let wanted = EndTotals {
        exchanges: 3,
        ..refused_heads(2)
    };
    let wanted = EndTotals {
        refused: 3,
        ..wanted
    };
    expect(&edge, wanted);
}

fn streaming_edge(limits: &str) -> TestEdge {
    let config = [fixture().as_str(), STREAMING, "\n[limits]\n", limits, "\n"].concat();
    let edge = TestEdge::configured(&config);
    edge.put("video/talk.mp4", &MadeVideo::new(60, 100, 0).bytes);
    edge
}

fn greeted(edge: &TestEdge) -> RtmpViewer {
    let viewer = Viewer::plain(edge.address(&ListenerProtocol::Rtmp), None);
    RtmpViewer::greet(viewer).unwrap()
}

#[test]
fn rtmp_viewers_of_unknown_hosts() {
    let edge = streaming_edge("");
    for (count, host) in (1..).zip(["nobody.example.com", HOST]) {
        let code = greeted(&edge).connect(host, "cfx/st");
        assert_eq!(code, "NetConnection.Connect.Rejected");
        expect(&edge, streams(count, count));
    }
}

#[test]
fn rtmp_viewers_without_a_grant_and_with_one() {
    let edge = streaming_edge("");
    let mut viewer = greeted(&edge);
    viewer.connect(STREAMS, "cfx/st");
    viewer.play("mp4:video/talk.mp4");
    viewer.until("NetStream.Play.Failed");
    expect(&edge, streams(2, 1));
    viewer.play(&with_policy("mp4:video/talk.mp4", &policy("video/*")));
    viewer.until("NetStream.Play.Start");
    expect(&edge, streams(3, 1));
    viewer.seek(1_000.0);
    viewer.until("NetStream.Seek.Notify");
    expect(&edge, streams(4, 1));
    drop(viewer);
    // The end of the play and that of the connection, each once.
    edge.live.wait_for(6);
    expect(&edge, streams(6, 1));
}

#[test]
fn an_rtmp_play_that_has_ended_ends_once() {
    let edge = streaming_edge("");
    edge.put("video/short.mp4", &MadeVideo::new(1, 100, 0).bytes);
    let mut viewer = greeted(&edge);
    viewer.connect(STREAMS, "cfx/st");
    viewer.play(&with_policy("mp4:video/short.mp4", &policy("video/*")));
    viewer.until("NetStream.Play.Stop");
    edge.live.wait_for(3);
    drop(viewer);
    edge.live.wait_for(4);
    expect(&edge, streams(4, 0));
}

#[test]
fn rtmp_viewers_for_whom_the_log_has_no_room() {
    let edge = streaming_edge("log_queue_records_max = 1");
    for count in 1..=2 {
        let code = greeted(&edge).connect(STREAMS, "cfx/st");
        assert_eq!(code, "NetConnection.Connect.Rejected");
        expect(&edge, streams(count, count));
    }
    // Room for a connection; even when its beginning is written, there is none for a play and its end.
    let edge = streaming_edge("log_queue_records_max = 2");
    let mut viewer = greeted(&edge);
    viewer.connect(STREAMS, "cfx/st");
    viewer.play(&with_policy("mp4:video/talk.mp4", &policy("video/*")));
    viewer.until("NetStream.Play.Failed");
    expect(&edge, streams(2, 1));
}
