//! Cache, origin request and response headers policies, with every reference resolved.

use crate::languages::Languages;
use http::{HeaderName, HeaderValue};
use std::time::Duration;

mod managed;

/// A choice among names of one kind: cookies or query parameters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum NameFilter {
    /// No names.
    #[default]
    None,
    /// All names.
    All,
    /// The names listed.
    Only(Vec<String>),
    /// All but the names listed.
    AllExcept(Vec<String>),
}

impl NameFilter {
    /// Returns true if `name` is chosen; case matters.
    pub fn takes(&self, name: &str) -> bool {
        self.takes_bytes(name.as_bytes())
    }

    /// Returns the same for a name that need not be UTF-8.
    pub(crate) fn takes_bytes(&self, name: &[u8]) -> bool {
        match self {
            NameFilter::None => false,
            NameFilter::All => true,
            NameFilter::Only(names) => names.iter().any(|known| known.as_bytes() == name),
            NameFilter::AllExcept(names) => names.iter().all(|known| known.as_bytes() != name),
        }
    }
}

/// The cache key and the TTLs of objects (developer guide, "Control the cache key with a policy").
///
/// All values in the cache key also go to the origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachePolicy {
    /// Id: CloudFront's or the operator's.
    pub id: String,
    /// Name of the policy.
    pub name: String,
    /// Minimum TTL.
    pub min_ttl: Duration,
    /// TTL of objects whose headers set none.
    pub default_ttl: Duration,
    /// Maximum TTL.
    pub max_ttl: Duration,
    /// Query parameters in the cache key.
    pub query_strings: NameFilter,
    /// Request headers in the cache key.
    pub headers: Vec<HeaderName>,
    /// Cookies in the cache key.
    pub cookies: NameFilter,
    /// True if `Accept-Encoding` is normalized to gzip and part of the cache key.
    pub gzip: bool,
    /// The same for Brotli.
    pub brotli: bool,
    /// The same for Zstandard; beyond CloudFront.
    pub zstd: bool,
    /// True if `CDN-Cache-Control` replaces `Cache-Control` and `Expires` (RFC 9213); beyond CloudFront.
    pub cdn_cache_control: bool,
    /// Heuristic freshness of objects with nothing but `Last-Modified`, in percent of the time since then, 0 to 100
    /// (RFC 9111 4.2.2). With 0 the default TTL applies, as at CloudFront.
    pub heuristic_percent: u8,
    /// True if `Accept-Language`, in the cache key and in `Vary`, is compared by preference and not by spelling; beyond
    /// CloudFront.
    pub normalize_accept_language: bool,
}

impl CachePolicy {
    /// Returns CloudFront's `Managed-CachingOptimized`.
    pub fn caching_optimized() -> Self {
        CachePolicy {
            id: "658327ea-f89d-4fab-a63d-7e88639e58f6".to_owned(),
            name: "Managed-CachingOptimized".to_owned(),
            min_ttl: Duration::from_secs(1),
            default_ttl: Duration::from_secs(86_400),
            max_ttl: Duration::from_secs(31_536_000),
            query_strings: NameFilter::None,
            headers: Vec::new(),
            cookies: NameFilter::None,
            gzip: true,
            brotli: true,
            zstd: true,
            cdn_cache_control: true,
            heuristic_percent: 0,
            normalize_accept_language: false,
        }
    }

    /// Returns how values of `Accept-Language` are compared.
    pub(crate) fn languages(&self) -> Languages {
        if self.normalize_accept_language {
            Languages::ByPreference
        } else {
            Languages::AsWritten
        }
    }

    /// Returns which directives of a response apply.
    pub(crate) fn audience(&self) -> Audience {
        if self.cdn_cache_control {
            Audience::Cdn
        } else {
            Audience::Everyone
        }
    }

    /// Returns true if nothing is ever cached (maximum TTL of 0), so that requests are not collapsed either.
    pub fn is_disabled(&self) -> bool {
        self.max_ttl.is_zero()
    }
}

/// The caches whose directives apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Every cache: `Cache-Control` applies.
    Everyone,
    /// CDNs: `CDN-Cache-Control` replaces `Cache-Control` where it can be parsed (RFC 9213 3).
    Cdn,
}

/// The parts of a request that go to the origin besides the cache key (developer guide, "Control origin requests with a
/// policy").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginRequestPolicy {
    /// Id: CloudFront's or the operator's.
    pub id: String,
    /// Name of the policy.
    pub name: String,
    /// Viewer's headers that are passed on.
    pub headers: HeaderFilter,
    /// Cookies that are passed on.
    pub cookies: NameFilter,
    /// Query parameters that are passed on.
    pub query_strings: NameFilter,
}

/// A choice among the viewer's headers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HeaderFilter {
    /// Only the headers that are always passed on.
    #[default]
    None,
    /// Also the headers listed.
    Only(Vec<HeaderName>),
    /// All headers.
    AllViewer,
    /// All headers but those listed.
    AllViewerExcept(Vec<HeaderName>),
    /// All headers, and the listed ones of CloudFront's own (`CloudFront-Viewer-Country` …).
    AllViewerAndCloudFront(Vec<HeaderName>),
}

/// Headers added to and removed from every response (developer guide, "Add or remove HTTP headers in responses").
#[derive(Clone, Debug, PartialEq)]
pub struct ResponseHeadersPolicy {
    /// Id: CloudFront's or the operator's.
    pub id: String,
    /// Name of the policy.
    pub name: String,
    /// Cross-origin resource sharing; `None` leaves the origin's.
    pub cors: Option<CorsPolicy>,
    /// Security and custom headers, ready to send.
    pub headers: Vec<PolicyHeader>,
    /// Names of the origin's headers that are removed.
    pub remove: Vec<HeaderName>,
    /// Percentage of responses with `Server-Timing`; 0 for none.
    pub server_timing_percent: f64,
}

/// A header of a response headers policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyHeader {
    /// Name of the header.
    pub name: HeaderName,
    /// Value of the header.
    pub value: HeaderValue,
    /// True if it replaces the origin's header.
    pub overrides: bool,
}

/// The CORS settings of a response headers policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorsPolicy {
    /// Allowed origins: `*`, origins, or patterns such as `https://*.example.com`.
    pub allow_origins: Vec<String>,
    /// Allowed methods, or `ALL`.
    pub allow_methods: Vec<String>,
    /// Names of allowed request headers, or `*`.
    pub allow_headers: Vec<String>,
    /// Names of exposed response headers, or `*`.
    pub expose_headers: Vec<String>,
    /// True if credentials are allowed.
    pub allow_credentials: bool,
    /// Time for which a preflight may be cached.
    pub max_age: Option<Duration>,
    /// True if these headers replace the origin's.
    pub overrides: bool,
}
