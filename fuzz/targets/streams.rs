//! The body of the fuzz target for videos as RTMP messages: it may not panic, and must hold what is asserted here.
//!
//! The fuzz target and an ordinary test that runs the checked-in corpus share it.

use privet_media::mp4::{Limits, Locator, Step};
use privet_media::stream::{FlvLocator, Message, MessageKind, Mp3Locator, StreamIndex};
use privet_media::{Part, Refusal};
use std::sync::Arc;
use std::time::Duration;

/// Small limits, so that many inputs can be tried per second.
const LIMITS: Limits = Limits {
    index_size_bytes_max: 1 << 20,
    tracks_max: 8,
    samples_max: 2000,
    segment_samples_max: 1000,
    segments_max: 200,
    duration_max: Duration::from_hours(48),
    boxes_max: 64,
    fragments_max: 100,
};
/// Largest body of a message, whose length has 24 bits on the wire.
const BODY_SIZE_BYTES_MAX: u64 = 0xff_ffff;

/// Fuzzes the three kinds of objects: the input is indexed and sent, starting at several times.
pub fn video_streams(bytes: &[u8]) {
    for index in [mp4(bytes), flv(bytes), mp3(bytes)].into_iter().flatten() {
        let from_start = check_messages(bytes, &index, Duration::ZERO);
        assert!(from_start > 0, "a video has something to send");
        for at_ms in [1, 40, 1_000, 100_000, u64::MAX] {
            let sent = check_messages(bytes, &index, Duration::from_millis(at_ms));
            assert!(
                sent <= from_start + 2,
                "no more but headers that hold there"
            );
        }
        for header in index.headers() {
            check_message(bytes, &header);
        }
        let metadata = index.metadata();
        assert!(metadata.starts_with(b"\x02\0\x0aonMetaData"), "its name");
        assert!(metadata.ends_with(&[0, 0, 9]), "its end");
        assert!(index.size_bytes() > 0, "it takes memory");
    }
}

fn mp4(bytes: &[u8]) -> Result<StreamIndex, Refusal> {
    let mut locator = Locator::new(bytes.len() as u64, LIMITS);
    while let Step::Read(range) = locator.step() {
        locator.supply(&bytes[range.start as usize..range.end as usize])?;
    }
    StreamIndex::of_mp4(Arc::new(locator.finish()?))
}

fn flv(bytes: &[u8]) -> Result<StreamIndex, Refusal> {
    let mut locator = FlvLocator::new(bytes.len() as u64, LIMITS);
    while let Step::Read(range) = locator.step() {
        locator.supply(&bytes[range.start as usize..range.end as usize])?;
    }
    locator.finish().map(StreamIndex::Flv)
}

fn mp3(bytes: &[u8]) -> Result<StreamIndex, Refusal> {
    let mut locator = Mp3Locator::new(bytes.len() as u64, LIMITS);
    while let Step::Read(range) = locator.step() {
        locator.supply(&bytes[range.start as usize..range.end as usize])?;
    }
    locator.finish().map(StreamIndex::Mp3)
}

/// Checks the messages from a time on; returns their number.
fn check_messages(bytes: &[u8], index: &StreamIndex, at: Duration) -> usize {
    let mut count = 0;
    let mut timestamp_ms = 0;
    let mut source_size_bytes = 0;
    for message in index.messages_from(at) {
        assert!(message.timestamp_ms >= timestamp_ms, "time goes on");
        timestamp_ms = message.timestamp_ms;
        source_size_bytes += check_message(bytes, &message);
        count += 1;
    }
    // Headers that apply at the first message are sent again before it.
    let longest = 2 * bytes.len() as u64;
    assert!(source_size_bytes <= longest, "an object does not grow");
    count
}

/// Checks that all parts of a message lie within the object; returns how many bytes it has of it.
fn check_message(bytes: &[u8], message: &Message) -> u64 {
    let size_bytes = message.body.size_bytes();
    assert!((1..=BODY_SIZE_BYTES_MAX).contains(&size_bytes), "it fits");
    assert_ne!(message.kind, MessageKind::Data, "metadata is apart");
    let mut source_size_bytes = 0;
    for part in message.body.as_slice() {
        match part {
            Part::Bytes(_) => {}
            Part::Source { offset, size_bytes } => {
                let end = offset.checked_add(*size_bytes).expect("no overflow");
                assert!(end <= bytes.len() as u64, "within the object");
                source_size_bytes += size_bytes;
            }
        }
    }
    source_size_bytes
}
