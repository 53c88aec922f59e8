//! Sends one request over the admin socket or to an endpoint, and reads the answer.

use super::endpoint::{Endpoint, Transport};
use crate::api_fault::ApiFault;
use crate::reason::reason;
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The interface gives up after 120 seconds itself.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(150);
const ANSWER_SIZE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// Admin socket of an edge on this machine.
    Socket(PathBuf),
    /// Operators' interface, and the file of the authority that signed its certificate.
    Endpoint(Endpoint, Option<PathBuf>),
}

/// An answer before its body is read as JSON.
#[derive(Debug)]
pub(super) struct RawAnswer {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Destination {
    /// Returns the name for messages.
    pub(super) fn shown(&self) -> String {
        match self {
            Destination::Socket(path) => path.display().to_string(),
            Destination::Endpoint(endpoint, _) => endpoint.authority.clone(),
        }
    }

    /// Returns the value of `Host`.
    pub(super) fn host(&self) -> &str {
        match self {
            Destination::Socket(_) => "privet",
            Destination::Endpoint(endpoint, _) => &endpoint.authority,
        }
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// [`ApiFault::Unreachable`], [`ApiFault::Authority`], [`ApiFault::Answer`].
    pub(super) async fn send(&self, request: Request<Full<Bytes>>) -> Result<RawAnswer, ApiFault> {
        let target = self.shown();
        let unreachable = |reason: String| ApiFault::Unreachable {
            target: target.clone(),
            reason,
        };
        let patience = |_| unreachable("nothing came in time".to_owned());
        let connecting = timeout(CONNECT_TIMEOUT, self.connect(&unreachable));
        let stream = connecting.await.map_err(patience)??;
        let exchanging = timeout(ANSWER_TIMEOUT, exchange(stream, request));
        exchanging
            .await
            .map_err(patience)?
            .map_err(|reason| ApiFault::Answer {
                target: target.clone(),
                reason,
            })
    }

    async fn connect(
        &self,
        unreachable: &impl Fn(String) -> ApiFault,
    ) -> Result<Box<dyn Stream>, ApiFault> {
        let refused = |error: std::io::Error| unreachable(reason(&error));
        let (endpoint, authority) = match self {
            Destination::Socket(path) => {
                return Ok(Box::new(UnixStream::connect(path).await.map_err(refused)?));
            }
            Destination::Endpoint(endpoint, authority) => (endpoint, authority),
        };
        let address = (endpoint.host.as_str(), endpoint.port);
        let stream = TcpStream::connect(address).await.map_err(refused)?;
        match endpoint.transport {
            Transport::Plain => Ok(Box::new(stream)),
            Transport::Tls => {
                let connector = TlsConnector::from(Arc::new(client_config(authority.as_deref())?));
                let name = ServerName::try_from(endpoint.host.clone())
                    .map_err(|error| unreachable(error.to_string()))?;
                // A certificate that is not trusted ends the handshake, before anything is sent.
                let stream = connector.connect(name, stream).await;
                Ok(Box::new(stream.map_err(refused)?))
            }
        }
    }
}

/// A connection of either kind.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

async fn exchange(
    stream: Box<dyn Stream>,
    request: Request<Full<Bytes>>,
) -> Result<RawAnswer, String> {
    let told = |error: hyper::Error| error.to_string();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(told)?;
    // It ends with the runtime, which lives for this command.
    tokio::spawn(connection);
    let answer = sender.send_request(request).await.map_err(told)?;
    let (parts, body) = answer.into_parts();
    let body = Limited::new(body, ANSWER_SIZE_BYTES_MAX).collect().await;
    let body = body.map_err(|error| error.to_string())?;
    Ok(RawAnswer {
        status: parts.status,
        headers: parts.headers,
        body: body.to_bytes(),
    })
}

/// Trusts the given authority alone, or else those of the system.
fn client_config(authority: Option<&Path>) -> Result<ClientConfig, ApiFault> {
    let file = authority.map_or("the system's trust anchors".into(), Path::to_string_lossy);
    let fault = |problem: String| ApiFault::Authority {
        file: file.to_string(),
        problem,
    };
    let mut roots = RootCertStore::empty();
    match authority {
        Some(file) => {
            let certificates = CertificateDer::pem_file_iter(file);
            let certificates = certificates.map_err(|error| fault(error.to_string()))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| fault(error.to_string()))?;
                let added = roots.add(certificate);
                added.map_err(|error| fault(error.to_string()))?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        return Err(fault("has no certificate that can be trusted".to_owned()));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| fault(error.to_string()))?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}
