//! One request and its answer, from the head's arrival to the last byte: what the log will say of it.

use crate::connection::ConnectionState;
use crate::log::LogPermit;
use crate::request_id::request_id;
use crate::state::EdgeState;
use http::request::Parts;
use http::{HeaderMap, Uri, header};
use privet_distribution::{
    Distribution, LogRecord, ResultType, ViewerRequest, redact_cookies, redact_query,
};
use privet_sign::Timestamp;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A request on its way. Whatever happens to it, its drop writes one log record.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) parts: Parts,
    pub(crate) has_body: bool,
    pub(crate) connection: Rc<ConnectionState>,
    pub(crate) state: Arc<EdgeState>,
    pub(crate) request_id: String,
    pub(crate) distribution: Option<Arc<Distribution>>,
    pub(crate) outcome: Outcome,
    /// When the head had arrived: what the request is judged by.
    pub(crate) now: Timestamp,
    started: Instant,
    permit: Option<LogPermit>,
}

/// What the answer was, as far as it got.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) status: u16,
    pub(crate) result: Option<ResultType>,
    pub(crate) detail: &'static str,
    pub(crate) content_type: Option<http::HeaderValue>,
    pub(crate) content_length: Option<u64>,
    pub(crate) range: Option<(u64, u64)>,
    pub(crate) refusal: Option<&'static str>,
    pub(crate) grant: Option<String>,
    pub(crate) head_size_bytes: u64,
    pub(crate) body_bytes_sent: u64,
    pub(crate) answered_after: Option<Duration>,
    pub(crate) complete: bool,
    pub(crate) unlogged: bool,
}

impl Exchange {
    /// Starts the record of a request. `permit` is its place in the log queue; `None` when nothing is logged.
    pub(crate) fn new(
        parts: Parts,
        has_body: bool,
        connection: Rc<ConnectionState>,
        state: Arc<EdgeState>,
        permit: Option<LogPermit>,
    ) -> Box<Self> {
        connection.request_began();
        Box::new(Exchange {
            parts,
            has_body,
            state,
            request_id: request_id(),
            distribution: None,
            outcome: Outcome::default(),
            now: connection.clock.now(),
            started: Instant::now(),
            connection,
            permit,
        })
    }

    /// The request in the terms of the rules.
    pub(crate) fn viewer_request(&self) -> ViewerRequest<'_> {
        ViewerRequest {
            method: &self.parts.method,
            version: self.parts.version,
            scheme: self.connection.scheme,
            host: host(&self.parts.uri, &self.parts.headers),
            path: path(&self.parts.uri),
            query: self.parts.uri.query(),
            headers: &self.parts.headers,
            client: self.connection.peer.ip(),
            has_body: self.has_body,
        }
    }

    /// Bytes of the request head as HTTP/1.1 writes it, which HTTP/2 is measured by as well.
    pub(crate) fn request_head_size_bytes(&self) -> u64 {
        let target = self
            .parts
            .uri
            .path_and_query()
            .map_or(1, |target| target.as_str().len());
        let line = self.parts.method.as_str().len() + target + " HTTP/1.1\r\n".len() + 1;
        (line + headers_size_bytes(&self.parts.headers) + 2) as u64
    }

    /// Notes the moment at which the answer's first byte was ready.
    pub(crate) fn answered(&mut self) {
        self.outcome.answered_after = Some(self.started.elapsed());
    }

    fn record(&mut self, ended: Instant) -> Option<(LogPermit, LogRecord)> {
        let permit = self.permit.take()?;
        if self.outcome.unlogged {
            return None;
        }
        let distribution = self.distribution.as_ref()?;
        let log = self.state.snapshot.log.as_ref();
        let include_cookies = log.is_some_and(|log| log.include_cookies);
        let headers = &self.parts.headers;
        let result = self.outcome.result.unwrap_or(ResultType::Error);
        let time_taken = ended - self.started;
        let cookie = header_text(headers, &header::COOKIE).filter(|_| include_cookies);
        let record = LogRecord {
            ended: Timestamp::from_secs(self.now.as_secs() + time_taken.as_secs()),
            edge_location: self.state.snapshot.edge.location.clone(),
            sc_bytes: self.outcome.head_size_bytes + self.outcome.body_bytes_sent,
            client: self.connection.peer,
            method: self.parts.method.to_string(),
            distribution_id: distribution.id.clone(),
            cs_host: distribution.domain_name.clone(),
            uri_stem: path(&self.parts.uri).to_owned(),
            status: self.outcome.status,
            referer: header_text(headers, &header::REFERER),
            user_agent: header_text(headers, &header::USER_AGENT),
            uri_query: self.parts.uri.query().map(redact_query),
            cookie: cookie.map(|value| redact_cookies(&value)),
            result,
            request_id: std::mem::take(&mut self.request_id),
            host_header: host(&self.parts.uri, headers).to_owned(),
            protocol: match self.connection.scheme {
                privet_sign::Scheme::Http => "http",
                privet_sign::Scheme::Https => "https",
            },
            cs_bytes: self.request_head_size_bytes(),
            time_taken,
            forwarded_for: header_text(headers, &FORWARDED_FOR),
            tls: self.connection.tls.clone(),
            response_result: result,
            version: self.parts.version,
            time_to_first_byte: self.outcome.answered_after.unwrap_or(time_taken),
            detail: self.outcome.detail,
            content_type: self
                .outcome
                .content_type
                .as_ref()
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned),
            content_length: self.outcome.content_length,
            range: self.outcome.range,
            refusal: self.outcome.refusal,
            grant: self.outcome.grant.take(),
        };
        Some((permit, record))
    }
}

/// The record waits at the connection until its last byte was handed to the operating system.
impl Drop for Exchange {
    fn drop(&mut self) {
        let complete = self.outcome.complete;
        if self.outcome.answered_after.is_none() {
            // The viewer left before the answer began.
            self.outcome.status = 0;
            self.outcome.detail = "ClientHungUpRequest";
        }
        let ended = Instant::now();
        self.connection.request_ended(ended);
        if let Some((permit, record)) = self.record(ended) {
            self.connection.log(permit, record, complete);
        }
    }
}

static FORWARDED_FOR: header::HeaderName = header::HeaderName::from_static("x-forwarded-for");

/// The authority of the target wins over `Host` (RFC 9112 3.2.2; RFC 9113 8.3.1).
fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> &'a str {
    match uri.authority() {
        Some(authority) => authority.as_str(),
        None => headers
            .get(header::HOST)
            .and_then(|value| value.to_str().ok())
            .unwrap_or(""),
    }
}

/// `*` of `OPTIONS *` and the empty path of an absolute target count as `/`.
fn path(uri: &Uri) -> &str {
    match uri.path() {
        "" | "*" => "/",
        path => path,
    }
}

fn header_text(headers: &HeaderMap, name: &header::HeaderName) -> Option<String> {
    let value = headers.get(name)?;
    Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
}

/// Name, `: `, value and CRLF of every header.
pub(crate) fn headers_size_bytes(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}
