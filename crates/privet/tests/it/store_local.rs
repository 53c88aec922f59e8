//! An edge whose service is in a database of its machine: what is changed there is in force without a restart, and what
//! cannot be served keeps nothing else from it.

use crate::support::*;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, Stream};
use serde_json::{Value, json};
use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

const ONE: &str = "http://one.example/a";
const TWO: &str = "http://two.example/a";

/// Starts an edge with the open distribution `E1` of `one.example` over its folder `bucket`, which has the object `a`.
fn edge_with_one() -> StoredEdge {
    let edge = StoredEdge::of_file();
    edge.write("bucket/a", "alpha");
    let made = edge.create("/v1/distributions", &one(&edge));
    edge.until_applied(made, 1);
    edge
}

fn one(edge: &StoredEdge) -> Value {
    stored_distribution("E1", "one.example", &edge.path("bucket"))
}

fn two(edge: &StoredEdge) -> Value {
    stored_distribution("E2", "two.example", &edge.path("bucket"))
}

#[track_caller]
fn check_start(spoil: impl FnOnce(&StoredEdge), expected: &str) {
    let mut edge = StoredEdge::new("file = \"privet.db\"");
    edge.make_operator();
    spoil(&edge);
    let said = edge.refuses_to_start();
    assert!(said.contains(expected), "{said}");
}

#[test]
fn a_store_that_cannot_be_opened_keeps_the_edge_from_starting() {
    let key = "privet.db.key";
    check_start(
        |edge| fs::remove_file(edge.path(key)).unwrap(),
        "sealing key",
    );
    check_start(|edge| edge.write(key, &"00".repeat(32)), "key");
    check_start(|edge| edge.write(key, "no key"), "openssl rand -hex 32");
    let overwrite = |edge: &StoredEdge| {
        // With its journal, the database would be whole again.
        let _ = fs::remove_file(edge.path("privet.db-wal"));
        edge.write("privet.db", &"no database ".repeat(99));
    };
    check_start(overwrite, "the database is damaged");
}

#[test]
fn another_store_is_refused_at_a_reload_and_the_old_one_stays() {
    let edge = edge_with_one();
    let config = fs::read_to_string(edge.path("privet.toml")).unwrap();
    edge.write("privet.toml", &config.replace("privet.db", "other.db"));
    edge.hang_up();
    edge.until_it_says("[store] names another store");
    assert_eq!(edge.sees(ONE), (200, "alpha".to_owned()));
    let made = edge.create("/v1/distributions", &two(&edge));
    edge.until_applied(made, 1);
    assert_eq!(edge.sees(TWO), (200, "alpha".to_owned()));
    assert!(!edge.path("other.db").exists());
}

#[test]
fn a_change_that_is_refused_leaves_everything_as_it_was() {
    let edge = edge_with_one();
    let mut taken = two(&edge);
    taken["aliases"] = json!(["one.example"]);
    let mut lost = two(&edge);
    lost["default_behavior"]["trusted_key_groups"] = json!(["nobody"]);
    for (document, code) in [(taken, "claimed"), (lost, "no_such_reference")] {
        let refused = edge.v1("POST", "/v1/distributions", &document);
        assert!(
            [code, "invalid"].contains(&refused.json["code"].as_str().unwrap()),
            "{}",
            refused.json
        );
        assert!(refused.status == 409 || refused.status == 422);
    }
    assert_eq!(edge.get(TWO).status(), edge.get("http://none/").status());
    assert_eq!(edge.sees(ONE), (200, "alpha".to_owned()));
    let read = edge.v1("GET", "/v1/distributions/E2", &Value::Null);
    assert_eq!(read.status, 404);
}

#[test]
fn a_file_beside_a_store_is_not_served_and_that_is_told() {
    let mut edge = edge_with_one();
    edge.kill();
    edge.configure(&format!(
        "[[distributions]]\nid = \"E2\"\ndomain_name = \"two.example\"\n[[distributions.origins]]\nid = \"videos\"\n\
         folder = {:?}\n[distributions.default_behavior]\norigin = \"videos\"\n",
        edge.path("bucket")
    ));
    edge.start();
    edge.until_it_says("the keys, policies and distributions in the file are not served");
    assert_eq!(edge.sees(ONE), (200, "alpha".to_owned()));
    assert_eq!(edge.get(TWO).status(), edge.get("http://none/").status());
    // As the warning advises.
    edge.done(&["import", "privet.toml"]);
    edge.until_status(TWO, 200);
}

