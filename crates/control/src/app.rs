//! The way of every request: who asks, whether it is allowed, what the operation answers, and what is written down of
//! it. Socket and listener serve it; what differs between interfaces is left to them.

use crate::answers::{Answers, Asked};
use crate::authentication::{
    AccessError, Authentication, Peer, Prechecked, Presented, Recognized, Signatures,
};
use crate::bodies::Bodies;
use crate::connections::Standing;
use crate::hosts::Hosts;
use crate::interface::{Failure, Interface, Note, Received};
use crate::operation_error::OperationError;
use crate::operations::{AuditedCall, Operations};
use crate::operator::{Caller, Entry, Scope};
use crate::refusals::{Matter, Refusals, Sender};
use crate::request_error::{BODY_SIZE_BYTES_MAX, RequestError};
use crate::turns::Turns;
use aws_lc_rs::digest::{Context, SHA256};
use axum::body::{Body, HttpBody};
use axum::extract::{FromRequestParts, RawPathParams, Request};
use axum::response::Response;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, IF_MATCH, X_CONTENT_TYPE_OPTIONS};
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
/// Name in the audit trail of those who are not known; no operator can have it.
const UNKNOWN: &str = "?";

/// What all requests share.
#[derive(Debug)]
pub(crate) struct App {
    operations: Operations,
    authentication: Arc<Authentication>,
    refusals: Mutex<Refusals>,
    turns: Turns,
    bodies: Bodies,
    answers: Answers,
    /// Time of the last warning about the store.
    warned_at: Mutex<Option<i64>>,
}

/// The door by which a connection came.
#[derive(Clone, Debug)]
pub(crate) struct Door {
    pub(crate) peer: Peer,
    pub(crate) wire: Wire,
    /// Names that are answered; the socket has none.
    pub(crate) hosts: Option<Arc<Hosts>>,
    /// Whether an operator was heard on this connection.
    pub(crate) standing: Standing,
}

/// What a connection is, to those who could listen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Readable: the socket, and plain HTTP.
    Clear,
    /// Encrypted, by TLS.
    Tls,
}

impl App {
    pub(crate) fn new(operations: Operations, authentication: Arc<Authentication>) -> Self {
        App {
            operations,
            authentication,
            refusals: Mutex::default(),
            turns: Turns::new(),
            bodies: Bodies::default(),
            answers: Answers::default(),
            warned_at: Mutex::default(),
        }
    }
}

/// A response that is waited for.
pub(crate) type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Returns the handler of requests of an interface; `find` says what a request leads to.
pub(crate) fn handler<I: Interface>(
    app: &Arc<App>,
    find: impl Fn(&Request) -> I + Clone + Send + Sync + 'static,
) -> impl Fn(Request) -> Answering + Clone + Send + Sync + 'static {
    let app = Arc::clone(app);
    move |request| {
        let (app, target) = (Arc::clone(&app), find(&request));
        Box::pin(async move { app.answer(&target, request).await })
    }
}

/// A request whose sender is known, or is known not to be.
struct Judged<F> {
    caller: Option<Caller>,
    subject: Option<DocumentName>,
    result: Result<http::Response<Bytes>, F>,
}

