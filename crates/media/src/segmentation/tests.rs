//! Tests of the cuts: at key frames, for all tracks at the same times, and within the limits.

use super::*;
use crate::mp4::tests::builder::{Video, VideoTrack, read, sample};
use proptest::prelude::*;

fn segmentation(video: &Video, target_secs: u64) -> (Index, Segmentation) {
    let index = read(&video.bytes()).unwrap();
    let target = Duration::from_secs(target_secs);
    let segmentation = Segmentation::of(&index, target, &Limits::default()).unwrap();
    (index, segmentation)
}

/// Checks the segments of each track: samples, decode time, start, duration.
fn check(video: &Video, expected: &[&[(u32, u64, u64, u64)]]) {
    let (_, segmentation) = segmentation(video, 2);
    let found: Vec<Vec<_>> = segmentation
        .tracks
        .iter()
        .map(|track| {
            let segments = track.segments.iter();
            let segments = segments.map(|segment| {
                (
                    segment.sample_count,
                    segment.decode_time,
                    segment.start,
                    segment.duration,
                )
            });
            segments.collect()
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_video_without_anything_to_show_is_refused() {
    let mut video = Video::new(vec![VideoTrack::video(50, 25)]);
    video.tracks[0].samples.clear();
    assert_eq!(read(&video.bytes()).err(), Some(Refusal::NoTrack));
    let only_text = Video::new(vec![VideoTrack::text(5)]);
    assert_eq!(read(&only_text.bytes()).err(), Some(Refusal::NoTrack));
}

#[test]
fn limits_are_kept() {
    let index = read(&Video::new(vec![VideoTrack::video(250, 25)]).bytes()).unwrap();
    let refused = |limits: Limits| Segmentation::of(&index, Duration::from_secs(2), &limits).err();
    let limits = Limits {
        segments_max: 4,
        ..Limits::default()
    };
    assert_eq!(refused(limits), Some(Refusal::TooLarge("segments")));
    let limits = Limits {
        segment_samples_max: 49,
        ..Limits::default()
    };
    let expected = Some(Refusal::TooLarge("samples of a segment"));
    assert_eq!(refused(limits), expected);
    let limits = Limits {
        segments_max: 5,
        segment_samples_max: 50,
        ..Limits::default()
    };
    assert_eq!(refused(limits), None);
}

#[test]
fn a_segment_ends_at_the_first_key_frame_behind_the_target() {
    // Key frames are 1.2 s apart: cuts are at 2.4 and 4.8 s. Audio segments begin with the first sample at or after the
    // cut.
    let video = Video::new(vec![VideoTrack::audio(275), VideoTrack::video(140, 30)]);
    check(
        &video,
        &[
            &[
                (120, 0, 0, 122_880),
                (120, 122_880, 122_880, 122_880),
                (35, 245_760, 245_760, 35_840),
            ],
            &[(60, 0, 0, 60), (60, 60, 60, 60), (20, 120, 120, 20)],
        ],
    );
}

#[test]
fn one_key_frame_makes_one_segment() {
    let video = Video::new(vec![VideoTrack::video(1000, 1000), VideoTrack::audio(2000)]);
    check(&video, &[&[(1000, 0, 0, 1000)], &[(2000, 0, 0, 2_048_000)]]);
}

#[test]
fn audio_alone_is_cut_at_the_target() {
    let video = Video::new(vec![VideoTrack::audio(250)]);
    check(
        &video,
        &[&[
            (100, 0, 0, 102_400),
            (100, 102_400, 102_400, 102_400),
            (50, 204_800, 204_800, 51_200),
        ]],
    );
}

#[test]
fn audio_that_begins_late_has_empty_segments_first() {
    let mut video = Video::new(vec![VideoTrack::video(150, 50), VideoTrack::audio(150)]);
    video.tracks[1].edits = vec![(2_500, -1), (0, 0)];
    check(
        &video,
        &[
            &[(50, 0, 0, 50), (50, 50, 50, 50), (50, 100, 100, 50)],
            &[
                (0, 128_000, 0, 102_400),
                (75, 128_000, 102_400, 102_400),
                (75, 204_800, 204_800, 76_800),
            ],
        ],
    );
}

#[test]
fn audio_that_ends_early_has_empty_segments_last() {
    let video = Video::new(vec![VideoTrack::video(150, 50), VideoTrack::audio(60)]);
    check(
        &video,
        &[
            &[(50, 0, 0, 50), (50, 50, 50, 50), (50, 100, 100, 50)],
            &[
                (60, 0, 0, 102_400),
                (0, 61_440, 102_400, 102_400),
                (0, 61_440, 204_800, 102_400),
            ],
        ],
    );
}

#[test]
fn audio_that_goes_on_has_segments_of_its_own() {
    let video = Video::new(vec![VideoTrack::video(50, 25), VideoTrack::audio(350)]);
    check(
        &video,
        &[
            &[(50, 0, 0, 50), (0, 50, 50, 50), (0, 50, 100, 75)],
            &[
                (100, 0, 0, 102_400),
                (100, 102_400, 102_400, 102_400),
                (150, 204_800, 204_800, 153_600),
            ],
        ],
    );
}

#[test]
fn a_hole_in_the_audio_is_an_empty_segment() {
    let mut video = Video::new(vec![VideoTrack::video(150, 50), VideoTrack::audio(60)]);
    // The last sample of the first second lasts until the fifth one begins.
    video.tracks[1].samples[49].duration = 1024 + 4 * 51_200;
    check(
        &video,
        &[
            &[(50, 0, 0, 50), (50, 50, 50, 50), (50, 100, 100, 50)],
            &[
                (50, 0, 0, 102_400),
                (0, 256_000, 102_400, 102_400),
                (10, 256_000, 204_800, 61_440),
            ],
        ],
    );
}

#[test]
fn the_edit_of_the_picture_stays_in_its_init_segment() {
    let mut video = Video::new(vec![VideoTrack::video(100, 50)]);
    for sample in &mut video.tracks[0].samples {
        sample.composition_offset = 2;
    }
    video.tracks[0].edits = vec![(1_000, -1), (0, 2)];
    check(&video, &[&[(50, 25, 25, 50), (50, 75, 75, 50)]]);
}

#[test]
fn text_is_one_segment() {
    let video = Video::new(vec![VideoTrack::video(100, 50), VideoTrack::text(7)]);
    check(
        &video,
        &[&[(50, 0, 0, 50), (50, 50, 50, 50)], &[(7, 0, 0, 7000)]],
    );
}

#[test]
fn a_segment_says_how_it_begins() {
    let (_, segmentation) = segmentation(&Video::new(vec![VideoTrack::video(100, 50)]), 2);
    let first = segmentation.lead().segments[0];
    assert!(first.starts_with_sync);
    assert_eq!(first.first_sample_size_bytes, 100);
    assert_eq!(
        first.size_bytes,
        (0..50).map(|number| 100 + number % 7).sum()
    );
    // A video that does not begin with a key frame has them from the second segment on.
    let mut video = Video::new(vec![VideoTrack::video(100, 50)]);
    video.tracks[0].samples[0].is_sync = false;
    let index = read(&video.bytes()).unwrap();
    let segmentation =
        Segmentation::of(&index, Duration::from_secs(2), &Limits::default()).unwrap();
    let starts = segmentation.lead().segments.iter();
    let starts: Vec<bool> = starts.map(|segment| segment.starts_with_sync).collect();
    assert_eq!(starts, [false, true]);
}

#[test]
fn the_target_is_brought_into_its_range() {
    for (target_secs, expected) in [(0, 10), (2, 10), (6, 4), (10, 2), (100, 2)] {
        let video = Video::new(vec![VideoTrack::video(500, 25)]);
        assert_eq!(segmentation(&video, target_secs).1.segment_count, expected);
    }
}

proptest! {
    #[test]
    fn segments_hold_all_samples_and_follow_each_other(
        group in 1..80_u32,
        durations in proptest::collection::vec(0..40_u32, 1..200),
        audio_count in 0..900_u32,
        delay_ms in 0..9_000_u32,
        target_secs in 2..11_u64,
    ) {
        let mut video = Video::new(vec![VideoTrack::video(1, 1), VideoTrack::audio(audio_count)]);
        video.tracks[0].samples = (0..)
            .zip(&durations)
            .map(|(number, duration)| sample(10, *duration, number % group == 0))
            .collect();
        video.tracks[0].samples[0].duration = 1;
        video.tracks[1].edits = vec![(delay_ms, -1), (0, 0)];
        if audio_count == 0 {
            video.tracks.pop();
        }
        let (index, segmentation) = segmentation(&video, target_secs);
        for planned in &segmentation.tracks {
            let track = index.track(planned.number).unwrap();
            prop_assert_eq!(planned.segments.len() as u32, segmentation.segment_count);
            let counts = planned.segments.iter().map(|segment| segment.sample_count);
            prop_assert_eq!(counts.sum::<u32>(), track.sample_count);
            let mut samples = track.samples();
            for segment in &planned.segments {
                prop_assert_eq!(segment.cursor, samples.cursor());
                prop_assert!(segment.sample_count == 0 || segment.starts_with_sync);
                let taken = samples.by_ref().take(segment.sample_count as usize);
                for sample in taken {
                    let start = track.presentation_time(&sample) as u64;
                    prop_assert!(start >= segment.start);
                    prop_assert!(start <= segment.start + segment.duration);
                }
            }
            for pair in planned.segments.windows(2) {
                prop_assert_eq!(pair[0].start + pair[0].duration, pair[1].start);
            }
        }
    }
}
