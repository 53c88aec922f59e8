//! Every way in which an operation of the store can fail.

use thiserror::Error;

use crate::DocumentName;

/// Failure of an operation of the store; nothing of the operation is stored, but for [`StoreError::Unknown`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StoreError {
    /// A newer Privet has migrated the database.
    #[error(
        "the database has schema {found} and this program knows {known}: start the newer privet"
    )]
    Newer {
        /// Schema of the database.
        found: u64,
        /// Newest schema that this program knows.
        known: u64,
    },
    /// The sealing key is not the one that this database was made with.
    #[error("the sealing key does not open this database: give the key that it was created with")]
    WrongKey,
    /// A text is not a sealing key.
    #[error(
        "a sealing key is 32 random bytes as 64 hexadecimal digits or as base64: make one with `openssl rand -hex 32`"
    )]
    MalformedKey,
    /// A text is not a URL of a PostgreSQL database that can be used.
    #[error("this PostgreSQL URL cannot be used: {problem}")]
    MalformedUrl {
        /// The problem, without the password.
        problem: String,
    },
    /// The database cannot be reached now; nothing was stored, and the operation may be tried again.
    #[error("the database cannot be reached: {cause}")]
    Unreachable {
        /// The network's or the server's words.
        cause: String,
    },
    /// The connection was lost during a commit, and the database could not be asked again: stored or not.
    #[error(
        "the connection to the database was lost while committing: read again before you repeat the change"
    )]
    Unknown,
    /// Too many operations wait, or another process holds the database; the operation may be tried again.
    #[error("the database is busy: try again")]
    Busy,
    /// The database refused or failed.
    #[error("the database failed: {cause}")]
    Failed {
        /// The database's words.
        cause: String,
    },
    /// A stored row cannot be read.
    #[error("the database is damaged: {cause}: restore a backup")]
    Damaged {
        /// The row and the problem.
        cause: String,
    },
    /// The store's threads have ended.
    #[error("the store is closed")]
    Closed,

    /// No document has this name.
    #[error("there is no {0}")]
    NotFound(DocumentName),
    /// A document that was to be created exists.
    #[error("{0} exists")]
    Exists(DocumentName),
    /// The document was changed since it was read.
    #[error("{name} was changed: read it again, its etag is {current}")]
    Stale {
        /// The document.
        name: DocumentName,
        /// ETag that it has now.
        current: String,
    },
    /// A document refers to one that does not exist after the write.
    #[error("{from} refers to {to}, which does not exist: create that first")]
    NoSuchReference {
        /// The document that refers.
        from: DocumentName,
        /// The document that is missing.
        to: DocumentName,
    },
    /// A document that was to be deleted is referred to.
    #[error("{name} is used by {}: change these first", listed(by))]
    InUse {
        /// The document.
        name: DocumentName,
        /// Documents that refer to it: the first ten.
        by: Vec<DocumentName>,
    },
    /// A name that only one document may have is another's.
    #[error("`{name}` belongs to {by}: remove it there first")]
    Claimed {
        /// The claimed name.
        name: String,
        /// The document that has it.
        by: DocumentName,
    },
    /// An argument breaks a limit or a rule of the store.
    #[error("{field}: {problem}")]
    Invalid {
        /// The argument.
        field: &'static str,
        /// The rule, and how it was broken.
        problem: String,
    },
    /// A sealed value does not open for this document at this place.
    #[error("the secret at `{pointer}` of {name} cannot be opened: set it again")]
    Sealed {
        /// The document.
        name: DocumentName,
        /// JSON pointer of the value.
        pointer: String,
    },
    /// Another write with this idempotency key has been stored: ask for what is remembered of it.
    #[error("the idempotency key `{key}` was used: use another for another request")]
    Repeated {
        /// The key.
        key: String,
    },

    /// No operator has this name.
    #[error("there is no operator `{0}`")]
    NoSuchOperator(String),
    /// An operator with this name exists.
    #[error("the operator `{0}` exists")]
    OperatorExists(String),
    /// No access key has this id.
    #[error("there is no access key `{0}`")]
    NoSuchAccessKey(String),
    /// An operator has as many access keys as are allowed.
    #[error("the operator has {0} access keys: delete one first")]
    TooManyAccessKeys(usize),
    /// The last enabled operator with the role admin and without a scope cannot be deleted, disabled, or given another
    /// role or a scope.
    #[error("this is the last enabled admin without a scope: make another first")]
    LastAdmin,
    /// The last accepted access key of an enabled admin without a scope cannot be deleted, disabled or ended, nor its
    /// operator be.
    #[error(
        "this is the last accepted access key of an admin without a scope: rotate it, or add another first"
    )]
    LastAdminKey,

    /// A backup is restored into an empty store only.
    #[error("the store is not empty: restore into a new database")]
    NotEmpty,
    /// A backup is incomplete or was changed.
    #[error("the backup cannot be used: {cause}")]
    BackupDamaged {
        /// The line and the problem.
        cause: String,
    },
    /// A file cannot be read or written.
    #[error("{path}: {cause}")]
    File {
        /// The file.
        path: String,
        /// The system's words.
        cause: String,
    },
}

impl StoreError {
    /// Answers whether nothing was stored and the same operation may succeed if it is tried again.
    #[must_use]
    pub fn may_retry(&self) -> bool {
        matches!(self, Self::Unreachable { .. } | Self::Busy)
    }

    pub(crate) fn damaged(cause: impl Into<String>) -> Self {
        Self::Damaged {
            cause: cause.into(),
        }
    }

    pub(crate) fn invalid(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid {
            field,
            problem: problem.into(),
        }
    }
}

fn listed(names: &[DocumentName]) -> String {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    names.join(", ")
}
