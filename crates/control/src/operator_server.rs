//! The shared state behind the requests of the socket: the running edge, and a client of its own for probing origins.

use privet_edge::{EdgeHandle, OriginPrivacy, ProbeError, Probing};
use tokio::sync::{mpsc, oneshot};

/// Probes that wait for their turn; more wait before they are put there.
const WAITING_MAX: usize = 16;

/// The state that requests share.
#[derive(Clone, Debug)]
pub(super) struct OperatorServer {
    pub(super) edge: EdgeHandle,
    probes: mpsc::Sender<WantedProbe>,
}

/// The task that probes, one probe at a time. The edge's client stays on one thread.
#[derive(Debug)]
pub(super) struct Probes {
    edge: EdgeHandle,
    wanted: mpsc::Receiver<WantedProbe>,
}

#[derive(Debug)]
struct WantedProbe {
    probing: Probing,
    answer: oneshot::Sender<Result<Vec<OriginPrivacy>, ProbeError>>,
}

impl OperatorServer {
    /// Makes the state, and the task that has to run for probes to be answered.
    pub(super) fn new(edge: EdgeHandle) -> (Self, Probes) {
        let (probes, wanted) = mpsc::channel(WAITING_MAX);
        let task = Probes {
            edge: edge.clone(),
            wanted,
        };
        (OperatorServer { edge, probes }, task)
    }

    /// Probes the origins; later callers wait for their turn.
    pub(super) async fn probe(&self, probing: Probing) -> Result<Vec<OriginPrivacy>, ProbeError> {
        let gone = || ProbeError::Runtime("the task that probes has ended".to_owned());
        let (answer, answered) = oneshot::channel();
        let wanted = WantedProbe { probing, answer };
        self.probes.send(wanted).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())?
    }
}

impl Probes {
    /// Probes until nobody can ask any more.
    pub(super) async fn run(mut self) {
        let prober = self.edge.prober();
        while let Some(WantedProbe { probing, answer }) = self.wanted.recv().await {
            // Whoever asked may have hung up.
            let _ = answer.send(prober.probe(&probing).await);
        }
    }
}
