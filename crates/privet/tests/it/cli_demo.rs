//! `privet demo`: its page server responds to the edge alone, and signs links for the edge's hosts alone.

use std::io::{BufRead, BufReader};
use std::process::Child;

use crate::cli::{Folder, Said};
use crate::support::Viewer;

/// Number of attempts: another test's demo may take a free port before this one listens on it.
const ATTEMPTS: usize = 5;

/// Returns the output of a demo that shows everything and ends.
pub fn demo_once(folder: &Folder, data: &str) -> Said {
    let mut said = (0..ATTEMPTS).map(|_| folder.run(&["demo", "--once", "--dir", data]));
    said.find(|said| said.code == 0)
        .expect("no demo finds ports")
}

/// A running demo; it ends with the test.
struct Demo {
    program: Child,
    /// Ports of HTTPS and HTTP for viewers, and of the page.
    ports: [u16; 3],
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

impl Demo {
    /// Starts a demo without redirects to HTTPS, so that the page can be read over plain HTTP.
    fn start(folder: &Folder) -> Self {
        demo_once(folder, "data");
        let config = folder.read("data/privet.toml");
        let redirect = "viewer_protocol_policy = \"redirect-to-https\"\n";
        assert!(config.contains(redirect));
        folder.write("data/privet.toml", &config.replace(redirect, ""));
        let program = (0..ATTEMPTS).find_map(|_| Self::spawn(folder));
        let program = program.expect("no demo finds ports");
        let config = folder.read("data/privet.toml");
        let port = |place: &str| {
            let (_, rest) = config.split_once(place).unwrap();
            let (port, _) = rest.split_once('"').unwrap();
            port.parse().unwrap()
        };
        let https = port("address = \"127.0.0.1:");
        let (_, rest) = config.split_once("protocol = \"https\"").unwrap();
        let (_, rest) = rest.split_once("address = \"127.0.0.1:").unwrap();
        let http = rest.split_once('"').unwrap().0.parse().unwrap();
        Demo {
            program,
            ports: [https, http, port("url = \"http://127.0.0.1:")],
        }
    }

    /// Starts a program that serves; returns `None` if it has ended.
    fn spawn(folder: &Folder) -> Option<Child> {
        let mut program = folder.command(&["demo", "--dir", "data"]).spawn().unwrap();
        let lines = BufReader::new(program.stdout.take().unwrap()).lines();
        let mut lines = lines.map_while(Result::ok);
        if lines.any(|line| line.contains("Ctrl-C")) {
            return Some(program);
        }
        program.wait().unwrap();
        None
    }

    /// Has the configuration read again, and waits until it is loaded.
    fn reload(&mut self) {
        let id = i32::try_from(self.program.id()).unwrap();
        let id = rustix::process::Pid::from_raw(id).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::HUP).unwrap();
        let lines = BufReader::new(self.program.stderr.as_mut().unwrap()).lines();
        let mut lines = lines.map_while(Result::ok);
        assert!(lines.any(|line| line.contains("is loaded")));
    }
}

/// Returns the response at `port`, head and body.
fn asked(port: u16, host: &str, headers: &str) -> String {
    let mut viewer = Viewer::plain(([127, 0, 0, 1], port).into(), None);
    let request = format!(
        "GET /site/index.html HTTP/1.1\r\nHost: {host}\r\n{headers}Connection: close\r\n\r\n"
    );
    viewer.send(request.as_bytes());
    String::from_utf8(viewer.rest()).unwrap()
}

#[test]
fn m1_the_demos_page_signs_for_nobody_but_the_edge() {
    let folder = Folder::new();
    let mut demo = Demo::start(&folder);
    let [https, http, site] = demo.ports;
    let host = format!("localhost:{https}");
    let guess = "X-Privet-Demo-Secret: 0\r\n";
    for (host, headers) in [
        (format!("{host}/secret.txt?"), ""),
        (format!("{host}/secret.txt?"), guess),
        (format!("evil.example:{https}"), guess),
        (host.clone(), ""),
        (host.clone(), guess),
    ] {
        let answer = asked(site, &host, headers);
        assert!(answer.starts_with("HTTP/1.1 403 "), "{host}: {answer}");
        assert!(!answer.contains("Signature"), "{host}: {answer}");
    }
    for headers in ["", guess] {
        let page = asked(http, &host, headers);
        assert!(page.starts_with("HTTP/1.1 200 "), "{page}");
        assert!(page.contains(&format!("https://{host}/video.mp4?Expires=")));
    }
    demo.reload();
    assert!(asked(http, &host, "").starts_with("HTTP/1.1 200 "));
    // Links cannot name the host of plain HTTP.
    let answer = asked(http, &format!("localhost:{http}"), "");
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    // The page's secret is in no file.
    let config = folder.read("data/privet.toml").to_ascii_lowercase();
    assert!(!config.contains("secret"), "{config}");
}
