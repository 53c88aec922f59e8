//! The conformance matrix against the running edge, by number: links, keys, hashes and the form of policies.
//!
//! Rows of other features are elsewhere: T97 and T99 (origins other than a folder), T100 (custom error pages) and T106
//! to T108 (RTMP).

use crate::support::*;

/// The edge's verdict on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The request reaches the bucket, which is empty.
    Opens,
    MissingKey,
    InvalidKey,
    MalformedPolicy,
    MalformedSignature,
    AccessDenied,
}
use Verdict::*;

impl Verdict {
    /// Returns code, message and length of a refusal's body, as captured.
    fn body(self) -> (&'static str, &'static str, usize) {
        match self {
            Opens => ("NoSuchKey", "The specified key does not exist.", 0),
            MissingKey => (
                "MissingKey",
                "Missing Key-Pair-Id query parameter or cookie value",
                146,
            ),
            InvalidKey => ("InvalidKey", "Unknown Key", 106),
            MalformedPolicy => ("MalformedPolicy", "Malformed Policy", 116),
            MalformedSignature => ("MalformedSignature", "Could not unencode Signature", 131),
            AccessDenied => ("AccessDenied", "Access denied", 110),
        }
    }
}

#[track_caller]
pub fn check(edge: &TestEdge, row: &str, ask: &Ask, expected: Verdict) {
    let answer = edge.ask(ask);
    let (code, message, size_bytes) = expected.body();
    if expected == Opens {
        assert_eq!(answer.status(), 404, "{row} {} {answer:?}", ask.url);
        assert_eq!(answer.header("Server"), Some("AmazonS3"), "{row}");
        assert!(answer.text().contains(code), "{row} {answer:?}");
        return;
    }
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    assert_eq!(answer.text(), body, "{row} {}", ask.url);
    assert_eq!(body.len(), size_bytes, "{row}");
    assert_eq!(answer.status_line, "HTTP/1.1 403 Forbidden", "{row}");
    assert_eq!(answer.header("Content-Type"), Some("text/xml"), "{row}");
    assert_eq!(
        answer.header("X-Cache"),
        Some("Error from cloudfront"),
        "{row}"
    );
}

/// Checks a row whose input is a URL.
#[track_caller]
fn row(edge: &TestEdge, row: &str, url: impl Into<String>, expected: Verdict) {
    check(edge, row, &Ask::get(url), expected);
}

fn private() -> String {
    format!("{U}/private/a.txt")
}

#[test]
fn t01_to_t02_unsigned() {
    let edge = TestEdge::new();
    row(&edge, "T02", private(), MissingKey);
    row(&edge, "T01", format!("{U}/public/a.txt"), Opens);
}

#[test]
fn t03_to_t07_expiry() {
    let edge = TestEdge::new();
    let url = private();
    row(&edge, "T04", signed(&url, X), AccessDenied);
    row(&edge, "T05", signed(&url, NOW), AccessDenied);
    let edited = signed(&url, X).replace("1766999999", "1767003600");
    row(&edge, "T07", edited, AccessDenied);
    row(&edge, "T03", signed(&url, E), Opens);
    row(&edge, "T06", signed(&url, NOW + 1), Opens);
}

#[test]
fn t08_to_t11_another_url() {
    let edge = TestEdge::new();
    let link = signed(&private(), E);
    row(&edge, "T08", link.replace("a.txt", "b.txt"), AccessDenied);
    row(&edge, "T09", link.replace("a.txt", "A.txt"), AccessDenied);
    row(&edge, "T10", link.replace("https:", "http:"), AccessDenied);
    let by_alias = signed(&private().replace(HOST, "www.example.com"), E);
    let fetched = by_alias.replace("www.example.com", HOST);
    row(&edge, "T11", fetched, AccessDenied);
    row(&edge, "T11 as signed", by_alias, Opens);
}

#[test]
fn t12_to_t17_queries() {
    let edge = TestEdge::new();
    let url = private() + "?a=1&b=2";
    let bare = private();
    let signature = canned_signature(RSA, &url, E);
    let swapped = signed(&url, E).replace("a=1&b=2", "b=2&a=1");
    row(&edge, "T13", swapped, AccessDenied);
    row(&edge, "T14", signed(&url, E) + "&utm=1", AccessDenied);
    row(&edge, "T12", signed(&url, E), Opens);
    let reserved = format!("Expires={E}&Signature={signature}&Key-Pair-Id=KRSA");
    row(&edge, "T15", format!("{bare}?{reserved}&a=1&b=2"), Opens);
    row(&edge, "T16", format!("{bare}?a=1&{reserved}&b=2"), Opens);
    let js = format!("{url}&Expires={E}&Key-Pair-Id=KRSA&Signature={signature}");
    row(&edge, "T17", js, Opens);
}

