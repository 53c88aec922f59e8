//! Attacks on videos: grants that were signed for something else, ranges that cost more than they yield, tokens in
//! logs.

use crate::support::*;

const VIDEO: &str = "/private/videos/talk.mp4";

fn origin_of(video: &MadeVideo) -> FakeOrigin {
    let object = HeldObject::new(video.bytes.clone(), &[("ETag", "\"video\"")]);
    FakeOrigin::start(move |ask| object.answer(ask))
}

/// Returns the query of a policy for `resource`.
fn query_for(resource: &str) -> String {
    let link = with_policy("", &policy(&url(resource)));
    link.split_once('?').expect("a signed link").1.to_owned()
}

/// A signature for all `.ts` files is meant for files: the segments of videos beside them have other names.
#[test]
fn a_policy_for_an_extension_opens_no_video() {
    let origin = origin_of(&MadeVideo::new(4, 100, 0));
    let edge = Remote::new(&origin).start();
    for (resource, item) in [
        ("/private/*.ts", "hls/ts/1.ts"),
        ("/private/videos/*.m4s", "hls/t1/1.m4s"),
        ("/*.m3u8", "hls/master.m3u8"),
        ("/*.mpd", "dash/manifest.mpd"),
    ] {
        let asked = format!(
            "{}?{}",
            url(&format!("{VIDEO}/{item}")),
            query_for(resource)
        );
        for path_token in ["", "&path_token=1"] {
            let status = edge.get(&format!("{asked}{path_token}")).status();
            assert_eq!(status, 403, "{resource}{path_token}");
        }
    }
    assert!(origin.asks().is_empty(), "the origin was asked");
    let query = query_for("/private/videos/talk.mp4/hls/ts/*.ts");
    let segment = url(&format!("{VIDEO}/hls/ts/1.ts?{query}"));
    assert_eq!(edge.get(&segment).status(), 200);
}

#[test]
fn every_range_of_a_transport_stream_is_the_same_stretch_of_it() {
    let origin = origin_of(&MadeVideo::new(4, 5_000, 0));
    let edge = Remote::new(&origin).start();
    let segment = url(&format!("{VIDEO}/hls/ts/1.ts?{}", query_for("/private/*")));
    let whole = edge.get(&segment).body;
    for start in [
        0,
        1,
        187,
        188,
        375,
        376,
        377,
        5_000,
        whole.len() / 2,
        whole.len() - 1,
    ] {
        for length in [1, 188, 10_000] {
            let end = (start + length).min(whole.len());
            let range = format!("bytes={start}-{}", end - 1);
            let answer = edge.ask(&Ask::get(&segment).header("Range", &range));
            assert_eq!(answer.status(), 206, "{range}");
            assert_eq!(answer.body, whole[start..end], "{range}");
        }
    }
}

#[test]
fn no_token_stands_in_a_log() {
    let origin = origin_of(&MadeVideo::new(4, 100, 0));
    let edge = Remote::new(&origin).start();
    let query = query_for("/private/*");
    let list = url(&format!("{VIDEO}/hls/master.m3u8?{query}&path_token=1"));
    let answer = edge.get(&list);
    let location = answer.field("Location").expect("a way").to_owned();
    let token = location["/~".len()..].split('/').next().expect("a token");
    let referer = url(&location);
    for path in [
        location.clone(),
        location.replacen('~', "%7E", 1),
        format!("/~{token}/~{token}/x"),
        format!("//~{token}/x"),
        format!("/x?next=%2F~{token}%2Fx"),
    ] {
        edge.ask(&Ask::get(url(&path)).header("Referer", &referer));
    }
    let token = token.to_owned();
    let (_, live) = edge.stop();
    assert!(live.text().contains("REDACTED"), "{}", live.text());
    assert!(!live.text().contains(&token[20..60]), "{}", live.text());
}
