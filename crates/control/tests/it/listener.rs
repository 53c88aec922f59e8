//! The listener: TLS, and another certificate or other names while it runs.

use crate::support::*;
use privet_control::{ListenerOptions, server_config};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

/// Makes a certificate for the host of the tests, and who trusts it.
pub fn certificate() -> (Arc<rustls::ServerConfig>, Arc<ClientConfig>) {
    let made = rcgen::generate_simple_self_signed([HOST.to_owned()]).unwrap();
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let server = server_config(chain.as_bytes(), key.as_bytes()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let client = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    (server, Arc::new(client))
}

fn ask_tls(address: SocketAddr, client: &Arc<ClientConfig>, ask: &Ask) -> Answer {
    ask_over(TcpStream::connect(address).unwrap(), client, ask)
}

/// Sends a request over TLS on a connection.
pub fn ask_over(stream: TcpStream, client: &Arc<ClientConfig>, ask: &Ask) -> Answer {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let name = ServerName::try_from(HOST).unwrap();
    let connection = ClientConnection::new(Arc::clone(client), name).unwrap();
    exchange(&mut StreamOwned::new(connection, stream), &ask.encode())
}

#[test]
fn a_certificate_that_cannot_be_used_is_refused() {
    let check = |chain: &str, key: &str, expected: &str| {
        let refused = server_config(chain.as_bytes(), key.as_bytes()).unwrap_err();
        assert!(refused.contains(expected), "{refused}");
    };
    let made = || rcgen::generate_simple_self_signed([HOST.to_owned()]).unwrap();
    let (one, other) = (made(), made());
    let (chain, key) = (one.cert.pem(), one.signing_key.serialize_pem());
    check("", &key, "has no certificate");
    check(&chain, "", "the key of the certificate cannot be read");
    check(&chain, &other.signing_key.serialize_pem(), "cannot be used");
}

#[test]
fn a_listener_takes_a_certificate_and_names_while_it_runs() {
    let mut fixture = Fixture::new();
    let key = fixture.admin();
    let ask = || Ask::get("/v1/keys").bearer(&key);
    assert_eq!(fixture.ask(&ask()).status, 200);
    let (server, client) = certificate();
    let options = |hosts: &[&str], tls| ListenerOptions {
        address: "127.0.0.1:0".parse().unwrap(),
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        tls,
    };
    fixture.renew(&options(&[HOST], Some(server.clone())));
    let address = fixture.address();
    // The change is a message to the thread that serves: a plain connection may still have been before it.
    let until = std::time::Instant::now() + PATIENCE;
    while fixture.ask(&ask()).status == 200 {
        assert!(
            std::time::Instant::now() < until,
            "plain HTTP is still served"
        );
    }
    let answer = ask_tls(address, &client, &ask());
    assert_eq!(answer.status, 200, "{answer:?}");
    let signed = Ask::get("/v1/keys").signed(&key);
    assert_eq!(ask_tls(address, &client, &signed).status, 200);
    fixture.renew(&options(&["other.example"], Some(server)));
    while ask_tls(address, &client, &ask()).status == 200 {
        assert!(
            std::time::Instant::now() < until,
            "the former name is still served"
        );
    }
    assert_eq!(ask_tls(address, &client, &ask()).code(), "host_not_served");
    let other = ask().header("host", "other.example");
    assert_eq!(ask_tls(address, &client, &other).status, 200);
}
