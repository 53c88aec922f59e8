//! The path of a bucket itself: requested with the edge's keys, it would list the contents.

use crate::support::*;
use privet_distribution::config::Snapshot;
use privet_distribution::request::Denial;

/// Returns a distribution with these origins behind its default behavior; `rest` has more lines of the distribution.
fn before(origins: &str, rest: &str) -> Snapshot {
    snapshot_of(&format!(
        r#"
[[listeners]]
address = "127.0.0.1:80"
[[distributions]]
id = "E1"
domain_name = "d.example"
{rest}
{origins}
"#
    ))
}

/// Returns a distribution's lines for one origin.
fn one(origin: &str) -> String {
    format!("origins = [{{ id = \"one\", {origin} }}]\ndefault_behavior = {{ origin = \"one\" }}")
}

/// Returns a distribution's lines for a group of two origins.
fn pair(primary: &str, secondary: &str) -> String {
    format!(
        r#"origins = [{{ id = "one", {primary} }}, {{ id = "two", {secondary} }}]
origin_groups = [{{ id = "pair", origins = ["one", "two"], failover_statuses = [500] }}]
default_behavior = {{ origin = "pair" }}"#
    )
}

#[track_caller]
fn check(snapshot: &Snapshot, path: &str, expected: &Result<(), Denial>) {
    let url = format!("http://d.example{path}");
    assert_eq!(get(url).run(snapshot), *expected, "{path}");
}

const BUCKET: &str = r#"s3 = { bucket = "videos" }"#;
const FOLDER_OF_A_BUCKET: &str = r#"s3 = { bucket = "videos" }, origin_path = "/v1""#;
const SERVER: &str = r#"url = "https://app.example.com""#;
const FOLDER: &str = r#"folder = "bucket""#;

#[test]
fn a_bucket_itself_is_not_found() {
    let no = Err(Denial::NotFound);
    for origins in [
        one(BUCKET),
        pair(BUCKET, BUCKET),
        pair(BUCKET, SERVER),
        pair(SERVER, BUCKET),
        pair(FOLDER_OF_A_BUCKET, BUCKET),
    ] {
        let snapshot = before(&origins, "");
        check(&snapshot, "/", &no);
        check(&snapshot, "/?list-type=2", &no);
        check(&snapshot, "/a", &Ok(()));
        check(&snapshot, "/a/", &Ok(()));
    }
    let with_changes = one(BUCKET).replace(
        "{ origin = \"one\" }",
        "{ origin = \"one\", allowed_methods = [\"GET\", \"HEAD\", \"OPTIONS\", \"PUT\", \"POST\", \"PATCH\", \"DELETE\"] }",
    );
    let delete = send("DELETE", "http://d.example/");
    assert_eq!(delete.run(&before(&with_changes, "")), no);
}

/// The default root object replaces `/`, and an origin path makes it the name of an object.
#[test]
fn where_the_root_is_an_object_it_is_served() {
    let snapshot = before(&one(BUCKET), "default_root_object = \"index.html\"");
    check(&snapshot, "/", &Ok(()));
    for origins in [
        one(FOLDER_OF_A_BUCKET),
        one(SERVER),
        one(FOLDER),
        pair(FOLDER_OF_A_BUCKET, SERVER),
        pair(SERVER, FOLDER_OF_A_BUCKET),
    ] {
        check(&before(&origins, ""), "/", &Ok(()));
    }
}
