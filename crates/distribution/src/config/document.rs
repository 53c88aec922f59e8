//! The configuration as the operator wrote it: plain data, the same from a file and from an API.
//!
//! Defaults are filled in; references are still names, which [`crate::config::Snapshot::build`] resolves.

use crate::config::cache_behavior::{AllowedMethods, ViewerProtocolPolicy};
use crate::config::distribution::{
    CustomErrorResponse, DistributionLogging, GeoRestriction, HttpVersions, MinimumTlsVersion,
};
use crate::config::policies::{CachePolicy, OriginRequestPolicy, ResponseHeadersPolicy};
use crate::config::trusted_proxies::{ForwardedHeaders, TrustedProxies};
use crate::config::video_settings::VideoSettings;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

mod bucket_access;
mod cache;
mod control;
mod credentials;
mod embedded_bucket;
mod forwarded_values;
mod origin;
mod streaming;
mod video;

pub use bucket_access::{
    BucketAccessDocument, BucketDocument, BucketHostDocument, BucketLocationDocument,
    NamedBucketDocument, OriginAccessControlDocument, OriginAccessIdentityDocument,
};
pub use cache::{CacheSettings, DiskCacheSettings};
pub use control::{ApiLimits, ControlSettings, StoreLocation, StoreSettings};
pub use credentials::{CredentialsDocument, Secret, SecretSource};
pub use embedded_bucket::{
    BucketLogging, BucketPolicy, BucketReader, BucketsLimits, BucketsSettings, CorsRule,
    EmbeddedBucketDocument, Grant, PublicAccessBlock,
};
pub use forwarded_values::{ForwardedHeaderNames, ForwardedQuery, ForwardedValuesDocument};
pub use origin::{OriginDocument, OriginGroupDocument, OriginSourceDocument, S3OriginDocument};
pub use streaming::{StreamingDistributionDocument, StreamingSourceDocument};
pub use video::VideosDocument;

/// The whole configuration, defaults filled in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    /// Settings of the machine.
    pub node: NodeDocument,
    /// Everything that is served.
    pub service: ServiceDocument,
}

/// The settings of one machine, which only its own file has.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeDocument {
    /// File with these settings; empty for settings without one.
    pub file: PathBuf,
    /// Identity of the edge, and its number of workers.
    pub edge: EdgeIdentity,
    /// Addresses where viewers connect; at least one.
    pub listeners: Vec<Listener>,
    /// Proxies whose statements about viewers are believed.
    pub trusted_proxies: TrustedProxies,
    /// Headers in which they are believed.
    pub forwarded_headers: ForwardedHeaders,
    /// Limits on connections, requests and memory.
    pub limits: Limits,
    /// Size and location of the cache.
    pub cache: CacheSettings,
    /// Memory for videos, and the secret of path tokens.
    pub videos: VideosDocument,
    /// Database that maps addresses to countries (MaxMind DB).
    pub geo_database: Option<PathBuf>,
    /// Unix socket for the operator's commands to the running edge.
    pub admin_socket: Option<PathBuf>,
    /// Address at which operators are served over HTTP; `None` for the socket alone.
    pub control: Option<ControlSettings>,
    /// Store of what is served; `None` if the file itself says it.
    pub store: Option<StoreSettings>,
    /// Folder of embedded buckets, and the endpoint that serves them over S3; `None` if there are none.
    pub buckets: Option<BucketsSettings>,
    /// Access log; `None` writes none.
    pub log: Option<LogSettings>,
    /// Settings of links that end early or are counted.
    pub links: LinksSettings,
    /// True if the edge's clock can be set, for tests.
    pub test_clock: bool,
}

