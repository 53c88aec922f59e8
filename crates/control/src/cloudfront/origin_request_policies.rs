//! Origin request policies.

use crate::cloudfront::api_error::ApiError;
use crate::cloudfront::call::time;
use crate::cloudfront::policy_filters::{COOKIES, HEADERS, QUERY_STRINGS};
use crate::cloudfront::resource::{
    Codes, Listing, Repeated, Resource, any_number, any_update, limited, put_text, required, text,
    uuid,
};
use crate::operations::Item;
use http::HeaderName;
use privet_distribution::config::{HeaderFilter, OriginRequestPolicy, ServiceKind};
use serde_json::{Map, Value, json};

pub(super) const RESOURCE: Resource = Resource {
    kind: ServiceKind::OriginRequestPolicy,
    name: "OriginRequestPolicy",
    plural: "OriginRequestPolicies",
    path: "/origin-request-policy",
    codes: Codes {
        absent: "NoSuchOriginRequestPolicy",
        exists: "OriginRequestPolicyAlreadyExists",
        in_use: "OriginRequestPolicyInUse",
        too_many: "TooManyOriginRequestPolicies",
    },
    listing: Listing::Typed,
    repeated: Repeated::Refused,
    document,
    check_limits: any_number,
    config,
    whole,
    check_update: any_update,
    id: uuid,
    managed,
};

fn document(
    config: &Value,
    mut document: Map<String, Value>,
) -> Result<Map<String, Value>, ApiError> {
    put_text(&mut document, "name", required(config, "Name", 128)?);
    let comment = limited(text(config, "Comment"), "Comment", 128)?;
    put_text(&mut document, "comment", comment);
    let (word, names) = HEADERS.read(config, "TooManyHeadersInOriginRequestPolicy")?;
    for key in ["headers", "headers_except", "cloudfront_headers"] {
        document.remove(key);
    }
    let mut put = |key: &str, value: Value| document.insert(key.to_owned(), value);
    match word {
        "whitelist" => drop(put("headers", names.into())),
        "allExcept" => drop(put("headers_except", names.into())),
        "allViewer" => drop(put("headers", "all-viewer".into())),
        "allViewerAndWhitelistCloudFront" => {
            put("headers", "all-viewer".into());
            put("cloudfront_headers", names.into());
        }
        _ => drop(put("headers", "none".into())),
    }
    let too_many = "TooManyCookiesInOriginRequestPolicy";
    COOKIES.put(config, &mut document, too_many)?;
    let too_many = "TooManyQueryStringsInOriginRequestPolicy";
    QUERY_STRINGS.put(config, &mut document, too_many)?;
    Ok(document)
}

fn config(item: &Item) -> Result<Value, ApiError> {
    let Item { id, document, .. } = item;
    let name = match text(document, "name") {
        "" => id,
        name => name,
    };
    Ok(json!({
        "Comment": text(document, "comment"),
        "Name": name,
        "HeadersConfig": headers(document),
        "CookiesConfig": COOKIES.show(document),
        "QueryStringsConfig": QUERY_STRINGS.show(document),
    }))
}

fn headers(document: &Value) -> Value {
    let names = |key: &str| {
        let names = document.get(key).and_then(Value::as_array).cloned();
        names.unwrap_or_default()
    };
    let (mut own, cloudfront) = (names("headers"), names("cloudfront_headers"));
    if document.get("headers_except").is_some() {
        return HEADERS.shown("allExcept", &names("headers_except"));
    }
    match text(document, "headers") {
        "all-viewer" if cloudfront.is_empty() => HEADERS.shown("allViewer", &[]),
        "all-viewer" => HEADERS.shown("allViewerAndWhitelistCloudFront", &cloudfront),
        _ => {
            own.extend(cloudfront);
            match own.is_empty() {
                true => HEADERS.shown("none", &own),
                false => HEADERS.shown("whitelist", &own),
            }
        }
    }
}

fn whole(item: &Item) -> Map<String, Value> {
    Map::from_iter([("LastModifiedTime".to_owned(), time(item.made_by.at))])
}

fn managed() -> Vec<Value> {
    OriginRequestPolicy::managed()
        .iter()
        .map(document_of)
        .collect()
}

fn document_of(policy: &OriginRequestPolicy) -> Value {
    let texts = |names: &[HeaderName]| -> Value {
        let names = names.iter().map(|name| name.as_str());
        names.collect::<Vec<&str>>().into()
    };
    let mut document = json!({ "id": policy.id, "name": policy.name });
    match &policy.headers {
        HeaderFilter::None => document["headers"] = "none".into(),
        HeaderFilter::Only(names) => document["headers"] = texts(names),
        HeaderFilter::AllViewer => document["headers"] = "all-viewer".into(),
        HeaderFilter::AllViewerExcept(names) => document["headers_except"] = texts(names),
        HeaderFilter::AllViewerAndCloudFront(names) => {
            document["headers"] = "all-viewer".into();
            document["cloudfront_headers"] = texts(names);
        }
    }
    COOKIES.put_chosen(&mut document, &policy.cookies);
    QUERY_STRINGS.put_chosen(&mut document, &policy.query_strings);
    document
}
