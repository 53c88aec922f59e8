//! Log files on their way into buckets: through kills, refusals and absent servers, into folders and a real gateway.

use crate::support::*;
use flate2::read::MultiGzDecoder;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

const HOST: &str = "www.example";
const LOG: &str = "[log]\nfolder = \"logs\"\ndeliver_after = \"1s\"\n";

/// Starts an edge with a bucket of this form, and a distribution whose log is for it.
fn edge_with(bucket: &Value, logging: &Value) -> StoredEdge {
    let mut edge = StoredEdge::new("file = \"privet.db\"");
    edge.configure(LOG);
    edge.make_operator();
    edge.start();
    edge.create("/v1/buckets", bucket);
    let mut document = stored_distribution("E1", HOST, &edge.path("bucket"));
    document["logging"] = logging.clone();
    let change = edge.create("/v1/distributions", &document);
    edge.until_applied(change, 1);
    fs::write(edge.path("bucket/a"), "a").unwrap();
    edge
}

fn logging(more: &Value) -> Value {
    let mut logging = json!({ "bucket": "weblogs.s3.amazonaws.com", "prefix": "www/" });
    for (key, value) in more.as_object().unwrap() {
        logging[key] = value.clone();
    }
    logging
}

fn folder_bucket(folder: &Path) -> Value {
    fs::create_dir_all(folder).unwrap();
    json!({ "name": "weblogs", "folder": folder })
}

fn endpoint_bucket(address: SocketAddr) -> Value {
    json!({
        "name": "weblogs",
        "endpoint": format!("http://{address}"),
        "region": "us-east-1",
        "addressing": "path",
        "access_key_id": "AKIDEXAMPLE",
        "secret_access_key": "secret",
    })
}

fn delivery(edge: &StoredEdge) -> Value {
    edge.v1("GET", "/v1/log-delivery", &Value::Null).json
}

fn request(edge: &StoredEdge, number: usize) {
    let answer = edge.get(&format!("http://{HOST}/a?n={number}"));
    assert_eq!(answer.status(), 200);
}

/// Returns what can be decompressed: a file that was being written when the edge was killed may be torn.
fn unpacked(bytes: &[u8]) -> String {
    let mut text = Vec::new();
    let _ = MultiGzDecoder::new(bytes).read_to_end(&mut text);
    String::from_utf8(text).unwrap()
}

/// Returns the queries of the records in log files.
fn queries(texts: impl Iterator<Item = String>) -> Vec<String> {
    let mut queries = Vec::new();
    for text in texts {
        assert!(text.starts_with("#Version: 1.0\n#Fields: "), "{text:?}");
        let records: Vec<Vec<&str>> = text
            .lines()
            .skip(2)
            .map(|line| line.split('\t').collect())
            .collect();
        let times: Vec<(&str, &str)> = records
            .iter()
            .map(|record| (record[0], record[1]))
            .collect();
        assert!(times.is_sorted(), "{times:?}");
        queries.extend(records.iter().map(|record| record[11].to_owned()));
    }
    queries.sort();
    queries
}

fn delivered(folder: &Path) -> Vec<String> {
    let files = files_beneath(folder).into_iter();
    queries(files.map(|file| unpacked(&fs::read(file).unwrap())))
}

/// The target of a request and its body.
type Uploaded = (String, Vec<u8>);

/// An S3 server that takes objects, or refuses them with a status.
struct FakeBucket {
    status: Arc<AtomicU16>,
    requests: Arc<Mutex<Vec<Uploaded>>>,
}

impl FakeBucket {
    fn start(address: SocketAddr, status: u16) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let bucket = FakeBucket {
            status: Arc::new(AtomicU16::new(status)),
            requests: Arc::default(),
        };
        let (status, requests) = (Arc::clone(&bucket.status), Arc::clone(&bucket.requests));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let _ = answer(&mut stream.unwrap(), &status, &requests);
            }
        });
        bucket
    }

    fn requests(&self) -> Vec<Uploaded> {
        self.requests.lock().unwrap().clone()
    }
}

