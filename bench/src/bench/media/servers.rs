//! The servers of `bench media`: Privet with folders and an origin, and nginx with ready-made files and its RTMP
//! module.
//!
//! Each server has one worker, pinned to the first processor; the load and the origin run on the second.

use super::videos;
use crate::bench::keys::Key;
use crate::bench::servers::{Server, free_port, nginx_user, write};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use xtask::command::{self, Outcome, server_program};
use xtask::tools;

/// RTMP application of both servers.
pub const APPLICATION: &str = "cfx/st";
/// Path prefix of the videos that come from the origin through the cache; other paths are files of a folder.
pub const CACHED: &str = "/cached";

/// The assignment of servers and load to processors.
#[derive(Clone, Copy)]
pub enum Pinning {
    /// Servers run on this processor, and the load on another.
    Apart { server: usize },
    /// There is only one processor.
    Together,
}

impl Pinning {
    /// Pins this process, and with it the load that it starts. Builds should be done before.
    pub fn take() -> Outcome<Self> {
        let allowed = rustix::thread::sched_getaffinity(None).map_err(|error| error.to_string())?;
        let mut processors = (0..rustix::thread::CpuSet::MAX_CPU).filter(|&at| allowed.is_set(at));
        let (Some(server), Some(load)) = (processors.next(), processors.next()) else {
            return Ok(Self::Together);
        };
        let mut own = rustix::thread::CpuSet::new();
        own.set(load);
        rustix::thread::sched_setaffinity(None, &own).map_err(|error| error.to_string())?;
        Ok(Self::Apart { server })
    }

    fn server_command(self, program: &Path) -> Command {
        match self {
            Self::Together => Command::new(program),
            Self::Apart { server } => {
                let mut command = Command::new("taskset");
                command.args(["-c", &server.to_string()]).arg(program);
                command
            }
        }
    }
}

/// The folder and the processors of the servers.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    pub folder: &'a Path,
    pub pinning: Pinning,
}

/// A server with its RTMP port.
pub struct VideoServer {
    pub server: Server,
    pub rtmp_port: u16,
}

