//! The distributions that use something: a key group, a policy, or a web ACL, of which there are none.

use crate::cloudfront::api_error::ApiError;
use crate::cloudfront::call::{Call, Reply};
use crate::cloudfront::distribution_error::absent;
use crate::cloudfront::distributions;
use crate::cloudfront::handled::Handled;
use crate::cloudfront::knowledge::{managed_name, named};
use crate::cloudfront::life_cycle::{marked, summaries};
use crate::cloudfront::members::Members;
use crate::cloudfront::resource::gather;
use crate::operations::Item;
use crate::operator::Read;
use privet_distribution::config::ServiceKind;
use privet_store::DocumentName;
use serde_json::Value;

/// Most distributions that are looked through.
const DISTRIBUTIONS_MAX: usize = 10_000;
/// Id that stands for no web ACL.
const NO_WEB_ACL: &str = "null";
/// Policy of behaviors that name none.
const CACHE_POLICY_DEFAULT: &str = "658327ea-f89d-4fab-a63d-7e88639e58f6";

/// A thing that distributions use.
#[derive(Debug)]
struct Used {
    operation: &'static str,
    kind: ServiceKind,
    /// Parameter of the path.
    parameter: &'static str,
    /// Code for one that is absent.
    absent: &'static str,
    /// Returns true if a document uses the thing of this id and name.
    is_user: fn(&Value, [&str; 2]) -> bool,
}

const USED: [Used; 4] = [
    Used {
        operation: "ListDistributionsByKeyGroup",
        kind: ServiceKind::KeyGroup,
        parameter: "KeyGroupId",
        absent: "NoSuchResource",
        is_user: uses_key_group,
    },
    Used {
        operation: "ListDistributionsByCachePolicyId",
        kind: ServiceKind::CachePolicy,
        parameter: "CachePolicyId",
        absent: "NoSuchCachePolicy",
        is_user: uses_cache_policy,
    },
    Used {
        operation: "ListDistributionsByOriginRequestPolicyId",
        kind: ServiceKind::OriginRequestPolicy,
        parameter: "OriginRequestPolicyId",
        absent: "NoSuchOriginRequestPolicy",
        is_user: |document, names| uses(document, "origin_request_policy", names),
    },
    Used {
        operation: "ListDistributionsByResponseHeadersPolicyId",
        kind: ServiceKind::ResponseHeadersPolicy,
        parameter: "ResponseHeadersPolicyId",
        absent: "NoSuchResponseHeadersPolicy",
        is_user: |document, names| uses(document, "response_headers_policy", names),
    },
];

pub(super) fn handlers() -> Vec<Handled> {
    let by = USED.iter().map(|used| {
        Handled::new(used.operation, used.kind.as_str(), move |call| {
            list(call, used)
        })
    });
    let kind = ServiceKind::Distribution.as_str();
    let web_acl = Handled::new("ListDistributionsByWebACLId", kind, list_by_web_acl);
    by.chain([web_acl]).collect()
}

async fn list(call: Call<Read>, used: &'static Used) -> Result<Reply, ApiError> {
    let page = call.page()?;
    let id = call.parameter(used.parameter);
    let mut ids = users(&call, used, id).await?;
    let after = page.marker.clone().unwrap_or_default();
    ids.retain(|id| *id > after);
    let is_truncated = ids.len() > page.max_items;
    ids.truncate(page.max_items);
    let next = ids.last().filter(|_| is_truncated).cloned();
    let shown = ids.into_iter().map(Value::String).collect();
    Ok(Reply::of(marked(&page, shown, next)))
}

