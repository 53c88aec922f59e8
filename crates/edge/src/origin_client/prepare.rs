//! Turns a call into the request for one origin: server, target, framing, custom headers, signature.

use super::credentials::Credentials;
use super::fault::{OriginFault, OriginFaultKind};
use super::refusal::Signer;
use super::s3::{self, Payload, Signing};
use super::{OriginCall, OriginRequestBody};
use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use privet_distribution::config::{
    HttpOrigin, HttpServer, Origin, OriginProtocolPolicy, OriginSource,
};
use privet_sign::Scheme;
use std::net::IpAddr;

/// Fields that concern one connection only, or say where a message ends (RFC 9110 7.6.1): the viewer's do not go to the
/// origin.
const VIEWER_CONNECTION_HEADERS: [HeaderName; 9] = [
    CONNECTION,
    CONTENT_LENGTH,
    EXPECT,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
];

/// A request ready to be written, and the server that it goes to.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) server: HttpServer,
    pub(super) head: Parts,
    pub(super) body: OriginRequestBody,
    pub(super) viewer: Option<IpAddr>,
}

/// Prepares the request for `origin`, and tells who signed it.
///
/// Errors: `InvalidTarget`, `Credentials`.
pub(super) async fn prepare(
    credentials: &Credentials,
    origin: &Origin,
    call: OriginCall,
) -> Result<(Prepared, Signer), OriginFault> {
    let (server, target) = match &origin.source {
        // A folder is read, and gets no requests.
        OriginSource::Folder { .. } | OriginSource::Embedded(_) => {
            return Err(OriginFaultKind::InvalidTarget.into());
        }
        OriginSource::S3(s3) => (s3::server(s3), s3::target(s3, &call.target)),
        OriginSource::Http(http) => (http_server(http, call.viewer_scheme), call.target),
    };
    let target = PathAndQuery::try_from(target).map_err(|_| OriginFaultKind::InvalidTarget)?;
    let mut head = Request::new(()).into_parts().0;
    head.method = call.method;
    head.uri = Uri::from(target);
    head.headers = call.headers;
    for (name, value) in &origin.custom_headers {
        head.headers.insert(name.clone(), value.clone());
    }
    frame(&mut head, &server, &call.body)?;
    let mut prepared = Prepared {
        server,
        head,
        body: call.body,
        viewer: call.viewer,
    };
    let signer = prepared.sign(credentials, origin).await?;
    Ok((prepared, signer))
}

impl Prepared {
    async fn sign(
        &mut self,
        credentials: &Credentials,
        origin: &Origin,
    ) -> Result<Signer, OriginFaultKind> {
        let s3 = match &origin.source {
            OriginSource::S3(s3) => s3,
            OriginSource::Http(_) | OriginSource::Folder { .. } | OriginSource::Embedded(_) => {
                return Ok(Signer::NotEdge);
            }
        };
        match s3::signing(s3, &self.head.headers) {
            Signing::Leave => Ok(Signer::NotEdge),
            Signing::Sign => {
                let credential = credentials.current(&s3.credentials).await?;
                let payload = match &self.body {
                    OriginRequestBody::Empty => Payload::Empty,
                    OriginRequestBody::Memory(_) | OriginRequestBody::Viewer(_) => {
                        Payload::Streamed
                    }
                };
                s3::sign(s3, &credential, payload, &mut self.head).await?;
                Ok(Signer::Edge {
                    access_key_id: credential.access_key_id,
                    session_token: credential.session_token,
                })
            }
        }
    }
}

fn http_server(http: &HttpOrigin, viewer_scheme: Scheme) -> HttpServer {
    let is_tls = match (http.protocol, viewer_scheme) {
        (OriginProtocolPolicy::HttpOnly, _) | (OriginProtocolPolicy::MatchViewer, Scheme::Http) => {
            false
        }
        (OriginProtocolPolicy::HttpsOnly, _)
        | (OriginProtocolPolicy::MatchViewer, Scheme::Https) => true,
    };
    HttpServer {
        is_tls,
        host: http.host.clone(),
        port: if is_tls {
            http.https_port
        } else {
            http.http_port
        },
    }
}

/// Sets `Host`, `Connection` and the length of an absent body; hyper sets the length of a present one.
fn frame(
    head: &mut Parts,
    server: &HttpServer,
    body: &OriginRequestBody,
) -> Result<(), OriginFaultKind> {
    for name in VIEWER_CONNECTION_HEADERS {
        head.headers.remove(name);
    }
    // The viewer's `Host` stays where a policy passes it on; buckets never get it.
    if !head.headers.contains_key(HOST) {
        let host =
            HeaderValue::try_from(authority(server)).map_err(|_| OriginFaultKind::InvalidTarget)?;
        head.headers.insert(HOST, host);
    }
    head.headers
        .insert(CONNECTION, HeaderValue::from_static("Keep-Alive"));
    // RFC 9110 8.6: a request whose method usually has a body states that it has none.
    let usually_has_body = [Method::POST, Method::PUT, Method::PATCH].contains(&head.method);
    if usually_has_body && matches!(body, OriginRequestBody::Empty) {
        head.headers
            .insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    Ok(())
}

/// Returns the host, in brackets if it is an IPv6 address, and the port where it is not the scheme's default.
fn authority(server: &HttpServer) -> String {
    let host = if server.host.contains(':') {
        format!("[{}]", server.host)
    } else {
        server.host.clone()
    };
    match (server.is_tls, server.port) {
        (true, 443) | (false, 80) => host,
        (_, port) => format!("{host}:{port}"),
    }
}
