//! Makes policies of CloudFront's older cache settings, so that nothing else at the edge has to know these.

use crate::config::document::{ForwardedHeaderNames, ForwardedQuery, ForwardedValuesDocument};
use crate::config::policies::{CachePolicy, HeaderFilter, NameFilter, OriginRequestPolicy};
use http::header;
use std::sync::Arc;
use std::time::Duration;

/// Name of the policies in messages; no policy of an operator can have it.
const NAME: &str = "(forwarded values)";

/// The policies that do what older cache settings say.
#[derive(Clone, Debug)]
pub(super) struct ForwardedPolicies {
    pub(super) cache: Arc<CachePolicy>,
    /// What goes to the origin without being in the cache key; `None` if that is nothing.
    pub(super) origin_request: Option<Arc<OriginRequestPolicy>>,
}

/// Returns the policies for `values` (developer guide, "Cache content based on query string parameters", "… cookies"
/// and "… request headers").
///
/// What goes to the origin is in the cache key, but for query parameters that are not among the keyed ones. With all
/// headers, or with TTLs of 0, nothing is cached, and there is no key that anything could be in.
pub(super) fn policies_of(values: &ForwardedValuesDocument) -> ForwardedPolicies {
    let names: &[_] = match &values.headers {
        ForwardedHeaderNames::All => &[],
        ForwardedHeaderNames::Only(names) => names,
    };
    let is_cached = match values.headers {
        ForwardedHeaderNames::All => false,
        ForwardedHeaderNames::Only(_) => !values.max_ttl.is_zero(),
    };
    match is_cached {
        true => cached(values, names),
        false => uncached(values, names),
    }
}

fn cached(values: &ForwardedValuesDocument, names: &[http::HeaderName]) -> ForwardedPolicies {
    let cache = CachePolicy {
        min_ttl: values.min_ttl,
        default_ttl: values.default_ttl,
        max_ttl: values.max_ttl,
        query_strings: match &values.query {
            ForwardedQuery::None => NameFilter::None,
            ForwardedQuery::All => NameFilter::All,
            ForwardedQuery::AllKeyedBy(names) => NameFilter::Only(names.clone()),
        },
        headers: names.to_vec(),
        cookies: values.cookies.clone(),
        // These settings know gzip alone: Brotli came with the policies.
        gzip: !names.contains(&header::ACCEPT_ENCODING),
        ..blank()
    };
    let origin_request = match values.query {
        ForwardedQuery::None | ForwardedQuery::All => None,
        ForwardedQuery::AllKeyedBy(_) => Some(Arc::new(OriginRequestPolicy {
            id: NAME.to_owned(),
            name: NAME.to_owned(),
            headers: HeaderFilter::None,
            cookies: NameFilter::None,
            query_strings: NameFilter::All,
        })),
    };
    ForwardedPolicies {
        cache: Arc::new(cache),
        origin_request,
    }
}

fn uncached(values: &ForwardedValuesDocument, names: &[http::HeaderName]) -> ForwardedPolicies {
    let origin_request = OriginRequestPolicy {
        id: NAME.to_owned(),
        name: NAME.to_owned(),
        headers: match values.headers {
            ForwardedHeaderNames::All => HeaderFilter::AllViewer,
            ForwardedHeaderNames::Only(_) => HeaderFilter::Only(names.to_vec()),
        },
        cookies: values.cookies.clone(),
        query_strings: match values.query {
            ForwardedQuery::None => NameFilter::None,
            ForwardedQuery::All | ForwardedQuery::AllKeyedBy(_) => NameFilter::All,
        },
    };
    ForwardedPolicies {
        cache: Arc::new(blank()),
        origin_request: Some(Arc::new(origin_request)),
    }
}

/// Returns a policy by which nothing is cached and nothing in the key.
fn blank() -> CachePolicy {
    CachePolicy {
        id: NAME.to_owned(),
        name: NAME.to_owned(),
        min_ttl: Duration::ZERO,
        default_ttl: Duration::ZERO,
        max_ttl: Duration::ZERO,
        query_strings: NameFilter::None,
        headers: Vec::new(),
        cookies: NameFilter::None,
        gzip: false,
        brotli: false,
        zstd: false,
        cdn_cache_control: true,
        heuristic_percent: 0,
        normalize_accept_language: false,
    }
}
