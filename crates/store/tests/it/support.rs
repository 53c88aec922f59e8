//! Stores to test with: a SQLite file, and a database of a private PostgreSQL server.

use std::env;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use privet_store::{
    Actor, DocumentChange, DocumentName, Expected, Location, PostgresUrl, SealingKey, Store,
    StoreError, StoreOptions, Timestamp, Write, Written,
};
use rusqlite::Connection;
use serde_json::Value;
use tempfile::TempDir;

pub const NOW: Timestamp = Timestamp::from_seconds(1_800_000_000);
const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/// Place of an empty database.
pub struct Place {
    pub location: Location,
    pub folder: TempDir,
}

impl Place {
    pub fn file() -> Self {
        let folder = TempDir::new().unwrap();
        Self {
            location: Location::File(folder.path().join("store.db")),
            folder,
        }
    }

    /// A new database of the server, or `None` where there is no server program.
    pub fn postgres() -> Option<Self> {
        static NAMES: AtomicU32 = AtomicU32::new(0);
        let server = server()?;
        let name = format!("test_{}", NAMES.fetch_add(1, Ordering::Relaxed));
        server
            .psql("postgres", &format!("CREATE DATABASE {name}"))
            .unwrap();
        Some(Self {
            location: Location::Url(PostgresUrl::parse(&server.url(&name)).unwrap()),
            folder: TempDir::new().unwrap(),
        })
    }

    pub fn options(&self) -> StoreOptions {
        StoreOptions {
            location: self.location.clone(),
            key: key(),
        }
    }

    pub async fn open(&self) -> Store {
        Store::open(self.options()).await.unwrap()
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs statements behind the store's back.
    pub fn sql(&self, sql: &str) -> Result<String, String> {
        match &self.location {
            Location::File(path) => {
                let connection = Connection::open(path).unwrap();
                let done = connection.execute_batch(sql);
                done.map(|()| String::new())
                    .map_err(|error| error.to_string())
            }
            Location::Url(url) => {
                let database = url.to_string();
                let database = database.rsplit('/').next().unwrap().to_owned();
                server().unwrap().psql(&database, sql)
            }
        }
    }

    /// Puts the database of `other`, whose stores are closed, in the place of this one, whose stores may be open.
    pub fn put_in_place(&self, other: &Place) {
        match (&self.location, &other.location) {
            (Location::File(path), Location::File(_)) => {
                let whole = self.path("whole.db");
                let sql = format!("VACUUM INTO '{}'", whole.display());
                other.sql(&sql).unwrap();
                for journal in ["-wal", "-shm"] {
                    fs::remove_file(format!("{}{journal}", path.display())).unwrap();
                }
                fs::rename(whole, path).unwrap();
            }
            (Location::Url(url), Location::Url(other)) => {
                let name =
                    |url: &PostgresUrl| url.to_string().rsplit('/').next().unwrap().to_owned();
                let (old, new) = (name(url), name(other));
                let sql = |sql: String| server().unwrap().psql("postgres", &sql).unwrap();
                for name in [&old, &new] {
                    sql(format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"));
                    sql(format!(
                        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = '{name}'"
                    ));
                }
                sql(format!("ALTER DATABASE {old} RENAME TO {old}_before"));
                sql(format!("ALTER DATABASE {new} RENAME TO {old}"));
                sql(format!("ALTER DATABASE {old} ALLOW_CONNECTIONS true"));
            }
            (Location::File(_) | Location::Url(_), _) => panic!("they are of two kinds"),
        }
    }

    /// A new, empty place of the same kind.
    pub fn another(&self) -> Self {
        match &self.location {
            Location::File(_) => Self::file(),
            Location::Url(_) => Self::postgres().unwrap(),
        }
    }
}

pub fn key() -> SealingKey {
    SealingKey::parse(KEY).unwrap()
}

/// Runs a test in a runtime of one thread on an empty database of each kind.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a closure written at the call"
)]
pub fn on_both(test: impl AsyncFn(&Place)) {
    run(async { test(&Place::file()).await });
    if let Some(place) = Place::postgres() {
        run(async { test(&place).await });
    }
}

pub fn run<T>(test: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap().block_on(test)
}

pub fn actor() -> Actor {
    Actor {
        operator: "ada".to_owned(),
        how: "api".to_owned(),
        address: Some("192.0.2.7".to_owned()),
        request_id: Some("r-1".to_owned()),
    }
}

pub fn change(id: &str, body: impl Into<Option<Value>>) -> DocumentChange {
    DocumentChange {
        kind: "thing".to_owned(),
        id: id.to_owned(),
        expected: Expected::Any,
        body: body.into(),
        references: Vec::new(),
        secrets: Vec::new(),
        claims: Vec::new(),
    }
}

pub fn write_of(changes: Vec<DocumentChange>) -> Write {
    Write {
        actor: actor(),
        operation: "change_things".to_owned(),
        at: NOW,
        changes,
        idempotency: None,
    }
}

