//! Requests an object from the origin and decides what becomes of the response: it is stored, refreshes what is stored,
//! is passed on, or is replaced by a stale object.

mod unsatisfied;
mod viewers_own;

use super::WorkerCache;
use super::cache_request::{CacheRequest, OBJECT_SIZE_BYTES_MAX, Validator, content_range};
use super::cached_head::{CachedHead, Cleared, Form};
use super::digest::{digest, new_generation};
use super::fetched::{Fetched, Stored};
use super::fill::{Fill, Follower};
use super::flight::FlightGuard;
use super::look_up::{LookUp, Marker, variant_key};
use super::sink::{PendingHead, Sink};
use super::stored_object::StoredObject;
use crate::origin_client::{OriginBody, OriginFault, OriginFaultKind, OriginResponse};
use http::header::{CONTENT_LENGTH, CONTENT_RANGE, DATE, RANGE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use privet_cache::{Key, Object};
use privet_distribution::caching::{
    Freshness, Lifetime, Moments, OriginExchange, Storage, Unstorable, VaryRule, cache_tags,
    date_strength, freshened, matches_stored, revalidation_headers, storable_headers, storage,
    vary_rule,
};
use privet_distribution::{RangeSpec, Span, date_value};
use std::rc::Rc;
use std::sync::Arc;

/// Maximum number of blocks in one request.
pub(super) const BLOCKS_PER_FETCH_MAX: u64 = 64;

/// Everything known when a response has arrived.
struct Context<'a> {
    ask: &'a Rc<CacheRequest>,
    found: LookUp,
    guard: Option<Rc<FlightGuard>>,
    /// Number of the last invalidation known when the request was sent.
    seq: u64,
    moments: Moments,
}

impl WorkerCache {
    /// Sends one request to the origin: conditional when something is stored, by range when the viewer wants a part.
    pub(super) async fn fetch(
        self: &Rc<Self>,
        ask: &Rc<CacheRequest>,
        found: LookUp,
        guard: Option<Rc<FlightGuard>>,
    ) -> Fetched {
        let conditions = found
            .object
            .as_ref()
            .and_then(|object| revalidation_headers(&object.head().headers));
        let asks_range = conditions.is_none() && found.object.is_none();
        let range = self.first_range(ask.wanted).filter(|_| asks_range);
        let had_range = range.is_some();
        let mut call_headers = conditions.clone().unwrap_or_default();
        if let Some(range) = range {
            call_headers.insert(RANGE, range.to_header_value());
        }
        let mut context = Context {
            ask,
            found,
            guard,
            seq: self.shared.store.current_seq(),
            moments: self.moments(),
        };
        let answered = self.send(ask, &call_headers).await;
        context.moments.received = self.clock.now();
        match answered {
            Ok(response) if response.status == StatusCode::NOT_MODIFIED => {
                self.confirmed(context, response).await
            }
            Ok(response) if had_range && response.status == StatusCode::PARTIAL_CONTENT => {
                self.partial(context, response).await
            }
            Ok(response) if had_range && response.status == StatusCode::RANGE_NOT_SATISFIABLE => {
                self.unsatisfied(context, response).await
            }
            Ok(response) => self.store_or_pass(&context, response),
            Err(fault) => serve_stale(&context).map_or(Fetched::Failed(fault), Fetched::ServeStale),
        }
    }

    fn moments(&self) -> Moments {
        let now = self.clock.now();
        Moments {
            requested: now,
            received: now,
        }
    }

    async fn send(
        &self,
        ask: &CacheRequest,
        extra: &HeaderMap,
    ) -> Result<OriginResponse, OriginFault> {
        let mut call = ask.get();
        for (name, value) in extra {
            call.headers.insert(name, value.clone());
        }
        self.client
            .send_with_failover(&ask.origins, call, |origin, call| ask.address(origin, call))
            .await
    }

    /// Returns the whole blocks around the first bytes that the viewer wants; `None` requests everything.
    fn first_range(&self, wanted: Option<RangeSpec>) -> Option<RangeSpec> {
        let (start, end) = match wanted? {
            RangeSpec::From(0) => return None,
            RangeSpec::From(start) => (start, None),
            RangeSpec::Within(range) => (range.start, Some(range.span().end)),
            RangeSpec::Last(length) => return Some(RangeSpec::Last(length.max(1))),
        };
        let block = self.shared.block_size_bytes;
        let start = start / block * block;
        let longest = start.checked_add(BLOCKS_PER_FETCH_MAX * block)?;
        let end = end.map_or(longest, |end| end.div_ceil(block).saturating_mul(block));
        let span = Span {
            start,
            end: end.min(longest),
        };
        span.byte_range().map(RangeSpec::Within)
    }

