//! Comparisons with other readers: they find the same samples in objects that ffmpeg wrote.

use mp4_atom::{Codec as AtomCodec, Decode, Header, Moov, StszSamples};
use shiguredo_mp4::demux::{Fmp4FileDemuxer, Input, Mp4FileDemuxer};

use super::builder::read;
use crate::mp4::{Sample, Track};

/// One second of H.264 with reordered frames, and of AAC, with the index first.
const WHOLE: &[u8] = include_bytes!("../../../tests-data/small.mp4");

/// The same in fragments of one group of pictures.
const IN_FRAGMENTS: &[u8] = include_bytes!("../../../tests-data/small_fragments.mp4");

/// A sample as all readers report it: offset, size, decode time, duration, and true for a key frame.
type Found = (u64, u32, u64, u32, bool);

fn ours(track: &Track) -> Vec<Found> {
    let found = |sample: Sample| {
        (
            sample.offset,
            sample.size_bytes,
            sample.decode_time,
            sample.duration,
            sample.is_sync,
        )
    };
    track.samples().map(found).collect()
}

/// Returns the samples that the other reader finds, for each of two tracks.
macro_rules! theirs {
    ($demuxer:expr, $object:expr) => {{
        let mut demuxer = $demuxer;
        let mut tracks = [Vec::new(), Vec::new()];
        loop {
            while let Some(required) = demuxer.required_input() {
                let position = required.position as usize;
                let rest: &[u8] = &$object[position..];
                demuxer.handle_input(Input {
                    position: required.position,
                    data: &rest[..required.size.unwrap_or(rest.len()).min(rest.len())],
                });
            }
            let Some(sample) = demuxer.next_sample().unwrap() else {
                break;
            };
            tracks[sample.track.track_id as usize - 1].push((
                sample.data_offset,
                sample.data_size as u32,
                sample.timestamp,
                sample.duration,
                sample.keyframe,
            ));
        }
        tracks
    }};
}

#[test]
fn the_samples_are_those_that_another_reader_finds() {
    let index = read(WHOLE).unwrap();
    let found: [Vec<Found>; 2] = theirs!(Mp4FileDemuxer::new(), WHOLE);
    assert_eq!([ours(&index.tracks[0]), ours(&index.tracks[1])], found);
    assert_eq!(found[0].len(), 12);
}

#[test]
fn the_samples_in_fragments_are_those_that_another_reader_finds() {
    let index = read(IN_FRAGMENTS).unwrap();
    let found: [Vec<Found>; 2] = theirs!(Fmp4FileDemuxer::new(), IN_FRAGMENTS);
    assert_eq!([ours(&index.tracks[0]), ours(&index.tracks[1])], found);
    assert_eq!(found[0].len(), 12);
}

#[test]
fn the_boxes_say_what_another_reader_reads() {
    let at = WHOLE.windows(4).position(|window| window == b"moov");
    let mut bytes = &WHOLE[at.unwrap() - 4..];
    let header = Header::decode(&mut bytes).unwrap();
    let mut payload = &bytes[..header.size.unwrap()];
    let movie = <Moov as mp4_atom::Atom>::decode_body(&mut payload).unwrap();
    let index = read(WHOLE).unwrap();
    assert_eq!(movie.trak.len(), index.tracks.len());
    for (theirs, ours) in movie.trak.iter().zip(&index.tracks) {
        assert_eq!(theirs.tkhd.track_id, ours.id);
        assert_eq!(theirs.mdia.mdhd.timescale, ours.timescale);
        assert_eq!(Some(theirs.mdia.hdlr.name.clone()), ours.name);
        let edit = &theirs.edts.as_ref().unwrap().elst.as_ref().unwrap().entries[0];
        assert_eq!(edit.media_time, Some(ours.edit.media_start));
        let tables = &theirs.mdia.minf.stbl;
        let StszSamples::Different { sizes } = &tables.stsz.samples else {
            panic!("{tables:?}");
        };
        let ours_sizes: Vec<u32> = ours.samples().map(|sample| sample.size_bytes).collect();
        assert_eq!(sizes, &ours_sizes);
        let offsets = tables.ctts.iter().flat_map(|table| &table.entries);
        let offsets: Vec<i64> = offsets
            .flat_map(|entry| vec![entry.sample_offset; entry.sample_count as usize])
            .collect();
        if !offsets.is_empty() {
            let ours_offsets = ours
                .samples()
                .map(|sample| i64::from(sample.composition_offset));
            assert_eq!(offsets, ours_offsets.collect::<Vec<_>>());
        }
        check_entry(&tables.stsd.codecs[0], ours);
    }
}

fn check_entry(theirs: &AtomCodec, ours: &Track) {
    if let AtomCodec::Avc1(entry) = theirs {
        let config = &entry.avcc;
        let profile = config.avc_profile_indication;
        let (constraints, level) = (config.profile_compatibility, config.avc_level_indication);
        let string = format!("avc1.{profile:02x}{constraints:02x}{level:02x}");
        assert_eq!(ours.codec_string(), string);
        assert_eq!(u32::from(entry.visual.width), ours.width);
        assert_eq!(u32::from(entry.visual.height), ours.height);
    } else if let AtomCodec::Mp4a(entry) = theirs {
        assert_eq!(ours.codec_string(), "mp4a.40.2");
        // The entry states two channels where there are fewer; the configuration applies.
        assert_eq!((entry.audio.channel_count, ours.channels), (2, 1));
        assert_eq!(
            u32::from(entry.audio.sample_rate.integer()),
            ours.sample_rate
        );
    } else {
        panic!("{theirs:?}");
    }
}
