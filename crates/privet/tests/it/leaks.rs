//! Attempts to bypass the signature check, and to get into another viewer's response.

use crate::support::*;

/// An open distribution with a private folder, as many are configured.
const OPEN_BUT_PRIVATE: &str = r#"
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
trusted_key_groups = ["viewers"]
[[distributions.behaviors]]
path_pattern = "*.m?4"
origin = "videos"
trusted_key_groups = ["viewers"]
[distributions.default_behavior]
origin = "videos"
"#;

#[test]
fn percent_encoding_leads_to_no_other_behavior() {
    let edge = TestEdge::configured(&[LISTENERS, KEYS, OPEN_BUT_PRIVATE].concat());
    edge.put("private/a", b"secret");
    edge.put("video.mp4", b"secret");
    edge.put("open", b"open");
    for path in [
        "/private/a",
        "/%70rivate/a",
        "/p%72ivate/%61",
        "/%70%72%69%76%61%74%65/a",
        "/video.mp4",
        "/video%2emp4",
        "/video%2Em%704",
    ] {
        let answer = edge.get(&format!("http://{HOST}{path}"));
        assert_eq!(answer.status(), 403, "{path}");
    }
    for path in [
        "/private%2Fa",
        "//private/a",
        "/./private/a",
        "/x/../private/a",
    ] {
        let answer = edge.get(&format!("http://{HOST}{path}"));
        assert_ne!(answer.text(), "secret", "{path}");
    }
    assert_eq!(edge.get(&format!("http://{HOST}/%6fpen")).text(), "open");
}

/// A file that quotes HTTP is a file: the start of one of its chunks must not matter.
#[test]
fn a_file_is_never_taken_for_an_error_of_the_http_library() {
    const CHUNK: usize = 64 * 1024;
    let edge = TestEdge::new();
    let mut bytes = vec![b'.'; 3 * 1024 * 1024];
    for start in (0..bytes.len()).step_by(CHUNK) {
        let quoted = b"HTTP/1.1 400 Bad Request\r\n";
        bytes[start..start + quoted.len()].copy_from_slice(quoted);
    }
    edge.put("public/quoted", &bytes);
    for mut viewer in [edge.plain(), edge.tls()] {
        let answer = viewer.get(&format!("http://{HOST}/public/quoted"));
        assert_eq!(answer.status(), 200);
        assert!(answer.body == bytes);
    }
}

/// Canned and custom signatures cover the same bytes, and nothing tells the two forms apart, as SECURITY.md says.
#[test]
fn a_canned_signature_is_good_for_the_same_text_as_a_policy() {
    let edge = TestEdge::new();
    edge.put("private", b"secret");
    let url = format!("https://{HOST}/private?x=*");
    let expires = NOW + 60;
    let signature = canned_signature(RSA, &url, expires);
    let policy = encode(canned(&url, expires));
    let tail = format!("Policy={policy}&Signature={signature}&Key-Pair-Id=KRSA");
    let other = format!("https://{HOST}/private?x=other");
    assert_eq!(edge.get(&format!("{other}&{tail}")).status(), 200);
    let elsewhere = format!("https://{HOST}/else?x=other");
    assert_eq!(edge.get(&format!("{elsewhere}&{tail}")).status(), 403);
}
