//! The two servers of `bench edge`: their configurations, how they are started and stopped.
//!
//! Both serve the same folder with the same certificate and two workers, check the file again for every request and
//! check every link: Privet by CloudFront signatures, nginx by its `secure_link` (MD5 with an expiry).

use super::keys::Key;
use super::load::Protocol;
use std::fs;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use xtask::command::{self, Outcome, cargo, output, program, server_program};

/// The secret that nginx mixes into its links.
pub const SECRET: &str = "bench-secret";

/// Longest time until a server listens, whatever it has been given to read.
const START_MAX: Duration = Duration::from_secs(60);

/// A running server; dropping it stops it.
pub struct Server {
    pub name: &'static str,
    pub http_port: u16,
    pub https_port: u16,
    child: Child,
}

/// Size of Privet's memory of checked signatures.
#[derive(Clone, Copy, PartialEq)]
pub enum Memory {
    /// The default size.
    Default,
    /// One entry: every link that differs from the last one is checked with the public key.
    One,
}

/// Setting of the access log.
#[derive(Clone, Copy, PartialEq)]
pub enum AccessLog {
    On,
    Off,
}

impl Server {
    /// Returns the process id of the server.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Returns the port for this protocol.
    pub fn port(&self, protocol: Protocol) -> u16 {
        match protocol {
            Protocol::Plain => self.http_port,
            Protocol::Https | Protocol::Http2 => self.https_port,
        }
    }

    /// Builds and starts Privet on free ports.
    pub fn privet(folder: &Path, keys: &[Key], memory: Memory, log: AccessLog) -> Outcome<Self> {
        let ports = (free_port()?, free_port()?);
        Self::privet_with(
            folder,
            ports,
            &privet_toml(folder, keys, ports, memory, log),
        )
    }

    /// Builds Privet as it is shipped.
    pub fn build_privet() -> Outcome {
        command::run(cargo().args([
            "build",
            "--release",
            "--quiet",
            "--locked",
            "--package",
            "privet",
        ]))
    }

    /// Starts Privet, built before, with this configuration, which listens on `ports`.
    pub fn privet_with(folder: &Path, ports: (u16, u16), toml: &str) -> Outcome<Self> {
        let binary = command::target().join("release/privet");
        Self::privet_of(&binary, "privet", folder, ports, toml)
    }

    /// Starts another build in the same way.
    pub fn privet_of(
        binary: &Path,
        name: &'static str,
        folder: &Path,
        ports: (u16, u16),
        toml: &str,
    ) -> Outcome<Self> {
        let config = folder.join(format!("privet-{}.toml", ports.0));
        write(&config, toml)?;
        let mut command = Command::new(binary);
        command.arg("serve").arg(&config);
        Self::start(
            name,
            &mut command,
            ports,
            &folder.join(format!("privet-{}.txt", ports.0)),
        )
    }

    /// Starts nginx on free ports, in the foreground.
    pub fn nginx(folder: &Path, log: AccessLog) -> Outcome<Self> {
        let ports = (free_port()?, free_port()?);
        Self::nginx_with("nginx", folder, ports, &nginx_conf(folder, ports, log)?)
    }

    /// Starts nginx with this configuration, which listens on `ports`.
    pub fn nginx_with(
        name: &'static str,
        folder: &Path,
        ports: (u16, u16),
        conf: &str,
    ) -> Outcome<Self> {
        let config = folder.join(format!("nginx-{}.conf", ports.0));
        write(&config, conf)?;
        let mut command = Command::new(server_program("nginx"));
        command
            .arg("-p")
            .arg(folder)
            .arg("-c")
            .arg(&config)
            .args(["-g", "daemon off;"]);
        Self::start(name, &mut command, ports, &folder.join("nginx.txt"))
    }

