//! Routes of invalidations, explanations, jobs, and the description of them all.

use super::{Route, shown};
use crate::call::{Answer, Call};
use crate::operation_error::OperationError;
use crate::operations::{ExplainRequest, InvalidationRequest, Item};
use crate::operator::{Admin, Publish, Read};
use crate::problem::Problem;
use http::{Method, StatusCode};
use privet_distribution::config::{ServiceItem, ServiceKind};
use privet_sign::{Explanation, LinkMark, Outcome, Verdict};
use serde::Deserialize;
use serde_json::{Value, json};
use std::net::IpAddr;

/// Description of the interface (OpenAPI 3.1).
pub(crate) const OPENAPI: &str = include_str!("../../openapi.json");

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/v1/invalidations", "invalidations.list", list),
        Route::new(
            Method::POST,
            "/v1/invalidations",
            "invalidations.create",
            create,
        ),
        Route::new(
            Method::GET,
            "/v1/invalidations/{id}",
            "invalidations.get",
            get,
        ),
        Route::new(Method::POST, "/v1/explain", "explain", explain).noted(),
        Route::new(Method::GET, "/v1/jobs", "jobs.list", list_jobs),
        Route::new(Method::POST, "/v1/jobs", "jobs.create", create_job).noted(),
        Route::new(Method::GET, "/v1/jobs/{id}", "jobs.get", get_job),
        Route::new(Method::DELETE, "/v1/jobs/{id}", "jobs.cancel", cancel_job).noted(),
        Route::new(Method::GET, "/v1/openapi.json", "openapi", openapi),
    ]
}

async fn list(mut call: Call<Read>) -> Result<Answer, Problem> {
    call.no_body()?;
    let page = call.page()?;
    let listed = call.operations.invalidations(&call.operator, &page).await?;
    Ok(shown::listed(listed, invalidation))
}

async fn create(mut call: Call<Publish>) -> Result<Answer, Problem> {
    let change = call.creation()?;
    let request: InvalidationRequest = call.form()?;
    let made = call
        .operations
        .invalidate(&call.operator, request, &change)
        .await?;
    let Some(made) = made else {
        return Ok(Answer::ok(
            json!({ "dry_run": true, "diff": [], "cut_off": [] }),
        ));
    };
    let location = format!("/v1/invalidations/{}", shown::encoded(&made.id));
    Ok(Answer::created(invalidation(made), location))
}

async fn get(mut call: Call<Read>) -> Result<Answer, Problem> {
    call.nothing()?;
    let id = call.parameter("id");
    let found = call.operations.invalidation(&call.operator, id).await?;
    Ok(Answer::ok(invalidation(found)))
}

/// Returns an invalidation; it is completed once all edges have it in force.
fn invalidation(item: Item) -> Value {
    let is_completed = item
        .applied
        .is_none_or(|applied| applied.edges == applied.of);
    let mut shown = shown::item(item);
    shown["status"] = if is_completed {
        "completed"
    } else {
        "in_progress"
    }
    .into();
    shown
}

/// The body of `POST /v1/explain`.
#[derive(Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with link, cookies, at and address"
)]
struct ExplainForm {
    link: String,
    cookies: Option<String>,
    at: Option<jiff::Timestamp>,
    address: Option<IpAddr>,
}

async fn explain(mut call: Call<Read>) -> Result<Answer, Problem> {
    call.end_query()?;
    let form: ExplainForm = call.form()?;
    let at = form.at.map(|at| u64::try_from(at.as_second()));
    let request = ExplainRequest {
        link: form.link,
        cookies: form.cookies,
        at: at
            .transpose()
            .map_err(|_| OperationError::invalid("at", "is before 1970"))?,
        address: form.address,
    };
    let explanation = call.operations.explain(&call.operator, &request).await?;
    Ok(Answer::ok(explanation_of(&explanation)))
}

