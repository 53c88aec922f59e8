//! `cargo xtask simulate`: runs the simulation with many seeds, and names those with which something was broken.
#![expect(clippy::print_stdout, reason = "printing is what this program is for")]

use clap::Parser;
use privet_simulation::{Settings, World};
use std::collections::BTreeMap;
use std::process::ExitCode;

/// Simulates links that end early and links that count, in a fleet in which everything goes wrong.
#[derive(Parser)]
#[command(
    name = "cargo xtask simulate",
    bin_name = "cargo xtask simulate",
    disable_version_flag = true
)]
struct Arguments {
    /// Number of runs.
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first seed; the others follow it.
    #[arg(long, default_value_t = 1)]
    first: u64,
}

/// Number of broken runs that are told in full.
const TOLD_MAX: usize = 3;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut seen: BTreeMap<&str, u64> = BTreeMap::new();
    let mut broken = Vec::new();
    for seed in arguments.first..arguments.first.saturating_add(arguments.seeds) {
        match World::run(seed, Settings::default()) {
            Ok(checker) => {
                for (what, count) in checker.seen {
                    *seen.entry(what).or_default() += count;
                }
            }
            Err(told) => {
                if broken.len() < TOLD_MAX {
                    println!("seed {seed}:\n{told}\n");
                }
                broken.push(seed);
            }
        }
    }
    for (what, count) in &seen {
        println!("{count:>10}  {what}");
    }
    let runs = arguments.seeds;
    if broken.is_empty() {
        println!(
            "simulate: {runs} seeds from {}, nothing broken",
            arguments.first
        );
        return ExitCode::SUCCESS;
    }
    let first: Vec<String> = broken.iter().take(20).map(u64::to_string).collect();
    println!(
        "simulate: {} of {runs} seeds broke a promise, among them {}; run one again by --first SEED --seeds 1",
        broken.len(),
        first.join(", ")
    );
    ExitCode::FAILURE
}
