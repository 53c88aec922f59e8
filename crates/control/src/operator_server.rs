//! What answers an operator: the running edge, and a client of its own to ask origins with.

use privet_edge::{EdgeHandle, OriginPrivacy, ProbeError, Prober, Probing};
use tokio::sync::Semaphore;

/// What the thread's tasks share.
#[derive(Debug)]
pub(super) struct OperatorServer {
    pub(super) edge: EdgeHandle,
    prober: Prober,
    /// Origins are not asked twice at the same time.
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

    /// Asks the origins; later callers wait for their turn.
    pub(super) async fn probe(&self, probing: &Probing) -> Result<Vec<OriginPrivacy>, ProbeError> {
        // Nobody closes the semaphore.
        let _turn = self.probes.acquire().await;
        self.prober.probe(probing).await
    }
}
