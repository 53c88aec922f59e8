//! Presigned URLs of AWS Signature Version 2, for reading objects alone: the AWS CLI and boto3 make them unless they
//! are told otherwise. Pure.
//!
//! Nothing else of version 2 is accepted: it leaves out most of a request and its body. Here a URL has no parameter
//! that is not signed, and it ends within seven days, as those of version 4 do.

use crate::query::{OF_VERSION_TWO, Query};
use crate::sigv4::{EXPIRES_SECS_MAX, Refusal};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, Method};

/// Parameters that are part of the signed resource, sorted.
const SIGNED: [&str; 8] = [
    "partNumber",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "versionId",
];
/// Secret that unknown keys are checked with, so that they take as long as known ones.
const NO_SECRET: &str = "0000000000000000000000000000000000000000";

/// A URL that was read and is in time, but not yet compared with any secret.
#[derive(Clone, Debug)]
pub(crate) struct UrlClaim {
    pub(crate) access_key_id: String,
    text_to_sign: String,
    signature: Vec<u8>,
}

/// The head of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PresentedUrl<'a> {
    pub(crate) method: &'a Method,
    /// Path of the object as sent, with the bucket before it; `None` if the request is about no object.
    pub(crate) resource: Option<&'a str>,
    pub(crate) query: &'a Query,
    pub(crate) headers: &'a HeaderMap,
}

impl UrlClaim {
    /// Reads a URL; `None` if it has no signature of this version. `now` is in seconds since 1970.
    pub(crate) fn read(url: &PresentedUrl<'_>, now: i64) -> Option<Result<Self, Refusal>> {
        let is_of_two = OF_VERSION_TWO.iter().any(|name| url.query.has(name));
        is_of_two.then(|| read(url, now))
    }

    /// Compares the signature with the one that `secret` makes, in constant time. `None` stands for an unknown key.
    pub(crate) fn verify(&self, secret: Option<&str>) -> Result<(), Refusal> {
        let key = secret.unwrap_or(NO_SECRET).as_bytes();
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
        let compared = hmac::verify(&key, self.text_to_sign.as_bytes(), &self.signature);
        match (secret, compared) {
            (Some(_), Ok(())) => Ok(()),
            (None, _) | (Some(_), Err(_)) => Err(Refusal::Mismatch),
        }
    }
}

fn read(url: &PresentedUrl<'_>, now: i64) -> Result<UrlClaim, Refusal> {
    let parameter = |name: &'static str| {
        let fault = Refusal::Malformed {
            part: name,
            fault: "is missing",
        };
        url.query.get(name).ok_or(fault)
    };
    let is_reading = *url.method == Method::GET || *url.method == Method::HEAD;
    let mut names = url.query.names();
    let is_signed = names.all(|name| SIGNED.contains(&name) || OF_VERSION_TWO.contains(&name));
    // Amazon's fields are signed in a form of their own, and none is needed to read.
    let mut fields = url.headers.keys();
    let is_plain = !fields.any(|name| name.as_str().replace('_', "-").starts_with("x-amz-"));
    let in_header = url.headers.contains_key("authorization");
    // The signed path of a bucket by host name is `/`: one such signature would fit all buckets.
    let Some(resource) = url
        .resource
        .filter(|_| is_reading && is_signed && is_plain && !in_header)
    else {
        return Err(Refusal::VersionTwo);
    };
    let malformed = |part| Refusal::Malformed {
        part,
        fault: "cannot be read",
    };
    let expires = parameter("Expires")?;
    let is_number =
        (1..=12).contains(&expires.len()) && expires.bytes().all(|b| b.is_ascii_digit());
    let ends: Option<i64> = expires.parse().ok().filter(|_| is_number);
    let ends = ends.ok_or(malformed("Expires"))?;
    if now > ends {
        return Err(Refusal::Expired);
    }
    if ends > now.saturating_add(EXPIRES_SECS_MAX) {
        return Err(malformed("Expires"));
    }
    let signature = BASE64_STANDARD.decode(parameter("Signature")?).ok();
    let id = parameter("AWSAccessKeyId")?;
    let is_id =
        (1..=128).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    Ok(UrlClaim {
        access_key_id: Some(id.to_owned())
            .filter(|_| is_id)
            .ok_or(malformed("AWSAccessKeyId"))?,
        text_to_sign: text_to_sign(url, resource, expires),
        signature: signature
            .filter(|bytes| bytes.len() == 20)
            .ok_or(malformed("Signature"))?,
    })
}

