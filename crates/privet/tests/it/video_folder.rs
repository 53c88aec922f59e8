//! Videos in a folder: all their names, types and bytes, conditions, ranges, and what is refused.

use crate::support::*;
use std::fs;

const VIDEO: &str = "http://d111111abcdef8.cloudfront.net/public/talk.mp4";

/// Returns a fixture with segments of two seconds, in which everything under `/public/` is open.
pub fn video_fixture() -> String {
    fixture().replace(
        "path_pattern = \"/public/*\"\norigin = \"videos\"\n",
        "path_pattern = \"/public/*\"\norigin = \"videos\"\nvideo = { segment_duration = \"2s\" }\n",
    )
}

fn edge_with(video: &MadeVideo) -> TestEdge {
    let edge = TestEdge::configured(&video_fixture());
    put_old(&edge, "public/talk.mp4", &video.bytes);
    edge
}

/// Writes a file that has not changed for a while, so that its index is cached.
fn put_old(edge: &TestEdge, name: &str, bytes: &[u8]) {
    let path = edge.put(name, bytes);
    let file = fs::File::options().write(true).open(path).unwrap();
    let old = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(NOW - 1_000);
    file.set_modified(old).unwrap();
}

#[test]
fn what_is_no_video_is_refused_with_its_reason() {
    let edge = TestEdge::configured(&video_fixture());
    for (name, bytes, reason) in [
        ("empty.mp4", &b""[..], "not a video"),
        (
            "text.mp4",
            b"Not a video at all, but long enough for a box.",
            "not a video",
        ),
        (
            "cut.mp4",
            &MadeVideo::new(4, 100, 0).bytes[..600],
            "truncated",
        ),
    ] {
        edge.put(&format!("public/{name}"), bytes);
        for item in [
            "hls/master.m3u8",
            "hls/t1/1.m4s",
            "hls/ts/1.ts",
            "dash/manifest.mpd",
        ] {
            let answer = edge.get(&format!("http://{HOST}/public/{name}/{item}"));
            assert_eq!(answer.status(), 422, "{name}/{item}");
            assert!(answer.text().contains(reason), "{}", answer.text());
        }
        // The object itself can be fetched as before.
        let answer = edge.get(&format!("http://{HOST}/public/{name}"));
        assert_eq!((answer.status(), answer.body.as_slice()), (200, bytes));
    }
}

#[test]
fn what_a_video_has_not_is_not_found() {
    let edge = edge_with(&MadeVideo::new(4, 100, 0));
    for item in [
        "hls/t3/media.m3u8",
        "hls/t3/init.mp4",
        "hls/t1/3.m4s",
        "hls/t9/1.m4s",
        "hls/ts/3.ts",
        "hls/t2/iframes.m3u8",
        "hls/t1/subtitles.vtt",
        "hls/s-en/media.m3u8",
        "hls/s-en/subtitles.vtt",
        "hls/r-720p/t1/1.m4s",
        "hls/other.m3u8",
    ] {
        let answer = edge.get(&format!("{VIDEO}/{item}"));
        assert_eq!(answer.status(), 404, "{item}");
        assert!(
            answer.text().contains("NoSuchKey"),
            "{item}: {}",
            answer.text()
        );
    }
    let answer = edge.get(&format!("http://{HOST}/public/none.mp4/hls/master.m3u8"));
    assert_eq!(answer.status(), 404);
    let post = Ask::get(format!("{VIDEO}/hls/master.m3u8")).method("POST");
    assert_eq!(edge.ask(&post).status(), 403);
}

#[test]
fn where_videos_are_off_their_names_are_ordinary_paths() {
    let config = video_fixture().replace("video = { segment_duration = \"2s\" }", "video = false");
    let edge = TestEdge::configured(&config);
    edge.put("public/talk.mp4", &MadeVideo::new(4, 100, 0).bytes);
    assert_eq!(edge.get(&format!("{VIDEO}/hls/master.m3u8")).status(), 404);
    edge.put("public/set.mp4/hls/master.m3u8", b"an object");
    let answer = edge.get(&format!("http://{HOST}/public/set.mp4/hls/master.m3u8"));
    assert_eq!(answer.body, b"an object");
}

