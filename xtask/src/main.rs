//! What people and CI run: `cargo xtask test`, `tools`, `clips`, `bench`, `cache-tests`, `fuzz`, `mutants`.
//!
//! This file is the command line; each command is a module.
#![allow(clippy::print_stdout)] // Printing is what this program is for.

mod cache_tests;
mod fuzz;
mod mutants;
mod s3_gateway;
mod site;
mod test;

use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use xtask::command::{self, Outcome, cargo};
use xtask::{progress, tools, videos};

/// Tests, benches, fuzzing and mutation testing of Privet.
#[derive(Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    disable_version_flag = true
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what is missing, then run every check and test.
    Test {
        /// Install nothing: what is missing is reported, and tests that need it fail.
        #[arg(long)]
        no_install: bool,
    },
    /// Install what tests and benches need, and stop there.
    Tools,
    /// Make the videos that tests play, where they are missing.
    Clips,
    /// Measure, beside a peer in the same run.
    #[command(disable_help_flag = true)]
    Bench {
        /// Which bench, and what it takes: see `cargo xtask bench --help`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Run the public suite for HTTP caches through an edge, and count what passes.
    CacheTests {
        /// One test of the suite by its id, with every message of it; all of them when left out.
        id: Option<String>,
        /// A newer version of the suite than the published one: a folder with its tests/, cli.mjs and server/.
        #[arg(long)]
        suite: Option<PathBuf>,
        /// Run it through this server instead, which must already be before the suite's origin.
        #[arg(long, requires = "origin_port")]
        through: Option<String>,
        /// Where the suite's origin listens; a free port when left out.
        #[arg(long)]
        origin_port: Option<u16>,
    },
    /// Run a command, a test say, with a throw-away S3 gateway beside it.
    WithS3 {
        /// The command and its arguments.
        #[arg(required = true, trailing_var_arg = true)]
        command: Vec<String>,
    },
    /// Bundle the player of the demo's page again, after its version has changed.
    Site,
    /// Run a fuzz target, or each of them in turn.
    Fuzz {
        /// One target; all of them when left out.
        target: Option<String>,
        /// How long each target runs.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Change what lets bytes out, one place at a time, and count which changes the tests notice.
    Mutants {
        /// `sign` or `distribution`; both when left out.
        group: Option<String>,
        /// This file alone, from the repository's root; may be repeated.
        #[arg(long, value_name = "FILE")]
        file: Vec<PathBuf>,
    },
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Test { no_install } => test::run(no_install),
        Command::Tools => tools::install_for_tests()
            .and_then(|()| videos::make_clips())
            .and_then(|()| tools::install_for_benches()),
        Command::Clips => videos::make_clips(),
        Command::Site => site::bundle(),
        Command::Bench { arguments } => bench(&arguments),
        Command::CacheTests {
            id,
            suite,
            through,
            origin_port,
        } => cache_tests::run(
            id.as_deref(),
            suite.as_deref(),
            through.as_deref(),
            origin_port,
        ),
        Command::WithS3 { command } => s3_gateway::run_beside(&command),
        Command::Fuzz { target, seconds } => fuzz::run(target.as_deref(), seconds),
        Command::Mutants { group, file } => mutants::run(group.as_deref(), &file),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}

/// Starts the benches, built with `--release`.
fn bench(arguments: &[OsString]) -> Outcome {
    let mut bench = cargo();
    bench.args([
        "run",
        "--release",
        "--quiet",
        "--locked",
        "--package",
        "privet-bench",
        "--",
    ]);
    command::run(bench.args(arguments))
}
