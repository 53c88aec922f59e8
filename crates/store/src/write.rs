//! Writing documents: one transaction, in which either all changes are made or none.

mod apply;
mod plan;

use std::fmt;

use serde_json::Value;

use crate::session::Session;
use crate::{DocumentName, Store, StoreError, Timestamp};

/// Changes that are made together, with who makes them.
#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    /// Caller, for the audit trail.
    pub actor: Actor,
    /// Operation, such as `update_distribution`.
    pub operation: String,
    /// Time of the write.
    pub at: Timestamp,
    /// Changes, each of another document.
    pub changes: Vec<DocumentChange>,
    /// What is remembered of the request, in the same transaction.
    pub idempotency: Option<Idempotency>,
}

/// Caller of an operation, and the way they came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// Name of the operator.
    pub operator: String,
    /// Way in, such as `socket`, `api` or `cli`.
    pub how: String,
    /// Address of the client.
    pub address: Option<String>,
    /// Id of the request.
    pub request_id: Option<String>,
}

/// Change of one document. Its `Debug` output is without the body, in which secrets are in clear.
#[derive(Clone, PartialEq)]
pub struct DocumentChange {
    /// Kind of the document.
    pub kind: String,
    /// Id within the kind.
    pub id: String,
    /// State in which the document has to be found.
    pub expected: Expected,
    /// New body; `None` deletes the document.
    pub body: Option<Value>,
    /// Documents that the new body refers to; they have to exist after the write.
    pub references: Vec<DocumentName>,
    /// JSON pointers into the body, at which texts are sealed before they are stored. A value there that is sealed
    /// for this document is kept.
    pub secrets: Vec<String>,
    /// Names that only one document of the store may have, such as host names in lower case.
    pub claims: Vec<String>,
}

impl DocumentChange {
    /// Returns the document's name.
    #[must_use]
    pub fn name(&self) -> DocumentName {
        DocumentName::new(&self.kind, &self.id)
    }
}

/// State in which a document has to be found for its change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// It does not exist.
    Absent,
    /// It has this ETag.
    Etag(String),
    /// It exists.
    Exists,
    /// Any. Deleting what does not exist changes nothing.
    Any,
}

/// Request that is to have the same answer if it comes again. Its `Debug` output is without that answer.
#[derive(Clone, PartialEq)]
pub struct Idempotency {
    /// Key that the operator chose.
    pub key: String,
    /// Digest of the request, by which another request with the same key is told apart.
    pub request_digest: String,
    /// What the caller needs for its answer, beside the [`Written`] that is remembered with it.
    pub response: Value,
}

impl fmt::Debug for DocumentChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("DocumentChange")
            .field("kind", &self.kind)
            .field("id", &self.id)
            .field("expected", &self.expected)
            .field("references", &self.references)
            .field("secrets", &self.secrets)
            .field("claims", &self.claims)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Idempotency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Idempotency")
            .field("key", &self.key)
            .field("request_digest", &self.request_digest)
            .finish_non_exhaustive()
    }
}

/// What a write has made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// Number of the last change of the write, or of the store where the write changed nothing.
    pub change: u64,
    /// Documents that were created or updated, in the order of the changes; deleted ones are left out.
    pub documents: Vec<WrittenDocument>,
}

/// Document that a write has created or updated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenDocument {
    /// The document.
    pub name: DocumentName,
    /// Its new ETag.
    pub etag: String,
    /// Number of its new version.
    pub version: u64,
}

impl Store {
    /// Makes all changes of `write`, or none. Returns once they are on disk, and on the standby's where PostgreSQL is
    /// set up for it.
    ///
    /// # Errors
    ///
    /// [`StoreError::NotFound`], [`StoreError::Exists`] and [`StoreError::Stale`] where a document is not as expected;
    /// [`StoreError::NoSuchReference`], [`StoreError::InUse`], [`StoreError::Claimed`]; [`StoreError::Invalid`] for
    /// what breaks a limit; [`StoreError::Sealed`]; [`StoreError::Repeated`] where the idempotency key was used.
    /// [`StoreError::Unknown`] is the only one after which the changes may be stored.
    pub async fn write(&self, write: Write) -> Result<Written, StoreError> {
        let key = self.inner.key.clone();
        let act = move |session: &mut dyn Session| apply::write(session, &key, &write);
        self.engine().write(act).await
    }
}
