//! The operations: what operators can see and change, typed, and the same for every interface.
//!
//! Each takes an [`Operator`] of the role that it needs, and checks the operator's scope itself. How requests arrive
//! and what answers look like is left to the interfaces.

mod aliases;
mod applied;
mod audit;
mod bucket_folders;
mod buckets;
mod cache;
mod change;
mod closure;
mod documents;
mod edges;
mod explain;
mod import;
mod invalidations;
mod jobs;
mod key_files;
mod key_rotation;
mod links;
mod log_delivery;
mod operators;
mod origin_headers;
mod origins;
mod reading;
mod secrets;
mod writing;

pub use applied::Applied;
pub use audit::AuditQuery;
pub(crate) use audit::Call as AuditedCall;
pub use buckets::{BucketChange, EmbeddedBucket, GrantChange, ScopedBuckets};
pub(crate) use cache::report as cache_report;
pub use change::{ChangeRequest, Changed, Mode, Undo};
pub use documents::Switch;
pub use edges::ThisEdge;
pub use explain::ExplainRequest;
pub use import::Imported;
pub use invalidations::InvalidationRequest;
pub(crate) use invalidations::KIND as INVALIDATION_KIND;
pub use jobs::{Job, JobState};
pub(crate) use key_rotation::KEYS_OPENED;
pub use key_rotation::{
    AUTOPILOT, KeyPart, KeyUsage, ShownRotation, SigningKey, Tended, signing_key,
};
pub use links::{
    LinkRules, MakeLinkRequest, RevocationOutcome, RevocationRequest, RevokeTarget, ShownLink,
    ShownState,
};
pub use operators::{NewOperatorRequest, OperatorPatch};
pub use origins::ProbeRequest;
pub(crate) use reading::PAGE_DEFAULT;
pub use reading::{Item, ItemVersion, Listed, MadeBy, PageRequest};
pub use writing::{Outcome, Plan};

use crate::edge_state::LateState;
use crate::late_store::LateStore;
use crate::operation_error::OperationError;
use crate::operations::applied::RecentChanges;
use crate::operations::jobs::Jobs;
use crate::operator_server::OperatorServer;
use arc_swap::ArcSwap;
use aws_lc_rs::rand;
use privet_distribution::config::{ServiceItem, Snapshot};
use privet_edge::{Clock, EdgeHandle};
use privet_store::{Store, Timestamp};
use std::path::PathBuf;
use std::sync::Arc;

/// What the operations work on. Clones are the same.
#[derive(Clone, Debug)]
pub struct Operations {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    source: Source,
    running: Running,
    clock: Clock,
    folder: PathBuf,
    recent: RecentChanges,
    jobs: Jobs,
    attached: Attached,
}

/// What only a process with an edge has beside it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attached {
    /// What probes origins.
    pub(crate) prober: Option<OperatorServer>,
    /// State of what follows the store.
    pub(crate) follower: LateState,
}

/// The place where the service is written down.
#[derive(Clone, Debug)]
pub enum Source {
    /// A store, in which it can be changed.
    Store(LateStore),
    /// A file, which only the machine's own people change.
    File(Arc<FileService>),
}

/// The service of a file, as far as it can be shown.
#[derive(Debug)]
pub struct FileService {
    /// File of the configuration.
    pub file: PathBuf,
    /// Items of the file that is loaded now.
    pub items: ArcSwap<Vec<ServiceItem>>,
}

/// The service that is in force in this process.
#[derive(Clone, Debug)]
pub enum Running {
    /// An edge serves it.
    Edge(EdgeHandle),
    /// A command has read it, and no edge runs in this process.
    Loaded(Arc<Snapshot>),
}

/// Everything that [`Operations::new`] needs.
#[derive(Clone, Debug)]
pub struct OperationsOptions {
    /// Place where the service is written down.
    pub source: Source,
    /// Service that is in force.
    pub running: Running,
    /// Clock by which changes are dated.
    pub clock: Clock,
    /// Folder at which relative paths of files begin.
    pub folder: PathBuf,
}

impl Operations {
    /// Makes the operations.
    pub fn new(options: OperationsOptions) -> Self {
        Operations::with(options, Attached::default())
    }

    /// Makes the operations of a process that serves.
    pub(crate) fn with(options: OperationsOptions, attached: Attached) -> Self {
        let OperationsOptions {
            source,
            running,
            clock,
            folder,
        } = options;
        Operations {
            shared: Arc::new(Shared {
                source,
                running,
                clock,
                folder,
                recent: RecentChanges::default(),
                jobs: Jobs::default(),
                attached,
            }),
        }
    }

    /// Returns the store that changes of the service go to.
    ///
    /// # Errors
    /// [`OperationError::ReadOnly`] if the service comes from a file; [`privet_store::StoreError::Unreachable`] if the
    /// store could not be opened yet.
    pub fn store(&self) -> Result<&Store, OperationError> {
        match &self.shared.source {
            Source::Store(store) => Ok(store.opened()?),
            Source::File(service) => Err(OperationError::ReadOnly {
                file: service.file.clone(),
            }),
        }
    }

    /// Returns the time in seconds since 1970.
    pub fn now(&self) -> i64 {
        i64::try_from(self.shared.clock.now().as_secs()).unwrap_or(i64::MAX)
    }

    fn timestamp(&self) -> Timestamp {
        Timestamp::from_seconds(self.now())
    }

    /// Returns the store for what only a store has, such as operators.
    fn own_store(&self) -> Result<&Store, OperationError> {
        match &self.shared.source {
            Source::Store(store) => Ok(store.opened()?),
            Source::File(_) => Err(OperationError::NoStore),
        }
    }

    fn edge(&self) -> Result<&EdgeHandle, OperationError> {
        match &self.shared.running {
            Running::Edge(edge) => Ok(edge),
            Running::Loaded(_) => Err(OperationError::NoEdge),
        }
    }

    fn snapshot(&self) -> Arc<Snapshot> {
        match &self.shared.running {
            Running::Edge(edge) => edge.snapshot(),
            Running::Loaded(snapshot) => Arc::clone(snapshot),
        }
    }
}

/// Returns random characters of A-Z and 0-9.
pub(crate) fn random_text(length: usize) -> Result<String, OperationError> {
    // Of 36 characters, 252 of the 256 values of a byte are used, so that all are equally likely.
    const ALPHABET: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let mut text = String::with_capacity(length);
    while text.len() < length {
        let mut bytes = [0; 32];
        rand::fill(&mut bytes).map_err(|_| OperationError::System("no random bytes"))?;
        let usable = bytes.into_iter().filter(|byte| *byte < 252);
        let chars = usable.map(|byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()]));
        text.extend(chars.take(length - text.len()));
    }
    Ok(text)
}