/// What is served, the same from a file and from a store.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServiceDocument {
    /// All public keys that key groups and trusted signers may name.
    pub public_keys: Vec<PublicKeyDocument>,
    /// Named sets of public keys.
    pub key_groups: Vec<KeyGroupDocument>,
    /// Accounts with their key pairs: the older way to name keys.
    pub trusted_signers: Vec<TrustedSignerDocument>,
    /// Certificates that distributions may name.
    pub certificates: Vec<NamedCertificateDocument>,
    /// Buckets that origins name by an S3 host name, and whose location is said here.
    pub buckets: Vec<BucketDocument>,
    /// Origin access identities that origins may name.
    pub origin_access_identities: Vec<OriginAccessIdentityDocument>,
    /// Origin access controls that origins may name.
    pub origin_access_controls: Vec<OriginAccessControlDocument>,
    /// Cache policies of the operator, in addition to CloudFront's managed ones.
    pub cache_policies: Vec<CachePolicy>,
    /// Origin request policies of the operator, in addition to CloudFront's managed ones.
    pub origin_request_policies: Vec<OriginRequestPolicy>,
    /// Response headers policies of the operator, in addition to CloudFront's managed ones.
    pub response_headers_policies: Vec<ResponseHeadersPolicy>,
    /// Distributions served over HTTP.
    pub distributions: Vec<DistributionDocument>,
    /// Distributions played over RTMP.
    pub streaming_distributions: Vec<StreamingDistributionDocument>,
}

impl ServiceDocument {
    /// Adds everything of another document behind what is here.
    pub fn append(&mut self, mut other: ServiceDocument) {
        self.public_keys.append(&mut other.public_keys);
        self.key_groups.append(&mut other.key_groups);
        self.trusted_signers.append(&mut other.trusted_signers);
        self.certificates.append(&mut other.certificates);
        self.buckets.append(&mut other.buckets);
        self.origin_access_identities
            .append(&mut other.origin_access_identities);
        self.origin_access_controls
            .append(&mut other.origin_access_controls);
        self.cache_policies.append(&mut other.cache_policies);
        self.origin_request_policies
            .append(&mut other.origin_request_policies);
        self.response_headers_policies
            .append(&mut other.response_headers_policies);
        self.distributions.append(&mut other.distributions);
        self.streaming_distributions
            .append(&mut other.streaming_distributions);
    }

    /// Returns true if nothing is served.
    pub fn is_empty(&self) -> bool {
        *self == ServiceDocument::default()
    }
}

/// An address to listen on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Address and port.
    pub address: SocketAddr,
    /// Protocol spoken there.
    pub protocol: ListenerProtocol,
    /// True if every connection begins with a PROXY protocol header, version 2, from a trusted proxy.
    pub proxy_protocol: bool,
}

/// The protocol of a listener.
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

/// The limits, named as in the TOML table `[limits]`. Counts and timeouts may not be 0, except `drain_timeout`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Maximum number of simultaneous connections.
    pub connections_max: usize,
    /// Maximum number of simultaneous HTTP and HTTPS connections from one address, or from one /64 of IPv6.
    pub connections_per_address_max: usize,
    /// Requests served on one connection before it is closed.
    pub requests_per_connection_max: usize,
    /// Maximum number of concurrent HTTP/2 streams on one connection.
    pub h2_streams_max: u32,
    /// Maximum length of a request URL in bytes.
    pub url_size_bytes_max: usize,
    /// Maximum length of a request head in bytes.
    pub head_size_bytes_max: usize,
    /// Time for a whole request head to arrive.
    pub head_timeout: Duration,
    /// Time between two requests of a connection.
    pub idle_timeout: Duration,
    /// Time without a byte of a request body.
    pub body_timeout: Duration,
    /// Minimum rate of a request body in bytes per second over each `body_timeout`, counting only the time that the
    /// edge waits for it; 0 disables the check.
    pub body_rate_min: u64,
    /// Time without the viewer reading a byte.
    pub write_timeout: Duration,
    /// Minimum rate in bytes per second at which a viewer reads responses over each `write_timeout`, counting only the
    /// time that the edge waits for it; 0 disables the check.
    pub write_rate_min: u64,
    /// Time for a TLS handshake.
    pub tls_handshake_timeout: Duration,
    /// Time for running requests to end once the edge is told to stop.
    pub drain_timeout: Duration,
    /// Maximum number of log records waiting to be written.
    pub log_queue_records_max: usize,
    /// Maximum number of verified signatures remembered.
    pub signature_memory_entries_max: usize,
    /// Memory for small objects in bytes; as many again may be on their way to viewers.
    pub hot_objects_size_bytes_max: usize,
    /// Bytes of responses on their way to viewers, for all connections together.
    pub responses_size_bytes_max: usize,
    /// Maximum number of files kept open.
    pub open_files_max: usize,
    /// Maximum number of ranges in one request.
    pub ranges_max: usize,
    /// Maximum number of simultaneous RTMP connections from one address.
    pub rtmp_connections_per_address_max: usize,
    /// Time for an RTMP handshake.
    pub rtmp_handshake_timeout: Duration,
    /// Time that an RTMP connection may send nothing while nothing plays on it.
    pub rtmp_idle_timeout: Duration,
    /// Time without an RTMP viewer reading a byte.
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

