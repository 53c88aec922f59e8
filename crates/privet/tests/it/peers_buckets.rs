//! A Ceph gateway's buckets: who can read and write them without the edge, and what happens with keys that it refuses.

use crate::cli::{Folder, Said};
use crate::support::*;

/// Runs `privet probe` for a bucket with this configuration.
fn probe(lines: &str, arguments: &[&str]) -> Said {
    let folder = Folder::new();
    let (chain, key) = certificate();
    folder.write("chain.pem", chain);
    folder.write("key.pem", key);
    let keys = key_path("");
    let config = Remote::without_origin().origin("app", lines).config();
    folder.write(
        "privet.toml",
        &config.replace("KEYS/", keys.to_str().unwrap()),
    );
    folder.run(&[&["probe"], arguments].concat())
}

#[track_caller]
fn check(bucket: &Bucket, arguments: &[&str], code: i32, word: &str) {
    let objects = bucket.count();
    let said = probe(&bucket.origin_lines(), arguments);
    assert_eq!(said.code, code, "{arguments:?}: {said:?}");
    assert!(said.out.contains(word), "{arguments:?}, {word}: {said:?}");
    assert_eq!(bucket.count(), objects, "a probe leaves nothing behind");
}

const THERE: [&str; 2] = ["--object", "/o.txt"];
const MISSPELT: [&str; 2] = ["--object", "/tpyo.txt"];
const TRIES: [&str; 3] = ["--object", "/o.txt", "--write"];

#[test]
fn s4_a_private_bucket_is_told_from_one_that_could_not_be_told() {
    let Some(bucket) = Bucket::create("probe-private") else {
        return;
    };
    bucket.put("o.txt", "o");
    check(&bucket, &THERE, 0, "is private");
    check(&bucket, &THERE, 0, "nobody can write to it");
    check(&bucket, &TRIES, 0, "nobody can write to it");
    check(&bucket, &MISSPELT, 2, "/tpyo.txt does not exist");
    check(&bucket, &[], 2, "to be sure, name an existing object");
}

/// The usual policy of a public website: objects can be read, but not listed.
#[test]
fn s4_a_bucket_that_hides_what_it_hands_out_is_public() {
    let Some(bucket) = Bucket::create("probe-hidden") else {
        return;
    };
    bucket.put("o.txt", "o");
    bucket.allow_everybody("s3:GetObject");
    check(&bucket, &THERE, 1, "ANYONE CAN READ");
    check(&bucket, &MISSPELT, 2, "/tpyo.txt does not exist");
}

#[test]
fn s4_a_bucket_that_anybody_can_write_to_is_found() {
    let Some(bucket) = Bucket::create("probe-policy") else {
        return;
    };
    bucket.put("o.txt", "o");
    bucket.allow_everybody("s3:PutObject");
    check(&bucket, &THERE, 1, "ANYONE CAN WRITE TO IT");
    check(&bucket, &TRIES, 1, "ANYONE CAN WRITE TO IT");
    let bucket = Bucket::create("probe-acl").unwrap();
    bucket.put("o.txt", "o");
    bucket.set_acl("public-read-write");
    check(&bucket, &THERE, 1, "ANYONE CAN WRITE TO IT");
    check(&bucket, &TRIES, 1, "ANYONE CAN READ");
}

/// The gateway checks permission before the digest, so a PUT with a wrong digest shows whether writing is allowed.
#[test]
fn s4_a_try_to_write_tells_and_leaves_nothing() {
    let Some(bucket) = Bucket::create("probe-try") else {
        return;
    };
    bucket.put("o.txt", "o");
    let gateway = bucket
        .endpoint()
        .trim_start_matches("http://")
        .parse()
        .unwrap();
    let put = || {
        let url = format!("{}/{}/x", bucket.endpoint(), bucket.name());
        let mut put = Ask::get(url).method("PUT");
        put = put.header("Content-MD5", "AAAAAAAAAAAAAAAAAAAAAA==");
        put.body = b"privet".to_vec();
        let mut viewer = Viewer::plain(gateway, None);
        viewer.send(&put.bytes());
        let (answer, body) = viewer.framed_answer();
        (answer.status(), String::from_utf8(body.whole()).unwrap())
    };
    assert_eq!(put().0, 403);
    bucket.allow_everybody("s3:PutObject");
    let (status, body) = put();
    assert_eq!(status, 400, "{body}");
    assert!(body.contains("<Code>BadDigest</Code>"), "{body}");
    assert_eq!(bucket.count(), 1);
}

