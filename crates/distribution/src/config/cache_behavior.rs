//! A cache behavior: how the paths under one pattern are served, and which methods are allowed.

use crate::config::origin::OriginChoice;
use crate::config::path_pattern::PathPattern;
use crate::config::policies::{CachePolicy, OriginRequestPolicy, ResponseHeadersPolicy};
use crate::config::video_settings::VideoSettings;
use http::Method;
use privet_sign::{KeySet, Leniency};
use std::sync::Arc;

/// A cache behavior with every reference resolved.
#[derive(Debug)]
pub struct CacheBehavior {
    /// Paths to which the behavior applies.
    pub path_pattern: PathPattern,
    /// Origin of its objects, or a pair of origins.
    pub origin: OriginChoice,
    /// Cache key and TTLs.
    pub cache_policy: Arc<CachePolicy>,
    /// Parts of a request that go to the origin besides the cache key.
    pub origin_request_policy: Option<Arc<OriginRequestPolicy>>,
    /// Headers added to and removed from responses.
    pub response_headers_policy: Option<Arc<ResponseHeadersPolicy>>,
    /// True if objects are compressed for viewers that accept it.
    pub compress: bool,
    /// Treatment of requests over plain HTTP.
    pub viewer_protocol_policy: ViewerProtocolPolicy,
    /// Methods that are allowed.
    pub allowed_methods: AllowedMethods,
    /// Trusted keys, never empty: a grant by one of them is required. `None` lets everybody in.
    pub trusted_keys: Option<KeySet>,
    /// Operator's choices where CloudFront's reading of policies is unpublished.
    pub leniency: Leniency,
    /// Settings of videos; `None` makes none, so names beneath an object are ordinary paths.
    pub videos: Option<Arc<VideoSettings>>,
}

/// The treatment of a request over plain HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ViewerProtocolPolicy {
    /// Served like HTTPS.
    AllowAll,
    /// Refused with 403.
    HttpsOnly,
    /// Redirected to HTTPS with 301 or 307.
    RedirectToHttps,
}

impl ViewerProtocolPolicy {
    /// Returns a larger number the fewer requests are served.
    pub(crate) fn strictness(&self) -> u8 {
        match self {
            ViewerProtocolPolicy::AllowAll => 0,
            ViewerProtocolPolicy::RedirectToHttps => 1,
            ViewerProtocolPolicy::HttpsOnly => 2,
        }
    }
}

/// The three sets of methods that CloudFront offers.
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
    /// Returns true if `method` is allowed.
    pub fn allows(&self, method: &Method) -> bool {
        match self {
            AllowedMethods::GetHead => is_get_or_head(method),
            AllowedMethods::GetHeadOptions => is_get_or_head(method) || method == Method::OPTIONS,
            AllowedMethods::All => {
                is_get_or_head(method) || method == Method::OPTIONS || is_change(method)
            }
        }
    }

    /// Returns the number of methods; each set is a subset of the next larger one.
    pub(crate) fn count(&self) -> u8 {
        match self {
            AllowedMethods::GetHead => 2,
            AllowedMethods::GetHeadOptions => 3,
            AllowedMethods::All => 7,
        }
    }

    /// Returns the set as the value of `Allow` (RFC 9110 10.2.1).
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

/// Returns true for the methods that change an object.
pub(crate) fn is_change(method: &Method) -> bool {
    [Method::PUT, Method::POST, Method::PATCH, Method::DELETE].contains(method)
}
