//! H2: a member of a set that cannot be read is left out, and the rest plays.

use crate::support::*;

const VTT: &str = "WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n";
const SET: &str = r#"{"renditions":[{"file":"video.mp4","label":"a"},{"file":"other.mp4","label":"b"}],
    "subtitles":[{"file":"en.vtt","language":"en"},{"file":"de.vtt","language":"de"}]}"#;
const LISTS: [&str; 2] = ["hls/master.m3u8", "dash/manifest.mpd"];

fn video() -> Shelved {
    Shelved::new(MadeVideo::new(4, 100, 0).bytes)
}

/// Starts an origin and an edge with a set of two renditions and two subtitles, of which `other` and `german` are
/// given.
fn edge_with(other: Shelved, german: Shelved) -> (FakeOrigin, TestEdge) {
    let origin = shelf([
        ("/t.video.json", Shelved::new(SET)),
        ("/video.mp4", video()),
        ("/other.mp4", other),
        ("/en.vtt", Shelved::new(VTT)),
        ("/de.vtt", german),
    ]);
    let edge = Remote::new(&origin).start();
    (origin, edge)
}

fn get(edge: &TestEdge, item: &str) -> Answer {
    edge.get(&url(&format!("/t.video.json/{item}")))
}

/// Returns objects that cannot be read as text, with the status of their own URLs.
fn unreadable_texts() -> Vec<(Shelved, u16)> {
    let long = "x".repeat((8 << 20) + 1);
    vec![
        (Shelved::new(VTT).coded("compress"), 422),
        (Shelved::new(VTT).coded("exi").chunked(), 422),
        (Shelved::new(long.as_str()), 422),
        (Shelved::new(long.as_str()).chunked(), 422),
        // Players stop a video when subtitles that were listed are refused.
        (Shelved::new("no subtitles"), 422),
        (Shelved::new("no subtitles").chunked(), 422),
        (Shelved::new("<html>WEBVTT</html>").without_tag(), 422),
        (Shelved::new(""), 422),
        (Shelved::fault(500), 502),
        (Shelved::fault(503).chunked(), 502),
        (Shelved::fault(504), 504),
        (Shelved::fault(400), 502),
    ]
}

#[test]
fn h2_subtitles_that_cannot_be_read_are_left_out() {
    for (german, status) in unreadable_texts() {
        let (_origin, edge) = edge_with(video(), german);
        for list in LISTS {
            let answer = get(&edge, list);
            assert_eq!(answer.status(), 200, "{status}: {}", answer.text());
            let text = answer.text();
            assert!(text.contains("s-en") && !text.contains("s-de"), "{text}");
            let lifetime = answer.field("Cache-Control");
            assert_eq!(lifetime, Some("private, no-cache"), "{status}");
        }
        assert_eq!(get(&edge, "hls/s-de/subtitles.vtt").status(), status);
        assert_eq!(get(&edge, "hls/s-en/subtitles.vtt").status(), 200);
        assert_eq!(get(&edge, "hls/r-b/t1/1.m4s").status(), 200);
    }
}

/// Subtitles that may not be cached, or have no declared length, can be read all the same.
#[test]
fn h2_subtitles_that_can_be_read_somehow_are_listed() {
    for german in [
        Shelved::new(VTT).with("Vary", "*"),
        Shelved::new(VTT).with("Cache-Control", "private"),
        Shelved::new(VTT).with("Vary", "*"),
        Shelved::new(VTT).chunked(),
        Shelved::new(VTT).chunked().with("Vary", "*"),
        Shelved::new(VTT).chunked().without_tag(),
    ] {
        let told = format!("{german:?}");
        let (_origin, edge) = edge_with(video(), german);
        for list in LISTS {
            let answer = get(&edge, list);
            assert_eq!(answer.status(), 200, "{told}");
            assert!(answer.text().contains("s-de"), "{told}: {}", answer.text());
            assert_eq!(answer.field("Cache-Control"), None, "{told}");
        }
        let text = get(&edge, "hls/s-de/subtitles.vtt");
        assert_eq!(text.status(), 200, "{told}");
        assert!(text.text().contains("Hello"));
    }
}

/// Returns objects that cannot be read as a video, with the status of their own URLs.
fn unreadable_videos() -> Vec<(Shelved, u16)> {
    let bytes = MadeVideo::new(4, 100, 0).bytes;
    let cut = bytes[..200].to_vec();
    vec![
        (Shelved::new("no video"), 422),
        (Shelved::new(cut), 422),
        (Shelved::new(""), 422),
        (Shelved::new(bytes.clone()).coded("gzip"), 422),
        (Shelved::new(bytes).with("Vary", "*"), 422),
        (Shelved::fault(500), 502),
        (Shelved::fault(504), 504),
    ]
}

