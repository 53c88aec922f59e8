//! A bucket that this machine keeps: its objects are opened by their keys, with what is said of them.

use super::identity::FileChanges;
use super::opened_file::OpenedFile;
use super::{ObjectHead, OriginError};
use crate::own_files::OwnPaths;
use arc_swap::ArcSwapOption;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, EXPIRES,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use privet_distribution::config::{BucketAccess, EmbeddedOrigin};
use privet_distribution::response::{Representation, content_type};
use privet_objects::{
    BucketFolder, BucketName, BucketsFolder, Headers, Key, Metadata, ObjectError, ObjectFile,
    Settings, sent_value,
};
use privet_sign::Timestamp;
use rustix::fs::{AtFlags, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::SystemTime;

/// The folder of all buckets, which is opened when it is first there.
#[derive(Debug)]
pub(crate) struct Buckets {
    path: PathBuf,
    opened: OnceLock<Arc<BucketsFolder>>,
}

impl Buckets {
    pub(crate) fn new(path: &Path) -> Self {
        Buckets {
            path: path.to_owned(),
            opened: OnceLock::new(),
        }
    }

    fn folder(&self) -> Result<&BucketsFolder, OriginError> {
        if let Some(folder) = self.opened.get() {
            return Ok(folder);
        }
        let settings = Settings {
            content_type,
            ..Settings::default()
        };
        let folder = BucketsFolder::shared(&self.path, &settings);
        let folder = folder.map_err(|_| OriginError::Unreadable)?;
        Ok(self.opened.get_or_init(|| folder))
    }
}

/// The folder of a bucket, as one origin may read it.
#[derive(Debug)]
pub(super) struct BucketRoot {
    buckets: Arc<Buckets>,
    /// Name of the bucket; `None` if no bucket can be called so.
    name: Option<BucketName>,
    path: PathBuf,
    own_files: OwnPaths,
    /// What is said of a key without an object.
    absent: OriginError,
    opened: ArcSwapOption<OpenedBucket>,
}

#[derive(Debug)]
struct OpenedBucket {
    objects: BucketFolder,
    folder: OwnedFd,
}

impl BucketRoot {
    pub(super) fn new(origin: &EmbeddedOrigin, buckets: Arc<Buckets>, own_files: OwnPaths) -> Self {
        BucketRoot {
            buckets,
            name: BucketName::new(origin.bucket.as_str()).ok(),
            path: origin.root.clone(),
            own_files,
            absent: match &origin.access {
                BucketAccess::ReadAndList => OriginError::NotFound,
                // S3 tells nobody else whether an object exists (S3 API reference, `GetObject`).
                BucketAccess::Read | BucketAccess::Unsigned | BucketAccess::NotGranted(_) => {
                    OriginError::Hidden
                }
            },
            opened: ArcSwapOption::empty(),
        }
    }

    pub(super) fn absent(&self) -> OriginError {
        self.absent
    }

    /// Returns the state of the file at `name`, to which no link leads on the way.
    pub(super) fn stat(&self, name: &Path) -> Result<Stat, Errno> {
        let opened = self.opened.load();
        let opened = opened.as_ref().ok_or(Errno::NOENT)?;
        if name.parent() == Some(Path::new("")) {
            return rustix::fs::statat(&opened.folder, name, AtFlags::SYMLINK_NOFOLLOW);
        }
        stat_beneath(&opened.folder, name)
    }

    /// Opens the object of `key`.
    pub(super) fn open(&self, key: &Key, changes: &FileChanges) -> Result<OpenedFile, OriginError> {
        let opened = match self.opened.load_full() {
            Some(opened) => opened,
            None => self.open_anew()?,
        };
        let object = match opened.objects.open(key) {
            // The bucket may have been deleted since, and made again.
            Err(ObjectError::NotFound | ObjectError::NoSuchBucket) if !self.is_at(&opened) => {
                self.open_anew()?.objects.open(key)
            }
            object => object,
        };
        let object = object.map_err(|error| self.error(&error))?;
        let stat = rustix::fs::fstat(&object.file).map_err(|_| OriginError::Unreadable)?;
        // Otherwise what was read of it may be that of another state.
        if !object.is_unchanged() {
            return Err(OriginError::Unreadable);
        }
        let ObjectFile { file, metadata, .. } = object;
        let identity = changes.identity(&stat);
        let state = identity.etag();
        let etag = match identity.is_told() {
            // The tag was made of other bytes.
            true => state.clone(),
            false => format!("\"{}\"", metadata.etag),
        };
        Ok(OpenedFile {
            file,
            stat,
            identity,
            name: key.path().map(PathBuf::from),
            head: head(&metadata, etag, state),
        })
    }

    fn open_anew(&self) -> Result<Arc<OpenedBucket>, OriginError> {
        let buckets = self.buckets.folder()?;
        let name = self.name.as_ref().ok_or(self.absent)?;
        if self.own_files.within(&self.path).is_some() {
            return Err(OriginError::Unreadable);
        }
        let objects = buckets.bucket(name).map_err(|_| OriginError::Unreadable)?;
        // One that nothing was put into yet may have no folder.
        let objects = objects.ok_or(self.absent)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let folder = rustix::fs::open(&self.path, flags, Mode::empty());
        let folder = folder.map_err(|_| OriginError::Unreadable)?;
        let opened = Arc::new(OpenedBucket { objects, folder });
        self.opened.store(Some(Arc::clone(&opened)));
        Ok(opened)
    }

    fn is_at(&self, opened: &OpenedBucket) -> bool {
        let identity = |stat: Stat| (stat.st_dev, stat.st_ino);
        let here = rustix::fs::lstat(&self.path).map(identity);
        here.is_ok() && here == rustix::fs::fstat(&opened.folder).map(identity)
    }

    fn error(&self, error: &ObjectError) -> OriginError {
        let is_absent = matches!(error, ObjectError::NotFound | ObjectError::NoSuchBucket);
        match is_absent {
            true => self.absent,
            false => OriginError::Unreadable,
        }
    }
}

/// Returns the state of a file beneath `folder`, following no link and entering no other file system.
#[cfg(target_os = "linux")]
fn stat_beneath(folder: &OwnedFd, name: &Path) -> Result<Stat, Errno> {
    use rustix::fs::ResolveFlags;
    let resolve = ResolveFlags::BENEATH
        | ResolveFlags::NO_SYMLINKS
        | ResolveFlags::NO_MAGICLINKS
        | ResolveFlags::NO_XDEV;
    let flags = OFlags::PATH | OFlags::CLOEXEC;
    let file = rustix::fs::openat2(folder, name, flags, Mode::empty(), resolve)?;
    rustix::fs::fstat(file)
}

/// Nothing is remembered where that cannot be found out.
#[cfg(not(target_os = "linux"))]
fn stat_beneath(_folder: &OwnedFd, _name: &Path) -> Result<Stat, Errno> {
    Err(Errno::NOSYS)
}

/// Returns what is said of an object, as S3 sends it.
fn head(metadata: &Metadata, etag: String, state: String) -> ObjectHead {
    let modified = metadata.modified.duration_since(SystemTime::UNIX_EPOCH);
    let headers = &metadata.headers;
    let content_type = headers.content_type.clone().unwrap_or_default();
    let representation = Representation {
        size_bytes: metadata.size,
        etag,
        last_modified: Timestamp::from_secs(modified.map_or(0, |since| since.as_secs())),
        content_type,
    };
    ObjectHead::with_headers(representation, state, sent_headers(headers))
}

fn sent_headers(headers: &Headers) -> HeaderMap {
    let mut sent = HeaderMap::new();
    for (name, text) in [
        (CACHE_CONTROL, &headers.cache_control),
        (CONTENT_DISPOSITION, &headers.content_disposition),
        (CONTENT_ENCODING, &headers.content_encoding),
        (CONTENT_LANGUAGE, &headers.content_language),
        (EXPIRES, &headers.expires),
    ] {
        if let Some(value) = text.as_deref().and_then(value_of) {
            sent.insert(name, value);
        }
    }
    for (name, text) in &headers.user {
        let name = HeaderName::try_from(format!("x-amz-meta-{name}"));
        if let (Ok(name), Some(value)) = (name, value_of(&sent_value(text))) {
            sent.insert(name, value);
        }
    }
    sent
}

/// Returns the value of a header; the bytes of a text that is not ASCII stay as they are, as they came.
fn value_of(text: &str) -> Option<HeaderValue> {
    HeaderValue::from_bytes(text.as_bytes()).ok()
}

#[cfg(test)]
mod tests;
