//! Random changes: whatever an index contains, it is refused or read, and an index that is read keeps its guarantees.

use std::time::Duration;

use super::builder::{Video, VideoTrack, read_within};
use super::numbers::Numbers;
use crate::describe::describe;
use crate::mp4::{Index, Limits};
use crate::segmentation::Segmentation;

const INTERESTING: [u32; 8] = [0, 1, 2, 0x7fff_ffff, 0x8000_0000, u32::MAX, 0xffff_fff0, 8];

/// Changes one to four positions of the index.
fn mutate(object: &mut [u8], from: usize, numbers: &mut Numbers) {
    for _ in 0..=numbers.below(4) {
        let at = from + numbers.below(object.len() - from - 4);
        match numbers.below(4) {
            0 => object[at] = numbers.below(256) as u8,
            1 => object[at] ^= 1 << numbers.below(8),
            2 => {
                let word = INTERESTING[numbers.below(INTERESTING.len())];
                object[at..at + 4].copy_from_slice(&word.to_be_bytes());
            }
            _ => {
                let other = from + numbers.below(object.len() - from - 4);
                object.copy_within(other..other + 4, at);
            }
        }
    }
}

/// Checks the guarantees of every index, whatever it was read from.
fn check_promises(index: &Index) {
    let mut total = 0;
    for track in &index.tracks {
        assert_eq!(track.samples().count() as u32, track.sample_count);
        let mut decode_time = 0;
        for sample in track.samples() {
            assert_eq!(sample.decode_time, decode_time);
            decode_time += u64::from(sample.duration);
            assert!(sample.offset + u64::from(sample.size_bytes) <= index.object_size_bytes);
            total += u64::from(sample.size_bytes);
            assert!(track.presentation_time(&sample) < track.end() as i64 + 1);
        }
        let _ = track.codec_string();
        assert_eq!(decode_time, track.media_duration);
    }
    assert!(total <= index.object_size_bytes);
    let limits = Limits::default();
    let Ok(segmentation) = Segmentation::of(index, Duration::from_secs(2), &limits) else {
        return;
    };
    for planned in &segmentation.tracks {
        let track = index.track(planned.number).unwrap();
        let sample_count: u32 = planned
            .segments
            .iter()
            .map(|segment| segment.sample_count)
            .sum();
        assert_eq!(sample_count, track.sample_count);
        let mut samples = track.samples();
        for segment in &planned.segments {
            assert_eq!(segment.cursor, samples.cursor());
            let taken = samples.by_ref().take(segment.sample_count as usize);
            let size_bytes: u64 = taken.map(|sample| u64::from(sample.size_bytes)).sum();
            assert_eq!(size_bytes, segment.size_bytes);
        }
        for pair in planned.segments.windows(2) {
            assert_eq!(pair[0].start + pair[0].duration, pair[1].start);
        }
    }
    let _ = describe(index, &segmentation);
}

/// Reads 10,000 variants of an object, and returns how many of them are still videos.
fn check(object: &[u8], from: usize) -> usize {
    // A few bytes of a fragment can stand for millions of samples, which would take up the test's time.
    let limits = Limits {
        samples_max: 20_000,
        ..Limits::default()
    };
    let mut numbers = Numbers::new();
    let mut read_count = 0;
    for _ in 0..10_000 {
        let mut changed = object.to_vec();
        mutate(&mut changed, from, &mut numbers);
        if let Ok(index) = read_within(&changed, limits) {
            check_promises(&index);
            read_count += 1;
        }
    }
    read_count
}

fn video() -> Video {
    let mut video = Video::new(vec![
        VideoTrack::video(30, 8),
        VideoTrack::audio(40),
        VideoTrack::text(3),
    ]);
    video.tracks[0].edits = vec![(40, -1), (900, 9)];
    for sample in &mut video.tracks[0].samples {
        sample.size_bytes = 3;
        sample.composition_offset = 2;
    }
    video
}

#[test]
fn no_change_of_an_index_makes_it_lie() {
    let object = video().bytes();
    let from = object.windows(4).position(|window| window == b"moov");
    let read_count = check(&object, from.unwrap());
    assert!((500..9_500).contains(&read_count), "{read_count}");
}

#[test]
fn no_change_of_a_fragment_makes_it_lie() {
    let read_count = check(&video().bytes_in_fragments(9, 0), 20);
    assert!((500..9_500).contains(&read_count), "{read_count}");
}
