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