#[test]
fn every_name_has_its_type() {
    let edge = edge_with(&MadeVideo::new(4, 100, 0));
    for (item, content_type) in [
        ("hls/master.m3u8", "application/vnd.apple.mpegurl"),
        ("hls/t1/media.m3u8", "application/vnd.apple.mpegurl"),
        ("hls/t1/iframes.m3u8", "application/vnd.apple.mpegurl"),
        ("hls/ts.m3u8", "application/vnd.apple.mpegurl"),
        ("hls/t1/init.mp4", "video/mp4"),
        ("hls/t2/init.mp4", "audio/mp4"),
        ("hls/t1/1.m4s", "video/mp4"),
        ("hls/t2/2.m4s", "audio/mp4"),
        ("hls/ts/2.ts", "video/mp2t"),
        ("dash/manifest.mpd", "application/dash+xml"),
    ] {
        let answer = edge.get(&format!("{VIDEO}/{item}"));
        assert_eq!(
            answer.status(),
            200,
            "{item}: {}",
            String::from_utf8_lossy(&answer.body)
        );
        assert_eq!(answer.field("Content-Type"), Some(content_type), "{item}");
        let tag = answer.field("ETag").expect("a tag");
        assert!(tag.starts_with('"'), "{tag}");
        assert_eq!(
            answer.field("Content-Length"),
            Some(&*answer.body.len().to_string())
        );
        let head = edge.ask(&Ask::get(format!("{VIDEO}/{item}")).method("HEAD"));
        assert_eq!(head.status(), 200);
        assert_eq!(
            head.field("Content-Length"),
            answer.field("Content-Length"),
            "{item}"
        );
        assert_eq!(head.field("ETag"), Some(tag));
    }
}

#[test]
fn segments_hold_the_samples_of_the_object() {
    for (secs, size_bytes) in [(4, 100), (6, 30_000), (10, 9_000)] {
        for at in [IndexAt::Start, IndexAt::End] {
            let video = MadeVideo::with_index_at(at, secs, size_bytes, 0);
            let edge = edge_with(&video);
            let mut viewer = edge.plain();
            for segment in 1..=secs as usize / 2 {
                let answer = viewer.get(&format!("{VIDEO}/hls/t1/{segment}.m4s"));
                assert!(
                    samples_of(&answer.body) == video.picture(segment),
                    "segment {segment}"
                );
            }
            let mut audio = Vec::new();
            for segment in 1..=secs as usize / 2 {
                let answer = viewer.get(&format!("{VIDEO}/hls/t2/{segment}.m4s"));
                audio.extend_from_slice(samples_of(&answer.body));
            }
            let expected: Vec<u8> = video
                .audio
                .iter()
                .flat_map(|range| video.bytes[range.clone()].to_vec())
                .collect();
            assert!(audio == expected, "the audio of {secs} s");
        }
    }
}

#[test]
fn ranges_of_what_is_made_are_its_bytes() {
    let video = MadeVideo::new(6, 30_000, 0);
    let edge = edge_with(&video);
    for item in [
        "hls/t1/2.m4s",
        "hls/ts/2.ts",
        "hls/t1/init.mp4",
        "hls/master.m3u8",
    ] {
        let url = format!("{VIDEO}/{item}");
        let whole = edge.get(&url).body;
        let length = whole.len();
        for (first, last) in [
            (0, 0),
            (0, 99),
            (100, 700),
            (length / 2, length - 1),
            (length - 1, length),
        ] {
            let ask = Ask::get(&url).header("Range", format!("bytes={first}-{last}"));
            let answer = edge.ask(&ask);
            let end = (last + 1).min(length);
            assert_eq!(answer.status(), 206, "{item} {first}-{last}");
            assert!(answer.body == whole[first..end], "{item} {first}-{last}");
        }
        let beyond = Ask::get(&url).header("Range", format!("bytes={length}-"));
        assert_eq!(edge.ask(&beyond).status(), 416);
        let several = edge.ask(&Ask::get(&url).header("Range", "bytes=0-9,20-29"));
        assert_eq!(several.status(), 206);
        let text = several.body.windows(10).any(|ten| ten == &whole[20..30]);
        assert!(text, "{item}");
        assert_eq!(
            several.field("Content-Length"),
            Some(&*several.body.len().to_string())
        );
        let stale = Ask::get(&url)
            .header("Range", "bytes=0-9")
            .header("If-Range", "\"other\"");
        assert_eq!(edge.ask(&stale).body.len(), length);
    }
}

