//! One bucket: objects are opened, written, changed and deleted.

use crate::conditions::{DeleteConditions, Deleted, Replace, WriteConditions};
use crate::incoming::{Incoming, write_record};
use crate::metadata::now_ns;
use crate::place;
use crate::record::{FileState, Record};
use crate::shared::{Found, Shared};
use crate::{Algorithm, Attributes, Digests, ETag, Headers, Key, Metadata, ObjectError, Tags};
use std::fs::File;
use std::sync::Arc;

/// A bucket. Clones are the same.
#[derive(Clone, Debug)]
pub struct BucketFolder {
    pub(crate) shared: Arc<Shared>,
}

/// An object that is open. Its bytes stay what they are when the object is replaced or deleted.
#[derive(Debug)]
pub struct ObjectFile {
    /// The open file, at its beginning.
    pub file: File,
    /// What is known of these bytes.
    pub metadata: Metadata,
    state: FileState,
}

/// An object on its way into the bucket. Dropped, it leaves nothing behind.
pub struct Upload {
    incoming: Incoming,
    key: Key,
    attributes: Attributes,
}

impl ObjectFile {
    /// Returns true if what was read until now belongs to the metadata: the file was not changed in place by hand.
    #[must_use]
    pub fn is_unchanged(&self) -> bool {
        rustix::fs::fstat(&self.file).is_ok_and(|stat| FileState::of(&stat) == self.state)
    }
}

impl BucketFolder {
    /// Opens the object of `key`, and tells what is known of it; both are of the same version.
    ///
    /// Errors: `NotFound`, also for links, folders, devices and everything else that is no regular file; the system's.
    pub fn open(&self, key: &Key) -> Result<ObjectFile, ObjectError> {
        Ok(self.opened(key, self.shared.find(key)?))
    }

    /// Opens the object of `key` if that needs no waiting for the disk. `None` says nothing about the object: then
    /// [`BucketFolder::open`] does.
    #[must_use]
    pub fn open_in_memory(&self, key: &Key) -> Option<ObjectFile> {
        let found = self.shared.find_in_memory(key)?;
        Some(self.opened(key, found))
    }

    fn opened(&self, key: &Key, found: Found) -> ObjectFile {
        ObjectFile {
            state: FileState::of(&found.stat),
            metadata: Metadata::of(key, &found.stat, found.record, &self.shared.settings),
            file: found.file,
        }
    }

    /// Returns what is known of the object of `key`.
    ///
    /// Errors: as [`BucketFolder::open`].
    pub fn metadata(&self, key: &Key) -> Result<Metadata, ObjectError> {
        self.open(key).map(|object| object.metadata)
    }

    /// Begins to write an object. Nobody sees it before [`Upload::commit`].
    ///
    /// Errors: `InvalidHeaders`, `InvalidTags`, `MetadataTooLarge`; `Full`, `ReadOnly`, the system's.
    pub fn begin(
        &self,
        key: &Key,
        attributes: impl Into<Attributes>,
    ) -> Result<Upload, ObjectError> {
        let attributes = attributes.into();
        check_attributes(key, &attributes)?;
        Ok(Upload {
            incoming: Incoming::create(&self.shared)?,
            key: key.clone(),
            attributes,
        })
    }

    /// Deletes the object of `key`. Folders that are empty then go with it.
    ///
    /// Errors: `PreconditionFailed`, the system's.
    pub fn delete(&self, key: &Key, conditions: &DeleteConditions) -> Result<Deleted, ObjectError> {
        let lock = self.shared.lock(key)?;
        let found = match self.shared.find(key) {
            Ok(found) => found,
            Err(ObjectError::NotFound) => return conditions.check_absent(),
            Err(error) => return Err(error),
        };
        let place = found.place;
        conditions.check(&self.known(key, found))?;
        place::remove(&self.shared, key, place, lock)?;
        Ok(Deleted::Removed)
    }

    /// Replaces the tags of an object; its entity tag stays the same.
    ///
    /// Errors: `NotFound`, `InvalidTags`, `MetadataTooLarge`, the system's.
    pub fn set_tags(&self, key: &Key, tags: Tags) -> Result<Metadata, ObjectError> {
        self.change(key, |record| record.attributes.tags = tags)
    }

