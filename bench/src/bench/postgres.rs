//! A PostgreSQL server for benches, with its usual durability.

use super::servers::free_port;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use xtask::command::Outcome;

/// A PostgreSQL server of the bench's own.
pub struct Postgres {
    child: Child,
    /// Port on loopback, where everybody is trusted.
    pub port: u16,
}

impl Postgres {
    /// Starts a server in a new folder; `None` if there is no program for it.
    pub fn start(folder: &Path) -> Outcome<Option<Self>> {
        let Some(programs) = programs() else {
            return Ok(None);
        };
        fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        let port = free_port()?;
        // PostgreSQL refuses to run as root.
        let script = format!(
            "cd '{folder}' && user= && if [ \"$(id -u)\" = 0 ]; then chown postgres . && chmod o+x '{parent}' && \
             user=\"setpriv --reuid=$(id -u postgres) --regid=$(id -g postgres) --clear-groups\"; fi && \
             $user '{programs}/initdb' -D data -A trust -U privet -E UTF8 --locale=C.UTF-8 >init.log 2>&1 && \
             {{ $user '{programs}/postgres' -D data -k '{folder}' -p {port} -c listen_addresses=127.0.0.1 >log 2>&1 & \
             server=$!; until '{programs}/pg_isready' -q -h '{folder}' -p {port} || ! kill -0 $server; do sleep 0.1; done; \
             echo ready; read end; kill -INT $server; wait $server; }}",
            folder = folder.display(),
            parent = folder.parent().unwrap_or(folder).display(),
            programs = programs.display(),
        );
        let mut child = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start PostgreSQL: {error}"))?;
        let mut line = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output)
                .read_line(&mut line)
                .map_err(|error| error.to_string())?;
        }
        if line != "ready\n" {
            let said = fs::read_to_string(folder.join("init.log")).unwrap_or_default();
            return Err(format!("PostgreSQL did not start; it said: {said}"));
        }
        Ok(Some(Postgres { child, port }))
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The end of its input stops the server.
        drop(self.child.stdin.take());
        // Whether it ended well does not matter any more.
        let _ = self.child.wait();
    }
}

fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let folders = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    folders
        .filter(|folder| folder.join("initdb").exists())
        .max()
}
