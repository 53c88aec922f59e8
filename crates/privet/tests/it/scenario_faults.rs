//! Origins that fail: a viewer gets everything, or sees that it did not, and nothing faulty is cached.

use crate::support::*;
use std::sync::atomic::{AtomicUsize, Ordering};

const SIZE_BYTES: u64 = 3_000_000;

/// Plays `first` for the first request and serves the valid object for every later one.
fn failing_once(first: impl Fn() -> OriginAnswer + Send + Sync + 'static) -> FakeOrigin {
    let object = PatternedObject::new(SIZE_BYTES, "\"video\"");
    let asked = AtomicUsize::new(0);
    FakeOrigin::start(move |ask| {
        if asked.fetch_add(1, Ordering::SeqCst) == 0 {
            first()
        } else {
            object.answer(ask)
        }
    })
}

fn ask_for_body(edge: &TestEdge, path: &str) -> (Answer, Body) {
    let mut viewer = edge.plain();
    viewer.send(&Ask::get(url(path)).bytes());
    viewer.framed_answer()
}

/// Checks a fault followed by a healthy origin: the first viewer gets the beginning or everything, the second
/// everything.
#[track_caller]
fn check_first_fault(first: impl Fn() -> OriginAnswer + Send + Sync + 'static) {
    let origin = failing_once(first);
    let edge = Remote::new(&origin).start();
    let pattern = Pattern::of_version(0);
    let (answer, body) = ask_for_body(&edge, "/video.mp4");
    match &body {
        // The fill was resumed where the origin broke off, or the request was repeated before a byte had been sent.
        Body::Whole(bytes) if answer.status() == 200 => {
            assert_eq!(bytes.len() as u64, SIZE_BYTES);
            pattern.assert_is(0, bytes);
        }
        Body::Whole(_) => assert_eq!(answer.status(), 502),
        Body::CutShort(bytes) => pattern.assert_is(0, bytes),
    }
    edge.set_clock(NOW + 60);
    let again = edge.fetch("/video.mp4");
    assert_eq!((again.status(), again.body.len() as u64), (200, SIZE_BYTES));
    pattern.assert_is(0, &again.body);
}

fn promise(length: u64) -> OriginAnswer {
    let length = length.to_string();
    OriginAnswer::head(200, &[("Content-Length", &length), ("ETag", "\"video\"")])
}

fn unannounced() -> OriginAnswer {
    let headers = [("Transfer-Encoding", "chunked"), ("ETag", "\"video\"")];
    OriginAnswer::head(200, &headers)
}

#[test]
fn an_origin_that_dies_leaves_nothing_behind() {
    let half = SIZE_BYTES / 2;
    let pattern = Pattern::of_version(0);
    check_first_fault(move || promise(SIZE_BYTES).send_pattern(pattern, 0..half).close());
    check_first_fault(move || promise(SIZE_BYTES).send_pattern(pattern, 0..half).reset());
    check_first_fault(move || {
        promise(SIZE_BYTES)
            .send_pattern(pattern, 0..SIZE_BYTES - 1)
            .close()
    });
    check_first_fault(|| promise(SIZE_BYTES).close());
    check_first_fault(move || unannounced().chunk(pattern.bytes(0..half)).close());
    check_first_fault(move || unannounced().chunk(pattern.bytes(0..SIZE_BYTES)).close());
    check_first_fault(|| OriginAnswer::default().close());
    check_first_fault(|| OriginAnswer::default().reset());
}

/// Nothing can be resumed here, so the viewer must see that the body is incomplete.
#[test]
fn a_body_that_never_comes_whole_is_never_whole() {
    let pattern = Pattern::of_version(0);
    let origin = FakeOrigin::start(move |ask| match ask.path() {
        "/chunked" => unannounced().chunk(pattern.bytes(0..100_000)).close(),
        _ => promise(SIZE_BYTES)
            .send_pattern(pattern, 0..100_000)
            .close(),
    });
    let edge = Remote::new(&origin).start();
    for path in ["/chunked", "/promised"] {
        for _ in 0..2 {
            let (answer, body) = ask_for_body(&edge, path);
            match body {
                Body::CutShort(bytes) => pattern.assert_is(0, &bytes),
                Body::Whole(_) => assert_eq!(answer.status(), 502, "{path}"),
            }
        }
    }
}

#[test]
fn garbage_is_a_bad_gateway() {
    let heads: [&'static [u8]; 6] = [
        b"not HTTP\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n",
    ];
    for head in heads {
        let origin = FakeOrigin::start(move |_| OriginAnswer::raw(head).close());
        let edge = Remote::new(&origin).start();
        let (answer, _) = ask_for_body(&edge, "/a");
        let shown = String::from_utf8_lossy(head);
        assert_eq!(
            (answer.status(), answer.outcome()),
            (502, "Error"),
            "{shown}"
        );
    }
}

