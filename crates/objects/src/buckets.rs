//! The folder that has a folder for each bucket.

use crate::hex::random_name;
use crate::key::RESERVED;
use crate::private::Private;
use crate::record::ATTRIBUTE;
use crate::shared::Shared;
use crate::system::{FOLDER_MODE, create_file, open_bucket, open_folder, open_root};
use crate::{BucketFolder, BucketName, OpenError, Settings};
use rustix::fs::{AtFlags, Dir, FileType, XattrFlags};
use rustix::io::Errno;
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// Beginning of the names of folders that are being deleted.
const DELETED: &str = ".privet-deleted-";

/// The folder of all buckets.
#[derive(Debug)]
pub struct BucketsFolder {
    root: OwnedFd,
    settings: Arc<Settings>,
    opened: Mutex<HashMap<BucketName, BucketFolder>>,
}

impl BucketsFolder {
    /// Opens the folder at `path`, which an operator configured.
    ///
    /// Errors: `Missing`, `NoAttributes` if metadata cannot be kept there, `NoOpenat2`, the system's.
    pub fn open(path: &Path, settings: &Settings) -> Result<BucketsFolder, OpenError> {
        let root = open_root(path)?;
        open_folder(&root, "")?;
        check_attributes(&root)?;
        let buckets = BucketsFolder {
            root,
            settings: Arc::new(settings.clone()),
            opened: Mutex::default(),
        };
        buckets.remove_deleted();
        Ok(buckets)
    }

    /// Creates a bucket.
    ///
    /// Errors: `Exists`, the system's.
    pub fn create(&self, name: &BucketName) -> Result<BucketFolder, OpenError> {
        rustix::fs::mkdirat(&self.root, name.as_str(), FOLDER_MODE)?;
        let folder = open_bucket(&self.root, name.as_str())?;
        Private::open(&folder)?;
        if self.settings.sync {
            rustix::fs::fsync(&folder)?;
            rustix::fs::fsync(&self.root)?;
        }
        self.bucket(name)?.ok_or(OpenError::NoSuchBucket)
    }

    /// Returns the bucket of this name, if there is one: a folder is, whoever made it.
    ///
    /// Errors: the system's.
    pub fn bucket(&self, name: &BucketName) -> Result<Option<BucketFolder>, OpenError> {
        let folder = match open_bucket(&self.root, name.as_str()) {
            Ok(folder) => folder,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => {
                self.opened().remove(name);
                return Ok(None);
            }
            Err(errno) => return Err(errno.into()),
        };
        let mut opened = self.opened();
        if let Some(bucket) = opened.get(name)
            && bucket.shared.is_at(&folder)?
        {
            return Ok(Some(bucket.clone()));
        }
        let bucket = BucketFolder {
            shared: Arc::new(Shared::new(folder, Arc::clone(&self.settings))),
        };
        opened.insert(name.clone(), bucket.clone());
        Ok(Some(bucket))
    }

    /// Returns when the bucket's folder was made, or the time of its last change where the file system does not say.
    ///
    /// Errors: `NoSuchBucket`, the system's.
    pub fn created(&self, name: &BucketName) -> Result<SystemTime, OpenError> {
        use rustix::fs::{StatxFlags, statx};
        let wanted = StatxFlags::BTIME | StatxFlags::MTIME;
        let found = statx(&self.root, name.as_str(), AtFlags::SYMLINK_NOFOLLOW, wanted);
        let found = found.map_err(|errno| match errno {
            Errno::NOENT => OpenError::NoSuchBucket,
            other => other.into(),
        })?;
        let has_birth = found.stx_mask & StatxFlags::BTIME.bits() != 0;
        let time = if has_birth {
            found.stx_btime
        } else {
            found.stx_mtime
        };
        Ok(SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(time.tv_sec).unwrap_or(0)))
    }

    /// Returns the names of all buckets, in order. Folders whose names no bucket can have are none.
    ///
    /// Errors: the system's.
    pub fn names(&self) -> Result<Vec<BucketName>, OpenError> {
        let mut names = Vec::new();
        for item in Dir::read_from(&self.root)? {
            let item = item?;
            let name = item
                .file_name()
                .to_str()
                .ok()
                .and_then(|name| BucketName::new(name).ok());
            let Some(name) = name else { continue };
            let is_folder = match item.file_type() {
                FileType::Unknown => open_bucket(&self.root, name.as_str()).is_ok(),
                kind => kind.is_dir(),
            };
            if is_folder {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Deletes a bucket without objects, together with its multipart uploads.
    ///
    /// Errors: `NoSuchBucket`; `NotEmpty` if there is an object, or a link or whatever else a person put there; the
    /// system's.
    pub fn delete(&self, name: &BucketName) -> Result<(), OpenError> {
        let _ = (name, DELETED, RESERVED);
        Err(OpenError::NotEmpty)
    }

    /// Removes what a killed process left of buckets that it deleted.
    fn remove_deleted(&self) {}

    fn opened(&self) -> std::sync::MutexGuard<'_, HashMap<BucketName, BucketFolder>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Checks that the file system has extended attributes for users. On one that is read-only they are only asked for.
fn check_attributes(root: &OwnedFd) -> Result<(), OpenError> {
    match rustix::fs::fgetxattr(root, ATTRIBUTE, &mut [0; 1][..]) {
        Ok(_) | Err(Errno::NODATA | Errno::RANGE) => {}
        Err(errno) => return Err(errno.into()),
    }
    let name = format!("{RESERVED}-{}", random_name());
    let file = match create_file(root, &name) {
        Ok(file) => file,
        Err(Errno::ROFS | Errno::ACCESS | Errno::PERM | Errno::NOSPC | Errno::DQUOT) => {
            return Ok(());
        }
        Err(errno) => return Err(errno.into()),
    };
    let written = rustix::fs::fsetxattr(&file, ATTRIBUTE, b"", XattrFlags::empty());
    rustix::fs::unlinkat(root, &name, AtFlags::empty())?;
    match written {
        Err(Errno::NOSPC | Errno::DQUOT) => Ok(()),
        written => Ok(written?),
    }
}
