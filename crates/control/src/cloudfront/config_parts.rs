//! The parts that configurations of distributions and of streaming distributions have in common.

use crate::cloudfront::members::{ConfigFault, Keys, Members, counted_texts, is_host, set};
use privet_distribution::config::{ApiLimits, ServiceKind};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Beginning of the path by which an origin names an origin access identity.
const IDENTITY_PATH: &str = "origin-access-identity/cloudfront/";
const COMMENT_LENGTH_MAX: usize = 128;
const CALLER_REFERENCE_LENGTH_MAX: usize = 128;
const PRICE_CLASS_DEFAULT: &str = "PriceClass_All";

/// What the mapping has to know besides a configuration and a document.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ConfigContext<'a> {
    /// Account in ARNs, 12 digits.
    pub(crate) account: &'a str,
    /// Id of the certificate that stands for CloudFront's own; `None` if there is none.
    pub(crate) default_certificate: Option<&'a str>,
    /// Ids of the operator's policies by kind and name.
    pub(crate) policies: &'a BTreeMap<(ServiceKind, String), String>,
    /// Maximum numbers.
    pub(crate) limits: &'a ApiLimits,
}

/// A document that a configuration changes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Present<'a> {
    /// Document as it is stored, its secrets sealed.
    pub(crate) sealed: &'a Value,
    /// The same with the values of headers in clear.
    pub(crate) clear: &'a Value,
}

/// Reads what describes a configuration, its host names and whether it is enabled. `too_many` is the code for too many
/// host names.
pub(crate) fn read_description(
    config: &Members<'_>,
    limits: &ApiLimits,
    too_many: &'static str,
    keys: &mut Keys,
) -> Result<(), ConfigFault> {
    let reference = config.required("CallerReference")?;
    check_length(config, "CallerReference", CALLER_REFERENCE_LENGTH_MAX)?;
    check_length(config, "Comment", COMMENT_LENGTH_MAX)?;
    let aliases = config.texts("Aliases");
    config.at_most("Aliases", (aliases.len(), limits.aliases_max), too_many)?;
    for (position, alias) in aliases.iter().enumerate() {
        let earlier = aliases.get(..position).unwrap_or_default();
        if !is_host(alias.strip_prefix("*.").unwrap_or(alias)) {
            let message = format!("has {alias:?}, which is not a host name");
            return Err(config.invalid("Aliases", &message));
        }
        if earlier
            .iter()
            .any(|other| other.eq_ignore_ascii_case(alias))
        {
            return Err(config.invalid("Aliases", &format!("has {alias:?} twice")));
        }
    }
    let Some(enabled) = config.value("Enabled").and_then(Value::as_bool) else {
        return Err(config.invalid("Enabled", "is missing"));
    };
    if config.text("PriceClass") == Some("None") {
        return Err(config.invalid("PriceClass", "is not one that Privet has: None"));
    }
    set(keys, "caller_reference", Some(reference));
    set(keys, "comment", config.text("Comment"));
    set(
        keys,
        "aliases",
        (!aliases.is_empty()).then(|| json!(aliases)),
    );
    set(keys, "enabled", Some(enabled));
    set(keys, "price_class", config.text("PriceClass"));
    Ok(())
}

fn check_length(config: &Members<'_>, name: &str, max: usize) -> Result<(), ConfigFault> {
    let length = config.text(name).unwrap_or_default().chars().count();
    match length > max {
        true => {
            let message = format!("has {length} characters, and the maximum is {max}");
            Err(config.invalid(name, &message))
        }
        false => Ok(()),
    }
}

/// Shows what describes a configuration, its host names and whether it is enabled.
pub(crate) fn show_description(document: &Members<'_>, config: &mut Keys) {
    set(config, "CallerReference", Some(caller_reference(document)));
    let comment = document.text("comment").unwrap_or_default();
    set(config, "Comment", Some(comment));
    let aliases = document.array_of_texts("aliases");
    set(config, "Aliases", Some(counted_texts(&aliases)));
    set(config, "Enabled", Some(is_enabled(document)));
    let class = document.text("price_class").unwrap_or(PRICE_CLASS_DEFAULT);
    set(config, "PriceClass", Some(class));
}

/// Returns the reference that a document was made with; one that was made in another way is known by its id.
fn caller_reference<'v>(document: &Members<'v>) -> &'v str {
    let reference = document.text("caller_reference");
    reference.or(document.text("id")).unwrap_or_default()
}

