//! A folder as an origin: opens files beneath its root and never outside it.

use super::bucket::{BucketRoot, Buckets};
use super::hot_objects::{HotObject, HotObjects};
use super::identity::{FileChanges, Identity, settled};
use super::object_path::{object_key, relative_file_name};
use super::opened_file::OpenedFile;
use super::{Content, DiskWork, Object, ObjectHead, OriginError};
use crate::own_files::OwnPaths;
use bytes::Bytes;
use privet_distribution::config::EmbeddedOrigin;
use privet_distribution::response::{Representation, content_type};
use privet_objects::Key;
use privet_sign::Timestamp;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

/// Maximum size of files that are read whole and may stay in memory.
const MEMORY_OBJECT_SIZE_BYTES_MAX: u64 = 2 * 1024 * 1024;
/// Minimum size of files that stay open, so that the operating system can send them by itself.
const FILE_OBJECT_SIZE_BYTES_MIN: u64 = 16 * 1024;

/// An open root folder and its hot objects.
#[derive(Debug)]
pub(crate) struct FolderOrigin {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    root: Root,
    hot: HotObjects,
    changes: Arc<FileChanges>,
    /// Number of bytes of objects in memory, kept here or on their way to viewers.
    in_memory: Arc<AtomicUsize>,
    in_memory_max: usize,
}

/// The root, and how objects lie beneath it.
#[derive(Debug)]
enum Root {
    /// Files at their paths.
    Folder(FolderRoot),
    /// Objects of a bucket that this machine keeps.
    Bucket(BucketRoot),
}

/// The name of an object beneath its root.
#[derive(Clone, Debug)]
enum ObjectName {
    File(PathBuf),
    Key(Key),
}

impl Root {
    /// Returns the name of the object under `key`, a raw request path, if there can be one.
    fn name(&self, key: &str) -> Option<ObjectName> {
        match self {
            Root::Folder(_) => relative_file_name(key).map(ObjectName::File),
            Root::Bucket(_) => Key::new(object_key(key)?).ok().map(ObjectName::Key),
        }
    }

    /// Returns the error for an object that is not there.
    fn absent(&self) -> OriginError {
        match self {
            Root::Folder(_) => OriginError::NotFound,
            Root::Bucket(bucket) => bucket.absent(),
        }
    }

    /// Returns the present state of the file at `name`.
    fn stat(&self, name: &Path) -> Result<Stat, Errno> {
        match self {
            Root::Folder(root) => {
                let root = root.folder()?;
                rustix::fs::statat(root, name, AtFlags::empty())
            }
            Root::Bucket(bucket) => bucket.stat(name),
        }
    }

    fn open(
        &self,
        key: &str,
        name: ObjectName,
        changes: &FileChanges,
    ) -> Result<OpenedFile, OriginError> {
        match (self, name) {
            (Root::Folder(root), ObjectName::File(name)) => root.open(key, name, changes),
            (Root::Bucket(bucket), ObjectName::Key(key)) => bucket.open(&key, changes),
            // Names are made by the root itself.
            (Root::Folder(_), ObjectName::Key(_)) | (Root::Bucket(_), ObjectName::File(_)) => {
                Err(OriginError::Unreadable)
            }
        }
    }
}

/// A root folder, which is opened when it is first there.
#[derive(Debug)]
struct FolderRoot {
    path: PathBuf,
    own_files: OwnPaths,
    opened: OnceLock<OwnedFd>,
}

impl FolderRoot {
    /// Returns the open folder; opens it if that has not succeeded before. One with the edge's own files in it is not
    /// opened.
    fn folder(&self) -> Result<&OwnedFd, Errno> {
        if let Some(folder) = self.opened.get() {
            return Ok(folder);
        }
        if self.own_files.touching(&self.path).is_some() {
            return Err(Errno::ACCESS);
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(&self.path, flags, Mode::empty())?;
        Ok(self.opened.get_or_init(|| folder))
    }

    fn open(
        &self,
        key: &str,
        name: PathBuf,
        changes: &FileChanges,
    ) -> Result<OpenedFile, OriginError> {
        // A root that is missing is the operator's fault, and no answer about objects.
        let root = self.folder().map_err(|_| OriginError::Unreadable)?;
        let file = open_beneath(root, &name).map_err(origin_error)?;
        let stat = rustix::fs::fstat(&file).map_err(origin_error)?;
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return Err(OriginError::NotFound);
        }
        let identity = changes.identity(&stat);
        Ok(OpenedFile {
            head: ObjectHead::new(representation(key, &stat, &identity)),
            file: File::from(file),
            stat,
            identity,
            name: Some(name),
        })
    }
}