fn explanation_of(explanation: &Explanation) -> Value {
    let (verdict, reason) = match &explanation.verdict {
        Verdict::Opens => ("opens", None),
        Verdict::Refused(code) => ("refused", Some(code.code().to_owned())),
        Verdict::CannotTell(reason) => ("cannot_tell", Some(reason.clone())),
    };
    let checks = explanation.checks.iter().map(|check| {
        let outcome = match check.outcome {
            Outcome::Passed => "passed",
            Outcome::Failed => "failed",
            Outcome::Unknown => "unknown",
            Outcome::Skipped => "skipped",
        };
        json!({
            "name": check.name, "outcome": outcome, "expected": check.expected, "found": check.found,
        })
    });
    json!({
        "verdict": verdict,
        "reason": reason,
        "checks": checks.collect::<Vec<Value>>(),
        "hints": explanation.hints,
        "policy": explanation.policy_text,
        "link_id": explanation.link_id.map(|id| id.to_string()),
        "mark": explanation.link_mark.as_ref().map(mark_of),
    })
}

/// Shows the mark of a link. Its nonce is left out, since the policy has it already.
fn mark_of(mark: &LinkMark) -> Value {
    json!({
        "limited_id": mark.limited.map(|limited| limited.id.to_string()),
        "made": mark.made.map(|made| made.to_utc()),
        "subject_digest": mark.subject.map(|subject| subject.to_string()),
    })
}

/// The body of `POST /v1/jobs`: items to be imported.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with operation and items")]
struct JobForm {
    operation: String,
    items: Vec<ItemForm>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with kind and document")]
struct ItemForm {
    kind: String,
    document: Value,
}

async fn create_job(mut call: Call<Admin>) -> Result<Answer, Problem> {
    let mode = call.trial()?;
    let form: JobForm = call.form()?;
    if form.operation != "import" {
        return Err(OperationError::invalid("operation", "is not import").into());
    }
    let items = form.items.into_iter().enumerate();
    let items: Vec<ServiceItem> = items.map(item).collect::<Result<_, _>>()?;
    let job = call
        .operations
        .begin_import(&call.operator, items, mode)
        .await?;
    let location = format!("/v1/jobs/{}", job.id);
    Ok(Answer {
        status: StatusCode::ACCEPTED,
        ..Answer::created(shown::job(job), location)
    })
}

fn item((index, form): (usize, ItemForm)) -> Result<ServiceItem, OperationError> {
    let kind: ServiceKind = form.kind.parse().map_err(|_| {
        OperationError::invalid(format!("items[{index}].kind"), "is not the kind of an item")
    })?;
    let id = form.document.get(kind.id_key()).and_then(Value::as_str);
    let field = format!("items[{index}].document.{}", kind.id_key());
    let id = id.ok_or_else(|| OperationError::invalid(field, "is missing"))?;
    Ok(ServiceItem {
        kind,
        id: id.to_owned(),
        value: form.document,
    })
}

async fn list_jobs(mut call: Call<Admin>) -> Result<Answer, Problem> {
    call.nothing()?;
    let jobs = call.operations.jobs(&call.operator);
    Ok(shown::whole_list(jobs, shown::job))
}

async fn get_job(mut call: Call<Admin>) -> Result<Answer, Problem> {
    call.nothing()?;
    let job = call.operations.job(&call.operator, call.parameter("id"))?;
    Ok(Answer::ok(shown::job(job)))
}

async fn cancel_job(mut call: Call<Admin>) -> Result<Answer, Problem> {
    call.nothing()?;
    let job = call
        .operations
        .cancel_job(&call.operator, call.parameter("id"))?;
    Ok(Answer::ok(shown::job(job)))
}

async fn openapi(mut call: Call<Read>) -> Result<Answer, Problem> {
    call.nothing()?;
    let description = serde_json::from_str(OPENAPI);
    Ok(Answer::ok(description.map_err(|_| {
        OperationError::System("the description is not JSON")
    })?))
}
