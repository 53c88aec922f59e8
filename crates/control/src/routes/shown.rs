//! The JSON of what operations return.

use crate::call::Answer;
use crate::operation_error::OperationError;
use crate::operations::{
    Applied, Changed, Item, ItemVersion, Job, JobState, Listed, MadeBy, Outcome, Undo,
};
use crate::problem::Problem;
use jiff::Timestamp;
use privet_store::DocumentName;
use serde_json::{Value, json};

/// Returns a time as ISO 8601 in UTC; a time that no calendar has as `null`.
pub(super) fn time(seconds: i64) -> Value {
    Timestamp::from_second(seconds).map_or(Value::Null, |at| at.to_string().into())
}

pub(super) fn listed<T>(listed: Listed<T>, show: impl Fn(T) -> Value) -> Answer {
    let items: Vec<Value> = listed.items.into_iter().map(show).collect();
    Answer::ok(json!({ "items": items, "next": listed.next }))
}

/// Returns a list that is always whole.
pub(super) fn whole_list<T>(items: Vec<T>, show: impl Fn(T) -> Value) -> Answer {
    listed(Listed { items, next: None }, show)
}

pub(super) fn item(item: Item) -> Value {
    let mut shown = json!({
        "id": item.id,
        "etag": item.etag,
        "version": item.version,
        "made_by": made_by(&item.made_by),
        "document": item.document,
        "applied": item.applied.map(applied),
    });
    if let Some(users) = item.used_by {
        shown["used_by"] = users.iter().map(name).collect();
    }
    shown
}

pub(super) fn version(version: &ItemVersion) -> Value {
    json!({
        "version": version.version,
        "etag": version.etag,
        "made_by": made_by(&version.made_by),
        "operation": version.operation,
        "document": version.document,
    })
}

pub(super) fn applied(applied: Applied) -> Value {
    json!({
        "edges": applied.edges,
        "of": applied.of,
        "at": applied.at.map(time),
    })
}

pub(super) fn name(name: &DocumentName) -> Value {
    json!({ "kind": name.kind, "id": name.id })
}

fn made_by(made_by: &MadeBy) -> Value {
    json!({
        "kind": made_by.kind,
        "operator": made_by.operator,
        "at": made_by.at.map(time),
    })
}

/// Returns the answer to a change of an item of the collection at `path`.
pub(super) fn outcome(outcome: Outcome, path: &str) -> Answer {
    match outcome {
        Outcome::Tried(plan) => Answer::ok(json!({
            "dry_run": true,
            "diff": plan.differences,
            "cut_off": plan.cut_off,
        })),
        Outcome::Changed(changed) => {
            let etag = changed.etag.clone();
            Answer::ok(self::changed(&changed, path)).with_etag(etag)
        }
    }
}

pub(super) fn changed(changed: &Changed, path: &str) -> Value {
    let item = format!("{path}/{}", encoded(&changed.id));
    let undo = match changed.undo {
        Undo::Delete => json!({ "method": "DELETE", "path": item, "if_match": changed.etag }),
        Undo::Restore { version } => json!({
            "method": "POST",
            "path": format!("{item}/restore"),
            "if_match": changed.etag,
            "body": { "version": version },
        }),
    };
    json!({
        "id": changed.id,
        "change": changed.change,
        "etag": changed.etag,
        "version": changed.version,
        "undo": undo,
        "applied": applied(changed.applied),
    })
}

pub(super) fn job(job: Job) -> Value {
    let (state, result, problem) = match job.state {
        JobState::Running => ("running", Value::Null, Value::Null),
        JobState::Done(done) => {
            let result = json!({ "items": done.items, "change": done.change });
            ("done", result, Value::Null)
        }
        JobState::Failed(error) => ("failed", Value::Null, problem(error)),
        JobState::Cancelled => ("cancelled", Value::Null, Value::Null),
    };
    json!({
        "id": job.id,
        "operation": job.operation,
        "operator": job.operator,
        "began_at": time(job.began_at),
        "state": state,
        "result": result,
        "problem": problem,
    })
}

fn problem(error: OperationError) -> Value {
    let problem = Problem::from(error);
    json!({ "code": problem.code, "detail": problem.detail })
}

/// Returns an id as one segment of a path.
pub(super) fn encoded(id: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC
        .remove(b'-')
        .remove(b'_')
        .remove(b'.')
        .remove(b'~');
    utf8_percent_encode(id, KEPT).to_string()
}
