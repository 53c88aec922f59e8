//! Small videos: the times of messages, the positions at which viewers begin, and refusals.

use super::*;
use crate::mp4::tests::builder::{
    Video, VideoTrack, aac_entry, audio_entry, boxed, full_box, read, sample,
};
use crate::stream::mutation::Random;
use crate::{Part, Parts};

/// Makes a video with samples in the order I P B B, 40 ms each: shown at 0, 3, 1, 2.
fn reordered(groups: u32) -> VideoTrack {
    let mut track = VideoTrack::video(groups * 4, 4);
    for (sample, offset) in track
        .samples
        .iter_mut()
        .zip([2, 4, 1, 1].into_iter().cycle())
    {
        sample.composition_offset = offset;
    }
    track
}

fn stream(tracks: Vec<VideoTrack>) -> Mp4Stream {
    try_stream(tracks).unwrap()
}

fn try_stream(tracks: Vec<VideoTrack>) -> Result<Mp4Stream, Refusal> {
    let object = Video::new(tracks).bytes();
    Mp4Stream::new(Arc::new(read(&object)?))
}

fn check_refusal(tracks: Vec<VideoTrack>, expected: Refusal) {
    assert_eq!(try_stream(tracks).unwrap_err(), expected);
}

/// Returns the decode and presentation times of the messages of a kind, in milliseconds.
fn times(stream: &Mp4Stream, kind: MessageKind, at_ms: u32) -> Vec<(u32, u32)> {
    let messages = stream
        .messages_from(at_ms)
        .filter(|message| message.kind == kind);
    let spell = |message: Message| {
        let Some(Part::Bytes(head)) = message.body.as_slice().first() else {
            panic!("a head of our own");
        };
        let composition_ms = match head.get(2..5) {
            Some(&[high, middle, low]) => u32::from_be_bytes([0, high, middle, low]),
            _ => 0,
        };
        (message.timestamp_ms, message.timestamp_ms + composition_ms)
    };
    messages.map(spell).collect()
}

fn opus() -> VideoTrack {
    let config = boxed(b"dOps", &[&[0, 2, 0, 0, 0, 0, 0xbb, 0x80, 0, 0, 0]]);
    VideoTrack {
        entry: audio_entry(b"Opus", &config),
        ..VideoTrack::audio(10)
    }
}

fn mp3() -> VideoTrack {
    let elementary = full_box(
        b"esds",
        0,
        0,
        &[
            &[3, 21, 0, 1, 0],
            &[4, 13, 0x6b, 0x15, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
            &[6, 1, 2],
        ],
    );
    VideoTrack {
        entry: audio_entry(b"mp4a", &elementary),
        ..VideoTrack::audio(10)
    }
}

#[test]
fn codecs_that_old_players_do_not_know_are_refused() {
    let refusal = Refusal::Unsupported("codec in rtmp");
    check_refusal(vec![VideoTrack::video(4, 2), opus()], refusal);
    check_refusal(vec![opus()], refusal);
}

#[test]
fn a_video_without_picture_and_audio_is_refused() {
    check_refusal(vec![VideoTrack::text(3)], Refusal::NoTrack);
    let mut empty = VideoTrack::audio(3);
    empty.samples.fill(sample(0, 1024, true));
    check_refusal(vec![empty], Refusal::NoTrack);
}

#[test]
fn a_sample_that_fits_into_no_message_is_refused() {
    let with_sample_of = |size_bytes| {
        let mut track = VideoTrack::video(2, 1);
        track.samples[1] = sample(size_bytes, 1, true);
        vec![track]
    };
    check_refusal(
        with_sample_of(0xff_fffb),
        Refusal::TooLarge("sample for rtmp"),
    );
    let longest = stream(with_sample_of(0xff_fffa))
        .messages_from(0)
        .nth(1)
        .unwrap();
    assert_eq!(longest.body.size_bytes(), 0xff_ffff);
}

#[test]
fn the_first_tracks_that_can_be_sent_are() {
    let second = VideoTrack {
        name: "second",
        ..VideoTrack::audio(10)
    };
    let stream = stream(vec![
        VideoTrack::text(2),
        opus(),
        second,
        mp3(),
        VideoTrack::video(4, 4),
    ]);
    let names = stream
        .shared
        .lines
        .iter()
        .map(|line| line.track(&stream.shared.index));
    let names: Vec<_> = names.map(|track| track.name.as_deref().unwrap()).collect();
    assert_eq!(names, ["picture", "second"]);
}

#[test]
fn samples_go_out_between_heads_by_decode_time() {
    let stream = stream(vec![VideoTrack::video(2, 2), VideoTrack::audio(4)]);
    let messages: Vec<_> = stream.messages_from(0).collect();
    let order: Vec<_> = messages
        .iter()
        .map(|message| (message.kind.number(), message.timestamp_ms, message.is_key))
        .collect();
    assert_eq!(
        order,
        [
            (9, 0, true),
            (8, 0, true),
            (8, 20, true),
            (9, 40, false),
            (8, 40, true),
            (8, 60, true)
        ]
    );
    let index = &stream.shared.index;
    let body = |head: &'static [u8], track: usize, number: usize| {
        let sample = index.tracks[track].samples().nth(number).unwrap();
        let mut body = Parts::default();
        body.push_bytes(bytes::Bytes::from_static(head));
        body.push_source(sample.offset, u64::from(sample.size_bytes));
        body
    };
    assert_eq!(messages[0].body, body(&[0x17, 1, 0, 0, 0], 0, 0));
    assert_eq!(messages[3].body, body(&[0x27, 1, 0, 0, 0], 0, 1));
    assert_eq!(messages[2].body, body(&[0xaf, 1], 1, 1));
}

