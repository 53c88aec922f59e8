//! CloudFront's API as an interface of the operators' side: requests in XML at dated paths.

use crate::app::{Answering, App, Door, Wire, handler};
use crate::authentication::Signatures;
use crate::cloudfront::api_error::ApiError;
use crate::cloudfront::call::Input;
use crate::cloudfront::dialect::Dialect;
use crate::cloudfront::handled::Handled;
use crate::cloudfront::handlers;
use crate::cloudfront::model::{Element, Need, Operation};
use crate::cloudfront::routing::{self, Found};
use crate::cloudfront::settings::Settings;
use crate::interface::{Interface, Note, Received, Repetition};
use crate::operation_error::OperationError;
use crate::operations::Operations;
use crate::operator::{Authenticated, Caller, RoleTooLow};
use crate::query::Query;
use crate::request_error::RequestError;
use arc_swap::ArcSwap;
use axum::extract::Request;
use bytes::Bytes;
use http::header::IF_MATCH;
use http::request::Parts;
use http::{HeaderMap, Method, Response};
use privet_store::DocumentName;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Header with an id that all attempts of a request have in common.
const INVOCATION_ID: &str = "amz-sdk-invocation-id";
/// Header with the number of the attempt.
const ATTEMPT: &str = "amz-sdk-request";

/// Longest path with its query, in bytes (developer guide, "Quotas").
const TARGET_BYTES_MAX: usize = 8192;
/// Most bytes of all header fields together, with the request line (developer guide, "Quotas").
const HEAD_BYTES_MAX: usize = 20_480;

/// What a request leads to.
#[derive(Clone, Debug)]
struct Target {
    settings: Arc<Settings>,
    /// Form of request and answer.
    dialect: Dialect,
    found: Result<Served, ApiError>,
}

/// An operation that is served.
#[derive(Clone, Debug)]
struct Served {
    operation: &'static Operation,
    handled: &'static Handled,
    /// Name of the operation in the audit trail.
    name: Arc<str>,
    parameters: BTreeMap<String, String>,
}

/// Returns the handler of all dated paths.
pub(crate) fn root(
    app: &Arc<App>,
    settings: &Arc<ArcSwap<Settings>>,
) -> impl Fn(Request) -> Answering + Clone + Send + Sync + 'static {
    let settings = Arc::clone(settings);
    handler(app, move |request| Target::of(request, &settings.load()))
}

impl Target {
    fn of(request: &Request, settings: &Arc<Settings>) -> Self {
        let uri = request.uri();
        let query = uri.query().unwrap_or_default();
        let (dialect, find): (_, Find) = match is_boto2(request, settings) {
            true => (Dialect::Boto2, routing::find_boto2),
            false => {
                let version = routing::version_of(uri.path());
                let dialect = version.map_or(Dialect::newest(), Dialect::Dated);
                (dialect, routing::find)
            }
        };
        Target {
            settings: Arc::clone(settings),
            dialect,
            found: check_size(request)
                .and_then(|()| find(request.method(), uri.path(), query))
                .and_then(served),
        }
    }
}

type Find = fn(&Method, &str, &str) -> Result<Found, ApiError>;

/// Returns true for a request in the version of boto 2, where that is served: over TLS alone, for whoever reads one of
/// its signatures can ask anything with it.
fn is_boto2(request: &Request, settings: &Settings) -> bool {
    let wire = request.extensions().get::<Door>().map(|door| door.wire);
    settings.boto2 && wire == Some(Wire::Tls) && routing::is_boto2(request.uri().path())
}

fn check_size(request: &Request) -> Result<(), ApiError> {
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    let headers = request.headers().iter();
    let headers: usize = headers
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    match target > TARGET_BYTES_MAX || target + headers > HEAD_BYTES_MAX {
        true => Err(ApiError::new(
            "RequestEntityTooLarge",
            "the URL or the headers are too long",
        )),
        false => Ok(()),
    }
}

fn served(found: Found) -> Result<Served, ApiError> {
    let Found {
        operation,
        parameters,
    } = found;
    let name = operation.name;
    let absent = || ApiError::unsupported(&format!("{name} is not supported here"));
    Ok(Served {
        operation,
        handled: handlers::find(name).ok_or_else(absent)?,
        name: format!("cloudfront.{name}").into(),
        parameters,
    })
}

