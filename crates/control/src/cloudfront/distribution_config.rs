//! `DistributionConfig` and the document of a distribution: each made of the other.
//!
//! A configuration is shown with everything filled in. A changed one is merged into the present document, origins by
//! their ids and behaviors by their path patterns, so that what CloudFront's form cannot say stays as it is.

mod behaviors;
mod cache_settings;
mod certificate;
mod origins;
mod restrictions;
mod targets;

use crate::cloudfront::config_parts::{
    ConfigContext, Present, check_reference, read_description, read_logging, replace_part,
    show_description, show_logging,
};
use crate::cloudfront::members::{ConfigFault, Keys, Members, counted, is_same, set};
use serde_json::{Value, json};

/// The members that stand alone, with the keys that say the same; `ViewerCertificate` is treated by itself.
const PARTS: [(&str, &[&str]); 11] = [
    ("Comment", &["comment"]),
    ("Aliases", &["aliases"]),
    ("Enabled", &["enabled"]),
    ("PriceClass", &["price_class"]),
    ("DefaultRootObject", &["default_root_object"]),
    ("OriginGroups", &["origin_groups"]),
    ("CustomErrorResponses", &["custom_errors"]),
    ("Logging", &["logging"]),
    ("Restrictions", &["geo"]),
    ("HttpVersion", &["http_version"]),
    ("IsIPV6Enabled", &["ipv6_enabled"]),
];
const HTTP_VERSION_DEFAULT: &str = "http2";
const ROOT_OBJECT_LENGTH_MAX: usize = 255;

/// Returns the configuration that a document says, everything filled in.
///
/// Values of headers that are sealed are shown as `(hidden)`.
pub(crate) fn show_config(document: &Value, context: &ConfigContext<'_>) -> Value {
    let document = &Members::of(document, "");
    let origins = document.array("origins").iter().map(origins::show_origin);
    let behaviors = document.array("behaviors").iter();
    let behaviors = behaviors.map(|behavior| behaviors::show_behavior(behavior, context));
    let none = json!({});
    let default = document.value("default_behavior").unwrap_or(&none);
    let default = behaviors::show_behavior(default, context);
    let mut config = show_parts(document, context);
    set(&mut config, "Origins", Some(counted(origins.collect())));
    set(
        &mut config,
        "CacheBehaviors",
        Some(counted(behaviors.collect())),
    );
    set(&mut config, "DefaultCacheBehavior", Some(default));
    Value::Object(config)
}

/// Shows everything but origins and behaviors.
fn show_parts(document: &Members<'_>, context: &ConfigContext<'_>) -> Keys {
    let mut config = Keys::new();
    show_description(document, &mut config);
    let object = document.text("default_root_object").unwrap_or_default();
    set(&mut config, "DefaultRootObject", Some(object));
    let groups = document.array("origin_groups").iter();
    let groups = groups.map(origins::show_origin_group).collect();
    set(&mut config, "OriginGroups", Some(counted(groups)));
    let errors = restrictions::show_errors(document);
    set(&mut config, "CustomErrorResponses", Some(errors));
    set(&mut config, "Logging", Some(show_logging(document)));
    let certificate = certificate::show_certificate(document, context);
    set(&mut config, "ViewerCertificate", Some(certificate));
    set(
        &mut config,
        "Restrictions",
        Some(restrictions::show_geo(document)),
    );
    set(&mut config, "WebACLId", Some(""));
    let version = document
        .text("http_version")
        .unwrap_or(HTTP_VERSION_DEFAULT);
    set(&mut config, "HttpVersion", Some(version));
    let ipv6 = document.value("ipv6_enabled").and_then(Value::as_bool);
    set(&mut config, "IsIPV6Enabled", Some(ipv6.unwrap_or(true)));
    set(&mut config, "Staging", Some(false));
    config
}

/// Returns the document that a configuration says, without id and domain name if it is a new one. Those, and everything
/// else that the configuration cannot say, are those of the present document.
///
/// # Errors
/// The first fault. That what it refers to exists is not checked here.
pub(crate) fn read_config(
    config: &Value,
    present: Option<Present<'_>>,
    context: &ConfigContext<'_>,
) -> Result<Keys, ConfigFault> {
    let members = &Members::of(config, "");
    if let Some(present) = present {
        check_reference(config, present.sealed)?;
    }
    targets::check_targets(members)?;
    refuse(members)?;
    let parts = read_parts(members, context)?;
    let empty = Value::Object(Keys::new());
    let present = present.unwrap_or(Present {
        sealed: &empty,
        clear: &empty,
    });
    let mut document = merge_parts(present.sealed, parts, context);
    let origins = read_origins(members, present, context)?;
    let behaviors = Behaviors {
        present: &Members::of(present.clear, ""),
        buckets: &targets::bucket_targets(members),
        context,
    };
    let default = behaviors.default(members)?;
    let others = behaviors.others(members)?;
    set(&mut document, "origins", Some(origins));
    set(&mut document, "default_behavior", Some(default));
    document.remove("behaviors");
    let others = (!others.is_empty()).then_some(others);
    set(&mut document, "behaviors", others);
    Ok(document)
}