    /// Replaces the headers of an object that meets the conditions; its content and its entity tag stay the same, its
    /// time becomes now.
    ///
    /// Errors: `NotFound`, `PreconditionFailed`, `InvalidHeaders`, `MetadataTooLarge`, the system's.
    pub fn set_headers(&self, key: &Key, headers: Headers) -> Result<Metadata, ObjectError> {
        self.change(key, |record| {
            record.attributes.headers = headers;
            record.modified_ns = Some(now_ns());
        })
    }

    /// Changes the attribute of an object's file in place, in one step.
    fn change(&self, key: &Key, change: impl FnOnce(&mut Record)) -> Result<Metadata, ObjectError> {
        let _lock = self.shared.lock(key)?;
        let mut found = self.shared.find(key)?;
        let record = &mut found.record;
        change(record);
        record.attributes.check()?;
        record.state = Some(FileState::of(&found.stat));
        write_record(&found.file, record)?;
        if self.shared.settings.sync {
            rustix::fs::fsync(&found.file)?;
        }
        Ok(self.known(key, found))
    }

    fn known(&self, key: &Key, found: Found) -> Metadata {
        Metadata::of(key, &found.stat, found.record, &self.shared.settings)
    }
}

impl Upload {
    /// Has a checksum computed besides the MD5, and stored with the object. To be called before the first byte is
    /// written.
    pub fn compute(&mut self, algorithm: Algorithm) {
        self.incoming.compute(algorithm);
    }

    /// Appends bytes to the content.
    ///
    /// Errors: `EntityTooLarge`, `Full`, the system's.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), ObjectError> {
        self.incoming.write(bytes)
    }

    /// Returns how many bytes were written.
    #[must_use]
    pub fn size_bytes(&self) -> u64 {
        self.incoming.size_bytes()
    }

    /// Makes what was written the object, in one step, if the conditions hold and the content is what was announced.
    /// An announced checksum must have been computed.
    ///
    /// Errors: `DigestMismatch`, `ChecksumMismatch`, `PreconditionFailed`, `NotFound` (there is nothing that
    /// `If-Match` could match), `NoSuchBucket`, `Full`, the system's.
    pub fn commit(
        mut self,
        conditions: &WriteConditions,
        digests: &Digests,
    ) -> Result<Metadata, ObjectError> {
        let (etag, checksums) = self.incoming.digests(digests)?;
        let record = Record {
            etag: Some(etag),
            checksums,
            attributes: self.attributes,
            ..Record::default()
        };
        commit(self.incoming, &self.key, record, conditions).map(|(metadata, _)| metadata)
    }
}

/// Seals a file and makes it the object of `key`, if the conditions hold. Returns the record that was written, too.
pub(crate) fn commit(
    mut incoming: Incoming,
    key: &Key,
    mut record: Record,
    conditions: &WriteConditions,
) -> Result<(Metadata, Record), ObjectError> {
    let shared = Arc::clone(incoming.shared());
    if key.path().is_none() {
        record.key = Some(key.as_str().to_owned());
    }
    incoming.seal(&mut record)?;
    let lock = shared.lock(key)?;
    let replace = if conditions.is_any() {
        let present = match shared.find(key) {
            Ok(found) => Some(Metadata::of(
                key,
                &found.stat,
                found.record,
                &shared.settings,
            )),
            Err(ObjectError::NotFound) => None,
            Err(error) => return Err(error),
        };
        conditions.check(present.as_ref())?
    } else {
        Replace::Yes
    };
    place::place(&mut incoming, key, &mut record, replace, lock)?;
    let stat = rustix::fs::fstat(incoming.file())?;
    let metadata = Metadata::of(key, &stat, record.clone(), &shared.settings);
    Ok((metadata, record))
}

/// Checks that attributes can be stored, before any content has come.
pub(crate) fn check_attributes(key: &Key, attributes: &Attributes) -> Result<(), ObjectError> {
    attributes.check()?;
    let longest = Record {
        state: Some(FileState {
            size_bytes: u64::MAX,
            modified_ns: i64::MAX,
        }),
        etag: Some(ETag::Parts([0; 16], u16::MAX)),
        key: key.path().is_none().then(|| key.as_str().to_owned()),
        attributes: attributes.clone(),
        ..Record::default()
    };
    longest.encode().map(drop)
}