fn answer(
    stream: &mut TcpStream,
    status: &AtomicU16,
    requests: &Mutex<Vec<Uploaded>>,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.to_ascii_lowercase();
    let (_, length) = length.split_once("content-length: ").unwrap();
    let length = length.split("\r\n").next().unwrap().parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    requests.lock().unwrap().push((head, body));
    let error = "<Error><Code>InvalidAccessKeyId</Code><Message>no</Message></Error>";
    let text = match status.load(Ordering::SeqCst) {
        200 => String::from("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
        status => format!(
            "HTTP/1.1 {status} Forbidden\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{error}",
            error.len()
        ),
    };
    stream.write_all(text.as_bytes())
}

/// Returns a loopback address at which nobody listens.
fn free_address() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap()
}

#[test]
fn an_absent_server_and_wrong_keys_are_told_and_outwaited_over_a_kill() {
    let address = free_address();
    let mut edge = edge_with(&endpoint_bucket(address), &logging(&json!({})));
    request(&edge, 1);
    edge.until_it_says("the logs for bucket weblogs are not delivered and wait: cannot connect");
    let shown = delivery(&edge);
    assert_eq!(
        (
            shown["waiting_files"].as_u64(),
            shown["delivered_files"].as_u64()
        ),
        (Some(1), Some(0))
    );
    assert_eq!(shown["buckets"][0]["bucket"], "weblogs");
    assert_eq!(shown["buckets"][0]["fault"]["kind"], "unreached");
    assert!(shown["waiting_size_bytes"].as_u64().unwrap() > 0);
    edge.kill();
    let bucket = FakeBucket::start(address, 403);
    edge.start();
    edge.until_it_says("it does not accept the edge's access keys");
    assert_eq!(
        delivery(&edge)["buckets"][0]["fault"]["kind"],
        "refuses-edge"
    );
    bucket.status.store(200, Ordering::SeqCst);
    until("the file arrives", || {
        delivery(&edge)["delivered_files"] == 1
    });
    let requests = bucket.requests();
    let (head, body) = requests.last().unwrap();
    assert!(head.starts_with("PUT /weblogs/www/E1.20"), "{head}");
    let lower = head.to_ascii_lowercase();
    assert!(
        lower.contains("authorization: aws4-hmac-sha256 credential=akidexample/"),
        "{head}"
    );
    assert!(
        lower.contains("content-type: application/x-gzip\r\n"),
        "{head}"
    );
    assert_eq!(queries([unpacked(body)].into_iter()), ["n=1"]);
    for (earlier, sent) in &requests {
        let line = |head: &str| head.lines().next().unwrap().to_owned();
        assert_eq!((line(earlier), sent), (line(head), body));
    }
    let shown = delivery(&edge);
    assert_eq!(
        (&shown["waiting_files"], &shown["buckets"]),
        (&json!(0), &json!([]))
    );
    edge.stop();
}

/// Records are delivered once each, as far as they were written: those of the last second may be lost with a kill.
#[test]
fn every_record_that_was_written_arrives_whatever_is_killed() {
    let kills = std::env::var("PRIVET_KILLS").map_or(6, |kills| kills.parse().unwrap());
    let target = tempfile::tempdir().unwrap();
    let mut edge = edge_with(&folder_bucket(target.path()), &logging(&json!({})));
    let mut number = 0;
    for kill in 0..kills {
        // Some kills come while files grow, some while they are delivered.
        let until_number = number + 40 * (1 + kill % 3);
        let begun = std::time::Instant::now();
        while number < until_number
            || begun.elapsed().as_millis() < 1_000 + 150 * (kill as u128 % 9)
        {
            request(&edge, number);
            number += 1;
        }
        edge.kill();
        edge.start();
    }
    request(&edge, number);
    edge.stop();
    let arrived = delivered(target.path());
    let once: BTreeSet<&String> = arrived.iter().collect();
    assert_eq!(once.len(), arrived.len(), "a record arrived twice");
    let own = fs::read_dir(edge.path("logs")).unwrap();
    let own = own
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file());
    let written = queries(
        own.map(|file| unpacked(&fs::read(file).unwrap()))
            .filter(|text| !text.is_empty()),
    );
    assert!(written.len() > kills * 10, "{}", written.len());
    let missing: Vec<_> = written
        .iter()
        .filter(|query| !once.contains(query))
        .collect();
    assert!(
        missing.is_empty(),
        "{} of {}: {missing:?}",
        missing.len(),
        written.len()
    );
    assert_eq!(
        files_beneath(&edge.path("logs/.undelivered")),
        Vec::<std::path::PathBuf>::new()
    );
}

