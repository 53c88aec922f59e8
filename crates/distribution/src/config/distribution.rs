//! What a distribution is once every reference in it is resolved.

use crate::config::behavior_table::BehaviorTable;
use crate::config::cache_behavior::CacheBehavior;
use http::StatusCode;
use privet_sign::{KeySet, Leniency};
use std::sync::Arc;
use std::time::Duration;

/// How long an error is kept at least when nothing is configured for its status (developer guide, "Generate custom
/// error responses").
pub const ERROR_MIN_TTL_DEFAULT: Duration = Duration::from_secs(10);

/// A set of host names and the behaviors that answer for them.
#[derive(Debug)]
pub struct Distribution {
    /// `E…`; names the log files.
    pub id: String,
    /// e.g. `d111111abcdef8.cloudfront.net`; `cs(Host)` of the log.
    pub domain_name: String,
    /// Alternate domain names, also `*.example.com`.
    pub aliases: Vec<String>,
    /// Served for exactly `/`; without a leading slash.
    pub default_root_object: Option<String>,
    /// A disabled distribution answers like an unknown host.
    pub enabled: bool,
    /// Present whenever an https listener exists and the distribution is enabled.
    pub certificate: Option<Certificate>,
    /// In list order; the default behavior is last.
    pub behaviors: Vec<CacheBehavior>,
    /// What stands in for errors, and how long errors live.
    pub custom_errors: Vec<CustomErrorResponse>,
    /// Where viewers may be.
    pub geo: GeoRestriction,
    /// The port redirects to HTTPS lead to: 443 unless the https listeners are elsewhere.
    pub https_port: u16,
    /// Made of `behaviors`.
    pub(crate) table: BehaviorTable,
}

impl Distribution {
    /// What stands in for an error of `status`, and how long it is kept; `None` where nothing is configured.
    pub fn custom_error(&self, status: StatusCode) -> Option<&CustomErrorResponse> {
        let mut responses = self.custom_errors.iter();
        responses.find(|response| response.error_status == status)
    }
}

/// A set of host names under which videos are played over RTMP.
#[derive(Debug)]
pub struct StreamingDistribution {
    /// `E…`; names the log files.
    pub id: String,
    /// e.g. `s5c39gqb8ow64r.cloudfront.net`.
    pub domain_name: String,
    /// Alternate domain names, also `*.example.com`.
    pub aliases: Vec<String>,
    /// A disabled one is not found.
    pub enabled: bool,
    /// Where the videos come from: a distribution of the snapshot, or one made of the origin.
    pub videos: Arc<Distribution>,
    /// `None`: open to everybody, save what the behaviors of `videos` restrict. Never empty.
    pub trusted_keys: Option<KeySet>,
    /// Where CloudFront's reading of policies is unpublished, the operator's choice.
    pub leniency: Leniency,
    /// Whether a policy may name a web URL of the video as well.
    pub web_resources: bool,
    /// Present whenever an rtmps listener exists and the distribution is enabled.
    pub certificate: Option<Certificate>,
}

/// What stands in for an error (developer guide, "Generate custom error responses").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomErrorResponse {
    /// The status it is for: 400, 403, 404, 405, 414, 416, 500 to 504.
    pub error_status: StatusCode,
    /// The page, fetched by the behavior of its own path, and the status it is sent with.
    pub page: Option<ErrorPage>,
    /// How long the error is kept at least.
    pub min_ttl: Duration,
}

/// The page of a custom error response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErrorPage {
    /// Begins with a slash.
    pub path: String,
    /// 200, or one of the error statuses.
    pub status: StatusCode,
}

/// Where viewers may be (developer guide, "Restrict the geographic distribution of your content").
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum GeoRestriction {
    /// Anywhere.
    #[default]
    None,
    /// Only in these countries, ISO 3166-1 alpha-2 in upper case; unknown places are served.
    Allow(Vec<String>),
    /// Not in these.
    Block(Vec<String>),
}

/// PEM bytes of chain and key as read; the edge parses them.
#[derive(Clone)]
pub struct Certificate {
    /// The certificate and those between it and the root, leaf first.
    pub chain_pem: Vec<u8>,
    /// The private key.
    pub key_pem: Vec<u8>,
    /// Where it stands in the configuration, for messages.
    pub path: String,
}

impl std::fmt::Debug for Certificate {
    // The key must not get into a log by way of `{:?}`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.path)
    }
}
