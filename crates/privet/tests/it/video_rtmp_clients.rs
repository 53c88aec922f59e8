//! Videos over RTMP with the clients still in use: ffmpeg, rtmpdump, GStreamer's two sources, mpv and VLC (video notes,
//! 1.2, 1.3 and 8.4).

use crate::support::*;
use privet_distribution::config::ListenerProtocol;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

const STREAMS: &str = r#"
[[listeners]]
address = "127.0.0.1:0"
protocol = "rtmp"
[[streaming_distributions]]
id = "ESTREAMS"
domain_name = "stream.example.test"
aliases = ["127.0.0.1"]
distribution = "EVIDEOS"
trusted_key_groups = ["viewers"]
"#;

/// ffmpeg's options for a buffer as long as the video, so that the whole video arrives at once.
const ALL_AT_ONCE: [&str; 2] = ["-rtmp_buffer", "60000"];
/// Tolerance for times in milliseconds.
const TOLERANCE_US: i64 = 1_000;
const PATIENCE: Duration = Duration::from_secs(40);

fn start() -> VideoEdge {
    VideoEdge::configured(STREAMS)
}

fn server(edge: &VideoEdge) -> String {
    format!("rtmp://{}", edge.edge.address(&ListenerProtocol::Rtmp))
}

/// Returns the signing parameters for streams whose name matches `resource`, until `expires`.
fn grant(resource: &str, expires: u64) -> String {
    with_policy("", &canned(resource, expires))
}

/// Returns a stream name such as `mp4:clips/talk.mp4?Policy=…`.
fn name(kind: &str, clip: &str) -> String {
    format!("{kind}:clips/{clip}{}", grant("clips/*", E))
}

/// Returns the URL in the form that most players take.
fn address(edge: &VideoEdge, clip: &str) -> String {
    format!("{}/cfx/st/{}", server(edge), name("mp4", clip))
}

fn source(clip: &str) -> Reading {
    let options: &[&str] = match clip {
        // The edge also sends what the edit cuts off, because a stream begins with a key frame.
        "trimmed.mp4" => &["-ignore_editlist", "1"],
        _ => &[],
    };
    let mut reading =
        Ffmpeg::Five.read(clip_file(clip).to_str().unwrap(), options, AudioForm::Plain);
    reading.audio_tracks.truncate(1);
    // For negative composition offsets ffmpeg counts from another start than the standard does (ISO 14496-12, 8.6.1.3).
    if clip == "fragmented_sidx.mp4" {
        let frame_us = reading.pictures[0].at_us;
        for picture in &mut reading.pictures {
            picture.at_us -= frame_us;
        }
    }
    // No time in a stream is negative, so the audio that precedes time 0 all comes at 0.
    let audio_tracks = reading.audio_tracks.iter_mut().flatten();
    for packet in audio_tracks.filter(|packet| packet.at_us < 0) {
        packet.at_us = 0;
    }
    reading
}

/// Describes where a stream, or a recording of it, differs from its clip; empty when it does not.
fn compare(clip: &str, ffmpeg: Ffmpeg, input: &str, options: &[&str]) -> String {
    let expected = source(clip);
    let ran = ffmpeg.try_read(input, options, AudioForm::Plain);
    if !ran.is_clean() {
        return ran.errors();
    }
    let found = Reading::parse(&ran.text());
    let tolerance_us = if clip == "trimmed.mp4" {
        i64::MAX / 2
    } else {
        TOLERANCE_US
    };
    let mut said = difference("picture", &expected.pictures, &found.pictures, tolerance_us);
    let has_audio = clip != "pcm.mov";
    for (expected, found) in expected
        .audio_tracks
        .iter()
        .filter(|_| has_audio)
        .zip(&found.audio_tracks)
    {
        said += &difference("audio", expected, found, tolerance_us);
    }
    if has_audio && found.audio_tracks.len() != expected.audio_tracks.len() {
        said += &format!("{} tracks of audio", found.audio_tracks.len());
    }
    said
}

#[test]
fn streams_hold_the_video() {
    let edge = start();
    let mut differences = Vec::new();
    for clip in [
        "brief.mp4",
        "brief_moov_end.mp4",
        "no_b_frames.mp4",
        "open_gop.mp4",
        "all_key_frames.mp4",
        "uneven_frames.mp4",
        "ntsc.mp4",
        "rotated.mp4",
        "portrait.mp4",
        "short.mp4",
        "high_422_10.mp4",
        "ac3.mp4",
        "mp3.mp4",
        "pcm.mov",
        "three_audio_tracks.mp4",
        "subtitles.mp4",
        "audio_only.m4a",
        "picture_only.mp4",
        "late_audio.mp4",
        "trimmed.mp4",
        "fragmented.mp4",
        "fragmented_sidx.mp4",
    ] {
        for ffmpeg in [Ffmpeg::Five, Ffmpeg::Nine] {
            let said = compare(clip, ffmpeg, &address(&edge, clip), &ALL_AT_ONCE);
            if !said.is_empty() {
                differences.push(format!("{clip} {ffmpeg:?}: {said}"));
            }
        }
    }
    for (kind, clip) in [("flv", "old.flv"), ("mp3", "song.mp3")] {
        let address = format!("{}/cfx/st/{}", server(&edge), name(kind, clip));
        let said = compare(clip, Ffmpeg::Nine, &address, &ALL_AT_ONCE);
        if !said.is_empty() {
            differences.push(format!("{clip}: {said}"));
        }
    }
    assert!(differences.is_empty(), "{differences:#?}");
}

