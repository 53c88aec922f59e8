//! An object in its current state, to make a video of: an open file of a folder, or a cached object of another server.

mod arrivals;
mod cached;
mod refusals;

pub(crate) use arrivals::Arrivals;
pub(crate) use cached::{ReadScope, ungathered};
pub(crate) use refusals::{encoded_text, too_large_text};

use super::folder_blocks::{FolderBlocks, FolderFile};
use crate::cache::{CacheRequest, CacheResult, FlightWaiter, StoredObject, WorkerCache, digest};
use crate::origin::{Content, FolderOrigin, OriginError};
use crate::redeem::Redeemed;
use crate::state::EdgeState;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, ETAG, LAST_MODIFIED};
use http::{HeaderMap, HeaderValue};
use privet_distribution::caching::{AppliedCodings, CacheStatus};
use privet_distribution::request::{Denial, RequestFacts, ViewerRequest};
use privet_sign::Timestamp;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

/// The object that is to be opened, and the viewer that it is opened for.
#[derive(Clone, Copy)]
pub(crate) struct SourceRequest<'a> {
    /// Authorization for the object, not for what is made of it.
    pub(crate) authorized: &'a Redeemed<'a>,
    /// The viewer's request with the object's path. Its method, conditions, ranges and codings are ignored.
    pub(crate) request: ViewerRequest<'a>,
    /// Facts about the viewer's request.
    pub(crate) facts: RequestFacts<'a>,
    /// State that the viewer's request began with.
    pub(crate) state: &'a EdgeState,
}

/// Stores that share the bytes of sources between viewers.
#[derive(Clone, Copy)]
pub(crate) struct SourceStores<'a> {
    /// Store for objects of other servers.
    pub(crate) cache: &'a Rc<WorkerCache>,
    /// Store for objects in folders.
    pub(crate) blocks: &'a Arc<FolderBlocks>,
    pub(crate) arrivals: &'a Arc<Arrivals>,
}

/// An object in its current state. Clones refer to the same bytes.
#[derive(Clone)]
pub(crate) struct VideoSource(Rc<Source>);

struct Source {
    content: SourceContent,
    size_bytes: u64,
    identity: [u8; 16],
    /// Path of the object, for messages to the operator.
    path: String,
    /// Headers of the origin's response; for a file in a folder its entity tag, date and type.
    headers: HeaderMap,
    /// Codings applied to the bytes.
    codings: AppliedCodings,
    how: CacheResult,
    status: Option<CacheStatus>,
    /// Keeps the first fetch going until it is followed.
    waiting: RefCell<Option<FlightWaiter>>,
}

/// Location of the bytes.
#[derive(Clone)]
pub(crate) enum SourceContent {
    Memory(Bytes),
    File(Arc<FolderFile>, Arc<FolderBlocks>),
    Cached {
        cache: Rc<WorkerCache>,
        ask: Rc<CacheRequest>,
        object: StoredObject,
    },
}

impl std::fmt::Debug for VideoSource {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("VideoSource")
            .field("size_bytes", &self.0.size_bytes)
            .finish_non_exhaustive()
    }
}

impl VideoSource {
    /// Opens the object to read parts of it, from the cache if it is there.
    ///
    /// Errors: there is none, the origin failed, or its bytes cannot be read in parts.
    pub(crate) async fn open(
        ask: &SourceRequest<'_>,
        stores: &SourceStores<'_>,
    ) -> Result<VideoSource, Denial> {
        Self::open_as(ReadScope::Parts, ask, stores).await
    }

    /// Opens the object to read what is `wanted` of it.
    ///
    /// Errors: there is none, the origin failed, or that cannot be read. Texts whose headers say that they are too long
    /// are opened nevertheless: their readers check the length.
    pub(crate) async fn open_as(
        wanted: ReadScope<'_>,
        ask: &SourceRequest<'_>,
        stores: &SourceStores<'_>,
    ) -> Result<VideoSource, Denial> {
        let source = match ask.state.folder(ask.authorized)? {
            Some(folder) => in_folder(folder, ask, stores, wanted).await?,
            None => cached::open(ask, stores, wanted).await?,
        };
        Ok(VideoSource(Rc::new(source)))
    }