/// Returns the ids of the distributions that use something, in their order. The store knows the users of an item; those of
/// a managed policy, and of what is in a file, are looked for.
async fn users(call: &Call<Read>, used: &Used, id: &str) -> Result<Vec<String>, ApiError> {
    let name = match managed_name(used.kind, id) {
        Some(name) => name,
        None => {
            let item = call.operations.item(&call.operator, used.kind, id).await;
            let item = item.map_err(|error| absent(used.absent, error))?;
            if let Some(users) = item.used_by {
                return Ok(distributions_of(users));
            }
            let name = Members::of(&item.document, "").text("name");
            name.unwrap_or(id).to_owned()
        }
    };
    let all = (ServiceKind::Distribution, None);
    let listed = gather(&call.operations, &call.operator, all, DISTRIBUTIONS_MAX).await?;
    let is_user = |item: &Item| (used.is_user)(&item.document, [id, name.as_str()]);
    let users = listed.items.into_iter().filter(is_user);
    Ok(users.map(|item| item.id).collect())
}

fn distributions_of(users: Vec<DocumentName>) -> Vec<String> {
    let kind = ServiceKind::Distribution.as_str();
    let users = users.into_iter().filter(|user| user.kind == kind);
    let mut ids: Vec<String> = users.map(|user| user.id).collect();
    ids.sort();
    ids
}

/// Lists all distributions for `null`, since none has a web ACL, and none for any other id.
async fn list_by_web_acl(call: Call<Read>) -> Result<Reply, ApiError> {
    let page = call.page()?;
    let (items, next) = match call.parameter("WebACLId") {
        NO_WEB_ACL => {
            let from = (ServiceKind::Distribution, page.marker.clone());
            let listed = gather(&call.operations, &call.operator, from, page.max_items).await?;
            let last = listed.items.last().filter(|_| listed.is_truncated);
            let next = last.map(|item| item.id.clone());
            let items = summaries(&call, &distributions::KIND, &listed.items).await?;
            (items, next)
        }
        _ => (Vec::new(), None),
    };
    Ok(Reply::of(marked(&page, items, next)))
}

fn uses_key_group(document: &Value, [id, _]: [&str; 2]) -> bool {
    let document = Members::of(document, "");
    let behaviors = document.array("behaviors").iter();
    let behaviors = behaviors.map(|behavior| Members::of(behavior, ""));
    let mut all = behaviors.chain([document.inner("default_behavior")]);
    all.any(|behavior| behavior.array_of_texts("trusted_key_groups").contains(&id))
}

fn uses(document: &Value, key: &str, names: [&str; 2]) -> bool {
    let used = named(&[document], key);
    names.iter().any(|name| used.contains(name))
}

/// Behaviors without any cache settings use the default policy.
fn uses_cache_policy(document: &Value, names: [&str; 2]) -> bool {
    let is_default = |behavior: &Members<'_>| {
        !behavior.has("cache_policy") && behavior.value("forwarded_values").is_none()
    };
    if uses(document, "cache_policy", names) {
        return true;
    }
    let document = Members::of(document, "");
    let behaviors = document.array("behaviors").iter();
    let behaviors = behaviors.map(|behavior| Members::of(behavior, ""));
    let mut all = behaviors.chain([document.inner("default_behavior")]);
    names.contains(&CACHE_POLICY_DEFAULT) && all.any(|behavior| is_default(&behavior))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn users_are_found_in_every_behavior() {
        let document = json!({
            "default_behavior": { "cache_policy": "P1", "trusted_key_groups": ["G1"] },
            "behaviors": [{ "origin_request_policy": "named", "trusted_key_groups": ["G2"], "forwarded_values": {} }],
        });
        for id in ["G1", "G2"] {
            assert!(uses_key_group(&document, [id, id]), "{id}");
        }
        assert!(!uses_key_group(&document, ["G3", "G1"]));
        assert!(uses_cache_policy(&document, ["P1", "x"]));
        assert!(!uses_cache_policy(&document, ["P2", "x"]));
        assert!(!uses_cache_policy(&document, [CACHE_POLICY_DEFAULT, "x"]));
        assert!(uses(&document, "origin_request_policy", ["O1", "named"]));
        assert!(!uses(&document, "origin_request_policy", ["O1", "O1"]));
        let document = json!({ "default_behavior": { "origin": "a" } });
        assert!(uses_cache_policy(&document, [CACHE_POLICY_DEFAULT, "x"]));
    }
}