    /// Starts a server and waits until it listens. Its output goes to the file `words`.
    pub fn start(
        name: &'static str,
        command: &mut Command,
        ports: (u16, u16),
        words: &Path,
    ) -> Outcome<Self> {
        let file = fs::File::create(words).map_err(|error| error.to_string())?;
        let copy = file.try_clone().map_err(|error| error.to_string())?;
        command.stdin(Stdio::null()).stdout(file).stderr(copy);
        let child = command
            .spawn()
            .map_err(|error| format!("cannot start {name}: {error}"))?;
        let mut server = Self {
            name,
            http_port: ports.0,
            https_port: ports.1,
            child,
        };
        let deadline = Instant::now() + START_MAX;
        while !(is_open(ports.0) && is_open(ports.1)) {
            let ended = server.child.try_wait().is_ok_and(|status| status.is_some());
            if ended || Instant::now() > deadline {
                let said = fs::read_to_string(words).unwrap_or_default();
                return Err(format!("{name} does not serve; it said: {}", said.trim()));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(server)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGTERM comes first: nginx's master then stops its workers too.
        let process = self.process().to_string();
        if command::answers(&mut program("kill", &["-TERM", &process])) {
            let deadline = Instant::now() + Duration::from_secs(5);
            while Instant::now() < deadline {
                if self.child.try_wait().is_ok_and(|status| status.is_some()) {
                    return;
                }
                thread::sleep(Duration::from_millis(20));
            }
        }
        // The server may have ended in the meantime; neither failure matters.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes a self-signed P-256 certificate for both servers: `tls.pem` and `tls.key` in `folder`.
pub fn make_certificate(folder: &Path) -> Outcome {
    let words = [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
    ];
    let mut command = program("openssl", &words);
    command.args([
        "-days",
        "30",
        "-subj",
        "/CN=localhost",
        "-addext",
        "subjectAltName=DNS:localhost",
    ]);
    command
        .arg("-keyout")
        .arg(folder.join("tls.key"))
        .arg("-out")
        .arg(folder.join("tls.pem"));
    output(&mut command).map(|_| ())
}

/// Returns the cipher that a TLS 1.3 client gets.
pub fn cipher(server: &Server) -> Outcome<String> {
    let address = format!("localhost:{}", server.https_port);
    let words = [
        "s_client",
        "-connect",
        &address,
        "-servername",
        "localhost",
        "-brief",
    ];
    let mut command = program("openssl", &words);
    let said = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    let said =
        String::from_utf8_lossy(&said.stderr).into_owned() + &String::from_utf8_lossy(&said.stdout);
    let line = said
        .lines()
        .find_map(|line| line.strip_prefix("Ciphersuite: "));
    Ok(line.unwrap_or("unknown").to_owned())
}

/// Returns the configuration of an edge that serves `folder`.
pub fn privet_toml(
    folder: &Path,
    keys: &[Key],
    ports: (u16, u16),
    memory: Memory,
    log: AccessLog,
) -> String {
    let place = folder.display();
    let limits = match memory {
        Memory::Default => "",
        Memory::One => "signature_memory_entries_max = 1\n",
    };
    let log = match log {
        AccessLog::Off => String::new(),
        AccessLog::On => format!("[log]\nfolder = \"{place}/privet-logs\"\n\n"),
    };
    let public_keys: String = keys
        .iter()
        .map(|key| {
            format!(
                "[[public_keys]]\nid = \"{}\"\nfile = \"{}\"\n\n",
                key.id,
                key.public_file.display()
            )
        })
        .collect();
    let ids: Vec<String> = keys.iter().map(|key| format!("\"{}\"", key.id)).collect();
    format!(
        r#"[edge]
workers = 2

[limits]
connections_per_address_max = 10000
{limits}
{log}[[listeners]]
address = "127.0.0.1:{}"
protocol = "http"

[[listeners]]
address = "127.0.0.1:{}"
protocol = "https"

{public_keys}[[key_groups]]
id = "bench"
public_keys = [{ids}]

[[distributions]]
id = "EBENCH0000001"
domain_name = "d111111abcdef8.cloudfront.net"
aliases = ["localhost"]
certificate = {{ chain = "{place}/tls.pem", key = "{place}/tls.key" }}

[[distributions.origins]]
id = "files"
folder = "{place}/files"

[distributions.default_behavior]
origin = "files"
viewer_protocol_policy = "allow-all"
trusted_key_groups = ["bench"]
"#,
        ports.0,
        ports.1,
        ids = ids.join(", ")
    )
}

fn nginx_conf(folder: &Path, ports: (u16, u16), log: AccessLog) -> Outcome<String> {
    let access_log = match log {
        AccessLog::Off => "off".to_owned(),
        AccessLog::On => format!(
            "{}/nginx-access.log combined buffer=64k flush=5s",
            folder.display()
        ),
    };
    let user = nginx_user()?;
    Ok(format!(
        r#"{user}
worker_processes 2;
pid {place}/nginx-{}.pid;
error_log {place}/nginx-error.log error;
events {{ worker_connections 4096; }}
http {{
  include /etc/nginx/mime.types;
  access_log {access_log};
  client_body_temp_path {place}/nginx-body;
  proxy_temp_path {place}/nginx-proxy;
  fastcgi_temp_path {place}/nginx-fastcgi;
  uwsgi_temp_path {place}/nginx-uwsgi;
  scgi_temp_path {place}/nginx-scgi;
  sendfile on;
  sendfile_max_chunk 2m;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_timeout 60s;
  keepalive_requests 100000000;
  ssl_certificate {place}/tls.pem;
  ssl_certificate_key {place}/tls.key;
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_session_cache shared:SSL:10m;
  ssl_buffer_size 16k;
  server {{
    listen 127.0.0.1:{} reuseport;
    listen 127.0.0.1:{} ssl http2 reuseport;
    server_name localhost;
    root {place}/files;
    location / {{
      secure_link $arg_md5,$arg_expires;
      secure_link_md5 "$secure_link_expires$uri {SECRET}";
      if ($secure_link = "") {{ return 403; }}
      if ($secure_link = "0") {{ return 410; }}
    }}
  }}
}}
"#,
        ports.0,
        ports.0,
        ports.1,
        place = folder.display(),
    ))
}

/// Returns the user of nginx's workers: under root they would change to one that may not read the temporary folder.
pub fn nginx_user() -> Outcome<&'static str> {
    let is_root = output(&mut program("id", &["-u"]))?.trim() == "0";
    Ok(if is_root { "user root;" } else { "" })
}

/// Returns a port that was free a moment ago.
pub fn free_port() -> Outcome<u16> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
    listener
        .local_addr()
        .map(|address| address.port())
        .map_err(|error| error.to_string())
}

fn is_open(port: u16) -> bool {
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Writes a configuration file.
pub fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).map_err(|error| format!("cannot write {}: {error}", path.display()))
}

/// Writes a file that only its owner can read.
pub fn write_private(path: &Path, text: &str) -> Outcome {
    write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
        .map_err(|error| format!("cannot change the mode of {}: {error}", path.display()))
}
