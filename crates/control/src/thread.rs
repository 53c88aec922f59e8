//! The thread that serves the operator's socket and probes whether origins are private.

use crate::api;
use crate::operator_server::OperatorServer;
use crate::socket::{OperatorSocket, SocketError, SocketFile};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use privet_edge::{
    EdgeHandle, OriginAccess, ProbeScope, Probing, UnseenCause, WritingCheck, standard_error,
};
use std::convert::Infallible;
use std::io;
use std::path::Path;
use std::rc::Rc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{sleep, timeout};

/// Maximum number of connections served at the same time; others wait.
const CONNECTIONS_MAX: usize = 16;
/// Time limit for the head of a request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
/// Time limit for a request and its response together.
const CONNECTION_TIMEOUT: Duration = Duration::from_secs(120);
/// Time limit for responses in progress when the edge stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);
/// Pause before the next attempt when a connection cannot be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Maximum number of threads that wait for the disk.
const DISK_THREADS_MAX: usize = 4;

/// The thread that serves operators, and the socket that it was told to serve.
#[derive(Debug)]
pub struct Control {
    commands: mpsc::UnboundedSender<Command>,
    thread: JoinHandle<()>,
    socket: Option<SocketFile>,
}

#[derive(Debug)]
enum Command {
    Listen(Option<OperatorSocket>),
    Probe,
    Stop,
}

/// The effect of a configuration on the socket, prepared but not yet applied.
#[derive(Debug)]
pub enum SocketChange {
    /// Keep the socket that is already served.
    Keep,
    /// Change to another socket, or to none.
    Change(Option<Bound>),
}

/// A bound socket, whose type stays private to this module.
#[derive(Debug)]
pub struct Bound(OperatorSocket);

impl Control {
    /// Binds the socket that a configuration names, if it names one, before there is an edge.
    ///
    /// # Errors
    /// Fails if the socket cannot be bound, or belongs to another process.
    pub fn bind(path: Option<&Path>) -> Result<SocketChange, SocketError> {
        let socket = path.map(bind).transpose()?;
        Ok(SocketChange::Change(socket.map(Bound)))
    }

    /// Starts serving operators of `edge` on `socket`. Origins are probed in the background.
    ///
    /// # Errors
    /// Fails if the operating system cannot start a thread.
    pub fn start(edge: EdgeHandle, socket: SocketChange) -> Result<Self, SocketError> {
        let (commands, inbox) = mpsc::unbounded_channel();
        let fault = |error: io::Error| SocketError::Thread(error.to_string());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(DISK_THREADS_MAX)
            .build()
            .map_err(fault)?;
        let thread = std::thread::Builder::new()
            .name("privet-operator".into())
            .spawn(move || {
                let local = LocalSet::new();
                local.block_on(&runtime, run(edge, inbox));
                drop(local);
                runtime.shutdown_background();
            })
            .map_err(fault)?;
        let mut started = Control {
            commands,
            thread,
            socket: None,
        };
        started.take(socket);
        Ok(started)
    }

    /// Binds the socket that a new configuration names, without serving it yet.
    ///
    /// # Errors
    /// Fails if the socket cannot be bound; the old one stays in service.
    pub fn prepare(&self, path: Option<&Path>) -> Result<SocketChange, SocketError> {
        let served = self.socket.as_ref();
        let is_served = served.is_some_and(|file| path.is_some_and(|path| file.is_at(path)));
        if is_served || (served.is_none() && path.is_none()) {
            return Ok(SocketChange::Keep);
        }
        Control::bind(path)
    }

    /// Switches to a prepared socket, and probes the origins of the active configuration.
    pub fn take(&mut self, change: SocketChange) {
        if let SocketChange::Change(socket) = change {
            self.socket = socket.as_ref().map(|bound| bound.0.file.clone());
            let socket = socket.map(|bound| bound.0);
            // Sending fails only after the thread has panicked; the edge keeps running without it.
            let _ = self.commands.send(Command::Listen(socket));
        }
        let _ = self.commands.send(Command::Probe);
    }

    /// Removes the socket and stops the thread, after the responses in progress.
    pub fn stop(self) {
        let _ = self.commands.send(Command::Stop);
        let _ = self.thread.join();
    }
}

fn bind(path: &Path) -> Result<OperatorSocket, SocketError> {
    OperatorSocket::bind(path).map_err(|error| SocketError::Bind {
        path: path.to_owned(),
        error,
    })
}

/// Serves operators until told to stop.
async fn run(edge: EdgeHandle, mut commands: mpsc::UnboundedReceiver<Command>) {
    let server = Rc::new(OperatorServer::new(edge));
    let mut listening = None;
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            command = commands.recv() => match command {
                Some(Command::Listen(socket)) => listening = socket.and_then(listen),
                Some(Command::Probe) => {
                    tokio::task::spawn_local(probe_aloud(Rc::clone(&server)));
                }
                Some(Command::Stop) | None => break,
            },
            stream = accept(listening.as_ref()), if connections.len() < CONNECTIONS_MAX => {
                connections.spawn_local(serve(Rc::clone(&server), stream));
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
    drop(listening);
    let drained = async { while connections.join_next().await.is_some() {} };
    let _ = timeout(DRAIN_TIMEOUT, drained).await;
}

/// Serves a connection: one request, one response.
async fn serve(server: Rc<OperatorServer>, stream: UnixStream) {
    let answer = service_fn(|request| {
        let server = Rc::clone(&server);
        async move { Ok::<_, Infallible>(api::answer(&server, request).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), answer);
    // There is nobody to tell about an operator who hangs up or does not speak HTTP.
    let _ = timeout(CONNECTION_TIMEOUT, connection).await;
}

/// Warns the operator of origins that are not private.
async fn probe_aloud(server: Rc<OperatorServer>) {
    let probing = Probing {
        scope: ProbeScope::Buckets,
        objects: Vec::new(),
        writing: WritingCheck::Leave,
    };
    let origins = match server.probe(&probing).await {
        Ok(origins) => origins,
        Err(error) => return standard_error::warning(error),
    };
    for origin in origins {
        match origin.access {
            // No object has been named yet, and the bucket has shown none.
            OriginAccess::Private
            | OriginAccess::Loopback { .. }
            | OriginAccess::Unseen {
                cause: UnseenCause::NotNamed,
            } => {}
            OriginAccess::Unseen {
                cause: UnseenCause::NotSaidWhose | UnseenCause::NotThere { .. },
            }
            | OriginAccess::Public { .. }
            | OriginAccess::EdgeRefused { .. }
            | OriginAccess::Unclear { .. }
            | OriginAccess::Unreachable { .. } => standard_error::warning(origin),
        }
    }
}

/// A socket that is served. Its file is removed with it.
struct Listening {
    listener: UnixListener,
    _socket: OperatorSocket,
}

fn listen(socket: OperatorSocket) -> Option<Listening> {
    let listener = socket.listener.try_clone().and_then(UnixListener::from_std);
    match listener {
        Ok(listener) => Some(Listening {
            listener,
            _socket: socket,
        }),
        Err(error) => {
            standard_error::warning(format_args!("the admin socket cannot be served: {error}"));
            None
        }
    }
}

/// Accepts a connection. Waits forever if there is no socket.
async fn accept(listening: Option<&Listening>) -> UnixStream {
    let Some(listening) = listening else {
        return std::future::pending().await;
    };
    loop {
        match listening.listener.accept().await {
            Ok((stream, _)) => return stream,
            // The process is out of file descriptors; the request waits in the backlog.
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}
