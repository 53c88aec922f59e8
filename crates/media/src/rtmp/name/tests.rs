//! Checks of stream names against what players really send.

use super::*;

/// Application, name, key and query of real URLs, and which player sends them.
const VECTORS: &str = include_str!("../../../tests-data/rtmp_names.tsv");

fn check_bad(application: &str, play: &str, expected: BadName) {
    let read = StreamName::read(application, play);
    assert_eq!(read, Err(expected), "{application} {play}");
}

fn check(application: &str, play: &str, keys: &[&str], query: &str) {
    let name = StreamName::read(application, play).unwrap();
    assert_eq!(name.keys(), keys, "{application} {play}");
    assert_eq!(name.query(), query, "{application} {play}");
}

fn check_resources(application: &str, play: &str, expected: &[&str]) {
    let name = StreamName::read(application, play).unwrap();
    assert_eq!(
        name.resources(&name.keys()[0]),
        expected,
        "{application} {play}"
    );
}

#[test]
fn what_players_send() {
    let mut count = 0;
    for line in VECTORS.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [application, play, key, query, _] = fields[..] else {
            panic!("five fields: {line}");
        };
        count += 1;
        assert!(StreamName::is_application(application), "{line}");
        if key.is_empty() {
            check_bad(application, play, BadName::InvalidUri);
            continue;
        }
        let name = StreamName::read(application, play).unwrap();
        assert_eq!(name.keys()[0], key, "{line}");
        assert_eq!(name.query(), query, "{line}");
    }
    assert_eq!(count, 20);
}

#[test]
fn other_applications() {
    for application in [
        "", "/", "live", "st", "cfx/live", "cfxst", "CFX/ST", "vod/st",
    ] {
        assert!(!StreamName::is_application(application), "{application}");
        check_bad(application, "mp4:a", BadName::InvalidInstance);
    }
    check_bad("cfx", "mp4:a", BadName::InvalidInstance);
    check_bad("cfx", "", BadName::InvalidInstance);
}

#[test]
fn names_that_no_object_has() {
    for play in [
        "",
        "mp4:",
        "&",
        "?Signature=x",
        "..",
        "mp4:..",
        "mp4:a/../b.mp4",
        "mp4:a/./b.mp4",
        "mp4:a/%2e%2e/b.mp4",
        "mp4:a/%2E./b.mp4",
        "mp4:a%2f..%2fb.mp4",
        "mp4:a\\..\\b.mp4",
        "mp4:..%5cb.mp4",
        "mp4:a/",
        "mp4:a/.mp4",
        "mp4:a\0.mp4",
        "mp4:a%00.mp4",
        "mp4:a%0ab.mp4",
        "mp4:a%7f.mp4",
        "mp4:a%ff.mp4",
        "mp4:a%2.mp4",
        "mp4:a%",
        "mp4:a%zz.mp4?x",
        "mp4:a\u{fffd}.mp4",
        "mp4:/mp4:../b",
        "%2fa.mp4",
    ] {
        check_bad("cfx/st", play, BadName::InvalidUri);
    }
    let long = "x".repeat(4090);
    check_bad("cfx/st", &format!("mp4:{long}"), BadName::InvalidUri);
    check_bad("../cfx/st", "mp4:a", BadName::InvalidUri);
    check_bad("cfx/st/..", "mp4:a", BadName::InvalidUri);
}

#[test]
fn keys_by_kind_and_ending() {
    check("cfx/st", "mp4:a", &["a.mp4", "a"], "");
    check("cfx/st", "mp3:a", &["a.mp3", "a"], "");
    check("cfx/st", "a", &["a.flv", "a"], "");
    check("cfx/st", "mp4:a.MOV", &["a.MOV"], "");
    check("cfx/st", "mp4:a.v2", &["a.v2.mp4", "a.v2"], "");
    check("cfx/st", "mp3:a.flv", &["a.flv"], "");
    check("cfx/st/mp3:x", "mp4:a", &["x/a.mp4", "x/a"], "");
    check("cfx/st", "/mp4:a//b", &["a//b.mp4", "a//b"], "");
    check("cfx/st?x=1", "mp4:é%20+.mp4?q", &["é +.mp4"], "q");
    check("cfx/st", "mp4:a?b?c", &["a.mp4", "a"], "b?c");
    // One layer of percent-encoding is removed, and the rest is read like any other name.
    check(
        "cfx/st",
        "a%2520b%3Fq%3D%2541",
        &["a b.flv", "a b"],
        "q=%41",
    );
    check("cfx/st", "cfx/st/a", &["cfx/st/a.flv", "cfx/st/a"], "");
}

