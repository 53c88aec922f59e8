//! The response to the viewer: status, headers and pieces of body for an object, or one of the edge's own pages.

mod coded;
mod multipart;
mod remote;
mod video;

pub(crate) use remote::{Origins, Passed};

use crate::body::Piece;
use crate::exchange::Outcome;
use crate::file_placeholder::FileSending;
use crate::origin::{Content, Object};
use bytes::Bytes;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, DATE, ETAG, EXPIRES,
    LAST_MODIFIED, LOCATION, RETRY_AFTER, SERVER,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use multipart::Multipart;
use privet_distribution::logging::{DetailedResult, ResultType};
use privet_distribution::response::{Page, PageAuthor, PreflightAnswer, Selection};
use privet_distribution::{ByteRange, ContentRange, Span};
use std::fs::File;
use std::sync::Arc;

/// A response before the headers that every response has.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) pieces: Vec<Piece>,
    pub(crate) close: bool,
    /// Author of the response, which `Server` and `Date` show.
    pub(crate) speaker: ServerHeader,
    pub(crate) outcome: Outcome,
}

/// Author of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerHeader {
    /// The edge: `Server: CloudFront`.
    Edge,
    /// A folder, which responds like a bucket: `Server: AmazonS3`.
    Folder,
    /// An origin, whose own `Server` and `Date` are passed on.
    Origin,
}

impl From<PageAuthor> for ServerHeader {
    fn from(author: PageAuthor) -> Self {
        match author {
            PageAuthor::Edge => ServerHeader::Edge,
            PageAuthor::Origin => ServerHeader::Folder,
        }
    }
}

impl Answer {
    /// An answer of which nothing more is to be said in the log than its `result`.
    fn new(status: StatusCode, result: ResultType) -> Self {
        let mut headers = HeaderMap::with_capacity(24);
        // Inserted first, as in every response captured from CloudFront; the values are set last.
        headers.insert(SERVER, HeaderValue::from_static(""));
        headers.insert(DATE, HeaderValue::from_static(""));
        Answer {
            status,
            headers,
            pieces: Vec::new(),
            close: false,
            speaker: ServerHeader::Edge,
            outcome: Outcome {
                status: status.as_u16(),
                result: Some(result),
                detail: Some(DetailedResult::Plain(result)),
                ..Outcome::default()
            },
        }
    }

    /// Builds the response for one of the edge's own pages.
    pub(crate) fn page(page: Page) -> Self {
        let mut answer = Answer::new(page.status, page.result);
        answer.outcome.detail = Some(page.detail);
        answer.close = page.close;
        answer.speaker = page.author.into();
        answer.outcome.unlogged = !page.logged;
        answer.set_type(HeaderValue::from_static(page.content_type));
        answer.set_length(page.body.len() as u64);
        if let Some(location) = page
            .location
            .and_then(|text| HeaderValue::try_from(text).ok())
        {
            answer.headers.insert(LOCATION, location);
        }
        if let Some(value) = page.cache_control {
            answer
                .headers
                .insert(CACHE_CONTROL, HeaderValue::from_static(value));
        }
        if let Some(secs) = page.retry_after_secs {
            answer.headers.insert(RETRY_AFTER, HeaderValue::from(secs));
        }
        answer.pieces.push(Piece::Memory(Bytes::from(page.body)));
        answer
    }

    /// An answer of the edge's own; its other headers are the caller's.
    pub(crate) fn made_here(status: StatusCode, result: ResultType, body: Bytes) -> Self {
        let mut answer = Answer::new(status, result);
        answer.set_length(body.len() as u64);
        answer.pieces.push(Piece::Memory(body));
        answer
    }

    /// Returns the length of the body; `None` if it is not known.
    pub(crate) fn body_size_bytes(&self) -> Option<u64> {
        self.pieces.iter().map(Piece::size_bytes).sum()
    }

    /// Builds the response to OPTIONS, a CORS preflight or not.
    pub(crate) fn options(preflight: PreflightAnswer) -> Self {
        let mut answer = Answer::new(preflight.status, ResultType::Miss);
        answer.headers.extend(preflight.headers);
        // A 204 has no length (RFC 9110 8.6).
        if preflight.status != StatusCode::NO_CONTENT {
            answer.set_length(0);
        }
        answer
    }

