//! Objects with false contents: each is refused with the reason.

use super::builder::{Video, VideoTrack, boxed, full_box, read, read_within};
use crate::Refusal;
use crate::mp4::Limits;

/// Returns an object with the index at its end, in which one box of the first track is replaced.
fn with_box(kind: &[u8; 4], replacement: &[u8]) -> Vec<u8> {
    replace(&video().bytes(), kind, replacement)
}

fn video() -> Video {
    Video::new(vec![VideoTrack::video(50, 25), VideoTrack::audio(100)])
}

/// Boxes whose size changes with their contents.
const CONTAINERS: [&[u8; 4]; 8] = [
    b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"mvex", b"stsd",
];

/// Replaces the first box of a kind, which precedes all others of that kind in the object.
fn replace(object: &[u8], kind: &[u8; 4], replacement: &[u8]) -> Vec<u8> {
    let position = |from: usize, kind: &[u8; 4]| {
        object[from..]
            .windows(4)
            .position(|window| window == kind)
            .map(|at| from + at - 4)
    };
    let size = |at: usize| u32::from_be_bytes(object[at..at + 4].try_into().unwrap()) as usize;
    let index = position(0, b"moov").unwrap();
    let at = position(index, kind).unwrap();
    let end = at + size(at);
    let mut changed = [&object[..at], replacement, &object[end..]].concat();
    for container in CONTAINERS {
        let mut from = index;
        while let Some(found) = position(from, container).filter(|found| *found < at) {
            if found + size(found) >= end {
                let new = (size(found) + replacement.len() - (end - at)) as u32;
                changed[found..found + 4].copy_from_slice(&new.to_be_bytes());
            }
            from = found + 8;
        }
    }
    changed
}

fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn check(object: &[u8], expected: Refusal) {
    assert_eq!(read(object).err(), Some(expected));
}

fn check_table(kind: &[u8; 4], table: &[u32], expected: Refusal) {
    let replacement = full_box(kind, 0, 0, &[&words(table)]);
    check(&with_box(kind, &replacement), expected);
}

#[test]
fn what_is_no_video_is_none() {
    check(b"", Refusal::NotAVideo);
    check(b"seven b", Refusal::NotAVideo);
    check(b"<html>not a video</html> and so on", Refusal::NotAVideo);
    check(&boxed(b"ftyp", &[b"isom"]), Refusal::NotAVideo);
    check(&boxed(b"mdat", &[&[0; 40]]), Refusal::NotAVideo);
}

#[test]
fn boxes_that_do_not_fit_are_refused() {
    let whole = video().bytes();
    check(&whole[..whole.len() - 1], Refusal::Truncated);
    check(&whole[..60], Refusal::Truncated);
    let first = video().bytes_with_index_first();
    let mut short = first.clone();
    short[20..24].copy_from_slice(&[0, 0, 0, 4]);
    check(&short, Refusal::Corrupt("a box shorter than its header"));
    let mut long = first.clone();
    long[20..24].copy_from_slice(&[0xff, 0xff, 0xff, 0xf0]);
    check(&long, Refusal::Truncated);
    let mut longest = first[..20].to_vec();
    longest.extend([0, 0, 0, 1]);
    longest.extend(b"free");
    longest.extend((u64::MAX - 7).to_be_bytes());
    longest.extend(&first[20..]);
    check(&longest, Refusal::Truncated);
}

#[test]
fn a_deep_nest_is_walked_flat() {
    let mut nest = Vec::new();
    for depth in (1..=100_000_u32).rev() {
        nest.extend((depth * 8).to_be_bytes());
        nest.extend(b"trak");
    }
    let object = [video().bytes()[..20].to_vec(), boxed(b"moov", &[&nest])].concat();
    check(&object, Refusal::Corrupt("no mvhd"));
}

#[test]
fn samples_beyond_the_limits_are_refused() {
    // Twenty bytes that stand for four billion samples.
    check_table(b"stsz", &[1, u32::MAX], Refusal::TooLarge("samples"));
    check_table(b"stts", &[1, 50, u32::MAX], Refusal::TooLarge("duration"));
    let limits = Limits {
        tracks_max: 1,
        ..Limits::default()
    };
    let refused = read_within(&video().bytes(), limits).err();
    assert_eq!(refused, Some(Refusal::TooLarge("tracks")));
    let limits = Limits {
        index_size_bytes_max: 500,
        ..Limits::default()
    };
    let refused = read_within(&video().bytes(), limits).err();
    assert_eq!(refused, Some(Refusal::TooLarge("index")));
    let limits = Limits {
        boxes_max: 2,
        ..Limits::default()
    };
    let refused = read_within(&video().bytes(), limits).err();
    assert_eq!(refused, Some(Refusal::TooLarge("boxes before the index")));
}

