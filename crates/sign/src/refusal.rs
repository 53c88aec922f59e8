//! Refusals: one cause for the operator, one of CloudFront's five bodies for the viewer.

use crate::policy_error::PolicyError;
use crate::time::Timestamp;

/// CloudFront's five error bodies, all sent with status 403.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// No key pair id, or text that is not one.
    MissingKey,
    /// The id is unknown, or not trusted here.
    InvalidKey,
    /// The policy, or the expiry, cannot be read.
    MalformedPolicy,
    /// The signature is not base64.
    MalformedSignature,
    /// Everything else.
    AccessDenied,
}

impl ErrorCode {
    /// Returns the text of the `Code` element.
    pub fn code(self) -> &'static str {
        match self {
            ErrorCode::MissingKey => "MissingKey",
            ErrorCode::InvalidKey => "InvalidKey",
            ErrorCode::MalformedPolicy => "MalformedPolicy",
            ErrorCode::MalformedSignature => "MalformedSignature",
            ErrorCode::AccessDenied => "AccessDenied",
        }
    }

    /// Returns the text of the `Message` element, spelled as CloudFront spells it.
    pub fn message(self) -> &'static str {
        match self {
            ErrorCode::MissingKey => "Missing Key-Pair-Id query parameter or cookie value",
            ErrorCode::InvalidKey => "Unknown Key",
            ErrorCode::MalformedPolicy => "Malformed Policy",
            ErrorCode::MalformedSignature => "Could not unencode Signature",
            ErrorCode::AccessDenied => "Access denied",
        }
    }
}

/// The reason why a request is refused, for the operator. The viewer gets [`Refusal::error_code`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A reserved parameter occurs more than once in the query.
    #[error("{0} occurs twice in the URL")]
    DuplicateParameter(&'static str),
    /// No id, or an empty one.
    #[error("there is no Key-Pair-Id")]
    MissingKeyPairId,
    /// Text that cannot be an id, such as a PEM.
    #[error("the Key-Pair-Id is not an id")]
    NotAKeyPairId,
    /// No such key here, or one that is not trusted for this behavior.
    #[error("the Key-Pair-Id names no key that is trusted here")]
    UnknownKey,
    /// No signature.
    #[error("there is no Signature")]
    MissingSignature,
    /// The signature is not base64.
    #[error("the Signature cannot be decoded")]
    UndecodableSignature,
    /// Neither a policy nor an expiry.
    #[error("there is neither Policy nor Expires")]
    MissingPolicy,
    /// The policy is not base64.
    #[error("the Policy cannot be decoded")]
    UndecodablePolicy,
    /// The policy cannot be read.
    #[error("the Policy is malformed: {0}")]
    MalformedPolicy(#[from] PolicyError),
    /// `Expires` is not an epoch in range.
    #[error("Expires is not an epoch in range")]
    MalformedExpires,
    /// `Hash-Algorithm` is neither `SHA1` nor `SHA256`.
    #[error("Hash-Algorithm is neither SHA1 nor SHA256")]
    UnknownHashAlgorithm,
    /// The signature was not made by this key over this text.
    #[error("the signature does not verify")]
    SignatureMismatch,
    /// The resource does not cover the URL.
    #[error("the Resource does not cover this URL")]
    WrongResource,
    /// The start has not passed yet.
    #[error("not valid until after {}", .0.to_utc())]
    NotYetValid(Timestamp),
    /// The expiry has passed.
    #[error("expired at {}", .0.to_utc())]
    Expired(Timestamp),
    /// The viewer's address is outside the range.
    #[error("the viewer's address is outside the range of the policy")]
    WrongAddress,
    /// The path token was not issued here for this scheme and host, or was changed.
    #[error("the path token was not issued here for this host")]
    PathTokenMismatch,
    /// The key behind the path token is no longer trusted here, or its id now names another key.
    #[error("the key of the path token is no longer trusted here")]
    PathTokenKeyGone,
}

impl Refusal {
    /// Returns the error code of the body that the viewer gets.
    pub fn error_code(&self) -> ErrorCode {
        match self {
            Refusal::MissingKeyPairId | Refusal::NotAKeyPairId => ErrorCode::MissingKey,
            Refusal::UnknownKey => ErrorCode::InvalidKey,
            Refusal::UndecodableSignature => ErrorCode::MalformedSignature,
            Refusal::MissingPolicy
            | Refusal::UndecodablePolicy
            | Refusal::MalformedPolicy(_)
            | Refusal::MalformedExpires => ErrorCode::MalformedPolicy,
            Refusal::DuplicateParameter(_)
            | Refusal::MissingSignature
            | Refusal::UnknownHashAlgorithm
            | Refusal::SignatureMismatch
            | Refusal::WrongResource
            | Refusal::NotYetValid(_)
            | Refusal::Expired(_)
            | Refusal::WrongAddress
            | Refusal::PathTokenMismatch
            | Refusal::PathTokenKeyGone => ErrorCode::AccessDenied,
        }
    }

    /// Returns one lower-case token for logs, e.g. `expired`, `wrong-address`, `signature-mismatch`.
    pub fn token(&self) -> &'static str {
        match self {
            Refusal::DuplicateParameter(_) => "duplicate-parameter",
            Refusal::MissingKeyPairId => "missing-key-pair-id",
            Refusal::NotAKeyPairId => "not-a-key-pair-id",
            Refusal::UnknownKey => "unknown-key",
            Refusal::MissingSignature => "missing-signature",
            Refusal::UndecodableSignature => "undecodable-signature",
            Refusal::MissingPolicy => "missing-policy",
            Refusal::UndecodablePolicy => "undecodable-policy",
            Refusal::MalformedPolicy(_) => "malformed-policy",
            Refusal::MalformedExpires => "malformed-expires",
            Refusal::UnknownHashAlgorithm => "unknown-hash-algorithm",
            Refusal::SignatureMismatch => "signature-mismatch",
            Refusal::WrongResource => "wrong-resource",
            Refusal::NotYetValid(_) => "not-yet-valid",
            Refusal::Expired(_) => "expired",
            Refusal::WrongAddress => "wrong-address",
            Refusal::PathTokenMismatch => "path-token-mismatch",
            Refusal::PathTokenKeyGone => "path-token-key-gone",
        }
    }
}
