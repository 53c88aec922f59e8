//! H1: `Content-Encoding` of videos, playlists and subtitles: words that are no codings, codings that the edge decodes,
//! and codings that it does not.

use crate::support::*;
use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use std::io::Write;

const WORDS: [&str; 14] = [
    "",
    " ",
    ",",
    "identity",
    "Identity, ,",
    "aws-chunked",
    "AWS-Chunked,identity",
    "base64",
    "utf-8",
    "UTF-8",
    "binary",
    "none",
    "8bit",
    "application/x-mpegURL",
];
const HLS: &str = "#EXTM3U\n#EXTINF:6,\n1.ts\n#EXT-X-ENDLIST\n";
const DASH: &str = "<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"><Period><AdaptationSet>\
     <SegmentTemplate media=\"$Number$.m4s\"/></AdaptationSet></Period></MPD>";
const VTT: &str = "WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n";
const SRT: &str = "1\n00:00:01,000 --> 00:00:02,000\nHello\n";

fn gzip(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes.as_ref()).unwrap();
    encoder.finish().unwrap()
}

fn zlib(bytes: &str) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn deflate(bytes: &str) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes.as_bytes()).unwrap();
    encoder.finish().unwrap()
}

fn br(bytes: &str) -> Vec<u8> {
    let mut encoded = Vec::new();
    let mut encoder = brotli::CompressorWriter::new(&mut encoded, 4096, 5, 20);
    encoder.write_all(bytes.as_bytes()).unwrap();
    drop(encoder);
    encoded
}