/// Refuses what no distribution of this edge can have.
fn refuse(config: &Members<'_>) -> Result<(), ConfigFault> {
    if config.has("WebACLId") {
        let message = "is not supported: the edge has no web ACLs";
        return Err(config.fault("WebACLId", "InvalidWebACLId", message));
    }
    for name in [
        "ContinuousDeploymentPolicyId",
        "AnycastIpListId",
        "TenantConfig",
        "ViewerMtlsConfig",
        "ConnectionFunctionAssociation",
        "CacheTagConfig",
    ] {
        if config.has(name) {
            return Err(config.invalid(name, "is not supported"));
        }
    }
    if config.flag("Staging") {
        return Err(config.invalid("Staging", "is not supported"));
    }
    if config.text("ConnectionMode") == Some("tenant-only") {
        return Err(config.invalid("ConnectionMode", "is not supported but for direct"));
    }
    match config.text("HttpVersion") {
        Some("http3") => {
            let message = "is not supported without HTTP/2: the edge has no HTTP/3";
            Err(config.invalid("HttpVersion", message))
        }
        Some(_) | None => Ok(()),
    }
}

/// Reads everything but origins and behaviors.
fn read_parts(config: &Members<'_>, context: &ConfigContext<'_>) -> Result<Keys, ConfigFault> {
    let limits = context.limits;
    let mut keys = Keys::new();
    read_description(config, limits, "TooManyDistributionCNAMEs", &mut keys)?;
    let object = config.text("DefaultRootObject");
    if object.is_some_and(|o| o.starts_with('/') || o.len() > ROOT_OBJECT_LENGTH_MAX) {
        let message = "has to be the name of an object, without a slash in front";
        return Err(config.fault("DefaultRootObject", "InvalidDefaultRootObject", message));
    }
    set(&mut keys, "default_root_object", object);
    let groups = config.items("OriginGroups");
    let numbers = (groups.len(), limits.origin_groups_max);
    config.at_most(
        "OriginGroups",
        numbers,
        "TooManyOriginGroupsPerDistribution",
    )?;
    let groups = groups.iter().map(origins::read_origin_group);
    let groups: Vec<Keys> = groups.collect::<Result<_, _>>()?;
    let groups = (!groups.is_empty()).then_some(groups);
    set(&mut keys, "origin_groups", groups);
    restrictions::read_errors(config, &mut keys)?;
    read_logging(config, &mut keys)?;
    certificate::read_certificate(config, context, &mut keys)?;
    restrictions::read_geo(config, &mut keys)?;
    set(&mut keys, "http_version", config.text("HttpVersion"));
    let ipv6 = config.value("IsIPV6Enabled").and_then(Value::as_bool);
    set(&mut keys, "ipv6_enabled", ipv6);
    Ok(keys)
}

/// Returns the present document with those parts replaced that are shown in another way than before.
fn merge_parts(present: &Value, new: Keys, context: &ConfigContext<'_>) -> Keys {
    let Some(document) = present.as_object().filter(|keys| !keys.is_empty()) else {
        return new;
    };
    let mut document = document.clone();
    let shown = show_parts(&Members::of(present, ""), context);
    let new = Value::Object(new);
    let wanted = show_parts(&Members::of(&new, ""), context);
    let empty = Keys::new();
    let new = new.as_object().unwrap_or(&empty);
    for (member, keys) in PARTS {
        if shown.get(member) != wanted.get(member) {
            replace_part(&mut document, keys, new);
        }
    }
    if let (Some(shown), Some(wanted)) = (
        shown.get("ViewerCertificate"),
        wanted.get("ViewerCertificate"),
    ) && shown != wanted
    {
        let keys = certificate::replaced_keys(shown, wanted);
        replace_part(&mut document, keys, new);
    }
    document
}

