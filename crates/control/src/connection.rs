//! One connection of an operator, and how long it may take.

use crate::app::Door;
use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use rustls::ServerConfig;
use std::collections::HashMap;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

/// Time limit for the head of a request, and between two of them.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time limit for a request and its response together, where a connection has one request.
const ONE_REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
/// Age at which a connection is asked to end after its requests.
const AGE_MAX: Duration = Duration::from_secs(600);
const HEAD_SIZE_BYTES_MAX: usize = 64 * 1024;
const STREAMS_MAX: u32 = 16;
/// Interval at which a silent HTTP/2 connection is asked whether it is still there.
const PING_EVERY: Duration = Duration::from_secs(30);

/// Maximum number of connections of one address, so that one client does not keep out all others.
const ADDRESS_CONNECTIONS_MAX: usize = 32;

/// The number of connections of each address.
#[derive(Clone, Debug, Default)]
pub(crate) struct AddressConnections(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// A connection that is counted until this is dropped.
#[derive(Debug)]
pub(crate) struct AddressSlot {
    connections: AddressConnections,
    address: IpAddr,
}

impl AddressConnections {
    /// Counts a connection; `None` if its address has too many.
    pub(crate) fn open(&self, address: IpAddr) -> Option<AddressSlot> {
        let mut counts = self.lock();
        let count = counts.entry(address).or_default();
        if *count >= ADDRESS_CONNECTIONS_MAX {
            return None;
        }
        *count += 1;
        Some(AddressSlot {
            connections: self.clone(),
            address,
        })
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        // A panic while the lock is held leaves a usable table behind.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for AddressSlot {
    fn drop(&mut self) {
        let mut counts = self.connections.lock();
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// Serves one request over the socket, in HTTP/1.1.
pub(crate) async fn serve_one<S>(stream: S, router: Router, door: Door)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(door.clone());
        TowerToHyperService::new(router.clone()).call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service);
    // There is nobody to tell about an operator who hangs up or does not speak HTTP.
    let _ = timeout(ONE_REQUEST_TIMEOUT, connection).await;
}

/// Serves a connection of the listener, after a handshake if it has a certificate.
pub(crate) async fn serve_tcp(
    stream: TcpStream,
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    door: Door,
) {
    let Some(tls) = tls else {
        return serve(stream, router, door).await;
    };
    let handshake = TlsAcceptor::from(tls).accept(stream);
    if let Ok(Ok(stream)) = timeout(HANDSHAKE_TIMEOUT, handshake).await {
        serve(stream, router, door).await;
    }
}

/// Serves HTTP/1.1 or HTTP/2.
async fn serve<S>(stream: S, router: Router, door: Door)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(door.clone());
        TowerToHyperService::new(router.clone()).call(request)
    });
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(HEAD_SIZE_BYTES_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .max_header_list_size(u32::try_from(HEAD_SIZE_BYTES_MAX).unwrap_or(u32::MAX))
        .keep_alive_interval(PING_EVERY);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    tokio::select! {
        // There is nobody to tell about a client that hangs up or does not speak HTTP.
        _ = connection.as_mut() => return,
        () = sleep(AGE_MAX) => connection.as_mut().graceful_shutdown(),
    }
    let _ = timeout(ONE_REQUEST_TIMEOUT, connection).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_does_not_take_all_connections() {
        let connections = AddressConnections::default();
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|text| text.parse::<IpAddr>().unwrap());
        let mut open: Vec<AddressSlot> = Vec::new();
        for _ in 0..ADDRESS_CONNECTIONS_MAX {
            open.extend(connections.open(one));
        }
        assert_eq!(open.len(), ADDRESS_CONNECTIONS_MAX);
        assert!(connections.open(one).is_none());
        assert!(connections.open(other).is_some());
        open.pop();
        assert!(connections.open(one).is_some());
        drop(open);
        assert!(connections.lock().is_empty());
    }
}
