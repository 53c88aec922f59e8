//! Real proxies that terminate TLS in front of an edge, with the configurations of `docs/behind-a-proxy.md`.

use crate::support::*;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command};
use tempfile::TempDir;

const TRUSTED: &str = "[edge]\nworkers = 2\ntrusted_proxies = [\"127.0.0.1\"]\n";

/// An address that is not trusted.
const VIEWER: &str = "127.0.0.5";

/// A proxy on loopback; dropping it stops it.
struct Proxy {
    process: Child,
    https: SocketAddr,
    _folder: TempDir,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Returns the code block of the document whose fence is marked with this word.
fn documented(kind: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/behind-a-proxy.md");
    let text = fs::read_to_string(path).unwrap();
    let (_, block) = text.split_once(&format!("```{kind}\n")).unwrap();
    block.split("```").next().unwrap().to_owned()
}

/// Returns the documented configuration with the addresses and files of this test.
fn adapted(kind: &str, edge: SocketAddr, https: SocketAddr, folder: &Path) -> String {
    let (certificate, key) = certificate();
    let write = |name: &str, text: &str| {
        fs::write(folder.join(name), text).unwrap();
    };
    write("fullchain.pem", certificate);
    write("privkey.pem", key);
    write("both.pem", &format!("{certificate}{key}"));
    documented(kind)
        .replace("/etc/ssl/cdn.example.com", folder.to_str().unwrap())
        .replace("127.0.0.1:8080", &edge.to_string())
        .replace("listen 443", &format!("listen {https}"))
        .replace("bind :443", &format!("bind {https}"))
        .replace(
            "cdn.example.com {",
            &format!("https://{HOST}:{} {{\n\tbind 127.0.0.1", https.port()),
        )
        .replace("cdn.example.com", HOST)
}

fn start(
    kind: &str,
    edge: SocketAddr,
    command: impl Fn(&str, SocketAddr, &Path) -> Command,
) -> Proxy {
    let folder = tempfile::tempdir().unwrap();
    // Another process may take the free port first.
    let started = (0..3).find_map(|_| {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let https = free.local_addr().unwrap();
        drop(free);
        let config = adapted(kind, edge, https, folder.path());
        let process = listening(&command(&config, https, folder.path()), https)?;
        Some((process, https))
    });
    let (process, https) = started.expect("`cargo xtask tools` installs what is started here");
    Proxy {
        process,
        https,
        _folder: folder,
    }
}

fn edge(proxy_protocol: bool) -> TestEdge {
    let mut config = fixture().replace("[edge]\nworkers = 2\n", TRUSTED);
    if proxy_protocol {
        config = config.replace(
            "protocol = \"http\"",
            "protocol = \"http\"\nproxy_protocol = true",
        );
    }
    let edge = TestEdge::configured(&config);
    for name in [
        "private/a.txt",
        "private/a b.txt",
        "secure/a.txt",
        "redir/a.txt",
        "public/a.txt",
    ] {
        edge.put(name, b"alpha");
    }
    edge
}

fn ask(proxy: &Proxy, ask: &Ask) -> Answer {
    let mut viewer = Viewer::tls(proxy.https, Some(VIEWER.parse().unwrap()));
    viewer.send(&ask.clone().header("Connection", "close").bytes());
    let (mut answer, body) = viewer.framed_answer();
    answer.body = body.whole();
    answer
}

/// Checks canned and custom links, cookies, behaviors restricted to https, and claims that a viewer might make.
fn check_links(proxy: &Proxy, edge: &TestEdge) {
    // Proxies that keep a test's port in `Host` make it part of what is signed.
    for path in [
        "private/a.txt",
        "private/a%20b.txt",
        "secure/a.txt",
        "redir/a.txt",
    ] {
        let url = format!("{U}/{path}");
        let link = signed(&url, E);
        let answer = ask(proxy, &Ask::get(&link));
        assert_eq!((answer.status(), answer.text()), (200, "alpha"), "{path}");
        let by_policy = with_policy(&url, &policy(&format!("{U}/*")));
        assert_eq!(ask(proxy, &Ask::get(by_policy)).status(), 200, "{path}");
        assert_eq!(ask(proxy, &Ask::get(&url)).status(), 403, "{path}");
        let of_http = signed(&url.replacen("https", "http", 1), E);
        let of_http = of_http.replacen("http", "https", 1);
        assert_eq!(ask(proxy, &Ask::get(of_http)).status(), 403, "{path}");
    }
    let (_, query) = with_policy(U, &policy(&format!("{U}/private/*")))
        .split_once('?')
        .map(|(url, query)| (url.to_owned(), query.to_owned()))
        .unwrap();
    let cookies = format!("CloudFront-{}", query.replace('&', "; CloudFront-"));
    let by_cookies = Ask::get(format!("{U}/private/a.txt")).header("Cookie", cookies);
    assert_eq!(ask(proxy, &by_cookies).status(), 200);
    // The viewer's own forwarding headers do not get through.
    for (name, value) in [
        ("X-Forwarded-Proto", "http"),
        ("X-Forwarded-For", "203.0.113.9"),
        ("X-Forwarded-Host", "other.example"),
        ("Forwarded", "for=203.0.113.9;proto=http;host=other.example"),
    ] {
        let link = signed(&format!("{U}/private/a.txt"), E);
        let answer = ask(proxy, &Ask::get(link).header(name, value));
        assert_eq!(answer.status(), 200, "{name}");
    }
    let viewers = edge.live.text();
    let lines: Vec<&str> = viewers.lines().collect();
    assert!(
        lines
            .iter()
            .all(|line| line.contains("\"cs-protocol\":\"https\""))
    );
    assert!(!viewers.contains("\"c-ip\":\"203.0.113.9\""));
}

fn nginx(edge: &TestEdge) -> Proxy {
    start("nginx", edge.http(), |config, _, folder| {
        let file = folder.join("nginx.conf");
        let (server, place) = (config, folder.display());
        let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
            .map(|kind| format!("{kind}_temp_path {place}/{kind};"));
        let temporary = temporary.concat();
        // nginx runs as one process: workers outlive a master that is killed, and keep all that they have inherited.
        let text = format!(
            "daemon off;\nmaster_process off;\npid {place}/pid;\nerror_log {place}/log;\nevents {{}}\n\
             http {{ access_log off; {temporary}\n{server} }}\n"
        );
        fs::write(&file, text).unwrap();
        let mut command = Command::new("nginx");
        command
            .arg("-c")
            .arg(file)
            .arg("-e")
            .arg(folder.join("log"));
        command
    })
}

#[test]
fn h4_nginx() {
    let edge = edge(false);
    let proxy = nginx(&edge);
    check_links(&proxy, &edge);
}

/// nginx acts on these fields, and any origin could send them.
#[test]
fn h4_nginx_takes_no_orders_of_an_origin() {
    let origin = FakeOrigin::start(|_| {
        let orders = [
            ("X-Accel-Redirect", "/public/a.txt"),
            ("X-Accel-Limit-Rate", "1"),
            ("X-Accel-Charset", "koi8-r"),
        ];
        OriginAnswer::whole(200, &orders, "the origin's own")
    });
    let first = "[[distributions.behaviors]]\npath_pattern = \"/public/*\"";
    let app = format!(
        "[[distributions.origins]]\nid = \"app\"\nurl = \"{}\"\n[[distributions.behaviors]]\n\
         path_pattern = \"/app/*\"\norigin = \"app\"\n{first}",
        origin.url()
    );
    let config = fixture().replace("[edge]\nworkers = 2\n", TRUSTED);
    let edge = TestEdge::configured(&config.replace(first, &app));
    edge.put("public/a.txt", b"another file");
    let proxy = nginx(&edge);
    let answer = ask(&proxy, &Ask::get(format!("{U}/app/x")));
    assert_eq!((answer.status(), answer.text()), (200, "the origin's own"));
}

#[test]
fn h4_caddy() {
    let edge = edge(false);
    let proxy = start("caddyfile", edge.http(), |config, _, folder| {
        let file = folder.join("Caddyfile");
        fs::write(
            &file,
            format!("{{\n\tadmin off\n\tauto_https off\n}}\n{config}"),
        )
        .unwrap();
        let mut command = Command::new("caddy");
        command
            .args(["run", "--adapter", "caddyfile", "--config"])
            .arg(file);
        command
            .env("HOME", folder)
            .env("XDG_DATA_HOME", folder)
            .env("XDG_CONFIG_HOME", folder);
        command
    });
    check_links(&proxy, &edge);
}

fn haproxy(config: &str, _: SocketAddr, folder: &Path) -> Command {
    let file = folder.join("haproxy.cfg");
    let times =
        "defaults\n    timeout connect 10s\n    timeout client 60s\n    timeout server 60s\n";
    fs::write(&file, format!("{times}\n{config}")).unwrap();
    let mut command = Command::new("haproxy");
    command.args(["-db", "-f"]).arg(file);
    command
}

#[test]
fn h4_haproxy() {
    let edge = edge(false);
    let proxy = start("haproxy", edge.http(), haproxy);
    check_links(&proxy, &edge);
}

#[test]
fn h4_haproxy_tells_of_tls_by_the_proxy_protocol() {
    let edge = edge(true);
    let proxy = start("haproxy-tcp", edge.http(), haproxy);
    check_links(&proxy, &edge);
    let text = edge.live.text();
    assert!(text.contains("\"ssl-protocol\":\"TLSv1.3\""), "{text}");
    assert!(text.contains("\"ssl-cipher\":\"TLS_"), "{text}");
}
