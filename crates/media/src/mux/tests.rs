//! Checks of segments of small videos: they have the predicted size, and other readers find the original samples in
//! them.

use std::io::Cursor;

use mp4_atom::{Any, Decode, Moof, Moov};
use proptest::prelude::*;
use shiguredo_mp4::demux::Fmp4SegmentDemuxer;

use super::{init_segment, media_segment, media_segment_header_size_bytes};
use crate::Part;
use crate::mp4::tests::builder::read;
use crate::mp4::{Sample, Track, TrackKind};
use crate::segmentation::PlannedTrack;
use video::{Video, audio, picture, talk};

mod transport;
mod video;

fn boxes(bytes: &[u8]) -> Vec<Any> {
    let mut cursor = Cursor::new(bytes);
    let mut boxes = Vec::new();
    while (cursor.position() as usize) < bytes.len() {
        boxes.push(Any::decode(&mut cursor).expect("a box"));
    }
    boxes
}

fn moov(init: &[u8]) -> Moov {
    let [Any::Ftyp(_), Any::Moov(moov)] = &boxes(init)[..] else {
        panic!("ftyp and moov");
    };
    moov.clone()
}

fn moof(segment: &[u8]) -> Moof {
    let [Any::Styp(_), Any::Moof(moof), Any::Mdat(_)] = &boxes(segment)[..] else {
        panic!("styp, moof and mdat");
    };
    moof.clone()
}

fn planned(video: &Video, number: u32) -> (&Track, &PlannedTrack) {
    let track = video.index.track(number).expect("a track");
    (
        track,
        video.segmentation.track(number).expect("a planned track"),
    )
}

#[test]
fn what_is_not_planned_is_not_made() {
    let video = talk();
    for number in [1, 2] {
        let (track, planned) = planned(&video, number);
        let past = planned.segments.len() as u32 + 1;
        for number in [0, past, u32::MAX] {
            assert_eq!(media_segment(track, planned, number), None, "{number}");
        }
    }
}

#[test]
fn the_head_says_what_the_object_says() {
    let video = talk();
    for number in [1, 2] {
        let (track, _) = planned(&video, number);
        let moov = moov(&init_segment(track));
        let [trak] = &moov.trak[..] else {
            panic!("one track");
        };
        assert_eq!(trak.tkhd.track_id, number);
        assert_eq!(trak.mdia.mdhd.timescale, track.timescale);
        assert_eq!(trak.mdia.mdhd.language, "eng");
        assert_eq!(trak.mdia.hdlr.name, "a track");
        assert_eq!(trak.mdia.minf.stbl.stsd.codecs.len(), 1);
        let edits = trak.edts.as_ref().and_then(|edits| edits.elst.as_ref());
        let [edit] = &edits.expect("an edit list").entries[..] else {
            panic!("one edit");
        };
        assert_eq!(edit.media_time, Some(1024));
        let mvex = moov.mvex.expect("mvex");
        assert_eq!(mvex.trex[0].track_id, number);
        let length = mvex.mehd.expect("mehd").fragment_duration;
        assert_eq!(length, track.media_duration - 1024);
    }
}

/// Returns the samples of a `moof`, with their offsets in the segment.
fn samples_of(moof: &Moof, first: u32) -> Vec<Sample> {
    let [traf] = &moof.traf[..] else {
        panic!("one track");
    };
    let [run] = &traf.trun[..] else {
        panic!("one run");
    };
    let mut decode_time = traf.tfdt.as_ref().expect("tfdt").base_media_decode_time;
    let mut offset = run.data_offset.expect("a place") as u64 + 24;
    let head = &traf.tfhd;
    let mut samples = Vec::new();
    for (number, entry) in (first..).zip(run.samples.iter()) {
        let duration = entry.duration.or(head.default_sample_duration);
        let flags = entry.flags.or(head.default_sample_flags);
        let sample = Sample {
            number,
            offset,
            size_bytes: entry.size.expect("a size"),
            decode_time,
            duration: duration.expect("a duration"),
            composition_offset: entry.cts.unwrap_or(0) as i32,
            is_sync: flags.expect("flags") & 0x1_0000 == 0,
        };
        offset += u64::from(sample.size_bytes);
        decode_time += u64::from(sample.duration);
        samples.push(sample);
    }
    samples
}

#[test]
fn segments_have_the_samples_of_the_object() {
    let video = talk();
    for number in [1, 2] {
        let (track, planned) = planned(&video, number);
        assert!(planned.segments.len() > 1);
        let mut samples = track.samples();
        let mut first = 0;
        for (number, segment) in (1..).zip(&planned.segments) {
            let parts = media_segment(track, planned, number).expect("a segment");
            let bytes = video.gather(&parts);
            let found = samples_of(&moof(&bytes), first);
            assert_eq!(found.len(), segment.sample_count as usize);
            for found in found {
                let expected = samples.next().expect("a sample");
                let place = found.offset as usize;
                assert_eq!(
                    bytes[place..place + found.size_bytes as usize],
                    video.object[expected.offset as usize..][..expected.size_bytes as usize]
                );
                let offset = expected.offset;
                assert_eq!(Sample { offset, ..found }, expected);
            }
            first += segment.sample_count;
        }
        assert!(samples.next().is_none());
    }
}

