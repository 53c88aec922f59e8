//! The walk's last steps for origins that are other servers: cache, origin, respond.

use super::object::ObjectRequest;
use crate::answer::{Answer, Origins, Passed};
use crate::cache::{CacheRequest, Obtained, ReadFault, digest};
use crate::origin_client::{OriginRequestBody, OriginResponse, origin_denial};
use crate::request_body::RequestBody;
use http::{HeaderValue, Method};
use privet_cache::Key;
use privet_distribution::caching::{
    CacheKey, ForwardReason, also_invalidated, cache_key, normalized_accept_encoding,
    unsafe_method_invalidates,
};
use privet_distribution::request::{Denial, RequestFacts, ViewerRequest, keyed_headers};
use std::rc::Rc;

/// Maximum number of times that an object may change before its first byte is sent.
const ATTEMPTS_MAX: usize = 3;

impl ObjectRequest<'_> {
    /// Responds from the cache, or from the origin.
    pub(super) async fn ask_origin(&self, body: RequestBody) -> Result<Answer, Denial> {
        if self.is_read() {
            return self.read().await;
        }
        Box::pin(self.change(body)).await
    }

    /// Handles any other method: passes the origin's response on, and marks what is stored of the object as out of
    /// date.
    async fn change(&self, body: RequestBody) -> Result<Answer, Denial> {
        let ask = self.ask(self.key());
        let body = if self.received.has_body {
            // It is read to its end or the connection is closed: nothing of it can be taken for a request.
            OriginRequestBody::viewer(body)
        } else {
            OriginRequestBody::Empty
        };
        match self
            .context
            .cache
            .pass(&ask, body, ForwardReason::Method)
            .await
        {
            Obtained::Passed(response, status) => {
                self.invalidate(&response).await;
                let passed = Passed {
                    response: *response,
                    status,
                };
                Ok(Answer::passed(passed, &self.request))
            }
            Obtained::Failed(fault) => Err(origin_denial(fault.kind)),
            Obtained::Stored(_) => Err(Denial::OriginInvalidResponse),
        }
    }

    fn is_read(&self) -> bool {
        self.request.method == Method::GET || self.request.method == Method::HEAD
    }

    /// Returns the object's cache key, and the key's digest.
    fn key(&self) -> (CacheKey, Key) {
        let policy = &self.authorized.routed().behavior.cache_policy;
        let accept_encoding =
            normalized_accept_encoding(self.request.headers, policy).map(HeaderValue::from_static);
        let facts = self.facts(accept_encoding.as_ref());
        // The key has the edge's own facts about a viewer, never the viewer's own word on them.
        let headers = keyed_headers(policy, &self.request, &facts);
        let keyed = ViewerRequest {
            headers: &headers,
            ..self.request
        };
        let key = cache_key(self.authorized, &keyed);
        let digest = digest(key.as_bytes());
        (key, digest)
    }

    fn ask(&self, key: (CacheKey, Key)) -> Rc<CacheRequest> {
        let policy = &self.authorized.routed().behavior.cache_policy;
        let accept_encoding =
            normalized_accept_encoding(self.request.headers, policy).map(HeaderValue::from_static);
        let facts = self.facts(accept_encoding.as_ref());
        Rc::new(CacheRequest::new(
            self.authorized,
            &self.request,
            &facts,
            key,
        ))
    }

    fn facts<'f>(&'f self, accept_encoding: Option<&'f HeaderValue>) -> RequestFacts<'f> {
        RequestFacts {
            accept_encoding,
            ..self.received.facts(self.country, &self.context.via)
        }
    }

    /// Handles GET and HEAD through the cache. An object in memory needs no request to an origin, so none is built.
    pub(super) async fn read(&self) -> Result<Answer, Denial> {
        let (key, digest) = self.key();
        let mut origins = Origins {
            cache: &self.context.cache,
            ask: None,
            now: self.received.now,
            ranges_max: self.received.state.snapshot.node.limits.ranges_max,
        };
        if let Some(answer) = self.in_memory(&key, digest, &origins).await {
            return Ok(answer);
        }
        let ask = self.ask((key, digest));
        origins.ask = Some(&ask);
        Box::pin(self.obtain(&ask, &origins)).await
    }

    /// Obtains an object that is not in memory: from the disk, from an origin, or in another form.
    async fn obtain(
        &self,
        ask: &Rc<CacheRequest>,
        origins: &Origins<'_>,
    ) -> Result<Answer, Denial> {
        let mut fault = ReadFault::Lost;
        for attempt in 0..ATTEMPTS_MAX {
            match self.context.cache.obtain(ask).await {
                Obtained::Stored(served) => {
                    let varying = self.varying_of(&served);
                    // The loss may have come from making the form, so the next attempt goes without one.
                    let served = if attempt == 0 {
                        self.in_coding(*served, ask, &self.context.cache).await
                    } else {
                        *served
                    };
                    match Answer::stored(served, &self.request, origins).await {
                        Ok(answer) => return Ok(varying.shown_in(answer)),
                        // The object has changed since the lookup. Do not join those that still read the old one.
                        Err(ReadFault::Lost) => {
                            fault = ReadFault::Lost;
                            self.context.cache.mark_unshareable(ask);
                        }
                        Err(ReadFault::Origin(kind)) => return Err(origin_denial(kind)),
                    }
                }
                Obtained::Passed(response, status) => {
                    let passed = Passed {
                        response: *response,
                        status,
                    };
                    return Ok(Answer::passed(passed, &self.request));
                }
                Obtained::Failed(fault) => return Err(origin_denial(fault.kind)),
            }
        }
        Err(match fault {
            ReadFault::Origin(kind) => origin_denial(kind),
            ReadFault::Lost => Denial::OriginInvalidResponse,
        })
    }

    /// Returns a response from memory, if the object is there in the form that this viewer gets.
    async fn in_memory(
        &self,
        key: &CacheKey,
        digest: Key,
        origins: &Origins<'_>,
    ) -> Option<Answer> {
        let policy = &self.authorized.routed().behavior.cache_policy;
        if policy.is_disabled() {
            return None;
        }
        let served = origins.cache.in_memory(key, digest)?;
        let head = served.object.head();
        if self.coding(head.status, &head.headers).is_some() {
            return None;
        }
        let varying = self.varying_of(&served);
        let answer = Answer::stored(served, &self.request, origins).await;
        answer.ok().map(|answer| varying.shown_in(answer))
    }

    /// Invalidates what is stored after a change that succeeded (RFC 9111 4.4).
    async fn invalidate(&self, response: &OriginResponse) {
        let request: &ViewerRequest<'_> = &self.request;
        if !unsafe_method_invalidates(request.method, response.status) {
            return;
        }
        let paths = also_invalidated(request, &response.headers);
        let distribution_id = &self.authorized.routed().distribution.id;
        let cache = &self.context.cache;
        cache
            .invalidate_changed(distribution_id, paths, self.received.now)
            .await;
    }
}
