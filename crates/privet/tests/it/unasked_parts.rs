//! Origins that answer with a part, or with "no such range", though nobody asked for a range.

use crate::support::*;

const BODY: &str = "the first part of it";
const POLICY: &str = "query_strings = 'all'\nmin_ttl = '1h'";

/// As S3 answers a request with `partNumber`, which is no range, and anything else with the object.
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

/// F: the part was kept as the object, and the next one had a torn answer or none.
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
        // What is an object is kept as ever.
        let asks = origin.asks().len();
        for _ in 0..2 {
            assert_eq!(edge.fetch("/video.mp4").status(), 200);
        }
        assert_eq!(origin.asks().len(), asks + 1);
    }
}

/// Nor does it take the place of the object, when that is asked about again.
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
