//! The walk of a request: route, authorize, origin, respond, log.

mod coding;
mod error_page;
mod remote;

pub(crate) use remote::denial as origin_denial;

use crate::answer::{Answer, Speaker};
use crate::body::{ViewerBody, charge_own};
use crate::exchange::{Exchange, OpenExchange, headers_size_bytes};
use crate::film::{FilmWalk, ListAnswer, ReadyMade, is_list, list_without_wish};
use crate::origin::{FolderOrigin, OriginError};
use crate::request_body::RequestBody;
use crate::test_clock;
use crate::worker::{Admitted, WorkerShared};
use http::header::{CONNECTION, DATE, HOST, HeaderName, SERVER, TRANSFER_ENCODING, VIA};
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode, Version};
use privet_distribution::{
    Authorized, Denial, FilmSettings, Limits, ResultType, Routed, Snapshot, ViewerRequest,
    apply_response_policy, authorize, authorize_film, capped_by_grant, check_geo, check_session,
    denial_page, no_such_key_page, options, preflight, route, route_film, server_timing,
};
use privet_media::name::{FilmName, film_name};
use privet_sign::{SignatureMemory, Timestamp};
use std::sync::Arc;

static X_CACHE: HeaderName = HeaderName::from_static("x-cache");
static SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");
static X_AMZ_CF_POP: HeaderName = HeaderName::from_static("x-amz-cf-pop");
static X_AMZ_CF_ID: HeaderName = HeaderName::from_static("x-amz-cf-id");

/// HTTP/2 data frames of this size fill one TLS record together with their head.
const H2_FRAME_SIZE_BYTES: usize = 16_384 - 9;

/// Answers one request. The exchange goes with the body and is logged when the last byte is gone.
pub(crate) async fn handle(
    admitted: Admitted,
    shared: &WorkerShared,
) -> Result<Response<ViewerBody>, h2::Error> {
    let (mut exchange, mut body) = match admitted {
        Admitted::Yes(exchange, body) => (exchange, body),
        Admitted::No(exchange, denial) => return refuse(exchange, &denial, shared),
    };
    let answer = match test_clock::answer(&exchange, &mut body, shared).await {
        Some(answer) => answer,
        None => walk(&mut exchange, body, shared).await,
    };
    Ok(finish(answer, exchange, shared))
}

/// The page that says why a request was not admitted. An HTTP/2 stream for which not even that has room is reset: the
/// viewer may ask again (RFC 9113 8.7).
fn refuse(
    mut exchange: OpenExchange,
    denial: &Denial,
    shared: &WorkerShared,
) -> Result<Response<ViewerBody>, h2::Error> {
    let memory = &exchange.connection.memory;
    let refused = match exchange.parts.version {
        Version::HTTP_2 => memory.try_refuse(),
        _ => Some(memory.refuse()),
    };
    exchange.refused = Some(refused.ok_or(h2::Reason::REFUSED_STREAM)?);
    let page = denial_page(denial, &exchange.request_id);
    Ok(finish(Answer::page(page), exchange, shared))
}

async fn walk(exchange: &mut Exchange, body: RequestBody, shared: &WorkerShared) -> Answer {
    let result = object_or_denial(exchange, body, shared).await;
    if let Err(denial) = &result
        && exchange.may_be_of_a_proxy(denial)
    {
        shared.proxy_complaints.unbelieved(exchange.connection.peer);
    }
    if let Err(Denial::UnknownHost) = result {
        let hosts = &shared.shortages.hosts;
        hosts.hear(|count| exchange.unknown_host_note(count));
    }
    let answer = result.unwrap_or_else(|denial| denied(exchange, &denial));
    let mut answer = error_page::in_place_of(answer, exchange, shared).await;
    if let Some(policy) = &exchange.response_policy {
        apply_response_policy(policy, &exchange.parts.headers, &mut answer.headers);
        let timing = server_timing(
            policy.server_timing_percent,
            &exchange.request_id,
            answer.outcome.result.unwrap_or(ResultType::Error),
            &exchange.state.snapshot.edge.location,
        );
        if let Some(timing) = timing {
            answer.headers.append(&SERVER_TIMING, timing);
        }
    }
    // Last, so that no policy lets a browser keep what its grant has ended for.
    if let Some(until) = exchange.grant_until
        && let Some(cap) = capped_by_grant(&answer.headers, until, exchange.now)
    {
        cap.apply(&mut answer.headers);
    }
    answer
}

