//! Which distributions use a key group or a policy.

use crate::cloudfront::api_error::ApiError;
use crate::cloudfront::call::{Call, Page, Reply};
use crate::cloudfront::handled::Handled;
use crate::cloudfront::resource::{Resource, gather};
use crate::cloudfront::{
    cache_policies, key_groups, origin_request_policies, response_headers_policies,
};
use crate::operator::Read;
use privet_distribution::config::ServiceKind;
use serde_json::{Value, json};

/// Distributions that are looked through.
const DISTRIBUTIONS_MAX: usize = 10_000;

/// Name of the policy of behaviors that name none.
const CACHE_POLICY_DEFAULT: &str = "Managed-CachingOptimized";

/// A list of the distributions that use something.
struct Users {
    operation: &'static str,
    /// Parameter of the path.
    parameter: &'static str,
    resource: &'static Resource,
    /// Key of a behavior.
    key: &'static str,
}

const LISTS: [Users; 4] = [
    Users {
        operation: "ListDistributionsByKeyGroup",
        parameter: "KeyGroupId",
        resource: &key_groups::RESOURCE,
        key: "trusted_key_groups",
    },
    Users {
        operation: "ListDistributionsByCachePolicyId",
        parameter: "CachePolicyId",
        resource: &cache_policies::RESOURCE,
        key: "cache_policy",
    },
    Users {
        operation: "ListDistributionsByOriginRequestPolicyId",
        parameter: "OriginRequestPolicyId",
        resource: &origin_request_policies::RESOURCE,
        key: "origin_request_policy",
    },
    Users {
        operation: "ListDistributionsByResponseHeadersPolicyId",
        parameter: "ResponseHeadersPolicyId",
        resource: &response_headers_policies::RESOURCE,
        key: "response_headers_policy",
    },
];

pub(super) fn handlers() -> impl Iterator<Item = Handled> {
    LISTS.iter().map(|users| {
        let kind = users.resource.kind.as_str();
        Handled::new(users.operation, kind, move |call| list(call, users))
    })
}

async fn list(call: Call<Read>, users: &'static Users) -> Result<Reply, ApiError> {
    let Page { marker, max_items } = call.page()?;
    let id = call.parameter(users.parameter);
    let item = users.resource.item(&call.operations, &call.operator, id);
    let item = item.await?;
    // Policies are named by their ids or by their names.
    let name = item.document.get("name").and_then(Value::as_str);
    let names = [
        Some(item.id.as_str()),
        name.filter(|_| users.resource.kind.has_titles()),
    ];
    let from = (ServiceKind::Distribution, marker.clone());
    let listed = gather(&call.operations, &call.operator, from, DISTRIBUTIONS_MAX).await?;
    let distributions = listed.items.iter();
    let using = distributions.filter(|item| uses(&item.document, users.key, &names));
    let mut ids: Vec<&str> = using.map(|item| item.id.as_str()).collect();
    let is_truncated = ids.len() > max_items;
    ids.truncate(max_items);
    let next = ids.last().filter(|_| is_truncated);
    Ok(Reply::of(json!({
        "Marker": marker.as_deref().unwrap_or_default(),
        "NextMarker": next,
        "MaxItems": max_items,
        "IsTruncated": is_truncated,
        "Items": ids,
    })))
}

/// Returns true if a behavior of a distribution names one of these.
fn uses(document: &Value, key: &str, names: &[Option<&str>]) -> bool {
    let others = document.get("behaviors").and_then(Value::as_array);
    let mut behaviors = others
        .into_iter()
        .flatten()
        .chain(document.get("default_behavior"));
    let is_named = |value: &Value| {
        value
            .as_str()
            .is_some_and(|text| names.contains(&Some(text)))
    };
    behaviors.any(|behavior| match behavior.get(key) {
        Some(Value::Array(values)) => values.iter().any(is_named),
        Some(value) => is_named(value),
        // Without any cache settings, the default policy is used.
        None => {
            let is_default = key == "cache_policy" && behavior.get("forwarded_values").is_none();
            is_default && names.contains(&Some(CACHE_POLICY_DEFAULT))
        }
    })
}
