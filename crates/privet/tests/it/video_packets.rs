//! Everything made of a video holds the same pictures and the same audio at the same times as the video, as read by two
//! generations of ffmpeg (video notes, 2.2 and 8.2).

use crate::support::*;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// A format in which a video is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Hls,
    Ts,
    Dash,
}

impl Form {
    fn name(self) -> &'static str {
        match self {
            Form::Hls => "hls/master.m3u8",
            Form::Ts => "hls/ts.m3u8",
            Form::Dash => "dash/manifest.mpd",
        }
    }
}

/// The part of a clip that a form carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holds {
    /// Its video track, if it has one, and the first so many of its audio tracks.
    AudioTracks(usize),
    /// Nothing: the request is refused.
    Nothing,
}
use Holds::{AudioTracks, Nothing};

/// Each clip, with what HLS and DASH segments carry of it and what a transport stream carries.
const CLIPS: [(&str, Holds, Holds); 32] = [
    ("brief.mp4", AudioTracks(1), AudioTracks(1)),
    ("brief_moov_end.mp4", AudioTracks(1), AudioTracks(1)),
    ("no_b_frames.mp4", AudioTracks(1), AudioTracks(1)),
    ("open_gop.mp4", AudioTracks(1), AudioTracks(1)),
    ("one_key_frame.mp4", AudioTracks(1), AudioTracks(1)),
    ("all_key_frames.mp4", AudioTracks(0), AudioTracks(0)),
    ("uneven_frames.mp4", AudioTracks(1), AudioTracks(1)),
    ("ntsc.mp4", AudioTracks(1), AudioTracks(1)),
    ("rotated.mp4", AudioTracks(1), AudioTracks(1)),
    ("portrait.mp4", AudioTracks(0), AudioTracks(0)),
    ("short.mp4", AudioTracks(1), AudioTracks(1)),
    ("hevc_hvc1.mp4", AudioTracks(1), Nothing),
    ("hevc_hev1.mp4", AudioTracks(1), Nothing),
    ("vp9_opus.mp4", AudioTracks(1), Nothing),
    ("av1_opus.mp4", AudioTracks(1), Nothing),
    ("high_422_10.mp4", AudioTracks(0), AudioTracks(0)),
    ("hdr_pq.mp4", AudioTracks(0), Nothing),
    ("hdr_hlg.mp4", AudioTracks(0), AudioTracks(0)),
    ("hdr_vp9.mp4", AudioTracks(1), Nothing),
    ("he_aac.m4a", AudioTracks(1), Nothing),
    ("ac3.mp4", AudioTracks(2), AudioTracks(1)),
    // Players refuse MP3 in fragments, so it is carried in a transport stream only.
    ("mp3.mp4", AudioTracks(0), AudioTracks(1)),
    ("pcm.mov", AudioTracks(0), AudioTracks(0)),
    ("three_audio_tracks.mp4", AudioTracks(3), AudioTracks(1)),
    ("subtitles.mp4", AudioTracks(1), AudioTracks(1)),
    ("audio_only.m4a", AudioTracks(1), Nothing),
    ("picture_only.mp4", AudioTracks(0), AudioTracks(0)),
    ("late_audio.mp4", AudioTracks(1), AudioTracks(1)),
    ("trimmed.mp4", AudioTracks(1), AudioTracks(1)),
    ("fragmented.mp4", AudioTracks(1), AudioTracks(1)),
    ("fragmented_sidx.mp4", AudioTracks(1), AudioTracks(1)),
    ("name with spaces é.mp4", AudioTracks(1), AudioTracks(1)),
];

/// Tolerance for the resolution of the 90 kHz clock.
const TS_TOLERANCE_US: i64 = 12;
/// Tolerance for rounding times to microseconds.
const FRAGMENT_TOLERANCE_US: i64 = 1;

/// Reads the source with ffmpeg, as far as the form carries it.
fn source(clip: &str, audio_tracks: usize) -> Reading {
    let file = clip_file(clip);
    // An edit that begins inside a group of pictures breaks players, so what it cuts off is shown.
    let options: &[&str] = match clip {
        "trimmed.mp4" => &["-ignore_editlist", "1"],
        _ => &[],
    };
    let file = file.to_str().unwrap();
    let mut reading = Ffmpeg::Five.read(file, options, AudioForm::Plain);
    reading.audio_tracks.truncate(audio_tracks);
    reading
}

/// Recognizes differences that ffmpeg itself causes: it reads its own playlists in the same way.
fn is_ffmpegs_own(clip: &str, form: Form, ffmpeg: Ffmpeg) -> bool {
    match (form, ffmpeg) {
        // ffmpeg 5 leaves out the last packet of a track.
        (Form::Dash, Ffmpeg::Five) => true,
        // ffmpeg 9 reads a video of one segment twice.
        (Form::Dash, Ffmpeg::Nine) => clip == "short.mp4",
        (Form::Hls | Form::Ts, Ffmpeg::Five | Ffmpeg::Nine) => false,
    }
}

