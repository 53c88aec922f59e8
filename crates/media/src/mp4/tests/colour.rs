//! Checks of colours: hostile parameter sets first, then those of real encoders.

use super::builder::{Video, VideoTrack, boxed, read, video_entry};
use super::numbers::Numbers;
use crate::mp4::{Colour, Track, VideoRange};

/// The expected primaries, transfer characteristics and matrix.
type Expected = Option<[u8; 3]>;
const HLG: Expected = Some([9, 18, 9]);
const PQ: Expected = Some([9, 16, 9]);
const SDR: Expected = Some([1, 1, 1]);
const NONE: Expected = None;

/// Sequence parameter sets of x264, each with its special feature.
const AVC: [(&str, &str, Expected); 8] = [
    (
        "ten bits",
        "676e000ca6cd941419f9f016a12241280000030008000003019078a14cb0",
        HLG,
    ),
    (
        "4:4:4",
        "67f4000c90d9b282833f1b80b509120940000003004000000c83c50a6580",
        HLG,
    ),
    (
        "scaling matrices",
        "6764000cacd941419f9f016a122412800000030080000019078a14cb",
        HLG,
    ),
    (
        "fields",
        "67640015acd941433f2602d4244825000003000100000300321f142996",
        HLG,
    ),
    (
        "baseline",
        "6742c00cd901419f9f016a122412800000030080000019078a1524",
        HLG,
    ),
    (
        "its own aspect ratio, and overscan",
        "6764000cacd941419f9fff00070005b509120940000003004000000c83c50a6580",
        HLG,
    ),
    (
        "no colours",
        "6764000cacd941419f9f011000000300100000030320f1429960",
        NONE,
    ),
    (
        "BT.709",
        "6764000cacd941419f9f016a020202800000030080000019078a14cb",
        SDR,
    ),
];

/// Sequence parameter sets of x265.
const HEVC: [(&str, &str, Expected); 7] = [
    (
        "a window",
        "42010102200000030090000003000003003ca00a480b9d5365959a4932bc05a84880482000000300200000030321",
        PQ,
    ),
    (
        "scaling lists",
        "42010102200000030090000003000003003ca00a080b9f6d96566924e5780b5091009040000003004000000642",
        PQ,
    ),
    (
        "4:4:4",
        "4201010408000003009c0800000300003c9001410173e56cb2b349265780b5091009040000030004000003006420",
        PQ,
    ),
    (
        "temporal layers",
        "42010202200000030090000003000003003c0000a00a080b9f6d965662b349265780b5091009040000030004000003006420",
        PQ,
    ),
    (
        "reference sets of its own",
        "42010102200000030090000003000003003ca00a080b9f6d96566924caf016a122012080000003008000000c84",
        PQ,
    ),
    (
        "no colours",
        "42010101600000030090000003000003003ca00a080b9f796566924caf016808000003000800000300c840",
        NONE,
    ),
    (
        "its own aspect ratio, and overscan",
        "42010102200000030090000003000003003ca00a080b9f6d96566924cafff00070005b5091209040000003004000000642",
        HLG,
    ),
];

/// Sequence headers of AV1, as in an `av1C`.
const AV1: [(&str, &str, Expected); 3] = [
    ("SVT-AV1", "0a0e000000043cfecc02f85091009040", PQ),
    ("no colours", "0a0b000000043cfecc02f80040", NONE),
    ("libaom", "0a0e000000043cfeccdaf91091209040", HLG),
];

fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn avc_entry(set: &[u8]) -> Vec<u8> {
    let head = [1, 0x64, 0, 0x0c, 0xff, 0xe1];
    let length = (set.len() as u16).to_be_bytes();
    video_entry(b"avc1", &boxed(b"avcC", &[&head, &length, set, &[0]]))
}