#[test]
fn a_log_has_the_form_and_the_fields_that_its_distribution_chooses() {
    let target = tempfile::tempdir().unwrap();
    let form =
        json!({ "format": "json", "fields": ["sc-status", "cs-uri-query", "x-privet-refusal"] });
    let mut edge = edge_with(&folder_bucket(target.path()), &logging(&form));
    request(&edge, 1);
    edge.stop();
    let files = files_beneath(target.path());
    assert_eq!(files.len(), 1);
    assert!(files[0].starts_with(target.path().join("www")));
    let line = "{\"sc-status\":\"200\",\"cs-uri-query\":\"n=1\",\"x-privet-refusal\":\"-\"}\n";
    assert_eq!(gunzip(&files[0]), line);
}

#[test]
fn a_delivered_line_is_found_by_its_link() {
    let target = tempfile::tempdir().unwrap();
    let mut edge = edge_with(&folder_bucket(target.path()), &logging(&json!({})));
    request(&edge, 1);
    edge.stop();
    for entry in fs::read_dir(edge.path("logs")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            fs::remove_file(path).unwrap();
        }
    }
    let link = format!("http://{HOST}/a?n=1");
    let said = edge.run(&["explain", "--config", "privet.toml", "--log", &link]);
    let said = String::from_utf8(said.stdout).unwrap();
    let file = files_beneath(target.path()).pop().unwrap();
    assert!(said.contains(" 200 Miss from 127."), "{said}");
    assert!(said.contains(&format!("({})", file.display())), "{said}");
    let other = format!("http://{HOST}/a?n=2");
    let said = edge.run(&[
        "explain",
        "--config",
        "privet.toml",
        "--log",
        "--json",
        &other,
    ]);
    let said: Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(said["log"]["found"], json!([]));
}

/// Whoever adds the bucket later has the logs from then on in it; those before stay where they are.
#[test]
fn a_bucket_that_no_item_names_is_a_folder_and_one_that_is_gone_is_waited_for() {
    let target = tempfile::tempdir().unwrap();
    let mut edge = edge_with(
        &json!({ "name": "another", "folder": "bucket" }),
        &logging(&json!({})),
    );
    request(&edge, 1);
    let change = edge.create("/v1/buckets", &folder_bucket(target.path()));
    edge.until_applied(change, 1);
    request(&edge, 2);
    until("the file arrives", || {
        delivery(&edge)["delivered_files"] == 1
    });
    fs::remove_dir_all(target.path()).unwrap();
    request(&edge, 3);
    edge.until_it_says("the logs for bucket weblogs are not delivered and wait:");
    fs::create_dir(target.path()).unwrap();
    edge.stop();
    assert_eq!(delivered(target.path()), ["n=3"]);
    assert_eq!(delivered(&edge.path("logs/weblogs")), ["n=1"]);
}

#[test]
fn a_real_gateway_gets_the_files() {
    let Some(bucket) = Bucket::create("logs") else {
        return;
    };
    let mut item = endpoint_bucket(free_address());
    item["name"] = json!(bucket.name());
    item["endpoint"] = json!(bucket.endpoint());
    item["access_key_id"] = json!(Bucket::ACCESS_KEY);
    item["secret_access_key"] = json!("wrong");
    let host = format!("{}.s3.amazonaws.com", bucket.name());
    let form = json!({ "bucket": host, "prefix": "a~+=/(x)/", "format": "json" });
    let mut edge = edge_with(&item, &form);
    request(&edge, 1);
    edge.until_it_says("SignatureDoesNotMatch");
    assert_eq!(bucket.count(), 0);
    let change = edge.update(&format!("/v1/buckets/{}", bucket.name()), |document| {
        document["secret_access_key"] = json!(Bucket::SECRET_KEY);
    });
    edge.until_applied(change, 1);
    until("the file arrives", || {
        delivery(&edge)["delivered_files"] == 1
    });
    let listing = bucket.request("GET", "", None);
    let listing = listing["body"].as_str().unwrap();
    assert!(listing.contains("<Key>a~+=/(x)/E1.20"), "{listing}");
    edge.stop();
    assert_eq!(bucket.count(), 1);
}

