//! Runs `privet video check`.

use crate::cli::Folder;
use crate::support::MadeVideo;
use serde_json::Value;
use std::fs;

fn put(folder: &Folder, name: &str, bytes: &[u8]) {
    fs::write(folder.path(name), bytes).unwrap();
}

/// Returns the output of `--json`, and the exit code.
fn json(folder: &Folder, file: &str) -> (i32, Value) {
    let said = folder.run(&["video", "check", "--json", file]);
    assert_eq!(said.err, "");
    (said.code, serde_json::from_str(&said.out).unwrap())
}

#[test]
fn what_cannot_be_told_ends_with_2() {
    let folder = Folder::new();
    fs::create_dir(folder.path("folder.mp4")).unwrap();
    for (file, word) in [
        ("none.mp4", "cannot read none.mp4: no such file"),
        ("folder.mp4", "cannot read folder.mp4: is a directory"),
        ("/dev/zero", "not a regular file"),
        ("ftp://HOST/talk.mp4", "only http and https"),
        ("https://me:word@HOST/talk.mp4", "remove the part before @"),
        ("https://HOST/a talk.mp4", "percent-encode"),
        (
            "none.video.json",
            "cannot read none.video.json: no such file",
        ),
        ("old.flv", "RTMP only"),
    ] {
        folder
            .run(&["video", "check", file])
            .fails(2, &["error:", word]);
        let (code, found) = json(&folder, file);
        assert_eq!((code, &found["verdict"]), (2, &Value::from("cannot-tell")));
    }
    folder.run(&["video", "check"]).fails(2, &["Usage:"]);
}

#[test]
fn what_is_no_video_ends_with_1_and_its_reason() {
    let folder = Folder::new();
    put(&folder, "empty.mp4", b"");
    put(
        &folder,
        "text.mp4",
        b"Not a video at all, but long enough for a box.",
    );
    put(&folder, "cut.mp4", &MadeVideo::new(4, 100, 0).bytes[..600]);
    for (file, reason, token) in [
        ("empty.mp4", "not a video", "not-a-video"),
        ("text.mp4", "not a video", "not-a-video"),
        ("cut.mp4", "truncated", "video-truncated"),
    ] {
        let said = folder.run(&["video", "check", file]);
        assert_eq!((said.code, said.err.as_str()), (1, ""), "{said:?}");
        assert!(
            said.out.starts_with(&format!("{file} does not play: ")),
            "{said:?}"
        );
        assert!(
            said.out.contains(reason) && said.out.contains(token),
            "{said:?}"
        );
        let (code, found) = json(&folder, file);
        assert_eq!(code, 1);
        assert_eq!(found["code"], token);
    }
}

#[test]
fn a_video_is_told_track_by_track() {
    let folder = Folder::new();
    put(&folder, "talk.mp4", &MadeVideo::new(14, 400, 0).bytes);
    let said = folder.run(&["video", "check", "talk.mp4"]).ok();
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("talk.mp4 plays: 0:00:14."), "{said}");
    assert!(lines[1].starts_with("track 1  video     avc1."), "{said}");
    assert!(lines[1].contains("640x360  24.000 fps"), "{said}");
    assert!(
        lines[2].starts_with("track 2  audio     mp4a.40.2  48000 Hz"),
        "{said}"
    );
    assert_eq!(lines[3], "HLS and DASH  yes");
    assert_eq!(lines[4], "HLS in ts     yes, tracks 1 and 2");
    assert_eq!(lines[5], "RTMP          yes");
    let (code, found) = json(&folder, "talk.mp4");
    assert_eq!((code, &found["verdict"]), (0, &Value::from("plays")));
    assert_eq!(found["segments"], 3);
    assert_eq!(found["tracks"][0]["segments"], 3);
    assert_eq!(found["tracks"][1]["left_out"], Value::Null);
    assert_eq!(found["hls"]["made"], true);
}

#[test]
fn the_ending_of_a_name_counts() {
    let folder = Folder::new();
    put(&folder, "talk.bin", &MadeVideo::new(4, 400, 0).bytes);
    let said = folder.run(&["video", "check", "talk.bin"]).ok();
    assert!(said.contains("give it the extension .mp4"), "{said}");
    assert_eq!(json(&folder, "talk.bin").1["has_video_extension"], false);
}

#[test]
fn the_former_name_of_the_command_is_wrong_usage_with_a_hint() {
    let folder = Folder::new();
    put(&folder, "talk.mp4", b"");
    for arguments in [&["film", "check", "talk.mp4"][..], &["film"]] {
        folder.run(arguments).fails(
            2,
            &[
                "error: unrecognized subcommand 'film'",
                "hint: privet film check is called privet video check now",
            ],
        );
    }
}
