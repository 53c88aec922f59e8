//! Cache policies.

use crate::cloudfront::api_error::ApiError;
use crate::cloudfront::call::time;
use crate::cloudfront::policy_filters::{self, COOKIES, HEADERS, QUERY_STRINGS};
use crate::cloudfront::resource::{
    Codes, Listing, Repeated, Resource, any_number, any_update, limited, put_text, required, text,
    uuid,
};
use crate::operation_error::OperationError;
use crate::operations::Item;
use privet_distribution::config::{CachePolicy, ServiceKind};
use serde_json::{Map, Value, json};

pub(super) const RESOURCE: Resource = Resource {
    kind: ServiceKind::CachePolicy,
    name: "CachePolicy",
    plural: "CachePolicies",
    path: "/cache-policy",
    codes: Codes {
        absent: "NoSuchCachePolicy",
        exists: "CachePolicyAlreadyExists",
        in_use: "CachePolicyInUse",
        too_many: "TooManyCachePolicies",
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

/// Keys that Privet adds to CloudFront's are left as they are.
fn document(
    config: &Value,
    mut document: Map<String, Value>,
) -> Result<Map<String, Value>, ApiError> {
    put_text(&mut document, "name", required(config, "Name", 128)?);
    let comment = limited(text(config, "Comment"), "Comment", 128)?;
    put_text(&mut document, "comment", comment);
    for (member, key) in [
        ("MinTTL", "min_ttl"),
        ("DefaultTTL", "default_ttl"),
        ("MaxTTL", "max_ttl"),
    ] {
        match config.get(member) {
            Some(seconds) => document.insert(key.to_owned(), seconds.clone()),
            None => document.remove(key),
        };
    }
    let parameters = match config.get("ParametersInCacheKeyAndForwardedToOrigin") {
        Some(parameters) => parameters.clone(),
        None => json!({
            "EnableAcceptEncodingGzip": false,
            "HeadersConfig": HEADERS.shown("none", &[]),
            "CookiesConfig": COOKIES.shown("none", &[]),
            "QueryStringsConfig": QUERY_STRINGS.shown("none", &[]),
        }),
    };
    put_encodings(&parameters, &mut document);
    let (word, names) = HEADERS.read(&parameters, "TooManyHeadersInCachePolicy")?;
    match word {
        "whitelist" => document.insert("headers".to_owned(), names.into()),
        _ => document.remove("headers"),
    };
    COOKIES.put(&parameters, &mut document, "TooManyCookiesInCachePolicy")?;
    QUERY_STRINGS.put(
        &parameters,
        &mut document,
        "TooManyQueryStringsInCachePolicy",
    )?;
    Ok(document)
}

/// Zstandard, which is not CloudFront's, goes with Brotli unless the document says otherwise.
fn put_encodings(parameters: &Value, document: &mut Map<String, Value>) {
    let flag = |member| parameters.get(member) == Some(&Value::Bool(true));
    let brotli = flag("EnableAcceptEncodingBrotli");
    if document.get("zstd") == document.get("brotli") {
        document.insert("zstd".to_owned(), brotli.into());
    }
    document.insert("brotli".to_owned(), brotli.into());
    let gzip = flag("EnableAcceptEncodingGzip");
    document.insert("gzip".to_owned(), gzip.into());
}

fn config(item: &Item) -> Result<Value, ApiError> {
    let read = policy_filters::read(item, ServiceKind::CachePolicy)?;
    let policy = read.cache_policies.first();
    let policy = policy.ok_or(OperationError::System("a document has no policy"))?;
    let document = &item.document;
    let names = document.get("headers").and_then(Value::as_array).cloned();
    let headers = match names.unwrap_or_default() {
        names if names.is_empty() => HEADERS.shown("none", &names),
        names => HEADERS.shown("whitelist", &names),
    };
    Ok(json!({
        "Comment": text(document, "comment"),
        "Name": policy.name,
        "MinTTL": policy.min_ttl.as_secs(),
        "DefaultTTL": policy.default_ttl.as_secs(),
        "MaxTTL": policy.max_ttl.as_secs(),
        "ParametersInCacheKeyAndForwardedToOrigin": {
            "EnableAcceptEncodingGzip": policy.gzip,
            "EnableAcceptEncodingBrotli": policy.brotli,
            "HeadersConfig": headers,
            "CookiesConfig": COOKIES.show(document),
            "QueryStringsConfig": QUERY_STRINGS.show(document),
        },
    }))
}

fn whole(item: &Item) -> Map<String, Value> {
    Map::from_iter([("LastModifiedTime".to_owned(), time(item.made_by.at))])
}

fn managed() -> Vec<Value> {
    CachePolicy::managed().iter().map(document_of).collect()
}

fn document_of(policy: &CachePolicy) -> Value {
    let headers = policy.headers.iter().map(|name| name.as_str());
    let mut document = json!({
        "id": policy.id,
        "name": policy.name,
        "min_ttl": policy.min_ttl.as_secs(),
        "default_ttl": policy.default_ttl.as_secs(),
        "max_ttl": policy.max_ttl.as_secs(),
        "gzip": policy.gzip,
        "brotli": policy.brotli,
        "zstd": policy.zstd,
        "headers": headers.collect::<Vec<&str>>(),
    });
    COOKIES.put_chosen(&mut document, &policy.cookies);
    QUERY_STRINGS.put_chosen(&mut document, &policy.query_strings);
    document
}
