//! Routes of edges, and of this one: its state, its cache and its origins.

use super::{Route, shown};
use crate::call::{Answer, Call};
use crate::operations::{ProbeRequest, ThisEdge};
use crate::operator::{Admin, Read};
use crate::problem::Problem;
use http::Method;
use privet_edge::{BucketDelivery, OriginPrivacy};
use privet_store::EdgeRecord;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::UNIX_EPOCH;

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/v1/edges", "edges.list", list),
        Route::new(Method::GET, "/v1/edges/{id}", "edges.get", get),
        Route::new(Method::DELETE, "/v1/edges/{id}", "edges.forget", forget).noted(),
        Route::new(Method::GET, "/v1/edge", "edge.get", this_edge),
        Route::new(Method::GET, "/v1/cache", "cache.get", cache),
        Route::new(
            Method::GET,
            "/v1/log-delivery",
            "log_delivery.get",
            log_delivery,
        ),
        Route::new(Method::GET, "/v1/origins", "origins.list", origins),
        Route::new(Method::POST, "/v1/origins/probe", "origins.probe", probe).noted(),
    ]
}

async fn list(mut call: Call<Read>) -> Result<Answer, Problem> {
    call.nothing()?;
    let edges = call.operations.edges(&call.operator).await?;
    Ok(shown::whole_list(edges, edge))
}

async fn get(mut call: Call<Read>) -> Result<Answer, Problem> {
    call.nothing()?;
    let found = call
        .operations
        .edge_by_id(&call.operator, call.parameter("id"))
        .await?;
    Ok(Answer::ok(edge(found)))
}

async fn forget(mut call: Call<Admin>) -> Result<Answer, Problem> {
    call.nothing()?;
    call.operations
        .forget_edge(&call.operator, call.parameter("id"))
        .await?;
    Ok(Answer::nothing())
}

async fn cache(mut call: Call<Read>) -> Result<Answer, Problem> {
    call.nothing()?;
    Ok(Answer::ok(call.operations.cache(&call.operator)?))
}

async fn log_delivery(mut call: Call<Read>) -> Result<Answer, Problem> {
    call.nothing()?;
    let facts = call.operations.log_delivery(&call.operator)?;
    let buckets: Vec<Value> = facts.buckets.iter().map(bucket_delivery).collect();
    Ok(Answer::ok(json!({
        "waiting_files": facts.buckets.iter().map(|bucket| bucket.files).sum::<usize>(),
        "waiting_size_bytes": facts.size_bytes,
        "delivered_files": facts.delivered_files,
        "dropped_files": facts.dropped.files,
        "dropped_records": facts.dropped.records,
        "buckets": buckets,
    })))
}

fn bucket_delivery(bucket: &BucketDelivery) -> Value {
    let fault = bucket.fault.as_ref().map(|(fault, at)| {
        let at = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let at = i64::try_from(at.as_secs()).unwrap_or_default();
        json!({ "kind": fault.kind, "text": fault.text, "at": shown::time(at) })
    });
    json!({
        "bucket": bucket.bucket,
        "waiting_files": bucket.files,
        "waiting_size_bytes": bucket.size_bytes,
        "oldest_age_seconds": bucket.oldest_age.as_secs(),
        "fault": fault,
    })
}

async fn this_edge(mut call: Call<Read>) -> Result<Answer, Problem> {
    call.nothing()?;
    let (follows, state) = match call.operations.this_edge(&call.operator).await? {
        ThisEdge::OfFile => ("file", None),
        ThisEdge::Following(state) => ("store", state),
    };
    let state = state.as_deref();
    let heard_at = state.and_then(|state| state.heard_at);
    Ok(Answer::ok(json!({
        "follows": follows,
        "id": state.map(|state| &state.edge_id),
        "applied_seq": state.map(|state| state.applied),
        "heard_at": heard_at.map(shown::time),
        "fault": state.and_then(|state| state.fault.as_ref()),
        "stale": state.is_some_and(|state| state.is_stale),
        "put_back": state.and_then(|state| state.put_back),
        "failures": state.map_or(&[][..], |state| &state.failures[..]),
        "failures_count": state.map_or(0, |state| state.failures_count),
    })))
}

async fn origins(mut call: Call<Read>) -> Result<Answer, Problem> {
    call.nothing()?;
    let origins = call.operations.origins(&call.operator)?;
    Ok(origins_of(origins))
}

/// The body of `POST /v1/origins/probe`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with objects and write")]
struct ProbeForm {
    #[serde(default)]
    objects: Vec<String>,
    #[serde(default)]
    write: bool,
}

async fn probe(mut call: Call<Admin>) -> Result<Answer, Problem> {
    call.end_query()?;
    let ProbeForm { objects, write } = call.form()?;
    let request = ProbeRequest { objects, write };
    let origins = call.operations.probe(&call.operator, &request).await?;
    Ok(origins_of(origins))
}

fn origins_of(origins: Vec<OriginPrivacy>) -> Answer {
    shown::whole_list(origins, |origin| origin.to_json())
}

fn edge(record: EdgeRecord) -> Value {
    let EdgeRecord { report, seen_at } = record;
    json!({
        "id": report.id,
        "name": report.name,
        "version": report.version,
        "applied_seq": report.applied_seq,
        "state": report.state,
        "seen_at": shown::time(seen_at.seconds()),
    })
}
