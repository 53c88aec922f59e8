//! Requests that real clients have sent: the operation of each is found, its body is read, and its signature verifies.

use crate::cloudfront::model::{Model, Version};
use crate::cloudfront::{boto2, routing, xml};
use crate::date_signature::DateClaim;
use crate::sigv4::{Claim, SignedRequest};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A captured request.
struct Capture<'t> {
    operation: &'t str,
    method: Method,
    target: &'t str,
    headers: HeaderMap,
    body: &'t str,
}

/// Reads a file of captures. Each is a line with the operation, the request line, the headers, an empty line, the body
/// in its length, and a line end.
fn captures(text: &str) -> Vec<Capture<'_>> {
    let mut captures = Vec::new();
    let mut rest = text;
    while let Some((head, behind)) = rest.split_once("\n\n") {
        let mut lines = head.lines();
        let operation = lines.next().unwrap().strip_prefix("operation ").unwrap();
        let mut words = lines.next().unwrap().split(' ');
        let (method, target) = (words.next().unwrap(), words.next().unwrap());
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line
                .split_once(": ")
                .unwrap_or((line.trim_end_matches(':'), ""));
            let name: HeaderName = name.parse().unwrap();
            headers.append(name, HeaderValue::from_str(value).unwrap());
        }
        let length = headers.get("content-length");
        let length = length.map_or(0, |value| value.to_str().unwrap().parse().unwrap());
        let (body, behind) = behind.split_at(length);
        captures.push(Capture {
            operation,
            method: method.parse().unwrap(),
            target,
            headers,
            body,
        });
        rest = &behind[1..];
    }
    assert_eq!(rest, "");
    captures
}

#[track_caller]
fn check(text: &str, secret: &str, count: usize) {
    let captures = captures(text);
    assert_eq!(captures.len(), count);
    for capture in captures {
        let Capture {
            operation,
            method,
            target,
            headers,
            body,
        } = capture;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let found = routing::find(&method, path, query).unwrap();
        assert_eq!(found.operation.name, operation, "{method} {target}");
        let version = routing::version_of(path).unwrap();
        let element = found.operation.form.as_ref().and_then(|form| form.body);
        match element {
            Some(element) => {
                let read = xml::read(body.as_bytes(), element, version);
                let read = read.unwrap_or_else(|fault| panic!("{fault}: {body}"));
                check_written(&read, element, version);
            }
            None => assert_eq!(body, "", "{operation}"),
        }
        let date = headers["x-amz-date"].to_str().unwrap();
        let date = DateTime::strptime("%Y%m%dT%H%M%SZ", date).unwrap();
        let now = TimeZone::UTC.to_timestamp(date).unwrap().as_second();
        let request = SignedRequest {
            method: &method,
            path,
            query,
            headers: &headers,
            body: body.as_bytes(),
            services: &["cloudfront"],
            signed_if_sent: &["if-match"],
        };
        let claim = Claim::read(&request, now).unwrap();
        assert_eq!(claim.verify(Some(secret)).err(), None, "{method} {target}");
    }
}

/// Checks that what was read is written as a body that is read as the same.
#[track_caller]
fn check_written(
    read: &serde_json::Value,
    element: crate::cloudfront::model::Element,
    version: Version,
) {
    let written = xml::write(read, element, version);
    let again = xml::read(written.as_bytes(), element, version);
    assert_eq!(again.as_ref(), Ok(read), "{written}");
}

#[test]
fn requests_of_the_command_line() {
    let secret = "wJalrXUtnFEMI";
    check(
        include_str!("../../tests/testdata/wire/awscli.txt"),
        secret,
        43,
    );
    check(
        include_str!("../../tests/testdata/wire/awscli_2014-05-31.txt"),
        secret,
        4,
    );
}

#[test]
fn requests_of_boto3_in_the_oldest_version() {
    check(
        include_str!("../../tests/testdata/wire/boto3_2014-05-31.txt"),
        "secret",
        15,
    );
}

#[test]
fn requests_of_terraform() {
    check(
        include_str!("../../tests/testdata/wire/terraform.txt"),
        "secret",
        63,
    );
}

#[test]
fn requests_of_boto2() {
    let captures = captures(include_str!("../../tests/testdata/wire/boto2.txt"));
    assert_eq!(captures.len(), 12);
    for capture in captures {
        let Capture {
            operation,
            method,
            target,
            headers,
            body,
        } = capture;
        assert!(routing::is_boto2(target));
        let found = routing::find_boto2(&method, target, "").unwrap();
        assert_eq!(found.operation.name, operation, "{method} {target}");
        let element = found.operation.form.as_ref().and_then(|form| form.body);
        match element {
            Some(element) => {
                let read = boto2::read(body.as_bytes(), element.root);
                let read = read.unwrap_or_else(|fault| panic!("{fault}: {body}"));
                let written = boto2::write(&read, element.root);
                assert_eq!(boto2::read(written.as_bytes(), element.root), Ok(read));
                // The dialects do not mix: an identity alone is the same in both.
                let newest = xml::read(body.as_bytes(), element, Version::newest());
                assert_eq!(newest.is_ok(), operation.contains("Identity"), "{newest:?}");
            }
            None => assert_eq!(body, "", "{operation}"),
        }
        let date = headers["date"].to_str().unwrap();
        let date = DateTime::strptime("%a, %d %b %Y %H:%M:%S GMT", date).unwrap();
        let now = TimeZone::UTC.to_timestamp(date).unwrap().as_second();
        let claim = DateClaim::read(&headers, now).unwrap();
        assert!(!claim.is_made_with("wrong"), "{method} {target}");
        assert!(claim.is_made_with("secret"), "{method} {target}");
    }
}

#[test]
fn a_path_of_one_version_takes_a_body_in_the_namespace_of_another() {
    let body = "<CloudFrontOriginAccessIdentityConfig xmlns=\"http://cloudfront.amazonaws.com/doc/2020-05-31/\">\
                <Comment/><CallerReference>a</CallerReference></CloudFrontOriginAccessIdentityConfig>";
    let operation = Model::get()
        .operation("CreateCloudFrontOriginAccessIdentity")
        .unwrap();
    let element = operation.form.as_ref().and_then(|form| form.body).unwrap();
    let oldest = Version::find("2014-05-31").unwrap();
    assert!(xml::read(body.as_bytes(), element, oldest).is_ok());
}
