//! The request as the viewer sent it.

use http::{HeaderMap, HeaderValue, Method, Version, header};
use privet_sign::{Credentials, PathTokenSecret, Scheme, ViewerUrl};
use std::net::IpAddr;

/// One request as the viewer sent it: nothing decoded, nothing collapsed.
#[derive(Clone, Copy, Debug)]
pub struct ViewerRequest<'a> {
    /// Method, case-sensitive (RFC 9110 9.1).
    pub method: &'a Method,
    /// Protocol version of the viewer's request.
    pub version: Version,
    /// Scheme of the listener that accepted the request, or as reported by a trusted proxy
    /// ([`crate::request::forwarded`]).
    pub scheme: Scheme,
    /// `Host` or `:authority` as sent (port included), or as reported by a trusted proxy; empty when HTTP/1.0 sent
    /// none.
    pub host: &'a str,
    /// HTTPS port for this viewer if it differs from the edge's own, as behind a proxy.
    pub https_port: Option<u16>,
    /// Path from its first `/`, with percent-encoding and dot segments untouched, without the path token in front.
    pub path: &'a str,
    /// Query without `?`; `None` when the target has no `?`.
    pub query: Option<&'a str>,
    /// All header fields as received.
    pub headers: &'a HeaderMap,
    /// Address of the connection's peer, or the one that trusted proxies name.
    pub client: IpAddr,
    /// True if the head announces a body (`Content-Length` above 0, or `Transfer-Encoding`).
    pub has_body: bool,
    /// The path token in front of the path; see [`crate::request::split_path_token`]. With one, neither query nor
    /// cookies are examined for a grant.
    pub path_token: Option<PathTokenUrl<'a>>,
}

/// A path token as the viewer sent it, and the secret to check it with.
#[derive(Clone, Copy, Debug)]
pub struct PathTokenUrl<'a> {
    /// Text of the token, not yet verified.
    pub token: &'a str,
    /// Secret of the edge.
    pub secret: &'a PathTokenSecret,
}

impl<'a> ViewerRequest<'a> {
    /// Returns the URL that a signature is compared with (spec of CloudFront's `Resource`: scheme, host, path, query).
    pub fn url(&self) -> ViewerUrl<'a> {
        ViewerUrl {
            scheme: self.scheme,
            host: self.host,
            path: self.path,
            query: self.query,
        }
    }
}

/// Returns the credentials that the request presents besides a path token.
pub(crate) fn credentials<'a>(
    request: &ViewerRequest<'a>,
    query: Option<&'a str>,
) -> Credentials<'a> {
    let cookies = request.headers.get_all(header::COOKIE).into_iter();
    Credentials::from_request(query, cookies.map(HeaderValue::as_bytes))
}