    /// Handles a 304: the stored object is fresh again.
    async fn confirmed(self: &Rc<Self>, context: Context<'_>, response: OriginResponse) -> Fetched {
        let Some(object) = context.found.object.clone() else {
            // Without a stored object the request had no conditions, so a 304 makes no sense.
            return Fetched::Failed(OriginFaultKind::InvalidHead.into());
        };
        let ask = context.ask;
        let stored = object.head();
        if !matches_stored(&stored.headers, &response.headers) {
            return self.refetch_whole(context).await;
        }
        let headers = freshened(&stored.headers, &response.headers, &ask.policy);
        let decided = self.storage_of(&context, stored.status, &headers);
        let lifetime = match decided {
            Storage::Store(lifetime) => lifetime,
            Storage::Refuse(_) => {
                // The object may not be stored any more, and serves this viewer one last time.
                self.shared.store.remove(&object.digest);
                stored.lifetime
            }
        };
        let head = CachedHead {
            headers,
            lifetime,
            ..stored.clone()
        };
        if matches!(decided, Storage::Store(_)) {
            let (store, key, head) = (self.shared.store.clone(), object.digest, head.clone());
            let seq = context.seq;
            // The viewer is served in any case, whether or not the object is still stored.
            let generation = head.generation;
            let _ = crate::origin::DiskWork::start(move || {
                store.replace_head(&key, head, seq, |kept| kept.generation == generation)
            })
            .await;
        }
        Fetched::Stored(Stored {
            object: StoredObject {
                object: Arc::new(Object {
                    head,
                    seq: context.seq,
                    body: object.object.body.clone(),
                }),
                ..object
            },
            forward_status: StatusCode::NOT_MODIFIED,
            hold: None,
        })
    }

    /// Requests the object without conditions and ranges, because the response to those was of no use.
    async fn refetch_whole(self: &Rc<Self>, mut context: Context<'_>) -> Fetched {
        context.moments = self.moments();
        let answered = self.send(context.ask, &HeaderMap::new()).await;
        context.moments.received = self.clock.now();
        match answered {
            Ok(response) => self.store_or_pass(&context, response),
            Err(fault) => serve_stale(&context).map_or(Fetched::Failed(fault), Fetched::ServeStale),
        }
    }

    /// Handles a 206: the object becomes known, and some of its bytes.
    async fn partial(self: &Rc<Self>, context: Context<'_>, response: OriginResponse) -> Fetched {
        let block = self.shared.block_size_bytes;
        let content_range = content_range(&response.headers);
        let came = dated(response.headers.clone(), &context.moments);
        let validator = Validator::of(&came, date_strength(&came));
        let (Some(content_range), Some(_)) = (content_range, validator) else {
            return self.refetch_whole(context).await;
        };
        // RFC 9110 15.3.7: the range may be shorter than requested. A block that ends early cannot be stored.
        let Span { start, end } = content_range.range.span();
        let size_bytes = content_range.size_bytes;
        if end != size_bytes && !end.is_multiple_of(block) {
            return self.refetch_whole(context).await;
        }
        let mut headers = response.headers.clone();
        headers.remove(CONTENT_RANGE);
        headers.insert(CONTENT_LENGTH, HeaderValue::from(size_bytes));
        let lifetime = match self.storage_of(&context, StatusCode::OK, &headers) {
            Storage::Store(lifetime) => lifetime,
            Storage::Refuse(unstorable) => {
                return self.viewers_own_range(&context, unstorable).await;
            }
        };
        if size_bytes <= block {
            // An object this small is stored whole with its head; a block by itself would not be found.
            return self.refetch_whole(context).await;
        }
        if lifetime.verdict(self.clock.now()) == Freshness::Fresh {
            self.shared.flights.mark_shareable(context.ask);
        }
        let form = Form::Blocks {
            size_bytes,
            block_size_bytes: block,
        };
        let stored_as = StoredAs {
            key: self.key_with_marker(&context, &headers),
            form,
            status: StatusCode::OK,
            lifetime,
        };
        let head = new_head(&context, stored_as, &headers);
        let object = self.put_head(head, context.seq);
        let hold = if start % block == 0 {
            let fill = Fill::new(start, Some(end));
            Some(self.begin_fill(&object, &fill, response.body, None, context.guard.clone()))
        } else {
            // The last bytes of an object begin inside a block; the reader fetches its blocks from their starts
            // instead.
            response.body.discard();
            None
        };
        Fetched::Stored(Stored {
            object,
            forward_status: StatusCode::PARTIAL_CONTENT,
            hold,
        })
    }

