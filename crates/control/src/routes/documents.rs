//! Routes of what is served: one collection for each kind of item.

use super::{Route, shown};
use crate::call::{Answer, Call};
use crate::collection::{COLLECTIONS, Collection};
use crate::operations::{Outcome, Switch};
use crate::operator::{Admin, Read};
use crate::problem::Problem;
use http::{Method, StatusCode};
use privet_distribution::config::ServiceKind;
use serde::Deserialize;
use serde_json::Value;

pub(super) fn routes() -> Vec<Route> {
    let mut routes = Vec::new();
    for collection in COLLECTIONS {
        routes.extend(reading(collection));
        routes.extend(writing(collection));
        if collection.kind.is_distribution() {
            routes.extend(switching(collection));
        }
    }
    routes
}

fn reading(collection: Collection) -> [Route; 4] {
    let Collection { kind, path, .. } = collection;
    [
        Route::new(
            Method::GET,
            path,
            collection.operation("list"),
            move |call| list(call, kind),
        ),
        Route::new(
            Method::GET,
            collection.at("/{id}"),
            collection.operation("get"),
            move |call| get(call, kind),
        ),
        Route::new(
            Method::GET,
            collection.at("/{id}/versions"),
            collection.operation("list_versions"),
            move |call| list_versions(call, kind),
        ),
        Route::new(
            Method::GET,
            collection.at("/{id}/versions/{version}"),
            collection.operation("get_version"),
            move |call| get_version(call, kind),
        ),
    ]
}

fn writing(collection: Collection) -> [Route; 4] {
    [
        Route::new(
            Method::POST,
            collection.path,
            collection.operation("create"),
            move |call| create(call, collection),
        ),
        Route::new(
            Method::PUT,
            collection.at("/{id}"),
            collection.operation("update"),
            move |call| update(call, collection),
        ),
        Route::new(
            Method::DELETE,
            collection.at("/{id}"),
            collection.operation("delete"),
            move |call| delete(call, collection),
        ),
        Route::new(
            Method::POST,
            collection.at("/{id}/restore"),
            collection.operation("restore"),
            move |call| restore(call, collection),
        ),
    ]
}

fn switching(collection: Collection) -> [Route; 2] {
    let route = |switch, verb: &str| {
        Route::new(
            Method::POST,
            collection.at(&format!("/{{id}}/{verb}")),
            collection.operation(verb),
            move |call| self::switch(call, collection, switch),
        )
    };
    [
        route(Switch::Enable, "enable"),
        route(Switch::Disable, "disable"),
    ]
}

async fn list(mut call: Call<Read>, kind: ServiceKind) -> Result<Answer, Problem> {
    call.no_body()?;
    let page = call.page()?;
    let listed = call.operations.list(&call.operator, kind, &page).await?;
    Ok(shown::listed(listed, shown::item))
}

async fn get(mut call: Call<Read>, kind: ServiceKind) -> Result<Answer, Problem> {
    call.nothing()?;
    let item = call
        .operations
        .item(&call.operator, kind, call.parameter("id"))
        .await?;
    let etag = Some(item.etag.clone());
    Ok(Answer::ok(shown::item(item)).with_etag(etag))
}

async fn list_versions(mut call: Call<Read>, kind: ServiceKind) -> Result<Answer, Problem> {
    call.no_body()?;
    let page = call.page()?;
    let id = call.parameter("id");
    let versions = call
        .operations
        .versions(&call.operator, kind, id, &page)
        .await?;
    Ok(shown::listed(versions, |version| shown::version(&version)))
}

async fn get_version(mut call: Call<Read>, kind: ServiceKind) -> Result<Answer, Problem> {
    call.nothing()?;
    let (id, number) = (call.parameter("id"), call.number("version")?);
    let version = call
        .operations
        .version(&call.operator, kind, id, number)
        .await?;
    Ok(Answer::ok(shown::version(&version)))
}

async fn create(mut call: Call<Admin>, collection: Collection) -> Result<Answer, Problem> {
    let request = call.creation()?;
    let document = document(call.json()?);
    let Collection { kind, path, .. } = collection;
    let outcome = call
        .operations
        .create(&call.operator, kind, document, &request)
        .await?;
    let created = match &outcome {
        Outcome::Changed(changed) => Some(format!("{path}/{}", shown::encoded(&changed.id))),
        Outcome::Tried(_) => None,
    };
    let answer = shown::outcome(outcome, path);
    Ok(match created {
        None => answer,
        Some(location) => Answer {
            status: StatusCode::CREATED,
            location: Some(location),
            ..answer
        },
    })
}

async fn update(mut call: Call<Admin>, collection: Collection) -> Result<Answer, Problem> {
    let request = call.change()?;
    let document = document(call.json()?);
    let name = (collection.kind, call.parameter("id"));
    let outcome = call
        .operations
        .update(&call.operator, name, document, &request)
        .await?;
    Ok(shown::outcome(outcome, collection.path))
}

async fn delete(mut call: Call<Admin>, collection: Collection) -> Result<Answer, Problem> {
    call.no_body()?;
    let request = call.change()?;
    let name = (collection.kind, call.parameter("id"));
    let outcome = call
        .operations
        .delete(&call.operator, name, &request)
        .await?;
    Ok(shown::outcome(outcome, collection.path))
}

/// The body of a restore.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with version")]
pub(super) struct RestoreRequest {
    pub(super) version: u64,
}

async fn restore(mut call: Call<Admin>, collection: Collection) -> Result<Answer, Problem> {
    let request = call.change()?;
    let RestoreRequest { version } = call.form()?;
    let name = (collection.kind, call.parameter("id"));
    let outcome = call
        .operations
        .restore(&call.operator, name, version, &request)
        .await?;
    Ok(shown::outcome(outcome, collection.path))
}

async fn switch(
    mut call: Call<Admin>,
    collection: Collection,
    switch: Switch,
) -> Result<Answer, Problem> {
    call.no_body()?;
    let request = call.change()?;
    let name = (collection.kind, call.parameter("id"));
    let outcome = call
        .operations
        .switch(&call.operator, name, switch, &request)
        .await?;
    Ok(shown::outcome(outcome, collection.path))
}

/// Returns the document of a body: the body itself, or the member `document` of an item as it was read.
pub(super) fn document(mut body: Value) -> Value {
    let item = body.as_object_mut().filter(|item| item.len() == 1);
    match item.and_then(|item| item.remove("document")) {
        Some(document) => document,
        None => body,
    }
}