#[test]
fn an_import_is_in_force_while_the_edge_runs() {
    let edge = edge_with_one();
    let distribution = |id: &str, host: &str| {
        format!(
            "[[distributions]]\nid = {id:?}\ndomain_name = {host:?}\n[[distributions.origins]]\nid = \"videos\"\n\
             folder = \"bucket\"\n[distributions.default_behavior]\norigin = \"videos\"\n"
        )
    };
    let (two, three) = (
        distribution("E2", "two.example"),
        distribution("E3", "one.example"),
    );
    edge.write("service.toml", &format!("{two}{three}"));
    assert!(!edge.run(&["import", "service.toml"]).status.success());
    assert_eq!(edge.get(TWO).status(), edge.get("http://none/").status());
    edge.write("service.toml", &two);
    edge.done(&["import", "service.toml"]);
    edge.until_status(TWO, 200);
    assert_eq!(edge.sees(ONE), (200, "alpha".to_owned()));
    edge.done(&["import", "service.toml", "--prune"]);
    edge.until_status(ONE, edge.get("http://none/").status());
    assert_eq!(edge.sees(TWO), (200, "alpha".to_owned()));
}

#[test]
fn a_key_that_leaves_its_group_opens_nothing_any_more() {
    let mut edge = edge_with_one();
    edge.kill();
    edge.configure(&edge.listener("rtmp", edge.rtmp()));
    edge.start();
    fs::create_dir(edge.path("bucket/video")).unwrap();
    let video = MadeVideo::new(4, 100, 0);
    fs::write(edge.path("bucket/video/talk.mp4"), &video.bytes).unwrap();
    edge.create("/v1/keys", &stored_key("KRSA", "rsa2048.pub.pem"));
    edge.create("/v1/keys", &stored_key("KEC", "p256.pub.pem"));
    let group = json!({ "id": "viewers", "public_keys": ["KRSA", "KEC"] });
    edge.create("/v1/key-groups", &group);
    edge.update("/v1/distributions/E1", |document| {
        document["default_behavior"]["trusted_key_groups"] = json!(["viewers"]);
    });
    let streaming = json!({ "id": "S1", "domain_name": "streams.example", "distribution": "E1", "trusted_key_groups": ["viewers"] });
    let made = edge.create("/v1/streaming", &streaming);
    edge.until_applied(made, 1);
    let (rsa, ec) = (signed(ONE, LATER), signed_by(EC, ONE, LATER));
    let (rsa_stream, ec_stream) = (stream_by(RSA), stream_by(EC));
    assert_eq!(edge.get(ONE).status(), 403);
    assert_eq!(
        (edge.get(&rsa).status(), edge.get(&ec).status()),
        (200, 200)
    );
    assert_eq!(played(&edge, &rsa_stream), "NetStream.Play.Start");
    let changed = edge.update("/v1/key-groups/viewers", |document| {
        document["public_keys"] = json!(["KEC"]);
    });
    edge.until_applied(changed, 1);
    assert_eq!(
        (edge.get(&rsa).status(), edge.get(&ec).status()),
        (403, 200)
    );
    assert_eq!(played(&edge, &rsa_stream), "NetStream.Play.Failed");
    assert_eq!(played(&edge, &ec_stream), "NetStream.Play.Start");
}

/// Returns the name of a stream with a link by this key.
fn stream_by(by: By) -> String {
    format!("mp4:{}", signed_by(by, "video/talk.mp4", LATER))
}

/// Plays a stream on a new connection; returns the code that says whether it begins.
fn played(edge: &StoredEdge, name: &str) -> String {
    let mut viewer = RtmpViewer::greet(Viewer::plain(edge.rtmp(), None)).unwrap();
    let connected = viewer.connect("streams.example", "cfx/st");
    assert_eq!(connected, "NetConnection.Connect.Success");
    viewer.play(name);
    loop {
        let code = viewer.next_code().unwrap();
        if code == "NetStream.Play.Start" || code.ends_with("Failed") {
            return code;
        }
    }
}

#[test]
fn a_missing_folder_keeps_nothing_else_from_being_served() {
    let mut edge = edge_with_one();
    let absent = edge.path("absent");
    let lost = stored_distribution("E2", "two.example", &absent);
    let made = edge.create("/v1/distributions", &lost);
    edge.until_applied(made, 1);
    edge.kill();
    edge.start();
    assert_eq!(edge.sees(ONE), (200, "alpha".to_owned()));
    assert_ne!(edge.get(TWO).status(), 200);
    let three = stored_distribution("E3", "three.example", &edge.path("bucket"));
    let made = edge.create("/v1/distributions", &three);
    edge.until_applied(made, 1);
    assert_eq!(edge.sees("http://three.example/a").1, "alpha");
    edge.write("absent/a", "late");
    edge.until_status(TWO, 200);
    assert_eq!(edge.sees(TWO).1, "late");
}

