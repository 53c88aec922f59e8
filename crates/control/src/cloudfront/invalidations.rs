//! Invalidations.

use crate::cloudfront::api_error::ApiError;
use crate::cloudfront::call::{Call, Page, Reply, time};
use crate::cloudfront::document_change::{distribution, of_distribution};
use crate::cloudfront::handled::Handled;
use crate::cloudfront::resource::{required, text};
use crate::operation_error::{Fault, OperationError};
use crate::operations::{ChangeRequest, InvalidationRequest, Item, PageRequest};
use crate::operator::{Publish, Read};
use privet_distribution::config::ServiceKind;
use privet_store::StoreError;
use serde_json::{Value, json};

const KIND: &str = "invalidation";
/// Message of paths that none can be, as CloudFront's.
const INVALID_PATHS: &str = "Your request contains one or more invalid invalidation paths.";
/// Invalidations that are read at a time.
const READ_AT_ONCE: u32 = 200;

pub(super) fn handlers() -> [Handled; 3] {
    [
        Handled::new("CreateInvalidation", KIND, create),
        Handled::new("GetInvalidation", KIND, get),
        Handled::new("ListInvalidations", KIND, list),
    ]
}

async fn create(call: Call<Publish>) -> Result<Reply, ApiError> {
    let batch = &call.input.body;
    let reference = required(batch, "CallerReference", 128)?;
    let paths = paths(batch);
    if paths.is_empty() {
        return Err(ApiError::argument("Paths is empty"));
    }
    let distribution = call.parameter("DistributionId");
    let request = InvalidationRequest {
        distribution: distribution.to_owned(),
        paths: paths.clone(),
        tags: Vec::new(),
        caller_reference: Some(reference.to_owned()),
    };
    let change = ChangeRequest::default();
    let made = call
        .operations
        .invalidate(&call.operator, request, &change)
        .await;
    let item = match made {
        Ok(Some(item)) => item,
        Ok(None) => return Err(ApiError::new("InternalError", "it was only tried")),
        // The reference is that of an earlier one.
        Err(OperationError::Store(StoreError::Claimed { by, .. })) if by.kind == KIND => {
            earlier(&call, &by.id, &paths).await?
        }
        Err(OperationError::Invalid(faults)) => return Err(invalid_path(&faults)),
        Err(error) => return Err(of_distribution(error)),
    };
    let path = format!("/distribution/{distribution}/invalidation/{}", item.id);
    Ok(Reply {
        location: Some(call.location(&path)),
        ..Reply::of(shown(&item, Some(reference)))
    })
}

/// Returns the error of a path, such as one with a blank: paths are percent-encoded by the client (developer guide,
/// "Specifying the files to invalidate").
fn invalid_path(faults: &[Fault]) -> ApiError {
    let first = faults.first();
    let reason = first.map(|fault| format!(" {} {}", fault.field, fault.message));
    ApiError::argument(&format!("{INVALID_PATHS}{}", reason.unwrap_or_default()))
}

/// Returns an earlier invalidation with the same reference, if it is of the same paths.
async fn earlier(call: &Call<Publish>, id: &str, paths: &[String]) -> Result<Item, ApiError> {
    let reader = call.operator.reader();
    let item = call.operations.invalidation(&reader, id).await?;
    let mut before = texts(&item.document["paths"]);
    let mut now = paths.to_vec();
    before.sort();
    now.sort();
    match before == now {
        true => Ok(item),
        false => Err(ApiError::new(
            "InvalidationBatchAlreadyExists",
            &format!("the invalidation {id} has this CallerReference and other paths"),
        )),
    }
}

async fn get(call: Call<Read>) -> Result<Reply, ApiError> {
    let of = call.parameter("DistributionId");
    let name = (ServiceKind::Distribution, of);
    distribution(&call.operations, &call.operator, name).await?;
    let id = call.parameter("Id");
    let absent = || {
        ApiError::new(
            "NoSuchInvalidation",
            &format!("there is no invalidation {id:?}"),
        )
    };
    let item = match call.operations.invalidation(&call.operator, id).await {
        Ok(item) => item,
        Err(OperationError::NotFound { .. }) => return Err(absent()),
        Err(error) => return Err(error.into()),
    };
    match text(&item.document, "distribution") == of {
        true => Ok(Reply::of(shown(&item, None))),
        false => Err(absent()),
    }
}

async fn list(call: Call<Read>) -> Result<Reply, ApiError> {
    let Page { marker, max_items } = call.page()?;
    let of = call.parameter("DistributionId");
    let name = (ServiceKind::Distribution, of);
    distribution(&call.operations, &call.operator, name).await?;
    let mut items = Vec::new();
    let mut page = PageRequest {
        after: marker.clone(),
        limit: READ_AT_ONCE,
    };
    while items.len() <= max_items {
        let listed = call.operations.invalidations(&call.operator, &page).await?;
        let of_distribution = |item: &Item| text(&item.document, "distribution") == of;
        items.extend(listed.items.into_iter().filter(of_distribution));
        if listed.next.is_none() {
            break;
        }
        page.after = listed.next;
    }
    let is_truncated = items.len() > max_items;
    items.truncate(max_items);
    let next = items
        .last()
        .filter(|_| is_truncated)
        .map(|item| item.id.clone());
    let rows = items.iter().map(|item| {
        json!({ "Id": item.id, "CreateTime": time(item.created_at), "Status": status(item) })
    });
    Ok(Reply::of(json!({
        "Marker": marker.unwrap_or_default(),
        "NextMarker": next,
        "MaxItems": max_items,
        "IsTruncated": is_truncated,
        "Items": rows.collect::<Vec<Value>>(),
    })))
}

/// Returns an invalidation; one that was made elsewhere has its id as its reference.
fn shown(item: &Item, reference: Option<&str>) -> Value {
    let stored = item
        .document
        .get("caller_reference")
        .and_then(Value::as_str);
    let reference = stored.or(reference).unwrap_or(&item.id);
    json!({
        "Id": item.id,
        "Status": status(item),
        "CreateTime": time(item.created_at),
        "InvalidationBatch": {
            "Paths": { "Items": item.document["paths"] },
            "CallerReference": reference,
        },
    })
}

/// Returns the state, which waiters compare letter by letter: it is completed once all connected edges have it in
/// force.
fn status(item: &Item) -> &'static str {
    let is_completed = item.applied.is_none_or(|applied| applied.awaited == 0);
    match is_completed {
        true => "Completed",
        false => "InProgress",
    }
}

fn paths(batch: &Value) -> Vec<String> {
    let items = batch.get("Paths").and_then(|paths| paths.get("Items"));
    texts(items.unwrap_or(&Value::Null))
}

fn texts(value: &Value) -> Vec<String> {
    let items = value.as_array().into_iter().flatten();
    items.filter_map(Value::as_str).map(str::to_owned).collect()
}
