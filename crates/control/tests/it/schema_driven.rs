//! Requests that schemathesis makes of the description of the interface: valid ones and broken ones, each of which has
//! to get an answer that the description allows.
//!
//! Runs where `cargo xtask tools` has installed it.

use crate::support::*;
use std::path::PathBuf;
use std::process::Command;

/// Returns the program, if it is installed.
fn schemathesis() -> Option<PathBuf> {
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let program = workspace.join("target/test-tools/python/bin/schemathesis");
    let named = std::env::var_os("PRIVET_SCHEMATHESIS").map(PathBuf::from);
    named.or(Some(program)).filter(|program| program.exists())
}

#[test]
fn generated_requests_get_documented_answers() {
    let Some(program) = schemathesis() else {
        eprintln!("schemathesis is not installed: run cargo xtask tools");
        return;
    };
    let fixture = Fixture::new();
    fixture.furnish();
    let key = fixture.admin();
    let description = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
    let ran = Command::new(program)
        .args(["run", description, "--url"])
        .arg(format!("http://{}", fixture.address()))
        .arg("--header")
        .arg(format!("Authorization: Bearer {}.{}", key.id, key.secret))
        .args([
            "--seed",
            "1",
            "--phases",
            "examples,coverage,fuzzing",
            "--max-examples",
            "5",
        ])
        // The last admin may delete and disable itself only where another is left; its own key it may delete.
        .args(["--exclude-operation-id", "access_keys.delete"])
        .args(["--exclude-operation-id", "access_keys.update"])
        .args([
            "--checks",
            "not_a_server_error,status_code_conformance,content_type_conformance,\
             response_headers_conformance,response_schema_conformance",
        ])
        .current_dir(fixture.folder.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&ran.stdout);
    let last: Vec<&str> = text.lines().rev().take(120).collect();
    let last: Vec<&str> = last.into_iter().rev().collect();
    assert!(ran.status.success(), "{}", last.join("\n"));
    assert_eq!(fixture.ask(&Ask::get("/v1/keys").bearer(&key)).status, 200);
}
