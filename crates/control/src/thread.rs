//! The thread that serves operators, on the socket and on the listener, and probes whether origins are private.

use crate::app::{App, Door};
use crate::authentication::{Authentication, Peer};
use crate::cloudfront;
use crate::connection::{serve_one, serve_tcp};
use crate::connections::{Connections, Standing};
use crate::edge_state::{FollowerState, LateState};
use crate::hosts::Hosts;
use crate::json_interface;
use crate::listener::{BoundListener, ListenerOptions};
use crate::operation_error::OperationError;
use crate::operations::{Attached, FileService, Operations, OperationsOptions, Running, Source};
use crate::operator_server::{OperatorServer, Probes};
use crate::socket::{OperatorSocket, SocketError, SocketFile};
use crate::socket_api;
use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::Request;
use privet_edge::{
    EdgeHandle, OriginAccess, ProbeScope, Probing, UnseenCause, WritingCheck, standard_error,
};
use rustls::ServerConfig;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{sleep, timeout};

/// Maximum number of connections of the socket served at the same time; others wait.
const SOCKET_CONNECTIONS_MAX: usize = 16;
/// Time limit for responses in progress when the edge stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);
/// Pause before the next attempt when a connection cannot be accepted.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Interval at which rotations of keys are looked at.
const TEND_EVERY: Duration = Duration::from_secs(5);
/// Maximum number of threads that wait for the disk.
const DISK_THREADS_MAX: usize = 4;

/// The thread that serves operators, with the socket and the listener that it was told to serve.
#[derive(Debug)]
pub struct Control {
    commands: mpsc::UnboundedSender<Command>,
    thread: JoinHandle<()>,
    follower: LateState,
    socket: Option<SocketFile>,
    listener: Option<(SocketAddr, SocketAddr)>,
    gate: (Operations, Arc<Authentication>),
    cloudfront: Arc<ArcSwap<cloudfront::Settings>>,
}

/// Everything that [`Control::start_with`] needs.
#[derive(Debug)]
pub struct ControlOptions {
    /// Edge that is served to operators.
    pub edge: EdgeHandle,
    /// Place where the service is written down.
    pub source: Source,
    /// Folder at which relative paths of files begin.
    pub folder: PathBuf,
    /// Socket to begin with.
    pub socket: SocketChange,
    /// Listener to begin with.
    pub listener: ListenerChange,
    /// What CloudFront's API says of the service.
    pub cloudfront: cloudfront::Settings,
}

#[derive(Debug)]
enum Command {
    Listen(Option<OperatorSocket>),
    ListenOn(Option<BoundListener>),
    Renew(ListenerOptions),
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

/// The effect of a configuration on the listener, prepared but not yet applied.
#[derive(Debug)]
pub struct ListenerChange(ListenerState);

#[derive(Debug)]
enum ListenerState {
    Keep,
    /// Configured address, and what is bound.
    Change(Option<(SocketAddr, BoundListener)>),
    /// The same socket with other names or another certificate.
    Renew(ListenerOptions),
}

impl ListenerChange {
    /// Keeps what is served.
    pub fn keep() -> Self {
        ListenerChange(ListenerState::Keep)
    }
}

impl Control {
    /// Binds the socket that a configuration names, if it names one, before there is an edge.
    ///
    /// # Errors
    /// Fails if the socket cannot be bound, or belongs to another process.
    pub fn bind(path: Option<&Path>) -> Result<SocketChange, SocketError> {
        let socket = path.map(bind).transpose()?;
        Ok(SocketChange::Change(socket.map(Bound)))
    }

    /// Binds the listener that a configuration names, if it names one, before there is an edge.
    ///
    /// # Errors
    /// Fails if the address cannot be bound, or would need a certificate.
    pub fn bind_listener(options: Option<&ListenerOptions>) -> Result<ListenerChange, SocketError> {
        let bound = options.map(|options| {
            let bound = BoundListener::bind(options)?;
            Ok((options.address, bound))
        });
        Ok(ListenerChange(ListenerState::Change(bound.transpose()?)))
    }

