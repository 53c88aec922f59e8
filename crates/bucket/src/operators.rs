//! What the endpoint needs from the operators' side: access keys, what their holders may do, and the records of
//! buckets.
//!
//! The traits are implemented where operators and documents are known; here nothing is kept of what they answer.

use crate::records::{BucketRecord, Change};
use futures_util::future::BoxFuture;
use privet_objects::BucketName;
use std::any::Any;
use std::fmt::{self, Debug};
use std::net::IpAddr;
use std::sync::Arc;
use thiserror::Error;
use zeroize::Zeroizing;

/// The holder of an access key that is in force, and the key's secret.
#[derive(Clone)]
pub struct AccessKey {
    /// Secret that signatures are made with.
    pub secret: Zeroizing<String>,
    /// Holder of the key.
    pub holder: Holder,
}

impl Debug for AccessKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = formatter.debug_struct("AccessKey");
        shown.field("holder", &self.holder).finish_non_exhaustive()
    }
}

/// An operator, as the endpoint passes it back to those who know what it may do.
#[derive(Clone, Debug)]
pub struct Holder {
    /// Name of the operator, for the audit trail.
    pub name: String,
    /// Address that the request came from.
    pub address: IpAddr,
    /// Id of the request, for the audit trail.
    pub request_id: String,
    /// What the implementation remembers of the operator between [`Operators::key`] and [`Operators::may`], such as
    /// role and scope.
    pub facts: Arc<dyn HolderFacts>,
}

/// What an implementation of [`Operators`] remembers of an operator.
pub trait HolderFacts: Any + Debug + Send + Sync {
    /// Returns itself, for `downcast_ref`.
    fn as_any(&self) -> &dyn Any;
}

/// What a request does, as far as roles tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// Lists the names of the buckets.
    ListBuckets,
    /// Makes a bucket.
    CreateBucket,
    /// Removes an empty bucket.
    DeleteBucket,
    /// Lists keys, and reads objects with their metadata.
    ReadObjects,
    /// Writes, copies and deletes objects, and lists uploads.
    WriteObjects,
    /// Reads settings of a bucket: policy, CORS, logging, tags and those that never change.
    ReadSettings,
    /// Changes settings of a bucket.
    ChangeSettings,
}

/// The answer to whether an operator may do something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// It may.
    Granted,
    /// Its role or its scope does not allow it.
    Denied,
}

/// The reason why the operators' side gives no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OperatorsError {
    /// The store cannot be asked; the client may try again.
    #[error("the store cannot be asked: {0}")]
    Unavailable(String),
    /// The address, or the key at that address, has failed too often.
    #[error("too many requests from this address were refused; try again in {wait_secs} seconds")]
    TooManyFailures {
        /// Seconds until it is listened to again.
        wait_secs: u64,
    },
    /// The operator may not make this change.
    #[error("the operator may not do this")]
    Denied,
    /// There is a bucket of this name.
    #[error("the bucket exists")]
    Exists,
    /// There is no bucket of this name.
    #[error("there is no such bucket")]
    NoSuchBucket,
    /// The bucket has objects, and cannot be deleted.
    #[error("the bucket has objects")]
    NotEmpty,
    /// Something names the bucket, which cannot be deleted; with the reason for the client.
    #[error("{0}")]
    InUse(String),
    /// The change cannot be made, with the reason for the client.
    #[error("{0}")]
    Invalid(String),
}

/// The operators and the records of buckets.
pub trait Operators: Debug + Send + Sync + 'static {
    /// Returns an access key that is known and in force now; `None` if there is none of this id. The failed attempts of
    /// the address are looked at here, so that a guess costs a request.
    fn key<'a>(
        &'a self,
        asked: Asked<'a>,
    ) -> BoxFuture<'a, Result<Option<AccessKey>, OperatorsError>>;

    /// Counts a signature that was not good. `access_key_id` is `None` if there is no such key.
    ///
    /// Errors: `TooManyFailures` if the address had failed too often before, whether the key exists or not.
    fn note_failure(
        &self,
        address: IpAddr,
        access_key_id: Option<&str>,
    ) -> Result<(), OperatorsError>;

    /// Takes note that the holder of a key has sent a request whose signature is good. Before that it may do nothing,
    /// and nothing that is done for it is to be noticed from outside.
    fn admit<'a>(&'a self, holder: &'a Holder) -> BoxFuture<'a, Result<(), OperatorsError>>;

    /// Says whether an operator may do something, to a bucket unless it is [`Act::ListBuckets`].
    fn may(&self, holder: &Holder, act: Act, bucket: Option<&BucketName>) -> Permission;

    /// Returns the record of a bucket; `None` if there is no such bucket: a folder that nobody made a bucket is none.
    /// It is asked at every request, and answered from memory.
    fn record<'a>(
        &'a self,
        bucket: &'a BucketName,
    ) -> BoxFuture<'a, Result<Option<BucketRecord>, OperatorsError>>;

    /// Makes a change to the record of a bucket, with an entry in the audit trail. It is durable when this returns. The
    /// role is checked again. The endpoint makes the folder of a bucket before [`Change::Create`], which may be
    /// repeated after a kill between the two. [`Change::Delete`] deletes the folder with the record, or refuses and
    /// changes nothing: [`OperatorsError::NotEmpty`], [`OperatorsError::InUse`].
    fn change<'a>(
        &'a self,
        holder: &'a Holder,
        bucket: &'a BucketName,
        change: Change,
    ) -> BoxFuture<'a, Result<(), OperatorsError>>;
}

/// A request for an access key.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// Id of the key.
    pub access_key_id: &'a str,
    /// Address that the request came from.
    pub address: IpAddr,
    /// Id of the request.
    pub request_id: &'a str,
}
