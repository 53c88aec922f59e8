//! Routes of edges and of the cache of this one.

use super::{Route, shown};
use crate::call::{Answer, Call};
use crate::operator::{Admin, Read};
use crate::problem::Problem;
use http::Method;
use privet_store::EdgeRecord;
use serde_json::{Value, json};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/v1/edges", "edges.list", list),
        Route::new(Method::GET, "/v1/edges/{id}", "edges.get", get),
        Route::new(Method::DELETE, "/v1/edges/{id}", "edges.forget", forget).noted(),
        Route::new(Method::GET, "/v1/cache", "cache.get", cache),
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