/// Passes connections on to a server.
fn forward(address: SocketAddr, server: SocketAddr) {
    let listener = TcpListener::bind(address).unwrap();
    std::thread::spawn(move || {
        for client in listener.incoming() {
            let (client, server) = (client.unwrap(), TcpStream::connect(server).unwrap());
            let ways = [
                (client.try_clone().unwrap(), server.try_clone().unwrap()),
                (server, client),
            ];
            for (mut from, mut to) in ways {
                std::thread::spawn(move || {
                    let _ = std::io::copy(&mut from, &mut to);
                    let _ = to.shutdown(Shutdown::Both);
                });
            }
        }
    });
}

#[test]
fn a_real_gateway_that_was_unreachable_gets_the_files_when_it_is_back() {
    let Some(bucket) = Bucket::create("later") else {
        return;
    };
    let address = free_address();
    let mut item = endpoint_bucket(address);
    item["name"] = json!(bucket.name());
    item["access_key_id"] = json!(Bucket::ACCESS_KEY);
    item["secret_access_key"] = json!(Bucket::SECRET_KEY);
    let host = format!("{}.s3.amazonaws.com", bucket.name());
    let form = json!({ "bucket": host, "prefix": "www/", "format": "json" });
    let mut edge = edge_with(&item, &form);
    request(&edge, 1);
    let name = bucket.name();
    edge.until_it_says(&format!(
        "the logs for bucket {name} are not delivered and wait: cannot connect"
    ));
    assert_eq!(delivery(&edge)["buckets"][0]["fault"]["kind"], "unreached");
    assert_eq!(bucket.count(), 0);
    let gateway = bucket.endpoint().trim_start_matches("http://");
    forward(address, gateway.parse().unwrap());
    until("the file arrives", || {
        delivery(&edge)["delivered_files"] == 1
    });
    let shown = delivery(&edge);
    assert_eq!(
        (&shown["waiting_files"], &shown["buckets"]),
        (&json!(0), &json!([]))
    );
    let listing = bucket.request("GET", "", None);
    let listing = listing["body"].as_str().unwrap();
    assert!(listing.contains("<Key>www/E1.20"), "{listing}");
    edge.stop();
    assert_eq!(bucket.count(), 1);
}

/// The story of the articles: a bucket of the machine's own, a log in it, and the line of a link.
#[test]
fn a_bucket_of_the_machine_has_the_log_beneath_its_prefix() {
    let mut edge = StoredEdge::new("file = \"privet.db\"");
    edge.configure(&format!("{LOG}[buckets]\nfolder = \"buckets\"\n"));
    edge.make_operator();
    edge.start();
    edge.create(
        "/v1/buckets",
        &json!({ "name": "weblogs", "embedded": true }),
    );
    let mut document = stored_distribution("E1", HOST, &edge.path("bucket"));
    document["logging"] = logging(&json!({}));
    let change = edge.create("/v1/distributions", &document);
    edge.until_applied(change, 1);
    fs::write(edge.path("bucket/a"), "a").unwrap();
    request(&edge, 1);
    until("the file arrives", || {
        delivery(&edge)["delivered_files"] == 1
    });
    edge.stop();
    assert_eq!(delivered(&edge.path("buckets/weblogs/www")), ["n=1"]);
    let link = format!("http://{HOST}/a?n=1");
    let said = edge.run(&["explain", "--config", "privet.toml", "--log", &link]);
    let said = String::from_utf8(said.stdout).unwrap();
    assert!(said.contains("buckets/weblogs/www/E1.20"), "{said}");
}
