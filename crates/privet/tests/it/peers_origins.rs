//! nginx and a Ceph gateway as origins: their responses reach the viewer, and they understand the edge's requests.

use crate::support::*;

/// Keys that clients like to normalize, in wire form.
const ODD_KEYS: [&str; 6] = [
    "a//b",
    "x/../y",
    "dot/./z",
    "trail/",
    "%C3%A9%20%2B%25%26",
    "plain",
];

fn before_nginx(nginx: &Nginx) -> Remote {
    Remote::without_origin().origin("app", &format!("url = {:?}", nginx.url()))
}

fn before_bucket(bucket: &Bucket) -> Remote {
    Remote::without_origin().origin("app", &bucket.origin_lines())
}

fn status(edge: &TestEdge, path: &str, headers: &[(&str, &str)]) -> u16 {
    edge.fetch_with(path, headers).status()
}

/// Fetches `path` whole, in parts, conditionally and without a body, and compares with `bytes`, which the origin has.
#[track_caller]
fn check_object(edge: &TestEdge, path: &str, bytes: &[u8]) {
    let first = edge.fetch(path);
    assert_eq!((first.status(), first.outcome()), (200, "Miss"));
    assert_eq!(first.body, bytes);
    let etag = first.field("ETag").unwrap().to_owned();
    assert!(first.field("Last-Modified").is_some());
    let second = edge.fetch(path);
    assert_eq!((second.outcome(), &second.body), ("Hit", &first.body));
    let part = edge.fetch_with(path, &[("Range", "bytes=10-19")]);
    assert_eq!((part.status(), part.body.as_slice()), (206, &bytes[10..20]));
    let end = edge.fetch_with(path, &[("Range", "bytes=-5")]);
    assert_eq!(end.body, bytes[bytes.len() - 5..]);
    let beyond = format!("bytes={}-", bytes.len());
    assert_eq!(status(edge, path, &[("Range", &beyond)]), 416);
    assert_eq!(status(edge, path, &[("If-None-Match", &etag)]), 304);
    assert_eq!(status(edge, path, &[("If-Match", "\"another\"")]), 412);
    let head = edge.ask(&Ask::get(url(path)).method("HEAD"));
    assert_eq!(
        head.field("Content-Length"),
        Some(bytes.len().to_string().as_str())
    );
}

#[test]
fn nginx_files_are_served() {
    let nginx = Nginx::start();
    let bytes = Pattern::of_version(0).bytes(0..3_000_000);
    nginx.put("video.mp4", &bytes);
    nginx.put("small.txt", b"a small file of some length");
    let edge = before_nginx(&nginx).start();
    check_object(&edge, "/video.mp4", &bytes);
    check_object(&edge, "/small.txt", b"a small file of some length");
    assert_eq!(
        edge.fetch("/video.mp4").field("Content-Type"),
        Some("video/mp4")
    );
}

#[test]
fn a_cold_range_of_nginx_is_served() {
    let nginx = Nginx::start();
    let pattern = Pattern::of_version(0);
    nginx.put("video.mp4", &pattern.bytes(0..8_000_000));
    let edge = before_nginx(&nginx).start();
    let part = edge.fetch_with("/video.mp4", &[("Range", "bytes=5000000-5000999")]);
    assert_eq!(part.status(), 206);
    assert_eq!(
        part.field("Content-Range"),
        Some("bytes 5000000-5000999/8000000")
    );
    pattern.assert_is(5_000_000, &part.body);
}

#[test]
fn nginx_bodies_without_a_length_arrive_whole() {
    let nginx = Nginx::start();
    let bytes = Pattern::of_version(0).bytes(0..2_000_000);
    nginx.put_chunked("page.txt", &bytes);
    nginx.put(
        "page/index.txt",
        b"<!--# set var=\"word\" value=\"made\" --><!--# echo var=\"word\" -->",
    );
    let edge = before_nginx(&nginx).start();
    for path in ["/chunked/page.txt", "/page/index.txt"] {
        let first = edge.fetch(path);
        assert_eq!(first.status(), 200);
        let second = edge.fetch(path);
        assert_eq!((second.outcome(), &second.body), ("Hit", &first.body));
    }
    assert_eq!(edge.fetch("/chunked/page.txt").body, bytes);
    assert_eq!(edge.fetch("/page/index.txt").text(), "made");
    let part = edge.fetch_with("/chunked/page.txt", &[("Range", "bytes=1000000-1000009")]);
    assert_eq!(part.body, bytes[1_000_000..1_000_010]);
}

#[test]
fn refusals_of_nginx_pass_through() {
    let nginx = Nginx::start();
    let edge = before_nginx(&nginx).start();
    let forbidden = edge.fetch("/forbidden/a");
    assert_eq!(
        (forbidden.status(), forbidden.text()),
        (403, "nginx forbids this\n")
    );
    assert_eq!(forbidden.outcome(), "Error");
    assert_eq!(edge.fetch("/missing").status(), 404);
}

