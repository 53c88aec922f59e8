//! The resource of a distribution, whose blocks have names of their own.

use crate::cloudfront::members::Members;
use crate::cloudfront::said::Said;
use crate::equivalents::hcl::{Entry, attribute, block};
use serde_json::Value;

/// Members of the configuration and their attributes.
const PLAIN: [(&str, &str); 6] = [
    ("Comment", "comment"),
    ("DefaultRootObject", "default_root_object"),
    ("Enabled", "enabled"),
    ("HttpVersion", "http_version"),
    ("IsIPV6Enabled", "is_ipv6_enabled"),
    ("PriceClass", "price_class"),
];
const ORIGIN: [(&str, &str); 6] = [
    ("Id", "origin_id"),
    ("DomainName", "domain_name"),
    ("OriginPath", "origin_path"),
    ("ConnectionAttempts", "connection_attempts"),
    ("ConnectionTimeout", "connection_timeout"),
    ("OriginAccessControlId", "origin_access_control_id"),
];
const CUSTOM_ORIGIN: [(&str, &str); 5] = [
    ("HTTPPort", "http_port"),
    ("HTTPSPort", "https_port"),
    ("OriginProtocolPolicy", "origin_protocol_policy"),
    ("OriginReadTimeout", "origin_read_timeout"),
    ("OriginKeepaliveTimeout", "origin_keepalive_timeout"),
];
const BEHAVIOR: [(&str, &str); 10] = [
    ("PathPattern", "path_pattern"),
    ("TargetOriginId", "target_origin_id"),
    ("ViewerProtocolPolicy", "viewer_protocol_policy"),
    ("Compress", "compress"),
    ("CachePolicyId", "cache_policy_id"),
    ("OriginRequestPolicyId", "origin_request_policy_id"),
    ("ResponseHeadersPolicyId", "response_headers_policy_id"),
    ("MinTTL", "min_ttl"),
    ("DefaultTTL", "default_ttl"),
    ("MaxTTL", "max_ttl"),
];
const CERTIFICATE: [(&str, &str); 4] = [
    (
        "CloudFrontDefaultCertificate",
        "cloudfront_default_certificate",
    ),
    ("IAMCertificateId", "iam_certificate_id"),
    ("SSLSupportMethod", "ssl_support_method"),
    ("MinimumProtocolVersion", "minimum_protocol_version"),
];
const LOGGING: [(&str, &str); 3] = [
    ("Bucket", "bucket"),
    ("Prefix", "prefix"),
    ("IncludeCookies", "include_cookies"),
];

/// Returns the body of the resource.
///
/// # Errors
/// The reason why the provider cannot say it.
pub(super) fn body(said: &Said) -> Result<Vec<Entry>, String> {
    let config = &Members::of(&said.config, "");
    let mut body = plain(config, &PLAIN);
    texts(config, "Aliases", "aliases", &mut body);
    // Changes are in force within a second or so, and the provider would wait for half a minute.
    body.push(attribute("wait_for_deployment", false));
    for item in config.items("Origins") {
        body.push(block("origin", origin(item)?));
    }
    for item in config.items("OriginGroups") {
        body.push(block("origin_group", origin_group(item)));
    }
    let default = config.inner("DefaultCacheBehavior");
    body.push(block("default_cache_behavior", behavior(&default)));
    for item in config.items("CacheBehaviors") {
        let behavior = behavior(&Members::of(item, ""));
        body.push(block("ordered_cache_behavior", behavior));
    }
    for item in config.items("CustomErrorResponses") {
        body.push(block("custom_error_response", error_response(item)));
    }
    let logging = config.inner("Logging");
    if logging.flag("Enabled") {
        body.push(block("logging_config", plain(&logging, &LOGGING)));
    }
    let geo = config.inner("Restrictions").inner("GeoRestriction");
    let mut restriction = plain(&geo, &[("RestrictionType", "restriction_type")]);
    if !geo.array("Items").is_empty() {
        restriction.push(attribute("locations", geo.array("Items").to_vec()));
    }
    let restriction = block("geo_restriction", restriction);
    body.push(block("restrictions", vec![restriction]));
    let certificate = plain(&config.inner("ViewerCertificate"), &CERTIFICATE);
    body.push(block("viewer_certificate", certificate));
    if let Some(tags) = &said.tags {
        body.push(attribute("tags", super::tags(tags)));
    }
    Ok(body)
}

