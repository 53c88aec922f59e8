//! `privet serve`: runs the edge until it is told to stop, and reloads changed configuration while it runs.

use crate::buckets_endpoint::{PreparedBuckets, ServedBuckets};
use crate::check;
use crate::config_file::ConfigArgument;
use crate::configuration::{Fingerprint, LoadError, Loaded, load_with_secret, read_text};
use crate::control_settings::{cloudfront_settings, listener_options};
use crate::log_delivery::{self, LateOperations};
use crate::origin_secret::OriginSecret;
use crate::serve_error::ServeError;
use crate::stored_service::StoredService;
use crate::terminal;
use arc_swap::ArcSwap;
use clap::Args;
use privet_bucket::deliver::Deliverer;
use privet_control::cloudfront::Settings;
use privet_control::{
    Control, ControlOptions, FileService, Follower, ListenerChange, SocketChange, Source,
};
use privet_distribution::config::{ListenerProtocol, Snapshot, read_toml_items};
use privet_edge::{Clock, EdgeHandle, LogStream, RunningEdge, StartOptions};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// The interval at which the files of the configuration are checked for changes.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Serve private content as a configuration file says.
///
/// The configuration is reloaded on SIGHUP and whenever it, a key or a certificate changes; faults are reported, and
/// the previous configuration stays active. SIGTERM and Ctrl-C let running requests finish; a second Ctrl-C stops at
/// once.
#[derive(Debug, Args)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    config: ConfigArgument,
    /// Write the access log to standard output as well, one JSON object per line.
    #[arg(long)]
    log_json: bool,
}

/// Runs the command: serves until a signal stops it. 0 after a clean stop, 1 if it could not start.
pub(crate) fn run(arguments: &ServeArguments) -> ExitCode {
    let log_stream = log_stream(arguments.log_json);
    match start(&arguments.config.file(), log_stream, None) {
        Ok(serving) => {
            check::warn(serving.snapshot());
            serving.announce();
            serving.until_told_to_stop(|_| ());
            ExitCode::SUCCESS
        }
        Err(error) => {
            error.report();
            ExitCode::FAILURE
        }
    }
}

/// Returns the JSON access log, if it is wanted.
pub(crate) fn log_stream(wanted: bool) -> LogStream {
    match wanted {
        true => LogStream::To(Box::new(std::io::stdout())),
        false => LogStream::Off,
    }
}

/// A running edge, its configuration file, and the channel for signals and reloads.
#[derive(Debug)]
pub(crate) struct Serving {
    edge: RunningEdge,
    deliverer: Deliverer,
    control: Control,
    /// Keeps the service as the store has it; `None` if it comes from the file.
    follower: Option<Follower>,
    /// S3 endpoint; `None` if there is none.
    buckets: Option<ServedBuckets>,
    /// Service of the file as operators see it; unused with a store.
    file_service: Arc<FileService>,
    /// The configuration with which it was started.
    snapshot: Arc<Snapshot>,
    config: PathBuf,
    secret: Option<OriginSecret>,
    fingerprint: Fingerprint,
    /// Files that stored items name.
    stored_files: Fingerprint,
    test_clock: bool,
    told: Receiver<Command>,
    tell: Sender<Command>,
    loading: Loading,
}

/// A message to the thread that serves: a signal, or the result of a reload.
#[derive(Debug)]
enum Command {
    Reload,
    Stop,
    Loaded(Box<Result<Loaded, LoadError>>),
}

/// Why files are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// A second has passed.
    Interval,
    /// SIGHUP asks for it, whether anything has changed or not.
    Hangup,
}

/// The state of a reload. Files are read on a separate thread: a disk that does not respond must not keep the edge from
/// stopping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loading {
    Idle,
    Running,
    /// The files must be read once more, since they changed after the reading began.
    RunningAndStale,
}

