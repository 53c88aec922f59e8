//! `bench start`: from the start of the command to the printed link, beside the AWS CLI.

use super::keys::{self, Key};
use super::{Bar, Row, median};
use std::process::Command;
use std::time::Instant;
use xtask::command::{self, Outcome, cargo};
use xtask::tools;

const URL: &str = "https://d111111abcdef8.cloudfront.net/videos/talk.mp4";

/// Runs both commands.
pub fn run(quick: bool) -> Outcome<Vec<Row>> {
    tools::install_for_benches()?;
    command::run(cargo().args([
        "build",
        "--release",
        "--quiet",
        "--locked",
        "--package",
        "privet",
    ]))?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let keys = keys::make(folder.path())?;
    let (ours, peers) = if quick { (10, 2) } else { (50, 7) };
    // The AWS CLI reads RSA keys in PKCS#1 only.
    let pkcs1 = folder.path().join("pkcs1.pem");
    let mut convert = command::program("openssl", &["rsa", "-traditional", "-in"]);
    command::output(convert.arg(&keys[0].private_file).arg("-out").arg(&pkcs1))?;
    let awscli = milliseconds(peers, || {
        let mut aws = Command::new(tools::python("python3"));
        aws.args([
            "-m",
            "awscli",
            "cloudfront",
            "sign",
            "--url",
            URL,
            "--key-pair-id",
            keys[0].id,
        ]);
        aws.args(["--date-less-than", "4000000000", "--private-key"]);
        aws.arg(format!("file://{}", pkcs1.display()));
        aws
    })?;
    keys.iter().map(|key| row(key, ours, awscli)).collect()
}

fn row(key: &Key, runs: u32, awscli: f64) -> Outcome<Row> {
    let ours = milliseconds(runs, || {
        let mut privet = Command::new(command::target().join("release/privet"));
        privet.args([
            "sign",
            "--until",
            "4000000000",
            "--key-pair-id",
            key.id,
            "--key",
        ]);
        privet.arg(&key.private_file).arg(URL);
        privet
    })?;
    Ok(Row {
        case: format!("start to link, {}", key.name),
        ours,
        peer: Some((awscli, "aws cloudfront sign")),
        unit: "ms",
        // The bar is on our time; the AWS CLI's time is shown for comparison only.
        ratio: None,
        bar: Bar::AtMost(10.0),
    })
}

/// Returns the median wall time of `runs` runs.
fn milliseconds(runs: u32, command: impl Fn() -> Command) -> Outcome<f64> {
    let mut times = Vec::new();
    for _ in 0..runs {
        let started = Instant::now();
        let link = command::output(&mut command())?;
        times.push(started.elapsed().as_secs_f64() * 1000.0);
        if !link.starts_with(URL) {
            return Err(format!("this is no link: {link}"));
        }
    }
    Ok(median(&times))
}
