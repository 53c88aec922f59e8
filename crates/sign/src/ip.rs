//! Address conditions: one IPv4 range (developer guide, "IpAddress").

use std::net::{IpAddr, Ipv4Addr};

use crate::sign_error::SignError;

/// An IPv4 range with host bits cleared; a bare address is `/32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpRange {
    network: u32,
    prefix: u8,
}

impl IpRange {
    /// Parses `192.0.2.10` or `192.0.2.0/24`; set host bits are cleared.
    ///
    /// # Errors
    /// [`SignError::Ipv6`], [`SignError::IpList`], [`SignError::NotAnAddress`] or [`SignError::IpMask`].
    pub fn parse(text: &str) -> Result<Self, SignError> {
        if text.contains(':') {
            return Err(SignError::Ipv6);
        }
        if text.contains([',', ' ', ';', '-']) {
            return Err(SignError::IpList);
        }
        let (address, mask) = match text.split_once('/') {
            Some((address, mask)) => (address, Some(mask)),
            None => (text, None),
        };
        let address: Ipv4Addr = address.parse().map_err(|_| SignError::NotAnAddress)?;
        let prefix = mask
            .map_or(Some(32), parse_prefix)
            .ok_or(SignError::IpMask)?;
        Ok(IpRange {
            network: u32::from(address) & mask_of(prefix),
            prefix,
        })
    }

    /// Encodes address and prefix length, for [`IpRange::from_bytes`].
    pub(crate) fn to_bytes(self) -> [u8; 5] {
        let [a, b, c, d] = self.network.to_be_bytes();
        [a, b, c, d, self.prefix]
    }

    /// Decodes a range. Returns `None` for a prefix that IPv4 does not have, or set host bits.
    pub(crate) fn from_bytes(bytes: &[u8; 5]) -> Option<Self> {
        let [a, b, c, d, prefix] = *bytes;
        let network = u32::from_be_bytes([a, b, c, d]);
        let is_range = prefix <= 32 && network & mask_of(prefix) == network;
        is_range.then_some(IpRange { network, prefix })
    }

    /// True if the range contains `address`. IPv4-mapped IPv6 counts as IPv4; other IPv6 never matches.
    ///
    /// No host has the address 0.0.0.0 (RFC 1122 3.2.1.3): it stands for a viewer whose address is unknown, and is only
    /// in the range of all addresses.
    pub fn contains(&self, address: IpAddr) -> bool {
        match address.to_canonical() {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED) => self.prefix == 0,
            IpAddr::V4(address) => u32::from(address) & mask_of(self.prefix) == self.network,
            IpAddr::V6(_) => false,
        }
    }
}

impl std::fmt::Display for IpRange {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "{}/{}",
            Ipv4Addr::from(self.network),
            self.prefix
        )
    }
}

fn parse_prefix(text: &str) -> Option<u8> {
    let plain = text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    let leading_zero = text.len() == 2 && text.starts_with('0');
    if !plain || leading_zero {
        return None;
    }
    text.parse().ok().filter(|prefix| *prefix <= 32)
}

fn mask_of(prefix: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, SignError>) {
        assert_eq!(
            IpRange::parse(text).map(|range| range.to_string()),
            expected.map(str::to_owned),
            "{text}"
        );
    }

    #[test]
    fn one_ipv4_range_and_nothing_else() {
        check("2001:db8::/32", Err(SignError::Ipv6));
        check("10.0.0.1, 10.0.0.2", Err(SignError::IpList));
        check("10.0.0.1-10.0.0.9", Err(SignError::IpList));
        check("example.com", Err(SignError::NotAnAddress));
        check("300.1.1.1", Err(SignError::NotAnAddress));
        check("010.0.0.1", Err(SignError::NotAnAddress));
        check("", Err(SignError::NotAnAddress));
        check("10.0.0.0/33", Err(SignError::IpMask));
        check("10.0.0.0/", Err(SignError::IpMask));
        check("10.0.0.0/+8", Err(SignError::IpMask));
        check("10.0.0.0/255.0.0.0", Err(SignError::IpMask));
        check("192.0.2.77/24", Ok("192.0.2.0/24"));
        check("192.0.2.10", Ok("192.0.2.10/32"));
        check("1.2.3.4/0", Ok("0.0.0.0/0"));
    }

    #[test]
    fn mapped_addresses_count_as_ipv4() {
        let range = IpRange::parse("192.0.2.0/24").expect("valid range");
        let holds = |text: &str| range.contains(text.parse().expect("valid address"));
        assert!(!holds("198.51.100.1"));
        assert!(!holds("2001:db8::1"));
        assert!(holds("::ffff:192.0.2.77"));
        assert!(holds("192.0.2.77"));
    }

    #[test]
    fn nobody_has_the_address_of_nobody() {
        let contains = |range: &str| {
            let range = IpRange::parse(range).unwrap();
            range.contains(IpAddr::V4(Ipv4Addr::UNSPECIFIED))
        };
        for range in ["0.0.0.0", "0.0.0.0/32", "0.0.0.0/8", "0.0.0.0/1"] {
            assert!(!contains(range), "{range}");
        }
        assert!(contains("0.0.0.0/0"));
    }
}
