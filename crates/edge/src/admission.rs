//! Decides whether a request is handled at all: that takes a slot in the log, and memory for its response.

use crate::answer_memory::BodyMemory;
use crate::connection_state::ConnectionState;
use crate::context::WorkerContext;
use crate::exchange::{OpenExchange, Received, headers_memory_size_bytes};
use crate::log::LogSlot;
use crate::request_body::RequestBody;
use http::request::Parts;
use http::{Request, Version};
use http_body::Body;
use hyper::body::Incoming;
use privet_distribution::request::Denial;
use std::rc::Rc;

/// A request that has a slot in the log and memory for its response, or one that lacks either.
#[derive(Debug)]
pub(crate) enum Admitted {
    Yes(OpenExchange, RequestBody),
    No(OpenExchange, Denial),
}

/// Maximum number of header fields. HTTP/2 can pack a field into a single byte, so the limit is the one that hyper sets
/// for HTTP/1.1.
const FIELDS_MAX: usize = 100;

/// Opens the record of a request, before anything is decided.
pub(crate) fn admit(
    request: Request<Incoming>,
    connection: &Rc<ConnectionState>,
    context: &WorkerContext,
) -> Admitted {
    let (parts, body) = request.into_parts();
    let state = context.current();
    let limits = &state.snapshot.node.limits;
    let has_body = !body.is_end_stream();
    let body = RequestBody::new(body, limits);
    let slot = context.ends.log.reserve(limits.log_queue_records_max);
    let memory = answer_memory(&parts, &slot, connection);
    let is_http2 = parts.version == Version::HTTP_2;
    let (memory, denial) = match memory {
        Ok(memory) => (memory, None),
        Err(denial) => (connection.memory.refusal(), Some(denial)),
    };
    let received = Received::new(parts, has_body, Rc::clone(connection), state, memory);
    match denial {
        None => Admitted::Yes(OpenExchange::new(received, slot), body),
        // An HTTP/1.1 connection has one request at a time, whose headers about the connection still count.
        Some(denial) if is_http2 => {
            Admitted::No(OpenExchange::new(received.without_request(), slot), denial)
        }
        Some(denial) => Admitted::No(OpenExchange::new(received, slot), denial),
    }
}

/// Returns memory for the response, or the reason why there is none.
fn answer_memory(
    parts: &Parts,
    slot: &LogSlot,
    connection: &ConnectionState,
) -> Result<BodyMemory, Denial> {
    if parts.headers.len() > FIELDS_MAX {
        return Err(Denial::HeadTooLarge);
    }
    if *slot == LogSlot::Refused {
        return Err(Denial::CapacityExceeded);
    }
    let target = parts
        .uri
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    let authority = parts
        .uri
        .authority()
        .map_or(0, |authority| authority.as_str().len());
    let head_size_bytes = target + authority + headers_memory_size_bytes(&parts.headers);
    let admitted = connection.memory.admit(head_size_bytes as u64);
    admitted.ok_or(Denial::CapacityExceeded)
}
