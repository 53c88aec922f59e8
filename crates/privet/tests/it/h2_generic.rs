//! HTTP/2: what every viewer does and the edge must accept. Cases `generic/…` of h2spec.

use crate::support::*;

fn post(stream: u32, more: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let head = headers(stream, END_HEADERS, &block(&request_fields("POST")));
    [vec![head], more.to_vec()].concat()
}

#[test]
fn connections_begin_and_end() {
    let edge = h2_edge();
    // RFC 9113 3.4.
    for case in ["generic/1/1", "http2/3.5/1"] {
        let mut viewer = FrameViewer::silent(edge.https());
        viewer.send(&[PREFACE, &settings(&[(INITIAL_WINDOW_SIZE, 65_535)])].concat());
        let first = viewer.next().unwrap();
        assert_eq!(
            (first.kind, first.flags, first.stream),
            (SETTINGS, 0, 0),
            "{case}"
        );
    }
    let mut viewer = FrameViewer::silent(edge.https());
    viewer.send(b"INVALID CONNECTION PREFACE\r\n\r\n");
    assert_outcome(&mut viewer, "http2/3.5/2", Expected::Closed);
    // RFC 9113 6.8.
    check(
        &edge,
        "generic/3.8/1",
        &[goaway(NO_ERROR)],
        Expected::Closed,
    );
    // RFC 9113 7: unknown error codes have no special meaning.
    check(&edge, "http2/7/1", &[goaway(0xff)], Expected::Closed);
    let frames = [post(1, &[]), vec![reset(1, 0xff), ping(b"12345678")]].concat();
    check(&edge, "http2/7/2", &frames, Expected::Pong);
}

#[test]
fn frames_in_every_state_that_takes_them() {
    let edge = h2_edge();
    // RFC 9113 5.1.
    let frames = [priority(1, 0), ping(b"12345678")];
    check(&edge, "generic/2/1", &frames, Expected::Pong);
    for (case, extra) in [("generic/2/2", None), ("generic/2/3", Some(priority(1, 0)))] {
        let mut viewer = FrameViewer::greeted(edge.https(), &[(INITIAL_WINDOW_SIZE, 0)]);
        viewer.send(&get(1));
        viewer.send(&extra.unwrap_or_default());
        viewer.send(&window_update(1, 1));
        let first = viewer.until_kind(DATA, 1).unwrap();
        assert_eq!(first.payload.len(), 1, "{case}");
    }
    let frames = [get(1), reset(1, CANCEL), ping(b"12345678")];
    check(&edge, "generic/2/4", &frames, Expected::Pong);
    check(&edge, "generic/3.4/1", &frames, Expected::Pong);
    let frames = [priority(1, 0), ping(b"12345678")];
    check_after_answer(&edge, "generic/2/5", &frames, Expected::Pong);
}

#[test]
fn each_type_of_frame() {
    let edge = h2_edge();
    // RFC 9113 6.1.
    let frames = post(1, &[data(1, END_STREAM, b"test")]);
    check(&edge, "generic/3.1/1", &frames, Expected::Answer);
    let frames = post(1, &[data(1, 0, b"test"), data(1, END_STREAM, b"test")]);
    check(&edge, "generic/3.1/2", &frames, Expected::Answer);
    let frames = post(1, &[data(1, END_STREAM | PADDED, b"\x06testpadded")]);
    check(&edge, "generic/3.1/3", &frames, Expected::Answer);
    // RFC 9113 6.2.
    check(&edge, "generic/3.2/1", &[get(1)], Expected::Answer);
    let padded = [&[8], &get_block()[..], &[0; 8]].concat();
    let frames = [headers(1, WHOLE | PADDED, &padded)];
    check(&edge, "generic/3.2/2", &frames, Expected::Answer);
    let prioritized = [dependency(0, 0, 255), get_block()].concat();
    let frames = [headers(1, WHOLE | PRIORITIZED, &prioritized)];
    check(&edge, "generic/3.2/3", &frames, Expected::Answer);
    // RFC 9113 6.3.
    for (case, stream, dependency) in [
        ("generic/3.3/1", 1, dependency(0, 0, 0)),
        ("generic/3.3/2", 1, dependency(0, 0, 255)),
        ("generic/3.3/3", 3, dependency(1, 0, 0)),
        ("generic/3.3/4", 1, dependency(0, 1, 0)),
        ("generic/3.3/5", 3, dependency(0, 0, 255)),
        ("http2/6.3/3", 3, dependency(0, 0, 255)),
    ] {
        let frames = [frame(PRIORITY, 0, stream, &dependency), get(1)];
        check(&edge, case, &frames, Expected::Answer);
    }
    // RFC 9113 6.5.
    let all = settings(&[
        (HEADER_TABLE_SIZE, 4096),
        (ENABLE_PUSH, 1),
        (MAX_CONCURRENT_STREAMS, 100),
        (INITIAL_WINDOW_SIZE, 65_535),
        (MAX_FRAME_SIZE, 16_384),
        (MAX_HEADER_LIST_SIZE, 100),
    ]);
    check(&edge, "generic/3.5/1", &[all], Expected::Settled);
    // RFC 9113 6.7, 6.9.
    check(&edge, "generic/3.7/1", &[ping(b"12345678")], Expected::Pong);
    let frames = [window_update(0, 1), ping(b"12345678")];
    check(&edge, "generic/3.9/1", &frames, Expected::Pong);
    let frames = [get(1), window_update(1, 1)];
    check(&edge, "generic/3.9/2", &frames, Expected::Answer);
    // RFC 9113 6.10.
    let whole = get_block();
    let begun = headers(1, END_STREAM, &whole[..5]);
    let frames = [begun.clone(), continuation(1, END_HEADERS, &whole[5..])];
    check(&edge, "generic/3.10/1", &frames, Expected::Answer);
    let middle = continuation(1, 0, &whole[5..10]);
    let frames = [begun, middle, continuation(1, END_HEADERS, &whole[10..])];
    check(&edge, "generic/3.10/2", &frames, Expected::Answer);
}

