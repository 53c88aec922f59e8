//! A listener with a thread of its own, for an interface that is not of this crate: the S3 endpoint of buckets.
//!
//! Uploads and downloads may take hours, so that only silence ends a connection: of a client that sends nothing, and of
//! one that takes nothing (`patient`). What a request may take is limited by the interface.

mod file_stream;
mod patient;

pub use file_stream::{FileSender, SentFile};

use self::patient::Patient;
use crate::listener::{BoundListener, ListenerOptions};
use crate::networks::network;
use crate::socket::SocketError;
use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use rustls::{ProtocolVersion, ServerConfig, ServerConnection};
use socket2::SockRef;
use std::collections::HashMap;
use std::convert::Infallible;
use std::error::Error as StdError;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// Time after which a peer that acknowledges nothing counts as gone.
const UNACKNOWLEDGED_TIMEOUT: Duration = Duration::from_secs(60);
/// Pause before the next attempt when a connection cannot be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Time limit for requests in progress at the end.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
const THREADS_MAX: usize = 8;

/// What clients of a listener may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SideLimits {
    /// Connections at the same time; others wait.
    pub connections: usize,
    /// Of these the most that one network may have; more are closed.
    pub network_connections: usize,
    /// Size of the head of a request in bytes.
    pub head_size_bytes: usize,
    /// Time for the head of a request, and between two of them.
    pub head_timeout: Duration,
    /// Time in which a client takes no byte after which it is hung up on.
    pub write_timeout: Duration,
}

/// The other end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SidePeer {
    /// Address of the client.
    pub address: IpAddr,
    /// Version and cipher suite of TLS, in OpenSSL's words; `None` for a connection in the clear.
    pub tls: Option<(String, String)>,
}

/// A listener that is served on a thread of its own.
#[derive(Debug)]
pub struct SideListener {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    tls: watch::Sender<Option<Arc<ServerConfig>>>,
    thread: JoinHandle<()>,
}

/// A listener that is bound and not yet served.
#[derive(Debug)]
pub struct BoundSideListener(BoundListener);

impl BoundSideListener {
    /// Binds the address. The names of `options` do not matter: whoever answers looks at `Host`.
    ///
    /// # Errors
    /// Fails if the address cannot be bound, or would need a certificate.
    pub fn bind(options: &ListenerOptions) -> Result<Self, SocketError> {
        BoundListener::bind(options).map(BoundSideListener)
    }

    /// Starts to serve requests with `answer`, which gets each with its client, and with a [`FileSender`] among its
    /// extensions if its connection can send files.
    ///
    /// # Errors
    /// Fails if the operating system cannot start a thread.
    pub fn serve<A, F, B>(self, limits: SideLimits, answer: A) -> Result<SideListener, SocketError>
    where
        A: Fn(Request<Incoming>, SidePeer) -> F + Clone + Send + Sync + 'static,
        F: Future<Output = Response<B>> + Send + 'static,
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn StdError + Send + Sync>>,
    {
        let fault = |error: io::Error| SocketError::Thread(error.to_string());
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(threads.min(THREADS_MAX))
            .thread_name("privet-buckets")
            .enable_io()
            .enable_time()
            .build()
            .map_err(fault)?;
        let BoundListener {
            listener,
            address,
            tls,
            hosts: _,
        } = self.0;
        let (stop, stopped) = watch::channel(false);
        let (tls, certificate) = watch::channel(tls);
        let thread = std::thread::Builder::new()
            .name("privet-buckets".into())
            .spawn(move || {
                let serving = async move {
                    match TcpListener::from_std(listener) {
                        Ok(listener) => run((listener, limits), certificate, stopped, answer).await,
                        Err(error) => privet_edge::standard_error::warning(format_args!(
                            "{address} cannot be served: {error}"
                        )),
                    }
                };
                runtime.block_on(serving);
                runtime.shutdown_background();
            })
            .map_err(fault)?;
        Ok(SideListener {
            address,
            stop,
            tls,
            thread,
        })
    }
}

impl SideListener {
    /// Returns the bound address, with the real port where 0 was configured.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes another certificate, from the next connection on.
    pub fn renew(&self, tls: Option<Arc<ServerConfig>>) {
        self.tls.send_replace(tls);
    }

    /// Stops after the requests in progress, which are not waited for long.
    pub fn stop(self) {
        self.stop.send_replace(true);
        let _ = self.thread.join();
    }
}

