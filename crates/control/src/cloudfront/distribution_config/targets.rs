//! Origins by the names that behaviors and origin groups have for them: all of these have to be there.

use crate::cloudfront::members::{ConfigFault, Members};
use serde_json::Value;

/// Code of a name that no origin has.
const CODE: &str = "NoSuchOrigin";

/// Checks that each origin group has origins of the configuration, and each behavior one of these or a group.
///
/// To be called first: CloudFront says this before it looks at what origins and behaviors say.
pub(super) fn check_targets(config: &Members<'_>) -> Result<(), ConfigFault> {
    let mut targets: Vec<&str> = ids(config.items("Origins"));
    // That there are no origins, or one without an id, is the fault then.
    if targets.is_empty() || targets.contains(&"") {
        return Ok(());
    }
    let groups = config.items("OriginGroups");
    for group in groups {
        let members = Members::of(group, "OriginGroups").items("Members").iter();
        for member in members.filter_map(|member| member.get("OriginId")?.as_str()) {
            check(&targets, member, "OriginGroups")?;
        }
    }
    targets.extend(ids(groups));
    let default = config.value("DefaultCacheBehavior");
    for behavior in default.into_iter().chain(config.items("CacheBehaviors")) {
        if let Some(target) = Members::of(behavior, "").text("TargetOriginId") {
            check(&targets, target, "TargetOriginId")?;
        }
    }
    Ok(())
}

/// Returns the ids of S3 origins, and those of the groups that have one.
pub(super) fn bucket_targets<'v>(config: &Members<'v>) -> Vec<&'v str> {
    let is_bucket = |origin: &&Value| {
        Members::of(origin, "")
            .value("CustomOriginConfig")
            .is_none()
    };
    let origins = config.items("Origins").iter().filter(is_bucket);
    let mut targets: Vec<&str> = origins.filter_map(id).collect();
    for group in config.items("OriginGroups") {
        let mut members = Members::of(group, "").items("Members").iter();
        let is_bucket = |member: &Value| {
            let id = member.get("OriginId").and_then(Value::as_str);
            id.is_some_and(|id| targets.contains(&id))
        };
        if members.any(is_bucket) {
            targets.extend(id(group));
        }
    }
    targets
}

fn id(item: &Value) -> Option<&str> {
    item.get("Id")?.as_str()
}

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().filter_map(id).collect()
}

fn check(targets: &[&str], name: &str, place: &str) -> Result<(), ConfigFault> {
    match targets.contains(&name) {
        true => Ok(()),
        false => Err(ConfigFault::new(
            CODE,
            format!(
                "{place} names {name:?}: one or more of your origins or origin groups do not exist"
            ),
        )),
    }
}
