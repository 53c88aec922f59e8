//! `privet serve` in a process and a folder of its own, whose service comes from a store, and clients of both its
//! sides.

use crate::support::{Answer, Ask, OperatorAnswer, PATIENCE, Viewer, key_path, limited};
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Ports of an edge, from its first one. They are beneath those that the system chooses.
const HTTP: u16 = 0;
const HTTPS: u16 = 1;
const RTMP: u16 = 2;
const CONTROL: u16 = 3;
const OTHER: u16 = 4;
/// Expiry of links: edges in processes of their own have the machine's clock.
pub const LATER: u64 = 2_000_000_000;

/// A folder with a configuration, and the process that serves it.
pub struct StoredEdge {
    folder: TempDir,
    /// First port of an address that no other edge of this run has.
    first: SocketAddr,
    store: String,
    process: Option<Child>,
    /// Lines of the standard error of all its processes.
    said: Arc<Mutex<String>>,
    token: String,
}

impl StoredEdge {
    /// Makes a folder whose configuration has `store` as its `[store]`, with a folder `bucket`; nothing is started.
    pub fn new(store: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("bucket")).unwrap();
        let edge = StoredEdge {
            folder,
            first: own_address(),
            store: store.to_owned(),
            process: None,
            said: Arc::default(),
            token: String::new(),
        };
        edge.configure("");
        edge
    }

    /// Makes an edge over a database in its own folder, with an operator, and starts it.
    pub fn of_file() -> Self {
        let mut edge = StoredEdge::new("file = \"privet.db\"");
        edge.make_operator();
        edge.start();
        edge
    }

    /// Writes the configuration: the usual one, and further lines.
    pub fn configure(&self, more: &str) {
        let (http, control) = (self.http(), self.at(CONTROL));
        let text = format!(
            "[edge]\nworkers = 1\n[[listeners]]\naddress = \"{http}\"\nprotocol = \"http\"\n\
             [admin]\nsocket = \"admin.sock\"\n[control]\naddress = \"{control}\"\n[store]\nedge_name = {:?}\n{}\n{more}\n",
            self.machine(),
            self.store
        );
        self.write("privet.toml", &text);
    }

    /// Name of the edge among those of its store.
    pub fn name(&self) -> String {
        format!("{}:{}", self.machine(), self.http().port())
    }

    fn machine(&self) -> String {
        format!("machine-{}", self.first.ip())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file of the folder, whole at any moment, and its owner's alone: it may be a key.
    pub fn write(&self, name: &str, text: &str) {
        let (path, unfinished) = (self.path(name), self.path("unfinished"));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&unfinished, text).unwrap();
        fs::set_permissions(&unfinished, fs::Permissions::from_mode(0o600)).unwrap();
        fs::rename(unfinished, path).unwrap();
    }

    fn at(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.first.ip(), self.first.port() + port)
    }

    pub fn http(&self) -> SocketAddr {
        self.at(HTTP)
    }

    pub fn https(&self) -> SocketAddr {
        self.at(HTTPS)
    }

    pub fn rtmp(&self) -> SocketAddr {
        self.at(RTMP)
    }

    /// Returns the address of the operators' listener.
    pub fn control(&self) -> SocketAddr {
        self.at(CONTROL)
    }

    /// Returns id and secret of the operator's access key.
    pub fn access_key(&self) -> (&str, &str) {
        self.token.split_once('.').unwrap()
    }

    /// Returns an address for a further listener.
    pub fn other(&self) -> SocketAddr {
        self.at(OTHER)
    }

    /// Returns the lines of a further listener.
    pub fn listener(&self, protocol: &str, address: SocketAddr) -> String {
        format!("[[listeners]]\naddress = \"{address}\"\nprotocol = {protocol:?}\n")
    }

    /// Runs the program with a command and the configuration of this edge.
    pub fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_privet"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("PRIVET_CONFIG", "privet.toml")
            .stdin(Stdio::null());
        command.output().unwrap()
    }

    /// As [`StoredEdge::run`], with a text on standard input.
    pub fn run_with(&self, arguments: &[&str], input: &str) -> Output {
        self.write("input.txt", input);
        let mut command = Command::new(env!("CARGO_BIN_EXE_privet"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("PRIVET_CONFIG", "privet.toml")
            .stdin(fs::File::open(self.path("input.txt")).unwrap());
        command.output().unwrap()
    }

    /// Runs a command that has to succeed; returns its output.
    #[track_caller]
    pub fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Makes an admin, whose token [`StoredEdge::v1`] sends.
    pub fn make_operator(&mut self) {
        let made = self.done(&["operator", "create", "root", "--role", "admin", "--json"]);
        let made: Value = serde_json::from_str(&made).unwrap();
        let part = |name: &str| made[name].as_str().unwrap().to_owned();
        self.token = format!("{}.{}", part("access_key_id"), part("secret_access_key"));
    }

    /// Takes over the operator of another edge of the same store.
    pub fn take_operator(&mut self, other: &StoredEdge) {
        self.token.clone_from(&other.token);
    }

    /// Starts the process, and waits until it serves.
    #[track_caller]
    pub fn start(&mut self) {
        let mut process = self.command().spawn().unwrap();
        let mut lines = BufReader::new(process.stderr.take().unwrap()).lines();
        let begun = self.said().len();
        let said = Arc::clone(&self.said);
        let mut serves = false;
        for line in lines.by_ref().map_while(Result::ok) {
            serves = line.contains("serving on ");
            said.lock().unwrap().push_str(&format!("{line}\n"));
            if serves {
                break;
            }
        }
        self.process = Some(process);
        assert!(serves, "it does not serve: {}", &self.said()[begun..]);
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                said.lock().unwrap().push_str(&format!("{line}\n"));
            }
        });
    }

    /// Starts a process that has to end by itself without having served; returns what it said.
    #[track_caller]
    pub fn refuses_to_start(&self) -> String {
        let output = limited(&self.command(), PATIENCE).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(!said.contains("serving on "), "{said}");
        said
    }

    fn command(&self) -> Command {
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", env!("CARGO_BIN_EXE_privet"), "serve"])
            .arg(self.path("privet.toml"))
            .env_remove("PRIVET_STORE_KEY")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }

    /// Sends SIGKILL and waits for the end.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// Lets it end by itself: what it has in memory is on disk then.
    pub fn stop(&mut self) {
        self.signal("-TERM");
        let ended = self.process.take().unwrap().wait().unwrap();
        assert!(ended.success(), "{ended}");
    }

    /// Has the configuration loaded again.
    pub fn hang_up(&self) {
        self.signal("-HUP");
    }

    /// Sends a signal to the process, of which threads may hear while they use it.
    pub fn signal(&self, signal: &str) {
        let process = self.process.as_ref().unwrap().id();
        let mut kill = Command::new("kill");
        kill.args([signal, &process.to_string()]);
        assert!(kill.status().unwrap().success());
    }

    /// Returns everything that its processes have written to standard error.
    pub fn said(&self) -> String {
        self.said.lock().unwrap().clone()
    }

    #[track_caller]
    pub fn until_it_says(&self, words: &str) {
        until(words, || self.said().contains(words));
    }

    /// Requests a URL over plain HTTP.
    #[track_caller]
    pub fn get(&self, url: &str) -> Answer {
        Viewer::plain(self.http(), None).ask(&Ask::get(url))
    }

    /// Returns status and text of the answer to a request for a URL.
    #[track_caller]
    pub fn sees(&self, url: &str) -> (u16, String) {
        let answer = self.get(url);
        (answer.status(), answer.text().to_owned())
    }

    /// Waits until a request for a URL is answered with this status.
    #[track_caller]
    pub fn until_status(&self, url: &str, status: u16) {
        until(&format!("{status} for {url}"), || {
            self.get(url).status() == status
        });
    }

    /// Sends a request to the operators' listener with the operator's token.
    pub fn v1(&self, method: &str, target: &str, body: &Value) -> OperatorAnswer {
        self.try_v1(&V1::new(method, target, body)).unwrap()
    }

    /// Sends a request; `None` if the connection ended before a whole answer.
    pub fn try_v1(&self, request: &V1) -> Option<OperatorAnswer> {
        let mut stream = TcpStream::connect(self.at(CONTROL)).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let _ = stream.write_all(&request.encode(self.at(CONTROL), &self.token));
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let text = String::from_utf8(answer).unwrap();
        let (head, body) = text.split_once("\r\n\r\n")?;
        let json = match body {
            "" => Value::Null,
            body => serde_json::from_str(body).ok()?,
        };
        Some(OperatorAnswer {
            status: head[9..12].parse().unwrap(),
            head: head.to_owned(),
            json,
        })
    }

    /// Creates an item; returns the number of the change.
    #[track_caller]
    pub fn create(&self, collection: &str, document: &Value) -> u64 {
        let made = self.v1("POST", collection, document);
        assert_eq!(made.status, 201, "{}", made.json);
        made.json["change"].as_u64().unwrap()
    }

    /// Changes an item as it is now; returns the number of the change.
    #[track_caller]
    pub fn update(&self, item: &str, change: impl FnOnce(&mut Value)) -> u64 {
        let mut read = self.v1("GET", item, &Value::Null).json;
        change(&mut read["document"]);
        let request = V1::new("PUT", item, &read["document"]).if_match(&read);
        let made = self.try_v1(&request).unwrap();
        assert_eq!(made.status, 200, "{}", made.json);
        made.json["change"].as_u64().unwrap()
    }

    /// Sends a request without a body about an item as it is now, such as its deletion.
    #[track_caller]
    pub fn act(&self, method: &str, item: &str, verb: &str) -> OperatorAnswer {
        let read = self.v1("GET", item, &Value::Null).json;
        let request = V1::new(method, &format!("{item}{verb}"), &Value::Null).if_match(&read);
        self.try_v1(&request).unwrap()
    }

    /// Registers a limited link for one use; returns its id.
    #[track_caller]
    pub fn register_one_time(&self, link: &str) -> String {
        let form = json!({ "link": link, "limits": { "uses": 1 } });
        let made = self.v1("POST", "/v1/links", &form);
        assert_eq!(made.status, 201, "{}", made.json);
        made.json["id"].as_str().unwrap().to_owned()
    }

    /// Waits until a change is in force on `edges` edges, which are all that are known.
    #[track_caller]
    pub fn until_applied(&self, change: u64, edges: u64) {
        let target = format!("/v1/applied/{change}");
        let mut last = Value::Null;
        let is_applied = || {
            last = self.v1("GET", &target, &Value::Null).json;
            (last["edges"].as_u64(), last["of"].as_u64()) == (Some(edges), Some(edges))
        };
        until(&format!("{target} on {edges}"), is_applied);
    }
}

