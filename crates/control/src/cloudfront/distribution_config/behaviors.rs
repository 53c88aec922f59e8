//! Behaviors: targets, methods, signers and cache settings; and all that CloudFront runs in its own functions, refused.

use super::cache_settings::{read_cache_settings, show_cache_settings};
use crate::cloudfront::config_parts::{ConfigContext, read_trusted, show_trusted};
use crate::cloudfront::members::{ConfigFault, Keys, Members, counted_texts, set};
use serde_json::{Value, json};

/// Keys of a behavior that CloudFront's form says; others are kept when a behavior is changed.
const SAID: [&str; 15] = [
    "path_pattern",
    "origin",
    "cache_policy",
    "forwarded_values",
    "min_ttl",
    "default_ttl",
    "max_ttl",
    "origin_request_policy",
    "response_headers_policy",
    "compress",
    "viewer_protocol_policy",
    "allowed_methods",
    "cached_methods",
    "trusted_key_groups",
    "trusted_signers",
];
const METHODS_DEFAULT: [&str; 2] = ["GET", "HEAD"];
const OPTIONS_TOO: [&str; 3] = ["GET", "HEAD", "OPTIONS"];
const ALL_METHODS: [&str; 7] = ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"];

/// Reads a behavior. That its target exists has been checked.
pub(super) fn read_behavior(
    value: &Value,
    pattern: Option<&str>,
    context: &ConfigContext<'_>,
) -> Result<Keys, ConfigFault> {
    let behavior = &Members::of(value, place(pattern));
    refuse(behavior)?;
    let target = behavior.required("TargetOriginId")?;
    let mut keys = Keys::new();
    set(&mut keys, "path_pattern", pattern);
    set(&mut keys, "origin", Some(target));
    let policy = behavior.required("ViewerProtocolPolicy")?;
    set(&mut keys, "viewer_protocol_policy", Some(policy));
    read_methods(behavior, &mut keys)?;
    let compress = behavior.value("Compress").and_then(Value::as_bool);
    set(&mut keys, "compress", compress);
    let limits = context.limits;
    let most = (limits.trusted_signers_max, "TooManyTrustedSigners");
    let names = ("TrustedSigners", "trusted_signers");
    read_trusted(behavior, names, most, &mut keys)?;
    let code = "TooManyKeyGroupsAssociatedToDistribution";
    let most = (limits.trusted_key_groups_max, code);
    let names = ("TrustedKeyGroups", "trusted_key_groups");
    read_trusted(behavior, names, most, &mut keys)?;
    read_cache_settings(behavior, context, &mut keys)?;
    Ok(keys)
}

/// Refuses to leave out of a behavior what restricts it: an SDK that is older than the member does so, and would open
/// the behavior to everybody.
pub(super) fn check_restrictions(
    value: &Value,
    pattern: Option<&str>,
    shown: &Value,
) -> Result<(), ConfigFault> {
    let behavior = Members::of(value, place(pattern));
    let shown = Members::of(shown, "");
    for name in ["TrustedSigners", "TrustedKeyGroups"] {
        let is_said = behavior.inner(name).value("Enabled").is_some();
        if shown.inner(name).flag("Enabled") && !is_said {
            let message = "is missing, and restricts the behavior; send it with Enabled = false to let everybody in";
            return Err(behavior.invalid(name, message));
        }
    }
    Ok(())
}

/// Returns the name of a behavior in messages.
fn place(pattern: Option<&str>) -> String {
    match pattern {
        Some(pattern) => format!("CacheBehavior {pattern:?}"),
        None => "DefaultCacheBehavior".to_owned(),
    }
}

