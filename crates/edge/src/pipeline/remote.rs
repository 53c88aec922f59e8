//! The walk's last steps for origins that are other servers: cache, origin, respond.

use super::Wanted;
use crate::answer::{Answer, Origins, Passed};
use crate::cache::{Ask, Obtained, ReadFault, WorkerCache, digest};
use crate::exchange::Exchange;
use crate::origin_client::{OriginFaultKind, OriginRequestBody, OriginResponse};
use crate::request_body::RequestBody;
use crate::standard_error;
use crate::worker::WorkerShared;
use http::{HeaderValue, Method};
use privet_cache::Key;
use privet_distribution::{
    CacheKey, Denial, ForwardReason, RequestFacts, ViewerRequest, also_invalidated, cache_key,
    keyed_headers, normalized_accept_encoding, unsafe_method_invalidates,
};
use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How often an object may turn out to be another one before its first byte.
const ATTEMPTS_MAX: usize = 3;
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

impl Wanted<'_> {
    /// From the cache, or from the origin.
    pub(super) async fn ask_origin(
        &self,
        body: RequestBody,
        exchange: &Exchange,
        shared: &WorkerShared,
    ) -> Result<Answer, Denial> {
        if self.is_read() {
            return self.read(exchange, shared).await;
        }
        Box::pin(self.change(body, exchange, shared)).await
    }

    /// Any other method: the origin's answer, and what is stored of the object is out of date.
    async fn change(
        &self,
        body: RequestBody,
        exchange: &Exchange,
        shared: &WorkerShared,
    ) -> Result<Answer, Denial> {
        let ask = self.ask(self.key(exchange, shared), exchange, shared);
        let body = if exchange.has_body {
            // It is read to its end or the connection is closed: nothing of it can be taken for a request.
            OriginRequestBody::viewer(body)
        } else {
            OriginRequestBody::Empty
        };
        match shared.cache.pass(&ask, body, ForwardReason::Method).await {
            Obtained::Passed(response, status) => {
                self.invalidate(&response, &shared.cache, exchange).await;
                let passed = Passed {
                    response: *response,
                    status,
                };
                Ok(Answer::passed(passed, &self.request))
            }
            Obtained::Failed(fault) => Err(denial(fault.kind)),
            Obtained::Stored(_) => Err(Denial::OriginInvalidResponse),
        }
    }

    fn is_read(&self) -> bool {
        self.request.method == Method::GET || self.request.method == Method::HEAD
    }

    /// What tells the object apart, and the digest of that.
    fn key(&self, exchange: &Exchange, shared: &WorkerShared) -> (CacheKey, Key) {
        let policy = &self.authorized.routed().behavior.cache_policy;
        let accept_encoding =
            normalized_accept_encoding(self.request.headers, policy).map(HeaderValue::from_static);
        let facts = self.facts(accept_encoding.as_ref(), exchange, shared);
        // The key counts what the edge itself knows of a viewer, never the viewer's own word on it.
        let headers = keyed_headers(policy, &self.request, &facts);
        let keyed = ViewerRequest {
            headers: &headers,
            ..self.request
        };
        let key = cache_key(self.authorized, &keyed);
        let digest = digest(key.as_bytes());
        (key, digest)
    }

    fn ask(&self, key: (CacheKey, Key), exchange: &Exchange, shared: &WorkerShared) -> Rc<Ask> {
        let policy = &self.authorized.routed().behavior.cache_policy;
        let accept_encoding =
            normalized_accept_encoding(self.request.headers, policy).map(HeaderValue::from_static);
        let facts = self.facts(accept_encoding.as_ref(), exchange, shared);
        Rc::new(Ask::new(self.authorized, &self.request, &facts, key))
    }

    fn facts<'f>(
        &'f self,
        accept_encoding: Option<&'f HeaderValue>,
        exchange: &'f Exchange,
        shared: &'f WorkerShared,
    ) -> RequestFacts<'f> {
        RequestFacts {
            viewer: exchange.viewer,
            viewer_port: Some(exchange.connection.peer.port()),
            request_id: &exchange.request_id,
            country: self.country,
            via: &shared.via,
            accept_encoding,
        }
    }

    /// GET and HEAD, by way of the cache. What is at hand needs no request to an origin made up.
    pub(super) async fn read(
        &self,
        exchange: &Exchange,
        shared: &WorkerShared,
    ) -> Result<Answer, Denial> {
        let (key, digest) = self.key(exchange, shared);
        let mut origins = Origins {
            cache: &shared.cache,
            ask: None,
            now: exchange.now,
            ranges_max: exchange.state.snapshot.limits.ranges_max,
        };
        if let Some(answer) = self.at_hand(&key, digest, &origins).await {
            return Ok(answer);
        }
        let ask = self.ask((key, digest), exchange, shared);
        origins.ask = Some(&ask);
        Box::pin(self.obtain(&ask, &origins, shared)).await
    }

    /// What is not at hand: from the disk, from an origin, or in another form.
    async fn obtain(
        &self,
        ask: &Rc<Ask>,
        origins: &Origins<'_>,
        shared: &WorkerShared,
    ) -> Result<Answer, Denial> {
        let mut fault = ReadFault::Lost;
        for attempt in 0..ATTEMPTS_MAX {
            match shared.cache.obtain(ask).await {
                Obtained::Stored(served) => {
                    let varying = self.varying_of(&served);
                    // What was lost once may have been lost to the making of its form.
                    let served = if attempt == 0 {
                        self.in_coding(*served, ask, &shared.cache).await
                    } else {
                        *served
                    };
                    match Answer::stored(served, &self.request, origins).await {
                        Ok(answer) => return Ok(varying.shown_in(answer)),
                        // The object has changed since it was looked up. Whoever still reads the old one is not waited
                        // for.
                        Err(ReadFault::Lost) => {
                            fault = ReadFault::Lost;
                            shared.cache.part(ask);
                        }
                        Err(ReadFault::Origin(kind)) => return Err(denial(kind)),
                    }
                }
                Obtained::Passed(response, status) => {
                    let passed = Passed {
                        response: *response,
                        status,
                    };
                    return Ok(Answer::passed(passed, &self.request));
                }
                Obtained::Failed(fault) => return Err(denial(fault.kind)),
            }
        }
        Err(match fault {
            ReadFault::Origin(kind) => denial(kind),
            ReadFault::Lost => Denial::OriginInvalidResponse,
        })
    }

    /// An answer from memory, if the object is there in the form that this viewer gets.
    async fn at_hand(&self, key: &CacheKey, digest: Key, origins: &Origins<'_>) -> Option<Answer> {
        let policy = &self.authorized.routed().behavior.cache_policy;
        if policy.is_disabled() {
            return None;
        }
        let served = origins.cache.at_hand(key, digest)?;
        let head = served.object.head();
        if self.coding(head.status, &head.headers).is_some() {
            return None;
        }
        let varying = self.varying_of(&served);
        let answer = Answer::stored(served, &self.request, origins).await;
        answer.ok().map(|answer| varying.shown_in(answer))
    }

    /// A change that succeeded makes what is stored out of date (RFC 9111 4.4).
    async fn invalidate(
        &self,
        response: &OriginResponse,
        cache: &Rc<WorkerCache>,
        exchange: &Exchange,
    ) {
        let request: &ViewerRequest<'_> = &self.request;
        if !unsafe_method_invalidates(request.method, response.status) {
            return;
        }
        let paths = also_invalidated(request, &response.headers);
        let distribution_id = &self.authorized.routed().distribution.id;
        cache
            .invalidate_changed(distribution_id, paths, exchange.now)
            .await;
    }
}

