//! Objects of a few frames, good and bad.

use super::*;
use crate::mp4::{Limits, Step};
use crate::stream::mutation::Random;
use crate::{Part, Refusal};

/// A frame of MPEG 1 with 48 kHz, 32 kbit/s, one channel: 96 bytes, 24 ms.
const FRAME_SIZE_BYTES: usize = 96;

fn frame() -> Vec<u8> {
    let mut frame = vec![0; FRAME_SIZE_BYTES];
    frame[..4].copy_from_slice(&[0xff, 0xfb, 0x14, 0xc0]);
    frame
}

fn frames(count: usize) -> Vec<u8> {
    frame().repeat(count)
}

fn walk(object: &[u8], limits: Limits) -> Result<Mp3Index, Refusal> {
    let mut locator = Mp3Locator::new(object.len() as u64, limits);
    let mut begin = 0;
    while let Step::Read(range) = locator.step() {
        assert!(
            range.start >= begin && range.end > range.start,
            "it goes on"
        );
        assert!(
            range.end - range.start <= (1 << 20) + (64 << 10),
            "and is bounded"
        );
        begin = range.start + 1;
        locator.supply(&object[range.start as usize..range.end as usize])?;
    }
    locator.finish()
}

fn check_refusal(object: &[u8], expected: Refusal) {
    assert_eq!(walk(object, Limits::default()).unwrap_err(), expected);
}

/// Checks the offsets of the frames.
fn check(parts: &[&[u8]], expected: &[u64]) {
    let index = walk(&parts.concat(), Limits::default()).unwrap();
    let frames = index.shared.frames.iter();
    let offsets: Vec<u64> = frames.map(|frame| frame.offset()).collect();
    assert_eq!(offsets, expected);
}

fn id3v2(body_size_bytes: usize, flags: u8) -> Vec<u8> {
    let size = [21, 14, 7, 0].map(|shift| (body_size_bytes >> shift & 0x7f) as u8);
    let mut tag = [b"ID3\x04\0".as_slice(), &[flags], &size].concat();
    // Frames inside a tag do not count.
    tag.extend(frames(body_size_bytes.div_ceil(FRAME_SIZE_BYTES)).drain(..body_size_bytes));
    tag
}

#[test]
fn what_is_no_mp3_is_refused() {
    check_refusal(b"", Refusal::NotAVideo);
    check_refusal(b"\xff\xfb", Refusal::NotAVideo);
    check_refusal(&[b'x'; 1_000], Refusal::NotAVideo);
    check_refusal(&[0xff; 200_000], Refusal::NotAVideo);
    check_refusal(&id3v2(1_000, 0), Refusal::NotAVideo);
    check_refusal(&id3v2(1_000, 0)[..500], Refusal::NotAVideo);
    // A lone header between other bytes is a coincidence.
    check_refusal(
        &[frame().as_slice(), &[0; 1_000]].concat(),
        Refusal::NotAVideo,
    );
    // Layer II.
    let mut layer = frame();
    layer[1] = 0xfd;
    check_refusal(&layer.repeat(9), Refusal::NotAVideo);
}

#[test]
fn junk_is_passed_over_to_a_degree() {
    let two = frames(2);
    let junk = vec![0; 64 << 10];
    check(&[&two, &junk, &two], &[0, 96, 65_728, 65_824]);
    check(&[&junk, &two], &[65_536, 65_632]);
    check_refusal(
        &[two.as_slice(), &[0], &junk, &two].concat(),
        Refusal::Corrupt("frames do not follow one another"),
    );
    check_refusal(&[&[0], junk.as_slice(), &two].concat(), Refusal::NotAVideo);
}

#[test]
fn frames_of_another_shape_are_junk() {
    let two = frames(2);
    let mut other = frame();
    other[2] = 0x18;
    check(&[&two, &other, &two], &[0, 96, 288, 384]);
}

#[test]
fn limits_hold() {
    let object = frames(3);
    let limits = Limits {
        samples_max: 2,
        ..Limits::default()
    };
    assert_eq!(
        walk(&object, limits).unwrap_err(),
        Refusal::TooLarge("frames")
    );
    let limits = Limits {
        duration_max: Duration::from_millis(71),
        ..Limits::default()
    };
    assert_eq!(
        walk(&object, limits).unwrap_err(),
        Refusal::TooLarge("duration")
    );
    assert_eq!(Frame::new(1 << 48, 1), None);
    let last = Frame::new((1 << 48) - 1, u16::MAX).unwrap();
    assert_eq!((last.offset(), last.size_bytes()), ((1 << 48) - 1, 0xffff));
}

