//! Tests of the description of a video for playlists.

use super::*;
use crate::mp4::Limits;
use crate::mp4::tests::builder::{Video, VideoTrack, read};

fn described(video: &Video) -> VideoDescription {
    let index = read(&video.bytes()).unwrap();
    let segmentation =
        Segmentation::of(&index, Duration::from_secs(2), &Limits::default()).unwrap();
    describe(&index, &segmentation)
}

fn described_ts(video: &Video) -> Option<TsDescription> {
    let index = read(&video.bytes()).unwrap();
    let segmentation =
        Segmentation::of(&index, Duration::from_secs(2), &Limits::default()).unwrap();
    describe_ts(&index, &segmentation)
}

#[test]
fn a_track_says_what_lists_need() {
    let video = Video::new(vec![
        VideoTrack::video(150, 50),
        VideoTrack::audio(300),
        VideoTrack::text(6),
    ]);
    let described = described(&video);
    assert_eq!(described.duration, Duration::from_secs(6));
    let [video, audio, text] = &described.tracks[..] else {
        panic!("{described:?}");
    };
    assert_eq!((video.number, video.kind), (1, TrackKind::Video));
    assert_eq!(video.codecs, "avc1.64000a");
    assert_eq!((video.width, video.height), (64, 48));
    assert_eq!(video.frame_rate, Some((25, 1)));
    assert_eq!(
        video.segments[1],
        SegmentDescription {
            start: 50,
            duration: 50
        }
    );
    assert!(video.starts_with_sync && video.is_offered);
    assert_eq!((audio.channels, audio.sample_rate), (2, 48_000));
    assert_eq!(audio.language.as_deref(), Some("slv"));
    assert_eq!((audio.frame_rate, &audio.i_frames), (None, &None));
    assert_eq!((text.kind, text.segments.len()), (TrackKind::Text, 1));
}

#[test]
fn i_frames_end_with_the_first_sample() {
    let video = Video::new(vec![VideoTrack::video(150, 50)]);
    let i_frames = described(&video).tracks[0].i_frames.clone().unwrap();
    let header = mux::media_segment_header_size_bytes(50);
    // The builder's samples have 100 bytes, plus their number modulo 7.
    let sizes: Vec<u64> = i_frames.iter().map(|frame| frame.size_bytes).collect();
    assert_eq!(sizes, [header + 100, header + 101, header + 102]);
    let mut video = video;
    video.tracks[0].samples[0].is_sync = false;
    assert_eq!(described(&video).tracks[0].i_frames, None);
}

#[test]
fn rates_are_averages() {
    for (durations, timescale, expected) in [
        ([1001, 1001], 30_000, (30_000, 1001)),
        ([1, 3], 50, (25, 1)),
        ([512, 512], 12_288, (24, 1)),
    ] {
        let mut video = Video::new(vec![VideoTrack::video(100, 50)]);
        video.tracks[0].timescale = timescale;
        for (number, sample) in video.tracks[0].samples.iter_mut().enumerate() {
            sample.duration = durations[number % 2];
        }
        assert_eq!(described(&video).tracks[0].frame_rate, Some(expected));
    }
}

#[test]
fn bit_rates_count_what_is_sent() {
    let secs = Duration::from_secs;
    for (segments, expected) in [
        (vec![], (0, 0)),
        (vec![(1000, secs(2))], (4000, 4000)),
        (vec![(1000, secs(2)), (3000, secs(2))], (8000, 12_000)),
        // A last segment of a tenth of a second is ignored.
        (
            vec![(1000, secs(2)), (900, Duration::from_millis(100))],
            (7239, 7239),
        ),
        (vec![(1000, Duration::ZERO)], (8_000_000_000, 8_000_000_000)),
    ] {
        let bits = BitRates::of(segments.into_iter());
        assert_eq!((bits.average, bits.peak), expected);
    }
    let video = Video::new(vec![VideoTrack::video(50, 50)]);
    let video = &described(&video).tracks[0];
    let media: u64 = (0..50).map(|number| 100 + number % 7).sum();
    let sent = media + mux::media_segment_header_size_bytes(50);
    assert_eq!(video.average_bits_per_sec, sent * 8 / 2);
}

#[test]
fn audio_as_mp3_is_not_offered() {
    let mut video = Video::new(vec![VideoTrack::video(50, 50), VideoTrack::audio(100)]);
    let at = video.tracks[1]
        .entry
        .windows(2)
        .position(|window| window == [0x40, 0x15]);
    video.tracks[1].entry[at.unwrap()] = 0x6b;
    let described = described(&video);
    let offered: Vec<bool> = described
        .tracks
        .iter()
        .map(|track| track.is_offered)
        .collect();
    assert_eq!(offered, [true, false]);
}

#[test]
fn a_transport_stream_has_picture_and_audio() {
    let video = Video::new(vec![VideoTrack::video(150, 50), VideoTrack::audio(300)]);
    let ts = described_ts(&video).unwrap();
    assert_eq!(ts.codecs, "avc1.64000a,mp4a.40.2");
    assert_eq!(ts.segments, [Duration::from_secs(2); 3]);
    let alone = Video::new(vec![VideoTrack::audio(300)]);
    assert_eq!(described_ts(&alone), None);
}
