//! Names the commit that the program is built from, where it can be known: in a clone, or in a package made of one.

use std::path::Path;
use std::process::Command;

/// As many digits as tell commits apart.
const COMMIT_DIGITS: usize = 12;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=PRIVET_COMMIT");
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let commit = stated().or_else(of_package).or_else(of_clone);
    let version = match commit {
        Some(commit) => format!("{version} ({commit})"),
        // A tarball, or no git.
        None => version,
    };
    println!("cargo::rustc-env=PRIVET_VERSION={version}");
}

/// For whoever builds from a tarball and knows.
fn stated() -> Option<String> {
    commit(&std::env::var("PRIVET_COMMIT").ok()?)
}

/// `cargo package` writes it down.
fn of_package() -> Option<String> {
    let text = std::fs::read_to_string(".cargo_vcs_info.json").ok()?;
    let (_, rest) = text.split_once("\"sha1\"")?;
    commit(rest.trim_start_matches([':', ' ', '"']))
}

fn of_clone() -> Option<String> {
    // An unpacked tarball may lie in somebody else's repository.
    if git(&["rev-parse", "--show-prefix"])? != "crates/privet/" {
        return None;
    }
    for file in ["HEAD", "logs/HEAD"] {
        let path = git(&["rev-parse", "--git-path", file])?;
        // One that is not there would make every build start again.
        if Path::new(&path).exists() {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    commit(&git(&["rev-parse", "HEAD"])?)
}

fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// The beginning of a text, if that is a commit.
fn commit(text: &str) -> Option<String> {
    let digits = text.get(..COMMIT_DIGITS)?;
    let is_commit = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_commit.then(|| digits.to_owned())
}
