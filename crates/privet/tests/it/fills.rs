//! Origins that send less than was requested, or something else.

use crate::support::*;
use std::sync::atomic::{AtomicUsize, Ordering};

const SIZE_BYTES: u64 = 5_000_000;

/// RFC 9110 15.3.7: a server may send fewer bytes than the requested range.
#[test]
fn a_range_that_ends_within_a_block_leaves_no_hole() {
    let pattern = Pattern::of_version(0);
    let origin = FakeOrigin::start(move |ask| {
        let range = ask.range(SIZE_BYTES).unwrap_or(0..SIZE_BYTES);
        let range = range.start..range.end.min(range.start + 700_000);
        let size_bytes = (range.end - range.start).to_string();
        let content_range = format!("bytes {}-{}/{SIZE_BYTES}", range.start, range.end - 1);
        let headers = [
            ("ETag", "\"video\""),
            ("Cache-Control", "max-age=3600"),
            ("Content-Range", content_range.as_str()),
            ("Content-Length", size_bytes.as_str()),
        ];
        if ask.header("Range").is_none() {
            let size_bytes = SIZE_BYTES.to_string();
            return OriginAnswer::head(
                200,
                &[
                    ("ETag", "\"video\""),
                    ("Cache-Control", "max-age=3600"),
                    ("Content-Length", &size_bytes),
                ],
            )
            .send_pattern(pattern, 0..SIZE_BYTES);
        }
        OriginAnswer::head(206, &headers).send_pattern(pattern, range)
    });
    let edge = Remote::new(&origin).start();
    for _ in 0..2 {
        for range in ["bytes=0-99", "bytes=0-1999999", "bytes=600000-900000"] {
            let mut viewer = edge.plain();
            viewer.send(&Ask::get(url("/video.mp4")).header("Range", range).bytes());
            let (answer, body) = viewer.framed_answer();
            if answer.status() == 206 {
                let start: u64 = range[6..].split('-').next().unwrap().parse().unwrap();
                pattern.assert_is(start, body.bytes());
            } else {
                assert_eq!(answer.status(), 502);
            }
        }
    }
    // The worker still serves requests.
    assert!([200, 502].contains(&edge.fetch("/other").status()));
}

/// RFC 9110 13.1.5: a viewer gets a part only of the version that it has the rest of.
#[test]
fn if_range_holds_for_what_is_not_stored_too() {
    let video = PatternedObject::new(SIZE_BYTES, "\"v2\"").with("Cache-Control", "no-store");
    let (origin, video) = FakeOrigin::of(&video);
    let policy = "min_ttl = \"0s\"\ndefault_ttl = \"0s\"\nmax_ttl = \"365d\"";
    let edge = Remote::new(&origin).policy(policy).start();
    let headers = [("Range", "bytes=1000-1999"), ("If-Range", "\"v1\"")];
    let answer = edge.fetch_with("/video.mp4", &headers);
    assert_eq!(
        (answer.status(), answer.body.len() as u64),
        (200, SIZE_BYTES)
    );
    let headers = [("Range", "bytes=1000-1999"), ("If-Range", "\"v2\"")];
    let answer = edge.fetch_with("/video.mp4", &headers);
    assert_eq!((answer.status(), answer.body.len()), (206, 1_000));
    video.pattern().assert_is(1_000, &answer.body);
}

/// A header by which an origin recognizes the edge is a secret between the two.
#[test]
fn one_origins_custom_headers_are_not_told_to_the_other() {
    let primary = FakeOrigin::start(|_| OriginAnswer::whole(503, &[], "busy"));
    let secondary = FakeOrigin::start(|_| OriginAnswer::whole(200, &[], "from the second"));
    let group = "[[distributions.origin_groups]]\nid = \"both\"\norigins = [\"app\", \"spare\"]\n\
         failover_statuses = [502, 503]";
    let edge = Remote::new(&primary)
        .origin_lines("headers = { X-Secret = \"of the first\" }")
        .origin(
            "spare",
            &format!(
                "url = {:?}\nheaders = {{ X-Other = \"of the second\" }}",
                secondary.url()
            ),
        )
        .distribution(group)
        .behavior("origin = \"both\"")
        .start();
    assert_eq!(edge.fetch("/a").text(), "from the second");
    let asks = secondary.asks();
    assert_eq!(asks[0].header("X-Other"), Some("of the second"));
    assert_eq!(asks[0].header("X-Secret"), None);
}

