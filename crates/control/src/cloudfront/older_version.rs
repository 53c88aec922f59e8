//! Requests in older versions of the API, which do not know all members.
//!
//! A client cannot mean to change what its version has no word for: an update from 2014, which knows no key groups,
//! must not open a behavior to everybody.

use crate::cloudfront::members::{ConfigFault, Members};
use crate::cloudfront::model::{Member, Model, Shape, Version};
use serde_json::{Value, json};

/// The members by which items of a list are found again.
const NAMES: [&str; 2] = ["Id", "PathPattern"];
/// Structure and member of the oldest protocol for viewers, which holds whatever certificate there is.
const PROTOCOL: (&str, &str) = ("ViewerCertificate", "MinimumProtocolVersion");

/// Member of behaviors.
const KEY_GROUPS: &str = "TrustedKeyGroups";

/// Puts what `version` has no members for into a configuration of `shape`, as `shown` has it.
///
/// # Errors
/// Returns the fault of path patterns that would give paths to another behavior than before, where one is restricted in
/// a way that the client does not know; and that of an origin which would be sent headers of another one.
pub(super) fn complete(
    config: &mut Value,
    shown: &Value,
    shape: &str,
    version: Version,
) -> Result<(), ConfigFault> {
    check_patterns(config, shown, version)?;
    check_destinations(config, shown, version)?;
    fill(config, shown, shape, version);
    Ok(())
}

/// Refuses to change which behavior a path has, if a behavior is restricted by key groups and the client knows none: to
/// it all behaviors look open, and a path that it renames, removes or adds would be open. Clients of the newest version
/// that are older than key groups do not know them either, and name them nowhere.
fn check_patterns(config: &Value, shown: &Value, version: Version) -> Result<(), ConfigFault> {
    let (sent, shown) = (Members::of(config, ""), Members::of(shown, ""));
    let is_restricted = |behavior: &Value| {
        let groups = Members::of(behavior, "").inner(KEY_GROUPS);
        groups.flag("Enabled")
    };
    let is_restricted = behaviors(&shown).any(is_restricted);
    let is_said = behaviors(&sent).any(|behavior| behavior.get(KEY_GROUPS).is_some());
    let is_known = is_said && knows(version, "CacheBehavior", KEY_GROUPS);
    match is_restricted && !is_known && patterns(&sent) != patterns(&shown) {
        true => {
            let message = format!(
                "have other path patterns than before, and some paths are restricted by key groups, of which the \
                 request says nothing; send {KEY_GROUPS} in version {} of the API",
                Version::newest().date()
            );
            Err(sent.fault("CacheBehaviors", "IllegalUpdate", &message))
        }
        false => Ok(()),
    }
}

/// Returns all behaviors of a configuration, the default one last.
fn behaviors<'v>(config: &Members<'v>) -> impl Iterator<Item = &'v Value> {
    let others = config.items("CacheBehaviors").iter();
    others.chain(config.value("DefaultCacheBehavior"))
}

/// Refuses to move origins with custom headers to other hosts, if the version has no custom headers.
fn check_destinations(config: &Value, shown: &Value, version: Version) -> Result<(), ConfigFault> {
    if knows(version, "Origin", "CustomHeaders") {
        return Ok(());
    }
    let shown = Members::of(shown, "").items("Origins");
    for sent in Members::of(config, "").items("Origins") {
        let mut shown = shown.iter();
        if let Some(shown) = shown.find(|shown| is_same_item(sent, shown)) {
            check_destination(shown, sent, version.date())?;
        }
    }
    Ok(())
}

/// Refuses to move an origin with custom headers to another host in a version that has none: they often prove to the
/// origin who asks, and a client that does not see them cannot mean to tell them to another one.
pub(super) fn check_destination(
    shown: &Value,
    sent: &Value,
    version: &str,
) -> Result<(), ConfigFault> {
    let (shown, sent) = (Members::of(shown, ""), Members::of(sent, "Origins"));
    let host = |origin: &Members<'_>| origin.text("DomainName").map(str::to_ascii_lowercase);
    match host(&shown) != host(&sent) && !shown.items("CustomHeaders").is_empty() {
        true => {
            let message = format!(
                "cannot be changed: the origin has custom headers, which version {version} of the API does not know; \
                 change it in version {}",
                Version::newest().date()
            );
            Err(sent.fault("DomainName", "IllegalUpdate", &message))
        }
        false => Ok(()),
    }
}

