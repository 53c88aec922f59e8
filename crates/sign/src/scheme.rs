//! The kinds of key that CloudFront supports, and the schemes by which they sign.
//!
//! A new scheme adds a kind of key here, its schemes, and the algorithm that verifies each; `evp` signs by it.

use aws_lc_rs::digest;
use aws_lc_rs::signature::{self, VerificationAlgorithm};

/// The value of `Hash-Algorithm`, by which a link names the digest under its signature; without it, `SHA1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HashAlgorithm {
    /// SHA-1, CloudFront's default.
    Sha1,
    /// SHA-256, announced by `Hash-Algorithm=SHA256` (developer guide, since April 2026).
    Sha256,
}

impl HashAlgorithm {
    /// Returns the value of `Hash-Algorithm`: `SHA1` or `SHA256`.
    pub fn as_str(self) -> &'static str {
        match self {
            HashAlgorithm::Sha1 => "SHA1",
            HashAlgorithm::Sha256 => "SHA256",
        }
    }

    /// Computes the digest of `message`: 20 or 32 bytes.
    pub fn digest(self, message: &[u8]) -> impl AsRef<[u8]> + use<> {
        let algorithm = match self {
            HashAlgorithm::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            HashAlgorithm::Sha256 => &digest::SHA256,
        };
        digest::digest(algorithm, message)
    }
}

/// The kinds of key that CloudFront supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// RSA with a modulus of `bits` bits; new keys have 2048.
    Rsa {
        /// Length of the modulus, 1024 to 8192.
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

impl KeyKind {
    /// Returns the schemes by which a key of this kind signs.
    pub fn schemes(self) -> &'static [SignatureScheme] {
        match self {
            KeyKind::Rsa { .. } => &[
                SignatureScheme::RsaPkcs1Sha1,
                SignatureScheme::RsaPkcs1Sha256,
            ],
            KeyKind::P256 => &[
                SignatureScheme::EcdsaP256Sha1,
                SignatureScheme::EcdsaP256Sha256,
            ],
        }
    }

    /// Returns the scheme by which a key of this kind signs with `hash`.
    pub fn scheme(self, hash: HashAlgorithm) -> SignatureScheme {
        match (self, hash) {
            (KeyKind::Rsa { .. }, HashAlgorithm::Sha1) => SignatureScheme::RsaPkcs1Sha1,
            (KeyKind::Rsa { .. }, HashAlgorithm::Sha256) => SignatureScheme::RsaPkcs1Sha256,
            (KeyKind::P256, HashAlgorithm::Sha1) => SignatureScheme::EcdsaP256Sha1,
            (KeyKind::P256, HashAlgorithm::Sha256) => SignatureScheme::EcdsaP256Sha256,
        }
    }
}

/// A way from a message to its signature. Each takes the whole message; most sign its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SignatureScheme {
    /// RSASSA-PKCS1-v1_5 with SHA-1 (RFC 8017, 8.2).
    RsaPkcs1Sha1,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RsaPkcs1Sha256,
    /// ECDSA over P-256 with SHA-1, in ASN.1 DER (FIPS 186-4, RFC 3279 2.2.3).
    EcdsaP256Sha1,
    /// ECDSA over P-256 with SHA-256, in ASN.1 DER.
    EcdsaP256Sha256,
}

impl SignatureScheme {
    /// Returns the digest that is signed in place of the message. `None` is for a scheme that takes the
    /// message as it is.
    pub fn hash(self) -> Option<HashAlgorithm> {
        match self {
            SignatureScheme::RsaPkcs1Sha1 | SignatureScheme::EcdsaP256Sha1 => {
                Some(HashAlgorithm::Sha1)
            }
            SignatureScheme::RsaPkcs1Sha256 | SignatureScheme::EcdsaP256Sha256 => {
                Some(HashAlgorithm::Sha256)
            }
        }
    }

    /// Returns the algorithm that verifies signatures of this scheme.
    pub(crate) fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            SignatureScheme::RsaPkcs1Sha1 => {
                &signature::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY
            }
            SignatureScheme::RsaPkcs1Sha256 => {
                &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY
            }
            SignatureScheme::EcdsaP256Sha1 => &signature::ECDSA_P256_SHA1_ASN1,
            SignatureScheme::EcdsaP256Sha256 => &signature::ECDSA_P256_SHA256_ASN1,
        }
    }
}
