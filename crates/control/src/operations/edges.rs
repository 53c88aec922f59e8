//! The edges that follow the store, as they report themselves.

use crate::edge_state::FollowerState;
use crate::operation_error::OperationError;
use crate::operations::{KEYS_OPENED, Operations, Source};
use crate::operator::{Admin, Operator, Read, Scope};
use crate::visible::{Visible, is_visible};
use privet_distribution::config::ServiceKind;
use privet_store::{DocumentName, EdgeRecord};
use serde_json::Value;
use std::sync::Arc;

/// The edge of this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ThisEdge {
    /// Its service is that of its file.
    OfFile,
    /// It follows a store; `None` in the first moments, when nothing is known of that.
    Following(Option<Arc<FollowerState>>),
}

impl Operations {
    /// Returns the state of the edge in this process, whether the store can be reached or not. An operator with a scope
    /// sees the failures of what is within it.
    ///
    /// # Errors
    /// [`OperationError::NoEdge`]; for an operator with a scope also those of the store.
    pub async fn this_edge(&self, operator: &Operator<Read>) -> Result<ThisEdge, OperationError> {
        self.edge()?;
        let store = match &self.shared.source {
            Source::File(_) => return Ok(ThisEdge::OfFile),
            Source::Store(store) => store,
        };
        let Some(state) = self.shared.attached.follower.get() else {
            return Ok(ThisEdge::Following(None));
        };
        let scope = &operator.caller().scope;
        if *scope == Scope::All {
            return Ok(ThisEdge::Following(Some(state)));
        }
        let visible = self.visible(store.opened()?, scope).await?;
        let mut own = FollowerState::clone(&state);
        own.failures
            .retain(|failure| is_visible(&visible, &DocumentName::new(failure.kind, &failure.id)));
        own.failures_count = own.failures.len();
        Ok(ThisEdge::Following(Some(Arc::new(own))))
    }

    /// Lists the edges by id. An operator with a scope sees the failures of what is within it.
    ///
    /// # Errors
    /// [`OperationError::NoStore`], and those of the store.
    pub async fn edges(
        &self,
        operator: &Operator<Read>,
    ) -> Result<Vec<EdgeRecord>, OperationError> {
        let store = self.own_store()?;
        let visible = self.visible(store, &operator.caller().scope).await?;
        let mut edges = store.edges().await?;
        for edge in &mut edges {
            hide_others(&mut edge.report.state, &visible);
        }
        Ok(edges)
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

/// Removes the failures of items that a scope does not show.
fn hide_others(state: &mut Value, visible: &Visible) {
    let failures = state.get_mut("failures").and_then(Value::as_array_mut);
    let is_shown = |failure: &Value| {
        let text = |key| failure.get(key).and_then(Value::as_str).unwrap_or_default();
        is_visible(visible, &DocumentName::new(text("kind"), text("id")))
    };
    if let Some(failures) = failures {
        failures.retain(is_shown);
    }
    let keys = state.get_mut(KEYS_OPENED).and_then(Value::as_object_mut);
    let kind = ServiceKind::PublicKey.as_str();
    if let Some(keys) = keys {
        keys.retain(|id, _| is_visible(visible, &DocumentName::new(kind, id)));
    }
}
