//! Routes of who may read an embedded bucket.

use super::{Route, shown};
use crate::call::{Answer, Call};
use crate::operation_error::OperationError;
use crate::operations::GrantChange;
use crate::operator::Admin;
use crate::problem::Problem;
use http::Method;
use privet_distribution::config::{BucketReader, Grant};
use serde::Deserialize;

const BUCKETS: &str = "/v1/buckets";

pub(super) fn routes() -> Vec<Route> {
    let grants = format!("{BUCKETS}/{{id}}/grants");
    vec![
        Route::new(Method::POST, grants.clone(), "buckets.grant", grant),
        Route::new(
            Method::POST,
            format!("{grants}/revoke"),
            "buckets.revoke",
            revoke,
        ),
    ]
}

/// The body of a grant.
#[derive(Debug, Deserialize)]
#[serde(
    deny_unknown_fields,
    expecting = "an object with origin_access_identity or distribution, and list"
)]
struct GrantForm {
    origin_access_identity: Option<String>,
    distribution: Option<String>,
    #[serde(default)]
    list: bool,
}

impl GrantForm {
    fn reader(&self) -> Result<BucketReader, OperationError> {
        match (&self.origin_access_identity, &self.distribution) {
            (Some(id), None) => Ok(BucketReader::Identity(id.clone())),
            (None, Some(id)) => Ok(BucketReader::Distribution(id.clone())),
            (None, None) => Err(OperationError::invalid(
                "origin_access_identity",
                "is missing; add it, or distribution",
            )),
            (Some(_), Some(_)) => Err(OperationError::invalid(
                "distribution",
                "cannot be combined with origin_access_identity; send two requests",
            )),
        }
    }
}

async fn grant(mut call: Call<Admin>) -> Result<Answer, Problem> {
    let form: GrantForm = call.form()?;
    let change = GrantChange::Grant(Grant {
        reader: form.reader()?,
        list: form.list,
    });
    answer(&mut call, &change).await
}

async fn revoke(mut call: Call<Admin>) -> Result<Answer, Problem> {
    let form: GrantForm = call.form()?;
    let change = GrantChange::Revoke(form.reader()?);
    answer(&mut call, &change).await
}

async fn answer(call: &mut Call<Admin>, change: &GrantChange) -> Result<Answer, Problem> {
    let request = call.change()?;
    let bucket = call.parameter("id");
    let outcome = call
        .operations
        .change_grant(&call.operator, bucket, change, &request)
        .await?;
    Ok(shown::outcome(outcome, BUCKETS))
}
