//! `cargo xtask mutants`: mutates the code that lets bytes out, one position at a time, and counts the mutants that the
//! tests of its crate catch (mutation testing, by cargo-mutants).
//!
//! It fails when fewer than [`CAUGHT_PERCENT_MIN`] are caught. The manual of cargo-mutants describes the mutations.

use crate::command::{self, Outcome, answers, cargo};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const CARGO_MUTANTS_VERSION: &str = "27.1.0";

/// Minimum percentage of caught mutants among those that compile.
const CAUGHT_PERCENT_MIN: usize = 97;

/// Time limit of a build, which none comes near. The limit of a test run is derived from that of the unchanged code.
const BUILD_SECONDS_MAX: &str = "600";

/// The modules of one crate that decide what a viewer may have, or what an origin receives.
struct Group {
    name: &'static str,
    package: &'static str,
    /// Names of modules: each is a file, and the folder of the same name if there is one.
    modules: &'static [&'static str],
}

const GROUPS: &[Group] = &[
    Group {
        name: "sign",
        package: "privet-sign",
        modules: &[
            "verifier",
            "object",
            "policy",
            "credentials",
            "resource",
            "ip",
            "path_token",
        ],
    },
    Group {
        name: "distribution",
        package: "privet-distribution",
        modules: &[
            "request/authorize",
            "request/viewer_request",
            "request/stricter",
            "request/route",
            "request/video",
            "request/stream",
            "request/canonical_path",
            "request/bucket_root",
            "config/behavior_table",
            "config/path_pattern",
            "config/pattern_automaton",
            "request/readings",
            "cookies",
            "header_names",
            "caching/cache_key",
            "request/origin_request",
        ],
    },
];

/// Runs the command for `group` or for all groups; only for `files` if any are given.
pub fn run(group: Option<&str>, files: &[PathBuf]) -> Outcome {
    let groups = chosen(group)?;
    let files = if files.is_empty() {
        groups_files(&groups)?
    } else {
        existing(files)?
    };
    install()?;
    let folder = command::target().join("mutants");
    fs::create_dir_all(&folder)
        .map_err(|error| format!("cannot make {}: {error}", folder.display()))?;
    test(&groups, &files, &folder)?;
    let outcomes = folder.join("mutants.out/outcomes.json");
    let text = fs::read_to_string(&outcomes)
        .map_err(|error| format!("cannot read {}: {error}", outcomes.display()))?;
    Report::parse(&text)?.judge()
}

fn chosen(group: Option<&str>) -> Outcome<Vec<&'static Group>> {
    let Some(name) = group else {
        return Ok(GROUPS.iter().collect());
    };
    let known: Vec<&str> = GROUPS.iter().map(|group| group.name).collect();
    let group = GROUPS.iter().find(|group| group.name == name);
    group.map(|group| vec![group]).ok_or_else(|| {
        format!(
            "no group of modules is named {name}; there are {}",
            known.join(", ")
        )
    })
}

/// Returns the files of the groups. A missing module is an error, because a renamed one must not drop out of the count.
fn groups_files(groups: &[&Group]) -> Outcome<Vec<String>> {
    let mut files = Vec::new();
    for group in groups {
        for module in group.modules {
            let place = format!("crates/{}/src/{module}", group.name);
            let file = format!("{place}.rs");
            if !command::root().join(&file).is_file() {
                return Err(format!(
                    "there is no {file}: bring the list in xtask/src/mutants.rs up to date"
                ));
            }
            files.push(file);
            files.push(format!("{place}/**/*.rs"));
        }
    }
    Ok(files)
}

fn existing(files: &[PathBuf]) -> Outcome<Vec<String>> {
    let is_there = |file: &&PathBuf| command::root().join(file).is_file();
    match files.iter().find(|file| !is_there(file)) {
        None => Ok(files
            .iter()
            .map(|file| file.display().to_string())
            .collect()),
        Some(file) => Err(format!(
            "there is no {}: give it from the repository's root",
            file.display()
        )),
    }
}

fn install() -> Outcome {
    if answers(cargo().args(["mutants", "--version"])) {
        return Ok(());
    }
    println!("xtask: building cargo-mutants {CARGO_MUTANTS_VERSION}, once");
    command::run(cargo().args([
        "install",
        "--locked",
        "--version",
        CARGO_MUTANTS_VERSION,
        "cargo-mutants",
    ]))
}

/// Mutates a copy of the tree. Its dependencies are built once in a separate folder, so that no mutated library ends up
/// in the developers' target folder.
fn test(groups: &[&Group], files: &[String], folder: &Path) -> Outcome {
    let mut mutants = cargo();
    mutants
        // A million spellings of paths per mutant would take days. So few find the mutants too, or a test of a rule
        // does.
        .env("PRIVET_SPELLINGS", "400")
        .env("PROPTEST_CASES", "32")
        .args([
            "mutants",
            "--jobs=1",
            "--profile=mutants",
            "--test-tool=cargo",
        ])
        .args([
            "--timeout-multiplier=10",
            "--minimum-test-timeout=30",
            "--build-timeout",
            BUILD_SECONDS_MAX,
        ])
        .arg("--output")
        .arg(folder)
        .env("CARGO_TARGET_DIR", folder.join("build"));
    for group in groups {
        mutants.args(["--package", group.package]);
    }
    for file in files {
        mutants.args(["--file", file]);
    }
    // Examples and documentation tests take long and decide nothing that the others do not. Log redaction grants no
    // access.
    mutants.args(["--cargo-arg=--tests", "--", "--", "--skip=redact"]);
    match ended(&mut mutants)? {
        // All were caught, some were missed, or some timed out: the report says which.
        Some(0 | 2 | 3) => Ok(()),
        Some(4) => Err("the tests fail before anything is changed".to_owned()),
        Some(_) | None => Err("cargo mutants did not come to an end".to_owned()),
    }
}

