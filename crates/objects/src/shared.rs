//! What all handles of one bucket share: its open folder, its settings, and how objects are found.

use crate::index::Indexes;
use crate::metadata::read_record;
use crate::private::{KeyLock, Private, odd_path};
use crate::record::Record;
use crate::spelling::{folds, is_exact};
use crate::system::{is_absence, open_file, open_file_in_memory};
use crate::{Key, ObjectError, Settings};
use rustix::fs::Stat;
use rustix::io::Errno;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::sync::{Arc, OnceLock};

/// One bucket.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) root: OwnedFd,
    pub(crate) settings: Arc<Settings>,
    pub(crate) indexes: Arc<Indexes>,
    /// What the indexes know the bucket by.
    pub(crate) number: u64,
    /// The file system takes names for the same that differ in case.
    pub(crate) is_folding: bool,
    private: OnceLock<Private>,
}

/// Where an object lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// At its key's path.
    Path,
    /// Among the objects whose keys are no paths.
    Odd,
}

/// An object's open file with its attribute.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) place: Place,
    pub(crate) file: File,
    pub(crate) stat: Stat,
    pub(crate) record: Record,
}

impl Shared {
    pub(crate) fn new(root: OwnedFd, settings: Arc<Settings>, indexes: Arc<Indexes>) -> Self {
        Shared {
            is_folding: folds(&root),
            root,
            settings,
            number: indexes.next_number(),
            indexes,
            private: OnceLock::new(),
        }
    }

    /// Returns the folders beneath `.privet`, which are made at the first change.
    ///
    /// Errors: `NoSuchBucket`, the system's.
    pub(crate) fn private(&self) -> Result<&Private, ObjectError> {
        self.open_private().map_err(bucket_error)
    }

    /// As `private`, with the system's own errors.
    pub(crate) fn open_private(&self) -> Result<&Private, Errno> {
        if let Some(private) = self.private.get() {
            return Ok(private);
        }
        let private = Private::open(&self.root)?;
        Ok(self.private.get_or_init(|| private))
    }

    /// Waits for the lock of `key`.
    ///
    /// Errors: `NoSuchBucket`, the system's.
    pub(crate) fn lock(&self, key: &Key) -> Result<KeyLock, ObjectError> {
        self.private()?.lock(key).map_err(bucket_error)
    }

    /// Returns true if `folder` is the bucket's folder, and nobody removed what lies beneath `.privet`.
    pub(crate) fn is_at(&self, folder: &OwnedFd) -> Result<bool, Errno> {
        let (mine, other) = (rustix::fs::fstat(&self.root)?, rustix::fs::fstat(folder)?);
        let is_same = (mine.st_dev, mine.st_ino) == (other.st_dev, other.st_ino);
        Ok(is_same && !self.private.get().is_some_and(Private::is_gone))
    }

    /// Finds the object of `key`: first at its path, then among the odd ones.
    ///
    /// Errors: `NotFound`, the system's.
    pub(crate) fn find(&self, key: &Key) -> Result<Found, ObjectError> {
        if let Some(path) = key.path()
            && let Some(found) = self.find_at(path, Place::Path)?
        {
            return Ok(found);
        }
        let found = self.find_at(&odd_path(key), Place::Odd)?;
        // A file that lost its attribute, or that was given another's name, is nobody's.
        let found = found.filter(|found| found.record.key.as_deref() == Some(key.as_str()));
        found.ok_or(ObjectError::NotFound)
    }

    /// Finds the object of `key` at its path, if that needs no waiting for the disk. Its attribute, which is with the
    /// file's node or next to it, is taken for read.
    pub(crate) fn find_in_memory(&self, key: &Key) -> Option<Found> {
        if self.is_folding {
            return None;
        }
        let (file, stat) = open_file_in_memory(&self.root, key.path()?).ok()?;
        let record = read_record(&file, &stat).ok()?;
        Some(Found {
            place: Place::Path,
            file: File::from(file),
            stat,
            record,
        })
    }

    /// Finds the file at a path beneath the bucket's folder.
    pub(crate) fn find_at(&self, path: &str, place: Place) -> Result<Option<Found>, ObjectError> {
        let (file, stat) = match open_file(&self.root, path) {
            Ok(opened) => opened,
            Err(errno) if is_absence(errno) => return Ok(None),
            Err(errno) => return Err(errno.into()),
        };
        if self.is_folding && place == Place::Path && !is_exact(&self.root, path)? {
            return Ok(None);
        }
        let record = read_record(&file, &stat)?;
        Ok(Some(Found {
            place,
            file: File::from(file),
            stat,
            record,
        }))
    }

    /// Has what was changed in a folder written to disk.
    pub(crate) fn sync(&self, folder: &OwnedFd) -> Result<(), ObjectError> {
        if self.settings.sync {
            rustix::fs::fsync(folder)?;
        }
        Ok(())
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.indexes.forget(self.number);
    }
}

/// Names an error of the bucket's own files: if they are gone, the bucket is.
fn bucket_error(errno: Errno) -> ObjectError {
    if errno == Errno::NOENT {
        ObjectError::NoSuchBucket
    } else {
        errno.into()
    }
}
