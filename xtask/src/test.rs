//! `cargo xtask test`: every check in order, each timed, and one line at the end.
//!
//! A failed check does not hide the next one.

use crate::command::{self, Outcome, cargo};
use crate::progress::{self, Times};
use crate::s3_gateway::S3Gateway;
use crate::tools;
use crate::videos;
use std::env;
use std::ffi::OsStr;
use std::io::{self, IsTerminal};
use std::process::Command;
use std::time::Instant;

/// Number of steps in `run`.
const STEPS: usize = 7;

/// Name of all steps together, under which their time is stored.
const ALL: &str = "test";

/// Variable that tells nextest how to show its progress.
const NEXTEST_PROGRESS: &str = "NEXTEST_SHOW_PROGRESS";

/// A failed step, with advice on how to fix it.
struct Failure {
    step: &'static str,
    message: String,
    advice: &'static str,
}

/// The steps run so far.
struct Steps {
    started: Instant,
    passed: usize,
    failures: Vec<Failure>,
}

/// Runs everything. The error names what failed.
pub fn run(no_install: bool) -> Outcome {
    let mut steps = Steps::begin();
    if no_install {
        steps.step("tools", "run `cargo xtask tools`", report_missing);
    } else {
        steps.step(
            "tools",
            "install what is named above and run again",
            tools::install_for_tests,
        );
    }
    // The gateway takes some seconds to start, during which the first steps run.
    let mut gateway = tools::has_s3_gateway().then(S3Gateway::begin);
    steps.step("format", "run `cargo fmt --all`", || {
        command::run(cargo().args(["fmt", "--all", "--check"]))
    });
    steps.step(
        "clippy",
        "run `cargo clippy --workspace --all-targets`",
        clippy,
    );
    steps.step(
        "documentation tests",
        "run `cargo test --workspace --doc`",
        doctests,
    );
    steps.step("clips", "see what ffmpeg said above", videos::make_clips);
    // Runs last of those that count tests, so that the final count in the output is the big one.
    steps.step(
        "tests",
        "run `cargo nextest run NAME` for the tests named above",
        || tests(&mut gateway),
    );
    steps.step(
        "spelling",
        "mend it, or teach typos.toml a word that is right",
        spelling,
    );
    steps.finish()
}

impl Steps {
    fn begin() -> Self {
        let last = Times::read().last(ALL);
        println!(
            "xtask: {}",
            progress::opening(ALL, &format!("{STEPS} steps"), last)
        );
        Self {
            started: Instant::now(),
            passed: 0,
            failures: Vec::new(),
        }
    }

    /// Runs one step and records its failure.
    fn step(&mut self, step: &'static str, advice: &'static str, work: impl FnOnce() -> Outcome) {
        let number = self.passed + self.failures.len() + 1;
        let at = format!(
            "step {number} of {STEPS}, at {}",
            progress::shown(self.started.elapsed())
        );
        match progress::step(step, &at, work) {
            Ok(()) => self.passed += 1,
            Err(message) => self.failures.push(Failure {
                step,
                message,
                advice,
            }),
        }
    }

    fn finish(self) -> Outcome {
        let elapsed = self.started.elapsed();
        for failure in &self.failures {
            println!("xtask: {} failed: {}", failure.step, failure.message);
            println!("       what to do: {}", failure.advice);
        }
        let failed = self.failures.len();
        println!(
            "xtask: {} steps passed, {failed} failed, in {}",
            self.passed,
            progress::shown(elapsed)
        );
        if failed == 0 {
            Times::remember(ALL, elapsed);
            Ok(())
        } else {
            Err("not all of it passed; see above".to_owned())
        }
    }
}

fn report_missing() -> Outcome {
    let missing = tools::missing_for_tests();
    if missing.is_empty() {
        Ok(())
    } else {
        Err(format!("not installed: {}", missing.join(", ")))
    }
}

fn clippy() -> Outcome {
    run_cargo(&[
        "clippy",
        "--workspace",
        "--all-targets",
        "--keep-going",
        "--locked",
        "--",
        "-D",
        "warnings",
    ])
}

/// Runs the tests with one build and one profile: nextest runs every test binary that it builds.
///
/// Without a gateway the tests of an S3 origin report that they were skipped.
fn tests(gateway: &mut Option<Outcome<S3Gateway>>) -> Outcome {
    let mut command = cargo();
    if tools::has_nextest() {
        command.args(["nextest", "run"]);
        let chosen = env::var_os(NEXTEST_PROGRESS);
        let shown = shown_progress(io::stderr().is_terminal(), chosen.as_deref());
        command.env(NEXTEST_PROGRESS, shown);
    } else {
        command.args(["test", "--lib", "--bins", "--tests"]);
    }
    command.args(["--workspace", "--locked", "--no-fail-fast"]);
    let gateway = match gateway {
        Some(Ok(gateway)) => gateway.point_at(&mut command),
        Some(Err(message)) => Err(message.clone()),
        None => {
            println!("xtask: no S3 gateway here; tests of an S3 origin are skipped");
            Ok(())
        }
    };
    tools::point_at_peers(&mut command);
    // A gateway that did not start is a failure, but the tests run all the same.
    command::run(&mut command).and(gateway)
}

/// Returns nextest's progress setting: on a terminal a bar with the running tests, elsewhere a counter beside each
/// line, of which there are few: those of slow and failed tests (`.config/nextest.toml`). A setting chosen by the user
/// takes precedence.
fn shown_progress(is_terminal: bool, chosen: Option<&OsStr>) -> &OsStr {
    let default = if is_terminal { "bar" } else { "counter" };
    chosen.unwrap_or(OsStr::new(default))
}

fn doctests() -> Outcome {
    run_cargo(&["test", "--workspace", "--locked", "--doc"])
}

fn spelling() -> Outcome {
    let mut typos = Command::new(tools::python("typos"));
    command::run(typos.current_dir(command::root()))
}

fn run_cargo(arguments: &[&str]) -> Outcome {
    let mut command = cargo();
    command.args(arguments);
    tools::point_at_peers(&mut command);
    command::run(&mut command)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(is_terminal: bool, chosen: Option<&str>, expected: &str) {
        assert_eq!(
            shown_progress(is_terminal, chosen.map(OsStr::new)),
            expected
        );
    }

    #[test]
    fn tests_have_a_bar_on_a_terminal_and_a_count_elsewhere() {
        check(true, None, "bar");
        check(false, None, "counter");
        check(true, Some("none"), "none");
        check(false, Some("none"), "none");
    }
}
