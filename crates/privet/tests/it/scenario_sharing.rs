//! Many viewers, one origin: each byte is read once, only what is needed is read, and grants share what is cached.

use crate::support::*;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpStream;

const MIB: u64 = 1 << 20;

#[test]
fn a_thousand_viewers_cause_one_read_of_each_byte() {
    const SIZE_BYTES: u64 = 100_000_000;
    allow_many_sockets();
    let gate = Gate::closed();
    let object = PatternedObject::new(SIZE_BYTES, "\"video\"");
    let origin = {
        let (gate, object) = (gate.clone(), object.clone());
        FakeOrigin::start(move |ask| object.answer(ask).after(&gate))
    };
    let edge = Remote::new(&origin).cache("memory = \"256 MiB\"").start();
    let address = edge.http();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let sent = Arc::new(tokio::sync::Barrier::new(1_001));
        let viewers: Vec<_> = (0..1_000)
            .map(|number| {
                // If all viewers read to the end, that would be 100 GB; some read everything, most read a part and
                // leave.
                let take = if number % 64 == 0 {
                    SIZE_BYTES
                } else {
                    256 * 1024
                };
                tokio::spawn(watch(address, take, object.pattern(), Arc::clone(&sent)))
            })
            .collect();
        sent.wait().await;
        gate.open();
        for viewer in viewers {
            let watched = tokio::time::timeout(4 * PATIENCE, viewer).await;
            watched.expect("no viewer hangs").unwrap();
        }
    });
    origin.assert_each_byte_was_read_once("/video.mp4", SIZE_BYTES);
}

/// Raises the limit of open files: viewers and edge are one process here, with two sockets per viewer.
fn allow_many_sockets() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let all = Rlimit {
        current: limit.maximum,
        ..limit
    };
    setrlimit(Resource::Nofile, all).unwrap();
}

/// Requests the video, waits until all viewers have done so, and checks the first `take` bytes.
async fn watch(edge: SocketAddr, take: u64, pattern: Pattern, sent: Arc<tokio::sync::Barrier>) {
    let stream = TcpStream::connect(edge).await.unwrap();
    let ask = Ask::get(url("/video.mp4")).bytes();
    stream.writable().await.unwrap();
    assert_eq!(stream.try_write(&ask).unwrap(), ask.len());
    sent.wait().await;
    let mut unread = Vec::new();
    let mut at = None;
    while at.is_none_or(|at| at < take) {
        stream.readable().await.unwrap();
        match stream.try_read_buf(&mut unread) {
            Ok(0) => panic!("the edge closed after {at:?} bytes"),
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => continue,
            Err(error) => panic!("{error} after {at:?} bytes"),
        }
        if at.is_none() {
            let Some(end) = unread.windows(4).position(|four| four == b"\r\n\r\n") else {
                continue;
            };
            assert!(unread.starts_with(b"HTTP/1.1 200"));
            unread.drain(..end + 4);
            at = Some(0);
        }
        if let Some(at) = &mut at {
            pattern.assert_is(*at, &unread);
            *at += unread.len() as u64;
            unread.clear();
        }
    }
}

#[test]
fn a_seek_in_a_cold_video_reads_only_what_it_needs() {
    let (origin, video) = FakeOrigin::object(10 << 30, "\"video\"");
    let edge = Remote::new(&origin).start();
    let seek = |range: &str| edge.fetch_with("/video.mp4", &[("Range", range)]);
    let first = seek("bytes=5000000000-5000000999");
    assert_eq!(first.status(), 206);
    assert_eq!(
        first.field("Content-Range"),
        Some("bytes 5000000000-5000000999/10737418240")
    );
    video.pattern().assert_is(5_000_000_000, &first.body);
    let read = origin.sent_size_bytes();
    assert!(read <= 2 * MIB, "{read} bytes were read for a thousand");
    // Another viewer, in the same block.
    let second = seek("bytes=5000000500-5000001499");
    video.pattern().assert_is(5_000_000_500, &second.body);
    assert_eq!(second.outcome(), "Hit");
    assert_eq!(origin.sent_size_bytes(), read);
    // A range across the border of two blocks.
    let border = 4_769 * MIB;
    let across = seek(&format!("bytes={}-{}", border - 10, border + 9));
    video.pattern().assert_is(border - 10, &across.body);
    assert_eq!(across.body.len(), 20);
    assert!(origin.sent_size_bytes() <= read + 2 * MIB);
    // The last bytes.
    let end = seek("bytes=-10");
    video.pattern().assert_is((10 << 30) - 10, &end.body);
    assert!(origin.sent_size_bytes() <= read + 4 * MIB);
}

