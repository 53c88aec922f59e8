//! An edge in this process: its folder, its configuration, its clock and its log.

use crate::support::{Answer, Ask, LiveLog, NOW, Viewer, key_path};
use privet_control::{Control, SocketError};
use privet_distribution::config::{ListenerProtocol, Snapshot, read_toml};
use privet_edge::{EdgeHandle, LogStream, RunningEdge, StartError, StartOptions};
use privet_sign::Timestamp;
use rustls::pki_types::{CertificateDer, pem::PemObject};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};
use tempfile::TempDir;

/// The listeners and keys of every fixture. There are two addresses, so that the system can choose both ports.
pub const LISTENERS: &str = r#"
[[listeners]]
address = "127.0.0.1:0"
protocol = "http"
[[listeners]]
address = "127.0.0.2:0"
protocol = "https"
"#;

pub const KEYS: &str = r#"
[[public_keys]]
id = "KRSA"
file = "KEYS/rsa2048.pub.pem"
[[public_keys]]
id = "KEC"
file = "KEYS/p256.pub.pem"
[[public_keys]]
id = "KOTHER"
file = "KEYS/rsa4096.pub.pem"
[[key_groups]]
id = "viewers"
public_keys = ["KRSA", "KEC"]
"#;

/// The behaviors of the matrix, and one for CORS.
pub const DISTRIBUTION: &str = r#"
[[distributions]]
id = "EDFDVBD6EXAMPLE"
domain_name = "d111111abcdef8.cloudfront.net"
aliases = ["www.example.com", "*.videos.example.com"]
certificate = { chain = "chain.pem", key = "key.pem" }
[[distributions.origins]]
id = "videos"
folder = "bucket"
[[distributions.behaviors]]
path_pattern = "/public/*"
origin = "videos"
[[distributions.behaviors]]
path_pattern = "/secure/*"
origin = "videos"
viewer_protocol_policy = "https-only"
trusted_key_groups = ["viewers"]
[[distributions.behaviors]]
path_pattern = "/redir/*"
origin = "videos"
viewer_protocol_policy = "redirect-to-https"
trusted_key_groups = ["viewers"]
allowed_methods = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
[[distributions.behaviors]]
path_pattern = "/cors/*"
origin = "videos"
allowed_methods = ["GET", "HEAD", "OPTIONS"]
trusted_key_groups = ["viewers"]
[distributions.default_behavior]
origin = "videos"
trusted_key_groups = ["viewers"]
"#;

pub const LOG: &str = "\n[log]\nfolder = \"logs\"\n";
/// Two workers show what one would hide; more would only cost time.
const WORKERS: &str = "[edge]\nworkers = 2\n";

/// Returns the matrix fixture as text.
pub fn fixture() -> String {
    [WORKERS, LISTENERS, KEYS, DISTRIBUTION, LOG].concat()
}

/// Returns the fixture with limits, e.g. `head_timeout = "200ms"`.
pub fn fixture_with_limits(limits: &str) -> String {
    format!("{}\n[limits]\n{limits}\n", fixture())
}

/// A running edge; dropping it drains it.
pub struct TestEdge {
    edge: Option<(RunningEdge, Control)>,
    folder: TempDir,
    pub live: LiveLog,
}

/// The reason why an edge, or its admin socket, did not start or change.
#[derive(Debug)]
pub enum StartFailure {
    Edge(StartError),
    Socket(SocketError),
}

impl std::fmt::Display for StartFailure {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            StartFailure::Edge(error) => error.fmt(formatter),
            StartFailure::Socket(error) => error.fmt(formatter),
        }
    }
}

impl From<StartError> for StartFailure {
    fn from(error: StartError) -> Self {
        StartFailure::Edge(error)
    }
}

impl From<SocketError> for StartFailure {
    fn from(error: SocketError) -> Self {
        StartFailure::Socket(error)
    }
}

impl TestEdge {
    /// Starts the matrix fixture with an empty bucket.
    pub fn new() -> Self {
        Self::configured(&fixture())
    }

    /// Starts an edge with this configuration, in which `KEYS/` is the folder of the test keys.
    pub fn configured(config: &str) -> Self {
        Self::try_configured(config).unwrap()
    }

