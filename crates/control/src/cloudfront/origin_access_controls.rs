//! Origin access controls. An item may have keys of its own, which are not seen here and stay as they are.

use crate::cloudfront::api_error::ApiError;
use crate::cloudfront::resource::{
    Codes, Listing, Repeated, Resource, any_number, any_update, limited, none_managed, put_text,
    required, text, usual_id,
};
use crate::operations::Item;
use privet_distribution::config::ServiceKind;
use serde_json::{Map, Value, json};

pub(super) const RESOURCE: Resource = Resource {
    kind: ServiceKind::OriginAccessControl,
    name: "OriginAccessControl",
    plural: "OriginAccessControls",
    path: "/origin-access-control",
    codes: Codes {
        absent: "NoSuchOriginAccessControl",
        exists: "OriginAccessControlAlreadyExists",
        in_use: "OriginAccessControlInUse",
        too_many: "TooManyOriginAccessControls",
    },
    listing: Listing::Marked(summary),
    repeated: Repeated::Refused,
    document,
    check_limits: any_number,
    config,
    whole,
    check_update: any_update,
    id: usual_id,
    managed: none_managed,
};

fn document(
    config: &Value,
    mut document: Map<String, Value>,
) -> Result<Map<String, Value>, ApiError> {
    put_text(&mut document, "name", required(config, "Name", 64)?);
    let description = limited(text(config, "Description"), "Description", 256)?;
    put_text(&mut document, "description", description);
    // Words that the API has and the edge has nothing for.
    for (member, served) in [
        ("SigningProtocol", &["sigv4"][..]),
        ("OriginAccessControlOriginType", &["s3"]),
        ("SigningBehavior", &["always", "never", "no-override"]),
    ] {
        let word = text(config, member);
        if !served.contains(&word) {
            let served = served.join(", ");
            let message = format!("{member} {word} is not supported here; it may be {served}");
            return Err(ApiError::argument(&message));
        }
    }
    put_text(&mut document, "origin_type", "s3");
    put_text(&mut document, "signing", text(config, "SigningBehavior"));
    Ok(document)
}

fn config(item: &Item) -> Result<Value, ApiError> {
    let Item { id, document, .. } = item;
    let or = |key, usual| match text(document, key) {
        "" => usual,
        value => value,
    };
    Ok(json!({
        "Name": or("name", id.as_str()),
        "Description": text(document, "description"),
        "SigningProtocol": "sigv4",
        "SigningBehavior": or("signing", "always"),
        "OriginAccessControlOriginType": or("origin_type", "s3"),
    }))
}

fn whole(_item: &Item) -> Map<String, Value> {
    Map::new()
}

fn summary(item: &Item, config: &Value) -> Value {
    let mut config = config.clone();
    config["Id"] = item.id.clone().into();
    config
}