/// A viewer that leaves at once does not make the edge read a video that nobody watches.
#[test]
fn a_fill_ends_when_its_only_viewer_leaves_at_the_start() {
    const SIZE_BYTES: u64 = 1 << 30;
    let (origin, video) = FakeOrigin::object(SIZE_BYTES, "\"video\"");
    let edge = Remote::new(&origin).start();
    let mut viewer = Viewer::narrow(edge.http());
    viewer.send(&Ask::get(url("/video.mp4")).bytes());
    assert_eq!(viewer.head().unwrap().status(), 200);
    video.pattern().assert_is(0, &viewer.take(1_000));
    drop(viewer);
    origin.wait_for_ended_connections(1);
    let read = origin.sent_size_bytes();
    assert!(read < SIZE_BYTES / 4, "{read} bytes were read for nobody");
    let answer = edge.fetch_with("/video.mp4", &[("Range", "bytes=500-1499")]);
    video.pattern().assert_is(500, &answer.body);
}

#[test]
fn a_fill_goes_on_when_its_viewer_leaves_near_the_end() {
    const SIZE_BYTES: u64 = 8_000_000;
    let gate = Gate::closed();
    let origin = {
        let gate = gate.clone();
        FakeOrigin::start(move |_| {
            let length = SIZE_BYTES.to_string();
            let headers = [("Content-Length", length.as_str()), ("ETag", "\"video\"")];
            let pattern = Pattern::of_version(0);
            OriginAnswer::head(200, &headers)
                .send_pattern(pattern, 0..SIZE_BYTES - 10_000)
                .wait(&gate)
                .send_pattern(pattern, SIZE_BYTES - 10_000..SIZE_BYTES)
        })
    };
    let edge = Remote::new(&origin).start();
    let mut viewer = edge.plain();
    viewer.send(&Ask::get(url("/video.mp4")).bytes());
    assert_eq!(viewer.head().unwrap().status(), 200);
    // The viewer does not leave before a block is complete.
    viewer.take(7 * MIB as usize);
    drop(viewer);
    gate.open();
    let whole = edge.fetch("/video.mp4");
    assert_eq!(whole.body.len() as u64, SIZE_BYTES);
    Pattern::of_version(0).assert_is(0, &whole.body);
    origin.assert_each_byte_was_read_once("/video.mp4", SIZE_BYTES);
}

/// A viewer that reads nothing does not delay others that wait for the same bytes.
#[test]
fn a_viewer_that_takes_nothing_holds_nobody_up() {
    // A size beyond what the buffers of a connection hold.
    const SIZE_BYTES: u64 = 40_000_000;
    let (origin, video) = FakeOrigin::object(SIZE_BYTES, "\"video\"");
    let edge = Remote::new(&origin).start();
    let mut idle = edge.plain();
    idle.send(&Ask::get(url("/video.mp4")).bytes());
    origin.wait_for_asks(1);
    let whole = edge.fetch("/video.mp4");
    assert_eq!(whole.body.len() as u64, SIZE_BYTES);
    video.pattern().assert_is(0, &whole.body);
    let late = idle.framed_answer().1.whole();
    assert_eq!(late, whole.body);
}

const ALL_QUERIES: &str =
    "min_ttl = \"0s\"\ndefault_ttl = \"1d\"\nmax_ttl = \"1d\"\nquery_strings = \"all\"";

