//! The logs that distributions have of their own, beside the node's.

use crate::support::*;
use std::fs;
use std::path::Path;

/// Returns the fixture whose distribution has this logging, with more lines in the `[log]` table.
fn config(logging: &str, log: &str) -> String {
    let text = format!("{}{log}\n", fixture());
    let lines = format!("aliases = [\"www.example.com\"]\nlogging = {{ {logging} }}");
    let aliases = "aliases = [\"www.example.com\", \"*.videos.example.com\"]";
    assert!(text.contains(aliases));
    text.replace(aliases, &lines)
}

fn with_cookie(edge: &TestEdge, path: &str) {
    let ask = Ask::get(format!("{U}{path}")).header("Cookie", "seen=1");
    Viewer::tls(edge.https(), None).ask(&ask);
}

/// Returns stem and cookies of the records in the files of a folder, not of those beneath it.
fn lines(folder: &Path) -> Vec<(String, String)> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.is_file());
    files.sort();
    let mut lines = Vec::new();
    for file in files {
        let text = gunzip(&file);
        assert!(
            text.starts_with("#Version: 1.0\n#Fields: date time"),
            "{text}"
        );
        lines.extend(text.lines().skip(2).map(|line| {
            let fields: Vec<&str> = line.split('\t').collect();
            assert_eq!(fields.len(), 33);
            (fields[7].to_owned(), fields[12].to_owned())
        }));
    }
    lines
}

fn line(stem: &str, cookies: &str) -> (String, String) {
    (stem.to_owned(), cookies.to_owned())
}

#[test]
fn both_logs_have_each_request() {
    let edge = TestEdge::configured(&config(
        "bucket = \"my.logs.s3.amazonaws.com\", prefix = \"www/x-\", include_cookies = true",
        "",
    ));
    with_cookie(&edge, "/public/a");
    with_cookie(&edge, "/public/b");
    let (folder, _) = edge.stop();
    let node = [line("/public/a", "-"), line("/public/b", "-")];
    assert_eq!(lines(&folder.path().join("logs")), node);
    let own = folder.path().join("logs/my.logs/www/x-");
    let expected = [line("/public/a", "seen=1"), line("/public/b", "seen=1")];
    assert_eq!(lines(&own), expected);
    let names: Vec<String> = fs::read_dir(own)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names.len(), 1);
    assert!(
        names[0].starts_with("EDFDVBD6EXAMPLE.2025-12-29-09."),
        "{names:?}"
    );
    assert!(names[0].ends_with(".gz"));
}

#[test]
fn each_log_has_its_own_cookies() {
    let edge = TestEdge::configured(&config(
        "bucket = \"logs.example.com\"",
        "include_cookies = true",
    ));
    with_cookie(&edge, "/public/a");
    let (folder, _) = edge.stop();
    assert_eq!(
        lines(&folder.path().join("logs")),
        [line("/public/a", "seen=1")]
    );
    let own = folder.path().join("logs/logs");
    assert_eq!(lines(&own), [line("/public/a", "-")]);
}

#[test]
fn a_log_that_moves_begins_elsewhere() {
    let first = config("bucket = \"one.example.com\"", "");
    let mut edge = TestEdge::configured(&first);
    with_cookie(&edge, "/public/a");
    edge.live.wait_for(1);
    edge.reload(&first.replace("one.example", "two.example"))
        .unwrap();
    with_cookie(&edge, "/public/b");
    edge.live.wait_for(2);
    edge.reload(&fixture()).unwrap();
    with_cookie(&edge, "/public/c");
    let (folder, _) = edge.stop();
    let logs = folder.path().join("logs");
    assert_eq!(lines(&logs.join("one")), [line("/public/a", "-")]);
    assert_eq!(lines(&logs.join("two")), [line("/public/b", "-")]);
    assert_eq!(lines(&logs).len(), 3);
}

/// The bucket may have the name of the node's own folder.
#[test]
fn files_of_an_earlier_run_get_their_names() {
    let edge = TestEdge::configured(&config(
        "bucket = \"same.example.com\", prefix = \"old/\"",
        "prefix = \"same\"",
    ));
    let left = edge.folder().join("logs/same/old");
    fs::create_dir_all(&left).unwrap();
    fs::write(left.join("E1.2025-12-29-09.aaaaaaaa.gz.part"), b"").unwrap();
    with_cookie(&edge, "/public/a");
    let (folder, _) = edge.stop();
    let left = folder.path().join("logs/same/old");
    fs::remove_file(left.join("E1.2025-12-29-09.aaaaaaaa.gz")).unwrap();
    assert_eq!(lines(&left), [line("/public/a", "-")]);
    assert_eq!(
        lines(&folder.path().join("logs/same")),
        [line("/public/a", "-")]
    );
}

#[test]
fn the_same_folder_serves_both_logs() {
    let edge = TestEdge::configured(&config(
        "bucket = \"same.example.com\"",
        "prefix = \"same\"",
    ));
    with_cookie(&edge, "/public/a");
    let (folder, _) = edge.stop();
    let both = lines(&folder.path().join("logs/same"));
    assert_eq!(both, [line("/public/a", "-"), line("/public/a", "-")]);
}

/// What is in the way of one log holds up neither the node's nor the requests.
#[test]
fn a_log_that_cannot_be_written_holds_up_nothing() {
    let edge = TestEdge::configured(&config("bucket = \"taken.example.com\"", ""));
    fs::write(edge.folder().join("logs/taken"), b"a file").unwrap();
    for number in 0..20 {
        with_cookie(&edge, &format!("/public/{number}"));
    }
    let (folder, live) = edge.stop();
    assert_eq!(live.records().len(), 20);
    fs::remove_file(folder.path().join("logs/taken")).unwrap();
    assert_eq!(lines(&folder.path().join("logs")).len(), 20);
}

#[test]
fn a_node_without_a_log_writes_none() {
    let text = config("bucket = \"logs.example.com\"", "");
    let edge = TestEdge::configured(&text.replace(LOG, ""));
    with_cookie(&edge, "/public/a");
    let (folder, live) = edge.stop();
    assert_eq!(live.records().len(), 1);
    assert!(!folder.path().join("logs").exists());
}
