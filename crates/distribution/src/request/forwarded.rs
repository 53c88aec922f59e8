//! What trusted proxies say of a request that they pass on: whose it is, by which scheme and to which host it came.
//!
//! Each proxy adds what it saw of whom it heard from, so the last word is that of the connection's other end, and the
//! one before it that of the proxy which the last word names. The words of trusted proxies are read from the last one
//! on, up to the one that names a stranger: what that proxy saw is what the viewer asked. Everything before it is the
//! stranger's own.
//!
//! One family of fields is read, and never the other: a proxy that speaks the one passes the other on as it came. What
//! contradicts itself is not guessed about, and the request is refused.

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

/// As long as names of hosts are, with a port.
const HOST_SIZE_BYTES_MAX: usize = 255 + ":65535".len();
/// More proxies than anybody has in a row.
const HOPS_MAX: usize = 32;

/// A request as the outermost trusted proxy saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forwarded {
    /// Whose request it is. Also where the rest is a contradiction, an address that can be told of.
    pub viewer: IpAddr,
    /// `false`: a proxy names somebody by no address, and `viewer` is the last who has one.
    pub is_viewer_known: bool,
    /// What else is known, or why it cannot be.
    pub asked: Result<Asked, ForwardedFault>,
}

impl Forwarded {
    /// The address that grants are judged by: one that no grant for some addresses names, where the viewer is not
    /// known.
    pub fn client(&self) -> IpAddr {
        if self.is_viewer_known {
            self.viewer
        } else {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED)
        }
    }
}

/// How the viewer asked the outermost trusted proxy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// `None`: as the connection's other end asks here.
    pub scheme: Option<Scheme>,
    /// With its port, if it has one. `None`: as the request itself says.
    pub host: Option<String>,
}

/// Why the words of trusted proxies make no sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedFault {
    /// Of several values of this field it cannot be told whose each is.
    Uneven(&'static str),
    /// The field names a scheme that is neither `http` nor `https`.
    Scheme(&'static str),
    /// The field names no host: no name or address with an optional port.
    Host(&'static str),
    /// `Forwarded` is not as RFC 7239 section 4 has it.
    Syntax,
    /// There are more proxies than anybody has.
    TooMany,
}

impl fmt::Display for ForwardedFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ForwardedFault::Uneven(field) => write!(
                formatter,
                "{field} has several values, and not as many as X-Forwarded-For; let the outermost proxy set one in place of \
                 what comes"
            ),
            ForwardedFault::Scheme(field) => {
                write!(
                    formatter,
                    "{field} names a scheme that is neither http nor https"
                )
            }
            ForwardedFault::Host(field) => write!(formatter, "{field} names no host"),
            ForwardedFault::Syntax => write!(formatter, "Forwarded is not as RFC 7239 has it"),
            ForwardedFault::TooMany => {
                write!(formatter, "Forwarded names more than {HOPS_MAX} proxies")
            }
        }
    }
}

/// Reads what is said of a request whose connection's other end, or whom a PROXY header names, is `peer`.
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

/// Where the reading of addresses ended.
struct Way {
    viewer: IpAddr,
    is_viewer_known: bool,
    /// Which word, counted from the last one, is that of the outermost trusted proxy.
    hop: usize,
}

/// `addresses` from the last one on; `None` for what is no address, which ends the reading at the last trustworthy one.
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

/// The values of a field that is a list, in their order.
fn elements<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Vec<&'h [u8]> {
    let values = headers.get_all(name).into_iter();
    values
        .map(HeaderValue::as_bytes)
        .flat_map(|value| value.split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .collect()
}

/// What the proxy at `hop` said in a field with these `words`. A single word was passed on as the outermost one wrote
/// it; of several, each must belong to one of `hops` addresses.
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

/// A host with an optional port (RFC 9110 7.2), as it is written in `Host`.
fn parse_host(word: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(word).ok()?;
    let authority: Authority = text.parse().ok()?;
    let is_host = !authority.host().is_empty()
        && !text.contains('@')
        && text.len() <= HOST_SIZE_BYTES_MAX
        && (authority.port().is_none() == text.ends_with(authority.host()));
    is_host.then(|| text.to_owned())
}

/// An address, also with a port, and with the brackets of an IPv6 address.
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