impl Interface for Target {
    type Failure = ApiError;
    type Prepared = (&'static Handled, Input);

    const REQUEST_ID: &'static str = "x-amzn-requestid";

    fn signatures(&self) -> Signatures {
        match self.dialect {
            Dialect::Dated(_) => Signatures::OfRequests,
            Dialect::Boto2 => Signatures::OfDatesToo,
        }
    }

    fn operation(&self) -> &str {
        match &self.found {
            Ok(served) => &served.name,
            Err(_) => "none",
        }
    }

    fn note(&self) -> Note {
        Note::Refusals
    }

    fn subject(&self, _parameters: &BTreeMap<String, String>) -> Option<DocumentName> {
        let served = self.found.as_ref().ok()?;
        let id = served.parameters.get("Id")?;
        // Names that the store would not take were not found either.
        let is_name = id.len() <= privet_store::limits::ID_BYTES_MAX;
        is_name.then(|| DocumentName::new(served.handled.kind, id))
    }

    fn repetition(&self, parts: &Parts) -> Option<Repetition> {
        if parts.method == Method::GET {
            return None;
        }
        let text = |name| {
            parts
                .headers
                .get(name)
                .and_then(|value| value.to_str().ok())
        };
        let attempt = text(ATTEMPT).and_then(|text| {
            let mut fields = text.split(';').map(str::trim);
            fields.find_map(|field| field.strip_prefix("attempt="))
        });
        Some(Repetition {
            invocation: text(INVOCATION_ID).map(str::to_owned),
            attempt: attempt.and_then(|number| number.parse().ok()).unwrap_or(1),
        })
    }

    fn prepare(
        &self,
        caller: &Caller,
        received: Received,
    ) -> Result<(&'static Handled, Input), ApiError> {
        let Served {
            operation,
            handled,
            parameters,
            ..
        } = self.found.clone()?;
        if caller.role < handled.role {
            let needed = handled.role;
            return Err(OperationError::from(RoleTooLow { needed }).into());
        }
        let Received { parts, body, .. } = received;
        let element = operation.form.as_ref().and_then(|form| form.body);
        let input = Input {
            dialect: self.dialect,
            operation,
            settings: Arc::clone(&self.settings),
            parameters,
            query: read_query(operation, parts.uri.query().unwrap_or_default())?,
            if_match: read_if_match(&parts.headers)?,
            body: read_body(element, &body, self.dialect)?,
        };
        Ok((handled, input))
    }

    async fn perform(
        self,
        operations: Operations,
        authenticated: Authenticated,
        (handled, input): (&'static Handled, Input),
    ) -> Result<Response<Bytes>, ApiError> {
        let operation = input.operation;
        let reply = handled.answer(operations, authenticated, input).await?;
        Ok(reply.respond(operation, self.dialect))
    }

    fn refuse(&self, error: &ApiError, request_id: &str) -> Response<Bytes> {
        error.respond(&self.dialect.namespace(), request_id)
    }
}

/// Reads the parameters that the operation has; another one is refused.
fn read_query(
    operation: &Operation,
    query: &str,
) -> Result<BTreeMap<&'static str, String>, ApiError> {
    let mut query = Query::parse(query).map_err(RequestError::from)?;
    if let Some((name, _)) = operation.told_by {
        query.take(name);
    }
    let mut taken = BTreeMap::new();
    for name in operation.form.iter().flat_map(|form| &form.query) {
        if let Some(value) = query.take(name) {
            taken.insert(*name, value);
        }
    }
    query.finish().map_err(RequestError::from)?;
    Ok(taken)
}

/// Reads `If-Match`, which clients send with quotes or without.
fn read_if_match(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut values = headers.get_all(IF_MATCH).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    let fault = || ApiError::new("InvalidIfMatchVersion", "If-Match is not one ETag");
    let text = value.to_str().map_err(|_| fault())?.trim();
    if values.next().is_some() {
        return Err(fault());
    }
    let inner = text
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'));
    Ok(Some(inner.unwrap_or(text).to_owned()))
}

fn read_body(element: Option<Element>, body: &[u8], dialect: Dialect) -> Result<Value, ApiError> {
    match element {
        None if body.is_empty() => Ok(Value::Null),
        None => Err(RequestError::BodyUnwanted.into()),
        Some(element) if body.is_empty() => match element.need {
            Need::Required => Err(ApiError::new("MissingBody", "this operation needs a body")),
            Need::Optional => Ok(Value::Null),
        },
        Some(element) => Ok(dialect.read(body, element)?),
    }
}
