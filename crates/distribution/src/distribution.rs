//! What a distribution is once every reference in it is resolved.

use crate::behavior_table::BehaviorTable;
use crate::film_settings::FilmSettings;
use crate::origin::OriginChoice;
use crate::path_pattern::PathPattern;
use crate::policies::{CachePolicy, OriginRequestPolicy, ResponseHeadersPolicy};
use http::Method;
use http::StatusCode;
use privet_sign::{KeySet, Leniency};
use std::sync::Arc;
use std::time::Duration;

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

/// How the paths under one pattern are served.
#[derive(Debug)]
pub struct CacheBehavior {
    /// Which paths this behavior answers for.
    pub path_pattern: PathPattern,
    /// Where its objects come from.
    pub origin: OriginChoice,
    /// The cache key, and how long objects live.
    pub cache_policy: Arc<CachePolicy>,
    /// What else the origin is told.
    pub origin_request_policy: Option<Arc<OriginRequestPolicy>>,
    /// What is added to answers.
    pub response_headers_policy: Option<Arc<ResponseHeadersPolicy>>,
    /// Whether objects are compressed for viewers who take it.
    pub compress: bool,
    /// What becomes of plain HTTP.
    pub viewer_protocol_policy: ViewerProtocolPolicy,
    /// Which methods get through.
    pub allowed_methods: AllowedMethods,
    /// `None`: open to everybody. `Some`: only a grant by one of these keys; never empty.
    pub trusted_keys: Option<KeySet>,
    /// Where CloudFront's reading of policies is unpublished, the operator's choice.
    pub leniency: Leniency,
    /// What is made of films; `None`: nothing, and names beneath an object are ordinary paths.
    pub films: Option<Arc<FilmSettings>>,
}

/// What becomes of a request over plain HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ViewerProtocolPolicy {
    /// Served like HTTPS.
    AllowAll,
    /// Refused with 403.
    HttpsOnly,
    /// Sent to HTTPS by 301 or 307.
    RedirectToHttps,
}

impl ViewerProtocolPolicy {
    /// Larger where fewer requests are served.
    pub(crate) fn strictness(&self) -> u8 {
        match self {
            ViewerProtocolPolicy::AllowAll => 0,
            ViewerProtocolPolicy::RedirectToHttps => 1,
            ViewerProtocolPolicy::HttpsOnly => 2,
        }
    }
}

/// The three sets of methods CloudFront offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AllowedMethods {
    /// GET and HEAD.
    GetHead,
    /// GET, HEAD and OPTIONS.
    GetHeadOptions,
    /// GET, HEAD, OPTIONS, PUT, POST, PATCH and DELETE.
    All,
}

impl AllowedMethods {
    /// Whether a request with `method` gets through.
    pub fn allows(&self, method: &Method) -> bool {
        match self {
            AllowedMethods::GetHead => is_get_or_head(method),
            AllowedMethods::GetHeadOptions => is_get_or_head(method) || method == Method::OPTIONS,
            AllowedMethods::All => {
                is_get_or_head(method) || method == Method::OPTIONS || is_change(method)
            }
        }
    }

    /// How many methods get through; each set is part of the next larger one.
    pub(crate) fn count(&self) -> u8 {
        match self {
            AllowedMethods::GetHead => 2,
            AllowedMethods::GetHeadOptions => 3,
            AllowedMethods::All => 7,
        }
    }

    /// The set as the value of `Allow` (RFC 9110 10.2.1).
    pub fn as_header(&self) -> &'static str {
        match self {
            AllowedMethods::GetHead => "GET, HEAD",
            AllowedMethods::GetHeadOptions => "GET, HEAD, OPTIONS",
            AllowedMethods::All => "GET, HEAD, OPTIONS, PUT, POST, PATCH, DELETE",
        }
    }
}

pub(crate) fn is_get_or_head(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

/// The methods that would change an object.
pub(crate) fn is_change(method: &Method) -> bool {
    [Method::PUT, Method::POST, Method::PATCH, Method::DELETE].contains(method)
}
