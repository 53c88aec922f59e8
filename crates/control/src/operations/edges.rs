//! The edges that follow the store, as they report themselves.

use crate::operation_error::OperationError;
use crate::operations::Operations;
use crate::operator::{Admin, Operator, Read, Scope};
use privet_store::EdgeRecord;

impl Operations {
    /// Lists the edges by id.
    ///
    /// # Errors
    /// [`OperationError::NoStore`], and those of the store.
    pub async fn edges(
        &self,
        _operator: &Operator<Read>,
    ) -> Result<Vec<EdgeRecord>, OperationError> {
        Ok(self.own_store()?.edges().await?)
    }

    /// Returns an edge.
    ///
    /// # Errors
    /// [`OperationError::NotFound`], and those of [`Operations::edges`].
    pub async fn edge_by_id(
        &self,
        operator: &Operator<Read>,
        id: &str,
    ) -> Result<EdgeRecord, OperationError> {
        let edges = self.edges(operator).await?;
        let edge = edges.into_iter().find(|edge| edge.report.id == id);
        edge.ok_or_else(|| OperationError::NotFound {
            what: "edge",
            id: id.to_owned(),
        })
    }

    /// Forgets an edge that is no more, so that changes are not waited for there.
    ///
    /// # Errors
    /// [`OperationError::NotFound`], [`OperationError::ScopeTooNarrow`], and those of the store.
    pub async fn forget_edge(
        &self,
        operator: &Operator<Admin>,
        id: &str,
    ) -> Result<(), OperationError> {
        match &operator.caller().scope {
            Scope::All => {}
            Scope::Distributions(_) => {
                return Err(OperationError::ScopeTooNarrow(
                    "this changes what edges are known",
                ));
            }
        }
        self.edge_by_id(&operator.reader(), id).await?;
        Ok(self.own_store()?.forget_edge(id).await?)
    }
}
