//! One viewer connection: TLS handshake, protocol choice, requests, drain.

pub(crate) mod http1;

use crate::admission::admit;
use crate::answer_memory::ConnectionMemory;
use crate::connection_state::{ConnectionFacts, ConnectionState};
use crate::context::WorkerContext;
use crate::guests::Guest;
use crate::h2_watch::{H2Watch, SharedWatch, WRITE_BUFFER_SIZE_BYTES};
use crate::pipeline;
use crate::viewer_end::ViewerEnd;
use crate::viewer_io::{Patience, ViewerIo};
use crate::viewer_stream::{CountedStream, ViewerStream};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use privet_distribution::config::Limits;
use privet_sign::Scheme;
use rustls::ServerConfig;
use rustls::server::{Acceptor, ClientHello};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

/// Maximum number of HTTP/2 streams that the viewer has reset before the edge looked at them (CVE-2023-44487).
const H2_PENDING_RESETS_MAX: usize = 20;
/// Maximum number of HTTP/2 streams that the edge has reset because of the viewer's errors, in the life of a
/// connection.
const H2_ERROR_RESETS_MAX: usize = 1024;
/// Bytes of a request's body that a viewer may send before they are read. h2 buffers them where no budget counts them,
/// so the window is their only bound; an upload fills it once per round trip.
const H2_STREAM_WINDOW_SIZE_BYTES: u32 = 128 * 1024;
/// Bytes of all bodies of a connection that a viewer may send before they are read.
const H2_CONNECTION_WINDOW_SIZE_BYTES: u32 = 256 * 1024;

/// How long a connection is idle before it is parked: to have hyper serve it again costs some 5 us.
const PARK_AFTER: Duration = Duration::from_secs(2);

/// A connection of HTTP/1.1 that is ready for its first request.
pub(crate) enum Http1Connection {
    Plain(Box<ViewerIo<TcpStream>>),
    Tls(Box<ViewerIo<TlsStream<CountedStream>>>),
}

impl Http1Connection {
    /// One without TLS.
    pub(crate) fn plain(
        stream: TcpStream,
        end: ViewerEnd,
        shared: &WorkerContext,
        guest: &Guest,
    ) -> Self {
        let memory = shared.connection_memory(end.peer, 0);
        let facts = ConnectionFacts {
            peer: end.peer,
            naming: end.naming,
            scheme: end.scheme(),
            tls: end.ended_tls,
            sends_files: TcpStream::SENDS_FILES,
        };
        let connection = new_state(facts, memory, shared, guest);
        Http1Connection::Plain(watched(stream, connection, shared, Protocol::Http1))
    }

    /// Shakes hands. Where ALPN chooses HTTP/2 the connection is served to its end at once, and `None` is left, as
    /// after a handshake that fails, which ends the connection quietly.
    pub(crate) async fn tls(
        stream: TcpStream,
        end: ViewerEnd,
        shared: &Rc<WorkerContext>,
        guest: &Guest,
    ) -> Option<Self> {
        // On the heap, and gone afterwards: a handshake needs much room.
        let (io, protocol) = Box::pin(greet_tls(stream, end, shared, guest)).await?;
        match protocol {
            Protocol::Http1 => Some(Http1Connection::Tls(io)),
            Protocol::Http2 => {
                serve_http2(io, Rc::clone(shared)).await;
                None
            }
        }
    }
}

/// What is spoken on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Protocol {
    Http1,
    Http2,
}

async fn greet_tls(
    stream: TcpStream,
    end: ViewerEnd,
    shared: &WorkerContext,
    guest: &Guest,
) -> Option<(Box<ViewerIo<TlsStream<CountedStream>>>, Protocol)> {
    let state = shared.current();
    let config = |hello: &ClientHello<'_>| state.https_config(hello.server_name());
    let accepted = accept_tls(CountedStream::new(stream), config, end.peer, shared).await?;
    drop(state);
    let (_, session) = accepted.stream.get_ref();
    let protocol = match session.alpn_protocol() {
        Some(b"h2") => Protocol::Http2,
        _ => Protocol::Http1,
    };
    let facts = ConnectionFacts {
        peer: end.peer,
        naming: end.naming,
        scheme: Scheme::Https,
        tls: crate::tls::names(session),
        sends_files: false,
    };
    let connection = new_state(facts, accepted.memory, shared, guest);
    let io = watched(accepted.stream, connection, shared, protocol);
    Some((io, protocol))
}

fn new_state(
    facts: ConnectionFacts,
    memory: Arc<ConnectionMemory>,
    shared: &WorkerContext,
    guest: &Guest,
) -> Rc<ConnectionState> {
    let clock = shared.edge.clock.clone();
    let connection = ConnectionState::new(facts, memory, clock, Rc::clone(&shared.ends));
    guest.speaks(&connection);
    connection
}

/// The stream under the limits of this moment.
fn watched<S: ViewerStream>(
    stream: S,
    connection: Rc<ConnectionState>,
    shared: &WorkerContext,
    protocol: Protocol,
) -> Box<ViewerIo<S>> {
    let patience = patience(&shared.current().snapshot.node.limits, protocol);
    Box::new(ViewerIo::new(stream, connection, patience))
}

