//! Folders that change under the edge, and names that would lead out of them.

use crate::support::*;
use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::process::Command;

/// Checks the status of a GET of `path`, plain and encrypted.
#[track_caller]
fn check(edge: &TestEdge, path: &str, expected: u16) {
    for scheme in ["http", "https"] {
        let answer = edge.get(&format!("{scheme}://{HOST}{path}"));
        assert_eq!(answer.status(), expected, "{path}");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        assert!(
            !text.contains("confidential") && !text.contains("PRIVATE KEY"),
            "{path}"
        );
    }
}

/// Checks that there is no object: the folder has no such name, or the path could be read as one of a restricted
/// behavior.
#[track_caller]
fn check_nothing(edge: &TestEdge, path: &str) {
    let status = edge.get(&format!("https://{HOST}{path}")).status();
    check(edge, path, if status == 403 { 403 } else { 404 });
}

#[test]
fn paths_that_climb() {
    let edge = TestEdge::new();
    edge.put("public/a", b"alpha");
    fs::write(edge.folder().join("secret.txt"), "confidential").unwrap();
    for climb in [
        "..",
        "%2e%2e",
        "%2E.",
        ".%2e",
        "%252e%252e",
        "..%5c",
        "..\\",
        "%c0%ae%c0%ae",
        "..;",
        "..%00",
        ".../...",
        "%uff0e%uff0e",
        "..%c0%af",
        "\u{ff0e}\u{ff0e}",
    ] {
        for slash in ["/", "%2f", "%2F", "//", "/./", "%5c"] {
            let path = format!("/public/{climb}{slash}{climb}{slash}secret.txt");
            if path.is_ascii() {
                check_nothing(&edge, &path);
                check_nothing(&edge, &path.replace("secret.txt", "key.pem"));
            }
        }
    }
    for path in [
        "/public//a",
        "/public/./a",
        "/public/a/",
        "/public/a/.",
        "//public/a",
        "/public/a%00",
        "/public/a%2f",
    ] {
        let status = edge.get(&format!("https://{HOST}{path}")).status();
        assert!(matches!(status, 404 | 403), "{path}: {status}");
    }
    check(&edge, "/public/%61", 200);
    edge.assert_alive();
}

#[test]
fn links_that_lead_out() {
    let edge = TestEdge::new();
    edge.put("public/inside.txt", b"inside");
    fs::write(edge.folder().join("secret.txt"), "confidential").unwrap();
    fs::create_dir(edge.folder().join("outside")).unwrap();
    fs::write(edge.folder().join("outside/secret.txt"), "confidential").unwrap();
    let link =
        |target: &str, name: &str| symlink(target, edge.object(&format!("public/{name}"))).unwrap();
    link("../../secret.txt", "relative");
    link(
        edge.folder().join("secret.txt").to_str().unwrap(),
        "absolute",
    );
    link("/proc/self/environ", "proc");
    link("../../outside", "folder");
    link("loop", "loop");
    link("nowhere", "dangling");
    for name in [
        "relative",
        "absolute",
        "proc",
        "folder/secret.txt",
        "loop",
        "dangling",
    ] {
        check(&edge, &format!("/public/{name}"), 404);
    }
    link("inside.txt", "within");
    check(&edge, "/public/within", 200);
    // The link is changed to point outside after its file was cached.
    fs::remove_file(edge.object("public/within")).unwrap();
    link("../../secret.txt", "within");
    check(&edge, "/public/within", 404);
    edge.assert_alive();
}

/// A cached file is compared with the file's state before every response; the comparison must not follow a folder link
/// that was changed to point outside.
#[test]
fn a_hot_object_behind_a_link() {
    let edge = TestEdge::new();
    edge.put("public/old/a.txt", b"inside");
    symlink("old", edge.object("public/now")).unwrap();
    let mut viewer = edge.plain();
    let url = format!("http://{HOST}/public/now/a.txt");
    let begun = std::time::Instant::now();
    while viewer.get(&url).header("X-Cache") != Some("Hit from cloudfront") {
        assert!(begun.elapsed() < PATIENCE);
    }
    fs::create_dir(edge.folder().join("outside")).unwrap();
    fs::write(edge.folder().join("outside/a.txt"), "confidential").unwrap();
    fs::remove_file(edge.object("public/now")).unwrap();
    symlink("../../outside", edge.object("public/now")).unwrap();
    assert_eq!(viewer.get(&url).status(), 404);
}

