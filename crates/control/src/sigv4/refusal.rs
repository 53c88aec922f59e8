//! The reasons why a signature is refused.

use thiserror::Error;

/// Maximum difference in seconds between the clocks of signer and edge.
pub const SKEW_SECS_MAX: i64 = 300;

/// The reason why a signature does not count.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// No `Authorization` header with an AWS signature.
    #[error("the request has no Authorization header with an AWS4-HMAC-SHA256 signature")]
    Absent,
    /// A part of the signature is missing, repeated, or not in its form.
    #[error("{part} {fault}")]
    Malformed {
        /// Part of the request, such as `SignedHeaders`.
        part: &'static str,
        /// What is wrong with it.
        fault: &'static str,
    },
    /// The credential scope names another service.
    #[error("the credential scope names a service that is not served here")]
    Service,
    /// A temporary credential, which no operator has.
    #[error("temporary credentials are not supported; sign without x-amz-security-token")]
    SecurityToken,
    /// The stated digest is not the body's, or the body is not signed at all.
    #[error("x-amz-content-sha256 is not the SHA-256 of the body; sign the payload")]
    BodyDigest,
    /// The request was signed too long ago.
    #[error("the signature is older than {SKEW_SECS_MAX} seconds; sign again, and check the clock")]
    Expired,
    /// The request was signed in the future.
    #[error("the signature is more than {SKEW_SECS_MAX} seconds in the future; check the clock")]
    NotYet,
    /// No key has this id. The client is told the same as for [`Refusal::Mismatch`].
    #[error("no access key has this id")]
    UnknownKey,
    /// Another secret or another request was signed.
    #[error("the signature is not the one that the secret key makes of this request")]
    Mismatch,
}

impl Refusal {
    pub(crate) fn malformed(part: &'static str, fault: &'static str) -> Self {
        Refusal::Malformed { part, fault }
    }
}