fn denied(exchange: &Exchange, denial: &Denial) -> Answer {
    let page = if *denial == Denial::NotFound {
        let key = exchange.viewer_request().path.strip_prefix('/');
        no_such_key_page(key, &exchange.request_id)
    } else {
        denial_page(denial, &exchange.request_id)
    };
    let mut answer = Answer::page(page);
    answer.outcome.refusal = Some(denial.token());
    answer
}

async fn object_or_denial(
    exchange: &mut Exchange,
    body: RequestBody,
    shared: &WorkerShared,
) -> Result<Answer, Denial> {
    let state = Arc::clone(&exchange.state);
    let limits = &state.snapshot.limits;
    let head_size_bytes = exchange.request_head_size_bytes();
    let request = exchange.viewer_request();
    within_limits(&request, head_size_bytes, limits)?;
    well_formed(&exchange.parts)?;
    if let Err(fault) = &exchange.told {
        let peer = exchange.connection.peer;
        shared.proxy_complaints.contradicts(peer, fault);
        return Err(Denial::BadRequest);
    }
    let (routed, asked) = asked(&state.snapshot, &request)?;
    let distribution = Arc::clone(routed.distribution);
    let country = state.country(exchange.viewer);
    let served_there = check_geo(&distribution, country);
    let preflight = preflight(&routed, &request).filter(|_| served_there.is_ok());
    let response_policy = routed.behavior.response_headers_policy.clone();
    let authorized = match preflight {
        Some(_) => None,
        None => Some(
            served_there
                .and_then(|()| check_session(&routed, &request))
                .and_then(|()| asked.authorize(routed, &request, exchange.now, &shared.memory)),
        ),
    };
    // From here on the request belongs to a distribution, whose log gets it.
    exchange.distribution = Some(distribution);
    exchange.response_policy = response_policy;
    let authorized = match (preflight, authorized) {
        (Some(answer), _) => return Ok(Answer::options(answer)),
        (None, Some(authorized)) => authorized?,
        (None, None) => return Err(Denial::BadRequest),
    };
    let object = Wanted {
        authorized: &authorized,
        request: exchange.viewer_request(),
        country,
        sends_files: exchange.connection.sends_files,
    };
    let film_name = asked.film_name(object.request.path);
    let film = film_name.zip(authorized.routed().films());
    let mut answer = match film {
        // What few requests take has a place of its own: the walk of each is moved about with all that it may come to.
        Some((name, settings)) => Box::pin(object.make(name, settings, exchange, shared)).await?,
        None => match object.list(exchange, shared).await? {
            ListAnswer::Made(answer) => *answer,
            ListAnswer::AsItIs => object.fetch(body, exchange, shared).await?,
            ListAnswer::Unread(denial) => {
                let words = Box::pin(object.fetch(body, exchange, shared)).await?;
                without_list(words, denial)?
            }
        },
    };
    if let Some(grant) = authorized.grant() {
        exchange.grant_until = Some(grant.until());
        if shared.log.is_live() {
            answer.outcome.grant = Some(grant.fingerprint());
        }
    }
    Ok(answer)
}

/// Whether a request is for an object, or for what is made of one.
#[derive(Clone, Copy)]
enum Asked {
    Object,
    Film,
}

/// Routes by the object that the path names. Where films are off, a name beneath a film is an ordinary path.
fn asked<'s>(
    snapshot: &'s Snapshot,
    request: &ViewerRequest<'_>,
) -> Result<(Routed<'s>, Asked), Denial> {
    if let Some(name) = film_name(request.path) {
        let routed = route_film(snapshot, request, name.object_path)?;
        if routed.films().is_some() {
            return Ok((routed, Asked::Film));
        }
    }
    Ok((route(snapshot, request)?, Asked::Object))
}

impl Asked {
    fn film_name(self, path: &str) -> Option<FilmName<'_>> {
        match self {
            Asked::Object => None,
            Asked::Film => film_name(path),
        }
    }

    fn authorize<'s>(
        self,
        routed: Routed<'s>,
        request: &ViewerRequest<'_>,
        now: Timestamp,
        memory: &dyn SignatureMemory,
    ) -> Result<Authorized<'s>, Denial> {
        match self.film_name(request.path) {
            None => authorize(routed, request, now, memory).or_else(|denial| {
                let without_wish = list_without_wish(&routed, request, &denial);
                let query = without_wish.ok_or_else(|| denial.clone())?;
                let request = ViewerRequest {
                    query: query.as_deref(),
                    ..*request
                };
                authorize(routed, &request, now, memory).map_err(|_| denial)
            }),
            Some(name) => authorize_film(routed, request, name.object_path, now, memory),
        }
    }
}

