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
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
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
/// Time limit for the first request of a connection, from its first byte or its handshake.
const FIRST_REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
/// Time without a request after which a connection ends, whatever else it sends.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);
/// Time limit for responses that have not been read when an idle connection ends.
const LINGER_TIMEOUT: Duration = Duration::from_secs(10);
/// Interval at which a silent HTTP/2 connection is asked whether it is still there.
const PING_EVERY: Duration = Duration::from_secs(30);

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

/// The requests of a connection, for those who wait for its end.
#[derive(Clone, Copy, Debug, Default)]
struct Activity {
    begun: u64,
    running: u64,
}

/// A request that is worked on until this is dropped.
struct Running(Arc<watch::Sender<Activity>>);

impl Running {
    fn begin(activity: &Arc<watch::Sender<Activity>>) -> Self {
        activity.send_modify(|activity| {
            activity.begun += 1;
            activity.running += 1;
        });
        Running(Arc::clone(activity))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.send_modify(|activity| activity.running -= 1);
    }
}

/// Returns once no request has come for too long, with the time that is left for responses on their way.
async fn idle(mut activity: watch::Receiver<Activity>) -> Duration {
    loop {
        let Activity { begun, running } = *activity.borrow_and_update();
        let limit = match (running, begun) {
            (0, 0) => FIRST_REQUEST_TIMEOUT,
            (0, _) => IDLE_TIMEOUT,
            (_, _) => AGE_MAX,
        };
        match timeout(limit, activity.changed()).await {
            Ok(_) => {}
            Err(_) if begun == 0 => return Duration::ZERO,
            Err(_) => return LINGER_TIMEOUT,
        }
    }
}

/// Serves HTTP/1.1 or HTTP/2.
async fn serve<S>(stream: S, router: Router, door: Door)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (activity, watched) = watch::channel(Activity::default());
    let activity = Arc::new(activity);
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(door.clone());
        let running = (Running::begin(&activity), door.standing.begin());
        let answering = TowerToHyperService::new(router.clone()).call(request);
        async move {
            let answer = answering.await;
            drop(running);
            answer
        }
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
    let left = tokio::select! {
        // There is nobody to tell about a client that hangs up or does not speak HTTP.
        _ = connection.as_mut() => return,
        left = idle(watched) => left,
        () = sleep(AGE_MAX) => ONE_REQUEST_TIMEOUT,
    };
    connection.as_mut().graceful_shutdown();
    let _ = timeout(left, connection).await;
}

#[cfg(test)]
mod tests;