/// Cuts off what ffmpeg 5 leaves out or ffmpeg 9 repeats.
fn without_ffmpegs_own(expected: &[Packet], found: &[Packet]) -> (Vec<Packet>, Vec<Packet>) {
    assert!(
        found.len() + 1 >= expected.len(),
        "more than the last one is missing"
    );
    // Without the last packet, the pictures at the end differ as well.
    let length = found.len().min(expected.len()).saturating_sub(2);
    (expected[..length].to_vec(), found[..length].to_vec())
}

/// Describes where the video as read differs from the source; empty when it does not.
fn compare(edge: &VideoEdge, clip: &str, form: Form, ffmpeg: Ffmpeg, expected: &Reading) -> String {
    let is_mp3 = clip == "mp3.mp4";
    let audio = match form {
        Form::Ts if !is_mp3 => AudioForm::Adts,
        Form::Ts | Form::Hls | Form::Dash => AudioForm::Plain,
    };
    // ffmpeg 5 puts the URL of subtitles into its copy of a manifest without escaping it, and fails on the query.
    let carried = match (clip, form) {
        ("subtitles.mp4" | "remote/broken.video.json", Form::Dash) => Carried::Cookie,
        _ => Carried::Query,
    };
    let begun = edge.begin(clip, form.name(), carried);
    let ran = ffmpeg.try_read(&begun.url, &["-headers", &begun.cookie_header()], audio);
    if !ran.is_clean() {
        return ran.errors();
    }
    let mut found = Reading::parse(&ran.text());
    let tolerance_us = match form {
        // A transport stream has a clock of its own, which begins at any value.
        Form::Ts => {
            let begins_later_us = found.begins_at_us() - expected.begins_at_us();
            found = found.counted_from(begins_later_us);
            TS_TOLERANCE_US
        }
        Form::Hls | Form::Dash => FRAGMENT_TOLERANCE_US,
    };
    // For negative composition offsets ffmpeg counts from another start than the standard does (ISO 14496-12, 8.6.1.3).
    if clip == "fragmented_sidx.mp4" && form == Form::Ts {
        let frame_us = expected.pictures[0].at_us - found.pictures[0].at_us;
        for picture in &mut found.pictures {
            picture.at_us += frame_us;
        }
    }
    // The part that the edit cut off is shown, so times are not compared.
    let tolerance_us = if clip == "trimmed.mp4" {
        i64::MAX / 2
    } else {
        tolerance_us
    };
    if found.audio_tracks.len() != expected.audio_tracks.len() {
        return format!("{} tracks of audio", found.audio_tracks.len());
    }
    let streams = std::iter::once(("picture", &expected.pictures, &found.pictures));
    let audio_tracks = expected.audio_tracks.iter().zip(&found.audio_tracks);
    let streams = streams.chain(audio_tracks.map(|(expected, found)| ("audio", expected, found)));
    streams
        .map(|(name, expected, found)| {
            if is_ffmpegs_own(clip, form, ffmpeg) {
                let (expected, found) = without_ffmpegs_own(expected, found);
                difference(name, &expected, &found, tolerance_us)
            } else {
                difference(name, expected, found, tolerance_us)
            }
        })
        .collect()
}

