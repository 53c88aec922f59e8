//! Tells the operator of proxies in front of the edge that are not understood, or not trusted: nobody else learns of
//! it.

use super::ProxyFault;
use crate::notices::{NoticeCode, Notices};
use privet_distribution::request::ForwardedFault;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// Complaints about proxies.
#[derive(Debug)]
pub(crate) struct ProxyComplaints(Arc<Notices>);

impl ProxyComplaints {
    pub(crate) fn new(notices: Arc<Notices>) -> Self {
        ProxyComplaints(notices)
    }

    /// Reports that a connection from `peer` to `listener` was closed for this `fault`.
    pub(crate) fn hear(&self, peer: SocketAddr, listener: SocketAddr, fault: &ProxyFault) {
        // A balancer's health check connects and sends nothing, which is no reason to complain.
        if matches!(fault, ProxyFault::Ended(_)) {
            return;
        }
        self.0.tell(NoticeCode::ProxyHeader, |_| {
            let address = peer.ip();
            format!("a connection from {address} to the listener {listener} was closed: {fault}")
        });
    }

    /// Reports that the headers of the trusted proxy `peer` cannot be true.
    pub(crate) fn contradicts(&self, peer: SocketAddr, fault: &ForwardedFault) {
        self.0.tell(NoticeCode::ForwardedContradiction, |_| {
            let address = peer.ip();
            format!("a request from the trusted proxy {address} was refused: {fault}")
        });
    }

    /// Reports a request from `peer` that was refused because its headers about the viewer are not trusted. Strangers
    /// send such headers too, but from this machine or from a private network it is most likely a proxy.
    pub(crate) fn unbelieved(&self, peer: SocketAddr) {
        let address = peer.ip().to_canonical();
        let is_near = match address {
            IpAddr::V4(address) => address.is_loopback() || address.is_private(),
            IpAddr::V6(address) => address.is_loopback() || address.is_unique_local(),
        };
        if is_near {
            self.0.tell(NoticeCode::ForwardedUnbelieved, |_| {
                format!(
                    "a request from {address} was refused; it has X-Forwarded-Proto or Forwarded, which are accepted \
                     only from edge.trusted_proxies: if {address} is your proxy, add it there"
                )
            });
        }
    }
}