/// Refuses what this edge does not do, by the name of the member.
fn refuse(behavior: &Members<'_>) -> Result<(), ConfigFault> {
    if behavior.flag("SmoothStreaming") {
        return Err(behavior.invalid("SmoothStreaming", "is not supported"));
    }
    for (name, code) in [
        (
            "LambdaFunctionAssociations",
            "InvalidLambdaFunctionAssociation",
        ),
        ("FunctionAssociations", "InvalidFunctionAssociation"),
    ] {
        if !behavior.items(name).is_empty() {
            let message = "is not supported: the edge runs no functions";
            return Err(behavior.fault(name, code, message));
        }
    }
    for name in ["FieldLevelEncryptionId", "RealtimeLogConfigArn"] {
        if behavior.has(name) {
            return Err(behavior.invalid(name, "is not supported"));
        }
    }
    match behavior.inner("GrpcConfig").flag("Enabled") {
        true => Err(behavior.invalid("GrpcConfig", "is not supported")),
        false => Ok(()),
    }
}

/// Reads the methods, in the order in which they are sent; CloudFront has three sets of allowed ones, and two of cached
/// ones.
fn read_methods(behavior: &Members<'_>, keys: &mut Keys) -> Result<(), ConfigFault> {
    let allowed = behavior.texts("AllowedMethods");
    let cached = behavior.inner("AllowedMethods").texts("CachedMethods");
    let is_set = |methods: &[&str], set: &[&str]| {
        methods.len() == set.len() && set.iter().all(|method| methods.contains(method))
    };
    if !allowed.is_empty() {
        let sets: [&[&str]; 3] = [&METHODS_DEFAULT, &OPTIONS_TOO, &ALL_METHODS];
        if !sets.iter().any(|set| is_set(&allowed, set)) {
            let message = "is not GET and HEAD, these with OPTIONS, or all seven";
            return Err(behavior.invalid("AllowedMethods", message));
        }
        set(keys, "allowed_methods", Some(json!(allowed)));
    }
    if !cached.is_empty() {
        let is_two = is_set(&cached, &METHODS_DEFAULT);
        let is_three = is_set(&cached, &OPTIONS_TOO) && allowed.contains(&"OPTIONS");
        if !is_two && !is_three {
            let message = "has CachedMethods that are not GET and HEAD, nor these with OPTIONS where that is allowed";
            return Err(behavior.invalid("AllowedMethods", message));
        }
        set(keys, "cached_methods", Some(json!(cached)));
    }
    Ok(())
}

/// Shows a behavior.
pub(super) fn show_behavior(behavior: &Value, context: &ConfigContext<'_>) -> Value {
    let behavior = &Members::of(behavior, "");
    let methods = |key| {
        let methods = behavior.array_of_texts(key);
        match methods.is_empty() {
            true => METHODS_DEFAULT.to_vec(),
            false => methods,
        }
    };
    let mut shown = Keys::new();
    set(&mut shown, "PathPattern", behavior.text("path_pattern"));
    let target = behavior.text("origin").unwrap_or_default();
    set(&mut shown, "TargetOriginId", Some(target));
    let signers = show_trusted(behavior, "trusted_signers");
    set(&mut shown, "TrustedSigners", Some(signers));
    let groups = show_trusted(behavior, "trusted_key_groups");
    set(&mut shown, "TrustedKeyGroups", Some(groups));
    let policy = behavior
        .text("viewer_protocol_policy")
        .unwrap_or("allow-all");
    set(&mut shown, "ViewerProtocolPolicy", Some(policy));
    let methods = json!({
        "Items": methods("allowed_methods"),
        "CachedMethods": counted_texts(&methods("cached_methods")),
    });
    set(&mut shown, "AllowedMethods", Some(methods));
    set(&mut shown, "SmoothStreaming", Some(false));
    set(&mut shown, "Compress", Some(behavior.flag("compress")));
    let none = || Some(counted_texts(&[]));
    set(&mut shown, "LambdaFunctionAssociations", none());
    set(&mut shown, "FunctionAssociations", none());
    set(&mut shown, "FieldLevelEncryptionId", Some(""));
    show_cache_settings(behavior, context, &mut shown);
    Value::Object(shown)
}

/// Returns the changed behavior: what the client says, and of the present one what CloudFront's form cannot say.
pub(super) fn merge_behavior(present: &Value, mut new: Keys) -> Keys {
    for (key, value) in present.as_object().into_iter().flatten() {
        if !SAID.contains(&key.as_str()) {
            new.insert(key.clone(), value.clone());
        }
    }
    new
}
