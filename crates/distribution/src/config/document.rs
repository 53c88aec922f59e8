//! The configuration as the operator wrote it: plain data, the same from a file and from an API.
//!
//! Defaults are filled in, references are still names. [`crate::config::Snapshot::build`] resolves them.

use crate::config::cache_behavior::{AllowedMethods, ViewerProtocolPolicy};
use crate::config::distribution::{CustomErrorResponse, GeoRestriction};
use crate::config::policies::{CachePolicy, OriginRequestPolicy, ResponseHeadersPolicy};
use crate::config::trusted_proxies::{ForwardedHeaders, TrustedProxies};
use crate::config::video_settings::VideoSettings;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

mod cache;
mod origin;
mod streaming;
mod video;

pub use cache::{CacheSettings, DiskCacheSettings};
pub use origin::{
    CredentialsDocument, OriginDocument, OriginGroupDocument, OriginSourceDocument,
    S3OriginDocument, Secret, SecretSource,
};
pub use streaming::{StreamingDistributionDocument, StreamingSourceDocument};
pub use video::VideosDocument;

/// The whole configuration, defaults filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// Who the edge says it is.
    pub edge: EdgeIdentity,
    /// Where viewers connect; at least one.
    pub listeners: Vec<Listener>,
    /// Whose word about viewers is believed.
    pub trusted_proxies: TrustedProxies,
    /// Which of their words.
    pub forwarded_headers: ForwardedHeaders,
    /// What the edge puts up with.
    pub limits: Limits,
    /// How much the cache may keep, and where.
    pub cache: CacheSettings,
    /// What is kept for videos, and what path tokens are made with.
    pub videos: VideosDocument,
    /// A file that tells the countries of addresses (MaxMind DB).
    pub geo_database: Option<PathBuf>,
    /// The Unix socket for the operator's commands to the running edge.
    pub admin_socket: Option<PathBuf>,
    /// The access log; `None` keeps none.
    pub log: Option<LogSettings>,
    /// Whether the edge's clock can be set, for tests.
    pub test_clock: bool,
    /// Every public key that a key group or a trusted signer may name.
    pub public_keys: Vec<PublicKeyDocument>,
    /// Named sets of public keys.
    pub key_groups: Vec<KeyGroupDocument>,
    /// The older way to name keys, by account.
    pub trusted_signers: Vec<TrustedSignerDocument>,
    /// The operator's own, beside CloudFront's managed ones.
    pub cache_policies: Vec<CachePolicy>,
    /// The operator's own, beside CloudFront's managed ones.
    pub origin_request_policies: Vec<OriginRequestPolicy>,
    /// The operator's own, beside CloudFront's managed ones.
    pub response_headers_policies: Vec<ResponseHeadersPolicy>,
    /// What is served.
    pub distributions: Vec<DistributionDocument>,
    /// What is played over RTMP.
    pub streaming_distributions: Vec<StreamingDistributionDocument>,
}

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Address and port.
    pub address: SocketAddr,
    /// What is spoken there.
    pub protocol: ListenerProtocol,
    /// Whether every connection begins with a PROXY protocol header, version 2, by a trusted proxy.
    pub proxy_protocol: bool,
}

/// What a listener speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListenerProtocol {
    /// HTTP/1 in the clear.
    Http,
    /// HTTP/1 and HTTP/2 over TLS.
    Https,
    /// RTMP in the clear.
    Rtmp,
    /// RTMP over TLS.
    Rtmps,
}