impl Place<'_> {
    /// Starts Privet: `/NAME` is a video of the folder, `/cached/NAME` the same video from the origin, through the
    /// cache.
    pub fn privet(self, key: &Key, origin: u16) -> Outcome<VideoServer> {
        let ports = (free_port()?, free_port()?);
        let rtmp_port = free_port()?;
        let config = self.folder.join(format!("privet-{}.toml", ports.0));
        write(&config, &self.privet_toml(key, ports, rtmp_port, origin))?;
        let mut command = self
            .pinning
            .server_command(&command::target().join("release/privet"));
        command.arg("serve").arg(&config);
        let words = self.folder.join(format!("privet-{}.txt", ports.0));
        let server = Server::start("privet", &mut command, ports, &words)?;
        Ok(VideoServer { server, rtmp_port })
    }

    /// Starts nginx: `/segments/…` are ready-made files; it also serves the videos' streams.
    pub fn nginx(self) -> Outcome<VideoServer> {
        let ports = (free_port()?, free_port()?);
        let rtmp_port = free_port()?;
        let conf = self.nginx_conf(ports, rtmp_port)?;
        let server = self.start_nginx("nginx", ports, &conf)?;
        Ok(VideoServer { server, rtmp_port })
    }

    /// Starts the origin: nginx with the videos under `/cached/`, on the processor of the load. It logs how much it
    /// sends.
    pub fn origin(self) -> Outcome<Server> {
        let port = free_port()?;
        let conf = format!(
            r#"{user}
worker_processes 1;
pid {place}/nginx-{port}.pid;
error_log {place}/nginx-error.log error;
events {{ worker_connections 4096; }}
http {{
  log_format sent "$body_bytes_sent";
  access_log {log} sent;
  sendfile on;
  tcp_nodelay on;
  keepalive_timeout 600s;
  keepalive_requests 100000000;
  server {{
    listen 127.0.0.1:{port};
    add_header Cache-Control "public, max-age=86400";
    location {CACHED}/ {{ alias {videos}/; }}
  }}
}}
"#,
            user = nginx_user()?,
            place = self.folder.display(),
            log = self.sent_log().display(),
            videos = videos::folder().display(),
        );
        let unpinned = Place {
            pinning: Pinning::Together,
            ..self
        };
        unpinned.start_nginx("origin", (port, port), &conf)
    }

    /// Returns the number of body bytes that the origin has sent so far.
    pub fn sent_bytes(self) -> u64 {
        let text = fs::read_to_string(self.sent_log()).unwrap_or_default();
        text.lines()
            .filter_map(|line| line.parse::<u64>().ok())
            .sum()
    }

    /// Returns the folder of nginx's ready-made segments.
    pub fn segments(self) -> PathBuf {
        self.folder.join("segments")
    }

    fn sent_log(self) -> PathBuf {
        self.folder.join("origin-sent.log")
    }

    fn start_nginx(self, name: &'static str, ports: (u16, u16), conf: &str) -> Outcome<Server> {
        let config = self.folder.join(format!("nginx-{}.conf", ports.0));
        write(&config, conf)?;
        let mut command = self.pinning.server_command(&server_program("nginx"));
        command.arg("-p").arg(self.folder).arg("-c").arg(&config);
        command.args(["-g", "daemon off;"]);
        let words = self.folder.join(format!("{name}-{}.txt", ports.0));
        Server::start(name, &mut command, ports, &words)
    }

    fn privet_toml(self, key: &Key, ports: (u16, u16), rtmp: u16, origin: u16) -> String {
        format!(
            r#"[edge]
workers = 1

[limits]
connections_max = 8000
connections_per_address_max = 8000
rtmp_connections_per_address_max = 4000

[cache]
memory = "512 MiB"

[[listeners]]
address = "127.0.0.1:{}"
protocol = "http"

[[listeners]]
address = "127.0.0.1:{}"
protocol = "https"

[[listeners]]
address = "127.0.0.1:{rtmp}"
protocol = "rtmp"

[[public_keys]]
id = "{id}"
file = "{key}"

[[key_groups]]
id = "bench"
public_keys = ["{id}"]

[[distributions]]
id = "EBENCH0000001"
domain_name = "d111111abcdef8.cloudfront.net"
aliases = ["localhost"]
certificate = {{ chain = "{place}/tls.pem", key = "{place}/tls.key" }}

[[distributions.origins]]
id = "folder"
folder = "{videos}"

[[distributions.origins]]
id = "origin"
url = "http://127.0.0.1:{origin}"

[[distributions.behaviors]]
path_pattern = "{CACHED}/*"
origin = "origin"
viewer_protocol_policy = "allow-all"
trusted_key_groups = ["bench"]

[distributions.default_behavior]
origin = "folder"
viewer_protocol_policy = "allow-all"
trusted_key_groups = ["bench"]

[[streaming_distributions]]
id = "SBENCH0000001"
domain_name = "s111111abcdef8.cloudfront.net"
aliases = ["localhost"]
distribution = "EBENCH0000001"
trusted_key_groups = ["bench"]
"#,
            ports.0,
            ports.1,
            id = key.id,
            key = key.public_file.display(),
            place = self.folder.display(),
            videos = videos::folder().display(),
        )
    }

    fn nginx_conf(self, ports: (u16, u16), rtmp: u16) -> Outcome<String> {
        let module = tools::nginx_rtmp().ok_or("nginx's module for RTMP is missing")?;
        Ok(format!(
            r#"load_module {module};
{user}
worker_processes 1;
worker_rlimit_nofile 20000;
pid {place}/nginx-{http}.pid;
error_log {place}/nginx-error.log error;
events {{ worker_connections 8192; }}
rtmp {{
  server {{
    listen 127.0.0.1:{rtmp};
    chunk_size 4096;
    application {APPLICATION} {{ play {videos}; }}
  }}
}}
http {{
  include /etc/nginx/mime.types;
  access_log off;
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
    listen 127.0.0.1:{http} reuseport;
    listen 127.0.0.1:{https} ssl http2 reuseport;
    server_name localhost;
    location /segments/ {{ alias {segments}/; }}
  }}
}}
"#,
            module = module.display(),
            user = nginx_user()?,
            place = self.folder.display(),
            videos = videos::folder().display(),
            segments = self.segments().display(),
            http = ports.0,
            https = ports.1,
        ))
    }
}
