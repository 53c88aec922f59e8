//! Every reason why a viewer gets no object.

use crate::request::bucket_refusal::BucketRefusal;
use crate::request::link_refusal::LinkRefusal;
use http::StatusCode;
use privet_sign::Refusal;

/// Reason why the viewer gets no object. [`crate::response::denial_page`] turns it into HTTP, by exhaustive match.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denial {
    /// No enabled distribution has the host.
    UnknownHost,
    /// The distribution is not served over a connection like this one: its version of TLS is below the minimum, or it
    /// speaks HTTP/2 where only HTTP/1.1 is allowed (RFC 9110 15.5.20).
    MisdirectedRequest,
    /// The behavior takes HTTPS only, or the method cannot be redirected below HTTP/1.1.
    HttpsRequired,
    /// The behavior redirects to HTTPS.
    RedirectToHttps {
        /// The whole target URL, safe to put into a header.
        location: String,
        /// Status of the redirect: 301 for GET and HEAD, 307 for the others.
        status: StatusCode,
    },
    /// The path names an object here and may name another one at the origin, and no behavior is strict enough for both.
    AmbiguousPath,
    /// The behavior does not allow the method.
    MethodNotAllowed,
    /// The request is a GET or HEAD with a body.
    BodyNotAllowed,
    /// There is no valid grant; the operator's word for it is [`Refusal::token`].
    Signature(Refusal),
    /// The grant is valid, and its link opens nothing; the operator's word for it is [`LinkRefusal::token`].
    Link(LinkRefusal),
    /// The URL or the head is over the limit.
    HeadTooLarge,
    /// The request is not HTTP as defined by RFC 9112.
    BadRequest,
    /// The request's body did not arrive in time.
    BodyTimeout,
    /// The behavior allows the method, but its origin does not: a folder takes no changes, and a bucket only those that
    /// the edge may sign.
    NotSupportedByOrigin,
    /// The origin has no such object.
    NotFound,
    /// The origin has no such object, and does not tell: it answers as for one that it does not let the edge read.
    HiddenNotFound,
    /// The origin is a bucket of this machine's that does not let it read.
    BucketNotGranted {
        /// What the operator can do.
        advice: String,
    },
    /// The origin has the object but cannot read it.
    OriginUnreadable,
    /// The origin forbids the edge to read the object, whether it exists or not.
    OriginForbidden,
    /// The distribution does not serve the viewer's country.
    CountryBlocked,
    /// The origin's name does not resolve to an address.
    OriginDns,
    /// The origin accepts no connection.
    OriginConnect,
    /// There are no valid access keys with which to sign the request to a bucket.
    OriginCredentials,
    /// The bucket refuses the edge itself, whatever the viewer requested.
    OriginRefusesEdge(BucketRefusal),
    /// The TLS handshake with the origin failed, or its certificate is not trusted.
    OriginTls,
    /// The origin did not respond in time.
    OriginTimeout,
    /// The head of the origin's response is over the limit.
    OriginHeaderTooBig,
    /// The origin's response is not HTTP as defined by RFC 9112.
    OriginInvalidResponse,
    /// The origin closed the connection before its response was complete.
    OriginClosed,
    /// The edge has no room for the request.
    CapacityExceeded,
    /// A set of renditions names an object that the access to the set does not open: it is restricted to other keys,
    /// requires HTTPS, or has no videos made of it.
    ForeignMember,
    /// The origin does not state the object's length, and not all of it has arrived: a video can be made of it later.
    VideoArriving,
    /// No video can be made of the object, for any viewer.
    Video {
        /// One lower-case token for the operator's log.
        token: &'static str,
        /// Description of the object's fault; the viewer sees it.
        reason: String,
    },
}

impl Denial {
    /// Returns one lower-case token for the operator's log.
    pub fn token(&self) -> &'static str {
        match self {
            Denial::UnknownHost => "unknown-host",
            Denial::MisdirectedRequest => "misdirected-request",
            Denial::HttpsRequired => "https-required",
            Denial::RedirectToHttps { .. } => "redirect-to-https",
            Denial::AmbiguousPath => "ambiguous-path",
            Denial::MethodNotAllowed => "method-not-allowed",
            Denial::BodyNotAllowed => "body-not-allowed",
            Denial::Signature(refusal) => refusal.token(),
            Denial::Link(refusal) => refusal.token(),
            Denial::HeadTooLarge => "head-too-large",
            Denial::BadRequest => "bad-request",
            Denial::BodyTimeout => "body-timeout",
            Denial::NotSupportedByOrigin => "not-supported-by-origin",
            Denial::NotFound => "not-found",
            Denial::HiddenNotFound => "not-found-hidden",
            Denial::BucketNotGranted { .. } => "bucket-not-granted",
            Denial::OriginUnreadable => "origin-unreadable",
            Denial::OriginForbidden => "origin-forbidden",
            Denial::CountryBlocked => "country-blocked",
            Denial::OriginDns => "origin-dns",
            Denial::OriginConnect => "origin-connect",
            Denial::OriginCredentials => "origin-credentials",
            Denial::OriginRefusesEdge(refusal) => refusal.token(),
            Denial::OriginTls => "origin-tls",
            Denial::OriginTimeout => "origin-timeout",
            Denial::OriginHeaderTooBig => "origin-header-too-big",
            Denial::OriginInvalidResponse => "origin-invalid-response",
            Denial::OriginClosed => "origin-closed",
            Denial::CapacityExceeded => "capacity-exceeded",
            Denial::ForeignMember => "foreign-member",
            Denial::VideoArriving => "video-arriving",
            Denial::Video { token, .. } => token,
        }
    }
}
