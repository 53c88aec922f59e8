//! The shared state behind the operator's requests: the running edge, and a client of its own for probing origins.

use privet_edge::{EdgeHandle, OriginPrivacy, ProbeError, Prober, Probing};
use tokio::sync::Semaphore;

/// The state that the thread's tasks share.
#[derive(Debug)]
pub(super) struct OperatorServer {
    pub(super) edge: EdgeHandle,
    prober: Prober,
    /// Permit for a probe, so that only one runs at a time.
    probes: Semaphore,
}

impl OperatorServer {
    pub(super) fn new(edge: EdgeHandle) -> Self {
        OperatorServer {
            prober: edge.prober(),
            edge,
            probes: Semaphore::new(1),
        }
    }

    /// Probes the origins; later callers wait for their turn.
    pub(super) async fn probe(&self, probing: &Probing) -> Result<Vec<OriginPrivacy>, ProbeError> {
        // Acquiring fails only if the semaphore is closed, and nothing closes it.
        let _turn = self.probes.acquire().await;
        self.prober.probe(probing).await
    }
}
