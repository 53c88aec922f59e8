//! Checks that fragmented objects are read like others.

use super::builder::{Video, VideoTrack, boxed, full_box, read, read_within};
use crate::Refusal;
use crate::mp4::{Limits, Locator, Step};

fn video() -> Video {
    Video::new(vec![VideoTrack::video(100, 25), VideoTrack::audio(100)])
}

/// Returns the position of the `number`th box of a kind.
fn find(object: &[u8], kind: &[u8; 4], number: usize) -> usize {
    let mut found = (0..object.len() - 4).filter(|at| &object[*at..at + 4] == kind);
    found.nth(number).unwrap() - 4
}

#[test]
fn a_fragment_of_no_track_is_refused() {
    let mut object = video().bytes_in_fragments(25, 0);
    let at = find(&object, b"tfhd", 0);
    object[at + 15] = 9;
    let refused = read(&object).err();
    assert_eq!(refused, Some(Refusal::Corrupt("a fragment of no track")));
}

#[test]
fn a_run_that_stands_for_too_much_is_refused() {
    let mut object = video().bytes_in_fragments(25, 0);
    let at = find(&object, b"trun", 0);
    // The run has no fields per sample, and four billion samples.
    object[at + 8..at + 16].copy_from_slice(&[0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]);
    assert_eq!(read(&object).err(), Some(Refusal::TooLarge("samples")));
    let mut object = video().bytes_in_fragments(25, 0);
    let at = find(&object, b"trun", 0);
    object[at + 15] = 26;
    assert_eq!(
        read(&object).err(),
        Some(Refusal::Corrupt("trun is too short"))
    );
    // The number of samples is within its limit, but the tables are not within that of the index.
    let run = full_box(b"trun", 0, 0, &[&1_000_000_u32.to_be_bytes()]);
    let header = full_box(b"tfhd", 0, 0x2_0000, &[&[0, 0, 0, 1]]);
    let track = boxed(b"traf", &[&header, &run, &run, &run]);
    let mut object = video().bytes_in_fragments(25, 0);
    object.extend(boxed(b"moof", &[&track]));
    let limits = Limits {
        index_size_bytes_max: 8 << 20,
        ..Limits::default()
    };
    let refused = read_within(&object, limits).err();
    assert_eq!(refused, Some(Refusal::TooLarge("index")));
}

#[test]
fn fragments_have_limits() {
    let limits = Limits {
        fragments_max: 3,
        ..Limits::default()
    };
    let refused = read_within(&video().bytes_in_fragments(25, 0), limits).err();
    assert_eq!(refused, Some(Refusal::TooLarge("fragments")));
}

#[test]
fn fragments_that_go_back_in_time_are_refused() {
    let mut object = video().bytes_in_fragments(25, 0);
    let at = find(&object, b"tfdt", 2);
    object[at + 12..at + 20].copy_from_slice(&3_u64.to_be_bytes());
    let refused = read(&object).err();
    assert_eq!(refused, Some(Refusal::Corrupt("fragments go back in time")));
}

#[test]
fn a_gap_belongs_to_the_sample_before_it() {
    let mut object = video().bytes_in_fragments(50, 0);
    let at = find(&object, b"tfdt", 2);
    object[at + 12..at + 20].copy_from_slice(&60_u64.to_be_bytes());
    let index = read(&object).unwrap();
    let samples: Vec<_> = index.tracks[0].samples().collect();
    assert_eq!((samples[49].decode_time, samples[49].duration), (49, 11));
    assert_eq!((samples[50].decode_time, samples[50].duration), (60, 1));
}

#[test]
fn a_recording_begins_with_its_first_fragment() {
    let index = read(&video().bytes_in_fragments(25, 1_000_000)).unwrap();
    assert_eq!(index.duration().as_secs(), 4);
    assert_eq!(index.tracks[0].edit.delay, 0);
    // Audio that begins half a second later keeps that delay.
    let mut object = video().bytes_in_fragments(200, 1_000);
    let at = find(&object, b"tfdt", 1);
    let later = 1_000 * 51_200_u64 + 25_600;
    object[at + 12..at + 20].copy_from_slice(&later.to_be_bytes());
    assert_eq!(read(&object).unwrap().tracks[1].edit.delay, 25_600);
}

#[test]
fn a_recording_that_was_cut_off_is_good_up_to_its_last_whole_fragment() {
    let object = video().bytes_in_fragments(25, 0);
    let last = find(&object, b"moof", 3);
    for end in [
        object.len() - 1,
        last + 200,
        last + 30,
        last + 9,
        last + 3,
        last,
    ] {
        let index = read(&object[..end]).unwrap();
        assert_eq!(index.tracks[0].sample_count, 75, "{end}");
        assert_eq!(index.duration().as_secs(), 3);
    }
    let first = find(&object, b"moof", 0);
    assert_eq!(read(&object[..first + 99]).err(), Some(Refusal::NoTrack));
}

#[test]
fn each_fragment_costs_one_read() {
    let mut video = video();
    for sample in &mut video.tracks[0].samples {
        sample.size_bytes = 20_000;
    }
    let object = video.bytes_in_fragments(25, 0);
    let mut locator = Locator::new(object.len() as u64, Limits::default());
    let mut reads = 0;
    while let Step::Read(range) = locator.step() {
        let bytes = &object[range.start as usize..range.end as usize];
        locator.supply(bytes).unwrap();
        reads += 1;
    }
    // The first one is read with the index.
    assert_eq!(
        reads,
        object.windows(4).filter(|window| window == b"moof").count()
    );
    assert_eq!(locator.finish().unwrap().tracks[0].sample_count, 100);
}

#[test]
fn samples_in_the_index_come_first() {
    let in_fragments = video().bytes_in_fragments(100, 4);
    let extends_at = find(&in_fragments, b"mvex", 0);
    let moov_end = 20 + usize::from(in_fragments[22]) * 256 + usize::from(in_fragments[23]);
    let extends = &in_fragments[extends_at..moov_end];
    // The index of a plain object, with the box that announces fragments, and fragments.
    let mut object = video().bytes();
    let at = find(&object, b"moov", 0);
    let size = (object.len() - at + extends.len()) as u32;
    object[at..at + 4].copy_from_slice(&size.to_be_bytes());
    object.extend(extends);
    object.extend(&in_fragments[moov_end..]);
    let index = read(&object).unwrap();
    assert_eq!(index.tracks[0].sample_count, 200);
    assert_eq!(index.tracks[1].sample_count, 200);
    assert_eq!(index.duration().as_secs(), 8);
}
