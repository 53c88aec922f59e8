//! What a distribution is once every reference in it is resolved.

use crate::path_pattern::PathPattern;
use http::Method;
use privet_sign::{KeySet, Leniency};
use std::path::PathBuf;
use std::sync::Arc;

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
    /// The port redirects to HTTPS lead to: 443 unless the https listeners are elsewhere.
    pub https_port: u16,
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
    pub origin: Arc<Origin>,
    /// What becomes of plain HTTP.
    pub viewer_protocol_policy: ViewerProtocolPolicy,
    /// Which methods get through.
    pub allowed_methods: AllowedMethods,
    /// `None`: open to everybody. `Some`: only a grant by one of these keys; never empty.
    pub trusted_keys: Option<KeySet>,
    /// Where CloudFront's reading of policies is unpublished, the operator's choice.
    pub leniency: Leniency,
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

/// Where the bytes come from. `index` is dense over the whole snapshot, so that the edge can keep a table beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// 0, 1, 2, … over all distributions of the snapshot.
    pub index: usize,
    /// The operator's name for it, unique within the distribution.
    pub id: String,
    /// What kind of origin it is.
    pub source: OriginSource,
    /// Put before every path: empty, or with a leading and without a trailing slash.
    pub origin_path: String,
}

/// S3 and HTTP origins follow; matched without `_`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OriginSource {
    /// A folder of the edge's own disk, served the way a bucket is.
    Folder {
        /// The folder.
        root: PathBuf,
    },
}
