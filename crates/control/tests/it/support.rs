//! An edge with its store and its operators in a folder of its own, and a client of the operators' interface.

use aws_lc_rs::{digest, hmac};
use privet_control::{
    Control, ControlOptions, FileService, LateStore, ListenerOptions, Operations,
    OperationsOptions, Running, Source, holder_of,
};
use privet_distribution::config::{Snapshot, read_toml, read_toml_items};
use privet_edge::{RunningEdge, StartOptions};
use privet_sign::Timestamp;
use privet_store::{Location, Role, SealingKey, Store, StoreOptions};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// The time at which the tests happen: 2030-01-01T00:00:00Z.
pub const NOW: u64 = 1_893_456_000;
pub const HOST: &str = "privet.example";
/// Headers that are signed if they are sent.
const SIGNED: [&str; 4] = ["host", "idempotency-key", "if-match", "x-amz-date"];
pub const PATIENCE: Duration = Duration::from_secs(20);
pub const PUBLIC_KEY: &str = include_str!("../../../sign/tests/keys/rsa2048.pub.pem");
pub const OTHER_PUBLIC_KEY: &str = include_str!("../../../sign/tests/keys/p256.pub.pem");

const NODE: &str = r#"
[edge]
workers = 1
[[listeners]]
address = "127.0.0.1:0"
protocol = "http"
[admin]
socket = "admin.sock"
"#;

const WITH_STORE: &str = "[store]\nfile = \"privet.db\"\n";

/// A running edge and its operators' interface; dropping it stops both.
pub struct Fixture {
    running: Option<(RunningEdge, Control)>,
    pub store: Option<Store>,
    runtime: Runtime,
    pub folder: TempDir,
}

/// An access key of an operator.
#[derive(Clone, Debug)]
pub struct Key {
    pub id: String,
    pub secret: String,
}

impl Fixture {
    /// Starts an edge whose service is in a store.
    pub fn new() -> Self {
        Fixture::with("")
    }

    /// Starts an edge whose service is in a store, with more settings of the machine.
    pub fn with(more: &str) -> Self {
        Fixture::of_store(more, None)
    }

    /// Starts an edge whose listener has a certificate.
    pub fn over_tls(tls: Arc<rustls::ServerConfig>) -> Self {
        Fixture::of_store("", Some(tls))
    }

    fn of_store(more: &str, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let options = StoreOptions {
            location: Location::File(folder.path().join("privet.db")),
            key: SealingKey::generate().unwrap(),
        };
        let store = runtime.block_on(Store::open(options)).unwrap();
        let late = LateStore::of(store.clone());
        let more = format!("{more}\n{WITH_STORE}");
        Fixture::start(folder, runtime, (&more, Some(late)), (Some(store), tls))
    }

