//! Routes of the audit trail, and of how far a change has come.

use super::{Route, shown};
use crate::call::{Answer, Call};
use crate::operations::AuditQuery;
use crate::operator::{Admin, Read};
use crate::problem::Problem;
use crate::query::QueryFault;
use crate::request_error::RequestError;
use http::Method;
use privet_store::{AuditFilter, AuditRecord, AuditVerdict, Outcome, Timestamp};
use serde_json::{Value, json};

pub(super) fn routes() -> Vec<Route> {
    vec![
        Route::new(Method::GET, "/v1/changes", "changes.list", list).noted(),
        Route::new(Method::GET, "/v1/changes/verify", "changes.verify", verify).noted(),
        Route::new(Method::GET, "/v1/changes/{seq}", "changes.get", get).noted(),
        Route::new(
            Method::GET,
            "/v1/applied/{change}",
            "changes.applied",
            applied,
        ),
    ]
}

async fn list(mut call: Call<Admin>) -> Result<Answer, Problem> {
    call.no_body()?;
    let page = call.page_beside_others()?;
    let query = AuditQuery {
        filter: filter(&mut call)?,
    };
    call.end_query()?;
    let listed = call
        .operations
        .audit_entries(&call.operator, &query, &page)
        .await?;
    Ok(shown::listed(listed, entry))
}

fn filter(call: &mut Call<Admin>) -> Result<AuditFilter, Problem> {
    let query = &mut call.input.query;
    let outcome = query.take("outcome").map(|word| {
        let rule = "is not done, refused or failed";
        let fault = QueryFault::Value {
            name: "outcome",
            rule,
        };
        Outcome::parse(&word).ok_or(RequestError::from(fault))
    });
    let mut time = |name: &'static str| -> Result<Option<Timestamp>, RequestError> {
        let rule = "is not a time such as 2030-01-01T18:00:00Z";
        let at = query.take(name).map(|text| text.parse::<jiff::Timestamp>());
        let at = at
            .transpose()
            .map_err(|_| QueryFault::Value { name, rule })?;
        Ok(at.map(|at| Timestamp::from_seconds(at.as_second())))
    };
    let (from, to) = (time("from")?, time("to")?);
    Ok(AuditFilter {
        operator: query.take("operator"),
        kind: query.take("kind"),
        id: query.take("id"),
        operation: query.take("operation"),
        outcome: outcome.transpose()?,
        from,
        to,
        before_seq: None,
    })
}

async fn get(mut call: Call<Admin>) -> Result<Answer, Problem> {
    call.nothing()?;
    let found = call
        .operations
        .audit_entry(&call.operator, call.number("seq")?)
        .await?;
    Ok(Answer::ok(entry(found)))
}

async fn verify(mut call: Call<Admin>) -> Result<Answer, Problem> {
    call.nothing()?;
    let verdict = call.operations.verify_audit(&call.operator).await?;
    Ok(Answer::ok(verdict_of(verdict)))
}

fn verdict_of(verdict: AuditVerdict) -> Value {
    match verdict {
        AuditVerdict::Whole { entries, head } => {
            json!({ "whole": true, "entries": entries, "head": head })
        }
        AuditVerdict::Broken { seq, reason } => {
            json!({ "whole": false, "seq": seq, "reason": reason })
        }
    }
}

async fn applied(mut call: Call<Read>) -> Result<Answer, Problem> {
    call.nothing()?;
    let applied = call
        .operations
        .applied(&call.operator, call.number("change")?)
        .await?;
    Ok(Answer::ok(shown::applied(applied)))
}

fn entry(record: AuditRecord) -> Value {
    let AuditRecord { seq, entry, hash } = record;
    json!({
        "seq": seq,
        "at": shown::time(entry.at.seconds()),
        "operator": entry.actor.operator,
        "how": entry.actor.how,
        "address": entry.actor.address,
        "request_id": entry.actor.request_id,
        "operation": entry.operation,
        "outcome": entry.outcome.as_str(),
        "document": entry.document.as_ref().map(shown::name),
        "before": entry.before,
        "after": entry.after,
        "detail": entry.detail,
        "hash": hash,
    })
}
