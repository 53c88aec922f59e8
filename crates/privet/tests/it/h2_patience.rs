//! HTTP/2: streams from which the viewer reads nothing, on connections from which it reads something.

use crate::support::*;
use std::time::{Duration, Instant};

const WRITE_TIMEOUT: Duration = Duration::from_secs(1);
/// Pause of a slow viewer between two reads.
const REST: Duration = Duration::from_millis(100);
/// Time for checking whether the connection has ended.
const SIP: Duration = Duration::from_millis(1);

fn patient_edge() -> TestEdge {
    let edge = TestEdge::configured(&fixture_with_limits(r#"write_timeout = "1s""#));
    edge.put("public/large", &[b'x'; 200_000]);
    edge.put("public/object", b"eleven bytes");
    edge.put("public/tiny", b"tiny");
    edge
}

/// Requests and reads small responses until `enough` accepts a frame.
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
    // Most of the first response is unread, and all of the second.
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
    // A late window update is no error: it may have been in flight.
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
fn a_stream_that_is_taken_sip_by_sip_goes_on() {
    let edge = patient_edge();
    let mut viewer = FrameViewer::greeted(edge.https(), &[(INITIAL_WINDOW_SIZE, 10)]);
    viewer.send(&window_update(0, 1_000_000));
    viewer.send(&get_path(1, "/public/large"));
    let begun = Instant::now();
    // The viewer reads 400 bytes per second.
    while begun.elapsed() < 3 * WRITE_TIMEOUT {
        viewer.send(&window_update(1, 40));
        assert_ne!(viewer.kind_within(REST), Some(RST_STREAM));
    }
    viewer.assert_alive();
}

/// N1: a viewer that read a byte per second used to hold a stream and its source forever.
#[test]
fn a_stream_that_is_taken_byte_by_byte_is_reset() {
    let edge = patient_edge();
    edge.put("public/video.mp4", &[b'x'; 200_000]);
    // A player may read a video slowly, but not this slowly.
    for path in ["/public/large", "/public/video.mp4"] {
        let mut viewer = FrameViewer::greeted(edge.https(), &[(INITIAL_WINDOW_SIZE, 10)]);
        viewer.send(&window_update(0, 1_000_000));
        viewer.send(&get_path(1, path));
        let begun = Instant::now();
        let mut kind = None;
        while kind != Some(RST_STREAM) {
            assert!(begun.elapsed() < PATIENCE, "{path} goes on for ever");
            viewer.send(&[window_update(1, 1), ping(b"I am he!")].concat());
            kind = viewer.kind_within(REST);
        }
        viewer.assert_alive();
    }
}

#[test]
fn a_video_is_taken_as_its_player_plays() {
    let config = "write_timeout = \"1s\"\nwrite_rate_min = \"10 KiB\"";
    let edge = TestEdge::configured(&fixture_with_limits(config));
    for (path, is_video) in [("video.mp4", true), ("large", false)] {
        edge.put(&format!("public/{path}"), &[b'x'; 200_000]);
        let mut viewer = FrameViewer::greeted(edge.https(), &[(INITIAL_WINDOW_SIZE, 10)]);
        viewer.send(&window_update(0, 1_000_000));
        viewer.send(&get_path(1, &format!("/public/{path}")));
        let begun = Instant::now();
        let mut is_reset = false;
        while begun.elapsed() < 3 * WRITE_TIMEOUT {
            viewer.send(&window_update(1, 100));
            is_reset |= viewer.kind_within(REST) == Some(RST_STREAM);
        }
        assert_eq!(is_reset, !is_video, "{path}");
    }
}

/// The connection's window opens byte by byte, while every stream has all the window it wants.
#[test]
fn a_connection_that_is_taken_byte_by_byte_ends() {
    let edge = patient_edge();
    let mut viewer = FrameViewer::greeted(edge.https(), &[(INITIAL_WINDOW_SIZE, 1_000_000)]);
    for stream in [1, 3, 5] {
        viewer.send(&get_path(stream, "/public/large"));
    }
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < PATIENCE, "it goes on for ever");
        viewer.send(&window_update(0, 1));
        if matches!(viewer.next_within(REST), Heard::End) {
            break;
        }
    }
    edge.assert_alive();
}

/// E6: many responses behind the single window of a connection used to need only the rate required of one.
#[test]
fn answers_do_not_hide_behind_the_window_of_the_connection() {
    let edge = patient_edge();
    let mut viewer = FrameViewer::greeted(edge.https(), &[(INITIAL_WINDOW_SIZE, 1_000_000)]);
    for at in 0..60 {
        viewer.send(&get_path(at * 2 + 1, "/public/large"));
    }
    let begun = Instant::now();
    loop {
        assert!(begun.elapsed() < PATIENCE, "it goes on for ever");
        // 300 bytes are enough for a dozen of the responses.
        viewer.send(&window_update(0, 300));
        viewer.kind_within(REST);
        if matches!(viewer.next_within(SIP), Heard::End) {
            break;
        }
    }
    edge.assert_alive();
}

#[test]
fn few_answers_share_the_window_of_the_connection() {
    let edge = patient_edge();
    let mut viewer = FrameViewer::greeted(edge.https(), &[(INITIAL_WINDOW_SIZE, 1_000_000)]);
    for stream in [1, 3, 5] {
        viewer.send(&get_path(stream, "/public/large"));
    }
    let begun = Instant::now();
    while begun.elapsed() < 3 * WRITE_TIMEOUT {
        viewer.send(&window_update(0, 300));
        viewer.kind_within(REST);
        assert!(!matches!(viewer.next_within(SIP), Heard::End));
    }
    viewer.send(&window_update(0, 1_000_000));
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

/// In the middle of a frame h2 cannot be told anything, so no stream is reset and the connection ends.
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
