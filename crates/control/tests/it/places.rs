//! What operators may name on the machine: nobody the edge's own files, and those of the network only what is listed.

use crate::support::*;
use serde_json::{Value, json};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

/// Returns a fixture whose folder looks like that of a real edge.
fn fixture() -> Fixture {
    let fixture = Fixture::new();
    fixture.furnish();
    let folder = fixture.socket().parent().unwrap().to_owned();
    fs::write(folder.join("privet.toml"), "[store]").unwrap();
    symlink(folder.join("privet.db"), folder.join("bucket/link.pem")).unwrap();
    symlink(&folder, folder.join("elsewhere")).unwrap();
    symlink("/etc", folder.join("etc")).unwrap();
    fixture
}

fn with_folder(id: &str, folder: &str) -> Value {
    let mut document = distribution(id, &format!("{id}.example").to_lowercase());
    document["origins"][0]["folder"] = json!(folder);
    document
}

#[track_caller]
fn check(answer: &Answer, part: &str) {
    assert_eq!(answer.status, 422, "{answer:?}");
    let detail = answer.json["detail"].as_str().unwrap();
    assert!(detail.contains(part), "{detail}");
}

#[test]
fn nobody_serves_or_names_the_edges_own_files() {
    let fixture = fixture();
    let folder = fixture.socket().parent().unwrap().to_owned();
    let above = folder.parent().unwrap();
    for own in [Path::new("."), Path::new("elsewhere"), &folder, above] {
        let document = with_folder("E2", own.to_str().unwrap());
        let create = Ask::new("POST", "/v1/distributions").json(&document);
        check(&fixture.ask_socket(&create), "which nobody may be served");
        let bucket = json!({"name": "videos", "folder": own});
        let create = Ask::new("POST", "/v1/buckets").json(&bucket);
        check(&fixture.ask_socket(&create), "which nobody may be served");
    }
    for file in [
        "privet.db",
        "privet.db-wal",
        "bucket/link.pem",
        "privet.toml",
    ] {
        for dry_run in ["", "?dry_run=1"] {
            let create = Ask::new("POST", &format!("/v1/keys{dry_run}"));
            let create = create.json(&json!({"id": "K2", "file": file}));
            check(&fixture.ask_socket(&create), "one of the edge's own");
        }
    }
}

#[test]
fn operators_of_the_network_name_what_is_listed() {
    let fixture = fixture();
    let admin = fixture.admin();
    let create = |folder: &str| {
        let document = with_folder("E2", folder);
        Ask::new("POST", "/v1/distributions?dry_run=1").json(&document)
    };
    for other in ["/", "/etc", "etc", "bucket/../../x", "/nowhere"] {
        let refused = fixture.ask(&create(other).bearer(&admin));
        check(&refused, "control.files");
        let here = fixture.ask_socket(&create(other));
        assert!(here.status == 200 || other == "/", "{here:?}");
    }
    for listed in ["bucket", "later"] {
        let tried = fixture.ask(&create(listed).bearer(&admin));
        assert_eq!(tried.status, 200, "{tried:?}");
    }
    let certificate = json!({"id": "C1", "chain": "/etc/passwd", "key": "/etc/shadow"});
    let create = Ask::new("POST", "/v1/certificates").json(&certificate);
    check(&fixture.ask(&create.bearer(&admin)), "control.files");
}

/// What people of the machine have named stays when somebody else changes the rest.
#[test]
fn what_is_named_already_stays() {
    let fixture = fixture();
    let admin = fixture.admin();
    let mut document = with_folder("E2", "/usr/share");
    let etag = fixture.put("/v1/distributions", &document);
    document["aliases"] = json!(["alias.example"]);
    let update = Ask::new("PUT", "/v1/distributions/E2").header("if-match", &etag);
    let changed = fixture.ask(&update.json(&document).bearer(&admin));
    assert_eq!(changed.status, 200, "{changed:?}");
}