/// The edge's identity in headers and logs, and its number of workers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EdgeIdentity {
    /// Value of `x-edge-location` and `X-Amz-Cf-Pop`, e.g. `PRV50-C1`.
    pub location: String,
    /// Value of the `Server` header; `CloudFront` unless configured.
    pub server: String,
    /// Number of worker threads; 0 means one per processor.
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

/// Settings of the access log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSettings {
    /// Folder of the log files.
    pub folder: PathBuf,
    /// Folder below that one; empty for none.
    pub prefix: String,
    /// True if `cs(Cookie)` is filled in; signing cookies are redacted in any case.
    pub include_cookies: bool,
    /// Age at which a file is closed.
    pub rotate_after: Duration,
    /// Size at which a file is closed, counted before compression.
    pub rotate_size_bytes_max: u64,
    /// Time after its first record at which a file for a bucket is closed and delivered.
    pub deliver_after: Duration,
    /// Maximum size of the files that wait for their delivery.
    pub undelivered_size_bytes_max: u64,
    /// What happens when that much waits.
    pub undelivered_full: UndeliveredFull,
}

/// What happens when no more log files may wait for their delivery.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum UndeliveredFull {
    /// The oldest files are deleted, and the operator is told how many records they had.
    #[default]
    DropOldest,
    /// Requests get 503, so that no record is lost.
    Refuse,
}

/// Settings of links that end early or are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LinksSettings {
    /// Time without a request after which a viewer's visit is over, unless the link has its own.
    pub window: Duration,
    /// Time without news of the store after which limited links are treated as `when_stale` says.
    pub stale_after: Duration,
    /// How limited links are treated then.
    pub when_stale: StaleLinks,
    /// What the ledger keeps of viewers' addresses.
    pub addresses: LedgerAddresses,
    /// True if limited links are served from a PostgreSQL without a synchronous standby, whose failover may forget uses.
    pub allow_asynchronous_standby: bool,
}

impl Default for LinksSettings {
    fn default() -> Self {
        LinksSettings {
            window: Duration::from_secs(600),
            stale_after: Duration::from_secs(10),
            when_stale: StaleLinks::default(),
            addresses: LedgerAddresses::default(),
            allow_asynchronous_standby: false,
        }
    }
}

/// How limited links are treated while there is no news of the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StaleLinks {
    /// They are refused.
    #[default]
    Refuse,
    /// Viewers who have a visit keep it to its end; others are refused.
    ServeVisits,
}

/// What the ledger keeps of viewers' addresses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LedgerAddresses {
    /// The whole address.
    Kept,
    /// The first 24 bits of an IPv4 address, the first 48 of an IPv6 address.
    #[default]
    Shortened,
    /// None.
    Dropped,
}

/// A public key and its id.
#[derive(Clone, Debug, PartialEq)]
pub struct PublicKeyDocument {
    /// Value that viewers send as `Key-Pair-Id`: `K…`, or `APKA…` for the older key pairs.
    pub id: String,
    /// Name, which no other public key has; `None` if it has none but its id.
    pub name: Option<String>,
    /// Source of the key.
    pub source: KeySource,
}

/// The source of a public key.
#[derive(Clone, Debug, PartialEq)]
pub enum KeySource {
    /// A PEM file.
    File(PathBuf),
    /// PEM text in the configuration itself.
    Pem(String),
}

/// A named set of public keys. CloudFront's quota of 5 keys per group is not enforced.
#[derive(Clone, Debug, PartialEq)]
pub struct KeyGroupDocument {
    /// Name that behaviors use.
    pub id: String,
    /// Title, which no other key group has; `None` if it has none but its id.
    pub name: Option<String>,
    /// Ids of public keys.
    pub public_keys: Vec<String>,
}

/// An account whose key pairs may sign, as was usual before key groups.
#[derive(Clone, Debug, PartialEq)]
pub struct TrustedSignerDocument {
    /// Name that behaviors use: `self` or an account number.
    pub name: String,
    /// Ids of the account's public keys.
    pub key_pairs: Vec<String>,
}