/// Makes an `hvcC` with a picture parameter set before `set`, as no order is prescribed.
fn hevc_config(set: &[u8]) -> Vec<u8> {
    let length = (set.len() as u16).to_be_bytes();
    let arrays = [
        &[2, 0xa2, 0, 1, 0, 2, 0x44, 1, 0xa1, 0, 1],
        &length[..],
        set,
    ];
    boxed(b"hvcC", &[&[1; 22], &arrays.concat()])
}

fn hevc_entry(set: &[u8]) -> Vec<u8> {
    video_entry(b"hvc1", &hevc_config(set))
}

fn av1_entry(units: &[u8]) -> Vec<u8> {
    video_entry(b"av01", &boxed(b"av1C", &[&[0x81, 0, 0x0c, 0], units]))
}

fn track(entry: Vec<u8>) -> Track {
    let mut video = Video::new(vec![VideoTrack::video(5, 5)]);
    video.tracks[0].entry = entry;
    read(&video.bytes()).unwrap().tracks.remove(0)
}

fn colour(entry: Vec<u8>) -> Expected {
    let colour = track(entry).colour?;
    Some([colour.primaries, colour.transfer, colour.matrix])
}

/// A function that puts bytes into a sample entry.
type Entry = fn(&[u8]) -> Vec<u8>;

/// Returns all vectors, each with its kind of sample entry.
fn vectors() -> impl Iterator<Item = (&'static str, Vec<u8>, Entry, Expected)> {
    let avc = AVC.map(|vector| (vector, avc_entry as Entry));
    let hevc = HEVC.map(|vector| (vector, hevc_entry as Entry));
    let av1 = AV1.map(|vector| (vector, av1_entry as Entry));
    let all = avc.into_iter().chain(hevc).chain(av1);
    all.map(|((name, hex, expected), entry)| (name, bytes(hex), entry, expected))
}

#[test]
fn h3_parameter_sets_that_are_cut_off_say_nothing_wrong() {
    for (name, set, entry, expected) in vectors() {
        for end in 0..set.len() {
            let found = colour(entry(&set[..end]));
            assert!(found.is_none() || found == expected, "{name} {end}");
        }
    }
}

#[test]
fn h3_hostile_parameter_sets_come_to_an_end() {
    let mut numbers = Numbers::new();
    for (_, set, entry, _) in vectors() {
        for _ in 0..1000 {
            let mut changed = set.clone();
            for _ in 0..=numbers.below(4) {
                let at = numbers.below(changed.len());
                changed[at] ^= 1 << numbers.below(8);
            }
            let _ = colour(entry(&changed));
        }
    }
    // Counts as large as can be coded, in the longest possible set.
    for byte in [0x00, 0xff, 0x80, 0x01, 0x55, 0x42] {
        let long = vec![byte; usize::from(u16::MAX)];
        let _ = colour(avc_entry(&long));
        let _ = colour(hevc_entry(&long));
        let _ = colour(av1_entry(&[&[0x0a, 0xff, 0xff, 3][..], &long].concat()));
    }
    for (_, set, entry, _) in vectors() {
        let long = [&set[..], &[0xaa; 65_000]].concat();
        let _ = colour(entry(&long));
    }
}

#[test]
fn h3_parameter_sets_say_the_colours() {
    for (name, set, entry, expected) in vectors() {
        assert_eq!(colour(entry(&set)), expected, "{name}");
    }
    let vp9 = [1, 0, 0, 0, 2, 0x0b, 0xa2, 9, 16, 9, 0, 0];
    let entry = video_entry(b"vp09", &boxed(b"vpcC", &[&vp9]));
    assert_eq!(colour(entry), PQ);
}

/// Makes a sample entry whose `avcC` declares HLG, with more boxes.
fn hlg_with(boxes: &[u8]) -> Vec<u8> {
    let plain = avc_entry(&bytes(AVC[0].1));
    boxed(b"avc1", &[&plain[8..], boxes])
}

