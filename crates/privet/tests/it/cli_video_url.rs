//! Runs `privet video check` on URLs.

use crate::cli::{Folder, Said};
use crate::support::*;
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Parameters that must never appear in the output.
const SECRET: &str = "Signature=s3cr3t-~_&Key-Pair-Id=K2JCJMDEHXQW5F";

fn check(origin: &FakeOrigin, path: &str, options: &[&str]) -> Said {
    let url = format!("{}{path}?{SECRET}", origin.url());
    let arguments = [&["video", "check"], options, &[url.as_str()]].concat();
    let said = Folder::new().run(&arguments);
    let all = format!("{}{}", said.out, said.err);
    assert!(!all.contains("s3cr3t") && !all.contains('?'), "{all}");
    said
}

/// Checks that the command cannot tell, with these words as the reason.
#[track_caller]
fn check_untold(origin: &FakeOrigin, words: &[&str]) {
    check(origin, "/talk.mp4", &[]).fails(2, words);
    let said = check(origin, "/talk.mp4", &["--json"]);
    let found: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((said.code, &found["verdict"]), (2, &"cannot-tell".into()));
}

/// Returns a video of 33 MB whose index comes last.
fn long_video() -> MadeVideo {
    MadeVideo::with_index_at(IndexAt::End, 200, 7_000, 0)
}

#[test]
fn a_url_is_read_by_ranges() {
    for video in [long_video(), MadeVideo::new(200, 7_000, 0)] {
        let size_bytes = video.bytes.len() as u64;
        let origin = shelf([("/talk.mp4", Shelved::new(video.bytes.clone()))]);
        let said = check(&origin, "/talk.mp4", &[]).ok();
        let shown = format!("{}/talk.mp4 plays: 0:03:20.", origin.url());
        assert!(said.starts_with(&shown), "{said}");
        assert!(said.contains("track 2  audio     mp4a.40.2"), "{said}");
        assert!(origin.sent_size_bytes() < size_bytes / 8, "{size_bytes}");
        for ask in origin.asks() {
            assert!(ask.target.ends_with(SECRET), "{ask:?}");
            assert_eq!(ask.method, "GET");
            assert!(ask.header("Range").is_some(), "{ask:?}");
        }
    }
}

#[test]
fn the_same_is_said_of_a_url_as_of_a_file() {
    let video = MadeVideo::new(14, 400, 0).bytes;
    let folder = Folder::new();
    std::fs::write(folder.path("talk.mp4"), &video).unwrap();
    let origin = shelf([("/talk.mp4", Shelved::new(video))]);
    let read = |said: Said| -> Value { serde_json::from_str(&said.out).unwrap() };
    let mut of_file = read(folder.run(&["video", "check", "--json", "talk.mp4"]));
    let of_url = read(check(&origin, "/talk.mp4", &["--json"]));
    of_file["file"] = format!("{}/talk.mp4", origin.url()).into();
    assert_eq!(of_url, of_file);
    // A link on standard input does not appear in the list of processes.
    let link = format!("{}/talk.mp4?{SECRET}\n", origin.url());
    let said = folder.pipe(link, &["video", "check", "--json", "-"]);
    assert_eq!(read(said), of_file);
    folder
        .pipe("talk.mp4", &["video", "check", "-"])
        .fails(2, &["not a URL"]);
}

#[test]
fn a_server_that_refuses_is_told_with_what_to_do() {
    for (status, words) in [
        (403, ["403", "has not expired"]),
        (401, ["403", "has not expired"]),
        (404, ["404", "check the path"]),
        (410, ["404", "check the path"]),
        (503, ["503", "try again later"]),
    ] {
        let origin = shelf([("/talk.mp4", Shelved::fault(status))]);
        check_untold(&origin, &words);
    }
}

#[test]
fn redirects_are_not_followed() {
    let other = shelf([("/talk.mp4", Shelved::new(MadeVideo::new(4, 100, 0).bytes))]);
    let location = format!("{}/talk.mp4?X-Amz-Signature=s3cr3t", other.url());
    for status in [301, 302, 303, 307, 308] {
        let redirect = Shelved::fault(status).with("Location", &location);
        let origin = shelf([("/talk.mp4", redirect)]);
        let leads_to = format!("check the target, {}/talk.mp4", other.url());
        check_untold(&origin, &["redirects are not followed", &leads_to]);
    }
    assert_eq!(other.connections(), 0);
}

