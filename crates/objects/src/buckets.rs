//! The folder that has a folder for each bucket.

use crate::hex::random_name;
use crate::index::Indexes;
use crate::key::{KEY_BYTES_MAX, RESERVED};
use crate::private::{KeyLock, Private};
use crate::record::ATTRIBUTE;
use crate::shared::Shared;
use crate::system::{
    FOLDER_MODE, create_file, open_bucket, open_bucket_in_memory, open_folder, open_root,
};
use crate::trees::{is_without_files, remove_empty_folders, remove_tree};
use crate::{BucketFolder, BucketName, OpenError, Settings};
use rustix::fs::{AtFlags, Dir, FileType, RenameFlags, XattrFlags};
use rustix::io::Errno;
use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, SystemTime};

/// Beginning of the names of folders that are being deleted.
const DELETED: &str = ".privet-deleted-";
/// Maximum depth of the folders of a bucket that can be deleted: as many as a key can have.
const FOLDERS_DEEP_MAX: usize = KEY_BYTES_MAX / 2;

/// The folder of all buckets.
#[derive(Debug)]
pub struct BucketsFolder {
    root: OwnedFd,
    settings: Arc<Settings>,
    indexes: Arc<Indexes>,
    opened: Mutex<HashMap<BucketName, BucketFolder>>,
}

/// A bucket without objects that is about to be deleted. Dropped, it leaves the bucket as it was.
#[derive(Debug)]
pub struct Deletion {
    name: BucketName,
    bucket: BucketFolder,
    _locks: Vec<KeyLock>,
}

/// The folders that are open in this process, which share what they know of names.
static SHARED: Mutex<Vec<Weak<BucketsFolder>>> = Mutex::new(Vec::new());

