//! Routes of operators and their access keys.

use super::{Route, shown};
use crate::call::{Answer, Call};
use crate::operation_error::OperationError;
use crate::operations::{NewOperatorRequest, OperatorPatch};
use crate::operator::Admin;
use crate::problem::Problem;
use http::Method;
use privet_store::{
    AccessKeyChange, AccessKeySummary, NewAccessKey, Operator as StoredOperator, Role, Timestamp,
};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

pub(super) fn routes() -> Vec<Route> {
    let keys = "/v1/operators/{name}/access-keys";
    let key = "/v1/operators/{name}/access-keys/{id}";
    let one = "/v1/operators/{name}";
    vec![
        Route::new(Method::GET, "/v1/operators", "operators.list", list).noted(),
        Route::new(Method::POST, "/v1/operators", "operators.create", create),
        Route::new(Method::GET, one, "operators.get", get).noted(),
        Route::new(Method::PATCH, one, "operators.update", update),
        Route::new(Method::DELETE, one, "operators.delete", delete),
        Route::new(Method::GET, keys, "access_keys.list", list_keys).noted(),
        Route::new(Method::POST, keys, "access_keys.create", create_key),
        Route::new(Method::PATCH, key, "access_keys.update", update_key),
        Route::new(Method::DELETE, key, "access_keys.delete", delete_key),
        Route::new(
            Method::POST,
            format!("{key}/rotate"),
            "access_keys.rotate",
            rotate_key,
        ),
    ]
}

async fn list(mut call: Call<Admin>) -> Result<Answer, Problem> {
    call.nothing()?;
    let operators = call.operations.operators(&call.operator).await?;
    Ok(shown::whole_list(operators, |found| operator(&found)))
}

async fn get(mut call: Call<Admin>) -> Result<Answer, Problem> {
    call.nothing()?;
    let found = call
        .operations
        .operator(&call.operator, call.parameter("name"))
        .await?;
    Ok(Answer::ok(operator(&found)))
}

/// The body with which an operator is created.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with name, role and scope")]
pub(super) struct NewOperatorForm {
    pub(super) name: String,
    pub(super) role: String,
    pub(super) scope: Option<Vec<String>>,
}

async fn create(mut call: Call<Admin>) -> Result<Answer, Problem> {
    call.end_query()?;
    let NewOperatorForm { name, role, scope } = call.form()?;
    let request = NewOperatorRequest {
        name: name.clone(),
        role: parse_role(&role)?,
        scope,
    };
    let new = call
        .operations
        .create_operator(&call.operator, request)
        .await?;
    let location = format!("/v1/operators/{}", shown::encoded(&name));
    Ok(Answer::created(
        json!({ "name": name, "access_key": new_key(&new) }),
        location,
    ))
}

/// The body with which an operator is changed.
#[derive(Debug, Default, Deserialize)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "an object with role, scope and disabled"
)]
pub(super) struct OperatorForm {
    pub(super) role: Option<String>,
    #[serde(deserialize_with = "present")]
    pub(super) scope: Option<Option<Vec<String>>>,
    pub(super) disabled: Option<bool>,
}

async fn update(mut call: Call<Admin>) -> Result<Answer, Problem> {
    call.end_query()?;
    let form: OperatorForm = call.form()?;
    let patch = OperatorPatch {
        role: form.role.as_deref().map(parse_role).transpose()?,
        scope: form.scope,
        disabled: form.disabled,
    };
    let name = call.parameter("name");
    let changed = call
        .operations
        .change_operator(&call.operator, name, patch)
        .await?;
    Ok(Answer::ok(operator(&changed)))
}

async fn delete(mut call: Call<Admin>) -> Result<Answer, Problem> {
    call.nothing()?;
    let name = call.parameter("name");
    call.operations
        .delete_operator(&call.operator, name)
        .await?;
    Ok(Answer::nothing())
}

