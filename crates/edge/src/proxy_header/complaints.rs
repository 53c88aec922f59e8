//! Tells the operator why connections are closed for their PROXY headers: nobody else hears of it.

use super::ProxyFault;
use std::cell::Cell;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::Instant;

/// Strangers can make as many faults as they like; a worker speaks of one of them in this time.
const QUIET: Duration = Duration::from_secs(60);

/// When a worker last spoke.
#[derive(Debug, Default)]
pub(crate) struct ProxyComplaints {
    spoken: Cell<Option<Instant>>,
}

impl ProxyComplaints {
    /// A connection from `peer` to `listener` was closed for this `fault`.
    pub(crate) fn hear(&self, peer: SocketAddr, listener: SocketAddr, fault: &ProxyFault) {
        // A balancer that only looks whether anybody is there sends nothing and is no reason to complain.
        let is_probe = matches!(fault, ProxyFault::Ended(_));
        let spoken = self.spoken.get();
        if is_probe || spoken.is_some_and(|spoken| spoken.elapsed() < QUIET) {
            return;
        }
        self.spoken.set(Some(Instant::now()));
        eprintln!(
            "privet: a connection from {} to the listener {listener} was closed: {fault}",
            peer.ip()
        );
    }
}