impl BucketsFolder {
    /// Opens the folder at `path` as [`BucketsFolder::open`] does, once for the whole process: whoever asks for a
    /// folder that is open gets that one, with the settings of whoever came first.
    ///
    /// Errors: as [`BucketsFolder::open`].
    pub fn shared(path: &Path, settings: &Settings) -> Result<Arc<BucketsFolder>, OpenError> {
        let root = open_root(path)?;
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.retain(|folder| folder.strong_count() > 0);
        for folder in shared.iter().filter_map(Weak::upgrade) {
            if is_same(&folder.root, &root)? {
                return Ok(folder);
            }
        }
        let folder = Arc::new(BucketsFolder::open(path, settings)?);
        shared.push(Arc::downgrade(&folder));
        Ok(folder)
    }

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
            indexes: Arc::new(Indexes::new(settings.index_bytes_max)),
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
        let (settings, indexes) = (Arc::clone(&self.settings), Arc::clone(&self.indexes));
        let bucket = BucketFolder {
            shared: Arc::new(Shared::new(folder, settings, indexes)),
        };
        opened.insert(name.clone(), bucket.clone());
        Ok(Some(bucket))
    }

    /// Returns the bucket of this name if it is in use and that needs no waiting for the disk. `None` says nothing about
    /// the bucket: then [`BucketsFolder::bucket`] does.
    #[must_use]
    pub fn bucket_in_memory(&self, name: &BucketName) -> Option<BucketFolder> {
        let folder = open_bucket_in_memory(&self.root, name.as_str()).ok()?;
        let bucket = self.opened().get(name)?.clone();
        let is_same = bucket.shared.is_at(&folder).ok()?;
        is_same.then_some(bucket)
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
            let kind = item.file_type();
            // Not all file systems tell the kind with the name.
            let is_unknown = kind == FileType::Unknown;
            let is_folder =
                kind.is_dir() || is_unknown && open_bucket(&self.root, name.as_str()).is_ok();
            if is_folder {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// Deletes a bucket without objects, together with its multipart uploads.
    ///
    /// Errors: as [`BucketsFolder::begin_delete`] and [`BucketsFolder::finish_delete`].
    pub fn delete(&self, name: &BucketName) -> Result<(), OpenError> {
        self.finish_delete(self.begin_delete(name)?)
    }

    /// Begins to delete a bucket without objects: nothing on the disk is changed, and nobody writes an object until the
    /// deletion is finished or dropped.
    ///
    /// Errors: `NoSuchBucket`; `NotEmpty` if there is an object, or a link or whatever else a person put there; the
    /// system's.
    pub fn begin_delete(&self, name: &BucketName) -> Result<Deletion, OpenError> {
        let bucket = self.bucket(name)?.ok_or(OpenError::NoSuchBucket)?;
        let private = bucket.shared.open_private().map_err(bucket_error)?;
        // Who waits for a lock finds the bucket as it was, or gone.
        let locks = private.lock_all().map_err(bucket_error)?;
        let root = &bucket.shared.root;
        if !is_empty(&private.odd)? || !is_without_files(root, RESERVED, FOLDERS_DEEP_MAX)? {
            return Err(OpenError::NotEmpty);
        }
        Ok(Deletion {
            name: name.clone(),
            bucket,
            _locks: locks,
        })
    }

    /// Deletes the bucket, together with its multipart uploads.
    ///
    /// Errors: `NotEmpty` if a person put a file there meanwhile, which keeps it; the system's.
    pub fn finish_delete(&self, deletion: Deletion) -> Result<(), OpenError> {
        let Deletion { name, bucket, .. } = &deletion;
        let root = &bucket.shared.root;
        if !is_without_files(root, RESERVED, FOLDERS_DEEP_MAX)? {
            return Err(OpenError::NotEmpty);
        }
        remove_empty_folders(root, RESERVED, FOLDERS_DEEP_MAX)?;
        let deleted = format!("{DELETED}{}", random_name());
        rustix::fs::renameat(&self.root, name.as_str(), &self.root, &deleted)?;
        self.opened().remove(name);
        // A person may have put a file there meanwhile.
        if !is_without_files(root, RESERVED, FOLDERS_DEEP_MAX)? {
            let flags = RenameFlags::NOREPLACE;
            rustix::fs::renameat_with(&self.root, &deleted, &self.root, name.as_str(), flags)?;
            return Err(OpenError::NotEmpty);
        }
        remove_tree(&self.root, &deleted)?;
        if self.settings.sync {
            rustix::fs::fsync(&self.root)?;
        }
        Ok(())
    }

    /// Removes what a killed process left of buckets that it deleted. Nobody minds if some of it stays.
    fn remove_deleted(&self) {
        let Ok(items) = Dir::read_from(&self.root) else {
            return;
        };
        for item in items.flatten() {
            let name = item.file_name().to_str().unwrap_or_default();
            if name.starts_with(DELETED) {
                let _ = remove_tree(&self.root, name);
            }
        }
    }

    fn opened(&self) -> std::sync::MutexGuard<'_, HashMap<BucketName, BucketFolder>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns true if both are one folder, whatever leads to it.
fn is_same(one: &OwnedFd, other: &OwnedFd) -> Result<bool, Errno> {
    let (one, other) = (rustix::fs::fstat(one)?, rustix::fs::fstat(other)?);
    Ok((one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
}

/// Returns true if nothing at all is in the folder.
fn is_empty(folder: &OwnedFd) -> Result<bool, Errno> {
    for item in Dir::read_from(folder)? {
        if !matches!(item?.file_name().to_bytes(), b"." | b"..") {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Names an error of a bucket's own files: if they are gone, the bucket is.
fn bucket_error(errno: Errno) -> OpenError {
    if errno == Errno::NOENT {
        OpenError::NoSuchBucket
    } else {
        errno.into()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Digests, Headers, Key, WriteConditions};
    use std::sync::mpsc::channel;

    fn name(text: &str) -> BucketName {
        BucketName::new(text).unwrap()
    }

    #[test]
    fn a_deletion_that_is_dropped_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let buckets = BucketsFolder::open(folder.path(), &Settings::default()).unwrap();
        buckets.create(&name("articles")).unwrap();
        std::fs::create_dir(folder.path().join("articles/empty")).unwrap();
        drop(buckets.begin_delete(&name("articles")).unwrap());
        assert!(folder.path().join("articles/empty").exists());
        buckets.delete(&name("articles")).unwrap();
        assert!(!folder.path().join("articles").exists());
    }

    #[test]
    fn nobody_writes_into_a_bucket_that_is_being_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let buckets = BucketsFolder::open(folder.path(), &Settings::default()).unwrap();
        let bucket = buckets.create(&name("articles")).unwrap();
        let mut upload = bucket
            .begin(&Key::new("a").unwrap(), Headers::default())
            .unwrap();
        upload.write(b"a").unwrap();
        let deletion = buckets.begin_delete(&name("articles")).unwrap();
        let (sender, ended) = channel();
        let writing = std::thread::spawn(move || {
            let written = upload.commit(&WriteConditions::default(), &Digests::default());
            sender.send(written.is_ok()).unwrap();
        });
        buckets.finish_delete(deletion).unwrap();
        assert!(
            !ended.recv().unwrap(),
            "an object that is gone is acknowledged"
        );
        writing.join().unwrap();
        assert!(buckets.bucket(&name("articles")).unwrap().is_none());
    }

    #[test]
    fn a_file_that_a_person_puts_there_meanwhile_keeps_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let buckets = BucketsFolder::open(folder.path(), &Settings::default()).unwrap();
        buckets.create(&name("articles")).unwrap();
        let deletion = buckets.begin_delete(&name("articles")).unwrap();
        std::fs::write(folder.path().join("articles/kept"), "kept").unwrap();
        assert_eq!(buckets.finish_delete(deletion), Err(OpenError::NotEmpty));
        assert!(folder.path().join("articles/kept").exists());
    }

    #[test]
    fn a_folder_is_opened_once_for_a_process() {
        let folder = tempfile::tempdir().unwrap();
        let other = tempfile::tempdir().unwrap();
        let open = |path: &Path| BucketsFolder::shared(path, &Settings::default()).unwrap();
        let one = open(folder.path());
        let same = open(&folder.path().join("."));
        assert!(Arc::ptr_eq(&one, &same));
        assert!(!Arc::ptr_eq(&one, &open(other.path())));
    }
}
