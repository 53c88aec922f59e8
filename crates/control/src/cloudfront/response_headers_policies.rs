//! Response headers policies.

mod managed;

use crate::cloudfront::api_error::ApiError;
use crate::cloudfront::call::time;
use crate::cloudfront::policy_filters;
use crate::cloudfront::resource::{
    Codes, Listing, Repeated, Resource, any_number, any_update, limited, put_text, required, text,
    uuid,
};
use crate::operation_error::OperationError;
use crate::operations::Item;
use http::header::STRICT_TRANSPORT_SECURITY;
use privet_distribution::config::{ResponseHeadersPolicy, ServiceKind};
use serde_json::{Map, Value, json};

/// Custom headers and removed headers of one policy, by Amazon's quota.
const HEADERS_MAX: usize = 10;
/// Characters of a `Content-Security-Policy`, by Amazon's quota.
const CONTENT_SECURITY_MAX: usize = 1783;

pub(super) const RESOURCE: Resource = Resource {
    kind: ServiceKind::ResponseHeadersPolicy,
    name: "ResponseHeadersPolicy",
    plural: "ResponseHeadersPolicies",
    path: "/response-headers-policy",
    codes: Codes {
        absent: "NoSuchResponseHeadersPolicy",
        exists: "ResponseHeadersPolicyAlreadyExists",
        in_use: "ResponseHeadersPolicyInUse",
        too_many: "TooManyResponseHeadersPolicies",
    },
    listing: Listing::Typed,
    repeated: Repeated::Refused,
    document,
    check_limits: any_number,
    config,
    whole,
    check_update: any_update,
    id: uuid,
    managed: managed::documents,
};

/// The lists of a configuration for CORS, with their keys in a document.
const CORS_LISTS: [(&str, &str); 4] = [
    ("AccessControlAllowOrigins", "allow_origins"),
    ("AccessControlAllowHeaders", "allow_headers"),
    ("AccessControlAllowMethods", "allow_methods"),
    ("AccessControlExposeHeaders", "expose_headers"),
];

/// A security header: its place in a configuration, and its key in a document.
struct SecurityHeader {
    member: &'static str,
    key: &'static str,
    /// Members with their keys.
    members: &'static [(&'static str, &'static str)],
}

const SECURITY: [SecurityHeader; 6] = [
    SecurityHeader {
        member: "XSSProtection",
        key: "xss_protection",
        members: &[
            ("Protection", "protection"),
            ("ModeBlock", "block"),
            ("ReportUri", "report"),
            ("Override", "override"),
        ],
    },
    SecurityHeader {
        member: "FrameOptions",
        key: "frame_options",
        members: &[("FrameOption", "value"), ("Override", "override")],
    },
    SecurityHeader {
        member: "ReferrerPolicy",
        key: "referrer_policy",
        members: &[("ReferrerPolicy", "value"), ("Override", "override")],
    },
    SecurityHeader {
        member: "ContentSecurityPolicy",
        key: "content_security_policy",
        members: &[("ContentSecurityPolicy", "value"), ("Override", "override")],
    },
    SecurityHeader {
        member: "ContentTypeOptions",
        key: "content_type_options",
        members: &[("Override", "override")],
    },
    SecurityHeader {
        member: "StrictTransportSecurity",
        key: "strict_transport_security",
        members: &[
            ("AccessControlMaxAgeSec", "max_age"),
            ("IncludeSubdomains", "include_subdomains"),
            ("Preload", "preload"),
            ("Override", "override"),
        ],
    },
];

