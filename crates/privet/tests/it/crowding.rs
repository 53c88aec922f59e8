//! Too many connections: from one address, from all of them, and for the number of files that the edge may open.

use crate::support::*;
use std::io::{BufRead, BufReader};
use std::net::{IpAddr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

const OTHER: &str = "127.0.0.7";

fn asked() -> String {
    format!("http://{HOST}/public/a.txt")
}

fn from(edge: SocketAddr, source: &str) -> Viewer {
    let source: IpAddr = source.parse().unwrap();
    Viewer::plain(edge, Some(source))
}

/// Returns the status of a response on a new connection; `None` when the connection is closed without one.
fn status(mut viewer: Viewer) -> Option<u16> {
    viewer.send(&Ask::get(asked()).bytes());
    viewer.answer("GET").map(|answer| answer.status())
}

/// Waits until a new connection is served: a released slot is available once the edge has noticed.
#[track_caller]
fn until_served(mut open: impl FnMut() -> Viewer) {
    let begun = Instant::now();
    while status(open()).is_none() {
        assert!(begun.elapsed() < PATIENCE, "no place is given back");
    }
}

#[test]
fn an_address_has_so_many_connections() {
    let config = fixture_with_limits("connections_per_address_max = 3");
    let edge = TestEdge::configured(&config);
    let mut within = [edge.plain(), edge.tls(), edge.plain()];
    for viewer in &mut within {
        assert_eq!(viewer.get(&asked()).status(), 404);
    }
    assert_eq!(status(edge.plain()), None);
    // The connection is closed before TLS: not even an alert arrives.
    let mut over = Viewer::plain(edge.https(), None);
    over.send(b"\x16\x03\x01");
    assert_eq!(over.rest(), b"");
    assert_eq!(status(from(edge.http(), OTHER)), Some(404));
    for viewer in &mut within {
        assert_eq!(viewer.get(&asked()).status(), 404);
    }
    drop(within);
    until_served(|| edge.plain());
}

#[test]
fn trusted_proxies_have_as_many_as_they_want() {
    let config = fixture_with_limits("connections_per_address_max = 1").replace(
        "[edge]\n",
        &format!("[edge]\ntrusted_proxies = [\"{OTHER}\"]\n"),
    );
    let edge = TestEdge::configured(&config);
    let _one = edge.plain().get(&asked());
    let mut proxies: Vec<Viewer> = (0..5).map(|_| from(edge.http(), OTHER)).collect();
    for proxy in &mut proxies {
        assert_eq!(proxy.get(&asked()).status(), 404);
    }
}

#[test]
fn behind_a_balancer_the_named_address_counts() {
    let listeners = LISTENERS.replace("protocol =", "proxy_protocol = true\nprotocol =");
    let config = fixture_with_limits("connections_per_address_max = 1")
        .replace(LISTENERS, &listeners)
        .replace(
            "[edge]\n",
            &format!("[edge]\ntrusted_proxies = [\"{OTHER}\"]\n"),
        );
    let edge = TestEdge::configured(&config);
    let open = |source: &str| edge.behind(OTHER, &proxied(source), Listening::Plain);
    for (first, same_network, other) in [
        ("192.0.2.7:1", "192.0.2.7:2", "192.0.2.8:1"),
        (
            "[2001:db8::1]:1",
            "[2001:db8::2:3]:1",
            "[2001:db8:0:1::1]:1",
        ),
    ] {
        let mut viewer = open(first);
        assert_eq!(viewer.get(&asked()).status(), 404);
        assert_eq!(status(open(same_network)), None);
        assert_eq!(status(open(other)), Some(404));
        drop(viewer);
        until_served(|| open(same_network));
    }
    // Connections of the balancer itself are not limited.
    let local = proxy_header(0x20, 0, b"");
    let mut probes: Vec<Viewer> = (0..3)
        .map(|_| edge.behind(OTHER, &local, Listening::Plain))
        .collect();
    for probe in &mut probes {
        assert_eq!(probe.get(&asked()).status(), 404);
    }
}

/// Silent connections give way to those with requests; a connection that has sent a request is kept.
#[test]
fn silent_connections_give_way() {
    let edge = TestEdge::configured(&fixture_with_limits("connections_max = 4"));
    let mut kept = edge.plain();
    assert_eq!(kept.get(&asked()).status(), 404);
    let mut silent: Vec<Viewer> = vec![
        edge.plain(),
        Viewer::plain(edge.https(), None),
        edge.plain(),
    ];
    silent[2].send(b"GET / HTT");
    for _ in 0..20 {
        assert_eq!(status(edge.plain()), Some(404));
    }
    assert_eq!(silent[0].rest(), b"");
    assert_eq!(kept.get(&asked()).status(), 404);
}

/// E8: a connection with one request that then went silent used to keep its slot as long as it liked.
#[test]
fn idle_connections_give_way_after_a_while() {
    let limits = "connections_max = 6\nidle_timeout = \"20s\"";
    let edge = TestEdge::configured(&fixture_with_limits(limits));
    let mut crowd: Vec<Viewer> = (0..6).map(|_| edge.plain()).collect();
    for viewer in &mut crowd {
        assert_eq!(viewer.get(&asked()).status(), 404);
    }
    // Idle connections do not give way at once, because a viewer may send its next request soon.
    assert_eq!(status(from(edge.http(), OTHER)), None);
    until_served(|| from(edge.http(), OTHER));
    assert_eq!(crowd[0].rest(), b"");
}

/// An edge that may open few files.
struct PoorEdge {
    process: Child,
    said: BufReader<std::process::ChildStderr>,
    address: SocketAddr,
    before: String,
    folder: tempfile::TempDir,
}

impl PoorEdge {
    fn start(ulimit: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("bucket")).unwrap();
        std::fs::write(folder.path().join("bucket/a"), "alpha").unwrap();
        let config = format!(
            "[edge]\nworkers = 2\n[[listeners]]\naddress = \"127.0.0.1:0\"\nprotocol = \"http\"\n\
             [[distributions]]\nid = \"EA\"\ndomain_name = \"{HOST}\"\n[[distributions.origins]]\nid = \"f\"\n\
             folder = \"bucket\"\n[distributions.default_behavior]\norigin = \"f\"\n"
        );
        std::fs::write(folder.path().join("privet.toml"), config).unwrap();
        let mut process = Command::new("sh")
            .args(["-c", &format!("{ulimit}; exec \"$0\" serve privet.toml")])
            .arg(env!("CARGO_BIN_EXE_privet"))
            .current_dir(folder.path())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(process.stderr.take().unwrap());
        let mut before = String::new();
        let address = loop {
            let mut line = String::new();
            assert!(said.read_line(&mut line).unwrap() > 0, "{before}");
            if let Some((_, address)) = line.split_once("serving on http://") {
                break address.trim().parse().unwrap();
            }
            before.push_str(&line);
        };
        PoorEdge {
            process,
            said,
            address,
            before,
            folder,
        }
    }

    fn open_files_max(&self) -> (String, String) {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", self.process.id()));
        let limits = limits.unwrap();
        let line = limits
            .lines()
            .find(|line| line.starts_with("Max open files"));
        let words: Vec<&str> = line.unwrap().split_whitespace().collect();
        (words[3].to_owned(), words[4].to_owned())
    }
}

