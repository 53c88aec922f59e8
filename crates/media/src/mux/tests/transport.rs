//! Checks of transport streams of small videos.

use mpeg2ts::es::StreamType;
use mpeg2ts::ts::{ReadTsPacket, TsPacketReader, TsPayload};
use proptest::prelude::*;

use super::video::{Video, audio, picture, talk};
use crate::mp4::tests::builder::VideoTrack;
use crate::mux::ts::tests::units_of;
use crate::mux::{TS_LEAD_90KHZ, TsSegment, TsTracks, ts_tracks};

/// Makes a whole segment; its bytes are supplied in pieces of this size.
fn segment(video: &Video, number: u32, piece: usize) -> Vec<u8> {
    let mut segment = TsSegment::new(&video.index, &video.segmentation, number).expect("a segment");
    let source = video.gather(&segment.sources());
    let mut out = Vec::new();
    for piece in source.chunks(piece) {
        assert!(!segment.finish(&mut out), "bytes are missing");
        segment.supply(piece, &mut out);
    }
    assert!(segment.finish(&mut out), "all bytes came");
    let end = out.len();
    segment.supply(b"beyond", &mut out);
    assert_eq!(out.len(), end, "what is too much is ignored");
    assert_eq!(out.len() as u64, segment.size_bytes());
    out
}

fn check_tracks(tracks: &[VideoTrack], expected: Option<TsTracks>) {
    let video = Video::of(tracks);
    assert_eq!(ts_tracks(&video.index, &video.segmentation), expected);
    let is_made = TsSegment::new(&video.index, &video.segmentation, 1).is_some();
    assert_eq!(is_made, expected.is_some());
}

/// Finds a range of a sample entry, and replaces it.
fn replace(track: &mut VideoTrack, old: &[u8], new: &[u8]) {
    let places = track.entry.windows(old.len());
    let mut places = places.enumerate().filter(|(_, window)| *window == old);
    let (at, _) = places.next().expect("the stretch is there");
    track.entry[at..at + old.len()].copy_from_slice(new);
}

#[test]
fn videos_that_cannot_be_sent_are_refused() {
    check_tracks(&[audio(&[50; 100])], None);
    // NAL lengths of two bytes.
    let mut short = picture(&[50; 50]);
    replace(&mut short, &[100, 0, 10, 0xff], &[100, 0, 10, 0xfd]);
    check_tracks(&[short], None);
    // AAC of an object type that ADTS cannot describe: ER AAC LD, type 23.
    let mut other = audio(&[50; 100]);
    replace(&mut other, &[5, 2, 0x11, 0x90], &[5, 2, 0xb9, 0x90]);
    check_tracks(&[picture(&[50; 50]), other], None);
}

#[test]
fn the_first_audio_that_can_be_sent_is_taken() {
    let mut other = audio(&[50; 100]);
    replace(&mut other, &[5, 2, 0x11, 0x90], &[5, 2, 0xb9, 0x90]);
    let first = Some(3);
    let tracks = [
        picture(&[50; 50]),
        other,
        audio(&[50; 100]),
        audio(&[50; 100]),
    ];
    let found = |audio| Some(TsTracks { video: 1, audio });
    check_tracks(&tracks, found(first));
    check_tracks(&[picture(&[50; 50])], found(None));
}

#[test]
fn a_frame_that_adts_cannot_hold_is_refused() {
    let video = Video::of(&[picture(&[50; 50]), audio(&[8185; 90])]);
    assert!(TsSegment::new(&video.index, &video.segmentation, 1).is_none());
    let video = Video::of(&[picture(&[50; 50]), audio(&[8184; 90])]);
    segment(&video, 1, 1000);
}

#[test]
fn the_end_is_the_same_without_what_lies_before() {
    let video = talk();
    for number in 1..=video.segmentation.segment_count {
        let whole = segment(&video, number, 1000);
        let unit_size_bytes_max = 100 * 188;
        for before in (0..=whole.len()).step_by(47) {
            let mut rest =
                TsSegment::new(&video.index, &video.segmentation, number).expect("a segment");
            let skipped = rest.skip(before as u64) as usize;
            assert!((before.saturating_sub(unit_size_bytes_max)..=before).contains(&skipped));
            let mut out = Vec::new();
            rest.supply(&video.gather(&rest.sources()), &mut out);
            assert!(rest.finish(&mut out));
            assert_eq!(out, whole[skipped..], "{before}");
        }
    }
}

#[test]
fn what_is_not_planned_is_not_made() {
    let video = talk();
    for number in [0, video.segmentation.segment_count + 1, u32::MAX] {
        assert!(TsSegment::new(&video.index, &video.segmentation, number).is_none());
    }
}

