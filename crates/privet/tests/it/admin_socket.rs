//! The admin socket: what it refuses, who may use it, and how long it exists.

use crate::support::*;
use serde_json::json;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Instant;
use tempfile::TempDir;

const DISTRIBUTION_ID: &str = "EDFDVBD6EXAMPLE";

/// Returns the fixture of folders, with a socket at this path.
fn config(socket: &Path) -> String {
    format!("{}\n[admin]\nsocket = {socket:?}\n", fixture())
}

struct Fixture {
    folder: TempDir,
    edge: TestEdge,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let edge = TestEdge::configured(&config(&folder.path().join("admin.sock")));
        Fixture { folder, edge }
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("admin.sock")
    }

    #[track_caller]
    fn check(&self, line: &str, body: &str, expected: (u16, &str)) {
        let answer = ask_operator_socket(&self.socket(), line, body);
        let got = (answer.status, answer.error());
        assert!(
            got.0 == expected.0 && got.1.contains(expected.1),
            "{line}: {got:?}"
        );
    }

    #[track_caller]
    fn check_invalidation(&self, body: &serde_json::Value, expected: (u16, &str)) {
        self.check("POST /invalidations", &body.to_string(), expected);
    }
}

#[test]
fn requests_that_mean_nothing_are_refused() {
    let fixture = Fixture::new();
    let nothing = (404, "there is no such path");
    fixture.check("GET /", "", nothing);
    fixture.check("GET /invalidation", "", nothing);
    let method = (405, "this method is not supported here");
    fixture.check("DELETE /invalidations", "", method);
    fixture.check("POST /cache", "", method);
    fixture.check("GET /origins/probe", "", method);
    fixture.check("PUT /invalidations/I1", "", method);
    fixture.check("GET /invalidations/I1", "", (404, "no invalidation \"I1\""));
    fixture.check("GET /invalidations/", "", (404, "no invalidation \"\""));
    let count = (400, "the query is not count=N");
    fixture.check("GET /invalidations?count=0", "", count);
    fixture.check("GET /invalidations?count=10001", "", count);
    fixture.check("GET /invalidations?max=1", "", count);
    let answer = ask_operator_socket(&fixture.socket(), "POST /cache", "");
    assert!(answer.head.to_lowercase().contains("\r\nallow: get"));
}

#[test]
fn garbage_is_refused() {
    let fixture = Fixture::new();
    let json = (400, "the body is invalid: ");
    for body in ["", "{", "[]", "null", "{\"paths\": [\"/a\"]}", "\u{1}\u{2}"] {
        fixture.check("POST /invalidations", body, json);
    }
    fixture.check_invalidation(
        &json!({"distribution": DISTRIBUTION_ID, "path": ["/a"]}),
        (400, "unknown field `path`"),
    );
    fixture.check("POST /origins/probe", "{\"objects\": 1}", json);
    fixture.check(
        "POST /origins/probe",
        "{\"object\": \"a\"}",
        (400, "the object \"a\" does not begin with a slash"),
    );
    // Bytes that are not HTTP get a closed connection, or 400 without a body.
    let mut stream = UnixStream::connect(fixture.socket()).unwrap();
    std::io::Write::write_all(&mut stream, b"\x16\x03\x01 hello\r\n\r\n").unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut answer = Vec::new();
    let _ = std::io::Read::read_to_end(&mut stream, &mut answer);
    assert!(answer.is_empty() || answer.starts_with(b"HTTP/1.1 400"));
    fixture.edge.assert_alive();
}

#[test]
fn huge_bodies_are_refused() {
    let fixture = Fixture::new();
    let too_large = "the body has more than 1048576 bytes";
    let announced = b"POST /invalidations HTTP/1.1\r\nHost: p\r\nContent-Length: 1048577\r\n\r\n";
    let answer = tell_operator_socket(&fixture.socket(), announced);
    assert_eq!(answer.status, 413);
    assert!(answer.error().contains(too_large));
    let mut chunked =
        b"POST /invalidations HTTP/1.1\r\nHost: p\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..18 {
        chunked.extend(b"10000\r\n");
        chunked.extend(vec![b' '; 0x10000]);
        chunked.extend(b"\r\n");
    }
    let answer = tell_operator_socket(&fixture.socket(), &chunked);
    assert_eq!(answer.status, 413);
    let paths: Vec<String> = (0..3_001).map(|number| format!("/{number}")).collect();
    fixture.check_invalidation(
        &json!({"distribution": DISTRIBUTION_ID, "paths": paths}),
        (400, "3001 paths and tags are too many at once"),
    );
}

#[test]
fn what_cannot_be_invalidated_is_refused() {
    let fixture = Fixture::new();
    let check = |paths: &[&str], tags: &[&str], expected| {
        let body = json!({"distribution": DISTRIBUTION_ID, "paths": paths, "tags": tags});
        fixture.check_invalidation(&body, expected);
    };
    check(&[], &[], (400, "there is nothing to invalidate"));
    check(
        &["/good", "bad"],
        &[],
        (400, "the path \"bad\" does not begin with a slash"),
    );
    check(&["/a*b"], &[], (400, "has a * before its end"));
    check(&["/a b"], &[], (400, "contains ' '"));
    check(&["/a#b"], &[], (400, "contains '#'"));
    check(
        &[&format!("/{}", "a".repeat(4_000))],
        &[],
        (400, "4001 characters"),
    );
    check(&[], &["a,b"], (400, "the tag \"a,b\" has a comma"));
    check(&[], &[""], (400, "the tag \"\" is empty"));
    let many = ["/*"; 16];
    check(&many, &[], (400, "16 paths with a wildcard"));
    fixture.check_invalidation(
        &json!({"distribution": "EOTHER", "paths": ["/a"]}),
        (404, "there is no distribution \"EOTHER\""),
    );
    let listed = ask_operator_socket(&fixture.socket(), "GET /invalidations", "");
    assert_eq!(listed.json, json!({"invalidations": []}));
}