#[test]
fn resources_that_a_policy_may_have() {
    let both = ["v/a.mp4", "v/a", "cfx/st/v/a.mp4", "cfx/st/v/a"];
    check_resources("cfx/st", "mp4:v/a.mp4?q", &both);
    check_resources("cfx/st", "mp4:v/a", &both);
    check_resources("cfx/st/mp4:v", "mp4:a", &both);
    check_resources(
        "videos/cfx/st",
        "mp3:x",
        &[
            "videos/x.mp3",
            "videos/x",
            "videos/cfx/st/x.mp3",
            "videos/cfx/st/x",
        ],
    );
    check_resources(
        "cfx/st",
        "mp4:a%20b.mp4?q",
        &[
            "a b.mp4",
            "a b",
            "a%20b.mp4",
            "a%20b",
            "cfx/st/a%20b.mp4",
            "cfx/st/a%20b",
        ],
    );
}

/// A name without its extension is also a resource of the object that has none.
/// A grant for `a.mp4` is none for `a.mp4.flv`.
#[test]
fn only_one_ending_may_be_left_out() {
    for play in ["v/a.mp4.flv", "flv:v/a.mp4.flv"] {
        check_resources("cfx/st", play, &["v/a.mp4.flv", "cfx/st/v/a.mp4.flv"]);
    }
}

#[test]
fn resources_of_the_second_key() {
    let name = StreamName::read("cfx/st", "mp4:a").unwrap();
    assert_eq!(name.resources("a"), ["a", "cfx/st/a"]);
}

fn check_kinds(play: &str, expected: &[VideoKind]) {
    let name = StreamName::read("cfx/st", play).unwrap();
    let kinds: Vec<VideoKind> = name.keys().iter().map(|key| name.kind(key)).collect();
    assert_eq!(kinds, expected, "{play}");
}

#[test]
fn kinds_of_keys() {
    use VideoKind::{Flv, Mp3, Mp4};
    check_kinds("mp4:a", &[Mp4, Mp4]);
    check_kinds("mp3:a", &[Mp3, Mp3]);
    check_kinds("a", &[Flv, Flv]);
    check_kinds("a.m4v", &[Mp4]);
    check_kinds("mp4:a.FLV", &[Flv]);
    check_kinds("mp4:a.mp3", &[Mp3]);
}

#[test]
fn stems_and_extensions() {
    assert_eq!(StreamName::stem_and_extension("v/a.MP4"), ("v/a", "MP4"));
    assert_eq!(StreamName::stem_and_extension("v/a.b"), ("v/a.b", ""));
}

#[test]
fn paths_of_keys() {
    assert_eq!(path_of("video/talk.mp4"), "/video/talk.mp4");
    assert_eq!(path_of("é +%?#.mp4"), "/%C3%A9%20%2B%25%3F%23.mp4");
}

#[test]
fn hosts() {
    for (tc_url, host) in [
        ("", None),
        ("host/cfx/st", None),
        ("http://host/cfx/st", None),
        ("rtmp:///cfx/st", None),
        ("rtmp://:1935/cfx/st", None),
        ("rtmp://s1.example.net/cfx/st", Some("s1.example.net")),
        ("RTMPS://s1.example.net:443/cfx/st", Some("s1.example.net")),
        ("rtmp://s1.example.net", Some("s1.example.net")),
        ("rtmp://[::1]:1935/cfx/st", Some("::1")),
        ("rtmp://[::1/cfx/st", None),
    ] {
        assert_eq!(host_of(tc_url), host, "{tc_url}");
    }
}
