//! Public keys.

use crate::cloudfront::api_error::ApiError;
use crate::cloudfront::call::time;
use crate::cloudfront::resource::{
    Codes, Listing, Repeated, Resource, any_number, limited, none_managed, put_text, required,
    text, usual_id,
};
use crate::operations::Item;
use privet_distribution::config::ServiceKind;
use serde_json::{Map, Value, json};

pub(super) const RESOURCE: Resource = Resource {
    kind: ServiceKind::PublicKey,
    name: "PublicKey",
    plural: "PublicKeys",
    path: "/public-key",
    codes: Codes {
        absent: "NoSuchPublicKey",
        exists: "PublicKeyAlreadyExists",
        in_use: "PublicKeyInUse",
        too_many: "TooManyPublicKeys",
    },
    listing: Listing::Plain(summary),
    repeated: Repeated::Refused,
    document,
    check_limits: any_number,
    config,
    whole,
    check_update,
    id: usual_id,
    managed: none_managed,
};

/// Only the comment can be changed (API reference, `UpdatePublicKey`), so that an update leaves the rest as it is.
fn document(
    config: &Value,
    mut document: Map<String, Value>,
) -> Result<Map<String, Value>, ApiError> {
    if document.is_empty() {
        let reference = required(config, "CallerReference", 128)?;
        put_text(&mut document, "caller_reference", reference);
        put_text(&mut document, "name", required(config, "Name", 128)?);
        // The text is kept as it is, with its last line end.
        put_text(&mut document, "pem", required(config, "EncodedKey", 8192)?);
    }
    if document.contains_key("file") {
        // The text of a file is only shown.
        document.remove("pem");
    }
    let comment = limited(text(config, "Comment"), "Comment", 128)?;
    put_text(&mut document, "comment", comment);
    Ok(document)
}

fn config(item: &Item) -> Result<Value, ApiError> {
    let Item { id, document, .. } = item;
    let or_id = |key| match text(document, key) {
        "" => id,
        value => value,
    };
    Ok(json!({
        "CallerReference": or_id("caller_reference"),
        "Name": or_id("name"),
        "EncodedKey": text(document, "pem"),
        "Comment": text(document, "comment"),
    }))
}

fn whole(item: &Item) -> Map<String, Value> {
    Map::from_iter([("CreatedTime".to_owned(), time(item.created_at))])
}

fn summary(item: &Item, config: &Value) -> Value {
    json!({
        "Id": item.id,
        "Name": config["Name"],
        "CreatedTime": time(item.created_at),
        "EncodedKey": config["EncodedKey"],
        "Comment": config["Comment"],
    })
}

fn check_update(before: &Value, after: &Value) -> Result<(), ApiError> {
    for key in ["CallerReference", "Name", "EncodedKey"] {
        if text(before, key) != text(after, key) {
            let message = format!("{key} cannot be changed");
            return Err(ApiError::new(
                "CannotChangeImmutablePublicKeyFields",
                &message,
            ));
        }
    }
    Ok(())
}
