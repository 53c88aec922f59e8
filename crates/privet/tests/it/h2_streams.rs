//! HTTP/2: states and numbers of streams. Cases of h2spec for RFC 9113 section 5.1.

use crate::support::Expected::*;
use crate::support::*;

#[test]
fn idle_streams() {
    let edge = h2_edge();
    let error = ConnectionError(&[PROTOCOL_ERROR]);
    for (case, frame) in [
        ("http2/5.1/1", data(1, END_STREAM, b"test")),
        ("http2/5.1/2", reset(1, CANCEL)),
        ("http2/5.1/3", window_update(1, 100)),
        ("http2/5.1/4", continuation(1, END_HEADERS, &get_block())),
    ] {
        check(&edge, case, &[frame], error);
    }
}

#[test]
fn half_closed_streams() {
    let edge = h2_edge();
    let closed = StreamError(&[STREAM_CLOSED]);
    let frames = [get(1), data(1, END_STREAM, b"test")];
    check(&edge, "http2/5.1/5", &frames, closed);
    check(&edge, "http2/5.1/6", &[get(1), get(1)], closed);
    let frames = [get(1), continuation(1, END_HEADERS, &get_block())];
    let either = StreamError(&[STREAM_CLOSED, PROTOCOL_ERROR]);
    check(&edge, "http2/5.1/7", &frames, either);
    // The same error on a stream with another number.
    let mut viewer = FrameViewer::greeted(edge.https(), &[]);
    viewer.send(&[get(5), get(5)].concat());
    let error = viewer.until(|frame| matches!(frame.kind, RST_STREAM | GOAWAY));
    assert_eq!(error.unwrap().error_code(), STREAM_CLOSED, "http2/5.1.1/3");
}

#[test]
fn closed_streams() {
    let edge = h2_edge();
    let open = headers(1, END_HEADERS, &get_block());
    let more = continuation(1, END_HEADERS, &block(&[("x-dummy", "more")]));
    // These streams were reset by the viewer.
    let closed = StreamError(&[STREAM_CLOSED]);
    let either = StreamError(&[STREAM_CLOSED, PROTOCOL_ERROR]);
    for (case, frame, expected) in [
        ("http2/5.1/8", data(1, END_STREAM, b"test"), closed),
        ("http2/5.1/9", get(1), closed),
        ("http2/5.1/10", more.clone(), either),
    ] {
        let frames = [open.clone(), reset(1, CANCEL), frame];
        check(&edge, case, &frames, expected);
    }
    // These streams were ended by a response.
    let closed = ConnectionError(&[STREAM_CLOSED]);
    let either = ConnectionError(&[STREAM_CLOSED, PROTOCOL_ERROR]);
    for (case, frame, expected) in [
        ("http2/5.1/11", data(1, END_STREAM, b"test"), closed),
        ("http2/5.1/12", get(1), closed),
        ("http2/5.1/13", more, either),
    ] {
        check_after_answer(&edge, case, &[frame], expected);
    }
}

#[test]
fn numbers() {
    let edge = h2_edge();
    let error = ConnectionError(&[PROTOCOL_ERROR]);
    check(&edge, "http2/5.1.1/1", &[get(2)], error);
    check(&edge, "http2/5.1.1/2", &[get(5), get(3)], error);
}

#[test]
fn no_more_streams_than_announced() {
    let edge = h2_edge();
    let mut viewer = FrameViewer::greeted(edge.https(), &[(INITIAL_WINDOW_SIZE, 0)]);
    let most = viewer.setting(MAX_CONCURRENT_STREAMS).unwrap();
    let frames: Vec<u8> = (0..=most).flat_map(|at| get(at * 2 + 1)).collect();
    viewer.send(&frames);
    let error = viewer.until(|frame| frame.kind == RST_STREAM).unwrap();
    assert_eq!(error.stream, most * 2 + 1);
    let code = error.error_code();
    assert!(
        [PROTOCOL_ERROR, REFUSED_STREAM].contains(&code),
        "http2/5.1.2/1"
    );
    viewer.assert_alive();
}