fn document(
    config: &Value,
    mut document: Map<String, Value>,
) -> Result<Map<String, Value>, ApiError> {
    put_text(&mut document, "name", required(config, "Name", 128)?);
    let comment = limited(text(config, "Comment"), "Comment", 128)?;
    put_text(&mut document, "comment", comment);
    for key in [
        "cors",
        "security",
        "custom",
        "remove",
        "server_timing_percent",
    ] {
        document.remove(key);
    }
    let mut put = |key: &str, value: Value| document.insert(key.to_owned(), value);
    if let Some(config) = config.get("CorsConfig") {
        put("cors", cors(config));
    }
    if let Some(config) = config.get("SecurityHeadersConfig") {
        put("security", security(config)?);
    }
    if let Some(percent) = server_timing(config)? {
        put("server_timing_percent", percent);
    }
    let too_many = "TooManyCustomHeadersInResponseHeadersPolicy";
    let custom = headers(config, "CustomHeadersConfig", too_many)?;
    if !custom.is_empty() {
        let custom = custom.iter().map(|header| {
            json!({
                "header": header["Header"], "value": header["Value"], "override": header["Override"],
            })
        });
        put("custom", custom.collect());
    }
    let too_many = "TooManyRemoveHeadersInResponseHeadersPolicy";
    let removed = headers(config, "RemoveHeadersConfig", too_many)?;
    if !removed.is_empty() {
        put(
            "remove",
            removed
                .iter()
                .map(|header| header["Header"].clone())
                .collect(),
        );
    }
    Ok(document)
}

/// Returns the items of a list of headers.
fn headers<'c>(
    config: &'c Value,
    member: &str,
    too_many: &'static str,
) -> Result<&'c [Value], ApiError> {
    let items = config.get(member).and_then(|list| list.get("Items"));
    let items = items.and_then(Value::as_array).map(Vec::as_slice);
    let items = items.unwrap_or_default();
    match items.len() > HEADERS_MAX {
        true => Err(ApiError::new(
            too_many,
            &format!("{member} has more than {HEADERS_MAX} items"),
        )),
        false => Ok(items),
    }
}

fn cors(config: &Value) -> Value {
    let mut cors = json!({
        "allow_credentials": config["AccessControlAllowCredentials"],
        "override": config["OriginOverride"],
    });
    for (member, key) in CORS_LISTS {
        if let Some(items) = config.get(member).and_then(|list| list.get("Items")) {
            cors[key] = items.clone();
        }
    }
    if let Some(seconds) = config.get("AccessControlMaxAgeSec") {
        cors["max_age"] = seconds.clone();
    }
    cors
}

fn security(config: &Value) -> Result<Value, ApiError> {
    let mut security = json!({});
    for SecurityHeader {
        member,
        key,
        members,
    } in SECURITY
    {
        let Some(header) = config.get(member) else {
            continue;
        };
        let mut table = json!({});
        for (member, key) in members {
            if let Some(value) = header.get(member) {
                table[key] = value.clone();
            }
        }
        security[key] = table;
    }
    let policy = security.pointer("/content_security_policy/value");
    let length = policy
        .and_then(Value::as_str)
        .map_or(0, |text| text.chars().count());
    if length > CONTENT_SECURITY_MAX {
        let message =
            format!("the Content-Security-Policy has more than {CONTENT_SECURITY_MAX} characters");
        return Err(ApiError::new("TooLongCSPInResponseHeadersPolicy", &message));
    }
    Ok(security)
}

/// Returns the percentage of responses with `Server-Timing`. A rate that is not in force would be lost, and is refused.
fn server_timing(config: &Value) -> Result<Option<Value>, ApiError> {
    let Some(config) = config.get("ServerTimingHeadersConfig") else {
        return Ok(None);
    };
    let is_enabled = config["Enabled"] == Value::Bool(true);
    match (is_enabled, config.get("SamplingRate")) {
        (true, Some(rate)) => Ok(Some(rate.clone())),
        (true, None) => Err(ApiError::argument("SamplingRate is missing")),
        (false, Some(rate)) if rate.as_f64() != Some(0.0) => Err(ApiError::argument(
            "SamplingRate is not 0, and Enabled is false; a rate is kept only while it is in force",
        )),
        (false, _) => Ok(None),
    }
}

