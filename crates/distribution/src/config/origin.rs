//! An origin with every reference resolved: a folder, a bucket, or another HTTP server.
//!
//! Only `source` knows which of these it is; all other code asks it how the origin behaves.

mod embedded;
mod source;

pub use embedded::{BucketAccess, EmbeddedOrigin};
pub use source::OriginSource;

use http::{HeaderName, HeaderValue, StatusCode};
use std::sync::Arc;
use std::time::Duration;

/// The source of a distribution's bytes. `index` is dense over the whole snapshot, so the edge can keep a table beside
/// it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// Number of the origin: 0, 1, 2, … over all distributions of the snapshot.
    pub index: usize,
    /// Operator's name for it, unique within the distribution.
    pub id: String,
    /// Kind and location of the origin.
    pub source: OriginSource,
    /// Prefix of every path: empty, or with a leading and without a trailing slash.
    pub origin_path: String,
    /// Reading of paths by this origin.
    pub paths: PathReading,
    /// True if the operator configured that reading; false if it is the usual one of the kind.
    pub are_paths_stated: bool,
    /// Headers sent with every request, replacing the viewer's (developer guide, "Add custom headers to origin
    /// requests").
    pub custom_headers: Vec<(HeaderName, HeaderValue)>,
    /// Timeouts and number of attempts.
    pub patience: OriginPatience,
}

impl Origin {
    /// Returns true if the server has objects outside this origin: above its origin path, or in other buckets of the
    /// endpoint.
    pub fn has_neighbours(&self) -> bool {
        !self.origin_path.is_empty() || self.source.has_neighbours()
    }

    /// Returns the origin as somebody without keys and custom headers would reach it; `None` if only the edge can.
    pub fn for_strangers(&self) -> Option<Self> {
        Some(Origin {
            source: self.source.without_keys()?,
            custom_headers: Vec::new(),
            ..self.clone()
        })
    }

    /// Returns the host of an endpoint that is assumed to read keys literally: neither did the operator say so, nor is
    /// it Amazon's.
    pub fn assumed_literal(&self) -> Option<&str> {
        let is_assumed = self.paths == PathReading::Literal && !self.are_paths_stated;
        self.source.endpoint_host().filter(|host| {
            let is_amazon = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
            is_assumed && !is_amazon
        })
    }
}

/// The way in which an origin, along with everything in front of it, reads the path of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathReading {
    /// Unknown: only a path that is [`crate::request::is_canonical`] is sure to mean the object that it names here.
    Canonical,
    /// As one string, decoded once: `x/../y` and `a//b` are names of objects. Folders and buckets read so.
    Literal,
}

/// A bucket, with its endpoint and the keys to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Origin {
    /// Server of the endpoint, without the bucket's name.
    pub endpoint: HttpServer,
    /// Name of the bucket.
    pub bucket: String,
    /// Region in the scope of the signature.
    pub region: String,
    /// Position of the bucket's name in a request.
    pub addressing: S3Addressing,
    /// Signing behavior of the origin access control.
    pub signing: SigningBehavior,
    /// Source of the access keys that sign.
    pub credentials: CredentialSource,
}

/// The position of the bucket's name in an S3 request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum S3Addressing {
    /// `endpoint/bucket/key`.
    Path,
    /// `bucket.endpoint/key`.
    VirtualHost,
}

/// `SigningBehavior` of an origin access control (developer guide, "Restrict access to an Amazon S3 origin").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigningBehavior {
    /// Every request is signed; a viewer's `Authorization` is replaced.
    Always,
    /// No request is signed.
    Never,
    /// A viewer's `Authorization` is passed on if there is one; other requests are signed.
    NoOverride,
}

/// The source of access keys.
#[derive(Clone, PartialEq, Eq)]
pub enum CredentialSource {
    /// Keys in the configuration.
    Static {
        /// Access key id, as in `AWS_ACCESS_KEY_ID`.
        access_key_id: String,
        /// Secret access key, as in `AWS_SECRET_ACCESS_KEY`.
        secret_access_key: String,
        /// Session token, as in `AWS_SESSION_TOKEN`.
        session_token: Option<String>,
    },
    /// The usual chain: environment, profile, web identity, instance metadata.
    Chain {
        /// Profile to use instead of `AWS_PROFILE`.
        profile: Option<String>,
    },
}

