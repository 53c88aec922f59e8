//! The compressed forms of objects: found in the store, or made once for all viewers who want them.
//!
//! A form is stored under the generation of its source, so that a changed object never meets an old form. Everything
//! about a form except its length is taken from the object as it is now.

use super::cache_request::{CacheRequest, object_path};
use super::cached_head::{CachedHead, Cleared, Form};
use super::digest::{digest, new_generation};
use super::flight::{FlightGuard, FlightOutcome, Joined};
use super::stored_object::StoredObject;
use super::{Next, ObjectReader, Served, WorkerCache};
use crate::origin::{Content, DiskWork, Object};
use crate::redeem::Redeemed;
use bytes::Bytes;
use encode::{Encoded, Part, encode, working_size_bytes};
use http::{HeaderMap, Method, StatusCode};
use privet_cache::{Block, DiskBody, Key};
use privet_distribution::caching::{
    ContentCoding, DateStrength, Lifetime, cache_key, compressed_headers,
};
use privet_distribution::request::ViewerRequest;
use privet_sign::Timestamp;
use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;

mod encode;

/// Maximum number of forms being made at once; viewers of further ones get the plain bytes.
pub(super) const COMPRESSIONS_MAX: usize = 16;

/// The compressed form of a folder's object.
#[derive(Debug)]
pub(crate) struct FolderForm {
    object: StoredObject,
    /// Size of the form in bytes, never 0.
    pub(crate) size_bytes: u64,
}

/// The job of making one form.
struct CompressionJob {
    digest: Key,
    /// Head that the form will be stored with; it has no header fields of its own.
    head: CachedHead,
    seq: u64,
    coding: ContentCoding,
    /// Size of the plain bytes.
    size_bytes: u64,
    plain: Plain,
    keep: Keep,
}

/// Source of the plain bytes.
#[derive(Clone)]
enum Plain {
    Stored(Rc<CacheRequest>, StoredObject),
    Folder(Content),
}

/// Storage of a finished form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    Yes,
    /// Not stored: the form is only for those who wait for it, because its file has not settled.
    No,
}

impl WorkerCache {
    /// Returns a stored object in `coding`, or unchanged when the form is no smaller or cannot be made now.
    pub(crate) async fn in_coding(
        self: &Rc<Self>,
        ask: &Rc<CacheRequest>,
        served: Served,
        coding: ContentCoding,
    ) -> Served {
        let source = &served.object;
        let Some(size_bytes) = source.head().size_bytes() else {
            return served;
        };
        let mut key = ask.key.coded(coding).as_bytes().to_vec();
        key.extend_from_slice(&source.head().generation);
        let wish = CompressionJob {
            digest: digest(&key),
            head: CachedHead {
                key,
                generation: new_generation(),
                headers: HeaderMap::new(),
                ..source.head().clone()
            },
            seq: source.object.seq,
            coding,
            size_bytes,
            plain: Plain::Stored(Rc::clone(ask), source.clone()),
            keep: Keep::Yes,
        };
        match self.form(wish).await {
            Some((form, size_bytes)) => Served {
                object: in_form(source, &form, coding, size_bytes),
                ..served
            },
            None => served,
        }
    }

    /// Returns a folder's object in `coding`; `None` when that is no smaller or cannot be made now.
    pub(crate) async fn folder_form(
        self: &Rc<Self>,
        authorized: &Redeemed<'_>,
        request: &ViewerRequest<'_>,
        object: &Object,
        coding: ContentCoding,
    ) -> Option<FolderForm> {
        let distribution = authorized.routed().distribution;
        let representation = &object.head.representation;
        // No other part of the request makes a difference to a file.
        let get = ViewerRequest {
            method: &Method::GET,
            query: None,
            headers: &HeaderMap::new(),
            ..*request
        };
        let key = cache_key(authorized, &get).coded(coding);
        let mut key = key.as_bytes().to_vec();
        // The tag tells one state of the file from every other one.
        key.extend_from_slice(object.head.state.as_bytes());
        let wish = CompressionJob {
            digest: digest(&key),
            head: CachedHead {
                key,
                distribution_id: distribution.id.clone(),
                path: object_path(distribution, request.path),
                query: None,
                tags: Vec::new(),
                generation: new_generation(),
                form: Form::Whole { size_bytes: 0 },
                status: StatusCode::OK,
                headers: HeaderMap::new(),
                // The lifetime is never used: the file itself is checked for every request.
                lifetime: Lifetime::for_marker(Timestamp::from_secs(0)),
                date_strength: DateStrength::Weak,
                cleared: Cleared::default(),
            },
            seq: self.shared.store.current_seq(),
            coding,
            size_bytes: representation.size_bytes,
            plain: Plain::Folder(object.content.clone()),
            keep: if object.settled { Keep::Yes } else { Keep::No },
        };
        let (object, size_bytes) = self.form(wish).await?;
        Some(FolderForm { object, size_bytes })
    }

    /// Returns the form and its size; `None` means that the plain bytes are served.
    async fn form(self: &Rc<Self>, wish: CompressionJob) -> Option<(StoredObject, u64)> {
        let form = match self.stored(wish.digest, &wish.head.key).await {
            Some(found) => found,
            None => self.made(wish).await?,
        };
        // A form that turned out no smaller is remembered by an empty body.
        let size_bytes = form.head().size_bytes().filter(|size| *size > 0)?;
        Some((form, size_bytes))
    }

