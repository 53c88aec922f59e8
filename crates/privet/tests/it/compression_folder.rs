//! Compression of files in folders.

use crate::support::*;
use std::path::Path;

const ALL: &str = "gzip, br, zstd";

const FOLDER: &str = r#"
[[distributions]]
id = "EDFDVBD6EXAMPLE"
domain_name = "d111111abcdef8.cloudfront.net"
certificate = { chain = "chain.pem", key = "key.pem" }
[[distributions.origins]]
id = "videos"
folder = "bucket"
[[distributions.behaviors]]
path_pattern = "/private/*"
origin = "videos"
compress = true
trusted_key_groups = ["viewers"]
[distributions.default_behavior]
origin = "videos"
compress = true
"#;

fn folder() -> TestEdge {
    let config = ["[edge]\nworkers = 2\n", LISTENERS, KEYS, FOLDER, LOG];
    TestEdge::configured(&config.concat())
}

fn folder_get(edge: &TestEdge, path: &str, accepted: &str) -> Answer {
    edge.fetch_with(path, &[("Accept-Encoding", accepted)])
}

#[test]
fn files_of_a_folder() {
    let edge = folder();
    for (name, size_bytes, expected) in [
        ("999.txt", 999, None),
        ("1000.txt", 1_000, Some("br")),
        ("20000.txt", 20_000, Some("br")),
        ("3000000.json", 3_000_000, Some("br")),
        ("5000.mp4", 5_000, None),
    ] {
        edge.put(name, &numbered_lines(size_bytes));
        for _ in 0..2 {
            let answer = folder_get(&edge, &format!("/{name}"), ALL);
            assert_eq!(answer.field("Content-Encoding"), expected, "{name}");
            assert!(plain_bytes(&answer) == numbered_lines(size_bytes), "{name}");
            let vary = expected.or(None).map(|_| "Accept-Encoding");
            assert_eq!(answer.field("Vary"), vary, "{name}");
        }
    }
}

#[test]
fn a_form_of_a_file() {
    let edge = folder();
    edge.put("a.html", &numbered_lines(50_000));
    let whole = folder_get(&edge, "/a.html", "identity");
    let tag = whole.field("ETag").unwrap();
    assert_eq!(whole.field("Vary"), Some("Accept-Encoding"));
    for accepted in ["br", "gzip", "zstd"] {
        let form = folder_get(&edge, "/a.html", accepted);
        assert_eq!(form.field("Content-Encoding"), Some(accepted));
        assert_eq!(form.field("ETag"), Some(format!("W/{tag}").as_str()));
        assert_eq!(form.field("Accept-Ranges"), None);
        assert_eq!(form.field("Content-Type"), whole.field("Content-Type"));
        assert_eq!(form.field("Last-Modified"), whole.field("Last-Modified"));
        assert_eq!(plain_bytes(&form), numbered_lines(50_000));
        let headers = [("Accept-Encoding", accepted), ("If-None-Match", tag)];
        let unchanged = edge.fetch_with("/a.html", &headers);
        assert_eq!(unchanged.status(), 304);
        assert_eq!(unchanged.field("ETag"), form.field("ETag"));
        assert_eq!(unchanged.field("Vary"), Some("Accept-Encoding"));
        let head = edge.ask(
            &Ask::get(url("/a.html"))
                .method("HEAD")
                .header("Accept-Encoding", accepted),
        );
        assert_eq!(head.field("Content-Length"), form.field("Content-Length"));
        assert_eq!(head.field("Content-Encoding"), Some(accepted));
    }
    let headers = [("Accept-Encoding", "br"), ("Range", "bytes=-10")];
    let end = edge.fetch_with("/a.html", &headers);
    assert_eq!((end.status(), end.field("ETag")), (206, Some(tag)));
    assert_eq!(end.body, numbered_lines(50_000)[49_990..]);
    assert_eq!(end.field("Vary"), Some("Accept-Encoding"));
}

#[test]
fn a_file_that_changes() {
    let edge = folder();
    for size_bytes in [5_000, 6_000, 7_000] {
        edge.put("a.txt", &numbered_lines(size_bytes));
        for _ in 0..2 {
            assert_eq!(
                plain_bytes(&folder_get(&edge, "/a.txt", "br")),
                numbered_lines(size_bytes)
            );
        }
    }
}

/// A form needs the same grant as the file.
#[test]
fn forms_of_restricted_files() {
    let edge = folder();
    edge.put("private/a.txt", &numbered_lines(5_000));
    let path = "/private/a.txt";
    let with_link = |link: &str| edge.ask(&Ask::get(link).header("Accept-Encoding", "br"));
    let allowed = with_link(&signed(&url(path), E));
    assert_eq!(allowed.field("Content-Encoding"), Some("br"));
    assert_eq!(plain_bytes(&allowed), numbered_lines(5_000));
    assert_eq!(with_link(&url(path)).status(), 403);
    edge.set_clock(E + 1);
    assert_eq!(with_link(&signed(&url(path), E)).status(), 403);
}

/// A file that has not changed for a while, so that its forms are cached.
#[test]
fn a_settled_file() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sign/tests/vectors");
    let origin = FOLDER.replace("\"bucket\"", &format!("{vectors:?}"));
    let config = ["[edge]\nworkers = 2\n", LISTENERS, KEYS, &origin, LOG];
    let edge = TestEdge::configured(&config.concat());
    let bytes = std::fs::read(vectors.join("signing.json")).unwrap();
    let first = folder_get(&edge, "/signing.json", "br");
    assert_eq!(plain_bytes(&first), bytes);
    // The query makes no difference to a file.
    for path in ["/signing.json", "/signing.json?a=1"] {
        let again = folder_get(&edge, path, "br");
        assert_eq!(again.outcome(), "Hit");
        assert_eq!(again.field("Content-Encoding"), Some("br"));
        assert_eq!(again.field("ETag"), first.field("ETag"));
        assert_eq!(again.body, first.body);
    }
}
