//! The other end of a connection.

use crate::tls::TlsNames;
use privet_sign::Scheme;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The other end, as known from a PROXY header or the connection itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ViewerEnd {
    /// Address of the viewer, or of the last proxy if nobody else is named.
    pub(crate) peer: SocketAddr,
    pub(crate) naming: Naming,
    /// Names of the viewer's TLS session with a balancer, which terminated it.
    pub(crate) ended_tls: Option<TlsNames>,
}

impl ViewerEnd {
    /// Returns the end of a connection without a PROXY header.
    pub(crate) fn direct(peer: SocketAddr) -> Self {
        ViewerEnd {
            peer,
            naming: Naming::Known,
            ended_tls: None,
        }
    }

    /// Returns the address that grants are judged by. If the viewer is unknown, it is one that no grant limited to
    /// certain addresses covers.
    pub(crate) fn client(&self) -> IpAddr {
        match self.naming {
            Naming::Known => self.peer.ip(),
            Naming::Unnamed => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        }
    }

    /// Returns the scheme by which the viewer speaks to the edge, or to the balancer, over a plain connection.
    pub(crate) fn scheme(&self) -> Scheme {
        match self.ended_tls {
            Some(_) => Scheme::Https,
            None => Scheme::Http,
        }
    }
}

/// Identity of the other end, if it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// The peer of the connection, or the viewer that a PROXY header names.
    Known,
    /// Nobody: a PROXY header names no viewer, because it came by a socket without an address, or the proxy speaks for
    /// itself.
    Unnamed,
}