    /// A response that is not one to a condition or a range: stored, passed to this viewer alone, or replaced by what
    /// is stale.
    fn store_or_pass(self: &Rc<Self>, context: &Context<'_>, response: OriginResponse) -> Fetched {
        let status = response.status;
        let failed = matches!(status.as_u16(), 500..=504);
        if let Some(object) = serve_stale(context).filter(|_| failed) {
            response.body.discard();
            return Fetched::ServeStale(object);
        }
        let is_endless = response
            .body
            .promised()
            .is_some_and(|size_bytes| size_bytes > OBJECT_SIZE_BYTES_MAX);
        if is_endless {
            return Fetched::Unstorable(Box::new(response), Unstorable::TooLarge);
        }
        let storage = match status {
            // The request had no range. Only the viewer can know what this is a part of, if anything: S3 responds like
            // this to `partNumber`.
            StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE => {
                Storage::Refuse(Unstorable::Status)
            }
            _ => self.storage_of(context, status, &response.headers),
        };
        let lifetime = match storage {
            Storage::Store(lifetime) => lifetime,
            Storage::Refuse(unstorable) => {
                // The stored object no longer matches what the origin says (RFC 9111 4.3.3).
                if context.found.object.is_some() && !status.is_server_error() {
                    self.shared.store.remove(&context.found.digest);
                }
                return Fetched::Unstorable(Box::new(response), unstorable);
            }
        };
        if lifetime.verdict(self.clock.now()) == Freshness::Fresh {
            self.shared.flights.mark_shareable(context.ask);
        }
        let size_bytes = response.body.promised();
        let stored_as = StoredAs {
            key: self.key_with_marker(context, &response.headers),
            form: form_of(size_bytes, self.shared.block_size_bytes),
            status,
            lifetime,
        };
        let head = new_head(context, stored_as, &response.headers);
        self.store_whole(context, head, size_bytes, response.body)
    }

    fn store_whole(
        self: &Rc<Self>,
        context: &Context<'_>,
        head: CachedHead,
        size_bytes: Option<u64>,
        body: OriginBody,
    ) -> Fetched {
        let forward_status = head.status;
        let is_resumable = head.validator().is_some();
        let in_blocks = matches!(head.form, Form::Blocks { .. });
        let object = if in_blocks && is_resumable {
            self.put_head(head, context.seq)
        } else {
            unkept(head, context.seq)
        };
        let keeping = (!(in_blocks && is_resumable)).then(|| PendingHead {
            digest: object.digest,
            head: object.head().clone(),
            seq: context.seq,
        });
        let fill = Fill::new(0, size_bytes);
        let hold = self.begin_fill(&object, &fill, body, keeping, context.guard.clone());
        Fetched::Stored(Stored {
            object,
            forward_status,
            hold: Some(hold),
        })
    }

    fn storage_of(
        &self,
        context: &Context<'_>,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Storage {
        let ask = context.ask;
        let of = |heard: &HeaderMap| {
            let exchange = OriginExchange {
                method: &Method::GET,
                request: heard,
                status,
                response: headers,
            };
            storage(
                &exchange,
                &ask.policy,
                ask.error_min_ttl(status),
                &context.moments,
            )
        };
        // The strictest decision counts: the other origin might have served a viewer who would get this from the store.
        let stricter = |one, other| match one {
            Storage::Refuse(_) => one,
            Storage::Store(_) => other,
        };
        let strictest = ask.heard().map(of).reduce(stricter);
        strictest.expect("an ask has an origin that hears it")
    }

