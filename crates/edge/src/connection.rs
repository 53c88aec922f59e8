//! One viewer connection: TLS handshake, protocol choice, requests, drain.

use crate::answer_memory::ConnectionMemory;
use crate::clock::Clock;
use crate::exchange::Exchange;
use crate::guests::Guest;
use crate::h2_watch::H2Watch;
use crate::log::WorkerLog;
use crate::pipeline;
use crate::stand_in::QueuedStretches;
use crate::tls::TlsNames;
use crate::viewer_io::{Patience, ViewerIo};
use crate::viewer_stream::{CountedStream, ViewerStream};
use crate::worker::WorkerShared;
use bytes::Bytes;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use privet_distribution::{Denial, Limits, denial_page};
use privet_sign::Scheme;
use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

/// HTTP/2 streams that the viewer has reset before the edge looked at them (CVE-2023-44487).
const H2_PENDING_RESETS_MAX: usize = 20;
/// HTTP/2 streams that the edge has reset because of the viewer's errors, in the life of a connection.
const H2_ERROR_RESETS_MAX: usize = 1024;
/// What a viewer may send of a request's body before it is read. h2 keeps it where no budget counts it, so the window is
/// what bounds it; an upload fills it once in every round trip.
const H2_STREAM_WINDOW_SIZE_BYTES: u32 = 128 * 1024;
/// The same for all bodies of a connection together.
const H2_CONNECTION_WINDOW_SIZE_BYTES: u32 = 256 * 1024;

/// What the requests of one connection share.
#[derive(Debug)]
pub(crate) struct ConnectionState {
    pub(crate) peer: SocketAddr,
    pub(crate) scheme: Scheme,
    pub(crate) tls: Option<TlsNames>,
    pub(crate) clock: Clock,
    pub(crate) memory: Arc<ConnectionMemory>,
    log: Rc<WorkerLog>,
    /// Requests whose answer is not complete.
    active: Cell<u32>,
    requests: Cell<usize>,
    /// When the connection last had nothing to answer.
    idle_since: Cell<Instant>,
    /// Bytes of a next request have arrived.
    head_begun: Cell<bool>,
    /// Answers that are complete but may not have left yet.
    #[allow(clippy::vec_box, reason = "they come boxed and are moved often")]
    leaving: RefCell<Vec<Box<Exchange>>>,
    /// Films under way: a player may take them as slowly as it plays.
    paced: Cell<u32>,
    /// Nothing leaves any more.
    is_closed: Cell<bool>,
    /// Whether bodies may be handed over as stretches of files.
    pub(crate) sends_files: bool,
    pub(crate) stretches: QueuedStretches,
}

impl ConnectionState {
    fn new(
        peer: SocketAddr,
        scheme: Scheme,
        tls: Option<TlsNames>,
        (sends_files, memory): (bool, Arc<ConnectionMemory>),
        shared: &WorkerShared,
    ) -> Rc<Self> {
        Rc::new(ConnectionState {
            peer,
            scheme,
            tls,
            clock: shared.clock.clone(),
            memory,
            log: Rc::clone(&shared.log),
            active: Cell::new(0),
            requests: Cell::new(0),
            idle_since: Cell::new(Instant::now()),
            // A new connection must send a whole head before long; only a used one may be idle.
            head_begun: Cell::new(true),
            leaving: RefCell::default(),
            paced: Cell::new(0),
            is_closed: Cell::new(false),
            sends_files,
            stretches: QueuedStretches::default(),
        })
    }

    pub(crate) fn request_began(&self) {
        self.active.set(self.active.get() + 1);
        self.requests.set(self.requests.get() + 1);
        self.head_begun.set(false);
    }

    /// Requests so far, this one included.
    pub(crate) fn request_count(&self) -> usize {
        self.requests.get()
    }

    /// The answer that begins is a film.
    pub(crate) fn film_began(&self) {
        self.paced.set(self.paced.get() + 1);
    }

