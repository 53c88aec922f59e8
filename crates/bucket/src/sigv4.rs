//! AWS Signature Version 4 as S3 has it: in the header, in the query, over a body in signed chunks, and over the policy
//! of a form. Pure: time and secrets are passed in.
//!
//! It differs from that of other services: the path is encoded once, the body may be unsigned or signed in chunks, and
//! the digest of the body is stated in a header. Any region is accepted, since clients with an endpoint of their own
//! sign with their user's region.

mod canonical;
mod credential;
mod date;
mod form;
mod presented;
#[cfg(test)]
pub(crate) mod tests;

pub(crate) use credential::Scope;
pub(crate) use form::FormClaim;
pub(crate) use presented::Presented;

use crate::encoding::hex;
use aws_lc_rs::{digest, hmac};
use thiserror::Error;
use zeroize::Zeroizing;

/// Name of the algorithm, in the header, the query and the text that is signed.
pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// Seconds by which the clocks of client and endpoint may differ.
pub(crate) const SKEW_SECS_MAX: i64 = 15 * 60;
/// Seconds for which a presigned URL can be made: seven days.
pub(crate) const EXPIRES_SECS_MAX: i64 = 7 * 24 * 60 * 60;
/// Secret that unknown keys are checked with, so that they take as long as known ones.
const NO_SECRET: &str = "0000000000000000000000000000000000000000";

/// The reason why a signature is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum Refusal {
    /// There is none.
    #[error("the request is not signed")]
    Absent,
    /// A signature of version 2.
    #[error(
        "signatures of version 2 are accepted in URLs that read an object; use version 4 (boto3: signature_version='s3v4')"
    )]
    VersionTwo,
    /// Part of it cannot be read.
    #[error("{part} {fault}")]
    Malformed {
        /// Part of the signature.
        part: &'static str,
        /// Fault in it.
        fault: &'static str,
    },
    /// It is for a temporary key, which do not exist here.
    #[error("temporary credentials are not known here")]
    SecurityToken,
    /// A header field that has to be signed is not.
    #[error("there were headers present in the request which were not signed: {0}")]
    HeaderNotSigned(String),
    /// Something that was signed is not there, or cannot have been signed so.
    #[error("the request is not the one that was signed: {0}")]
    Differs(&'static str),
    /// The digest of the body is not stated.
    #[error("missing required header for this request: x-amz-content-sha256")]
    DigestAbsent,
    /// The time of the request is too far from the endpoint's.
    #[error("the difference between the request time and the current time is too large")]
    Skewed,
    /// A presigned URL is not valid yet.
    #[error("the request is not yet valid")]
    NotYet,
    /// A presigned URL, or the policy of a form, is not valid any more.
    #[error("the request has expired")]
    Expired,
    /// The key is unknown, or its secret is another one.
    #[error(
        "the access key is not known, or its secret is another one, or the request was changed on its way"
    )]
    Mismatch,
}

impl Refusal {
    fn malformed(part: &'static str, fault: &'static str) -> Self {
        Refusal::Malformed { part, fault }
    }
}

/// What a signature says about the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Payload {
    /// Not signed.
    Unsigned,
    /// Whole, with this SHA-256.
    Digest([u8; 32]),
    /// In chunks.
    Chunks {
        /// Each chunk has a signature.
        is_signed: bool,
        /// Header fields follow the last chunk.
        has_trailer: bool,
    },
}

impl Payload {
    /// Reads `x-amz-content-sha256`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let chunks = |is_signed, has_trailer| Payload::Chunks {
            is_signed,
            has_trailer,
        };
        match text {
            "UNSIGNED-PAYLOAD" => Some(Payload::Unsigned),
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" => Some(chunks(true, false)),
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => Some(chunks(true, true)),
            "STREAMING-UNSIGNED-PAYLOAD-TRAILER" => Some(chunks(false, true)),
            digest => crate::encoding::unhex(digest.as_bytes()).map(Payload::Digest),
        }
    }
}

/// A signature that was read and is in time, but not yet compared with any secret.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) scope: Scope,
    /// Time at which it was made, as sent (`20261201T120000Z`).
    pub(crate) amz_date: String,
    /// Text of which it is made.
    pub(crate) text_to_sign: String,
    pub(crate) signature: [u8; 32],
    pub(crate) payload: Payload,
}

/// The proof that a request was signed with the secret of a key, and what the signatures of its chunks are made with.
#[derive(Debug)]
pub(crate) struct Verified {
    pub(crate) payload: Payload,
    pub(crate) chunks: ChunkSigner,
}

impl Verified {
    /// Stands for a URL of version 2, which reads and so has no body.
    pub(crate) fn without_body() -> Self {
        Verified {
            payload: Payload::Unsigned,
            chunks: ChunkSigner {
                key: hmac::Key::new(hmac::HMAC_SHA256, b""),
                amz_date: String::new(),
                scope: String::new(),
                previous: String::new(),
            },
        }
    }
}

impl Claim {
    /// Compares the signature with the one that `secret` makes, in constant time. `None` stands for an unknown key, and
    /// takes as long as a known one.
    pub(crate) fn verify(self, secret: Option<&str>) -> Result<Verified, Refusal> {
        let key = signing_key(secret.unwrap_or(NO_SECRET), &self.scope);
        let compared = hmac::verify(&key, self.text_to_sign.as_bytes(), &self.signature);
        match (secret, compared) {
            (None, _) | (Some(_), Err(_)) => Err(Refusal::Mismatch),
            (Some(_), Ok(())) => Ok(Verified {
                payload: self.payload,
                chunks: ChunkSigner {
                    key,
                    amz_date: self.amz_date,
                    scope: self.scope.text(),
                    previous: hex(&self.signature),
                },
            }),
        }
    }
}

fn signing_key(secret: &str, scope: &Scope) -> hmac::Key {
    let first = Zeroizing::new(format!("AWS4{secret}"));
    let mut key = hmac::Key::new(hmac::HMAC_SHA256, first.as_bytes());
    for part in [&scope.date, &scope.region, "s3", "aws4_request"] {
        let next = hmac::sign(&key, part.as_bytes());
        key = hmac::Key::new(hmac::HMAC_SHA256, next.as_ref());
    }
    key
}

/// Checks the signatures of chunks, each of which covers the one before.
#[derive(Debug)]
pub(crate) struct ChunkSigner {
    key: hmac::Key,
    amz_date: String,
    scope: String,
    previous: String,
}

/// What follows in a body that is signed in chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChunkKind {
    /// Bytes of the body.
    Data,
    /// Header fields after the last.
    Trailer,
}

impl ChunkSigner {
    /// Checks the signature of the next chunk, given its SHA-256.
    pub(crate) fn check(
        &mut self,
        kind: ChunkKind,
        content: &[u8],
        signature: &[u8; 32],
    ) -> Result<(), Refusal> {
        let ChunkSigner {
            amz_date,
            scope,
            previous,
            ..
        } = self;
        let content = hex(content);
        let text = match kind {
            ChunkKind::Data => format!(
                "{ALGORITHM}-PAYLOAD\n{amz_date}\n{scope}\n{previous}\n{}\n{content}",
                hex(digest::digest(&digest::SHA256, b"").as_ref())
            ),
            ChunkKind::Trailer => {
                format!("{ALGORITHM}-TRAILER\n{amz_date}\n{scope}\n{previous}\n{content}")
            }
        };
        hmac::verify(&self.key, text.as_bytes(), signature).map_err(|_| Refusal::Mismatch)?;
        self.previous = hex(signature);
        Ok(())
    }
}