    /// Under which key a response is stored. Where it is one of several, by `Vary`, the marker that leads to them is
    /// put into the store first, unless it is there.
    fn key_with_marker(&self, context: &Context<'_>, response: &HeaderMap) -> Vec<u8> {
        let names = match vary_rule(response) {
            VaryRule::Names(names) => names,
            VaryRule::Same | VaryRule::Never => return context.ask.key.as_bytes().to_vec(),
        };
        let known = context.found.marker.as_ref();
        match known.filter(|known| known.names == names) {
            Some(marker) => variant_key(context.ask, marker),
            None => {
                let generation = new_generation();
                let marker = Marker { names, generation };
                self.put_marker(context, &marker);
                variant_key(context.ask, &marker)
            }
        }
    }

    fn put_marker(&self, context: &Context<'_>, marker: &Marker) {
        let stored_as = StoredAs {
            key: context.ask.key.as_bytes().to_vec(),
            form: Form::Marker(marker.names.clone()),
            status: StatusCode::OK,
            lifetime: Lifetime::for_marker(context.moments.received),
        };
        let head = CachedHead {
            generation: marker.generation,
            ..new_head(context, stored_as, &HeaderMap::new())
        };
        self.put_head(head, context.seq);
    }

    fn put_head(&self, head: CachedHead, seq: u64) -> StoredObject {
        let object = unkept(head.clone(), seq);
        self.shared.store.put_object(
            object.digest,
            Object {
                head,
                seq,
                body: None,
            },
        );
        object
    }

    /// Starts the task that moves a body into `fill` and the store; the returned follower keeps it going.
    pub(super) fn begin_fill(
        self: &Rc<Self>,
        object: &StoredObject,
        fill: &Arc<Fill>,
        body: OriginBody,
        keeping: Option<PendingHead>,
        guard: Option<Rc<FlightGuard>>,
    ) -> Follower {
        let hold = fill.follow_from_start();
        let generation = object.head().generation;
        self.shared.fills.insert(generation, fill);
        let sink = Sink::new(Arc::clone(&self.shared), object, Arc::clone(fill), keeping);
        tokio::task::spawn_local(async move {
            sink.take_all(body).await;
            drop(guard);
        });
        hold
    }
}

/// How an object is kept that comes whole; `None`: nobody knows its length yet.
fn form_of(size_bytes: Option<u64>, block_size_bytes: u64) -> Form {
    match size_bytes {
        Some(size_bytes) if size_bytes <= block_size_bytes => Form::Whole { size_bytes },
        Some(size_bytes) => Form::Blocks {
            size_bytes,
            block_size_bytes,
        },
        None => Form::Growing { block_size_bytes },
    }
}

/// What the edge decides of an object's head; the rest is in the request and the response.
struct StoredAs {
    key: Vec<u8>,
    form: Form,
    status: StatusCode,
    lifetime: Lifetime,
}

/// The head of another generation of the object, made of the fields of a response.
fn new_head(context: &Context<'_>, stored_as: StoredAs, headers: &HeaderMap) -> CachedHead {
    let ask = context.ask;
    let headers = &dated(headers.clone(), &context.moments);
    CachedHead {
        key: stored_as.key,
        distribution_id: ask.distribution.id.clone(),
        path: ask.path.clone(),
        query: ask.query.clone(),
        tags: cache_tags(headers),
        generation: new_generation(),
        form: stored_as.form,
        status: stored_as.status,
        headers: storable_headers(headers, &ask.policy),
        lifetime: stored_as.lifetime,
        date_strength: date_strength(headers),
        cleared: Cleared::default(),
    }
}

/// Returns the stored object, if it may be served stale now that the origin has failed.
fn serve_stale(context: &Context<'_>) -> Option<StoredObject> {
    let object = context.found.object.as_ref()?;
    let may = object
        .head()
        .lifetime
        .may_serve_stale(context.moments.received);
    may.then(|| object.clone())
}

/// Adds `Date` to a message that lacks it, as a recipient does (RFC 9110 6.6.1).
fn dated(mut headers: HeaderMap, moments: &Moments) -> HeaderMap {
    headers
        .entry(DATE)
        .or_insert_with(|| date_value(moments.received));
    headers
}

fn unkept(head: CachedHead, seq: u64) -> StoredObject {
    let digest: Key = digest(&head.key);
    StoredObject {
        digest,
        object: Arc::new(Object {
            head,
            seq,
            body: None,
        }),
        on_disk: None,
    }
}