    /// Whether a player may be pacing what is under way.
    pub(crate) fn is_paced(&self) -> bool {
        self.paced.get() > 0
    }

    /// The answer is over for hyper: complete, or broken off.
    pub(crate) fn request_ended(&self, mut exchange: Box<Exchange>) {
        self.active.set(self.active.get() - 1);
        if self.active.get() == 0 {
            self.idle_since.set(exchange.ended());
        }
        if exchange.outcome.complete && !self.is_closed.get() {
            self.leaving.borrow_mut().push(exchange);
        } else {
            self.over(&mut exchange, true);
        }
    }

    fn over(&self, exchange: &mut Exchange, broken_off: bool) {
        if exchange.outcome.is_film {
            self.paced.set(self.paced.get() - 1);
        }
        self.log.write(exchange, broken_off);
    }

    /// Every byte so far is with the operating system: the answers are on their way.
    pub(crate) fn everything_left(&self) {
        self.let_go(false);
    }

    /// The connection is over: what has not left never will.
    pub(crate) fn closed(&self) {
        self.is_closed.set(true);
        self.let_go(true);
    }

    fn let_go(&self, broken_off: bool) {
        while let Some(mut exchange) = self.next_leaving() {
            self.over(&mut exchange, broken_off);
        }
    }

    fn next_leaving(&self) -> Option<Box<Exchange>> {
        let mut leaving = self.leaving.borrow_mut();
        if leaving.is_empty() {
            None
        } else {
            Some(leaving.remove(0))
        }
    }

    /// Every answer so far has left: what is written now is not from one of them.
    fn owes_nothing(&self) -> bool {
        self.active.get() == 0 && self.leaving.borrow().is_empty()
    }

    pub(crate) fn bytes_arrived(&self) {
        if self.active.get() == 0 && !self.head_begun.get() {
            self.head_begun.set(true);
            self.idle_since.set(Instant::now());
        }
    }

    pub(crate) fn head_begun(&self) -> bool {
        self.head_begun.get()
    }

    /// Since when the next request is awaited; `None` while one is being answered, to the last byte.
    pub(crate) fn waiting_since(&self) -> Option<Instant> {
        self.owes_nothing().then(|| self.idle_since.get())
    }

    /// The viewer took its time for the last answer, which has left only now.
    pub(crate) fn left_late(&self) {
        if self.active.get() == 0 && !self.leaving.borrow().is_empty() {
            self.idle_since.set(Instant::now());
        }
    }

    /// Our page, when `bytes` are an error that hyper found in a request head and answered itself.
    ///
    /// A file may hold the same bytes, so they count only while no answer of ours is on its way.
    pub(crate) fn in_place_of(&self, bytes: &[u8]) -> Option<Bytes> {
        if !bytes.starts_with(b"HTTP/1.1 4") || !self.owes_nothing() {
            return None;
        }
        let denial = match &bytes[9..12] {
            b"431" | b"414" => Denial::HeadTooLarge,
            _ => Denial::BadRequest,
        };
        Some(crate::answer::raw_page(&denial_page(
            &denial,
            &crate::request_id::request_id(),
        )))
    }
}

/// Serves a plain connection to its end. With `ended_tls` the viewer spoke TLS to a balancer.
pub(crate) async fn serve_plain(
    stream: TcpStream,
    (peer, ended_tls): (SocketAddr, Option<TlsNames>),
    shared: Rc<WorkerShared>,
    guest: &Guest,
) {
    let memory = shared.connection_memory(peer, 0);
    let kind = (TcpStream::SENDS_FILES, memory);
    let scheme = if ended_tls.is_some() {
        Scheme::Https
    } else {
        Scheme::Http
    };
    let connection = ConnectionState::new(peer, scheme, ended_tls, kind, &shared);
    guest.speaks(&connection);
    serve_http1(stream, connection, shared).await;
}