#[test]
fn others_find_tables_and_times() {
    let video = talk();
    let bytes = segment(&video, 2, 1000);
    let mut reader = TsPacketReader::new(&bytes[..]);
    let (mut pictures, mut clocks, mut streams) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(packet) = reader.read_ts_packet().expect("a packet") {
        let clock = packet.adaptation_field.and_then(|field| field.pcr);
        clocks.extend(clock.map(|clock| clock.as_u64() / 300));
        match packet.payload {
            Some(TsPayload::Pmt(table)) => {
                streams.extend(table.es_info.iter().map(|info| info.stream_type));
            }
            Some(TsPayload::PesStart(unit)) if unit.header.stream_id.is_video() => {
                pictures.push((unit.header.pts, unit.header.dts));
            }
            _ => {}
        }
    }
    assert_eq!(streams, [StreamType::H264, StreamType::AdtsAac]);
    let (track, planned) = super::planned(&video, 1);
    let first = &planned.segments[1];
    let in_90khz = |time: i64| (time * 90_000 / 12_800) as u64 + TS_LEAD_90KHZ;
    let samples = track
        .samples_at(&first.cursor)
        .take(first.sample_count as usize);
    for ((sample, found), clock) in samples.zip(&pictures).zip(&clocks) {
        let shown = track.presentation_time(&sample);
        let decoded = in_90khz(shown - i64::from(sample.composition_offset));
        let shown = in_90khz(shown);
        assert_eq!(found.0.map(|time| time.as_u64()), Some(shown));
        // The decode time is written only if it differs.
        let said = found.1.map(|time| time.as_u64());
        assert_eq!(said, (decoded != shown).then_some(decoded));
        assert!(*clock < decoded);
    }
    assert_eq!(pictures.len(), first.sample_count as usize);
    assert_eq!(clocks.len(), first.sample_count as usize);
}

#[test]
fn nothing_is_shown_before_it_is_decoded() {
    let mut early = picture(&[60; 75]);
    for sample in &mut early.samples {
        sample.composition_offset -= 1024;
    }
    early.edits.clear();
    let video = Video::of(&[early]);
    let mut last = None;
    for number in 1..=video.segmentation.segment_count {
        let bytes = segment(&video, number, 1000);
        let mut reader = TsPacketReader::new(&bytes[..]);
        while let Some(packet) = reader.read_ts_packet().expect("a packet") {
            let Some(TsPayload::PesStart(unit)) = packet.payload else {
                continue;
            };
            let shown = unit.header.pts.expect("a time").as_u64();
            let decoded = unit.header.dts.map_or(shown, |time| time.as_u64());
            assert!(decoded <= shown);
            assert!(last.is_none_or(|last| last < decoded));
            last = Some(decoded);
        }
    }
}

#[test]
fn a_receiver_gets_the_pictures_with_start_codes() {
    let video = talk();
    let (track, planned) = super::planned(&video, 1);
    for (number, planned) in (1..).zip(&planned.segments) {
        let bytes = segment(&video, number, 1);
        let units = units_of(&bytes, 0x100);
        assert_eq!(units.len(), planned.sample_count as usize);
        for (sample, unit) in track.samples_at(&planned.cursor).zip(&units) {
            let mut expected = b"\0\0\0\x01\x09\xf0".to_vec();
            if sample.is_sync {
                expected.extend_from_slice(b"\0\0\0\x01\x67\x64\x00\x0a\0\0\0\x01\x68\xeb");
            }
            expected.extend_from_slice(&[0, 0, 0, 1]);
            let content = &video.object[sample.offset as usize..][..sample.size_bytes as usize];
            expected.extend_from_slice(&content[4..]);
            assert_eq!(unit[19..], expected);
        }
    }
}

#[test]
fn a_receiver_gets_the_audio_with_headers() {
    let video = talk();
    let (track, planned) = super::planned(&video, 2);
    for (number, planned) in (1..).zip(&planned.segments) {
        let bytes = segment(&video, number, 4096);
        let units = units_of(&bytes, 0x101);
        let stream = units.iter().flat_map(|unit| unit[19..].to_vec());
        let mut expected = Vec::new();
        let samples = track.samples_at(&planned.cursor);
        for sample in samples.take(planned.sample_count as usize) {
            let length = sample.size_bytes + 7;
            expected.extend_from_slice(&[0xff, 0xf1, 0x4c, 0x80]);
            expected.extend_from_slice(&[(length >> 3) as u8, (length << 5) as u8 | 0x1f, 0xfc]);
            let content = &video.object[sample.offset as usize..][..sample.size_bytes as usize];
            expected.extend_from_slice(content);
        }
        assert!(stream.eq(expected));
        for unit in &units {
            assert_eq!(
                u16::from_be_bytes([unit[4], unit[5]]) as usize,
                unit.len() - 6
            );
        }
    }
}

proptest! {
    #[test]
    fn the_length_is_as_foretold(
        pictures in prop::collection::vec(0_u32..600, 1..160),
        frames in prop::collection::vec(0_u32..90, 0..300),
        piece in 1_usize..5000,
    ) {
        let video = Video::of(&[picture(&pictures), audio(&frames)]);
        for number in 1..=video.segmentation.segment_count {
            let bytes = segment(&video, number, piece);
            units_of(&bytes, 0x100);
            units_of(&bytes, 0x101);
        }
    }
}
