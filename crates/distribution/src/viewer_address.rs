//! Where a viewer is, when trusted proxies stand in between.

use std::fmt;
use std::net::IpAddr;

/// A range of addresses in CIDR notation (RFC 4632, RFC 4291 2.3); host bits are cleared.
///
/// IPv4-mapped IPv6 addresses count as IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    network: IpAddr,
    prefix: u8,
}

impl AddressRange {
    /// Reads `10.0.0.0/8`, `2001:db8::/32`, or an address, which stands for itself alone; `None` for other texts.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let prefix_max = bits(address);
        let prefix = match prefix {
            // `u8` would also read `+8`.
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok()?
            }
            Some(_) => return None,
            None => prefix_max,
        };
        if prefix > prefix_max {
            return None;
        }
        // An IPv4-mapped range is one of IPv4; one that holds more than those is left as it is.
        let (address, prefix) = match (address.to_canonical(), prefix.checked_sub(96)) {
            (mapped @ IpAddr::V4(_), Some(rest)) if address.is_ipv6() => (mapped, rest),
            (_, _) => (address, prefix),
        };
        Some(AddressRange {
            network: masked(address, prefix),
            prefix,
        })
    }

    /// Whether `address` is in the range.
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        bits(address) == bits(self.network) && masked(address, self.prefix) == self.network
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.network, self.prefix)
    }
}

fn bits(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// `address` without its host bits.
fn masked(address: IpAddr, prefix: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(u32::from(32 - prefix)).unwrap_or(0);
            IpAddr::V4((u32::from(address) & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(u32::from(128 - prefix)).unwrap_or(0);
            IpAddr::V6((u128::from(address) & mask).into())
        }
    }
}

/// The proxies whose word about viewers' addresses is believed. None of them, unless configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    ranges: Vec<AddressRange>,
}

impl TrustedProxies {
    /// All addresses in `ranges`.
    pub fn new(ranges: Vec<AddressRange>) -> Self {
        TrustedProxies { ranges }
    }

    /// Whether `address` is a trusted proxy's.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.ranges.iter().any(|range| range.contains(address))
    }

    /// Whether nobody is trusted.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }
}

/// The viewer's address: `peer`, or what trusted proxies say of it in `X-Forwarded-For`.
///
/// `peer` is that of the connection, or the one that a PROXY header names. `forwarded_for` are the values of the
/// header, in their order. They are read from the right: each trusted proxy's word counts up to the first address that
/// is not a trusted proxy. What is no address ends the reading at the last trustworthy one.
pub fn viewer_address<'h>(
    peer: IpAddr,
    forwarded_for: impl Iterator<Item = &'h [u8]>,
    trusted: &TrustedProxies,
) -> IpAddr {
    let mut viewer = peer.to_canonical();
    if !trusted.contains(viewer) {
        return viewer;
    }
    let values: Vec<&[u8]> = forwarded_for.collect();
    let elements = values
        .iter()
        .rev()
        .flat_map(|value| value.rsplit(|byte| *byte == b','));
    for element in elements {
        let Some(address) = parse_element(element.trim_ascii()) else {
            return viewer;
        };
        viewer = address.to_canonical();
        if !trusted.contains(viewer) {
            return viewer;
        }
    }
    viewer
}

/// An address, also with a port, and with the brackets of an IPv6 address.
fn parse_element(element: &[u8]) -> Option<IpAddr> {
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
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn ranges_that_are_none() {
        for bad in [
            "",
            "x",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "10.0.0.0/-1",
            "::/129",
            "10.0.0/8",
            "10.0.0.0/8/8",
            "10.0.0.0:80",
        ] {
            assert_eq!(AddressRange::parse(bad), None, "{bad:?}");
        }
    }

    #[track_caller]
    fn check_range(range: &str, address: &str, expected: bool) {
        let found = AddressRange::parse(range)
            .unwrap()
            .contains(address.parse().unwrap());
        assert_eq!(found, expected, "{address} in {range}");
    }

    #[test]
    fn addresses_in_ranges() {
        check_range("10.0.0.0/8", "11.0.0.0", false);
        check_range("10.0.0.0/8", "::a00:1", false);
        check_range("2001:db8::/32", "2001:db9::1", false);
        check_range("0.0.0.0/0", "::1", false);
        check_range("10.1.2.3/8", "10.9.9.9", true);
        check_range("10.0.0.1", "10.0.0.1", true);
        check_range("10.0.0.0/8", "::ffff:10.0.0.1", true);
        check_range("::ffff:10.0.0.0/104", "10.0.0.1", true);
        check_range("0.0.0.0/0", "255.255.255.255", true);
        check_range("::/0", "2001:db8::1", true);
        check_range("2001:db8::/127", "2001:db8::1", true);
    }

    #[track_caller]
    fn check(peer: &str, headers: &[&str], expected: &str) {
        let ranges = ["10.0.0.0/8", "2001:db8::/32"];
        let ranges = ranges
            .iter()
            .map(|range| AddressRange::parse(range).unwrap());
        let trusted = TrustedProxies::new(ranges.collect());
        let values = headers.iter().map(|value| value.as_bytes());
        let viewer = viewer_address(peer.parse().unwrap(), values, &trusted);
        assert_eq!(viewer.to_string(), expected);
    }

    #[test]
    fn strangers_are_not_believed() {
        check("192.0.2.1", &["198.51.100.1"], "192.0.2.1");
        check("192.0.2.1", &["10.0.0.1"], "192.0.2.1");
    }

    #[test]
    fn garbage_ends_the_reading() {
        check("10.0.0.1", &["198.51.100.1, x"], "10.0.0.1");
        check("10.0.0.1", &["198.51.100.1, unknown, 10.0.0.2"], "10.0.0.2");
        check("10.0.0.1", &["198.51.100.1,"], "10.0.0.1");
        check("10.0.0.1", &["", "\u{e9}"], "10.0.0.1");
    }

    #[test]
    fn the_first_stranger_from_the_right_is_the_viewer() {
        check("10.0.0.1", &[], "10.0.0.1");
        check("10.0.0.1", &["198.51.100.1"], "198.51.100.1");
        check(
            "10.0.0.1",
            &["203.0.113.1, 198.51.100.1, 10.0.0.2"],
            "198.51.100.1",
        );
        check("10.0.0.1", &["203.0.113.1", "198.51.100.1"], "198.51.100.1");
        check("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3");
        check("::ffff:10.0.0.1", &["[2001:db9::1]:443"], "2001:db9::1");
        check("2001:db8::1", &["198.51.100.1:5000"], "198.51.100.1");
    }
}
