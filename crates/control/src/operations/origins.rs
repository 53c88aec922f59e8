//! Whether private origins can be read or written past the edge: what was found last, and what is found now.

use crate::operation_error::OperationError;
use crate::operations::Operations;
use crate::operator::{Admin, Operator, Read, Scope};
use privet_edge::{KnownObject, OriginPrivacy, ProbeError, ProbeScope, Probing, WritingCheck};

/// Maximum number of objects in one probe; one object of each origin is enough.
const PROBE_OBJECTS_MAX: usize = 1_000;

/// A probe that is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProbeRequest {
    /// Objects that exist, as [`KnownObject`] reads them.
    pub objects: Vec<String>,
    /// Whether to try to write to buckets, in a way that cannot succeed.
    pub write: bool,
}

impl Operations {
    /// Returns what origins gave to requests without keys when they were last probed.
    ///
    /// # Errors
    /// [`OperationError::NoEdge`].
    pub fn origins(&self, operator: &Operator<Read>) -> Result<Vec<OriginPrivacy>, OperationError> {
        let mut origins = self.edge()?.privacy_of_origins();
        let scope = &operator.caller().scope;
        origins.retain(|origin| scope.has(&origin.distribution_id));
        Ok(origins)
    }

    /// Sends requests without keys to all private origins. Later callers wait for their turn.
    ///
    /// # Errors
    /// [`OperationError::Invalid`], [`OperationError::ScopeTooNarrow`], [`OperationError::NoEdge`].
    pub async fn probe(
        &self,
        operator: &Operator<Admin>,
        request: &ProbeRequest,
    ) -> Result<Vec<OriginPrivacy>, OperationError> {
        match &operator.caller().scope {
            Scope::All => {}
            Scope::Distributions(_) => {
                return Err(OperationError::ScopeTooNarrow(
                    "this probes the origins of all distributions",
                ));
            }
        }
        let prober = self.shared.attached.prober.as_ref();
        let prober = prober.ok_or(OperationError::NoEdge)?;
        if request.objects.len() > PROBE_OBJECTS_MAX {
            return Err(OperationError::invalid(
                "objects",
                "are more than 1000; send several requests",
            ));
        }
        let objects = request
            .objects
            .iter()
            .map(|text| text.parse::<KnownObject>());
        let probing = Probing {
            scope: ProbeScope::Servers,
            objects: objects
                .collect::<Result<_, _>>()
                .map_err(|error| fault(&error))?,
            writing: match request.write {
                true => WritingCheck::Try,
                false => WritingCheck::Read,
            },
        };
        prober.probe(probing).await.map_err(|error| fault(&error))
    }
}

fn fault(error: &ProbeError) -> OperationError {
    match error {
        ProbeError::Object { .. }
        | ProbeError::UnknownDistribution(_)
        | ProbeError::LeadsNowhere(_) => OperationError::invalid("objects", error.to_string()),
        ProbeError::Runtime(_) => OperationError::System("the task that probes has ended"),
    }
}
