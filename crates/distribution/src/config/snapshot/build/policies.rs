//! Finds policies by id or name: CloudFront's managed ones and the operator's.

use super::forwarded_values::{ForwardedPolicies, policies_of};
use crate::config::document::{ForwardedValuesDocument, ServiceDocument};
use crate::config::policies::{CachePolicy, OriginRequestPolicy, ResponseHeadersPolicy};
use std::collections::HashMap;
use std::sync::Arc;

/// All policies, each under both its id and its name.
pub(super) struct Policies {
    pub(super) cache: HashMap<String, Arc<CachePolicy>>,
    pub(super) origin_request: HashMap<String, Arc<OriginRequestPolicy>>,
    pub(super) response_headers: HashMap<String, Arc<ResponseHeadersPolicy>>,
    /// Policies that do what older cache settings say, by these.
    pub(super) forwarded: HashMap<ForwardedValuesDocument, ForwardedPolicies>,
    /// Cache policy of behaviors that name none.
    pub(super) cache_default: Arc<CachePolicy>,
}

impl Policies {
    pub(super) fn new(document: &ServiceDocument) -> Self {
        Policies {
            cache: by_id_and_name(CachePolicy::managed(), &document.cache_policies, |policy| {
                [policy.id.clone(), policy.name.clone()]
            }),
            origin_request: by_id_and_name(
                OriginRequestPolicy::managed(),
                &document.origin_request_policies,
                |policy| [policy.id.clone(), policy.name.clone()],
            ),
            response_headers: by_id_and_name(
                ResponseHeadersPolicy::managed(),
                &document.response_headers_policies,
                |policy| [policy.id.clone(), policy.name.clone()],
            ),
            forwarded: forwarded(document),
            cache_default: Arc::new(CachePolicy::caching_optimized()),
        }
    }
}

/// Behaviors with the same settings share their policies.
fn forwarded(document: &ServiceDocument) -> HashMap<ForwardedValuesDocument, ForwardedPolicies> {
    let mut known = HashMap::new();
    for distribution in &document.distributions {
        let default = std::iter::once(&distribution.default_behavior);
        let behaviors = distribution.behaviors.iter().chain(default);
        for values in behaviors.filter_map(|behavior| behavior.forwarded_values.as_ref()) {
            if !known.contains_key(values) {
                known.insert(values.clone(), policies_of(values));
            }
        }
    }
    known
}

fn by_id_and_name<P: Clone>(
    managed: &[P],
    own: &[P],
    titles: fn(&P) -> [String; 2],
) -> HashMap<String, Arc<P>> {
    let mut policies = HashMap::new();
    for policy in managed.iter().chain(own).cloned() {
        let policy = Arc::new(policy);
        for title in titles(&policy) {
            policies.insert(title, policy.clone());
        }
    }
    policies
}
