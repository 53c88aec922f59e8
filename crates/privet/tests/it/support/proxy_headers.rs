//! PROXY headers, version 2, written by hand, and viewers whose connections begin with arbitrary bytes.

use crate::support::{TestEdge, Viewer, connect};
use std::io::Write;
use std::net::{IpAddr, SocketAddr};

/// Returns a header with this command and family around `rest`.
pub fn proxy_header(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
    let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
    [
        b"\r\n\r\n\0\r\nQUIT\n",
        &[command, family][..],
        &length,
        rest,
    ]
    .concat()
}

/// Returns a balancer's header for a connection from `source`, such as `192.0.2.7:40000`.
pub fn proxied(source: &str) -> Vec<u8> {
    let source: SocketAddr = source.parse().unwrap();
    let ports = [source.port().to_be_bytes(), 443_u16.to_be_bytes()].concat();
    match source.ip() {
        IpAddr::V4(address) => {
            let addresses = [address.octets(), [10, 0, 0, 1]].concat();
            proxy_header(0x21, 0x11, &[addresses, ports].concat())
        }
        IpAddr::V6(address) => {
            let addresses = [address.octets(), [0; 16]].concat();
            proxy_header(0x21, 0x21, &[addresses, ports].concat())
        }
    }
}

/// The two kinds of listeners.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listening {
    Plain,
    Tls,
}

pub const BOTH: [Listening; 2] = [Listening::Plain, Listening::Tls];

impl TestEdge {
    /// Connects from the address of `balancer` with `start` as the first bytes; TLS, if any, comes after it.
    pub fn behind(&self, balancer: &str, start: &[u8], listening: Listening) -> Viewer {
        let edge = match listening {
            Listening::Plain => self.http(),
            Listening::Tls => self.https(),
        };
        let mut stream = connect(edge, Some(balancer.parse().unwrap()), None).unwrap();
        // An edge that has already closed the connection accepts nothing.
        let _ = stream.write_all(start);
        match listening {
            Listening::Plain => Viewer::over(stream),
            Listening::Tls => Viewer::encrypted(stream),
        }
    }
}
