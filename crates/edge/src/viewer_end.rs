//! Who has the other end of a connection.

use crate::tls::TlsNames;
use privet_sign::Scheme;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// The other end, as far as a PROXY header or the connection itself tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ViewerEnd {
    /// The address of the viewer, or of the last proxy where nobody else is named.
    pub(crate) peer: SocketAddr,
    pub(crate) naming: Naming,
    /// The viewer spoke TLS to a balancer, which ended it.
    pub(crate) ended_tls: Option<TlsNames>,
}

impl ViewerEnd {
    /// Of a connection without a PROXY header.
    pub(crate) fn direct(peer: SocketAddr) -> Self {
        ViewerEnd {
            peer,
            naming: Naming::Known,
            ended_tls: None,
        }
    }

    /// The address that grants are judged by: one that no grant for some addresses names, where nobody is known.
    pub(crate) fn client(&self) -> IpAddr {
        match self.naming {
            Naming::Known => self.peer.ip(),
            Naming::Unnamed => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        }
    }

    /// By which the viewer speaks to the edge, or to the balancer, over a plain connection.
    pub(crate) fn scheme(&self) -> Scheme {
        match self.ended_tls {
            Some(_) => Scheme::Https,
            None => Scheme::Http,
        }
    }
}

/// Whether it is known who has the other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Naming {
    /// Who made the connection, or whom a PROXY header names.
    Known,
    /// A PROXY header names nobody: the viewer came by a socket without an address, or the proxy speaks for itself.
    Unnamed,
}
