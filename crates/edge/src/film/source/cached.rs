//! Opens an object of another server by way of the cache, to be read in parts or as a whole.

use super::{Source, SourceAsk, SourceContent, unique};
use crate::cache::{Ask, How, Obtained, digest};
use crate::origin_client::OriginResponse;
use crate::pipeline::origin_denial;
use crate::worker::WorkerShared;
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE,
    IF_UNMODIFIED_SINCE, RANGE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use privet_distribution::{
    CacheStatus, Denial, RequestFacts, ViewerRequest, cache_key, keyed_headers,
};
use std::cell::RefCell;
use std::rc::Rc;

/// The first look at an object: enough for most indexes, and for the size in any case.
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

/// What of an object is going to be read.
#[derive(Clone, Copy)]
pub(super) enum Wanted {
    Parts,
    Whole { size_bytes_max: u64 },
}

/// Opens an object of another server.
pub(super) async fn open(
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
    if response.status == StatusCode::RANGE_NOT_SATISFIABLE && matches!(wanted, Wanted::Parts) {
        // The first look begins with the first byte, so there is none: the same as an empty file of a folder.
        response.body.discard();
        return Ok(in_memory(Bytes::new(), HeaderMap::new(), status, ask));
    }
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
    Ok(in_memory(bytes.into(), response.headers, status, ask))
}

fn in_memory(bytes: Bytes, headers: HeaderMap, status: CacheStatus, ask: &SourceAsk<'_>) -> Source {
    Source {
        size_bytes: bytes.len() as u64,
        content: SourceContent::Memory(bytes),
        identity: unique(),
        path: ask.request.path.to_owned(),
        headers,
        how: How::Miss,
        status: Some(status),
        waiting: RefCell::default(),
    }
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