#[test]
fn a_changed_file_of_nginx_is_revalidated() {
    let nginx = Nginx::start();
    nginx.put("a.txt", b"before");
    let policy = "min_ttl = \"0s\"\ndefault_ttl = \"10s\"\nmax_ttl = \"10s\"";
    let edge = before_nginx(&nginx).policy(policy).start();
    assert_eq!(edge.fetch("/a.txt").text(), "before");
    edge.set_clock(NOW + 11);
    let same = edge.fetch("/a.txt");
    assert_eq!((same.outcome(), same.text()), ("RefreshHit", "before"));
    nginx.put("a.txt", b"another text");
    edge.set_clock(NOW + 22);
    assert_eq!(edge.fetch("/a.txt").text(), "another text");
}

#[test]
fn uploads_reach_nginx() {
    let nginx = Nginx::start();
    let methods = "allowed_methods = [\"GET\", \"HEAD\", \"OPTIONS\", \"PUT\", \"POST\", \"PATCH\", \"DELETE\"]";
    let edge = before_nginx(&nginx).behavior(methods).start();
    let mut put = Ask::get(url("/new.bin")).method("PUT");
    put.body = Pattern::of_version(0).bytes(0..3_000_000);
    assert_eq!(edge.ask(&put).status(), 201);
    assert_eq!(std::fs::read(nginx.file("new.bin")).unwrap(), put.body);
    assert_eq!(edge.fetch("/new.bin").body, put.body);
}

#[test]
fn nginx_is_asked_for_odd_paths_as_they_are() {
    let nginx = Nginx::start();
    nginx.put("é +%&", b"odd");
    let edge = before_nginx(&nginx)
        .origin_lines("paths = \"literal\"")
        .start();
    assert_eq!(edge.fetch("/%C3%A9%20%2B%25%26").text(), "odd");
}

#[test]
fn objects_of_a_bucket_are_served() {
    let Some(bucket) = Bucket::create("objects") else {
        return;
    };
    let text = "a text of some length, ".repeat(100_000);
    bucket.put("big.txt", &text);
    bucket.put("small.txt", "a small text of some length");
    let edge = before_bucket(&bucket).start();
    check_object(&edge, "/big.txt", text.as_bytes());
    check_object(&edge, "/small.txt", b"a small text of some length");
}

#[test]
fn every_key_of_a_bucket_can_be_reached() {
    let Some(bucket) = Bucket::create("odd-keys") else {
        return;
    };
    for key in ODD_KEYS {
        bucket.put(key, &format!("body of {key}"));
    }
    let edge = before_bucket(&bucket).start();
    for key in ODD_KEYS {
        let answer = edge.fetch(&format!("/{key}"));
        let expected = (200, format!("body of {key}"));
        assert_eq!((answer.status(), answer.text().to_owned()), expected);
    }
    // The same key in another spelling of its bytes.
    assert_eq!(edge.fetch("/%70lain").text(), "body of plain");
    assert_eq!(edge.fetch("/y").status(), 404);
}

#[test]
fn refusals_of_a_bucket_pass_through() {
    let Some(bucket) = Bucket::create("refusals") else {
        return;
    };
    let edge = before_bucket(&bucket).start();
    let missing = edge.fetch("/none");
    assert_eq!(missing.status(), 404);
    assert_eq!(missing.field("Content-Type"), Some("application/xml"));
    assert!(missing.text().contains("<Code>NoSuchKey</Code>"));
    let wrong = bucket.origin_lines().replace(Bucket::SECRET_KEY, "WRONG");
    let edge = Remote::without_origin().origin("app", &wrong).start();
    let refused = edge.fetch("/none");
    assert_eq!(refused.status(), 502);
    assert!(!refused.text().contains("SignatureDoesNotMatch"));
}

/// The bucket is private: only the edge's signature opens it, and only the viewer's grant opens the edge.
#[test]
fn a_private_bucket_opens_through_the_edge_alone() {
    let Some(bucket) = Bucket::create("private") else {
        return;
    };
    bucket.put("private/a.txt", "for one person");
    let edge = before_bucket(&bucket).start();
    let direct = format!("{}/{}/private/a.txt", bucket.endpoint(), bucket.name());
    let gateway = bucket.endpoint().trim_start_matches("http://");
    let mut viewer = Viewer::plain(gateway.parse().unwrap(), None);
    viewer.send(&Ask::get(direct).bytes());
    assert_eq!(viewer.framed_answer().0.status(), 403);
    let unsigned = edge.fetch("/private/a.txt");
    assert!(unsigned.text().contains("<Code>MissingKey</Code>"));
    let link = signed(&url("/private/a.txt"), E);
    assert_eq!(edge.get(&link).text(), "for one person");
    // The edge's secrets and signatures stay between the edge and the bucket.
    let log = edge.live.text();
    assert!(!log.contains(Bucket::SECRET_KEY) && !log.contains("AWS4-HMAC"));
}