/// Shakes hands and serves the protocol that ALPN chose. A failed handshake ends the connection quietly.
pub(crate) async fn serve_tls(
    stream: TcpStream,
    peer: SocketAddr,
    shared: Rc<WorkerShared>,
    guest: &Guest,
) {
    let state = shared.current();
    let Some(config) = state.tls.clone() else {
        return;
    };
    let patience = state.snapshot.limits.tls_handshake_timeout;
    drop(state);
    let handshake = TlsAcceptor::from(config).accept(CountedStream::new(stream));
    let Ok(Ok(mut stream)) = tokio::time::timeout(patience, handshake).await else {
        return;
    };
    let (_, session) = stream.get_mut();
    let held_back_size_bytes = shared.answer_memory.tls_size_bytes_max();
    session.set_buffer_limit(Some(held_back_size_bytes as usize));
    let is_http2 = session.alpn_protocol() == Some(b"h2");
    let names = crate::tls::names(session);
    let memory = shared.connection_memory(peer, held_back_size_bytes);
    let connection = ConnectionState::new(peer, Scheme::Https, names, (false, memory), &shared);
    guest.speaks(&connection);
    if is_http2 {
        serve_http2(stream, connection, shared).await;
    } else {
        serve_http1(stream, connection, shared).await;
    }
}

async fn serve_http1<S>(stream: S, connection: Rc<ConnectionState>, shared: Rc<WorkerShared>)
where
    S: ViewerStream + 'static,
{
    let state = shared.current();
    let limits = &state.snapshot.limits;
    let io = ViewerIo::new(stream, Rc::clone(&connection), patience(limits));
    let service = service_fn(|request| {
        let exchange = shared.exchange(request, &connection);
        pipeline::handle(exchange, shared.as_ref())
    });
    let serving = http1::Builder::new()
        .title_case_headers(true)
        .auto_date_header(false)
        .header_read_timeout(None)
        .half_close(true)
        // Slices must reach the stream as they are: some stand for stretches of files.
        .writev(true)
        // Room for a head over the limit, so that it is refused by us and not cut off.
        .max_buf_size(limits.head_size_bytes_max.max(8 * 1024) + 12 * 1024)
        .serve_connection(TokioIo::new(io), service);
    let mut serving = pin!(serving);
    let mut drain = shared.drain.clone();
    tokio::select! {
        _ = serving.as_mut() => return,
        () = drained(&mut drain) => serving.as_mut().graceful_shutdown(),
    }
    // The viewer is gone or slow: nothing to tell anyone but the log, which has it already.
    let _ = serving.await;
}

async fn serve_http2<S>(stream: S, connection: Rc<ConnectionState>, shared: Rc<WorkerShared>)
where
    S: ViewerStream + 'static,
{
    let state = shared.current();
    let limits = &state.snapshot.limits;
    let io = ViewerIo::new(stream, Rc::clone(&connection), patience(limits));
    let io = H2Watch::new(
        io,
        (Rc::clone(&connection), patience(limits)),
        limits.h2_streams_max,
    );
    let for_service = Rc::clone(&shared);
    let service = service_fn(move |request| {
        let exchange = for_service.exchange(request, &connection);
        let shared = Rc::clone(&for_service);
        // On the heap, and gone once there is an answer: in the stream's task its place would stay for as long as the
        // viewer takes the body.
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
        .serve_connection(TokioIo::new(io), service);
    let mut serving = pin!(serving);
    let mut drain = shared.drain.clone();
    tokio::select! {
        _ = serving.as_mut() => return,
        () = drained(&mut drain) => serving.as_mut().graceful_shutdown(),
    }
    let _ = serving.await;
}

fn patience(limits: &Limits) -> Patience {
    Patience {
        head_timeout: limits.head_timeout,
        idle_timeout: limits.idle_timeout,
        write_timeout: limits.write_timeout,
        write_rate_min: limits.write_rate_min,
    }
}

/// Ready when the edge stops taking new requests.
async fn drained(drain: &mut watch::Receiver<bool>) {
    // The sender lives as long as the worker; its end is a drain as well.
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
