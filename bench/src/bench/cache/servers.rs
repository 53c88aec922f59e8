//! The servers of `bench cache`: an origin that serves files, and the caches in front of it.
//!
//! Privet and nginx check a link on every request. Varnish and Apache Traffic Server have no such check built in, and
//! Varnish has no TLS, so these two are peers for plain HTTP only and do less.

use crate::bench::keys::Key;
use crate::bench::servers::{SECRET, Server, free_port, nginx_user, write};
use std::fs;
use std::path::Path;
use std::process::Command;
use xtask::command::{Outcome, server_program};

/// Sizes of Privet's memory and disk tiers.
#[derive(Clone, Copy)]
pub struct Sizes {
    pub memory: &'static str,
    /// Size of the disk tier; `None` for memory alone.
    pub disk: Option<&'static str>,
}

/// Starts the origin: nginx with the files of `folder`, over plain HTTP.
pub fn origin(folder: &Path) -> Outcome<Server> {
    let port = free_port()?;
    let conf = format!(
        r#"{user}
worker_processes 1;
worker_rlimit_nofile 20000;
pid {place}/nginx-{port}.pid;
error_log {place}/nginx-error.log error;
events {{ worker_connections 16384; }}
http {{
  {TEMPORARY}
  access_log off;
  sendfile on;
  tcp_nopush on;
  tcp_nodelay on;
  keepalive_timeout 600s;
  keepalive_requests 100000000;
  server {{
    listen 127.0.0.1:{port};
    root {place}/files;
    add_header Cache-Control "public, max-age=86400";
  }}
}}
"#,
        user = nginx_user()?,
        place = folder.display(),
    );
    Server::nginx_with("origin", folder, (port, port), &conf)
}

/// Starts Privet in front of the origin at this port. The query parameter `n` tells objects apart.
pub fn privet(folder: &Path, keys: &[Key], origin: u16, sizes: Sizes) -> Outcome<Server> {
    let ports = (free_port()?, free_port()?);
    let place = folder.display();
    let disk = sizes.disk.map_or_else(String::new, |size| {
        format!(
            "folder = \"{place}/privet-cache-{}\"\ndisk = \"{size}\"\n",
            ports.0
        )
    });
    let public_keys: String = keys
        .iter()
        .map(|key| {
            let file = key.public_file.display();
            format!(
                "[[public_keys]]\nid = \"{}\"\nfile = \"{file}\"\n\n",
                key.id
            )
        })
        .collect();
    let ids: Vec<String> = keys.iter().map(|key| format!("\"{}\"", key.id)).collect();
    let toml = format!(
        r#"[edge]
workers = 2

[limits]
connections_max = 18000
connections_per_address_max = 18000
idle_timeout = "10m"

[cache]
memory = "{memory}"
{disk}
[[listeners]]
address = "127.0.0.1:{}"
protocol = "http"

[[listeners]]
address = "127.0.0.1:{}"
protocol = "https"

{public_keys}[[key_groups]]
id = "bench"
public_keys = [{ids}]

[[cache_policies]]
id = "by-number"
query_strings = ["n"]
gzip = false
brotli = false
zstd = false

[[distributions]]
id = "EBENCH0000001"
domain_name = "d111111abcdef8.cloudfront.net"
aliases = ["localhost"]
certificate = {{ chain = "{place}/tls.pem", key = "{place}/tls.key" }}

[[distributions.origins]]
id = "files"
url = "http://127.0.0.1:{origin}"

[distributions.default_behavior]
origin = "files"
cache_policy = "by-number"
viewer_protocol_policy = "allow-all"
trusted_key_groups = ["bench"]
"#,
        ports.0,
        ports.1,
        memory = sizes.memory,
        ids = ids.join(", "),
    );
    Server::build_privet()?;
    Server::privet_with(folder, ports, &toml)
}