/// The bytes of an object, counted for as long as anybody holds them.
#[derive(Debug)]
struct Counted {
    bytes: Vec<u8>,
    in_memory: Arc<AtomicUsize>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.in_memory
            .fetch_sub(self.bytes.len(), Ordering::Relaxed);
    }
}

impl FolderOrigin {
    /// Opens `root`. At most `files_max` files stay open and `size_bytes_max` bytes stay in memory; as many bytes again
    /// may be on their way to viewers. All folders share `changes`, because a file may lie beneath several.
    ///
    /// Errors: the operating system's, for instance when the folder is missing.
    pub(crate) fn open(
        root: &Path,
        files_max: usize,
        size_bytes_max: usize,
        changes: Arc<FileChanges>,
    ) -> std::io::Result<Self> {
        let sizes = (files_max, size_bytes_max);
        let (folder, fault) = FolderOrigin::open_late(root, sizes, changes, OwnPaths::default());
        fault.map_or(Ok(folder), Err)
    }

    /// As [`FolderOrigin::open`], but a folder that cannot be opened is tried again at each request, which fails until
    /// then. The error says why it cannot be opened now.
    pub(crate) fn open_late(
        root: &Path,
        (files_max, size_bytes_max): (usize, usize),
        changes: Arc<FileChanges>,
        own_files: OwnPaths,
    ) -> (Self, Option<std::io::Error>) {
        let root = FolderRoot {
            path: root.to_owned(),
            own_files,
            opened: OnceLock::new(),
        };
        let fault = root.folder().err().map(std::io::Error::from);
        let root = Root::Folder(root);
        let origin = FolderOrigin::of(root, (files_max, size_bytes_max), changes);
        (origin, fault)
    }

    /// Makes the reader of a bucket among `buckets`, which is opened at the first request, and again when it was
    /// replaced. The sizes are those of [`FolderOrigin::open`].
    pub(crate) fn of_bucket(
        origin: &EmbeddedOrigin,
        buckets: Arc<Buckets>,
        sizes: (usize, usize),
        (changes, own_files): (Arc<FileChanges>, OwnPaths),
    ) -> Self {
        let root = Root::Bucket(BucketRoot::new(origin, buckets, own_files));
        FolderOrigin::of(root, sizes, changes)
    }

    fn of(
        root: Root,
        (files_max, size_bytes_max): (usize, usize),
        changes: Arc<FileChanges>,
    ) -> Self {
        FolderOrigin {
            inner: Arc::new(Inner {
                root,
                hot: HotObjects::new(files_max, size_bytes_max),
                changes,
                in_memory: Arc::default(),
                in_memory_max: size_bytes_max.saturating_mul(2),
            }),
        }
    }

    /// Returns the object under `key`, a raw request path. A hot object is only compared with the file's current state;
    /// any other is opened on a thread that may block.
    pub(crate) async fn fetch(&self, key: &str) -> Result<Object, OriginError> {
        if let Some(object) = self.inner.still_hot(key)? {
            return Ok(object);
        }
        let root = &self.inner.root;
        let name = root.name(key).ok_or_else(|| root.absent())?;
        let inner = Arc::clone(&self.inner);
        let key = key.to_owned();
        DiskWork::start(move || inner.open_object(&key, name))
            .await
            .map_err(|_| OriginError::Unreadable)?
    }

    /// Makes the object under `key`, a raw request path, a different one from now on, even if the file's size and times
    /// stay the same. Accesses the file system.
    pub(crate) fn tell_of_change(&self, key: &str) {
        let inner = &self.inner;
        // A file that is gone is not found any more, and needs no mark.
        match inner.root.name(key) {
            None => return,
            Some(ObjectName::File(name)) => {
                if let Ok(stat) = inner.root.stat(&name) {
                    inner.changes.tell(&stat);
                }
            }
            Some(name @ ObjectName::Key(_)) => {
                if let Ok(opened) = inner.root.open(key, name, &inner.changes) {
                    inner.changes.tell(&opened.stat);
                }
            }
        }
        inner.hot.remove(key);
    }

