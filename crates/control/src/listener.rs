//! The listener of the operators' interface: plain HTTP on a loopback address alone, otherwise TLS.

use crate::hosts::Hosts;
use crate::socket::SocketError;
use rustls::ServerConfig;
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

/// Number of connections that the operating system queues while no slot is free.
const BACKLOG: i32 = 64;

/// The listener that a configuration asks for.
#[derive(Clone, Debug)]
pub struct ListenerOptions {
    /// Address and port.
    pub address: SocketAddr,
    /// Values of `Host` that are answered, besides the address itself and `localhost` on loopback.
    pub hosts: Vec<String>,
    /// Certificate; needed away from loopback.
    pub tls: Option<Arc<ServerConfig>>,
}

/// A listener that is bound and not yet served.
#[derive(Debug)]
pub(crate) struct BoundListener {
    pub(crate) listener: TcpListener,
    pub(crate) address: SocketAddr,
    pub(crate) tls: Option<Arc<ServerConfig>>,
    pub(crate) hosts: Arc<Hosts>,
}

impl BoundListener {
    /// Checks that secrets do not pass a network in the clear.
    pub(crate) fn check(options: &ListenerOptions) -> Result<(), SocketError> {
        let address = options.address;
        match options.tls.is_none() && !address.ip().is_loopback() {
            true => Err(SocketError::PlainListener { address }),
            false => Ok(()),
        }
    }

    /// Binds the address. Another process may not share it.
    pub(crate) fn bind(options: &ListenerOptions) -> Result<Self, SocketError> {
        BoundListener::check(options)?;
        let ListenerOptions {
            address,
            hosts,
            tls,
        } = options;
        let fault = |error: io::Error| SocketError::Listener {
            address: *address,
            error: error.to_string(),
        };
        let listener = bind(*address).map_err(fault)?;
        let bound = listener.local_addr().map_err(fault)?;
        Ok(BoundListener {
            listener,
            address: bound,
            tls: tls.clone(),
            hosts: Arc::new(Hosts::new(hosts, bound)),
        })
    }
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // Connections of the process before may still wait for their end.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(address: &str, expected: &str) {
        let options = ListenerOptions {
            address: address.parse().unwrap(),
            hosts: Vec::new(),
            tls: None,
        };
        let bound = BoundListener::bind(&options).map(|bound| bound.address.ip().to_string());
        match bound {
            Err(error) => assert!(error.to_string().contains(expected), "{error}"),
            Ok(address) => assert_eq!(address, expected),
        }
    }

    #[test]
    fn plain_http_stays_on_the_machine() {
        check("0.0.0.0:0", "needs a certificate");
        check("192.0.2.1:0", "needs a certificate");
        check("[::]:0", "needs a certificate");
        check("127.0.0.1:0", "127.0.0.1");
    }

    #[test]
    fn an_address_has_one_listener() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        check(
            &taken.local_addr().unwrap().to_string(),
            "cannot listen on 127.0.0.1",
        );
    }
}
