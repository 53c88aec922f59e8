//! Reads the fields in which trusted proxies describe a request that they pass on: its viewer, scheme and host.
//!
//! Each proxy appends what it saw of its peer, so the last element comes from the connection's other end, and the
//! element before it from the proxy that the last element names. Elements are read backwards, as long as they were
//! written by trusted proxies, up to the one that names a stranger: it describes the viewer's request. All elements
//! before it are the stranger's own.
//!
//! Only one family of fields is read, never the other: a proxy that uses one family passes the other on unchanged. A
//! contradiction is not resolved by guessing; the request is refused.

use crate::config::{ForwardedHeaders, TrustedProxies};
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue};
use privet_sign::Scheme;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

mod rfc7239;

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
static X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
static X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Maximum size of a host: the longest host name, with a port.
const HOST_SIZE_BYTES_MAX: usize = 255 + ":65535".len();
/// Maximum number of proxies in a row, more than anybody has.
const HOPS_MAX: usize = 32;

/// A request as the outermost trusted proxy saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// Address of the viewer. If the rest is a contradiction, an address that can be logged.
    pub viewer: IpAddr,
    /// False if a proxy names its peer without an address; `viewer` is then the last known address.
    pub is_viewer_known: bool,
    /// Scheme and host of the viewer's request, or the fault that makes them unknowable.
    pub asked: Result<Asked, ForwardedFault>,
}

impl Forwarded {
    /// Returns the address that grants are checked against. If the viewer is unknown, it is one that no grant for
    /// particular addresses names.
    pub fn client(&self) -> IpAddr {
        if self.is_viewer_known {
            self.viewer
        } else {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED)
        }
    }
}

/// Scheme and host by which the viewer addressed the outermost trusted proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Scheme of the viewer's request; `None`: that of this connection.
    pub scheme: Option<Scheme>,
    /// Host, with its port if it has one; `None`: that of the request itself.
    pub host: Option<String>,
}

/// Reason why the fields of trusted proxies make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedFault {
    /// The field has several values that cannot be attributed to the proxies.
    Uneven(&'static str),
    /// The field names a scheme that is neither `http` nor `https`.
    Scheme(&'static str),
    /// The field is not a host: a name or address with an optional port.
    Host(&'static str),
    /// `Forwarded` does not follow the syntax of RFC 7239 section 4.
    Syntax,
    /// There are more proxies than anybody has in a row.
    TooMany,
}

impl fmt::Display for ForwardedFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ForwardedFault::Uneven(field) => write!(
                formatter,
                "{field} has several values, and not as many as X-Forwarded-For; let the outermost proxy replace \
                 them by a single one"
            ),
            ForwardedFault::Scheme(field) => {
                write!(
                    formatter,
                    "{field} names a scheme that is neither http nor https"
                )
            }
            ForwardedFault::Host(field) => write!(formatter, "{field} names no host"),
            ForwardedFault::Syntax => write!(formatter, "Forwarded does not follow RFC 7239"),
            ForwardedFault::TooMany => {
                write!(formatter, "Forwarded names more than {HOPS_MAX} proxies")
            }
        }
    }
}

/// Reads the fields of a request. `peer` is the connection's other end, or the address that a PROXY header names.
pub fn forwarded(
    peer: IpAddr,
    headers: &HeaderMap,
    trusted: &TrustedProxies,
    family: ForwardedHeaders,
) -> Forwarded {
    let peer = peer.to_canonical();
    let direct = Forwarded {
        viewer: peer,
        is_viewer_known: true,
        asked: Ok(Asked::default()),
    };
    if !trusted.contains(peer) {
        return direct;
    }
    match family {
        ForwardedHeaders::None => direct,
        ForwardedHeaders::XForwarded => x_forwarded(peer, headers, trusted),
        ForwardedHeaders::Forwarded => rfc7239::read(peer, headers, trusted),
    }
}

