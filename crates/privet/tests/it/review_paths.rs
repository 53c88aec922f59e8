//! Spellings of a path that lead to other objects at the origin: none of them gets a viewer what no grant covers.

use crate::support::*;

fn echo() -> FakeOrigin {
    FakeOrigin::start(|ask| OriginAnswer::whole(200, &[], ask.target.clone()))
}

/// What lies beside the origin path belongs to somebody else.
#[test]
fn nobody_climbs_above_the_origin_path() {
    let origin = echo();
    let edge = Remote::new(&origin)
        .origin_lines("origin_path = \"/tenant\"")
        .start();
    assert_eq!(edge.fetch("/a/../b").text(), "/tenant/a/../b");
    for climbing in [
        "/../other/secret",
        "/%2e%2e/other/secret",
        "/%252e%252e/other/secret",
        "/a/../../other/secret",
        "/a//../../other/secret",
        "/..%5cother/secret",
        "/..;x/other/secret",
        "/..",
    ] {
        let answer = edge.fetch(climbing);
        assert_eq!(answer.status(), 403, "{climbing}: {}", answer.text());
    }
}

/// Origins that decode once more than they should cut the path off at what they find.
#[test]
fn what_an_origin_may_cut_off_does_not_open_a_path() {
    let origin = echo();
    let edge = Remote::new(&origin)
        .path("*.jpg", "origin = \"app\"")
        .path("/open/*", "origin = \"app\"")
        .start();
    for cut in [
        "/private/film.mp4%3f.jpg",
        "/private/film.mp4%253f.jpg",
        "/private/film.mp4%23.jpg",
        "/private/film.mp4%00.jpg",
        "/private/film.mp4;.jpg",
    ] {
        let answer = edge.fetch(cut);
        assert_eq!(answer.status(), 403, "{cut}: {}", answer.text());
    }
}
