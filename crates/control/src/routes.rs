//! The table of routes under `/v1`: method, path, operation, and the role that its handler's type asks for.
//!
//! The router is built from this table, and a test holds the OpenAPI description to it.

mod audit;
mod buckets;
mod documents;
mod edges;
mod equivalents;
mod key_rotation;
mod links;
mod operators;
mod other;
mod shown;

use crate::call::{Answer, Call, Input};
use crate::interface::Note;
use crate::operation_error::OperationError;
use crate::operations::Operations;
use crate::operator::{Authenticated, Operator, Rank};
use crate::problem::Problem;
use http::Method;
use privet_store::Role;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

type Answering = Pin<Box<dyn Future<Output = Result<Answer, Problem>> + Send>>;
type Handler = dyn Fn(Operations, Authenticated, Input) -> Answering + Send + Sync;

/// A route, and what answers it.
#[derive(Clone)]
pub(crate) struct Route {
    pub(crate) method: Method,
    /// Path as axum writes it: `/v1/keys/{id}`.
    pub(crate) path: String,
    /// Name of the operation, such as `keys.update`.
    pub(crate) operation: String,
    /// Role that is needed.
    pub(crate) role: Role,
    /// Whether a successful call is written down, although it changes nothing.
    pub(crate) note: Note,
    handler: Arc<Handler>,
}

impl fmt::Debug for Route {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Route {
            method,
            path,
            operation,
            role,
            ..
        } = self;
        write!(
            formatter,
            "{method} {path} ({operation}, {})",
            role.as_str()
        )
    }
}

impl Route {
    /// Makes a route whose handler takes a call of the role `R`.
    fn new<R, F, Answered>(
        method: Method,
        path: impl Into<String>,
        operation: impl Into<String>,
        handler: F,
    ) -> Self
    where
        R: Rank,
        F: Fn(Call<R>) -> Answered + Clone + Send + Sync + 'static,
        Answered: Future<Output = Result<Answer, Problem>> + Send + 'static,
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
        Route {
            method,
            path: path.into(),
            operation: operation.into(),
            role: R::ROLE,
            note: Note::Refusals,
            handler: Arc::new(admitting),
        }
    }

    /// Has every call written down.
    fn noted(self) -> Self {
        Route {
            note: Note::Calls,
            ..self
        }
    }

    /// Answers a request.
    pub(crate) async fn answer(
        &self,
        operations: Operations,
        authenticated: Authenticated,
        input: Input,
    ) -> Result<Answer, Problem> {
        (self.handler)(operations, authenticated, input).await
    }
}

/// Returns all routes.
pub(crate) fn routes() -> Vec<Route> {
    let mut routes = documents::routes();
    routes.extend(buckets::routes());
    routes.extend(operators::routes());
    routes.extend(audit::routes());
    routes.extend(edges::routes());
    routes.extend(key_rotation::routes());
    routes.extend(links::routes());
    routes.extend(equivalents::routes());
    routes.extend(other::routes());
    routes
}

#[cfg(test)]
mod tests;
