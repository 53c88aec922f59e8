//! The table of the API, beside botocore's service models.
//!
//! Runs where `cargo xtask tools` has installed them.

use std::path::PathBuf;
use std::process::Command;

#[test]
fn the_table_is_that_of_botocore() {
    let workspace = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let named = std::env::var_os("PRIVET_TEST_PYTHON").map(PathBuf::from);
    let python = named.unwrap_or_else(|| workspace.join("target/test-tools/python/bin/python3"));
    if !python.exists() {
        eprintln!("Python with botocore is not installed: run cargo xtask tools");
        return;
    }
    let checked = Command::new(python)
        .arg(workspace.join("tests-peers/cloudfront_model.py"))
        .arg("--check")
        .arg(workspace.join("crates/control/src/cloudfront/model/table.txt"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(
        checked.status.success(),
        "{said} {}",
        String::from_utf8_lossy(&checked.stderr)
    );
}
