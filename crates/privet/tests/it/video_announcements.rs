//! Declarations in playlists for videos with special needs: a higher video range, roles of tracks, audio with SBR. The
//! videos are made by ffmpeg, and ffprobe reads what is made of them.

use crate::support::*;
use serde_json::Value;
use std::process::Command;
use std::time::Duration;

const MASTER: &str = "hls/master.m3u8";
const DASH: &str = "dash/manifest.mpd";

/// Asserts that each of `expected` is in a playlist of a clip.
#[track_caller]
fn check(edge: &VideoEdge, clip: &str, name: &str, expected: &[&str]) {
    let list = edge.get(clip, name).text().to_owned();
    for expected in expected {
        assert!(list.contains(expected), "{clip} {expected}: {list}");
    }
}

/// Returns one entry of each stream as ffprobe reads it from a file or a URL. A cookie carries the grant, because
/// ffprobe loses queries in manifests that have subtitles.
fn probed(input: &str, cookies: &str, entry: &str) -> Vec<String> {
    let mut command = Command::new("ffprobe");
    command.args(["-v", "error", "-of", "json", "-show_entries"]);
    command.arg(format!("stream={entry}"));
    command.args(["-headers", cookies, input]);
    let ran = run_within(&mut command, Duration::from_secs(30));
    assert!(ran.status.success(), "{input}: {}", ran.errors());
    let report: Value = serde_json::from_str(&ran.text()).unwrap();
    // Each stream also occurs in its program.
    let streams = report["streams"].as_array().unwrap().iter();
    let entries = streams.filter_map(|stream| stream[entry].as_str());
    entries.map(str::to_owned).collect()
}

/// Checks that ffprobe reads the same of the first streams of both forms as of the video itself.
#[track_caller]
fn check_probed(edge: &VideoEdge, clip: &str, entry: &str, expected: &[&str]) {
    let file = clip_file(clip);
    assert_eq!(
        probed(file.to_str().unwrap(), "", entry),
        expected,
        "{clip}"
    );
    for name in [MASTER, DASH] {
        let begun = edge.begin(clip, name, Carried::Cookie);
        let found = probed(&begun.url, &begun.cookie_header(), entry);
        assert_eq!(found[..expected.len()], *expected, "{clip} {name}");
    }
}

#[test]
fn h3_screens_of_a_higher_range_are_told() {
    let edge = VideoEdge::start();
    for (clip, range, transfer, ffmpegs) in [
        ("hdr_pq.mp4", "PQ", 16, "smpte2084"),
        ("hdr_hlg.mp4", "HLG", 18, "arib-std-b67"),
    ] {
        let master = edge.get(clip, MASTER).text().to_owned();
        let lines: Vec<&str> = master
            .lines()
            .filter(|line| line.contains("STREAM-INF"))
            .collect();
        assert_eq!(lines.len(), 2, "{master}");
        for line in lines {
            assert!(line.contains(&format!(",VIDEO-RANGE={range}")), "{line}");
        }
        let property = |name: &str, value: u8| {
            format!(
                "<SupplementalProperty schemeIdUri=\"urn:mpeg:mpegB:cicp:{name}\" value=\"{value}\"/>"
            )
        };
        let properties = [
            property("ColourPrimaries", 9),
            property("TransferCharacteristics", transfer),
            property("MatrixCoefficients", 9),
        ];
        check(
            &edge,
            clip,
            DASH,
            &properties.each_ref().map(String::as_str),
        );
        check_probed(&edge, clip, "color_transfer", &[ffmpegs]);
    }
    // In a set each rendition declares its own range; a rendition without a declaration is SDR.
    check_probed(&edge, "hdr_vp9.mp4", "color_transfer", &["smpte2084"]);
    let master = edge.get("hdr.video.json", MASTER).text().to_owned();
    let ranges: Vec<bool> = master
        .lines()
        .filter(|line| line.starts_with("#EXT-X-STREAM-INF"))
        .map(|line| line.contains(",VIDEO-RANGE=PQ"))
        .collect();
    assert_eq!(ranges, [true, false], "{master}");
    for name in [MASTER, DASH] {
        let begun = edge.begin("hdr.video.json", name, Carried::Cookie);
        let found = probed(&begun.url, &begun.cookie_header(), "codec_name");
        for codec in ["vp9", "h264", "aac"] {
            assert!(found.iter().any(|name| name == codec), "{name}: {found:?}");
        }
    }
    // An ordinary video declares no range, because its file does not declare its colours.
    let master = edge.get("brief.mp4", MASTER).text().to_owned();
    assert!(!master.contains("VIDEO-RANGE"), "{master}");
}

#[test]
fn m4_the_roles_of_tracks_are_told() {
    let edge = VideoEdge::start();
    check(
        &edge,
        "roles.mp4",
        MASTER,
        &[
            "NAME=\"English (audio description)\",DEFAULT=NO,AUTOSELECT=YES,\
             CHARACTERISTICS=\"public.accessibility.describes-video\"",
            "NAME=\"English\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS",
            "NAME=\"English (commentary)\",DEFAULT=NO,AUTOSELECT=NO,CHANNELS",
            "NAME=\"English (forced)\",DEFAULT=NO,AUTOSELECT=YES,FORCED=YES,URI",
            "NAME=\"English (captions)\",DEFAULT=NO,AUTOSELECT=YES,\
             CHARACTERISTICS=\"public.accessibility.transcribes-spoken-dialog,",
        ],
    );
    check(
        &edge,
        "roles.mp4",
        DASH,
        &[
            "<Accessibility schemeIdUri=\"urn:tva:metadata:cs:AudioPurposeCS:2007\" value=\"1\"/>\n\
             <Role schemeIdUri=\"urn:mpeg:dash:role:2011\" value=\"description\"/>",
            "value=\"main\"",
            "value=\"commentary\"",
            "value=\"forced-subtitle\"",
            "value=\"caption\"",
            "value=\"subtitle\"",
        ],
    );
    for name in [MASTER, DASH] {
        let begun = edge.begin("roles.mp4", name, Carried::Cookie);
        let kinds = probed(&begun.url, &begun.cookie_header(), "codec_type");
        let count = |kind: &str| kinds.iter().filter(|found| *found == kind).count();
        assert_eq!((count("video"), count("audio")), (1, 3), "{name}");
    }
}

/// The audio description comes first in the file, and is not what a transport stream carries.
#[test]
fn m4_a_transport_stream_has_the_main_audio() {
    let edge = VideoEdge::start();
    let file = clip_file("roles.mp4");
    let source = Ffmpeg::Five.read(file.to_str().unwrap(), &[], AudioForm::Plain);
    let begun = edge.begin("roles.mp4", "hls/ts.m3u8", Carried::Query);
    let found = Ffmpeg::Five.read(&begun.url, &[], AudioForm::Adts);
    let hash = |audio_tracks: &[Vec<Packet>], track: usize| audio_tracks[track][100].hash.clone();
    assert_eq!(hash(&found.audio_tracks, 0), hash(&source.audio_tracks, 1));
}

#[test]
fn m5_sbr_behind_the_configuration_is_announced() {
    let edge = VideoEdge::start();
    check(&edge, "he_aac.m4a", MASTER, &["CODECS=\"mp4a.40.5\""]);
    check(
        &edge,
        "he_aac.m4a",
        DASH,
        &["codecs=\"mp4a.40.5\"", "audioSamplingRate=\"48000\""],
    );
    check_probed(&edge, "he_aac.m4a", "sample_rate", &["48000"]);
}
