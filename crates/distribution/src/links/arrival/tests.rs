use super::*;
use http::HeaderValue;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Requests as clients send them. Those of curl, Wget, FFmpeg, mpv, VLC, aria2 and yt-dlp were recorded; the others
/// were put together from what their makers, and operators who see them, have published.
const VECTORS: &str = include_str!("vectors.json");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Vector {
    id: String,
    arrival: String,
    headers: BTreeMap<String, String>,
}

fn headers(fields: &[(&str, &str)]) -> HeaderMap {
    let pairs = fields.iter().map(|(name, value)| {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        (name, HeaderValue::from_str(value).unwrap())
    });
    pairs.collect()
}

#[track_caller]
fn check(fields: &[(&str, &str)], expected: Arrival) {
    assert_eq!(arrival(&headers(fields)), expected, "{fields:?}");
}

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 \
                      Safari/537.36";

#[test]
fn clients_are_told_apart() {
    let vectors: Vec<Vector> = serde_json::from_str(VECTORS).unwrap();
    for vector in &vectors {
        let fields: Vec<(&str, &str)> = vector
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let found = arrival(&headers(&fields));
        assert_eq!(found.token(), vector.arrival, "{}", vector.id);
    }
    for token in ["navigation", "robot", "program"] {
        let of_it = vectors.iter().filter(|vector| vector.arrival == token);
        assert!(of_it.count() >= 10, "{token}");
    }
}

/// No preview and no scanner makes a use, unless it says itself that it is a downloader.
#[test]
fn what_cannot_be_judged_is_a_robot() {
    check(&[], Arrival::Robot);
    check(&[("accept", "*/*")], Arrival::Robot);
    check(&[("user-agent", "")], Arrival::Robot);
    for agent in [
        "python-requests/2.32.3",
        "Go-http-client/2.0",
        "node",
        "axios/1.7.9",
        "Java/17.0.1",
    ] {
        for accept in ["*/*", "application/json, text/plain, */*", "text/html"] {
            check(&[("user-agent", agent), ("accept", accept)], Arrival::Robot);
        }
    }
    // A browser would ask for a page, or say that it does not.
    check(&[("user-agent", CHROME)], Arrival::Robot);
    check(&[("user-agent", CHROME), ("accept", "*/*")], Arrival::Robot);
    check(
        &[
            ("user-agent", CHROME),
            ("accept", "*/*"),
            ("range", "bytes=0-"),
        ],
        Arrival::Robot,
    );
    check(
        &[("user-agent", "curl/8.5.0"), ("accept", "text/html")],
        Arrival::Robot,
    );
    check(
        &[("user-agent", "x curl/8.5.0"), ("accept", "*/*")],
        Arrival::Robot,
    );
}

#[test]
fn fetch_metadata_that_no_browser_sends_is_not_believed() {
    let check = |destination: &str, mode: &str, expected| {
        let fields = [
            ("user-agent", CHROME),
            ("accept", "*/*"),
            ("sec-fetch-dest", destination),
            ("sec-fetch-mode", mode),
        ];
        check(&fields, expected);
    };
    check("", "cors", Arrival::Robot);
    check("none", "no-cors", Arrival::Robot);
    check("", "", Arrival::Robot);
    check("future", "no-cors", Arrival::Navigation);
    check("video", "future", Arrival::Navigation);
    check("video", "", Arrival::Navigation);
    check("video", "navigate", Arrival::Navigation);
    check("document", "no-cors", Arrival::Navigation);
    check("iframe", "navigate", Arrival::Navigation);
    check("embed", "no-cors", Arrival::Navigation);
    check("empty", "cors", Arrival::Program);
    check("video", "no-cors", Arrival::Program);
}

#[test]
fn preparations_for_a_click_are_no_click() {
    for (name, value) in [
        ("sec-purpose", "prefetch"),
        ("sec-purpose", "prefetch;prerender"),
        ("Purpose", "prefetch"),
        ("purpose", "Prefetch;anonymous-client-ip"),
        ("x-moz", "prefetch"),
        ("x-purpose", "preview"),
    ] {
        let navigation = [
            ("user-agent", CHROME),
            ("accept", "text/html,*/*;q=0.8"),
            ("sec-fetch-dest", "document"),
            ("sec-fetch-mode", "navigate"),
            (name, value),
        ];
        check(&navigation, Arrival::Robot);
        check(
            &[("user-agent", "curl/8.5.0"), (name, value)],
            Arrival::Robot,
        );
    }
}

#[test]
fn long_and_odd_headers_are_judged_too() {
    let long = format!("{}curl/8.5.0", "x".repeat(100_000));
    check(&[("user-agent", &long)], Arrival::Robot);
    let mut odd = headers(&[("accept", "*/*")]);
    let bytes = HeaderValue::from_bytes(b"curl/\xff\xfe").unwrap();
    odd.insert(header::USER_AGENT, bytes);
    assert_eq!(arrival(&odd), Arrival::Program);
    // The robot's name may stand in a second field.
    odd.append(header::USER_AGENT, HeaderValue::from_static("Slackbot 1.0"));
    assert_eq!(arrival(&odd), Arrival::Robot);
}

#[test]
fn the_setting_decides_with_the_arrival() {
    use Arrival::{Navigation, Program, Robot};
    use ConfirmSetting::{Always, Auto, Never};
    use Confirmation::{Ask, Settled};
    for (setting, arrival, expected) in [
        (Always, Program, Ask),
        (Always, Robot, Ask),
        (Always, Navigation, Ask),
        (Auto, Robot, Ask),
        (Auto, Navigation, Ask),
        (Auto, Program, Settled),
        (Never, Robot, Settled),
        (Never, Navigation, Settled),
        (Never, Program, Settled),
    ] {
        assert_eq!(
            setting.confirmation(arrival),
            expected,
            "{setting:?} {arrival:?}"
        );
    }
    assert_eq!(ConfirmSetting::default(), Auto);
    for text in ["", "Auto", "auto ", "true", "ask"] {
        assert_eq!(ConfirmSetting::parse(text), None, "{text}");
    }
    for setting in [Always, Never, Auto] {
        assert_eq!(ConfirmSetting::parse(setting.as_str()), Some(setting));
    }
}
