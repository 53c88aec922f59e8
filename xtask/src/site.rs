//! `cargo xtask site`: fetches the player of the demo page from npm and stores it, compressed, among the program's
//! assets.
//!
//! The result is committed, so that a build needs neither npm nor a network.

use crate::command::{self, Outcome, root, run};
use std::fs;
use std::path::Path;
use std::process::Command;

/// Files of the package that the page needs, and their names among the assets.
const FILES: [(&str, &str); 2] = [
    ("dist/video.min.js", "video.js.gz"),
    ("dist/video-js.min.css", "video-js.css.gz"),
];

/// Installs what `crates/privet/site/package-lock.json` pins, and writes `crates/privet/assets/site`.
pub fn bundle() -> Outcome {
    let source = root().join("crates/privet/site");
    let assets = root().join("crates/privet/assets/site");
    let place = command::target().join("site");
    fs::create_dir_all(&place).map_err(|error| format!("{}: {error}", place.display()))?;
    for name in ["package.json", "package-lock.json"] {
        copy(&source.join(name), &place.join(name))?;
    }
    let mut install = Command::new("npm");
    install
        .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(&place);
    run(&mut install)?;
    let package = place.join("node_modules/video.js");
    for (name, packed) in FILES {
        let gzip = Command::new("gzip")
            .args(["-9", "-n", "-c"])
            .arg(package.join(name))
            .output()
            .map_err(|error| format!("cannot run gzip: {error}"))?;
        if !gzip.status.success() {
            return Err(format!("gzip of {name} ended with {}", gzip.status));
        }
        let place = assets.join(packed);
        fs::write(&place, gzip.stdout).map_err(|error| format!("{}: {error}", place.display()))?;
    }
    copy(&package.join("LICENSE"), &assets.join("LICENSE-video.js"))
}

fn copy(from: &Path, to: &Path) -> Outcome {
    fs::copy(from, to)
        .map(|_| ())
        .map_err(|error| format!("{}: {error}", from.display()))
}
