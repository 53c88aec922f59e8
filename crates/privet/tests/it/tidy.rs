//! Invariants of the code base that no compiler checks: dependencies between crates, purity, sizes, words.
//!
//! Each rule is stated in CONTRIBUTING.md or ARCHITECTURE.md; the assertion names the file that breaks it.

use std::fs;
use std::path::{Path, PathBuf};

/// Limit for lines of code without tests. At 400 a reviewer becomes alert; this is the hard limit.
const FILE_LINES_MAX: usize = 600;

/// Columns of a line that is a comment.
const COMMENT_COLUMNS_MAX: usize = 120;

/// The siblings that each crate may name in its `[dependencies]`.
const ARROWS: &[(&str, &[&str])] = &[
    ("sign", &[]),
    ("distribution", &["privet-sign"]),
    ("cache", &[]),
    ("media", &[]),
    ("store", &[]),
    ("objects", &[]),
    ("bucket", &["privet-objects"]),
    (
        "edge",
        &[
            "privet-cache",
            "privet-distribution",
            "privet-media",
            "privet-objects",
            "privet-sign",
        ],
    ),
    (
        "control",
        &[
            "privet-distribution",
            "privet-edge",
            "privet-objects",
            "privet-sign",
            "privet-store",
        ],
    ),
    (
        "privet",
        &[
            "privet-bucket",
            "privet-control",
            "privet-distribution",
            "privet-edge",
            "privet-media",
            "privet-objects",
            "privet-sign",
            "privet-store",
        ],
    ),
];

/// Names that a pure crate never uses: no IO, no clock, no async, no environment, no randomness.
const IMPURE: &[&str] = &[
    "tokio",
    "hyper",
    "async fn",
    ".await",
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
    "TcpStream",
    "TcpListener",
    "UdpSocket",
    "SystemTime",
    "Instant",
    "SystemRandom",
];
const PURE_CRATES: &[&str] = &["sign", "distribution", "media"];

#[test]
fn crates_point_one_way() {
    for (name, allowed) in ARROWS {
        let manifest = read(&root().join("crates").join(name).join("Cargo.toml"));
        let dependencies = section(&manifest, "[dependencies]");
        for line in dependencies
            .lines()
            .filter(|line| line.starts_with("privet"))
        {
            let sibling = line.split([' ', '.', '=']).next().unwrap_or(line);
            assert!(
                allowed.contains(&sibling),
                "crates/{name} must not depend on {sibling}"
            );
        }
    }
}

#[test]
fn every_crate_has_its_arrows_written_down() {
    for entry in fs::read_dir(root().join("crates")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            ARROWS.iter().any(|(known, _)| *known == name),
            "add crates/{name} to ARROWS"
        );
    }
}

#[test]
fn pure_crates_touch_nothing() {
    for name in PURE_CRATES {
        let manifest = read(&root().join("crates").join(name).join("Cargo.toml"));
        let dependencies = section(&manifest, "[dependencies]");
        for runtime in ["tokio", "hyper", "rustix", "socket2", "jiff"] {
            let named = dependencies.lines().any(|line| line.starts_with(runtime));
            assert!(
                !named,
                "crates/{name} is pure and must not depend on {runtime}"
            );
        }
        let files = rust_files(&root().join("crates").join(name).join("src"));
        for file in files.into_iter().filter(|file| !is_test_file(file)) {
            for (number, line) in code_lines(&read(&file)) {
                let word = IMPURE.iter().find(|word| line.contains(*word));
                assert!(
                    word.is_none(),
                    "{}:{number}: {word:?} in a pure crate",
                    shown(&file)
                );
            }
        }
    }
}

#[test]
fn the_edge_does_not_know_the_program() {
    for file in rust_files(&root().join("crates/edge/src")) {
        for (number, line) in code_lines(&read(&file)) {
            assert!(
                !line.contains("privet::"),
                "{}:{number} names the program",
                shown(&file)
            );
        }
    }
}