/// From a server without ranges, a video is read if it is short or has its index at the beginning; otherwise reading
/// stops early.
#[test]
fn a_server_that_ignores_ranges_is_named() {
    let whole = |bytes: Vec<u8>, is_chunked: bool| {
        FakeOrigin::start(move |_| match is_chunked {
            true => OriginAnswer::chunked(200, &[], &[&bytes]),
            false => OriginAnswer::whole(200, &[], bytes.as_slice()),
        })
    };
    let short = MadeVideo::with_index_at(IndexAt::End, 4, 100, 0).bytes;
    for is_chunked in [false, true] {
        let origin = whole(short.clone(), is_chunked);
        let said = check(&origin, "/talk.mp4", &[]);
        assert_eq!(said.code, 0, "{said:?}");
        said.mentions(&["note:", "the server ignores Range"]);
    }
    let origin = whole(MadeVideo::new(200, 7_000, 0).bytes, false);
    assert_eq!(check(&origin, "/talk.mp4", &[]).code, 0);
    let origin = whole(long_video().bytes, false);
    check(&origin, "/talk.mp4", &[]).fails(2, &["ignores Range", "first 16 MiB"]);
    assert!(origin.sent_size_bytes() < 2 * long_video().bytes.len() as u64);
    let origin = whole(long_video().bytes, true);
    check_untold(&origin, &["ignores Range", "first 16 MiB"]);
}

/// Parts of two objects do not make one, and no server makes the command read more than it requested.
#[test]
fn parts_that_do_not_fit_are_not_read() {
    let video = long_video().bytes;
    let part = |ask: &OriginAsk, etag: &str, moved: u64, more: usize, video: &[u8]| {
        let size_bytes = video.len() as u64;
        let range = ask.range(size_bytes).unwrap();
        let fields = format!(
            "bytes {}-{}/{size_bytes}",
            range.start + moved,
            range.end - 1 + moved
        );
        let mut bytes = video[range.start as usize..range.end as usize].to_vec();
        bytes.extend(vec![0; more]);
        OriginAnswer::whole(206, &[("ETag", etag), ("Content-Range", &fields)], bytes)
    };
    for (etag, moved, more) in [("\"b\"", 0, 0), ("\"a\"", 7, 0), ("\"a\"", 0, 9)] {
        let asked = AtomicUsize::new(0);
        let video = video.clone();
        let origin = FakeOrigin::start(move |ask| match asked.fetch_add(1, Ordering::SeqCst) {
            0 => part(ask, "\"a\"", 0, 0, &video),
            _ => part(ask, etag, moved, more, &video),
        });
        check(&origin, "/talk.mp4", &[]).fails(2, &["changed while it was read"]);
    }
}

#[test]
fn what_the_edge_refuses_is_refused() {
    let video = MadeVideo::new(4, 100, 0).bytes;
    for (object, code) in [
        (
            Shelved::new("no video, but long enough for a box"),
            "not-a-video",
        ),
        (Shelved::new(""), "not-a-video"),
        (Shelved::new(video[..600].to_vec()), "video-truncated"),
        (Shelved::new(video.clone()).coded("gzip"), "video-encoded"),
    ] {
        let origin = shelf([("/talk.mp4", object)]);
        let said = check(&origin, "/talk.mp4", &["--json"]);
        let found: Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!((said.code, &found["code"]), (1, &code.into()));
    }
    let origin = shelf([("/talk.mp4", Shelved::new(video).coded("aws-chunked"))]);
    assert_eq!(check(&origin, "/talk.mp4", &[]).code, 0);
}

#[test]
fn a_server_that_cannot_be_trusted_or_reached_is_told() {
    let edge = TestEdge::new();
    let folder = Folder::new();
    let url = format!("https://{}/talk.mp4?{SECRET}", edge.https());
    let said = folder.run(&["video", "check", &url]);
    said.fails(2, &["the TLS handshake failed", "SSL_CERT_FILE"]);
    let origin = shelf([]);
    let url = format!("{}/talk.mp4?{SECRET}", origin.url());
    drop(origin);
    folder
        .run(&["video", "check", &url])
        .fails(2, &["cannot connect"]);
}

/// A server's text never reaches a terminal unescaped.
#[test]
fn control_characters_of_servers_are_spelled_out() {
    let redirect = Shelved::fault(302).with("Location", "https://h/\u{9b}2Ja\tb");
    let origin = shelf([("/talk.mp4", redirect)]);
    let said = check(&origin, "/talk.mp4", &[]);
    let is_plain = |text: &str| {
        !text
            .trim_end()
            .contains(|c: char| c.is_control() && c != '\n')
    };
    assert!(is_plain(&said.err) && said.code == 2, "{said:?}");
}

#[test]
fn quotes_that_were_copied_with_a_url_are_no_part_of_it() {
    let origin = shelf([("/talk.mp4", Shelved::new(MadeVideo::new(14, 400, 0).bytes))]);
    let url = format!("{}/talk.mp4", origin.url());
    for quoted in [format!("\"{url}\""), format!("'{url}'"), format!(" {url} ")] {
        let said = Folder::new().run(&["video", "check", &quoted]).ok();
        assert!(said.starts_with(&format!("{url} plays")), "{said}");
    }
    let folder = Folder::new();
    folder
        .run(&["video", "check", "'talk.mp4'"])
        .fails(2, &["cannot read 'talk.mp4'"]);
}
