//! The commands for developers and CI: `cargo xtask test`, `tools`, `clips`, `bench`, `simulate`, `cache-tests`,
//! `fuzz`, `mutants`.
//!
//! This file is the command line; each command has a module.
#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

mod cache_tests;
mod fuzz;
mod mutants;
mod site;
mod test;

use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use xtask::command::{self, Outcome, cargo};
use xtask::{progress, s3_gateway, tools, videos};

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
        /// Install nothing: missing tools are reported, and tests that need them fail.
        #[arg(long)]
        no_install: bool,
    },
    /// Install what tests and benches need, and stop.
    Tools,
    /// Make the videos that tests play, if they are missing.
    Clips,
    /// Measure Privet beside a peer in the same run.
    #[command(disable_help_flag = true)]
    Bench {
        /// The bench and its arguments: see `cargo xtask bench --help`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Simulate links that end early and links that count, in a fleet in which everything goes wrong.
    #[command(disable_help_flag = true)]
    Simulate {
        /// `--seeds N` and `--first SEED`: see `cargo xtask simulate --help`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Run the public suite for HTTP caches through an edge, and count the tests that pass.
    CacheTests {
        /// Id of one test of the suite, shown with all its messages; all tests if omitted.
        id: Option<String>,
        /// Folder of a newer version of the suite than the published one, with its tests/, cli.mjs and server/.
        #[arg(long)]
        suite: Option<PathBuf>,
        /// URL of another server to run the suite through; it must already be in front of the suite's origin.
        #[arg(long, requires = "origin_port")]
        through: Option<String>,
        /// Port of the suite's origin; a free port if omitted.
        #[arg(long)]
        origin_port: Option<u16>,
    },
    /// Run a command, such as a test, with a temporary S3 gateway beside it.
    WithS3 {
        /// The command and its arguments.
        #[arg(required = true, trailing_var_arg = true)]
        command: Vec<String>,
    },
    /// Bundle the player of the demo page again, after its version has changed.
    Site,
    /// Run one fuzz target, or all of them in turn.
    Fuzz {
        /// Name of one target; all of them if omitted.
        target: Option<String>,
        /// Seconds to run each target for.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
    },
    /// Mutate the code that lets bytes out, one position at a time, and count the mutants that the tests catch.
    Mutants {
        /// `sign` or `distribution`; both if omitted.
        group: Option<String>,
        /// Path of a file to mutate alone, relative to the repository's root; may be repeated.
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
        Command::Bench { arguments } => run_package("privet-bench", &arguments),
        Command::Simulate { arguments } => run_package("privet-simulation", &arguments),
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

/// Starts a package that is beside the product, built with `--release`.
fn run_package(package: &str, arguments: &[OsString]) -> Outcome {
    let mut program = cargo();
    program.args(["run", "--release", "--quiet", "--locked", "--package"]);
    program.args([package, "--"]);
    command::run(program.args(arguments))
}