/// Returns the exit code; `None` when a signal ended the process.
fn ended(command: &mut Command) -> Outcome<Option<i32>> {
    let status = command.stdin(Stdio::null()).status();
    status
        .map(|status| status.code())
        .map_err(|error| format!("cannot run cargo mutants: {error}"))
}

/// Result for the mutants of one file.
#[derive(Default)]
struct Count {
    caught: usize,
    missed: usize,
}

impl Count {
    fn viable(&self) -> usize {
        self.caught + self.missed
    }

    fn row(&self, name: &str) -> String {
        let percent = (self.caught * 1000)
            .checked_div(self.viable())
            .unwrap_or(1000);
        format!(
            "| {name} | {} | {} | {} | {}.{} % |",
            self.viable(),
            self.caught,
            self.missed,
            percent / 10,
            percent % 10
        )
    }

    fn is_enough(&self) -> bool {
        self.caught * 100 >= self.viable() * CAUGHT_PERCENT_MIN
    }
}

struct Report {
    files: BTreeMap<String, Count>,
    missed: Vec<String>,
}

impl Report {
    fn parse(text: &str) -> Outcome<Self> {
        let outcomes: Value = serde_json::from_str(text)
            .map_err(|error| format!("cannot read what cargo mutants wrote: {error}"))?;
        let mut report = Report {
            files: BTreeMap::new(),
            missed: Vec::new(),
        };
        for outcome in outcomes["outcomes"].as_array().into_iter().flatten() {
            report.add(outcome)?;
        }
        Ok(report)
    }

    /// Counts one outcome. The baseline is not a mutant, and mutants that do not compile do not count.
    fn add(&mut self, outcome: &Value) -> Outcome {
        let mutant = &outcome["scenario"]["Mutant"];
        let (Some(file), Some(name)) = (mutant["file"].as_str(), mutant["name"].as_str()) else {
            return Ok(());
        };
        let count = self.files.entry(file.to_owned()).or_default();
        match outcome["summary"].as_str() {
            // A test that never ends counts as one that fails.
            Some("CaughtMutant" | "Timeout") => count.caught += 1,
            Some("MissedMutant") => {
                count.missed += 1;
                self.missed.push(name.to_owned());
            }
            Some("Unviable") => {}
            other => {
                return Err(format!(
                    "cargo mutants said {} of {name}",
                    other.unwrap_or("nothing")
                ));
            }
        }
        Ok(())
    }

    fn judge(&self) -> Outcome {
        println!("\n| File | Viable | Caught | Missed | Ratio |\n|---|---|---|---|---|");
        let mut sum = Count::default();
        for (file, count) in &self.files {
            println!("{}", count.row(&format!("`{file}`")));
            sum.caught += count.caught;
            sum.missed += count.missed;
        }
        println!("{}\n", sum.row("all"));
        for name in &self.missed {
            println!("missed: {name}");
        }
        if sum.viable() == 0 {
            return Err("no mutant compiled, so nothing was tested".to_owned());
        }
        if sum.is_enough() {
            return Ok(());
        }
        Err(format!(
            "fewer than {CAUGHT_PERCENT_MIN} % of the mutants are caught: write tests for the rules behind the missed ones"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(summaries: &[(&str, usize)]) -> Outcome<Report> {
        let mutant = |summary: &str| {
            let mutant = serde_json::json!({ "file": "a.rs", "name": "a.rs:1:1: replace" });
            serde_json::json!({ "scenario": { "Mutant": mutant }, "summary": summary })
        };
        let mut outcomes =
            vec![serde_json::json!({ "scenario": "Baseline", "summary": "Success" })];
        for (summary, count) in summaries {
            outcomes.extend((0..*count).map(|_| mutant(summary)));
        }
        Report::parse(&serde_json::json!({ "outcomes": outcomes }).to_string())
    }

    #[test]
    fn what_does_not_compile_counts_for_nobody() {
        let judge = |summaries| report(summaries).and_then(|report| report.judge());
        assert!(judge(&[("Unviable", 1)]).is_err());
        assert_eq!(
            judge(&[("Unviable", 50), ("CaughtMutant", 96), ("Timeout", 1)]),
            Ok(())
        );
    }

    #[test]
    fn one_too_few_is_too_few() {
        let judge = |caught, missed| {
            let report = report(&[("CaughtMutant", caught), ("MissedMutant", missed)]);
            report.and_then(|report| report.judge())
        };
        assert!(judge(969, 31).is_err());
        assert_eq!(judge(970, 30), Ok(()));
        assert!(report(&[("Failure", 1)]).is_err());
    }
}