    /// Watches `file`, which was opened as an object with this head; `None` when it has changed by now.
    pub(crate) fn watched(&self, file: Arc<File>, head: &ObjectHead) -> Option<WatchedFile> {
        let changes = Arc::clone(&self.inner.changes);
        let identity = changes.identity(&rustix::fs::fstat(&file).ok()?);
        (identity.etag() == head.state).then_some(WatchedFile {
            file,
            identity,
            changes,
        })
    }

    pub(crate) fn forget_idle(&self) {
        self.inner.hot.rotate();
    }
}

/// An open file, with the identity that tells the bytes that were opened from those written over them.
#[derive(Debug)]
pub(crate) struct WatchedFile {
    file: Arc<File>,
    identity: Identity,
    changes: Arc<FileChanges>,
}

impl WatchedFile {
    pub(crate) fn file(&self) -> &Arc<File> {
        &self.file
    }

    /// Returns true if everything read until now belongs to the bytes that were opened.
    pub(crate) fn is_unchanged(&self) -> bool {
        rustix::fs::fstat(&self.file)
            .is_ok_and(|stat| self.changes.identity(&stat) == self.identity)
    }
}

impl Inner {
    /// Returns the remembered object, if the file is still the same one as far as its identity tells.
    fn still_hot(&self, key: &str) -> Result<Option<Object>, OriginError> {
        let Some(hot) = self.hot.find(key) else {
            return Ok(None);
        };
        match self.root.stat(&hot.name) {
            Ok(stat) if self.changes.identity(&stat) == hot.identity => Ok(Some(hot.object())),
            Ok(_) => Ok(None),
            Err(errno) => {
                self.hot.remove(key);
                match self.root {
                    Root::Folder(_) => Err(origin_error(errno)),
                    // It may have moved to where keys lie that are no paths, or its bucket may be another one.
                    Root::Bucket(_) => Ok(None),
                }
            }
        }
    }

    fn open_object(&self, key: &str, name: ObjectName) -> Result<Object, OriginError> {
        let OpenedFile {
            file,
            stat,
            identity,
            name,
            head,
        } = self.root.open(key, name, &self.changes)?;
        let head = Arc::new(head);
        let size_bytes = head.representation.size_bytes;
        let content = if size_bytes < FILE_OBJECT_SIZE_BYTES_MIN {
            Content::Memory(Bytes::from(read_whole(&file, size_bytes)?))
        } else if size_bytes <= MEMORY_OBJECT_SIZE_BYTES_MAX && self.has_room_for(size_bytes) {
            let bytes = read_whole(&file, size_bytes)?;
            Content::Both(self.counted(bytes), Arc::new(file))
        } else {
            Content::File(Arc::new(file))
        };
        let settled = settled(&stat);
        let object = Object {
            head: Arc::clone(&head),
            content: content.clone(),
            from_memory: false,
            settled,
        };
        if settled && let Some(name) = name {
            let hot = HotObject {
                name,
                identity,
                head,
                content,
            };
            self.hot.insert(key, hot);
        }
        Ok(object)
    }

    /// Returns true if there is room for this many bytes. Several threads may find the same room, which exceeds the
    /// limit by one object for each.
    fn has_room_for(&self, size_bytes: u64) -> bool {
        let in_memory = self.in_memory.load(Ordering::Relaxed) as u64;
        in_memory.saturating_add(size_bytes) <= self.in_memory_max as u64
    }

    fn counted(&self, bytes: Vec<u8>) -> Bytes {
        self.in_memory.fetch_add(bytes.len(), Ordering::Relaxed);
        Bytes::from_owner(Counted {
            bytes,
            in_memory: Arc::clone(&self.in_memory),
        })
    }
}

/// Opens a file without leaving `root`, whatever symbolic links are on the way.
#[cfg(target_os = "linux")]
fn open_beneath(root: &OwnedFd, name: &Path) -> Result<OwnedFd, Errno> {
    use rustix::fs::ResolveFlags;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
    match rustix::fs::openat2(root, name, open_flags(), Mode::empty(), resolve) {
        // Kernels before 5.6 do not have the call.
        Err(Errno::NOSYS) => open_by_component(root, name),
        result => result,
    }
}

