//! The walk's end: the headers that every response has, and the body that carries the exchange to its end.

use super::denied;
use crate::answer::{Answer, ServerHeader};
use crate::body::{ViewerBody, charge_own};
use crate::context::WorkerContext;
use crate::exchange::{OpenExchange, headers_size_bytes};
use crate::test_clock;
use http::header::{
    CONNECTION, CONTENT_RANGE, DATE, Entry, HeaderName, LAST_MODIFIED, SERVER, SET_COOKIE, VIA,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version};
use privet_distribution::request::Denial;

static X_CACHE: HeaderName = HeaderName::from_static("x-cache");
static X_AMZ_CF_POP: HeaderName = HeaderName::from_static("x-amz-cf-pop");
static X_AMZ_CF_ID: HeaderName = HeaderName::from_static("x-amz-cf-id");

/// Size of HTTP/2 data frames that fill one TLS record together with their header.
const H2_FRAME_SIZE_BYTES: usize = 16_384 - 9;

/// Adds the headers that every response has and hands the exchange to its body.
pub(super) fn finish(
    mut answer: Answer,
    mut exchange: OpenExchange,
    context: &WorkerContext,
) -> Response<ViewerBody> {
    if exchange.received.parts.method == Method::HEAD || answer.status == StatusCode::NOT_MODIFIED {
        answer.pieces.clear();
    }
    let own = charge_own(&mut answer.pieces, &exchange.received.memory).unwrap_or_else(|| {
        answer = denied(&exchange.received, &Denial::CapacityExceeded);
        Vec::new()
    });
    let received = &exchange.received;
    let version = received.parts.version;
    let spent = received.connection.request_count()
        >= received
            .state
            .snapshot
            .node
            .limits
            .requests_per_connection_max;
    let headers = &mut answer.headers;
    let is_unset = |name: &HeaderName| headers.get(name).is_none_or(HeaderValue::is_empty);
    match answer.speaker {
        ServerHeader::Edge => _ = headers.insert(SERVER, received.state.server.clone()),
        ServerHeader::Folder => _ = headers.insert(SERVER, HeaderValue::from_static("AmazonS3")),
        ServerHeader::Origin if is_unset(&SERVER) => _ = headers.remove(SERVER),
        ServerHeader::Origin => {}
    }
    if answer.speaker != ServerHeader::Origin || headers.get(DATE).is_none_or(HeaderValue::is_empty)
    {
        headers.insert(DATE, context.date(received.now));
    }
    if version < Version::HTTP_2 {
        // A body that nobody reads ends the connection: what follows it could be taken for a request.
        let ends = answer.close || spent || received.has_body || *context.edge.drain.borrow();
        let connection = if ends || !viewer_stays(&received.parts) {
            "close"
        } else {
            received.connection.will_stay();
            "keep-alive"
        };
        headers.insert(CONNECTION, HeaderValue::from_static(connection));
    }
    let x_cache = answer.outcome.response_result().x_cache();
    headers.insert(&X_CACHE, HeaderValue::from_static(x_cache));
    headers.append(VIA, context.via.clone());
    headers.insert(&X_AMZ_CF_POP, received.state.location.clone());
    if let Ok(id) = HeaderValue::from_str(&received.request_id) {
        headers.insert(&X_AMZ_CF_ID, id);
    }
    test_clock::mark(headers, context, received);
    if version == Version::HTTP_2 {
        spare_header_table(headers);
    }

    let reason = answer.status.canonical_reason().unwrap_or("").len();
    let head_size_bytes = "HTTP/1.1 200 \r\n".len() + reason + headers_size_bytes(headers) + 2;
    exchange.record.outcome = answer.outcome;
    exchange.record.outcome.head_size_bytes = head_size_bytes as u64;
    exchange.answered();
    let frame_size_bytes_max = if version == Version::HTTP_2 {
        H2_FRAME_SIZE_BYTES
    } else {
        usize::MAX
    };
    let body = ViewerBody::new((answer.pieces, own), frame_size_bytes_max, exchange);
    let mut response = Response::new(body);
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

/// Fields whose value no other response of the connection has.
const ONE_TIME_FIELDS: [HeaderName; 5] = [
    HeaderName::from_static("x-amz-cf-id"),
    HeaderName::from_static("server-timing"),
    CONTENT_RANGE,
    LAST_MODIFIED,
    SET_COOKIE,
];

/// Keeps one-time values out of the viewer's table of header fields (RFC 7541 6.2.3). Each would evict fields that
/// every response has, which would then have to be sent and entered again.
fn spare_header_table(headers: &mut HeaderMap) {
    for name in &ONE_TIME_FIELDS {
        if let Entry::Occupied(mut values) = headers.entry(name) {
            values
                .iter_mut()
                .for_each(|value| value.set_sensitive(true));
        }
    }
}

/// Returns true if the viewer wants the connection to persist (RFC 9112 9.3).
fn viewer_stays(parts: &Parts) -> bool {
    let says = |option: &str| {
        let values = parts.headers.get_all(CONNECTION).into_iter();
        values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|word| word.trim().eq_ignore_ascii_case(option))
    };
    !says("close") && (parts.version >= Version::HTTP_11 || says("keep-alive"))
}
