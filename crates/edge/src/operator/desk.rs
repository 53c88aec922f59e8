//! What answers an operator: the running edge, and a client of its own to ask origins with.

use super::Operator;
use super::privacy::{OriginPrivacy, ProbeError, Probing};
use crate::origin_client::OriginClient;
use std::rc::Rc;
use tokio::sync::Semaphore;

/// What the thread's tasks share.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) operator: Operator,
    client: Rc<OriginClient>,
    /// Origins are not asked twice at the same time.
    probes: Semaphore,
}

impl Desk {
    pub(super) fn new(operator: Operator) -> Self {
        Desk {
            client: OriginClient::new(operator.origin_client.clone()),
            operator,
            probes: Semaphore::new(1),
        }
    }

    /// Asks the origins; whoever else asks waits for his turn.
    pub(super) async fn probe(&self, probing: &Probing) -> Result<Vec<OriginPrivacy>, ProbeError> {
        // Nobody closes the semaphore.
        let _turn = self.probes.acquire().await;
        self.operator.probe(&self.client, probing).await
    }
}