/// Returns true if a version has a member of a structure.
fn knows(version: Version, shape: &str, name: &str) -> bool {
    match Model::get().shape(shape) {
        Shape::Structure(members) => {
            let mut members = members.iter();
            members.any(|member| member.name == name && member.since <= version)
        }
        Shape::List { .. }
        | Shape::Text
        | Shape::Flag
        | Shape::Whole
        | Shape::Fraction
        | Shape::Time
        | Shape::Bytes
        | Shape::Words(_) => false,
    }
}

/// Returns the path patterns of a configuration in their order, by which the first that matches counts.
fn patterns<'v>(config: &Members<'v>) -> Vec<Option<&'v Value>> {
    let behaviors = config.items("CacheBehaviors").iter();
    behaviors
        .map(|behavior| behavior.get("PathPattern"))
        .collect()
}

fn fill(config: &mut Value, shown: &Value, shape: &str, version: Version) {
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
                    continue;
                }
                if let Some(inner) = config.get_mut(member.name) {
                    fill(inner, shown, member.shape, version);
                } else if let Some(inner) = left_out(member, shown, version) {
                    config.insert(member.name.to_owned(), inner);
                }
            }
        }
        Shape::List { shape, .. } => {
            for item in config.as_array_mut().into_iter().flatten() {
                let mut shown = shown.as_array().into_iter().flatten();
                if let Some(shown) = shown.find(|shown| is_same_item(item, shown)) {
                    fill(item, shown, shape, version);
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

/// Returns the structure that stands for one which the client has left out. That says nothing of the protocols that
/// its version has no word for.
fn left_out(member: &Member, shown: &Value, version: Version) -> Option<Value> {
    let (structure, name) = PROTOCOL;
    let protocol = shown.get(name)?;
    let is_kept = member.name == structure && !knows(version, member.shape, name);
    is_kept.then(|| json!({ name: protocol }))
}

fn is_same_item(one: &Value, other: &Value) -> bool {
    let mut names = NAMES.into_iter();
    names.any(|name| one.get(name).is_some() && one.get(name) == other.get(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLDER: &str = "2014-05-31";

    fn completed(config: &Value, shown: &Value, version: &str) -> Result<Value, ConfigFault> {
        let mut config = config.clone();
        let version = Version::find(version).unwrap();
        complete(&mut config, shown, "DistributionConfig", version)?;
        Ok(config)
    }

    #[test]
    fn a_path_that_key_groups_restrict_is_not_opened_by_other_patterns() {
        let open = || json!({ "Enabled": false });
        let behavior = |pattern: &str, groups: Value| json!({ "PathPattern": pattern, "TrustedKeyGroups": groups });
        let shown = |default: Value, groups: Value| {
            json!({
                "DefaultCacheBehavior": { "TrustedKeyGroups": default },
                "CacheBehaviors": { "Items": [behavior("/a/*", groups), behavior("/b/*", open())] },
            })
        };
        let restricted = || json!({ "Enabled": true, "Items": ["G"] });
        let sent = |patterns: &[&str]| {
            let items = patterns
                .iter()
                .map(|pattern| json!({ "PathPattern": pattern }));
            json!({ "DefaultCacheBehavior": {}, "CacheBehaviors": { "Items": items.collect::<Vec<Value>>() } })
        };
        let check = |patterns: &[&str], shown: &Value, version, expected: Option<&str>| {
            let code = completed(&sent(patterns), shown, version)
                .err()
                .map(|fault| fault.code);
            assert_eq!(code, expected, "{patterns:?} in {version}");
        };
        let refused = Some("IllegalUpdate");
        for shown in [shown(open(), restricted()), shown(restricted(), open())] {
            for version in [OLDER, "2019-03-26"] {
                check(&["/a*", "/b/*"], &shown, version, refused);
                check(&["/b/*"], &shown, version, refused);
                check(&[], &shown, version, refused);
                check(&["/b/*", "/a/*"], &shown, version, refused);
                check(&["/c/*", "/a/*", "/b/*"], &shown, version, refused);
                check(&["/a/*", "/b/*"], &shown, version, None);
            }
            check(&["/a*"], &shown, "2020-05-31", refused);
            let mut said = sent(&["/a*"]);
            said["CacheBehaviors"]["Items"][0]["TrustedKeyGroups"] = open();
            assert_eq!(completed(&said, &shown, "2020-05-31"), Ok(said.clone()));
        }
        check(&["/a*"], &shown(open(), open()), OLDER, None);
    }

    #[test]
    fn headers_are_told_to_no_other_host() {
        let header = json!([{ "HeaderName": "X-Origin", "HeaderValue": "secret" }]);
        let shown = |headers: &Value| {
            let origin = json!({ "Id": "a", "DomainName": "a.example", "CustomHeaders": { "Items": headers } });
            json!({ "Origins": { "Items": [origin] } })
        };
        let check = |sent: Value, headers: &Value, version, expected: Option<&str>| {
            let sent = json!({ "Origins": { "Items": [sent] } });
            let done = completed(&sent, &shown(headers), version);
            assert_eq!(done.err().map(|fault| fault.code), expected, "{sent}");
        };
        let moved = || json!({ "Id": "a", "DomainName": "b.example" });
        let same = json!({ "Id": "a", "DomainName": "A.example" });
        check(moved(), &header, OLDER, Some("IllegalUpdate"));
        check(moved(), &json!([]), OLDER, None);
        check(moved(), &header, "2020-05-31", None);
        check(same, &header, OLDER, None);
        // Another origin has none of these headers.
        let other = json!({ "Id": "b", "DomainName": "b.example" });
        check(other, &header, OLDER, None);
    }

    #[test]
    fn what_a_version_cannot_say_is_as_it_was() {
        let shown = json!({
            "Comment": "old",
            "IsIPV6Enabled": true,
            "Origins": { "Items": [{ "Id": "a", "OriginPath": "/a" }, { "Id": "b", "OriginPath": "/b" }] },
            "DefaultCacheBehavior": { "ResponseHeadersPolicyId": "R", "Compress": true },
            "CacheBehaviors": { "Items": [
                { "PathPattern": "x", "Compress": true },
                { "PathPattern": "y", "ResponseHeadersPolicyId": "S" },
            ] },
            "ViewerCertificate": { "Certificate": "c", "MinimumProtocolVersion": "TLSv1.3_2025" },
        });
        let sent = json!({
            "Comment": "new",
            "Origins": { "Items": [{ "Id": "b" }, { "Id": "c" }] },
            "DefaultCacheBehavior": { "MinTTL": 1 },
            "CacheBehaviors": { "Items": [{ "PathPattern": "y" }, { "PathPattern": "z" }] },
        });
        assert_eq!(
            completed(&sent, &shown, OLDER).unwrap(),
            json!({
                "Comment": "new",
                "IsIPV6Enabled": true,
                "Origins": { "Items": [{ "Id": "b", "OriginPath": "/b" }, { "Id": "c" }] },
                "DefaultCacheBehavior": {
                    "MinTTL": 1,
                    "ResponseHeadersPolicyId": "R",
                    "Compress": true,
                },
                "CacheBehaviors": { "Items": [
                    { "PathPattern": "y", "ResponseHeadersPolicyId": "S" },
                    { "PathPattern": "z" },
                ] },
                // The certificate is left out, and goes.
                "ViewerCertificate": { "MinimumProtocolVersion": "TLSv1.3_2025" },
            })
        );
        let newest = Version::newest().date();
        assert_eq!(completed(&sent, &shown, newest), Ok(sent));
    }
}
