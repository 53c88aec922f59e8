//! Sets that are refused, and those that are read.

use super::*;

fn check(text: &str, expected: Result<&[(&str, &str)], &str>) {
    check_bytes(text.as_bytes(), expected);
}

fn check_bytes(bytes: &[u8], expected: Result<&[(&str, &str)], &str>) {
    let text = String::from_utf8_lossy(bytes);
    let read = VideoSet::read("/videos/s%C3%A9t.video.json", bytes);
    let paths = read.map(|set| {
        let renditions = set
            .renditions
            .into_iter()
            .map(|rendition| (rendition.label.unwrap_or_default(), rendition.path));
        let subtitles = set
            .subtitles
            .into_iter()
            .map(|text| (text.label, text.paths.join(" ")));
        renditions.chain(subtitles).collect::<Vec<_>>()
    });
    match (paths, expected) {
        (Ok(paths), Ok(expected)) => {
            let paths: Vec<_> = paths
                .iter()
                .map(|(label, path)| (&**label, &**path))
                .collect();
            assert_eq!(paths, expected, "{text}");
        }
        (Err(error), Err(expected)) => assert!(error.contains(expected), "{text}: {error}"),
        (read, _) => panic!("{text}: {read:?}"),
    }
}

fn rendition(file: &str, label: &str) -> String {
    format!(r#"{{"file":"{file}","label":"{label}"}}"#)
}

#[test]
fn what_is_no_set_is_refused() {
    check("", Err("not a set"));
    check("{}", Err("not a set"));
    check(r#"{"renditions":[]}"#, Err("1 to 16"));
    let many = vec![rendition("a.mp4", "a"); 17].join(",");
    check(&format!(r#"{{"renditions":[{many}]}}"#), Err("1 to 16"));
    for file in [
        "../a.mp4",
        "/a.mp4",
        "b/../../a.mp4",
        "b//a.mp4",
        "./a.mp4",
        "b\\\\a.mp4",
    ] {
        let text = format!(r#"{{"renditions":[{}]}}"#, rendition(file, "a"));
        check(&text, Err("is not in the folder"));
    }
    for file in ["a.txt", ".mp4", "a.video.json"] {
        let text = format!(r#"{{"renditions":[{}]}}"#, rendition(file, "a"));
        check(&text, Err("is not a video"));
    }
    for label in ["", "a b", "é", "a/b"] {
        let text = format!(r#"{{"renditions":[{}]}}"#, rendition("a.mp4", label));
        check(&text, Err("is not a label"));
    }
    let twice = [rendition("a.mp4", "a"), rendition("b.mp4", "a")].join(",");
    check(&format!(r#"{{"renditions":[{twice}]}}"#), Err("twice"));
    let other = r#"{"renditions":[{"file":"a.mp4","label":"a"}],"subtitles":[{"file":"a.txt","label":"en"}]}"#;
    check(other, Err("neither"));
    let secret = r#"{"renditions":[{"file":"a.mp4","label":"a","url":"http://x/"}]}"#;
    check(secret, Err("unknown field"));
}

#[test]
fn files_of_a_set_lie_in_its_folder_or_beneath() {
    let text = r#"{"renditions":[{"file":"720/té 1.mp4","label":"720p"},{"file":"a?b#c%.m4v","label":"low"}],
        "subtitles":[{"file":"en.vtt","language":"en","name":"English","default":true}]}"#;
    check(
        text,
        Ok(&[
            ("720p", "/videos/720/t%C3%A9%201.mp4"),
            ("low", "/videos/a%3Fb%23c%25.m4v"),
            ("en", "/videos/en.vtt"),
        ]),
    );
}

/// An origin that decodes these would take the set to lie in another folder than the slashes show.
#[test]
fn the_folder_of_a_set_has_one_reading() {
    let text = format!(r#"{{"renditions":[{}]}}"#, rendition("a.mp4", "a"));
    for path in [
        "/videos%2Fs.video.json",
        "/a/videos%2fs.video.json",
        "/videos%5Cs.video.json",
    ] {
        let read = VideoSet::read(path, text.as_bytes());
        assert!(read.is_err(), "{path}: {read:?}");
    }
    assert!(VideoSet::read("/videos/s.video.json", text.as_bytes()).is_ok());
}

#[test]
fn labels_name_objects_beside_the_video() {
    let labels = |label: &str| vec![label.to_owned()];
    let set = VideoSet::beside("/a.b/talk.MP4", &labels("480p"), &labels("en"));
    let paths: Vec<_> = set
        .renditions
        .iter()
        .map(|rendition| &*rendition.path)
        .collect();
    assert_eq!(paths, ["/a.b/talk.MP4", "/a.b/talk.480p.MP4"]);
    assert_eq!(
        set.subtitles[0].paths,
        ["/a.b/talk.en.vtt", "/a.b/talk.en.srt"]
    );
}

#[test]
fn l2_a_byte_order_mark_is_no_part_of_a_set() {
    let set = format!(r#"{{"renditions":[{}]}}"#, rendition("a.mp4", "a"));
    let utf16 = |mark: &[u8], unit: fn(u16) -> [u8; 2]| {
        let units = set.encode_utf16().flat_map(unit);
        mark.iter().copied().chain(units).collect::<Vec<u8>>()
    };
    check_bytes(
        &utf16(b"\xff\xfe", u16::to_le_bytes),
        Err("save it in UTF-8"),
    );
    check_bytes(
        &utf16(b"\xfe\xff", u16::to_be_bytes),
        Err("save it in UTF-8"),
    );
    check("\u{feff}", Err("not a set"));
    check(&format!("\u{feff}\u{feff}{set}"), Err("not a set"));
    check(&format!("\u{feff}{set}"), Ok(&[("a", "/videos/a.mp4")]));
    check(
        &format!("\u{feff}\r\n{set}\r\n"),
        Ok(&[("a", "/videos/a.mp4")]),
    );
}
