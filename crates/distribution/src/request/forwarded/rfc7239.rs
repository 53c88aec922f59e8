//! Reads `Forwarded`, by RFC 7239 section 4.

use super::{
    Asked, Forwarded, ForwardedFault, HOPS_MAX, parse_address, parse_host, parse_scheme, way,
};
use crate::config::TrustedProxies;
use http::HeaderMap;
use http::header::FORWARDED;
use std::net::IpAddr;

/// The statement of one proxy. Each parameter occurs at most once ("Each parameter MUST NOT occur more than once").
#[derive(Default)]
struct Element {
    address: Option<Vec<u8>>,
    scheme: Option<Vec<u8>>,
    host: Option<Vec<u8>>,
}

pub(super) fn read(peer: IpAddr, headers: &HeaderMap, trusted: &TrustedProxies) -> Forwarded {
    let mut all = Vec::new();
    for value in headers.get_all(FORWARDED) {
        match elements(value.as_bytes()) {
            Ok(elements) => all.extend(elements),
            Err(fault) => {
                return Forwarded {
                    viewer: peer,
                    is_viewer_known: false,
                    asked: Err(fault),
                };
            }
        }
    }
    if all.len() > HOPS_MAX {
        return Forwarded {
            viewer: peer,
            is_viewer_known: false,
            asked: Err(ForwardedFault::TooMany),
        };
    }
    let addresses = all.iter().rev().map(|element| {
        let address = element.address.as_deref()?;
        parse_address(address)
    });
    let way = way(peer, addresses, trusted);
    let asked = match all.iter().rev().nth(way.hop) {
        Some(element) => element.asked(),
        None => Ok(Asked::default()),
    };
    Forwarded {
        viewer: way.viewer,
        is_viewer_known: way.is_viewer_known,
        asked,
    }
}

impl Element {
    fn asked(&self) -> Result<Asked, ForwardedFault> {
        let scheme = self
            .scheme
            .as_deref()
            .map(|word| parse_scheme(word).ok_or(ForwardedFault::Scheme("Forwarded")));
        let host = self
            .host
            .as_deref()
            .map(|word| parse_host(word).ok_or(ForwardedFault::Host("Forwarded")));
        Ok(Asked {
            scheme: scheme.transpose()?,
            host: host.transpose()?,
        })
    }

    /// Sets a parameter. Names are case-insensitive; unknown ones are ignored.
    fn set(&mut self, name: &[u8], value: Vec<u8>) -> Result<(), ForwardedFault> {
        let place = match name.to_ascii_lowercase().as_slice() {
            b"for" => &mut self.address,
            b"proto" => &mut self.scheme,
            b"host" => &mut self.host,
            _ => return Ok(()),
        };
        match place.replace(value) {
            None => Ok(()),
            Some(_) => Err(ForwardedFault::Syntax),
        }
    }
}

/// Returns all elements of one field line. Empty ones are ignored (RFC 9110 5.6.1).
fn elements(value: &[u8]) -> Result<Vec<Element>, ForwardedFault> {
    let mut elements = Vec::new();
    let mut rest = value;
    loop {
        let mut element = Element::default();
        let mut is_empty = true;
        loop {
            rest = rest.trim_ascii_start();
            if !matches!(rest.first(), None | Some(b';' | b',')) {
                let pair = Pair::read(rest)?;
                element.set(pair.name, pair.value)?;
                is_empty = false;
                rest = pair.rest.trim_ascii_start();
            }
            match rest.split_first() {
                Some((b';', after)) => rest = after,
                Some((b',', _)) | None => break,
                Some(_) => return Err(ForwardedFault::Syntax),
            }
        }
        if !is_empty {
            elements.push(element);
        }
        match rest.split_first() {
            Some((_, after)) => rest = after,
            None => return Ok(elements),
        }
    }
}

/// A parameter: `token "=" ( token / quoted-string )`.
struct Pair<'t> {
    name: &'t [u8],
    value: Vec<u8>,
    /// Text after the parameter.
    rest: &'t [u8],
}

impl<'t> Pair<'t> {
    fn read(text: &'t [u8]) -> Result<Self, ForwardedFault> {
        let (name, rest) = token(text);
        let value = rest.strip_prefix(b"=").ok_or(ForwardedFault::Syntax)?;
        if name.is_empty() {
            return Err(ForwardedFault::Syntax);
        }
        if let Some(quoted) = value.strip_prefix(b"\"") {
            let (value, rest) = unquoted(quoted).ok_or(ForwardedFault::Syntax)?;
            return Ok(Pair { name, value, rest });
        }
        let (value, rest) = word(value);
        if value.is_empty() {
            return Err(ForwardedFault::Syntax);
        }
        let value = value.to_vec();
        Ok(Pair { name, value, rest })
    }
}

fn token(text: &[u8]) -> (&[u8], &[u8]) {
    split_where(text, |byte| is_token(*byte))
}

/// Splits off a token, which may contain the colons and brackets of hosts and addresses that proxies leave unquoted.
fn word(text: &[u8]) -> (&[u8], &[u8]) {
    split_where(text, |byte| is_token(*byte) || b":[]".contains(byte))
}

fn split_where(text: &[u8], is_inside: impl Fn(&u8) -> bool) -> (&[u8], &[u8]) {
    let end = text.iter().position(|byte| !is_inside(byte));
    text.split_at(end.unwrap_or(text.len()))
}

/// Returns whether the byte may be in a token (RFC 9110 5.6.2).
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Returns the text of a quoted string without its opening quote, and the rest after the closing one; `None` if it does
/// not end.
fn unquoted(text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut value = Vec::new();
    let mut rest = text;
    loop {
        match rest {
            [b'"', after @ ..] => return Some((value, after)),
            [b'\\', byte, after @ ..] => {
                value.push(*byte);
                rest = after;
            }
            [b'\\'] | [] => return None,
            [byte, after @ ..] => {
                value.push(*byte);
                rest = after;
            }
        }
    }
}