fn read_origins(
    config: &Members<'_>,
    present: Present<'_>,
    context: &ConfigContext<'_>,
) -> Result<Vec<Value>, ConfigFault> {
    let items = config.items("Origins");
    if items.is_empty() {
        return Err(config.invalid("Origins", "has no items"));
    }
    let numbers = (items.len(), context.limits.origins_max);
    config.at_most("Origins", numbers, "TooManyOrigins")?;
    let mut origins: Vec<Value> = Vec::new();
    for item in items {
        let origin = read_origin(item, present, context)?;
        let id = origin.get("id");
        if origins.iter().any(|other| other.get("id") == id) {
            let id = id.and_then(Value::as_str).unwrap_or_default();
            return Err(config.invalid("Origins", &format!("has the id {id:?} twice")));
        }
        origins.push(Value::Object(origin));
    }
    Ok(origins)
}

/// Reads an origin, and keeps of the present one with the same id what CloudFront's form cannot say.
fn read_origin(
    item: &Value,
    present: Present<'_>,
    context: &ConfigContext<'_>,
) -> Result<Keys, ConfigFault> {
    let id = item.get("Id");
    let (sealed, clear) = (
        Members::of(present.sealed, ""),
        Members::of(present.clear, ""),
    );
    let pairs = sealed.array("origins").iter().zip(clear.array("origins"));
    let mut pairs = pairs.filter(|(_, clear)| clear.get("id") == id);
    let Some((sealed, clear)) = pairs.next() else {
        return origins::read_origin(item, context);
    };
    let shown = origins::show_origin(clear);
    let unchanged = || sealed.as_object().cloned().unwrap_or_default();
    if is_same(&shown, item) {
        return Ok(unchanged());
    }
    let new = origins::read_origin(item, context)?;
    let wanted = origins::show_origin(&Value::Object(new.clone()));
    if shown == wanted {
        return Ok(unchanged());
    }
    let mut merged = origins::merge_origin((clear, &shown), (&new, &wanted))?;
    origins::keep_sealed(&mut merged, (sealed, clear));
    Ok(merged)
}

/// Reads behaviors, and keeps of present ones what CloudFront's form cannot say.
struct Behaviors<'a> {
    present: &'a Members<'a>,
    /// Targets that are buckets, or may be.
    buckets: &'a [&'a str],
    context: &'a ConfigContext<'a>,
}

impl Behaviors<'_> {
    fn default(&self, config: &Members<'_>) -> Result<Keys, ConfigFault> {
        let Some(item) = config.value("DefaultCacheBehavior") else {
            return Err(config.invalid("DefaultCacheBehavior", "is missing"));
        };
        self.read(item, None, self.present.value("default_behavior"))
    }

    fn others(&self, config: &Members<'_>) -> Result<Vec<Value>, ConfigFault> {
        let items = config.items("CacheBehaviors");
        let numbers = (items.len(), self.context.limits.behaviors_max);
        config.at_most("CacheBehaviors", numbers, "TooManyCacheBehaviors")?;
        let mut known = Vec::new();
        let mut behaviors = Vec::new();
        for item in items {
            let pattern = Members::of(item, "CacheBehaviors").required("PathPattern")?;
            if known.contains(&pattern) {
                let message = format!("has the path pattern {pattern:?} twice");
                return Err(config.invalid("CacheBehaviors", &message));
            }
            known.push(pattern);
            let mut present = self.present.array("behaviors").iter();
            let present = present.find(|behavior| {
                let present = behavior.get("path_pattern").and_then(Value::as_str);
                present == Some(pattern)
            });
            let behavior = self.read(item, Some(pattern), present)?;
            behaviors.push(Value::Object(behavior));
        }
        Ok(behaviors)
    }

    fn read(
        &self,
        item: &Value,
        pattern: Option<&str>,
        present: Option<&Value>,
    ) -> Result<Keys, ConfigFault> {
        let shown = present.map(|present| behaviors::show_behavior(present, self.context));
        let unchanged = |present: &Value| present.as_object().cloned().unwrap_or_default();
        if let (Some(present), Some(shown)) = (present, &shown)
            && is_same(shown, item)
        {
            return Ok(unchanged(present));
        }
        if let Some(shown) = &shown {
            behaviors::check_restrictions(item, pattern, shown)?;
        }
        let new = behaviors::read_behavior(item, pattern, self.context)?;
        if let Some(target) = new.get("origin").and_then(Value::as_str)
            && self.buckets.contains(&target)
        {
            cache_settings::check_bucket_headers(item)?;
        }
        match (present, shown) {
            (Some(present), Some(shown)) => {
                let wanted = Value::Object(new.clone());
                let wanted = behaviors::show_behavior(&wanted, self.context);
                match shown == wanted {
                    true => Ok(unchanged(present)),
                    false => Ok(behaviors::merge_behavior(present, new)),
                }
            }
            (_, _) => Ok(new),
        }
    }
}

#[cfg(test)]
mod tests;
