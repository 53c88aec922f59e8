//! A private PostgreSQL server, which is stopped and started while a test runs, and third parties that write to it.

use privet_store::{Actor, Location, PostgresUrl, SealingKey, Store, StoreOptions};
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::chown;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
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
        let database = Database {
            programs,
            folder,
            become_user,
            port,
            _guard: guard,
        };
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
        let folder = self.folder.to_str().unwrap();
        let port = self.port.to_string();
        let sql = format!("ALTER DATABASE postgres ALLOW_CONNECTIONS {allowed}");
        let place = ["-X", "-h", folder, "-p", &port, "-U", "privet"];
        self.run(
            "psql",
            &[&place[..], &["-d", "template1", "-c", &sql]].concat(),
        );
    }

    /// Returns the URL of the database.
    pub fn url(&self) -> String {
        let folder = self.folder.to_str().unwrap().replace('/', "%2F");
        format!("postgres://privet@{folder}:{}/postgres", self.port)
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
    fn run(&self, program: &str, arguments: &[&str]) {
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
            .status()
            .unwrap();
        let said = || fs::read_to_string(self.folder.join("said")).unwrap_or_default();
        assert!(status.success(), "{}: {}", program.display(), said());
    }
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
