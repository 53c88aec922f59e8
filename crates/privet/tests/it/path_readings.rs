//! Spellings of a path that lead to other objects at the origin: none gives a viewer what no grant covers.

use crate::support::*;

fn echo() -> FakeOrigin {
    FakeOrigin::start(|ask| OriginAnswer::whole(200, &[], ask.target.clone()))
}

/// A wildcard of a policy ends where its folder does, however the origin collapses the path.
#[test]
fn a_wildcard_does_not_climb_out_of_its_folder() {
    let origin = echo();
    let edge = Remote::new(&origin).start();
    let alice = policy(&url("/private/alice/*"));
    for climbing in [
        "/private/alice/../bob/video.mp4",
        "/private/alice/%2e%2e/bob/video.mp4",
        "/private/alice/%252e%252e/bob/video.mp4",
        "/private/alice/x/../../bob/video.mp4",
        "/private/alice/..%2fbob/video.mp4",
        "/private/alice/..%5cbob/video.mp4",
        "/private/alice//../bob/video.mp4",
        "/private/alice/..;x/bob/video.mp4",
        "/private/alice/x%2fy/../../bob/video.mp4",
        "/private/alice/..;%2falice/bob/video.mp4",
        "/private/alice/a/../video.mp4",
        "/private/alice/season;1/video.mp4",
        "/private/alice//video.mp4",
    ] {
        let answer = edge.get(&with_policy(&url(climbing), &alice));
        assert_eq!(answer.status(), 403, "{climbing}: {}", answer.text());
    }
    for staying in [
        "/private/alice/video.mp4",
        "/private/alice/season%201/video.mp4",
        "/private/alice/fil+m.mp4",
    ] {
        let answer = edge.get(&with_policy(&url(staying), &alice));
        assert_eq!(answer.status(), 200, "{staying}: {}", answer.text());
    }
    // A signature for exactly this spelling is meant for it (T102).
    let exact = url("/private/alice/../bob/video.mp4");
    assert_eq!(edge.get(&signed(&exact, E)).status(), 200);
    let cookies = Ask::get(url("/private/alice/../bob/video.mp4"))
        .header("Cookie", policy_cookies(RSA, &alice));
    assert_eq!(edge.ask(&cookies).status(), 403);
}

/// Objects beside the origin path belong to somebody else.
#[test]
fn nobody_climbs_above_the_origin_path() {
    let origin = echo();
    let edge = Remote::new(&origin)
        .origin_lines("origin_path = \"/tenant\"")
        .start();
    assert_eq!(edge.fetch("/a/b").text(), "/tenant/a/b");
    for climbing in [
        "/../other/secret",
        "/%2e%2e/other/secret",
        "/%252e%252e/other/secret",
        "/a/../../other/secret",
        "/a//../../other/secret",
        "/..%5cother/secret",
        "/..;x/other/secret",
        "/..",
        "/x%2fy/../../other/secret",
        "/a/../b",
        "/a//b",
    ] {
        let answer = edge.fetch(climbing);
        assert_eq!(answer.status(), 403, "{climbing}: {}", answer.text());
    }
}

/// An origin that decodes once too often cuts the path off at the character it finds.
#[test]
fn what_an_origin_may_cut_off_does_not_open_a_path() {
    let origin = echo();
    let edge = Remote::new(&origin)
        .path("*.jpg", "origin = \"app\"")
        .path("/open/*", "origin = \"app\"")
        .start();
    for cut in [
        "/private/video.mp4%3f.jpg",
        "/private/video.mp4%253f.jpg",
        "/private/video.mp4%23.jpg",
        "/private/video.mp4%00.jpg",
        "/private/video.mp4;.jpg",
    ] {
        let answer = edge.fetch(cut);
        assert_eq!(answer.status(), 403, "{cut}: {}", answer.text());
    }
}

/// The edge's keys may list a bucket; its viewers may not.
#[test]
fn a_bucket_is_not_listed() {
    let origin = echo();
    let bucket = format!(
        "s3 = {{ bucket = \"videos\", endpoint = {:?}, region = \"eu-central-1\", \
         access_key_id = \"AKIDEXAMPLE\", secret_access_key = \"secret\", addressing = \"path\" }}",
        origin.url()
    );
    let edge = Remote::without_origin().origin("app", &bucket).start();
    assert_eq!(edge.fetch("/a").text(), "/videos/a");
    for path in [
        "/",
        "/?list-type=2",
        "/.",
        "/a/..",
        "//",
        "/%2e",
        "/x%2fy/..",
        "/;a",
        "/%3fa",
    ] {
        let answer = edge.fetch(path);
        assert!(
            [403, 404].contains(&answer.status()),
            "{path}: {}",
            answer.text()
        );
    }
    // The unsigned requests are the edge's own, which check whether the bucket is private.
    let asks = origin.asks();
    let signed = asks
        .iter()
        .filter(|ask| ask.header("Authorization").is_some());
    assert_eq!(signed.count(), 1);
}
