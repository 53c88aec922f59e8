//! The application that socket and listener serve: who asks, whether it is allowed, what the operation answers, and
//! what is written down of it.

use crate::authentication::{AccessError, Authentication, Peer, Prechecked, Presented, Recognized};
use crate::bodies::Bodies;
use crate::call::{Answer, Input};
use crate::connections::Standing;
use crate::hosts::Hosts;
use crate::operation_error::OperationError;
use crate::operations::{AuditedCall, Operations};
use crate::operator::{Caller, Entry, RoleTooLow, Scope};
use crate::problem::Problem;
use crate::query::Query;
use crate::refusals::{Matter, Refusals, Sender};
use crate::request_error::{BODY_SIZE_BYTES_MAX, RequestError};
use crate::routes::{Note, Route, collection_of, routes};
use crate::turns::Turns;
use axum::Router;
use axum::body::{Body, HttpBody};
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::response::Response;
use axum::routing::{MethodFilter, MethodRouter};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use privet_edge::standard_error;
use privet_store::{DocumentName, Outcome, Role, StoreError};
use std::collections::{BTreeMap, BTreeSet};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::timeout;

const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Time limit for a request from its head to its answer.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(120);
/// Interval in seconds at which it is told that the store does not answer: strangers can ask as often as they like.
const STORE_WARNED_EVERY_SECS: i64 = 60;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Name in the audit trail of those who are not known; no operator can have it.
const UNKNOWN: &str = "?";

/// What all requests share.
#[derive(Debug)]
pub(crate) struct App {
    operations: Operations,
    authentication: Authentication,
    refusals: Mutex<Refusals>,
    turns: Turns,
    bodies: Bodies,
    /// Time of the last warning about the store.
    warned_at: Mutex<Option<i64>>,
}

/// The door by which a connection came.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    pub(crate) peer: Peer,
    /// Names that are answered; the socket has none.
    pub(crate) hosts: Option<Arc<Hosts>>,
    /// Whether an operator was heard on this connection.
    pub(crate) standing: Standing,
}

/// What a path and a method lead to.
#[derive(Clone, Debug)]
enum Target {
    Operation(Route),
    Refusal(RequestError),
}

impl App {
    pub(crate) fn new(operations: Operations, authentication: Authentication) -> Self {
        App {
            operations,
            authentication,
            refusals: Mutex::default(),
            turns: Turns::new(),
            bodies: Bodies::default(),
            warned_at: Mutex::default(),
        }
    }
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
        let mut methods = MethodRouter::new().fallback(handler(app, refusal));
        for route in routes {
            // All methods of the table are among those that axum knows; a test serves each of them.
            if let Ok(filter) = MethodFilter::try_from(route.method.clone()) {
                methods = methods.on(filter, handler(app, Target::Operation(route)));
            }
        }
        router = router.route(&path, methods);
    }
    router.fallback(absent(app))
}

/// Returns the handler of paths that are not in the table.
pub(crate) fn absent(
    app: &Arc<App>,
) -> impl Fn(Request) -> Answering + Clone + Send + Sync + 'static {
    handler(app, Target::Refusal(RequestError::NoSuchPath))
}

type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

fn handler(
    app: &Arc<App>,
    target: Target,
) -> impl Fn(Request) -> Answering + Clone + Send + Sync + 'static {
    let app = Arc::clone(app);
    move |request| {
        let (app, target) = (Arc::clone(&app), target.clone());
        Box::pin(async move { app.answer(&target, request).await })
    }
}

/// A request whose sender is known, or is known not to be.
struct Judged {
    caller: Option<Caller>,
    subject: Option<DocumentName>,
    result: Result<Answer, Problem>,
}

