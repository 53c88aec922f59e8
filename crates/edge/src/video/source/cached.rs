//! Opens an object of another server through the cache, to be read in parts or as a whole.

use super::arrivals::Unsized;
use super::refusals::{
    ENCODED, UNASKED_PART, UNCACHEABLE, encoded_text, not_in_parts, refused_by_origin,
    too_large_text, unsized_object,
};
use super::{Source, SourceContent, SourceRequest, SourceStores, unique};
use crate::answer_memory::{BodyMemory, GatherFault, GatheredBytes};
use crate::cache::{CacheRequest, CacheResult, Obtained, Served, digest};
use crate::origin_client::{OriginBody, OriginResponse, origin_denial};
use crate::video::decoding::CODINGS_MAX;
use bytes::Bytes;
use http::header::{
    ACCEPT_ENCODING, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE,
    RANGE,
};
use http::{HeaderMap, HeaderName, Method, StatusCode};
use privet_distribution::caching::{AppliedCoding, AppliedCodings, CacheStatus, cache_key};
use privet_distribution::config::CacheSettings;
use privet_distribution::request::{Denial, RequestFacts, ViewerRequest, keyed_headers};
use privet_distribution::{ByteRange, RangeSpec};
use std::cell::RefCell;
use std::rc::Rc;

/// Range of the first request for an object: enough for most indexes, and in any case for the size.
const FIRST_RANGE: RangeSpec = RangeSpec::Within(ByteRange {
    start: 0,
    end_inclusive: 65_535,
});
/// Request fields that are about what is made of the object, not about the object.
const DERIVED_FIELDS: [HeaderName; 7] = [
    ACCEPT_ENCODING,
    IF_MATCH,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_RANGE,
    IF_UNMODIFIED_SINCE,
    RANGE,
];

/// Extent to which an object is going to be read.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ReadScope<'m> {
    /// Some parts of it, as stored at the origin.
    Parts,
    /// All of it, without the codings that it is stored in. Bytes that are not cached count in `memory`.
    Whole {
        size_bytes_max: u64,
        memory: &'m BodyMemory,
    },
    /// Nothing: the question is whether [`ReadScope::Whole`] could read it.
    Presence { size_bytes_max: u64 },
}