#[test]
fn headers_are_the_decoders_configurations() {
    let stream = stream(vec![VideoTrack::video(2, 2), VideoTrack::audio(4)]);
    let headers = stream.headers();
    let heads: Vec<_> = headers
        .iter()
        .map(|header| header.body.as_slice())
        .collect();
    let [[Part::Bytes(picture)], [Part::Bytes(audio)]] = heads[..] else {
        panic!("two of our own");
    };
    assert_eq!(picture[..7], [0x17, 0, 0, 0, 0, 1, 0x64]);
    assert_eq!(audio[..], [0xaf, 0, 0x11, 0x90]);
}

#[test]
fn mp3_has_no_header() {
    let stream = stream(vec![mp3()]);
    assert!(stream.headers().is_empty());
    let message = stream.messages_from(0).next().unwrap();
    let [Part::Bytes(head), Part::Source { .. }] = message.body.as_slice() else {
        panic!("a head and a frame");
    };
    assert_eq!(head[..], [0x2f]);
}

#[test]
fn the_first_picture_is_shown_when_the_object_says() {
    let mut track = reordered(2);
    track.edits = vec![(320, 2)];
    let expected = [
        (0, 0),
        (1, 120),
        (2, 40),
        (40, 80),
        (80, 160),
        (120, 280),
        (160, 200),
        (200, 240),
    ];
    assert_eq!(times(&stream(vec![track]), MessageKind::Video, 0), expected);
    // Without an edit, decoding begins at 0.
    let expected = [(0, 80), (40, 200), (80, 120), (120, 160)];
    assert_eq!(
        times(&stream(vec![reordered(1)]), MessageKind::Video, 0),
        expected
    );
}

#[test]
fn no_picture_is_shown_before_it_is_decoded() {
    let mut track = reordered(2);
    for sample in &mut track.samples {
        sample.composition_offset -= 2;
    }
    let expected = [
        (0, 0),
        (1, 120),
        (40, 40),
        (80, 80),
        (120, 160),
        (160, 280),
        (200, 200),
        (240, 240),
    ];
    assert_eq!(times(&stream(vec![track]), MessageKind::Video, 0), expected);
}

#[test]
fn audio_from_before_the_beginning_goes_out_at_it() {
    let mut audio = VideoTrack::audio(5);
    audio.edits = vec![(60, 2048)];
    let video = stream(vec![audio]);
    let expected = [(0, 0), (0, 0), (0, 0), (20, 20), (40, 40)];
    assert_eq!(times(&video, MessageKind::Audio, 0), expected);
    assert_eq!(times(&video, MessageKind::Audio, 1), expected[2..]);
}