    /// Starts an edge whose store could not be opened yet.
    pub fn of_absent_store() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let late = LateStore::default();
        Fixture::start(folder, runtime, (WITH_STORE, Some(late)), (None, None))
    }

    /// Starts an edge whose service is in its file.
    pub fn of_file(service: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        Fixture::start(folder, runtime, (service, None), (None, None))
    }

    fn start(
        folder: TempDir,
        runtime: Runtime,
        (more, late): (&str, Option<LateStore>),
        (store, tls): (Option<Store>, Option<Arc<rustls::ServerConfig>>),
    ) -> Self {
        let config = &format!("{NODE}\n{more}");
        std::fs::create_dir(folder.path().join("bucket")).unwrap();
        std::fs::write(folder.path().join("key.pub.pem"), PUBLIC_KEY).unwrap();
        let file = folder.path().join("privet.toml");
        let (document, places) = read_toml(config, &file).unwrap();
        let read = &mut |path: &Path| std::fs::read(path);
        let snapshot = Arc::new(Snapshot::build(document, &places, read).unwrap());
        let socket = Control::bind(snapshot.node.admin_socket.as_deref()).unwrap();
        let listener = Control::bind_listener(Some(&ListenerOptions {
            address: "127.0.0.1:0".parse().unwrap(),
            hosts: vec![HOST.to_owned()],
            tls,
        }));
        let edge = RunningEdge::start(StartOptions::new(snapshot)).unwrap();
        edge.handle().clock().set(Timestamp::from_secs(NOW));
        let control = Control::start_with(ControlOptions {
            edge: edge.handle().clone(),
            source: match late {
                Some(late) => Source::Store(late),
                None => Source::File(Arc::new(FileService {
                    items: Arc::new(read_toml_items(config, &file).unwrap()).into(),
                    file,
                })),
            },
            folder: folder.path().to_owned(),
            socket,
            listener: listener.unwrap(),
            cloudfront: privet_control::cloudfront::Settings::default(),
        });
        Fixture {
            running: Some((edge, control.unwrap())),
            store,
            runtime,
            folder,
        }
    }

    pub fn edge(&self) -> &privet_edge::EdgeHandle {
        self.running.as_ref().unwrap().0.handle()
    }

    pub fn control(&self) -> &Control {
        &self.running.as_ref().unwrap().1
    }

    pub fn address(&self) -> SocketAddr {
        self.running.as_ref().unwrap().1.listener_address().unwrap()
    }

    /// Gives the listener other names or another certificate.
    pub fn renew(&mut self, options: &ListenerOptions) {
        let (_, control) = self.running.as_mut().unwrap();
        let change = control.prepare_listener(Some(options)).unwrap();
        control.take_listener(change);
    }

    /// Has CloudFront's API say other things of the service.
    pub fn set_cloudfront(&self, settings: privet_control::cloudfront::Settings) {
        let (_, control) = self.running.as_ref().unwrap();
        control.set_cloudfront(settings);
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("admin.sock")
    }

    pub fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Returns operations as a command has them that opens the store.
    pub fn operations(&self) -> Operations {
        Operations::new(OperationsOptions {
            source: Source::Store(LateStore::of(self.store.clone().unwrap())),
            running: Running::Loaded(self.edge().snapshot()),
            clock: self.edge().clock().clone(),
            folder: self.folder.path().to_owned(),
        })
    }

    /// Creates an operator on the machine itself.
    pub fn operator(&self, name: &str, role: Role, scope: Option<&[&str]>) -> Key {
        let holder = holder_of(self.store.as_ref().unwrap());
        let admin = privet_control::Operator::admit(&holder).unwrap();
        let request = privet_control::NewOperatorRequest {
            name: name.to_owned(),
            role,
            scope: scope.map(|ids| ids.iter().map(|id| (*id).to_owned()).collect()),
        };
        let operations = self.operations();
        let new = self
            .wait(operations.create_operator(&admin, request))
            .unwrap();
        Key {
            id: new.access_key_id,
            secret: new.secret_access_key.expose().to_owned(),
        }
    }

    pub fn admin(&self) -> Key {
        self.operator("chief", Role::Admin, None)
    }

    /// Sends a request to the listener.
    pub fn ask(&self, ask: &Ask) -> Answer {
        let mut stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        exchange(&mut stream, &ask.encode())
    }

    /// Sends a request to the socket.
    pub fn ask_socket(&self, ask: &Ask) -> Answer {
        let mut stream = UnixStream::connect(self.socket()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        exchange(&mut stream, &ask.encode())
    }

    /// Creates an item over the socket, and returns its ETag.
    #[track_caller]
    pub fn put(&self, collection: &str, document: &Value) -> String {
        let made = self.ask_socket(&Ask::new("POST", collection).json(document));
        assert_eq!(made.status, 201, "{:?}", made.json);
        made.json["etag"].as_str().unwrap().to_owned()
    }

    /// Creates a key, a group of it, and a distribution that trusts the group.
    pub fn furnish(&self) {
        self.put("/v1/keys", &json!({"id": "K1", "pem": PUBLIC_KEY}));
        self.put(
            "/v1/key-groups",
            &json!({"id": "viewers", "public_keys": ["K1"]}),
        );
        self.put("/v1/distributions", &distribution("E1", "one.example"));
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        if let Some((edge, control)) = self.running.take() {
            control.stop();
            edge.drain();
        }
    }
}

/// Returns a distribution that trusts the group `viewers`.
pub fn distribution(id: &str, host: &str) -> Value {
    json!({
        "id": id,
        "domain_name": host,
        "origins": [{"id": "videos", "folder": "bucket"}],
        "default_behavior": {"origin": "videos", "trusted_key_groups": ["viewers"]},
    })
}

