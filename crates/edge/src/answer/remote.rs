//! Responses built from origins' responses: stored objects, and responses that are passed on.

use super::multipart::Multipart;
use super::{Answer, ServerHeader};
use crate::body::Piece;
use crate::cache::{
    CacheRequest, CacheResult, CachedHead, ObjectReader, ReadFault, Served, WorkerCache,
};
use crate::origin_client::OriginResponse;
use http::header::{
    ACCEPT_RANGES, AGE, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, DATE, SERVER,
    TRANSFER_ENCODING,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};
use privet_distribution::caching::{CACHE_TAG_FIELDS, CacheStatus, end_to_end_headers};
use privet_distribution::logging::{DetailedResult, ResultType};
use privet_distribution::request::ViewerRequest;
use privet_distribution::response::{Selection, select_by};
use privet_sign::Timestamp;
use std::rc::Rc;

static CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
static X_EDGE_ERROR_SOURCE: HeaderName = HeaderName::from_static("x-edge-error-source");

/// Means to build a response from a stored object.
pub(crate) struct Origins<'a> {
    pub(crate) cache: &'a Rc<WorkerCache>,
    /// Request to the cache; `None` for an object in memory, whose body comes with it.
    pub(crate) ask: Option<&'a Rc<CacheRequest>>,
    pub(crate) now: Timestamp,
    pub(crate) ranges_max: usize,
}

/// A response for one viewer.
pub(crate) struct Passed {
    pub(crate) response: OriginResponse,
    pub(crate) status: CacheStatus,
}

impl Answer {
    /// Builds the response of a stored object, or of what conditions and ranges leave of it. Waits for its first bytes.
    ///
    /// Errors: those bytes cannot be read. Nothing has been sent then.
    pub(crate) async fn stored(
        served: Served,
        request: &ViewerRequest<'_>,
        origins: &Origins<'_>,
    ) -> Result<Self, ReadFault> {
        let Served {
            object,
            status,
            how,
            waiting,
        } = served;
        let head = object.head();
        let selection = selected(head, request, origins.ranges_max);
        let mut answer = Answer::of_stored(head, &selection, how, origins.now);
        answer.set_cache_status(&status);
        let size_bytes = head.size_bytes();
        let waiting = &mut Some(waiting).flatten();
        let mut reader = || {
            let object = object.clone();
            ObjectReader::new(origins.cache, origins.ask, object, waiting.take())
        };
        let is_head = *request.method == Method::HEAD;
        match selection {
            Selection::Whole => {
                answer.set_known_length(size_bytes, request.version);
                if !is_head {
                    answer.begin_with(reader()).await?;
                }
            }
            Selection::NotModified | Selection::PreconditionFailed => {}
            Selection::One(range) => {
                answer.set_one_range(range, size_bytes.unwrap_or_default());
                answer.begin_with(reader().within(range.span())).await?;
            }
            Selection::Several(ranges) => {
                let content_type = head.content_type().and_then(|value| value.to_str().ok());
                let multipart = Multipart {
                    ranges: &ranges,
                    content_type: content_type.unwrap_or("application/octet-stream"),
                    size_bytes: size_bytes.unwrap_or_default(),
                };
                answer.set_multipart(&multipart, |range| {
                    Piece::Object(Box::new(reader().within(range.span())))
                });
            }
            Selection::NotSatisfiable => {
                answer.set_unsatisfied(size_bytes.unwrap_or_default());
            }
        }
        Ok(answer)
    }

    /// Builds the status and the header fields.
    fn of_stored(
        head: &CachedHead,
        selection: &Selection,
        how: CacheResult,
        now: Timestamp,
    ) -> Self {
        let status = match selection {
            Selection::Whole => head.status,
            Selection::NotModified
            | Selection::PreconditionFailed
            | Selection::One(_)
            | Selection::Several(_)
            | Selection::NotSatisfiable => super::status(selection),
        };
        let mut answer = Answer::of_origin(status, how);
        answer.take_over(&head.headers);
        let sends_content = matches!(
            selection,
            Selection::Whole | Selection::One(_) | Selection::Several(_)
        );
        if !sends_content {
            answer.headers.remove(CONTENT_TYPE);
            answer.headers.remove(CONTENT_ENCODING);
            answer.outcome.content_type = None;
        }
        if status == StatusCode::OK && head.size_bytes().is_some() {
            let bytes = HeaderValue::from_static("bytes");
            answer.headers.entry(ACCEPT_RANGES).or_insert(bytes);
        }
        let age = head.age_secs(now);
        if how != CacheResult::Miss || age > 0 {
            answer.headers.insert(AGE, HeaderValue::from(age));
        }
        answer
    }

