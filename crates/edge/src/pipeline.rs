//! The walk of a request: route, authorize, origin, respond, log.

use crate::answer::Answer;
use crate::body::ViewerBody;
use crate::exchange::{Exchange, OpenExchange, headers_size_bytes};
use crate::origin::OriginError;
use crate::test_clock;
use crate::worker::{Admitted, WorkerShared};
use http::header::{CONNECTION, DATE, HOST, HeaderName, SERVER, VIA};
use http::request::Parts;
use http::{HeaderValue, Method, Response, Version};
use hyper::body::Incoming;
use privet_distribution::{
    Denial, Limits, PageAuthor, ViewerRequest, authorize, denial_page, no_such_key_page, options,
    preflight, route, select,
};
use privet_sign::Grant;
use std::convert::Infallible;
use std::sync::Arc;

static X_CACHE: HeaderName = HeaderName::from_static("x-cache");
static X_AMZ_CF_POP: HeaderName = HeaderName::from_static("x-amz-cf-pop");
static X_AMZ_CF_ID: HeaderName = HeaderName::from_static("x-amz-cf-id");

/// HTTP/2 data frames of this size fill one TLS record together with their head.
const H2_FRAME_SIZE_BYTES: usize = 16_384 - 9;

/// Answers one request. The exchange goes with the body and is logged when the last byte is gone.
pub(crate) async fn handle(
    admitted: Admitted,
    shared: &WorkerShared,
) -> Result<Response<ViewerBody>, Infallible> {
    let (mut exchange, mut body) = match admitted {
        Admitted::Yes(exchange, body) => (exchange, body),
        Admitted::No(exchange) => {
            let page = denial_page(&Denial::CapacityExceeded, &exchange.request_id);
            return Ok(finish(Answer::page(page), exchange, shared));
        }
    };
    let answer = match test_clock::answer(&exchange, &mut body, shared).await {
        Some(answer) => answer,
        None => walk(&mut exchange, shared).await,
    };
    Ok(finish(answer, exchange, shared))
}

async fn walk(exchange: &mut Exchange, shared: &WorkerShared) -> Answer {
    let result = object_or_denial(exchange, shared).await;
    result.unwrap_or_else(|denial| {
        let page = if denial == Denial::NotFound {
            let key = exchange.viewer_request().path.strip_prefix('/');
            no_such_key_page(key, &exchange.request_id)
        } else {
            denial_page(&denial, &exchange.request_id)
        };
        let mut answer = Answer::page(page);
        answer.outcome.refusal = Some(denial.token());
        answer
    })
}

async fn object_or_denial(
    exchange: &mut Exchange,
    shared: &WorkerShared,
) -> Result<Answer, Denial> {
    let state = Arc::clone(&exchange.state);
    let limits = &state.snapshot.limits;
    let head_size_bytes = exchange.request_head_size_bytes();
    let request = exchange.viewer_request();
    within_limits(&request, head_size_bytes, limits)?;
    well_formed(&exchange.parts)?;
    let routed = route(&state.snapshot, &request)?;
    let distribution = Arc::clone(routed.distribution);
    if let Some(answer) = preflight(&routed, &request) {
        exchange.distribution = Some(distribution);
        return Ok(Answer::options(answer));
    }
    let authorized = authorize(routed, &request, exchange.now, &shared.memory);
    // From here on the request belongs to a distribution, whose log gets it.
    exchange.distribution = Some(distribution);
    let authorized = authorized?;
    let request = exchange.viewer_request();
    if request.method == Method::OPTIONS {
        return Ok(Answer::options(options(&authorized)));
    }
    let object = state
        .origin(&authorized)
        .fetch(&authorized, request.path)
        .await
        .map_err(denial)?;
    let selection = select(
        request.method,
        request.headers,
        &object.head.representation,
        limits.ranges_max,
    );
    let mut answer = Answer::object(&object, selection, exchange.connection.sends_files);
    if shared.log.is_live() {
        answer.outcome.grant = authorized.grant().map(Grant::fingerprint);
    }
    Ok(answer)
}