impl std::fmt::Debug for CredentialSource {
    // A secret must not reach a log through `{:?}`.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            CredentialSource::Static { access_key_id, .. } => {
                write!(formatter, "Static({access_key_id})")
            }
            CredentialSource::Chain { profile } => write!(formatter, "Chain({profile:?})"),
        }
    }
}

/// A server that speaks HTTP/1.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpServer {
    /// True for HTTPS.
    pub is_tls: bool,
    /// Host name or address; IPv6 addresses without brackets.
    pub host: String,
    /// Port of the server.
    pub port: u16,
}

/// A custom origin: any HTTP server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpOrigin {
    /// Host name or address; IPv6 addresses without brackets.
    pub host: String,
    /// Port for plain HTTP.
    pub http_port: u16,
    /// Port for HTTPS.
    pub https_port: u16,
    /// Choice between the two.
    pub protocol: OriginProtocolPolicy,
}

/// `OriginProtocolPolicy` (developer guide, "Protocol").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginProtocolPolicy {
    /// Always HTTP.
    HttpOnly,
    /// Always HTTPS.
    HttpsOnly,
    /// The scheme that the viewer uses.
    MatchViewer,
}

/// The families of addresses at which an origin is reached (`IpAddressType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AddressFamilies {
    /// Both, in the order in which the resolver has them.
    Any,
    /// IPv4 alone.
    Ipv4,
    /// IPv6 alone.
    Ipv6,
}

/// The timeouts and attempts of an origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginPatience {
    /// Time for a connection, including the TLS handshake; CloudFront's default is 10 s.
    pub connect_timeout: Duration,
    /// Number of attempts to connect, 1 to 3.
    pub connection_attempts: u32,
    /// Time for a response head, and between two reads of its body; CloudFront's default is 30 s.
    pub response_timeout: Duration,
    /// Time after which an idle connection is closed; CloudFront's default is 5 s.
    pub keep_alive_timeout: Duration,
    /// Families of addresses at which the origin is reached.
    pub addresses: AddressFamilies,
    /// Maximum number of connections to the origin per worker.
    pub connections_max: usize,
    /// Private certificate authority for this origin, PEM; `None` means the system's.
    pub trusted_roots_pem: Option<Vec<u8>>,
}

impl Default for OriginPatience {
    fn default() -> Self {
        OriginPatience {
            connect_timeout: Duration::from_secs(10),
            connection_attempts: 3,
            response_timeout: Duration::from_secs(30),
            keep_alive_timeout: Duration::from_secs(5),
            addresses: AddressFamilies::Any,
            connections_max: 2_048,
            trusted_roots_pem: None,
        }
    }
}

/// The origins of a behavior: one, or a pair of which the second is used when the first fails.
#[derive(Clone, Debug)]
pub struct OriginChoice {
    /// Origin that gets every request first.
    pub primary: Arc<Origin>,
    /// Origin for requests that failed at the first; only for GET, HEAD and OPTIONS.
    pub failover: Option<OriginFailover>,
}

impl OriginChoice {
    /// Returns the primary origin, and the second one if there is one.
    pub fn origins(&self) -> impl Iterator<Item = &Origin> {
        let failover = self.failover.iter();
        std::iter::once(&*self.primary).chain(failover.map(|failover| &*failover.secondary))
    }

    /// Returns true if every origin here reads a path as one string, decoded once, as the edge does.
    pub fn reads_literally(&self) -> bool {
        // A folder never fails over, so the second origin does not matter.
        !self.primary.source.is_remote()
            || self
                .origins()
                .all(|origin| origin.paths == PathReading::Literal)
    }
}

/// The second member of an origin group.
#[derive(Clone, Debug)]
pub struct OriginFailover {
    /// Origin that is used second.
    pub secondary: Arc<Origin>,
    /// Statuses of the first origin that lead to it; failures to connect and timeouts always do.
    pub statuses: Vec<StatusCode>,
}
