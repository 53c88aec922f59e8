//! Signatures made by botocore count; anything that differs from what was signed does not.

use super::*;
use http::{HeaderName, HeaderValue};
use serde::Deserialize;

#[derive(Deserialize)]
struct Vectors {
    access_key_id: String,
    secret_access_key: String,
    signed_at: i64,
    requests: Vec<Vector>,
}

#[derive(Clone, Deserialize)]
struct Vector {
    name: String,
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: String,
    service: String,
}

fn vectors() -> Vectors {
    serde_json::from_str(include_str!("vectors/botocore.json")).unwrap()
}

fn vector(name: &str) -> Vector {
    let mut requests = vectors().requests.into_iter();
    requests.find(|vector| vector.name == name).unwrap()
}

impl Vector {
    fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self.and(name, value)
    }

    fn and(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Changes the `Authorization` header.
    fn edited(mut self, from: &str, to: &str) -> Self {
        for (name, value) in &mut self.headers {
            if name == "authorization" {
                assert!(value.contains(from), "{value}");
                *value = value.replace(from, to);
            }
        }
        self
    }

    fn edited_service(&self, service: &str) -> Self {
        let scope = |service: &str| format!("/{service}/aws4_request");
        self.clone().edited(&scope(&self.service), &scope(service))
    }

    fn verify(&self, secret: Option<&str>, now: i64) -> Result<Verified, Refusal> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        let claim = Claim::read(
            &SignedRequest {
                method: &self.method.parse().unwrap(),
                path: &self.path,
                query: &self.query,
                headers: &headers,
                body: self.body.as_bytes(),
                services: &["cloudfront", "privet", "s3"],
                signed_if_sent: &["if-match"],
            },
            now,
        )?;
        claim.verify(secret)
    }
}

/// Checks a request with the right secret, when it was signed.
#[track_caller]
fn check(vector: &Vector, expected: &Result<(), Refusal>) {
    let Vectors {
        secret_access_key,
        signed_at,
        ..
    } = vectors();
    let got = vector.verify(Some(&secret_access_key), signed_at);
    assert_eq!(&got.map(|_| ()), expected, "{}", vector.name);
}

#[track_caller]
fn check_malformed(vector: &Vector, part: &str) {
    let got = vector.verify(Some(&vectors().secret_access_key), vectors().signed_at);
    let Err(Refusal::Malformed { part: found, .. }) = &got else {
        panic!("{got:?}");
    };
    assert_eq!(*found, part, "{got:?}");
}

#[test]
fn what_is_not_a_signature_is_absent_or_malformed() {
    let none = || {
        let mut none = vector("get");
        none.headers.retain(|(name, _)| name != "authorization");
        none
    };
    check(&none(), &Err(Refusal::Absent));
    check(
        &none().with("authorization", "Bearer a.b"),
        &Err(Refusal::Absent),
    );
    check(&none().with("authorization", ""), &Err(Refusal::Absent));
    check_malformed(
        &none().with("authorization", "AWS4-HMAC-SHA256 "),
        "Authorization",
    );
    let get = || vector("get");
    check_malformed(
        &get().and("authorization", "AWS4-HMAC-SHA256 x"),
        "Authorization",
    );
    check_malformed(&get().edited("Signature=", "Sig="), "Authorization");
    check_malformed(&get().edited("Signature=", "Signature=0"), "Signature");
    check_malformed(&get().edited("Signature=9", "Signature=G"), "Signature");
    check_malformed(
        &get().edited(", Signature=", ", Signature=, Signature="),
        "Authorization",
    );
    check_malformed(&get().edited("/aws4_request", ""), "Credential");
    check_malformed(
        &get().edited("/aws4_request", "/aws5_request"),
        "Credential",
    );
    check_malformed(
        &get().edited("Credential=AKID", "Credential=/AKID"),
        "Credential",
    );
    check_malformed(&get().edited("/20260314/", "/2026031/"), "Credential");
    check_malformed(
        &get().edited("=host;x-amz-date", "=x-amz-date"),
        "SignedHeaders",
    );
    check_malformed(&get().edited("=host;x-amz-date", "=host"), "SignedHeaders");
    check_malformed(
        &get().edited("=host;x-amz-date", "=x-amz-date;host"),
        "SignedHeaders",
    );
    check_malformed(
        &get().edited("=host;x-amz-date", "=host;host;x-amz-date"),
        "SignedHeaders",
    );
    check_malformed(
        &get().edited("=host;x-amz-date", "=Host;x-amz-date"),
        "SignedHeaders",
    );
    check_malformed(
        &get().edited("=host;x-amz-date", "=host;range;x-amz-date"),
        "SignedHeaders",
    );
    check_malformed(&get().and("x-amz-other", "1"), "SignedHeaders");
    check_malformed(&get().and("if-match", "E1"), "SignedHeaders");
}

#[test]
fn the_date_is_one_signed_and_of_the_scope() {
    let get = || vector("get");
    for date in [
        "",
        "20260314",
        "2026-03-14T15:09:26Z",
        "20261314T150926Z",
        "20260314T150926z",
    ] {
        check_malformed(&get().with("x-amz-date", date), "X-Amz-Date");
    }
    check_malformed(&get().and("x-amz-date", "20260314T150926Z"), "X-Amz-Date");
    check_malformed(&get().edited("/20260314/", "/20260315/"), "X-Amz-Date");
    let mut dated = get().edited("=host;x-amz-date", "=host");
    dated.headers.retain(|(name, _)| name != "x-amz-date");
    check_malformed(&dated, "X-Amz-Date");
    check_malformed(&dated.and("date", "Sat, 14 Mar 2026 15:09:26 GMT"), "Date");
}