fn config(item: &Item) -> Result<Value, ApiError> {
    let read = policy_filters::read(item, ServiceKind::ResponseHeadersPolicy)?;
    let policy = read.response_headers_policies.first();
    let policy = policy.ok_or(OperationError::System("a document has no policy"))?;
    let document = &item.document;
    let mut config = json!({ "Comment": text(document, "comment"), "Name": policy.name });
    if let Some(cors) = document.get("cors") {
        config["CorsConfig"] = shown_cors(cors, policy);
    }
    if let Some(security) = document.get("security") {
        config["SecurityHeadersConfig"] = shown_security(security, policy);
    }
    if document.get("server_timing_percent").is_some() {
        let rate = policy.server_timing_percent;
        config["ServerTimingHeadersConfig"] = json!({ "Enabled": true, "SamplingRate": rate });
    }
    if let Some(custom) = document.get("custom").and_then(Value::as_array) {
        let items = custom.iter().map(|header| {
            json!({
                "Header": text(header, "header"),
                "Value": text(header, "value"),
                "Override": flag(header, "override"),
            })
        });
        config["CustomHeadersConfig"] = json!({ "Items": items.collect::<Vec<Value>>() });
    }
    if let Some(removed) = document.get("remove").and_then(Value::as_array) {
        let items = removed.iter().map(|name| json!({ "Header": name }));
        config["RemoveHeadersConfig"] = json!({ "Items": items.collect::<Vec<Value>>() });
    }
    Ok(config)
}

fn flag(table: &Value, key: &str) -> bool {
    table.get(key) == Some(&Value::Bool(true))
}

fn shown_cors(cors: &Value, policy: &ResponseHeadersPolicy) -> Value {
    let mut shown = json!({
        "AccessControlAllowCredentials": flag(cors, "allow_credentials"),
        "OriginOverride": flag(cors, "override"),
    });
    for (member, key) in CORS_LISTS {
        match (cors.get(key), member) {
            (Some(items), _) => shown[member] = json!({ "Items": items }),
            // The others are always there.
            (None, "AccessControlExposeHeaders") => {}
            (None, _) => shown[member] = json!({}),
        }
    }
    if let Some(age) = policy.cors.as_ref().and_then(|cors| cors.max_age) {
        shown["AccessControlMaxAgeSec"] = age.as_secs().into();
    }
    shown
}

fn shown_security(security: &Value, policy: &ResponseHeadersPolicy) -> Value {
    let mut shown = json!({});
    for SecurityHeader {
        member,
        key,
        members,
    } in SECURITY
    {
        let Some(table) = security.get(key) else {
            continue;
        };
        let mut header = json!({});
        for (member, key) in members {
            if let Some(value) = table.get(key) {
                header[member] = value.clone();
            }
        }
        header["Override"] = flag(table, "override").into();
        if member == "XSSProtection" {
            header["Protection"] = (table.get("protection") != Some(&Value::Bool(false))).into();
        }
        if member == "StrictTransportSecurity" {
            header["AccessControlMaxAgeSec"] = transport_age(policy).into();
        }
        shown[member] = header;
    }
    shown
}

/// Returns the seconds of `Strict-Transport-Security`, which a document may write as a duration.
fn transport_age(policy: &ResponseHeadersPolicy) -> u64 {
    let mut headers = policy.headers.iter();
    let header = headers.find(|header| header.name == STRICT_TRANSPORT_SECURITY);
    let text = header
        .and_then(|header| header.value.to_str().ok())
        .unwrap_or_default();
    let digits = text.strip_prefix("max-age=").unwrap_or_default();
    let digits = digits.split(';').next().unwrap_or_default();
    digits.parse().unwrap_or_default()
}

fn whole(item: &Item) -> Map<String, Value> {
    Map::from_iter([("LastModifiedTime".to_owned(), time(item.made_by.at))])
}