/// Returns attributes for the members that are there and not empty.
fn plain(members: &Members<'_>, names: &[(&str, &str)]) -> Vec<Entry> {
    let there = names.iter().filter(|(member, _)| members.has(member));
    there
        .filter_map(|(member, name)| Some(attribute(*name, members.value(member)?.clone())))
        .collect()
}

/// Adds an attribute for the items of a member, unless there are none.
fn texts(members: &Members<'_>, member: &str, name: &str, body: &mut Vec<Entry>) {
    let items = members.items(member);
    if !items.is_empty() {
        body.push(attribute(name, items.to_vec()));
    }
}

fn origin(item: &Value) -> Result<Vec<Entry>, String> {
    let origin = Members::of(item, "");
    let mut body = plain(&origin, &ORIGIN);
    for item in origin.items("CustomHeaders") {
        let names = [("HeaderName", "name"), ("HeaderValue", "value")];
        body.push(block(
            "custom_header",
            plain(&Members::of(item, ""), &names),
        ));
    }
    let shield = origin.inner("OriginShield");
    if shield.flag("Enabled") {
        let names = [
            ("Enabled", "enabled"),
            ("OriginShieldRegion", "origin_shield_region"),
        ];
        body.push(block("origin_shield", plain(&shield, &names)));
    }
    let bucket = origin.inner("S3OriginConfig");
    if bucket.has("OriginReadTimeout") {
        return Err("Terraform's provider has no timeout of an S3 origin".to_owned());
    }
    if bucket.has("OriginAccessIdentity") {
        let names = [("OriginAccessIdentity", "origin_access_identity")];
        body.push(block("s3_origin_config", plain(&bucket, &names)));
    }
    let custom = origin.inner("CustomOriginConfig");
    if custom.has("IpAddressType") {
        return Err("Terraform's provider has no ip_address_type of an origin".to_owned());
    }
    if origin.value("CustomOriginConfig").is_some() {
        let mut server = plain(&custom, &CUSTOM_ORIGIN);
        texts(
            &custom,
            "OriginSslProtocols",
            "origin_ssl_protocols",
            &mut server,
        );
        body.push(block("custom_origin_config", server));
    }
    Ok(body)
}

fn origin_group(item: &Value) -> Vec<Entry> {
    let group = Members::of(item, "");
    let mut body = plain(&group, &[("Id", "origin_id")]);
    let statuses = group.inner("FailoverCriteria");
    let mut criteria = Vec::new();
    texts(&statuses, "StatusCodes", "status_codes", &mut criteria);
    body.push(block("failover_criteria", criteria));
    for member in group.items("Members") {
        let names = [("OriginId", "origin_id")];
        body.push(block("member", plain(&Members::of(member, ""), &names)));
    }
    body
}

fn behavior(behavior: &Members<'_>) -> Vec<Entry> {
    let mut body = plain(behavior, &BEHAVIOR);
    texts(behavior, "AllowedMethods", "allowed_methods", &mut body);
    let methods = behavior.inner("AllowedMethods");
    texts(&methods, "CachedMethods", "cached_methods", &mut body);
    texts(
        behavior,
        "TrustedKeyGroups",
        "trusted_key_groups",
        &mut body,
    );
    texts(behavior, "TrustedSigners", "trusted_signers", &mut body);
    if behavior.value("ForwardedValues").is_some() {
        let values = behavior.inner("ForwardedValues");
        let mut forwarded = plain(&values, &[("QueryString", "query_string")]);
        let keys = "query_string_cache_keys";
        texts(&values, "QueryStringCacheKeys", keys, &mut forwarded);
        texts(&values, "Headers", "headers", &mut forwarded);
        let cookies = values.inner("Cookies");
        let mut chosen = plain(&cookies, &[("Forward", "forward")]);
        texts(
            &cookies,
            "WhitelistedNames",
            "whitelisted_names",
            &mut chosen,
        );
        forwarded.push(block("cookies", chosen));
        body.push(block("forwarded_values", forwarded));
    }
    body
}

fn error_response(item: &Value) -> Vec<Entry> {
    let error = Members::of(item, "");
    let names = [
        ("ErrorCode", "error_code"),
        ("ErrorCachingMinTTL", "error_caching_min_ttl"),
        ("ResponseCode", "response_code"),
        ("ResponsePagePath", "response_page_path"),
    ];
    plain(&error, &names)
}