/// Starts nginx with `proxy_cache` in front of the origin, and `slice` for paths under `/large/`.
///
/// `tcp_nopush` is off: with it, hits of 64 KiB over plain HTTP wait for a delayed acknowledgement of 40 ms.
pub fn nginx(folder: &Path, origin: u16) -> Outcome<Server> {
    let ports = (free_port()?, free_port()?);
    let conf = format!(
        r#"{user}
worker_processes 2;
worker_rlimit_nofile 20000;
pid {place}/nginx-{http}.pid;
error_log {place}/nginx-error.log error;
events {{ worker_connections 16384; }}
http {{
  include /etc/nginx/mime.types;
  {TEMPORARY}
  access_log off;
  sendfile on;
  sendfile_max_chunk 2m;
  tcp_nodelay on;
  keepalive_timeout 600s;
  keepalive_requests 100000000;
  ssl_certificate {place}/tls.pem;
  ssl_certificate_key {place}/tls.key;
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_session_cache shared:SSL:10m;
  ssl_buffer_size 16k;
  proxy_cache_path {place}/nginx-cache-{http} levels=1:2 keys_zone=bench:256m max_size=30g inactive=1d use_temp_path=off;
  proxy_cache_valid 200 206 1d;
  proxy_http_version 1.1;
  upstream origin {{
    server 127.0.0.1:{origin};
    keepalive 64;
  }}
  server {{
    listen 127.0.0.1:{http} reuseport;
    listen 127.0.0.1:{https} ssl http2 reuseport;
    server_name localhost;
    secure_link $arg_md5,$arg_expires;
    secure_link_md5 "$secure_link_expires$uri {SECRET}";
    proxy_cache bench;
    proxy_set_header Connection "";
    location / {{
      if ($secure_link = "") {{ return 403; }}
      if ($secure_link = "0") {{ return 410; }}
      proxy_cache_key $uri?$arg_n;
      proxy_pass http://origin$uri?n=$arg_n;
    }}
    location /large/ {{
      if ($secure_link = "") {{ return 403; }}
      if ($secure_link = "0") {{ return 410; }}
      slice 1m;
      proxy_cache_key $uri?$arg_n&$slice_range;
      proxy_set_header Connection "";
      proxy_set_header Range $slice_range;
      proxy_pass http://origin$uri?n=$arg_n;
    }}
  }}
}}
"#,
        user = nginx_user()?,
        place = folder.display(),
        http = ports.0,
        https = ports.1,
    );
    Server::nginx_with("nginx", folder, ports, &conf)
}

/// Starts Varnish with its objects in memory.
pub fn varnish(folder: &Path, origin: &Server) -> Outcome<Server> {
    let port = free_port()?;
    let vcl = folder.join(format!("varnish-{port}.vcl"));
    write(
        &vcl,
        &format!(
            "vcl 4.1;\nbackend origin {{ .host = \"127.0.0.1\"; .port = \"{}\"; }}\n",
            origin.http_port
        ),
    )?;
    let mut command = Command::new(server_program("varnishd"));
    // Without the jail it keeps its user, who may read the temporary folder.
    command
        .args([
            "-F",
            "-j",
            "none",
            "-s",
            "malloc,1g",
            "-p",
            "thread_pools=2",
        ])
        .arg("-a")
        .arg(format!("127.0.0.1:{port}"))
        .arg("-n")
        .arg(folder.join(format!("varnish-{port}")))
        .arg("-f")
        .arg(&vcl);
    let words = folder.join("varnish.txt");
    Server::start("varnish", &mut command, (port, port), &words)
}

/// Starts Apache Traffic Server with a memory cache that holds everything the bench requests.
pub fn traffic_server(folder: &Path, origin: &Server) -> Outcome<Server> {
    let port = free_port()?;
    let place = folder.join(format!("trafficserver-{port}"));
    for name in ["etc", "run", "log", "cache"] {
        fs::create_dir_all(place.join(name)).map_err(|error| error.to_string())?;
    }
    let etc = place.join("etc");
    let shown = place.display();
    write(
        &place.join("runroot.yaml"),
        &format!(
            "prefix: /usr\nexec_prefix: /usr\nbindir: /usr/bin\nsbindir: /usr/sbin\nsysconfdir: {shown}/etc\n\
             datadir: {shown}/cache\nincludedir: /usr/include\nlibdir: /usr/lib/trafficserver\n\
             libexecdir: /usr/lib/trafficserver/modules\nlocalstatedir: {shown}\nruntimedir: {shown}/run\n\
             logdir: {shown}/log\ncachedir: {shown}/cache\n"
        ),
    )?;
    write(
        &etc.join("records.config"),
        &format!(
            "CONFIG proxy.config.http.server_ports STRING {port}:ip-in=127.0.0.1\n\
             CONFIG proxy.config.exec_thread.autoconfig INT 0\n\
             CONFIG proxy.config.exec_thread.limit INT 2\n\
             CONFIG proxy.config.cache.ram_cache.size INT 1073741824\n\
             CONFIG proxy.config.cache.ram_cache_cutoff INT 16777216\n\
             CONFIG proxy.config.log.logging_enabled INT 0\n\
             CONFIG proxy.config.admin.user_id STRING #-1\n\
             CONFIG proxy.config.url_remap.remap_required INT 1\n"
        ),
    )?;
    write(
        &etc.join("remap.config"),
        &format!("map / http://127.0.0.1:{}/\n", origin.http_port),
    )?;
    write(&etc.join("storage.config"), &format!("{shown}/cache 1G\n"))?;
    write(
        &etc.join("ip_allow.yaml"),
        "ip_allow:\n  - apply: in\n    ip_addrs: 127.0.0.1\n    action: allow\n    methods: ALL\n",
    )?;
    let mut command = Command::new(server_program("traffic_server"));
    command.env("TS_RUNROOT", place.join("runroot.yaml"));
    let words = folder.join("trafficserver.txt");
    Server::start("traffic server", &mut command, (port, port), &words)
}

/// nginx's temporary folders, below the one it is started in.
const TEMPORARY: &str = "client_body_temp_path nginx-body;
  proxy_temp_path nginx-proxy;
  fastcgi_temp_path nginx-fastcgi;
  uwsgi_temp_path nginx-uwsgi;
  scgi_temp_path nginx-scgi;";
