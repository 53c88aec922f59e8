//! The requests over the socket that are older than `/v1`, and keep their forms: the command line sends them.
//!
//! `POST /invalidations`, `GET /invalidations`, `GET /invalidations/ID`, `GET /cache`, `GET /origins`,
//! `POST /origins/probe`.

use crate::operations::cache_report;
use crate::operator_server::OperatorServer;
use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::header::{ALLOW, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use privet_edge::{
    Invalidation, InvalidationError, InvalidationItem, InvalidationReach, KnownObject,
    OriginPrivacy, ProbeError, ProbeScope, Probing, WritingCheck,
};
use serde::Deserialize;
use serde_json::{Value, json};
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
pub(super) async fn answer(server: &OperatorServer, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let answered = match Call::of(&parts) {
        Ok(Call::Invalidate) => invalidate(server, body).await,
        Ok(Call::List { count_max }) => Ok(list(server, count_max)),
        Ok(Call::Show { id }) => show(server, id),
        Ok(Call::Cache) => Ok(cache_report(&server.edge)),
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

    fn page(&self) -> Response<Body> {
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

async fn invalidate(server: &OperatorServer, body: Body) -> Result<Value, Refusal> {
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

async fn probe(server: &OperatorServer, body: Body) -> Result<Value, Refusal> {
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
    Ok(origins(&server.probe(probing).await?))
}

fn origins(privacy: &[OriginPrivacy]) -> Value {
    json!({ "origins": privacy.iter().map(OriginPrivacy::to_json).collect::<Vec<_>>() })
}

fn parse<T: for<'a> Deserialize<'a>>(bytes: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(bytes).map_err(|error| Refusal::Json(error.to_string()))
}

async fn read(body: Body) -> Result<Bytes, Refusal> {
    if body.size_hint().lower() > BODY_SIZE_BYTES_MAX as u64 {
        return Err(Refusal::BodyTooLarge);
    }
    let reading = Limited::new(body, BODY_SIZE_BYTES_MAX).collect();
    match timeout(BODY_TIMEOUT, reading).await {
        Err(_) => Err(Refusal::BodyTimeout),
        // Trailers carry nothing here.
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.downcast_ref::<LengthLimitError>().is_some() => {
            Err(Refusal::BodyTooLarge)
        }
        Ok(Err(_)) => Err(Refusal::BodyBroken),
    }
}

fn page(status: StatusCode, value: &Value) -> Response<Body> {
    let text = format!("{value}\n");
    let length = HeaderValue::from(text.len());
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_LENGTH, length);
    response
}