#[test]
fn what_is_no_file() {
    let edge = TestEdge::new();
    fs::create_dir_all(edge.object("public/folder")).unwrap();
    let made = Command::new("mkfifo")
        .arg(edge.object("public/pipe"))
        .status();
    assert!(made.unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(edge.object("public/socket")).unwrap();
    for name in [
        "folder", "folder/", "pipe", "socket", "missing", "pipe/x", "",
    ] {
        check(&edge, &format!("/public/{name}"), 404);
    }
    let long = "a".repeat(300);
    check(&edge, &format!("/public/{long}"), 404);
    edge.assert_alive();
}

#[test]
fn an_unreadable_file() {
    use std::os::unix::fs::PermissionsExt;
    let edge = TestEdge::new();
    let path = edge.put("public/a", b"confidential");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).unwrap();
    if File::open(&path).is_ok() {
        eprintln!("skipped: this user may read every file");
        return;
    }
    check(&edge, "/public/a", 502);
    let record = edge.live.wait_for(2).pop().unwrap();
    assert_eq!(record["x-edge-detailed-result-type"], "OriginReadError");
    edge.assert_alive();
}

const SIZE_BYTES: usize = 30_000_000;

/// Sends a file to a narrow viewer of each kind, lets `spoil` change it meanwhile, and passes what arrived to `look`.
fn while_sending(spoil: impl Fn(&std::path::Path), look: impl Fn(&TestEdge, &[u8], &[u8])) {
    for scheme in ["http", "https"] {
        let edge = TestEdge::new();
        let bytes: Vec<u8> = (0..SIZE_BYTES).map(|at| (at / 11) as u8 | 1).collect();
        let path = edge.put("public/a.bin", &bytes);
        let mut viewer = if scheme == "http" {
            Viewer::narrow(edge.http())
        } else {
            Viewer::narrow_tls(edge.https())
        };
        viewer.send(&Ask::get(format!("{scheme}://{HOST}/public/a.bin")).bytes());
        let head = viewer.head().unwrap();
        assert_eq!(
            head.header("Content-Length"),
            Some(SIZE_BYTES.to_string().as_str())
        );
        let mut got = viewer.take(100_000);
        spoil(&path);
        got.extend(viewer.take(SIZE_BYTES - got.len()));
        look(&edge, &got, &bytes);
        edge.assert_alive();
    }
}

#[test]
fn a_file_that_shrinks_under_way_breaks_the_connection() {
    let cut = |path: &std::path::Path| {
        let file = File::options().write(true).open(path).unwrap();
        file.set_len(20_000_000).unwrap();
    };
    while_sending(cut, |edge, got, bytes| {
        // No more bytes than the file had, and no others, are sent.
        assert!(got.len() <= 20_000_000, "{}", got.len());
        assert!(got == &bytes[..got.len()]);
        let record = edge.live.wait_for(1).pop().unwrap();
        assert_eq!(record["sc-status"], "200");
        assert_eq!(record["x-edge-result-type"], "Error");
    });
}

#[test]
fn a_file_that_is_emptied_under_way_breaks_the_connection() {
    while_sending(
        |path| drop(File::create(path).unwrap()),
        |_, got, bytes| {
            assert!(got.len() < SIZE_BYTES);
            assert!(got == &bytes[..got.len()]);
        },
    );
}

#[test]
fn a_deleted_file_is_sent_to_its_end() {
    while_sending(
        |path| fs::remove_file(path).unwrap(),
        |edge, got, bytes| {
            assert!(got == bytes);
            check(edge, "/public/a.bin", 404);
        },
    );
}

#[test]
fn a_replaced_file_is_sent_to_its_old_end() {
    let replace = |path: &std::path::Path| {
        let aside = path.with_extension("new");
        fs::write(&aside, vec![0; SIZE_BYTES]).unwrap();
        fs::rename(aside, path).unwrap();
    };
    while_sending(replace, |_, got, bytes| assert!(got == bytes));
}