#[track_caller]
fn check(form: Form) {
    let edge = VideoEdge::start();
    let mut differences = Vec::new();
    for (clip, in_fragments, in_ts) in CLIPS {
        let holds = match form {
            Form::Hls | Form::Dash => in_fragments,
            Form::Ts => in_ts,
        };
        match holds {
            Nothing => assert_eq!(edge.get(clip, form.name()).status(), 422, "{clip} {form:?}"),
            AudioTracks(audio_tracks) => {
                let expected = source(clip, audio_tracks);
                for ffmpeg in [Ffmpeg::Five, Ffmpeg::Nine] {
                    let said = compare(&edge, clip, form, ffmpeg, &expected);
                    if !said.is_empty() {
                        differences.push(format!("{clip} {form:?} {ffmpeg:?}: {said}"));
                    }
                }
            }
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

#[test]
fn fragments_hold_the_video() {
    check(Form::Hls);
}

#[test]
fn transport_streams_hold_the_video() {
    check(Form::Ts);
}

#[test]
fn manifests_lead_to_the_video() {
    check(Form::Dash);
}

/// A video served without a length, and a set whose subtitles cannot be read, are served as the object is.
#[test]
fn videos_of_other_servers_hold_the_video() {
    let origin = video_origin();
    let edge = VideoEdge::with_origin(&origin);
    let expected = source("talk.mp4", 1);
    for (clip, form) in [
        ("remote/chunked.mp4", Form::Hls),
        ("remote/chunked.mp4", Form::Ts),
        ("remote/chunked.mp4", Form::Dash),
        ("remote/broken.video.json", Form::Hls),
        ("remote/broken.video.json", Form::Dash),
    ] {
        for ffmpeg in [Ffmpeg::Five, Ffmpeg::Nine] {
            let said = compare(&edge, clip, form, ffmpeg, &expected);
            assert_eq!(said, "", "{clip} {form:?} {ffmpeg:?}");
        }
    }
    edge.assert_nothing_refused();
}

/// Encrypted media is refused by name; an object that is no mp4 has no other forms.
#[test]
fn what_is_no_video_has_no_forms() {
    let edge = VideoEdge::start();
    for form in [Form::Hls, Form::Ts, Form::Dash] {
        let answer = edge.get("encrypted.mp4", form.name());
        assert_eq!(answer.status(), 422);
        assert!(answer.text().contains("encrypted"), "{}", answer.text());
        for clip in ["vp9_opus.webm", "subtitles.srt", "no_such.mp4"] {
            assert_eq!(edge.get(clip, form.name()).status(), 404, "{clip} {form:?}");
        }
    }
}

/// Each track by itself: its own playlist plays as well as the master playlist.
#[test]
fn tracks_play_by_themselves() {
    let edge = VideoEdge::start();
    let source = source("three_audio_tracks.mp4", 3);
    for (track, expected) in (2..).zip(&source.audio_tracks) {
        let url = edge
            .begin(
                "three_audio_tracks.mp4",
                &format!("hls/t{track}/media.m3u8"),
                Carried::Query,
            )
            .url;
        let found = Ffmpeg::Nine.read(&url, &[], AudioForm::Plain);
        let said = difference(
            "audio",
            expected,
            &found.audio_tracks[0],
            FRAGMENT_TOLERANCE_US,
        );
        assert_eq!(said, "", "track {track}");
    }
}

/// Recognizes what an ffmpeg cannot do with any server's playlists.
fn is_beyond(form: Form, carried: Carried, ffmpeg: Ffmpeg) -> bool {
    match (form, carried, ffmpeg) {
        // ffmpeg 5 loses the init segment when it seeks.
        (Form::Hls, _, Ffmpeg::Five) => true,
        // ffmpeg resolves the names in a manifest against the URL it requested, not against the one it was redirected
        // to.
        (Form::Dash, Carried::PathToken, Ffmpeg::Five | Ffmpeg::Nine) => true,
        (Form::Hls | Form::Ts | Form::Dash, _, Ffmpeg::Five | Ffmpeg::Nine) => false,
    }
}

/// A seek lands on the picture that is shown at that time, whatever carries the grant.
#[test]
fn ffmpeg_seeks_to_the_picture() {
    let edge = VideoEdge::start();
    let source = source("talk.mp4", 1);
    // A time between two pictures, further from the next one than the audio starts before zero.
    let target_us = 30_035_000;
    let wanted = source
        .pictures
        .iter()
        .find(|picture| picture.at_us >= target_us);
    for form in [Form::Hls, Form::Ts, Form::Dash] {
        for carried in [
            Carried::Query,
            Carried::VideoQuery,
            Carried::PathToken,
            Carried::Cookie,
        ] {
            for ffmpeg in [Ffmpeg::Five, Ffmpeg::Nine] {
                let begun = edge.begin("talk.mp4", form.name(), carried);
                if is_beyond(form, carried, ffmpeg) {
                    continue;
                }
                let mut command = Command::new(ffmpeg.program());
                command.args(["-nostdin", "-v", "error"]);
                command.args(["-headers", &begun.cookie_header()]);
                command.args(["-ss", "30.035", "-i", &begun.url, "-an", "-frames:v", "1"]);
                command.args(["-f", "framehash", "-hash", "md5", "-"]);
                let ran = run_within(&mut command, Duration::from_secs(20));
                let case = format!("{form:?} {carried:?} {ffmpeg:?}");
                let found = Reading::parse(&ran.text());
                let found = found.pictures.first().map(|picture| &picture.hash);
                assert_eq!(
                    found,
                    wanted.map(|picture| &picture.hash),
                    "{case}: {}",
                    ran.errors()
                );
            }
        }
    }
    edge.assert_nothing_refused();
}

/// The rotation that a phone writes into a video is included.
#[test]
fn mediainfo_finds_in_segments_what_it_finds_in_the_video() {
    let edge = VideoEdge::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("segment");
    for clip in ["rotated.mp4", "portrait.mp4", "hevc_hvc1.mp4", "brief.mp4"] {
        let names = ["hls/t1/init.mp4", "hls/t1/1.m4s"];
        let bytes = names.map(|name| edge.get(clip, name).body);
        fs::write(&file, bytes.concat()).unwrap();
        assert_eq!(mediainfo(&file), mediainfo(&clip_file(clip)), "{clip}");
    }
    // A transport stream has no field for a rotation.
    fs::write(&file, edge.get("brief.mp4", "hls/ts/1.ts").body).unwrap();
    assert_eq!(mediainfo(&file).trim(), "AVC|640|360||1.000");
}

fn mediainfo(file: &Path) -> String {
    let mut command = Command::new("mediainfo");
    command.arg("--Output=Video;%Format%|%Width%|%Height%|%Rotation%|%PixelAspectRatio%");
    let ran = run_within(command.arg(file), Duration::from_secs(10));
    assert!(ran.status.success(), "{}", ran.errors());
    ran.text()
}