    /// The object, or what conditions and ranges leave of it.
    pub(crate) fn object(object: &Object, selection: Selection, file_sending: FileSending) -> Self {
        let result = if object.from_memory {
            ResultType::Hit
        } else {
            ResultType::Miss
        };
        let size_bytes = object.head.representation.size_bytes;
        let mut answer = Answer::new(status(&selection), result);
        match selection {
            Selection::Whole => {
                answer.set_type(object.head.content_type.clone());
                answer.set_length(size_bytes);
                let span = Span {
                    start: 0,
                    end: size_bytes,
                };
                answer.pieces.push(piece(object, file_sending, span));
            }
            Selection::NotModified | Selection::PreconditionFailed => {}
            Selection::One(range) => answer.one_range(object, file_sending, range),
            Selection::Several(ranges) => {
                let multipart = Multipart {
                    ranges: &ranges,
                    content_type: &object.head.representation.content_type,
                    size_bytes,
                };
                answer.set_multipart(&multipart, |range| {
                    piece(object, file_sending, range.span())
                });
            }
            Selection::NotSatisfiable => answer.set_unsatisfied(size_bytes),
        }
        answer.add_stored(object);
        let headers = &mut answer.headers;
        headers.insert(LAST_MODIFIED, object.head.last_modified.clone());
        headers.insert(ETAG, object.head.etag.clone());
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        answer
    }

    /// Adds what is stored with an object. A response without the object has of it what renews a stored one (RFC 9110
    /// 15.4.5).
    fn add_stored(&mut self, object: &Object) {
        let is_whole = self.status.is_success();
        let renews = |name: &HeaderName| name == CACHE_CONTROL || name == EXPIRES;
        let is_renewed = self.status == StatusCode::NOT_MODIFIED;
        for (name, value) in &object.head.stored {
            if is_whole || (is_renewed && renews(name)) {
                self.headers.insert(name, value.clone());
            }
        }
    }

    fn one_range(&mut self, object: &Object, file_sending: FileSending, range: ByteRange) {
        self.set_type(object.head.content_type.clone());
        self.set_one_range(range, object.head.representation.size_bytes);
        self.pieces.push(piece(object, file_sending, range.span()));
    }

    fn set_type(&mut self, content_type: HeaderValue) {
        self.outcome.content_type = Some(content_type.clone());
        self.headers.insert(CONTENT_TYPE, content_type);
    }

    fn set_length(&mut self, length: u64) {
        self.outcome.content_length = Some(length);
        self.headers
            .insert(CONTENT_LENGTH, HeaderValue::from(length));
    }

    /// The length and place of a range of an object of `size_bytes`.
    fn set_one_range(&mut self, range: ByteRange, size_bytes: u64) {
        self.set_length(range.size_bytes());
        self.set_range(&range.content_range(size_bytes));
        self.outcome.range = Some(range);
    }

    /// An object of `size_bytes` has nothing of what is asked for.
    fn set_unsatisfied(&mut self, size_bytes: u64) {
        self.set_range(&ContentRange::unsatisfied(size_bytes));
        self.set_length(0);
    }

    fn set_range(&mut self, content_range: &str) {
        if let Ok(value) = HeaderValue::from_str(content_range) {
            self.headers.insert(CONTENT_RANGE, value);
        }
    }
}

fn status(selection: &Selection) -> StatusCode {
    match selection {
        Selection::Whole => StatusCode::OK,
        Selection::NotModified => StatusCode::NOT_MODIFIED,
        Selection::PreconditionFailed => StatusCode::PRECONDITION_FAILED,
        Selection::One(_) | Selection::Several(_) => StatusCode::PARTIAL_CONTENT,
        Selection::NotSatisfiable => StatusCode::RANGE_NOT_SATISFIABLE,
    }
}

/// These bytes of the object, which has all of them.
fn piece(object: &Object, file_sending: FileSending, span: Span) -> Piece {
    let in_memory = |bytes: &Bytes| {
        // Content in memory fits the address space, so the conversion loses nothing.
        Piece::Memory(bytes.slice(span.start as usize..span.end as usize))
    };
    let in_file = |file: &Arc<File>, warm: bool| Piece::File {
        file: Arc::clone(file),
        offset: span.start,
        size_bytes: span.size_bytes(),
        warm,
    };
    match &object.content {
        Content::Memory(bytes) => in_memory(bytes),
        Content::Both(bytes, file) => match file_sending {
            FileSending::ByTheSystem => in_file(file, true),
            FileSending::Read => in_memory(bytes),
        },
        Content::File(file) => in_file(file, false),
    }
}
