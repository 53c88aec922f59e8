//! Real origin servers: nginx, started for one test, and a Ceph gateway, started for a whole run.

use crate::support::{Ask, Viewer, answers, command, python};
use serde_json::{Value, json};
use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use tempfile::TempDir;

use crate::support::PATIENCE;

/// An nginx on loopback with a folder of files; dropping it stops it.
///
/// `/chunked/` is served without a length (compressed files, decompressed on the way), `/page/` without length and
/// validators (server-side includes), and PUT stores anywhere.
pub struct Nginx {
    process: Child,
    address: SocketAddr,
    folder: TempDir,
}

impl Nginx {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        for name in ["files", "files/chunked", "files/page", "temporary"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        // Another process may take the free port first.
        let started = (0..5).find_map(|_| try_start(folder.path()));
        let (process, address) = started.expect("nginx starts");
        Nginx {
            process,
            address,
            folder,
        }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the file behind a path.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("files").join(name)
    }

    pub fn put(&self, name: &str, bytes: &[u8]) {
        let file = self.file(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }

    /// Stores a file in compressed form only: nginx decompresses it, and so sends it in chunks.
    pub fn put_chunked(&self, name: &str, bytes: &[u8]) {
        let file = fs::File::create(self.file(&format!("chunked/{name}.gz"))).unwrap();
        let mut encoder = flate2::write::GzEncoder::new(file, flate2::Compression::fast());
        std::io::Write::write_all(&mut encoder, bytes).unwrap();
        encoder.finish().unwrap();
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        // On SIGTERM the master stops its workers; on SIGKILL it would not.
        let _ = Command::new("kill")
            .arg(self.process.id().to_string())
            .status();
        let _ = self.process.wait();
    }
}

fn try_start(folder: &Path) -> Option<(Child, SocketAddr)> {
    let free = TcpListener::bind("127.0.0.1:0").ok()?;
    let address = free.local_addr().ok()?;
    drop(free);
    let place = folder.to_str()?;
    let config = NGINX
        .replace("ADDRESS", &address.to_string())
        .replace("FOLDER", place);
    fs::write(folder.join("nginx.conf"), config).ok()?;
    // nginx ends with the test, however the test ends.
    let mut process = Command::new("setpriv")
        .args(["--pdeathsig", "TERM", "nginx", "-p", place, "-c"])
        .arg(folder.join("nginx.conf"))
        .env("PATH", with_servers(&std::env::var("PATH").unwrap()))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("`cargo xtask tools` installs nginx and setpriv");
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        if TcpStream::connect(address).is_ok() {
            return Some((process, address));
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

/// Debian installs servers in a folder that may be missing from a user's `PATH`.
fn with_servers(path: &str) -> String {
    format!("{path}:/usr/sbin")
}

const NGINX: &str = r#"
daemon off;
# The folder is this user's alone; nginx started by anybody else keeps its user anyway.
user root;
worker_processes 1;
pid FOLDER/pid;
error_log FOLDER/error.log;
events {}
http {
    access_log off;
    client_body_temp_path FOLDER/temporary/body;
    proxy_temp_path FOLDER/temporary/proxy;
    fastcgi_temp_path FOLDER/temporary/fastcgi;
    uwsgi_temp_path FOLDER/temporary/uwsgi;
    scgi_temp_path FOLDER/temporary/scgi;
    types { text/plain txt; video/mp4 mp4; }
    default_type application/octet-stream;
    server {
        listen ADDRESS;
        root FOLDER/files;
        merge_slashes off;
        gzip_static on;
        dav_methods PUT DELETE;
        client_max_body_size 0;
        create_full_put_path on;
        location /chunked/ { gzip_static always; gunzip on; }
        location /page/ { ssi on; ssi_types *; }
        location /forbidden/ { return 403 "nginx forbids this\n"; }
    }
}
"#;

/// A bucket in the run's Ceph gateway.
pub struct Bucket {
    url: String,
    name: String,
}

impl Bucket {
    pub const ACCESS_KEY: &'static str = "AKRGW";
    pub const SECRET_KEY: &'static str = "SKRGW";

    /// Creates a bucket; without a gateway, prints a line that says so and returns `None`.
    pub fn create(name: &str) -> Option<Self> {
        let Ok(url) = std::env::var("PRIVET_RGW") else {
            eprintln!("SKIPPED: no S3 gateway; `cargo xtask test` starts one and sets PRIVET_RGW");
            return None;
        };
        // A gateway that was started by hand serves many runs of the same test.
        let name = format!("{name}-{}", std::process::id());
        let bucket = Bucket { url, name };
        assert_eq!(bucket.request("PUT", "", None)["status"], 200);
        Some(bucket)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn endpoint(&self) -> &str {
        &self.url
    }

    /// Stores an object under a key in wire form, without the leading slash.
    #[track_caller]
    pub fn put(&self, key: &str, body: &str) {
        let answer = self.request("PUT", &format!("/{key}"), Some(body));
        assert_eq!(answer["status"], 200, "{key}: {answer}");
    }

    /// Gives the bucket a policy that allows `action` on its objects to everybody.
    #[track_caller]
    pub fn allow_everybody(&self, action: &str) {
        let policy = json!({
            "Version": "2012-10-17",
            "Statement": [{
                "Effect": "Allow",
                "Principal": "*",
                "Action": action,
                "Resource": format!("arn:aws:s3:::{}/*", self.name),
            }],
        });
        let answer = self.request("PUT", "?policy", Some(&policy.to_string()));
        assert_eq!(answer["status"], 204, "{answer}");
    }

    /// Gives the bucket a canned ACL such as `public-read-write`.
    #[track_caller]
    pub fn set_acl(&self, acl: &str) {
        let wish = json!({
            "method": "PUT",
            "path": format!("/{}?acl", self.name),
            "headers": {"x-amz-acl": acl},
        });
        let answer = self.send(&wish);
        assert_eq!(answer["status"], 200, "{answer}");
    }

    /// Returns the number of objects.
    #[track_caller]
    pub fn count(&self) -> usize {
        let listing = self.request("GET", "", None);
        assert_eq!(listing["status"], 200, "{listing}");
        listing["body"].as_str().unwrap().matches("<Key>").count()
    }

    /// Returns the lines of an `[[distributions.origins]]` that signs with the bucket owner's keys.
    pub fn origin_lines(&self) -> String {
        format!(
            "s3 = {{ bucket = {:?}, region = \"us-east-1\", endpoint = {:?}, addressing = \"path\", \
             access_key_id = \"{}\", secret_access_key = \"{}\" }}",
            self.name,
            self.url,
            Bucket::ACCESS_KEY,
            Bucket::SECRET_KEY
        )
    }

    /// Returns the status that a client without keys gets from the gateway.
    pub fn anonymous_status(&self, key: &str) -> u16 {
        let gateway = self.url.trim_start_matches("http://");
        let mut viewer = Viewer::plain(gateway.parse().unwrap(), None);
        let direct = format!("{}/{}/{key}", self.url, self.name);
        viewer.send(&Ask::get(direct).bytes());
        viewer.framed_answer().0.status()
    }

    /// Sends a request signed by botocore for a path beneath the bucket (with its slash) or a query; returns `status`,
    /// `headers`, `body`.
    pub fn request(&self, method: &str, path: &str, body: Option<&str>) -> Value {
        let wish = json!({
            "method": method,
            "path": format!("/{}{path}", self.name),
            "body": body.unwrap_or_default(),
        });
        self.send(&wish)
    }

    fn send(&self, wish: &Value) -> Value {
        let script = [
            "origins/s3_requests.py",
            &self.url,
            Bucket::ACCESS_KEY,
            Bucket::SECRET_KEY,
        ];
        let mut lines = answers(command(python(), &script), &format!("{wish}\n"));
        lines.pop().unwrap()
    }
}