#[test]
fn files_are_short() {
    for file in all_rust_files()
        .into_iter()
        .filter(|file| !is_test_file(file))
    {
        let lines = code_before_tests(&read(&file)).lines().count();
        let place = shown(&file);
        assert!(
            lines <= FILE_LINES_MAX,
            "{place} has {lines} lines; {FILE_LINES_MAX} is the limit"
        );
    }
}

#[test]
fn files_say_what_they_decide() {
    for file in all_rust_files()
        .into_iter()
        .filter(|file| !file.ends_with("tests.rs"))
    {
        assert!(
            read(&file).starts_with("//! "),
            "{} does not open with `//!`",
            shown(&file)
        );
    }
}

#[test]
fn modules_are_named_after_themselves() {
    for file in all_rust_files() {
        assert!(
            !file.ends_with("mod.rs"),
            "{}: write foo.rs beside foo/",
            shown(&file)
        );
    }
}

#[test]
fn one_file_has_unsafe_code() {
    let word = concat!("un", "safe ");
    let has_unsafe = |file: &PathBuf| {
        code_lines(&read(file)).any(|(_, line)| {
            ["{", "fn", "impl", "extern"]
                .iter()
                .any(|next| line.contains(&format!("{word}{next}")))
        })
    };
    let files: Vec<PathBuf> = all_rust_files().into_iter().filter(has_unsafe).collect();
    let places: Vec<String> = files.iter().map(|file| shown(file)).collect();
    assert!(
        files.len() <= 1,
        "only one file may have {word}code: {places:?}"
    );
    assert!(
        places
            .iter()
            .all(|place| place.starts_with("crates/sign/src/")),
        "{places:?}"
    );
}

/// "Cannot" is one word, in prose as in messages (CONTRIBUTING.md, 32), and is also checked across line breaks.
#[test]
fn cannot_is_one_word() {
    let is_ours = |file: &PathBuf| {
        let kinds = ["rs", "md", "toml", "py", "sh", "mjs", "js", "html", "css"];
        let kind = file.extension().and_then(|extension| extension.to_str());
        kind.is_some_and(|kind| kinds.contains(&kind))
    };
    for file in all_files().into_iter().filter(is_ours) {
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        let numbered = text.lines().enumerate();
        let words = numbered
            .flat_map(|(index, line)| line.split_whitespace().map(move |word| (index + 1, word)));
        let is_prose = |(_, word): &(usize, &str)| !["//", "///", "//!", "#"].contains(word);
        let words: Vec<(usize, String)> = words
            .filter(is_prose)
            .map(|(line, word)| {
                let letters = word.trim_start_matches(|char: char| !char.is_alphanumeric());
                (line, letters.to_lowercase())
            })
            .collect();
        for pair in words.windows(2) {
            let [(line, first), (_, second)] = pair else {
                continue;
            };
            let second = second.trim_end_matches(|char: char| !char.is_alphanumeric());
            let is_two = first == "can" && second == "not";
            assert!(!is_two, "{}:{line}: write cannot", shown(&file));
        }
    }
}

/// `error:`, `warning:`, `hint:` and `note:` are written in two places, which keep control characters from the
/// terminal.
#[test]
fn standard_error_has_one_scheme() {
    let crates = root().join("crates");
    let files = ARROWS
        .iter()
        .map(|(name, _)| rust_files(&crates.join(name).join("src")));
    for file in files.flatten().filter(|file| !is_test_file(file)) {
        for (number, line) in code_lines(&read(&file)) {
            let place = format!("{}:{number}", shown(&file));
            assert!(
                !line.contains("eprint"),
                "{place} goes around standard_error or terminal"
            );
            assert!(
                !line.contains("\"privet: "),
                "{place} has a prefix of its own"
            );
        }
    }
}

#[test]
fn no_forbidden_words() {
    let paths = [
        concat!("/wo", "rk/"),
        concat!("/tmp", "/wt"),
        concat!("/ro", "ot/"),
    ];
    let promises = [concat!("TO", "DO"), concat!("FIX", "ME")];
    for file in all_files() {
        let Ok(text) = fs::read_to_string(&file) else {
            continue;
        };
        // Documents may mention the words that code may not use.
        let is_paper = file.extension().is_some_and(|extension| extension == "md");
        for (index, line) in text.lines().enumerate() {
            let place = format!("{}:{}", shown(&file), index + 1);
            let path = paths.iter().find(|path| line.contains(*path));
            assert!(path.is_none(), "{place}: {path:?} is a path of one machine");
            let promise = promises
                .iter()
                .find(|word| !is_paper && line.contains(*word));
            assert!(
                promise.is_none(),
                "{place}: {promise:?}: do it, or open an issue"
            );
        }
    }
}

