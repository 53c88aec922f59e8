//! Trusted proxies, and the headers in which their statements about viewers are believed.

use std::fmt;
use std::net::IpAddr;

/// A range of addresses in CIDR notation (RFC 4632, RFC 4291 2.3); host bits are cleared.
///
/// IPv4-mapped IPv6 addresses are treated as IPv4.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressRange {
    network: IpAddr,
    prefix: u8,
}

impl AddressRange {
    /// Parses `10.0.0.0/8`, `2001:db8::/32`, or a single address; returns `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let prefix_max = bits(address);
        let prefix = match prefix {
            // `u8` would also parse `+8`.
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse().ok()?
            }
            Some(_) => return None,
            None => prefix_max,
        };
        if prefix > prefix_max {
            return None;
        }
        // An IPv4-mapped range becomes one of IPv4; a larger one is left as it is.
        let (address, prefix) = match (address.to_canonical(), prefix.checked_sub(96)) {
            (mapped @ IpAddr::V4(_), Some(rest)) if address.is_ipv6() => (mapped, rest),
            (_, _) => (address, prefix),
        };
        Some(AddressRange {
            network: masked(address, prefix),
            prefix,
        })
    }

    /// Returns true if `address` is in the range.
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

/// Clears the host bits of `address`.
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

/// The proxies whose statements about viewers are believed; none unless configured.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies {
    ranges: Vec<AddressRange>,
}

impl TrustedProxies {
    /// Trusts all addresses in `ranges`.
    pub fn new(ranges: Vec<AddressRange>) -> Self {
        TrustedProxies { ranges }
    }

    /// Returns true if `address` belongs to a trusted proxy.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.ranges.iter().any(|range| range.contains(address))
    }

    /// Returns true if no proxy is trusted.
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }
}

/// The headers of trusted proxies that are believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedHeaders {
    /// `X-Forwarded-For`, `X-Forwarded-Proto` and `X-Forwarded-Host`.
    #[default]
    XForwarded,
    /// `Forwarded` (RFC 7239).
    Forwarded,
    /// No header: the peer of the connection is the viewer.
    None,
}

#[cfg(test)]
mod tests {
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
}
