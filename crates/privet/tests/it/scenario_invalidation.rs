//! Objects that operators invalidate are gone, at once and after a restart.

use crate::support::*;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use tempfile::TempDir;

/// An edge with an admin socket, and a disk that outlives it.
struct Fixture {
    folder: TempDir,
    origin: FakeOrigin,
}

impl Fixture {
    /// Returns a fixture whose objects consist of the number of the request that fetched them; those in `/tagged/`
    /// carry two tags.
    fn new() -> Self {
        let asked = AtomicUsize::new(0);
        let origin = FakeOrigin::start(move |ask| {
            let number = asked.fetch_add(1, Ordering::SeqCst).to_string();
            let mut headers = vec![("Cache-Control", "max-age=86400")];
            if ask.path().starts_with("/tagged/") {
                headers.push(("Cache-Tag", "videos, spring"));
            }
            OriginAnswer::whole(200, &headers, number)
        });
        Fixture {
            folder: tempfile::tempdir().unwrap(),
            origin,
        }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("admin.sock")
    }

    fn start(&self) -> TestEdge {
        Remote::new(&self.origin)
            .disk(&self.folder.path().join("cache"))
            .tables(&format!("[admin]\nsocket = {:?}", self.socket()))
            .start()
    }
}

/// Runs `privet invalidate`, as an operator types it.
#[track_caller]
fn invalidate(socket: &Path, what: &[&str]) {
    let said = Command::new(env!("CARGO_BIN_EXE_privet"))
        .args(["invalidate", "--socket"])
        .arg(socket)
        .args(["--distribution", "EDFDVBD6EXAMPLE"])
        .args(what)
        .output()
        .unwrap();
    assert!(said.status.success(), "{said:?}");
}

/// Returns the paths that are fetched again.
fn fetched_anew(edge: &TestEdge, paths: &[&'static str]) -> Vec<&'static str> {
    let is_miss = |path: &&&str| edge.fetch(path).outcome() == "Miss";
    paths.iter().filter(is_miss).copied().collect()
}

#[track_caller]
fn check(paths: &[&'static str], what: &[&str], expected: &[&str]) {
    let fixture = Fixture::new();
    let edge = fixture.start();
    assert_eq!(fetched_anew(&edge, paths), paths);
    assert_eq!(fetched_anew(&edge, paths), Vec::<&str>::new());
    invalidate(&fixture.socket(), what);
    assert_eq!(fetched_anew(&edge, paths), expected, "{what:?}");
}

#[test]
fn a_path_is_invalidated() {
    let paths = ["/a", "/a/b", "/A", "/%61b"];
    check(&paths, &["/a"], &["/a"]);
    check(&paths, &["/ab"], &["/%61b"]);
    check(&paths, &["/none"], &[]);
}

#[test]
fn a_wildcard_is_invalidated() {
    let paths = ["/a/1", "/a/2/3", "/b/1", "/a"];
    check(&paths, &["/a/*"], &["/a/1", "/a/2/3"]);
    check(&paths, &["/a*"], &["/a/1", "/a/2/3", "/a"]);
    check(&paths, &["/*"], &paths);
}

#[test]
fn a_tag_is_invalidated() {
    let paths = ["/tagged/1", "/tagged/2", "/other"];
    check(&paths, &["--tag", "spring"], &["/tagged/1", "/tagged/2"]);
    check(&paths, &["--tag", "winter"], &[]);
    let fixture = Fixture::new();
    let answer = fixture.start().fetch("/tagged/1");
    assert_eq!(answer.field("Cache-Tag"), None, "tags are for operators");
}

#[test]
fn all_parts_of_a_large_object_are_invalidated() {
    let folder = tempfile::tempdir().unwrap();
    let (origin, video) = FakeOrigin::object(8_000_000, "\"v1\"");
    let socket = folder.path().join("admin.sock");
    let edge = Remote::new(&origin)
        .tables(&format!("[admin]\nsocket = {socket:?}"))
        .start();
    video.pattern().assert_is(0, &edge.fetch("/video.mp4").body);
    let new = video.change_to("\"v2\"");
    invalidate(&socket, &["/video.mp4"]);
    let end = edge.fetch_with("/video.mp4", &[("Range", "bytes=7000000-7000099")]);
    new.assert_is(7_000_000, &end.body);
    new.assert_is(0, &edge.fetch("/video.mp4").body);
}

/// A response that was being fetched when the operator invalidated it is as old as a stored one.
#[test]
fn a_fetch_under_way_is_invalidated_too() {
    let folder = tempfile::tempdir().unwrap();
    let gate = Gate::closed();
    let held = gate.clone();
    let asked = AtomicUsize::new(0);
    let origin = FakeOrigin::start(move |_| {
        let headers = [("Cache-Control", "max-age=86400")];
        match asked.fetch_add(1, Ordering::SeqCst) {
            0 => OriginAnswer::whole(200, &headers, "old").after(&held),
            _ => OriginAnswer::whole(200, &headers, "new"),
        }
    });
    let socket = folder.path().join("admin.sock");
    let edge = Remote::new(&origin)
        .tables(&format!("[admin]\nsocket = {socket:?}"))
        .start();
    let mut early = edge.plain();
    early.send(&Ask::get(url("/a")).bytes());
    origin.wait_for_asks(1);
    invalidate(&socket, &["/a"]);
    gate.open();
    assert_eq!(early.framed_answer().1.whole(), b"old");
    assert_eq!(edge.fetch("/a").text(), "new");
}

#[test]
fn an_invalidation_outlasts_a_restart() {
    let fixture = Fixture::new();
    let edge = fixture.start();
    let paths = ["/a", "/b/1", "/tagged/1", "/kept"];
    let before: Vec<Answer> = paths.iter().map(|path| edge.fetch(path)).collect();
    for what in [&["/a"][..], &["/b/*"], &["--tag", "videos"]] {
        invalidate(&fixture.socket(), what);
    }
    edge.stop();
    let edge = fixture.start();
    // Objects on the disk are loaded gradually; until then they are fetched again.
    let begun = Instant::now();
    while edge.fetch("/kept").outcome() != "Hit" {
        assert!(begun.elapsed() < PATIENCE);
    }
    for (path, before) in paths.iter().zip(before).take(3) {
        let after = edge.fetch(path);
        assert_eq!(after.status(), 200);
        assert_ne!(after.body, before.body, "{path} came back");
    }
}
