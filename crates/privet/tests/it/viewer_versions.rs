//! Versions of HTTP and TLS by host name: what the handshake offers, and requests for another host over the same
//! connection.

use crate::support::*;
use rustls::pki_types::ServerName;
use rustls::version::{TLS12, TLS13};
use rustls::{
    ClientConfig, ClientConnection, ProtocolVersion, StreamOwned, SupportedProtocolVersion,
};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

const H1: &str = "h1.videos.example.com";
const STRICT: &str = "strict.videos.example.com";
/// A name of the first distribution, by its wildcard.
const OTHER: &str = "other.videos.example.com";

/// Returns a distribution with these lines.
fn distribution(id: &str, host: &str, lines: &str) -> String {
    format!(
        "[[distributions]]
id = \"{id}\"
domain_name = \"{host}\"
certificate = {{ chain = \"chain.pem\", key = \"key.pem\" }}
origins = [{{ id = \"videos\", folder = \"bucket\" }}]
default_behavior = {{ origin = \"videos\" }}
{lines}
"
    )
}

fn config() -> String {
    [
        fixture(),
        distribution("EH1", H1, "http_version = \"http1.1\""),
        distribution(
            "ESTRICT",
            STRICT,
            "minimum_protocol_version = \"TLSv1.3_2025\"",
        ),
    ]
    .concat()
}

type TlsStream = StreamOwned<ClientConnection, TcpStream>;

/// Shakes hands, with the server name if it is one.
fn shake(
    edge: &TestEdge,
    name: &str,
    alpn: &[&str],
    versions: &[&'static SupportedProtocolVersion],
) -> std::io::Result<TlsStream> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(trusted_roots())
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let session = ClientConnection::new(Arc::new(config), name).unwrap();
    let socket = connect(edge.https(), None, None).unwrap();
    let mut stream = StreamOwned::new(session, socket);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

/// Checks what is agreed on with a viewer that offers both versions of HTTP and these of TLS.
#[track_caller]
fn check(
    edge: &TestEdge,
    name: &str,
    versions: &[&'static SupportedProtocolVersion],
    expected: Option<(&str, ProtocolVersion)>,
) {
    let agreed = shake(edge, name, &["h2", "http/1.1"], versions).ok();
    let agreed = agreed.map(|stream| {
        let protocol = stream.conn.alpn_protocol().unwrap().to_vec();
        let version = stream.conn.protocol_version().unwrap();
        (String::from_utf8(protocol).unwrap(), version)
    });
    let agreed = agreed
        .as_ref()
        .map(|(protocol, version)| (protocol.as_str(), *version));
    assert_eq!(agreed, expected, "{name}");
}

#[test]
fn the_server_name_decides_what_is_offered() {
    let mut edge = TestEdge::configured(&config());
    let (tls12, tls13) = (ProtocolVersion::TLSv1_2, ProtocolVersion::TLSv1_3);
    // Too old, and of no common version.
    check(&edge, STRICT, &[&TLS12], None);
    assert!(shake(&edge, H1, &["h2"], &[&TLS13]).is_err());

    check(&edge, H1, &[&TLS12, &TLS13], Some(("http/1.1", tls13)));
    check(&edge, H1, &[&TLS12], Some(("http/1.1", tls12)));
    check(&edge, STRICT, &[&TLS12, &TLS13], Some(("h2", tls13)));
    for name in [HOST, OTHER, "127.0.0.2"] {
        check(&edge, name, &[&TLS12], Some(("h2", tls12)));
        check(&edge, name, &[&TLS13], Some(("h2", tls13)));
    }

    // Names change their owners, and owners their minds.
    let swapped = config()
        .replace(H1, "swapping.videos.example.com")
        .replace(STRICT, H1);
    edge.reload(&swapped).unwrap();
    check(&edge, STRICT, &[&TLS12], Some(("h2", tls12)));
    check(&edge, H1, &[&TLS12], None);
    check(&edge, H1, &[&TLS13], Some(("h2", tls13)));
}

#[test]
fn a_connection_for_another_host_is_not_enough() {
    let edge = TestEdge::configured(&config());
    edge.put("public/a", b"a");
    let asked = |stream: &mut TlsStream, host: &str| {
        let request = format!("GET /public/a HTTP/1.1\r\nHost: {host}\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).unwrap();
        String::from_utf8(head[9..].to_vec()).unwrap()
    };
    let mut old = shake(&edge, HOST, &["http/1.1"], &[&TLS12]).unwrap();
    assert_eq!(asked(&mut old, STRICT), "421");
    let mut old = shake(&edge, HOST, &["http/1.1"], &[&TLS12]).unwrap();
    assert_eq!(asked(&mut old, H1), "200");
    let mut new = shake(&edge, HOST, &["http/1.1"], &[&TLS13]).unwrap();
    assert_eq!(asked(&mut new, STRICT), "200");
    // Without TLS there is no version that could be too old.
    let mut plain = Viewer::plain(edge.http(), None);
    let answer = plain.get(&format!("http://{STRICT}/public/a"));
    assert_eq!(answer.status(), 200);

    let hosts = [HOST, STRICT, H1];
    let asks = hosts.map(|host| Ask::get(format!("https://{host}/public/a")));
    let answers = ask_multiplexed(&edge, &asks);
    let statuses: Vec<u16> = answers
        .iter()
        .map(|answer| answer.status().as_u16())
        .collect();
    assert_eq!(statuses, [200, 200, 421]);
    let (_, live) = edge.stop();
    let refusals = live.records().into_iter().filter_map(|record| {
        let refusal = record.get("x-privet-refusal")?.as_str()?;
        (refusal != "-").then(|| refusal.to_owned())
    });
    assert_eq!(
        refusals.collect::<Vec<_>>(),
        ["misdirected-request", "misdirected-request"]
    );
}