    /// Makes the form in a task that goes on when viewers leave, or waits for the one that is making it.
    async fn made(self: &Rc<Self>, wish: CompressionJob) -> Option<StoredObject> {
        let mut waiter = match self.shared.flights.join(&wish.digest) {
            Joined::Wait(waiter) => waiter,
            Joined::Lead(flight) => {
                let waiter = flight.follow();
                let cache = Rc::clone(self);
                tokio::task::spawn_local(async move {
                    let guard = FlightGuard::new(flight, &cache.shared);
                    if let Some(form) = cache.make(wish).await {
                        guard.tell(FlightOutcome::Stored(form));
                    }
                });
                waiter
            }
        };
        match waiter.outcome().await {
            FlightOutcome::Stored(form) => Some(form),
            FlightOutcome::ServeStale(_)
            | FlightOutcome::Unshareable
            | FlightOutcome::Failed(_) => None,
        }
    }

    /// Makes the form. `None` when the plain bytes cannot be read, or no memory or compression permit is free.
    async fn make(self: &Rc<Self>, wish: CompressionJob) -> Option<StoredObject> {
        // Another flight may have ended between the lookup and the joining.
        if let Some(found) = self.stored(wish.digest, &wish.head.key).await {
            return Some(found);
        }
        let store = &self.shared.store;
        let reservation = store.try_reserve(wish.size_bytes)?;
        let working = working_size_bytes(wish.size_bytes, wish.coding);
        let working = store.try_reserve(working)?;
        let parts = self.parts(&wish).await?;
        let permit = self.shared.compressions.try_acquire().ok()?;
        let (size_bytes, coding) = (wish.size_bytes, wish.coding);
        let encoding = DiskWork::start(move || encode(parts, size_bytes, coding, reservation));
        let encoded = encoding.await.ok()?.ok()?;
        drop((permit, working));
        Some(self.keep(wish, encoded))
    }

    async fn parts(self: &Rc<Self>, wish: &CompressionJob) -> Option<Vec<Part>> {
        let size_bytes = wish.size_bytes;
        match &wish.plain {
            Plain::Stored(ask, object) => {
                let reader = ObjectReader::new(self, Some(ask), object.clone(), None);
                read_whole(reader).await
            }
            Plain::Folder(Content::Memory(bytes) | Content::Both(bytes, _)) => {
                Some(vec![Part::Bytes(bytes.clone())])
            }
            Plain::Folder(Content::File(file)) => Some(vec![Part::File {
                file: Arc::clone(file),
                offset: 0,
                size_bytes,
            }]),
        }
    }

    fn keep(&self, wish: CompressionJob, encoded: Encoded) -> StoredObject {
        let body = match encoded {
            Encoded::Smaller(chunks) => self.shared.store.block_of(chunks),
            Encoded::NotSmaller => Block::new(Vec::new()),
        };
        let size_bytes = body.size_bytes();
        let object = privet_cache::Object {
            head: CachedHead {
                form: Form::Whole { size_bytes },
                ..wish.head
            },
            seq: wish.seq,
            body: Some(body),
        };
        match wish.keep {
            Keep::Yes => self.shared.store.put_object(wish.digest, object.clone()),
            Keep::No => {}
        }
        StoredObject {
            digest: wish.digest,
            object: Arc::new(object),
            on_disk: None,
        }
    }
}

/// The bytes of a form, where they are.
pub(crate) enum FormBytes<'a> {
    Memory(&'a [Bytes]),
    Disk(&'a DiskBody),
}

impl FolderForm {
    /// Returns the bytes of the form; `None` if they are gone.
    pub(crate) fn bytes(&self) -> Option<FormBytes<'_>> {
        match (&self.object.object.body, &self.object.on_disk) {
            (Some(body), _) => Some(FormBytes::Memory(body.chunks())),
            (None, Some(body)) => Some(FormBytes::Disk(body)),
            (None, None) => None,
        }
    }
}

/// Combines the bytes of the form with everything known of the source.
fn in_form(
    source: &StoredObject,
    form: &StoredObject,
    coding: ContentCoding,
    size_bytes: u64,
) -> StoredObject {
    let head = source.head();
    StoredObject {
        digest: form.digest,
        object: Arc::new(privet_cache::Object {
            head: CachedHead {
                key: form.head().key.clone(),
                generation: form.head().generation,
                form: Form::Whole { size_bytes },
                headers: compressed_headers(&head.headers, coding, Some(size_bytes)),
                ..head.clone()
            },
            seq: form.object.seq,
            body: form.object.body.clone(),
        }),
        on_disk: form.on_disk.clone(),
    }
}

async fn read_whole(mut reader: ObjectReader) -> Option<Vec<Part>> {
    let mut parts = Vec::new();
    loop {
        match poll_fn(|context| reader.poll_next(usize::MAX, context)).await {
            Ok(Next::Bytes(bytes)) => parts.push(Part::Bytes(bytes)),
            Ok(Next::File {
                file,
                offset,
                size_bytes,
            }) => parts.push(Part::File {
                file,
                offset,
                size_bytes,
            }),
            Ok(Next::End) => return Some(parts),
            Err(_) => return None,
        }
    }
}