pub async fn put(store: &Store, changes: Vec<DocumentChange>) -> Result<Written, StoreError> {
    store.write(write_of(changes)).await
}

pub fn thing(id: &str) -> DocumentName {
    DocumentName::new("thing", id)
}

/// Private PostgreSQL server, which ends with the test's process.
pub struct Server {
    /// Its end of input tells the shell to stop the server and to remove its folder.
    _child: Child,
    programs: PathBuf,
    pub folder: PathBuf,
    pub port: u16,
}

impl Server {
    pub fn url(&self, database: &str) -> String {
        let folder = self.folder.to_str().unwrap().replace('/', "%2F");
        format!("postgres://privet@{folder}:{}/{database}", self.port)
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.join(format!(".s.PGSQL.{}", self.port))
    }

    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// Runs a script in the server's folder as the user that it runs as.
    pub fn as_owner(&self, script: &str) -> Result<(), String> {
        let mut command = match unprivileged().unwrap() {
            Some((uid, gid)) => {
                let mut command = Command::new("setpriv");
                command.args([format!("--reuid={uid}"), format!("--regid={gid}")]);
                command.args(["--clear-groups", "sh"]);
                command
            }
            None => Command::new("sh"),
        };
        let output = command
            .args(["-c", script])
            .current_dir(&self.folder)
            .output()
            .unwrap();
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8(output.stderr).unwrap()),
        }
    }

    pub fn psql(&self, database: &str, sql: &str) -> Result<String, String> {
        let output = Command::new(self.programs.join("psql"))
            .args([
                "-X",
                "-q",
                "-t",
                "-A",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                "privet",
                "-h",
            ])
            .arg(&self.folder)
            .args(["-p", &self.port.to_string(), "-d", database, "-c", sql])
            .output()
            .unwrap();
        match output.status.success() {
            true => Ok(String::from_utf8(output.stdout).unwrap()),
            false => Err(String::from_utf8(output.stderr).unwrap()),
        }
    }
}

/// The process's server, started when it is first asked for.
pub fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER.get_or_init(|| start(":", "")).as_ref()
}

/// Starts a server with further settings, after a script has run in its folder.
pub fn start(prepare: &str, settings: &str) -> Option<Server> {
    let programs = programs()?;
    let folder = TempDir::with_prefix("pg").unwrap().keep();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let user = unprivileged()?;
    if let Some((uid, gid)) = user {
        chown(&folder, Some(uid), Some(gid)).unwrap();
    }
    let become_user = user.map_or(String::new(), |(uid, gid)| {
        format!("setpriv --reuid={uid} --regid={gid} --clear-groups")
    });
    // The end of its input, and so of this process, stops the server; nothing of it is left behind.
    let script = format!(
        "cd '{folder}' && {become_user} '{programs}/initdb' -D data -A trust -U privet --no-sync -E UTF8 \
         --locale=C.UTF-8 >init.log 2>&1 && {become_user} sh -c '{prepare}' >>init.log 2>&1 && \
         {{ {become_user} '{programs}/postgres' -D data -k '{folder}' -p {port} -c listen_addresses=127.0.0.1 \
         -c fsync=off {settings} >log 2>&1 & server=$!; \
         until '{programs}/pg_isready' -q -h '{folder}' -p {port} || ! kill -0 $server; do :; done; \
         echo ready; read end; kill -INT $server; wait $server; cd /; rm -rf '{folder}'; }}",
        folder = folder.display(),
        programs = programs.display(),
    );
    let mut child = Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let log = || fs::read_to_string(folder.join("init.log")).unwrap_or_default();
    assert_eq!(line, "ready\n", "PostgreSQL did not start: {}", log());
    Some(Server {
        _child: child,
        programs,
        folder,
        port,
    })
}

fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let folders = versions.filter_map(|version| Some(version.ok()?.path().join("bin")));
    folders
        .filter(|folder| folder.join("initdb").exists())
        .max()
}

/// User and group to run the server as: it refuses to run as root. `Some(None)` where the test is not root's.
fn unprivileged() -> Option<Option<(u32, u32)>> {
    let id = |arguments: &[&str]| {
        let output = Command::new("id").args(arguments).output().ok()?;
        String::from_utf8(output.stdout)
            .ok()?
            .trim()
            .parse::<u32>()
            .ok()
    };
    if id(&["-u"])? != 0 {
        return Some(None);
    }
    Some(Some((id(&["-u", "postgres"])?, id(&["-g", "postgres"])?)))
}

/// Bytes of a SQLite database with its journal, for looking for what must not be in them.
pub fn bytes_of(path: &Path) -> Vec<u8> {
    let name = path.to_str().unwrap();
    let files = [name.to_owned(), format!("{name}-wal")];
    files
        .iter()
        .flat_map(|file| fs::read(file).unwrap_or_default())
        .collect()
}

/// Count from the environment, for more runs than the usual ones.
pub fn count(name: &str, usual: u32) -> u32 {
    env::var(name).map_or(usual, |text| text.parse().unwrap())
}
