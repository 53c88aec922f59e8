//! CloudFront's own request headers: what the edge says of a viewer, whatever the viewer sends.

use crate::support::*;
use http::{HeaderName, HeaderValue, Version};
use privet_distribution::request::{RequestFacts, cloudfront_header};

static VIA: HeaderValue = HeaderValue::from_static("1.1 node");

fn facts() -> RequestFacts<'static> {
    RequestFacts {
        viewer: "192.0.2.77".parse().unwrap(),
        viewer_port: Some(46_532),
        request_id: "id==",
        country: Some("BR"),
        via: &VIA,
        accept_encoding: None,
    }
}

fn value(sent: &Sent, name: &'static str, facts: &RequestFacts<'_>) -> Option<String> {
    let name = HeaderName::from_static(name);
    let value = sent.with(|request| cloudfront_header(&name, request, facts));
    value.map(|value| value.to_str().unwrap().to_owned())
}

#[track_caller]
fn check(name: &'static str, sent: &Sent, expected: Option<&str>) {
    // A header of this name from the viewer is not believed.
    let forged = sent.clone_with(name, "forged");
    for sent in [sent, &forged] {
        assert_eq!(value(sent, name, &facts()).as_deref(), expected, "{name}");
    }
}

impl Sent {
    fn clone_with(&self, name: &'static str, value: &str) -> Sent {
        let mut headers = self.headers.clone();
        headers.extend(get("").header(name, value).headers);
        Sent {
            version: self.version,
            headers,
            ..get(self.url.clone())
        }
    }
}

#[test]
fn facts_of_the_connection() {
    let sent = get("http://d.example/");
    check("cloudfront-viewer-country", &sent, Some("BR"));
    check("cloudfront-viewer-address", &sent, Some("192.0.2.77:46532"));
    check("cloudfront-forwarded-proto", &sent, Some("http"));
    let sent = get("https://d.example/");
    check("cloudfront-forwarded-proto", &sent, Some("https"));
    check("cloudfront-viewer-tls", &sent, None);
    check("cloudfront-", &sent, None);
    check("x-forwarded-proto", &sent, None);
    let unknown = RequestFacts {
        viewer_port: None,
        country: None,
        ..facts()
    };
    assert_eq!(value(&sent, "cloudfront-viewer-country", &unknown), None);
    assert_eq!(value(&sent, "cloudfront-viewer-address", &unknown), None);
    let version6 = RequestFacts {
        viewer: "2001:db8::1".parse().unwrap(),
        ..facts()
    };
    let address = value(&sent, "cloudfront-viewer-address", &version6);
    assert_eq!(address.as_deref(), Some("[2001:db8::1]:46532"));
}

#[test]
fn versions_of_http() {
    for (version, expected) in [
        (Version::HTTP_09, "0.9"),
        (Version::HTTP_10, "1.0"),
        (Version::HTTP_11, "1.1"),
        (Version::HTTP_2, "2.0"),
        (Version::HTTP_3, "3.0"),
    ] {
        let sent = Sent {
            version,
            ..get("https://d.example/")
        };
        check("cloudfront-viewer-http-version", &sent, Some(expected));
    }
}

/// Checks which flags are `true`, by the end of their names.
#[track_caller]
fn check_device(agent: &str, expected: &[&str]) {
    let sent = match agent {
        "" => get("https://d.example/"),
        agent => get("https://d.example/").header("user-agent", agent),
    };
    let flags = [
        ("mobile", "cloudfront-is-mobile-viewer"),
        ("tablet", "cloudfront-is-tablet-viewer"),
        ("smarttv", "cloudfront-is-smarttv-viewer"),
        ("desktop", "cloudfront-is-desktop-viewer"),
        ("ios", "cloudfront-is-ios-viewer"),
        ("android", "cloudfront-is-android-viewer"),
    ];
    let mut found = Vec::new();
    for (flag, name) in flags {
        match value(&sent, name, &facts()).as_deref() {
            Some("true") => found.push(flag),
            other => assert_eq!(other, Some("false"), "{name}"),
        }
    }
    assert_eq!(found, expected, "{agent}");
}

/// A tablet is mobile too, a television is neither, and any other device is a desktop (developer guide, "Headers for
/// determining the viewer's device type").
#[test]
fn devices_by_the_words_of_their_makers() {
    check_device("", &["desktop"]);
    check_device("curl/8.9", &["desktop"]);
    check_device(
        "Mozilla/5.0 (X11; Linux x86_64) Firefox/145.0",
        &["desktop"],
    );
    check_device(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Mobile/15E148",
        &["mobile", "ios"],
    );
    check_device(
        "Mozilla/5.0 (iPod touch; CPU OS 12_0 like Mac OS X)",
        &["mobile", "ios"],
    );
    check_device(
        "Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) Mobile/15E148",
        &["mobile", "tablet", "ios"],
    );
    check_device(
        "Mozilla/5.0 (Linux; Android 16; Pixel 10) Chrome/142.0 Mobile Safari/537.36",
        &["mobile", "android"],
    );
    check_device(
        "Mozilla/5.0 (Linux; Android 15; SM-X910) Chrome/142.0 Safari/537.36",
        &["mobile", "tablet", "android"],
    );
    check_device("Mozilla/5.0 (Windows Phone 10.0) Edge/15", &["mobile"]);
    check_device(
        "Mozilla/5.0 (Linux; U; en-us; KFTT) Silk/3.4",
        &["mobile", "tablet"],
    );
    check_device(
        "Mozilla/5.0 (Android 15; Tablet; rv:145.0) Firefox/145.0",
        &["mobile", "tablet", "android"],
    );
    check_device(
        "Mozilla/5.0 (Linux; Android 12; BRAVIA 4K) Chrome/142.0",
        &["smarttv", "android"],
    );
    check_device(
        "Mozilla/5.0 (Linux; Android 9; AFTT) Mobile Silk/90",
        &["smarttv", "android"],
    );
    check_device(
        "Mozilla/5.0 (SMART-TV; Tizen 8.0) Safari/537.36",
        &["smarttv"],
    );
    // A phone's app that names the device it casts to.
    check_device("player (iPhone; AppleTV)", &["smarttv", "ios"]);
    check_device("Mozilla/5.0 (X11) Mobile", &["desktop"]);
}
