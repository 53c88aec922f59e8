//! Objects of a few tags, good and bad.

use super::*;
use crate::mp4::{Limits, Step};
use crate::stream::mutation::Random;
use crate::{Part, Refusal};

const KEY: &[u8] = &[0x17, 1, 0, 0, 0, b'k'];
const OTHER: &[u8] = &[0x27, 1, 0, 0, 0, b'p'];
const AVC_HEADER: &[u8] = &[0x17, 0, 0, 0, 0, b'c'];
const AAC: &[u8] = &[0xaf, 1, b's'];
const AAC_HEADER: &[u8] = &[0xaf, 0, 0x12, 0x10];

/// Makes an object of these tags: kind, time and body.
fn object(tags: &[(u8, i32, &[u8])]) -> Vec<u8> {
    let mut object = b"FLV\x01\x05\0\0\0\x09\0\0\0\0".to_vec();
    for (kind, timestamp_ms, body) in tags {
        let size = (body.len() as u32).to_be_bytes();
        let [t3, t0, t1, t2] = timestamp_ms.to_be_bytes();
        object.extend([*kind, size[1], size[2], size[3], t0, t1, t2, t3, 0, 0, 0]);
        object.extend(*body);
        object.extend((body.len() as u32 + 11).to_be_bytes());
    }
    object
}

/// Makes a video of three seconds with a key frame in each, and audio in between.
fn video() -> Vec<u8> {
    object(&[
        (9, 0, AVC_HEADER),
        (8, 0, AAC_HEADER),
        (9, 0, KEY),
        (8, 10, AAC),
        (9, 500, OTHER),
        (9, 1_000, KEY),
        (8, 1_010, AAC),
        (9, 1_500, OTHER),
        (9, 2_000, KEY),
        (8, 2_010, AAC),
    ])
}