impl App {
    async fn answer<I: Interface>(&self, target: &I, request: Request) -> Response {
        let id = request_id();
        let working = timeout(REQUEST_TIMEOUT, self.work(target, request, &id));
        let result = working
            .await
            .unwrap_or_else(|_| Err(RequestError::Timeout.into()));
        let response = result.unwrap_or_else(|failure| target.refuse(&failure, &id));
        let mut response = response.map(Body::from);
        let headers = response.headers_mut();
        if let Ok(id) = HeaderValue::try_from(id) {
            headers.insert(HeaderName::from_static(I::REQUEST_ID), id);
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

    async fn work<I: Interface>(
        &self,
        target: &I,
        request: Request,
        id: &str,
    ) -> Result<http::Response<Bytes>, I::Failure> {
        let (mut parts, body) = request.into_parts();
        let door = parts.extensions.get::<Door>().cloned();
        let door = door.ok_or(OperationError::System("a connection without a door"))?;
        if let Some(hosts) = &door.hosts {
            hosts.check(&mut parts)?;
        }
        let now = self.operations.now();
        let prechecked = {
            let _lookup = self.turns.lookup(door.peer).await;
            let head = head(&parts, &door, (id, target.signatures()));
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

    async fn judge<I: Interface>(
        &self,
        target: &I,
        (mut parts, body): (Parts, Bytes),
        door: &Door,
        (prechecked, id): (Prechecked, &str),
    ) -> Judged<I::Failure> {
        let head = head(&parts, door, (id, target.signatures()));
        let presented = (&head, body.as_ref());
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
        let subject = target.subject(&parameters);
        let received = Received {
            parts,
            body,
            parameters,
        };
        let result = match self.carry_out(target, recognized, received).await {
            Ok(result) => result,
            // Whoever has seen the request can send it again: that is a stranger.
            Err(error) => return self.stranger(error),
        };
        Judged {
            caller: Some(caller),
            subject,
            result,
        }
    }

    /// Does what a known operator asks, unless it was done and this is the same change once more.
    async fn carry_out<I: Interface>(
        &self,
        target: &I,
        recognized: Recognized,
        received: Received,
    ) -> Result<Result<http::Response<Bytes>, I::Failure>, AccessError> {
        let now = self.operations.now();
        let repetition = target.repetition(&received.parts);
        let asked = Asked {
            digest: digest_of(&received),
            signature: recognized.signature(),
        };
        let prepared = match target.prepare(recognized.caller(), received) {
            Ok(prepared) => prepared,
            Err(failure) => return Ok(Err(failure)),
        };
        let attempt = match repetition {
            Some(repetition) => {
                let operator = &recognized.caller().name;
                self.answers.begin(operator, repetition, asked, now).await
            }
            None => None,
        };
        if let Some(answer) = attempt.as_ref().and_then(|attempt| attempt.earlier()) {
            return Ok(Ok(answer));
        }
        let given_back = recognized.given_back();
        // A signature is used up by those alone who may do what they ask.
        let authenticated = self.authentication.admit(recognized, now)?;
        let performing = target
            .clone()
            .perform(self.operations.clone(), authenticated, prepared);
        let Some(attempt) = attempt else {
            return Ok(performing.await);
        };
        // It goes on if the client hangs up: what it has done is what the next attempt hears of.
        let task = tokio::spawn(async move {
            let result = performing.await;
            if let Ok(answer) = &result {
                attempt.keep(answer);
            }
            result
        });
        let lost = |_| Err(OperationError::System("the task for this has failed").into());
        let result = task.await.unwrap_or_else(lost);
        if let (Err(failure), Some(verified)) = (&result, given_back)
            && failure.status().is_client_error()
        {
            self.authentication.give_back(&verified);
        }
        Ok(result)
    }

    /// Refuses somebody who is not known.
    fn stranger<F: Failure>(&self, error: AccessError) -> Judged<F> {
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
    async fn write_down<I: Interface>(
        &self,
        target: &I,
        door: &Door,
        judged: &Judged<I::Failure>,
    ) -> Result<(), I::Failure> {
        let (outcome, mut detail) = match (&judged.result, target.note()) {
            (Ok(_), Note::Refusals) => return Ok(()),
            (Ok(_), Note::Calls) => (Outcome::Done, None),
            (Err(failure), _) if failure.status().is_server_error() => {
                (Outcome::Failed, Some(failure.code().to_owned()))
            }
            (Err(failure), _) => (Outcome::Refused, Some(failure.code().to_owned())),
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
            operation: target.operation(),
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

fn head<'a>(
    parts: &'a Parts,
    door: &Door,
    (id, signatures): (&'a str, Signatures),
) -> Presented<'a> {
    Presented {
        method: &parts.method,
        path: parts.uri.path(),
        query: parts.uri.query().unwrap_or_default(),
        headers: &parts.headers,
        peer: door.peer,
        request_id: id,
        signatures,
    }
}

/// Returns the digest of what is asked, by which the same change is known: under another condition it is another one.
fn digest_of(received: &Received) -> [u8; 32] {
    let Parts {
        method,
        uri,
        headers,
        ..
    } = &received.parts;
    let head = format!("{method} {uri}\n");
    let mut context = Context::new(&SHA256);
    context.update(head.as_bytes());
    for value in headers.get_all(IF_MATCH) {
        context.update(value.as_bytes());
        context.update(b"\n");
    }
    context.update(b"\n");
    context.update(&received.body);
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
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
