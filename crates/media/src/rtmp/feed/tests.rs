//! Checks of pacing: how far ahead of its viewer a video may be.

use super::*;
use crate::Parts;
use crate::stream::MessageKind;

/// Yields a message every 100 ms, up to so many seconds.
fn video(from_ms: u32, seconds: u32) -> impl Iterator<Item = Message> {
    (from_ms..seconds * 1000)
        .step_by(100)
        .map(|timestamp_ms| Message {
            kind: MessageKind::Video,
            timestamp_ms,
            body: Parts::default(),
            is_key: timestamp_ms % 2000 == 0,
        })
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// Sends what is due; returns the times of the first and last message, and the turn that stopped it.
fn sent<M: Iterator<Item = Message>>(
    feed: &mut Feed<M>,
    now_ms: u64,
) -> (Option<(u32, u32)>, Turn) {
    let mut times = None;
    for _ in 0..10_000 {
        match feed.turn(ms(now_ms)) {
            Turn::Send(message) => {
                let time = message.timestamp_ms;
                let (first, _) = times.unwrap_or((time, time));
                times = Some((first, time));
            }
            turn @ (Turn::Wait(_) | Turn::Paused | Turn::Over) => return (times, turn),
        }
    }
    panic!("it goes on for ever");
}

#[test]
fn the_viewer_gets_its_buffer_and_a_second() {
    for (buffer_ms, first_ms) in [(0, 1000), (300, 1300), (3000, 4000), (30_000, 31_000)] {
        let mut feed = Feed::new(video(0, 100), ms(0), None, ms(7000));
        feed.set_buffer(ms(buffer_ms));
        let (times, turn) = sent(&mut feed, 7000);
        assert_eq!(times, Some((0, first_ms)));
        assert_eq!(turn, Turn::Wait(ms(100 + 500)));
        // Messages that have become due are sent together.
        let (times, _) = sent(&mut feed, 7600);
        assert_eq!(times, Some((first_ms + 100, first_ms + 600)));
    }
}

#[test]
fn no_viewer_gets_a_whole_video() {
    let mut feed = Feed::new(video(0, 100), ms(0), None, ms(0));
    feed.set_buffer(ms(36_000_000));
    assert_eq!(sent(&mut feed, 0).0, Some((0, 31_000)));
}

#[test]
fn a_viewer_that_says_nothing_holds_three_seconds() {
    let mut feed = Feed::new(video(0, 100), ms(0), None, ms(0));
    assert_eq!(sent(&mut feed, 0).0, Some((0, 4000)));
}

#[test]
fn a_play_ends() {
    let mut feed = Feed::new(video(0, 2), ms(0), None, ms(0));
    assert_eq!(sent(&mut feed, 0), (Some((0, 1900)), Turn::Over));
    assert_eq!(sent(&mut feed, 9000), (None, Turn::Over));
    let mut feed = Feed::new(video(0, 2), ms(0), Some(ms(1000)), ms(0));
    assert_eq!(sent(&mut feed, 0), (Some((0, 900)), Turn::Over));
    let mut feed = Feed::new(video(0, 2), ms(0), Some(ms(0)), ms(0));
    assert_eq!(sent(&mut feed, 0), (None, Turn::Over));
    let mut feed = Feed::new(video(0, 0), ms(u64::MAX), Some(ms(u64::MAX)), ms(0));
    assert_eq!(sent(&mut feed, 0), (None, Turn::Over));
}

/// The key frame before the position is sent at once, and time runs from the position.
#[test]
fn a_play_begins_within_the_video() {
    let mut feed = Feed::new(video(10_000, 100), ms(11_500), None, ms(0));
    feed.set_buffer(ms(0));
    assert_eq!(feed.timestamp_ms(), 0);
    assert_eq!(sent(&mut feed, 0).0, Some((0, 2500)));
    assert!(feed.is_behind(ms(2500)) && !feed.is_behind(ms(2400)));
    assert_eq!(feed.video_time(ms(5000)), ms(15_000));
    feed.seek(video(14_000, 100), ms(5000), ms(0));
    assert_eq!(feed.timestamp_ms(), 4000);
    assert_eq!(sent(&mut feed, 0).0, Some((4000, 6000)));
}

#[test]
fn seeking() {
    let mut feed = Feed::new(video(0, 100), ms(0), None, ms(0));
    sent(&mut feed, 0);
    feed.seek(video(50_000, 100), ms(50_000), ms(2000));
    assert_eq!(feed.timestamp_ms(), 50_000);
    assert_eq!(sent(&mut feed, 2000).0, Some((50_000, 54_000)));
    feed.seek(video(0, 100), ms(0), ms(3000));
    assert_eq!(sent(&mut feed, 3000).0, Some((0, 4000)));
}

#[test]
fn pausing() {
    let mut feed = Feed::new(video(0, 100), ms(0), None, ms(0));
    sent(&mut feed, 0);
    feed.pause();
    assert_eq!(sent(&mut feed, 60_000), (None, Turn::Paused));
    assert!(!feed.is_behind(ms(1000)));
    assert!(feed.is_behind(ms(4000)));
    // The time of a pause is not made up for.
    feed.resume(ms(1000), ms(60_000));
    assert_eq!(sent(&mut feed, 60_000).0, Some((4100, 5000)));
    // Nor does resuming at a later position send a whole video.
    feed.pause();
    feed.resume(ms(90_000), ms(60_000));
    assert_eq!(sent(&mut feed, 60_000).0, Some((5100, 9000)));
}
