//! The cache settings of a behavior: policies, or the older forwarded values with TTLs of their own.

use crate::cloudfront::config_parts::ConfigContext;
use crate::cloudfront::members::{ConfigFault, Keys, Members, counted_texts, seconds, set};
use privet_distribution::config::{
    CachePolicy, OriginRequestPolicy, ResponseHeadersPolicy, ServiceKind,
};
use serde_json::{Value, json};

/// The policy of behaviors that name none.
const CACHE_POLICY_DEFAULT: &str = "Managed-CachingOptimized";
const DEFAULT_TTL: i64 = 86_400;
const MAX_TTL: i64 = 31_536_000;
/// Maximum of any TTL: a hundred years.
const TTL_MAX: i64 = 3_153_600_000;
const TTLS: [(&str, &str); 3] = [
    ("MinTTL", "min_ttl"),
    ("DefaultTTL", "default_ttl"),
    ("MaxTTL", "max_ttl"),
];
/// The policies of a behavior.
const POLICIES: [PolicyMember; 3] = [
    PolicyMember {
        kind: ServiceKind::CachePolicy,
        member: "CachePolicyId",
        key: "cache_policy",
        default: Some(CACHE_POLICY_DEFAULT),
        managed: |name| {
            let mut policies = CachePolicy::managed().iter();
            let policy = policies.find(|policy| policy.name == name);
            policy.map(|policy| policy.id.clone())
        },
    },
    PolicyMember {
        kind: ServiceKind::OriginRequestPolicy,
        member: "OriginRequestPolicyId",
        key: "origin_request_policy",
        default: None,
        managed: |name| {
            let mut policies = OriginRequestPolicy::managed().iter();
            let policy = policies.find(|policy| policy.name == name);
            policy.map(|policy| policy.id.clone())
        },
    },
    PolicyMember {
        kind: ServiceKind::ResponseHeadersPolicy,
        member: "ResponseHeadersPolicyId",
        key: "response_headers_policy",
        default: None,
        managed: |name| {
            let mut policies = ResponseHeadersPolicy::managed().iter();
            let policy = policies.find(|policy| policy.name == name);
            policy.map(|policy| policy.id.clone())
        },
    },
];

/// A policy of a behavior.
struct PolicyMember {
    kind: ServiceKind,
    member: &'static str,
    key: &'static str,
    /// Name of the policy where a document names none.
    default: Option<&'static str>,
    /// Returns the id of one of CloudFront's own by its name.
    managed: fn(&str) -> Option<String>,
}

impl PolicyMember {
    /// Returns the id of a policy, which a document may name by its name.
    fn id(&self, name: &str, context: &ConfigContext<'_>) -> String {
        let own = context.policies.get(&(self.kind, name.to_owned()));
        let id = (self.managed)(name).or_else(|| own.cloned());
        id.unwrap_or_else(|| name.to_owned())
    }
}

/// Reads policies, or forwarded values with TTLs.
pub(super) fn read_cache_settings(
    behavior: &Members<'_>,
    context: &ConfigContext<'_>,
    keys: &mut Keys,
) -> Result<(), ConfigFault> {
    for PolicyMember { member, key, .. } in POLICIES {
        set(keys, key, behavior.text(member));
    }
    let has_policy = behavior.has("CachePolicyId");
    match (has_policy, behavior.has("ForwardedValues")) {
        (true, true) => {
            let message = "cannot be combined with CachePolicyId";
            Err(behavior.invalid("ForwardedValues", message))
        }
        (false, false) => {
            let message = "is missing, and ForwardedValues too";
            Err(behavior.invalid("CachePolicyId", message))
        }
        (true, false) => {
            // Clients send a TTL of 0 with a policy; any other would be dropped.
            for (member, _) in TTLS {
                if behavior.whole(member).unwrap_or(0) != 0 {
                    let message = "cannot be combined with CachePolicyId, which has its own";
                    return Err(behavior.invalid(member, message));
                }
            }
            Ok(())
        }
        (false, true) if behavior.has("OriginRequestPolicyId") => {
            let message = "cannot be combined with ForwardedValues";
            Err(behavior.invalid("OriginRequestPolicyId", message))
        }
        (false, true) => {
            let values = read_forwarded_values(&behavior.inner("ForwardedValues"), context)?;
            set(keys, "forwarded_values", Some(values));
            read_ttls(behavior, keys)
        }
    }
}

fn read_forwarded_values(
    values: &Members<'_>,
    context: &ConfigContext<'_>,
) -> Result<Keys, ConfigFault> {
    let limits = context.limits;
    let mut keys = Keys::new();
    let query = values.flag("QueryString");
    let names = values.texts("QueryStringCacheKeys");
    let numbers = (names.len(), limits.forwarded_names_max);
    let code = "TooManyQueryStringParameters";
    values.at_most("QueryStringCacheKeys", numbers, code)?;
    if !query && !names.is_empty() {
        let message = "has items, and QueryString is false";
        let code = "InvalidQueryStringParameters";
        return Err(values.fault("QueryStringCacheKeys", code, message));
    }
    set(&mut keys, "query_string", Some(query));
    let names = (!names.is_empty()).then(|| json!(names));
    set(&mut keys, "query_string_cache_keys", names);
    let headers = values.texts("Headers");
    let numbers = (headers.len(), limits.forwarded_names_max);
    values.at_most("Headers", numbers, "TooManyHeadersInForwardedValues")?;
    if headers.contains(&"*") && headers.len() > 1 {
        return Err(values.invalid("Headers", "has *, which stands alone"));
    }
    let headers = (!headers.is_empty()).then(|| json!(headers));
    set(&mut keys, "headers", headers);
    let cookies = read_cookies(&values.inner("Cookies"), limits.forwarded_names_max)?;
    set(&mut keys, "cookies", Some(cookies));
    Ok(keys)
}

