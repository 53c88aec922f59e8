//! One request and its answer, from the head's arrival to the last byte: what the log will say of it.

use crate::answer_memory::{BodyMemory, RefusedAnswer};
use crate::connection::ConnectionState;
use crate::log::Place;
use crate::request_id::request_id;
use crate::state::EdgeState;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use privet_distribution::{
    Asked, Denial, Distribution, Forwarded, ForwardedFault, LogRecord, PathSession,
    ResponseHeadersPolicy, ResultType, ViewerRequest, forwarded, redact_viewer_text, split_session,
};
use privet_sign::{Scheme, Timestamp};
use std::net::{IpAddr, SocketAddr};
use std::ops::{Deref, DerefMut};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// A request on its way and what became of it.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) parts: Parts,
    pub(crate) has_body: bool,
    pub(crate) connection: Rc<ConnectionState>,
    pub(crate) state: Arc<EdgeState>,
    pub(crate) request_id: String,
    pub(crate) distribution: Option<Arc<Distribution>>,
    /// Of the behavior that the request was routed to.
    pub(crate) response_policy: Option<Arc<ResponseHeadersPolicy>>,
    /// When the grant ends that the answer was given for.
    pub(crate) grant_until: Option<Timestamp>,
    pub(crate) outcome: Outcome,
    /// Whose request it is: the connection's other end, or whom trusted proxies name.
    pub(crate) viewer: IpAddr,
    /// How the viewer asked, as far as trusted proxies say so; a contradiction is refused.
    pub(crate) told: Result<Asked, ForwardedFault>,
    /// What the answer may have on its way.
    pub(crate) memory: BodyMemory,
    /// That it was not admitted, until its page is gone.
    pub(crate) refused: Option<RefusedAnswer>,
    /// When the head had arrived: what the request is judged by.
    pub(crate) now: Timestamp,
    started: Instant,
    ended: Option<Instant>,
    place: Place,
}

/// What the answer was, as far as it got.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) status: u16,
    pub(crate) result: Option<ResultType>,
    pub(crate) detail: &'static str,
    pub(crate) content_type: Option<HeaderValue>,
    pub(crate) content_length: Option<u64>,
    pub(crate) range: Option<(u64, u64)>,
    pub(crate) refusal: Option<&'static str>,
    pub(crate) grant: Option<String>,
    pub(crate) head_size_bytes: u64,
    pub(crate) body_bytes_sent: u64,
    pub(crate) answered_after: Option<Duration>,
    /// The body was handed over to its last byte.
    pub(crate) complete: bool,
    pub(crate) unlogged: bool,
    /// Pictures or sound, which a player takes as it plays.
    pub(crate) is_film: bool,
}

/// An exchange that is not over. Whatever happens to it, its drop tells the connection, and so the log.
#[derive(Debug)]
pub(crate) struct OpenExchange(Option<Box<Exchange>>);

impl OpenExchange {
    /// Starts the record of a request, which has its `place` in the log and its `memory`.
    pub(crate) fn new(
        parts: Parts,
        has_body: bool,
        connection: Rc<ConnectionState>,
        state: Arc<EdgeState>,
        (place, memory): (Place, BodyMemory),
    ) -> Self {
        connection.request_began();
        let Forwarded {
            viewer,
            asked: told,
        } = forwarded(
            connection.peer.ip(),
            &parts.headers,
            &state.snapshot.trusted_proxies,
            state.snapshot.forwarded_headers,
        );
        OpenExchange(Some(Box::new(Exchange {
            parts,
            has_body,
            state,
            request_id: request_id(),
            distribution: None,
            response_policy: None,
            grant_until: None,
            outcome: Outcome::default(),
            viewer,
            told,
            memory,
            refused: None,
            now: connection.clock.now(),
            started: Instant::now(),
            ended: None,
            connection,
            place,
        })))
    }
}

impl Drop for OpenExchange {
    fn drop(&mut self) {
        if let Some(mut exchange) = self.0.take() {
            exchange.ended = Some(Instant::now());
            let connection = Rc::clone(&exchange.connection);
            connection.request_ended(exchange);
        }
    }
}

impl Deref for OpenExchange {
    type Target = Exchange;

    fn deref(&self) -> &Exchange {
        self.0
            .as_deref()
            .expect("an open exchange is taken only by its drop")
    }
}