#[test]
fn t18_to_t26_algorithms() {
    let edge = TestEdge::new();
    let link = |by| signed_by(by, &private(), E);
    let sha256 = "&Hash-Algorithm=SHA256";
    row(&edge, "T19", link(RSA256), AccessDenied);
    row(&edge, "T20", link(RSA) + sha256, AccessDenied);
    let sha512 = link(RSA) + "&Hash-Algorithm=SHA512";
    row(&edge, "T22", sha512, AccessDenied);
    let raw = encode([1; 64]);
    let raw = format!("{}?Expires={E}&Signature={raw}&Key-Pair-Id=KEC", private());
    row(&edge, "T25", raw, AccessDenied);
    row(&edge, "T18", link(RSA256) + sha256, Opens);
    row(&edge, "T21", link(RSA) + "&Hash-Algorithm=SHA1", Opens);
    row(&edge, "T23", link(EC), Opens);
    row(&edge, "T24", link(EC256) + sha256, Opens);
    // F2: both digests are tried.
    row(&edge, "T26", link(EC256), Opens);
}

#[test]
fn t27_to_t31_key_ids() {
    let edge = TestEdge::new();
    let link = signed(&private(), E);
    row(
        &edge,
        "T27",
        link.replace("&Key-Pair-Id=KRSA", ""),
        MissingKey,
    );
    row(&edge, "T28", link.replace("=KRSA", "="), MissingKey);
    let pem = "-----BEGIN%20PUBLIC%20KEY-----%0AMIIB";
    row(&edge, "T29", link.replace("KRSA", pem), MissingKey);
    row(&edge, "T30", link.replace("KRSA", "KUNKNOWN"), InvalidKey);
    row(&edge, "T31", signed_by(OTHER, &private(), E), InvalidKey);
}

#[test]
fn t32_to_t35_signatures() {
    let edge = TestEdge::new();
    let with = |signature: &str| {
        format!(
            "{}?Expires={E}&Signature={signature}&Key-Pair-Id=KRSA",
            private()
        )
    };
    let signature = canned_signature(RSA, &private(), E);
    row(&edge, "T32", with("@@@"), MalformedSignature);
    let short = &signature[..signature.len() - 4];
    row(&edge, "T34", with(short), AccessDenied);
    let without = with("x").replace("Signature=x&", "");
    row(&edge, "T35", without, AccessDenied);
    // F1: the standard alphabet is accepted.
    let plain = signature
        .replace('-', "+")
        .replace('_', "=")
        .replace('~', "/");
    row(&edge, "T33", with(&plain), Opens);
}

#[test]
fn t36_to_t38_expiry_texts() {
    let edge = TestEdge::new();
    let link = |expires: &str| signed(&private(), E).replace("Expires=1767003600", expires);
    let milliseconds = signed(&private(), 1_767_003_600_000);
    row(&edge, "T36", milliseconds, MalformedPolicy);
    row(&edge, "T37", link("Expires=abc"), MalformedPolicy);
    row(&edge, "T38", link("").replace("?&", "?"), MalformedPolicy);
    row(
        &edge,
        "bound + 1",
        signed(&private(), 253_402_300_800),
        MalformedPolicy,
    );
    row(&edge, "bound", signed(&private(), 253_402_300_799), Opens);
}

#[test]
fn t39_to_t48_policy_texts() {
    let edge = TestEdge::new();
    let url = private();
    let plain = policy(&url);
    let broken = with_policy(&url, &plain).replace("Policy=", "Policy=@@@");
    row(&edge, "T39", broken, MalformedPolicy);
    let end = format!(r#""Condition":{{"DateLessThan":{{"AWS:EpochTime":{E}}}}}"#);
    let malformed = [
        ("T40", "hello".to_owned()),
        (
            "T41",
            format!(r#"{{"Statement":[{{"Resource":"{url}","Condition":{{}}}}]}}"#),
        ),
        ("T42", plain.replace("1767003600", "\"1767003600\"")),
        ("T43", plain.replace(":[{", ":{").replace("}]}", "}}")),
        ("T44", plain.replace("}]}", &format!("}},{{{end}}}]}}"))),
    ];
    for (name, text) in malformed {
        row(&edge, name, with_policy(&url, &text), MalformedPolicy);
    }
    let altered = with_policy(&url, &plain).replace(
        &encode(&plain),
        &encode(plain.replace("1767003600", "1767003601")),
    );
    row(&edge, "T48", altered, AccessDenied);
    let good = [
        ("T45", plain.replace("\"Statement\":[", "\"Statement\": [")),
        ("T46", plain.replace(',', ",\r\n") + "\r\n"),
    ];
    for (name, text) in good {
        row(&edge, name, with_policy(&url, &text), Opens);
    }
}

#[test]
fn t47_conditions_in_any_order() {
    let edge = TestEdge::new();
    let url = private();
    let conditions = [
        format!(r#""DateLessThan":{{"AWS:EpochTime":{E}}}"#),
        format!(r#""DateGreaterThan":{{"AWS:EpochTime":{X}}}"#),
        r#""IpAddress":{"AWS:SourceIp":"0.0.0.0/0"}"#.to_owned(),
    ];
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let text = order
            .map(|position| conditions[position].as_str())
            .join(",");
        let text = format!(r#"{{"Statement":[{{"Condition":{{{text}}},"Resource":"{url}"}}]}}"#);
        row(&edge, "T47", with_policy(&url, &text), Opens);
    }
}
