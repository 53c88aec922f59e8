//! The operations behind the router: what S3 does, on folders.

mod attributes;
mod buckets;
mod conditions;
mod constant;
mod copying;
mod deleting;
mod dispatch;
mod listing;
mod multipart;
mod reading;
mod settings;
mod tagging;
mod writing;

pub(crate) use attributes::{check_features, of_form};
pub(crate) use dispatch::act;
pub(crate) use writing::{Written, checksum_fields};

use crate::error::{self, IntoS3};
use crate::facts::Facts;
use crate::operators::Operators;
use crate::policy::Transport;
use crate::records::BucketRecord;
use crate::settings::Settings;
use privet_objects::{BucketFolder, BucketName, BucketsFolder, Key, OpenError};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Result};
use std::sync::Arc;
use tokio::sync::Mutex;

/// Id of the owner of everything: a canonical user id, which is the same everywhere.
pub(crate) const OWNER_ID: &str =
    "0000000000000000000000000000000000000000000000000000000000000000";
/// Name of the owner.
pub(crate) const OWNER_NAME: &str = "privet";
/// The only version of an object.
pub(crate) const VERSION: &str = "null";

/// What all operations share. Clones are the same.
#[derive(Clone)]
pub(crate) struct Operations {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) buckets: Arc<BucketsFolder>,
    pub(crate) operators: Arc<dyn Operators>,
    pub(crate) region: String,
    pub(crate) transport: Transport,
    pub(crate) upload_size_bytes_max: u64,
    /// Held while a folder and its record come or go together.
    pub(crate) making: Mutex<()>,
}

impl Operations {
    pub(crate) fn new(
        buckets: Arc<BucketsFolder>,
        operators: Arc<dyn Operators>,
        settings: &Settings,
        transport: Transport,
    ) -> Self {
        Operations {
            shared: Arc::new(Shared {
                buckets,
                operators,
                region: settings.region.clone(),
                transport,
                upload_size_bytes_max: settings.limits.upload_size_bytes,
                making: Mutex::new(()),
            }),
        }
    }

    /// Does work that waits for the disk, with a bucket. A folder without a record is none.
    pub(crate) async fn in_bucket<T, F>(&self, name: &BucketName, work: F) -> S3Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&BucketFolder) -> S3Result<T> + Send + 'static,
    {
        self.record(name).await?;
        let shared = Arc::clone(&self.shared);
        let own = name.clone();
        let tried = blocking(move || {
            let bucket = shared.buckets.bucket(&own).map_err(IntoS3::into_s3)?;
            Ok(match bucket {
                Some(bucket) => Tried::Done(work(&bucket)),
                None => Tried::NoFolder(work),
            })
        });
        match tried.await? {
            Tried::Done(result) => result,
            Tried::NoFolder(work) => {
                let bucket = self.make_again(name).await?;
                blocking(move || work(&bucket)).await
            }
        }
    }

    /// Makes the folder of a bucket whose deletion was killed before its record was gone. One that is being deleted now
    /// stays away.
    async fn make_again(&self, name: &BucketName) -> S3Result<BucketFolder> {
        let _alone = self.shared.making.lock().await;
        self.record(name).await?;
        let shared = Arc::clone(&self.shared);
        let name = name.clone();
        blocking(move || match shared.buckets.create(&name) {
            // Another request was faster.
            Err(OpenError::Exists) => {
                let bucket = shared.buckets.bucket(&name).map_err(IntoS3::into_s3)?;
                bucket.ok_or_else(error::no_such_bucket)
            }
            made => made.map_err(IntoS3::into_s3),
        })
        .await
    }

    /// Returns the record of a bucket that exists.
    pub(crate) async fn record(&self, name: &BucketName) -> S3Result<BucketRecord> {
        let record = self.shared.operators.record(name).await;
        record
            .map_err(IntoS3::into_s3)?
            .ok_or_else(error::no_such_bucket)
    }
}

/// Work that was tried with a bucket's folder.
enum Tried<T, F> {
    Done(S3Result<T>),
    /// There is no folder; the work was not begun.
    NoFolder(F),
}

/// Does work that waits for the disk, away from the runtime.
pub(crate) async fn blocking<T, F>(work: F) -> S3Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> S3Result<T> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(_) => Err(S3Error::new(S3ErrorCode::InternalError)),
    }
}

/// Returns what the endpoint knows of a request.
pub(crate) fn facts<T>(request: &S3Request<T>) -> S3Result<Facts> {
    let facts = request.extensions.get::<Facts>();
    facts.cloned().ok_or_else(error::access_denied)
}

pub(crate) fn bucket_name(text: &str) -> S3Result<BucketName> {
    BucketName::new(text)
        .map_err(|error| error::known(S3ErrorCode::InvalidBucketName, error.to_string()))
}

pub(crate) fn object_key(text: &str) -> S3Result<Key> {
    Key::new(text).map_err(|error| error::known(S3ErrorCode::KeyTooLongError, error.to_string()))
}

/// Refuses every version but the only one.
pub(crate) fn only_version(version: Option<&str>) -> S3Result<()> {
    match version {
        None | Some(VERSION) => Ok(()),
        Some(_) => Err(error::known(
            S3ErrorCode::NoSuchVersion,
            "The specified version does not exist: buckets here keep one version of an object.",
        )),
    }
}
