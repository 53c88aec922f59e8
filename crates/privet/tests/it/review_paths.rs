//! Spellings of a path that lead to other objects at the origin: none of them gets a viewer what no grant covers.

use crate::support::*;

fn echo() -> FakeOrigin {
    FakeOrigin::start(|ask| OriginAnswer::whole(200, &[], ask.target.clone()))
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