#[test]
fn messages() {
    let edge = h2_edge();
    // RFC 9113 8.1.
    let mut viewer = FrameViewer::greeted(edge.https(), &[]);
    viewer.send(&get(1));
    let head = viewer.until_kind(HEADERS, 1).unwrap();
    assert_eq!(
        (head.status(), head.has(END_STREAM)),
        (200, false),
        "generic/4/1"
    );
    let body = viewer.until_kind(DATA, 1).unwrap();
    assert_eq!(body.payload, b"eleven bytes");
    viewer.send(&headers(3, WHOLE, &block(&request_fields("HEAD"))));
    let head = viewer.until_kind(HEADERS, 3).unwrap();
    assert_eq!(
        (head.status(), head.has(END_STREAM)),
        (200, true),
        "generic/4/2"
    );
    let frames = post(1, &[data(1, END_STREAM, b"test")]);
    check(&edge, "generic/4/3", &frames, Expected::Answer);
    let mut fields = request_fields("POST");
    fields.push(("trailer", "x-test"));
    let frames = [
        headers(1, END_HEADERS, &block(&fields)),
        data(1, 0, b"test"),
        headers(1, WHOLE, &block(&[("x-test", "ok")])),
    ];
    check(&edge, "generic/4/4", &frames, Expected::Answer);
}

#[test]
fn field_representations() {
    let edge = h2_edge();
    // RFC 7541 6.1 to 6.3. The strings are `user-agent`, `x-test` and `h2spec`, plain and Huffman-coded.
    let plain_agent = b"\x0auser-agent\x06h2spec";
    let coded_agent = b"\x87\xb5\x05\xb1\x61\xcc\x5a\x93\x84\x9c\x48\xac\xa4";
    let plain_test = b"\x06x-test\x06h2spec";
    let coded_test = b"\x85\xf2\xb2\x4a\x84\xff\x84\x9c\x48\xac\xa4";
    let with = |first: u8, rest: &[u8]| [&[first], rest].concat();
    let after = [
        ("generic/5/1", vec![0xba]),
        ("generic/5/2", b"\x7a\x06h2spec".to_vec()),
        ("generic/5/2", with(0x40, plain_agent)),
        ("generic/5/3", b"\x7a\x84\x9c\x48\xac\xa4".to_vec()),
        ("generic/5/3", with(0x40, coded_agent)),
        ("generic/5/4", with(0x40, plain_test)),
        ("generic/5/5", with(0x40, coded_test)),
        ("generic/5/6", b"\x0f\x2b\x06h2spec".to_vec()),
        ("generic/5/6", with(0x00, plain_agent)),
        ("generic/5/7", b"\x0f\x2b\x84\x9c\x48\xac\xa4".to_vec()),
        ("generic/5/7", with(0x00, coded_agent)),
        ("generic/5/8", with(0x00, plain_test)),
        ("generic/5/9", with(0x00, coded_test)),
        ("generic/5/10", b"\x1f\x2b\x06h2spec".to_vec()),
        ("generic/5/10", with(0x10, plain_agent)),
        ("generic/5/11", b"\x1f\x2b\x84\x9c\x48\xac\xa4".to_vec()),
        ("generic/5/11", with(0x10, coded_agent)),
        ("generic/5/12", with(0x10, plain_test)),
        ("generic/5/13", with(0x10, coded_test)),
    ];
    for (case, representation) in after {
        let fields = [get_block(), representation].concat();
        check(&edge, case, &[headers(1, WHOLE, &fields)], Expected::Answer);
    }
    let before = [
        ("generic/5/14", b"\x20".to_vec()),
        ("generic/5/15", b"\x20\x3f\xe1\x1f".to_vec()),
    ];
    for (case, update) in before {
        let fields = [update, get_block()].concat();
        check(&edge, case, &[headers(1, WHOLE, &fields)], Expected::Answer);
    }
}