/// Reads the configuration and starts the edge. `secret` is for an origin that the program itself serves; it is added
/// again on every reload.
pub(crate) fn start(
    config: &Path,
    log_stream: LogStream,
    secret: Option<OriginSecret>,
) -> Result<Serving, ServeError> {
    let loaded = load_with_secret(config, secret.as_ref()).map_err(ServeError::Load)?;
    loaded.warn_of_own_service();
    let settings = loaded.snapshot.node.store.as_ref();
    let stored = settings.map(|settings| StoredService::open(settings, config));
    let mut stored = stored.transpose().map_err(ServeError::store)?;
    let Loaded {
        snapshot,
        fingerprint,
        places,
        own_service: _,
    } = loaded;
    let snapshot = match &mut stored {
        Some(stored) => stored.snapshot(&snapshot).map_err(ServeError::store)?,
        None => snapshot,
    };
    let revocations = stored.as_mut().map(StoredService::revocations);
    let revocations = revocations.transpose().map_err(ServeError::store)?;
    let revocations = revocations.unwrap_or_default();
    let test_clock = snapshot.node.test_clock;
    let (tell, told) = channel();
    listen_to_signals(tell.clone()).map_err(|error| ServeError::Signals(error.to_string()))?;
    let snapshot = Arc::new(snapshot);
    // The operators' sockets come first: a start that fails must not have served anybody.
    let bound = Bound::new(&snapshot)?;
    let edge = RunningEdge::start(StartOptions {
        snapshot: Arc::clone(&snapshot),
        log_stream,
        clock: Clock::default(),
        revocations,
    })
    .map_err(|error| ServeError::starting(error, &snapshot, &places))?;
    let operations = LateOperations::default();
    let deliverer = log_delivery::start(edge.handle(), Arc::clone(&operations));
    let deliverer = deliverer.map_err(ServeError::Delivery)?;
    let file_service = Arc::new(FileService {
        file: config.to_owned(),
        items: ArcSwap::default(),
    });
    let source = match &stored {
        Some(stored) => Source::Store(stored.store.clone()),
        None => Source::File(Arc::clone(&file_service)),
    };
    let (control, buckets) = bound.serve(edge.handle().clone(), source, config)?;
    // It is empty until here.
    let _ = operations.set(control.gate().0);
    let follower = stored
        .map(|stored| stored.follow(edge.handle()))
        .transpose()
        .map_err(ServeError::store)?;
    if let Some(follower) = &follower {
        control.show_follower(follower.state());
    }
    let serving = Serving {
        stored_files: Fingerprint::of(snapshot.files.iter()),
        edge,
        deliverer,
        control,
        follower,
        buckets,
        file_service,
        snapshot,
        config: config.to_owned(),
        secret,
        fingerprint,
        test_clock,
        told,
        tell,
        loading: Loading::Idle,
    };
    serving.show_items();
    Ok(serving)
}

/// The operators' sockets and the endpoint of buckets, bound before there is an edge.
struct Bound {
    socket: SocketChange,
    listener: ListenerChange,
    buckets: Option<PreparedBuckets>,
    cloudfront: Settings,
}

impl Bound {
    /// Binds them. The buckets of a file are made here.
    fn new(snapshot: &Snapshot) -> Result<Self, ServeError> {
        let node = &snapshot.node;
        let socket = Control::bind(node.admin_socket.as_deref()).map_err(ServeError::Socket)?;
        let listener = listener_options(node.control.as_ref());
        let listener = listener.map_err(ServeError::ControlCertificate)?;
        let listener = Control::bind_listener(listener.as_ref()).map_err(ServeError::Socket)?;
        let buckets = node.buckets.as_ref().map(PreparedBuckets::new);
        let buckets = buckets.transpose().map_err(ServeError::Buckets)?;
        if let Some(buckets) = buckets.as_ref().filter(|_| node.store.is_none()) {
            let made = buckets.make_folders(snapshot);
            made.map_err(ServeError::Buckets)?;
        }
        Ok(Bound {
            socket,
            listener,
            buckets,
            cloudfront: cloudfront_settings(node.control.as_ref()),
        })
    }

    /// Serves operators of the edge, and clients of S3.
    fn serve(
        self,
        edge: EdgeHandle,
        source: Source,
        config: &Path,
    ) -> Result<(Control, Option<ServedBuckets>), ServeError> {
        let account = self.cloudfront.account.clone();
        let log = edge.clone();
        let control = Control::start_with(ControlOptions {
            edge,
            source,
            folder: config.parent().unwrap_or(Path::new("")).to_owned(),
            socket: self.socket,
            listener: self.listener,
            cloudfront: self.cloudfront,
        })
        .map_err(ServeError::Socket)?;
        let buckets = self.buckets;
        let buckets = buckets.map(|buckets| buckets.serve(&control, log, account));
        let buckets = buckets.transpose().map_err(ServeError::Buckets)?;
        Ok((control, buckets.flatten()))
    }
}

