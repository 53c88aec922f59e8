//! Monitoring subscriptions, which a distribution has as `realtime_metrics`.

use crate::cloudfront::api_error::ApiError;
use crate::cloudfront::call::{Call, Reply};
use crate::cloudfront::document_change::{change, distribution};
use crate::cloudfront::handled::Handled;
use crate::operator::{Admin, Read};
use privet_distribution::config::ServiceKind;
use serde_json::{Value, json};

const KIND: &str = "monitoring_subscription";
/// Key of a document.
const METRICS: &str = "realtime_metrics";
/// Place of the word in a subscription.
const STATUS: &str = "/RealtimeMetricsSubscriptionConfig/RealtimeMetricsSubscriptionStatus";

pub(super) fn handlers() -> [Handled; 3] {
    [
        Handled::new("CreateMonitoringSubscription", KIND, create),
        Handled::new("GetMonitoringSubscription", KIND, get),
        Handled::new("DeleteMonitoringSubscription", KIND, delete),
    ]
}

/// A subscription with another status replaces the one that is there: tools update by creating.
async fn create(call: Call<Admin>) -> Result<Reply, ApiError> {
    let status = call.input.body.pointer(STATUS).and_then(Value::as_str);
    let is_enabled = match status {
        Some(word) => word == "Enabled",
        None => {
            return Err(ApiError::argument(
                "RealtimeMetricsSubscriptionConfig is missing",
            ));
        }
    };
    let id = call.parameter("DistributionId");
    let wanted = Value::Bool(is_enabled);
    change(
        &call,
        (ServiceKind::Distribution, id),
        |document| match document.insert(METRICS.to_owned(), wanted.clone()) {
            Some(before) if before == wanted => Err(ApiError::new(
                "MonitoringSubscriptionAlreadyExists",
                "the distribution has this subscription already",
            )),
            Some(_) | None => Ok(()),
        },
    )
    .await?;
    Ok(Reply::of(shown(is_enabled)))
}

async fn get(call: Call<Read>) -> Result<Reply, ApiError> {
    let name = (ServiceKind::Distribution, call.parameter("DistributionId"));
    let item = distribution(&call.operations, &call.operator, name).await?;
    let is_enabled = item.document.get(METRICS).and_then(Value::as_bool);
    Ok(Reply::of(shown(is_enabled.ok_or_else(absent)?)))
}

async fn delete(call: Call<Admin>) -> Result<Reply, ApiError> {
    let name = (ServiceKind::Distribution, call.parameter("DistributionId"));
    change(&call, name, |document| {
        document.remove(METRICS).map(drop).ok_or_else(absent)
    })
    .await?;
    Ok(Reply::default())
}

fn absent() -> ApiError {
    ApiError::new(
        "NoSuchMonitoringSubscription",
        "the distribution has no monitoring subscription",
    )
}

fn shown(is_enabled: bool) -> Value {
    let word = if is_enabled { "Enabled" } else { "Disabled" };
    json!({
        "RealtimeMetricsSubscriptionConfig": { "RealtimeMetricsSubscriptionStatus": word },
    })
}
