//! Aliases of distributions: moving one, and finding those that are in its way.

use crate::cloudfront::api_error::ApiError;
use crate::cloudfront::call::{Call, Page, Reply};
use crate::cloudfront::document_change::{distribution, of_distribution};
use crate::cloudfront::handled::Handled;
use crate::cloudfront::resource::{gather, limited};
use crate::operations::Item;
use crate::operator::{Admin, Read};
use privet_distribution::config::ServiceKind;
use serde_json::{Value, json};

const KIND: &str = "distribution";
/// Distributions that are looked through.
const DISTRIBUTIONS_MAX: usize = 10_000;

pub(super) fn handlers() -> [Handled; 2] {
    [
        Handled::new("AssociateAlias", KIND, associate),
        Handled::new("ListConflictingAliases", KIND, list_conflicting),
    ]
}

/// Returns the alias of a request, in lower case.
fn alias<R>(call: &Call<R>) -> Result<String, ApiError> {
    let missing = || ApiError::argument("Alias is missing");
    let alias = call.query("Alias").ok_or_else(missing)?;
    Ok(limited(alias, "Alias", 253)?.to_ascii_lowercase())
}

async fn associate(call: Call<Admin>) -> Result<Reply, ApiError> {
    let alias = alias(&call)?;
    let target = call.parameter("TargetDistributionId");
    let name = (ServiceKind::Distribution, target);
    let item = distribution(&call.operations, &call.operator.reader(), name).await?;
    let most = call.input.settings.limits.aliases_max;
    if aliases(&item).len() >= most {
        let message = format!("a distribution has at most {most} aliases");
        return Err(ApiError::new("TooManyDistributionCNAMEs", &message));
    }
    let moved = call.operations.move_alias(&call.operator, &alias, target);
    moved.await.map_err(of_distribution)?;
    Ok(Reply::default())
}

/// Lists the aliases that are the same name, or cover it, or that it covers.
async fn list_conflicting(call: Call<Read>) -> Result<Reply, ApiError> {
    let Page { marker, max_items } = call.page()?;
    let alias = alias(&call)?;
    let missing = || ApiError::argument("DistributionId is missing");
    let id = call.query("DistributionId").ok_or_else(missing)?;
    let name = (ServiceKind::Distribution, id);
    distribution(&call.operations, &call.operator, name).await?;
    let all = (ServiceKind::Distribution, None);
    let listed = gather(&call.operations, &call.operator, all, DISTRIBUTIONS_MAX).await?;
    let mut found: Vec<(String, String)> = Vec::new();
    for item in &listed.items {
        let names = aliases(item).into_iter();
        let conflicting = names.filter(|name| conflict(name, &alias));
        found.extend(conflicting.map(|name| (name, item.id.clone())));
    }
    found.sort();
    let marker = marker.unwrap_or_default();
    found.retain(|(name, _)| *name > marker);
    let is_truncated = found.len() > max_items;
    found.truncate(max_items);
    let next = found
        .last()
        .filter(|_| is_truncated)
        .map(|(name, _)| name.clone());
    let account = &call.input.settings.account;
    let items = found
        .iter()
        .map(|(alias, id)| json!({ "Alias": alias, "DistributionId": id, "AccountId": account }));
    Ok(Reply::of(json!({
        "NextMarker": next,
        "MaxItems": max_items,
        "Items": items.collect::<Vec<Value>>(),
    })))
}

fn aliases(item: &Item) -> Vec<String> {
    let aliases = item.document.get("aliases").and_then(Value::as_array);
    let aliases = aliases.into_iter().flatten().filter_map(Value::as_str);
    aliases.map(str::to_ascii_lowercase).collect()
}

/// Returns true if two names are the same, or one is a wildcard that covers the other.
fn conflict(one: &str, other: &str) -> bool {
    let covers = |wildcard: &str, name: &str| {
        let suffix = wildcard
            .strip_prefix('*')
            .filter(|rest| rest.starts_with('.'));
        suffix.is_some_and(|suffix| name.len() > suffix.len() && name.ends_with(suffix))
    };
    one == other || covers(one, other) || covers(other, one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(one: &str, other: &str, expected: bool) {
        assert_eq!(conflict(one, other), expected, "{one} {other}");
        assert_eq!(conflict(other, one), expected, "{other} {one}");
    }

    #[test]
    fn wildcards_conflict_with_what_they_cover() {
        check("a.example.com", "b.example.com", false);
        check("*.example.com", "example.com", false);
        check("*.example.com", "badexample.com", false);
        check("a.example.com", "a.example.com", true);
        check("*.example.com", "a.example.com", true);
        check("*.example.com", "*.a.example.com", true);
    }
}
