//! The PROXY protocol, version 2: a balancer's facts about a connection, sent before the connection's own first byte.
//!
//! Every rule is from its specification (`proxy-protocol.txt`, section 2.2). Version 1 is refused.

use crate::tls::TlsNames;
use crate::viewer_end::{Naming, ViewerEnd};
use privet_distribution::config::Snapshot;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Range;
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt};

mod complaints;
mod tls;

pub(crate) use complaints::ProxyComplaints;

const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Length of the fixed part: signature, version and command, family, and the length of the rest.
const START_SIZE_BYTES: usize = 16;
/// Length of two names of Unix sockets, the longest addresses there are.
const UNIX_ADDRESSES_SIZE_BYTES: usize = 216;
/// Maximum length of the extensions after the addresses.
const EXTENSIONS_SIZE_BYTES_MAX: usize = 4096;
/// Type of the extension that holds a checksum of the header.
const CRC32C: u8 = 0x03;
/// Type of the extension about the viewer's TLS.
const SSL: u8 = 0x20;

/// Reason why a connection is closed before it began.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum ProxyFault {
    /// The peer is not trusted; anybody could claim any address otherwise.
    #[error("it is not from edge.trusted_proxies")]
    UntrustedPeer,
    #[error("it began with a PROXY header of version 1; set the balancer to version 2")]
    Version1,
    #[error("it did not begin with a PROXY header of version 2")]
    NoHeader,
    #[error("its PROXY header has the unknown version and command {0:#04x}")]
    UnknownCommand(u8),
    #[error("its PROXY header has the unknown address family {0:#04x}")]
    UnknownFamily(u8),
    #[error("its PROXY header is too short for its addresses")]
    TooShort,
    #[error("its PROXY header has more than {EXTENSIONS_SIZE_BYTES_MAX} bytes of extensions")]
    TooLong,
    #[error("an extension in its PROXY header leads beyond the header's end")]
    BrokenExtension,
    #[error("its PROXY header speaks of TLS twice")]
    TlsTwice,
    #[error("the checksum in its PROXY header is wrong")]
    Checksum,
    #[error("its PROXY header did not arrive in time")]
    Slow,
    #[error("it ended within the PROXY header: {0}")]
    Ended(io::ErrorKind),
}

/// Returns the viewer of a connection: reads the header, and not a byte of what follows.
///
/// `peer` is the address of the other side, which must be a trusted proxy. It remains the connection's owner if the
/// header says that the proxy speaks for itself, or names no internet address.
pub(crate) async fn read<S>(
    stream: &mut S,
    peer: SocketAddr,
    snapshot: &Snapshot,
) -> Result<ViewerEnd, ProxyFault>
where
    S: AsyncRead + Unpin,
{
    if !snapshot.node.trusted_proxies.contains(peer.ip()) {
        return Err(ProxyFault::UntrustedPeer);
    }
    let header = tokio::time::timeout(snapshot.node.limits.head_timeout, read_header(stream));
    let header = header.await.unwrap_or(Err(ProxyFault::Slow))?;
    let said = said(&header)?;
    Ok(ViewerEnd {
        peer: said.source.unwrap_or(peer),
        naming: if said.source.is_some() {
            Naming::Known
        } else {
            Naming::Unnamed
        },
        ended_tls: said.tls,
    })
}

async fn read_header<S>(stream: &mut S) -> Result<Vec<u8>, ProxyFault>
where
    S: AsyncRead + Unpin,
{
    let ended = |error: io::Error| ProxyFault::Ended(error.kind());
    let mut header = vec![0; START_SIZE_BYTES];
    stream.read_exact(&mut header).await.map_err(ended)?;
    header.resize(size_bytes(&header)?, 0);
    let rest = &mut header[START_SIZE_BYTES..];
    stream.read_exact(rest).await.map_err(ended)?;
    Ok(header)
}

/// Returns the size of the whole header, computed from its start.
fn size_bytes(start: &[u8]) -> Result<usize, ProxyFault> {
    if start.starts_with(b"PROXY ") {
        return Err(ProxyFault::Version1);
    }
    if !start.starts_with(SIGNATURE) {
        return Err(ProxyFault::NoHeader);
    }
    let rest = usize::from(u16::from_be_bytes([start[14], start[15]]));
    if rest > UNIX_ADDRESSES_SIZE_BYTES + EXTENSIONS_SIZE_BYTES_MAX {
        return Err(ProxyFault::TooLong);
    }
    Ok(START_SIZE_BYTES + rest)
}

/// A header's facts about a viewer.
#[derive(Debug, Default, PartialEq, Eq)]
struct ProxyFacts {
    /// Address of the viewer; `None` when the proxy speaks for itself or the address is not an internet address.
    source: Option<SocketAddr>,
    tls: Option<TlsNames>,
}

