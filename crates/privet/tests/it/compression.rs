//! Compression by the edge: CloudFront's conditions one by one, and their effect on viewers, caches and origins.

use crate::support::*;
use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

const POLICY: &str = "min_ttl = \"0s\"\ndefault_ttl = \"1d\"\nmax_ttl = \"1d\"";
const TEXT: (&str, &str) = ("Content-Type", "text/plain");
const ALL: &str = "gzip, br, zstd";

/// An edge that compresses, with an origin that sends the response stored for a path.
struct Site {
    edge: TestEdge,
    origin: FakeOrigin,
    answers: Arc<Mutex<HashMap<String, OriginAnswer>>>,
}

impl Site {
    fn new() -> Self {
        Site::with(|remote| remote.policy(POLICY).behavior("compress = true"))
    }

    fn with(configure: impl FnOnce(Remote) -> Remote) -> Self {
        let answers = Arc::new(Mutex::new(HashMap::<String, OriginAnswer>::new()));
        let known = Arc::clone(&answers);
        let origin = FakeOrigin::start(move |ask| {
            let answer = known.lock().unwrap().get(ask.path()).cloned();
            answer.expect("what the test asks for")
        });
        Site {
            edge: configure(Remote::new(&origin)).start(),
            origin,
            answers,
        }
    }

