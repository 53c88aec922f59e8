//! The record of a request, reported once at its end.

use super::received::{FORWARDED_FOR, Received, path};
use crate::departures::Departure;
use crate::ends::ExchangeEnd;
use crate::exchange::LinkRecord;
use crate::log::{ExchangeLine, LogOf, LogSlot};
use http::{HeaderMap, HeaderValue, header};
use privet_distribution::ByteRange;
use privet_distribution::config::{Distribution, ResponseHeadersPolicy};
use privet_distribution::logging::{DetailedResult, LogRecord, OwnFields, ResultType};
use privet_distribution::request::Routed;
use privet_sign::{Grant, Scheme, Timestamp};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The record of a request. It is only ever written to, until its end.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) distribution: Option<Arc<Distribution>>,
    /// Policy of the behavior that the request was routed to.
    pub(crate) response_policy: Option<Arc<ResponseHeadersPolicy>>,
    /// End of the grant that the response was given for.
    pub(crate) grant_until: Option<Timestamp>,
    /// The link by which the response is given.
    pub(crate) link: Option<LinkRecord>,
    pub(crate) outcome: Outcome,
    pub(super) ended: Option<Instant>,
    slot: LogSlot,
}

/// The response, as far as it got.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) status: u16,
    pub(crate) result: Option<ResultType>,
    /// `None` before there is an answer.
    pub(crate) detail: Option<DetailedResult>,
    pub(crate) content_type: Option<HeaderValue>,
    pub(crate) content_length: Option<u64>,
    pub(crate) range: Option<ByteRange>,
    pub(crate) refusal: Option<&'static str>,
    pub(crate) grant: Option<String>,
    pub(crate) head_size_bytes: u64,
    pub(crate) body_bytes_sent: u64,
    pub(crate) answered_after: Option<Duration>,
    /// True if the body was handed over to its last byte.
    pub(crate) complete: bool,
    pub(crate) unlogged: bool,
    /// True for video and audio, which a player takes as it plays.
    pub(crate) is_video: bool,
}

impl Record {
    pub(super) fn new(slot: LogSlot) -> Self {
        Record {
            distribution: None,
            response_policy: None,
            grant_until: None,
            link: None,
            outcome: Outcome::default(),
            ended: None,
            slot,
        }
    }

    /// Assigns the request to a distribution, whose log gets the record.
    pub(crate) fn belongs_to(&mut self, routed: &Routed<'_>) {
        self.distribution = Some(Arc::clone(routed.distribution));
        self.response_policy = routed.behavior.response_headers_policy.clone();
    }

    /// Notes the grant that the response was given for: no browser may keep the response longer than the grant holds.
    pub(crate) fn granted(&mut self, grant: &Grant) {
        self.grant_until = Some(grant.until());
    }

    /// Notes that the first byte of the response is ready. Returns true if a player takes the response as it plays.
    pub(super) fn answered(&mut self, started: Instant) -> bool {
        self.outcome.answered_after = Some(started.elapsed());
        self.outcome.is_video = self.outcome.content_type.as_ref().is_some_and(is_video);
        self.outcome.is_video
    }

    /// Reports every exchange to the log and the counters, whatever the log's settings are.
    pub(super) fn end(&mut self, received: &Received, departure: Departure) {
        let slot = std::mem::take(&mut self.slot);
        if let Some(link) = &mut self.link {
            let outcome = &self.outcome;
            link.end((outcome.body_bytes_sent, outcome.refusal), received);
        }
        let outcome = &self.outcome;
        let end = ExchangeEnd {
            log: self.distribution.as_ref().map(|distribution| LogOf {
                distribution_id: &distribution.id,
                logging: distribution.logging.as_ref(),
            }),
            refusal: outcome.refusal,
            bytes_sent: outcome.head_size_bytes + outcome.body_bytes_sent,
            is_logged: !outcome.unlogged,
        };
        let ends = &received.connection.ends;
        ends.exchange(slot, &end, || self.log_line(received, departure));
    }

    /// Returns the status; 0 if the viewer left before the response began.
    fn status(&self) -> u16 {
        self.outcome
            .answered_after
            .map_or(0, |_| self.outcome.status)
    }

    fn result(&self, departure: Departure) -> ResultType {
        match departure {
            Departure::Whole => self.outcome.response_result(),
            Departure::BrokenOff => ResultType::Error,
        }
    }

