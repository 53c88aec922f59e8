//! The cost of a path before anything is served: unsigned requests with 75 behaviors whose patterns need an automaton.

use super::servers::{Server, free_port};
use super::{Bar, Row, median, process};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;
use xtask::command::{self, Outcome};

/// Largest CPU time for any path of 8 KiB.
const MILLISECONDS_MAX: f64 = 0.3;
/// CloudFront's quota of behaviors, including the default one.
const BEHAVIORS: usize = 75;
const PATH_SIZE_BYTES: usize = 8_000;

/// Measures each path at an edge with a folder and at one with an HTTP server.
pub fn run(quick: bool) -> Outcome<Vec<Row>> {
    Server::build_privet()?;
    let folder = command::target().join("bench/paths");
    std::fs::create_dir_all(folder.join("files")).map_err(|error| error.to_string())?;
    let mut rows = Vec::new();
    for (name, origin) in [
        ("folder", "folder = \"files\""),
        ("HTTP origin", "url = \"http://127.0.0.1:9\""),
    ] {
        let port = free_port()?;
        // The edge has one listener, for plain HTTP.
        let server = Server::privet_with(&folder, (port, port), &config(port, origin))?;
        for (path_name, path) in paths() {
            let rounds = if quick { 3 } else { 15 };
            let milliseconds = cpu_milliseconds(&server, port, &path, rounds)?;
            let row = Row {
                case: format!("{path_name}, {name}"),
                ours: milliseconds,
                peer: None,
                unit: "ms of CPU",
                ratio: None,
                bar: Bar::AtMost(MILLISECONDS_MAX),
            };
            row.announce();
            rows.push(row);
        }
    }
    Ok(rows)
}

fn config(port: u16, origin: &str) -> String {
    let mut text = format!(
        "[[listeners]]\naddress = \"127.0.0.1:{port}\"\n[[distributions]]\nid = \"E1\"\ndomain_name = \"localhost\"\n\
         origins = [{{ id = \"o\", {origin} }}]\ndefault_behavior = {{ origin = \"o\", viewer_protocol_policy = \"https-only\" }}\n"
    );
    for number in 1..BEHAVIORS {
        // Nothing is served: the measurement covers the way to a refusal.
        let _ = write!(
            text,
            "[[distributions.behaviors]]\npath_pattern = \"/*t{number:02}?*x*.jpg\"\norigin = \"o\"\n\
             viewer_protocol_policy = \"https-only\"\n"
        );
    }
    text
}

/// Returns paths of every kind that causes work.
fn paths() -> Vec<(&'static str, String)> {
    let repeated = |piece: &str, ending: &str| {
        let count = (PATH_SIZE_BYTES - ending.len() - 1) / piece.len();
        format!("/{}{ending}", piece.repeat(count))
    };
    vec![
        ("plain path", "/a.txt".to_owned()),
        ("plain path of 8 KB", repeated("x/", "a.jpg")),
        (
            "every pattern begins to match",
            repeated("t01at02at03a", "x.jpg"),
        ),
        (
            "readings of all kinds",
            repeated("x/", "/./y;z/%2525\\%2500/f.mp4/hls/t1/1.m4s"),
        ),
        ("dots", repeated("a/../", "a.jpg")),
        ("escapes", repeated("%61%2b", "a.jpg")),
        ("nested escapes", repeated("%25", "2e.jpg")),
        ("parameters", repeated("a;b/", "a.jpg")),
        ("plus signs", repeated("a+b/", "a.jpg")),
        ("video", repeated("t01/", "f.mp4/hls/t1/1.m4s")),
    ]
}

/// Returns the median over rounds of some hundred requests on one connection.
fn cpu_milliseconds(server: &Server, port: u16, path: &str, rounds: usize) -> Outcome<f64> {
    const REQUESTS: u32 = 400;
    let mut stream = connect(port)?;
    let mut values = Vec::new();
    for _ in 0..rounds {
        let before = process::cpu_time(server.process())?;
        for _ in 0..REQUESTS {
            ask(&mut stream, path)?;
        }
        let spent: Duration = process::cpu_time(server.process())?.saturating_sub(before);
        values.push(spent.as_secs_f64() * 1000.0 / f64::from(REQUESTS));
    }
    Ok(median(&values))
}

fn connect(port: u16) -> Outcome<BufReader<TcpStream>> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port));
    let stream = stream.map_err(|error| format!("cannot connect to the edge: {error}"))?;
    Ok(BufReader::new(stream))
}

/// Sends a request and reads its whole response, which has a length.
fn ask(stream: &mut BufReader<TcpStream>, path: &str) -> Outcome {
    let failed = |error: std::io::Error| format!("the edge does not answer: {error}");
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    stream
        .get_mut()
        .write_all(head.as_bytes())
        .map_err(failed)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).map_err(failed)? == 0 {
            return Err("the edge has closed the connection".to_owned());
        }
        if line == "\r\n" {
            break;
        }
        if let Some(value) = line.strip_prefix("Content-Length: ") {
            length = value
                .trim()
                .parse()
                .map_err(|_| "an odd length".to_owned())?;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).map_err(failed)
}