#[test]
fn a_short_answer_is_no_answer() {
    let object = frames(3);
    let mut locator = Mp3Locator::new(object.len() as u64, Limits::default());
    assert_eq!(locator.supply(&object[1..]), Err(Refusal::Truncated));
    assert_eq!(locator.finish().unwrap_err(), Refusal::Truncated);
}

#[test]
fn tags_are_passed_over() {
    let two = frames(2);
    let tail = [b"TAG".as_slice(), &[b'x'; 125]].concat();
    check(&[&id3v2(300, 0), &two, &tail], &[310, 406]);
    // The tag has a footer, which is as long as the header.
    let footer = [b'3'; 10];
    check(&[&id3v2(300, 0x10), &footer, &two], &[320, 416]);
    let mut ape = b"APETAGEX\xd0\x07\0\0".to_vec();
    ape.extend(100_032_u32.to_le_bytes());
    ape.extend([0, 0, 0, 0, 0, 0, 0, 0xa0]);
    ape.resize(32 + 100_032, b'a');
    check(&[&two, &ape, &tail], &[0, 96]);
    check(&[&id3v2(2 << 20, 0), &two], &[2_097_162, 2_097_258]);
}

#[test]
fn tables_are_passed_over() {
    let mut table = frame();
    table[4 + 17..4 + 21].copy_from_slice(b"Xing");
    check(&[&table, &frames(2)], &[96, 192]);
    // Only the first frame may be a table.
    check(&[&frame(), &table, &frame()], &[0, 96, 192]);
    check_refusal(&table, Refusal::NotAVideo);
}

#[test]
fn a_cut_object_ends_with_its_last_whole_frame() {
    let object = frames(3);
    for size in 0..=object.len() {
        let whole = size / FRAME_SIZE_BYTES;
        // One frame counts only if another follows, or nothing does.
        let is_video = whole >= 1
            && size != FRAME_SIZE_BYTES + 1
            && size != FRAME_SIZE_BYTES + 2
            && size != FRAME_SIZE_BYTES + 3;
        match walk(&object[..size], Limits::default()) {
            Ok(index) => assert_eq!(index.shared.frames.len(), whole, "{size}"),
            Err(refusal) => assert!(!is_video && refusal == Refusal::NotAVideo, "{size}"),
        }
    }
}

#[test]
fn each_frame_is_a_message() {
    let index = walk(&frames(60_000), Limits::default()).unwrap();
    assert_eq!(index.duration(), Duration::from_secs(1_440));
    for (at_ms, number) in [
        (0, 0),
        (23, 0),
        (24, 1),
        (720_000, 30_000),
        (u32::MAX, 59_999),
    ] {
        let mut messages = index.messages_from(at_ms);
        let message = messages.next().unwrap();
        assert_eq!(message.timestamp_ms, number * 24);
        let expected = [
            Part::Bytes(Bytes::from_static(&[0x2e])),
            Part::Source {
                offset: u64::from(number) * 96,
                size_bytes: 96,
            },
        ];
        assert_eq!(message.body.as_slice(), expected);
        assert_eq!(messages.count(), 59_999 - number as usize);
    }
    assert!(
        (480_000..481_000).contains(&index.size_bytes()),
        "{}",
        index.size_bytes()
    );
    let audio = index.shared.metadata.audio.unwrap();
    assert_eq!(
        (audio.sample_rate, audio.is_stereo),
        (Some(48_000.0), Some(false))
    );
    assert_eq!(audio.kbits_per_sec, Some(32.0));
}

#[test]
fn mutated_objects_never_panic() {
    let whole = [
        id3v2(40, 0),
        frames(6),
        b"APETAGEX".to_vec(),
        vec![0; 24],
        frames(2),
    ]
    .concat();
    let mut random = Random::new();
    for _ in 0..20_000 {
        let object = random.mutated(&whole);
        let Ok(index) = walk(&object, Limits::default()) else {
            continue;
        };
        let mut end = 0;
        for message in index.messages_from(0) {
            let Some(Part::Source { offset, size_bytes }) = message.body.as_slice().last() else {
                panic!("a stretch of the object");
            };
            assert!(*offset >= end, "no byte twice");
            end = offset + size_bytes;
        }
        assert!(end <= object.len() as u64, "within it");
    }
}
