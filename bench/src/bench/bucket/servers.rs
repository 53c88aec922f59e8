//! The servers of `bench bucket`: Privet, Ceph's gateway with its daemons, moto, the sample server of s3s, and nginx.

use super::super::operators::token;
use super::super::process::cpu_time;
use super::super::servers::{Server, free_port, nginx_user, write, write_private};
use super::client::{Keys, Payload, S3Client};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use xtask::command::{self, Outcome};
use xtask::s3_gateway::{GatewayStore, S3Gateway};
use xtask::tools;

/// The bucket that all objects are in.
pub const BUCKET: &str = "bench";
/// Size of what Ceph may store: replaced objects stay for hours.
const CEPH_SIZE_BYTES: u64 = 12 << 30;

/// What a server does about the disk before it answers an upload.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// It waits until the disk has everything.
    Synced,
    /// It leaves that to the operating system, or has no disk.
    Unsynced,
}

/// A running server of S3, or of files.
pub struct S3Server {
    pub name: &'static str,
    pub port: u16,
    pub keys: Keys,
    /// All processes that work for it.
    processes: Vec<u32>,
    /// The one of them that speaks S3, where others store.
    pub gateway: Option<u32>,
    _running: Running,
}

/// What ends the server when it is dropped.
enum Running {
    Server { _server: Server },
    Gateway { _gateway: S3Gateway },
}

impl S3Server {
    /// Returns the CPU time of all its processes.
    pub fn cpu_time(&self) -> Outcome<Duration> {
        self.processes.iter().map(|id| cpu_time(*id)).sum()
    }

    /// Makes the bucket.
    pub fn make_bucket(&self) -> Outcome {
        let mut client = S3Client::new(self.port, &self.keys);
        client.put(&format!("/{BUCKET}"), &Payload::new(Vec::new()))
    }

    fn of(server: Server, port: u16, keys: Keys) -> Self {
        S3Server {
            name: server.name,
            port,
            keys,
            processes: vec![server.process()],
            gateway: None,
            _running: Running::Server { _server: server },
        }
    }
}

/// Privet with a folder of buckets, stopped.
pub struct PrivetBuckets {
    folder: PathBuf,
    ports: (u16, u16),
    toml: String,
    keys: Keys,
}

impl PrivetBuckets {
    pub fn prepare(folder: &Path, durability: Durability) -> Outcome<Self> {
        fs::create_dir_all(folder).map_err(|error| error.to_string())?;
        let ports = (free_port()?, free_port()?);
        let sync = durability == Durability::Synced;
        let toml = format!(
            "[edge]\nworkers = 1\n[[listeners]]\naddress = \"127.0.0.1:{}\"\n[store]\nfile = \"privet.db\"\n\
             key_file = \"store.key\"\n[buckets]\naddress = \"127.0.0.1:{}\"\nsync = {sync}\n",
            ports.0, ports.1
        );
        let config = folder.join("privet.toml");
        write(&config, &toml)?;
        write_private(&folder.join("store.key"), &"ab".repeat(32))?;
        let token = token(&config)?;
        let (id, secret) = token.split_once('.').unwrap_or_default();
        Ok(PrivetBuckets {
            folder: folder.to_owned(),
            ports,
            toml,
            keys: Keys {
                access_key_id: id.to_owned(),
                secret_access_key: secret.to_owned(),
            },
        })
    }

    /// Starts it, and waits until it answers.
    pub fn start(&self) -> Outcome<S3Server> {
        let binary = command::target().join("release/privet");
        let server = Server::privet_of(&binary, "privet", &self.folder, self.ports, &self.toml)?;
        Ok(S3Server::of(server, self.ports.1, self.keys.clone()))
    }
}

/// Starts the peers that can be had here.
pub fn peers(folder: &Path, durability: Durability) -> Outcome<Vec<S3Server>> {
    let mut peers: Vec<S3Server> = ceph(folder, durability)?.into_iter().collect();
    if durability == Durability::Unsynced {
        peers.push(moto(folder)?);
        peers.extend(s3s_fs(folder)?);
        peers.push(nginx(folder)?);
    }
    for peer in peers.iter().filter(|peer| peer.name != NGINX) {
        peer.make_bucket()?;
    }
    Ok(peers)
}

const NGINX: &str = "nginx";

fn keys(access_key_id: &str, secret_access_key: &str) -> Keys {
    Keys {
        access_key_id: access_key_id.to_owned(),
        secret_access_key: secret_access_key.to_owned(),
    }
}

