//! Origins that respond with a part, or with "no such range", to requests without a range.

use crate::support::*;

const BODY: &str = "the first part of it";
const POLICY: &str = "query_strings = 'all'\nmin_ttl = '1h'";

/// Responds as S3 does to a request with `partNumber`, which is no range, and to anything else with the object.
fn origin(status: u16, range: &'static str) -> FakeOrigin {
    FakeOrigin::start(move |ask| {
        let common = [("ETag", "\"a\""), ("Cache-Control", "max-age=3600")];
        if ask.target.contains("partNumber") {
            let headers = [&common[..], &[("Content-Range", range)]].concat();
            return OriginAnswer::whole(status, &headers, BODY);
        }
        OriginAnswer::whole(200, &common, BODY)
    })
}

/// F: the part used to be cached as the object, and the next request got a torn response or none.
#[test]
fn f_what_nobody_asked_a_range_of_is_passed_on_and_not_kept() {
    for (status, range) in [
        (206, "bytes 0-19/40"),
        (206, "bytes 0-19/5242880"),
        (206, "bytes 0-19/20"),
        (206, "bytes 0-1048575/5242880"),
        (206, "bytes 20-39/40"),
        (206, "no range"),
        (416, "bytes */20"),
        (416, "bytes */0"),
    ] {
        let origin = origin(status, range);
        let edge = Remote::new(&origin).policy(POLICY).start();
        for asked in 1..=3 {
            let answer = edge.fetch("/video.mp4?partNumber=1");
            assert_eq!((answer.status(), answer.text()), (status, BODY), "{range}");
            assert_eq!(answer.field("Content-Range"), Some(range));
            assert_eq!(origin.asks().len(), asked, "{status} {range}");
        }
        // The object itself is cached as usual.
        let asks = origin.asks().len();
        for _ in 0..2 {
            assert_eq!(edge.fetch("/video.mp4").status(), 200);
        }
        assert_eq!(origin.asks().len(), asks + 1);
    }
}

/// The part does not take the place of the object either when it comes in response to a revalidation.
#[test]
fn f_an_unasked_part_instead_of_a_304_is_not_kept() {
    let origin = FakeOrigin::start(|ask| {
        let headers = [("ETag", "\"a\""), ("Cache-Control", "no-cache")];
        if ask.header("If-None-Match").is_some() {
            let headers = [&headers[..], &[("Content-Range", "bytes 0-19/40")]].concat();
            return OriginAnswer::whole(206, &headers, BODY);
        }
        OriginAnswer::whole(200, &headers, BODY)
    });
    let edge = Remote::new(&origin).policy("min_ttl = '0s'").start();
    assert_eq!(edge.fetch("/a").status(), 200);
    let answer = edge.fetch("/a");
    assert_eq!((answer.status(), answer.text()), (206, BODY));
    assert_eq!(answer.field("Content-Range"), Some("bytes 0-19/40"));
    let answer = edge.fetch("/a");
    assert_eq!((answer.status(), answer.text()), (200, BODY));
}
