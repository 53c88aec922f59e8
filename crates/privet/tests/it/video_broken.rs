//! Hostile files (`tests-peers/videos/make_broken.py`): each is refused or served within a second, yields no more bytes
//! than it has, and leaves the edge as it was.

use crate::support::*;
use std::collections::BTreeSet;
use std::fs;
use std::time::{Duration, Instant};

/// Time limit for judging a hostile file.
const SECOND: Duration = Duration::from_secs(1);
/// Allowance for the headers of segments and for init segments.
const HEAD_SIZE_BYTES_MAX: u64 = 64 * 1024;

/// Returns for each case its name, the expected outcome, and the reason.
fn cases() -> Vec<(String, String, String)> {
    let table = fs::read_to_string(videos_folder().join("broken/expected.tsv")).unwrap();
    let fields = |line: &str| -> Vec<String> { line.split('\t').map(str::to_owned).collect() };
    let rows = table.lines().map(fields);
    rows.map(|row| <[String; 3]>::try_from(row).unwrap().into())
        .collect()
}

/// Sends a request and checks the time it takes.
#[track_caller]
fn timely(edge: &VideoEdge, url: &str) -> Answer {
    let began = Instant::now();
    let answer = edge.follow(url);
    assert!(began.elapsed() < SECOND, "{url} took {:?}", began.elapsed());
    answer
}

/// Returns every URL of a playlist, resolved.
fn urls(list: &str, base: &str) -> BTreeSet<String> {
    let base = url::Url::parse(base).unwrap();
    let lines = list.lines().filter(|line| !line.is_empty());
    let named = lines.filter_map(|line| match line.strip_prefix('#') {
        Some(tag) => Some(tag.split_once("URI=\"")?.1.split('"').next()?.to_owned()),
        None => Some(line.to_owned()),
    });
    named.map(|name| base.join(&name).unwrap().into()).collect()
}

/// Fetches everything below a playlist, each URL once; returns the number of media bytes.
fn walk(edge: &VideoEdge, list_url: &str) -> u64 {
    let mut known = BTreeSet::from([list_url.to_owned()]);
    let mut waiting = vec![list_url.to_owned()];
    let mut media_size_bytes = 0;
    while let Some(url) = waiting.pop() {
        let answer = timely(edge, &url);
        assert_eq!(answer.status(), 200, "{url}");
        if url.split('?').next().unwrap().ends_with(".m3u8") {
            let named = urls(answer.text(), &url);
            waiting.extend(named.into_iter().filter(|url| known.insert(url.clone())));
        } else {
            media_size_bytes += answer.body.len() as u64;
        }
    }
    media_size_bytes
}

#[test]
fn hostile_files_do_no_harm() {
    let edge = VideoEdge::start();
    for (name, expected, why) in cases() {
        let clip = format!("broken/{name}");
        for form in ["hls/master.m3u8", "hls/ts.m3u8", "dash/manifest.mpd"] {
            let answer = timely(&edge, &edge.begin(&clip, form, Carried::Query).url);
            let is_served = match answer.status() {
                200 => true,
                422 => false,
                status => panic!("{name} ({why}) {form}: {status} {}", answer.text()),
            };
            let is_expected = match expected.as_str() {
                "served" => is_served,
                "refused" => !is_served,
                "either" => true,
                other => panic!("{other:?} is no expectation"),
            };
            assert!(is_expected, "{name} ({why}) {form}: {}", answer.status());
            if is_served && form != "dash/manifest.mpd" {
                let url = edge.begin(&clip, form, Carried::Query).url;
                let size_bytes = fs::metadata(clip_file(&clip)).unwrap().len();
                let media_size_bytes = walk(&edge, &url);
                assert!(
                    media_size_bytes <= size_bytes * 5 / 4 + HEAD_SIZE_BYTES_MAX,
                    "{name} ({why}) {form}: {media_size_bytes} bytes of {size_bytes}"
                );
            }
        }
        for item in [
            "hls/t1/init.mp4",
            "hls/t1/1.m4s",
            "hls/ts/1.ts",
            "hls/t1/iframes.m3u8",
        ] {
            let answer = timely(&edge, &edge.begin(&clip, item, Carried::Query).url);
            let is_answer = [200, 404, 422].contains(&answer.status());
            assert!(is_answer, "{name} {item}: {}", answer.status_line);
        }
    }
    // The edge still serves requests, and still plays valid videos.
    let alive = edge.get("brief.mp4", "hls/master.m3u8");
    assert_eq!(alive.status(), 200);
}

/// A viewer that may read the file gets it as it is, whatever it contains.
#[test]
fn hostile_files_can_be_had_as_they_are() {
    let edge = VideoEdge::start();
    for clip in [
        "broken/text.mp4",
        "broken/cut_in_moov.mp4",
        "broken/nested_200.mp4",
    ] {
        let answer = edge.get(clip, "");
        assert_eq!(
            (answer.status(), answer.body),
            (200, fs::read(clip_file(clip)).unwrap())
        );
    }
}
