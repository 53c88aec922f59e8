//! Objects over every kind of connection, whole and in parts, compared byte by byte.

use crate::support::*;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
/// Sizes around each limit at which the edge changes the way it sends.
const SIZES: [usize; 9] = [
    0,
    1,
    KIB,
    16 * KIB - 1,
    16 * KIB,
    64 * KIB,
    2 * MIB,
    2 * MIB + 1,
    5 * MIB,
];

/// Returns bytes that no shifted copy of them equals.
fn pattern(size_bytes: usize) -> Vec<u8> {
    let byte = |at: usize| (at.wrapping_mul(2_654_435_761) >> 13) as u8;
    (0..size_bytes).map(byte).collect()
}

/// The parts of a response that are compared, whatever the protocol.
#[derive(Debug, PartialEq, Eq)]
struct Got {
    status: u16,
    length: Option<String>,
    range: Option<String>,
    body: Vec<u8>,
}

/// Returns the responses over plain HTTP, over TLS, and over HTTP/2.
fn over_all(edge: &TestEdge, path: &str, headers: &[(&str, &str)], method: &str) -> Vec<Got> {
    let ask = |scheme: &str| {
        let mut ask = Ask::get(format!("{scheme}://{HOST}{path}")).method(method);
        for (name, value) in headers {
            ask = ask.header(name, *value);
        }
        ask
    };
    let mut got: Vec<Got> = ["http", "https"]
        .iter()
        .map(|scheme| edge.ask(&ask(scheme)))
        .map(|answer| Got {
            status: answer.status(),
            length: answer.header("Content-Length").map(str::to_owned),
            range: answer.header("Content-Range").map(str::to_owned),
            body: answer.body,
        })
        .collect();
    for answer in ask_multiplexed(edge, &[ask("https")]) {
        let header = |name| {
            let value = answer.headers().get(name)?;
            Some(value.to_str().unwrap().to_owned())
        };
        got.push(Got {
            status: answer.status().as_u16(),
            length: header("content-length"),
            range: header("content-range"),
            body: answer.body().clone(),
        });
    }
    got
}

#[track_caller]
fn check(edge: &TestEdge, path: &str, headers: &[(&str, &str)], method: &str, expected: &Got) {
    for (got, way) in over_all(edge, path, headers, method)
        .iter()
        .zip(["plain", "tls", "h2"])
    {
        let what = format!("{method} {path} {headers:?} over {way}");
        assert_eq!(got.status, expected.status, "{what}");
        assert_eq!(got.length, expected.length, "{what}");
        assert_eq!(got.range, expected.range, "{what}");
        assert!(got.body == expected.body, "{what}: other bytes");
    }
}

fn whole(bytes: &[u8]) -> Got {
    Got {
        status: 200,
        length: Some(bytes.len().to_string()),
        range: None,
        body: bytes.to_vec(),
    }
}

#[test]
fn whole_objects() {
    let edge = TestEdge::new();
    for size_bytes in SIZES {
        let bytes = pattern(size_bytes);
        let path = format!("/public/{size_bytes}.bin");
        edge.put(&path[1..], &bytes);
        check(&edge, &path, &[], "GET", &whole(&bytes));
        let head = Got {
            body: Vec::new(),
            ..whole(&bytes)
        };
        check(&edge, &path, &[], "HEAD", &head);
        check(&edge, &path, &[("Range", "bytes=0-0")], "HEAD", &head);
    }
}

#[test]
fn ranges_that_are_none() {
    let edge = TestEdge::new();
    let bytes = pattern(1000);
    edge.put("public/a.bin", &bytes);
    for range in [
        "bytes=5-2",
        "bytes=a-b",
        "pieces=0-1",
        "bytes=5-9,0-3",
        "bytes=0-5,3-9",
        "bytes=",
    ] {
        check(
            &edge,
            "/public/a.bin",
            &[("Range", range)],
            "GET",
            &whole(&bytes),
        );
    }
    let many: Vec<String> = (0..11)
        .map(|at| format!("{}-{}", at * 10, at * 10 + 1))
        .collect();
    let many = format!("bytes={}", many.join(","));
    check(
        &edge,
        "/public/a.bin",
        &[("Range", &many)],
        "GET",
        &whole(&bytes),
    );
    let beyond = Got {
        status: 416,
        length: Some("0".into()),
        range: Some("bytes */1000".into()),
        body: Vec::new(),
    };
    check(
        &edge,
        "/public/a.bin",
        &[("Range", "bytes=1000-")],
        "GET",
        &beyond,
    );
}

#[test]
fn single_ranges() {
    let edge = TestEdge::new();
    for size_bytes in SIZES.into_iter().filter(|size_bytes| *size_bytes > 0) {
        let bytes = pattern(size_bytes);
        let path = format!("/public/{size_bytes}.bin");
        edge.put(&path[1..], &bytes);
        let last = size_bytes - 1;
        let half = size_bytes / 2;
        for (range, start, end) in [
            ("bytes=0-0".to_owned(), 0, 0),
            ("bytes=0-".to_owned(), 0, last),
            ("bytes=-1".to_owned(), last, last),
            (format!("bytes={half}-"), half, last),
            (format!("bytes={half}-{}", last + 100), half, last),
        ] {
            let expected = Got {
                status: 206,
                length: Some((end + 1 - start).to_string()),
                range: Some(format!("bytes {start}-{end}/{size_bytes}")),
                body: bytes[start..=end].to_vec(),
            };
            check(&edge, &path, &[("Range", &range)], "GET", &expected);
        }
    }
}