#[test]
fn every_crate_inherits_the_lints() {
    let crates = fs::read_dir(root().join("crates"))
        .unwrap()
        .map(|entry| entry.unwrap().path());
    for folder in crates.chain(["bench", "simulation", "xtask"].map(|name| root().join(name))) {
        let lints = section(&read(&folder.join("Cargo.toml")), "[lints]");
        assert!(
            lints.contains("workspace = true"),
            "{} sets its own lints",
            shown(&folder)
        );
    }
}

/// An `expect` says why, and tells of itself when there is nothing left to silence. `allow` does neither.
#[test]
fn lints_are_not_silenced_for_good() {
    for folder in ["bench", "crates", "simulation", "xtask"] {
        for file in rust_files(&root().join(folder)) {
            let text = read(&file);
            let is_allowed = |line: &str| {
                let line = line.trim_start();
                line.starts_with("#[allow(") || line.starts_with("#![allow(")
            };
            let line = text.lines().position(is_allowed);
            assert!(
                line.is_none(),
                "{}:{}: write expect, with a reason",
                shown(&file),
                line.unwrap_or_default() + 1
            );
        }
    }
}

/// rustfmt wraps code, and leaves comments as they are. Tables and blocks of code have no place to be wrapped at.
#[test]
fn comments_are_not_too_wide() {
    for file in all_rust_files() {
        let mut is_block = false;
        for (index, line) in read(&file).lines().enumerate() {
            let comment = line.trim_start();
            let Some(text) = comment.strip_prefix("//") else {
                is_block = false;
                continue;
            };
            let text = text.trim_start_matches(['/', '!']).trim_start();
            if text.starts_with("```") {
                is_block = !is_block;
            }
            let is_wrapped = !is_block && !text.starts_with('|');
            let columns = line.chars().count();
            assert!(
                !is_wrapped || columns <= COMMENT_COLUMNS_MAX,
                "{}:{} has {columns} columns; wrap it at {COMMENT_COLUMNS_MAX}",
                shown(&file),
                index + 1
            );
        }
    }
}

#[test]
fn links_in_papers_resolve() {
    for file in all_files()
        .into_iter()
        .filter(|file| file.extension().is_some_and(|e| e == "md"))
    {
        for target in links(&read(&file)) {
            let path = target.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") {
                continue;
            }
            let place = file.parent().unwrap_or(&file).join(path);
            assert!(
                place.exists(),
                "{} links to {target}, which is not there",
                shown(&file)
            );
        }
    }
}

#[test]
fn cited_fidelity_notes_exist() {
    let notes = read(&root().join("docs/fidelity.md"));
    for file in all_rust_files() {
        let text = read(&file);
        for cited in text.split("fidelity note F").skip(1) {
            let number: String = cited.chars().take_while(char::is_ascii_digit).collect();
            if number.is_empty() {
                continue;
            }
            let heading = format!("### F{number} ");
            assert!(
                notes.contains(&heading),
                "{} cites F{number}, which is not there",
                shown(&file)
            );
        }
    }
}

/// A promise that names a missing test is no promise.
#[test]
fn promises_name_tests_that_exist() {
    let paper = read(&root().join("SECURITY.md"));
    let promises = paper.lines().skip_while(|line| *line != "|---|---|---|");
    let promises: Vec<&str> = promises
        .take_while(|line| line.starts_with('|'))
        .skip(1)
        .collect();
    assert!(promises.len() > 10, "the table of promises is there");
    let sources: Vec<String> = all_rust_files().iter().map(|file| read(file)).collect();
    for promise in promises {
        let held_by = promise.trim_end_matches(" |").rsplit(" | ").next().unwrap();
        let names: Vec<&str> = held_by.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "{promise}");
        for name in names {
            let wanted = match name.strip_suffix('*') {
                Some(beginning) => format!("fn {beginning}"),
                None => format!("fn {name}("),
            };
            let is_there = sources.iter().any(|source| source.contains(&wanted));
            assert!(is_there, "{name} is no test");
        }
    }
}