impl Drop for StoredEdge {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            let _ = process.kill();
            let _ = process.wait();
        }
        if std::thread::panicking() {
            eprintln!("{}: {}", self.http(), self.said());
        }
    }
}

/// A request of the operators' interface.
#[derive(Clone, Debug)]
pub struct V1 {
    method: String,
    target: String,
    etag: Option<String>,
    body: Value,
}

impl V1 {
    pub fn new(method: &str, target: &str, body: &Value) -> Self {
        V1 {
            method: method.to_owned(),
            target: target.to_owned(),
            etag: None,
            body: body.clone(),
        }
    }

    /// Has it change the item only as it was read.
    pub fn if_match(self, read: &Value) -> Self {
        let etag = read["etag"].as_str().map(str::to_owned);
        V1 { etag, ..self }
    }

    fn encode(&self, host: SocketAddr, token: &str) -> Vec<u8> {
        let V1 {
            method,
            target,
            etag,
            body,
        } = self;
        let mut head = format!(
            "{method} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n"
        );
        if let Some(etag) = etag {
            head.push_str(&format!("If-Match: \"{etag}\"\r\n"));
        }
        let mut text = String::new();
        if !body.is_null() {
            head.push_str("Content-Type: application/json\r\n");
            text = body.to_string();
        }
        format!("{head}Content-Length: {}\r\n\r\n{text}", text.len()).into_bytes()
    }
}

/// Waits until something is so; returns the time that it took.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) -> Duration {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "it never came: {what}");
        std::thread::yield_now();
    }
    begun.elapsed()
}

/// Returns a loopback address that no other edge of this run has, and a port that no other edge of this process has:
/// edges of one machine are known by their ports.
fn own_address() -> SocketAddr {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed) & 31;
    let [_, high, middle, low] = ((std::process::id() << 5) | count).to_be_bytes();
    let address = Ipv4Addr::new(127, high | 128, middle, low);
    let port = 18_000 + 10 * u16::try_from(count).unwrap();
    SocketAddr::new(address.into(), port)
}

/// Returns a public key of the tests as a document.
pub fn stored_key(id: &str, file: &str) -> Value {
    let pem = fs::read_to_string(key_path(file)).unwrap();
    json!({ "id": id, "pem": pem })
}

/// Returns an open distribution of a folder.
pub fn stored_distribution(id: &str, host: &str, folder: &Path) -> Value {
    json!({
        "id": id,
        "domain_name": host,
        "origins": [{ "id": "videos", "folder": folder }],
        "default_behavior": { "origin": "videos" },
    })
}
