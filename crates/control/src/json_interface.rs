//! `/v1`: the interface whose requests and answers are JSON.

use crate::app::{Answering, App, handler};
use crate::authentication::Signatures;
use crate::call::Input;
use crate::collection::Collection;
use crate::interface::{Failure, Interface, Note, Received, Repetition};
use crate::operation_error::OperationError;
use crate::operations::Operations;
use crate::operator::{Authenticated, Caller, RoleTooLow};
use crate::problem::Problem;
use crate::query::Query;
use crate::request_error::RequestError;
use crate::routes::{Route, routes};
use axum::Router;
use axum::extract::Request;
use axum::routing::{MethodFilter, MethodRouter};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{Response, StatusCode};
use privet_store::DocumentName;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a path and a method lead to.
#[derive(Clone, Debug)]
enum Target {
    Operation(Route),
    Refusal(RequestError),
}

/// Returns the router of `/v1`, made of the table of routes.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let mut by_path: BTreeMap<String, Vec<Route>> = BTreeMap::new();
    for route in routes() {
        by_path.entry(route.path.clone()).or_default().push(route);
    }
    let mut router = Router::new();
    for (path, routes) in by_path {
        let allowed: Vec<&str> = routes.iter().map(|route| route.method.as_str()).collect();
        let allowed = allowed.join(", ");
        let refusal = Target::Refusal(RequestError::Method { allowed });
        let mut methods = MethodRouter::new().fallback(to(app, refusal));
        for route in routes {
            // All methods of the table are among those that axum knows; a test serves each of them.
            if let Ok(filter) = MethodFilter::try_from(route.method.clone()) {
                methods = methods.on(filter, to(app, Target::Operation(route)));
            }
        }
        router = router.route(&path, methods);
    }
    router
}

/// Returns the handler of paths that are not in the table.
pub(crate) fn absent(
    app: &Arc<App>,
) -> impl Fn(Request) -> Answering + Clone + Send + Sync + 'static {
    to(app, Target::Refusal(RequestError::NoSuchPath))
}

fn to(
    app: &Arc<App>,
    target: Target,
) -> impl Fn(Request) -> Answering + Clone + Send + Sync + 'static {
    handler(app, move |_| target.clone())
}

impl Interface for Target {
    type Failure = Problem;
    type Prepared = (Route, Input);

    const REQUEST_ID: &'static str = "x-request-id";

    fn signatures(&self) -> Signatures {
        Signatures::OfRequests
    }

    fn operation(&self) -> &str {
        match self {
            Target::Operation(route) => &route.operation,
            Target::Refusal(_) => "none",
        }
    }

    fn note(&self) -> Note {
        match self {
            Target::Operation(route) => route.note,
            Target::Refusal(_) => Note::Refusals,
        }
    }

    fn subject(&self, parameters: &BTreeMap<String, String>) -> Option<DocumentName> {
        subject(self, parameters)
    }

    /// Clients say with an `Idempotency-Key` that a change is the same, which the store remembers.
    fn repetition(&self, _parts: &Parts) -> Option<Repetition> {
        None
    }

    fn prepare(&self, caller: &Caller, received: Received) -> Result<(Route, Input), Problem> {
        let route = match self {
            Target::Operation(route) => route,
            Target::Refusal(refusal) => return Err(refusal.clone().into()),
        };
        if caller.role < route.role {
            return Err(OperationError::from(RoleTooLow { needed: route.role }).into());
        }
        let Received {
            parts,
            body,
            parameters,
        } = received;
        if !body.is_empty() && !is_json(&parts) {
            return Err(RequestError::ContentType.into());
        }
        let query = Query::parse(parts.uri.query().unwrap_or_default());
        let input = Input {
            parameters,
            query: query.map_err(RequestError::from)?,
            headers: parts.headers,
            body,
        };
        Ok((route.clone(), input))
    }

    async fn perform(
        self,
        operations: Operations,
        authenticated: Authenticated,
        (route, input): (Route, Input),
    ) -> Result<Response<Bytes>, Problem> {
        let answer = route.answer(operations, authenticated, input).await?;
        Ok(answer.respond())
    }

    fn refuse(&self, problem: &Problem, request_id: &str) -> Response<Bytes> {
        problem.respond(request_id)
    }
}

impl Failure for Problem {
    fn status(&self) -> StatusCode {
        self.status
    }

    fn code(&self) -> &str {
        self.code
    }
}

/// Returns what a call is about, for the audit trail.
fn subject(target: &Target, parameters: &BTreeMap<String, String>) -> Option<DocumentName> {
    let Target::Operation(route) = target else {
        return None;
    };
    let id = parameters.get("id").or_else(|| parameters.get("name"))?;
    let first = route.operation.split('.').next().unwrap_or_default();
    let kind = match (Collection::named(first), first) {
        (Some(collection), _) => collection.kind.as_str(),
        (None, "operators") => "operator",
        (None, "access_keys") => "access_key",
        (None, "invalidations") => "invalidation",
        (None, "edges") => "edge",
        (None, "jobs") => "job",
        (None, other) => other,
    };
    // Names that the store would not take were not found either.
    let is_name = !id.is_empty() && id.len() <= privet_store::limits::ID_BYTES_MAX;
    is_name.then(|| DocumentName::new(kind, id))
}

fn is_json(parts: &Parts) -> bool {
    let mut values = parts.headers.get_all(CONTENT_TYPE).iter();
    let value = values.next().and_then(|value| value.to_str().ok());
    let essence = value
        .and_then(|value| value.split(';').next())
        .unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json") && values.next().is_none()
}
