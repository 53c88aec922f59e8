//! A private PostgreSQL server, which is stopped and started while a test runs, and third parties that write to it.

use crate::support::PATIENCE;
use privet_store::{Actor, Location, PostgresUrl, SealingKey, Store, StoreOptions};
use std::ffi::OsStr;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use tempfile::TempDir;

/// Sealing key of every fleet of the tests.
pub const SEALING_KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// The server, which ends with the test's process.
pub struct Database {
    programs: PathBuf,
    folder: PathBuf,
    /// Words before a program that may not run as root.
    become_user: Vec<String>,
    port: u16,
    /// The end of its input tells the shell to stop the server and to remove its folder.
    _guard: Child,
}

impl Database {
    /// Starts a server with an empty database; `None` where there are no server programs.
    pub fn start() -> Option<Self> {
        let database = Self::unprepared()?;
        database.run(
            "initdb",
            &[
                "-D",
                "data",
                "-A",
                "trust",
                "-U",
                "privet",
                "--no-sync",
                "-E",
                "UTF8",
            ],
        );
        database.start_again();
        Some(database)
    }

    /// Starts a standby of this server, for which each of its commits waits from now on.
    pub fn start_standby(&self) -> Self {
        let standby = Self::unprepared().unwrap();
        let (folder, port) = (self.folder.to_str().unwrap(), self.port.to_string());
        let from = ["-h", folder, "-p", &port, "-U", "privet"];
        let copied = [
            "-D",
            "data",
            "-R",
            "-X",
            "stream",
            "-c",
            "fast",
            "--no-sync",
        ];
        standby.run("pg_basebackup", &[&from[..], &copied].concat());
        standby.start_again();
        self.sql("ALTER SYSTEM SET synchronous_standby_names = '*'");
        self.sql("SELECT pg_reload_conf()");
        // A division by zero is a failure.
        let is_waited_for =
            "SELECT 1 / count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
        let begun = Instant::now();
        while !self.tried("psql", &self.statement(is_waited_for)) {
            assert!(begun.elapsed() < PATIENCE, "the standby never came");
        }
        standby
    }

    /// Has this standby take the place of its primary.
    pub fn promote(&self) {
        self.run("pg_ctl", &["-D", "data", "-w", "promote"]);
    }

