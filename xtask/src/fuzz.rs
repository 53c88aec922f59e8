//! `cargo xtask fuzz`: runs the targets of `fuzz/` with cargo-fuzz on a nightly toolchain.
//!
//! Ordinary tests run the same corpora without any of this.

use crate::command::{self, Outcome, answers, cargo, output};
use std::fs;
use std::process::Command;

const CARGO_FUZZ_VERSION: &str = "0.13.2";

/// Runs the command, after checking the name, the toolchain and cargo-fuzz.
pub fn run(target: Option<&str>, seconds: u64) -> Outcome {
    let known = targets()?;
    let chosen = match target {
        None => known,
        Some(name) if known.iter().any(|known| known == name) => vec![name.to_owned()],
        Some(name) => {
            return Err(format!(
                "no fuzz target is named {name}; there are {}",
                known.join(", ")
            ));
        }
    };
    require_nightly()?;
    if !answers(cargo().args(["fuzz", "--version"])) {
        println!("xtask: building cargo-fuzz {CARGO_FUZZ_VERSION}, once");
        command::run(cargo().args([
            "install",
            "--locked",
            "--version",
            CARGO_FUZZ_VERSION,
            "cargo-fuzz",
        ]))?;
    }
    run_targets(&chosen, seconds)
}

/// Runs `target`, or each target in turn, for `seconds`.
fn run_targets(targets: &[String], seconds: u64) -> Outcome {
    for target in targets {
        println!("xtask: fuzzing {target} for {seconds} s");
        // New inputs go to the first folder; the checked-in corpus stays as it is.
        let found = command::target().join("fuzz-corpus").join(target);
        fs::create_dir_all(&found).map_err(|error| error.to_string())?;
        // The pinned toolchain that started this program must not override the nightly one.
        let mut fuzz = Command::new("rustup");
        fuzz.args(["run", "nightly", "cargo", "fuzz", "run", target])
            .arg(&found);
        fuzz.arg(command::root().join("fuzz/corpus").join(target))
            .arg("--");
        fuzz.args([
            format!("-max_total_time={seconds}"),
            "-timeout=10".to_owned(),
        ]);
        fuzz.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
        fuzz.current_dir(command::root());
        command::run(&mut fuzz)?;
    }
    Ok(())
}

fn require_nightly() -> Outcome {
    let toolchains = output(Command::new("rustup").args(["toolchain", "list"]));
    if toolchains.is_ok_and(|list| list.contains("nightly")) {
        return Ok(());
    }
    Err(
        "fuzzing needs a nightly toolchain for its instrumentation: \
         run `rustup toolchain install nightly`; the corpora themselves run in `cargo xtask test`"
            .to_owned(),
    )
}

/// Returns the targets: each folder of `fuzz/corpus` is one.
fn targets() -> Outcome<Vec<String>> {
    let folder = command::root().join("fuzz/corpus");
    let entries = fs::read_dir(&folder)
        .map_err(|error| format!("cannot list {}: {error}", folder.display()))?;
    let names = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    Ok(names)
}