#[test]
fn late_audio_is_late() {
    let mut audio = VideoTrack::audio(2);
    audio.edits = vec![(700, -1), (40, 0)];
    let video = stream(vec![VideoTrack::video(50, 10), audio]);
    assert_eq!(
        times(&video, MessageKind::Audio, 0),
        [(700, 700), (720, 720)]
    );
    assert_eq!(times(&video, MessageKind::Video, 0).len(), 50);
}

#[test]
fn viewers_begin_with_the_key_frame_before() {
    // There is a key frame every 400 ms; entries are at least a second apart.
    let video = stream(vec![VideoTrack::video(250, 10), VideoTrack::audio(500)]);
    assert!(video.shared.lines[0].entry_count() <= 11);
    for at_ms in [
        0,
        1,
        39,
        399,
        400,
        401,
        1_599,
        1_600,
        5_000,
        9_600,
        9_999,
        u32::MAX,
    ] {
        let key_ms = at_ms.min(9_999) / 400 * 400;
        let first = video.messages_from(at_ms).next().unwrap();
        let expected = (MessageKind::Video, key_ms, true);
        assert_eq!(
            (first.kind, first.timestamp_ms, first.is_key),
            expected,
            "{at_ms}"
        );
        let audio = times(&video, MessageKind::Audio, at_ms);
        assert_eq!(audio.first(), Some(&(key_ms, key_ms)), "{at_ms}");
    }
    let video = stream(vec![VideoTrack::audio(500)]);
    assert_eq!(times(&video, MessageKind::Audio, 5_039)[0], (5_020, 5_020));
}

#[test]
fn what_holds_nothing_is_left_out() {
    let mut track = VideoTrack::video(6, 3);
    track.samples[0] = sample(0, 1, true);
    track.samples[4] = sample(0, 1, false);
    let expected = [(40, 40), (80, 80), (120, 120), (200, 200)];
    assert_eq!(times(&stream(vec![track]), MessageKind::Video, 0), expected);
}

#[test]
fn metadata_tells_of_both_tracks() {
    let video = stream(vec![VideoTrack::video(50, 10), VideoTrack::audio(100)]);
    let metadata = video.describe();
    assert_eq!(metadata.duration, Duration::from_secs(2));
    let picture = metadata.picture.unwrap();
    assert_eq!(
        (picture.width, picture.height, picture.frame_rate),
        (Some(64.0), Some(48.0), Some(25.0))
    );
    let audio = metadata.audio.unwrap();
    assert_eq!((audio.codec_number, audio.is_stereo), (10, Some(true)));
    assert_eq!(video.metadata(), metadata.to_amf());
    let audio_alone = stream(vec![VideoTrack {
        entry: aac_entry(),
        ..VideoTrack::audio(10)
    }]);
    assert_eq!(audio_alone.describe().picture, None);
}

#[test]
fn memory_is_counted() {
    let video = stream(vec![VideoTrack::video(2_500, 10), VideoTrack::audio(5_000)]);
    let entries_bytes = video.size_bytes() - video.shared.index.size_bytes();
    assert!(
        (184 * 64..184 * 64 + 400).contains(&entries_bytes),
        "{entries_bytes}"
    );
}

#[test]
fn mutated_objects_never_panic() {
    let mut audio = VideoTrack::audio(6);
    audio.edits = vec![(60, 2048)];
    let whole = Video::new(vec![reordered(2), audio]).bytes_with_index_first();
    let mut random = Random::new();
    for _ in 0..20_000 {
        let object = random.mutated(&whole);
        let Ok(index) = read(&object) else {
            continue;
        };
        let Ok(stream) = Mp4Stream::new(Arc::new(index)) else {
            continue;
        };
        let mut last_ms = 0;
        for message in stream.messages_from(random.below(1_000) as u32) {
            assert!(message.timestamp_ms >= last_ms, "time goes on");
            last_ms = message.timestamp_ms;
            let Some(Part::Source { offset, size_bytes }) = message.body.as_slice().last() else {
                panic!("a stretch of the object");
            };
            assert!(offset + size_bytes <= object.len() as u64, "within it");
        }
    }
}
