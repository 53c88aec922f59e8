//! Changes of single keys of a distribution's document, for operations that have no ETag.

use crate::cloudfront::api_error::ApiError;
use crate::cloudfront::call::Call;
use crate::operation_error::OperationError;
use crate::operations::Operations;
use crate::operations::{ChangeRequest, Item};
use crate::operator::{Admin, Operator, Read};
use privet_distribution::config::ServiceKind;
use privet_store::StoreError;
use serde_json::{Map, Value};

/// Attempts to change a document that others change at the same time.
const ATTEMPTS_MAX: usize = 5;

/// Returns a distribution of either kind.
pub(super) async fn distribution(
    operations: &Operations,
    operator: &Operator<Read>,
    (kind, id): (ServiceKind, &str),
) -> Result<Item, ApiError> {
    let item = operations.item(operator, kind, id).await;
    item.map_err(of_distribution)
}

/// Returns an error about a distribution.
pub(super) fn of_distribution(error: OperationError) -> ApiError {
    if let OperationError::NotFound { .. } = &error {
        return ApiError::new("NoSuchDistribution", &error);
    }
    error.into()
}

/// Changes the document of a distribution as it is now.
pub(super) async fn change(
    call: &Call<Admin>,
    (kind, id): (ServiceKind, &str),
    change: impl Fn(&mut Map<String, Value>) -> Result<(), ApiError>,
) -> Result<(), ApiError> {
    let mut attempts = 0;
    loop {
        attempts += 1;
        let operator = call.operator.reader();
        let item = distribution(&call.operations, &operator, (kind, id)).await?;
        let mut document = item.document.as_object().cloned().unwrap_or_default();
        change(&mut document)?;
        let request = ChangeRequest {
            if_match: Some(item.etag),
            ..ChangeRequest::default()
        };
        let document = document.into();
        let made = call
            .operations
            .update(&call.operator, (kind, id), document, &request)
            .await;
        match made {
            Ok(_) => return Ok(()),
            Err(OperationError::Store(StoreError::Stale { .. })) if attempts < ATTEMPTS_MAX => {}
            Err(error) => return Err(of_distribution(error)),
        }
    }
}