/// The limits that CloudFront documents for the request line and head.
fn within_limits(
    request: &ViewerRequest<'_>,
    head_size_bytes: u64,
    limits: &Limits,
) -> Result<(), Denial> {
    // The URL is measured as CloudFront's guide counts it: scheme, host, path and query.
    let scheme_size_bytes = match request.scheme {
        privet_sign::Scheme::Http => "http://".len(),
        privet_sign::Scheme::Https => "https://".len(),
    };
    let query_size_bytes = request.query.map_or(0, |query| query.len() + 1);
    let url_size_bytes =
        scheme_size_bytes + request.host.len() + request.path.len() + query_size_bytes;
    if url_size_bytes > limits.url_size_bytes_max
        || head_size_bytes > limits.head_size_bytes_max as u64
    {
        return Err(Denial::HeadTooLarge);
    }
    Ok(())
}

/// What hyper leaves to us: exactly one `Host` (RFC 9112 3.2), no authority in place of a path (RFC 9112 3.2.3).
fn well_formed(parts: &Parts) -> Result<(), Denial> {
    let hosts = parts.headers.get_all(HOST).iter().count();
    let no_host = hosts == 0 && parts.version == Version::HTTP_11;
    let only_authority = parts.uri.scheme().is_none() && parts.uri.authority().is_some();
    if hosts > 1 || no_host || (only_authority && parts.method != Method::CONNECT) {
        return Err(Denial::BadRequest);
    }
    Ok(())
}

fn denial(error: OriginError) -> Denial {
    match error {
        OriginError::NotFound => Denial::NotFound,
        OriginError::Unreadable => Denial::OriginUnreadable,
    }
}

/// Adds what every answer has and hands the exchange to its body.
fn finish(
    mut answer: Answer,
    mut exchange: OpenExchange,
    shared: &WorkerShared,
) -> Response<ViewerBody> {
    let version = exchange.parts.version;
    let spent = exchange.connection.request_count()
        >= exchange.state.snapshot.limits.requests_per_connection_max;
    let headers = &mut answer.headers;
    let server = match answer.author {
        PageAuthor::Edge => exchange.state.server.clone(),
        PageAuthor::Origin => HeaderValue::from_static("AmazonS3"),
    };
    headers.insert(SERVER, server);
    headers.insert(DATE, shared.date(exchange.now));
    if version < Version::HTTP_2 {
        // A body that nobody reads ends the connection: what follows it could be taken for a request.
        let ends = answer.close || spent || exchange.has_body || *shared.drain.borrow();
        let connection = if ends || !viewer_stays(&exchange.parts) {
            "close"
        } else {
            "keep-alive"
        };
        headers.insert(CONNECTION, HeaderValue::from_static(connection));
    }
    headers.insert(&X_CACHE, HeaderValue::from_static(answer.x_cache));
    headers.insert(VIA, shared.via.clone());
    headers.insert(&X_AMZ_CF_POP, exchange.state.location.clone());
    if let Ok(id) = HeaderValue::from_str(&exchange.request_id) {
        headers.insert(&X_AMZ_CF_ID, id);
    }
    test_clock::mark(headers, shared, &exchange);

    let reason = answer.status.canonical_reason().unwrap_or("").len();
    let head_size_bytes = "HTTP/1.1 200 \r\n".len() + reason + headers_size_bytes(headers) + 2;
    exchange.outcome = answer.outcome;
    exchange.outcome.head_size_bytes = head_size_bytes as u64;
    exchange.answered();
    if exchange.parts.method == Method::HEAD {
        answer.pieces.clear();
    }
    let frame_size_bytes_max = if version == Version::HTTP_2 {
        H2_FRAME_SIZE_BYTES
    } else {
        usize::MAX
    };
    let body = ViewerBody::new(answer.pieces, frame_size_bytes_max, exchange);
    let mut response = Response::new(body);
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    response
}

/// Whether the viewer wants the connection to persist (RFC 9112 9.3).
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

/// The request's body is never read but for the test clock.
pub(crate) type RequestBody = Incoming;
