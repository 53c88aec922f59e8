//! An object as it is now, to make a film of: a folder's open file, or a cached object of another server.

use super::folder_blocks::{FolderBlocks, FolderFile};
use super::parts_reader::PartsReader;
use crate::cache::{Ask, How, Landed, Obtained, ReadFault, StoredObject, WorkerCache, digest};
use crate::origin::{Content, DiskWork, FolderOrigin, OriginError};
use crate::origin_client::OriginResponse;
use crate::pipeline::origin_denial;
use crate::state::EdgeState;
use crate::worker::WorkerShared;
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_MATCH, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, LAST_MODIFIED, RANGE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use privet_distribution::{
    Authorized, CacheStatus, Denial, RequestFacts, ViewerRequest, cache_key, keyed_headers,
};
use privet_media::Parts;
use privet_sign::Timestamp;
use std::cell::RefCell;
use std::future::poll_fn;
use std::ops::Range;
use std::rc::Rc;
use std::sync::Arc;

/// The first look at an object of another server: enough for most indexes, and for the size in any case.
const FIRST_RANGE: HeaderValue = HeaderValue::from_static("bytes=0-65535");
/// Fields of a request that are about what is made of the object, not about the object.
const DERIVED_FIELDS: [HeaderName; 7] = [
    ACCEPT_ENCODING,
    IF_MATCH,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_RANGE,
    IF_UNMODIFIED_SINCE,
    RANGE,
];

/// Which object is to be opened, and for whom.
#[derive(Clone, Copy)]
pub(crate) struct SourceAsk<'a> {
    /// For the object, not for what is made of it.
    pub(crate) authorized: &'a Authorized<'a>,
    /// The viewer's request with the object's path. Its method, conditions, ranges and codings are not looked at.
    pub(crate) request: ViewerRequest<'a>,
    /// Of the viewer.
    pub(crate) facts: RequestFacts<'a>,
    /// That the viewer's request began with.
    pub(crate) state: &'a EdgeState,
}

/// What of an object is going to be read.
#[derive(Clone, Copy)]
enum Wanted {
    Parts,
    Whole { size_bytes_max: u64 },
}

/// An object as it is now. Clones are of the same bytes.
#[derive(Clone)]
pub(crate) struct FilmSource(Rc<Source>);

struct Source {
    content: SourceContent,
    size_bytes: u64,
    identity: [u8; 16],
    /// For the operator's eyes.
    path: String,
    /// What the origin said of it; of a folder's file entity tag and date.
    headers: HeaderMap,
    how: How,
    status: Option<CacheStatus>,
    /// Keeps the first fetch going until it is followed.
    waiting: RefCell<Option<Landed>>,
}

/// Where the bytes are.
#[derive(Clone)]
pub(super) enum SourceContent {
    Memory(Bytes),
    File(Arc<FolderFile>, Arc<FolderBlocks>),
    Cached {
        cache: Rc<WorkerCache>,
        ask: Rc<Ask>,
        object: StoredObject,
    },
}

impl std::fmt::Debug for FilmSource {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("FilmSource")
            .field("size_bytes", &self.0.size_bytes)
            .finish_non_exhaustive()
    }
}

impl FilmSource {
    /// Opens the object, from the cache if it is there.
    ///
    /// Errors: there is none, the origin failed, or its bytes can not be had in parts.
    pub(crate) async fn open(
        ask: &SourceAsk<'_>,
        shared: &WorkerShared,
    ) -> Result<FilmSource, Denial> {
        let source = match ask.state.folder(ask.authorized) {
            Some(folder) => in_folder(folder, ask, shared).await?,
            None => in_cache(ask, shared, Wanted::Parts).await?,
        };
        Ok(FilmSource(Rc::new(source)))
    }