/// What the viewer is told of an origin's fault.
pub(crate) fn denial(kind: OriginFaultKind) -> Denial {
    match kind {
        OriginFaultKind::Dns => Denial::OriginDns,
        OriginFaultKind::Connect => Denial::OriginConnect,
        OriginFaultKind::Credentials => {
            complain_of_keys();
            Denial::OriginCredentials
        }
        OriginFaultKind::Refused(refusal) => Denial::OriginRefusesEdge(refusal),
        OriginFaultKind::Tls => Denial::OriginTls,
        OriginFaultKind::ConnectTimeout | OriginFaultKind::ResponseTimeout => Denial::OriginTimeout,
        OriginFaultKind::Closed | OriginFaultKind::Truncated => Denial::OriginClosed,
        OriginFaultKind::InvalidHead => Denial::OriginInvalidResponse,
        OriginFaultKind::HeadTooLarge => Denial::OriginHeaderTooBig,
        OriginFaultKind::InvalidTarget => Denial::NotFound,
        OriginFaultKind::RequestBody => Denial::BadRequest,
        OriginFaultKind::RequestBodyTimeout => Denial::BodyTimeout,
        OriginFaultKind::Capacity => Denial::CapacityExceeded,
    }
}

thread_local! {
    /// When this worker last told the operator that keys are missing.
    static COMPLAINED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Tells the operator, once a minute from each worker: viewers only see that a connection failed.
fn complain_of_keys() {
    let is_recent = COMPLAINED
        .get()
        .is_some_and(|last| last.elapsed() < COMPLAIN_EVERY);
    if !is_recent {
        COMPLAINED.set(Some(Instant::now()));
        standard_error::warning(
            "no valid access keys for a bucket; set access_key_id and secret_access_key at the origin, \
             AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile",
        );
    }
}