#[test]
fn tables_that_contradict_each_other_are_refused() {
    let other = Refusal::Corrupt("stts counts other samples than stsz");
    check_table(b"stts", &[1, u32::MAX, 1], other);
    check_table(b"stts", &[1, 49, 1], other);
    check_table(
        b"stts",
        &[1, 50, 0],
        Refusal::Corrupt("stts has no duration"),
    );
    let longer = Refusal::Corrupt("a table longer than its box");
    check_table(b"stts", &[u32::MAX, 50, 1], longer);
    check_table(b"stsz", &[0, 51], Refusal::Corrupt("stsz is too short"));
    let first = Refusal::Corrupt("stsc does not begin with chunk 1");
    check_table(b"stsc", &[1, 0, 5, 1], first);
    check_table(b"stsc", &[2, 5, 1, 1, 1, 1, 1], first);
    check_table(
        b"stsc",
        &[1, 1, 0, 1],
        Refusal::Corrupt("stsc has a chunk without samples"),
    );
    check_table(
        b"stsc",
        &[1, 1, 5, 2],
        Refusal::Corrupt("stsc names no sample description"),
    );
    let more = Refusal::Corrupt("stsc has more samples than stsz");
    check_table(b"stsc", &[1, 1, u32::MAX, 1], more);
    check_table(
        b"stsc",
        &[1, 1, 4, 1],
        Refusal::Corrupt("stsc has fewer samples than stsz"),
    );
    let no_chunk = Refusal::Corrupt("stsc names no chunk");
    check_table(b"stsc", &[2, 1, 5, 1, 12, 5, 1], no_chunk);
    check_table(b"stsc", &[2, 1, 5, 1, 1, 5, 1], no_chunk);
}

#[test]
fn samples_outside_the_media_are_refused() {
    let chunks = |offset: u32| [vec![10], vec![offset; 10]].concat();
    let beyond = Refusal::Corrupt("samples beyond the end of the object");
    check_table(b"stco", &chunks(0xffff_fff0), beyond);
    let index = video().bytes().len() as u32 - 100;
    check_table(
        b"stco",
        &chunks(index - 500),
        Refusal::Corrupt("samples within the index"),
    );
    // A small object whose video would be much larger than itself.
    let large = full_box(b"stsz", 0, 0, &[&words(&[900, 50])]);
    let object = replace(
        &with_box(b"stsz", &large),
        b"stco",
        &full_box(b"stco", 0, 0, &[&words(&chunks(28))]),
    );
    check(
        &object,
        Refusal::Corrupt("more samples than the object has bytes"),
    );
}

#[test]
fn key_frames_that_are_none_are_refused() {
    check_table(
        b"stss",
        &[0],
        Refusal::Unsupported("video track without a key frame"),
    );
    let none = Refusal::Corrupt("stss names no sample");
    check_table(b"stss", &[2, 1, 99_999_999], none);
    check_table(b"stss", &[2, 5, 5], none);
    check_table(b"stss", &[1, 0], none);
}

#[test]
fn times_without_a_scale_are_refused() {
    let mut video = video();
    video.movie_timescale = 0;
    check(&video.bytes(), Refusal::Corrupt("timescale 0"));
    video.movie_timescale = 1000;
    video.tracks[0].timescale = 0;
    check(&video.bytes(), Refusal::Corrupt("timescale 0"));
}

#[test]
fn what_is_encrypted_is_refused_by_name() {
    for name in [b"encv", b"enca"] {
        let mut video = video();
        let track = usize::from(name == b"enca");
        video.tracks[track].entry[4..8].copy_from_slice(name);
        check(&video.bytes(), Refusal::Encrypted);
    }
    let mut video = video();
    let protection = boxed(b"sinf", &[&boxed(b"frma", &[b"avc1"])]);
    let entry = [&video.tracks[0].entry[8..], &protection].concat();
    video.tracks[0].entry = boxed(b"avc1", &[&entry]);
    check(&video.bytes(), Refusal::Encrypted);
}

#[test]
fn sample_entries_that_say_too_little_are_refused() {
    let missing = Refusal::Corrupt("no decoder configuration");
    for (kind, other) in [(b"avcC", b"avcX"), (b"esds", b"esdX")] {
        let mut object = video().bytes();
        let at = object.windows(4).position(|window| window == kind).unwrap();
        object[at..at + 4].copy_from_slice(other);
        check(&object, missing);
    }
    let two = full_box(b"stsd", 0, 0, &[&[0, 0, 0, 2], &video().tracks[0].entry]);
    check(
        &with_box(b"stsd", &two),
        Refusal::Unsupported("several sample descriptions"),
    );
    let none = full_box(b"stsd", 0, 0, &[&[0; 4]]);
    check(
        &with_box(b"stsd", &none),
        Refusal::Corrupt("stsd without a sample entry"),
    );
    let mut unknown = video();
    unknown.tracks[0].entry[4..8].copy_from_slice(b"mp4v");
    check(
        &unknown.bytes(),
        Refusal::Unsupported("codec of the video track"),
    );
    let mut unknown = Video::new(vec![VideoTrack::audio(10)]);
    unknown.tracks[0].entry[4..8].copy_from_slice(b"sowt");
    check(&unknown.bytes(), Refusal::NoTrack);
}

#[test]
fn edits_that_cannot_be_repackaged_are_refused_by_name() {
    let several = Refusal::Unsupported("more than one edit");
    let outside = Refusal::Corrupt("an edit outside the media");
    let cases: [(&[(u32, i32)], Refusal); 4] = [
        (&[(500, 0), (500, 25)], several),
        (
            &[(500, -1)],
            Refusal::Unsupported("an edit list without media"),
        ),
        (&[(0, i32::MAX)], outside),
        (&[(u32::MAX, -1), (0, 0)], Refusal::TooLarge("duration")),
    ];
    for (edits, expected) in cases {
        let mut video = video();
        video.tracks[0].edits = edits.to_vec();
        check(&video.bytes(), expected);
    }
    let fast = full_box(b"elst", 0, 0, &[&words(&[1, 0, 0, 2 << 16])]);
    let fast = boxed(b"edts", &[&fast]);
    let mut edited = video();
    edited.tracks[0].edits = vec![(0, 0)];
    let object = replace(&edited.bytes(), b"edts", &fast);
    check(&object, Refusal::Unsupported("an edit with another rate"));
}
