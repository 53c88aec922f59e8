//! Buckets of this machine as commands open them: beneath the folder that the configuration names, if there is an item.
//!
//! The edge may run meanwhile: what is written is locked between processes.

use crate::bucket_fault::BucketFault;
use crate::buckets_endpoint::open_folder;
use crate::command_error::CommandError;
use crate::config_file::ConfigOption;
use crate::configuration::{LoadError, read_text};
use crate::store_access::{open_store, runtime};
use privet_distribution::config::{
    BucketDocument, BucketLocationDocument, BucketsSettings, Document, ServiceKind, StoreSettings,
    read_toml_in_part,
};
use privet_objects::{BucketFolder, BucketName, Key, ObjectError, OpenError};
use serde_json::Value;
use std::path::Path;

/// An object or a part of a bucket, as `BUCKET/KEY`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Name of the bucket.
    pub(crate) bucket: String,
    /// Key or prefix; may be empty.
    pub(crate) key: String,
}

/// A bucket that is open.
#[derive(Debug)]
pub(crate) struct LocalBucket {
    pub(crate) name: String,
    pub(crate) objects: BucketFolder,
}

impl Place {
    /// Reads `BUCKET`, `BUCKET/KEY`, or either with `s3://` before it.
    ///
    /// # Errors
    /// [`BucketFault::Place`].
    pub(crate) fn parse(text: &str) -> Result<Self, BucketFault> {
        let bare = text.strip_prefix("s3://").unwrap_or(text);
        let (bucket, key) = bare.split_once('/').unwrap_or((bare, ""));
        match BucketName::new(bucket) {
            Ok(_) => Ok(Place {
                bucket: bucket.to_owned(),
                key: key.to_owned(),
            }),
            Err(_) => Err(BucketFault::Place(text.to_owned())),
        }
    }

    /// Returns the key of an object.
    ///
    /// # Errors
    /// [`BucketFault::NoKey`], [`BucketFault::Key`].
    pub(crate) fn object(&self) -> Result<Key, BucketFault> {
        match self.key.is_empty() {
            true => Err(BucketFault::NoKey(self.bucket.clone())),
            false => key(&self.key),
        }
    }
}

/// Returns a key.
///
/// # Errors
/// [`BucketFault::Key`].
pub(crate) fn key(text: &str) -> Result<Key, BucketFault> {
    Key::new(text).map_err(|error| BucketFault::Key {
        key: text.to_owned(),
        error,
    })
}

impl LocalBucket {
    /// Opens the embedded bucket of that name.
    ///
    /// # Errors
    /// [`CommandError::Configuration`], [`CommandError::Store`], [`CommandError::Bucket`].
    pub(crate) fn open(config: &ConfigOption, name: &str) -> Result<Self, CommandError> {
        let file = config.file();
        let document = read(&file)?;
        let settings = document.node.buckets.as_ref();
        let settings = settings.ok_or_else(|| BucketFault::NotConfigured {
            config: file.display().to_string(),
        })?;
        if !has_item(&document, name)? {
            let name = name.to_owned();
            return Err(BucketFault::NoSuchBucket { name }.into());
        }
        Ok(LocalBucket {
            name: name.to_owned(),
            objects: open(settings, name)?,
        })
    }

    /// Returns the fault of an object.
    pub(crate) fn fault(&self, key: &Key, error: ObjectError) -> BucketFault {
        BucketFault::Object {
            bucket: self.name.clone(),
            key: key.to_string(),
            error,
        }
    }
}

fn read(file: &Path) -> Result<Document, CommandError> {
    let text = read_text(file)?;
    let (document, _, faults) = read_toml_in_part(&text, file).map_err(LoadError::Faults)?;
    let mut own = faults;
    own.retain(|fault| fault.path.starts_with("buckets") || fault.path.starts_with("store"));
    match own.is_empty() {
        true => Ok(document),
        false => Err(LoadError::Faults(own).into()),
    }
}

fn has_item(document: &Document, name: &str) -> Result<bool, CommandError> {
    match &document.node.store {
        Some(store) => has_stored_item(store, name),
        None => {
            let mut buckets = document.service.buckets.iter();
            let is_it = |bucket: &BucketDocument| {
                bucket.name == name
                    && matches!(bucket.location, BucketLocationDocument::Embedded(_))
            };
            Ok(buckets.any(is_it))
        }
    }
}

fn has_stored_item(settings: &StoreSettings, name: &str) -> Result<bool, CommandError> {
    let kind = ServiceKind::Bucket.as_str();
    let found = runtime()?.block_on(async {
        let store = open_store(settings).await?;
        let found = store.document(kind, name).await;
        found.map_err(|error| CommandError::from(crate::store_fault::StoreFault::Failed(error)))
    })?;
    let is_embedded = |document: &Value| document.get("embedded") == Some(&Value::Bool(true));
    Ok(found.is_some_and(|document| is_embedded(&document.body)))
}

/// Opens the folder of a bucket; makes it if nothing was ever put into it on this machine.
fn open(settings: &BucketsSettings, name: &str) -> Result<BucketFolder, BucketFault> {
    let folder = open_folder(settings).map_err(|error| BucketFault::Folder(error.to_string()))?;
    let no_place = |_| BucketFault::Place(name.to_owned());
    let name = BucketName::new(name).map_err(no_place)?;
    if let Some(bucket) = folder.bucket(&name)? {
        return Ok(bucket);
    }
    match folder.create(&name) {
        Ok(bucket) => Ok(bucket),
        // The edge was first.
        Err(OpenError::Exists) => folder
            .bucket(&name)?
            .ok_or_else(|| OpenError::NoSuchBucket.into()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(&str, &str)>) {
        let place = Place::parse(text).ok();
        let found = place.as_ref().map(|place| (&*place.bucket, &*place.key));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn places_begin_with_a_bucket() {
        check("", None);
        check("/a", None);
        check("A/b", None);
        check("../b", None);
        check("abc", Some(("abc", "")));
        check("abc/", Some(("abc", "")));
        check("abc//d/", Some(("abc", "/d/")));
        check("s3://abc/d e", Some(("abc", "d e")));
    }
}