impl App {
    async fn answer(&self, target: &Target, request: Request) -> Response {
        let id = request_id();
        let working = timeout(REQUEST_TIMEOUT, self.work(target, request, &id));
        let result = working
            .await
            .unwrap_or_else(|_| Err(RequestError::Timeout.into()));
        let mut response = match result {
            Ok(answer) => answer.respond(),
            Err(problem) => problem.respond(&id),
        };
        let headers = response.headers_mut();
        if let Ok(id) = HeaderValue::try_from(id) {
            headers.insert(REQUEST_ID, id);
        }
        for (name, value) in [
            (CACHE_CONTROL, "no-store"),
            (X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (
                CONTENT_SECURITY_POLICY,
                "default-src 'none'; frame-ancestors 'none'",
            ),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        response
    }

    async fn work(&self, target: &Target, request: Request, id: &str) -> Result<Answer, Problem> {
        let (mut parts, body) = request.into_parts();
        let door = parts.extensions.get::<Door>().cloned();
        let door = door.ok_or(OperationError::System("a connection without a door"))?;
        if let Some(hosts) = &door.hosts {
            hosts.check(&mut parts)?;
        }
        let now = self.operations.now();
        let prechecked = {
            let _lookup = self.turns.lookup(door.peer).await;
            let head = head(&parts, &door, id);
            self.authentication.precheck(&head, now).await
        };
        let (judged, _turn) = match prechecked {
            Err(error) => (self.stranger(error), None),
            Ok(prechecked) => {
                // A request has no turn while its body is waited for.
                let body = self.read(body, &door, &prechecked).await?;
                let turn = self.turns.take(door.peer);
                let turn = turn.ok_or(OperationError::Store(StoreError::Busy))?;
                let judging = self.judge(target, (parts, body), &door, (prechecked, id));
                (judging.await, Some(turn))
            }
        };
        self.write_down(target, &door, &judged).await?;
        judged.result
    }

    /// Reads a body, unless others of the sender, or of everybody, give no time for it.
    async fn read(
        &self,
        body: Body,
        door: &Door,
        prechecked: &Prechecked,
    ) -> Result<Bytes, RequestError> {
        // Most requests have none.
        if body.is_end_stream() {
            return Ok(Bytes::new());
        }
        let wait = self.bodies.wait(door.peer, prechecked.operator());
        let ended = async {
            match wait {
                Some(mut wait) => wait.ended().await,
                None => std::future::pending().await,
            }
        };
        let read = tokio::select! {
            read = read(body) => read,
            () = ended => Err(RequestError::BodyTimeout),
        };
        read.inspect_err(|_| {
            let now = self.operations.now();
            self.authentication.note_broken(prechecked, now);
        })
    }

    async fn judge(
        &self,
        target: &Target,
        (mut parts, body): (Parts, Bytes),
        door: &Door,
        (prechecked, id): (Prechecked, &str),
    ) -> Judged {
        let presented = (&head(&parts, door, id), body.as_ref());
        let now = self.operations.now();
        let recognized = self
            .authentication
            .authenticate(prechecked, presented, now)
            .await;
        let recognized = match recognized {
            Ok(recognized) => recognized,
            Err(error) => return self.stranger(error),
        };
        let parameters = parameters(&mut parts).await;
        let caller = recognized.caller().clone();
        door.standing.note_known(&caller.name);
        let subject = subject(target, &parameters);
        let result = match prepare(target, &recognized, (parts, body, parameters)) {
            Err(problem) => Err(problem),
            // A signature is used up by those alone who may do what they ask.
            Ok((route, input)) => match self.authentication.admit(recognized, now) {
                // Whoever has seen the request can send it again: that is a stranger.
                Err(error) => return self.stranger(error),
                Ok(authenticated) => {
                    let operations = self.operations.clone();
                    route.answer(operations, authenticated, input).await
                }
            },
        };
        Judged {
            caller: Some(caller),
            subject,
            result,
        }
    }

    /// Refuses somebody who is not known.
    fn stranger(&self, error: AccessError) -> Judged {
        if let AccessError::Store(error) = &error {
            self.warn_of_store(error);
        }
        Judged {
            caller: None,
            subject: None,
            result: Err(error.into()),
        }
    }

    /// Tells the machine's own people why operators cannot be looked up; strangers are not told.
    fn warn_of_store(&self, error: &StoreError) {
        let now = self.operations.now();
        let mut warned_at = self
            .warned_at
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let is_fresh = |at: i64| (0..STORE_WARNED_EVERY_SECS).contains(&now.saturating_sub(at));
        if !warned_at.is_some_and(is_fresh) {
            *warned_at = Some(now);
            standard_error::warning(format_args!("operators cannot be looked up: {error}"));
        }
    }

    /// Returns the number of entries of the sender that were left out, if this one is written down: nobody must be able
    /// to fill the disk by what changes nothing. What an admin has done is always written down.
    fn admit(&self, caller: Option<&Caller>, outcome: Outcome) -> Option<u64> {
        let sender = caller.map_or(Sender::Stranger, |caller| {
            Sender::Operator(caller.name.clone())
        });
        let matter = match outcome {
            Outcome::Refused | Outcome::Failed => Matter::Refusal,
            Outcome::Done if caller.is_some_and(|caller| caller.role == Role::Admin) => {
                return Some(0);
            }
            Outcome::Done => Matter::Reading,
        };
        let mut refusals = self.refusals.lock().unwrap_or_else(PoisonError::into_inner);
        refusals.admit(sender, matter, self.operations.now())
    }

    /// Writes down refusals, and the calls that the table says.
    async fn write_down(
        &self,
        target: &Target,
        door: &Door,
        judged: &Judged,
    ) -> Result<(), Problem> {
        let (operation, note) = match target {
            Target::Operation(route) => (route.operation.as_str(), route.note),
            Target::Refusal(_) => ("none", Note::Refusals),
        };
        let (outcome, mut detail) = match (&judged.result, note) {
            (Ok(_), Note::Refusals) => return Ok(()),
            (Ok(_), Note::Calls) => (Outcome::Done, None),
            (Err(problem), _) if problem.status.is_server_error() => {
                (Outcome::Failed, Some(problem.code.to_owned()))
            }
            (Err(problem), _) => (Outcome::Refused, Some(problem.code.to_owned())),
        };
        let stranger = stranger(door);
        let caller = judged.caller.as_ref();
        match self.admit(caller, outcome) {
            None => return Ok(()),
            Some(0) => {}
            Some(others) => {
                let code = detail.map_or_else(String::new, |code| format!("{code}; "));
                detail = Some(format!("{code}{others} more were not written down"));
            }
        }
        let call = AuditedCall {
            caller: caller.unwrap_or(&stranger),
            operation,
            outcome,
            document: judged.subject.clone(),
            detail,
        };
        match (self.operations.audit(call).await, &judged.result) {
            (Err(error), Ok(_)) => Err(error.into()),
            // The refusal is the answer, whether it could be written down or not.
            (Err(_), Err(_)) | (Ok(()), _) => Ok(()),
        }
    }
}

fn head<'a>(parts: &'a Parts, door: &Door, id: &'a str) -> Presented<'a> {
    Presented {
        method: &parts.method,
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: &parts.headers,
        peer: door.peer,
        request_id: id,
    }
}

/// Returns the route of a request that its sender may take, and what the operation reads.
fn prepare<'a>(
    target: &'a Target,
    recognized: &Recognized,
    (parts, body, parameters): (Parts, Bytes, BTreeMap<String, String>),
) -> Result<(&'a Route, Input), Problem> {
    let route = match target {
        Target::Operation(route) => route,
        Target::Refusal(refusal) => return Err(refusal.clone().into()),
    };
    if recognized.caller().role < route.role {
        return Err(OperationError::from(RoleTooLow { needed: route.role }).into());
    }
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
    Ok((route, input))
}

/// Reads a body up to the limit.
async fn read(body: Body) -> Result<Bytes, RequestError> {
    // A body that is announced as too large is not waited for.
    if body.size_hint().lower() > BODY_SIZE_BYTES_MAX as u64 {
        return Err(RequestError::BodyTooLarge);
    }
    let reading = Limited::new(body, BODY_SIZE_BYTES_MAX).collect();
    match timeout(BODY_TIMEOUT, reading).await {
        Err(_) => Err(RequestError::BodyTimeout),
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.downcast_ref::<LengthLimitError>().is_some() => {
            Err(RequestError::BodyTooLarge)
        }
        Ok(Err(_)) => Err(RequestError::BodyBroken),
    }
}

async fn parameters(parts: &mut Parts) -> BTreeMap<String, String> {
    // A parameter that is not UTF-8 names nothing, as an empty one does.
    let parameters = RawPathParams::from_request_parts(parts, &()).await;
    let parameters = parameters.iter().flatten();
    parameters
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// Returns what a call is about, for the audit trail.
fn subject(target: &Target, parameters: &BTreeMap<String, String>) -> Option<DocumentName> {
    let Target::Operation(route) = target else {
        return None;
    };
    let id = parameters.get("id").or_else(|| parameters.get("name"))?;
    let first = route.operation.split('.').next().unwrap_or_default();
    let kind = match (collection_of(first), first) {
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

/// Returns the caller who stands in the audit trail for those who are not known.
fn stranger(door: &Door) -> Caller {
    let address = match door.peer {
        Peer::Socket => None,
        Peer::Address(address) => Some(address),
    };
    Caller {
        name: UNKNOWN.to_owned(),
        role: Role::Read,
        scope: Scope::Distributions(BTreeSet::new()),
        entry: Entry::Listener,
        address,
        request_id: None,
    }
}

/// Returns a random id; without randomness there is none to be told apart by.
fn request_id() -> String {
    let mut bytes = [0; 12];
    let filled = aws_lc_rs::rand::fill(&mut bytes);
    filled.map_or_else(|_| "none".to_owned(), |()| crate::sigv4::hex(&bytes))
}
