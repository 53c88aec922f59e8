//! HTTP/2 frames that are invalid in themselves: cases of h2spec for RFC 9113 sections 4 to 6.

use crate::support::Expected::*;
use crate::support::*;

/// Returns the HEADERS frame before a body.
fn post_head(fields: &[(&str, &str)]) -> Vec<u8> {
    let fields = [&request_fields("POST")[..], fields].concat();
    headers(1, END_HEADERS, &block(&fields))
}

#[test]
fn format_and_size() {
    let edge = h2_edge();
    let pong = ping(b"12345678");
    // RFC 9113 4.1: unknown types, unknown flags and the reserved bit are ignored.
    for case in ["http2/4.1/1", "http2/5.5/1"] {
        let unknown = frame(0x16, 0, 0, &[0; 8]);
        check(&edge, case, &[unknown, pong.clone()], Pong);
    }
    let flagged = frame(PING, 0x16, 0, &[0; 8]);
    check(&edge, "http2/4.1/2", &[flagged], Pong);
    let reserved = frame(PING, 0x16, 1 << 31, &[0; 8]);
    check(&edge, "http2/4.1/3", &[reserved], Pong);
    // RFC 9113 4.2.
    let most = data(1, END_STREAM, &[b'x'; 16_384]);
    check(&edge, "http2/4.2/1", &[post_head(&[]), most], Answer);
    let larger = data(1, END_STREAM, &[b'x'; 16_385]);
    let error = StreamError(&[FRAME_SIZE_ERROR]);
    check(&edge, "http2/4.2/2", &[post_head(&[]), larger], error);
    let long = "x".repeat(4_000);
    let mut fields = request_fields("GET");
    fields.extend(["x-1", "x-2", "x-3", "x-4", "x-5"].map(|name| (name, long.as_str())));
    let larger = headers(1, WHOLE, &block(&fields));
    let error = ConnectionError(&[FRAME_SIZE_ERROR]);
    check(&edge, "http2/4.2/3", &[larger], error);
    // RFC 9113 5.4.1.
    let wrong = frame(PING, 0, 3, &[0; 8]);
    check(&edge, "http2/5.4.1/1", std::slice::from_ref(&wrong), Closed);
    let error = ConnectionError(&[PROTOCOL_ERROR]);
    check(&edge, "http2/5.4.1/2", &[wrong], error);
}

#[test]
fn field_blocks_are_contiguous() {
    let edge = h2_edge();
    let begun = headers(1, 0, &get_block());
    let more = block(&[("x-dummy", "more")]);
    let error = ConnectionError(&[PROTOCOL_ERROR]);
    // RFC 9113 4.3, 6.2.
    for case in ["http2/4.3/2", "http2/6.2/1"] {
        let end = continuation(1, END_HEADERS, &more);
        check(&edge, case, &[begun.clone(), priority(1, 0), end], error);
    }
    for case in ["http2/4.3/3", "http2/6.2/2"] {
        let end = continuation(1, END_HEADERS, &more);
        check(&edge, case, &[begun.clone(), get(3), end], error);
    }
    // RFC 9113 5.5.
    let unknown = frame(0x16, 0, 0, &[0; 8]);
    check(&edge, "http2/5.5/2", &[begun.clone(), unknown], error);
    // RFC 9113 6.10.
    let whole_begun = headers(1, END_STREAM, &get_block());
    let frames = [
        whole_begun.clone(),
        continuation(1, 0, &more),
        continuation(1, END_HEADERS, &more),
    ];
    check(&edge, "http2/6.10/1", &frames, Answer);
    let end = data(1, END_STREAM, b"test");
    let frames = [begun.clone(), continuation(1, 0, &more), end.clone()];
    check(&edge, "http2/6.10/2", &frames, error);
    let frames = [whole_begun.clone(), continuation(0, END_HEADERS, &more)];
    check(&edge, "http2/6.10/3", &frames, error);
    let frames = [get(1), continuation(1, END_HEADERS, &more)];
    check(&edge, "http2/6.10/4", &frames, error);
    let end_block = continuation(1, END_HEADERS, &more);
    let frames = [whole_begun, end_block.clone(), end_block];
    check(&edge, "http2/6.10/5", &frames, error);
    let frames = [begun, end, continuation(1, 0, &more)];
    check(&edge, "http2/6.10/6", &frames, error);
}