#[cfg(not(target_os = "linux"))]
fn open_beneath(root: &OwnedFd, name: &Path) -> Result<OwnedFd, Errno> {
    open_by_component(root, name)
}

/// Opens a file without leaving `root`: component by component, following no symbolic link at all.
fn open_by_component(root: &OwnedFd, name: &Path) -> Result<OwnedFd, Errno> {
    let mut folder = root.try_clone().map_err(|_| Errno::MFILE)?;
    let mut components = name.components().peekable();
    while let Some(component) = components.next() {
        let flags = if components.peek().is_some() {
            OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW
        } else {
            open_flags() | OFlags::NOFOLLOW
        };
        folder = rustix::fs::openat(&folder, component.as_os_str(), flags, Mode::empty())?;
    }
    Ok(folder)
}

/// Returns flags by which opening never waits for the other end of a pipe and never takes a controlling terminal.
fn open_flags() -> OFlags {
    OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY
}

fn representation(key: &str, stat: &Stat, identity: &Identity) -> Representation {
    Representation {
        size_bytes: u64::try_from(stat.st_size).unwrap_or(0),
        etag: identity.etag(),
        last_modified: Timestamp::from_secs(u64::try_from(stat.st_mtime).unwrap_or(0)),
        content_type: content_type(key).to_owned(),
    }
}

/// Reads exactly `size_bytes`: a file that shrank meanwhile is an error, not a shorter object.
fn read_whole(file: &File, size_bytes: u64) -> Result<Vec<u8>, OriginError> {
    let mut content = Vec::with_capacity(usize::try_from(size_bytes).unwrap_or(0));
    let read = file.take(size_bytes).read_to_end(&mut content);
    match read {
        Ok(length) if length as u64 == size_bytes => Ok(content),
        Ok(_) | Err(_) => Err(OriginError::Unreadable),
    }
}

fn origin_error(errno: Errno) -> OriginError {
    const ABSENT: [Errno; 7] = [
        Errno::NOENT,
        Errno::NOTDIR,
        Errno::ISDIR,
        Errno::NAMETOOLONG,
        Errno::LOOP,
        Errno::XDEV,
        // A socket, which is not a regular file.
        Errno::NXIO,
    ];
    if ABSENT.contains(&errno) {
        OriginError::NotFound
    } else {
        OriginError::Unreadable
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    const MIB: usize = 1024 * 1024;

    #[test]
    fn no_way_of_opening_leaves_the_root() {
        let outside = tempfile::tempdir().expect("a folder");
        let root = outside.path().join("root");
        std::fs::create_dir_all(root.join("a")).expect("a folder");
        std::fs::write(outside.path().join("secret"), "secret").expect("a file");
        std::fs::write(root.join("a/b"), "b").expect("a file");
        symlink(outside.path().join("secret"), root.join("link")).expect("a link");
        symlink("..", root.join("up")).expect("a link");
        let root = rustix::fs::open(&root, OFlags::RDONLY, Mode::empty()).expect("the root");
        for open in [open_beneath, open_by_component] {
            for name in ["link", "up/secret"] {
                assert!(open(&root, Path::new(name)).is_err(), "{name}");
            }
            assert!(open(&root, Path::new("a/b")).is_ok());
        }
    }

    fn in_memory(object: &Object) -> bool {
        match object.content {
            Content::Memory(_) | Content::Both(_, _) => true,
            Content::File(_) => false,
        }
    }

    /// Slow viewers hold the bytes they were given, whether or not the origin keeps them.
    #[test]
    fn objects_on_their_way_have_a_limit_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        let origin = FolderOrigin::open(folder.path(), 100, MIB, Arc::default()).unwrap();
        let fetch = |number: usize| {
            let name = format!("object-{number}");
            std::fs::write(folder.path().join(&name), vec![0; MIB]).unwrap();
            origin
                .inner
                .open_object(&format!("/{name}"), ObjectName::File(name.into()))
        };
        let mut held: Vec<Object> = (0..10).map(|number| fetch(number).unwrap()).collect();
        assert_eq!(held.iter().filter(|object| in_memory(object)).count(), 2);
        held.clear();
        assert!(in_memory(&fetch(10).unwrap()));
    }
}