/// Starts Ceph: with its usual store on a file if uploads are to be on the disk, and in memory otherwise.
fn ceph(folder: &Path, durability: Durability) -> Outcome<Option<S3Server>> {
    if !tools::has_s3_gateway() {
        eprintln!("xtask: Ceph is not installed; its rows are left out");
        return Ok(None);
    }
    let (name, kind, place) = match durability {
        Durability::Synced => ("ceph, bluestore", "bluestore", "ceph-disk"),
        Durability::Unsynced => ("ceph, memstore", "memstore", "ceph-memory"),
    };
    let store = GatewayStore {
        kind,
        size_bytes: CEPH_SIZE_BYTES,
    };
    let folder = folder.join(place);
    let mut gateway = S3Gateway::begin_in(&folder, &store)?;
    let url = gateway.url()?;
    let port = url.rsplit(':').next().and_then(|port| port.parse().ok());
    let port = port.ok_or_else(|| format!("{url} has no port"))?;
    let listed = fs::read_to_string(folder.join("pids")).map_err(|error| error.to_string())?;
    let processes: Vec<u32> = listed.lines().filter_map(|id| id.parse().ok()).collect();
    Ok(Some(S3Server {
        name,
        port,
        keys: keys("AKRGW", "SKRGW"),
        // The gateway is started last.
        gateway: processes.last().copied(),
        processes,
        _running: Running::Gateway { _gateway: gateway },
    }))
}

fn moto(folder: &Path) -> Outcome<S3Server> {
    let port = free_port()?;
    let mut command = Command::new(tools::install_moto()?);
    command.args(["-H", "127.0.0.1", "-p", &port.to_string()]);
    let server = Server::start("moto", &mut command, (port, port), &folder.join("moto.txt"))?;
    Ok(S3Server::of(server, port, keys("AKIDEXAMPLE", "secret")))
}

/// Starts the server that comes with s3s as a sample, if `cargo install s3s-fs --features binary` was done.
fn s3s_fs(folder: &Path) -> Outcome<Option<S3Server>> {
    let own = command::target().join("test-tools/s3s-fs/bin/s3s-fs");
    let program = match own.is_file() {
        true => own,
        false if command::on_path("s3s-fs") => PathBuf::from("s3s-fs"),
        false => {
            eprintln!("xtask: s3s-fs is not installed; its rows are left out");
            return Ok(None);
        }
    };
    let root = folder.join("s3s-fs");
    fs::create_dir_all(&root).map_err(|error| error.to_string())?;
    let port = free_port()?;
    let mut command = Command::new(program);
    command
        .args(["--host", "127.0.0.1", "--port", &port.to_string()])
        .args(["--access-key", "AKIDEXAMPLE", "--secret-key", "secret"])
        .arg(root)
        .env("RUST_LOG", "error");
    let words = folder.join("s3s-fs.txt");
    let server = Server::start("s3s-fs", &mut command, (port, port), &words)?;
    Ok(Some(S3Server::of(
        server,
        port,
        keys("AKIDEXAMPLE", "secret"),
    )))
}

/// Starts nginx over a folder: it sends files, and takes them by WebDAV. It checks nothing.
fn nginx(folder: &Path) -> Outcome<S3Server> {
    let folder = folder.join("nginx");
    fs::create_dir_all(folder.join("files").join(BUCKET)).map_err(|error| error.to_string())?;
    let port = free_port()?;
    let user = nginx_user()?;
    let conf = format!(
        r"{user}
worker_processes 2;
pid {place}/nginx.pid;
error_log {place}/nginx-error.log error;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {place}/files/body;
  proxy_temp_path {place}/proxy;
  fastcgi_temp_path {place}/fastcgi;
  uwsgi_temp_path {place}/uwsgi;
  scgi_temp_path {place}/scgi;
  client_max_body_size 0;
  sendfile on;
  sendfile_max_chunk 2m;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_timeout 60s;
  keepalive_requests 100000000;
  server {{
    listen 127.0.0.1:{port} reuseport;
    root {place}/files;
    dav_methods PUT;
    create_full_put_path on;
  }}
}}
",
        place = folder.display(),
    );
    let server = Server::nginx_with(NGINX, &folder, (port, port), &conf)?;
    Ok(S3Server::of(server, port, keys("AKIDEXAMPLE", "secret")))
}
