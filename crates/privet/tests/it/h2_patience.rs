//! HTTP/2: streams of which the viewer takes nothing, on connections of which it takes something.

use crate::support::*;
use std::time::{Duration, Instant};

const WRITE_TIMEOUT: Duration = Duration::from_secs(1);

fn patient_edge() -> TestEdge {
    let edge = TestEdge::configured(&fixture_with_limits(r#"write_timeout = "1s""#));
    edge.put("public/large", &[b'x'; 200_000]);
    edge.put("public/object", b"eleven bytes");
    edge.put("public/tiny", b"tiny");
    edge
}

/// Asks for something small again and again, which is taken, until `enough` says so of a frame or of the time.
fn take_small_things(
    viewer: &mut FrameViewer,
    mut before: impl FnMut(&mut FrameViewer),
    mut enough: impl FnMut(&Frame) -> bool,
) {
    for at in 100.. {
        let stream = at * 2 + 1;
        before(viewer);
        viewer.send(&get_path(stream, "/public/tiny"));
        loop {
            let frame = viewer.next().expect("the connection has ended");
            if enough(&frame) {
                return;
            }
            if frame.ends(stream) {
                break;
            }
        }
    }
}

#[test]
fn a_stream_that_is_not_taken_is_reset_alone() {
    let edge = patient_edge();
    let mut viewer = FrameViewer::greeted(edge.https(), &[(INITIAL_WINDOW_SIZE, 10)]);
    viewer.send(&window_update(0, 1_000_000));
    // Of the first most is still to be read, of the second nothing.
    viewer.send(&get_path(1, "/public/large"));
    viewer.send(&get(3));
    let begun = Instant::now();
    let mut open = vec![1, 3];
    let mut codes = Vec::new();
    take_small_things(
        &mut viewer,
        |_| {},
        |frame| {
            if frame.kind == RST_STREAM {
                open.retain(|stream| *stream != frame.stream);
                codes.push(frame.error_code());
            }
            assert!(begun.elapsed() < PATIENCE, "still open: {open:?}");
            open.is_empty()
        },
    );
    assert_eq!(codes, [CANCEL, CANCEL]);
    assert!(begun.elapsed() >= WRITE_TIMEOUT);
    // More window is too late, and no error: it may have been on its way.
    viewer.send(&window_update(1, 100));
    viewer.assert_alive();
    drop(viewer);
    let (_folder, log) = edge.stop();
    let records = log.records();
    let mut large = records
        .iter()
        .filter(|record| record["cs-uri-stem"] == "/public/large");
    assert_eq!(large.next().unwrap()["x-edge-result-type"], "Error");
}

#[test]
fn a_stream_that_is_taken_byte_by_byte_goes_on() {
    let edge = patient_edge();
    let mut viewer = FrameViewer::greeted(edge.https(), &[(INITIAL_WINDOW_SIZE, 10)]);
    viewer.send(&window_update(0, 1_000_000));
    viewer.send(&get_path(1, "/public/large"));
    let begun = Instant::now();
    let take_one = |viewer: &mut FrameViewer| viewer.send(&window_update(1, 1));
    take_small_things(&mut viewer, take_one, |frame| {
        assert_ne!(frame.kind, RST_STREAM);
        begun.elapsed() > 2 * WRITE_TIMEOUT
    });
    viewer.assert_alive();
}

#[test]
fn a_connection_of_which_nothing_is_taken_ends() {
    let edge = patient_edge();
    let mut viewer = FrameViewer::greeted(edge.https(), &[(INITIAL_WINDOW_SIZE, 10)]);
    viewer.send(&get_path(1, "/public/large"));
    let begun = Instant::now();
    viewer.rest();
    assert!(begun.elapsed() >= WRITE_TIMEOUT);
    edge.assert_alive();
}

/// Nothing can be told to h2 in the middle of a frame.
#[test]
fn a_frame_that_is_never_finished_does_not_protect_a_stream() {
    let edge = patient_edge();
    let mut viewer = FrameViewer::greeted(edge.https(), &[(INITIAL_WINDOW_SIZE, 10)]);
    viewer.send(&get_path(1, "/public/large"));
    viewer.until_kind(DATA, 1).unwrap();
    viewer.send(&get_path(3, "/public/tiny"));
    viewer.until(|frame| frame.ends(3)).unwrap();
    let begun = Instant::now();
    viewer.send(&ping(b"12345678")[..5]);
    let frames = viewer.rest();
    assert!(begun.elapsed() >= WRITE_TIMEOUT / 2);
    assert!(!frames.iter().any(|frame| frame.kind == RST_STREAM));
}
