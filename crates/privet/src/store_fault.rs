//! Why a command could not use the store, and what to do about it.

use privet_control::shell;
use privet_store::StoreError;
use thiserror::Error;

/// A failure of a command that opens the store.
#[derive(Debug, PartialEq, Eq, Error)]
pub(crate) enum StoreFault {
    /// A configuration without `[store]`.
    #[error("{config} has no store: what is served stands in the file itself")]
    NotConfigured { config: String },
    /// A database elsewhere, and no key to seal its secrets with.
    #[error("the store has no sealing key")]
    NoKey,
    /// A database whose key is not where it was.
    #[error("{database} exists, and its sealing key {file} does not")]
    KeyAbsent { database: String, file: String },
    /// A file of a key that does not exist.
    #[error("the sealing key {file} does not exist")]
    KeyFileAbsent { file: String },
    /// A file of a key that is not its owner's alone.
    #[error(
        "others have access to the sealing key {file} (mode {mode:04o}): run chmod 600 {}",
        shell::word(file)
    )]
    KeyOpen { file: String, mode: u32 },
    /// A text that is not a sealing key.
    #[error("{source_name}: {error}")]
    Key {
        source_name: String,
        error: StoreError,
    },
    /// A backup of a store with another sealing key.
    #[error("the sealing key is not that of the backup")]
    KeyOfBackup,
    /// The local copy of a database elsewhere is no database any more.
    #[error("the copy {file} cannot be used: {cause}")]
    CopyDamaged { file: String, cause: String },
    /// An audit trail that is not as it was written, from the entry with this number on.
    #[error("the audit trail is broken at entry {seq}: {reason}")]
    AuditBroken { seq: u64, reason: String },
    /// The store refused or failed.
    #[error("{0}")]
    Failed(#[from] StoreError),
}

impl StoreFault {
    /// Returns what the reader can do next, if the message does not say it already.
    pub(crate) fn hint(&self) -> Option<&'static str> {
        match self {
            StoreFault::NotConfigured { .. } => Some(
                "edit the file, or add [store] with file = \"privet.db\" to it and run privet import",
            ),
            StoreFault::NoKey => Some(
                "set PRIVET_STORE_KEY, or key_file in [store]; make a key with: openssl rand -hex 32",
            ),
            StoreFault::KeyFileAbsent { .. } => Some(
                "put the store's key there, or set PRIVET_STORE_KEY; make one for a new store with: openssl rand -hex 32",
            ),
            StoreFault::KeyAbsent { .. } => Some(
                "put the key back from your copy, or set PRIVET_STORE_KEY; a new key would not open the secrets",
            ),
            StoreFault::KeyOfBackup => Some(
                "remove the new database, which is empty, put the backup's key in place, and try again",
            ),
            StoreFault::CopyDamaged { .. } => {
                Some("delete it, and it is made again from the database")
            }
            StoreFault::AuditBroken { .. } => {
                Some("compare with a backup: privet restore FILE into a new store")
            }
            StoreFault::Failed(error) => failure_hint(error),
            StoreFault::Key { .. } | StoreFault::KeyOpen { .. } => None,
        }
    }
}

/// Hints about failures whose words are the store's, and whose remedy is an option of the program.
fn failure_hint(error: &StoreError) -> Option<&'static str> {
    match error {
        StoreError::WrongKey => Some("the key is PRIVET_STORE_KEY, or key_file in [store]"),
        StoreError::Unreachable { .. } => {
            Some("nothing was changed; edges go on serving from their copies")
        }
        StoreError::Stale { .. } => {
            Some("somebody else changed the store meanwhile: run the command again")
        }
        StoreError::Damaged { .. } => Some("restore a backup with: privet restore FILE"),
        StoreError::LastAdminKey => Some("privet operator key add NAME"),
        StoreError::LastAdmin => Some("privet operator create NAME --role admin"),
        StoreError::NotEmpty => Some("name a new database in [store]"),
        StoreError::Newer { .. }
        | StoreError::MalformedKey
        | StoreError::MalformedUrl { .. }
        | StoreError::Unknown
        | StoreError::Busy
        | StoreError::Failed { .. }
        | StoreError::Closed
        | StoreError::NotFound(_)
        | StoreError::Exists(_)
        | StoreError::NoSuchReference { .. }
        | StoreError::InUse { .. }
        | StoreError::Claimed { .. }
        | StoreError::Invalid { .. }
        | StoreError::Sealed { .. }
        | StoreError::Repeated { .. }
        | StoreError::NoSuchOperator(_)
        | StoreError::OperatorExists(_)
        | StoreError::NoSuchAccessKey(_)
        | StoreError::TooManyAccessKeys(_)
        | StoreError::BackupDamaged { .. }
        | StoreError::File { .. } => None,
    }
}
