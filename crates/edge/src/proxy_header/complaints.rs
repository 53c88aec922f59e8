//! Tells the operator of proxies in front of the edge that are not understood, or not believed: nobody else hears of it.

use super::ProxyFault;
use crate::standard_error;
use privet_distribution::request::ForwardedFault;
use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::time::Instant;

/// Strangers can make as many faults as they like; a worker speaks of one of a kind in this time.
const QUIET: Duration = Duration::from_secs(60);

/// When a worker last spoke of what.
#[derive(Debug, Default)]
pub(crate) struct ProxyComplaints {
    connections: Spoken,
    requests: Spoken,
    unbelieved: Spoken,
}

#[derive(Debug, Default)]
struct Spoken(Cell<Option<Instant>>);

impl Spoken {
    fn say(&self, text: impl FnOnce() -> String) {
        if self.0.get().is_some_and(|spoken| spoken.elapsed() < QUIET) {
            return;
        }
        self.0.set(Some(Instant::now()));
        standard_error::warning(text());
    }
}

impl ProxyComplaints {
    /// A connection from `peer` to `listener` was closed for this `fault`.
    pub(crate) fn hear(&self, peer: SocketAddr, listener: SocketAddr, fault: &ProxyFault) {
        // A balancer that only looks whether anybody is there sends nothing and is no reason to complain.
        if matches!(fault, ProxyFault::Ended(_)) {
            return;
        }
        self.connections.say(|| {
            let address = peer.ip();
            format!("a connection from {address} to the listener {listener} was closed: {fault}")
        });
    }

    /// What the trusted proxy `peer` says of a request cannot be true.
    pub(crate) fn contradicts(&self, peer: SocketAddr, fault: &ForwardedFault) {
        self.requests.say(|| {
            let address = peer.ip();
            format!("a request from the trusted proxy {address} was refused: {fault}")
        });
    }

    /// `peer` says how a viewer has asked, and is refused since nobody believes it. Strangers do so too, but from here or
    /// from a private network it is most likely a proxy.
    pub(crate) fn unbelieved(&self, peer: SocketAddr) {
        let address = peer.ip().to_canonical();
        let is_near = match address {
            IpAddr::V4(address) => address.is_loopback() || address.is_private(),
            IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
        };
        if is_near {
            self.unbelieved.say(|| {
                format!(
                    "a request from {address} was refused; it has X-Forwarded-Proto or Forwarded, which are believed only of \
                     edge.trusted_proxies: if {address} is your proxy, add it there"
                )
            });
        }
    }
}