/// Bytes beyond the announced length are no response to any request.
#[test]
fn more_than_promised_is_dropped() {
    let origin = FakeOrigin::start(|ask| match ask.path() {
        "/more" => OriginAnswer::head(200, &[("Content-Length", "4")]).send(
            "fourHTTP/1.1 200 OK\r\nContent-Length: 6\r\nCache-Control: max-age=60\r\n\r\nforged",
        ),
        _ => OriginAnswer::whole(200, &[], "genuine"),
    });
    let edge = Remote::new(&origin).start();
    for number in 0..20 {
        assert_eq!(edge.fetch("/more").text(), "four");
        assert_eq!(edge.fetch(&format!("/other/{number}")).text(), "genuine");
    }
}

/// A `Content-Length` together with chunks, as only an attacker sends it.
#[test]
fn two_framings_never_split_an_answer() {
    let origin = FakeOrigin::start(|ask| match ask.path() {
        "/both" => OriginAnswer::head(
            200,
            &[("Content-Length", "3"), ("Transfer-Encoding", "chunked")],
        )
        .chunk("chunked body")
        .last_chunk(),
        _ => OriginAnswer::whole(200, &[], "genuine"),
    });
    let edge = Remote::new(&origin).start();
    let (answer, body) = ask_for_body(&edge, "/both");
    if answer.status() == 200 {
        assert_eq!(body.whole(), b"chunked body");
    } else {
        assert_eq!(answer.status(), 502);
    }
    assert_eq!(edge.fetch("/other").text(), "genuine");
}

#[test]
fn interim_responses_are_skipped() {
    let origin = FakeOrigin::start(|_| {
        let interim = OriginAnswer::head(103, &[("Link", "</style.css>")]);
        let length = [("Content-Length", "5")];
        interim
            .and_head(100, &[])
            .and_head(200, &length)
            .send("final")
    });
    let edge = Remote::new(&origin).start();
    let answer = edge.fetch("/a");
    assert_eq!((answer.status(), answer.text()), (200, "final"));
    assert_eq!(answer.field("Link"), None);
}

/// A viewer never gets the beginning of one version and the end of another.
#[test]
fn a_change_between_two_blocks_mixes_nothing() {
    let (origin, video) = FakeOrigin::object(8_000_000, "\"v1\"");
    let edge = Remote::new(&origin).start();
    let old = video.pattern();
    let first = edge.fetch_with("/video.mp4", &[("Range", "bytes=0-999999")]);
    old.assert_is(0, &first.body);
    let new = video.change_to("\"v2\"");
    let (_, body) = ask_for_body(&edge, "/video.mp4");
    let version = if body.bytes().first() == Some(&new.byte_at(0)) {
        new
    } else {
        old
    };
    version.assert_is(0, body.bytes());
    if let Body::Whole(bytes) = &body {
        assert_eq!(bytes.len(), 8_000_000);
    }
    // The cached blocks of the old version are gone.
    let whole = edge.fetch("/video.mp4");
    assert_eq!(whole.body.len(), 8_000_000);
    new.assert_is(0, &whole.body);
    let head = edge.fetch_with("/video.mp4", &[("Range", "bytes=0-99")]);
    new.assert_is(0, &head.body);
}

/// The object changes while a viewer is in the middle of it.
#[test]
fn a_change_below_a_reading_viewer_mixes_nothing() {
    // A size beyond what all buffers on the way hold.
    const VIDEO_SIZE_BYTES: u64 = 200_000_000;
    let (origin, video) = FakeOrigin::object(VIDEO_SIZE_BYTES, "\"v1\"");
    let edge = Remote::new(&origin).start();
    let old = video.pattern();
    let mut viewer = edge.plain();
    viewer.send(&Ask::get(url("/video.mp4")).bytes());
    assert_eq!(viewer.head().unwrap().status(), 200);
    old.assert_is(0, &viewer.take(1_000_000));
    video.change_to("\"v2\"");
    // Other viewers' requests must not change what the first viewer gets.
    let part = edge.fetch_with("/video.mp4", &[("Range", "bytes=150000000-150000999")]);
    assert!([206, 200, 502].contains(&part.status()));
    let mut at = 1_000_000;
    while at < VIDEO_SIZE_BYTES {
        let bytes = viewer.take(1_000_000);
        if bytes.is_empty() {
            break;
        }
        old.assert_is(at, &bytes);
        at += bytes.len() as u64;
    }
}