async fn list_keys(mut call: Call<Admin>) -> Result<Answer, Problem> {
    call.nothing()?;
    let keys = call
        .operations
        .access_keys(&call.operator, call.parameter("name"))
        .await?;
    Ok(shown::whole_list(keys, |key| access_key(&key)))
}

async fn create_key(mut call: Call<Admin>) -> Result<Answer, Problem> {
    call.nothing()?;
    let name = call.parameter("name");
    let new = call
        .operations
        .create_access_key(&call.operator, name)
        .await?;
    let id = shown::encoded(&new.access_key_id);
    let location = format!("/v1/operators/{}/access-keys/{id}", shown::encoded(name));
    Ok(Answer::created(new_key(&new), location))
}

/// The body with which an access key is changed. An `expires_at` of `null` lifts the end.
#[derive(Debug, Default, Deserialize)]
#[serde(
    deny_unknown_fields,
    default,
    expecting = "an object with disabled and expires_at"
)]
pub(super) struct AccessKeyForm {
    pub(super) disabled: Option<bool>,
    #[serde(deserialize_with = "present")]
    pub(super) expires_at: Option<Option<jiff::Timestamp>>,
}

async fn update_key(mut call: Call<Admin>) -> Result<Answer, Problem> {
    call.end_query()?;
    let form: AccessKeyForm = call.form()?;
    let end = |at: jiff::Timestamp| Timestamp::from_seconds(at.as_second());
    let change = AccessKeyChange {
        disabled: form.disabled,
        expires_at: form.expires_at.map(|at| at.map(end)),
    };
    let name = (call.parameter("name"), call.parameter("id"));
    let changed = call
        .operations
        .change_access_key(&call.operator, name, change)
        .await?;
    Ok(Answer::ok(access_key(&changed)))
}

async fn delete_key(mut call: Call<Admin>) -> Result<Answer, Problem> {
    call.nothing()?;
    let name = (call.parameter("name"), call.parameter("id"));
    call.operations
        .delete_access_key(&call.operator, name)
        .await?;
    Ok(Answer::nothing())
}

/// The body of a rotation.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, expecting = "an object with overlap_seconds")]
pub(super) struct KeyRotationForm {
    pub(super) overlap_seconds: u64,
}

async fn rotate_key(mut call: Call<Admin>) -> Result<Answer, Problem> {
    call.end_query()?;
    let KeyRotationForm { overlap_seconds } = call.form()?;
    let name = (call.parameter("name"), call.parameter("id"));
    let operations = &call.operations;
    let rotation = operations
        .rotate_access_key(&call.operator, name, overlap_seconds)
        .await?;
    let shown = json!({ "new": new_key(&rotation.new), "old": access_key(&rotation.old) });
    let id = shown::encoded(&rotation.new.access_key_id);
    let location = format!("/v1/operators/{}/access-keys/{id}", shown::encoded(name.0));
    Ok(Answer::created(shown, location))
}

/// Reads a member that is there, `null` included, to tell it from one that is not.
fn present<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    T::deserialize(deserializer).map(Some)
}

pub(super) fn parse_role(name: &str) -> Result<Role, OperationError> {
    let fault = || OperationError::invalid("role", "is not read, publish or admin");
    Role::parse(name).ok_or_else(fault)
}

fn operator(operator: &StoredOperator) -> Value {
    json!({
        "name": operator.name,
        "role": operator.role.as_str(),
        "scope": operator.scope,
        "disabled": operator.disabled,
        "created_at": shown::time(operator.created_at.seconds()),
    })
}

fn access_key(key: &AccessKeySummary) -> Value {
    let time = |at: Timestamp| shown::time(at.seconds());
    json!({
        "id": key.id,
        "created_at": time(key.created_at),
        "expires_at": key.expires_at.map(time),
        "disabled": key.disabled,
        "last_used_at": key.last_used_at.map(time),
    })
}

/// Returns a new key with its secret, which is shown here and never again.
fn new_key(new: &NewAccessKey) -> Value {
    json!({
        "access_key_id": new.access_key_id,
        "secret_access_key": new.secret_access_key.expose(),
    })
}