/// Refuses headers in `ForwardedValues` that no bucket may get: `Host`, by which S3 knows the bucket, and all headers,
/// which have that one among them.
pub(super) fn check_bucket_headers(behavior: &Value) -> Result<(), ConfigFault> {
    let values = Members::of(behavior, "").inner("ForwardedValues");
    let is_refused = |name: &&str| *name == "*" || name.eq_ignore_ascii_case("Host");
    match values.texts("Headers").into_iter().find(is_refused) {
        None => Ok(()),
        Some(name) => {
            let message = format!("has {name:?}, which is not valid for an Amazon S3 origin");
            Err(values.fault("Headers", "InvalidHeadersForS3Origin", &message))
        }
    }
}

fn read_cookies(cookies: &Members<'_>, max: usize) -> Result<Value, ConfigFault> {
    let names = cookies.texts("WhitelistedNames");
    let numbers = (names.len(), max);
    let code = "TooManyCookieNamesInWhiteList";
    cookies.at_most("WhitelistedNames", numbers, code)?;
    match cookies.text("Forward") {
        Some("whitelist") => Ok(json!(names)),
        Some(_) if !names.is_empty() => {
            let message = "has items, and Forward is not whitelist";
            Err(cookies.fault("WhitelistedNames", "InvalidForwardCookies", message))
        }
        Some(word) => Ok(json!(word)),
        None => Err(cookies.fault("Forward", "InvalidForwardCookies", "is missing")),
    }
}

fn read_ttls(behavior: &Members<'_>, keys: &mut Keys) -> Result<(), ConfigFault> {
    for (member, key) in TTLS {
        let ttl = behavior.in_range(member, 0..=TTL_MAX, "InvalidTTLOrder")?;
        set(keys, key, ttl);
    }
    let ttl = |member| behavior.whole(member);
    let (min, default, max) = ttls(ttl("MinTTL"), ttl("DefaultTTL"), ttl("MaxTTL"));
    if min > default || default > max {
        let message = format!(
            "is out of order: MinTTL {min} has to be at most DefaultTTL {default}, and that at most MaxTTL {max}"
        );
        return Err(behavior.fault("MinTTL", "InvalidTTLOrder", &message));
    }
    Ok(())
}

/// Returns minimum, default and maximum; those that are not set adapt to those that are, as in documents.
fn ttls(min: Option<i64>, default: Option<i64>, max: Option<i64>) -> (i64, i64, i64) {
    let least = min.unwrap_or(0);
    let most = max.unwrap_or_else(|| MAX_TTL.max(default.unwrap_or(least)));
    let usual = match default {
        Some(default) => default,
        None if least <= most => DEFAULT_TTL.clamp(least, most),
        None => DEFAULT_TTL,
    };
    (least, usual, most)
}

/// Shows policies, or forwarded values with TTLs.
pub(super) fn show_cache_settings(
    behavior: &Members<'_>,
    context: &ConfigContext<'_>,
    shown: &mut Keys,
) {
    let is_older = behavior.value("forwarded_values").is_some();
    for policy in POLICIES {
        let default = policy.default.filter(|_| !is_older);
        let name = behavior.text(policy.key).or(default);
        let id = name.map(|name| policy.id(name, context));
        set(shown, policy.member, id);
    }
    if !is_older {
        return;
    }
    let values = show_forwarded_values(&behavior.inner("forwarded_values"));
    set(shown, "ForwardedValues", Some(values));
    let ttl = |key| behavior.value(key).and_then(seconds);
    let (min, default, max) = ttls(ttl("min_ttl"), ttl("default_ttl"), ttl("max_ttl"));
    for ((member, _), ttl) in TTLS.into_iter().zip([min, default, max]) {
        set(shown, member, Some(ttl));
    }
}

fn show_forwarded_values(values: &Members<'_>) -> Value {
    let cookies = values.value("cookies");
    let cookies = match cookies.and_then(Value::as_array) {
        Some(names) => {
            json!({ "Forward": "whitelist", "WhitelistedNames": { "Items": names } })
        }
        None => json!({ "Forward": values.text("cookies").unwrap_or("none") }),
    };
    json!({
        "QueryString": values.flag("query_string"),
        "Cookies": cookies,
        "Headers": counted_texts(&values.array_of_texts("headers")),
        "QueryStringCacheKeys": counted_texts(&values.array_of_texts("query_string_cache_keys")),
    })
}
