//! The folder `.privet` of a bucket: files that are being written, objects whose keys are no paths, multipart uploads,
//! and locks that hold between processes.

use crate::hex::to_hex;
use crate::key::RESERVED;
use crate::system::{FILE_MODE, make_folder};
use crate::{Key, ObjectError};
use aws_lc_rs::digest::{SHA256, digest};
use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};

/// Number of locks that the keys of a bucket share.
pub(crate) const LOCKS: u8 = 64;

/// The open folders beneath `.privet`.
#[derive(Debug)]
pub(crate) struct Private {
    folder: OwnedFd,
    /// Files that are being written, and folders that are being removed.
    pub(crate) temporary: OwnedFd,
    /// Objects whose keys are no paths.
    pub(crate) odd: OwnedFd,
    /// A folder for each multipart upload.
    pub(crate) uploads: OwnedFd,
    locks: OwnedFd,
}

/// A lock that this and other processes share; released when it is dropped.
#[derive(Debug)]
pub(crate) struct KeyLock {
    _file: OwnedFd,
}

impl Private {
    /// Opens the folders beneath a bucket's folder, after making those that are missing.
    pub(crate) fn open(root: impl AsFd) -> Result<Private, Errno> {
        let folder = make_folder(root, RESERVED)?;
        Ok(Private {
            temporary: make_folder(&folder, "temporary")?,
            odd: make_folder(&folder, "odd")?,
            uploads: make_folder(&folder, "uploads")?,
            locks: make_folder(&folder, "locks")?,
            folder,
        })
    }

    /// Returns true if the folder was removed.
    pub(crate) fn is_gone(&self) -> bool {
        rustix::fs::fstat(&self.folder).is_ok_and(|stat| stat.st_nlink == 0)
    }

    /// Waits for the lock of `key`.
    ///
    /// Errors: `NoSuchBucket` if the bucket was deleted; the system's.
    pub(crate) fn lock(&self, key: &Key) -> Result<KeyLock, ObjectError> {
        let digest = digest(&SHA256, key.as_str().as_bytes());
        self.lock_number(digest.as_ref()[0] % LOCKS)
    }

    /// Waits for all locks, in their order: then nobody changes anything in the bucket.
    pub(crate) fn lock_all(&self) -> Result<Vec<KeyLock>, ObjectError> {
        (0..LOCKS).map(|number| self.lock_number(number)).collect()
    }

    fn lock_number(&self, number: u8) -> Result<KeyLock, ObjectError> {
        let name = format!("{number:02}");
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let file = match rustix::fs::openat(&self.locks, name, flags, FILE_MODE) {
            Ok(file) => file,
            Err(Errno::NOENT) => return Err(ObjectError::NoSuchBucket),
            Err(errno) => return Err(errno.into()),
        };
        flock(&file, FlockOperation::LockExclusive)?;
        // A bucket is deleted under all its locks, and its lock files with it.
        if rustix::fs::fstat(&file)?.st_nlink == 0 {
            return Err(ObjectError::NoSuchBucket);
        }
        Ok(KeyLock { _file: file })
    }
}

/// Locks an open file, and waits if `operation` does.
pub(crate) fn flock(file: impl AsFd, operation: FlockOperation) -> Result<(), Errno> {
    rustix::io::retry_on_intr(|| rustix::fs::flock(&file, operation))
}

/// Returns the name of the file in `odd` for a key that is no path.
pub(crate) fn odd_name(key: &Key) -> String {
    to_hex(digest(&SHA256, key.as_str().as_bytes()).as_ref())
}

/// Returns the path of that file beneath the bucket's folder.
pub(crate) fn odd_path(key: &Key) -> String {
    format!("{RESERVED}/odd/{}", odd_name(key))
}
