//! Runs the corpora of the fuzz targets as ordinary tests: no input may cause a panic again.

use std::fs;
use std::path::{Path, PathBuf};

#[path = "../../../../fuzz/targets/bodies.rs"]
mod bodies;

#[path = "../../../../fuzz/targets/operators.rs"]
mod operators;

#[path = "../../../../fuzz/targets/videos.rs"]
mod videos;

#[path = "../../../../fuzz/targets/paths.rs"]
mod paths;

#[path = "../../../../fuzz/targets/reach.rs"]
mod reach;

#[path = "../../../../fuzz/targets/logs.rs"]
mod logs;

#[path = "../../../../fuzz/targets/rtmp.rs"]
mod rtmp;

#[path = "../../../../fuzz/targets/streams.rs"]
mod streams;

#[path = "../../../../fuzz/targets/objects.rs"]
mod objects;

#[test]
fn policy_json() {
    check("policy_json", bodies::policy_json);
}

#[test]
fn credentials() {
    check("credentials", bodies::credentials);
}

#[test]
fn operator_request() {
    check("operator_request", operators::operator_request);
}

#[test]
fn operator_json() {
    check("operator_json", operators::operator_json);
}

#[test]
fn cloudfront_xml() {
    check("cloudfront_xml", operators::cloudfront_xml);
}

#[test]
fn resource_matcher() {
    check("resource_matcher", bodies::resource_matcher);
}

#[test]
fn range_header() {
    check("range_header", bodies::range_header);
}

#[test]
fn redaction() {
    check("redaction", logs::redaction);
}

#[test]
fn configuration() {
    check("configuration", bodies::configuration);
}

#[test]
fn video_index() {
    check("video_index", videos::video_index);
}

#[test]
fn video_segments() {
    check("video_segments", videos::video_segments);
}

#[test]
fn path_rule() {
    check("path_rule", paths::path_rule);
}

#[test]
fn rtmp_session() {
    check("rtmp_session", rtmp::rtmp_session);
}

#[test]
fn video_playlists() {
    check("video_playlists", bodies::video_playlists);
}

#[test]
fn video_streams() {
    check("video_streams", streams::video_streams);
}

#[test]
fn origin_request() {
    check("origin_request", reach::origin_request_of);
}

#[test]
fn object_keys() {
    check("object_keys", objects::object_keys);
}

#[test]
fn list_markers() {
    check("list_markers", objects::list_markers);
}

fn check(target: &str, body: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let entries = fs::read_dir(&folder)
        .expect("the corpus is checked in")
        .map(|entry| entry.expect("an entry").path());
    let mut inputs: Vec<PathBuf> = entries.collect();
    inputs.sort();
    assert!(
        inputs.len() >= 10,
        "the corpus of {target} has at least ten inputs"
    );
    for input in inputs {
        // The output is shown only when the body panics.
        eprintln!("{target}: {}", input.display());
        body(&fs::read(&input).expect("the input is readable"));
    }
}