/// Serves connections until told to stop.
async fn run<A, F, B>(
    (listener, limits): (TcpListener, SideLimits),
    certificate: watch::Receiver<Option<Arc<ServerConfig>>>,
    mut stopped: watch::Receiver<bool>,
    answer: A,
) where
    A: Fn(Request<Incoming>, SidePeer) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let mut tasks: JoinSet<()> = JoinSet::new();
    let mut networks: HashMap<Id, IpAddr> = HashMap::new();
    loop {
        tokio::select! {
            _ = stopped.changed() => break,
            (stream, address) = accept(&listener), if tasks.len() < limits.connections => {
                let address = address.ip().to_canonical();
                let own = network(address);
                if networks.values().filter(|other| **other == own).count() >= limits.network_connections {
                    continue;
                }
                let tls = certificate.borrow().clone();
                let (answer, stopped) = (answer.clone(), stopped.clone());
                let accepted = Accepted { stream, address, limits };
                let serving = serve(accepted, tls, stopped, answer);
                networks.insert(tasks.spawn(serving).id(), own);
            }
            Some(ended) = tasks.join_next_with_id(), if !tasks.is_empty() => {
                let id = ended.map_or_else(|error| error.id(), |(id, ())| id);
                networks.remove(&id);
            }
        }
    }
    drop(listener);
    let drained = async { while tasks.join_next().await.is_some() {} };
    let _ = timeout(DRAIN_TIMEOUT, drained).await;
}

async fn accept(listener: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            // The process is out of file descriptors; the client waits in the backlog.
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}

/// A connection that was accepted.
struct Accepted {
    stream: TcpStream,
    address: IpAddr,
    limits: SideLimits,
}

/// Serves a connection, after a handshake if there is a certificate.
async fn serve<A, F, B>(
    accepted: Accepted,
    tls: Option<Arc<ServerConfig>>,
    stopped: watch::Receiver<bool>,
    answer: A,
) where
    A: Fn(Request<Incoming>, SidePeer) -> F + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let Accepted {
        stream,
        address,
        limits,
    } = accepted;
    // Without these two a client is served more slowly, or a lost one later noticed.
    let _ = stream.set_nodelay(true);
    let _ = SockRef::from(&stream).set_tcp_user_timeout(Some(UNACKNOWLEDGED_TIMEOUT));
    let Some(tls) = tls else {
        let peer = SidePeer { address, tls: None };
        let answer = move |request| answer(request, peer.clone());
        return serve_plain((stream, limits), stopped, answer).await;
    };
    // Clients of S3 speak HTTP/1.1.
    let mut config = (*tls).clone();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let handshake = TlsAcceptor::from(Arc::new(config)).accept(stream);
    if let Ok(Ok(stream)) = timeout(HANDSHAKE_TIMEOUT, handshake).await {
        let peer = SidePeer {
            address,
            tls: tls_names(stream.get_ref().1),
        };
        let answer = move |request| answer(request, peer.clone());
        serve_http((stream, limits), stopped, answer).await;
    }
}

/// Returns a session's version and cipher suite as OpenSSL calls them.
fn tls_names(session: &ServerConnection) -> Option<(String, String)> {
    let suite = session.negotiated_cipher_suite()?.suite().as_str()?;
    let version = session.protocol_version()?;
    match version == ProtocolVersion::TLSv1_3 {
        true => Some(("TLSv1.3".to_owned(), suite.replace("TLS13_", "TLS_"))),
        false => Some(("TLSv1.2".to_owned(), openssl_name(suite))),
    }
}

/// Returns OpenSSL's name of a cipher suite of TLS 1.2.
fn openssl_name(suite: &str) -> String {
    let bare = suite.strip_prefix("TLS_").unwrap_or(suite);
    let name = bare.replace("WITH_", "").replace("AES_", "AES");
    let name = name.replace('_', "-");
    match name.strip_suffix("POLY1305-SHA256") {
        Some(start) => format!("{start}POLY1305"),
        None => name,
    }
}

async fn serve_plain<A, F, B>(
    (stream, limits): (TcpStream, SideLimits),
    stopped: watch::Receiver<bool>,
    answer: A,
) where
    A: Fn(Request<Incoming>) -> F + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let stream = file_stream::FileStream::new(stream);
    let sender = stream.sender();
    let answer = move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(sender.clone());
        answer(request)
    };
    serve_http((stream, limits), stopped, answer).await;
}

