//! The Ceph gateway that tests use as an S3 origin, and benches as a peer. It is started once per run, because that
//! takes some time.
//!
//! It is run by `tests-peers/origins/ceph_rgw_up.sh`, which ends when its standard input is closed, and so with this
//! program, however this program ends.

use crate::command::{self, Outcome, program};
use std::io::{BufRead, BufReader};
use std::path::Path;
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

/// The store behind a gateway.
pub struct GatewayStore {
    /// Ceph's name of it: `memstore`, which is lost at the end, or `bluestore`, in a file.
    pub kind: &'static str,
    /// Size of all that it may have.
    pub size_bytes: u64,
}

impl Default for GatewayStore {
    fn default() -> Self {
        GatewayStore {
            kind: "memstore",
            size_bytes: 1 << 30,
        }
    }
}

/// A gateway that is starting or running.
pub struct S3Gateway {
    script: Child,
    says: BufReader<ChildStdout>,
}

impl S3Gateway {
    /// Begins to start the gateway without waiting for it.
    pub fn begin() -> Outcome<Self> {
        let folder = command::target().join(format!("test-origins/rgw-{}", std::process::id()));
        Self::begin_in(&folder, &GatewayStore::default())
    }

    /// Begins to start a gateway whose files are in `folder`. Its processes are listed in the file `pids` there, the
    /// gateway's last, once it has a URL.
    pub fn begin_in(folder: &Path, store: &GatewayStore) -> Outcome<Self> {
        let mut command = program("tests-peers/origins/ceph_rgw_up.sh", &[folder]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.env("CEPH_STORE", store.kind);
        command.env("CEPH_STORE_BYTES", store.size_bytes.to_string());
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

    /// Waits until the gateway responds, and tells a child process its URL (see tests-peers/README.md).
    pub fn point_at(&mut self, command: &mut Command) -> Outcome {
        command.env("PRIVET_RGW", self.url()?);
        Ok(())
    }

    /// Waits until the gateway responds; returns its URL. To be asked once.
    pub fn url(&mut self) -> Outcome<String> {
        let mut url = String::new();
        let read = self.says.read_line(&mut url);
        if read.is_ok() && url.starts_with("http://") {
            return Ok(url.trim().to_owned());
        }
        Err("the S3 gateway did not start; its own complaint is above".to_owned())
    }
}

impl Drop for S3Gateway {
    fn drop(&mut self) {
        // The script ends when its standard input is closed, and removes its folder.
        drop(self.script.stdin.take());
        // A script that is already gone has nothing left to end.
        let _ = self.script.wait();
    }
}
