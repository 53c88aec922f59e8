//! Origins of objects: folders, which are read here, and servers, which are reached through the origin client.

mod bucket;
pub(crate) mod file_chunk;
mod folder;
mod hot_objects;
mod identity;
mod object_path;
mod opened_file;

pub(crate) use bucket::Buckets;
pub(crate) use folder::{FolderOrigin, WatchedFile};
pub(crate) use identity::FileChanges;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use privet_distribution::date_value;
use privet_distribution::request::Denial;
use privet_distribution::response::Representation;
use std::fs::File;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// The reader of one configured origin.
#[derive(Debug)]
pub(crate) enum OriginReader {
    /// A folder, or a bucket that this machine keeps.
    Folder(FolderOrigin),
    /// A bucket that this machine keeps, which does not let the origin read. It is not even opened.
    NotGranted { advice: Box<str> },
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
    /// Tag of the file's state, by which this machine knows its bytes; the entity tag, unless the object has one of its
    /// own.
    pub(crate) state: String,
    /// What else is stored with the object, to be sent with it.
    pub(crate) stored: HeaderMap,
    pub(crate) content_type: HeaderValue,
    pub(crate) etag: HeaderValue,
    pub(crate) last_modified: HeaderValue,
}

impl ObjectHead {
    /// Makes the head of a plain file.
    pub(crate) fn new(representation: Representation) -> Self {
        let state = representation.etag.clone();
        ObjectHead::with_headers(representation, state, HeaderMap::new())
    }

    fn with_headers(representation: Representation, state: String, stored: HeaderMap) -> Self {
        ObjectHead {
            state,
            stored,
            content_type: header_value(&representation.content_type),
            etag: header_value(&representation.etag),
            last_modified: date_value(representation.last_modified),
            representation,
        }
    }
}

/// Makes a header value. Entity tags and dates are made here and are plain ASCII; so is a content type, unless a client
/// has stored another text.
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
    /// The same, in a bucket that does not tell the origin.
    Hidden,
    /// The operating system refused: permissions, too many open files, a failing disk.
    Unreadable,
}

impl OriginError {
    pub(crate) fn denial(self) -> Denial {
        match self {
            OriginError::NotFound => Denial::NotFound,
            OriginError::Hidden => Denial::HiddenNotFound,
            OriginError::Unreadable => Denial::OriginUnreadable,
        }
    }
}

impl OriginReader {
    /// Tells a folder of a change (see `FolderOrigin::tell_of_change`). The cache is responsible for objects of other
    /// servers.
    pub(crate) fn tell_of_change(&self, key: &str) {
        match self {
            OriginReader::Folder(folder) => folder.tell_of_change(key),
            OriginReader::NotGranted { .. } | OriginReader::Remote => {}
        }
    }

    /// Drops objects that nobody requested lately.
    pub(crate) fn forget_idle(&self) {
        match self {
            OriginReader::Folder(folder) => folder.forget_idle(),
            OriginReader::NotGranted { .. } | OriginReader::Remote => {}
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
