//! Privet's store: documents with versions, operators, links with their uses and revocations, the audit trail and the
//! feed of changes, in SQLite or PostgreSQL.
//!
//! The only crate with SQL. It does not know what documents mean: kinds and ids are texts, bodies are JSON. It has no
//! clock: callers say what time it is. Its operations can be awaited in any runtime, for statements run on threads of
//! its own.

mod audit;
mod backup;
mod changes;
mod documents;
mod edges;
mod engine;
mod error;
mod history;
mod idempotency;
mod identity;
mod ledger;
pub mod limits;
mod links;
mod location;
mod migrate;
mod names;
mod operators;
mod postgres;
mod queue;
mod random;
mod replica;
mod revocations;
mod seal;
mod secret;
mod session;
mod sqlite;
mod standby;
mod store;
mod write;

pub use audit::{AuditEntry, AuditFilter, AuditRecord, AuditVerdict, Outcome};
pub use backup::BackupSummary;
pub use changes::Change;
pub use documents::{StoredDocument, StoredVersion};
pub use edges::{EdgeRecord, EdgeReport};
pub use error::StoreError;
pub use history::{ChangeMark, History};
pub use idempotency::Remembered;
pub use ledger::{LedgerBatch, LedgerEntry, LedgerRecord, LedgerTaken};
pub use links::{
    AttemptId, ByteAnswer, GiveBack, LinkConfirm, LinkDigest, LinkFilter, LinkKind, LinkState,
    LinkUse, NewLink, PathFilter, RegisteredId, StoredLink, StoredUse, SubjectDigest, UseAnswer,
    ViewerDigest,
};
pub use location::PostgresUrl;
pub use names::{DocumentName, Page, Timestamp};
pub use operators::{
    AccessKeyChange, AccessKeySummary, Credential, NewAccessKey, NewOperator, Operator,
    OperatorChange, Role, RotatedAccessKey,
};
pub use replica::{CaughtUp, Replica, View};
pub use revocations::{NewRevocation, Revoked, RevokedLinks, StoredRevocation, Swept};
pub use seal::SealingKey;
pub use secret::Secret;
pub use standby::Durability;
pub use store::{Location, Store, StoreOptions};
pub use write::{Actor, DocumentChange, Expected, Idempotency, Write, Written, WrittenDocument};
