//! The folders of embedded buckets, which are made and removed with their items.
//!
//! A folder is made before its item and removed after it, so that what a kill leaves is an empty folder that is no
//! bucket. While an item is deleted nobody can write into its folder. Doing it again completes it.

use crate::operation_error::OperationError;
use crate::operations::Operations;
use crate::operations::writing::Intent;
use privet_distribution::config::{BucketsSettings, ServiceKind};
use privet_distribution::response::content_type;
use privet_objects::{
    BucketName, BucketsFolder, Deletion, ListRequest, ObjectError, OpenError, Settings,
};
use privet_store::{DocumentChange, StoreError};
use serde_json::Value;
use std::sync::Arc;

/// What a change does to the folder of a bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FolderChange {
    /// There is no embedded bucket, or it stays one.
    Keep,
    /// The bucket becomes an embedded one.
    Make(BucketName),
    /// The bucket is not embedded any more.
    Remove(BucketName),
}

/// What was done to a folder before its item is written.
#[derive(Debug)]
pub(super) enum FolderDone {
    Nothing,
    Made(BucketName),
    /// It is empty and stays so, and is removed after its item.
    Leaving(Deletion),
}

impl FolderChange {
    fn of(intent: &Intent) -> Result<Self, OperationError> {
        if intent.kind != ServiceKind::Bucket {
            return Ok(FolderChange::Keep);
        }
        let before = intent.before.as_ref().map(|before| &before.body);
        let was = before.is_some_and(is_embedded);
        let is = intent.after.as_ref().is_some_and(is_embedded);
        if was == is {
            return Ok(FolderChange::Keep);
        }
        let name = BucketName::new(intent.id.as_str())
            .map_err(|error| OperationError::invalid("document.name", error.to_string()))?;
        Ok(match is {
            true => FolderChange::Make(name),
            false => FolderChange::Remove(name),
        })
    }
}

fn is_embedded(document: &Value) -> bool {
    document.get("embedded") == Some(&Value::Bool(true))
}

impl Operations {
    /// Checks whether the change of a folder could be made.
    pub(super) async fn try_folder(&self, intent: &Intent) -> Result<(), OperationError> {
        match FolderChange::of(intent)? {
            FolderChange::Keep => Ok(()),
            FolderChange::Make(_) => self.in_buckets(|_| Ok(())).await,
            FolderChange::Remove(name) => {
                let is_empty = move |buckets: &BucketsFolder| check_empty(buckets, &name);
                self.in_buckets(is_empty).await
            }
        }
    }

    /// Makes the folder of the bucket that is about to be changed, or sees to it that it can be removed.
    pub(super) async fn change_folder(
        &self,
        intent: &Intent,
    ) -> Result<FolderDone, OperationError> {
        match FolderChange::of(intent)? {
            FolderChange::Keep => Ok(FolderDone::Nothing),
            FolderChange::Make(name) => {
                let made = name.clone();
                let make = move |buckets: &BucketsFolder| match buckets.create(&name) {
                    Ok(_) => Ok(FolderDone::Made(made)),
                    // Of an earlier attempt, or put there by hand: it becomes the bucket with what is in it.
                    Err(OpenError::Exists) => Ok(FolderDone::Nothing),
                    Err(error) => Err(folder_error(&error)),
                };
                self.in_buckets(make).await
            }
            FolderChange::Remove(name) => {
                let begin = move |buckets: &BucketsFolder| match buckets.begin_delete(&name) {
                    Ok(deletion) => Ok(FolderDone::Leaving(deletion)),
                    Err(OpenError::NoSuchBucket | OpenError::Missing) => Ok(FolderDone::Nothing),
                    Err(OpenError::NotEmpty) => {
                        Err(OperationError::BucketNotEmpty(name.to_string()))
                    }
                    Err(error) => Err(folder_error(&error)),
                };
                self.in_buckets(begin).await
            }
        }
    }