#[test]
fn data_and_headers() {
    let edge = h2_edge();
    let error = ConnectionError(&[PROTOCOL_ERROR]);
    // RFC 9113 6.1.
    let frames = [data(0, END_STREAM, b"test")];
    check(&edge, "http2/6.1/1", &frames, error);
    let frames = [
        headers(1, WHOLE, &block(&request_fields("POST"))),
        data(1, END_STREAM, b"test"),
    ];
    check(&edge, "http2/6.1/2", &frames, StreamError(&[STREAM_CLOSED]));
    let padded = data(1, END_STREAM | PADDED, b"\x06test");
    let frames = [post_head(&[("content-length", "4")]), padded];
    check(&edge, "http2/6.1/3", &frames, error);
    // RFC 9113 6.2.
    let frames = [headers(0, WHOLE, &get_block())];
    check(&edge, "http2/6.2/3", &frames, error);
    let fields = get_block();
    let pad = u8::try_from(fields.len() + 2).unwrap();
    let frames = [headers(1, WHOLE | PADDED, &[&[pad], &fields[..]].concat())];
    check(&edge, "http2/6.2/4", &frames, error);
}

#[test]
fn priority_reset_and_push() {
    let edge = h2_edge();
    let error = ConnectionError(&[PROTOCOL_ERROR]);
    // RFC 9113 6.3.
    check(&edge, "http2/6.3/1", &[priority(0, 0)], error);
    let frames = [get(1), frame(PRIORITY, 0, 1, b"\x80\0\0\x01")];
    let wrong_size = StreamError(&[FRAME_SIZE_ERROR]);
    check(&edge, "http2/6.3/2", &frames, wrong_size);
    // RFC 7540 5.3.1; RFC 9113 5.3.2 no longer has dependencies.
    let itself = [dependency(1, 0, 255), get_block()].concat();
    let frames = [headers(1, WHOLE | PRIORITIZED, &itself)];
    check(
        &edge,
        "http2/5.3.1/1",
        &frames,
        StreamError(&[PROTOCOL_ERROR]),
    );
    let frames = [priority(1, 1)];
    check(
        &edge,
        "http2/5.3.1/2",
        &frames,
        StreamError(&[PROTOCOL_ERROR]),
    );
    // RFC 9113 6.4.
    check(&edge, "http2/6.4/1", &[reset(0, CANCEL)], error);
    check(&edge, "http2/6.4/2", &[reset(1, CANCEL)], error);
    let frames = [get(1), frame(RST_STREAM, 0, 1, &[0; 3])];
    let wrong_size = ConnectionError(&[FRAME_SIZE_ERROR]);
    check(&edge, "http2/6.4/3", &frames, wrong_size);
    // RFC 9113 8.4: a viewer cannot push.
    let promise = [&3_u32.to_be_bytes(), &get_block()[..]].concat();
    let frames = [frame(PUSH_PROMISE, END_HEADERS, 1, &promise)];
    check(&edge, "http2/8.2/1", &frames, error);
}

