//! Every way in which an operation can end without its result.

use crate::operator::RoleTooLow;
use privet_distribution::config::ServiceKind;
use privet_edge::InvalidationError;
use privet_store::{DocumentName, StoreError};
use std::path::PathBuf;
use thiserror::Error;

/// A fault of a document or a request, with its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Path of the value, such as `document.origins[0].url`; empty for the whole.
    pub field: String,
    /// Message that says what is wrong and what to do.
    pub message: String,
}

impl Fault {
    /// Makes the fault of a value.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Fault {
            field: field.into(),
            message: message.into(),
        }
    }
}

/// The reason why an operation has no result. Nothing was changed, except perhaps by [`StoreError::Unknown`].
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OperationError {
    /// Nothing has this id, or it is outside the operator's scope.
    #[error("there is no {what} {id:?}")]
    NotFound {
        /// Kind of the thing, in words.
        what: &'static str,
        /// Id as given.
        id: String,
    },
    /// The operator's role is too low.
    #[error("this needs the role {}", .0.needed.as_str())]
    RoleTooLow(RoleTooLow),
    /// The operator's scope has only some distributions, and this is about more.
    #[error("{0}, which an operator with a scope may not do")]
    ScopeTooNarrow(&'static str),
    /// The service comes from a file.
    #[error("the service comes from {}; edit it, or import it into a store with privet import", file.display())]
    ReadOnly {
        /// File of the configuration.
        file: PathBuf,
    },
    /// There is no store, and the operation is about something that only a store has.
    #[error("there is no store; name one in [store]")]
    NoStore,
    /// There is no running edge here.
    #[error("no edge runs in this process")]
    NoEdge,
    /// A document or another argument has faults; at least one.
    #[error("{}", first_message(.0))]
    Invalid(Vec<Fault>),
    /// An update or a deletion without `If-Match`.
    #[error("the request has no If-Match; send the etag that you have read")]
    IfMatchMissing,
    /// The distribution that is to be deleted is enabled.
    #[error("the distribution {0:?} is enabled; disable it first")]
    NotDisabled(String),
    /// The embedded bucket that is to be deleted has objects.
    #[error("the bucket {0:?} has objects; delete them first")]
    BucketNotEmpty(String),
    /// The folder of buckets cannot be used; the text says why.
    #[error("the folder of buckets cannot be used: {0}")]
    BucketsFolder(String),
    /// The name is that of an item which the operator may not see.
    #[error("`{0}` belongs to another item; choose another name")]
    ClaimedOutside(String),
    /// The idempotency key was used for another request.
    #[error("this idempotency key was used for another request; choose another")]
    IdempotencyKeyReused,
    /// Too many jobs run.
    #[error("too many jobs run; wait for one to end")]
    TooManyJobs,
    /// The edge refused an invalidation.
    #[error(transparent)]
    Invalidation(#[from] InvalidationError),
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The system gave no random bytes, or a thread ended.
    #[error("the system failed: {0}")]
    System(&'static str),
}

impl OperationError {
    /// Makes the error of a single fault.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        OperationError::Invalid(vec![Fault::new(field, message)])
    }

    /// Makes the error for an item that is absent, or not to be seen.
    pub fn no_item(kind: ServiceKind, id: &str) -> Self {
        OperationError::NotFound {
            what: words(kind),
            id: id.to_owned(),
        }
    }

    /// Makes the error for a document that is absent, or not to be seen.
    pub(crate) fn no_document(name: &DocumentName) -> Self {
        let kind = name.kind.parse::<ServiceKind>().map(words);
        OperationError::NotFound {
            what: kind.unwrap_or("document"),
            id: name.id.clone(),
        }
    }
}

impl From<RoleTooLow> for OperationError {
    fn from(low: RoleTooLow) -> Self {
        OperationError::RoleTooLow(low)
    }
}

fn first_message(faults: &[Fault]) -> &str {
    faults
        .first()
        .map_or("the request is invalid", |fault| fault.message.as_str())
}

/// Returns the name of a kind in words.
pub(crate) fn words(kind: ServiceKind) -> &'static str {
    match kind {
        ServiceKind::PublicKey => "key",
        ServiceKind::KeyGroup => "key group",
        ServiceKind::TrustedSigner => "trusted signer",
        ServiceKind::CachePolicy => "cache policy",
        ServiceKind::OriginRequestPolicy => "origin request policy",
        ServiceKind::ResponseHeadersPolicy => "response headers policy",
        ServiceKind::Certificate => "certificate",
        ServiceKind::Bucket => "bucket",
        ServiceKind::OriginAccessIdentity => "origin access identity",
        ServiceKind::OriginAccessControl => "origin access control",
        ServiceKind::Distribution => "distribution",
        ServiceKind::StreamingDistribution => "streaming distribution",
    }
}