fn x_forwarded(peer: IpAddr, headers: &HeaderMap, trusted: &TrustedProxies) -> Forwarded {
    let hops = elements(headers, &X_FORWARDED_FOR);
    let addresses = hops.iter().rev().map(|element| parse_address(element));
    let way = way(peer, addresses, trusted);
    let asked = || {
        let of = |name: &'static HeaderName, label| {
            word_of(&elements(headers, name), hops.len(), way.hop, label)
        };
        let scheme = of(&X_FORWARDED_PROTO, "X-Forwarded-Proto")?
            .map(|word| parse_scheme(word).ok_or(ForwardedFault::Scheme("X-Forwarded-Proto")))
            .transpose()?;
        let host = of(&X_FORWARDED_HOST, "X-Forwarded-Host")?
            .map(|word| parse_host(word).ok_or(ForwardedFault::Host("X-Forwarded-Host")))
            .transpose()?;
        Ok(Asked { scheme, host })
    };
    Forwarded {
        viewer: way.viewer,
        is_viewer_known: way.is_viewer_known,
        asked: asked(),
    }
}

/// The point at which the reading of addresses ended.
struct Way {
    viewer: IpAddr,
    is_viewer_known: bool,
    /// Index, counted from the last element, of the one that the outermost trusted proxy wrote.
    hop: usize,
}

/// Reads `addresses` backwards from the last one. `None` is an element without an address; it ends the reading at the
/// last known address.
fn way(
    peer: IpAddr,
    addresses: impl Iterator<Item = Option<IpAddr>>,
    trusted: &TrustedProxies,
) -> Way {
    let mut way = Way {
        viewer: peer,
        is_viewer_known: true,
        hop: 0,
    };
    for (hop, address) in addresses.enumerate() {
        way.hop = hop;
        let Some(address) = address else {
            way.is_viewer_known = false;
            break;
        };
        way.viewer = address.to_canonical();
        if !trusted.contains(way.viewer) {
            break;
        }
    }
    way
}

/// Returns the elements of a list-valued field, in their order.
fn elements<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Vec<&'h [u8]> {
    let values = headers.get_all(name).into_iter();
    values
        .map(HeaderValue::as_bytes)
        .flat_map(|value| value.split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .collect()
}

/// Returns the word of the proxy at `hop` in a field with these `words`. A single word was passed on as the outermost
/// proxy wrote it; several words must correspond to the `hops` addresses one by one.
fn word_of<'h>(
    words: &[&'h [u8]],
    hops: usize,
    hop: usize,
    name: &'static str,
) -> Result<Option<&'h [u8]>, ForwardedFault> {
    match words {
        [] | [b""] => Ok(None),
        [word] => Ok(Some(word)),
        several if several.len() == hops => Ok(Some(several[hops - 1 - hop])),
        _ => Err(ForwardedFault::Uneven(name)),
    }
}

fn parse_scheme(word: &[u8]) -> Option<Scheme> {
    match word {
        _ if word.eq_ignore_ascii_case(b"https") => Some(Scheme::Https),
        _ if word.eq_ignore_ascii_case(b"http") => Some(Scheme::Http),
        _ => None,
    }
}

/// Parses a host with an optional port (RFC 9110 7.2), as written in `Host`.
fn parse_host(word: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(word).ok()?;
    let authority: Authority = text.parse().ok()?;
    let is_host = !authority.host().is_empty()
        && !text.contains('@')
        && text.len() <= HOST_SIZE_BYTES_MAX
        && (authority.port().is_none() == text.ends_with(authority.host()));
    is_host.then(|| text.to_owned())
}

/// Parses an address, also with a port, or with the brackets of an IPv6 address.
fn parse_address(element: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(element).ok()?;
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let Ok(address) = text.parse::<std::net::SocketAddr>() {
        return Some(address.ip());
    }
    let bare = text.strip_prefix('[')?.strip_suffix(']')?;
    bare.parse().ok().map(IpAddr::V6)
}

#[cfg(test)]
mod tests;
