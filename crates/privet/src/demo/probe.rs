//! Requests a link from the edge as a viewer would, over TLS, and describes the response.

use super::data::{DemoData, read};
use super::demo_error::DemoError;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

const PATIENCE: Duration = Duration::from_secs(10);
const ANSWER_SIZE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// Returns one line: status and size, or the text of the refusal. `url` begins with `https://localhost:PORT`.
pub(super) fn get(data: &DemoData, port: u16, url: &str) -> Result<String, DemoError> {
    let answer = fetch(data, port, url)?;
    let head_end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .ok_or_else(|| DemoError::Probe("no response".to_owned()))?;
    let (head, body) = answer.split_at(head_end + 4);
    let head = String::from_utf8_lossy(head);
    let status = head.lines().next().unwrap_or_default();
    let status = status.split_once(' ').map_or(status, |(_, status)| status);
    Ok(if status.starts_with('2') {
        format!("{status}, {} bytes", body.len())
    } else {
        format!("{status} {}", String::from_utf8_lossy(body))
    })
}

fn fetch(data: &DemoData, port: u16, url: &str) -> Result<Vec<u8>, DemoError> {
    let fault = |error: &dyn std::fmt::Display| DemoError::Probe(error.to_string());
    let target = url
        .strip_prefix(&format!("https://localhost:{port}"))
        .unwrap_or("/");
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(&read(&data.certificate())?)
        .map_err(|error| fault(&error))?;
    roots.add(certificate).map_err(|error| fault(&error))?;
    let config = ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .map_err(|error| fault(&error))?
    .with_root_certificates(roots)
    .with_no_client_auth();
    let name = ServerName::try_from("localhost").map_err(|error| fault(&error))?;
    let session = ClientConnection::new(Arc::new(config), name).map_err(|error| fault(&error))?;
    let socket = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map_err(|error| fault(&error))?;
    socket
        .set_read_timeout(Some(PATIENCE))
        .map_err(|error| fault(&error))?;
    let mut stream = StreamOwned::new(session, socket);
    let request =
        format!("GET {target} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n");
    stream
        .write_all(request.as_bytes())
        .map_err(|error| fault(&error))?;
    let mut answer = Vec::new();
    stream
        .take(ANSWER_SIZE_BYTES_MAX)
        .read_to_end(&mut answer)
        .map_err(|error| fault(&error))?;
    Ok(answer)
}
