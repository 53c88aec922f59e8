//! The service of an edge that follows a store: read before the edge starts, and kept as the store has it afterwards.

use crate::command_error::CommandError;
use crate::configuration;
use crate::store_access::{runtime, store_options};
use crate::store_fault::StoreFault;
use crate::terminal;
use privet_control::{Follower, FollowerOptions, LateStore, LocalCopy};
use privet_distribution::config::{Snapshot, StoreLocation, StoreSettings};
use privet_distribution::links::RevocationTable;
use privet_edge::EdgeHandle;
use privet_store::{Replica, Store, StoreError, StoreOptions};
use std::path::Path;
use std::sync::Arc;

/// A store, and the copy of it that an edge starts from.
#[derive(Debug)]
pub(crate) struct StoredService {
    pub(crate) store: LateStore,
    options: StoreOptions,
    copy: LocalCopy,
    settings: StoreSettings,
}

impl StoredService {
    /// Opens the store that a configuration names, and takes over what it has. A database elsewhere that cannot be
    /// reached is opened later; the copy has what was known of it.
    ///
    /// # Errors
    /// [`CommandError::Store`] and those of its key.
    pub(crate) fn open(settings: &StoreSettings, config: &Path) -> Result<Self, CommandError> {
        let options = store_options(settings)?;
        let folder = config.parent().unwrap_or(Path::new("")).to_owned();
        let fault = |error: StoreError| CommandError::from(StoreFault::Failed(error));
        runtime()?.block_on(async {
            let store = match open_or_wait(settings, &options).await.map_err(fault)? {
                Some(store) => LateStore::of(store),
                None => LateStore::default(),
            };
            let replica = match store.get() {
                Some(store) if matches!(settings.location, StoreLocation::File(_)) => {
                    Replica::of_store(store).map_err(fault)?
                }
                Some(_) | None => open_copy(&settings.copy).await?,
            };
            let copy = LocalCopy::new(replica, options.key.clone(), folder);
            if let Some(store) = store.get() {
                copy.catch_up(store).await.map_err(fault)?;
            }
            Ok(StoredService {
                store,
                options,
                copy,
                settings: settings.clone(),
            })
        })
    }

    /// Returns the snapshot with everything that is stored, under the settings of `node`.
    ///
    /// # Errors
    /// [`CommandError::Store`] if the copy cannot be read.
    pub(crate) fn snapshot(&mut self, node: &Snapshot) -> Result<Snapshot, CommandError> {
        let snapshot = self.copy.snapshot(node).map_err(StoreFault::Failed)?;
        Ok(snapshot)
    }

    /// Returns everything that is revoked, for an edge to start with.
    ///
    /// # Errors
    /// [`CommandError::Store`] if the copy cannot be read.
    pub(crate) fn revocations(&mut self) -> Result<Arc<RevocationTable>, CommandError> {
        let table = self.copy.revocations().map_err(StoreFault::Failed)?;
        Ok(table)
    }

    /// Keeps the service of `edge` as the store has it from now on.
    ///
    /// # Errors
    /// [`CommandError::ThreadLost`].
    pub(crate) fn follow(self, edge: &EdgeHandle) -> Result<Follower, CommandError> {
        let machine = self.settings.edge_name.unwrap_or_else(machine_name);
        let addresses = edge.addresses().into_iter().map(|(_, address)| address);
        let address = addresses.min_by_key(|address| (address.port(), address.ip()));
        let port = address.map_or(0, |address| address.port());
        let ip = address.map(|address| address.ip().to_string().replace(':', "."));
        // One machine may run several edges with one store, each at addresses of its own.
        let mut record = self.settings.copy.into_os_string();
        record.push(format!(".{}-{port}.edge", ip.unwrap_or_default()));
        let name = format!("{machine}:{port}");
        Follower::start(FollowerOptions {
            edge: edge.clone(),
            copy: self.copy,
            store: self.store,
            options: self.options,
            record: record.into(),
            edge_name: name,
            version: crate::VERSION.to_owned(),
            stale_after: self.settings.stale_after,
        })
        .map_err(|_| CommandError::ThreadLost)
    }
}

/// What a configuration serves, as a command finds it that serves nothing itself.
#[derive(Debug)]
pub(crate) struct Served {
    /// Settings and items.
    pub(crate) snapshot: Snapshot,
    /// What is known of links; `None` where the configuration has no store.
    pub(crate) links: Option<ServedLinks>,
}

/// What a command knows of links.
#[derive(Debug)]
pub(crate) struct ServedLinks {
    /// What is revoked.
    pub(crate) revocations: Arc<RevocationTable>,
    /// The store, unless it cannot be reached.
    pub(crate) store: LateStore,
    /// Whether limited links are served though a failover of the database may forget uses.
    pub(crate) allow_asynchronous_standby: bool,
}

/// Reads a configuration and what it serves, for a command that serves nothing itself: from the store, if the service
/// comes from one. A database that does not exist yet serves nothing, and is not made.
///
/// # Errors
/// [`CommandError::Configuration`], [`CommandError::Store`].
pub(crate) fn served(config: &Path) -> Result<Served, CommandError> {
    let node = configuration::load(config)?.snapshot;
    let Some(settings) = node.node.store.clone() else {
        return Ok(Served {
            snapshot: node,
            links: None,
        });
    };
    match &settings.location {
        StoreLocation::File(file) if !file.exists() => Ok(Served {
            snapshot: node,
            links: None,
        }),
        StoreLocation::File(_) | StoreLocation::Url(_) => {
            let mut service = StoredService::open(&settings, config)?;
            Ok(Served {
                snapshot: service.snapshot(&node)?,
                links: Some(ServedLinks {
                    revocations: service.revocations()?,
                    store: service.store.clone(),
                    allow_asynchronous_standby: node.node.links.allow_asynchronous_standby,
                }),
            })
        }
    }
}

/// As [`served`], where nothing but the service matters.
///
/// # Errors
/// As [`served`].
pub(crate) fn served_snapshot(config: &Path) -> Result<Snapshot, CommandError> {
    Ok(served(config)?.snapshot)
}

/// Opens the store; `None` if its database is on another machine that cannot be reached now.
async fn open_or_wait(
    settings: &StoreSettings,
    options: &StoreOptions,
) -> Result<Option<Store>, StoreError> {
    let is_elsewhere = matches!(settings.location, StoreLocation::Url(_));
    match Store::open(options.clone()).await {
        Ok(store) => Ok(Some(store)),
        Err(error @ StoreError::Unreachable { .. }) if is_elsewhere => {
            terminal::warning(format_args!(
                "{error}; what its copy {} has is served until it can be",
                settings.copy.display()
            ));
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

async fn open_copy(file: &Path) -> Result<Replica, StoreFault> {
    let opened = Replica::open(file).await;
    opened.map_err(|error| {
        if let StoreError::Damaged { cause } = error {
            let file = file.display().to_string();
            return StoreFault::CopyDamaged { file, cause };
        }
        StoreFault::Failed(error)
    })
}

fn machine_name() -> String {
    let system = rustix::system::uname();
    system.nodename().to_string_lossy().into_owned()
}