/// A request.
#[derive(Clone, Debug)]
pub struct Ask {
    pub method: String,
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Ask {
    pub fn new(method: &str, target: &str) -> Self {
        Ask {
            method: method.to_owned(),
            target: target.to_owned(),
            headers: vec![("host".to_owned(), HOST.to_owned())],
            body: Vec::new(),
        }
    }

    pub fn get(target: &str) -> Self {
        Ask::new("GET", target)
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn json(self, value: &Value) -> Self {
        self.text(&value.to_string())
    }

    /// Takes a body whose type is not declared.
    pub fn xml(mut self, text: &str) -> Self {
        self.body = text.as_bytes().to_vec();
        self
    }

    /// Takes a text as a body that is declared as JSON.
    pub fn text(self, text: &str) -> Self {
        let mut ask = self.header("content-type", "application/json");
        ask.body = text.as_bytes().to_vec();
        ask
    }

    pub fn bearer(self, key: &Key) -> Self {
        let token = format!("Bearer {}.{}", key.id, key.secret);
        self.header("authorization", &token)
    }

    /// Signs the request as of now.
    pub fn signed(self, key: &Key) -> Self {
        self.signed_at(key, NOW)
    }

    /// Signs host, conditions, date and body as botocore does.
    pub fn signed_at(self, key: &Key, at: u64) -> Self {
        self.signed_for("privet", key, at)
    }

    /// Signs for a service.
    pub fn signed_for(self, service: &str, key: &Key, at: u64) -> Self {
        let at = jiff::Timestamp::from_second(i64::try_from(at).unwrap()).unwrap();
        let date = at.strftime("%Y%m%dT%H%M%SZ").to_string();
        let ask = self.header("x-amz-date", &date);
        let (path, query) = ask.target.split_once('?').unwrap_or((&ask.target, ""));
        let mut signed: Vec<&(String, String)> = ask.headers.iter().collect();
        signed.retain(|(name, _)| SIGNED.contains(&name.as_str()));
        signed.sort();
        let names: Vec<&str> = signed.iter().map(|(name, _)| name.as_str()).collect();
        let names = names.join(";");
        let lines = signed.iter().fold(String::new(), |lines, (name, value)| {
            format!("{lines}{name}:{value}\n")
        });
        let mut query: Vec<String> = query
            .split('&')
            .filter(|pair| !pair.is_empty())
            .map(|pair| match pair.contains('=') {
                true => pair.to_owned(),
                false => format!("{pair}="),
            })
            .collect();
        query.sort();
        let query = query.join("&");
        let canonical = format!(
            "{}\n{path}\n{query}\n{lines}\n{names}\n{}",
            ask.method,
            sha256(&ask.body)
        );
        let scope = format!("{}/eu-west-1/{service}/aws4_request", &date[..8]);
        let text = format!(
            "AWS4-HMAC-SHA256\n{date}\n{scope}\n{}",
            sha256(canonical.as_bytes())
        );
        let mut secret = format!("AWS4{}", key.secret).into_bytes();
        for part in scope.split('/') {
            secret = hmac_of(&secret, part);
        }
        let signature = hex(&hmac_of(&secret, &text));
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={names}, Signature={signature}",
            key.id
        );
        ask.header("authorization", &authorization)
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nconnection: close\r\n",
            self.method, self.target
        );
        for (name, value) in &self.headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        let has_length = self
            .headers
            .iter()
            .any(|(name, _)| name == "content-length");
        if !has_length && (!self.body.is_empty() || self.method != "GET") {
            write!(head, "content-length: {}\r\n", self.body.len()).unwrap();
        }
        head.push_str("\r\n");
        [head.as_bytes(), &self.body].concat()
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub text: String,
    pub json: Value,
}

impl Answer {
    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (other, value) = line.split_once(": ")?;
            other.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// Sends bytes and reads the answer to the end of the connection.
pub fn exchange(stream: &mut (impl Read + Write), bytes: &[u8]) -> Answer {
    // A failed write is not final: the answer may be there already.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    let text = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    Answer {
        status: head
            .get(9..12)
            .and_then(|code| code.parse().ok())
            .unwrap_or_default(),
        head: head.to_owned(),
        text: body.to_owned(),
        json: serde_json::from_str(body).unwrap_or(Value::Null),
    }
}

fn sha256(bytes: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, bytes).as_ref())
}

fn hmac_of(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