/// Returns the signed text (S3 Developer Guide, "Signing and authenticating REST requests (AWS signature version 2)").
fn text_to_sign(url: &PresentedUrl<'_>, resource: &str, expires: &str) -> String {
    let field = |name: &str| {
        let value = url.headers.get(name).and_then(|value| value.to_str().ok());
        value.unwrap_or_default()
    };
    let mut parameters = Vec::new();
    for name in SIGNED {
        match url.query.get(name) {
            Some("") => parameters.push(name.to_owned()),
            Some(value) => parameters.push(format!("{name}={value}")),
            None => {}
        }
    }
    let mark = if parameters.is_empty() { "" } else { "?" };
    format!(
        "{}\n{}\n{}\n{expires}\n{resource}{mark}{}",
        url.method,
        field("content-md5"),
        field("content-type"),
        parameters.join("&")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;

    /// Signs a URL, and has it read.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a case is written as a value"
    )]
    fn verify(method: Method, query: &str, headers: HeaderMap, now: i64) -> Result<(), Refusal> {
        let url = |query: &Query| {
            let url = PresentedUrl {
                method: &method,
                resource: Some("/photos/a%20b"),
                query,
                headers: &headers,
            };
            UrlClaim::read(&url, now).unwrap()
        };
        let text = format!("GET\n\n\n{}\n/photos/a%20b", NOW + 60);
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"secret");
        let signature = BASE64_STANDARD.encode(hmac::sign(&key, text.as_bytes()));
        let signature = crate::encoding::encode(signature.as_bytes());
        let query = format!(
            "AWSAccessKeyId=AK&Expires={}&Signature={signature}{query}",
            NOW + 60
        );
        url(&Query::parse(&query).unwrap())?.verify(Some("secret"))
    }

    #[test]
    fn only_reading_is_accepted_and_only_what_is_signed() {
        let none = HeaderMap::new;
        assert_eq!(
            verify(Method::PUT, "", none(), NOW),
            Err(Refusal::VersionTwo)
        );
        assert_eq!(
            verify(Method::GET, "&acl", none(), NOW),
            Err(Refusal::VersionTwo)
        );
        assert_eq!(
            verify(Method::GET, "&prefix=a", none(), NOW),
            Err(Refusal::VersionTwo)
        );
        let mut headers = none();
        headers.insert("x-amz-date", http::HeaderValue::from_static("x"));
        assert_eq!(
            verify(Method::GET, "", headers, NOW),
            Err(Refusal::VersionTwo)
        );
        assert_eq!(
            verify(Method::GET, "&versionId=1", none(), NOW),
            Err(Refusal::Mismatch)
        );
        assert_eq!(
            verify(Method::HEAD, "", none(), NOW),
            Err(Refusal::Mismatch)
        );
        assert_eq!(
            verify(Method::GET, "", none(), NOW + 61),
            Err(Refusal::Expired)
        );
        let early = verify(Method::GET, "", none(), NOW - EXPIRES_SECS_MAX);
        assert!(matches!(early, Err(Refusal::Malformed { .. })));
        assert_eq!(verify(Method::GET, "", none(), NOW), Ok(()));
    }

    #[test]
    fn a_bucket_has_no_url_of_version_two() {
        let query =
            Query::parse("AWSAccessKeyId=AK&Expires=1&Signature=AAAAAAAAAAAAAAAAAAAAAAAAAAA%3D");
        let url = PresentedUrl {
            method: &Method::GET,
            resource: None,
            query: &query.unwrap(),
            headers: &HeaderMap::new(),
        };
        let refused = UrlClaim::read(&url, 0).unwrap().unwrap_err();
        assert_eq!(refused, Refusal::VersionTwo);
    }

    #[test]
    fn an_example_of_amazons_guide_is_good() {
        let mut headers = HeaderMap::new();
        headers.insert(
            "host",
            http::HeaderValue::from_static("johnsmith.s3.amazonaws.com"),
        );
        let query = Query::parse(
            "AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620",
        );
        let url = PresentedUrl {
            method: &Method::GET,
            resource: Some("/johnsmith/photos/puppy.jpg"),
            query: &query.unwrap(),
            headers: &headers,
        };
        let claim = UrlClaim::read(&url, 1_175_139_600).unwrap().unwrap();
        assert_eq!(
            claim.verify(Some("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")),
            Ok(())
        );
        assert_eq!(claim.verify(Some("x")), Err(Refusal::Mismatch));
    }
}
