//! The operator's requests over the socket: HTTP/1.1 and JSON.
//!
//! `POST /invalidations`, `GET /invalidations`, `GET /invalidations/ID`, `GET /cache`, `GET /origins`,
//! `POST /origins/probe`.

use crate::operator_server::OperatorServer;
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use privet_edge::{
    Invalidation, InvalidationError, InvalidationItem, InvalidationReach, KnownObject,
    OriginPrivacy, ProbeError, ProbeScope, Probing, WritingCheck,
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use thiserror::Error;
use tokio::time::timeout;

const BODY_SIZE_BYTES_MAX: usize = 1024 * 1024;
const BODY_TIMEOUT: Duration = Duration::from_secs(10);
/// Number of invalidations listed unless the operator gives another.
const LISTED_DEFAULT: usize = 100;
const LISTED_MAX: usize = 10_000;
/// Maximum number of objects in one probe; one object of each origin is enough.
const PROBE_OBJECTS_MAX: usize = 1_000;

/// Responds to one request, whatever it is.
pub(super) async fn answer(server: &OperatorServer, request: Request<Incoming>) -> Response<Page> {
    let (parts, body) = request.into_parts();
    let answered = match Call::of(&parts) {
        Ok(Call::Invalidate) => invalidate(server, body).await,
        Ok(Call::List { count_max }) => Ok(list(server, count_max)),
        Ok(Call::Show { id }) => show(server, id),
        Ok(Call::Cache) => Ok(cache(server)),
        Ok(Call::Origins) => Ok(origins(&server.edge.privacy_of_origins())),
        Ok(Call::Probe) => probe(server, body).await,
        Err(refusal) => Err(refusal),
    };
    match answered {
        Ok(value) => page(StatusCode::OK, &value),
        Err(refusal) => refusal.page(),
    }
}

/// A request of the operator.
enum Call<'a> {
    Invalidate,
    List { count_max: usize },
    Show { id: &'a str },
    Cache,
    Origins,
    Probe,
}

impl<'a> Call<'a> {
    fn of(parts: &'a http::request::Parts) -> Result<Self, Refusal> {
        let path = parts.uri.path();
        let is_get = parts.method == Method::GET;
        let is_post = parts.method == Method::POST;
        match path {
            "/invalidations" if is_post => Ok(Call::Invalidate),
            "/invalidations" if is_get => Ok(Call::List {
                count_max: count_max(parts.uri.query())?,
            }),
            "/invalidations" => Err(Refusal::Method("GET, POST")),
            "/cache" if is_get => Ok(Call::Cache),
            "/origins" if is_get => Ok(Call::Origins),
            "/origins/probe" if is_post => Ok(Call::Probe),
            "/origins/probe" => Err(Refusal::Method("POST")),
            "/cache" | "/origins" => Err(Refusal::Method("GET")),
            path => match path.strip_prefix("/invalidations/") {
                Some(id) if is_get => Ok(Call::Show { id }),
                Some(_) => Err(Refusal::Method("GET")),
                None => Err(Refusal::NoSuchPath),
            },
        }
    }
}

fn count_max(query: Option<&str>) -> Result<usize, Refusal> {
    let Some(query) = query else {
        return Ok(LISTED_DEFAULT);
    };
    let count = query.strip_prefix("count=").and_then(|c| c.parse().ok());
    count
        .filter(|count| (1..=LISTED_MAX).contains(count))
        .ok_or(Refusal::Count)
}

/// The reason why a request is refused; the texts are for the operator.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
enum Refusal {
    #[error("there is no such path")]
    NoSuchPath,
    #[error("this method is not supported here")]
    Method(&'static str),
    #[error("the query is not count=N with N from 1 to {LISTED_MAX}")]
    Count,
    #[error("the body has more than {BODY_SIZE_BYTES_MAX} bytes; split it")]
    BodyTooLarge,
    #[error("the body did not arrive in time")]
    BodyTimeout,
    #[error("the body is truncated")]
    BodyBroken,
    #[error("the body is invalid: {0}")]
    Json(String),
    #[error("the path {written:?} {reason}")]
    Path { written: String, reason: String },
    #[error("the tag {written:?} {reason}")]
    Tag { written: String, reason: String },
    #[error("there are more than {PROBE_OBJECTS_MAX} objects; send several requests")]
    TooManyObjects,
    #[error(transparent)]
    Probe(#[from] ProbeError),
    #[error("there is no invalidation {0:?}, or it is too old to be remembered")]
    NoSuchInvalidation(String),
    #[error(transparent)]
    Invalidation(#[from] InvalidationError),
    #[error("the thread for this has failed: please report this")]
    ThreadLost,
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Refusal::NoSuchPath | Refusal::NoSuchInvalidation(_) => StatusCode::NOT_FOUND,
            Refusal::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Refusal::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Refusal::Count
            | Refusal::BodyBroken
            | Refusal::Json(_)
            | Refusal::Path { .. }
            | Refusal::Tag { .. }
            | Refusal::TooManyObjects => StatusCode::BAD_REQUEST,
            Refusal::Probe(error) => match error {
                ProbeError::Object { .. } => StatusCode::BAD_REQUEST,
                ProbeError::UnknownDistribution(_) | ProbeError::LeadsNowhere(_) => {
                    StatusCode::NOT_FOUND
                }
                ProbeError::Runtime(_) => StatusCode::INTERNAL_SERVER_ERROR,
            },
            Refusal::Invalidation(error) => match error {
                InvalidationError::NoItems
                | InvalidationError::TooManyItems { .. }
                | InvalidationError::TooManyWildcards { .. }
                | InvalidationError::TooLong { .. } => StatusCode::BAD_REQUEST,
                InvalidationError::UnknownDistribution(_) => StatusCode::NOT_FOUND,
                InvalidationError::JournalFull | InvalidationError::Journal(_) => {
                    StatusCode::SERVICE_UNAVAILABLE
                }
            },
            Refusal::ThreadLost => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    fn page(&self) -> Response<Page> {
        let mut page = page(self.status(), &json!({ "error": self.to_string() }));
        if let Refusal::Method(allowed) = self {
            let allowed = HeaderValue::from_static(allowed);
            page.headers_mut().insert(ALLOW, allowed);
        }
        page
    }
}

/// The body of `POST /invalidations`.
#[derive(Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with distribution, paths and tags"
)]
struct InvalidationRequest {
    distribution: String,
    #[serde(default)]
    paths: Vec<String>,
    #[serde(default)]
    tags: Vec<String>,
}

impl InvalidationRequest {
    fn items(&self) -> Result<Vec<InvalidationItem>, Refusal> {
        let paths = self.paths.iter().map(|written| {
            InvalidationItem::path(written).map_err(|reason| Refusal::Path {
                written: written.clone(),
                reason,
            })
        });
        let tags = self.tags.iter().map(|written| {
            InvalidationItem::tag(written).map_err(|reason| Refusal::Tag {
                written: written.clone(),
                reason,
            })
        });
        paths.chain(tags).collect()
    }
}

async fn invalidate(server: &OperatorServer, body: Incoming) -> Result<Value, Refusal> {
    let wanted: InvalidationRequest = parse(&read(body).await?)?;
    let items = wanted.items()?;
    let edge = server.edge.clone();
    // An invalidation waits for the disk.
    let work = tokio::task::spawn_blocking(move || edge.invalidate(&wanted.distribution, &items));
    let invalidation = work.await.map_err(|_| Refusal::ThreadLost)??;
    Ok(whole(&invalidation))
}

fn list(server: &OperatorServer, count_max: usize) -> Value {
    let latest = server.edge.invalidations(count_max);
    let summaries = latest.iter().map(|invalidation| {
        let mut summary = summary(invalidation);
        summary["items"] = invalidation.items.len().into();
        summary
    });
    json!({ "invalidations": summaries.collect::<Vec<_>>() })
}

fn show(server: &OperatorServer, id: &str) -> Result<Value, Refusal> {
    match server.edge.invalidation(id) {
        Some(invalidation) => Ok(whole(&invalidation)),
        None => Err(Refusal::NoSuchInvalidation(id.to_owned())),
    }
}

fn summary(invalidation: &Invalidation) -> Value {
    json!({
        "id": invalidation.id,
        "distribution": invalidation.distribution_id,
        "status": "Completed",
        "created": invalidation.created.as_secs(),
    })
}

fn whole(invalidation: &Invalidation) -> Value {
    let (tags, paths): (Vec<&InvalidationItem>, Vec<&InvalidationItem>) = invalidation
        .items
        .iter()
        .partition(|item| item.reach() == InvalidationReach::Tag);
    let written = |items: Vec<&InvalidationItem>| -> Vec<Value> {
        items.iter().map(|item| item.as_str().into()).collect()
    };
    let mut whole = summary(invalidation);
    whole["paths"] = written(paths).into();
    whole["tags"] = written(tags).into();
    whole
}

fn cache(server: &OperatorServer) -> Value {
    let statistics = server.edge.cache_statistics();
    let settings = server.edge.cache_settings();
    let disk = settings.disk.as_ref();
    json!({
        "objects": statistics.objects,
        "blocks": statistics.blocks,
        "memory_bytes": statistics.memory_bytes,
        "memory_bytes_max": settings.memory_size_bytes_max,
        "disk_entries": statistics.disk_entries,
        "disk_bytes": statistics.disk_bytes,
        "disk_bytes_max": disk.map(|disk| disk.size_bytes_max),
        "index_bytes": statistics.index_bytes,
        "hits_memory": statistics.hits_memory,
        "hits_disk": statistics.hits_disk,
        "misses": statistics.misses,
        "evictions_memory": statistics.evictions_memory,
        "evictions_disk": statistics.evictions_disk,
        "writes": statistics.writes,
        "writes_skipped": statistics.writes_skipped,
        "read_failures": statistics.read_failures,
    })
}

/// The body of `POST /origins/probe`, which may be empty.
#[derive(Debug, Default, Deserialize)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "an object with object, objects and write"
)]
struct WantedProbe {
    object: Option<String>,
    objects: Vec<String>,
    write: bool,
}