/// T97: signing parameters and cookies stay at the edge.
#[test]
fn an_origin_sees_no_signature() {
    let origin = FakeOrigin::start(|_| OriginAnswer::whole(200, &[], "video"));
    let forwarding = "[[origin_request_policies]]\nid = \"everything\"\nheaders = \"all-viewer\"\n\
         cookies = \"all\"\nquery_strings = \"all\"";
    let edge = Remote::new(&origin)
        .policy(ALL_QUERIES)
        .tables(forwarding)
        .behavior("origin_request_policy = \"everything\"")
        .start();
    let link = signed(&url("/private/a?a=1&b=2"), E);
    assert_eq!(edge.get(&link).status(), 200);
    let with_custom_policy = with_policy(&url("/private/b?b=2&a=1"), &policy("*"));
    assert_eq!(edge.get(&with_custom_policy).status(), 200);
    let cookies = format!("mine=1; {}; other=2", policy_cookies(RSA, &policy("*")));
    let by_cookie = Ask::get(url("/private/c")).header("Cookie", cookies);
    assert_eq!(edge.ask(&by_cookie).status(), 200);
    let asks = origin.asks();
    let targets: Vec<&str> = asks.iter().map(|ask| ask.target.as_str()).collect();
    assert_eq!(
        targets,
        ["/private/a?a=1&b=2", "/private/b?b=2&a=1", "/private/c"]
    );
    assert_eq!(asks[2].header("Cookie"), Some("mine=1; other=2"));
    for ask in &asks {
        let text = format!("{ask:?}");
        for name in ["Signature", "Expires", "Policy=", "Key-Pair-Id", "KRSA"] {
            assert!(!text.contains(name), "{name} in {text}");
        }
    }
}

/// T98: two viewers with different signatures share one object, and a viewer without one gets nothing of it.
#[test]
fn different_grants_share_an_object() {
    let (origin, video) = FakeOrigin::object(100_000, "\"video\"");
    let edge = Remote::new(&origin).policy(ALL_QUERIES).start();
    let video_url = url("/private/video.mp4");
    let first = edge.get(&signed(&video_url, E));
    let second = edge.get(&signed_by(EC, &video_url, E + 60));
    assert_eq!((first.outcome(), second.outcome()), ("Miss", "Hit"));
    video.pattern().assert_is(0, &second.body);
    assert_eq!(origin.asks().len(), 1);
    let stranger = edge.get(&video_url);
    assert!(stranger.text().contains("<Code>MissingKey</Code>"));
    edge.set_clock(E + 1);
    assert_eq!(edge.get(&signed(&video_url, E)).status(), 403);
    assert_eq!(
        edge.get(&signed_by(EC, &video_url, E + 60)).outcome(),
        "Hit"
    );
}

/// Many requests for an object that the viewers may not have cause no request to the origin.
#[test]
fn refused_viewers_cost_the_origin_nothing() {
    let (origin, _) = FakeOrigin::object(100_000, "\"video\"");
    let edge = Remote::new(&origin).start();
    for _ in 0..100 {
        assert_eq!(edge.get(&url("/private/video.mp4")).status(), 403);
    }
    assert_eq!(origin.asks().len(), 0);
    assert_eq!(origin.connections(), 0);
}

/// A short period in which the viewer that started the fetch has left and others wait.
#[test]
fn those_who_wait_are_served_when_the_first_viewer_leaves() {
    let gate = Gate::closed();
    let object = PatternedObject::new(3_000_000, "\"video\"");
    let origin = {
        let (gate, object) = (gate.clone(), object.clone());
        FakeOrigin::start(move |ask| object.answer(ask).after(&gate))
    };
    let edge = Remote::new(&origin).start();
    let mut first = edge.plain();
    first.send(&Ask::get(url("/video.mp4")).bytes());
    origin.wait_for_asks(1);
    let mut others: Vec<Viewer> = (0..10).map(|_| edge.plain()).collect();
    for viewer in &mut others {
        viewer.send(&Ask::get(url("/video.mp4")).bytes());
    }
    drop(first);
    gate.open();
    for mut viewer in others {
        let (answer, body) = viewer.framed_answer();
        assert_eq!(answer.status(), 200);
        object.pattern().assert_is(0, &body.whole());
    }
}

/// An origin that is sent the viewer's host gets one request per host, and no more.
#[test]
fn an_origin_that_hears_the_host_is_asked_once() {
    let (origin, _) = FakeOrigin::object(1_000, "\"v1\"");
    let edge = Remote::new(&origin)
        .tables("[[origin_request_policies]]\nid = \"all\"\nheaders = \"all-viewer\"")
        .behavior("origin_request_policy = \"all\"")
        .start();
    let outcomes = [0, 1, 2].map(|_| edge.fetch("/a").outcome().to_owned());
    assert_eq!(outcomes, ["Miss", "Hit", "Hit"]);
    let asks = origin.asks();
    assert_eq!(asks.len(), 1);
    assert_eq!(asks[0].header("Host"), Some(HOST));
}
