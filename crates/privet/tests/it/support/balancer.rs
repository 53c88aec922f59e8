//! A real balancer: HAProxy in front of an edge, which passes TCP connections on with a PROXY header each.

use crate::support::{PATIENCE, TestEdge};
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use tempfile::TempDir;

/// An HAProxy on loopback that reaches the edge from 127.0.0.9; dropping it stops it.
pub struct Balancer {
    process: Child,
    /// Address that leads to the edge's http listener.
    pub http: SocketAddr,
    /// Address that leads to the edge's https listener; TLS is passed on as it comes.
    pub https: SocketAddr,
    _folder: TempDir,
}

impl Balancer {
    pub fn before(edge: &TestEdge) -> Self {
        let folder = tempfile::tempdir().unwrap();
        // Another process may take the free ports first.
        let started = (0..5).find_map(|_| try_start(edge, folder.path()));
        let (process, http, https) = started.expect("haproxy starts");
        Balancer {
            process,
            http,
            https,
            _folder: folder,
        }
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn try_start(edge: &TestEdge, folder: &Path) -> Option<(Child, SocketAddr, SocketAddr)> {
    let free = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let [http, https] = free.map(|listener| listener.local_addr().unwrap());
    let config = HAPROXY
        .replace("BIND_HTTPS", &https.to_string())
        .replace("BIND_HTTP", &http.to_string())
        .replace("EDGE_HTTPS", &edge.https().to_string())
        .replace("EDGE_HTTP", &edge.http().to_string());
    let file = folder.join("haproxy.cfg");
    fs::write(&file, config).unwrap();
    // HAProxy ends with the test, however the test ends. Debian installs servers in a folder that may be missing from a
    // user's `PATH`.
    let path = std::env::var("PATH").unwrap();
    let mut process = Command::new("setpriv")
        .args(["--pdeathsig", "TERM", "haproxy", "-db", "-f"])
        .arg(file)
        .env("PATH", format!("{path}:/usr/sbin"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("`cargo xtask tools` installs haproxy and setpriv");
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if [http, https]
            .iter()
            .all(|address| TcpStream::connect(address).is_ok())
        {
            return Some((process, http, https));
        }
        if process.try_wait().unwrap().is_some() {
            return None;
        }
        std::thread::yield_now();
    }
    process.kill().unwrap();
    process.wait().unwrap();
    None
}

/// The first server of each kind sends only the address, health checks arrive as LOCAL, and the extensions include a
/// checksum.
const HAPROXY: &str = r"
global
    nbthread 1
defaults
    mode tcp
    timeout connect 30s
    timeout client 30s
    timeout server 30s
    unique-id-format %pid-%ci
    default-server source 127.0.0.9 send-proxy-v2 check inter 100ms
listen plain
    bind BIND_HTTP
    server edge EDGE_HTTP
listen encrypted
    bind BIND_HTTPS
    server edge EDGE_HTTPS proxy-v2-options crc32c,unique-id
";
