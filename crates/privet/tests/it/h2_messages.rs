//! HTTP/2: malformed requests. Cases of h2spec for RFC 9113 section 8.

use crate::support::Expected::*;
use crate::support::*;

const ERROR: Expected<'static> = StreamError(&[PROTOCOL_ERROR]);

/// Checks a request without a body.
#[track_caller]
fn check_fields(edge: &TestEdge, case: &str, fields: &[(&str, &str)]) {
    check(edge, case, &[headers(1, WHOLE, &block(fields))], ERROR);
}

#[track_caller]
fn check_with(edge: &TestEdge, case: &str, more: &[(&str, &str)]) {
    check_fields(edge, case, &[&request_fields("GET")[..], more].concat());
}

/// Checks a request whose body is sent in `frames`.
#[track_caller]
fn check_body(edge: &TestEdge, case: &str, more: &[(&str, &str)], frames: &[Vec<u8>]) {
    let fields = [&request_fields("POST")[..], more].concat();
    let head = headers(1, END_HEADERS, &block(&fields));
    check(edge, case, &[&[head], frames].concat(), ERROR);
}

#[test]
fn trailers() {
    let edge = h2_edge();
    let with = |flags, trailer| [data(1, 0, b"test"), headers(1, flags, &block(&[trailer]))];
    // RFC 9113 8.1: the second field section ends the stream, and has no pseudo-header fields.
    let frames = with(END_HEADERS, ("x-test", "ok"));
    check_body(&edge, "http2/8.1/1", &[], &frames);
    let frames = with(END_HEADERS, (":method", "POST"));
    check_body(&edge, "http2/8.1.2.1/3", &[], &frames);
}

#[test]
fn names_and_values() {
    let edge = h2_edge();
    // RFC 9113 8.2, 8.2.1.
    check_with(&edge, "http2/8.1.2/1", &[("X-TEST", "ok")]);
    check_with(&edge, "no name", &[("", "value")]);
    check_with(&edge, "space in a name", &[("x test", "ok")]);
    check_with(&edge, "colon in a name", &[("x:test", "ok")]);
    check_with(&edge, "line end in a value", &[("x-test", "a\r\nx: b")]);
    check_with(&edge, "zero in a value", &[("x-test", "a\0b")]);
    // RFC 9113 8.2.2.
    check_with(&edge, "http2/8.1.2.2/1", &[("connection", "keep-alive")]);
    let te = [("trailers", "test"), ("te", "trailers, deflate")];
    check_with(&edge, "http2/8.1.2.2/2", &te);
    for name in [
        "proxy-connection",
        "keep-alive",
        "transfer-encoding",
        "upgrade",
    ] {
        check_with(&edge, name, &[(name, "chunked")]);
    }
}

#[test]
fn pseudo_header_fields() {
    let edge = h2_edge();
    // RFC 9113 8.3.
    check_with(&edge, "http2/8.1.2.1/1", &[(":test", "ok")]);
    check_with(&edge, "http2/8.1.2.1/2", &[(":status", "200")]);
    let good = request_fields("GET");
    let late = [&[("x-test", "ok")], &good[..]].concat();
    check_fields(&edge, "http2/8.1.2.1/4", &late);
    // RFC 9113 8.3.1.
    let mut empty = good.clone();
    empty[2].1 = "";
    check_fields(&edge, "http2/8.1.2.3/1", &empty);
    for (case, omitted) in [
        ("http2/8.1.2.3/2", 0),
        ("http2/8.1.2.3/3", 1),
        ("http2/8.1.2.3/4", 2),
    ] {
        let mut fields = good.clone();
        fields.remove(omitted);
        check_fields(&edge, case, &fields);
    }
    for (case, repeated) in [
        ("http2/8.1.2.3/5", 0),
        ("http2/8.1.2.3/6", 1),
        ("http2/8.1.2.3/7", 2),
        ("authority twice", 3),
    ] {
        check_with(&edge, case, &[good[repeated]]);
    }
}

#[test]
fn length_of_the_body() {
    let edge = h2_edge();
    // RFC 9113 8.1.1.
    let one = [("content-length", "1")];
    let frames = [data(1, END_STREAM, b"test")];
    check_body(&edge, "http2/8.1.2.6/1", &one, &frames);
    let frames = [data(1, 0, b"test"), data(1, END_STREAM, b"test")];
    check_body(&edge, "http2/8.1.2.6/2", &one, &frames);
    let frames = [data(1, END_STREAM, b"")];
    check_body(&edge, "too short a body", &one, &frames);
}
