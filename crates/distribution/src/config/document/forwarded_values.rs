//! CloudFront's older cache settings of a behavior, from before there were policies.

use crate::config::policies::NameFilter;
use http::HeaderName;
use std::time::Duration;

/// The parts of a request that go to the origin and are in the cache key, and the TTLs (developer guide, "Cache
/// behavior settings", the legacy cache settings).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ForwardedValuesDocument {
    /// Query parameters.
    pub query: ForwardedQuery,
    /// Headers.
    pub headers: ForwardedHeaderNames,
    /// Cookies: none, all, or those listed.
    pub cookies: NameFilter,
    /// Minimum TTL.
    pub min_ttl: Duration,
    /// TTL of objects whose headers set none.
    pub default_ttl: Duration,
    /// Maximum TTL.
    pub max_ttl: Duration,
}

/// The query parameters of [`ForwardedValuesDocument`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ForwardedQuery {
    /// None go to the origin.
    None,
    /// All go to the origin and are in the cache key.
    All,
    /// All go to the origin, and those listed are in the cache key.
    AllKeyedBy(Vec<String>),
}

/// The headers of [`ForwardedValuesDocument`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum ForwardedHeaderNames {
    /// All go to the origin, and nothing is cached.
    All,
    /// Those listed.
    Only(Vec<HeaderName>),
}
