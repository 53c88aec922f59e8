//! Reasons why an origin gave no response, or broke one off.

use privet_distribution::request::BucketRefusal;
use std::fmt;

/// A fault between the edge and an origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OriginFault {
    /// Cause of the fault.
    pub(crate) kind: OriginFaultKind,
}

/// The causes; matched without `_`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum OriginFaultKind {
    /// The origin's name has no address.
    Dns,
    /// No address accepts a connection.
    Connect,
    /// The handshake failed, or the certificate is not trusted.
    Tls,
    /// No connection, handshake included, within the connect timeout.
    ConnectTimeout,
    /// No head of a response, or no further piece of a body, within the response timeout.
    ResponseTimeout,
    /// The connection ended before the head of a response.
    Closed,
    /// The body ended before its promised length, or before its last chunk.
    Truncated,
    /// The bytes received are not an HTTP/1.1 response.
    InvalidHead,
    /// The head of the response is larger than the edge accepts.
    HeadTooLarge,
    /// The request's target cannot be sent: it is no valid target, or an S3 key that is not UTF-8.
    InvalidTarget,
    /// The viewer broke off its own body.
    RequestBody,
    /// The viewer's body did not arrive in time.
    RequestBodyTimeout,
    /// All connections that the origin may have are in use.
    Capacity,
    /// There are no access keys to sign with, or they have expired.
    Credentials,
    /// The bucket refuses the edge itself: its keys, its clock, or the bucket and region it names.
    Refused(BucketRefusal),
}

impl From<OriginFaultKind> for OriginFault {
    fn from(kind: OriginFaultKind) -> Self {
        OriginFault { kind }
    }
}

impl fmt::Display for OriginFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self.kind {
            OriginFaultKind::Dns => "the origin's host name does not resolve; check its spelling",
            OriginFaultKind::Connect => "cannot connect to the origin; check host and port",
            OriginFaultKind::Tls => "the TLS handshake failed; check the origin's certificate",
            OriginFaultKind::ConnectTimeout => "the connection to the origin timed out",
            OriginFaultKind::ResponseTimeout => "the origin did not respond in time",
            OriginFaultKind::Closed => "the origin closed the connection without a response",
            OriginFaultKind::Truncated => "the origin truncated the body",
            OriginFaultKind::InvalidHead => "the origin's response is not HTTP/1.1",
            OriginFaultKind::HeadTooLarge => "the head of the origin's response is too large",
            OriginFaultKind::InvalidTarget => "the request's target cannot be sent to the origin",
            OriginFaultKind::RequestBody => "the viewer aborted the request body",
            OriginFaultKind::RequestBodyTimeout => "the request body did not arrive in time",
            OriginFaultKind::Capacity => "all connections to the origin are busy",
            OriginFaultKind::Credentials => "no valid access keys; check the origin's credentials",
            OriginFaultKind::Refused(refusal) => refusal.advice(),
        })
    }
}

impl std::error::Error for OriginFault {}