/// A distribution as the operator wrote it.
#[derive(Clone, Debug, PartialEq)]
pub struct DistributionDocument {
    /// Unique id, `E…`.
    pub id: String,
    /// First host name.
    pub domain_name: String,
    /// Further host names, `*.example.com` included; at most 100.
    pub aliases: Vec<String>,
    /// Object served for `/`.
    pub default_root_object: Option<String>,
    /// False if its host names are treated as unknown.
    pub enabled: bool,
    /// Certificate for https listeners.
    pub certificate: Option<CertificateDocument>,
    /// Setting of [`privet_sign::Leniency::ignore_port`].
    pub ignore_port: bool,
    /// Setting of [`privet_sign::Leniency::statement_object`].
    pub statement_object: bool,
    /// Origins that behaviors may name.
    pub origins: Vec<OriginDocument>,
    /// Origin groups that behaviors may name as well.
    pub origin_groups: Vec<OriginGroupDocument>,
    /// Behaviors in order of precedence, without the default one; at most 75.
    pub behaviors: Vec<BehaviorDocument>,
    /// Behavior for paths that no other one matches; its path pattern is `*`.
    pub default_behavior: BehaviorDocument,
    /// Pages served instead of errors, and minimum TTLs of errors.
    pub custom_errors: Vec<CustomErrorResponse>,
    /// Countries where viewers may be.
    pub geo: GeoRestriction,
    /// Versions of HTTP that viewers may speak over TLS.
    pub http_versions: HttpVersions,
    /// Minimum version of TLS.
    pub minimum_tls: MinimumTlsVersion,
    /// Access log of the distribution's own; `None` writes none.
    pub logging: Option<DistributionLogging>,
}

/// The certificate of a distribution.
#[derive(Clone, Debug, PartialEq)]
pub enum CertificateDocument {
    /// PEM files on the machine.
    Files(CertificateFiles),
    /// Id of a [`NamedCertificateDocument`].
    Named(String),
}

/// PEM files of a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// File of the certificate chain, leaf first.
    pub chain: PathBuf,
    /// File of the private key.
    pub key: PathBuf,
}

/// A certificate that distributions name by its id.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedCertificateDocument {
    /// Name that distributions use.
    pub id: String,
    /// Source of chain and key.
    pub source: CertificateSource,
}

/// The source of a certificate.
#[derive(Clone, Debug, PartialEq)]
pub enum CertificateSource {
    /// PEM files on the machine.
    Files(CertificateFiles),
    /// PEM text in the document itself.
    Pem {
        /// Certificate chain, leaf first.
        chain: String,
        /// Private key.
        key: Secret,
    },
}

/// A cache behavior as the operator wrote it.
#[derive(Clone, Debug, PartialEq)]
pub struct BehaviorDocument {
    /// Pattern in the syntax of [`crate::config::PathPattern`].
    pub path_pattern: String,
    /// Id of an origin or an origin group of the same distribution.
    pub origin: String,
    /// Name or id of a cache policy; `None` means `Managed-CachingOptimized`.
    pub cache_policy: Option<String>,
    /// Older cache settings, in place of a cache policy and an origin request policy.
    pub forwarded_values: Option<ForwardedValuesDocument>,
    /// Name or id of an origin request policy.
    pub origin_request_policy: Option<String>,
    /// Name or id of a response headers policy.
    pub response_headers_policy: Option<String>,
    /// True if objects are compressed for viewers that accept it.
    pub compress: bool,
    /// Treatment of requests over plain HTTP.
    pub viewer_protocol_policy: ViewerProtocolPolicy,
    /// Methods that are allowed.
    pub allowed_methods: AllowedMethods,
    /// Ids of key groups; without these and without signers, everybody is let in. CloudFront's quota of 4 is not
    /// enforced.
    pub trusted_key_groups: Option<Vec<String>>,
    /// Names of trusted signers.
    pub trusted_signers: Option<Vec<String>>,
    /// Videos to make of objects; `None` makes none.
    pub videos: Option<VideoSettings>,
}

/// A single plain listener on the loopback address.
impl Default for NodeDocument {
    fn default() -> Self {
        NodeDocument {
            file: PathBuf::new(),
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
            control: None,
            store: None,
            buckets: None,
            log: None,
            links: LinksSettings::default(),
            test_clock: false,
        }
    }
}
