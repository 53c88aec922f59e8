//! Routes of the rotation of key groups, and of the use of keys.

use super::{Route, shown};
use crate::call::{Answer, Call};
use crate::operation_error::OperationError;
use crate::operations::{KeyPart, KeyUsage, ShownRotation};
use crate::operator::{Admin, Read};
use crate::problem::Problem;
use crate::rotation::{KeyType, Schedule};
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

/// Longest life of links in seconds, where none is given: 7 days.
const LONGEST_LINK_SECS_DEFAULT: i64 = 7 * 24 * 60 * 60;

pub(super) fn routes() -> Vec<Route> {
    let one = "/v1/key-groups/{id}/rotation";
    vec![
        Route::new(Method::GET, one, "key_groups.get_rotation", get),
        Route::new(Method::POST, one, "key_groups.set_rotation", set),
        Route::new(Method::DELETE, one, "key_groups.end_rotation", end),
        Route::new(
            Method::POST,
            format!("{one}/now"),
            "key_groups.rotate",
            rotate,
        ),
        Route::new(
            Method::GET,
            format!("{one}/signing-key"),
            "key_groups.signing_key",
            signing_key,
        )
        .noted(),
        Route::new(Method::GET, "/v1/key-usage", "keys.list_usage", usage),
    ]
}

/// The body with which a schedule is set.
#[derive(Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with every_seconds, overlap_seconds, longest_link_seconds and type"
)]
pub(super) struct ScheduleForm {
    every_seconds: i64,
    overlap_seconds: i64,
    longest_link_seconds: Option<i64>,
    #[serde(rename = "type")]
    key_type: Option<String>,
}

impl ScheduleForm {
    /// Returns the schedule that is asked for.
    pub(super) fn schedule(self) -> Result<Schedule, OperationError> {
        Ok(Schedule {
            every_secs: self.every_seconds,
            overlap_secs: self.overlap_seconds,
            longest_link_secs: self
                .longest_link_seconds
                .unwrap_or(LONGEST_LINK_SECS_DEFAULT),
            key_type: match self.key_type.as_deref() {
                None | Some("rsa") => KeyType::Rsa,
                Some("p256") => KeyType::P256,
                Some(_) => return Err(OperationError::invalid("type", "is not rsa or p256")),
            },
        })
    }
}

async fn set(mut call: Call<Admin>) -> Result<Answer, Problem> {
    call.end_query()?;
    let form: ScheduleForm = call.form()?;
    let schedule = form.schedule()?;
    let group = call.parameter("id");
    let operations = &call.operations;
    let found = operations
        .set_rotation(&call.operator, group, schedule)
        .await?;
    Ok(Answer::ok(rotation(&found)))
}

async fn get(mut call: Call<Read>) -> Result<Answer, Problem> {
    call.nothing()?;
    let group = call.parameter("id");
    let found = call.operations.rotation(&call.operator, group).await?;
    Ok(Answer::ok(rotation(&found)))
}

async fn end(mut call: Call<Admin>) -> Result<Answer, Problem> {
    call.nothing()?;
    let group = call.parameter("id");
    call.operations.end_rotation(&call.operator, group).await?;
    Ok(Answer::nothing())
}

async fn rotate(mut call: Call<Admin>) -> Result<Answer, Problem> {
    call.nothing()?;
    let group = call.parameter("id");
    let found = call.operations.rotate_now(&call.operator, group).await?;
    Ok(Answer::ok(rotation(&found)))
}

async fn signing_key(mut call: Call<Admin>) -> Result<Answer, Problem> {
    call.nothing()?;
    let group = call.parameter("id");
    let key = call.operations.signing_key(&call.operator, group).await?;
    Ok(Answer::ok(json!({
        "key_pair_id": key.key_pair_id,
        "pem": key.pem.expose(),
        "links_end_by": shown::time(key.links_end_by),
    })))
}

async fn usage(mut call: Call<Read>) -> Result<Answer, Problem> {
    call.nothing()?;
    let keys = call.operations.key_usage(&call.operator).await?;
    Ok(shown::whole_list(keys, key_usage))
}

fn rotation(found: &ShownRotation) -> Value {
    let rotation = &found.rotation;
    let schedule = &rotation.schedule;
    let opened = |id: &str| found.last_opened.get(id).copied().map(shown::time);
    let retiring = rotation.retiring.iter().zip(&found.holds);
    let retiring = retiring.map(|(key, (_, at, reason))| {
        json!({
            "id": key.id,
            "replaced_at": shown::time(key.replaced_at),
            "retires_at": at.map(shown::time),
            "reason": reason,
            "last_opened_at": opened(&key.id),
        })
    });
    let (edges, of) = found.applied;
    json!({
        "group": found.group,
        "every_seconds": schedule.every_secs,
        "overlap_seconds": schedule.overlap_secs,
        "longest_link_seconds": schedule.longest_link_secs,
        "type": match schedule.key_type {
            KeyType::Rsa => "rsa",
            KeyType::P256 => "p256",
        },
        "due_at": shown::time(rotation.due_at),
        "current": rotation.current.as_ref().map(|key| json!({
            "id": key.id,
            "since": shown::time(key.since),
            "last_opened_at": opened(&key.id),
        })),
        "next": rotation.next.as_ref().map(|key| json!({
            "id": key.id,
            "made_at": shown::time(key.made_at),
            "applied": { "edges": edges, "of": of },
        })),
        "retiring": retiring.collect::<Vec<Value>>(),
    })
}

fn key_usage(key: KeyUsage) -> Value {
    let (part, retires_at, reason) = match key.rotation {
        None => (None, None, None),
        Some(KeyPart::Next) => (Some("next"), None, None),
        Some(KeyPart::Current) => (Some("current"), None, None),
        Some(KeyPart::Retiring { at, reason }) => (Some("retiring"), at, Some(reason)),
    };
    json!({
        "id": key.id,
        "created_at": shown::time(key.created_at),
        "groups": key.groups,
        "last_opened_at": key.last_opened_at.map(shown::time),
        "rotation": part,
        "retires_at": retires_at.map(shown::time),
        "reason": reason,
    })
}
