//! Checks of the video ranges and colours that playlists state.

use super::*;
use crate::mp4::Colour;

fn coloured(primaries: u8, transfer: u8, matrix: u8) -> TrackDescription {
    TrackDescription {
        colour: Some(Colour {
            primaries,
            transfer,
            matrix,
        }),
        ..picture()
    }
}

/// Returns VIDEO-RANGE of each variant and of each I-frame playlist; `-` where it is missing.
fn ranges(tracks: &[TrackDescription]) -> String {
    let videos: Vec<_> = tracks
        .iter()
        .map(|track| video(vec![track.clone()]))
        .collect();
    let master = hls_master(&renditions(&videos), &[], &Propagation::None);
    let lines = master.lines().filter(|line| line.contains("STREAM-INF"));
    let range = |line: &str| {
        let range = line.split("VIDEO-RANGE=").nth(1);
        range.map_or("-".to_owned(), |rest| {
            rest.split(',').next().unwrap().to_owned()
        })
    };
    lines.map(range).collect::<Vec<_>>().join(" ")
}

fn renditions(videos: &[VideoDescription]) -> Vec<Rendition<'_>> {
    let labels = [None, Some("b"), Some("c")];
    let renditions = videos.iter().zip(labels);
    renditions
        .map(|(video, label)| Rendition { label, video })
        .collect()
}

/// Returns, for each set of video, the number of its representations and the colours that it states.
fn sets(tracks: &[TrackDescription]) -> Vec<String> {
    let videos: Vec<_> = tracks
        .iter()
        .map(|track| video(vec![track.clone()]))
        .collect();
    let manifest = dash(&renditions(&videos), &[], &Propagation::None);
    dash_mpd_core::parse(&manifest).unwrap();
    let set = |set: &str| {
        let count = set.matches("<Representation").count();
        let properties = set.lines().filter_map(|line| {
            let (element, rest) = line.split_once(" schemeIdUri=\"urn:mpeg:mpegB:cicp:")?;
            let (name, value) = rest.split_once("\" value=\"")?;
            let value = value.split('"').next()?;
            Some(format!(" {}{}={value}", &element[1..2], name.split_at(1).0))
        });
        format!("{count}{}", properties.collect::<String>())
    };
    manifest.split("<AdaptationSet").skip(1).map(set).collect()
}

#[test]
fn h3_without_colours_nothing_is_said() {
    assert_eq!(ranges(&[picture()]), "- -");
    assert_eq!(ranges(&[coloured(9, 2, 9)]), "- -");
    assert_eq!(sets(&[picture()]), ["1"]);
    assert_eq!(sets(&[coloured(2, 2, 2)]), ["1"]);
}

#[test]
fn h3_the_range_is_said_of_variants_and_key_frames() {
    assert_eq!(ranges(&[coloured(9, 16, 9)]), "PQ PQ");
    assert_eq!(ranges(&[coloured(9, 18, 9)]), "HLG HLG");
    assert_eq!(ranges(&[coloured(1, 1, 1)]), "SDR SDR");
    assert_eq!(sets(&[coloured(9, 16, 9)]), ["1 SC=9 ST=16 SM=9"]);
    assert_eq!(sets(&[coloured(9, 18, 9)]), ["1 SC=9 ST=18 SM=9"]);
}

#[test]
fn h3_renditions_of_other_ranges_are_told_apart() {
    // If one has a high range, all variants state theirs; a set of DASH has one range, and PQ is essential in its set.
    let tracks = [coloured(9, 16, 9), picture(), coloured(1, 1, 1)];
    assert_eq!(ranges(&tracks), "PQ SDR SDR PQ SDR SDR");
    assert_eq!(sets(&tracks), ["1 EC=9 ET=16 EM=9", "2"]);
    // An unknown range does not split a set, and colours that differ are not stated for it.
    let tracks = [coloured(1, 1, 1), picture(), coloured(1, 6, 1)];
    assert_eq!(ranges(&tracks), "SDR - SDR SDR - SDR");
    assert_eq!(sets(&tracks), ["3"]);
    assert_eq!(
        sets(&[coloured(1, 1, 1), coloured(1, 6, 1)]),
        ["2 SC=1 SM=1"]
    );
}

#[test]
fn h3_dolby_vision_upon_another_picture_is_supplemental() {
    let track = TrackDescription {
        supplemental_codecs: Some("dvh1.08.07/db4h".to_owned()),
        ..coloured(9, 18, 9)
    };
    let video = video(vec![track]);
    let master = hls_master(&own(&video), &[], &Propagation::None);
    let supplemental = "CODECS=\"avc1.64001f\",SUPPLEMENTAL-CODECS=\"dvh1.08.07/db4h\",RESOLUTION";
    assert_eq!(master.matches(supplemental).count(), 2, "{master}");
}