/// A flight lasts as long as its slowest part; requests after an invalidation get the new object.
#[test]
fn a_body_under_way_is_not_for_those_who_ask_after_an_invalidation() {
    let gate = Gate::closed();
    let held = gate.clone();
    let asked = AtomicUsize::new(0);
    let origin = FakeOrigin::start(move |ask| {
        let headers = [("Cache-Control", "max-age=86400"), ("Content-Length", "3")];
        if ask.method == "POST" {
            return OriginAnswer::whole(200, &[], "");
        }
        match asked.fetch_add(1, Ordering::SeqCst) {
            0 => OriginAnswer::head(200, &headers)
                .send("o")
                .wait(&held)
                .send("ld"),
            _ => OriginAnswer::head(200, &headers).send("new"),
        }
    });
    let edge = Remote::new(&origin)
        .behavior(crate::scenario_faults::ALL_METHODS)
        .start();
    let mut early = edge.plain();
    early.send(&Ask::get(url("/a")).bytes());
    assert_eq!(early.head().unwrap().status(), 200);
    let mut change = Ask::get(url("/a")).method("POST");
    change.body = b"new".to_vec();
    assert_eq!(edge.ask(&change).status(), 200);
    assert_eq!(edge.fetch("/a").text(), "new");
    gate.open();
    assert_eq!(early.take(3), b"old");
    assert_eq!(edge.fetch("/a").text(), "new");
}

/// A viewer who reads an old version slowly does not keep the new one from others.
#[test]
fn a_change_is_there_for_others_while_one_reads_on() {
    const VIDEO_SIZE_BYTES: u64 = 200_000_000;
    let (origin, video) = FakeOrigin::object(VIDEO_SIZE_BYTES, "\"v1\"");
    let edge = Remote::new(&origin).start();
    let old = video.pattern();
    let mut slow = edge.plain();
    slow.send(&Ask::get(url("/video.mp4")).bytes());
    assert_eq!(slow.head().unwrap().status(), 200);
    old.assert_is(0, &slow.take(1_000_000));
    let new = video.change_to("\"v2\"");
    for _ in 0..2 {
        let part = edge.fetch_with("/video.mp4", &[("Range", "bytes=150000000-150000999")]);
        assert_eq!(part.status(), 206);
        new.assert_is(150_000_000, &part.body);
    }
    old.assert_is(1_000_000, &slow.take(1_000_000));
}

/// A browser keeps nothing longer than its grant lasts, whatever lifetime a policy sets.
#[test]
fn a_response_headers_policy_does_not_outlast_a_grant() {
    let origin = FakeOrigin::start(|_| OriginAnswer::whole(200, &[], "video"));
    let policy = "[[response_headers_policies]]\nid = \"kept\"\nname = \"kept\"\n\
         [[response_headers_policies.custom]]\nheader = \"Cache-Control\"\n\
         value = \"max-age=31536000\"\noverride = true";
    let edge = Remote::new(&origin)
        .tables(policy)
        .behavior("response_headers_policy = \"kept\"")
        .start();
    let answer = edge.get(&signed(&url("/private/a"), NOW + 60));
    assert_eq!(answer.field("Cache-Control"), Some("max-age=60"));
    let public = edge.fetch("/a");
    assert_eq!(public.field("Cache-Control"), Some("max-age=31536000"));
}

/// RFC 9110 7.6.1: a field that `Connection` names ends at the edge, so the response is not the one for the field's
/// value.
#[test]
fn a_field_that_ends_at_the_edge_poisons_no_key() {
    let origin = FakeOrigin::start(|ask| {
        let language = ask.header("Accept-Language").unwrap_or("none");
        OriginAnswer::whole(200, &[("Cache-Control", "max-age=60")], language)
    });
    let edge = Remote::new(&origin)
        .policy("headers = [\"Accept-Language\"]")
        .start();
    let ending = [("Connection", "Accept-Language"), ("Accept-Language", "fr")];
    assert_eq!(edge.fetch_with("/a", &ending).text(), "none");
    let french = [("Accept-Language", "fr")];
    assert_eq!(edge.fetch_with("/a", &french).text(), "fr");
    assert_eq!(edge.fetch("/a").text(), "none");
}

/// The length is unknown, and the slow viewer reads from the store what others got long before, so the end must be
/// known from the store too.
#[test]
fn m2_a_slow_viewer_of_an_unknown_length_gets_its_end() {
    for size_bytes in [SIZE_BYTES, 4 << 20, (4 << 20) + 1] {
        let bytes = Pattern::of_version(0).bytes(0..size_bytes);
        let origin = FakeOrigin::start(move |_| {
            let chunks: Vec<&[u8]> = bytes.chunks(100_000).collect();
            let headers = [("ETag", "\"video\""), ("Cache-Control", "max-age=3600")];
            OriginAnswer::chunked(200, &headers, &chunks)
        });
        let edge = Remote::new(&origin).start();
        let mut slow = Viewer::narrow(edge.http());
        slow.send(&Ask::get(url("/video.mp4")).bytes());
        origin.wait_until_sent(1);
        let fast = edge.fetch("/video.mp4");
        assert_eq!(fast.body.len() as u64, size_bytes);
        let (_, body) = slow.framed_answer();
        let body = body.whole();
        assert_eq!(body.len() as u64, size_bytes);
        Pattern::of_version(0).assert_is(0, &body);
        assert_eq!(edge.fetch("/video.mp4").outcome(), "Hit");
    }
}
