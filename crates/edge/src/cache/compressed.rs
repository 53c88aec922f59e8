//! The compressed forms of objects: found in the store, or made once for all viewers who want them.
//!
//! A form is stored under the generation of what it was made of, so that a changed object never meets an old form. What
//! is said about it beside its length is always taken from the object as it is now.

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

/// As many forms may be in the making at once; viewers of further ones get the plain bytes.
pub(super) const COMPRESSIONS_MAX: usize = 16;

/// The bytes of the compressed form of a folder's object.
#[derive(Debug)]
pub(crate) struct FolderForm {
    object: StoredObject,
    /// Never 0.
    pub(crate) size_bytes: u64,
}

/// A form that somebody wants.
struct CompressionJob {
    digest: Key,
    /// How the form is going to be stored; it has no header fields of its own.
    head: CachedHead,
    seq: u64,
    coding: ContentCoding,
    /// Of the plain bytes.
    size_bytes: u64,
    plain: Plain,
    keep: Keep,
}

/// Where the plain bytes are.
#[derive(Clone)]
enum Plain {
    Stored(Rc<CacheRequest>, StoredObject),
    Folder(Content),
}

/// Whether a form is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    Yes,
    /// It is for those who wait for it.
    No,
}

impl WorkerCache {
    /// A stored object in `coding`, or as it is when that is no larger or the form cannot be made now.
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

    /// A folder's object in `coding`; `None` when that is no smaller or cannot be made now.
    pub(crate) async fn folder_form(
        self: &Rc<Self>,
        authorized: &Redeemed<'_>,
        request: &ViewerRequest<'_>,
        object: &Object,
        coding: ContentCoding,
    ) -> Option<FolderForm> {
        let distribution = authorized.routed().distribution;
        let representation = &object.head.representation;
        // Nothing else of the request makes a difference to a file.
        let get = ViewerRequest {
            method: &Method::GET,
            query: None,
            headers: &HeaderMap::new(),
            ..*request
        };
        let key = cache_key(authorized, &get).coded(coding);
        let mut key = key.as_bytes().to_vec();
        // It tells one state of the file from every other one.
        key.extend_from_slice(representation.etag.as_bytes());
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
                // The file itself is looked at for every request.
                lifetime: Lifetime::of_a_marker(Timestamp::from_secs(0)),
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

    /// The form and its size; `None` for plain bytes.
    async fn form(self: &Rc<Self>, wish: CompressionJob) -> Option<(StoredObject, u64)> {
        let form = match self.stored(wish.digest, &wish.head.key).await {
            Some(found) => found,
            None => self.made(wish).await?,
        };
        // What turned out not to be smaller is remembered without bytes.
        let size_bytes = form.head().size_bytes().filter(|size| *size > 0)?;
        Some((form, size_bytes))
    }

    /// Makes the form in a task that no viewer's leaving ends, or waits for the one who does.
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

    /// `None`: the plain bytes cannot be read, or there is no memory or no time for the form.
    async fn make(self: &Rc<Self>, wish: CompressionJob) -> Option<StoredObject> {
        // Another one may have come to its end between the look-up and the joining.
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

/// Where the bytes of a form are.
pub(crate) enum FormBytes<'a> {
    Memory(&'a [Bytes]),
    Disk(&'a DiskBody),
}

impl FolderForm {
    /// Its bytes; `None` where they are gone.
    pub(crate) fn bytes(&self) -> Option<FormBytes<'_>> {
        match (&self.object.object.body, &self.object.on_disk) {
            (Some(body), _) => Some(FormBytes::Memory(body.chunks())),
            (None, Some(body)) => Some(FormBytes::Disk(body)),
            (None, None) => None,
        }
    }
}

/// The bytes of the form, with all that is known of the source.
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
