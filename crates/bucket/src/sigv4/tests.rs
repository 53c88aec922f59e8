//! Signatures that are refused, and the examples of Amazon's S3 API Reference.

use super::*;
use crate::form::Fields;
use crate::query::Query;
use http::{HeaderMap, HeaderName, HeaderValue, Method};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
/// 2013-05-24T00:00:00Z, the time of all examples.
const NOW: i64 = 1_369_353_600;
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const SCOPE: &str = "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request";

struct Example {
    method: Method,
    path: &'static str,
    query: String,
    headers: Vec<(&'static str, String)>,
}

impl Example {
    fn verify(&self, now: i64) -> Result<Verified, Refusal> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        let query = Query::parse(&self.query).map_err(|_| Refusal::Absent)?;
        let presented = Presented {
            method: &self.method,
            path: self.path,
            query: &query,
            headers: &headers,
        };
        presented.claim(now)?.verify(Some(SECRET))
    }

    /// Replaces a header field.
    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self.headers.push((name, value.to_owned()));
        self
    }

    fn check(&self, expected: &str) {
        let refusal = self.verify(NOW).map(|_| ()).unwrap_err().to_string();
        assert!(refusal.contains(expected), "{refusal}");
    }
}

fn authorization(signed: &str, signature: &str) -> String {
    format!("AWS4-HMAC-SHA256 Credential={SCOPE},SignedHeaders={signed},Signature={signature}")
}

/// "Example: GET Object".
fn get_object() -> Example {
    Example {
        method: Method::GET,
        path: "/test.txt",
        query: String::new(),
        headers: vec![
            ("host", "examplebucket.s3.amazonaws.com".to_owned()),
            ("range", "bytes=0-9".to_owned()),
            ("x-amz-content-sha256", EMPTY.to_owned()),
            ("x-amz-date", "20130524T000000Z".to_owned()),
            (
                "authorization",
                authorization(
                    "host;range;x-amz-content-sha256;x-amz-date",
                    "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
                ),
            ),
        ],
    }
}

/// "Authenticating Requests: Using Query Parameters".
fn presigned() -> Example {
    Example {
        method: Method::GET,
        path: "/test.txt",
        query: format!(
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={}&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400\
             &X-Amz-SignedHeaders=host\
             &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404",
            SCOPE.replace('/', "%2F")
        ),
        headers: vec![("host", "examplebucket.s3.amazonaws.com".to_owned())],
    }
}

#[test]
fn what_is_not_signed_in_this_form_is_refused() {
    let mut unsigned = get_object();
    unsigned
        .headers
        .retain(|(name, _)| *name != "authorization");
    unsigned.check("not signed");
    get_object()
        .with("authorization", "AWS AKIA:abc=")
        .check("version 2");
    get_object()
        .with("authorization", "Bearer x")
        .check("not of the form");
    let change = |from: &str, to: &str| {
        let example = get_object();
        let text = example
            .headers
            .iter()
            .find(|(name, _)| *name == "authorization")
            .unwrap();
        let text = text.1.replace(from, to);
        get_object().with("authorization", &text)
    };
    change("SignedHeaders=host;range;", "SignedHeaders=range;").check("lack host");
    change(
        "host;range;x-amz-content-sha256;x-amz-date",
        "host;x-amz-content-sha256",
    )
    .check("x-amz-date");
    change("host;range", "range;host").check("not sorted");
    change("/s3/", "/sts/").check("another service");
    change("Signature=f0", "Signature=F0").check("hexadecimal");
    change("Signature=f0", "Signature=f1").check("secret is another");
    change("us-east-1", "eu-west-1").check("secret is another");
    change(",Signature", ",Signature=1,Signature").check("twice");
    change("20130524/", "20130525/").check("credential's day");
    get_object().with("authorization", "").check("not signed");
    change("host;range;", "host;if-match;range;").check("was not sent");
}

