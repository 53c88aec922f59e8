//! How the paths under one pattern are served, and which methods get through.

use crate::config::origin::OriginChoice;
use crate::config::path_pattern::PathPattern;
use crate::config::policies::{CachePolicy, OriginRequestPolicy, ResponseHeadersPolicy};
use crate::config::video_settings::VideoSettings;
use http::Method;
use privet_sign::{KeySet, Leniency};
use std::sync::Arc;

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
    /// What is made of videos; `None`: nothing, and names beneath an object are ordinary paths.
    pub videos: Option<Arc<VideoSettings>>,
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