impl Serving {
    /// Returns the configuration with which it was started.
    pub(crate) fn snapshot(&self) -> &Arc<Snapshot> {
        &self.snapshot
    }

    /// Returns the addresses on which it listens.
    pub(crate) fn addresses(&self) -> Vec<(ListenerProtocol, SocketAddr)> {
        self.edge.handle().addresses()
    }

    /// Returns the URL of the S3 endpoint, if there is one.
    pub(crate) fn buckets_url(&self) -> Option<String> {
        self.buckets.as_ref().map(ServedBuckets::url)
    }

    fn announce(&self) {
        for (protocol, address) in self.addresses() {
            let scheme = match protocol {
                ListenerProtocol::Http => "http",
                ListenerProtocol::Https => "https",
                ListenerProtocol::Rtmp => "rtmp",
                ListenerProtocol::Rtmps => "rtmps",
            };
            terminal::note(format_args!("serving on {scheme}://{address}"));
        }
        if let Some(control) = &self.edge.handle().snapshot().node.control {
            terminal::note(format_args!(
                "operators are served on {}",
                check::control_url(control)
            ));
        }
        if let Some(buckets) = &self.buckets {
            terminal::note(format_args!(
                "buckets are served over S3 on {}",
                buckets.url()
            ));
        }
        if self.test_clock {
            terminal::note(format_args!(
                "TEST MODE: the clock can be set with PUT /.privet-test/clock and the header X-Privet-Test-Secret: {}",
                self.edge.handle().test_secret()
            ));
        }
    }

    /// Serves and reloads until a signal says stop; then drains. `look` is told when files are looked at, before those
    /// of the configuration are, and should not take long: a signal to stop waits for it.
    pub(crate) fn until_told_to_stop(mut self, mut look: impl FnMut(Occasion)) {
        loop {
            match self.told.recv_timeout(LOOK_EVERY) {
                Ok(Command::Stop) | Err(RecvTimeoutError::Disconnected) => break,
                Ok(Command::Reload) => {
                    look(Occasion::Hangup);
                    self.begin_reload();
                }
                Ok(Command::Loaded(loaded)) => self.end_reload(*loaded),
                Err(RecvTimeoutError::Timeout) => {
                    look(Occasion::Interval);
                    self.look_at_stored_files();
                    if self.loading == Loading::Idle && self.fingerprint.again() != self.fingerprint
                    {
                        self.begin_reload();
                    }
                }
            }
        }
        terminal::note(
            "stopping: waiting for running requests to finish; another signal stops at once",
        );
        self.stop();
    }

    /// Lets running requests finish, then stops.
    pub(crate) fn stop(self) {
        if let Some(follower) = self.follower {
            follower.stop();
        }
        if let Some(buckets) = self.buckets {
            buckets.stop();
        }
        self.control.stop();
        self.edge.drain();
        // The log has ended: its last files are complete.
        self.deliverer.stop(log_delivery::LAST_TRY);
    }

    fn begin_reload(&mut self) {
        if self.loading != Loading::Idle {
            self.loading = Loading::RunningAndStale;
            return;
        }
        // The state is recorded before the files are read: a change in between is then seen at the next check.
        self.fingerprint = self.fingerprint.again();
        let (config, tell) = (self.config.clone(), self.tell.clone());
        let secret = self.secret.clone();
        let reading = std::thread::Builder::new()
            .name("privet-reload".into())
            .spawn(move || {
                // The receiver is gone only when the program is about to end.
                let loaded = load_with_secret(&config, secret.as_ref());
                let _ = tell.send(Command::Loaded(Box::new(loaded)));
            });
        match reading {
            Ok(_) => self.loading = Loading::Running,
            Err(error) => {
                terminal::error(format_args!("the configuration cannot be read: {error}"));
            }
        }
    }

    fn end_reload(&mut self, loaded: Result<Loaded, LoadError>) {
        let is_stale = self.loading == Loading::RunningAndStale;
        self.loading = Loading::Idle;
        match self.put_in_force(loaded) {
            Ok(()) => {
                terminal::note(format_args!("{} is loaded", self.config.display()));
                self.announce();
            }
            Err(error) => {
                error.report();
                terminal::hint(
                    "the previous configuration stays active; correct the file, and it is reloaded automatically",
                );
            }
        }
        if is_stale {
            self.begin_reload();
        }
    }

