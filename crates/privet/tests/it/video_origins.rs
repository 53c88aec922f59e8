//! Videos from other servers: which bytes are requested, and what happens when an origin fails, changes or ignores
//! ranges.

use crate::support::*;

const MIB: u64 = 1 << 20;

fn two_seconds(origin: &FakeOrigin) -> Remote {
    Remote::new(origin).behavior("video = { segment_duration = \"2s\" }")
}

fn start(object: &HeldObject) -> (FakeOrigin, TestEdge) {
    let answering = object.clone();
    let origin = FakeOrigin::start(move |ask| answering.answer(ask));
    let edge = two_seconds(&origin).start();
    (origin, edge)
}

/// A few segments cost a few blocks.
#[test]
fn a_cold_segment_reads_the_index_and_its_own_blocks() {
    for at in [IndexAt::Start, IndexAt::End] {
        let video = MadeVideo::with_index_at(at, 30, 40_000, 0);
        let object = HeldObject::new(video.bytes.clone(), &[("ETag", "\"video\"")]);
        let (origin, edge) = start(&object);
        let answer = edge.get(&url("/video.mp4/hls/t1/10.m4s"));
        assert_eq!(answer.status(), 200);
        assert!(samples_of(&answer.body) == video.picture(10));
        let size_bytes = video.bytes.len() as u64;
        assert!(size_bytes > 25 * MIB);
        assert!(
            origin.sent_size_bytes() <= 6 * MIB,
            "{}",
            origin.sent_size_bytes()
        );
        assert!(origin.asks().len() <= 4, "{:?}", origin.asks());
        let asks = origin.asks().len();
        // Once its index is known, a video costs only the bytes that were not read yet.
        let again = edge.get(&url("/video.mp4/hls/t1/10.m4s"));
        assert!(again.body == answer.body);
        assert_eq!(edge.get(&url("/video.mp4/hls/master.m3u8")).status(), 200);
        assert_eq!(origin.asks().len(), asks);
        let audio = edge.get(&url("/video.mp4/hls/t2/10.m4s"));
        assert_eq!((audio.status(), origin.asks().len()), (200, asks));
    }
}

#[test]
fn everybody_waits_for_one_reading_of_the_index() {
    let video = MadeVideo::new(20, 2_000, 0);
    let object = HeldObject::new(video.bytes, &[("ETag", "\"video\"")]);
    let gate = Gate::closed();
    let (answering, closed) = (object, gate.clone());
    let origin = FakeOrigin::start(move |ask| answering.answer(ask).after(&closed));
    let edge = two_seconds(&origin).start();
    let address = edge.http();
    let viewers: Vec<_> = (1..=8)
        .map(|segment| {
            std::thread::spawn(move || {
                let mut viewer = Viewer::plain(address, None);
                let url = url(&format!("/video.mp4/hls/t1/{segment}.m4s"));
                viewer.get(&url).status()
            })
        })
        .collect();
    origin.wait_for_asks(1);
    gate.open();
    for viewer in viewers {
        assert_eq!(viewer.join().unwrap(), 200);
    }
    assert_eq!(origin.asks().len(), 1, "{:?}", origin.asks());
}

#[test]
fn a_replaced_object_is_read_anew_and_never_mixed() {
    let old = MadeVideo::new(40, 40_000, 0);
    let object = HeldObject::new(old.bytes.clone(), &[("ETag", "\"old\"")]);
    let (_origin, edge) = start(&object);
    let first = edge.get(&url("/video.mp4/hls/t1/1.m4s"));
    assert!(samples_of(&first.body) == old.picture(1));
    let new = MadeVideo::new(40, 39_000, 1);
    object.change_to(new.bytes.clone(), &[("ETag", "\"new\"")]);
    // The blocks of this segment are not cached yet: requests with If-Match show that they belong to another object.
    let second = edge.get(&url("/video.mp4/hls/t1/15.m4s"));
    let told = String::from_utf8_lossy(&second.body[..second.body.len().min(400)]);
    assert_eq!(second.status(), 200, "{told}");
    assert!(samples_of(&second.body) == new.picture(15));
    assert_ne!(first.field("ETag"), second.field("ETag"));
    let third = edge.get(&url("/video.mp4/hls/t1/1.m4s"));
    assert!(samples_of(&third.body) == new.picture(1));
}

