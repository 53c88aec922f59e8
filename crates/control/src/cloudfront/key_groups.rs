//! Key groups.

use crate::cloudfront::api_error::ApiError;
use crate::cloudfront::call::time;
use crate::cloudfront::resource::{
    Codes, Listing, Repeated, Resource, any_update, limited, none_managed, put_text, required,
    text, uuid,
};
use crate::operations::Item;
use privet_distribution::config::{ApiLimits, ServiceKind};
use serde_json::{Map, Value, json};

pub(super) const RESOURCE: Resource = Resource {
    kind: ServiceKind::KeyGroup,
    name: "KeyGroup",
    plural: "KeyGroups",
    path: "/key-group",
    codes: Codes {
        absent: "NoSuchResource",
        exists: "KeyGroupAlreadyExists",
        in_use: "ResourceInUse",
        too_many: "TooManyKeyGroups",
    },
    listing: Listing::Plain(summary),
    repeated: Repeated::Refused,
    document,
    check_limits,
    config,
    whole,
    check_update: any_update,
    id: uuid,
    managed: none_managed,
};

fn document(
    config: &Value,
    mut document: Map<String, Value>,
) -> Result<Map<String, Value>, ApiError> {
    put_text(&mut document, "name", required(config, "Name", 128)?);
    let comment = limited(text(config, "Comment"), "Comment", 128)?;
    put_text(&mut document, "comment", comment);
    let keys = config["Items"].as_array().cloned().unwrap_or_default();
    if keys.is_empty() {
        return Err(ApiError::argument(
            "Items is empty; a group has a public key",
        ));
    }
    document.insert("public_keys".to_owned(), keys.into());
    Ok(document)
}

fn check_limits(config: &Value, limits: &ApiLimits) -> Result<(), ApiError> {
    let most = limits.public_keys_per_group_max;
    match config["Items"].as_array().map_or(0, Vec::len) > most {
        true => {
            let message = format!("a group has at most {most} public keys");
            Err(ApiError::new("TooManyPublicKeysInKeyGroup", &message))
        }
        false => Ok(()),
    }
}

fn config(item: &Item) -> Result<Value, ApiError> {
    let Item { id, document, .. } = item;
    let name = match text(document, "name") {
        "" => id,
        name => name,
    };
    let mut config = json!({ "Name": name, "Items": document["public_keys"] });
    if let Some(comment) = document.get("comment") {
        config["Comment"] = comment.clone();
    }
    Ok(config)
}

fn whole(item: &Item) -> Map<String, Value> {
    Map::from_iter([("LastModifiedTime".to_owned(), time(item.made_by.at))])
}

fn summary(item: &Item, config: &Value) -> Value {
    let mut group = whole(item);
    group.insert("Id".to_owned(), item.id.clone().into());
    group.insert("KeyGroupConfig".to_owned(), config.clone());
    json!({ "KeyGroup": group })
}