#[test]
fn an_invalidation_is_complete_and_can_be_asked_about() {
    let fixture = Fixture::new();
    let body = json!({"distribution": DISTRIBUTION_ID, "paths": ["/%61", "/b?c*"], "tags": ["t"]});
    let made = ask_operator_socket(&fixture.socket(), "POST /invalidations", &body.to_string());
    let id = made.json["id"].as_str().unwrap().to_owned();
    assert_eq!(
        made.json,
        json!({
            "id": id, "distribution": DISTRIBUTION_ID, "status": "Completed", "created": NOW,
            "paths": ["/%61", "/b?c*"], "tags": ["t"],
        })
    );
    let shown = ask_operator_socket(&fixture.socket(), &format!("GET /invalidations/{id}"), "");
    assert_eq!(shown.json, made.json);
    let running = fixture.edge.running();
    assert_eq!(running.invalidation(&id).unwrap().id, id);
    let item = privet_edge::InvalidationItem::path("/z").unwrap();
    let second = running.invalidate(DISTRIBUTION_ID, &[item]).unwrap();
    let listed = ask_operator_socket(&fixture.socket(), "GET /invalidations?count=1", "");
    assert_eq!(
        listed.json["invalidations"],
        json!([{
            "id": second.id, "distribution": DISTRIBUTION_ID, "status": "Completed", "created": NOW, "items": 1,
        }])
    );
    assert_eq!(running.invalidations(10).len(), 2);
}

#[test]
fn numbers_of_the_cache_are_told() {
    let fixture = Fixture::new();
    let told = ask_operator_socket(&fixture.socket(), "GET /cache", "");
    assert_eq!((told.status, &told.json["objects"]), (200, &json!(0)));
    assert_eq!(told.json["disk_bytes_max"], json!(null));
    assert_eq!(fixture.edge.running().cache_statistics().objects, 0);
}

#[test]
fn the_socket_is_its_owners_alone_until_the_edge_stops() {
    let fixture = Fixture::new();
    let socket = fixture.socket();
    let mode = fs::metadata(&socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // A silent operator does not keep the edge from stopping.
    let _silent = UnixStream::connect(&socket).unwrap();
    fixture.edge.stop();
    assert!(!socket.exists());
}

#[test]
fn the_socket_is_taken_over_from_the_dead_only() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("admin.sock");
    drop(UnixListener::bind(&socket).unwrap());
    assert!(socket.exists(), "left behind as by a killed process");
    let first = TestEdge::configured(&config(&socket));
    let refused = TestEdge::try_configured(&config(&socket)).err().unwrap();
    assert_eq!(
        refused.to_string(),
        format!(
            "cannot listen on {}: another process is listening on it; correct the socket in [admin]",
            socket.display()
        )
    );
    assert_eq!(ask_operator_socket(&socket, "GET /cache", "").status, 200);
    drop(first);
}

/// Waits until nothing listens there any more: the socket's own thread closes it after a moment.
#[track_caller]
fn assert_deserted(socket: &Path) {
    let until = Instant::now() + PATIENCE;
    while UnixStream::connect(socket).is_ok() {
        assert!(Instant::now() < until, "{} is served", socket.display());
        std::thread::yield_now();
    }
}

#[test]
fn the_socket_follows_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let [one, other] = ["one.sock", "other.sock"].map(|name| folder.path().join(name));
    let mut edge = TestEdge::configured(&config(&one));
    edge.reload(&config(&other)).unwrap();
    assert_eq!(ask_operator_socket(&other, "GET /cache", "").status, 200);
    assert_deserted(&one);
    let nowhere = folder.path().join("none").join("admin.sock");
    assert!(edge.reload(&config(&nowhere)).is_err());
    assert_eq!(ask_operator_socket(&other, "GET /cache", "").status, 200);
    // A reload restores a socket that was deleted, for instance by a cleaner of temporary folders.
    fs::remove_file(&other).unwrap();
    edge.reload(&config(&other)).unwrap();
    assert_eq!(ask_operator_socket(&other, "GET /cache", "").status, 200);
    edge.reload(&fixture()).unwrap();
    edge.reload(&config(&one)).unwrap();
    assert_deserted(&other);
    assert_eq!(ask_operator_socket(&one, "GET /cache", "").status, 200);
}

#[test]
fn operators_who_say_nothing_make_way() {
    let fixture = Fixture::new();
    let socket = fixture.socket();
    let mut silent: Vec<UnixStream> = (0..16)
        .map(|_| UnixStream::connect(&socket).unwrap())
        .collect();
    let asking = std::thread::spawn(move || ask_operator_socket(&socket, "GET /cache", ""));
    silent.pop();
    assert_eq!(asking.join().unwrap().status, 200);
}