#[test]
fn clocks_may_differ_by_five_minutes() {
    let Vectors {
        secret_access_key,
        signed_at,
        ..
    } = vectors();
    let at = |now: i64| {
        let got = vector("get").verify(Some(&secret_access_key), now);
        got.map(|_| ())
    };
    assert_eq!(at(signed_at + 301), Err(Refusal::Expired));
    assert_eq!(at(signed_at - 301), Err(Refusal::NotYet));
    assert_eq!(at(i64::MAX), Err(Refusal::Expired));
    assert_eq!(at(i64::MIN), Err(Refusal::NotYet));
    assert_eq!(at(signed_at + 300), Ok(()));
    assert_eq!(at(signed_at - 300), Ok(()));
}

#[test]
fn whatever_was_not_signed_does_not_count() {
    let post = || vector("post");
    let changed = |change: fn(&mut Vector)| {
        let mut vector = post();
        change(&mut vector);
        vector
    };
    let mismatch = || Err(Refusal::Mismatch);
    check(&changed(|post| post.method = "PUT".into()), &mismatch());
    check(&changed(|post| post.path = "/v1/key".into()), &mismatch());
    check(
        &changed(|post| post.query = "dry_run=1".into()),
        &mismatch(),
    );
    check(
        &changed(|post| post.body = "{\"id\":\"K2\"}".into()),
        &mismatch(),
    );
    check(&post().with("host", "other.example.com"), &mismatch());
    check(&post().with("idempotency-key", "other"), &mismatch());
    check(&post().edited("/us-east-1/", "/us-east-2/"), &mismatch());
    check(&post().edited("/privet/", "/cloudfront/"), &mismatch());
    check(&post().edited("/privet/", "/ec2/"), &Err(Refusal::Service));
    check_malformed(&changed(|post| post.path = "/v1/./keys".into()), "path");
    check_malformed(&changed(|post| post.path = "/v1//keys".into()), "path");
    check_malformed(&changed(|post| post.query = "a&&b".into()), "query");
    check_malformed(&changed(|post| post.query = "a=%zz".into()), "query");
    check_malformed(&changed(|post| post.query = "a=b+c".into()), "query");
    let now = vectors().signed_at;
    let other = post().verify(Some("other"), now);
    assert_eq!(other, Err(Refusal::Mismatch));
    assert_eq!(post().verify(None, now), Err(Refusal::UnknownKey));
    assert_eq!(post().verify(Some(NO_SECRET), now), Err(Refusal::Mismatch));
}

#[test]
fn the_body_is_always_signed() {
    let put = || vector("s3 put");
    for stated in [
        "UNSIGNED-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "",
        "0",
    ] {
        check(
            &put().with("x-amz-content-sha256", stated),
            &Err(Refusal::BodyDigest),
        );
    }
    let mut other = put();
    other.body = "hullo".into();
    check(&other, &Err(Refusal::BodyDigest));
    let token = vector("get").and("x-amz-security-token", "t");
    check(&token, &Err(Refusal::SecurityToken));
}

#[test]
fn signatures_of_botocore_count() {
    let vectors = vectors();
    for vector in &vectors.requests {
        let secret = Some(vectors.secret_access_key.as_str());
        let verified = vector.verify(secret, vectors.signed_at).unwrap();
        assert_eq!(
            verified.access_key_id, vectors.access_key_id,
            "{}",
            vector.name
        );
        assert_eq!(verified.signed_at, vectors.signed_at);
        let other = vector.edited_service("ec2");
        assert_eq!(
            other.verify(secret, vectors.signed_at),
            Err(Refusal::Service)
        );
    }
    assert_eq!(vectors.requests.len(), 13);
}

/// Checks a request of AWS's own test suite ("Signature Version 4 test suite", 2015-08-30, us-east-1, `service`).
#[track_caller]
fn check_of_aws(query: &str, signature: &str) {
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
         SignedHeaders=host;x-amz-date, Signature={signature}"
    );
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static("example.amazonaws.com"));
    headers.insert("x-amz-date", HeaderValue::from_static("20150830T123600Z"));
    headers.insert(
        "authorization",
        HeaderValue::try_from(authorization).unwrap(),
    );
    let request = SignedRequest {
        method: &Method::GET,
        path: "/",
        query,
        headers: &headers,
        body: b"",
        services: &["service"],
        signed_if_sent: &[],
    };
    let claim = Claim::read(&request, 1_440_938_160).unwrap();
    let verified = claim.verify(Some("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"));
    assert_eq!(
        verified.map(|verified| verified.access_key_id),
        Ok("AKIDEXAMPLE".to_owned())
    );
}

#[test]
fn signatures_of_the_test_suite_of_aws_count() {
    check_of_aws(
        "",
        "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
    );
    check_of_aws(
        "Param2=value2&Param1=value1",
        "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
    );
}

/// The escape of a query may be written in lower case on the way; the signature is of its one form.
#[test]
fn escapes_have_one_form() {
    let mut vector = vector("query escapes");
    vector.query = vector.query.replace("%2F", "%2f");
    check(&vector, &Ok(()));
}