#[test]
fn every_amazon_header_is_signed() {
    get_object()
        .with("x-amz-copy-source", "/other/secret")
        .check("x-amz-copy-source");
    get_object()
        .with("x_amz_acl", "public-read")
        .check("x_amz_acl");
    get_object()
        .with("x-amz-security-token", "token")
        .check("temporary");
    presigned()
        .with("x-amz-acl", "public-read")
        .check("x-amz-acl");
    presigned()
        .with("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
        .check("chunks");
    presigned()
        .with("authorization", "AWS4-HMAC-SHA256 x")
        .check("both");
    let mut without = get_object();
    without
        .headers
        .retain(|(name, _)| *name != "x-amz-content-sha256");
    without.check("x-amz-content-sha256");
}

#[test]
fn a_signature_is_good_for_some_time() {
    let get = |now| get_object().verify(now).map(|_| ());
    assert_eq!(get(NOW - SKEW_SECS_MAX - 1), Err(Refusal::Skewed));
    assert_eq!(get(NOW + SKEW_SECS_MAX + 1), Err(Refusal::Skewed));
    assert_eq!(get(NOW + SKEW_SECS_MAX), Ok(()));
    let url = |now| presigned().verify(now).map(|_| ());
    assert_eq!(url(NOW - SKEW_SECS_MAX - 1), Err(Refusal::NotYet));
    assert_eq!(url(NOW + 86_401), Err(Refusal::Expired));
    assert_eq!(url(NOW + 86_400), Ok(()));
    for expires in ["0", "604801", "-1", "", "1e3"] {
        let mut example = presigned();
        example.query = example.query.replace("86400", expires);
        example.check("X-Amz-Expires");
    }
}

#[test]
fn examples_of_amazons_reference_are_good() {
    assert_eq!(
        get_object().verify(NOW).unwrap().payload,
        Payload::parse(EMPTY).unwrap()
    );
    assert_eq!(presigned().verify(NOW).unwrap().payload, Payload::Unsigned);
    let put = Example {
        method: Method::PUT,
        path: "/test$file.text",
        query: String::new(),
        headers: vec![
            ("host", "examplebucket.s3.amazonaws.com".to_owned()),
            ("date", "Fri, 24 May 2013 00:00:00 GMT".to_owned()),
            (
                "x-amz-content-sha256",
                "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072".to_owned(),
            ),
            ("x-amz-date", "20130524T000000Z".to_owned()),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY".to_owned()),
            (
                "authorization",
                authorization(
                    "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
                    "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
                ),
            ),
        ],
    };
    assert!(put.verify(NOW).is_ok());
    let lifecycle = Example {
        method: Method::GET,
        path: "/",
        query: "max-keys=2&prefix=J".to_owned(),
        headers: vec![
            ("host", "examplebucket.s3.amazonaws.com".to_owned()),
            ("x-amz-content-sha256", EMPTY.to_owned()),
            ("x-amz-date", "20130524T000000Z".to_owned()),
            (
                "authorization",
                authorization(
                    "host;x-amz-content-sha256;x-amz-date",
                    "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
                ),
            ),
        ],
    };
    assert!(lifecycle.verify(NOW).is_ok());
}

/// "Example Calculations" of "Transferring Payload in Multiple Chunks": 66,560 letters a in chunks of 64 KiB.
pub(crate) fn chunked_example() -> (Verified, Vec<u8>) {
    let example = Example {
        method: Method::PUT,
        path: "/examplebucket/chunkObject.txt",
        query: String::new(),
        headers: vec![
            ("host", "s3.amazonaws.com".to_owned()),
            ("content-encoding", "aws-chunked".to_owned()),
            ("content-length", "66824".to_owned()),
            (
                "x-amz-content-sha256",
                "STREAMING-AWS4-HMAC-SHA256-PAYLOAD".to_owned(),
            ),
            ("x-amz-date", "20130524T000000Z".to_owned()),
            ("x-amz-decoded-content-length", "66560".to_owned()),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY".to_owned()),
            (
                "authorization",
                authorization(
                    "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;\
                     x-amz-decoded-content-length;x-amz-storage-class",
                    "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
                ),
            ),
        ],
    };
    let mut body = Vec::new();
    for (length, signature) in [
        (
            65_536,
            "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        ),
        (
            1024,
            "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        ),
        (
            0,
            "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
        ),
    ] {
        body.extend_from_slice(format!("{length:x};chunk-signature={signature}\r\n").as_bytes());
        body.extend(std::iter::repeat_n(b'a', length));
        body.extend_from_slice(b"\r\n");
    }
    (example.verify(NOW).unwrap(), body)
}

#[test]
fn a_form_has_a_signature_of_its_policy() {
    let policy = "eyAiZXhwaXJhdGlvbiI6ICIyMDE1LTEyLTMwVDEyOjAwOjAwLjAwMFoiIH0=";
    let mut fields = Fields::default();
    for (name, value) in [
        ("x-amz-algorithm", "AWS4-HMAC-SHA256"),
        ("x-amz-credential", SCOPE),
        ("x-amz-date", "20130524T000000Z"),
    ] {
        fields.values.push((name.to_owned(), value.to_owned()));
    }
    let read = |fields: &Fields, now| {
        FormClaim::read(fields, policy, now).map(|claim| claim.verify(Some(SECRET)))
    };
    assert!(matches!(read(&fields, NOW), Err(Refusal::Malformed { .. })));
    fields
        .values
        .push(("x-amz-signature".to_owned(), "0".repeat(64)));
    assert_eq!(read(&fields, NOW), Ok(Err(Refusal::Mismatch)));
    assert_eq!(read(&fields, NOW - SKEW_SECS_MAX - 1), Err(Refusal::NotYet));
    assert_eq!(
        read(&fields, NOW + EXPIRES_SECS_MAX + 1),
        Err(Refusal::Expired)
    );
    let scope = Scope::read(SCOPE).unwrap();
    let good = hmac::sign(&signing_key(SECRET, &scope), policy.as_bytes());
    fields.values.last_mut().unwrap().1 = hex(good.as_ref());
    assert_eq!(read(&fields, NOW), Ok(Ok(())));
    let claim = FormClaim::read(&fields, policy, NOW).unwrap();
    assert_eq!(claim.verify(None), Err(Refusal::Mismatch));
}