    pub fn try_configured(config: &str) -> Result<Self, StartFailure> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("bucket")).unwrap();
        let (certificate, key) = certificate();
        fs::write(folder.path().join("chain.pem"), certificate).unwrap();
        fs::write(folder.path().join("key.pem"), key).unwrap();
        let live = LiveLog::default();
        let snapshot = snapshot(folder.path(), config);
        let socket = Control::bind(snapshot.node.admin_socket.as_deref())?;
        let edge = RunningEdge::start(StartOptions {
            log_stream: LogStream::To(Box::new(live.clone())),
            ..StartOptions::new(snapshot)
        })?;
        edge.handle().clock().set(Timestamp::from_secs(NOW));
        let control = Control::start(edge.handle().clone(), socket)?;
        Ok(TestEdge {
            edge: Some((edge, control)),
            folder,
            live,
        })
    }

    pub fn running(&self) -> &EdgeHandle {
        let (edge, _) = self.edge.as_ref().unwrap();
        edge.handle()
    }

    pub fn reload(&mut self, config: &str) -> Result<(), StartFailure> {
        let snapshot = snapshot(self.folder.path(), config);
        let (edge, control) = self.edge.as_mut().unwrap();
        let socket = control.prepare(snapshot.node.admin_socket.as_deref())?;
        edge.handle().reload(snapshot)?;
        control.take(socket);
        Ok(())
    }

    pub fn set_clock(&self, secs: u64) {
        self.running().clock().set(Timestamp::from_secs(secs));
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Returns the file of the object `name`.
    pub fn object(&self, name: &str) -> PathBuf {
        self.folder.path().join("bucket").join(name)
    }

    pub fn put(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.object(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        path
    }

    /// Returns the address of the first listener with this protocol.
    pub fn address(&self, protocol: &ListenerProtocol) -> SocketAddr {
        let addresses = self.running().addresses();
        let found = addresses.iter().find(|(known, _)| known == protocol);
        found.unwrap().1
    }

    pub fn http(&self) -> SocketAddr {
        self.address(&ListenerProtocol::Http)
    }

    pub fn https(&self) -> SocketAddr {
        self.address(&ListenerProtocol::Https)
    }

    /// Opens a plain connection.
    pub fn plain(&self) -> Viewer {
        Viewer::plain(self.http(), None)
    }

    /// Opens an encrypted connection with HTTP/1.1.
    pub fn tls(&self) -> Viewer {
        Viewer::tls(self.https(), None)
    }

    /// Sends a request on a new connection.
    pub fn ask(&self, ask: &Ask) -> Answer {
        let mut viewer = if ask.is_https() {
            Viewer::tls(self.https(), ask.source)
        } else {
            Viewer::plain(self.http(), ask.source)
        };
        viewer.ask(ask)
    }

    pub fn get(&self, url: &str) -> Answer {
        self.ask(&Ask::get(url))
    }

    /// Drains the edge, and returns its folder and log.
    pub fn stop(mut self) -> (TempDir, LiveLog) {
        let (edge, control) = self.edge.take().unwrap();
        control.stop();
        edge.drain();
        let folder = std::mem::replace(&mut self.folder, tempfile::tempdir().unwrap());
        (folder, self.live.clone())
    }

    /// Asserts that the edge serves a valid request on a new connection of each kind.
    #[track_caller]
    pub fn assert_alive(&self) {
        self.put("public/alive.txt", b"alive");
        for scheme in ["http", "https"] {
            let answer = self.get(&format!("{scheme}://{HOST}/public/alive.txt"));
            assert_eq!(
                (answer.status(), answer.body.as_slice()),
                (200, &b"alive"[..])
            );
        }
    }
}

use crate::support::HOST;

impl Drop for TestEdge {
    fn drop(&mut self) {
        if let Some((edge, control)) = self.edge.take() {
            control.stop();
            edge.drain();
        }
    }
}

pub fn snapshot(folder: &Path, config: &str) -> Arc<Snapshot> {
    let keys = key_path("");
    let config = config.replace("KEYS/", keys.to_str().unwrap());
    let (document, places) = read_toml(&config, &folder.join("privet.toml")).unwrap();
    let mut read_file = |path: &Path| fs::read(folder.join(path));
    Arc::new(Snapshot::build(document, &places, &mut read_file).unwrap())
}

/// Returns a self-signed certificate and its key in PEM, the same for all tests of a run.
pub fn certificate() -> &'static (String, String) {
    static CERTIFICATE: OnceLock<(String, String)> = OnceLock::new();
    CERTIFICATE.get_or_init(|| {
        let names = [HOST, "www.example.com", "*.videos.example.com", "127.0.0.2"];
        let made = rcgen::generate_simple_self_signed(names.map(String::from)).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    })
}

pub fn trusted_roots() -> rustls::RootCertStore {
    let mut roots = rustls::RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(certificate().0.as_bytes()).unwrap();
    roots.add(certificate).unwrap();
    roots
}

/// Sets the file's modification time back, as if it had not been written for a minute.
pub fn age(path: &Path) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::now() - Duration::from_secs(60))
        .unwrap();
}
