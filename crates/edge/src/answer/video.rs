//! Responses with what is made of videos: conditions and ranges work as for any object.

use super::multipart::Multipart;
use super::{Answer, ServerHeader};
use crate::body::Piece;
use crate::cache::ReadFault;
use crate::exchange::Received;
use crate::file_placeholder::FileSending;
use crate::video::{Made, MadeContent, Stretch};
use http::header::{
    ACCEPT_RANGES, ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, AGE, CACHE_CONTROL, CONTENT_ENCODING, ETAG, EXPIRES,
    LAST_MODIFIED, VARY,
};
use http::{HeaderName, HeaderValue, Method};
use privet_distribution::caching::{DateStrength, vary_by_coding};
use privet_distribution::request::ViewerRequest;
use privet_distribution::response::{Selection, Validators, select_by};
use privet_distribution::{Span, parse_date};
use privet_sign::Timestamp;

/// Fields of an object's response that also hold for everything made of the object.
const SHARED_FIELDS: [HeaderName; 8] = [
    ACCESS_CONTROL_ALLOW_CREDENTIALS,
    ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS,
    CACHE_CONTROL,
    EXPIRES,
    VARY,
    HeaderName::from_static("cross-origin-resource-policy"),
    HeaderName::from_static("timing-allow-origin"),
];
static CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

impl Answer {
    /// Builds the response for what was made, or for what conditions and ranges leave of it. Waits for its first bytes.
    ///
    /// Errors: those bytes cannot be read. Nothing has been sent then.
    pub(crate) async fn made(
        made: &Made,
        request: &ViewerRequest<'_>,
        received: &Received,
    ) -> Result<Self, ReadFault> {
        let file_sending = received.file_sending();
        let size_bytes = made.content.size_bytes();
        let ranges_max = received.state.snapshot.node.limits.ranges_max;
        let selection = made.selected(request, ranges_max);
        let mut answer = Answer::of_made(made, &selection, received.now);
        let is_head = *request.method == Method::HEAD;
        match selection {
            Selection::Whole => {
                answer.set_type(made.content_type.clone());
                answer.set_length(size_bytes);
                if !is_head {
                    let span = Span {
                        start: 0,
                        end: size_bytes,
                    };
                    answer
                        .begin_with_made(&made.content, span, file_sending)
                        .await?;
                }
            }
            Selection::NotModified | Selection::PreconditionFailed => {}
            Selection::One(range) => {
                answer.set_type(made.content_type.clone());
                answer.set_one_range(range, size_bytes);
                answer
                    .begin_with_made(&made.content, range.span(), file_sending)
                    .await?;
            }
            Selection::Several(ranges) => {
                let multipart = Multipart {
                    ranges: &ranges,
                    content_type: made.content_type.to_str().unwrap_or_default(),
                    size_bytes,
                };
                answer.set_multipart(&multipart, |range| {
                    match made.content.stretch(range.span(), file_sending) {
                        Stretch::Memory(bytes) => Piece::Made(bytes),
                        Stretch::Body(body) => Piece::Video(body),
                    }
                });
            }
            Selection::NotSatisfiable => answer.set_unsatisfied(size_bytes),
        }
        Ok(answer)
    }

    /// Builds the status and the header fields.
    fn of_made(made: &Made, selection: &Selection, now: Timestamp) -> Self {
        let mut answer = Answer::new(super::status(selection), made.how.result());
        answer.speaker = ServerHeader::Edge;
        let headers = &mut answer.headers;
        match &made.source {
            Some(source) => {
                for name in SHARED_FIELDS {
                    for value in source.headers().get_all(&name) {
                        headers.append(name.clone(), value.clone());
                    }
                }
                if let Some(age) = source.age_secs(now) {
                    headers.insert(AGE, HeaderValue::from(age));
                }
            }
            None => {
                let private = HeaderValue::from_static("private, no-cache");
                headers.insert(CACHE_CONTROL, private);
            }
        }
        if let Some(date) = made.last_modified() {
            headers.insert(LAST_MODIFIED, date.clone());
        }
        let etag = made.etag.as_deref().map(HeaderValue::from_str);
        if let Some(Ok(etag)) = etag {
            headers.insert(ETAG, etag);
        }
        match &made.content {
            MadeContent::Text(_, Some(coding)) => {
                let coding = HeaderValue::from_static(coding.as_str());
                headers.insert(CONTENT_ENCODING, coding);
                vary_by_coding(headers);
            }
            MadeContent::Text(_, None) => {
                headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
                vary_by_coding(headers);
            }
            MadeContent::Parts(..) | MadeContent::Ts(_) => {
                headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
            }
        }
        if let Some(status) = &made.cache_status {
            headers.append(&CACHE_STATUS, status.to_header_value());
        }
        answer
    }

    async fn begin_with_made(
        &mut self,
        content: &MadeContent,
        span: Span,
        file_sending: FileSending,
    ) -> Result<(), ReadFault> {
        self.pieces.push(match content.stretch(span, file_sending) {
            Stretch::Memory(bytes) => Piece::Made(bytes),
            Stretch::Body(mut body) => {
                body.prepare().await?;
                Piece::Video(body)
            }
        });
        Ok(())
    }
}

impl Made {
    /// What conditions and ranges leave of it.
    fn selected(&self, request: &ViewerRequest<'_>, ranges_max: usize) -> Selection {
        let validators = Validators {
            size_bytes: self.content.size_bytes(),
            etag: self.etag.as_deref(),
            last_modified: self
                .last_modified()
                .and_then(|date| parse_date(date.to_str().ok()?)),
            date_strength: DateStrength::Strong,
            dated: None,
        };
        select_by(request.method, request.headers, &validators, ranges_max)
    }

    /// Returns the date of content made of the object alone. A playlist also changes with the configuration, and has
    /// its entity tag.
    fn last_modified(&self) -> Option<&HeaderValue> {
        match self.content {
            MadeContent::Text(..) => None,
            MadeContent::Parts(..) | MadeContent::Ts(_) => self.source.as_ref()?.last_modified(),
        }
    }
}
