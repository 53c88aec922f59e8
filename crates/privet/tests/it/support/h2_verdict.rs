//! Required outcomes of a sequence of frames, and the check that the edge produces them.

use crate::support::{DATA, FrameViewer, GOAWAY, HEADERS, PING, RST_STREAM, SETTINGS, TestEdge};

/// The outcome that the standard requires. Several codes are alternatives.
#[derive(Clone, Copy, Debug)]
pub enum Expected<'a> {
    /// GOAWAY with one of these codes, and the end of the connection.
    ConnectionError(&'a [u32]),
    /// RST_STREAM of stream 1 with one of these codes, or a connection error with it, which RFC 9113 5.4.2 allows.
    StreamError(&'a [u32]),
    /// A response head on stream 1.
    Answer,
    /// The acknowledgement of the PING.
    Pong,
    /// The acknowledgement of the settings.
    Settled,
    /// The end of the connection, in any form.
    Closed,
}

/// Returns an edge with the object that every case requests.
pub fn h2_edge() -> TestEdge {
    let edge = TestEdge::new();
    edge.put("public/object", b"eleven bytes");
    edge
}

/// Sends the frames of one case on a new connection and checks the outcome.
#[track_caller]
pub fn check(edge: &TestEdge, case: &str, frames: &[Vec<u8>], expected: Expected<'_>) {
    let mut viewer = FrameViewer::greeted(edge.https(), &[]);
    viewer.send(&frames.concat());
    assert_outcome(&mut viewer, case, expected);
}

/// Does the same as [`check`] after the complete response to a request on stream 1.
#[track_caller]
pub fn check_after_answer(edge: &TestEdge, case: &str, frames: &[Vec<u8>], expected: Expected<'_>) {
    let mut viewer = FrameViewer::greeted(edge.https(), &[]);
    viewer.send(&super::get(1));
    assert!(viewer.until(|frame| frame.ends(1)).is_some(), "{case}");
    viewer.send(&frames.concat());
    assert_outcome(&mut viewer, case, expected);
}

#[track_caller]
pub fn assert_outcome(viewer: &mut FrameViewer, case: &str, expected: Expected<'_>) {
    case.clone_into(&mut viewer.case);
    let mut seen = Vec::new();
    let mut good = |wanted: &dyn Fn(&super::Frame) -> bool| {
        loop {
            let Some(frame) = viewer.next() else {
                break None;
            };
            let found = wanted(&frame);
            seen.push(frame.clone());
            if found {
                break Some(frame);
            }
        }
    };
    let is_good = match expected {
        Expected::ConnectionError(codes) => {
            let goaway = good(&|frame| frame.kind == GOAWAY);
            let right = goaway.is_some_and(|frame| codes.contains(&frame.error_code()));
            right && good(&|_| false).is_none()
        }
        Expected::StreamError(codes) => {
            let error = good(&|frame| {
                frame.kind == GOAWAY || (frame.kind == RST_STREAM && frame.stream == 1)
            });
            error.is_some_and(|frame| codes.contains(&frame.error_code()))
        }
        Expected::Answer => good(&|frame| frame.kind == HEADERS && frame.stream == 1).is_some(),
        Expected::Pong => good(&|frame| frame.is_ack_of(PING)).is_some(),
        Expected::Settled => good(&|frame| frame.is_ack_of(SETTINGS)).is_some(),
        Expected::Closed => good(&|_| false).is_none(),
    };
    let seen: Vec<_> = seen.iter().filter(|frame| frame.kind != DATA).collect();
    assert!(is_good, "{case}: expected {expected:?}, came {seen:?}");
}