    /// Starts serving operators of `edge` on `socket` alone, without a store and without anything to show of the
    /// service. Origins are probed in the background.
    ///
    /// # Errors
    /// Fails if the operating system cannot start a thread.
    pub fn start(edge: EdgeHandle, socket: SocketChange) -> Result<Self, SocketError> {
        let service = FileService {
            file: PathBuf::from("its configuration file"),
            items: ArcSwap::default(),
        };
        Control::start_with(ControlOptions {
            edge,
            source: Source::File(Arc::new(service)),
            folder: PathBuf::new(),
            socket,
            listener: ListenerChange::keep(),
            cloudfront: cloudfront::Settings::default(),
        })
    }

    /// Starts serving operators. Origins are probed in the background.
    ///
    /// # Errors
    /// Fails if the operating system cannot start a thread.
    pub fn start_with(options: ControlOptions) -> Result<Self, SocketError> {
        let ControlOptions {
            edge,
            source,
            folder,
            socket,
            listener,
            cloudfront,
        } = options;
        let cloudfront = Arc::new(ArcSwap::from_pointee(cloudfront));
        let (commands, inbox) = mpsc::unbounded_channel();
        let fault = |error: io::Error| SocketError::Thread(error.to_string());
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(DISK_THREADS_MAX)
            .build()
            .map_err(fault)?;
        let follower = LateState::default();
        let (served, probes) = Served::new(edge, (source, folder, follower.clone()), &cloudfront);
        let gate = (
            served.operations.clone(),
            Arc::clone(&served.authentication),
        );
        let thread = std::thread::Builder::new()
            .name("privet-operator".into())
            .spawn(move || {
                let local = LocalSet::new();
                local.spawn_local(probes.run());
                local.spawn_local(tend_rotations(served.operations.clone()));
                local.block_on(&runtime, run(served, inbox));
                drop(local);
                runtime.shutdown_background();
            })
            .map_err(fault)?;
        let mut started = Control {
            commands,
            thread,
            follower,
            socket: None,
            listener: None,
            gate,
            cloudfront,
        };
        started.take(socket);
        started.take_listener(listener);
        Ok(started)
    }