    /// Opens an object to be read as a whole, which need not be one that is kept.
    ///
    /// Errors: as those of [`FilmSource::open`]; it is longer than `size_bytes_max`.
    pub(crate) async fn open_whole(
        ask: &SourceAsk<'_>,
        shared: &WorkerShared,
        size_bytes_max: u64,
    ) -> Result<FilmSource, Denial> {
        let source = match ask.state.folder(ask.authorized) {
            Some(folder) => in_folder(folder, ask, shared).await?,
            None => in_cache(ask, shared, Wanted::Whole { size_bytes_max }).await?,
        };
        Ok(FilmSource(Rc::new(source)))
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

    /// The value of `Age`; `None` of what passes no cache, or has just come.
    pub(crate) fn age_secs(&self, now: Timestamp) -> Option<u64> {
        match &self.0.content {
            SourceContent::Cached { object, .. } => {
                let age = object.head().age_secs(now);
                (self.0.how != How::Miss || age > 0).then_some(age)
            }
            SourceContent::Memory(_) | SourceContent::File(..) => None,
        }
    }

    /// Changes with the bytes.
    pub(crate) fn identity(&self) -> [u8; 16] {
        self.0.identity
    }

    /// How the object came to be known.
    pub(crate) fn how(&self) -> How {
        self.0.how
    }

    /// `None` of a folder's object, which passes no cache.
    pub(crate) fn cache_status(&self) -> Option<&CacheStatus> {
        self.0.status.as_ref()
    }

    /// The object's path, for the operator's eyes.
    pub(super) fn path(&self) -> &str {
        &self.0.path
    }

    pub(super) fn content(&self) -> &SourceContent {
        &self.0.content
    }

    pub(super) fn take_waiting(&self) -> Option<Landed> {
        self.0.waiting.borrow_mut().take()
    }

    /// A stretch of the object. What is read so is not kept for others, except in the cache of other servers' objects.
    pub(crate) async fn read(&self, range: Range<u64>) -> Result<Vec<Bytes>, ReadFault> {
        let length = range.end.saturating_sub(range.start);
        if range.end > self.size_bytes() || length == 0 {
            return Err(ReadFault::Lost);
        }
        if let SourceContent::File(file, _) = &self.0.content {
            let file = Arc::clone(file);
            let reading = DiskWork::start(move || file.read_whole(range.start, length));
            let read = reading.await.map_err(|_| ReadFault::Lost)?;
            return read.map(|bytes| vec![bytes]).ok_or(ReadFault::Lost);
        }
        let mut parts = Parts::default();
        parts.push_source(range.start, length);
        let mut reader = self.reader(parts);
        let mut pieces = Vec::new();
        while let Some(bytes) = poll_fn(|context| reader.poll_next(usize::MAX, context)).await? {
            pieces.push(bytes);
        }
        Ok(pieces)
    }

    /// Sends `parts`, whose stretches are of this object.
    pub(crate) fn reader(&self, parts: Parts) -> PartsReader {
        PartsReader::new(self, parts)
    }

    /// The bytes were lost: the next who opens the object does not wait for those who still read the old one.
    pub(crate) fn part(&self) {
        match &self.0.content {
            SourceContent::Cached { cache, ask, .. } => cache.part(ask),
            SourceContent::Memory(_) | SourceContent::File(..) => {}
        }
    }
}

async fn in_folder(
    folder: &FolderOrigin,
    ask: &SourceAsk<'_>,
    shared: &WorkerShared,
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
            let file = FolderFile::of(file, head, identity).ok_or(Denial::OriginUnreadable)?;
            SourceContent::File(Arc::new(file), Arc::clone(&shared.films.blocks))
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
        how: if object.from_memory {
            How::Hit
        } else {
            How::Miss
        },
        status: None,
        waiting: RefCell::default(),
    })
}

async fn in_cache(
    ask: &SourceAsk<'_>,
    shared: &WorkerShared,
    wanted: Wanted,
) -> Result<Source, Denial> {
    let asked = ask_of(ask, wanted);
    let served = match obtained(&asked, ask, shared, wanted).await {
        Obtained::Stored(served) => *served,
        Obtained::Passed(response, status) => {
            return passed(*response, status, ask, wanted).await;
        }
        Obtained::Failed(fault) => return Err(origin_denial(fault.kind)),
    };
    let head = served.object.head();
    if let Some(denial) = refused_by_origin(head.status) {
        return Err(denial);
    }
    if head.headers.contains_key(CONTENT_ENCODING) {
        return Err(not_in_parts(ENCODED));
    }
    let size_bytes = head.size_bytes().ok_or_else(|| not_in_parts(UNSIZED))?;
    Ok(Source {
        size_bytes,
        identity: served.object.generation(),
        path: ask.request.path.to_owned(),
        headers: head.headers.clone(),
        how: served.how,
        status: Some(served.status),
        waiting: RefCell::new(served.waiting),
        content: SourceContent::Cached {
            cache: Rc::clone(&shared.cache),
            ask: asked,
            object: served.object,
        },
    })
}