/// An origin names its bucket whether there is an item of it or not, so no reference leads from the item to the
/// distribution.
#[test]
fn a_bucket_lies_where_its_item_says_from_then_on() {
    let mut edge = edge_with_one();
    edge.write("articles/a", "article");
    edge.write("moved/a", "moved");
    let control = json!({
        "id": "E1C", "name": "articles", "access_key_id": "AKID", "secret_access_key": "s3cret",
    });
    edge.create("/v1/origin-access-controls", &control);
    let shown = edge.v1("GET", "/v1/origin-access-controls/E1C", &Value::Null);
    assert!(shown.json["document"]["secret_access_key"]["sealed"].is_string());
    let mut document = two(&edge);
    document["origins"] = json!([{
        "id": "videos", "bucket_host": "articles.s3.amazonaws.com", "origin_access_control": "E1C",
    }]);
    edge.create("/v1/distributions", &document);
    let bucket = json!({ "name": "articles", "folder": edge.path("articles") });
    let made = edge.create("/v1/buckets", &bucket);
    edge.until_applied(made, 1);
    assert_eq!(edge.sees(TWO), (200, "article".to_owned()));
    let moved = edge.path("moved");
    let changed = edge.update("/v1/buckets/articles", |document| {
        document["folder"] = json!(moved);
    });
    edge.until_applied(changed, 1);
    assert_eq!(edge.sees(TWO), (200, "moved".to_owned()));
    edge.kill();
    edge.start();
    assert_eq!(edge.sees(TWO), (200, "moved".to_owned()));
    assert_eq!(edge.sees(ONE), (200, "alpha".to_owned()));
}

#[test]
fn new_settings_of_the_machine_keep_the_service() {
    let edge = edge_with_one();
    let other = edge.other();
    assert!(TcpStream::connect(other).is_err());
    edge.configure(&edge.listener("http", other));
    edge.hang_up();
    until("the other listener", || TcpStream::connect(other).is_ok());
    let mut viewer = Viewer::plain(other, None);
    assert_eq!(viewer.get(ONE).text(), "alpha");
    let made = edge.create("/v1/distributions", &two(&edge));
    edge.until_applied(made, 1);
    assert_eq!(viewer.get(TWO).text(), "alpha");
    assert_eq!(edge.sees(ONE), (200, "alpha".to_owned()));
}

#[test]
fn a_certificate_of_the_store_is_replaced_while_the_edge_runs() {
    let mut edge = edge_with_one();
    edge.kill();
    edge.configure(&edge.listener("https", edge.https()));
    edge.start();
    let (first, second) = (made_certificate(), made_certificate());
    let document = |(chain, key): &(String, String)| json!({ "id": "tls", "chain_pem": chain, "key_pem": key });
    edge.create("/v1/certificates", &document(&first));
    let changed = edge.update("/v1/distributions/E1", |document| {
        document["certificate"] = json!("tls");
    });
    edge.until_applied(changed, 1);
    assert_eq!(over_tls(edge.https(), &second.0), None);
    assert_eq!(over_tls(edge.https(), &first.0).unwrap(), "HTTP/1.1 200 OK");
    let mut swapped = document(&second);
    swapped["key_pem"] = json!(first.1);
    let read = edge.v1("GET", "/v1/certificates/tls", &Value::Null).json;
    let shown = read.to_string();
    assert!(!shown.contains("PRIVATE KEY"), "{shown}");
    let request = V1::new("PUT", "/v1/certificates/tls", &swapped).if_match(&read);
    assert_eq!(edge.try_v1(&request).unwrap().status, 422);
    let changed = edge.update("/v1/certificates/tls", |stored| *stored = document(&second));
    edge.until_applied(changed, 1);
    assert_eq!(over_tls(edge.https(), &first.0), None);
    assert_eq!(
        over_tls(edge.https(), &second.0).unwrap(),
        "HTTP/1.1 200 OK"
    );
}

fn made_certificate() -> (String, String) {
    let made = rcgen::generate_simple_self_signed(["one.example".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

/// Requests an object from an edge that has to have this certificate; returns the status line, if it has.
fn over_tls(edge: SocketAddr, certificate: &str) -> Option<String> {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
    roots.add(certificate).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("one.example").unwrap();
    let mut session = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut socket = connect(edge, None, None).unwrap();
    let mut stream = Stream::new(&mut session, &mut socket);
    stream
        .write_all(b"GET /a HTTP/1.1\r\nHost: one.example\r\nConnection: close\r\n\r\n")
        .ok()?;
    let mut answer = String::new();
    std::io::Read::read_to_string(&mut stream, &mut answer).ok()?;
    answer.lines().next().map(str::to_owned)
}