    fn put(&self, path: &str, answer: OriginAnswer) {
        self.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    /// Stores the response under a path of its own, and requests it once.
    fn answer_to(&self, accepted: &str, answer: OriginAnswer) -> Answer {
        let path = format!("/{}", self.answers.lock().unwrap().len());
        self.put(&path, answer);
        self.get(&path, accepted)
    }

    fn get(&self, path: &str, accepted: &str) -> Answer {
        self.edge.fetch_with(path, &[("Accept-Encoding", accepted)])
    }

    /// Checks the coding in which a viewer gets an object.
    #[track_caller]
    fn check(&self, accepted: &str, answer: OriginAnswer, expected: Option<&str>) {
        let answer = self.answer_to(accepted, answer);
        let status = answer.status();
        assert_eq!(answer.field("Content-Encoding"), expected, "{status}");
    }
}

fn document(size_bytes: usize) -> OriginAnswer {
    OriginAnswer::whole(200, &[TEXT, ("ETag", "\"v1\"")], numbered_lines(size_bytes))
}

#[test]
fn sizes() {
    let site = Site::new();
    for (size_bytes, expected) in [
        (0, None),
        (999, None),
        (1_000, Some("gzip")),
        (10_000_000, Some("gzip")),
        (10_000_001, None),
    ] {
        let answer = site.answer_to("gzip", document(size_bytes));
        assert_eq!(answer.field("Content-Encoding"), expected, "{size_bytes}");
        assert!(
            plain_bytes(&answer) == numbered_lines(size_bytes),
            "{size_bytes}"
        );
    }
}

#[test]
fn types() {
    let site = Site::new();
    let of_type =
        |value: &str| OriginAnswer::whole(200, &[("Content-Type", value)], numbered_lines(5_000));
    for value in ["image/png", "video/mp4", "text/event-stream", "", "text"] {
        site.check(ALL, of_type(value), None);
    }
    site.check(
        ALL,
        OriginAnswer::whole(200, &[], numbered_lines(5_000)),
        None,
    );
    for value in [
        "text/html; charset=utf-8",
        "APPLICATION/JSON",
        "application/vnd.apple.mpegurl",
        "application/dash+xml",
    ] {
        site.check(ALL, of_type(value), Some("br"));
    }
}

#[test]
fn statuses() {
    let site = Site::new();
    // Responses that are not cached are not compressed.
    let headers = [TEXT, ("Cache-Control", "max-age=10")];
    let of_status = |status| OriginAnswer::whole(status, &headers, numbered_lines(5_000));
    for status in [203, 301, 410, 500] {
        site.check(ALL, of_status(status), None);
    }
    for status in [200, 403, 404] {
        site.check(ALL, of_status(status), Some("br"));
    }
}

#[test]
fn framing_and_fields_of_the_origin() {
    let site = Site::new();
    let body = numbered_lines(5_000);
    site.check(ALL, OriginAnswer::chunked(200, &[TEXT], &[&body]), None);
    let until_the_end = OriginAnswer::head(200, &[TEXT]).send(body.clone()).close();
    site.check(ALL, until_the_end, None);
    for (name, value) in [
        ("Cache-Control", "no-transform"),
        ("Cache-Control", "no-store"),
        ("Cache-Control", "private"),
    ] {
        let answer = OriginAnswer::whole(200, &[TEXT, (name, value)], body.clone());
        site.check(ALL, answer, None);
    }
}

/// A body that the origin has compressed passes through byte for byte.
#[test]
fn bodies_that_the_origin_compressed() {
    let site = Site::new();
    let headers = [
        TEXT,
        ("Content-Encoding", "gzip"),
        ("ETag", "\"of gzip\""),
        ("Vary", "Accept-Encoding"),
    ];
    let bytes = numbered_lines(5_000);
    let answer = site.answer_to(
        "br, gzip",
        OriginAnswer::whole(200, &headers, bytes.clone()),
    );
    assert_eq!(answer.field("Content-Encoding"), Some("gzip"));
    assert_eq!(answer.field("ETag"), Some("\"of gzip\""));
    assert_eq!(answer.body, bytes);
    let asks = site.origin.asks();
    assert_eq!(asks[0].header("Accept-Encoding"), Some("br,gzip"));
}

#[test]
fn codings_that_a_viewer_takes() {
    let site = Site::new();
    for (accepted, expected) in [
        ("", None),
        ("identity", None),
        ("deflate", None),
        ("*", None),
        ("gzip;q=0", None),
        ("br;q=0.000, gzip;q=0", None),
        ("gzip", Some("gzip")),
        ("x-gzip", Some("gzip")),
        ("br", Some("br")),
        ("zstd", Some("zstd")),
        ("gzip, br", Some("br")),
        ("gzip;q=1.0, br;q=0.1", Some("br")),
        ("br;q=0, gzip", Some("gzip")),
        ("gzip, zstd", Some("zstd")),
        ("gzip, br, zstd", Some("br")),
        ("gzip, br;q=0, zstd", Some("zstd")),
    ] {
        let answer = site.answer_to(accepted, document(5_000));
        assert_eq!(answer.field("Content-Encoding"), expected, "{accepted:?}");
        assert_eq!(plain_bytes(&answer), numbered_lines(5_000), "{accepted:?}");
        assert_eq!(answer.field("Vary"), Some("Accept-Encoding"));
    }
}

#[test]
fn codings_of_the_policy() {
    let check = |lines: &str, expected: Option<&str>| {
        let policy = format!("{POLICY}\n{lines}");
        let site = Site::with(|remote| remote.policy(&policy).behavior("compress = true"));
        site.check(ALL, document(5_000), expected);
    };
    check("gzip = false\nbrotli = false\nzstd = false", None);
    check("brotli = false\nzstd = false", Some("gzip"));
    check("brotli = false", Some("zstd"));
}

#[test]
fn behaviors_that_do_not_compress() {
    let site = Site::with(|remote| remote.policy(POLICY));
    let answer = site.answer_to(ALL, document(5_000));
    assert_eq!(answer.field("Content-Encoding"), None);
    assert_eq!(answer.field("Vary"), None);
}

#[test]
fn policies_that_cache_nothing() {
    let nothing = "min_ttl = \"0s\"\ndefault_ttl = \"0s\"\nmax_ttl = \"0s\"";
    let site = Site::with(|remote| remote.policy(nothing).behavior("compress = true"));
    site.check(ALL, document(5_000), None);
}

#[test]
fn viewers_of_http_1_0() {
    let site = Site::new();
    site.put("/a", document(5_000));
    let ask = Ask::get(url("/a"))
        .version("HTTP/1.0")
        .header("Accept-Encoding", ALL);
    let answer = site.edge.ask(&ask);
    assert_eq!(answer.field("Content-Encoding"), None);
    assert_eq!(answer.body, numbered_lines(5_000));
    assert_eq!(site.get("/a", ALL).field("Content-Encoding"), Some("br"));
}

#[test]
fn fields_of_a_form() {
    let site = Site::new();
    let headers = [
        TEXT,
        ("ETag", "\"v1\""),
        ("Accept-Ranges", "bytes"),
        ("Content-MD5", "Q2hlY2sgSW50ZWdyaXR5IQ=="),
        ("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT"),
        ("X-Own", "kept"),
    ];
    site.put(
        "/a",
        OriginAnswer::whole(200, &headers, numbered_lines(50_000)),
    );
    for (accepted, outcome) in [("br", "Miss"), ("br", "Hit")] {
        let answer = site.get("/a", accepted);
        assert_eq!(answer.outcome(), outcome);
        assert_eq!(answer.field("Content-Encoding"), Some(accepted));
        assert_eq!(answer.field("ETag"), Some("W/\"v1\""));
        assert_eq!(answer.field("Vary"), Some("Accept-Encoding"));
        assert_eq!(answer.field("X-Own"), Some("kept"));
        assert_eq!(answer.field("Last-Modified"), Some(headers[4].1));
        assert_eq!(answer.field("Accept-Ranges"), None);
        assert_eq!(answer.field("Content-MD5"), None);
        let length = answer.body.len().to_string();
        assert_eq!(answer.field("Content-Length"), Some(length.as_str()));
        assert!(answer.body.len() < 25_000);
        assert_eq!(plain_bytes(&answer), numbered_lines(50_000));
    }
}

#[test]
fn entity_tags() {
    let site = Site::new();
    for (tag, expected) in [
        ("unquoted", None),
        ("\"strong\"", Some("W/\"strong\"")),
        ("W/\"weak\"", Some("W/\"weak\"")),
    ] {
        let document = OriginAnswer::whole(200, &[TEXT, ("ETag", tag)], numbered_lines(5_000));
        let answer = site.answer_to("gzip", document);
        assert_eq!(answer.field("ETag"), expected);
        assert_eq!(answer.field("Content-Encoding"), Some("gzip"));
    }
}

#[test]
fn conditions_against_a_form() {
    let site = Site::new();
    site.put("/a", document(5_000));
    let form = site.get("/a", "br");
    let asked = |name: &str, value: &str| {
        let headers = [("Accept-Encoding", "br"), (name, value)];
        site.edge.fetch_with("/a", &headers)
    };
    for tag in ["W/\"v1\"", "\"v1\"", "*"] {
        let answer = asked("If-None-Match", tag);
        assert_eq!(answer.status(), 304, "{tag}");
        assert_eq!(answer.field("ETag"), Some("W/\"v1\""));
        assert_eq!(answer.field("Vary"), Some("Accept-Encoding"));
        assert_eq!(answer.field("Content-Encoding"), None);
    }
    assert_eq!(asked("If-None-Match", "\"v2\"").body, form.body);
    // If-Match uses strong comparison, so a weak tag never matches.
    assert_eq!(asked("If-Match", "\"v1\"").status(), 412);
    assert_eq!(asked("If-Match", "W/\"v1\"").status(), 412);
    assert_eq!(site.origin.asks().len(), 1);
}

#[test]
fn head_of_a_form() {
    let site = Site::new();
    site.put("/a", document(5_000));
    let form = site.get("/a", "br");
    let ask = Ask::get(url("/a"))
        .method("HEAD")
        .header("Accept-Encoding", "br");
    let head = site.edge.ask(&ask);
    for name in ["Content-Encoding", "Content-Length", "ETag", "Vary"] {
        assert_eq!(head.field(name), form.field(name), "{name}");
    }
    assert_eq!(site.origin.asks().len(), 1);
}

#[test]
fn ranges_are_of_the_plain_bytes() {
    let site = Site::new();
    site.put("/a", document(5_000));
    assert_eq!(site.get("/a", "br").field("Content-Encoding"), Some("br"));
    let headers = [("Accept-Encoding", "br"), ("Range", "bytes=10-29")];
    let answer = site.edge.fetch_with("/a", &headers);
    assert_eq!(answer.status(), 206);
    assert_eq!(answer.field("Content-Encoding"), None);
    assert_eq!(answer.field("ETag"), Some("\"v1\""));
    assert_eq!(answer.field("Vary"), Some("Accept-Encoding"));
    assert_eq!(answer.body, numbered_lines(5_000)[10..30]);
    assert_eq!(site.origin.asks().len(), 1);
}

#[test]
fn what_gets_no_smaller_stays_plain() {
    let site = Site::new();
    // The pattern repeats after 65,521 bytes, too far apart for gzip.
    let noise = Pattern::of_version(0).bytes(0..60_000);
    let headers = [TEXT, ("ETag", "\"v1\"")];
    site.put("/a", OriginAnswer::whole(200, &headers, noise.clone()));
    for outcome in ["Miss", "Hit", "Hit"] {
        let answer = site.get("/a", "gzip");
        assert_eq!(answer.outcome(), outcome);
        assert_eq!(answer.field("Content-Encoding"), None);
        assert_eq!(answer.field("ETag"), Some("\"v1\""));
        assert_eq!(answer.field("Vary"), Some("Accept-Encoding"));
        assert_eq!(answer.body, noise);
    }
    assert_eq!(site.origin.asks().len(), 1);
}

/// A long object is one that is cached in blocks.
#[test]
fn a_long_object_is_read_once() {
    const SIZE_BYTES: u64 = 5_000_000;
    let object = PatternedObject::new(SIZE_BYTES, "\"v1\"").with(TEXT.0, TEXT.1);
    let (origin, _) = FakeOrigin::of(&object);
    let edge = Remote::new(&origin)
        .policy(POLICY)
        .behavior("compress = true")
        .start();
    for _ in 0..2 {
        let answer = edge.fetch_with("/a", &[("Accept-Encoding", "zstd")]);
        assert_eq!(answer.field("Content-Encoding"), Some("zstd"));
        assert!(answer.body.len() < 100_000);
        object.pattern().assert_is(0, &plain_bytes(&answer));
    }
    origin.assert_each_byte_was_read_once("/a", SIZE_BYTES);
}

#[test]
fn many_viewers_cause_one_read() {
    let gate = Gate::closed();
    let site = Site::new();
    site.put("/a", document(200_000).after(&gate));
    let ask = Ask::get(url("/a")).header("Accept-Encoding", "br").bytes();
    let mut viewers: Vec<Viewer> = (0..20).map(|_| site.edge.plain()).collect();
    for viewer in &mut viewers {
        viewer.send(&ask);
    }
    site.origin.wait_for_asks(1);
    gate.open();
    let bodies: Vec<Vec<u8>> = viewers
        .iter_mut()
        .map(|viewer| {
            let (answer, body) = viewer.framed_answer();
            assert_eq!(answer.field("Content-Encoding"), Some("br"));
            body.whole()
        })
        .collect();
    assert_eq!(decoded(Some("br"), &bodies[0]), numbered_lines(200_000));
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    site.origin.assert_each_byte_was_read_once("/a", 200_000);
}

/// The viewer that started the fill leaves before the object has arrived.
#[test]
fn those_who_wait_get_the_form_when_the_first_viewer_leaves() {
    let gate = Gate::closed();
    let site = Site::new();
    let half = numbered_lines(200_000).split_off(100_000);
    let answer = OriginAnswer::head(200, &[TEXT, ("Content-Length", "200000")])
        .send(&numbered_lines(200_000)[..100_000])
        .wait(&gate)
        .send(half);
    site.put("/a", answer);
    let ask = Ask::get(url("/a")).header("Accept-Encoding", "br").bytes();
    let (mut first, mut second) = (site.edge.plain(), site.edge.plain());
    first.send(&ask);
    site.origin.wait_until_sent(100_000);
    second.send(&ask);
    drop(first);
    gate.open();
    let (answer, body) = second.framed_answer();
    assert_eq!(answer.status(), 200);
    let body = body.whole();
    assert_eq!(
        decoded(answer.field("Content-Encoding"), &body),
        numbered_lines(200_000)
    );
}

#[test]
fn a_source_that_changes() {
    let site = Site::new();
    let version = |tag: &str, body: Vec<u8>| {
        let headers = [TEXT, ("ETag", tag), ("Cache-Control", "max-age=10")];
        OriginAnswer::whole(200, &headers, body)
    };
    site.put("/a", version("\"v1\"", numbered_lines(5_000)));
    assert_eq!(plain_bytes(&site.get("/a", "br")), numbered_lines(5_000));
    site.put("/a", version("\"v2\"", numbered_lines(6_000)));
    site.edge.set_clock(NOW + 20);
    let changed = site.get("/a", "br");
    assert_eq!(changed.field("ETag"), Some("W/\"v2\""));
    assert_eq!(plain_bytes(&changed), numbered_lines(6_000));
}

/// A 304 leaves the form as it is and updates its header fields.
#[test]
fn a_source_that_is_confirmed() {
    let site = Site::new();
    let headers = [TEXT, ("ETag", "\"v1\""), ("Cache-Control", "max-age=10")];
    site.put(
        "/a",
        OriginAnswer::whole(200, &headers, numbered_lines(5_000)),
    );
    let first = site.get("/a", "br");
    let confirmation = [
        ("ETag", "\"v1\""),
        ("Cache-Control", "max-age=100"),
        ("X-Own", "new"),
    ];
    site.put("/a", OriginAnswer::head(304, &confirmation));
    site.edge.set_clock(NOW + 20);
    for outcome in ["RefreshHit", "Hit"] {
        let again = site.get("/a", "br");
        assert_eq!(again.outcome(), outcome);
        assert_eq!(again.field("Content-Encoding"), Some("br"));
        assert_eq!(again.field("Cache-Control"), Some("max-age=100"));
        assert_eq!(again.field("X-Own"), Some("new"));
        assert_eq!(again.body, first.body);
    }
    let asks = site.origin.asks();
    assert_eq!(asks.len(), 2);
    // The origin gets its own tag, not the form's.
    assert_eq!(asks[1].header("If-None-Match"), Some("\"v1\""));
}

#[test]
fn an_origin_that_breaks_off() {
    let site = Site::new();
    let headers = [TEXT, ("Content-Length", "5000")];
    let answer = OriginAnswer::head(200, &headers)
        .send(numbered_lines(2_000))
        .close();
    site.put("/a", answer);
    let mut viewer = site.edge.plain();
    viewer.send(&Ask::get(url("/a")).header("Accept-Encoding", "br").bytes());
    let (answer, body) = viewer.framed_answer();
    let is_whole = matches!(body, Body::Whole(_));
    assert!(answer.status() >= 500 || !is_whole, "{answer:?}");
    site.put("/a", document(5_000));
    assert_eq!(plain_bytes(&site.get("/a", "br")), numbered_lines(5_000));
}

/// The first size is read back whole, the second is sent from the disk.
#[test]
fn forms_outlast_the_edge_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    // An alphabet of 32 letters, so that a coding saves three eighths at most.
    let letters = |size_bytes: u64| -> Vec<u8> {
        let bytes = Pattern::of_version(0).bytes(0..size_bytes);
        bytes.iter().map(|byte| b'A' + byte % 32).collect()
    };
    let origin = FakeOrigin::start(move |ask| {
        let size_bytes = ask.path()[1..].parse().unwrap();
        OriginAnswer::whole(200, &[TEXT, ("ETag", "\"v1\"")], letters(size_bytes))
    });
    let remote = Remote::new(&origin)
        .disk(folder.path())
        .policy(POLICY)
        .behavior("compress = true");
    let get = |edge: &TestEdge, size_bytes: u64| {
        edge.fetch_with(&format!("/{size_bytes}"), &[("Accept-Encoding", "gzip")])
    };
    let sizes = [100_000, 3_000_000];
    let edge = remote.start();
    let first = sizes.map(|size_bytes| get(&edge, size_bytes));
    edge.stop();
    assert!(first[1].body.len() > 1_000_000);
    let edge = remote.start();
    for (size_bytes, first) in sizes.into_iter().zip(first) {
        let second = get(&edge, size_bytes);
        assert_eq!(second.field("Content-Encoding"), Some("gzip"));
        assert!(second.body == first.body);
        assert!(plain_bytes(&second) == letters(size_bytes));
    }
}

