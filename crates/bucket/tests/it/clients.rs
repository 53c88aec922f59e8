//! boto3, the AWS CLI, s3cmd, rclone, Terraform and the AWS SDK for JavaScript, each with a story of its own; and what Ceph's
//! public suite asks, of the endpoint and of Ceph's gateway.

use crate::server::{ADMIN, READER, endpoint, serve};
use privet_bucket::Settings;
use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where providers of Terraform are, as `terraform providers mirror` writes them.
const PROVIDERS: &str = "/opt/tf-plugins";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn python() -> PathBuf {
    let installed = || root().join("target/test-tools/python/bin/python3");
    env::var_os("PRIVET_TEST_PYTHON").map_or_else(installed, PathBuf::from)
}

fn node_modules() -> PathBuf {
    let installed = || root().join("target/test-tools/node/node_modules");
    env::var_os("PRIVET_TEST_NODE_MODULES").map_or_else(installed, PathBuf::from)
}

/// Runs a client against a server of its own; returns the folder that its buckets are in.
#[track_caller]
fn story(client: Command) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let endpoint = endpoint(folder.path(), Settings::default(), false);
    let address = runtime.block_on(serve(endpoint, "127.0.0.1:0"));
    let given = serde_json::json!({
        "endpoint": format!("http://{address}"),
        "access_key_id": ADMIN.0, "secret_access_key": ADMIN.1,
        "reader_id": READER.0, "reader_secret": READER.1,
    });
    run(client, &given);
    folder
}

/// Runs a client with its settings, to its line `end`.
#[track_caller]
fn run(mut client: Command, given: &serde_json::Value) {
    let piped = client
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut running = piped.spawn().unwrap();
    running
        .stdin
        .take()
        .unwrap()
        .write_all(given.to_string().as_bytes())
        .unwrap();
    let output = running.wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && text.ends_with("end\n"),
        "{text}{errors}"
    );
}

fn script(name: &str, arguments: &[&Path]) -> Command {
    let mut command = Command::new(python());
    command
        .arg(root().join("tests-peers/s3").join(name))
        .args(arguments);
    command
}

/// Returns false, and says so, if something is not installed that `cargo xtask tools` cannot install everywhere.
fn has(path: &Path) -> bool {
    let has = path.exists();
    if !has {
        eprintln!("skipped: there is no {}", path.display());
    }
    has
}

#[test]
fn boto3_uses_every_operation() {
    let folder = story(script("story_boto3.py", &[]));
    // Nothing is left of buckets that are gone.
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
}

#[test]
fn the_aws_cli_copies_and_synchronizes() {
    story(script(
        "story_awscli.py",
        &[&python().with_file_name("aws")],
    ));
}

#[test]
fn s3cmd_and_rclone_find_what_they_put() {
    let [s3cmd, rclone] = ["/usr/bin/s3cmd", "/usr/bin/rclone"].map(Path::new);
    if has(s3cmd) && has(rclone) {
        story(script("story_tools.py", &[s3cmd, rclone]));
    }
}

#[test]
fn terraform_plans_nothing_after_an_apply() {
    let program = Path::new("/usr/local/bin/terraform");
    if has(program) && has(Path::new(PROVIDERS)) {
        story(script(
            "story_terraform.py",
            &[program, Path::new(PROVIDERS)],
        ));
    }
}

#[test]
fn the_sdk_for_javascript_puts_and_signs() {
    let modules = node_modules();
    if has(&modules.join("@aws-sdk/client-s3")) {
        // Modules are looked for beside a script.
        let script = modules.parent().unwrap().join("story_javascript.mjs");
        std::fs::copy(root().join("tests-peers/s3/story_javascript.mjs"), &script).unwrap();
        let mut command = Command::new("node");
        command.arg(script);
        story(command);
    }
}

#[test]
fn the_endpoint_answers_what_cephs_suite_asks() {
    story(script("compat.py", &[Path::new("privet")]));
}

/// What the suite expects is what Ceph does, except where differences are named.
#[test]
fn the_gateway_of_ceph_answers_the_same() {
    let Ok(endpoint) = env::var("PRIVET_RGW") else {
        eprintln!("SKIPPED: no S3 gateway; `cargo xtask test` starts one and sets PRIVET_RGW");
        return;
    };
    let given = serde_json::json!({
        "endpoint": endpoint, "access_key_id": "AKRGW", "secret_access_key": "SKRGW",
    });
    run(script("compat.py", &[Path::new("ceph")]), &given);
}