async fn serve_http<S, A, F, B>(
    (stream, limits): (S, SideLimits),
    mut stopped: watch::Receiver<bool>,
    answer: A,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    A: Fn(Request<Incoming>) -> F + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let service = service_fn(move |request| {
        let answering = answer(request);
        async move { Ok::<_, Infallible>(answering.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(limits.head_size_bytes)
        // Slices have to reach the stream as they are: some stand for ranges of files.
        .writev(true)
        .serve_connection(
            TokioIo::new(Patient::new(stream, limits.write_timeout)),
            service,
        );
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        // There is nobody to tell about a client that hangs up or does not speak HTTP.
        _ = connection.as_mut() => return,
        _ = stopped.changed() => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = connection.await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::{BodyExt, Full};
    use std::io::{Read, Write};

    const LIMITS: SideLimits = SideLimits {
        connections: 8,
        network_connections: 8,
        head_size_bytes: 8 * 1024,
        head_timeout: Duration::from_secs(30),
        write_timeout: Duration::from_secs(30),
    };

    fn start() -> SideListener {
        let options = ListenerOptions {
            address: "127.0.0.1:0".parse().unwrap(),
            hosts: Vec::new(),
            tls: None,
        };
        let bound = BoundSideListener::bind(&options).unwrap();
        bound
            .serve(LIMITS, |request: Request<Incoming>, peer| async move {
                let body = request.into_body().collect().await.unwrap().to_bytes();
                let text = format!("{} {:?} {}", peer.address, peer.tls, body.len());
                Response::new(Full::new(Bytes::from(text)))
            })
            .unwrap()
    }

    fn ask(address: SocketAddr, request: &str) -> String {
        let mut stream = std::net::TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn cipher_suites_have_openssls_names() {
        let check = |suite: &str, expected: &str| assert_eq!(openssl_name(suite), expected);
        check(
            "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
            "ECDHE-RSA-AES128-GCM-SHA256",
        );
        check(
            "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
            "ECDHE-ECDSA-AES256-GCM-SHA384",
        );
        check(
            "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
            "ECDHE-RSA-CHACHA20-POLY1305",
        );
    }

    #[test]
    fn a_head_that_is_too_large_is_refused() {
        let listener = start();
        let field = "a".repeat(LIMITS.head_size_bytes);
        let request = format!("GET / HTTP/1.1\r\nHost: a\r\nX: {field}\r\n\r\n");
        let text = ask(listener.address(), &request);
        assert!(text.starts_with("HTTP/1.1 431"), "{text}");
        listener.stop();
    }

    #[test]
    fn requests_are_answered_until_the_end() {
        let listener = start();
        let text = ask(listener.address(), "GET / HTTP/1.0\r\n\r\n");
        assert!(text.ends_with("127.0.0.1 None 0"), "{text}");
        let text = ask(
            listener.address(),
            "PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc",
        );
        assert!(text.ends_with("127.0.0.1 None 3"), "{text}");
        let address = listener.address();
        listener.stop();
        assert!(std::net::TcpStream::connect(address).is_err());
    }

    #[test]
    fn files_are_sent_over_plain_connections() {
        const SIZE: usize = 300_000;
        let options = ListenerOptions {
            address: "127.0.0.1:0".parse().unwrap(),
            hosts: Vec::new(),
            tls: None,
        };
        let content: Vec<u8> = (0..SIZE).map(|index| (index % 251) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&content).unwrap();
        let file: SentFile = Arc::new(file);
        let bound = BoundSideListener::bind(&options).unwrap();
        let listener = bound.serve(LIMITS, move |request: Request<Incoming>, _| {
            let file = Arc::clone(&file);
            async move {
                let sender = request.extensions().get::<FileSender>().unwrap();
                Response::new(Full::new(sender.stand_in(file, 1000, SIZE - 1000)))
            }
        });
        let listener = listener.unwrap();
        let mut stream = std::net::TcpStream::connect(listener.address()).unwrap();
        let requests = "GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.0\r\n\r\n";
        stream.write_all(requests.as_bytes()).unwrap();
        let mut received = Vec::new();
        stream.read_to_end(&mut received).unwrap();
        // Both answers have the file behind their heads.
        let body = &content[1000..];
        assert!(received.ends_with(body));
        let first = &received[..received.len() - body.len()];
        let found = first.windows(4).position(|window| window == b"\r\n\r\n");
        assert!(first[found.unwrap() + 4..].starts_with(body));
        listener.stop();
    }
}
