//! HTTP/2: viewers that cause work without requesting anything (RFC 9113 10.5).

use crate::support::*;

/// Number of frames, which exceeds all limits.
const FRAMES: usize = 20_000;

/// Sends `first`, then the same frames repeatedly: the connection must end, and the edge must not.
#[track_caller]
fn check_flood(case: &str, first: &[Vec<u8>], again: impl Fn(u32) -> Vec<u8>) {
    let edge = h2_edge();
    edge.put("public/large", &[b'x'; 200_000]);
    let mut viewer = FrameViewer::greeted(edge.https(), &[(INITIAL_WINDOW_SIZE, 0)]);
    viewer.case = case.to_owned();
    viewer.send(&first.concat());
    let mut sent = 0;
    // Frames are sent in pieces, so that the edge meets them at different times.
    while sent < FRAMES {
        let piece: Vec<u8> = (sent..sent + 500)
            .flat_map(|at| again(u32::try_from(at).unwrap()))
            .collect();
        if viewer.try_send(&piece).is_err() {
            break;
        }
        sent += 500;
    }
    viewer.rest();
    edge.assert_alive();
}

#[test]
fn control_frames() {
    check_flood("ping", &[], |_| ping(b"12345678"));
    check_flood("settings", &[], |_| settings(&[]));
    check_flood("windows of settings", &[get(1)], |at| {
        settings(&[(INITIAL_WINDOW_SIZE, at % 2)])
    });
    check_flood("priority", &[], |at| priority(at * 2 + 1, 0));
    check_flood("unknown type", &[], |_| frame(0x16, 0, 0, b""));
    check_flood("window of the connection", &[], |_| window_update(0, 1));
}

#[test]
fn frames_of_a_stream() {
    let post = headers(1, END_HEADERS, &block(&request_fields("POST")));
    check_flood("empty data", &[post], |_| data(1, 0, b""));
    let begun = headers(1, 0, &get_block());
    check_flood("continuation", &[begun], |_| continuation(1, 0, b""));
    let large = get_path(1, "/public/large");
    check_flood("byte by byte", &[large], |_| window_update(1, 1));
}

#[test]
fn rapid_reset() {
    check_flood("rapid reset", &[], |at| {
        [get(at * 2 + 1), reset(at * 2 + 1, CANCEL)].concat()
    });
    // The edge resets these streams itself, because there are too many.
    check_flood("refused streams", &[], |at| get(at * 2 + 1));
    check_flood("malformed requests", &[], |at| {
        headers(at * 2 + 1, WHOLE, &block(&[(":path", "")]))
    });
}

#[test]
fn one_reset_at_a_time() {
    let edge = h2_edge();
    let mut viewer = FrameViewer::greeted(edge.https(), &[]);
    // At most one stream is open at a time, so no queue ever grows.
    let ended = (0..FRAMES as u32).find(|at| {
        let stream = at * 2 + 1;
        let opened = headers(stream, END_HEADERS, &block(&request_fields("POST")));
        viewer.send(&[opened, reset(stream, CANCEL), ping(b"12345678")].concat());
        viewer.until(|frame| frame.is_ack_of(PING)).is_none()
    });
    assert!(ended.is_some());
    edge.assert_alive();
}

#[test]
fn header_bombs() {
    let edge = h2_edge();
    // One large field in the dynamic table, and many references to it.
    let mut entry = b"\x40\x06x-bomb".to_vec();
    integer(0, 7, 3_900, &mut entry);
    entry.extend([b'x'; 3_900]);
    let bomb = |references| [get_block(), entry.clone(), vec![0xbe; references]].concat();
    let calm = Expected::ConnectionError(&[ENHANCE_YOUR_CALM]);
    check(
        &edge,
        "large bomb",
        &[headers(1, WHOLE, &bomb(10_000))],
        calm,
    );
    let mut viewer = FrameViewer::greeted(edge.https(), &[]);
    viewer.send(&headers(1, WHOLE, &bomb(10)));
    let answer = viewer.until_kind(HEADERS, 1).unwrap();
    assert_eq!(answer.status(), 431, "a bomb within the limits of memory");
    viewer.assert_alive();
    // Fields with empty names and values.
    let empty = [get_block(), [0, 0, 0].repeat(4_000)].concat();
    let error = Expected::StreamError(&[PROTOCOL_ERROR]);
    check(&edge, "empty fields", &[headers(1, WHOLE, &empty)], error);
    edge.assert_alive();
}

#[test]
fn many_good_requests_are_no_flood() {
    let edge = h2_edge();
    let mut viewer = FrameViewer::greeted(edge.https(), &[]);
    for at in 0..3_000 {
        let stream = at * 2 + 1;
        let frames = [get(stream), window_update(0, 12), ping(b"12345678")];
        viewer.send(&[&frames.concat()[..], &priority(stream, 0)].concat());
        assert!(viewer.until(|frame| frame.ends(stream)).is_some(), "{at}");
    }
}