    fn put_in_force(&mut self, loaded: Result<Loaded, LoadError>) -> Result<(), ServeError> {
        let loaded = loaded.map_err(ServeError::Load)?;
        loaded.warn_of_own_service();
        if loaded.snapshot.node.store != self.snapshot.node.store {
            return Err(ServeError::StoreChanged);
        }
        if loaded.snapshot.node.buckets != self.snapshot.node.buckets {
            return Err(ServeError::BucketsChanged);
        }
        let test_clock = loaded.snapshot.node.test_clock;
        let snapshot = Arc::new(loaded.snapshot);
        let socket = self.control.prepare(snapshot.node.admin_socket.as_deref());
        let socket = socket.map_err(ServeError::Socket)?;
        let listener = listener_options(snapshot.node.control.as_ref());
        let listener = listener.map_err(ServeError::ControlCertificate)?;
        let listener = self.control.prepare_listener(listener.as_ref());
        let listener = listener.map_err(ServeError::Socket)?;
        let edge = self.edge.handle();
        let reloaded = match &self.follower {
            Some(_) => edge.reload_node(Snapshot::clone(&snapshot)),
            None => edge.reload(Arc::clone(&snapshot)),
        };
        reloaded.map_err(|error| ServeError::starting(error, &snapshot, &loaded.places))?;
        if let Some(follower) = &self.follower {
            // What depends on the machine is resolved again, and what has changed meanwhile comes back.
            follower.resync();
        }
        if let Some(buckets) = &self.buckets {
            buckets.renew().map_err(ServeError::Buckets)?;
        }
        self.control.take(socket);
        self.control.take_listener(listener);
        let settings = cloudfront_settings(snapshot.node.control.as_ref());
        self.control.set_cloudfront(settings);
        check::warn(&self.edge.handle().snapshot());
        self.fingerprint = loaded.fingerprint;
        self.test_clock = test_clock;
        self.show_items();
        Ok(())
    }

    /// Builds the service anew when a certificate or another file has changed that stored items name.
    fn look_at_stored_files(&mut self) {
        let Some(follower) = &self.follower else {
            return;
        };
        let snapshot = self.edge.handle().snapshot();
        let now = Fingerprint::of(snapshot.files.iter());
        if now == self.stored_files {
            return;
        }
        // Files that were named only now have not changed.
        if self.stored_files.again() != self.stored_files {
            follower.resync();
        }
        self.stored_files = now;
    }

    /// Lets operators see the items of the file, which are read once more on a thread of their own.
    fn show_items(&self) {
        let snapshot = self.edge.handle().snapshot();
        let has_operators = snapshot.node.admin_socket.is_some() || snapshot.node.control.is_some();
        if self.follower.is_some() || !has_operators {
            return;
        }
        let file_service = Arc::clone(&self.file_service);
        let reading = std::thread::Builder::new()
            .name("privet-items".into())
            .spawn(move || {
                let text = read_text(&file_service.file).ok();
                let items = text.and_then(|text| read_toml_items(&text, &file_service.file).ok());
                // A file that was changed meanwhile is loaded again soon, or keeps what is shown.
                if let Some(items) = items {
                    file_service.items.store(Arc::new(items));
                }
            });
        if let Err(error) = reading {
            terminal::warning(format_args!("what is served cannot be shown: {error}"));
        }
    }
}

/// Starts a thread that waits for SIGHUP, SIGTERM and SIGINT. The second signal to stop ends the program at once.
fn listen_to_signals(tell: Sender<Command>) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()?;
    let (mut hangup, mut terminate, mut interrupt) = {
        let _entered = runtime.enter();
        (
            signal(SignalKind::hangup())?,
            signal(SignalKind::terminate())?,
            signal(SignalKind::interrupt())?,
        )
    };
    let waiting = async move {
        let mut stopping = false;
        loop {
            let told = tokio::select! {
                _ = hangup.recv() => Command::Reload,
                _ = terminate.recv() => Command::Stop,
                _ = interrupt.recv() => Command::Stop,
            };
            let is_stop = matches!(told, Command::Stop);
            if is_stop && stopping {
                std::process::exit(130);
            }
            stopping |= is_stop;
            // The receiver is gone only when the program is about to end.
            let _ = tell.send(told);
        }
    };
    std::thread::Builder::new()
        .name("privet-signals".into())
        .spawn(move || runtime.block_on(waiting))?;
    Ok(())
}
