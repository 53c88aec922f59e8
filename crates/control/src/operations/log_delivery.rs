//! What becomes of the log files that the edge in this process delivers into buckets.

use crate::operation_error::OperationError;
use crate::operations::Operations;
use crate::operator::{Operator, Read, Scope};
use privet_edge::LogDeliveryFacts;

impl Operations {
    /// Returns which log files wait for their delivery, and why. Buckets are of the whole machine: a scope of some
    /// distributions does not show them.
    ///
    /// # Errors
    /// [`OperationError::NoEdge`].
    pub fn log_delivery(
        &self,
        operator: &Operator<Read>,
    ) -> Result<LogDeliveryFacts, OperationError> {
        let mut facts = self.edge()?.undelivered_logs().facts();
        match &operator.caller().scope {
            Scope::All => {}
            Scope::Distributions(_) => facts.buckets.clear(),
        }
        Ok(facts)
    }
}
