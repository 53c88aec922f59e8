//! Checks that objects are read as they were written, wherever their boxes are.

use super::builder::{Video, VideoSample, VideoTrack, boxed, read};
use crate::Refusal;
use crate::mp4::{Codec, Index, Limits, Locator, Step, TrackKind};
use proptest::prelude::*;

/// Returns the samples of a track, as they were written.
fn read_back(index: &Index, number: u32) -> Vec<VideoSample> {
    let samples = index.track(number).unwrap().samples();
    samples
        .map(|sample| VideoSample {
            size_bytes: sample.size_bytes,
            duration: sample.duration,
            composition_offset: sample.composition_offset,
            is_sync: sample.is_sync,
        })
        .collect()
}

fn video() -> Video {
    Video::new(vec![
        VideoTrack::video(53, 25),
        VideoTrack::audio(101),
        VideoTrack::text(3),
    ])
}

#[test]
fn a_track_says_what_it_is() {
    let index = read(&video().bytes()).unwrap();
    let [pictures, audio, text] = &index.tracks[..] else {
        panic!("{index:?}");
    };
    assert_eq!(
        (pictures.kind, pictures.codec),
        (TrackKind::Video, Codec::Avc)
    );
    assert_eq!(
        (pictures.number, pictures.id, pictures.timescale),
        (1, 1, 25)
    );
    assert_eq!((pictures.width, pictures.height), (64, 48));
    assert_eq!((pictures.sample_count, pictures.media_duration), (53, 53));
    assert_eq!(pictures.display_width, 64 << 16);
    assert_eq!(pictures.language, None);
    assert_eq!(pictures.name.as_deref(), Some("picture"));
    assert!(pictures.is_default);
    assert_eq!((audio.kind, audio.codec), (TrackKind::Audio, Codec::Aac));
    assert_eq!((audio.channels, audio.sample_rate), (2, 48_000));
    assert_eq!(audio.language.as_deref(), Some("slv"));
    assert_eq!(audio.audio_specific_config().unwrap(), [0x11, 0x90]);
    assert_eq!((text.kind, text.codec), (TrackKind::Text, Codec::Tx3g));
    assert_eq!(index.duration().as_secs(), 3);
}

#[test]
fn each_sample_lies_where_it_was_written() {
    for object in [
        video().bytes(),
        video().bytes_with_index_first(),
        video().bytes_in_fragments(7, 0),
    ] {
        let index = read(&object).unwrap();
        for track in &index.tracks {
            for sample in track.samples() {
                let start = sample.offset as usize;
                let bytes = &object[start..start + sample.size_bytes as usize];
                assert!(bytes.iter().all(|byte| *byte == sample.number as u8));
            }
        }
    }
}

#[test]
fn h3_equal_sample_descriptions_are_one() {
    let video = video();
    let mut object = video.bytes();
    // The audio track follows the video track, and so does its entry: it is there twice, and the chunks of one run use
    // the second.
    let entry = &video.tracks[1].entry;
    let at = object
        .windows(entry.len())
        .position(|window| window == entry)
        .unwrap();
    object.splice(at..at, entry.iter().copied());
    object[at - 1] = 2;
    let grow = |object: &mut Vec<u8>, kind: &[u8; 4]| {
        let within = object[..at].windows(4).rposition(|window| window == kind);
        let size_at = within.unwrap() - 4;
        let size = &mut object[size_at..size_at + 4];
        let grown = u32::from_be_bytes(size.try_into().unwrap()) + entry.len() as u32;
        size.copy_from_slice(&grown.to_be_bytes());
    };
    for kind in [b"stsd", b"stbl", b"minf", b"mdia", b"trak", b"moov"] {
        grow(&mut object, kind);
    }
    let index = read(&object).unwrap();
    assert_eq!(index.tracks[1].sample_entry, *entry);
    assert_eq!(read_back(&index, 2), video.tracks[1].samples);
    let runs = object[at..].windows(4).position(|window| window == b"stsc");
    let description = at + runs.unwrap() + 4 + 4 + 4 + 8 + 3;
    object[description] = 2;
    assert_eq!(
        read_back(&read(&object).unwrap(), 2),
        video.tracks[1].samples
    );
    object[description] = 3;
    assert_eq!(
        read(&object).err(),
        Some(Refusal::Corrupt("stsc names no sample description"))
    );
    // The second entry is not the same as the first.
    object[description] = 1;
    object[at + entry.len() * 2 - 1] ^= 1;
    assert_eq!(
        read(&object).err(),
        Some(Refusal::Unsupported("several sample descriptions"))
    );
}

#[test]
fn a_track_of_no_known_codec_is_left_out() {
    let mut video = video();
    video.tracks[1].entry[4..8].copy_from_slice(b"sowt");
    video.tracks[1].edits = vec![(1, 0), (1, 1), (1, 2)];
    let index = read(&video.bytes()).unwrap();
    assert_eq!(index.tracks[1].codec, Codec::Other);
    assert_eq!(index.tracks[1].samples().count(), 0);
    assert_eq!(read_back(&index, 1), video.tracks[0].samples);
}

