//! Other programs, run with a time limit, so that a hanging player is a failing test and not a silent one.

use super::PATIENCE;
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Result of a program.
#[derive(Debug)]
pub struct Ran {
    pub status: ExitStatus,
    pub output: Vec<u8>,
    pub complaints: Vec<u8>,
    pub took: Duration,
}

impl Ran {
    /// Returns true if it succeeded and printed no complaint.
    pub fn is_clean(&self) -> bool {
        self.status.success() && self.complaints.is_empty()
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }

    /// Returns its last lines, for messages of tests.
    pub fn errors(&self) -> String {
        let text = String::from_utf8_lossy(&self.complaints);
        let lines: Vec<&str> = text.lines().collect();
        let last = lines[lines.len().saturating_sub(12)..].join("\n");
        format!("{}, after {:.1?}: {last}", self.status, self.took)
    }
}

/// Returns the same program, ended with this test and after `limit`, whatever happens.
///
/// `timeout` exits with status 124 when the limit was reached.
pub fn limited(command: &Command, limit: Duration) -> Command {
    let mut limited = Command::new("setpriv");
    limited.args(["--pdeathsig", "KILL", "timeout", "--foreground"]);
    limited.args(["--kill-after", "5s"]);
    limited.arg(format!("{}s", limit.as_secs()));
    limited.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    if let Some(folder) = command.get_current_dir() {
        limited.current_dir(folder);
    }
    limited
}

/// Starts a server that ends with this test, and waits until it listens at `address`; returns `None` when it does not.
///
/// Debian installs servers in a folder that may be missing from a user's `PATH`.
pub fn listening(command: &Command, address: SocketAddr) -> Option<Child> {
    let path = std::env::var("PATH").unwrap();
    let mut limited = Command::new("setpriv");
    limited
        .args(["--pdeathsig", "KILL"])
        .arg(command.get_program())
        .args(command.get_args())
        .env("PATH", format!("{path}:/usr/sbin"));
    for (name, value) in command.get_envs() {
        limited.env(name, value.unwrap_or_default());
    }
    let limited = limited.stdin(Stdio::null()).stdout(Stdio::null());
    let mut process = limited.stderr(Stdio::null()).spawn().ok()?;
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if TcpStream::connect(address).is_ok() {
            return Some(process);
        }
        if process.try_wait().unwrap().is_some() {
            return None;
        }
        std::thread::yield_now();
    }
    let _ = process.kill();
    let _ = process.wait();
    None
}

/// Runs the program to its end, but for no longer than `limit`.
#[track_caller]
pub fn run_within(command: &mut Command, limit: Duration) -> Ran {
    let began = Instant::now();
    let mut limited = limited(command, limit);
    let output = limited.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("cannot run setpriv or timeout: {error}"));
    let ran = Ran {
        status: output.status,
        output: output.stdout,
        complaints: output.stderr,
        took: began.elapsed(),
    };
    assert!(
        ran.status.code() != Some(127),
        "{:?} is missing: `cargo xtask tools` installs it",
        command.get_program()
    );
    ran
}
