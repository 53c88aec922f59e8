//! A handler of an operation, with the role that its type asks for.

use crate::cloudfront::api_error::ApiError;
use crate::cloudfront::call::{Call, Input, Reply};
use crate::operation_error::OperationError;
use crate::operations::Operations;
use crate::operator::{Authenticated, Operator, Rank};
use privet_store::Role;
use std::fmt;
use std::pin::Pin;

type Answering = Pin<Box<dyn Future<Output = Result<Reply, ApiError>> + Send>>;
type Handler = dyn Fn(Operations, Authenticated, Input) -> Answering + Send + Sync;

/// An operation that is served.
pub(super) struct Handled {
    /// Name of the operation in the table.
    pub(super) operation: String,
    /// Role that is needed.
    pub(super) role: Role,
    /// Kind of what it is about, for the audit trail.
    pub(super) kind: &'static str,
    handler: Box<Handler>,
}

impl fmt::Debug for Handled {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.operation, self.role.as_str())
    }
}

impl Handled {
    /// Makes a handler that takes a call of the role `R`.
    pub(super) fn new<R, F, Answered>(
        operation: impl Into<String>,
        kind: &'static str,
        handler: F,
    ) -> Self
    where
        R: Rank,
        F: Fn(Call<R>) -> Answered + Clone + Send + Sync + 'static,
        Answered: Future<Output = Result<Reply, ApiError>> + Send + 'static,
    {
        let admitting = move |operations, authenticated: Authenticated, input| -> Answering {
            let admitted = Operator::<R>::admit(&authenticated);
            let handler = handler.clone();
            Box::pin(async move {
                let call = Call {
                    operations,
                    operator: admitted.map_err(OperationError::from)?,
                    input,
                };
                handler(call).await
            })
        };
        Handled {
            operation: operation.into(),
            role: R::ROLE,
            kind,
            handler: Box::new(admitting),
        }
    }

    /// Answers a request.
    pub(super) async fn answer(
        &self,
        operations: Operations,
        authenticated: Authenticated,
        input: Input,
    ) -> Result<Reply, ApiError> {
        (self.handler)(operations, authenticated, input).await
    }
}
