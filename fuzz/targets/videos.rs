//! The bodies of the fuzz targets for videos: none may panic, and all must hold what is asserted here.
//!
//! The fuzz targets and an ordinary test that runs the checked-in corpora share them.
#![allow(dead_code, reason = "each target uses one of them")]

use privet_media::describe::{describe, describe_ts};
use privet_media::mp4::{Index, Limits, Locator, Step, Track, TrackKind};
use privet_media::mux::{
    TsSegment, init_segment, media_segment, media_segment_header_size_bytes, ts_tracks,
};
use privet_media::segmentation::{PlannedTrack, Segmentation};
use privet_media::{Part, Parts, Refusal};
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

/// Fuzzes segments: the input is an object whose index is read and whose segments are all made by both muxers.
pub fn video_segments(bytes: &[u8]) {
    let Ok(index) = index(bytes) else {
        return;
    };
    let Ok(segmentation) = Segmentation::of(&index, Duration::from_secs(2), &LIMITS) else {
        return;
    };
    for planned in &segmentation.tracks {
        let track = index.track(planned.number).expect("a planned track is one");
        fragments(bytes, track, planned);
    }
    if ts_tracks(&index, &segmentation).is_some() {
        for number in 1..=segmentation.segment_count {
            transport_stream(bytes, &index, &segmentation, number);
        }
    }
    let past = segmentation.segment_count.saturating_add(1);
    assert!(
        TsSegment::new(&index, &segmentation, past).is_none(),
        "the last segment is the last"
    );
}

/// Fuzzes the index: the input is an object whose index is read, segmented and described, and all three must agree.
pub fn video_index(bytes: &[u8]) {
    let Ok(index) = index(bytes) else {
        return;
    };
    let mut samples_size_bytes = 0;
    for track in &index.tracks {
        let mut decode_time = 0;
        for (number, sample) in (0..).zip(track.samples()) {
            assert_eq!(sample.number, number);
            assert_eq!(sample.decode_time, decode_time, "times go on");
            decode_time += u64::from(sample.duration);
            let end = sample.offset + u64::from(sample.size_bytes);
            assert!(end <= bytes.len() as u64, "samples lie within the object");
            samples_size_bytes += u64::from(sample.size_bytes);
        }
        assert_eq!(track.samples().count() as u32, track.sample_count);
        assert_eq!(decode_time, track.media_duration);
        assert!(!track.codec_string().is_empty() || track.sample_count == 0);
    }
    assert!(
        samples_size_bytes <= bytes.len() as u64,
        "nothing is counted twice"
    );
    let Ok(segmentation) = Segmentation::of(&index, Duration::from_secs(2), &LIMITS) else {
        return;
    };
    for planned in &segmentation.tracks {
        let track = index.track(planned.number).expect("a planned track is one");
        let counts = planned.segments.iter().map(|segment| segment.sample_count);
        assert_eq!(
            counts.sum::<u32>(),
            track.sample_count,
            "all samples are planned"
        );
        for pair in planned.segments.windows(2) {
            let end = pair[0].start + pair[0].duration;
            assert_eq!(end, pair[1].start, "segments follow each other");
        }
    }
    let _ = describe_ts(&index, &segmentation);
    let description = describe(&index, &segmentation);
    assert_eq!(description.tracks.len(), segmentation.tracks.len());
    for track in &description.tracks {
        assert!(track.average_bits_per_sec <= track.peak_bits_per_sec);
    }
}

fn index(bytes: &[u8]) -> Result<Index, Refusal> {
    let mut locator = Locator::new(bytes.len() as u64, LIMITS);
    loop {
        match locator.step() {
            Step::Done => return locator.finish(),
            Step::Read(range) => {
                locator.supply(&bytes[range.start as usize..range.end as usize])?;
            }
        }
    }
}

fn fragments(bytes: &[u8], track: &Track, planned: &PlannedTrack) {
    assert!(!init_segment(track).is_empty(), "a track has a head");
    let mut samples_size_bytes = 0;
    for (number, segment) in (1..).zip(&planned.segments) {
        let parts = media_segment(track, planned, number).expect("a planned segment is made");
        let source = sources(bytes, &parts).len() as u64;
        assert_eq!(
            source, segment.size_bytes,
            "the segmentation knows the size"
        );
        let header = parts.size_bytes() - source;
        let longest = media_segment_header_size_bytes(segment.sample_count);
        match track.kind {
            TrackKind::Video => assert_eq!(header, longest, "the header is as long as foretold"),
            TrackKind::Audio | TrackKind::Text => assert!(header <= longest, "no longer"),
        }
        samples_size_bytes += source;
    }
    assert!(
        samples_size_bytes <= bytes.len() as u64,
        "no byte is sent twice within a track"
    );
    let past = planned.segments.len() as u32 + 1;
    assert!(
        media_segment(track, planned, past).is_none(),
        "the last segment is the last"
    );
    assert!(media_segment(track, planned, 0).is_none(), "1 is the first");
}

fn transport_stream(bytes: &[u8], index: &Index, segmentation: &Segmentation, number: u32) {
    let Some(mut segment) = TsSegment::new(index, segmentation, number) else {
        return;
    };
    let source = sources(bytes, &segment.sources());
    let mut out = Vec::new();
    for piece in source.chunks(777) {
        segment.supply(piece, &mut out);
        assert!(out.len().is_multiple_of(188), "only whole packets");
    }
    assert!(segment.finish(&mut out), "all sources came");
    assert_eq!(
        out.len() as u64,
        segment.size_bytes(),
        "the size is as foretold"
    );
    assert!(
        out.chunks(188).all(|packet| packet[0] == 0x47),
        "each packet is one"
    );
}

/// Returns the ranges of the object; all must lie within it.
fn sources(bytes: &[u8], parts: &Parts) -> Vec<u8> {
    let mut out = Vec::new();
    for part in parts.as_slice() {
        match part {
            Part::Bytes(_) => {}
            Part::Source { offset, size_bytes } => {
                let stretch = *offset as usize..(offset + size_bytes) as usize;
                out.extend_from_slice(bytes.get(stretch).expect("within the object"));
            }
        }
    }
    out
}