/// Returns the ranges that the locator reads of an object, in order.
fn steps(object: &[u8]) -> Vec<std::ops::Range<u64>> {
    let mut locator = Locator::new(object.len() as u64, Limits::default());
    let mut steps = Vec::new();
    while let Step::Read(range) = locator.step() {
        let bytes = &object[range.start as usize..range.end as usize];
        locator.supply(bytes).unwrap();
        steps.push(range);
    }
    locator.finish().unwrap();
    steps
}

#[test]
fn an_index_is_found_with_few_reads() {
    let mut video = video();
    for sample in &mut video.tracks[0].samples {
        sample.size_bytes = 10_000;
    }
    let first = video.bytes_with_index_first();
    assert_eq!(steps(&first).len(), 1);
    let last = video.bytes();
    let size_bytes = last.len() as u64;
    let found = steps(&last);
    assert_eq!(found.len(), 2);
    assert_eq!(found[0], 0..65_536);
    assert_eq!(found[1].end, size_bytes);
    // An index larger than the first read is fetched with one more, and no byte twice.
    let mut long = Video::new(vec![VideoTrack::video(9_000, 25)]);
    long.chunk_sample_count = 500;
    let object = long.bytes_with_index_first();
    let found = steps(&object);
    assert_eq!(found.len(), 2);
    assert_eq!((found[0].clone(), found[1].start), (0..65_536, 65_536));
}

#[test]
fn stretches_of_another_length_are_refused() {
    let object = video().bytes();
    let mut locator = Locator::new(object.len() as u64, Limits::default());
    let refused = locator.supply(&object[1..]).err();
    assert_eq!(refused, Some(crate::Refusal::Truncated));
    let locator = Locator::new(object.len() as u64, Limits::default());
    assert!(locator.finish().is_err());
}

#[test]
fn other_boxes_are_passed() {
    let video = video();
    let mut object = video.bytes();
    object.extend(boxed(b"free", &[&[0; 30]]));
    object.extend([0; 5]);
    assert_eq!(read(&object).unwrap().tracks.len(), 3);
    // A box of size 0 extends to the end of the object.
    let mut object = video.bytes();
    let at = object
        .windows(4)
        .position(|window| window == b"moov")
        .unwrap();
    object[at - 4..at].copy_from_slice(&[0; 4]);
    assert_eq!(read(&object).unwrap().tracks.len(), 3);
}

#[test]
fn memory_is_about_the_tables() {
    let mut video = video();
    video.tracks[0].name = "a name of this and that";
    let index = read(&video.bytes()).unwrap();
    assert!(index.size_bytes() < video.bytes().len() + 2_000);
    assert!(size_of::<crate::mp4::Cursor>() <= 56);
}

fn any_samples() -> impl Strategy<Value = Vec<VideoSample>> {
    let sample = (0..40_u32, 0..4_u32, -3..4_i32, any::<bool>());
    let sample =
        sample.prop_map(
            |(size_bytes, duration, composition_offset, is_sync)| VideoSample {
                size_bytes,
                duration,
                composition_offset,
                is_sync,
            },
        );
    proptest::collection::vec(sample, 1..60).prop_map(|mut samples| {
        // The start is shown unchanged, with no samples left out before it.
        samples[0].is_sync = true;
        samples[0].composition_offset = 3;
        samples[0].duration = 7;
        samples
    })
}

proptest! {
    #[test]
    fn any_video_is_read_as_it_was_written(
        pictures in any_samples(),
        audio in any_samples(),
        chunk_sample_count in 1..9_usize,
        fragment in 1..30_usize,
    ) {
        let mut video = video();
        video.chunk_sample_count = chunk_sample_count;
        video.tracks[0].samples = pictures;
        video.tracks[1].samples = audio;
        for object in [video.bytes(), video.bytes_in_fragments(fragment, 0)] {
            let index = read(&object).unwrap();
            for (number, track) in (1..).zip(&video.tracks) {
                prop_assert_eq!(&read_back(&index, number), &track.samples);
            }
        }
    }

    #[test]
    fn a_cursor_goes_on_where_it_was_taken(samples in any_samples(), chunk_sample_count in 1..9_usize) {
        let mut video = video();
        video.chunk_sample_count = chunk_sample_count;
        video.tracks[0].samples = samples;
        let index = read(&video.bytes()).unwrap();
        let track = index.track(1).unwrap();
        let all: Vec<_> = track.samples().collect();
        let mut samples = track.samples();
        for at in 0..=all.len() {
            let cursor = samples.cursor();
            let rest: Vec<_> = track.samples_at(&cursor).collect();
            prop_assert_eq!(&rest, &all[at..]);
            samples.next();
        }
    }
}