/// Everything has a limit. Names as in the TOML `[limits]` table; none may be 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at the same time.
    pub connections_max: usize,
    /// HTTP and HTTPS connections at the same time from one address, or from 64 bits of IPv6 addresses.
    pub connections_per_address_max: usize,
    /// Requests on one connection before it is closed.
    pub requests_per_connection_max: usize,
    /// HTTP/2 streams at the same time on one connection.
    pub h2_streams_max: u32,
    /// Bytes of a request URL.
    pub url_size_bytes_max: usize,
    /// Bytes of a request head.
    pub head_size_bytes_max: usize,
    /// For a whole request head to arrive.
    pub head_timeout: Duration,
    /// Between two requests of a connection.
    pub idle_timeout: Duration,
    /// Without a byte of a request's body.
    pub body_timeout: Duration,
    /// Bytes a second of a request's body, while it is waited for, over each `body_timeout`; 0 asks for none.
    pub body_rate_min: u64,
    /// Without the viewer taking a byte.
    pub write_timeout: Duration,
    /// Bytes of answers that a viewer takes a second, while it is waited for, over each `write_timeout`; 0 asks for
    /// none.
    pub write_rate_min: u64,
    /// For a TLS handshake.
    pub tls_handshake_timeout: Duration,
    /// For running requests to end once the edge is told to stop.
    pub drain_timeout: Duration,
    /// Log records waiting to be written.
    pub log_queue_records_max: usize,
    /// Verified signatures remembered.
    pub signature_memory_entries_max: usize,
    /// Bytes of small objects kept in memory; as many again may be on their way to viewers.
    pub hot_objects_size_bytes_max: usize,
    /// Bytes of answers on their way to viewers, of all connections together.
    pub responses_size_bytes_max: usize,
    /// Files kept open.
    pub open_files_max: usize,
    /// Ranges in one request.
    pub ranges_max: usize,
    /// RTMP connections at the same time from one address.
    pub rtmp_connections_per_address_max: usize,
    /// For an RTMP handshake.
    pub rtmp_handshake_timeout: Duration,
    /// An RTMP connection on which nothing plays, and which sends nothing.
    pub rtmp_idle_timeout: Duration,
    /// Without an RTMP viewer taking a byte.
    pub rtmp_write_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            connections_max: 10_000,
            connections_per_address_max: 2_000,
            requests_per_connection_max: 1_000_000,
            h2_streams_max: 128,
            url_size_bytes_max: 8192,
            head_size_bytes_max: 20480,
            head_timeout: Duration::from_secs(30),
            idle_timeout: Duration::from_secs(60),
            body_timeout: Duration::from_secs(30),
            body_rate_min: 256,
            write_timeout: Duration::from_secs(60),
            write_rate_min: 256,
            tls_handshake_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(30),
            log_queue_records_max: 65_536,
            signature_memory_entries_max: 65_536,
            hot_objects_size_bytes_max: 32 * 1024 * 1024,
            responses_size_bytes_max: 128 * 1024 * 1024,
            open_files_max: 1_024,
            ranges_max: 10,
            rtmp_connections_per_address_max: 32,
            rtmp_handshake_timeout: Duration::from_secs(10),
            rtmp_idle_timeout: Duration::from_secs(300),
            rtmp_write_timeout: Duration::from_secs(60),
        }
    }
}

/// Who the edge says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeIdentity {
    /// `x-edge-location` and `X-Amz-Cf-Pop`, e.g. `PRV50-C1`.
    pub location: String,
    /// The header `Server`; `CloudFront` unless configured.
    pub server: String,
    /// Worker threads; 0 means one for each processor.
    pub workers: usize,
}

impl Default for EdgeIdentity {
    fn default() -> Self {
        EdgeIdentity {
            location: "PRV50-C1".to_owned(),
            server: "CloudFront".to_owned(),
            workers: 0,
        }
    }
}

/// The access log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// Where its files go.
    pub folder: PathBuf,
    /// A folder below that one; empty for none.
    pub prefix: String,
    /// Whether `cs(Cookie)` is filled in; signing cookies are redacted all the same.
    pub include_cookies: bool,
    /// A file is closed after this long.
    pub rotate_after: Duration,
    /// A file is closed at this size, before compression.
    pub rotate_size_bytes_max: u64,
}

/// A public key by its id.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicKeyDocument {
    /// `K…`, or `APKA…` for the older key pairs: what viewers send as `Key-Pair-Id`.
    pub id: String,
    /// Where the key is.
    pub source: KeySource,
}

/// Where a public key is.
#[derive(Clone, Debug, PartialEq)]
pub enum KeySource {
    /// In a PEM file.
    File(PathBuf),
    /// In the configuration itself.
    Pem(String),
}

