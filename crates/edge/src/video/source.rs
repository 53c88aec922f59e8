//! An object as it is now, to make a video of: a folder's open file, or a cached object of another server.

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

/// Which object is to be opened, and for whom.
#[derive(Clone, Copy)]
pub(crate) struct SourceRequest<'a> {
    /// For the object, not for what is made of it.
    pub(crate) authorized: &'a Redeemed<'a>,
    /// The viewer's request with the object's path. Its method, conditions, ranges and codings are not looked at.
    pub(crate) request: ViewerRequest<'a>,
    /// Of the viewer.
    pub(crate) facts: RequestFacts<'a>,
    /// That the viewer's request began with.
    pub(crate) state: &'a EdgeState,
}

/// Where the bytes of sources are kept for others.
#[derive(Clone, Copy)]
pub(crate) struct SourceStores<'a> {
    /// For what comes from other servers.
    pub(crate) cache: &'a Rc<WorkerCache>,
    /// For what is read from folders.
    pub(crate) blocks: &'a Arc<FolderBlocks>,
    pub(crate) arrivals: &'a Arc<Arrivals>,
}

/// An object as it is now. Clones are of the same bytes.
#[derive(Clone)]
pub(crate) struct VideoSource(Rc<Source>);

struct Source {
    content: SourceContent,
    size_bytes: u64,
    identity: [u8; 16],
    /// For the operator's eyes.
    path: String,
    /// What the origin said of it; of a folder's file entity tag and date.
    headers: HeaderMap,
    /// What was done to the bytes.
    codings: AppliedCodings,
    how: CacheResult,
    status: Option<CacheStatus>,
    /// Keeps the first fetch going until it is followed.
    waiting: RefCell<Option<FlightWaiter>>,
}

/// Where the bytes are.
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
    /// Errors: there is none, the origin failed, or its bytes cannot be had in parts.
    pub(crate) async fn open(
        ask: &SourceRequest<'_>,
        stores: &SourceStores<'_>,
    ) -> Result<VideoSource, Denial> {
        Self::open_as(ReadScope::Parts, ask, stores).await
    }

    /// Opens the object to read what is `wanted` of it.
    ///
    /// Errors: there is none, the origin failed, or that cannot be read. Texts that say that they are too long are
    /// opened nevertheless: whoever reads them looks at their length.
    pub(crate) async fn open_as(
        wanted: ReadScope<'_>,
        ask: &SourceRequest<'_>,
        stores: &SourceStores<'_>,
    ) -> Result<VideoSource, Denial> {
        let source = match ask.state.folder(ask.authorized) {
            Some(folder) => in_folder(folder, ask, stores).await?,
            None => cached::open(ask, stores, wanted).await?,
        };
        Ok(VideoSource(Rc::new(source)))
    }

    /// Of the whole object.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.0.size_bytes
    }

    /// The object's own entity tag.
    pub(crate) fn etag(&self) -> Option<&str> {
        self.0.headers.get(ETAG)?.to_str().ok()
    }

    /// As the origin has it.
    pub(crate) fn last_modified(&self) -> Option<&HeaderValue> {
        self.0.headers.get(LAST_MODIFIED)
    }

    /// The object's own type.
    pub(crate) fn content_type(&self) -> Option<&HeaderValue> {
        self.0.headers.get(CONTENT_TYPE)
    }

    /// What the origin said of the object.
    pub(crate) fn headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// What was done to the bytes; nothing to those of what was opened for its parts.
    pub(crate) fn codings(&self) -> &AppliedCodings {
        &self.0.codings
    }

    /// The value of `Age`; `None` of what passes no cache, or has just come.
    pub(crate) fn age_secs(&self, now: Timestamp) -> Option<u64> {
        match &self.0.content {
            SourceContent::Cached { object, .. } => {
                let age = object.head().age_secs(now);
                (self.0.how != CacheResult::Miss || age > 0).then_some(age)
            }
            SourceContent::Memory(_) | SourceContent::File(..) => None,
        }
    }

    /// Changes with the bytes.
    pub(crate) fn identity(&self) -> [u8; 16] {
        self.0.identity
    }

    /// How the object came to be known.
    pub(crate) fn how(&self) -> CacheResult {
        self.0.how
    }

    /// Whether it is there, and its bytes are not: it was opened for [`ReadScope::Presence`], and must not be kept.
    pub(crate) fn is_head_alone(&self) -> bool {
        let is_of_no_cache = matches!(self.0.content, SourceContent::Memory(_));
        is_of_no_cache && self.0.status.is_some() && self.0.size_bytes == 0
    }

    /// `None` of a folder's object, which passes no cache.
    pub(crate) fn cache_status(&self) -> Option<&CacheStatus> {
        self.0.status.as_ref()
    }

    /// The object's path, for the operator's eyes.
    pub(crate) fn path(&self) -> &str {
        &self.0.path
    }

    pub(crate) fn content(&self) -> &SourceContent {
        &self.0.content
    }

    pub(crate) fn take_waiting(&self) -> Option<FlightWaiter> {
        self.0.waiting.borrow_mut().take()
    }

    /// The bytes were lost: the next who opens the object does not wait for those who still read the old one.
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
) -> Result<Source, Denial> {
    let path = ask.authorized.origin_path(ask.request.path);
    let object = folder.fetch(&path).await.map_err(|error| match error {
        OriginError::NotFound => Denial::NotFound,
        OriginError::Unreadable => Denial::OriginUnreadable,
    })?;
    let head = &object.head;
    let identity = if object.settled {
        digest(head.representation.etag.as_bytes()).0
    } else {
        // Its next change may not show: nothing of it is kept for others.
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
    let headers = HeaderMap::from_iter([
        (ETAG, head.etag.clone()),
        (LAST_MODIFIED, head.last_modified.clone()),
        (CONTENT_TYPE, head.content_type.clone()),
    ]);
    Ok(Source {
        content,
        size_bytes: head.representation.size_bytes,
        identity,
        path: ask.request.path.to_owned(),
        headers,
        codings: AppliedCodings::default(),
        how: if object.from_memory {
            CacheResult::Hit
        } else {
            CacheResult::Miss
        },
        status: None,
        waiting: RefCell::default(),
    })
}

/// An identity that nothing else has.
fn unique() -> [u8; 16] {
    let mut identity = [0; 16];
    // The operating system's source of randomness does not fail once the process has begun (aws-lc aborts otherwise).
    let _ = aws_lc_rs::rand::fill(&mut identity);
    identity
}