    /// Makes the folder of a server, in which nothing is yet.
    fn unprepared() -> Option<Self> {
        let Some(programs) = programs() else {
            eprintln!("SKIPPED: there is no PostgreSQL server in /usr/lib/postgresql");
            return None;
        };
        let folder = TempDir::with_prefix("pg").unwrap().keep();
        let user = unprivileged()?;
        if let Some((uid, gid)) = user {
            chown(&folder, Some(uid), Some(gid)).unwrap();
        }
        let become_user = user.map_or_else(Vec::new, |(uid, gid)| {
            let (uid, gid) = (format!("--reuid={uid}"), format!("--regid={gid}"));
            vec!["setpriv".to_owned(), uid, gid, "--clear-groups".to_owned()]
        });
        let script = format!(
            "read end; {} '{}/pg_ctl' -D data -m immediate stop; cd /; rm -rf '{}'",
            become_user.join(" "),
            programs.display(),
            folder.display()
        );
        let guard = Command::new("sh")
            .args(["-c", &script])
            .current_dir(&folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        Some(Database {
            programs,
            folder,
            become_user,
            port,
            _guard: guard,
        })
    }

    /// Stops the server as a failure of its machine would.
    pub fn stop(&self) {
        self.run("pg_ctl", &["-D", "data", "-m", "immediate", "-w", "stop"]);
    }

    /// Starts the server, and waits until it accepts connections.
    pub fn start_again(&self) {
        // Connections come by a socket in its folder alone: the port is a part of that socket's name.
        let options = format!(
            "-k '{}' -p {} -c listen_addresses= -c fsync=off",
            self.folder.display(),
            self.port
        );
        self.run(
            "pg_ctl",
            &["-D", "data", "-l", "log", "-w", "-o", &options, "start"],
        );
    }

    /// Lets the server take connections to the database, or none, as for a restoration.
    pub fn allow_connections(&self, allowed: bool) {
        self.sql(&format!(
            "ALTER DATABASE postgres ALLOW_CONNECTIONS {allowed}"
        ));
    }

    #[track_caller]
    fn sql(&self, sql: &str) {
        self.run("psql", &self.statement(sql));
    }

    /// Returns the arguments of `psql` for a statement, which does not need the database of the tests.
    fn statement(&self, sql: &str) -> Vec<String> {
        let port = self.port.to_string();
        let place = ["-X", "-h", self.folder.to_str().unwrap(), "-p", &port];
        let rest = ["-U", "privet", "-d", "template1", "-c", sql];
        let words = place.iter().chain(&rest);
        words.map(|word| (*word).to_owned()).collect()
    }

    /// Returns the URL of the database.
    pub fn url(&self) -> String {
        url_of(&[(self.folder.as_path(), self.port)])
    }

    /// Returns the URL of the database, wherever of the two servers it is.
    pub fn url_with(&self, standby: &Database) -> String {
        url_of(&[
            (self.folder.as_path(), self.port),
            (standby.folder.as_path(), standby.port),
        ])
    }

    /// Returns the socket at which the server takes connections, and its port, which is a part of the socket's name.
    pub fn socket(&self) -> (PathBuf, u16) {
        let name = socket_name(self.port);
        (self.folder.join(name), self.port)
    }

    /// Opens the database as another machine would.
    pub async fn open(&self) -> Store {
        let options = StoreOptions {
            location: Location::Url(PostgresUrl::parse(&self.url()).unwrap()),
            key: SealingKey::parse(SEALING_KEY).unwrap(),
        };
        Store::open(options).await.unwrap()
    }

    #[track_caller]
    fn run<A: AsRef<OsStr>>(&self, program: &str, arguments: &[A]) {
        let said = || fs::read_to_string(self.folder.join("said")).unwrap_or_default();
        assert!(self.tried(program, arguments), "{program}: {}", said());
    }

    /// Runs a program of the server's; false if it fails.
    fn tried<A: AsRef<OsStr>>(&self, program: &str, arguments: &[A]) -> bool {
        let program = self.programs.join(program);
        let mut words = self.become_user.iter().map(String::as_str);
        let mut command = match words.next() {
            Some(first) => {
                let mut command = Command::new(first);
                command.args(words).arg(&program);
                command
            }
            None => Command::new(&program),
        };
        // A server would keep pipes open.
        let said = fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.join("said"));
        let status = command
            .args(arguments)
            .current_dir(&self.folder)
            .env("LC_ALL", "C.UTF-8")
            .stdin(Stdio::null())
            .stdout(said.unwrap())
            .stderr(Stdio::null())
            .status();
        status.unwrap().success()
    }
}

/// Returns the URL of a database at one of these servers, by the folders of their sockets and their ports.
pub fn url_of(servers: &[(&Path, u16)]) -> String {
    let folders = servers
        .iter()
        .map(|(folder, _)| folder.to_str().unwrap().replace('/', "%2F"));
    let ports = servers.iter().map(|(_, port)| port.to_string());
    format!(
        "postgres:///postgres?user=privet&host={}&port={}",
        folders.collect::<Vec<_>>().join(","),
        ports.collect::<Vec<_>>().join(",")
    )
}

/// Returns the name that PostgreSQL gives to its socket for a port.
pub fn socket_name(port: u16) -> String {
    format!(".s.PGSQL.{port}")
}

/// Returns the one that writes to a store on another machine.
pub fn other_machine() -> Actor {
    Actor {
        operator: "ada".to_owned(),
        how: "api".to_owned(),
        address: None,
        request_id: None,
    }
}

fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let folders = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    let found = folders.filter(|folder| folder.join("initdb").exists());
    found.max()
}

/// User and group to run the server as: it refuses to run as root. `Some(None)` where the test is not root's.
fn unprivileged() -> Option<Option<(u32, u32)>> {
    let id = |arguments: &[&str]| {
        let output = Command::new("id").args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        text.trim().parse::<u32>().ok()
    };
    match id(&["-u"])? {
        0 => Some(Some((id(&["-u", "postgres"])?, id(&["-g", "postgres"])?))),
        _ => Some(None),
    }
}