#[test]
fn others_find_the_samples_too() {
    let video = talk();
    for number in [1, 2] {
        let (track, planned) = planned(&video, number);
        let mut reader = Fmp4SegmentDemuxer::new();
        let init = init_segment(track);
        reader.handle_init_segment(&init).expect("a head");
        let mut samples = track.samples();
        for number in 1..=video.segmentation.segment_count {
            let parts = media_segment(track, planned, number).expect("a segment");
            // This reader does not support `styp`.
            let bytes = &video.gather(&parts)[24..];
            for found in reader.handle_media_segment(bytes).expect("a segment") {
                let expected = samples.next().expect("a sample");
                let offset = found.composition_time_offset.unwrap_or(0);
                assert_eq!(found.timestamp, expected.decode_time);
                assert_eq!(found.duration, expected.duration);
                assert_eq!(offset, i64::from(expected.composition_offset));
                assert_eq!(found.keyframe, expected.is_sync);
                assert_eq!(
                    bytes[found.data_offset as usize..][..found.data_size],
                    video.object[expected.offset as usize..][..expected.size_bytes as usize]
                );
            }
        }
        assert!(samples.next().is_none());
    }
}

#[test]
fn audio_says_once_what_is_the_same_for_all() {
    let video = talk();
    let (track, planned) = planned(&video, 2);
    let parts = media_segment(track, planned, 1).expect("a segment");
    let segment = &planned.segments[0];
    let header = parts.size_bytes() - segment.size_bytes;
    assert_eq!(header, 120 + 8 + 4 * u64::from(segment.sample_count));
}

#[test]
fn a_duration_of_its_own_is_said_for_each() {
    let mut track = audio(&[50; 40]);
    track.samples[7].duration = 999;
    let video = Video::of(&[track]);
    let (track, planned) = planned(&video, 1);
    let parts = media_segment(track, planned, 1).expect("a segment");
    let found = samples_of(&moof(&video.gather(&parts)), 0);
    assert!(
        found
            .iter()
            .map(|sample| sample.duration)
            .eq(track.samples().map(|sample| sample.duration))
    );
    let header = parts.size_bytes() - planned.segments[0].size_bytes;
    assert_eq!(header, 120 + 4 + 8 * 40);
}

#[test]
fn a_segment_beyond_4_gib_has_a_header_of_the_same_length() {
    let mut video = talk();
    let foretold =
        media_segment_header_size_bytes(video.segmentation.tracks[0].segments[0].sample_count);
    for (size_bytes, expected) in [
        (u64::from(u32::MAX) - 8, b"\xff\xff\xff\xffmdat".to_vec()),
        (
            u64::from(u32::MAX) - 7,
            b"\0\0\0\x01mdat\0\0\0\x01\0\0\0\x08".to_vec(),
        ),
        (1 << 33, b"\0\0\0\x01mdat\0\0\0\x02\0\0\0\x10".to_vec()),
    ] {
        video.segmentation.tracks[0].segments[0].size_bytes = size_bytes;
        let (track, planned) = planned(&video, 1);
        let parts = media_segment(track, planned, 1).expect("a segment");
        let Part::Bytes(header) = &parts.as_slice()[0] else {
            panic!("a header");
        };
        assert_eq!(header.len() as u64, foretold);
        assert!(header.ends_with(&expected), "{size_bytes}");
        // The offset of the first sample, from the start of `moof`.
        let moof_at = header
            .windows(4)
            .position(|kind| kind == b"moof")
            .expect("moof")
            - 4;
        let run_at = header
            .windows(4)
            .position(|kind| kind == b"trun")
            .expect("trun");
        let place = u32::from_be_bytes(header[run_at + 12..][..4].try_into().expect("four"));
        assert_eq!(place as usize, header.len() - moof_at);
    }
}

#[test]
fn a_segment_may_have_no_samples() {
    let mut late = audio(&[50; 140]);
    late.edits = vec![(2500, -1), (0, 1024)];
    let video = Video::of(&[picture(&[100; 150]), late]);
    let (track, planned) = planned(&video, 2);
    assert_eq!(planned.segments[0].sample_count, 0);
    let parts = media_segment(track, planned, 1).expect("a segment");
    let found = samples_of(&moof(&video.gather(&parts)), 0);
    assert_eq!(found, []);
    let parts = media_segment(track, planned, 2).expect("a segment");
    let found = samples_of(&moof(&video.gather(&parts)), 0);
    assert_eq!(found[0].decode_time, 48_000 * 5 / 2);
}

#[test]
fn our_own_reader_finds_the_same_video_in_our_segments() {
    let video = talk();
    for number in [1, 2] {
        let (track, planned) = planned(&video, number);
        let mut file = init_segment(track).to_vec();
        for number in 1..=video.segmentation.segment_count {
            let parts = media_segment(track, planned, number).expect("a segment");
            file.extend(video.gather(&parts));
        }
        let index = read(&file).expect("a video");
        let again = &index.tracks[0];
        assert_eq!(again.edit, track.edit);
        assert_eq!(again.sample_entry, track.sample_entry);
        assert_eq!(again.matrix, track.matrix);
        assert_eq!(again.language, track.language);
        let expected = track.samples().map(|sample| Sample {
            offset: 0,
            ..sample
        });
        let found = again.samples().map(|sample| Sample {
            offset: 0,
            ..sample
        });
        assert!(found.eq(expected));
    }
}

proptest! {
    #[test]
    fn the_length_is_as_foretold(
        pictures in prop::collection::vec(0_u32..600, 1..160),
        frames in prop::collection::vec(0_u32..90, 0..300),
    ) {
        let video = Video::of(&[picture(&pictures), audio(&frames)]);
        for planned in &video.segmentation.tracks {
            let track = video.index.track(planned.number).expect("a track");
            for (number, segment) in (1..).zip(&planned.segments) {
                let parts = media_segment(track, planned, number).expect("a segment");
                video.gather(&parts);
                let header = parts.size_bytes() - segment.size_bytes;
                let longest = media_segment_header_size_bytes(segment.sample_count);
                match track.kind {
                    TrackKind::Video => prop_assert_eq!(header, longest),
                    TrackKind::Audio | TrackKind::Text => prop_assert!(header <= longest),
                }
            }
        }
    }
}