/// Each client splits the URL into application and name in its own way.
#[test]
fn every_form_of_the_address_plays() {
    let edge = start();
    let server = server(&edge);
    let grant = grant("clips/*", E);
    for form in [
        "cfx/st/&mp4:clips/rotated.mp4",
        "cfx/st/mp4:clips/rotated",
        "cfx/st/_definst_/mp4:clips/rotated.mp4",
        "clips/cfx/st/mp4:rotated.mp4",
        "cfx/st/clips/rotated.mp4",
    ] {
        let address = format!("{server}/{form}{grant}");
        let said = compare("rotated.mp4", Ffmpeg::Five, &address, &ALL_AT_ONCE);
        assert_eq!(said, "", "{form}");
    }
}

/// Runs a client that writes to `file`, and compares the file with the clip.
#[track_caller]
fn check_written(clip: &str, file: &Path, program: &str, arguments: &[&str]) {
    let mut command = Command::new(program);
    let ran = run_within(command.args(arguments), PATIENCE);
    // rtmpdump exits with 2 when the last packet begins before 99.9 % of the video, as in every short video.
    let is_well = ran.status.success() || ran.status.code() == Some(2);
    assert!(is_well, "{program} {arguments:?}: {}", ran.errors());
    let said = compare(clip, Ffmpeg::Five, file.to_str().unwrap(), &[]);
    assert_eq!(said, "", "{program} {arguments:?}");
}

#[test]
fn rtmpdump_writes_the_video() {
    let edge = start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("video.flv");
    let output = file.to_str().unwrap();
    let clip = "rotated.mp4";
    let whole = address(&edge, clip);
    for address in [&whole, &whole.replace("/mp4:", "/&mp4:")] {
        let arguments = ["-q", "-r", address, "-o", output];
        check_written(clip, &file, "rtmpdump", &arguments);
    }
    let server = server(&edge);
    // A name without a prefix is FLV.
    let old = format!("clips/old{}", grant("clips/*", E));
    for (clip, name) in [(clip, name("mp4", clip)), ("old.flv", old)] {
        let arguments = [
            "-q", "-r", &server, "-a", "cfx/st", "-y", &name, "-o", output,
        ];
        check_written(clip, &file, "rtmpdump", &arguments);
    }
}

#[test]
fn gstreamer_writes_the_video() {
    let edge = start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("video.flv");
    let location = format!("location={}", address(&edge, "rotated.mp4"));
    let sink = format!("location={}", file.display());
    let pipeline = ["-q", "rtmp2src", &location, "!", "filesink", &sink];
    check_written("rotated.mp4", &file, "gst-launch-1.0", &pipeline);
    // GStreamer's older source never ends: after the last packet it starts again with what it has in memory.
    let beginning = folder.path().join("beginning.flv");
    let sink = format!("location={}", beginning.display());
    let mut command = Command::new("gst-launch-1.0");
    command.args([
        "-q",
        "rtmpsrc",
        &location,
        "num-buffers=200",
        "!",
        "filesink",
        &sink,
    ]);
    let ran = run_within(&mut command, PATIENCE);
    assert!(ran.status.success(), "{}", ran.errors());
    let mut command = Command::new("rtmpdump");
    command
        .args(["-q", "-r", &address(&edge, "rotated.mp4"), "-o"])
        .arg(&file);
    run_within(&mut command, PATIENCE);
    let beginning = fs::read(beginning).unwrap();
    assert!(beginning.len() > 700_000 && fs::read(&file).unwrap().starts_with(&beginning));
}

/// A seek starts at the key frame before; ffmpeg decodes from there to the picture.
#[test]
fn ffmpeg_seeks_to_the_picture() {
    let edge = start();
    let target_us = 30_035_000;
    let source = source("talk.mp4");
    let wanted = source
        .pictures
        .iter()
        .find(|picture| picture.at_us >= target_us);
    for ffmpeg in [Ffmpeg::Five, Ffmpeg::Nine] {
        let mut command = Command::new(ffmpeg.program());
        command.args(["-nostdin", "-v", "error", "-ss", "30.035"]);
        command.args(["-i", &address(&edge, "talk.mp4"), "-an", "-frames:v", "1"]);
        command.args(["-f", "framehash", "-hash", "md5", "-"]);
        let ran = run_within(&mut command, PATIENCE);
        let found = Reading::parse(&ran.text());
        let found = found.pictures.first().map(|picture| &picture.hash);
        assert_eq!(
            found,
            wanted.map(|picture| &picture.hash),
            "{ffmpeg:?}: {}",
            ran.errors()
        );
    }
}