/// A reader who finds a token in the log finds its meaning in the table.
#[test]
fn m3_every_refusal_of_a_video_stands_in_the_docs() {
    let crates = root().join("crates");
    let mut files = rust_files(&crates.join("edge/src/video"));
    files.extend(rust_files(&crates.join("edge/src/rtmp")));
    files.extend(rust_files(&crates.join("media/src")));
    files.push(crates.join("distribution/src/request/denial.rs"));
    files.push(crates.join("sign/src/refusal.rs"));
    let mut tokens: Vec<String> = files.iter().flat_map(|file| video_tokens(file)).collect();
    tokens.sort();
    tokens.dedup();
    assert!(tokens.len() > 10, "the search finds nothing: {tokens:?}");
    let paper = read(&root().join("docs/videos.md"));
    let rows: String = paper
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    for token in tokens {
        let is_there = rows.contains(&format!("`{token}`"));
        assert!(is_there, "add a row for {token} to docs/videos.md");
    }
}

/// Returns texts such as `video-corrupt` in the code of a file.
fn video_tokens(file: &Path) -> Vec<String> {
    let text = read(file);
    let code = code_before_tests(&text);
    let literals = code.split('"');
    let is_token = |text: &&str| {
        let is_word = text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'-');
        let is_named = ["video-", "path-token-", "object-un"]
            .iter()
            .any(|beginning| text.starts_with(beginning));
        is_word && (is_named || ["not-a-video", "foreign-member"].contains(text))
    };
    literals.filter(is_token).map(str::to_owned).collect()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the repository is there")
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

fn shown(file: &Path) -> String {
    file.strip_prefix(root())
        .unwrap_or(file)
        .display()
        .to_string()
}

/// Returns a manifest's section from its heading to the next one.
fn section(manifest: &str, heading: &str) -> String {
    let rest = manifest
        .split_once(&format!("{heading}\n"))
        .map_or("", |(_, rest)| rest);
    rest.split("\n[").next().unwrap_or_default().to_owned()
}

fn all_rust_files() -> Vec<PathBuf> {
    ["bench", "crates", "simulation", "xtask", "fuzz"]
        .iter()
        .flat_map(|folder| rust_files(&root().join(folder)))
        .collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(folder, &mut files);
    files.retain(|file| file.extension().is_some_and(|extension| extension == "rs"));
    files
}

fn all_files() -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(&root(), &mut files);
    files
}

/// Collects all files except what builds and tools leave behind, and inputs that are malformed on purpose.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let left_out = [
        "target",
        ".git",
        "node_modules",
        "corpus",
        "artifacts",
        "privet-data",
        "__pycache__",
        ".venv",
    ];
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if left_out.contains(&name) || path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

fn is_test_file(file: &Path) -> bool {
    let is_in_tests = file.components().any(|part| part.as_os_str() == "tests");
    is_in_tests || file.file_name().is_some_and(|name| name == "tests.rs")
}

fn code_before_tests(text: &str) -> &str {
    text.split_once("\n#[cfg(test)]\nmod tests {")
        .map_or(text, |(code, _)| code)
}

/// Returns the numbered lines of code, without comments and unit tests.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = code_before_tests(text).lines().enumerate();
    let code = lines.map(|(index, line)| (index + 1, line.split("//").next().unwrap_or(line)));
    code.filter(|(_, line)| !line.trim().is_empty())
}

/// Returns the targets of `[text](target)` outside code blocks.
fn links(paper: &str) -> Vec<String> {
    let prose = paper.split("```").step_by(2);
    let targets = prose.flat_map(|part| part.split("](").skip(1));
    targets
        .filter_map(|rest| Some(rest.split_once(')')?.0.to_owned()))
        .collect()
}