    /// Builds a response to `request` from the origin's.
    pub(crate) fn passed(passed: Passed, request: &ViewerRequest<'_>) -> Self {
        let Passed { response, status } = passed;
        let mut answer = Answer::of_origin(response.status, CacheResult::Miss);
        answer.take_over(&end_to_end_headers(&response.headers));
        answer.set_cache_status(&status);
        // A response to HEAD has the length that GET would have, and none if the origin does not send it: that there is
        // no body here says nothing about that of GET (RFC 9110 8.6).
        let told = response
            .headers
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let length = match *request.method {
            Method::HEAD => told,
            _ => told.or(response.body.promised()),
        };
        answer.set_known_length(length, request.version);
        answer.pieces.push(Piece::Origin(Box::new(response.body)));
        answer
    }

    /// An answer with the origin's status, which may be an error of its own.
    fn of_origin(status: StatusCode, how: CacheResult) -> Self {
        if status.is_client_error() || status.is_server_error() {
            let mut answer = Answer::new(status, ResultType::Error);
            answer.outcome.detail = Some(DetailedResult::OriginError);
            return answer;
        }
        Answer::new(status, how.result())
    }

    /// Copies the fields of an origin; the length depends on what is sent.
    fn take_over(&mut self, fields: &HeaderMap) {
        self.speaker = ServerHeader::Origin;
        if let Some(content_type) = fields.get(CONTENT_TYPE) {
            // Inserted before the other fields, as in CloudFront's responses.
            self.headers.insert(CONTENT_TYPE, content_type.clone());
        }
        for (name, value) in fields {
            if name == CONTENT_LENGTH
                || name == TRANSFER_ENCODING
                || CACHE_TAG_FIELDS.contains(name)
            {
                continue;
            }
            if name == DATE || name == SERVER || name == CONTENT_TYPE {
                self.headers.insert(name, value.clone());
            } else {
                self.headers.append(name, value.clone());
            }
        }
        self.outcome.content_type = fields.get(CONTENT_TYPE).cloned();
        if self.status.is_client_error() || self.status.is_server_error() {
            let origin = HeaderValue::from_static("origin");
            self.headers.insert(&X_EDGE_ERROR_SOURCE, origin);
        }
    }

    fn set_cache_status(&mut self, status: &CacheStatus) {
        self.headers.append(&CACHE_STATUS, status.to_header_value());
    }

    /// Sets the length. Without one the framing marks the end of the body; HTTP/1.0 closes. Statuses without a body say
    /// nothing of its length (RFC 9110 8.6).
    fn set_known_length(&mut self, length: Option<u64>, version: Version) {
        let has_no_body = self.status.is_informational()
            || self.status == StatusCode::NO_CONTENT
            || self.status == StatusCode::NOT_MODIFIED;
        match length {
            _ if has_no_body => {}
            Some(length) => self.set_length(length),
            None if version < Version::HTTP_11 => self.close = true,
            None => {}
        }
    }

    async fn begin_with(&mut self, mut reader: ObjectReader) -> Result<(), ReadFault> {
        reader.prepare().await?;
        self.pieces.push(Piece::Object(Box::new(reader)));
        Ok(())
    }
}

/// What conditions and ranges leave of a stored object; these are for a success only (RFC 9110 13.2.1).
fn selected(head: &CachedHead, request: &ViewerRequest<'_>, ranges_max: usize) -> Selection {
    match head.validators().filter(|_| head.status == StatusCode::OK) {
        Some(validators) => select_by(request.method, request.headers, &validators, ranges_max),
        None => Selection::Whole,
    }
}