fn said(header: &[u8]) -> Result<ProxyFacts, ProxyFault> {
    match header[12] {
        // LOCAL, a health check for example: the rest has no meaning.
        0x20 => return Ok(ProxyFacts::default()),
        0x21 => {}
        unknown => return Err(ProxyFault::UnknownCommand(unknown)),
    }
    let rest = &header[START_SIZE_BYTES..];
    let (addresses_size_bytes, source) = match header[13] {
        0x00 => return Ok(ProxyFacts::default()),
        // A balancer's QUIC viewers come by datagrams and have addresses like the others.
        0x11 | 0x12 => (12, ipv4(rest)),
        0x21 | 0x22 => (36, ipv6(rest)),
        0x31 | 0x32 => (UNIX_ADDRESSES_SIZE_BYTES, None),
        unknown => return Err(ProxyFault::UnknownFamily(unknown)),
    };
    let extensions_size_bytes = rest
        .len()
        .checked_sub(addresses_size_bytes)
        .ok_or(ProxyFault::TooShort)?;
    if extensions_size_bytes > EXTENSIONS_SIZE_BYTES_MAX {
        return Err(ProxyFault::TooLong);
    }
    let tls = read_extensions(header, START_SIZE_BYTES + addresses_size_bytes)?;
    Ok(ProxyFacts { source, tls })
}

/// Reads the source; the order is source, destination, source port, destination port.
fn ipv4(addresses: &[u8]) -> Option<SocketAddr> {
    let address: [u8; 4] = addresses.get(..4)?.try_into().ok()?;
    let port: [u8; 2] = addresses.get(8..10)?.try_into().ok()?;
    let port = u16::from_be_bytes(port);
    Some(SocketAddr::from((Ipv4Addr::from(address), port)))
}

/// Reads the same fields, with longer addresses.
fn ipv6(addresses: &[u8]) -> Option<SocketAddr> {
    let address: [u8; 16] = addresses.get(..16)?.try_into().ok()?;
    let port: [u8; 2] = addresses.get(32..34)?.try_into().ok()?;
    let port = u16::from_be_bytes(port);
    Some(SocketAddr::from((Ipv6Addr::from(address), port)))
}

/// Walks through the extensions from `at`: verifies the checksum, and returns the facts about TLS.
fn read_extensions(header: &[u8], at: usize) -> Result<Option<TlsNames>, ProxyFault> {
    let mut told = None;
    for extension in (Extensions { header, at }) {
        let (kind, value) = extension?;
        match kind {
            CRC32C => check_checksum(header, value)?,
            SSL => {
                let tls = tls::read(&header[value])?;
                if told.replace(tls).is_some() {
                    return Err(ProxyFault::TlsTwice);
                }
            }
            _ => {}
        }
    }
    Ok(told.flatten())
}

/// Iterator over the extensions: type and position of the value of each.
struct Extensions<'h> {
    header: &'h [u8],
    at: usize,
}

impl Iterator for Extensions<'_> {
    type Item = Result<(u8, Range<usize>), ProxyFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.header.len() {
            return None;
        }
        let Some([kind, high, low]) = self.header.get(self.at..self.at + 3) else {
            self.at = self.header.len();
            return Some(Err(ProxyFault::BrokenExtension));
        };
        let start = self.at + 3;
        let value = start..start + usize::from(u16::from_be_bytes([*high, *low]));
        self.at = value.end;
        if value.end > self.header.len() {
            return Some(Err(ProxyFault::BrokenExtension));
        }
        Some(Ok((*kind, value)))
    }
}

/// Verifies the checksum, which is computed over the header with zeros in the checksum's place.
fn check_checksum(header: &[u8], place: Range<usize>) -> Result<(), ProxyFault> {
    let before = &header[..place.start];
    let after = &header[place.end..];
    let found = crc32c([before, &[0; 4], after].into_iter().flatten());
    if header[place] == found.to_be_bytes() {
        Ok(())
    } else {
        Err(ProxyFault::Checksum)
    }
}

/// Computes Castagnoli's CRC (RFC 3720 12.1), bit by bit: a header has some dozens of bytes, and a connection one
/// header.
fn crc32c<'b>(bytes: impl Iterator<Item = &'b u8>) -> u32 {
    const POLYNOMIAL_REFLECTED: u32 = 0x82f6_3b78;
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            let carry = crc & 1;
            crc = (crc >> 1) ^ (carry * POLYNOMIAL_REFLECTED);
        }
    }
    !crc
}

#[cfg(test)]
mod tests;