/// A stream after its handshake, and the account of its connection's memory.
pub(crate) struct AcceptedTls<S> {
    pub(crate) stream: TlsStream<S>,
    pub(crate) memory: Arc<ConnectionMemory>,
}

/// Performs the TLS handshake within its time limit, by the configuration that `choose` has for what the viewer asks;
/// `None` when it fails, or when TLS is not configured.
pub(crate) async fn accept_tls<S>(
    stream: S,
    choose: impl FnOnce(&ClientHello<'_>) -> Option<Arc<ServerConfig>>,
    peer: SocketAddr,
    shared: &WorkerContext,
) -> Option<AcceptedTls<S>>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let timeout = shared.current().snapshot.node.limits.tls_handshake_timeout;
    let handshake = async {
        let asked = LazyConfigAcceptor::new(Acceptor::default(), stream)
            .await
            .ok()?;
        let config = choose(&asked.client_hello())?;
        asked.into_stream(config).await.ok()
    };
    let mut stream = tokio::time::timeout(timeout, handshake).await.ok()??;
    let held_back_size_bytes = shared.edge.answer_memory.tls_size_bytes_max();
    let (_, session) = stream.get_mut();
    session.set_buffer_limit(Some(held_back_size_bytes as usize));
    let gathered_size_bytes = match session.alpn_protocol() {
        Some(b"h2") => WRITE_BUFFER_SIZE_BYTES as u64,
        _ => 0,
    };
    Some(AcceptedTls {
        stream,
        memory: shared.connection_memory(peer, held_back_size_bytes + gathered_size_bytes),
    })
}

async fn serve_http2<S>(io: Box<ViewerIo<S>>, shared: Rc<WorkerContext>)
where
    S: ViewerStream + 'static,
{
    let connection = Rc::clone(io.connection());
    let state = shared.current();
    let limits = &state.snapshot.node.limits;
    let watch = SharedWatch::new(H2Watch::new(
        io,
        (Rc::clone(&connection), patience(limits, Protocol::Http2)),
        limits.h2_streams_max,
    ));
    let for_service = Rc::clone(&shared);
    let service = service_fn(move |request| {
        let exchange = admit(request, &connection, &for_service);
        let shared = Rc::clone(&for_service);
        // Boxed, and freed once there is a response: within the stream's task the future would take its space for as
        // long as the viewer reads the body.
        Box::pin(async move { pipeline::handle(exchange, shared.as_ref()).await })
    });
    let serving = http2::Builder::new(LocalExecutor)
        .auto_date_header(false)
        .max_concurrent_streams(limits.h2_streams_max)
        .max_header_list_size(
            u32::try_from(limits.head_size_bytes_max + 12 * 1024).unwrap_or(u32::MAX),
        )
        .max_pending_accept_reset_streams(H2_PENDING_RESETS_MAX)
        .max_local_error_reset_streams(H2_ERROR_RESETS_MAX)
        .max_send_buf_size(64 * 1024)
        .initial_stream_window_size(H2_STREAM_WINDOW_SIZE_BYTES)
        .initial_connection_window_size(H2_CONNECTION_WINDOW_SIZE_BYTES)
        .serve_connection(TokioIo::new(watch.clone()), service);
    let mut serving = pin!(serving);
    let mut drain = shared.edge.drain.clone();
    tokio::select! {
        () = turns(serving.as_mut(), &watch) => {}
        () = drained(&mut drain) => {
            serving.as_mut().graceful_shutdown();
            turns(serving, &watch).await;
        }
    }
    // The last words. Who does not take them is waited for no longer than for others; who is gone has none coming.
    let _ = poll_fn(|context| watch.poll_send(context)).await;
}

/// Drives an HTTP/2 connection to its end, and after each turn sends what the turn has written.
async fn turns<I>(mut serving: Pin<&mut impl Future>, watch: &SharedWatch<I>)
where
    I: AsyncRead + AsyncWrite + Unpin,
{
    poll_fn(|context| {
        let served = serving.as_mut().poll(context).map(|_| ());
        match watch.poll_send(context) {
            Poll::Ready(Err(_)) => Poll::Ready(()),
            Poll::Ready(Ok(())) | Poll::Pending => served,
        }
    })
    .await;
}

fn patience(limits: &Limits, protocol: Protocol) -> Patience {
    Patience {
        head_timeout: limits.head_timeout,
        idle_timeout: limits.idle_timeout,
        write_timeout: limits.write_timeout,
        write_rate_min: limits.write_rate_min,
        park_after: match protocol {
            Protocol::Http1 => Some(PARK_AFTER),
            Protocol::Http2 => None,
        },
    }
}

/// Ready when the edge stops accepting new requests.
async fn drained(drain: &mut watch::Receiver<bool>) {
    // The sender lives as long as the worker; if it is gone, that is a drain as well.
    let _ = drain.wait_for(|draining| *draining).await;
}

/// Runs the streams of an HTTP/2 connection on its own worker.
#[derive(Clone, Copy, Debug)]
struct LocalExecutor;

impl<F> hyper::rt::Executor<F> for LocalExecutor
where
    F: Future + 'static,
{
    fn execute(&self, future: F) {
        tokio::task::spawn_local(async move {
            future.await;
        });
    }
}
