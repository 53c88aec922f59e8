//! Tags of distributions of both kinds, by their ARNs.

use crate::cloudfront::api_error::ApiError;
use crate::cloudfront::call::{Call, Reply};
use crate::cloudfront::document_change::{change, distribution};
use crate::cloudfront::handled::Handled;
use crate::cloudfront::resource::text;
use crate::interface::Failure;
use crate::operator::{Admin, Read};
use privet_distribution::config::ServiceKind;
use serde_json::{Map, Value, json};

const KIND: &str = "tags";
/// Key of a document.
const TAGS: &str = "tags";

pub(super) fn handlers() -> [Handled; 3] {
    [
        Handled::new("ListTagsForResource", KIND, list),
        Handled::new("TagResource", KIND, tag),
        Handled::new("UntagResource", KIND, untag),
    ]
}

async fn list(call: Call<Read>) -> Result<Reply, ApiError> {
    let (kind, id) = resource(&call)?;
    let found = distribution(&call.operations, &call.operator, (kind, &id)).await;
    let item = found.map_err(of_resource)?;
    Ok(Reply::of(shown(&item.document)))
}

/// Returns the tags of a document.
pub(super) fn shown(document: &Value) -> Value {
    let tags = document.get(TAGS).and_then(Value::as_object);
    let tags = tags.into_iter().flatten();
    let tags = tags.map(|(key, value)| json!({ "Key": key, "Value": value }));
    json!({ "Items": tags.collect::<Vec<Value>>() })
}

/// Reads tags; a key that is there twice has no value.
pub(super) fn read(tags: &Value) -> Result<Map<String, Value>, ApiError> {
    let items = tags.get("Items").and_then(Value::as_array);
    let mut read = Map::new();
    for item in items.into_iter().flatten() {
        let (key, value) = (text(item, "Key"), text(item, "Value"));
        if read.insert(key.to_owned(), value.into()).is_some() {
            let message = format!("the tag {key:?} is there twice");
            return Err(ApiError::new("InvalidTagging", &message));
        }
    }
    Ok(read)
}

async fn tag(call: Call<Admin>) -> Result<Reply, ApiError> {
    let (kind, id) = resource(&call)?;
    let new = read(&call.input.body)?;
    let changed = change(&call, (kind, &id), |document| {
        let tags = document.entry(TAGS).or_insert_with(|| json!({}));
        if let Some(tags) = tags.as_object_mut() {
            tags.extend(new.clone());
        }
        Ok(())
    });
    changed.await.map_err(of_tags)?;
    Ok(Reply::default())
}

async fn untag(call: Call<Admin>) -> Result<Reply, ApiError> {
    let (kind, id) = resource(&call)?;
    let keys = call.input.body.get("Items").and_then(Value::as_array);
    let keys: Vec<&str> = keys
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let changed = change(&call, (kind, &id), |document| {
        let tags = document.get_mut(TAGS).and_then(Value::as_object_mut);
        if let Some(tags) = tags {
            tags.retain(|key, _| !keys.contains(&key.as_str()));
        }
        Ok(())
    });
    changed.await.map_err(of_tags)?;
    Ok(Reply::default())
}

/// Returns kind and id of what an ARN names.
fn resource<R>(call: &Call<R>) -> Result<(ServiceKind, String), ApiError> {
    let arn = call.query("Resource").unwrap_or_default();
    let fault = || ApiError::argument("Resource is not the ARN of a distribution");
    let path = arn
        .strip_prefix(&call.input.settings.arn(""))
        .ok_or_else(fault)?;
    let (kind, id) = path.split_once('/').ok_or_else(fault)?;
    let kind = match kind {
        "distribution" => ServiceKind::Distribution,
        "streaming-distribution" => ServiceKind::StreamingDistribution,
        _ => return Err(fault()),
    };
    match id.is_empty() {
        true => Err(fault()),
        false => Ok((kind, id.to_owned())),
    }
}

fn of_resource(error: ApiError) -> ApiError {
    match error.code() {
        "NoSuchDistribution" => error.with_code("NoSuchResource"),
        _ => error,
    }
}

/// Of a document that was sound before, only the tags can be at fault.
fn of_tags(error: ApiError) -> ApiError {
    match error.code() {
        "InvalidArgument" => error.with_code("InvalidTagging"),
        _ => of_resource(error),
    }
}