/// The second block of a segment belongs to another object: the response ends where the first one's bytes end.
#[test]
fn an_object_replaced_within_a_segment_breaks_the_answer_off() {
    let old = MadeVideo::new(8, 400_000, 0);
    let object = HeldObject::new(old.bytes.clone(), &[("ETag", "\"old\"")]);
    let changing = object.clone();
    let origin = FakeOrigin::start(move |ask| {
        let answer = changing.answer(ask);
        let is_far = ask
            .range(u64::MAX / 2)
            .is_some_and(|range| range.start > 4 * MIB);
        if is_far {
            // From here on the origin has another, shorter object.
            changing.change_to(b"other".to_vec(), &[("ETag", "\"new\"")]);
            return changing.answer(ask);
        }
        answer
    });
    let edge = two_seconds(&origin).start();
    let path = "/video.mp4/hls/t1/1.m4s";
    assert_eq!(
        edge.get(&url(path).replace("1.m4s", "init.mp4")).status(),
        200
    );
    // Only the first blocks of the segment are cached.
    let ask = Ask::get(url(path)).header("Range", "bytes=0-99999");
    assert_eq!(edge.ask(&ask).status(), 206);
    let mut viewer = edge.plain();
    viewer.send(&Ask::get(url(path)).bytes());
    let (answer, body) = viewer.framed_answer();
    let header = answer
        .field("Content-Length")
        .unwrap()
        .parse::<usize>()
        .unwrap()
        - old.picture(1).len();
    let bytes = body.bytes();
    if let Body::Whole(_) = body {
        assert!(bytes[header..] == old.picture(1), "bytes of two objects");
    } else {
        assert!(bytes[header..] == old.picture(1)[..bytes.len() - header]);
    }
}

#[test]
fn origins_without_ranges_or_validators_still_have_videos() {
    let video = MadeVideo::new(20, 20_000, 0);
    let tagged = HeldObject::new(video.bytes.clone(), &[("ETag", "\"video\"")]).ignoring_ranges();
    let bare = HeldObject::new(video.bytes.clone(), &[]).ignoring_ranges();
    let untagged = HeldObject::new(video.bytes.clone(), &[]);
    for object in [tagged, bare, untagged] {
        let (_origin, edge) = start(&object);
        for segment in [7, 1, 10] {
            let answer = edge.get(&url(&format!("/video.mp4/hls/t1/{segment}.m4s")));
            assert_eq!(answer.status(), 200);
            assert!(
                samples_of(&answer.body) == video.picture(segment),
                "segment {segment}"
            );
        }
    }
}

#[test]
fn what_must_not_be_kept_is_refused_with_the_reason() {
    let video = MadeVideo::new(4, 100, 0);
    let object = HeldObject::new(video.bytes, &[("ETag", "\"video\"")]);
    let origin = FakeOrigin::start(move |ask| object.answer(ask));
    let edge = Remote::new(&origin)
        .behavior("cache_policy = \"Managed-CachingDisabled\"")
        .start();
    let answer = edge.get(&url("/video.mp4/hls/master.m3u8"));
    assert_eq!(answer.status(), 422);
    assert!(
        answer.text().contains("must not be cached"),
        "{}",
        answer.text()
    );
}

#[test]
fn an_origin_that_fails_is_told_as_ever() {
    for (status, expected) in [(404, 404), (403, 403), (500, 502), (503, 502)] {
        let origin = FakeOrigin::start(move |_| OriginAnswer::whole(status, &[], "no"));
        let edge = two_seconds(&origin).start();
        for item in ["hls/master.m3u8", "hls/t1/1.m4s", "dash/manifest.mpd"] {
            let answer = edge.get(&url(&format!("/video.mp4/{item}")));
            assert_eq!(answer.status(), expected, "{status} {item}");
        }
    }
    let origin = FakeOrigin::start(|_| OriginAnswer::default().close());
    let edge = two_seconds(&origin).start();
    assert_eq!(edge.get(&url("/video.mp4/hls/master.m3u8")).status(), 502);
}

