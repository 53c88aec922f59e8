//! `privet serve` as a process: its signals, and a configuration that is replaced by something else while it runs.

use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

const CONFIG: &str = r#"
[[listeners]]
address = "127.0.0.1:0"
protocol = "http"

[[distributions]]
id = "EDFDVBD6EXAMPLE"
domain_name = "d111111abcdef8.cloudfront.net"

[[distributions.origins]]
id = "files"
folder = "."

[distributions.default_behavior]
origin = "files"
"#;

struct Served {
    process: Child,
    said: Lines<BufReader<ChildStderr>>,
    /// Address of its listener.
    address: String,
}

impl Served {
    fn start(config: &Path) -> Self {
        let mut process = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", env!("CARGO_BIN_EXE_privet"), "serve"])
            .arg(config)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stderr.take().unwrap()).lines();
        let mut served = Served {
            process,
            said,
            address: String::new(),
        };
        let line = served.hear("serving on http://");
        served.address = line.rsplit('/').next().unwrap_or_default().to_owned();
        served
    }

    /// Waits for a line of standard error that contains `expected`.
    fn hear(&mut self, expected: &str) -> String {
        let mut heard = Vec::new();
        for line in self.said.by_ref().map_while(Result::ok) {
            if line.contains(expected) {
                return line;
            }
            heard.push(line);
        }
        panic!("no {expected:?} in {heard:?}");
    }

    fn send(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.process), signal).unwrap();
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// F11: each of these was once read until memory was full, and kept SIGTERM waiting.
#[test]
fn f11_a_configuration_that_turns_into_a_device_ends_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (real, link) = (
        folder.path().join("real.toml"),
        folder.path().join("privet.toml"),
    );
    fs::write(&real, CONFIG).unwrap();
    symlink(&real, &link).unwrap();
    let mut served = Served::start(&link);
    let become_link = |target: &Path| {
        fs::remove_file(&link).unwrap();
        symlink(target, &link).unwrap();
    };
    become_link(Path::new("/dev/zero"));
    served.send(Signal::HUP);
    served.hear("not a regular file");
    let large = folder.path().join("large.toml");
    fs::File::create(&large)
        .unwrap()
        .set_len((16 << 20) + 1)
        .unwrap();
    become_link(&large);
    served.hear("larger than");
    become_link(&real);
    served.hear("is loaded");
    served.send(Signal::TERM);
    served.hear("stopping");
    assert!(served.process.wait().unwrap().success());
}

/// Such requests are in no log, since they belong to no distribution; the operator hears of the first one per minute.
#[test]
fn d4_a_host_that_is_not_served_is_told_once_a_minute() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("privet.toml");
    fs::write(&config, CONFIG).unwrap();
    let mut served = Served::start(&config);
    let address = served.address.clone();
    let ask = |host: &str| {
        let mut stream = TcpStream::connect(&address).unwrap();
        write!(
            stream,
            "GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    };
    ask(&address);
    ask("second.example");
    served.hear(&format!(
        "a request for the host {address} was refused with 403: no distribution has it as its domain_name or among its aliases"
    ));
    served.send(Signal::TERM);
    let heard: Vec<String> = served.said.by_ref().map_while(Result::ok).collect();
    assert!(
        heard.iter().all(|line| !line.contains("second.example")),
        "{heard:?}"
    );
}

/// A link pasted in place of a host name must not get into any log.
#[test]
fn a_signature_in_the_place_of_a_host_is_not_told() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("privet.toml");
    fs::write(&config, CONFIG).unwrap();
    let mut served = Served::start(&config);
    let signature = "Ab3-Qz9Xy7K0mP2r".repeat(20) + "Ab3Qz9Xy7K0mP2rLw4Tg6v";
    let mut stream = TcpStream::connect(&served.address).unwrap();
    let ask = format!("GET / HTTP/1.1\r\nHost: {signature}\r\nConnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    served.send(Signal::TERM);
    let heard: Vec<String> = served.said.by_ref().map_while(Result::ok).collect();
    let told = heard
        .iter()
        .find(|line| line.contains("a request for the host"));
    assert!(
        told.is_some_and(|line| !line.contains("Ab3-Qz9")),
        "{heard:?}"
    );
}

#[test]
fn a_distribution_that_is_open_to_everybody_is_told_at_the_start_and_at_a_reload() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("privet.toml");
    fs::write(&config, CONFIG).unwrap();
    let mut process = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", env!("CARGO_BIN_EXE_privet"), "serve"])
        .arg(&config)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(process.stderr.take().unwrap()).lines();
    let mut served = Served {
        process,
        said,
        address: String::new(),
    };
    let warning = "warning: distribution EDFDVBD6EXAMPLE is open to everybody";
    served.hear(warning);
    served.hear("serving on");
    served.send(Signal::HUP);
    served.hear(warning);
    served.hear("is loaded");
}

/// The operator is told when viewers get 502; earlier versions said nothing.
#[test]
fn an_http_origin_that_is_down_is_told_without_what_was_asked() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("privet.toml");
    // Nothing listens on port 1.
    let down = CONFIG.replace("folder = \".\"", "url = \"http://127.0.0.1:1\"");
    fs::write(&config, down).unwrap();
    let mut served = Served::start(&config);
    for path in ["/a?secret=1", "/b?secret=2"] {
        let mut viewer = TcpStream::connect(&served.address).unwrap();
        let host = "d111111abcdef8.cloudfront.net";
        write!(
            viewer,
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n"
        )
        .unwrap();
        let mut answer = String::new();
        viewer.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    }
    served.send(Signal::TERM);
    let told: Vec<String> = served.said.by_ref().map_while(Result::ok).collect();
    let warnings: Vec<&String> = told
        .iter()
        .filter(|line| line.contains("cannot be reached"))
        .collect();
    assert_eq!(warnings.len(), 1, "{told:?}");
    assert_eq!(
        warnings[0],
        "warning: server http://127.0.0.1:1 (origin files) cannot be reached: cannot connect to the origin; check host \
         and port; meanwhile viewers get cached objects, or 502 [origin-unreached]"
    );
    assert!(!told.concat().contains("secret"), "{told:?}");
}
