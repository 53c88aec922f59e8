//! Cache, origin request and response headers policies, resolved.

use crate::languages::Languages;
use http::{HeaderName, HeaderValue};
use std::time::Duration;

mod managed;

/// Which names of a kind count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum NameFilter {
    /// None of them.
    #[default]
    None,
    /// All of them.
    All,
    /// These.
    Only(Vec<String>),
    /// All but these.
    AllExcept(Vec<String>),
}

impl NameFilter {
    /// Whether `name` counts; case matters.
    pub fn takes(&self, name: &str) -> bool {
        self.takes_bytes(name.as_bytes())
    }

    /// The same for a name that need not be UTF-8.
    pub(crate) fn takes_bytes(&self, name: &[u8]) -> bool {
        match self {
            NameFilter::None => false,
            NameFilter::All => true,
            NameFilter::Only(names) => names.iter().any(|known| known.as_bytes() == name),
            NameFilter::AllExcept(names) => names.iter().all(|known| known.as_bytes() != name),
        }
    }
}

/// What tells objects apart and how long they live (developer guide, "Control the cache key with a policy").
///
/// What is in the cache key also goes to the origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CachePolicy {
    /// CloudFront's id or the operator's.
    pub id: String,
    /// The name.
    pub name: String,
    /// The least time an object is kept.
    pub min_ttl: Duration,
    /// For objects that say nothing.
    pub default_ttl: Duration,
    /// The longest time an object is kept.
    pub max_ttl: Duration,
    /// Query parameters in the key.
    pub query_strings: NameFilter,
    /// Request headers in the key.
    pub headers: Vec<HeaderName>,
    /// Cookies in the key.
    pub cookies: NameFilter,
    /// `Accept-Encoding` is normalized to gzip and taken into the key.
    pub gzip: bool,
    /// The same for br.
    pub brotli: bool,
    /// The same for zstd; beyond CloudFront.
    pub zstd: bool,
    /// `CDN-Cache-Control` counts, in place of `Cache-Control` and `Expires` (RFC 9213); beyond CloudFront.
    pub cdn_cache_control: bool,
    /// The freshness of objects that say nothing but when they changed: so many percent of the time since then, 0 to
    /// 100 (RFC 9111 4.2.2). 0 guesses nothing: the default TTL counts, as at CloudFront.
    pub heuristic_percent: u8,
    /// `Accept-Language` in the key, and in `Vary`, tells preferences apart and not ways to write them; beyond
    /// CloudFront.
    pub normalize_accept_language: bool,
}

impl CachePolicy {
    /// CloudFront's `Managed-CachingOptimized`.
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

    /// When two viewers ask for the same languages.
    pub(crate) fn languages(&self) -> Languages {
        if self.normalize_accept_language {
            Languages::ByPreference
        } else {
            Languages::AsWritten
        }
    }

    /// Whose directives count.
    pub(crate) fn audience(&self) -> Audience {
        if self.cdn_cache_control {
            Audience::Cdn
        } else {
            Audience::Everyone
        }
    }

    /// Nothing is ever cached (max TTL 0), so requests are not collapsed either.
    pub fn is_disabled(&self) -> bool {
        self.max_ttl.is_zero()
    }
}

/// Whose directives count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// `Cache-Control` is for every cache.
    Everyone,
    /// `CDN-Cache-Control` is for CDNs and takes the place of `Cache-Control` where it can be read (RFC 9213 3).
    Cdn,
}

/// What else of a request goes to the origin (developer guide, "Control origin requests with a policy").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginRequestPolicy {
    /// CloudFront's id or the operator's.
    pub id: String,
    /// The name.
    pub name: String,
    /// Which headers of the viewer are passed on.
    pub headers: HeaderFilter,
    /// Which cookies.
    pub cookies: NameFilter,
    /// Which query parameters.
    pub query_strings: NameFilter,
}

/// Which of the viewer's headers are passed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum HeaderFilter {
    /// Only those that always are.
    #[default]
    None,
    /// These too.
    Only(Vec<HeaderName>),
    /// All of them.
    AllViewer,
    /// All of them but these.
    AllViewerExcept(Vec<HeaderName>),
    /// All of them, and these of CloudFront's own (`CloudFront-Viewer-Country` …).
    AllViewerAndCloudFront(Vec<HeaderName>),
}

/// What is added to and taken from every answer (developer guide, "Add or remove HTTP headers in responses").
#[derive(Clone, Debug, PartialEq)]
pub struct ResponseHeadersPolicy {
    /// CloudFront's id or the operator's.
    pub id: String,
    /// The name.
    pub name: String,
    /// Cross-origin resource sharing.
    pub cors: Option<CorsPolicy>,
    /// Security and custom headers, ready to send.
    pub headers: Vec<PolicyHeader>,
    /// Names of the origin's headers that are taken away.
    pub remove: Vec<HeaderName>,
    /// The share of answers that get `Server-Timing`, in percent; 0 is none.
    pub server_timing_percent: f64,
}

/// A header of a response headers policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyHeader {
    /// The name.
    pub name: HeaderName,
    /// The value.
    pub value: HeaderValue,
    /// Whether it takes the place of the origin's.
    pub overrides: bool,
}

/// CORS of a response headers policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorsPolicy {
    /// `*`, origins, or patterns such as `https://*.example.com`.
    pub allow_origins: Vec<String>,
    /// Methods, or `ALL`.
    pub allow_methods: Vec<String>,
    /// Header names, or `*`.
    pub allow_headers: Vec<String>,
    /// Header names, or `*`.
    pub expose_headers: Vec<String>,
    /// Whether credentials are allowed.
    pub allow_credentials: bool,
    /// How long a preflight may be remembered.
    pub max_age: Option<Duration>,
    /// Whether it takes the place of the origin's headers.
    pub overrides: bool,
}
