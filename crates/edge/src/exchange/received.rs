//! A received request, its connection, and the configuration that it is judged by.

use crate::answer_memory::BodyMemory;
use crate::connection_state::ConnectionState;
use crate::file_placeholder::FileSending;
use crate::request_id::request_id;
use crate::state::EdgeState;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use privet_distribution::logging::redact_viewer_text;
use privet_distribution::request::{
    Asked, Denial, ForwardedFault, PathTokenUrl, RequestFacts, ViewerRequest, split_path_token,
};
use privet_sign::{Scheme, Timestamp};
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use tokio::time::Instant;

/// Memory of a field in a `HeaderMap`, without its text.
const FIELD_SIZE_BYTES: usize = 110;

pub(super) static FORWARDED_FOR: header::HeaderName =
    header::HeaderName::from_static("x-forwarded-for");
static FORWARDED_PROTO: header::HeaderName = header::HeaderName::from_static("x-forwarded-proto");

/// A request as it was received. It does not change.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) parts: Parts,
    pub(crate) has_body: bool,
    pub(crate) connection: Rc<ConnectionState>,
    /// Configuration that was active when the request arrived.
    pub(crate) state: Arc<EdgeState>,
    pub(crate) request_id: String,
    /// Address of the viewer: the connection's other end, or the one that trusted proxies name.
    pub(crate) viewer: IpAddr,
    /// Address that grants are judged by: the viewer's, or one that no grant for some addresses names if it is not
    /// known.
    client: IpAddr,
    /// Scheme and host that the viewer used, as far as trusted proxies state them; a contradiction is refused.
    pub(crate) told: Result<Asked, ForwardedFault>,
    /// Time at which the head had arrived, by which the request is judged.
    pub(crate) now: Timestamp,
    /// Memory for the response, set aside when the request was admitted.
    pub(crate) memory: BodyMemory,
    pub(super) started: Instant,
}

impl Received {
    pub(crate) fn new(
        parts: Parts,
        has_body: bool,
        connection: Rc<ConnectionState>,
        state: Arc<EdgeState>,
        memory: BodyMemory,
    ) -> Self {
        let told = connection.facts.forwarded(&parts.headers, &state.snapshot);
        Received {
            parts,
            has_body,
            state,
            request_id: request_id(),
            client: told.client(),
            viewer: told.viewer,
            told: told.asked,
            now: connection.clock.now(),
            memory,
            started: Instant::now(),
            connection,
        }
    }

    /// Drops what the viewer sent. A request that is not admitted belongs to no distribution's log, and its page may
    /// wait for as long as the viewer likes.
    pub(crate) fn without_request(mut self) -> Self {
        self.parts.headers = HeaderMap::new();
        self.parts.uri = Uri::default();
        if self.parts.method != Method::HEAD {
            self.parts.method = Method::GET;
        }
        self
    }

    /// Returns the request in the terms of the rules.
    pub(crate) fn viewer_request(&self) -> ViewerRequest<'_> {
        let asked = path(&self.parts.uri);
        let (path_token, path) = match split_path_token(asked) {
            Some((token, rest)) => {
                let secret = &self.state.path_token_secret;
                (Some(PathTokenUrl { token, secret }), rest)
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
            client: self.client,
            has_body: self.has_body,
            path_token,
        }
    }

    /// Returns the viewer's country, if it is known.
    pub(crate) fn country(&self) -> Option<&str> {
        self.state.country(self.viewer)
    }

    /// Returns the scheme of the viewer's request: here, or at the outermost trusted proxy.
    pub(crate) fn scheme(&self) -> Scheme {
        let told = self.told.as_ref().ok().and_then(|asked| asked.scheme);
        told.unwrap_or(self.connection.facts.scheme)
    }

    /// Returns true if a refused request might have been admitted were its sender a trusted proxy.
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
            && !snapshot
                .node
                .trusted_proxies
                .contains(self.connection.facts.peer.ip())
    }

    /// Returns the operator's note on `count` requests, this one the last, whose host no enabled distribution has.
    pub(crate) fn unknown_host_note(&self, count: u64) -> String {
        const HOST_CHARS_MAX: usize = 255;
        let host = self.host();
        // The text is a stranger's: it may contain a link, or characters that terminals obey.
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
            count => format!(" ({count} such requests since the last report)"),
        };
        format!("a request for the host {shown} was refused with 403: {why}{more}")
    }

    /// Returns 443 if a proxy states the scheme, because https then ends at that proxy; `None` means the distribution's
    /// port.
    fn https_port(&self) -> Option<u16> {
        const HTTPS: u16 = 443;
        let told = self.told.as_ref().ok().and_then(|asked| asked.scheme);
        told.map(|_| HTTPS)
    }

    /// What origins and cache keys may learn of the request beside itself. `country` is what [`Received::country`]
    /// gave; the codings are left to who knows the policy.
    pub(crate) fn facts<'f>(
        &'f self,
        country: Option<&'f str>,
        via: &'f HeaderValue,
    ) -> RequestFacts<'f> {
        RequestFacts {
            viewer: self.viewer,
            viewer_port: Some(self.connection.facts.peer.port()),
            request_id: &self.request_id,
            country,
            via,
            accept_encoding: None,
        }
    }

    /// How bytes of files reach the viewer.
    pub(crate) fn file_sending(&self) -> FileSending {
        if self.connection.facts.sends_files {
            FileSending::ByTheSystem
        } else {
            FileSending::Read
        }
    }

    pub(super) fn host(&self) -> &str {
        let told = self.told.as_ref().ok();
        match told.and_then(|asked| asked.host.as_deref()) {
            Some(host) => host,
            None => host(&self.parts.uri, &self.parts.headers),
        }
    }

    /// Returns the size of the request head as HTTP/1.1 writes it; HTTP/2 is measured the same way.
    pub(crate) fn request_head_size_bytes(&self) -> u64 {
        let target = self
            .parts
            .uri
            .path_and_query()
            .map_or(1, |target| target.as_str().len());
        let line = self.parts.method.as_str().len() + target + " HTTP/1.1\r\n".len() + 1;
        (line + headers_size_bytes(&self.parts.headers) + 2) as u64
    }
}

/// Returns the host: the authority of the target wins over `Host` (RFC 9112 3.2.2; RFC 9113 8.3.1).
fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> &'a str {
    match uri.authority() {
        Some(authority) => authority.as_str(),
        None => headers
            .get(header::HOST)
            .and_then(|value| value.to_str().ok())
            .unwrap_or(""),
    }
}

/// Returns the path. `*` of `OPTIONS *` and the empty path of an absolute target count as `/`.
pub(super) fn path(uri: &Uri) -> &str {
    match uri.path() {
        "" | "*" => "/",
        path => path,
    }
}

/// Returns the memory that the fields of a request take: the text, and the slots in the map, which exceed tiny fields.
pub(crate) fn headers_memory_size_bytes(headers: &HeaderMap) -> usize {
    headers_size_bytes(headers) + headers.len() * FIELD_SIZE_BYTES
}

/// Returns the size of all headers: name, `: `, value and CRLF of each.
pub(crate) fn headers_size_bytes(headers: &HeaderMap) -> usize {
    headers
        .iter()
        .map(|(name, value)| name.as_str().len() + value.len() + 4)
        .sum()
}