/// A named set of public keys. CloudFront's quota of 5 keys a group is not enforced.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyGroupDocument {
    /// What behaviors name.
    pub id: String,
    /// Ids of public keys.
    pub public_keys: Vec<String>,
}

/// An account whose key pairs may sign, as before key groups.
#[derive(Clone, Debug, PartialEq)]
pub struct TrustedSignerDocument {
    /// `self` or an account number: what behaviors name.
    pub name: String,
    /// Ids of public keys.
    pub key_pairs: Vec<String>,
}

/// A distribution.
#[derive(Clone, Debug, PartialEq)]
pub struct DistributionDocument {
    /// `E…`, unique.
    pub id: String,
    /// Its first host name.
    pub domain_name: String,
    /// Further host names, `*.example.com` included; at most 100.
    pub aliases: Vec<String>,
    /// Served for `/`.
    pub default_root_object: Option<String>,
    /// Whether it answers at all.
    pub enabled: bool,
    /// For https listeners.
    pub certificate: Option<CertificateDocument>,
    /// See [`privet_sign::Leniency::ignore_port`].
    pub ignore_port: bool,
    /// See [`privet_sign::Leniency::statement_object`].
    pub statement_object: bool,
    /// Where objects come from.
    pub origins: Vec<OriginDocument>,
    /// Pairs of origins that behaviors may name too.
    pub origin_groups: Vec<OriginGroupDocument>,
    /// In list order, without the default; at most 75.
    pub behaviors: Vec<BehaviorDocument>,
    /// For every path no other behavior matches; its path pattern is `*`.
    pub default_behavior: BehaviorDocument,
    /// What stands in for errors, and how long errors live.
    pub custom_errors: Vec<CustomErrorResponse>,
    /// Where viewers may be.
    pub geo: GeoRestriction,
}

/// The PEM files of a certificate.
#[derive(Clone, Debug, PartialEq)]
pub struct CertificateDocument {
    /// Certificates, leaf first.
    pub chain: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// A cache behavior.
#[derive(Clone, Debug, PartialEq)]
pub struct BehaviorDocument {
    /// See [`crate::config::PathPattern`].
    pub path_pattern: String,
    /// The id of an origin or an origin group of the same distribution.
    pub origin: String,
    /// Name or id of a cache policy; `None`: `Managed-CachingOptimized`.
    pub cache_policy: Option<String>,
    /// Name or id of an origin request policy.
    pub origin_request_policy: Option<String>,
    /// Name or id of a response headers policy.
    pub response_headers_policy: Option<String>,
    /// Whether objects are compressed for viewers who take it.
    pub compress: bool,
    /// What becomes of plain HTTP.
    pub viewer_protocol_policy: ViewerProtocolPolicy,
    /// Which methods get through.
    pub allowed_methods: AllowedMethods,
    /// Ids of key groups; `None` and no signers: open to everybody. CloudFront's quota of 4 is not enforced.
    pub trusted_key_groups: Option<Vec<String>>,
    /// Names of trusted signers.
    pub trusted_signers: Option<Vec<String>>,
    /// What is made of videos; `None`: nothing.
    pub videos: Option<VideoSettings>,
}

/// One plain listener on the loopback address, nothing else.
impl Default for Document {
    fn default() -> Self {
        Document {
            edge: EdgeIdentity::default(),
            listeners: vec![Listener {
                address: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
                protocol: ListenerProtocol::Http,
                proxy_protocol: false,
            }],
            trusted_proxies: TrustedProxies::default(),
            forwarded_headers: ForwardedHeaders::default(),
            limits: Limits::default(),
            cache: CacheSettings::default(),
            videos: VideosDocument::default(),
            geo_database: None,
            admin_socket: None,
            log: None,
            test_clock: false,
            public_keys: Vec::new(),
            key_groups: Vec::new(),
            trusted_signers: Vec::new(),
            cache_policies: Vec::new(),
            origin_request_policies: Vec::new(),
            response_headers_policies: Vec::new(),
            distributions: Vec::new(),
            streaming_distributions: Vec::new(),
        }
    }
}