#[test]
fn several_ranges() {
    let edge = TestEdge::new();
    for size_bytes in SIZES.into_iter().filter(|size_bytes| *size_bytes >= KIB) {
        let bytes = pattern(size_bytes);
        let path = format!("/public/{size_bytes}.bin");
        edge.put(&path[1..], &bytes);
        let parts = [
            (0, 9),
            (100, size_bytes / 2),
            (size_bytes - 7, size_bytes - 1),
        ];
        let range = parts.map(|(start, end)| format!("{start}-{end}")).join(",");
        let range = format!("bytes={range}");
        for scheme in ["http", "https"] {
            let ask = Ask::get(format!("{scheme}://{HOST}{path}")).header("Range", &range);
            let answer = edge.ask(&ask);
            assert_eq!(answer.status(), 206);
            let content_type = answer.header("Content-Type").unwrap();
            let boundary = content_type
                .strip_prefix("multipart/byteranges; boundary=")
                .unwrap();
            let mut expected = Vec::new();
            for (start, end) in parts {
                let head = format!(
                    "--{boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes {start}-{end}/{size_bytes}\r\n\r\n"
                );
                if start > 0 {
                    expected.extend_from_slice(b"\r\n");
                }
                expected.extend_from_slice(head.as_bytes());
                expected.extend_from_slice(&bytes[start..=end]);
            }
            expected.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
            assert!(
                answer.body.trim_ascii() == expected.trim_ascii(),
                "{scheme} {path}"
            );
        }
    }
}

/// The headers sent, and the expected status and body.
type Case<'a> = (&'a [(&'a str, &'a str)], u16, &'a str);

#[test]
fn conditions() {
    let edge = TestEdge::new();
    edge.put("public/a.txt", b"0123456789");
    let url = format!("{U}/public/a.txt");
    let first = edge.get(&url);
    let etag = first.header("Etag").unwrap();
    let modified = first.header("Last-Modified").unwrap();
    let long_ago = "Sat, 01 Jan 2000 00:00:00 GMT";
    let range = ("Range", "bytes=1-2");
    let cases: &[Case<'_>] = &[
        (&[("If-Match", "\"other\"")], 412, ""),
        (&[("If-Unmodified-Since", long_ago)], 412, ""),
        (&[("If-None-Match", "garbage")], 200, "0123456789"),
        (&[("If-Modified-Since", "yesterday")], 200, "0123456789"),
        (&[range, ("If-Range", "\"other\"")], 200, "0123456789"),
        (&[range, ("If-Range", long_ago)], 200, "0123456789"),
        (&[("If-None-Match", "*")], 304, ""),
        (&[("If-None-Match", etag)], 304, ""),
        (&[("If-Modified-Since", modified)], 304, ""),
        (&[("If-Modified-Since", long_ago)], 200, "0123456789"),
        (&[("If-Match", etag)], 200, "0123456789"),
        (&[range, ("If-Range", etag)], 206, "12"),
        (&[range, ("If-Range", modified)], 206, "12"),
        (&[range, ("If-None-Match", etag)], 304, ""),
    ];
    for (headers, status, body) in cases {
        let mut ask = Ask::get(&url);
        for (name, value) in *headers {
            ask = ask.header(name, *value);
        }
        let answer = edge.ask(&ask);
        assert_eq!(
            (answer.status(), answer.text()),
            (*status, *body),
            "{headers:?}"
        );
        assert_eq!(answer.header("Etag"), Some(etag), "{headers:?}");
    }
}

#[test]
fn content_types() {
    let edge = TestEdge::new();
    for (name, expected) in [
        ("none", "application/octet-stream"),
        ("video.mp4", "video/mp4"),
        ("list.m3u8", "application/vnd.apple.mpegurl"),
        ("UPPER.JPG", "image/jpeg"),
        ("page.html", "text/html; charset=utf-8"),
    ] {
        edge.put(&format!("public/{name}"), b"x");
        let answer = edge.get(&format!("{U}/public/{name}"));
        assert_eq!(answer.header("Content-Type"), Some(expected), "{name}");
    }
}

#[test]
fn preflights() {
    let edge = TestEdge::new();
    let preflight = |path: &str| {
        Ask::get(format!("{U}{path}"))
            .method("OPTIONS")
            .header("Origin", "https://player.example")
            .header("Access-Control-Request-Method", "GET")
            .header("Access-Control-Request-Headers", "range")
    };
    assert_eq!(edge.ask(&preflight("/private/a")).status(), 403);
    let not_genuine = Ask::get(format!("{U}/cors/a")).method("OPTIONS");
    assert_eq!(edge.ask(&not_genuine).status(), 403);
    let answer = edge.ask(&preflight("/cors/a"));
    assert_eq!(answer.status(), 204);
    assert_eq!(answer.header("Access-Control-Allow-Origin"), Some("*"));
    assert_eq!(answer.header("Access-Control-Allow-Headers"), Some("range"));
    assert_eq!(answer.header("Access-Control-Allow-Credentials"), None);
    // The object itself still needs a signature.
    assert_eq!(edge.get(&format!("{U}/cors/a")).status(), 403);
}