/// The cache has 16 MiB; a form needs room for itself and for the encoder beside the object.
#[test]
fn without_memory_the_plain_bytes_are_sent() {
    let site = Site::with(|remote| {
        remote
            .cache("memory = \"16 MiB\"")
            .policy(POLICY)
            .behavior("compress = true")
    });
    let large = site.answer_to("br", document(9_000_000));
    assert_eq!(large.field("Content-Encoding"), None);
    assert_eq!(large.field("ETag"), Some("\"v1\""));
    assert!(large.body == numbered_lines(9_000_000));
    site.check("gzip", document(100_000), Some("gzip"));
}

#[test]
fn over_http2() {
    let site = Site::new();
    site.put("/a", document(200_000));
    let ask =
        |accepted: &str| Ask::get(format!("https://{HOST}/a")).header("Accept-Encoding", accepted);
    let asks = ["br", "gzip", "zstd", "br", "identity"];
    let answers = ask_multiplexed(&site.edge, &asks.map(ask));
    for (accepted, answer) in asks.iter().zip(answers) {
        let coding = answer.headers().get("content-encoding");
        let coding = coding.map(|value| value.to_str().unwrap());
        assert_eq!(coding, Some(*accepted).filter(|name| *name != "identity"));
        let length = answer.headers()["content-length"].to_str().unwrap();
        assert_eq!(length, answer.body().len().to_string());
        assert_eq!(answer.headers()["vary"], "Accept-Encoding");
        assert_eq!(decoded(coding, answer.body()), numbered_lines(200_000));
    }
}

/// Decoders of other projects agree.
#[test]
fn curl_and_python_decode_it() {
    let site = Site::new();
    site.put("/a", document(300_000));
    let address = site.edge.http().to_string();
    let curl = |arguments: &[&str]| {
        let target = format!("http://{address}/a");
        let host = format!("Host: {HOST}");
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--fail", "-H", &host, &target])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        output.stdout
    };
    // curl accepts br if it was built with it.
    assert!(curl(&["--compressed"]) == numbered_lines(300_000));
    let gzip = curl(&["-H", "Accept-Encoding: gzip"]);
    assert!(gzip.len() < 100_000);
    let script =
        "import gzip,sys; sys.stdout.buffer.write(gzip.decompress(sys.stdin.buffer.read()))";
    let mut python = Command::new("python3")
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = python.stdin.take().unwrap();
    let writer = std::thread::spawn(move || std::io::Write::write_all(&mut stdin, &gzip));
    let output = python.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.stdout == numbered_lines(300_000));
}
