//! The identity of a link: the key and the text that it signed.
//!
//! A signature is no identity: anyone who has one ECDSA signature can make another over the same text.

use std::fmt;

use aws_lc_rs::digest::{Context, SHA256};

use crate::encoding::hex;
use crate::key::PublicKey;

/// Separates these digests from all others.
const DOMAIN: &[u8] = b"privet link 1\0";

/// The identity of a link, the same for every signature of one key over one text.
///
/// It is the SHA-256 of the public key's SubjectPublicKeyInfo and the signed text: the policy as received, or the
/// rebuilt canned text. The id under which the key is known takes no part, nor do the hash and the source of the
/// credentials.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LinkId(pub(crate) [u8; LinkId::SIZE_BYTES]);

impl LinkId {
    /// Length of an identity in bytes.
    pub const SIZE_BYTES: usize = 32;

    pub(crate) fn of(key: &PublicKey, text: &[u8]) -> Self {
        let mut context = Context::new(&SHA256);
        context.update(DOMAIN);
        // The length in front keeps a key's end from being taken for a text's beginning.
        for part in [key.spki_der(), text] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut id = [0; LinkId::SIZE_BYTES];
        id.copy_from_slice(context.finish().as_ref());
        LinkId(id)
    }

    /// Takes the bytes as a table stores them.
    pub const fn from_bytes(bytes: [u8; LinkId::SIZE_BYTES]) -> Self {
        LinkId(bytes)
    }

    /// Parses 64 lower-case hex digits, as [`LinkId`] is displayed. Returns `None` for any other text.
    pub fn parse(text: &str) -> Option<Self> {
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        if !rest.is_empty() || pairs.len() != LinkId::SIZE_BYTES {
            return None;
        }
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let mut id = [0; LinkId::SIZE_BYTES];
        for (byte, [high, low]) in id.iter_mut().zip(pairs) {
            *byte = digit(*high)? << 4 | digit(*low)?;
        }
        Some(LinkId(id))
    }

    /// Returns the bytes, as a table stores them.
    pub fn as_bytes(&self) -> &[u8; LinkId::SIZE_BYTES] {
        &self.0
    }
}

/// Writes 64 lower-case hex digits.
impl fmt::Display for LinkId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for LinkId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "LinkId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_displayed_is_an_identity() {
        let id = LinkId::from_bytes(std::array::from_fn(|index| {
            u8::try_from(index * 8).unwrap_or_default()
        }));
        let text = id.to_string();
        for odd in [
            "",
            "0",
            &text[1..],
            &text[2..],
            &format!("{text}00"),
            &text.to_ascii_uppercase(),
            &format!(" {}", &text[1..]),
            &text.replace('8', "g"),
            &"\u{e4}".repeat(32),
        ] {
            assert_eq!(LinkId::parse(odd), None, "{odd}");
        }
        assert_eq!(LinkId::parse(&text), Some(id));
    }
}
