//! A changed configuration: what boto 2 says, and of the present one what it has no words for.

use super::{DATE, first_origin, item, said_of_origin};
use crate::cloudfront::members::{ConfigFault, is_same};
use crate::cloudfront::older_version;
use serde_json::Value;

/// Members that stand alone and are said whole.
const SAID: [&str; 5] = [
    "CallerReference",
    "Comment",
    "Enabled",
    "DefaultRootObject",
    "Aliases",
];

/// Puts what this version has no words for into a configuration of `shape`, as `shown` has it: further origins and
/// behaviors, key groups, cache settings, certificates and everything else. Other shapes are said whole.
///
/// # Errors
/// Returns a fault if the origin is changed of a distribution whose default behavior has a group of them, or if it is
/// moved to another host and has custom headers.
pub(in crate::cloudfront) fn complete(
    config: &mut Value,
    shown: &Value,
    shape: &str,
) -> Result<(), ConfigFault> {
    let sent = std::mem::take(config);
    let mut whole = shown.clone();
    for member in SAID {
        if let Some(value) = sent.get(member) {
            whole[member] = value.clone();
        }
    }
    change_logging(&mut whole["Logging"], &sent["Logging"]);
    match shape {
        "DistributionConfig" => {
            let signers = &sent["DefaultCacheBehavior"]["TrustedSigners"];
            whole["DefaultCacheBehavior"]["TrustedSigners"] = signers.clone();
            change_origin(&mut whole, &sent)?;
        }
        _ => {
            for member in ["S3Origin", "TrustedSigners"] {
                whole[member] = sent[member].clone();
            }
        }
    }
    *config = whole;
    Ok(())
}

/// Takes bucket and prefix, and leaves whether cookies are logged, which this version cannot say.
fn change_logging(logging: &mut Value, sent: &Value) {
    if logging["Enabled"] != true || sent["Enabled"] != true {
        *logging = sent.clone();
        return;
    }
    for member in ["Bucket", "Prefix"] {
        logging[member] = sent[member].clone();
    }
}

/// Changes the origin of the default behavior, unless it is said as it is.
fn change_origin(whole: &mut Value, sent: &Value) -> Result<(), ConfigFault> {
    let (Some(present), Some(sent)) = (first_origin(whole), first_origin(sent)) else {
        let message = "the origin cannot be changed: the default behavior has none";
        return Err(ConfigFault::new("InvalidArgument", message));
    };
    if is_same(&said_of_origin(present), &said_of_origin(sent)) {
        return Ok(());
    }
    let target = whole["DefaultCacheBehavior"]["TargetOriginId"].clone();
    if item(&whole["Origins"], &target).is_none() {
        let message =
            "the origin cannot be changed: it is a group of origins, which this version cannot say";
        return Err(ConfigFault::new("InvalidArgument", message));
    }
    let origins = whole["Origins"]["Items"].as_array_mut();
    let mut origins = origins.into_iter().flatten();
    if let Some(origin) = origins.find(|origin| origin["Id"] == target) {
        older_version::check_destination(origin, sent, DATE)?;
        replace_origin(origin, sent);
    }
    Ok(())
}

/// Puts host name and kind of another origin into one. Paths and timeouts stay.
fn replace_origin(origin: &mut Value, sent: &Value) {
    origin["DomainName"] = sent["DomainName"].clone();
    match (sent.get("CustomOriginConfig"), sent.get("S3OriginConfig")) {
        (Some(server), _) => {
            remove(origin, &["S3OriginConfig", "OriginAccessControlId"]);
            merge(origin, "CustomOriginConfig", server);
        }
        (None, Some(bucket)) => {
            remove(origin, &["CustomOriginConfig"]);
            // A control says the same as an identity, in a newer way that this version does not have.
            if bucket["OriginAccessIdentity"] != "" {
                remove(origin, &["OriginAccessControlId"]);
            }
            merge(origin, "S3OriginConfig", bucket);
        }
        (None, None) => {}
    }
}

fn remove(origin: &mut Value, members: &[&str]) {
    if let Some(origin) = origin.as_object_mut() {
        for member in members {
            origin.remove(*member);
        }
    }
}

/// Puts the members of a structure into the one of that name.
fn merge(origin: &mut Value, name: &str, sent: &Value) {
    let Some(origin) = origin.as_object_mut() else {
        return;
    };
    let present = origin
        .entry(name)
        .or_insert_with(|| Value::Object(Default::default()));
    if let (Some(present), Some(sent)) = (present.as_object_mut(), sent.as_object()) {
        present.extend(sent.clone());
    }
}