/// Opens an object of another server.
pub(super) async fn open(
    ask: &SourceRequest<'_>,
    stores: &SourceStores<'_>,
    wanted: ReadScope<'_>,
) -> Result<Source, Denial> {
    let asked = ask_of(ask, wanted);
    let served = match obtained(&asked, ask, stores, wanted).await {
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
    let codings = readable_codings(&head.headers, wanted)?;
    let served = sized(served, &asked, size_bytes_max(ask, wanted), stores).await?;
    let head = served.object.head();
    Ok(Source {
        size_bytes: head.size_bytes().ok_or_else(unsized_object)?,
        identity: served.object.generation(),
        path: ask.request.path.to_owned(),
        headers: head.headers.clone(),
        codings,
        how: served.how,
        status: Some(served.status),
        waiting: RefCell::new(served.waiting),
        content: SourceContent::Cached {
            cache: Rc::clone(stores.cache),
            ask: asked,
            object: served.object,
        },
    })
}

/// Returns the object with its length: if it comes without one, waits for the whole object.
async fn sized(
    served: Served,
    asked: &Rc<CacheRequest>,
    size_bytes_max: u64,
    stores: &SourceStores<'_>,
) -> Result<Served, Denial> {
    if served.object.head().size_bytes().is_some() {
        return Ok(served);
    }
    let (status, how) = (served.status, served.how);
    let object = Unsized {
        cache: Rc::clone(stores.cache),
        ask: Rc::clone(asked),
        served,
        size_bytes_max,
    };
    Ok(Served {
        object: stores.arrivals.stored(object).await?,
        status,
        how,
        waiting: None,
    })
}

/// How long an object may turn out to be that comes without its length.
fn size_bytes_max(ask: &SourceRequest<'_>, wanted: ReadScope<'_>) -> u64 {
    match wanted {
        ReadScope::Parts => kept_size_bytes_max(&ask.state.snapshot.node.cache),
        ReadScope::Whole { size_bytes_max, .. } | ReadScope::Presence { size_bytes_max } => {
            size_bytes_max
        }
    }
}

/// Returns the maximum size of an object that is waited for. Of one that takes more of the cache, the first bytes could
/// be evicted when the last ones arrive.
fn kept_size_bytes_max(settings: &CacheSettings) -> u64 {
    let disk = settings.disk.as_ref().map_or(0, |disk| disk.size_bytes_max);
    (settings.memory_size_bytes_max as u64).max(disk) / 2
}

/// Returns the codings of an object, if it can be read as wanted in spite of them.
pub(super) fn readable_codings(
    headers: &HeaderMap,
    wanted: ReadScope<'_>,
) -> Result<AppliedCodings, Denial> {
    let codings = AppliedCodings::of(headers);
    let is_readable = match wanted {
        // A range of compressed bytes is no range of the text.
        ReadScope::Parts => codings.is_plain(),
        ReadScope::Whole { .. } | ReadScope::Presence { .. } => {
            !codings.codings.contains(&AppliedCoding::Foreign)
                && codings.codings.len() <= CODINGS_MAX
        }
    };
    match (is_readable, wanted) {
        (true, _) => Ok(codings),
        (false, ReadScope::Parts) => Err(not_in_parts(ENCODED)),
        (false, ReadScope::Whole { .. } | ReadScope::Presence { .. }) => Err(encoded_text()),
    }
}

/// Obtains the object through the cache. An object that recently could not be shared is requested as the viewer
/// requested it; that response is of no use here, but it tells whether the next one can be shared.
async fn obtained(
    asked: &Rc<CacheRequest>,
    ask: &SourceRequest<'_>,
    stores: &SourceStores<'_>,
    wanted: ReadScope<'_>,
) -> Obtained {
    let is_cached = !ask.authorized.routed().behavior.cache_policy.is_disabled();
    match (stores.cache.obtain(asked).await, wanted) {
        (Obtained::Passed(response, _), ReadScope::Parts)
            if is_cached && refused_by_origin(response.status).is_none() =>
        {
            response.body.discard();
            stores.cache.obtain(asked).await
        }
        (obtained, _) => obtained,
    }
}

/// Returns the request for the object itself, whatever is made of it and for whom.
fn ask_of(ask: &SourceRequest<'_>, wanted: ReadScope<'_>) -> Rc<CacheRequest> {
    let mut headers = ask.request.headers.clone();
    for name in DERIVED_FIELDS {
        headers.remove(name);
    }
    match wanted {
        ReadScope::Parts => _ = headers.insert(RANGE, FIRST_RANGE.to_header_value()),
        ReadScope::Whole { .. } | ReadScope::Presence { .. } => {}
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
    Rc::new(CacheRequest::new(
        ask.authorized,
        &request,
        &facts,
        (key, digest),
    ))
}

/// Opens a response that is not cached: of use only if all of it is wanted.
async fn passed(
    response: OriginResponse,
    status: CacheStatus,
    ask: &SourceRequest<'_>,
    wanted: ReadScope<'_>,
) -> Result<Source, Denial> {
    if response.status == StatusCode::RANGE_NOT_SATISFIABLE && matches!(wanted, ReadScope::Parts) {
        // The first request starts at the first byte, so there is none: the same as an empty file in a folder.
        response.body.discard();
        return Ok(in_memory(Bytes::new(), HeaderMap::new(), status, ask));
    }
    let readable = match refused_by_origin(response.status) {
        Some(denial) => Err(denial),
        None => of_whole(response.status, wanted)
            .and_then(|()| readable_codings(&response.headers, wanted)),
    };
    let (size_bytes_max, memory) = match (readable, wanted) {
        (
            Ok(_),
            ReadScope::Whole {
                size_bytes_max,
                memory,
            },
        ) => (size_bytes_max, memory),
        (readable, ReadScope::Parts | ReadScope::Whole { .. } | ReadScope::Presence { .. }) => {
            response.body.discard();
            return match (readable, wanted) {
                (Err(denial), _) => Err(denial),
                (Ok(_), ReadScope::Parts) => Err(not_in_parts(UNCACHEABLE)),
                (Ok(_), _) => Ok(in_memory(Bytes::new(), response.headers, status, ask)),
            };
        }
    };
    let bytes = whole(response.body, size_bytes_max, memory).await?;
    Ok(in_memory(bytes, response.headers, status, ask))
}

/// Refuses a 206 to a request for the whole: nobody asked for a part, so it is not the object, whatever it says
/// (fidelity note F98).
fn of_whole(status: StatusCode, wanted: ReadScope<'_>) -> Result<(), Denial> {
    match wanted {
        ReadScope::Parts => Ok(()),
        ReadScope::Whole { .. } | ReadScope::Presence { .. } => match status {
            StatusCode::PARTIAL_CONTENT => Err(not_in_parts(UNASKED_PART)),
            _ => Ok(()),
        },
    }
}

/// Reads a whole body, whose bytes are charged before they are read.
async fn whole(
    mut body: OriginBody,
    size_bytes_max: u64,
    memory: &BodyMemory,
) -> Result<Bytes, Denial> {
    let expected = body.promised().unwrap_or(0);
    let gathered = GatheredBytes::expecting(expected, size_bytes_max, memory);
    let mut gathered = gathered.map_err(ungathered)?;
    while let Some(piece) = body.next().await {
        let piece = piece.map_err(|fault| origin_denial(fault.kind))?;
        gathered.push(&piece).map_err(ungathered)?;
    }
    Ok(gathered.end())
}

/// Returns the denial for bytes that cannot be held.
pub(crate) fn ungathered(fault: GatherFault) -> Denial {
    match fault {
        GatherFault::TooLarge => too_large_text(),
        GatherFault::NoMemory => Denial::CapacityExceeded,
    }
}

fn in_memory(
    bytes: Bytes,
    headers: HeaderMap,
    status: CacheStatus,
    ask: &SourceRequest<'_>,
) -> Source {
    Source {
        size_bytes: bytes.len() as u64,
        content: SourceContent::Memory(bytes),
        identity: unique(),
        path: ask.request.path.to_owned(),
        codings: AppliedCodings::of(&headers),
        headers,
        how: CacheResult::Miss,
        status: Some(status),
        waiting: RefCell::default(),
    }
}
