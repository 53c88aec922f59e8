//! The Ceph gateway that tests use as an S3 origin: started once for a run, since it takes its time.
//!
//! `tests-peers/origins/ceph_rgw_up.sh` is what runs it. It ends when its standard input does, so it ends
//! with this program, however this program ends.

use crate::command::{self, Outcome, program};
use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};

/// Runs a command with a gateway beside it.
pub fn run_beside(words: &[String]) -> Outcome {
    let [name, arguments @ ..] = words else {
        return Err("name a command".to_owned());
    };
    let mut gateway = S3Gateway::begin()?;
    let mut command = program(name, arguments);
    gateway.point_at(&mut command)?;
    command::run(&mut command)
}

/// A gateway that is starting, or running.
pub struct S3Gateway {
    script: Child,
    says: BufReader<ChildStdout>,
}

impl S3Gateway {
    /// Begins to start it, and does not wait.
    pub fn begin() -> Outcome<Self> {
        let folder = command::target().join(format!("test-origins/rgw-{}", std::process::id()));
        let mut command = program("tests-peers/origins/ceph_rgw_up.sh", &[folder]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let failed = |reason| format!("cannot start the S3 gateway: {reason}");
        let mut script = command.spawn().map_err(|error| failed(error.to_string()))?;
        match script.stdout.take() {
            Some(says) => Ok(S3Gateway {
                script,
                says: BufReader::new(says),
            }),
            None => Err(failed("it has no standard output".to_owned())),
        }
    }

    /// Waits until it answers, and tells a child process where it is (see tests-peers/README.md).
    pub fn point_at(&mut self, command: &mut Command) -> Outcome {
        let mut url = String::new();
        let read = self.says.read_line(&mut url);
        if read.is_ok() && url.starts_with("http://") {
            command.env("PRIVET_RGW", url.trim());
            return Ok(());
        }
        Err("the S3 gateway did not start; its own complaint is above".to_owned())
    }
}

impl Drop for S3Gateway {
    fn drop(&mut self) {
        // The end of its standard input; it takes its folder away.
        drop(self.script.stdin.take());
        // A script that is gone already has nothing left to end.
        let _ = self.script.wait();
    }
}
