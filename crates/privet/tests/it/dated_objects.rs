//! Objects without an entity tag: their date joins blocks only where it distinguishes versions (RFC 9110 8.8.2.2).

use crate::support::*;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

const SIZE_BYTES: u64 = 5_000_000;
const MODIFIED: &str = "Mon, 29 Dec 2025 09:00:00 GMT";
/// `Date` in the second of the modification.
const AT_ONCE: &str = MODIFIED;
const SOON: &str = "Mon, 29 Dec 2025 09:00:30 GMT";
const LATER: &str = "Mon, 29 Dec 2025 09:01:00 GMT";
/// `Date` before the modification, as from two clocks.
const BEFORE: &str = "Mon, 29 Dec 2025 08:00:00 GMT";

/// An object of one date whose bytes a test can change. It evaluates conditions by that date, as servers do.
#[derive(Clone)]
struct Dated {
    date: Arc<Mutex<Option<&'static str>>>,
    version: Arc<AtomicU32>,
    /// Set when the version changes with every response.
    is_restless: bool,
}

impl Dated {
    fn new(date: Option<&'static str>) -> Self {
        Dated {
            date: Arc::new(Mutex::new(date)),
            version: Arc::default(),
            is_restless: false,
        }
    }

    fn restless(date: Option<&'static str>) -> Self {
        Dated {
            is_restless: true,
            ..Dated::new(date)
        }
    }

    fn start(&self) -> FakeOrigin {
        let object = self.clone();
        FakeOrigin::start(move |ask| object.answer(ask))
    }

    fn answer(&self, ask: &OriginAsk) -> OriginAnswer {
        let version = if self.is_restless {
            self.version.fetch_add(1, Ordering::SeqCst)
        } else {
            self.version.load(Ordering::SeqCst)
        };
        let pattern = Pattern::of_version(version as _);
        let mut headers = vec![("Last-Modified", MODIFIED), ("Cache-Control", "max-age=60")];
        headers.extend(self.date.lock().unwrap().map(|date| ("Date", date)));
        if ask.header("If-Modified-Since").is_some() {
            return OriginAnswer::head(304, &headers);
        }
        let (status, range) = match ask.range(SIZE_BYTES) {
            Some(range) => (206, range),
            None => (200, 0..SIZE_BYTES),
        };
        let length = (range.end - range.start).to_string();
        let within = format!("bytes {}-{}/{SIZE_BYTES}", range.start, range.end - 1);
        headers.push(("Content-Length", &length));
        if status == 206 {
            headers.push(("Content-Range", &within));
        }
        OriginAnswer::head(status, &headers).send_pattern(pattern, range)
    }
}

/// Asserts that all bytes belong to one version; a truncated body is not a mixture.
#[track_caller]
fn assert_of_one_version(start: u64, bytes: &[u8], versions: u32) {
    let is_of = |version: u32| {
        Pattern::of_version(version as _).bytes(start..start + bytes.len() as u64) == bytes
    };
    assert!(
        (0..versions).any(is_of),
        "a mixture from {start}, {} bytes",
        bytes.len()
    );
}

fn ask_for(edge: &TestEdge, range: Option<(u64, u64)>) -> (u64, Vec<u8>) {
    let mut ask = Ask::get(url("/video.mp4"));
    if let Some((start, end)) = range {
        ask = ask.header("Range", format!("bytes={start}-{end}"));
    }
    let mut viewer = edge.plain();
    viewer.send(&ask.bytes());
    let (answer, body) = viewer.framed_answer();
    let start = match answer.status() {
        206 => range.map_or(0, |(start, _)| start),
        200 => 0,
        status => panic!("{status}"),
    };
    (start, body.bytes().to_vec())
}

const RANGES: [Option<(u64, u64)>; 5] = [
    Some((0, 99)),
    Some((3_000_000, 3_999_999)),
    Some((1_000_000, 1_099_999)),
    None,
    Some((500_000, 4_500_000)),
];

/// An object that is replaced within the second of its date, on every request.
#[test]
fn s9_an_object_replaced_within_its_second_is_never_mixed() {
    for date in [Some(AT_ONCE), Some(SOON), Some(BEFORE), Some("nonsense")] {
        let object = Dated::restless(date);
        let origin = object.start();
        let edge = Remote::new(&origin).start();
        for range in RANGES {
            let (start, bytes) = ask_for(&edge, range);
            assert_of_one_version(start, &bytes, 40);
        }
        // A stale object is revalidated by its date, and its bytes are still those that came together.
        edge.set_clock(NOW + 100);
        for range in RANGES {
            let (start, bytes) = ask_for(&edge, range);
            assert_of_one_version(start, &bytes, 40);
        }
    }
}

/// A 304 has a later `Date`, but the bytes that were stored before it do not become any older.
#[test]
fn s9_a_later_confirmation_does_not_make_a_date_strong() {
    let object = Dated::new(Some(AT_ONCE));
    let origin = object.start();
    let edge = Remote::new(&origin).cache("memory = \"16 MiB\"").start();
    assert_eq!(ask_for(&edge, None).1.len() as u64, SIZE_BYTES);
    *object.date.lock().unwrap() = Some(LATER);
    edge.set_clock(NOW + 100);
    let (start, bytes) = ask_for(&edge, Some((0, 99)));
    assert_of_one_version(start, &bytes, 1);
    let by_date = [("Range", "bytes=0-9"), ("If-Range", MODIFIED)];
    assert_eq!(edge.fetch_with("/video.mp4", &by_date).status(), 200);
    object.version.store(1, Ordering::SeqCst);
    // Other objects evict blocks of the first version, which would then have to be fetched again.
    for other in 0..6 {
        edge.fetch(&format!("/other{other}"));
        ask_for(&edge, Some((0, 99)));
    }
    for range in RANGES {
        let (start, bytes) = ask_for(&edge, range);
        assert_of_one_version(start, &bytes, 2);
    }
}

/// A settled date works as before: a few blocks are fetched, not the whole object.
#[test]
fn a_date_that_has_settled_joins_blocks() {
    for date in [Some(LATER), None] {
        let origin = Dated::new(date).start();
        let edge = Remote::new(&origin).start();
        // Without a `Date`, the time of reception counts.
        edge.set_clock(NOW + 86_400);
        let (start, bytes) = ask_for(&edge, Some((3_000_000, 3_000_099)));
        assert_eq!((start, bytes.len()), (3_000_000, 100));
        let (start, bytes) = ask_for(&edge, Some((100, 199)));
        assert_eq!((start, bytes.len()), (100, 100));
        let sent = origin.sent_size_bytes();
        assert!(sent <= 3 << 20, "{sent}");
    }
}

/// RFC 9110 13.1.5: a viewer's parts are not joined by a date that another version may share.
#[test]
fn s9_a_viewers_if_range_needs_a_settled_date() {
    for (date, status) in [(AT_ONCE, 200), (SOON, 200), (LATER, 206)] {
        let origin = Dated::new(Some(date)).start();
        let edge = Remote::new(&origin).start();
        edge.fetch("/video.mp4");
        let headers = [("Range", "bytes=0-9"), ("If-Range", MODIFIED)];
        assert_eq!(
            edge.fetch_with("/video.mp4", &headers).status(),
            status,
            "{date}"
        );
    }
}
