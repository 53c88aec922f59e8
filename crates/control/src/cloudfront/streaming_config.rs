//! `StreamingDistributionConfig` and the document of a streaming distribution: each made of the other.
//!
//! What CloudFront's form cannot say stays as it is when a configuration is changed: key groups, the distribution whose
//! behaviors are used, and settings of the edge's own.

use crate::cloudfront::config_parts::{
    ConfigContext, Present, check_reference, read_description, read_identity, read_logging,
    read_trusted, replace_part, show_description, show_identity, show_logging, show_trusted,
};
use crate::cloudfront::members::{ConfigFault, Keys, Members, is_host, set};
use serde_json::{Value, json};

/// The members that stand alone, with the keys that say the same.
const PARTS: [(&str, &[&str]); 6] = [
    ("Comment", &["comment"]),
    ("Aliases", &["aliases"]),
    ("Enabled", &["enabled"]),
    ("PriceClass", &["price_class"]),
    ("Logging", &["logging"]),
    ("TrustedSigners", &["trusted_signers"]),
];
/// Id of the origin in a document that is made of a configuration.
const ORIGIN_ID: &str = "videos";
/// Host names that stand for videos which have none; nobody else can have these (RFC 2606, 2).
const DISTRIBUTION_HOST_SUFFIX: &str = "distribution.privet.invalid";
const ORIGIN_HOST: &str = "origin.privet.invalid";

/// Returns the configuration that a document says, everything filled in.
pub(crate) fn show_streaming_config(document: &Value) -> Value {
    let document = &Members::of(document, "");
    let mut config = Keys::new();
    show_description(document, &mut config);
    let mut logging = show_logging(document);
    logging.remove("IncludeCookies");
    set(&mut config, "Logging", Some(logging));
    let signers = show_trusted(document, "trusted_signers");
    set(&mut config, "TrustedSigners", Some(signers));
    let origin = document.inner("origin");
    let host = match (origin.text("bucket_host"), document.text("distribution")) {
        (Some(host), _) => host.to_owned(),
        (None, Some(id)) => format!("{}.{DISTRIBUTION_HOST_SUFFIX}", id.to_ascii_lowercase()),
        (None, None) => ORIGIN_HOST.to_owned(),
    };
    let identity = show_identity(&origin);
    let origin = json!({ "DomainName": host, "OriginAccessIdentity": identity });
    set(&mut config, "S3Origin", Some(origin));
    Value::Object(config)
}

/// Returns the document that a configuration says, without id and domain name if it is a new one. Those, and everything
/// else that the configuration cannot say, are those of the present document.
///
/// # Errors
/// The first fault. That what it refers to exists is not checked here.
pub(crate) fn read_streaming_config(
    config: &Value,
    present: Option<Present<'_>>,
    context: &ConfigContext<'_>,
) -> Result<Keys, ConfigFault> {
    if let Some(present) = present {
        check_reference(config, present.sealed)?;
    }
    let new = read_new(&Members::of(config, ""), context)?;
    let Some(Present { sealed, .. }) = present else {
        return Ok(new);
    };
    let mut document = sealed.as_object().cloned().unwrap_or_default();
    let shown = show_streaming_config(sealed);
    let wanted = show_streaming_config(&Value::Object(new.clone()));
    for (member, keys) in PARTS {
        if shown.get(member) != wanted.get(member) {
            replace_part(&mut document, keys, &new);
        }
    }
    if shown.get("S3Origin") != wanted.get("S3Origin") {
        change_origin(&mut document, &new)?;
    }
    Ok(document)
}

fn read_new(config: &Members<'_>, context: &ConfigContext<'_>) -> Result<Keys, ConfigFault> {
    let limits = context.limits;
    let mut keys = Keys::new();
    let too_many = "TooManyStreamingDistributionCNAMEs";
    read_description(config, limits, too_many, &mut keys)?;
    read_logging(config, &mut keys)?;
    let most = (limits.trusted_signers_max, "TooManyTrustedSigners");
    let names = ("TrustedSigners", "trusted_signers");
    read_trusted(config, names, most, &mut keys)?;
    let s3 = &config.inner("S3Origin");
    let host = s3.required("DomainName")?;
    if !is_host(host) {
        let message = "does not refer to a valid S3 bucket: it is not a host name";
        return Err(s3.invalid("DomainName", message));
    }
    let mut origin = Keys::new();
    set(&mut origin, "id", Some(ORIGIN_ID));
    set(&mut origin, "bucket_host", Some(host));
    set(&mut origin, "origin_access_identity", read_identity(s3)?);
    set(&mut keys, "origin", Some(origin));
    set(&mut keys, "certificate", context.default_certificate);
    Ok(keys)
}

/// Puts the new bucket and identity into the origin, which has to be a bucket by its host name already.
fn change_origin(document: &mut Keys, new: &Keys) -> Result<(), ConfigFault> {
    let origin = document.get_mut("origin").and_then(Value::as_object_mut);
    let origin = origin.filter(|origin| origin.contains_key("bucket_host"));
    let Some(origin) = origin else {
        let message = "S3Origin cannot be changed: the videos are from elsewhere, which this interface cannot say";
        return Err(ConfigFault::new("InvalidArgument", message));
    };
    let empty = Keys::new();
    let new = new.get("origin").and_then(Value::as_object);
    // A control says the same as an identity, in a newer way that this form does not have.
    let has_identity = new.is_some_and(|new| new.contains_key("origin_access_identity"));
    if has_identity {
        origin.remove("origin_access_control");
    }
    let keys = ["bucket_host", "origin_access_identity"];
    replace_part(origin, &keys, new.unwrap_or(&empty));
    Ok(())
}

#[cfg(test)]
mod tests;