#[test]
fn h2_renditions_that_cannot_be_read_are_left_out() {
    for (other, status) in unreadable_videos() {
        let (_origin, edge) = edge_with(other, Shelved::new(VTT));
        for list in LISTS {
            let answer = get(&edge, list);
            assert_eq!(answer.status(), 200, "{status}: {}", answer.text());
            let text = answer.text();
            assert!(text.contains("r-a") && !text.contains("r-b"), "{text}");
        }
        assert_eq!(get(&edge, "hls/r-b/master.m3u8").status(), status);
        assert_eq!(get(&edge, "hls/r-b/t1/1.m4s").status(), status);
        assert_eq!(get(&edge, "hls/r-a/t1/1.m4s").status(), 200);
        assert_eq!(get(&edge, "hls/s-en/media.m3u8").status(), 200);
    }
}

/// Subtitle playlists take their length from the first rendition, or from the next one if it cannot be read.
#[test]
fn h2_the_first_rendition_may_be_the_one() {
    for (first, status) in unreadable_videos() {
        let origin = shelf([
            ("/t.video.json", Shelved::new(SET)),
            ("/video.mp4", first),
            ("/other.mp4", video()),
            ("/en.vtt", Shelved::new(VTT)),
        ]);
        let edge = Remote::new(&origin).start();
        for list in LISTS {
            let text = get(&edge, list);
            assert_eq!(text.status(), 200, "{status}");
            let text = text.text();
            assert!(text.contains("r-b") && !text.contains("r-a"), "{text}");
        }
        assert_eq!(get(&edge, "hls/s-en/media.m3u8").status(), 200);
        assert_eq!(get(&edge, "hls/r-a/t1/1.m4s").status(), status);
    }
}

#[test]
fn h2_where_nothing_plays_the_reason_is_told() {
    for (other, status) in unreadable_videos() {
        let origin = shelf([("/t.video.json", Shelved::new(SET)), ("/other.mp4", other)]);
        let edge = Remote::new(&origin).start();
        for list in LISTS {
            assert_eq!(get(&edge, list).status(), status);
        }
    }
    let origin = shelf([("/t.video.json", Shelved::new(SET))]);
    let edge = Remote::new(&origin).start();
    assert_eq!(get(&edge, "hls/master.m3u8").status(), 404);
}

/// In a set by rule, files beside the video may be missing or broken, but the video itself may not be missing.
#[test]
fn h2_what_lies_beside_a_video_is_left_out_too() {
    let rule = "video = { renditions = [\"b\"], subtitles = [\"en\", \"de\"] }";
    for (own, status) in [(video(), 200), (Shelved::fault(404), 404)] {
        let origin = shelf([
            ("/t.mp4", own),
            ("/t.b.mp4", Shelved::new("no video")),
            ("/t.en.vtt", Shelved::new(VTT)),
            ("/t.de.vtt", Shelved::fault(500)),
        ]);
        let edge = Remote::new(&origin).behavior(rule).start();
        for list in LISTS {
            let answer = edge.get(&url(&format!("/t.mp4/{list}")));
            assert_eq!(answer.status(), status);
            if status == 200 {
                let text = answer.text();
                assert!(text.contains("s-en") && !text.contains("s-de"), "{text}");
                assert!(!text.contains("r-b"), "{text}");
            }
        }
    }
}

/// A member under other keys never belongs to the set.
#[test]
fn h2_a_member_under_other_keys_is_left_out() {
    let set = SET.replace("other.mp4", "private/other.mp4");
    let origin = shelf([
        ("/t.video.json", Shelved::new(set.as_str())),
        ("/video.mp4", video()),
        ("/private/other.mp4", video()),
    ]);
    let edge = Remote::new(&origin).start();
    for list in LISTS {
        let answer = get(&edge, list);
        assert_eq!(answer.status(), 200);
        assert!(!answer.text().contains("r-b"), "{}", answer.text());
    }
    assert_eq!(get(&edge, "hls/r-b/t1/1.m4s").status(), 403);
    let asked = origin.asks();
    let is_asked = asked.iter().any(|ask| ask.path().starts_with("/private"));
    assert!(!is_asked, "{asked:?}");
}
