//! The length in a response to HEAD: that of the GET, or none (RFC 9110 8.6).

use crate::support::*;

/// An origin's framing of its bodies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    Chunked,
    /// The end of the connection ends the body.
    Closing,
    Length,
}

/// Starts an origin that responds to `/STATUS` with that status and five bytes.
fn origin(framing: Framing) -> FakeOrigin {
    FakeOrigin::start(move |ask| {
        let status = ask.path()[1..].parse().unwrap();
        match framing {
            Framing::Chunked => OriginAnswer::chunked(status, &[], &[b"hello"]),
            Framing::Closing => OriginAnswer::head(status, &[]).send("hello").close(),
            Framing::Length => OriginAnswer::whole(status, &[], "hello"),
        }
    })
}

const STATUSES: [u16; 6] = [200, 203, 301, 404, 410, 500];

#[track_caller]
fn check(framing: Framing, expected: Option<&str>) {
    let origin = origin(framing);
    let edge = Remote::new(&origin).start();
    for status in STATUSES {
        let ask = Ask::get(url(&format!("/{status}"))).method("HEAD");
        let answer = edge.ask(&ask);
        assert_eq!(answer.status(), status, "{framing:?}");
        let told = answer.field("Content-Length");
        assert_eq!(told, expected, "{framing:?} {status} over HTTP/1.1");
        assert_eq!(answer.field("Transfer-Encoding"), None);
    }
    let asks: Vec<Ask> = STATUSES
        .iter()
        .map(|status| Ask::get(format!("https://{HOST}/{status}")).method("HEAD"))
        .collect();
    for (answer, status) in ask_multiplexed(&edge, &asks).iter().zip(STATUSES) {
        assert_eq!(answer.status(), status, "{framing:?}");
        let told = answer.headers().get("content-length");
        let told = told.map(|length| length.to_str().unwrap());
        assert_eq!(told, expected, "{framing:?} {status} over HTTP/2");
    }
}

#[test]
fn m1_head_of_an_unknown_length_is_told_none() {
    check(Framing::Chunked, None);
    check(Framing::Closing, None);
}

#[test]
fn m1_head_of_a_known_length_is_told_the_length() {
    check(Framing::Length, Some("5"));
}

/// No GET has fetched the object yet, and the connection is kept for the next request.
#[test]
fn m1_a_connection_goes_on_after_a_head_without_length() {
    let origin = origin(Framing::Chunked);
    let edge = Remote::new(&origin).start();
    let mut viewer = edge.plain();
    for _ in 0..2 {
        let head = viewer.ask(&Ask::get(url("/200")).method("HEAD"));
        assert_eq!(head.field("Content-Length"), None);
        assert_eq!(head.field("Connection"), Some("keep-alive"));
    }
    viewer.send(&Ask::get(url("/200")).bytes());
    let (_, body) = viewer.framed_answer();
    assert_eq!(body.whole(), b"hello");
}

/// Responses without a body declare no length.
#[test]
fn m1_no_content_has_no_length() {
    let origin = FakeOrigin::start(|ask| {
        let status = ask.path()[1..].parse().unwrap();
        OriginAnswer::head(status, &[("ETag", "\"a\"")])
    });
    let edge = Remote::new(&origin).start();
    for method in ["GET", "HEAD"] {
        let answer = edge.ask(&Ask::get(url("/204")).method(method));
        assert_eq!(answer.status(), 204);
        assert_eq!(answer.field("Content-Length"), None, "{method}");
    }
}