#[test]
fn conditions_hold_for_what_is_made() {
    let edge = edge_with(&MadeVideo::new(4, 100, 0));
    for item in [
        "hls/master.m3u8",
        "hls/t1/media.m3u8",
        "hls/t1/1.m4s",
        "hls/ts/1.ts",
    ] {
        let url = format!("{VIDEO}/{item}");
        let tag = edge.get(&url).field("ETag").unwrap().to_owned();
        let same = edge.ask(&Ask::get(&url).header("If-None-Match", &tag));
        assert_eq!((same.status(), same.body.len()), (304, 0), "{item}");
        let other = edge.ask(&Ask::get(&url).header("If-Match", "\"other\""));
        assert_eq!(other.status(), 412, "{item}");
    }
    let date = edge.get(&format!("{VIDEO}/hls/t1/1.m4s"));
    let date = date
        .field("Last-Modified")
        .expect("the object's date")
        .to_owned();
    let ask = Ask::get(format!("{VIDEO}/hls/t1/1.m4s")).header("If-Modified-Since", date);
    assert_eq!(edge.ask(&ask).status(), 304);
}

#[test]
fn a_replaced_file_gives_other_tags_and_bytes() {
    let edge = edge_with(&MadeVideo::new(4, 3_000, 0));
    let url = format!("{VIDEO}/hls/t1/1.m4s");
    let old = edge.get(&url);
    let video = MadeVideo::new(6, 2_000, 1);
    put_old(&edge, "public/talk.mp4", &video.bytes);
    let new = edge.get(&url);
    assert_ne!(old.field("ETag"), new.field("ETag"));
    assert!(samples_of(&new.body) == video.picture(1));
    assert_eq!(edge.get(&format!("{VIDEO}/hls/t1/3.m4s")).status(), 200);
}

/// A file that changes in place while it is sent ends the response, so no segment of two versions is ever completed. A
/// response that passes through the edge's own memory, as with TLS, has not a single byte of the other version.
#[test]
fn a_file_that_changes_under_a_viewer_breaks_the_answer_off() {
    for scheme in ["http", "https"] {
        let video = MadeVideo::new(4, 400_000, 0);
        let edge = edge_with(&video);
        let mut viewer = match scheme {
            "http" => Viewer::narrow(edge.http()),
            _ => Viewer::narrow_tls(edge.https()),
        };
        viewer.send(&Ask::get(format!("{VIDEO}/hls/t1/1.m4s")).bytes());
        let head = viewer.head().expect("an answer");
        let length: usize = head.field("Content-Length").unwrap().parse().unwrap();
        let first = viewer.take(1_000);
        let other = MadeVideo::new(4, 400_000, 1);
        put_old(&edge, "public/talk.mp4", &other.bytes);
        let rest = viewer.rest();
        let body = [first, rest].concat();
        assert!(
            body.len() < length,
            "the answer was completed with other bytes"
        );
        let picture = video.picture(1);
        let header = length - picture.len();
        let is_old = body[header..] == picture[..body.len() - header];
        assert!(is_old || scheme == "http", "bytes of two versions");
        edge.assert_alive();
    }
}

#[test]
fn lists_are_compressed_for_whoever_takes_it() {
    let edge = edge_with(&MadeVideo::new(240, 50, 0));
    let url = format!("{VIDEO}/hls/t1/media.m3u8");
    let plain = edge.get(&url);
    assert_eq!(plain.field("Content-Encoding"), None);
    assert!(
        plain
            .field("Vary")
            .is_some_and(|vary| vary.contains("Accept-Encoding"))
    );
    let mut tags = vec![plain.field("ETag").unwrap().to_owned()];
    for coding in ["gzip", "zstd"] {
        let answer = edge.ask(&Ask::get(&url).header("Accept-Encoding", coding));
        assert_eq!(answer.field("Content-Encoding"), Some(coding));
        assert!(
            answer.body.len() < plain.body.len() / 4,
            "{}",
            answer.body.len()
        );
        assert_eq!(decoded(Some(coding), &answer.body), plain.body);
        tags.push(answer.field("ETag").unwrap().to_owned());
    }
    tags.dedup();
    assert_eq!(tags.len(), 3, "each form has a tag of its own: {tags:?}");
    let range = Ask::get(&url)
        .header("Accept-Encoding", "gzip")
        .header("Range", "bytes=0-9");
    let answer = edge.ask(&range);
    assert_eq!(
        (answer.status(), answer.body.as_slice()),
        (206, &plain.body[..10])
    );
    let segment = Ask::get(format!("{VIDEO}/hls/t1/1.m4s")).header("Accept-Encoding", "gzip");
    assert_eq!(edge.ask(&segment).field("Content-Encoding"), None);
}