impl Drop for PoorEdge {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn the_soft_limit_of_open_files_is_raised() {
    let edge = PoorEdge::start("ulimit -Sn 256");
    let (soft, hard) = edge.open_files_max();
    assert_eq!(soft, hard);
}

/// F5: silent connections used to take every file that the edge may open, and the operator was not told.
#[test]
fn silent_connections_do_not_take_all_files() {
    let mut edge = PoorEdge::start("ulimit -n 200");
    assert!(
        edge.before
            .contains("200 files may be open, too few for 10000 viewers"),
        "{}",
        edge.before
    );
    let get = |edge: &PoorEdge| {
        let mut viewer = Viewer::plain(edge.address, None);
        viewer.get(&format!("http://{HOST}/a")).text().to_owned()
    };
    // All ways to wait: nothing sent, half a head sent, and kept alive.
    let _silent: Vec<Viewer> = (0..400)
        .map(|number| {
            let mut viewer = Viewer::plain(edge.address, None);
            match number % 3 {
                0 => {}
                1 => viewer.send(b"GET /"),
                _ => viewer.send(&Ask::get(format!("http://{HOST}/a")).bytes()),
            }
            viewer
        })
        .collect();
    for _ in 0..20 {
        assert_eq!(get(&edge), "alpha");
    }
    let mut line = String::new();
    edge.said.read_line(&mut line).unwrap();
    assert!(
        line.contains("the limit of 100 connections is reached"),
        "{line}"
    );
    assert!(edge.folder.path().exists());
}

#[test]
fn check_says_that_files_are_too_few() {
    let edge = PoorEdge::start("true");
    let checked = Command::new("sh")
        .args(["-c", "ulimit -n 200; exec \"$0\" check privet.toml"])
        .arg(env!("CARGO_BIN_EXE_privet"))
        .current_dir(edge.folder.path())
        .output()
        .unwrap();
    assert!(checked.status.success());
    let said = String::from_utf8(checked.stderr).unwrap();
    assert!(said.contains("200 files may be open"), "{said}");
}