    /// Makes the folders of all embedded buckets among the items that are about to be written.
    pub(super) async fn make_folders(
        &self,
        changes: &[DocumentChange],
    ) -> Result<(), OperationError> {
        let buckets = changes.iter().filter(|change| {
            let is_bucket = change.kind == ServiceKind::Bucket.as_str();
            is_bucket && change.body.as_ref().is_some_and(is_embedded)
        });
        for change in buckets {
            let Ok(name) = BucketName::new(change.id.as_str()) else {
                return Err(OperationError::invalid("items", "name no bucket"));
            };
            let make = move |buckets: &BucketsFolder| match buckets.create(&name) {
                Ok(_) | Err(OpenError::Exists) => Ok(()),
                Err(error) => Err(folder_error(&error)),
            };
            self.in_buckets(make).await?;
        }
        Ok(())
    }

    /// Takes back what was done to a folder whose item could not be changed. What fails here is an empty folder too
    /// many.
    pub(super) async fn undo_folder(&self, done: FolderDone, error: &StoreError) {
        match (done, error) {
            // The item may have been written.
            (FolderDone::Made(_), StoreError::Unknown) | (FolderDone::Nothing, _) => {}
            (FolderDone::Made(name), _) => {
                let remove = move |buckets: &BucketsFolder| {
                    buckets.delete(&name).map_err(|error| folder_error(&error))
                };
                let _ = self.in_buckets(remove).await;
            }
            (FolderDone::Leaving(deletion), _) => drop(deletion),
        }
    }

    /// Removes the folder of a bucket whose item is gone. What is left is no bucket any more, whatever is in it.
    pub(super) async fn finish_folder(&self, done: FolderDone) {
        let FolderDone::Leaving(deletion) = done else {
            return;
        };
        let remove = move |buckets: &BucketsFolder| {
            let removed = buckets.finish_delete(deletion);
            removed.map_err(|error| folder_error(&error))
        };
        if let Err(error) = self.in_buckets(remove).await {
            privet_edge::standard_error::warning(format_args!(
                "the folder of a deleted bucket stays: {error}"
            ));
        }
    }

    /// Does something in the folder of buckets, where the disk may be waited for.
    async fn in_buckets<T: Send + 'static>(
        &self,
        work: impl FnOnce(&BucketsFolder) -> Result<T, OperationError> + Send + 'static,
    ) -> Result<T, OperationError> {
        let snapshot = self.snapshot();
        let settings = snapshot.node.buckets.as_ref();
        let settings = settings.cloned().ok_or_else(|| {
            OperationError::invalid(
                "document.embedded",
                "is true, and this machine has no folder for buckets; add [buckets] with folder = \"buckets\"",
            )
        })?;
        let task = tokio::task::spawn_blocking(move || {
            let buckets = open(&settings)?;
            work(&buckets)
        });
        let done = task.await;
        done.map_err(|_| OperationError::System("the thread for this has failed"))?
    }
}

fn open(settings: &BucketsSettings) -> Result<Arc<BucketsFolder>, OperationError> {
    let own = Settings {
        sync: settings.sync,
        content_type,
        ..Settings::default()
    };
    BucketsFolder::shared(&settings.folder, &own).map_err(|error| {
        let folder = settings.folder.display();
        OperationError::BucketsFolder(format!("{folder}: {error}"))
    })
}

fn folder_error(error: &OpenError) -> OperationError {
    OperationError::BucketsFolder(error.to_string())
}

fn check_empty(buckets: &BucketsFolder, name: &BucketName) -> Result<(), OperationError> {
    let bucket = buckets.bucket(name).map_err(|error| folder_error(&error))?;
    let Some(bucket) = bucket else {
        return Ok(());
    };
    let first = ListRequest {
        max: 1,
        ..ListRequest::default()
    };
    match bucket.list(&first) {
        Ok(page) if page.entries.is_empty() => Ok(()),
        Ok(_) => Err(OperationError::BucketNotEmpty(name.to_string())),
        Err(ObjectError::NoSuchBucket) => Ok(()),
        Err(error) => Err(OperationError::BucketsFolder(error.to_string())),
    }
}
