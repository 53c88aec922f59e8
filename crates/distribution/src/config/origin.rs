//! What an origin is once every reference is resolved: a folder, a bucket, or another HTTP server.
//!
//! Which of these it is, is known in `source` alone, which answers questions about it.

mod source;

pub use source::OriginSource;

use http::{HeaderName, HeaderValue, StatusCode};
use std::sync::Arc;
use std::time::Duration;

/// Where the bytes come from. `index` is dense over the whole snapshot, so that the edge can keep a table beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// 0, 1, 2, … over all distributions of the snapshot.
    pub index: usize,
    /// The operator's name for it, unique within the distribution.
    pub id: String,
    /// What kind of origin it is, and where.
    pub source: OriginSource,
    /// Put before every path: empty, or with a leading and without a trailing slash.
    pub origin_path: String,
    /// How it reads paths.
    pub paths: PathReading,
    /// Whether that is the operator's word, and not what is usual for its kind.
    pub are_paths_stated: bool,
    /// Sent with every request, in place of the viewer's (developer guide, "Add custom headers to origin requests").
    pub custom_headers: Vec<(HeaderName, HeaderValue)>,
    /// How long to wait, how often to try.
    pub patience: OriginPatience,
}

impl Origin {
    /// Whether it has anything above the paths that are its distribution's: more than its origin path, or the other
    /// buckets of an endpoint.
    pub fn has_neighbours(&self) -> bool {
        !self.origin_path.is_empty() || self.source.has_neighbours()
    }

    /// The origin as somebody without keys and custom headers asks it; `None` if nobody but the edge can.
    pub fn for_strangers(&self) -> Option<Self> {
        Some(Origin {
            source: self.source.without_keys()?,
            custom_headers: Vec::new(),
            ..self.clone()
        })
    }

    /// The host of an endpoint that is taken to read keys literally, though neither the operator says so nor Amazon.
    pub fn assumed_literal(&self) -> Option<&str> {
        let is_assumed = self.paths == PathReading::Literal && !self.are_paths_stated;
        self.source.endpoint_host().filter(|host| {
            let is_amazon = host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn");
            is_assumed && !is_amazon
        })
    }
}

/// How an origin, with everything in front of it, reads the path of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathReading {
    /// Nobody knows: only a path that is [`crate::request::is_canonical`] surely means the object that it names here.
    Canonical,
    /// As one string, decoded once: `x/../y` and `a//b` are objects of these names. Folders and buckets are so.
    Literal,
}

/// A bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Origin {
    /// The endpoint's server, without the bucket's name.
    pub endpoint: HttpServer,
    /// The bucket's name.
    pub bucket: String,
    /// For the signature's scope.
    pub region: String,
    /// Where the bucket's name stands.
    pub addressing: S3Addressing,
    /// Origin access control.
    pub signing: SigningBehavior,
    /// Whose keys sign.
    pub credentials: CredentialSource,
}

/// Where an S3 request names the bucket.
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
    /// A viewer's `Authorization` is kept, if there is one.
    NoOverride,
}

/// Where access keys come from.
#[derive(Clone, PartialEq, Eq)]
pub enum CredentialSource {
    /// From the configuration.
    Static {
        /// `AWS_ACCESS_KEY_ID`.
        access_key_id: String,
        /// `AWS_SECRET_ACCESS_KEY`.
        secret_access_key: String,
        /// `AWS_SESSION_TOKEN`.
        session_token: Option<String>,
    },
    /// The usual search: environment, profile, web identity, instance metadata.
    Chain {
        /// The profile to take, in place of `AWS_PROFILE`.
        profile: Option<String>,
    },
}

impl std::fmt::Debug for CredentialSource {
    // A secret must not get into a log by way of `{:?}`.
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
    /// Over TLS.
    pub is_tls: bool,
    /// A host name or an address; IPv6 addresses without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// A custom origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpOrigin {
    /// A host name or an address; IPv6 addresses without brackets.
    pub host: String,
    /// For plain HTTP.
    pub http_port: u16,
    /// For HTTPS.
    pub https_port: u16,
    /// Which of them is used.
    pub protocol: OriginProtocolPolicy,
}

/// `OriginProtocolPolicy` (developer guide, "Protocol").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OriginProtocolPolicy {
    /// Always HTTP.
    HttpOnly,
    /// Always HTTPS.
    HttpsOnly,
    /// What the viewer uses.
    MatchViewer,
}

/// How long to wait for an origin, how often to try.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginPatience {
    /// For a connection, TLS handshake included; CloudFront's default is 10 s.
    pub connect_timeout: Duration,
    /// Attempts to connect, 1 to 3.
    pub connection_attempts: u32,
    /// For the head of a response, and between two pieces of its body; CloudFront's default is 30 s.
    pub response_timeout: Duration,
    /// An idle connection is closed after this; CloudFront's default is 5 s.
    pub keep_alive_timeout: Duration,
    /// Connections to the origin at the same time, for each worker.
    pub connections_max: usize,
    /// A private certificate authority for this origin, PEM; `None`: the system's.
    pub trusted_roots_pem: Option<Vec<u8>>,
}

impl Default for OriginPatience {
    fn default() -> Self {
        OriginPatience {
            connect_timeout: Duration::from_secs(10),
            connection_attempts: 3,
            response_timeout: Duration::from_secs(30),
            keep_alive_timeout: Duration::from_secs(5),
            connections_max: 2_048,
            trusted_roots_pem: None,
        }
    }
}

/// What a behavior fetches from: one origin, or two of which the second helps out.
#[derive(Clone, Debug)]
pub struct OriginChoice {
    /// Asked first, always.
    pub primary: Arc<Origin>,
    /// Asked when the first fails; only for GET, HEAD and OPTIONS.
    pub failover: Option<OriginFailover>,
}

impl OriginChoice {
    /// The primary origin, and the second one where there is one.
    pub fn origins(&self) -> impl Iterator<Item = &Origin> {
        let failover = self.failover.iter();
        std::iter::once(&*self.primary).chain(failover.map(|failover| &*failover.secondary))
    }

    /// Whether all that may be asked reads a path as one string, decoded once, as it is read here.
    pub fn reads_literally(&self) -> bool {
        // What is not asked never fails over.
        !self.primary.source.is_remote()
            || self
                .origins()
                .all(|origin| origin.paths == PathReading::Literal)
    }
}

/// The second member of an origin group.
#[derive(Clone, Debug)]
pub struct OriginFailover {
    /// The second origin.
    pub secondary: Arc<Origin>,
    /// Statuses of the first that lead to it; failures to connect and timeouts always do.
    pub statuses: Vec<StatusCode>,
}