    /// Returns the line for the log, with the cookies that each log has of it.
    fn log_line<'r>(&'r self, received: &'r Received, departure: Departure) -> ExchangeLine<'r> {
        let cookie = header_text(&received.parts.headers, &header::COOKIE);
        let log = received.state.snapshot.node.log.as_ref();
        let distribution = self.distribution.as_ref();
        let own = distribution.and_then(|distribution| distribution.logging.as_ref());
        ExchangeLine {
            record: LogRecord {
                cookie: cookie.filter(|_| log.is_some_and(|log| log.include_cookies)),
                ..self.log_record(received, departure)
            },
            own_cookie: cookie.filter(|_| own.is_some_and(|own| own.include_cookies)),
        }
    }

    /// Returns the record without cookies.
    fn log_record<'r>(&'r self, received: &'r Received, departure: Departure) -> LogRecord<'r> {
        let distribution = self.distribution.as_deref();
        let snapshot = &received.state.snapshot;
        let headers = &received.parts.headers;
        let outcome = &self.outcome;
        let time_taken = self.ended.unwrap_or_else(Instant::now) - received.started;
        LogRecord {
            ended: Timestamp::from_secs(received.now.as_secs() + time_taken.as_secs()),
            edge_location: &snapshot.node.edge.location,
            sc_bytes: outcome.head_size_bytes + outcome.body_bytes_sent,
            client: SocketAddr::new(received.viewer, received.connection.facts.peer.port()),
            method: received.parts.method.as_str(),
            distribution_id: distribution.map_or("", |distribution| &distribution.id),
            cs_host: distribution.map_or("", |distribution| &distribution.domain_name),
            uri_stem: path(&received.parts.uri),
            status: self.status(),
            referer: header_text(headers, &header::REFERER),
            user_agent: header_text(headers, &header::USER_AGENT),
            uri_query: received.parts.uri.query(),
            cookie: None,
            result: self.result(departure),
            request_id: &received.request_id,
            host_header: received.host(),
            protocol: match received.scheme() {
                Scheme::Http => "http",
                Scheme::Https => "https",
            },
            cs_bytes: received.request_head_size_bytes(),
            time_taken,
            forwarded_for: header_text(headers, &FORWARDED_FOR),
            tls: received
                .connection
                .facts
                .tls
                .as_ref()
                .map(|(version, suite)| (*version, suite.as_str())),
            response_result: self.result(Departure::Whole),
            version: received.parts.version,
            time_to_first_byte: outcome.answered_after.unwrap_or(time_taken),
            detail: self.detail(departure),
            content_type: outcome
                .content_type
                .as_ref()
                .and_then(|value| value.to_str().ok()),
            content_length: outcome.content_length,
            range: outcome.range,
            own: OwnFields {
                refusal: outcome.refusal,
                grant: outcome.grant.as_deref(),
            },
        }
    }

    /// Returns `x-edge-detailed-result-type`. A fault of the origin takes precedence over the viewer's.
    fn detail(&self, departure: Departure) -> DetailedResult {
        let (Some(_), Some(detail)) = (self.outcome.answered_after, self.outcome.detail) else {
            return DetailedResult::ClientHungUpRequest;
        };
        match departure {
            Departure::BrokenOff if !detail.is_of_origin() => DetailedResult::ClientCommError,
            Departure::BrokenOff | Departure::Whole => detail,
        }
    }
}

impl Outcome {
    /// The result as it was judged before the first byte.
    pub(crate) fn response_result(&self) -> ResultType {
        self.result.unwrap_or(ResultType::Error)
    }

    /// The body cannot go on: the origin is at fault, and `detail` says how if nothing has been said of that yet.
    pub(crate) fn broken_by_origin(&mut self, detail: DetailedResult) {
        self.detail = self
            .detail
            .filter(|detail| detail.is_of_origin())
            .or(Some(detail));
    }
}

/// Returns true for video and audio (RFC 6838 4.2.4, 4.2.3).
fn is_video(content_type: &HeaderValue) -> bool {
    let kind = content_type.as_bytes().get(..6);
    kind.is_some_and(|kind| {
        [&b"video/"[..], b"audio/"]
            .iter()
            .any(|video| kind.eq_ignore_ascii_case(video))
    })
}

/// Returns a header's text, `?` if it is not UTF-8: the log must show that there was one.
fn header_text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    let value = headers.get(name)?;
    Some(std::str::from_utf8(value.as_bytes()).unwrap_or("?"))
}
