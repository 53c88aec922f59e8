//! Runs `privet video check` on sets, in a folder and by URL.

use crate::cli::{Folder, Said};
use crate::support::*;
use serde_json::Value;

const VTT: &str = "WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n";
const SET: &str = r#"{"renditions":[{"file":"video.mp4","label":"a"},{"file":"more/a video.mp4","label":"b"},
    {"file":"none.mp4","label":"c"},{"file":"bad.mp4","label":"d"}],
    "subtitles":[{"file":"en.vtt","language":"en","name":"English"},{"file":"de.vtt","language":"de"},
    {"file":"fr.srt","language":"fr"}]}"#;

fn video() -> Vec<u8> {
    MadeVideo::new(14, 400, 0).bytes
}

/// Returns the objects of the set with their paths in URLs.
fn objects() -> [(&'static str, Vec<u8>); 6] {
    [
        ("/t.video.json", SET.into()),
        ("/video.mp4", video()),
        ("/more/a%20video.mp4", video()),
        ("/bad.mp4", "no video, but long enough for a box".into()),
        ("/en.vtt", VTT.into()),
        ("/de.vtt", "no subtitles".into()),
    ]
}

fn folder() -> Folder {
    let folder = Folder::new();
    std::fs::create_dir(folder.path("more")).unwrap();
    for (path, bytes) in objects() {
        std::fs::write(folder.path(&path[1..].replace("%20", " ")), bytes).unwrap();
    }
    folder
}

fn origin() -> FakeOrigin {
    shelf(objects().map(|(path, bytes)| (path, Shelved::new(bytes))))
}

fn json(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap()
}

#[track_caller]
fn check_members(said: &str) {
    let lines: Vec<&str> = said.lines().collect();
    assert!(
        lines[0].ends_with("t.video.json plays: 2 of 4 renditions, 1 of 3 subtitles"),
        "{said}"
    );
    let line = |start: &str| {
        let found = lines.iter().find(|line| line.starts_with(start));
        found.copied().unwrap_or_else(|| panic!("{start}: {said}"))
    };
    assert!(
        line("rendition a  ").contains("video.mp4 plays: 0:00:14."),
        "{said}"
    );
    assert!(
        line("rendition b  ").contains("video.mp4 plays: 0:00:14."),
        "{said}"
    );
    assert!(lines[2].starts_with("  track 1  video     avc1."), "{said}");
    assert!(
        line("rendition c  ").contains("none.mp4  left out: cannot read"),
        "{said}"
    );
    assert!(
        line("rendition d  ").contains("bad.mp4  left out: not a video"),
        "{said}"
    );
    assert!(line("subtitles en  ").ends_with("en.vtt"), "{said}");
    let german = line("subtitles de  ");
    assert!(
        german.contains("de.vtt  left out: ") && german.contains("WEBVTT"),
        "{said}"
    );
    assert!(
        line("subtitles fr  ").contains("fr.srt  left out: cannot read"),
        "{said}"
    );
}

#[test]
fn a_set_is_told_member_by_member() {
    check_members(&folder().run(&["video", "check", "t.video.json"]).ok());
}

#[test]
fn a_set_is_told_by_its_url() {
    let origin = origin();
    let url = format!("{}/t.video.json?Signature=s3cr3t", origin.url());
    let said = Folder::new().run(&["video", "check", &url]).ok();
    assert!(!said.contains("s3cr3t"), "{said}");
    check_members(&said);
    for ask in origin.asks() {
        assert!(ask.target.ends_with("?Signature=s3cr3t"), "{ask:?}");
    }
}

#[test]
fn a_set_as_json_says_the_same() {
    let said = folder().run(&["video", "check", "--json", "t.video.json"]);
    let found = json(&said);
    assert_eq!((said.code, &found["verdict"]), (0, &"plays".into()));
    let renditions = found["renditions"].as_array().unwrap();
    let told = |name: &str| -> Vec<&Value> { renditions.iter().map(|one| &one[name]).collect() };
    assert_eq!(told("label"), ["a", "b", "c", "d"]);
    assert_eq!(told("verdict"), ["plays", "plays", "refused", "refused"]);
    assert_eq!(renditions[2]["code"], "not-found");
    assert_eq!(renditions[3]["code"], "not-a-video");
    assert_eq!(renditions[0]["tracks"][0]["segments"], 3);
    assert_eq!(found["subtitles"][0]["left_out"], Value::Null);
    assert_eq!(found["subtitles"][0]["name"], "English");
    assert!(found["subtitles"][1]["left_out"].is_string());
}

#[test]
fn a_set_of_which_nothing_plays_ends_with_1() {
    for (set, code) in [
        (r#"{"renditions":[]}"#, "video-set"),
        ("no json", "video-set"),
        (
            r#"{"renditions":[{"file":"../video.mp4","label":"a"}]}"#,
            "video-set",
        ),
        (
            r#"{"renditions":[{"file":"/etc/video.mp4","label":"a"}]}"#,
            "video-set",
        ),
    ] {
        let folder = folder();
        folder.write("t.video.json", set);
        let said = folder.run(&["video", "check", "--json", "t.video.json"]);
        let found = json(&said);
        assert_eq!((said.code, &found["code"]), (1, &code.into()), "{set}");
    }
    let folder = folder();
    folder.write(
        "t.video.json",
        r#"{"renditions":[{"file":"bad.mp4","label":"a"}]}"#,
    );
    let said = folder.run(&["video", "check", "t.video.json"]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.out.contains("does not play: 0 of 1 renditions"),
        "{said:?}"
    );
}

/// A server that refuses a rendition here may still give it to the edge.
#[test]
fn a_set_that_cannot_be_read_ends_with_2() {
    let set = r#"{"renditions":[{"file":"video.mp4","label":"a"}]}"#;
    let origin = shelf([
        ("/t.video.json", Shelved::new(set)),
        ("/video.mp4", Shelved::fault(403)),
    ]);
    let url = format!("{}/t.video.json", origin.url());
    let said = Folder::new().run(&["video", "check", &url]);
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.out.contains("left out: cannot read"), "{said:?}");
    assert!(said.out.contains("403"), "{said:?}");
}

/// The server does not decode the subtitles, but the edge does.
#[test]
fn subtitles_in_a_coding_are_read() {
    use std::io::Write;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(VTT.as_bytes()).unwrap();
    let coded = Shelved::new(gzip.finish().unwrap()).coded("gzip");
    let set = r#"{"renditions":[{"file":"video.mp4","label":"a"}],"subtitles":[{"file":"en.vtt","language":"en"}]}"#;
    let origin = shelf([
        ("/t.video.json", Shelved::new(set)),
        ("/video.mp4", Shelved::new(video())),
        ("/en.vtt", coded),
    ]);
    let url = format!("{}/t.video.json", origin.url());
    let said = Folder::new().run(&["video", "check", &url]).ok();
    assert!(said.contains("1 of 1 subtitles"), "{said}");
}

/// Names in a set may come from a stranger.
#[test]
fn control_characters_of_sets_are_spelled_out() {
    let folder = folder();
    let set = "{\"renditions\":[{\"file\":\"video.mp4\",\"label\":\"a\"}],\
        \"subtitles\":[{\"file\":\"\\u009b2J.vtt\",\"language\":\"en\"}]}";
    folder.write("t.video.json", set);
    let said = folder.run(&["video", "check", "t.video.json"]);
    let is_control = |c: char| c.is_control() && c != '\n';
    assert!(
        !said.out.contains(is_control) && !said.err.contains(is_control),
        "{said:?}"
    );
    assert_eq!(said.code, 1);
}
