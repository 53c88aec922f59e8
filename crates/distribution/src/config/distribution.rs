//! A distribution with every reference resolved.

use crate::config::behavior_table::BehaviorTable;
use crate::config::cache_behavior::CacheBehavior;
use crate::config::origin::Origin;
use crate::logging::LogLayout;
use http::StatusCode;
use privet_sign::{KeySet, Leniency};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Minimum TTL of an error when none is configured for its status (developer guide, "Generate custom error responses").
pub const ERROR_MIN_TTL_DEFAULT: Duration = Duration::from_secs(10);

/// A set of host names with its behaviors.
#[derive(Debug)]
pub struct Distribution {
    /// Id, `E…`, which is also in the names of log files.
    pub id: String,
    /// Domain name, e.g. `d111111abcdef8.cloudfront.net`; `cs(Host)` in the log.
    pub domain_name: String,
    /// Alternate domain names, including `*.example.com`.
    pub aliases: Vec<String>,
    /// Object served for exactly `/`, without a leading slash.
    pub default_root_object: Option<String>,
    /// False if it is treated as an unknown host.
    pub enabled: bool,
    /// Certificate; present whenever an https listener exists and the distribution is enabled.
    pub certificate: Option<Arc<Certificate>>,
    /// Behaviors in order of precedence; the default one is last.
    pub behaviors: Vec<CacheBehavior>,
    /// Pages served instead of errors, and minimum TTLs of errors.
    pub custom_errors: Vec<CustomErrorResponse>,
    /// Countries where viewers may be.
    pub geo: GeoRestriction,
    /// Versions of HTTP that viewers may speak over TLS.
    pub http_versions: HttpVersions,
    /// Minimum version of TLS.
    pub minimum_tls: MinimumTlsVersion,
    /// Access log of the distribution's own; `None` writes none.
    pub logging: Option<Arc<DistributionLogging>>,
    /// Port of redirects to HTTPS: 443 unless the https listeners use another.
    pub https_port: u16,
    /// Lookup table made from `behaviors`.
    pub(crate) table: BehaviorTable,
    /// Indexes of its origins, including those that no behavior names.
    pub(crate) origins: Box<[usize]>,
}

impl Distribution {
    /// Returns the page and the minimum TTL for an error of `status`; `None` where nothing is configured.
    pub fn custom_error(&self, status: StatusCode) -> Option<&CustomErrorResponse> {
        let mut responses = self.custom_errors.iter();
        responses.find(|response| response.error_status == status)
    }
}

/// A set of host names under which videos are played over RTMP.
#[derive(Clone, Debug)]
pub struct StreamingDistribution {
    /// Id, `E…`, which is also in the names of log files.
    pub id: String,
    /// Domain name, e.g. `s5c39gqb8ow64r.cloudfront.net`.
    pub domain_name: String,
    /// Alternate domain names, including `*.example.com`.
    pub aliases: Vec<String>,
    /// False if it is not found by viewers.
    pub enabled: bool,
    /// Source of the videos: a distribution of the snapshot, or one made from the origin.
    pub videos: Arc<Distribution>,
    /// Trusted keys, never empty; `None` lets everybody in, unless the behaviors of `videos` are restricted.
    pub trusted_keys: Option<KeySet>,
    /// Operator's choices where CloudFront's reading of policies is unpublished.
    pub leniency: Leniency,
    /// True if a policy may also name a web URL of the video.
    pub web_resources: bool,
    /// Certificate; present whenever an rtmps listener exists and the distribution is enabled.
    pub certificate: Option<Arc<Certificate>>,
    /// Access log of the distribution's own; `None` writes none.
    pub logging: Option<Arc<DistributionLogging>>,
}

impl StreamingDistribution {
    /// Returns true if the videos are from an origin of its own: the distribution made of it has the same id, which no
    /// other one may have.
    pub(crate) fn has_own_videos(&self) -> bool {
        self.videos.id == self.id
    }
}

/// The page and the minimum TTL of an error (developer guide, "Generate custom error responses").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomErrorResponse {
    /// Status of the error: 400, 403, 404, 405, 414, 416, 500 to 504.
    pub error_status: StatusCode,
    /// Page sent instead, fetched through the behavior of its own path.
    pub page: Option<ErrorPage>,
    /// Minimum TTL of the error.
    pub min_ttl: Duration,
}

/// The page of a custom error response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorPage {
    /// Path of the page, with a leading slash.
    pub path: String,
    /// Status sent with it: 200, or one of the error statuses.
    pub status: StatusCode,
}

/// The versions of HTTP that viewers of a distribution may speak over TLS (`HttpVersion`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HttpVersions {
    /// HTTP/1.1 alone.
    Http1,
    /// HTTP/1.1 and HTTP/2.
    #[default]
    Http2,
}

/// The minimum version of TLS for the viewers of a distribution (`MinimumProtocolVersion`). There is none below 1.2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MinimumTlsVersion {
    /// TLS 1.2.
    #[default]
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// The access log of one distribution (developer guide, "Standard logging").
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DistributionLogging {
    /// Name of the bucket that the log is for, which is a plain name of a folder.
    pub bucket: String,
    /// Text before the names of the files; what ends with a slash are folders.
    pub prefix: String,
    /// True if `cs(Cookie)` is filled in; signing cookies are redacted in any case.
    pub include_cookies: bool,
    /// Fields of the lines, and their form.
    pub layout: LogLayout,
    /// Way of the files. A document does not say it: a snapshot knows whether its bucket is known.
    pub delivery: LogDelivery,
}

/// The way of a log's files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum LogDelivery {
    /// They stay in a folder with the bucket's name: no item says where the bucket lies.
    #[default]
    Folder,
    /// They are delivered into the bucket.
    Bucket,
}

/// A bucket into which log files are delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogDestination {
    /// A folder on the edge's own disk, in which each object is a file.
    Folder(PathBuf),
    /// The bucket of that name among those that this machine keeps.
    Embedded,
    /// A bucket behind an S3 endpoint; the keys of its item sign.
    Endpoint(Arc<Origin>),
}

/// A restriction by country (developer guide, "Restrict the geographic distribution of your content").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum GeoRestriction {
    /// No restriction.
    #[default]
    None,
    /// Allows only these countries, ISO 3166-1 alpha-2 in upper case. Viewers from unknown countries are served.
    Allow(Vec<String>),
    /// Blocks these countries.
    Block(Vec<String>),
}

/// The certificate chain and private key, as PEM bytes that the edge parses.
#[derive(Clone, PartialEq, Eq)]
pub struct Certificate {
    /// Certificate and intermediates, leaf first.
    pub chain_pem: Vec<u8>,
    /// Private key.
    pub key_pem: Vec<u8>,
    /// Location in the configuration, for messages.
    pub path: String,
}

impl std::fmt::Debug for Certificate {
    // The key must not reach a log through `{:?}`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.path)
    }
}
