//! Origins of objects: folders, which are read here, and servers, which are reached through the origin client.

pub(crate) mod file_chunk;
mod folder;
mod hot_objects;
mod identity;
mod object_path;

pub(crate) use folder::{FolderOrigin, WatchedFile};
pub(crate) use identity::FileChanges;

use bytes::Bytes;
use http::HeaderValue;
use privet_distribution::date_value;
use privet_distribution::response::Representation;
use std::fs::File;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The reader of one configured origin.
#[derive(Debug)]
pub(crate) enum OriginReader {
    Folder(FolderOrigin),
    /// Another server, which is reached through the origin client.
    Remote,
}

/// An object as the origin has it now.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    pub(crate) head: Arc<ObjectHead>,
    pub(crate) content: Content,
    /// True if its bytes were in memory already.
    pub(crate) from_memory: bool,
    /// True if its next change will show in its entity tag.
    pub(crate) settled: bool,
}

/// Everything said about an object, with the header values made once.
#[derive(Debug)]
pub(crate) struct ObjectHead {
    pub(crate) representation: Representation,
    pub(crate) content_type: HeaderValue,
    pub(crate) etag: HeaderValue,
    pub(crate) last_modified: HeaderValue,
}

impl ObjectHead {
    pub(crate) fn new(representation: Representation) -> Self {
        ObjectHead {
            content_type: header_value(&representation.content_type),
            etag: header_value(&representation.etag),
            last_modified: date_value(representation.last_modified),
            representation,
        }
    }
}

/// Makes a header value. Content types, entity tags and dates are made here and are plain ASCII.
fn header_value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The object's bytes: in memory, in an open file, or in both.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    Memory(Bytes),
    File(Arc<File>),
    Both(Bytes, Arc<File>),
}

/// Reason why there is no object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OriginError {
    /// No such key, or not a regular file beneath the root.
    NotFound,
    /// The operating system refused: permissions, too many open files, a failing disk.
    Unreadable,
}

impl OriginReader {
    /// Tells a folder of a change (see `FolderOrigin::tell_of_change`). The cache is responsible for objects of other
    /// servers.
    pub(crate) fn tell_of_change(&self, key: &str) {
        match self {
            OriginReader::Folder(folder) => folder.tell_of_change(key),
            OriginReader::Remote => {}
        }
    }

    /// Drops objects that nobody requested lately.
    pub(crate) fn forget_idle(&self) {
        match self {
            OriginReader::Folder(folder) => folder.forget_idle(),
            OriginReader::Remote => {}
        }
    }
}

/// Work on a thread that may wait for the disk. Work that nobody waits for any more is not begun.
#[derive(Debug)]
pub(crate) struct DiskWork<T>(tokio::task::JoinHandle<T>);

impl<T: Send + 'static> DiskWork<T> {
    pub(crate) fn start(work: impl FnOnce() -> T + Send + 'static) -> Self {
        DiskWork(tokio::task::spawn_blocking(work))
    }
}

impl<T> Future for DiskWork<T> {
    type Output = Result<T, tokio::task::JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for DiskWork<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}
