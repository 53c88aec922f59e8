//! `privet demo`: its page server responds to the edge alone, and signs links for the edge's hosts alone; its store has
//! what service.toml says, and what visitors make of it.

use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStderr};
use std::time::Instant;

use crate::cli::{Folder, Said};
use crate::support::{PATIENCE, Viewer, python, run_within};

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
    complaints: Lines<BufReader<ChildStderr>>,
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
    /// Starts a demo of a new folder, without redirects to HTTPS, so that the page can be read over plain HTTP.
    fn start(folder: &Folder) -> Self {
        demo_once(folder, "data");
        let service = folder.read("data/service.toml");
        folder.write("data/service.toml", &without_redirects(&service));
        Self::start_again(folder)
    }

    /// Starts a demo of a folder as it is.
    fn start_again(folder: &Folder) -> Self {
        let program = (0..ATTEMPTS).find_map(|_| Self::spawn(folder));
        let mut program = program.expect("no demo finds ports");
        let config = folder.read("data/privet.toml");
        let service = std::fs::read_to_string(folder.path("data/service.toml"));
        let port = |text: &str, place: &str| {
            let (_, rest) = text.split_once(place).unwrap();
            let (port, _) = rest.split_once('"').unwrap();
            port.parse().unwrap()
        };
        let address = "address = \"127.0.0.1:";
        let (_, behind_https) = config.split_once("protocol = \"https\"").unwrap();
        let site = service.as_ref().unwrap_or(&config);
        let complaints = BufReader::new(program.stderr.take().unwrap()).lines();
        Demo {
            program,
            complaints,
            ports: [
                port(&config, address),
                port(behind_https, address),
                port(site, "url = \"http://127.0.0.1:"),
            ],
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

    /// Waits until it says this on standard error.
    fn hear(&mut self, words: &str) {
        let mut lines = self.complaints.by_ref().map_while(Result::ok);
        assert!(lines.any(|line| line.contains(words)), "{words}");
    }

    /// Has the configuration read again, and waits until it is loaded.
    fn reload(&mut self) {
        let id = i32::try_from(self.program.id()).unwrap();
        let id = rustix::process::Pid::from_raw(id).unwrap();
        rustix::process::kill_process(id, rustix::process::Signal::HUP).unwrap();
        self.hear("is loaded");
    }

    /// Returns the page over plain HTTP.
    fn page(&self) -> String {
        let [https, http, _] = self.ports;
        asked(http, &format!("localhost:{https}"), "")
    }

    /// Waits until the edge answers the page over plain HTTP with this status: it hears of a change of the store soon.
    #[track_caller]
    fn answers(&self, status: &str) {
        let begun = Instant::now();
        let mut page = self.page();
        while !page.starts_with(&format!("HTTP/1.1 {status} ")) {
            assert!(begun.elapsed() < PATIENCE, "{page}");
            page = self.page();
        }
    }
}

fn without_redirects(text: &str) -> String {
    let redirect = "viewer_protocol_policy = \"redirect-to-https\"\n";
    assert!(text.contains(redirect));
    text.replace(redirect, "")
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
    // The page's secret is in none of these files.
    for name in ["data/privet.toml", "data/service.toml"] {
        let text = folder.read(name).to_ascii_lowercase();
        assert!(!text.contains("x-privet-demo-secret"), "{text}");
    }
}

const MINE: &str = "id = \"mine\"\nname = \"mine\"\nquery_strings = [\"v\"]\n";

#[test]
fn what_a_visitor_makes_survives_a_restart_of_the_demo() {
    let folder = Folder::new();
    let demo = Demo::start(&folder);
    folder.write("mine.toml", MINE);
    let run = |arguments: &[&str]| {
        let config = ["--config", "data/privet.toml"];
        let said = folder.run(&[arguments, &config[..]].concat());
        assert_eq!(said.code, 0, "{said:?}");
        said.out
    };
    run(&["policy", "cache", "create", "mine.toml"]);
    run(&["distribution", "disable", "EPRIVETDEMO001"]);
    drop(demo);
    let demo = Demo::start_again(&folder);
    assert!(run(&["policy", "cache", "list"]).contains("mine"));
    // What the demo made is as its file says.
    demo.answers("200");
    let shown = run(&["distribution", "show", "EPRIVETDEMO001"]);
    assert!(
        shown.contains("x-privet-demo-secret") && shown.contains("sealed"),
        "{shown}"
    );
    let operator = run(&["operator", "create", "me", "--role", "admin"]);
    assert!(operator.contains("me"), "{operator}");
}

#[test]
fn an_edited_service_file_is_taken_over_while_the_demo_runs() {
    let folder = Folder::new();
    demo_once(&folder, "data");
    let mut demo = Demo::start_again(&folder);
    let service = folder.read("data/service.toml");
    demo.answers("301");
    folder.write(
        "data/service.toml",
        &service.replace("origin = \"site\"", "origin = \"none\""),
    );
    demo.hear("none");
    demo.hear("taken over by itself");
    demo.answers("301");
    folder.write("data/service.toml", &without_redirects(&service));
    demo.hear("data/service.toml is in the store");
    demo.answers("200");
    demo.reload();
    demo.answers("200");
}

#[test]
fn a_folder_of_an_earlier_version_is_served_as_before() {
    let folder = Folder::new();
    demo_once(&folder, "data");
    let config = folder.read("data/privet.toml");
    let (node, _) = config.split_once("# What is served:").unwrap();
    let service = without_redirects(&folder.read("data/service.toml"));
    let (keys, rest) = service.split_once("# The bucket with the files").unwrap();
    let (_, rest) = rest.split_once("[[distributions]]").unwrap();
    let service = format!("{keys}[[distributions]]{rest}");
    let service = service.replace("bucket = { name = \"privet-demo\" }", "folder = \"bucket\"");
    folder.write("data/privet.toml", &format!("{node}{service}"));
    let bucket = folder.path("data/buckets/privet-demo");
    std::fs::rename(bucket, folder.path("data/bucket")).unwrap();
    for name in ["service.toml", "privet.db"] {
        std::fs::remove_file(folder.path("data").join(name)).unwrap();
    }
    let demo = Demo::start_again(&folder);
    demo.answers("200");
    for name in ["service.toml", "privet.db"] {
        assert!(!folder.path("data").join(name).exists(), "{name}");
    }
}

#[test]
fn the_demo_says_how_operators_change_what_is_served() {
    let folder = Folder::new();
    let said = demo_once(&folder, "data").out;
    let program = env!("CARGO_BIN_EXE_privet");
    for line in [
        format!("{program} distribution list --config data/privet.toml"),
        format!("{program} operator create me --role admin --config data/privet.toml"),
    ] {
        assert!(said.contains(&line), "{said}");
    }
    let config = folder.read("data/privet.toml");
    let (_, control) = config.split_once("[control]\naddress = \"").unwrap();
    let (address, _) = control.split_once('"').unwrap();
    assert!(
        said.contains(&format!(" http://{address}/v1/distributions\n")),
        "{said}"
    );
}

#[test]
fn the_aws_cli_lists_what_the_demo_serves_by_the_line_that_it_prints() {
    let folder = Folder::new();
    let text = demo_once(&folder, "data").out;
    let _demo = Demo::start_again(&folder);
    let (_, lines) = text.split_once("or the AWS CLI: ").unwrap();
    let lines: Vec<&str> = lines.lines().take(2).collect();
    // Another test's program may have taken the port since.
    let config = folder.read("data/privet.toml");
    let (_, control) = config.split_once("[control]\naddress = \"").unwrap();
    let (address, _) = control.split_once('"').unwrap();
    let endpoint = format!("AWS_ENDPOINT_URL_CLOUDFRONT=http://{address}");
    let (_, rest) = lines[1]
        .split_once("AWS_ENDPOINT_URL_CLOUDFRONT=http://127.0.0.1:")
        .unwrap();
    let (_, command) = rest.split_once(' ').unwrap();
    let script = format!(
        "aws() {{ {:?} -m awscli \"$@\"; }}\n{}\n{endpoint} {command}\n",
        python(),
        lines[0]
    );
    let mut shell = std::process::Command::new("bash");
    shell
        .args(["-c", &script])
        .current_dir(folder.path("."))
        .env("HOME", folder.path("."));
    let listed = run_within(&mut shell, PATIENCE);
    assert!(listed.status.success(), "{script}: {}", listed.errors());
    let listed: serde_json::Value = serde_json::from_str(&listed.text()).unwrap();
    let items = listed["DistributionList"]["Items"].as_array().unwrap();
    assert_eq!(items.len(), 1, "{listed}");
    assert_eq!(items[0]["Status"], "Deployed");
}