#[test]
fn an_origin_that_sends_less_than_it_says_never_completes_a_segment() {
    let video = MadeVideo::new(20, 40_000, 0);
    let object = HeldObject::new(video.bytes.clone(), &[("ETag", "\"video\"")]);
    let answering = object;
    let origin = FakeOrigin::start(move |ask| {
        let size_bytes = video.bytes.len() as u64;
        match ask.range(size_bytes) {
            Some(range) if range.start >= MIB => {
                let length = (range.end - range.start).to_string();
                let content_range = format!("bytes {}-{}/{size_bytes}", range.start, range.end - 1);
                let headers = [
                    ("ETag", "\"video\""),
                    ("Content-Length", &*length),
                    ("Content-Range", &content_range),
                ];
                let some = video.bytes[range.start as usize..][..1_000].to_vec();
                OriginAnswer::head(206, &headers).send(some).close()
            }
            Some(_) | None => answering.answer(ask),
        }
    });
    let edge = two_seconds(&origin).start();
    let mut viewer = edge.plain();
    viewer.send(&Ask::get(url("/video.mp4/hls/t1/5.m4s")).bytes());
    let (answer, body) = viewer.framed_answer();
    let is_complete = answer.status() == 200 && matches!(body, Body::Whole(_));
    assert!(!is_complete, "a segment was completed without its bytes");
    assert_eq!(edge.get(&url("/video.mp4/hls/master.m3u8")).status(), 200);
}

/// The object's lifetime at the origin also applies to its segments.
#[test]
fn segments_have_the_lifetime_of_the_object() {
    let video = MadeVideo::new(4, 100, 0);
    let headers = [
        ("ETag", "\"video\""),
        ("Cache-Control", "max-age=600"),
        ("Access-Control-Allow-Origin", "*"),
        ("X-Amz-Meta-Secret", "no"),
        ("Content-Disposition", "attachment"),
    ];
    let (_origin, edge) = start(&HeldObject::new(video.bytes, &headers));
    for item in ["hls/t1/1.m4s", "hls/master.m3u8"] {
        let answer = edge.get(&url(&format!("/video.mp4/{item}")));
        assert_eq!(answer.field("Cache-Control"), Some("max-age=600"), "{item}");
        assert_eq!(answer.field("Access-Control-Allow-Origin"), Some("*"));
        assert_eq!(answer.field("X-Amz-Meta-Secret"), None);
        assert_eq!(answer.field("Content-Disposition"), None);
        assert!(answer.field("Cache-Status").is_some());
    }
    edge.set_clock(NOW + 100);
    let answer = edge.get(&url("/video.mp4/hls/t1/1.m4s"));
    assert_eq!(answer.field("Age"), Some("100"));
    assert_eq!(answer.outcome(), "Hit");
}

/// Signing parameters and the viewer's `Accept-Encoding` never reach the origin.
#[test]
fn the_origin_is_asked_for_the_object_alone() {
    let video = MadeVideo::new(4, 100, 0);
    let object = HeldObject::new(video.bytes, &[("ETag", "\"video\"")]);
    let (origin, edge) = start(&object);
    let link = with_policy(
        &url("/private/video.mp4/hls/master.m3u8"),
        &policy(&url("/private/*")),
    );
    let ask = Ask::get(link).header("Accept-Encoding", "gzip, br");
    assert_eq!(edge.ask(&ask).status(), 200);
    for ask in origin.asks() {
        assert_eq!(ask.target, "/private/video.mp4");
        assert!(
            ask.header("Accept-Encoding")
                .is_none_or(|coding| coding == "identity"),
            "{ask:?}"
        );
    }
}
