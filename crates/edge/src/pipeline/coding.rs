//! The walk's step between an object and its response: the compressed form, for viewers that accept one.

use super::object::ObjectRequest;
use crate::answer::Answer;
use crate::cache::{CacheRequest, Served, WorkerCache};
use crate::origin::Object;
use http::header::{ACCEPT_RANGES, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG};
use http::{HeaderMap, HeaderValue, StatusCode};
use privet_distribution::caching::{
    ContentCoding, coding_for, compressed_headers, is_compressible, vary_by_coding,
};
use privet_distribution::response::{Representation, select};
use std::rc::Rc;

/// Variation of the response: whether other viewers may get the object in another form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Varying {
    ByCoding,
    No,
}

impl Varying {
    /// Adds the variation to the response.
    pub(super) fn shown_in(self, mut answer: Answer) -> Answer {
        match self {
            Varying::ByCoding => {
                if answer.headers.contains_key(CONTENT_ENCODING) {
                    // Ranges are of the plain bytes.
                    answer.headers.remove(ACCEPT_RANGES);
                }
                vary_by_coding(&mut answer.headers);
            }
            Varying::No => {}
        }
        answer
    }
}

impl ObjectRequest<'_> {
    /// Returns a stored object in the form for this viewer.
    pub(super) async fn in_coding(
        &self,
        served: Served,
        ask: &Rc<CacheRequest>,
        cache: &Rc<WorkerCache>,
    ) -> Served {
        let head = served.object.head();
        match self.coding(head.status, &head.headers) {
            Some(coding) => cache.in_coding(ask, served, coding).await,
            None => served,
        }
    }

    pub(super) fn varying_of(&self, served: &Served) -> Varying {
        let head = served.object.head();
        self.varying(head.status, &head.headers)
    }

    /// Builds the response for a folder's object in the form for this viewer, or for what conditions and ranges leave
    /// of it.
    pub(super) async fn folder_answer(
        &self,
        object: &Object,
        ranges_max: usize,
        cache: &Rc<WorkerCache>,
    ) -> Answer {
        let request = &self.request;
        let plain = &object.head.representation;
        let selected = |representation: &Representation| {
            select(request.method, request.headers, representation, ranges_max)
        };
        if !self.authorized.routed().behavior.compress {
            return Answer::object(object, selected(plain), self.received.file_sending());
        }
        let mut headers = object.head.stored.clone();
        headers.insert(CONTENT_TYPE, object.head.content_type.clone());
        headers.insert(CONTENT_LENGTH, HeaderValue::from(plain.size_bytes));
        headers.insert(ETAG, object.head.etag.clone());
        let varying = self.varying(StatusCode::OK, &headers);
        let form = match self.coding(StatusCode::OK, &headers) {
            Some(coding) => {
                let form = cache.folder_form(self.authorized, request, object, coding);
                form.await.map(|form| (form, coding))
            }
            None => None,
        };
        let answer = match form {
            Some((form, coding)) => {
                let headers = compressed_headers(&headers, coding, Some(form.size_bytes));
                let tag = headers.get(ETAG).and_then(|tag| tag.to_str().ok());
                let selection = selected(&Representation {
                    size_bytes: form.size_bytes,
                    etag: tag.unwrap_or_default().to_owned(),
                    ..plain.clone()
                });
                Answer::object(object, selection, self.received.file_sending())
                    .in_form(&form, &headers)
            }
            None => Answer::object(object, selected(plain), self.received.file_sending()),
        };
        varying.shown_in(answer)
    }

    pub(super) fn coding(&self, status: StatusCode, headers: &HeaderMap) -> Option<ContentCoding> {
        let behavior = self.authorized.routed().behavior;
        let policy = &behavior.cache_policy;
        let request = &self.request;
        coding_for(
            request.headers,
            status,
            headers,
            policy,
            behavior.compress,
            request.version,
        )
    }

    fn varying(&self, status: StatusCode, headers: &HeaderMap) -> Varying {
        let behavior = self.authorized.routed().behavior;
        let policy = &behavior.cache_policy;
        let has_codings = policy.brotli || policy.gzip || policy.zstd;
        let compresses = behavior.compress && !policy.is_disabled() && has_codings;
        if compresses && is_compressible(status, headers) {
            Varying::ByCoding
        } else {
            Varying::No
        }
    }
}
