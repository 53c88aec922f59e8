//! Requests in older versions of the API, which do not know all members.
//!
//! A client cannot mean to change what its version has no word for: an update from 2014, which knows no key groups,
//! must not open a behavior to everybody.

use crate::cloudfront::model::{Model, Shape, Version};
use serde_json::Value;

/// The members by which items of a list are found again.
const NAMES: [&str; 2] = ["Id", "PathPattern"];

/// Puts what `version` has no members for into a configuration of `shape`, as `shown` has it.
pub(super) fn complete(config: &mut Value, shown: &Value, shape: &str, version: Version) {
    match Model::get().shape(shape) {
        Shape::Structure(members) => {
            let (Some(config), Some(shown)) = (config.as_object_mut(), shown.as_object()) else {
                return;
            };
            for member in members {
                let Some(shown) = shown.get(member.name) else {
                    continue;
                };
                if member.since > version {
                    config.insert(member.name.to_owned(), shown.clone());
                } else if let Some(inner) = config.get_mut(member.name) {
                    complete(inner, shown, member.shape, version);
                }
            }
        }
        Shape::List { shape, .. } => {
            for item in config.as_array_mut().into_iter().flatten() {
                let mut shown = shown.as_array().into_iter().flatten();
                if let Some(shown) = shown.find(|shown| is_same_item(item, shown)) {
                    complete(item, shown, shape, version);
                }
            }
        }
        Shape::Text
        | Shape::Flag
        | Shape::Whole
        | Shape::Fraction
        | Shape::Time
        | Shape::Bytes
        | Shape::Words(_) => {}
    }
}

fn is_same_item(one: &Value, other: &Value) -> bool {
    let mut names = NAMES.into_iter();
    names.any(|name| one.get(name).is_some() && one.get(name) == other.get(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_a_version_cannot_say_is_as_it_was() {
        let shown = json!({
            "Comment": "old",
            "IsIPV6Enabled": true,
            "Origins": { "Items": [{ "Id": "a", "OriginPath": "/a" }, { "Id": "b", "OriginPath": "/b" }] },
            "DefaultCacheBehavior": { "TrustedKeyGroups": { "Enabled": true, "Items": ["G"] }, "Compress": true },
            "CacheBehaviors": { "Items": [
                { "PathPattern": "x", "Compress": true },
                { "PathPattern": "y", "TrustedKeyGroups": { "Enabled": true, "Items": ["H"] } },
            ] },
        });
        let sent = json!({
            "Comment": "new",
            "Origins": { "Items": [{ "Id": "b" }, { "Id": "c" }] },
            "DefaultCacheBehavior": { "MinTTL": 1 },
            "CacheBehaviors": { "Items": [{ "PathPattern": "y" }, { "PathPattern": "z" }] },
        });
        let mut config = sent.clone();
        let version = Version::find("2014-05-31").unwrap();
        complete(&mut config, &shown, "DistributionConfig", version);
        assert_eq!(
            config,
            json!({
                "Comment": "new",
                "IsIPV6Enabled": true,
                "Origins": { "Items": [{ "Id": "b", "OriginPath": "/b" }, { "Id": "c" }] },
                "DefaultCacheBehavior": {
                    "MinTTL": 1,
                    "TrustedKeyGroups": { "Enabled": true, "Items": ["G"] },
                    "Compress": true,
                },
                "CacheBehaviors": { "Items": [
                    { "PathPattern": "y", "TrustedKeyGroups": { "Enabled": true, "Items": ["H"] } },
                    { "PathPattern": "z" },
                ] },
            })
        );
        let mut config = sent.clone();
        complete(&mut config, &shown, "DistributionConfig", Version::newest());
        assert_eq!(config, sent);
    }
}