#[test]
fn s7_keys_that_are_not_taken_are_told_to_the_operator_alone() {
    let Some(bucket) = Bucket::create("refused-keys") else {
        return;
    };
    bucket.put("o.txt", "the object");
    let lines = bucket.origin_lines();
    for (right, wrong, code) in [
        (Bucket::SECRET_KEY, "WRONG", "SignatureDoesNotMatch"),
        (Bucket::ACCESS_KEY, "NOBODYS", "InvalidAccessKeyId"),
    ] {
        let wrong = lines.replace(right, wrong);
        let said = probe(&wrong, &THERE);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(
            said.out.contains(code) && said.out.contains("check access_key_id"),
            "{said:?}"
        );
        let edge = Remote::without_origin().origin("app", &wrong).start();
        for headers in [&[][..], &[("Range", "bytes=0-1")]] {
            let answer = edge.fetch_with("/o.txt", headers);
            assert_eq!(answer.status(), 502, "{code}");
            assert!(!answer.text().contains(code), "{}", answer.text());
        }
        let head = edge.ask(&Ask::get(url("/o.txt")).method("HEAD"));
        assert_eq!(head.status(), 502, "{code}");
        let (_, live) = edge.stop();
        assert!(
            live.text().contains("origin-refuses-keys"),
            "{}",
            live.text()
        );
    }
    let nowhere = lines.replace(bucket.name(), "no-such-bucket-here");
    let said = probe(&nowhere, &[]);
    assert!(
        said.code == 2 && said.out.contains("there is no such bucket"),
        "{said:?}"
    );
}

/// After a reload with another secret, the stored objects are still served, and nothing is dropped.
#[test]
fn s7_what_is_stored_outlasts_wrong_keys() {
    let Some(bucket) = Bucket::create("outlasts-keys") else {
        return;
    };
    bucket.put("o.txt", "the object");
    let policy = "min_ttl = \"0s\"\ndefault_ttl = \"10s\"\nmax_ttl = \"10s\"";
    let right = Remote::without_origin()
        .origin("app", &bucket.origin_lines())
        .policy(policy);
    let wrong = right.config().replace(Bucket::SECRET_KEY, "WRONG");
    let mut edge = right.start();
    assert_eq!(edge.fetch("/o.txt").outcome(), "Miss");
    edge.reload(&wrong).unwrap();
    edge.set_clock(NOW + 100);
    for _ in 0..2 {
        assert_eq!(edge.fetch("/o.txt").text(), "the object");
    }
    edge.reload(&right.config()).unwrap();
    assert_eq!(edge.fetch("/o.txt").outcome(), "RefreshHit");
}

/// Nothing that a viewer may send besides the signature makes the gateway refuse the edge, or harms other viewers.
#[test]
fn s7_a_viewer_does_not_break_the_edges_signature() {
    let Some(bucket) = Bucket::create("odd-requests") else {
        return;
    };
    bucket.put("o.txt", "the object");
    let edge = Remote::without_origin()
        .origin("app", &bucket.origin_lines())
        .behavior(
            "cache_policy = \"Managed-CachingDisabled\"\n\
             origin_request_policy = \"Managed-AllViewerExceptHostHeader\"",
        )
        .start();
    for query in [
        "",
        "?",
        "?&",
        "?&&a",
        "?=",
        "?=a",
        "?a=",
        "?a==b",
        "?b=2&a=1",
        "?a=1&a=0",
        "?a=1&a",
        "?a&a=1",
        "?a=1&a=1",
        "?a=2&b&a=1&a",
        "?a-b=1&a=1",
        "?A=1&a=0",
        "?a=b&a=B",
        "?a=%2F&a=-",
        "?a=%C3%A9&a=z",
        "?a=1&%61=0",
        "?a=%20+",
        "?a=%2B",
        "?a=%25",
        "?a=%ff",
        "?%C3%A9=1",
        "?a;b",
        "?a=b?c",
        "?x-amz-date=20200101T000000Z",
        "?X-Amz-Signature=1",
        "?AWSAccessKeyId=a&Signature=b&Expires=1",
    ] {
        let answer = edge.fetch(&format!("/o.txt{query}"));
        assert_ne!(answer.status(), 502, "{query}");
    }
    for (name, value) in [
        ("X-Amz-Date", "20200101T000000Z"),
        ("X-Amz-Content-Sha256", "0000"),
        ("X-Amz-Security-Token", "a"),
        ("X-Amz-Meta-A", "  a   b "),
        ("Authorization", "AWS AKRGW:x"),
        ("Date", "Mon, 01 Jan 2001 00:00:00 GMT"),
        ("Content-MD5", "x"),
        ("Expect", "100-continue"),
        ("Content-Type", "a/b"),
    ] {
        let answer = edge.fetch_with("/o.txt", &[(name, value)]);
        assert_ne!(answer.status(), 502, "{name}");
    }
    assert_eq!(edge.fetch("/o.txt").text(), "the object");
}

/// S5, with the gateway's response to ranges of an empty object.
#[test]
fn s5_an_empty_object_of_a_bucket_is_as_one_of_a_folder() {
    let Some(bucket) = Bucket::create("empty-objects") else {
        return;
    };
    bucket.put("videos/zero.mp4", "");
    let videos = "video = { segment_duration = \"2s\" }";
    let edge = Remote::without_origin()
        .origin("app", &bucket.origin_lines())
        .behavior(videos)
        .start();
    let video = edge.fetch("/videos/zero.mp4/hls/master.m3u8");
    assert_eq!(video.status(), 422);
    assert!(video.text().contains("<Code>UnprocessableVideo</Code>"));
    let edge = Remote::without_origin()
        .origin("app", &bucket.origin_lines())
        .start();
    for _ in 0..2 {
        let range = edge.fetch_with("/videos/zero.mp4", &[("Range", "bytes=0-99")]);
        assert_eq!((range.status(), range.text()), (416, ""));
        assert_eq!(range.field("Content-Range"), Some("bytes */0"));
    }
}