/// Refuses to change the reference.
pub(crate) fn check_reference(config: &Value, present: &Value) -> Result<(), ConfigFault> {
    let present = caller_reference(&Members::of(present, ""));
    let config = Members::of(config, "");
    match config.text("CallerReference") {
        Some(reference) if reference != present => {
            let message = format!("cannot be changed; it is {present:?}");
            Err(config.fault("CallerReference", "IllegalUpdate", &message))
        }
        Some(_) | None => Ok(()),
    }
}

/// Returns true for a document that is served; one that does not say so is.
pub(crate) fn is_enabled(document: &Members<'_>) -> bool {
    document.value("enabled").and_then(Value::as_bool) != Some(false)
}

/// Reads `Logging`. What it says beside `Enabled` = false is dropped, as CloudFront does.
pub(crate) fn read_logging(config: &Members<'_>, keys: &mut Keys) -> Result<(), ConfigFault> {
    let logging = config.inner("Logging");
    if !logging.flag("Enabled") {
        return Ok(());
    }
    let mut table = Keys::new();
    set(&mut table, "bucket", Some(logging.required("Bucket")?));
    set(&mut table, "prefix", logging.text("Prefix"));
    let cookies = logging.flag("IncludeCookies");
    set(&mut table, "include_cookies", cookies.then_some(true));
    set(keys, "logging", Some(table));
    Ok(())
}

/// Shows `Logging`; a streaming distribution has no `IncludeCookies`, which the caller takes away.
pub(crate) fn show_logging(document: &Members<'_>) -> Keys {
    let logging = document.inner("logging");
    let mut shown = Keys::new();
    let text = |key| logging.text(key).unwrap_or_default();
    set(&mut shown, "Enabled", Some(document.has("logging")));
    set(
        &mut shown,
        "IncludeCookies",
        Some(logging.flag("include_cookies")),
    );
    set(&mut shown, "Bucket", Some(text("bucket")));
    set(&mut shown, "Prefix", Some(text("prefix")));
    shown
}

/// Reads `TrustedSigners` or `TrustedKeyGroups` into a key.
///
/// A list beside `Enabled` = false is refused: dropping it would open what the client may have meant to restrict.
pub(crate) fn read_trusted(
    members: &Members<'_>,
    (name, key): (&str, &str),
    (max, too_many): (usize, &'static str),
    keys: &mut Keys,
) -> Result<(), ConfigFault> {
    let names = members.texts(name);
    match (members.inner(name).flag("Enabled"), names.is_empty()) {
        (true, true) => Err(members.invalid(name, "is enabled and has no items")),
        (false, false) => Err(members.invalid(name, "has items and is not enabled")),
        (false, true) => Ok(()),
        (true, false) => {
            members.at_most(name, (names.len(), max), too_many)?;
            set(keys, key, Some(json!(names)));
            Ok(())
        }
    }
}

/// Shows `TrustedSigners` or `TrustedKeyGroups` of a key.
pub(crate) fn show_trusted(document: &Members<'_>, key: &str) -> Value {
    let names = document.array_of_texts(key);
    json!({ "Enabled": !names.is_empty(), "Items": names })
}

/// Returns the id in `origin-access-identity/cloudfront/ID`; `None` for an empty text.
pub(crate) fn read_identity<'v>(members: &Members<'v>) -> Result<Option<&'v str>, ConfigFault> {
    let name = "OriginAccessIdentity";
    let Some(path) = members.text(name) else {
        return Ok(None);
    };
    let is_plain = |id: &&str| !id.is_empty() && !id.contains('/');
    let id = path.strip_prefix(IDENTITY_PATH).filter(is_plain);
    let fault = || {
        let message = format!("is not empty and not {IDENTITY_PATH} with an id behind it");
        members.fault(name, "InvalidOriginAccessIdentity", &message)
    };
    id.map(Some).ok_or_else(fault)
}

/// Shows the identity of an origin.
pub(crate) fn show_identity(origin: &Members<'_>) -> String {
    let id = origin.text("origin_access_identity");
    id.map_or_else(String::new, |id| format!("{IDENTITY_PATH}{id}"))
}

/// Puts the keys of `part` in the place of those that are there now, and keeps all others.
pub(crate) fn replace_part(document: &mut Keys, part: &[&str], new: &Keys) {
    for key in part {
        match new.get(*key) {
            Some(value) => {
                document.insert((*key).to_owned(), value.clone());
            }
            None => {
                document.remove(*key);
            }
        }
    }
}
