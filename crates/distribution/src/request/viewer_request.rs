//! The request as the viewer sent it.

use http::{HeaderMap, HeaderValue, Method, Version, header};
use privet_sign::{Credentials, PathTokenSecret, Scheme, ViewerUrl};
use std::net::IpAddr;

/// One request as the viewer sent it: nothing decoded, nothing collapsed.
#[derive(Clone, Copy, Debug)]
pub struct ViewerRequest<'a> {
    /// The method, case-sensitive (RFC 9110 9.1).
    pub method: &'a Method,
    /// The protocol version the viewer spoke.
    pub version: Version,
    /// By the listener the request came in on, or as a trusted proxy says ([`crate::request::forwarded`]).
    pub scheme: Scheme,
    /// `Host` or `:authority` as sent (port included), or as a trusted proxy says; empty when HTTP/1.0 sent none.
    pub host: &'a str,
    /// Where https is for this viewer, if not where the edge listens for it: at a proxy.
    pub https_port: Option<u16>,
    /// Begins with `/`; percent-encoding and dot segments untouched; without the path token in front.
    pub path: &'a str,
    /// Without `?`; `None` when the target has no `?`.
    pub query: Option<&'a str>,
    /// All header fields as received.
    pub headers: &'a HeaderMap,
    /// The peer of the connection, or whom trusted proxies name.
    pub client: IpAddr,
    /// Whether the head announces a body (`Content-Length` above 0, or `Transfer-Encoding`).
    pub has_body: bool,
    /// The path token that stood in front of the path; see [`crate::request::split_path_token`]. Then neither query nor
    /// cookies are looked at for a grant.
    pub path_token: Option<PathTokenUrl<'a>>,
}

/// A path token as the viewer sent it, and what it is checked with.
#[derive(Clone, Copy, Debug)]
pub struct PathTokenUrl<'a> {
    /// Its text, not believed yet.
    pub token: &'a str,
    /// The edge's own.
    pub secret: &'a PathTokenSecret,
}

impl<'a> ViewerRequest<'a> {
    /// The URL that a signature is compared with (spec of CloudFront's `Resource`: scheme, host, path, query).
    pub fn url(&self) -> ViewerUrl<'a> {
        ViewerUrl {
            scheme: self.scheme,
            host: self.host,
            path: self.path,
            query: self.query,
        }
    }
}

/// What the request presents beside a path_token.
pub(crate) fn credentials<'a>(
    request: &ViewerRequest<'a>,
    query: Option<&'a str>,
) -> Credentials<'a> {
    let cookies = request.headers.get_all(header::COOKIE).into_iter();
    Credentials::from_request(query, cookies.map(HeaderValue::as_bytes))
}
