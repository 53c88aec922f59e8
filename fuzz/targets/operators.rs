//! The bodies of the fuzz targets about what operators send: none may panic, and all must hold what is asserted here.
#![allow(dead_code, reason = "each target uses one of them")]

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use privet_control::cloudfront::model::{Model, Version};
use privet_control::cloudfront::{boto2, xml};
use privet_control::sigv4::{Claim, Refusal, SignedRequest};
use privet_control::strict_json;

/// Time at which requests arrive: that of the signatures in the corpus, 2026-03-14T15:09:26Z.
const NOW: i64 = 1_773_500_966;
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// Fuzzes signed requests: a request line without a version, header lines, an empty line, a body.
pub fn operator_request(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let (method, target) = lines
        .next()
        .unwrap_or_default()
        .split_once(' ')
        .unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let Ok(method) = method.parse::<Method>() else {
        return;
    };
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = HeaderValue::from_bytes(value.as_bytes());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.append(name, value);
        }
    }
    let claim = |body: &str| {
        let request = SignedRequest {
            method: &method,
            path,
            query,
            headers: &headers,
            body: body.as_bytes(),
            services: &["cloudfront", "privet", "s3"],
            signed_if_sent: &["if-match", "idempotency-key"],
        };
        Claim::read(&request, NOW)
    };
    let Ok(read) = claim(body) else {
        return;
    };
    assert!(read.access_key_id().is_ascii() && !read.access_key_id().is_empty());
    assert_eq!(read.clone().verify(None), Err(Refusal::UnknownKey));
    if read.verify(Some(SECRET)).is_ok() {
        let other = claim(&format!("{body}x")).and_then(|claim| claim.verify(Some(SECRET)));
        assert!(other.is_err(), "another body has the same signature");
    }
}

/// Fuzzes JSON: whatever is read is what every reader reads.
pub fn operator_json(bytes: &[u8]) {
    let common = serde_json::from_slice::<serde_json::Value>(bytes);
    if let Ok(value) = strict_json::parse(bytes) {
        assert_eq!(common.ok().as_ref(), Some(&value));
        let written = value.to_string();
        assert_eq!(strict_json::parse(written.as_bytes()), Ok(value));
    }
}

/// Fuzzes bodies of CloudFront's API, and of boto 2: a name of an operation, a line end, XML. Whatever is read is
/// written as a body that is read as the same.
pub fn cloudfront_xml(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let (name, body) = text.split_once('\n').unwrap_or((&text, ""));
    let operation = Model::get().operation(name);
    let form = operation.and_then(|operation| operation.form.as_ref());
    let Some(element) = form.and_then(|form| form.body) else {
        return;
    };
    if let Ok(value) = boto2::read(body.as_bytes(), element.root) {
        let written = boto2::write(&value, element.root);
        let again = boto2::read(written.as_bytes(), element.root);
        assert_eq!(again.as_ref(), Ok(&value), "{written}");
    }
    for version in [Some(Version::newest()), Version::find("2014-05-31")] {
        let version = version.unwrap_or(Version::newest());
        if let Ok(value) = xml::read(body.as_bytes(), element, version) {
            let written = xml::write(&value, element, version);
            let again = xml::read(written.as_bytes(), element, version);
            assert_eq!(again.as_ref(), Ok(&value), "{written}");
        }
    }
}