#[test]
fn h3_the_sample_entry_comes_first_if_it_says_anything() {
    let nclx = |transfer: u8| boxed(b"colr", &[b"nclx", &[0, 9, 0, transfer, 0, 9, 0]]);
    assert_eq!(colour(hlg_with(&nclx(16))), PQ);
    // Unspecified, reserved beyond a byte, cut off, and a profile in place of code points.
    assert_eq!(colour(hlg_with(&nclx(2))), HLG);
    let wide = boxed(b"colr", &[b"nclx", &[0, 9, 1, 16, 0, 9, 0]]);
    assert_eq!(colour(hlg_with(&wide)), HLG);
    assert_eq!(colour(hlg_with(&boxed(b"colr", &[b"nclx", &[0, 9]]))), HLG);
    assert_eq!(colour(hlg_with(&boxed(b"colr", &[b"ncl"]))), HLG);
    let profile = boxed(b"colr", &[b"prof", &[0; 64]]);
    assert_eq!(colour(hlg_with(&profile)), HLG);
    // A profile, and code points.
    assert_eq!(colour(hlg_with(&[profile, nclx(16)].concat())), PQ);
    let quicktime = boxed(b"colr", &[b"nclc", &[0, 9, 0, 16, 0, 9]]);
    assert_eq!(colour(hlg_with(&quicktime)), PQ);
    // If nothing states the transfer characteristics, the primaries still apply.
    let plain = avc_entry(&bytes(AVC[6].1));
    let entry = boxed(b"avc1", &[&plain[8..], &nclx(2)]);
    assert_eq!(colour(entry), Some([9, 2, 9]));
}

#[test]
fn h3_ranges_are_those_of_hls() {
    let range = |transfer| {
        let colour = Colour {
            primaries: 9,
            transfer,
            matrix: 9,
        };
        colour.range()
    };
    for transfer in [0, 2, 3, 19, 255] {
        assert_eq!(range(transfer), None, "{transfer}");
    }
    for transfer in [1, 4, 6, 13, 14, 15] {
        assert_eq!(range(transfer), Some(VideoRange::Sdr), "{transfer}");
    }
    assert_eq!(range(16), Some(VideoRange::Pq));
    assert_eq!(range(18), Some(VideoRange::Hlg));
}

/// Makes an H.265 track with this name, no colours, and a Dolby Vision configuration.
fn dolby_vision(name: &[u8; 4], kind: &[u8; 4], config: &[u8]) -> Track {
    let hevc = hevc_config(&bytes(HEVC[5].1));
    track(video_entry(name, &[hevc, boxed(kind, &[config])].concat()))
}

#[test]
fn h3_dolby_vision_that_is_cut_off_is_not_announced() {
    for end in 0..5 {
        let config = &[1, 0, 0x10, 0x3d, 0x40][..end];
        let track = dolby_vision(b"hvc1", b"dvvC", config);
        assert_eq!(track.supplemental_codecs(), None, "{end}");
    }
    assert_eq!(dolby_vision(b"dvh1", b"dvcC", &[1]).codec_string(), "dvh1");
}

#[test]
fn h3_dolby_vision_plays() {
    // Profile 5 has nothing for other displays.
    let five = [1, 0, 0x0a, 0x35, 0x00];
    let track = dolby_vision(b"dvh1", b"dvcC", &five);
    assert_eq!(track.codec_string(), "dvh1.05.06");
    assert_eq!(
        track.colour.and_then(|colour| colour.range()),
        Some(VideoRange::Pq)
    );
    assert_eq!(track.supplemental_codecs(), None);
    // Parameter sets may be in the samples.
    assert_eq!(
        dolby_vision(b"dvhe", b"dvcC", &five).codec_string(),
        "dvhe.05.06"
    );
    // Profile 8.4, which phones record, is H.265 in HLG for all other decoders.
    let eight = [1, 0, 0x10, 0x3d, 0x40];
    let track = dolby_vision(b"hvc1", b"dvvC", &eight);
    assert!(track.codec_string().starts_with("hvc1."));
    let supplemental = track.supplemental_codecs();
    assert_eq!(supplemental.as_deref(), Some("dvh1.08.07/db4h"));
}
