//! Empty objects: the responses are the same from a folder, from an origin, and from the cache.

use crate::support::*;
use privet_distribution::config::ListenerProtocol;

/// An origin's response to a range that it cannot satisfy.
#[derive(Clone, Copy)]
enum Manner {
    /// 416 with `Content-Range`, as S3 sends it.
    WithLength,
    /// 416 without `Content-Range`, which is only a SHOULD (RFC 9110 15.5.17).
    WithoutLength,
    /// The whole object; a range may be ignored (RFC 9110 14.2).
    Ignores,
}

/// Starts an origin whose object is empty or, under `/ten`, has ten bytes.
fn origin(manner: Manner, headers: &'static [(&'static str, &'static str)]) -> FakeOrigin {
    FakeOrigin::start(move |ask| {
        let body = if ask.path().ends_with("ten") {
            "0123456789"
        } else {
            ""
        };
        let size_bytes = body.len() as u64;
        let beyond = ask.header("Range").is_some() && ask.range(size_bytes).is_none();
        match (manner, beyond) {
            (Manner::WithLength, true) => {
                let length = format!("bytes */{size_bytes}");
                let xml = "<Error><Code>InvalidRange</Code></Error>";
                OriginAnswer::whole(416, &[("Content-Range", &length)], xml)
            }
            (Manner::WithoutLength, true) => {
                OriginAnswer::whole(416, &[], "<Error><Code>InvalidRange</Code></Error>")
            }
            _ => OriginAnswer::whole(200, headers, body),
        }
    })
}

const TAGGED: &[(&str, &str)] = &[("ETag", "\"a\"")];

/// Returns what a viewer sees of a range: status, length and body.
fn seen(answer: &Answer) -> (u16, Option<&str>, Option<&str>, &str) {
    let field = |name| answer.field(name);
    (
        answer.status(),
        field("Content-Range"),
        field("Content-Length"),
        answer.text(),
    )
}

#[test]
fn s5_ranges_of_an_empty_object_are_answered_alike() {
    let folder = TestEdge::new();
    folder.put("public/empty", b"");
    folder.put("public/ten", b"0123456789");
    for manner in [Manner::WithLength, Manner::WithoutLength, Manner::Ignores] {
        for name in ["empty", "ten"] {
            for range in [
                "bytes=0-99",
                "bytes=0-",
                "bytes=5-",
                "bytes=99-",
                "bytes=-1",
                "bytes=-0",
                "bytes=0-0,99-",
            ] {
                let shown = format!("{name} {range}");
                let origin = origin(manner, TAGGED);
                let edge = Remote::new(&origin).start();
                let headers = [("Range", range)];
                let expected = folder.fetch_with(&format!("/public/{name}"), &headers);
                let cold = edge.fetch_with(&format!("/{name}"), &headers);
                assert_eq!(seen(&cold), seen(&expected), "{shown}");
                let warm = edge.fetch_with(&format!("/{name}"), &headers);
                assert_eq!(seen(&warm), seen(&expected), "{shown}");
                let asks = origin.asks().len();
                assert!(asks <= 3, "{shown}: {:?}", origin.asks());
                edge.fetch(&format!("/{name}"));
                assert_eq!(origin.asks().len(), asks, "{shown}: it is stored");
            }
        }
    }
}

/// A range beyond the end of a large object costs a block, not the object.
#[test]
fn s5_a_range_behind_the_end_does_not_fetch_the_whole() {
    let object = PatternedObject::new(30_000_000, "\"video\"");
    let origin = FakeOrigin::start(move |ask| {
        let beyond = ask.header("Range").is_some() && ask.range(30_000_000).is_none();
        if beyond {
            return OriginAnswer::whole(416, &[], "<Error><Code>InvalidRange</Code></Error>");
        }
        object.answer(ask)
    });
    let edge = Remote::new(&origin).start();
    let beyond = [("Range", "bytes=99000000-")];
    let answer = edge.fetch_with("/video.mp4", &beyond);
    let expected = (416, Some("bytes */30000000"), Some("0"), "");
    assert_eq!(seen(&answer), expected);
    assert!(
        origin.sent_size_bytes() < 3_000_000,
        "{}",
        origin.sent_size_bytes()
    );
    let asks = origin.asks().len();
    assert_eq!(seen(&edge.fetch_with("/video.mp4", &beyond)), expected);
    assert_eq!(origin.asks().len(), asks, "the next one costs nothing");
}

/// A range of an object that may not be cached is left to the origin.
#[test]
fn a_range_of_what_is_not_kept_is_the_origins() {
    let origin = origin(Manner::WithLength, &[("Cache-Control", "no-store")]);
    let edge = Remote::new(&origin).policy("min_ttl = \"0s\"").start();
    for _ in 0..2 {
        let answer = edge.fetch_with("/empty", &[("Range", "bytes=0-99")]);
        assert_eq!(answer.status(), 416);
        assert_eq!(answer.field("Content-Range"), Some("bytes */0"));
    }
    assert_eq!(edge.fetch("/empty").status(), 200);
}

const VIDEOS: &str = "video = { segment_duration = \"2s\" }";

#[test]
fn s5_an_empty_video_is_no_outage() {
    let no_store: &[(&str, &str)] = &[("Cache-Control", "no-store")];
    for headers in [TAGGED, &[], no_store] {
        for manner in [Manner::WithLength, Manner::WithoutLength, Manner::Ignores] {
            let origin = origin(manner, headers);
            let edge = Remote::new(&origin).behavior(VIDEOS).start();
            for _ in 0..2 {
                let answer = edge.fetch("/zero.mp4/hls/master.m3u8");
                assert_eq!(answer.status(), 422, "{}", answer.text());
                assert!(answer.text().contains("<Code>UnprocessableVideo</Code>"));
            }
        }
    }
}

/// RTMP players are told the same of an empty video from an origin and from a folder.
#[test]
fn s5_an_empty_stream_is_no_outage() {
    let streaming = "[[listeners]]\naddress = \"127.0.0.1:0\"\nprotocol = \"rtmp\"\n[[streaming_distributions]]\n\
        id = \"EGTXBD79EXAMPLE\"\ndomain_name = \"s5c39gqb8ow64r.cloudfront.net\"\n\
        distribution = \"EDFDVBD6EXAMPLE\"\n";
    let play = |edge: &TestEdge| {
        let address = edge.address(&ListenerProtocol::Rtmp);
        let mut viewer = RtmpViewer::greet(Viewer::plain(address, None)).unwrap();
        viewer.connect("s5c39gqb8ow64r.cloudfront.net", "cfx/st");
        viewer.play("mp4:zero.mp4");
        [viewer.next_code(), viewer.next_code()]
    };
    let folder = Remote::without_origin()
        .origin("app", "folder = \"bucket\"")
        .tables(streaming)
        .start();
    folder.put("zero.mp4", b"");
    let expected = play(&folder);
    assert_eq!(
        expected[0].as_deref(),
        Some("NetStream.Play.FileStructureInvalid")
    );
    for manner in [Manner::WithLength, Manner::WithoutLength, Manner::Ignores] {
        let origin = origin(manner, TAGGED);
        let edge = Remote::new(&origin).tables(streaming).start();
        assert_eq!(play(&edge), expected);
    }
}