#[test]
fn an_origin_that_is_not_there_is_a_bad_gateway() {
    let origin = FakeOrigin::start(|_| OriginAnswer::default());
    let remote = Remote::new(&origin).origin_lines("connection_attempts = 1");
    let edge = remote.start();
    drop(origin);
    let answer = edge.fetch("/a");
    assert_eq!((answer.status(), answer.outcome()), (502, "Error"));
    assert!(answer.text().contains("502 ERROR"));
}

#[test]
fn an_origin_that_says_nothing_is_a_gateway_timeout() {
    let never = Gate::closed();
    let held = never.clone();
    let origin = FakeOrigin::start(move |_| OriginAnswer::default().wait(&held));
    let edge = Remote::new(&origin)
        .origin_lines("response_timeout = \"1s\"")
        .start();
    let answer = edge.fetch("/a");
    assert_eq!((answer.status(), answer.outcome()), (504, "Error"));
    never.open();
}

/// A request that may have had an effect is not sent twice.
#[test]
fn a_lost_upload_is_not_repeated() {
    let origin = FakeOrigin::start(|_| OriginAnswer::default().close());
    let edge = Remote::new(&origin).behavior(ALL_METHODS).start();
    let mut post = Ask::get(url("/order")).method("POST");
    post.body = b"one video".to_vec();
    assert_eq!(edge.ask(&post).status(), 502);
    assert_eq!(origin.asks().len(), 1);
}

pub const ALL_METHODS: &str =
    "allowed_methods = [\"GET\", \"HEAD\", \"OPTIONS\", \"PUT\", \"POST\", \"PATCH\", \"DELETE\"]";

#[test]
fn the_second_origin_of_a_group_helps_out() {
    let primary = FakeOrigin::start(|ask| match ask.path() {
        "/busy" => OriginAnswer::whole(503, &[], "busy"),
        "/gone" => OriginAnswer::whole(404, &[], "gone"),
        "/lost" => OriginAnswer::default().close(),
        _ => OriginAnswer::whole(200, &[], "from the first"),
    });
    let secondary = FakeOrigin::start(|_| OriginAnswer::whole(200, &[], "from the second"));
    let group = "[[distributions.origin_groups]]\nid = \"both\"\norigins = [\"app\", \"spare\"]\n\
         failover_statuses = [502, 503]";
    let edge = Remote::new(&primary)
        .origin("spare", &format!("url = {:?}", secondary.url()))
        .distribution(group)
        .behavior("origin = \"both\"")
        .start();
    assert_eq!(edge.fetch("/good").text(), "from the first");
    assert_eq!(edge.fetch("/busy").text(), "from the second");
    assert_eq!(edge.fetch("/lost").text(), "from the second");
    let gone = edge.fetch("/gone");
    assert_eq!((gone.status(), gone.text()), (404, "gone"));
    let asked: Vec<String> = secondary.asks().into_iter().map(|ask| ask.target).collect();
    assert_eq!(asked, ["/busy", "/lost"]);
    drop(primary);
    assert_eq!(edge.fetch("/another").text(), "from the second");
}

/// An object without ranges and validators is fetched whole, once, and served in parts.
#[test]
fn an_object_without_validators_is_served_in_parts() {
    let bytes = Pattern::of_version(0).bytes(0..5_000_000);
    let headers = [("Cache-Control", "max-age=60")];
    let origin = FakeOrigin::start(move |_| OriginAnswer::whole(200, &headers, bytes.clone()));
    let edge = Remote::new(&origin).start();
    for at in [4_000_000, 0, 2_500_000] {
        let range = format!("bytes={at}-{}", at + 999);
        let answer = edge.fetch_with("/a", &[("Range", &range)]);
        assert_eq!(
            (answer.status(), answer.body.len()),
            (206, 1_000),
            "{range}"
        );
        Pattern::of_version(0).assert_is(at, &answer.body);
    }
    assert_eq!(origin.asks().len(), 1);
}

/// For an object that may not be stored, the viewer's own range is requested, not whole blocks.
#[test]
fn parts_of_what_is_not_stored_are_passed_on() {
    let object = PatternedObject::new(5_000_000, "\"v1\"").with("Cache-Control", "no-store");
    let (origin, _) = FakeOrigin::of(&object);
    let edge = Remote::new(&origin).policy("min_ttl = \"0s\"").start();
    edge.fetch_with("/a", &[("Range", "bytes=10-19")]);
    let before = origin.asks().len();
    let answer = edge.fetch_with("/a", &[("Range", "bytes=4000000-4000099")]);
    assert_eq!(answer.status(), 206);
    object.pattern().assert_is(4_000_000, &answer.body);
    let asks = origin.asks();
    assert_eq!(asks.len(), before + 1);
    assert_eq!(asks[before].header("Range"), Some("bytes=4000000-4000099"));
}