fn walk(object: &[u8], limits: Limits) -> Result<FlvIndex, Refusal> {
    let mut locator = FlvLocator::new(object.len() as u64, limits);
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

fn index(object: &[u8]) -> FlvIndex {
    walk(object, Limits::default()).unwrap()
}

fn check_refusal(object: &[u8], expected: Refusal) {
    assert_eq!(walk(object, Limits::default()).unwrap_err(), expected);
}

/// Returns kind, time and the bytes of each message.
fn spelled(object: &[u8], messages: impl Iterator<Item = Message>) -> Vec<(u8, u32, Vec<u8>)> {
    let spell = |message: Message| {
        let [Part::Source { offset, size_bytes }] = message.body.as_slice() else {
            panic!("one stretch of the object");
        };
        let body = object[*offset as usize..(offset + size_bytes) as usize].to_vec();
        (message.kind.number(), message.timestamp_ms, body)
    };
    messages.map(spell).collect()
}

fn check_messages(object: &[u8], at_ms: u32, expected: &[(u8, u32, &[u8])]) {
    let expected: Vec<_> = expected
        .iter()
        .map(|(kind, timestamp_ms, body)| (*kind, *timestamp_ms, body.to_vec()))
        .collect();
    let index = index(object);
    assert_eq!(
        spelled(object, index.messages_from(at_ms)),
        expected,
        "{at_ms}"
    );
}

#[test]
fn what_is_no_flv_is_refused() {
    check_refusal(b"", Refusal::NotAVideo);
    check_refusal(b"FL", Refusal::NotAVideo);
    check_refusal(b"FLV\x02\x05\0\0\0\x09\0\0\0\0", Refusal::NotAVideo);
    check_refusal(&[b'x'; 100], Refusal::NotAVideo);
}

#[test]
fn what_has_no_tag_is_refused() {
    check_refusal(b"FLV\x01\x05", Refusal::Truncated);
    check_refusal(&object(&[]), Refusal::Truncated);
    check_refusal(&video()[..20], Refusal::Truncated);
    check_refusal(
        b"FLV\x01\x05\0\0\0\x08\0\0\0\0",
        Refusal::Corrupt("flv header"),
    );
    check_refusal(
        b"FLV\x01\x05\xff\xff\xff\xff\0\0\0\0",
        Refusal::Corrupt("flv header"),
    );
}

#[test]
fn what_has_neither_picture_nor_audio_is_refused() {
    check_refusal(&object(&[(18, 0, b"script")]), Refusal::NoTrack);
    check_refusal(&object(&[(9, 0, b"")]), Refusal::NoTrack);
    check_refusal(&object(&[(9, 0, AVC_HEADER)]), Refusal::NoTrack);
}

#[test]
fn broken_tags_are_refused() {
    check_refusal(
        &object(&[(9, 0, AVC_HEADER), (7, 0, KEY)]),
        Refusal::Corrupt("kind of a tag"),
    );
    check_refusal(&object(&[(0x29, 0, KEY)]), Refusal::Encrypted);
    let chain = Refusal::Corrupt("tags do not follow one another");
    let video = video();
    for changed in 0..4 {
        let mut object = video.clone();
        object[13 + 11 + AVC_HEADER.len() + changed] ^= 0x40;
        check_refusal(&object, chain);
    }
    check_refusal(
        &object(&[(9, 0, KEY)]),
        Refusal::Corrupt("no sequence header"),
    );
    check_refusal(
        &object(&[(8, 0, AAC)]),
        Refusal::Corrupt("no sequence header"),
    );
}

#[test]
fn times_that_go_back_are_refused() {
    let back = |by_ms| {
        object(&[
            (9, 0, AVC_HEADER),
            (9, 5_000, KEY),
            (9, 5_000 - by_ms, OTHER),
        ])
    };
    check_refusal(&back(1_001), Refusal::Corrupt("times go back"));
    check_messages(&back(1_000), 0, &[(9, 0, KEY), (9, 0, OTHER)]);
}

#[test]
fn codecs_that_old_players_do_not_know_are_refused() {
    let picture = Refusal::Unsupported("codec of the video track");
    for first in [0x10, 0x11, 0x18, 0x1c, 0x1d] {
        check_refusal(&object(&[(9, 0, &[first, 1, 0, 0, 0, 0])]), picture);
    }
    let enhanced = Refusal::Unsupported("video in enhanced flv");
    check_refusal(&object(&[(9, 0, b"\x90hvc1")]), enhanced);
    for first in [0x90, 0xc0, 0xd0] {
        check_refusal(
            &object(&[(8, 0, &[first, 1])]),
            Refusal::Unsupported("codec of the audio track"),
        );
    }
}

#[test]
fn limits_hold() {
    let video = video();
    let tags = Limits {
        samples_max: 9,
        ..Limits::default()
    };
    assert_eq!(walk(&video, tags).unwrap_err(), Refusal::TooLarge("tags"));
    let duration = Limits {
        duration_max: Duration::from_millis(2_009),
        ..Limits::default()
    };
    assert_eq!(
        walk(&video, duration).unwrap_err(),
        Refusal::TooLarge("duration")
    );
    let widest = object(&[(8, i32::MIN, b"\x2f"), (9, i32::MAX, b"\x12")]);
    check_refusal(&widest, Refusal::TooLarge("duration"));
}

#[test]
fn tags_are_passed_on_as_they_are() {
    let video = video();
    let headers = index(&video).headers().into_iter();
    assert_eq!(
        spelled(&video, headers),
        [(9, 0, AVC_HEADER.to_vec()), (8, 0, AAC_HEADER.to_vec())]
    );
    let all: &[(u8, u32, &[u8])] = &[
        (9, 0, KEY),
        (8, 10, AAC),
        (9, 500, OTHER),
        (9, 1_000, KEY),
        (8, 1_010, AAC),
        (9, 1_500, OTHER),
        (9, 2_000, KEY),
        (8, 2_010, AAC),
    ];
    for (at_ms, from) in [
        (0, 0),
        (999, 0),
        (1_000, 3),
        (1_999, 3),
        (2_000, 6),
        (u32::MAX, 6),
    ] {
        check_messages(&video, at_ms, &all[from..]);
    }
    let keys: Vec<bool> = index(&video)
        .messages_from(0)
        .map(|message| message.is_key)
        .collect();
    assert_eq!(keys, [true, true, false, true, true, false, true, true]);
    assert_eq!(index(&video).duration(), Duration::from_millis(3_010));
}

#[test]
fn a_cut_object_ends_with_its_last_whole_tag() {
    let video = video();
    let whole = 13 + 15 * 3 + AVC_HEADER.len() + AAC_HEADER.len() + KEY.len();
    // The size after the last tag may be missing, in part or entirely.
    for size in whole - 4..whole + 15 + AAC.len() - 4 {
        check_messages(&video[..size], 0, &[(9, 0, KEY)]);
    }
    for size in 0..video.len() {
        let _ = walk(&video[..size], Limits::default());
    }
}

#[test]
fn audio_alone_is_sought_by_time() {
    let object = object(&[(8, 0, b"\x2fa"), (8, 100, b"\x2fb"), (8, 200, b"\x2fc")]);
    check_messages(&object, 199, &[(8, 100, b"\x2fb"), (8, 200, b"\x2fc")]);
    check_messages(&object, 200, &[(8, 200, b"\x2fc")]);
    assert!(index(&object).headers().is_empty());
}

#[test]
fn tags_are_put_in_order_and_begin_at_zero() {
    let object = object(&[
        (9, 0, AVC_HEADER),
        (9, -40, KEY),
        (9, 100, OTHER),
        (8, 20, b"\x2fa"),
        (8, 100, b"\x2fb"),
    ]);
    let expected: &[(u8, u32, &[u8])] = &[
        (9, 0, KEY),
        (8, 60, b"\x2fa"),
        (9, 140, OTHER),
        (8, 140, b"\x2fb"),
    ];
    check_messages(&object, 0, expected);
}

#[test]
fn what_is_not_for_viewers_is_left_out() {
    let object = object(&[
        (18, 0, b"\x02\0\x0aonMetaData"),
        (15, 0, b"\0amf3"),
        (9, 0, AVC_HEADER),
        (9, 0, b"\x57\0"),
        (9, 0, b"\x17\x01"),
        (8, 0, b"\xaf"),
        (8, 0, b""),
        (9, 0, KEY),
    ]);
    check_messages(&object, 0, &[(9, 0, KEY)]);
}

#[test]
fn later_sequence_headers_hold_from_where_they_stand() {
    let second: &[u8] = &[0x17, 0, 0, 0, 0, b'd'];
    let third: &[u8] = &[0x17, 0, 0, 0, 0, b'e'];
    let object = object(&[
        (9, 0, AVC_HEADER),
        (9, 0, KEY),
        (9, 0, second),
        (9, 1_000, KEY),
        (9, 2_000, KEY),
        (9, 0, third),
        (9, 3_000, KEY),
    ]);
    check_messages(&object, 3_000, &[(9, 3_000, third), (9, 3_000, KEY)]);
    check_messages(
        &object,
        2_500,
        &[
            (9, 2_000, second),
            (9, 2_000, KEY),
            (9, 2_000, third),
            (9, 3_000, KEY),
        ],
    );
    assert_eq!(index(&object).messages_from(0).count(), 6);
}

#[test]
fn other_ways_to_write_the_length_before_are_taken() {
    for difference in [11, 0] {
        let mut object = video();
        let at = 13 + 11 + AVC_HEADER.len();
        let size_bytes = AVC_HEADER.len() as u32 + difference;
        object[at..at + 4].copy_from_slice(&size_bytes.to_be_bytes());
        assert_eq!(index(&object).messages_from(0).count(), 8);
        object[at..at + 4].copy_from_slice(&[0; 4]);
        assert_eq!(index(&object).messages_from(0).count(), 8);
    }
}

#[test]
fn what_lies_within_large_tags_is_not_read() {
    let mut large = KEY.to_vec();
    large.resize(5 << 20, 0);
    let object = object(&[
        (9, 0, AVC_HEADER),
        (9, 0, &large),
        (9, 40, &large),
        (9, 80, OTHER),
    ]);
    let mut locator = FlvLocator::new(object.len() as u64, Limits::default());
    let mut read_bytes = 0;
    while let Step::Read(range) = locator.step() {
        read_bytes += range.end - range.start;
        locator
            .supply(&object[range.start as usize..range.end as usize])
            .unwrap();
    }
    assert_eq!(locator.finish().unwrap().messages_from(0).count(), 3);
    assert!(read_bytes <= 3 << 20, "{read_bytes} of {}", object.len());
}

#[test]
fn a_short_answer_is_no_answer() {
    let video = video();
    let mut locator = FlvLocator::new(video.len() as u64, Limits::default());
    assert_eq!(locator.supply(&video[1..]), Err(Refusal::Truncated));
    assert_eq!(locator.finish().unwrap_err(), Refusal::Truncated);
}

#[test]
fn metadata_is_told_anew() {
    let script = b"\x02\0\x0aonMetaData\x08\0\0\0\x02\0\x08duration\0\x7f\xf0\0\0\0\0\0\0\0\x05width\0\x40\x84\0\0\0\0\0\0\0\0\x09";
    let object = object(&[
        (18, 0, script),
        (9, 0, AVC_HEADER),
        (9, 0, KEY),
        (9, 500, KEY),
    ]);
    let metadata = &index(&object).shared.metadata;
    assert_eq!(metadata.duration, Duration::from_secs(1));
    let picture = metadata.picture.unwrap();
    assert_eq!((picture.codec_number, picture.width), (7, Some(640.0)));
    assert_eq!(metadata.audio, None);
    assert_eq!(picture.kbits_per_sec, Some(0.096));
}

#[test]
fn an_index_is_small() {
    let mut tags: Vec<(u8, i32, &[u8])> = vec![(9, 0, AVC_HEADER)];
    tags.extend((0..10_000).map(|time_ms| (9, time_ms, OTHER)));
    let size_bytes = index(&object(&tags)).size_bytes();
    assert!((160_000..161_000).contains(&size_bytes), "{size_bytes}");
}

#[test]
fn mutated_objects_never_panic() {
    let video = video();
    let mut random = Random::new();
    for _ in 0..20_000 {
        let object = random.mutated(&video);
        let Ok(index) = walk(&object, Limits::default()) else {
            continue;
        };
        let at_ms = random.below(4_000) as u32;
        let mut last_ms = 0;
        for message in index.messages_from(at_ms) {
            assert!(message.timestamp_ms >= last_ms, "time goes on");
            last_ms = message.timestamp_ms;
            let [Part::Source { offset, size_bytes }] = message.body.as_slice() else {
                panic!("one stretch of the object");
            };
            assert!(offset + size_bytes <= object.len() as u64, "within it");
        }
    }
}