impl DerefMut for OpenExchange {
    fn deref_mut(&mut self) -> &mut Exchange {
        self.0
            .as_deref_mut()
            .expect("an open exchange is taken only by its drop")
    }
}

impl Exchange {
    /// Drops what the viewer sent. A request that is not admitted belongs to no distribution's log, and its page may wait
    /// for as long as the viewer likes.
    pub(crate) fn forget_request(&mut self) {
        self.parts.headers = HeaderMap::new();
        self.parts.uri = Uri::default();
        if self.parts.method != Method::HEAD {
            self.parts.method = Method::GET;
        }
    }

    /// The request in the terms of the rules.
    pub(crate) fn viewer_request(&self) -> ViewerRequest<'_> {
        let asked = path(&self.parts.uri);
        let (session, path) = match split_session(asked) {
            Some((token, rest)) => {
                let secret = &self.state.session_secret;
                (Some(PathSession { token, secret }), rest)
            }
            None => (None, asked),
        };
        ViewerRequest {
            method: &self.parts.method,
            version: self.parts.version,
            scheme: self.scheme(),
            host: self.host(),
            https_port: self.https_port(),
            path,
            query: self.parts.uri.query(),
            headers: &self.parts.headers,
            client: self.viewer,
            has_body: self.has_body,
            session,
        }
    }

    /// By which the viewer asked: here, or the outermost trusted proxy.
    pub(crate) fn scheme(&self) -> Scheme {
        let told = self.told.as_ref().ok().and_then(|asked| asked.scheme);
        told.unwrap_or(self.connection.scheme)
    }

    /// Whether a request that is refused might have been let in if its sender were a trusted proxy.
    pub(crate) fn may_be_of_a_proxy(&self, denial: &Denial) -> bool {
        let is_about_the_url = matches!(
            denial,
            Denial::Signature(_)
                | Denial::HttpsRequired
                | Denial::RedirectToHttps { .. }
                | Denial::UnknownHost
        );
        let headers = &self.parts.headers;
        let snapshot = &self.state.snapshot;
        is_about_the_url
            && (headers.contains_key(&FORWARDED_PROTO) || headers.contains_key(header::FORWARDED))
            && !snapshot.trusted_proxies.contains(self.connection.peer.ip())
    }

    /// What the operator hears of `count` requests, this one the last, whose host no distribution has.
    pub(crate) fn unknown_host_note(&self, count: u64) -> String {
        const HOST_CHARS_MAX: usize = 255;
        let host = self.host();
        // A stranger's text, in which a link may be, and terminals obey.
        let shown: String = redact_viewer_text(host)
            .chars()
            .take(HOST_CHARS_MAX)
            .collect();
        let shown = shown.escape_debug();
        let why = match self.state.snapshot.distribution_for(host) {
            Some(distribution) => format!(
                "distribution {}, which has it, is disabled",
                distribution.id
            ),
            None => "no distribution has it as its domain_name or among its aliases".to_owned(),
        };
        let more = match count {
            0 | 1 => String::new(),
            count => format!(" ({count} such requests since this was last told)"),
        };
        format!("a request for the host {shown} was refused with 403: {why}{more}")
    }

    /// A proxy that tells schemes is where https is.
    fn https_port(&self) -> Option<u16> {
        const HTTPS: u16 = 443;
        let told = self.told.as_ref().ok().and_then(|asked| asked.scheme);
        told.map(|_| HTTPS)
    }

    fn host(&self) -> &str {
        let told = self.told.as_ref().ok();
        match told.and_then(|asked| asked.host.as_deref()) {
            Some(host) => host,
            None => host(&self.parts.uri, &self.parts.headers),
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

    /// The answer's first byte is ready.
    pub(crate) fn answered(&mut self) {
        self.outcome.answered_after = Some(self.started.elapsed());
        self.outcome.is_film = self.outcome.content_type.as_ref().is_some_and(is_film);
        if self.outcome.is_film {
            self.connection.film_began();
        }
    }

    /// When it was over; now, if it is not.
    pub(crate) fn ended(&self) -> Instant {
        self.ended.unwrap_or_else(Instant::now)
    }

    /// The place in the log, to be used once.
    pub(crate) fn take_place(&mut self) -> Place {
        std::mem::take(&mut self.place)
    }

    /// Hands the finished record to `write`; nothing for a request that belongs to no distribution's log.
    /// `broken_off`: the viewer did not get everything.
    pub(crate) fn record(
        &self,
        broken_off: bool,
        write: impl FnOnce(&Arc<Distribution>, &LogRecord<'_>),
    ) {
        let Some(distribution) = self
            .distribution
            .as_ref()
            .filter(|_| !self.outcome.unlogged)
        else {
            return;
        };
        let snapshot = &self.state.snapshot;
        let headers = &self.parts.headers;
        let outcome = &self.outcome;
        let time_taken = self.ended() - self.started;
        let judged = outcome.result.unwrap_or(ResultType::Error);
        let include_cookies = snapshot.log.as_ref().is_some_and(|log| log.include_cookies);
        let cookie = header_text(headers, &header::COOKIE).filter(|_| include_cookies);
        let record = LogRecord {
            ended: Timestamp::from_secs(self.now.as_secs() + time_taken.as_secs()),
            edge_location: &snapshot.edge.location,
            sc_bytes: outcome.head_size_bytes + outcome.body_bytes_sent,
            client: SocketAddr::new(self.viewer, self.connection.peer.port()),
            method: self.parts.method.as_str(),
            distribution_id: &distribution.id,
            cs_host: &distribution.domain_name,
            uri_stem: path(&self.parts.uri),
            // 0: the viewer left before the answer began.
            status: outcome.answered_after.map_or(0, |_| outcome.status),
            referer: header_text(headers, &header::REFERER),
            user_agent: header_text(headers, &header::USER_AGENT),
            uri_query: self.parts.uri.query(),
            cookie,
            result: if broken_off {
                ResultType::Error
            } else {
                judged
            },
            request_id: &self.request_id,
            host_header: self.host(),
            protocol: match self.scheme() {
                Scheme::Http => "http",
                Scheme::Https => "https",
            },
            cs_bytes: self.request_head_size_bytes(),
            time_taken,
            forwarded_for: header_text(headers, &FORWARDED_FOR),
            tls: self
                .connection
                .tls
                .as_ref()
                .map(|(version, suite)| (*version, suite.as_str())),
            response_result: judged,
            version: self.parts.version,
            time_to_first_byte: outcome.answered_after.unwrap_or(time_taken),
            detail: self.detail(broken_off),
            content_type: outcome
                .content_type
                .as_ref()
                .and_then(|value| value.to_str().ok()),
            content_length: outcome.content_length,
            range: outcome.range,
            refusal: outcome.refusal,
            grant: outcome.grant.as_deref(),
        };
        write(distribution, &record);
    }

    /// `x-edge-detailed-result-type`. What went wrong at the origin comes before what the viewer did.
    fn detail(&self, broken_off: bool) -> &'static str {
        match self.outcome.answered_after {
            None => "ClientHungUpRequest",
            Some(_) if broken_off && !self.outcome.detail.starts_with("Origin") => {
                "ClientCommError"
            }
            Some(_) => self.outcome.detail,
        }
    }
}

/// An origin broke off.
pub(crate) const ORIGIN_COMM_ERROR: &str = "OriginCommError";

/// A file became unreadable or shorter while it was sent.
pub(crate) const ORIGIN_READ_ERROR: &str = "OriginReadError";

/// A field in a `HeaderMap`, without its text.
const FIELD_SIZE_BYTES: usize = 110;

static FORWARDED_FOR: header::HeaderName = header::HeaderName::from_static("x-forwarded-for");
static FORWARDED_PROTO: header::HeaderName = header::HeaderName::from_static("x-forwarded-proto");

/// Pictures and sound (RFC 6838 4.2.4, 4.2.3).
fn is_film(content_type: &HeaderValue) -> bool {
    let kind = content_type.as_bytes().get(..6);
    kind.is_some_and(|kind| {
        [&b"video/"[..], b"audio/"]
            .iter()
            .any(|film| kind.eq_ignore_ascii_case(film))
    })
}

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

/// A header's text, `?` if it is not UTF-8: the log must show that there was one.
fn header_text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    let value = headers.get(name)?;
    Some(std::str::from_utf8(value.as_bytes()).unwrap_or("?"))
}

/// What the fields of a request take in memory: the text, and the places in the map, which are more than tiny fields.
pub(crate) fn headers_memory_size_bytes(headers: &HeaderMap) -> usize {
    headers_size_bytes(headers) + headers.len() * FIELD_SIZE_BYTES
}

/// Name, `: `, value and CRLF of every header.
pub(crate) fn headers_size_bytes(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}