/// What an authorized request is about.
struct Wanted<'a> {
    authorized: &'a Authorized<'a>,
    request: ViewerRequest<'a>,
    country: Option<&'a str>,
    sends_files: bool,
}

impl Wanted<'_> {
    async fn make(
        &self,
        name: FilmName<'_>,
        settings: &FilmSettings,
        exchange: &Exchange,
        shared: &WorkerShared,
    ) -> Result<Answer, Denial> {
        let film = FilmWalk {
            authorized: self.authorized,
            request: self.request,
            name,
            settings,
            country: self.country,
            exchange,
            shared,
        };
        film.answer().await
    }

    /// An object that may be a list, with the viewer's grant in it.
    async fn list(&self, exchange: &Exchange, shared: &WorkerShared) -> Result<ListAnswer, Denial> {
        if !is_list(self.request.path) {
            return Ok(ListAnswer::AsItIs);
        }
        let list = ReadyMade {
            authorized: self.authorized,
            request: self.request,
            country: self.country,
            exchange,
            shared,
        };
        Box::pin(list.answer()).await
    }

    async fn fetch(
        &self,
        body: RequestBody,
        exchange: &Exchange,
        shared: &WorkerShared,
    ) -> Result<Answer, Denial> {
        match exchange.state.folder(self.authorized) {
            Some(folder) => self.read_folder(folder, exchange, shared).await,
            None => self.ask_origin(body, exchange, shared).await,
        }
    }

    async fn read_folder(
        &self,
        folder: &FolderOrigin,
        exchange: &Exchange,
        shared: &WorkerShared,
    ) -> Result<Answer, Denial> {
        if self.request.method == Method::OPTIONS {
            return Ok(Answer::options(options(self.authorized)));
        }
        let path = self.authorized.origin_path(self.request.path);
        let object = folder.fetch(&path).await.map_err(denial)?;
        let ranges_max = exchange.state.snapshot.limits.ranges_max;
        let cache = &shared.cache;
        Ok(self.folder_answer(&object, ranges_max, cache).await)
    }
}

/// What an origin says in place of a list that could not be read; never the list, which it may have by now.
fn without_list(words: Answer, denial: Denial) -> Result<Answer, Denial> {
    match words.status {
        StatusCode::NOT_MODIFIED => Err(denial),
        status if status.is_success() => Err(denial),
        _ => Ok(words),
    }
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

/// What hyper leaves to us: exactly one `Host` (RFC 9112 3.2), no authority in place of a path (RFC 9112 3.2.3), no target
/// of another scheme than we serve, no coding of a body that nobody here undoes (RFC 9112 6.1).
fn well_formed(parts: &Parts) -> Result<(), Denial> {
    let is_foreign = |scheme: &str| !matches!(scheme, "http" | "https");
    let mut codings = parts.headers.get_all(TRANSFER_ENCODING).iter();
    let is_chunked = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"chunked");
    let is_coded =
        codings.next().is_some_and(|value| !is_chunked(value)) || codings.next().is_some();
    if parts.uri.scheme_str().is_some_and(is_foreign) || is_coded {
        return Err(Denial::BadRequest);
    }
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
    if exchange.parts.method == Method::HEAD || answer.status == StatusCode::NOT_MODIFIED {
        answer.pieces.clear();
    }
    let own = charge_own(&mut answer.pieces, &exchange).unwrap_or_else(|| {
        answer = denied(&exchange, &Denial::CapacityExceeded);
        Vec::new()
    });
    let version = exchange.parts.version;
    let spent = exchange.connection.request_count()
        >= exchange.state.snapshot.limits.requests_per_connection_max;
    let headers = &mut answer.headers;
    let is_unset = |name: &HeaderName| headers.get(name).is_none_or(HeaderValue::is_empty);
    match answer.speaker {
        Speaker::Edge => _ = headers.insert(SERVER, exchange.state.server.clone()),
        Speaker::Folder => _ = headers.insert(SERVER, HeaderValue::from_static("AmazonS3")),
        Speaker::Origin if is_unset(&SERVER) => _ = headers.remove(SERVER),
        Speaker::Origin => {}
    }
    if answer.speaker != Speaker::Origin || headers.get(DATE).is_none_or(HeaderValue::is_empty) {
        headers.insert(DATE, shared.date(exchange.now));
    }
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
    headers.append(VIA, shared.via.clone());
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