async fn probe(server: &OperatorServer, body: Incoming) -> Result<Value, Refusal> {
    let bytes = read(body).await?;
    let wanted: WantedProbe = if bytes.is_empty() {
        WantedProbe::default()
    } else {
        parse(&bytes)?
    };
    let objects = wanted.object.iter().chain(&wanted.objects);
    if objects.clone().count() > PROBE_OBJECTS_MAX {
        return Err(Refusal::TooManyObjects);
    }
    let probing = Probing {
        scope: ProbeScope::Servers,
        objects: objects
            .map(|object| object.parse::<KnownObject>())
            .collect::<Result<_, _>>()?,
        writing: if wanted.write {
            WritingCheck::Try
        } else {
            WritingCheck::Read
        },
    };
    Ok(origins(&server.probe(&probing).await?))
}

fn origins(privacy: &[OriginPrivacy]) -> Value {
    json!({ "origins": privacy.iter().map(OriginPrivacy::to_json).collect::<Vec<_>>() })
}

fn parse<T: for<'a> Deserialize<'a>>(bytes: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(bytes).map_err(|error| Refusal::Json(error.to_string()))
}

async fn read(body: Incoming) -> Result<Vec<u8>, Refusal> {
    let reading = timeout(BODY_TIMEOUT, read_patiently(body)).await;
    reading.unwrap_or(Err(Refusal::BodyTimeout))
}

async fn read_patiently(mut body: Incoming) -> Result<Vec<u8>, Refusal> {
    if body.size_hint().lower() > BODY_SIZE_BYTES_MAX as u64 {
        return Err(Refusal::BodyTooLarge);
    }
    let mut bytes = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        let frame = frame.map_err(|_| Refusal::BodyBroken)?;
        // Trailers carry nothing here.
        let Ok(piece) = frame.into_data() else {
            continue;
        };
        if bytes.len() + piece.len() > BODY_SIZE_BYTES_MAX {
            return Err(Refusal::BodyTooLarge);
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// The body of a response, sent in one piece.
#[derive(Debug)]
pub(super) struct Page(Option<Bytes>);

impl Body for Page {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, Bytes::len) as u64)
    }
}

fn page(status: StatusCode, value: &Value) -> Response<Page> {
    let text = format!("{value}\n");
    let length = HeaderValue::from(text.len());
    let mut response = Response::new(Page(Some(Bytes::from(text))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_LENGTH, length);
    response
}