/// Starts an edge with two renditions of a video, subtitles, and a description of the set; returns the lower rendition
/// too.
fn edge_with_sets() -> (TestEdge, MadeVideo) {
    let config = video_fixture().replace(
        "video = { segment_duration = \"2s\" }",
        "video = { segment_duration = \"2s\", renditions = [\"480p\", \"none\"], subtitles = [\"en\", \"de\", \"fr\"] }",
    );
    let edge = TestEdge::configured(&config);
    let video = MadeVideo::new(4, 100, 1);
    put_old(&edge, "public/talk.mp4", &MadeVideo::new(4, 300, 0).bytes);
    put_old(&edge, "public/talk.480p.mp4", &video.bytes);
    put_old(
        &edge,
        "public/talk.en.vtt",
        b"WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n",
    );
    put_old(
        &edge,
        "public/talk.de.srt",
        b"1\n00:00:01,000 --> 00:00:02,000\nHallo\n",
    );
    let set = br#"{"renditions":[{"file":"talk.480p.mp4","label":"low"},{"file":"talk.mp4","label":"high"}],
        "subtitles":[{"file":"talk.de.srt","language":"de","name":"Deutsch","default":true}]}"#;
    put_old(&edge, "public/talk.video.json", set);
    (edge, video)
}

#[test]
fn labels_make_sets() {
    let (edge, video) = edge_with_sets();
    let master = edge.get(&format!("{VIDEO}/hls/master.m3u8"));
    for (name, is_there) in [
        ("r-480p/t1/media.m3u8", true),
        ("s-en/media.m3u8", true),
        ("s-de/media.m3u8", true),
        ("none", false),
        ("s-fr", false),
    ] {
        assert_eq!(
            master.text().contains(name),
            is_there,
            "{name}: {}",
            master.text()
        );
    }
    let segment = edge.get(&format!("{VIDEO}/hls/r-480p/t1/2.m4s"));
    assert!(samples_of(&segment.body) == video.picture(2));
    let english = edge.get(&format!("{VIDEO}/hls/s-en/subtitles.vtt"));
    assert_eq!(
        english.field("Content-Type"),
        Some("text/vtt; charset=utf-8")
    );
    assert!(english.text().contains("Hello"), "{}", english.text());
    let german = edge.get(&format!("{VIDEO}/hls/s-de/subtitles.vtt"));
    assert!(german.text().starts_with("WEBVTT") && german.text().contains("Hallo"));
    assert_eq!(
        edge.get(&format!("{VIDEO}/hls/s-fr/subtitles.vtt"))
            .status(),
        404
    );
    assert!(
        edge.get(&format!("{VIDEO}/hls/s-en/media.m3u8"))
            .text()
            .contains("subtitles.vtt")
    );
}

#[test]
fn descriptions_make_sets() {
    let (edge, video) = edge_with_sets();
    let described = format!("http://{HOST}/public/talk.video.json");
    let master = edge.get(&format!("{described}/hls/master.m3u8"));
    for name in [
        "r-low/t1/media.m3u8",
        "r-high/t1/media.m3u8",
        "s-de/media.m3u8",
        "Deutsch",
    ] {
        assert!(master.text().contains(name), "{name}: {}", master.text());
    }
    let segment = edge.get(&format!("{described}/hls/r-low/t1/1.m4s"));
    assert!(samples_of(&segment.body) == video.picture(1));
    assert_eq!(edge.get(&format!("{described}/hls/t1/1.m4s")).status(), 404);
    assert_eq!(
        edge.get(&format!("{described}/dash/manifest.mpd")).status(),
        200
    );
    put_old(
        &edge,
        "public/bad.video.json",
        br#"{"renditions":[{"file":"../x.mp4","label":"a"}]}"#,
    );
    let bad = edge.get(&format!(
        "http://{HOST}/public/bad.video.json/hls/master.m3u8"
    ));
    assert_eq!(bad.status(), 422);
    assert!(
        bad.text().contains("is not in the folder"),
        "{}",
        bad.text()
    );
}