/// By way of the cache. What was not for sharing lately is asked for as the viewer asks, and that response alone is of no
/// use here; it tells whether the next one is for all.
async fn obtained(
    asked: &Rc<Ask>,
    ask: &SourceAsk<'_>,
    shared: &WorkerShared,
    wanted: Wanted,
) -> Obtained {
    let is_cached = !ask.authorized.routed().behavior.cache_policy.is_disabled();
    match (shared.cache.obtain(asked).await, wanted) {
        (Obtained::Passed(response, _), Wanted::Parts)
            if is_cached && refused_by_origin(response.status).is_none() =>
        {
            response.body.discard();
            shared.cache.obtain(asked).await
        }
        (obtained, _) => obtained,
    }
}

/// The request for the object itself, whatever is made of it for whom.
fn ask_of(ask: &SourceAsk<'_>, wanted: Wanted) -> Rc<Ask> {
    let mut headers = ask.request.headers.clone();
    for name in DERIVED_FIELDS {
        headers.remove(name);
    }
    match wanted {
        Wanted::Parts => _ = headers.insert(RANGE, FIRST_RANGE),
        Wanted::Whole { .. } => {}
    }
    let request = ViewerRequest {
        method: &Method::GET,
        headers: &headers,
        has_body: false,
        ..ask.request
    };
    let facts = RequestFacts {
        accept_encoding: None,
        ..ask.facts
    };
    let policy = &ask.authorized.routed().behavior.cache_policy;
    let keyed_headers = keyed_headers(policy, &request, &facts);
    let keyed = ViewerRequest {
        headers: &keyed_headers,
        ..request
    };
    let key = cache_key(ask.authorized, &keyed);
    let digest = digest(key.as_bytes());
    Rc::new(Ask::new(ask.authorized, &request, &facts, (key, digest)))
}

/// A response that is not kept: of use only where all of it is wanted.
async fn passed(
    mut response: OriginResponse,
    status: CacheStatus,
    ask: &SourceAsk<'_>,
    wanted: Wanted,
) -> Result<Source, Denial> {
    let refused = refused_by_origin(response.status);
    let is_encoded = response.headers.contains_key(CONTENT_ENCODING);
    let size_bytes_max = match (refused, wanted) {
        (Some(denial), _) => {
            response.body.discard();
            return Err(denial);
        }
        (None, Wanted::Whole { size_bytes_max }) if !is_encoded => size_bytes_max,
        (None, Wanted::Parts | Wanted::Whole { .. }) => {
            response.body.discard();
            return Err(not_in_parts(UNCACHEABLE));
        }
    };
    let mut bytes = Vec::new();
    while let Some(piece) = response.body.next().await {
        bytes.extend_from_slice(&piece.map_err(|fault| origin_denial(fault.kind))?);
        if bytes.len() as u64 > size_bytes_max {
            return Err(not_in_parts(UNCACHEABLE));
        }
    }
    Ok(Source {
        size_bytes: bytes.len() as u64,
        content: SourceContent::Memory(Bytes::from(bytes)),
        identity: unique(),
        path: ask.request.path.to_owned(),
        headers: response.headers,
        how: How::Miss,
        status: Some(status),
        waiting: RefCell::default(),
    })
}

const UNCACHEABLE: (&str, &str) = (
    "film-uncacheable",
    "the object must not be kept, so that its parts can not be had",
);
const ENCODED: (&str, &str) = (
    "film-encoded",
    "the origin sends the object in a content coding",
);
const UNSIZED: (&str, &str) = (
    "film-unsized",
    "the origin does not say how long the object is",
);

/// There is an object, and no way to read here and there in it.
fn not_in_parts((token, reason): (&'static str, &str)) -> Denial {
    Denial::Film {
        token,
        reason: reason.to_owned(),
    }
}

/// Why there is no object, as the origin has it; `None` when there is one.
fn refused_by_origin(status: StatusCode) -> Option<Denial> {
    match status.as_u16() {
        200 | 206 => None,
        404 | 410 => Some(Denial::NotFound),
        401 | 403 => Some(Denial::OriginForbidden),
        504 => Some(Denial::OriginTimeout),
        _ => Some(Denial::OriginInvalidResponse),
    }
}

/// An identity that nothing else has.
fn unique() -> [u8; 16] {
    let mut identity = [0; 16];
    // The operating system's source of randomness does not fail once the process has begun (aws-lc aborts otherwise).
    let _ = aws_lc_rs::rand::fill(&mut identity);
    identity
}
