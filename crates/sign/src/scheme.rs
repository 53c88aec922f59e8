//! The kinds of key that CloudFront knows, and how they sign.

use aws_lc_rs::digest;

/// The digest under a signature; `SHA1` when a request names none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashAlgorithm {
    /// SHA-1, CloudFront's default.
    Sha1,
    /// SHA-256, announced by `Hash-Algorithm=SHA256` (developer guide, since April 2026).
    Sha256,
}

impl HashAlgorithm {
    /// The value of `Hash-Algorithm`: `SHA1` or `SHA256`.
    pub fn as_str(self) -> &'static str {
        match self {
            HashAlgorithm::Sha1 => "SHA1",
            HashAlgorithm::Sha256 => "SHA256",
        }
    }

    /// The digest of `message`: 20 or 32 bytes.
    pub fn digest(self, message: &[u8]) -> impl AsRef<[u8]> + use<> {
        let algorithm = match self {
            HashAlgorithm::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            HashAlgorithm::Sha256 => &digest::SHA256,
        };
        digest::digest(algorithm, message)
    }

    pub(crate) fn digest_len(self) -> usize {
        match self {
            HashAlgorithm::Sha1 => 20,
            HashAlgorithm::Sha256 => 32,
        }
    }
}

/// The kinds of key that CloudFront knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA with a modulus of so many bits; new keys have 2048.
    Rsa {
        /// Modulus length, 1024 to 8192.
        bits: u32,
    },
    /// ECDSA over NIST P-256 (`prime256v1`).
    P256,
}

impl std::fmt::Display for KeyKind {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            KeyKind::Rsa { bits } => write!(formatter, "RSA {bits}"),
            KeyKind::P256 => formatter.write_str("ECDSA P-256"),
        }
    }
}
