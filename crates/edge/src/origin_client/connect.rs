//! Opens a connection to a server: name lookup, TCP and TLS within one timeout, then HTTP/1.1.

use super::fault::{OriginFault, OriginFaultKind};
use super::pool::{ConnectionTask, Destination};
use super::request_body::WatchedBody;
use super::trust::Trust;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use privet_distribution::config::{AddressFamilies, HttpServer};
use rustls_pki_types::ServerName;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Maximum size of a response's head, status line included (developer guide, "Quotas": maximum length of a response's
/// headers).
pub(super) const RESPONSE_HEAD_SIZE_BYTES_MAX: usize = 20_480;
/// Maximum size of one read from a connection: thousands of slow viewers may each hold one.
const READ_SIZE_BYTES_MAX: usize = 32 * 1024;
/// Minimum time for each of several addresses.
const ADDRESS_TIMEOUT_MIN: Duration = Duration::from_millis(250);

/// The stream that HTTP/1.1 runs over.
pub(super) enum OriginStream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Opens a connection whose bytes are moved by a task of this thread.
pub(super) async fn open(
    trust: &Trust,
    destination: &Destination<'_>,
    connect_timeout: Duration,
) -> Result<(SendRequest<WatchedBody>, ConnectionTask), OriginFault> {
    match connect(trust, destination, connect_timeout).await? {
        OriginStream::Plain(stream) => speak(stream).await,
        OriginStream::Tls(stream) => speak(stream).await,
    }
}

/// Connects to a server, with TLS if it uses that.
pub(super) async fn connect(
    trust: &Trust,
    destination: &Destination<'_>,
    connect_timeout: Duration,
) -> Result<OriginStream, OriginFault> {
    let Destination {
        server,
        addresses: families,
        roots_pem,
    } = *destination;
    let deadline = Instant::now() + connect_timeout;
    let connecting = async {
        let addresses = look_up(server, families).await?;
        let stream = reach(&addresses, deadline).await?;
        // A request is written at once, and must not wait for the acknowledgement of earlier bytes.
        stream
            .set_nodelay(true)
            .map_err(|_| OriginFaultKind::Connect)?;
        if !server.is_tls {
            return Ok(OriginStream::Plain(stream));
        }
        let config = trust.client_config(roots_pem).await?;
        let name = ServerName::try_from(server.host.clone()).map_err(|_| OriginFaultKind::Tls)?;
        let stream = TlsConnector::from(config)
            .connect(name, stream)
            .await
            .map_err(|_| OriginFaultKind::Tls)?;
        Ok(OriginStream::Tls(Box::new(stream)))
    };
    timeout_at(deadline, connecting)
        .await
        .unwrap_or(Err(OriginFaultKind::ConnectTimeout))
        .map_err(OriginFault::from)
}

/// Looks up the addresses of a server, of the families at which its origin is reached.
async fn look_up(
    server: &HttpServer,
    families: AddressFamilies,
) -> Result<Vec<SocketAddr>, OriginFaultKind> {
    let is_reached = |address: &SocketAddr| match families {
        AddressFamilies::Any => true,
        AddressFamilies::Ipv4 => address.is_ipv4(),
        AddressFamilies::Ipv6 => address.is_ipv6(),
    };
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((server.host.as_str(), server.port))
        .await
        .map_err(|_| OriginFaultKind::Dns)?
        .filter(is_reached)
        .collect();
    if addresses.is_empty() {
        return Err(OriginFaultKind::Dns);
    }
    Ok(addresses)
}

/// Connects to the first address that accepts. Each gets its share of the time, so that one that does not answer (IPv6
/// where there is none) leaves time for the others.
async fn reach(addresses: &[SocketAddr], deadline: Instant) -> Result<TcpStream, OriginFaultKind> {
    let mut fault = OriginFaultKind::Connect;
    for (index, address) in addresses.iter().enumerate() {
        let left = deadline.saturating_duration_since(Instant::now());
        let share = left / (addresses.len() - index) as u32;
        match timeout(share.max(ADDRESS_TIMEOUT_MIN), TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(_)) => fault = OriginFaultKind::Connect,
            Err(_) => fault = OriginFaultKind::ConnectTimeout,
        }
    }
    Err(fault)
}

async fn speak(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
) -> Result<(SendRequest<WatchedBody>, ConnectionTask), OriginFault> {
    let (sender, connection) = http1::Builder::new()
        .max_buf_size(READ_SIZE_BYTES_MAX)
        .max_header_size(RESPONSE_HEAD_SIZE_BYTES_MAX)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|_| OriginFault::from(OriginFaultKind::Connect))?;
    // An error is reported to the request that is under way.
    let task = tokio::task::spawn_local(async move {
        let _ = connection.await;
    });
    Ok((sender, ConnectionTask(task.abort_handle())))
}