    /// Returns the size of the whole object in bytes.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.0.size_bytes
    }

    /// Returns the object's own entity tag.
    pub(crate) fn etag(&self) -> Option<&str> {
        self.0.headers.get(ETAG)?.to_str().ok()
    }

    /// Returns the date as the origin sent it.
    pub(crate) fn last_modified(&self) -> Option<&HeaderValue> {
        self.0.headers.get(LAST_MODIFIED)
    }

    /// Returns the object's own type.
    pub(crate) fn content_type(&self) -> Option<&HeaderValue> {
        self.0.headers.get(CONTENT_TYPE)
    }

    /// Returns the headers of the origin's response.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// Returns the codings applied to the bytes; none if the object was opened to be read in parts.
    pub(crate) fn codings(&self) -> &AppliedCodings {
        &self.0.codings
    }

    /// Returns the value of `Age`; `None` for an object that passes no cache, or has just come from the origin.
    pub(crate) fn age_secs(&self, now: Timestamp) -> Option<u64> {
        match &self.0.content {
            SourceContent::Cached { object, .. } => {
                let age = object.head().age_secs(now);
                (self.0.how != CacheResult::Miss || age > 0).then_some(age)
            }
            SourceContent::Memory(_) | SourceContent::File(..) => None,
        }
    }

    /// Returns an identity that changes with the bytes.
    pub(crate) fn identity(&self) -> [u8; 16] {
        self.0.identity
    }

    /// Returns how the cache found the object.
    pub(crate) fn how(&self) -> CacheResult {
        self.0.how
    }

    /// Returns true if the object exists but its bytes were not read: it was opened for [`ReadScope::Presence`], and
    /// must not be cached.
    pub(crate) fn is_head_alone(&self) -> bool {
        let is_of_no_cache = matches!(self.0.content, SourceContent::Memory(_));
        is_of_no_cache && self.0.status.is_some() && self.0.size_bytes == 0
    }

    /// Returns the cache's status; `None` for a folder's object, which passes no cache.
    pub(crate) fn cache_status(&self) -> Option<&CacheStatus> {
        self.0.status.as_ref()
    }

    /// Returns the object's path, for messages to the operator.
    pub(crate) fn path(&self) -> &str {
        &self.0.path
    }

    pub(crate) fn content(&self) -> &SourceContent {
        &self.0.content
    }

    pub(crate) fn take_waiting(&self) -> Option<FlightWaiter> {
        self.0.waiting.borrow_mut().take()
    }

    /// Gives up a source whose bytes were lost: the next viewer that opens the object does not join those who still
    /// read the old one.
    pub(crate) fn mark_unshareable(&self) {
        match &self.0.content {
            SourceContent::Cached { cache, ask, .. } => cache.mark_unshareable(ask),
            SourceContent::Memory(_) | SourceContent::File(..) => {}
        }
    }
}

async fn in_folder(
    folder: &FolderOrigin,
    ask: &SourceRequest<'_>,
    stores: &SourceStores<'_>,
    wanted: ReadScope<'_>,
) -> Result<Source, Denial> {
    let path = ask.authorized.origin_path(ask.request.path);
    let object = folder.fetch(&path).await.map_err(OriginError::denial)?;
    let head = &object.head;
    let codings = cached::readable_codings(&head.stored, wanted)?;
    let identity = if object.settled {
        digest(head.state.as_bytes()).0
    } else {
        // The file's next change may not show, so nothing of it is shared with others.
        unique()
    };
    let content = match object.content {
        Content::Memory(bytes) | Content::Both(bytes, _) => SourceContent::Memory(bytes),
        Content::File(file) => {
            let watched = folder.watched(file, head).ok_or(Denial::OriginUnreadable)?;
            let file = FolderFile::new(watched, head.representation.size_bytes, identity);
            SourceContent::File(Arc::new(file), Arc::clone(stores.blocks))
        }
    };
    let mut headers = head.stored.clone();
    headers.insert(ETAG, head.etag.clone());
    headers.insert(LAST_MODIFIED, head.last_modified.clone());
    headers.insert(CONTENT_TYPE, head.content_type.clone());
    Ok(Source {
        content,
        size_bytes: head.representation.size_bytes,
        identity,
        path: ask.request.path.to_owned(),
        headers,
        codings,
        how: if object.from_memory {
            CacheResult::Hit
        } else {
            CacheResult::Miss
        },
        status: None,
        waiting: RefCell::default(),
    })
}

/// Returns an identity that nothing else has.
fn unique() -> [u8; 16] {
    let mut identity = [0; 16];
    // The operating system's source of randomness does not fail once the process has begun (aws-lc aborts otherwise).
    let _ = aws_lc_rs::rand::fill(&mut identity);
    identity
}