/// Returns the text in every coding that the edge decodes.
fn every_coding(text: &str) -> [(&'static str, Vec<u8>); 8] {
    [
        ("gzip", gzip(text)),
        ("x-gzip", gzip(text)),
        ("GZIP , identity", gzip(text)),
        ("aws-chunked,gzip", gzip(text)),
        ("deflate", zlib(text)),
        ("deflate", deflate(text)),
        ("br", br(text)),
        ("zstd", zstd::bulk::compress(text.as_bytes(), 1).unwrap()),
    ]
}

/// Returns bodies that cannot be decoded, or that are not in the coding they declare.
fn undecodable(text: &str) -> [(&'static str, Vec<u8>); 7] {
    let cut = gzip(text.repeat(100));
    [
        ("gzip", text.into()),
        ("gzip", cut[..cut.len() - 9].to_vec()),
        ("compress", gzip(text)),
        ("gzip, gzip", gzip(text)),
        ("gzip, gzip, gzip, gzip", text.into()),
        ("zstd, dcz", text.into()),
        ("lzma", gzip(text)),
    ]
}

/// Returns the query of a policy for everything private.
fn query() -> String {
    let link = with_policy("", &policy(&url("/private/*")));
    link.split_once('?').unwrap().1.to_owned()
}

fn list_of(name: &str, object: Shelved) -> (TestEdge, Answer) {
    let path = format!("/private/{name}");
    let origin = shelf([(&path, object)]);
    let edge = Remote::new(&origin).start();
    let ask = Ask::get(format!("{}?{}", url(&path), query()));
    let answer = edge.ask(&ask);
    (edge, answer)
}

#[track_caller]
fn check_signed(name: &str, object: Shelved) {
    let told = format!("{object:?}");
    let (_edge, answer) = list_of(name, object);
    assert_eq!(answer.status(), 200, "{told}");
    assert_eq!(answer.field("Content-Encoding"), None, "{told}");
    let text = answer.text();
    let is_signed = text.contains("Signature=") && !text.contains("1.ts\n");
    assert!(is_signed, "{told}: {text}");
}

#[test]
fn h1_lists_that_cannot_be_decoded_are_refused_with_a_token() {
    for (name, text) in [("a.m3u8", HLS), ("a.mpd", DASH)] {
        for (coding, bytes) in undecodable(text) {
            let (edge, answer) = list_of(name, Shelved::new(bytes).coded(coding));
            assert_eq!(answer.status(), 422, "{name} {coding}");
            let said = answer.text();
            assert!(said.contains("coding"), "{name} {coding}: {said}");
            assert!(!said.contains("1.ts"), "{name} {coding}: {said}");
            let record = &edge.live.wait_for(1)[0];
            assert_eq!(record["x-privet-refusal"], "video-encoded", "{coding}");
        }
    }
}

#[test]
fn h1_a_list_that_blows_up_is_refused() {
    let long = format!("{HLS}{}", "#\n".repeat(5 << 20));
    for object in [
        Shelved::new(gzip(&long)).coded("gzip"),
        Shelved::new(gzip(gzip(&long))).coded("gzip, gzip"),
        Shelved::new(long.as_str()),
        Shelved::new(long.as_str()).with("Vary", "*"),
    ] {
        let (edge, answer) = list_of("a.m3u8", object);
        assert_eq!(answer.status(), 422);
        let record = &edge.live.wait_for(1)[0];
        assert_eq!(record["x-privet-refusal"], "video-too-large");
    }
}

#[test]
fn h1_lists_in_a_coding_are_signed() {
    for (name, text) in [("a.m3u8", HLS), ("a.mpd", DASH)] {
        for (coding, bytes) in every_coding(text) {
            for object in [
                Shelved::new(bytes.clone()).coded(coding),
                Shelved::new(bytes.clone()).coded(coding).chunked(),
                Shelved::new(bytes.clone()).coded(coding).with("Vary", "*"),
            ] {
                check_signed(name, object);
            }
        }
    }
    check_signed("a.m3u8", Shelved::new(gzip(gzip(HLS))).coded("gzip, gzip"));
}

#[test]
fn h1_words_that_are_no_codings_leave_lists_plain() {
    for word in WORDS {
        check_signed("a.m3u8", Shelved::new(HLS).coded(word));
        check_signed("a.mpd", Shelved::new(DASH).coded(word));
    }
    let twice = Shelved::new(HLS).coded("").coded("aws-chunked");
    check_signed("a.m3u8", twice);
    check_signed("a.m3u8", Shelved::new(HLS).chunked());
}

/// With cookies nothing has to be written into the playlist, so it is sent as the origin has it.
#[test]
fn h1_a_list_is_as_it_was_for_cookies() {
    let origin = shelf([("/private/a.m3u8", Shelved::new(gzip(HLS)).coded("gzip"))]);
    let edge = Remote::new(&origin).start();
    let cookies = policy_cookies(RSA, &policy(&url("/private/*")));
    let answer = edge.ask(&Ask::get(url("/private/a.m3u8")).header("Cookie", cookies));
    assert_eq!(answer.field("Content-Encoding"), Some("gzip"));
    assert_eq!(plain_bytes(&answer), HLS.as_bytes());
}

/// An object that is no playlist is passed on as it is, compressed or not.
#[test]
fn h1_a_page_in_a_lists_place_goes_as_it_is() {
    let page = gzip("<html>no list</html>");
    let (_edge, answer) = list_of("a.m3u8", Shelved::new(page.clone()).coded("gzip"));
    assert_eq!((answer.status(), answer.body), (200, page));
    let (_edge, answer) = list_of("a.m3u8", Shelved::fault(404).coded("gzip"));
    assert_eq!(answer.status(), 404);
}

#[test]
fn h1_a_video_in_a_coding_is_refused() {
    let video = MadeVideo::new(4, 100, 0).bytes;
    for coding in [
        "gzip",
        "x-gzip",
        "br",
        "zstd",
        "deflate",
        "compress",
        "aws-chunked, gzip",
    ] {
        let origin = shelf([("/video.mp4", Shelved::new(gzip(&video)).coded(coding))]);
        let edge = Remote::new(&origin).start();
        for item in ["hls/master.m3u8", "dash/manifest.mpd", "hls/t1/1.m4s"] {
            let answer = edge.get(&url(&format!("/video.mp4/{item}")));
            assert_eq!(answer.status(), 422, "{coding} {item}");
            assert!(answer.text().contains("content coding"), "{coding}");
        }
        let record = &edge.live.wait_for(1)[0];
        assert_eq!(record["x-privet-refusal"], "video-encoded");
    }
}

#[test]
fn h1_words_that_are_no_codings_leave_videos_plain() {
    let video = MadeVideo::new(4, 100, 0);
    for word in WORDS {
        let origin = shelf([("/video.mp4", Shelved::new(video.bytes.clone()).coded(word))]);
        let edge = Remote::new(&origin).start();
        for item in ["hls/master.m3u8", "dash/manifest.mpd", "hls/ts/1.ts"] {
            let answer = edge.get(&url(&format!("/video.mp4/{item}")));
            assert_eq!(answer.status(), 200, "{word:?} {item}");
        }
        let segment = edge.get(&url("/video.mp4/hls/t1/1.m4s"));
        assert_eq!(segment.field("Content-Encoding"), None, "{word:?}");
    }
}

const SET: &str = r#"{"renditions":[{"file":"video.mp4","label":"a"}],
    "subtitles":[{"file":"en.vtt","language":"en"},{"file":"de.srt","language":"de"}]}"#;

fn set_of(set: Shelved, vtt: Shelved, srt: Shelved) -> (FakeOrigin, TestEdge) {
    let video = MadeVideo::new(4, 100, 0).bytes;
    let origin = shelf([
        ("/video.mp4", Shelved::new(video)),
        ("/t.video.json", set),
        ("/en.vtt", vtt),
        ("/de.srt", srt),
    ]);
    let edge = Remote::new(&origin).start();
    (origin, edge)
}

#[track_caller]
fn check_set(set: Shelved, vtt: Shelved, srt: Shelved) {
    let told = format!("{vtt:?}");
    let (_origin, edge) = set_of(set, vtt, srt);
    let get = |item: &str| edge.get(&url(&format!("/t.video.json/{item}")));
    for list in ["hls/master.m3u8", "dash/manifest.mpd"] {
        let answer = get(list);
        assert_eq!(answer.status(), 200, "{told} {}", answer.text());
        for name in ["s-en", "s-de"] {
            assert!(answer.text().contains(name), "{told} {}", answer.text());
        }
    }
    for label in ["en", "de"] {
        let text = get(&format!("hls/s-{label}/subtitles.vtt"));
        assert_eq!(text.status(), 200, "{told} {label}");
        let is_whole = text.text().starts_with("WEBVTT") && text.text().contains("Hello");
        assert!(is_whole, "{told}: {}", text.text());
    }
}

#[test]
fn h1_sets_and_subtitles_in_a_coding_are_read() {
    let [sets, vtts, srts] = [SET, VTT, SRT].map(every_coding);
    for ((set, vtt), srt) in sets.into_iter().zip(vtts).zip(srts) {
        let coded = |(coding, bytes): (&str, Vec<u8>)| Shelved::new(bytes).coded(coding);
        check_set(coded(set.clone()), coded(vtt.clone()), coded(srt.clone()));
        let chunked = |object| coded(object).chunked();
        check_set(chunked(set), chunked(vtt), chunked(srt));
    }
}

#[test]
fn h1_words_that_are_no_codings_leave_sets_and_subtitles_plain() {
    for word in WORDS {
        let plain = |text: &str| Shelved::new(text).coded(word);
        check_set(plain(SET), plain(VTT), plain(SRT));
    }
}

#[test]
fn h1_a_set_that_cannot_be_decoded_is_refused() {
    for (coding, bytes) in undecodable(SET) {
        let set = Shelved::new(bytes).coded(coding);
        let (_origin, edge) = set_of(set, Shelved::new(VTT), Shelved::new(SRT));
        let answer = edge.get(&url("/t.video.json/hls/master.m3u8"));
        assert_eq!(answer.status(), 422, "{coding}");
    }
    let long = format!("{SET}{}", " ".repeat(70_000));
    let set = Shelved::new(gzip(long)).coded("gzip");
    let (_origin, edge) = set_of(set, Shelved::new(VTT), Shelved::new(SRT));
    let answer = edge.get(&url("/t.video.json/hls/master.m3u8"));
    assert_eq!(answer.status(), 422);
    assert!(answer.text().contains("at most"), "{}", answer.text());
}

/// The playlist's own media type is used where the bucket's says nothing.
#[test]
fn a_rewritten_list_has_the_type_of_a_list() {
    for (name, text, own, kept) in [
        (
            "a.m3u8",
            HLS,
            "application/vnd.apple.mpegurl",
            ["application/x-mpegURL; charset=utf-8", "audio/mpegurl"],
        ),
        (
            "a.mpd",
            DASH,
            "application/dash+xml",
            ["application/dash+xml", "text/xml"],
        ),
    ] {
        for told in [
            "binary/octet-stream",
            "application/octet-stream",
            "text/plain",
            "",
        ] {
            let (_edge, answer) = list_of(name, Shelved::new(text).with("Content-Type", told));
            assert_eq!(answer.field("Content-Type"), Some(own), "{told}");
        }
        let (_edge, answer) = list_of(name, Shelved::new(text));
        assert_eq!(answer.field("Content-Type"), Some(own));
        for told in kept {
            let (_edge, answer) = list_of(name, Shelved::new(text).with("Content-Type", told));
            assert_eq!(answer.field("Content-Type"), Some(told));
        }
    }
}