#[test]
fn connection_frames() {
    let edge = h2_edge();
    let error = ConnectionError(&[PROTOCOL_ERROR]);
    let wrong_size = ConnectionError(&[FRAME_SIZE_ERROR]);
    let overflow = ConnectionError(&[FLOW_CONTROL_ERROR]);
    // RFC 9113 6.5.
    let frames = [frame(SETTINGS, ACK, 0, b"\0")];
    check(&edge, "http2/6.5/1", &frames, wrong_size);
    let frames = [frame(SETTINGS, 0, 1, b"\0\x03\0\0\0\x64")];
    check(&edge, "http2/6.5/2", &frames, error);
    let frames = [frame(SETTINGS, 0, 0, b"\0\x03\0\0\0\x64\0\x02")];
    check(&edge, "http2/6.5/3", &frames, wrong_size);
    // RFC 9113 6.5.2.
    for (case, id, value, expected) in [
        ("http2/6.5.2/1", ENABLE_PUSH, 2, error),
        ("http2/6.5.2/2", INITIAL_WINDOW_SIZE, 1 << 31, overflow),
        ("http2/6.5.2/3", MAX_FRAME_SIZE, 16_383, error),
        ("http2/6.5.2/4", MAX_FRAME_SIZE, 1 << 24, error),
        ("http2/6.5.2/5", 0xff, 1, Pong),
        ("http2/6.9.2/3", INITIAL_WINDOW_SIZE, 1 << 31, overflow),
    ] {
        let frames = [settings(&[(id, value)]), ping(b"12345678")];
        check(&edge, case, &frames, expected);
    }
    // RFC 9113 6.5.3.
    let frames = [settings(&[(ENABLE_PUSH, 0)])];
    check(&edge, "http2/6.5.3/2", &frames, Settled);
    // RFC 9113 6.7.
    let mut viewer = FrameViewer::greeted(edge.https(), &[]);
    viewer.send(&ping(b"h2spec\0\0"));
    let answer = viewer.until(|frame| frame.kind == PING).unwrap();
    let answer = (answer.flags, answer.payload.as_slice());
    assert_eq!(answer, (ACK, &b"h2spec\0\0"[..]), "http2/6.7/1");
    viewer.send(&frame(PING, ACK, 0, b"invalid\0"));
    viewer.send(&ping(b"h2spec\0\0"));
    let answer = viewer.until(|frame| frame.kind == PING).unwrap();
    assert_eq!(answer.payload, b"h2spec\0\0", "http2/6.7/2");
    check(&edge, "http2/6.7/3", &[frame(PING, 0, 1, &[0; 8])], error);
    let frames = [frame(PING, 0, 0, &[0; 6])];
    check(&edge, "http2/6.7/4", &frames, wrong_size);
    // RFC 9113 6.8.
    let frames = [frame(GOAWAY, 0, 1, &[0; 8])];
    check(&edge, "http2/6.8/1", &frames, error);
    // RFC 9113 6.9.
    check(&edge, "http2/6.9/1", &[window_update(0, 0)], error);
    let frames = [post_head(&[]), window_update(1, 0)];
    check(
        &edge,
        "http2/6.9/2",
        &frames,
        StreamError(&[PROTOCOL_ERROR]),
    );
    let frames = [frame(WINDOW_UPDATE, 0, 0, &[0, 0, 1])];
    check(&edge, "http2/6.9/3", &frames, wrong_size);
    // RFC 9113 6.9.1.
    let most = 0x7fff_ffff;
    let frames = [window_update(0, most), window_update(0, most)];
    check(&edge, "http2/6.9.1/2", &frames, overflow);
    let frames = [
        post_head(&[]),
        window_update(1, most),
        window_update(1, most),
    ];
    check(
        &edge,
        "http2/6.9.1/3",
        &frames,
        StreamError(&[FLOW_CONTROL_ERROR]),
    );
}

#[test]
fn windows_bound_what_is_sent() {
    let edge = h2_edge();
    let change = |viewer: &mut FrameViewer, value| {
        viewer.send(&settings(&[(INITIAL_WINDOW_SIZE, value)]));
        viewer.until(|frame| frame.is_ack_of(SETTINGS)).unwrap();
    };
    let first = |viewer: &mut FrameViewer| viewer.until_kind(DATA, 1).unwrap().payload.len();
    // RFC 9113 6.5.3: the last value counts.
    let twice = [(INITIAL_WINDOW_SIZE, 100), (INITIAL_WINDOW_SIZE, 1)];
    let mut viewer = FrameViewer::greeted(edge.https(), &twice);
    viewer.send(&get(1));
    assert_eq!(first(&mut viewer), 1, "http2/6.5.3/1");
    // RFC 9113 6.9.1.
    let mut viewer = FrameViewer::greeted(edge.https(), &[(INITIAL_WINDOW_SIZE, 1)]);
    viewer.send(&get(1));
    assert_eq!(first(&mut viewer), 1, "http2/6.9.1/1");
    // RFC 9113 6.9.2.
    let mut viewer = FrameViewer::greeted(edge.https(), &[(INITIAL_WINDOW_SIZE, 0)]);
    viewer.send(&get(1));
    viewer.send(&settings(&[(INITIAL_WINDOW_SIZE, 1)]));
    assert_eq!(first(&mut viewer), 1, "http2/6.9.2/1");
    let mut viewer = FrameViewer::greeted(edge.https(), &[(INITIAL_WINDOW_SIZE, 3)]);
    viewer.send(&get(1));
    assert_eq!(first(&mut viewer), 3);
    change(&mut viewer, 2);
    viewer.send(&window_update(1, 2));
    assert_eq!(first(&mut viewer), 1, "http2/6.9.2/2");
}
