//! The benches of `cargo xtask bench`. They are a separate crate, so that `cargo xtask` builds in seconds: this crate
//! depends on Privet's cryptography.
#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

mod bench;

use clap::Parser;
use std::process::ExitCode;

/// Measures Privet beside a peer in the same run.
#[derive(Parser)]
#[command(
    name = "cargo xtask bench",
    bin_name = "cargo xtask bench",
    disable_version_flag = true
)]
struct Arguments {
    #[command(subcommand)]
    bench: bench::Bench,
}

fn main() -> ExitCode {
    match bench::run(&Arguments::parse().bench) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("bench: {message}");
            ExitCode::FAILURE
        }
    }
}