#[test]
fn mpv_plays_streams() {
    let edge = start();
    let mut player = Player::start(Program::Mpv);
    player.open(&address(&edge, "talk.mp4"));
    assert_plays(&mut player, &"mpv");
}

#[test]
fn vlc_plays_streams() {
    let edge = start();
    let mut player = Player::start(Program::Vlc);
    player.open(&address(&edge, "talk.mp4"));
    let shown = player.wait_past(2.0);
    assert!(shown.time_secs() >= 2.0, "{shown:?}");
}

/// A grant is checked when playing starts, and a seek starts it again; a stream that plays is never cut off.
#[test]
fn an_expired_grant_plays_on_but_does_not_seek() {
    let edge = start();
    let mut player = Player::start(Program::Mpv);
    player.open(&address(&edge, "talk.mp4"));
    let shown = player.wait_past(1.0);
    assert!(shown.time_secs() >= 1.0, "{shown:?}");
    edge.edge.set_clock(E + 1);
    // 8 s are beyond what the server had sent ahead by then.
    let shown = player.wait_past(8.0);
    assert!(shown.time_secs() >= 8.0 && !shown.is_broken(), "{shown:?}");
    player.seek(SEEK_TO_SECS);
    let shown = player.wait_past_within(SEEK_TO_SECS + 0.5, Duration::from_secs(5));
    assert!(shown.time_secs() < SEEK_TO_SECS + 0.5, "{shown:?}");
}

/// Asserts that ffmpeg and rtmpdump fail without a packet.
#[track_caller]
fn check_refused(edge: &VideoEdge, name: &str) {
    check_refused_by_ffmpeg(edge, name);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("video.flv");
    let mut rtmpdump = Command::new("rtmpdump");
    let server = server(edge);
    rtmpdump
        .args(["-q", "-r", &server, "-a", "cfx/st", "-y", name, "-o"])
        .arg(&file);
    let ran = run_within(&mut rtmpdump, Duration::from_secs(10));
    assert_eq!(ran.status.code(), Some(1), "{name}: {}", ran.errors());
    assert_eq!(
        fs::metadata(&file).map_or(0, |file| file.len()),
        0,
        "{name}"
    );
}

#[track_caller]
fn check_refused_by_ffmpeg(edge: &VideoEdge, name: &str) {
    let address = format!("{}/cfx/st/{name}", server(edge));
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args([
        "-nostdin",
        "-v",
        "error",
        "-i",
        &address,
        "-f",
        "framehash",
        "-",
    ]);
    let ran = run_within(&mut ffmpeg, Duration::from_secs(10));
    assert!(
        !ran.status.success() && ran.output.is_empty(),
        "{name}: {}",
        ran.errors()
    );
    assert!(
        ran.took < Duration::from_secs(5),
        "{name} took {:?}",
        ran.took
    );
}

#[test]
fn wrong_grants_are_refused() {
    let edge = start();
    let video = "mp4:clips/talk.mp4";
    check_refused(&edge, video);
    check_refused(&edge, &format!("{video}{}", grant("clips/*", X)));
    check_refused(&edge, &format!("{video}{}", grant("clips/brief*", E)));
    check_refused(&edge, &format!("{video}{}", grant("other/*", E)));
    let mut forged = grant("clips/*", E);
    forged = forged.replace("Signature=", "Signature=A");
    check_refused(&edge, &format!("{video}{forged}"));
    check_refused(&edge, "mp4:no_such.mp4");
}

/// librtmp does not know the status code for these (`NetStream.Play.FileStructureInvalid`) and waits until its timeout.
#[test]
fn videos_that_have_no_streams_are_refused() {
    let edge = start();
    for clip in [
        "hevc_hvc1.mp4",
        "vp9_opus.mp4",
        "av1_opus.mp4",
        "encrypted.mp4",
    ] {
        check_refused_by_ffmpeg(&edge, &name("mp4", clip));
    }
    check_refused(&edge, &name("mp4", "no_such.mp4"));
}

#[test]
fn hostile_files_do_no_harm_to_streams() {
    let edge = start();
    let table = fs::read_to_string(videos_folder().join("broken/expected.tsv")).unwrap();
    for line in table.lines() {
        let (file, _) = line.split_once('\t').unwrap();
        let name = format!("mp4:broken/{file}{}", grant("broken/*", E));
        let address = format!("{}/cfx/st/{name}", server(&edge));
        let mut ffmpeg = Command::new("ffmpeg");
        ffmpeg.args([
            "-nostdin",
            "-v",
            "error",
            "-rtmp_buffer",
            "60000",
            "-i",
            &address,
        ]);
        ffmpeg.args(["-c", "copy", "-t", "5", "-f", "null", "-"]);
        let ran = run_within(&mut ffmpeg, Duration::from_secs(10));
        assert!(
            ran.took < Duration::from_secs(8),
            "{file}: {}",
            ran.errors()
        );
    }
    assert_eq!(
        compare("short.mp4", Ffmpeg::Five, &address(&edge, "short.mp4"), &[]),
        ""
    );
}