    /// Shows operators the state of what follows the store; it belongs to the process and does not change.
    pub fn show_follower(&self, state: watch::Receiver<Arc<FollowerState>>) {
        self.follower.set(state);
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

    /// Binds the listener that a new configuration names, without serving it yet. The same address gets the new names
    /// and the new certificate.
    ///
    /// # Errors
    /// Fails if the address cannot be bound, or would need a certificate; the old listener stays in service.
    pub fn prepare_listener(
        &self,
        options: Option<&ListenerOptions>,
    ) -> Result<ListenerChange, SocketError> {
        match (self.listener, options) {
            (None, None) => Ok(ListenerChange::keep()),
            (Some((configured, _)), Some(options)) if configured == options.address => {
                BoundListener::check(options)?;
                Ok(ListenerChange(ListenerState::Renew(options.clone())))
            }
            (Some(_) | None, options) => Control::bind_listener(options),
        }
    }

    /// Switches to a prepared socket, and probes the origins of the active configuration.
    pub fn take(&mut self, change: SocketChange) {
        if let SocketChange::Change(socket) = change {
            self.socket = socket.as_ref().map(|bound| bound.0.file.clone());
            let socket = socket.map(|bound| bound.0);
            self.send(Command::Listen(socket));
        }
        self.send(Command::Probe);
    }

    /// Switches to a prepared listener. Connections of the old one go on until they end.
    pub fn take_listener(&mut self, change: ListenerChange) {
        match change.0 {
            ListenerState::Keep => {}
            ListenerState::Change(bound) => {
                self.listener = bound
                    .as_ref()
                    .map(|(configured, bound)| (*configured, bound.address));
                self.send(Command::ListenOn(bound.map(|(_, bound)| bound)));
            }
            ListenerState::Renew(options) => self.send(Command::Renew(options)),
        }
    }

    /// Gives CloudFront's API other settings from the next request on.
    pub fn set_cloudfront(&self, settings: cloudfront::Settings) {
        self.cloudfront.store(Arc::new(settings));
    }

    /// Returns the operations and the gate before them, for an interface that has a listener of its own.
    pub fn gate(&self) -> (Operations, Arc<Authentication>) {
        self.gate.clone()
    }

    /// Returns the bound address of the listener, with the real port where 0 was configured.
    pub fn listener_address(&self) -> Option<SocketAddr> {
        self.listener.map(|(_, bound)| bound)
    }

    /// Removes the socket and stops the thread, after the responses in progress.
    pub fn stop(self) {
        self.send(Command::Stop);
        let _ = self.thread.join();
    }

    fn send(&self, command: Command) {
        // Sending fails only after the thread has panicked; the edge keeps running without it.
        let _ = self.commands.send(command);
    }
}

fn bind(path: &Path) -> Result<OperatorSocket, SocketError> {
    OperatorSocket::bind(path).map_err(|error| SocketError::Bind {
        path: path.to_owned(),
        error,
    })
}

/// What connections are served with.
struct Served {
    operations: Operations,
    authentication: Arc<Authentication>,
    server: OperatorServer,
    /// Routes of the socket: those of the listener, and the older ones.
    socket_router: Router,
    /// Routes of the listener.
    router: Router,
}

impl Served {
    fn new(
        edge: EdgeHandle,
        (source, folder, follower): (Source, PathBuf, LateState),
        settings: &Arc<ArcSwap<cloudfront::Settings>>,
    ) -> (Self, Probes) {
        let store = match &source {
            Source::Store(store) => Some(store.clone()),
            Source::File(_) => None,
        };
        let (server, probes) = OperatorServer::new(edge.clone());
        let options = OperationsOptions {
            source,
            clock: edge.clock().clone(),
            running: Running::Edge(edge),
            folder,
        };
        let attached = Attached {
            prober: Some(server.clone()),
            follower,
        };
        let operations = Operations::with(options, attached);
        let authentication = Arc::new(Authentication::new(store, operations.now()));
        let app = Arc::new(App::new(operations.clone(), Arc::clone(&authentication)));
        let served = Served {
            operations,
            authentication,
            socket_router: socket_router(&app, &server, settings),
            router: router(&app, settings),
            server,
        };
        (served, probes)
    }
}

/// Returns the routes of the listener: `/v1`, and CloudFront's API at dated paths.
fn router(app: &Arc<App>, settings: &Arc<ArcSwap<cloudfront::Settings>>) -> Router {
    let (absent, root) = (json_interface::absent(app), cloudfront::root(app, settings));
    json_interface::router(app).fallback(move |request: Request| {
        match cloudfront::is_dated(request.uri().path()) {
            true => root(request),
            false => absent(request),
        }
    })
}

/// Returns the routes of the socket. What is of neither interface is answered as it was before there were any.
fn socket_router(
    app: &Arc<App>,
    server: &OperatorServer,
    settings: &Arc<ArcSwap<cloudfront::Settings>>,
) -> Router {
    let (absent, root) = (json_interface::absent(app), cloudfront::root(app, settings));
    let server = server.clone();
    json_interface::router(app).fallback(move |request: Request| {
        let (server, absent, root) = (server.clone(), absent.clone(), root.clone());
        async move {
            match request.uri().path() {
                path if path.starts_with("/v1/") => absent(request).await,
                path if cloudfront::is_dated(path) => root(request).await,
                _ => socket_api::answer(&server, request).await,
            }
        }
    })
}

/// Serves operators until told to stop.
async fn run(served: Served, mut commands: mpsc::UnboundedReceiver<Command>) {
    let mut listening = None;
    let mut listening_on = None;
    let mut socket_connections = JoinSet::new();
    let mut connections = Connections::new();
    loop {
        tokio::select! {
            command = commands.recv() => match command {
                Some(Command::Listen(socket)) => listening = socket.and_then(listen),
                Some(Command::ListenOn(bound)) => listening_on = bound.and_then(listen_on),
                Some(Command::Renew(options)) => renew(listening_on.as_mut(), options),
                Some(Command::Probe) => {
                    tokio::spawn(probe_aloud(served.server.clone()));
                }
                Some(Command::Stop) | None => break,
            },
            stream = accept(listening.as_ref()), if socket_connections.len() < SOCKET_CONNECTIONS_MAX => {
                let door = Door { peer: Peer::Socket, hosts: None, standing: Standing::default() };
                socket_connections.spawn(serve_one(stream, served.socket_router.clone(), door));
            }
            (stream, bound) = accept_tcp(listening_on.as_ref()), if connections.has_room() => {
                let (stream, address) = stream;
                let address = address.ip().to_canonical();
                connections.serve(address, |standing| {
                    let door = Door {
                        peer: Peer::Address(address),
                        hosts: Some(bound.hosts),
                        standing,
                    };
                    serve_tcp(stream, bound.tls, served.router.clone(), door)
                });
            }
            Some(_) = socket_connections.join_next(), if !socket_connections.is_empty() => {}
            () = connections.join_next(), if !connections.is_empty() => {}
        }
    }
    drop((listening, listening_on));
    let drained = async {
        while socket_connections.join_next().await.is_some() {}
        while !connections.is_empty() {
            connections.join_next().await;
        }
    };
    let _ = timeout(DRAIN_TIMEOUT, drained).await;
}

/// Rotates keys as their schedules say, for as long as the process runs. What holds one up is told once.
async fn tend_rotations(operations: Operations) {
    let mut told = Vec::new();
    loop {
        match operations.tend_rotations().await {
            Ok(tended) => {
                for (group, fault) in tended.faults.iter().filter(|fault| !told.contains(*fault)) {
                    standard_error::warning(format_args!(
                        "the keys of the group {group} cannot be rotated: {fault}"
                    ));
                }
                told = tended.faults;
            }
            // There is no store, and will be none.
            Err(OperationError::ReadOnly { .. }) => return,
            // The follower tells of a store that cannot be reached.
            Err(_) => {}
        }
        sleep(TEND_EVERY).await;
    }
}

/// Warns the operator of origins that are not private.
async fn probe_aloud(server: OperatorServer) {
    let probing = Probing {
        scope: ProbeScope::Buckets,
        objects: Vec::new(),
        writing: WritingCheck::Leave,
    };
    let origins = match server.probe(probing).await {
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

/// A listener that is served.
struct ListeningOn {
    listener: TcpListener,
    bound: Names,
    address: SocketAddr,
}

/// What a listener answers to, and its certificate.
#[derive(Clone)]
struct Names {
    hosts: Arc<Hosts>,
    tls: Option<Arc<ServerConfig>>,
}

fn listen_on(bound: BoundListener) -> Option<ListeningOn> {
    let BoundListener {
        listener,
        address,
        tls,
        hosts,
    } = bound;
    match TcpListener::from_std(listener) {
        Ok(listener) => Some(ListeningOn {
            listener,
            bound: Names { hosts, tls },
            address,
        }),
        Err(error) => {
            standard_error::warning(format_args!("{address} cannot be served: {error}"));
            None
        }
    }
}

fn renew(listening: Option<&mut ListeningOn>, options: ListenerOptions) {
    if let Some(listening) = listening {
        listening.bound = Names {
            hosts: Arc::new(Hosts::new(&options.hosts, listening.address)),
            tls: options.tls,
        };
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

/// Accepts a connection of the listener. Waits forever if there is none.
async fn accept_tcp(listening: Option<&ListeningOn>) -> ((TcpStream, SocketAddr), Names) {
    let Some(listening) = listening else {
        return std::future::pending().await;
    };
    loop {
        match listening.listener.accept().await {
            Ok(accepted) => return (accepted, listening.bound.clone()),
            // The process is out of file descriptors; the client waits in the backlog.
            Err(_) => sleep(ACCEPT_PAUSE).await,
        }
    }
}
