//! How many files know the kinds of origin: whatever differs between them is asked of an origin, so that a new kind is
//! written in a few places, and not looked for in many.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Where kinds may be named, each with its reason.
const KNOWING: [(&str, &str); 5] = [
    (
        "crates/distribution/src/config/origin/source.rs",
        "answers for them",
    ),
    (
        "crates/distribution/src/config/document/origin.rs",
        "has them as written",
    ),
    (
        "crates/distribution/src/config/toml_reader/origins.rs",
        "reads them",
    ),
    (
        "crates/distribution/src/config/snapshot/build/origins.rs",
        "builds them",
    ),
    (
        "crates/edge/src/origin_client/prepare.rs",
        "asks each in its own way",
    ),
];
/// A new kind touches no more files than this.
const FILES_MAX: usize = 6;

const KINDS: [&str; 2] = ["OriginSource", "OriginSourceDocument"];

#[test]
fn a_new_kind_of_origin_touches_few_files() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = root.canonicalize().unwrap();
    let mut files = Vec::new();
    for folder in ["crates", "bench", "xtask", "fuzz"] {
        collect(&root.join(folder), &mut files);
    }
    let names = |file: &&PathBuf| names_a_kind(&fs::read_to_string(file).unwrap());
    let shown = |file: &PathBuf| {
        let file = file.strip_prefix(&root).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let found: BTreeSet<String> = files.iter().filter(names).map(shown).collect();
    let known = KNOWING.iter().map(|(file, _)| (*file).to_owned());
    assert_eq!(
        found,
        known.collect::<BTreeSet<String>>(),
        "ask the origin instead, or give the file its reason"
    );
    assert!(found.len() <= FILES_MAX, "{found:?}");
}

/// Whether code beside unit tests names a kind, or gives the type another name, under which nobody would see it.
fn names_a_kind(text: &str) -> bool {
    let code = text
        .split_once("\n#[cfg(test)]\nmod tests {")
        .map_or(text, |(code, _)| code);
    let lines = code
        .lines()
        .map(|line| line.split("//").next().unwrap_or(line));
    let code = lines.collect::<Vec<_>>().join(" ");
    let words = code.split_whitespace().collect::<Vec<_>>().join(" ");
    KINDS.iter().any(|kind| {
        words.split(kind).skip(1).any(|rest| {
            let rest = rest.trim_start();
            let kind = rest.strip_prefix("::").map(str::trim_start);
            let is_kind =
                |name: &str| name.starts_with(|c: char| c.is_uppercase() || "{*".contains(c));
            kind.is_some_and(is_kind) || rest.starts_with("as ") || rest.starts_with("= ")
        })
    })
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() && !["tests", "target"].contains(&name) {
            collect(&path, files);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            files.push(path);
        }
    }
}

/// The test above sees what it is to see.
#[test]
fn kinds_are_seen_however_they_are_named() {
    let check = |text: &str, expected: bool| assert_eq!(names_a_kind(text), expected, "{text}");
    check("matches!(source, OriginSource::S3(_))", true);
    check(
        "let OriginSourceDocument::Http(server) = source else {",
        true,
    );
    check("use crate::config::OriginSource::{Folder, S3};", true);
    check("use crate::config::OriginSource::*;", true);
    check("use crate::config::OriginSource as Kind;", true);
    check("use crate::config::OriginSource\n    as Kind;", true);
    check("OriginSource::from(server)", false);
    check("pub source: OriginSource,", false);
    check("// OriginSource::S3", false);
    check(
        "f();\n#[cfg(test)]\nmod tests {\n    OriginSource::S3(a)",
        false,
    );
}
