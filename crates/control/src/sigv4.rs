//! AWS Signature Version 4 in its header form: reads a request's claim to a key and checks it against the key's secret.
//!
//! Pure: time and secrets are passed in. The rules are those of the AWS General Reference, "Create a signed AWS API
//! request"; any region is accepted, since clients with an endpoint of their own sign with their user's region.

mod authorization;
mod canonical;
mod date;
mod refusal;
#[cfg(test)]
mod tests;

pub use refusal::{Refusal, SKEW_SECS_MAX};

use crate::sigv4::authorization::Authorization;
use aws_lc_rs::{digest, hmac};
use http::{HeaderMap, Method};

/// Prefix of an `Authorization` header in this form.
pub(crate) const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// Secret that unknown keys are checked with, so that they take as long as known ones.
const NO_SECRET: &str = "0000000000000000000000000000000000000000";

/// A request as it was received, and the rules for its signature.
#[derive(Clone, Copy, Debug)]
pub struct SignedRequest<'a> {
    /// Method of the request line.
    pub method: &'a Method,
    /// Path as sent, still percent-encoded.
    pub path: &'a str,
    /// Query as sent, without its question mark; empty if there is none.
    pub query: &'a str,
    /// Header fields, among them one `host`.
    pub headers: &'a HeaderMap,
    /// Bytes of the body.
    pub body: &'a [u8],
    /// Service names that the credential scope may have, such as `cloudfront`.
    pub services: &'a [&'a str],
    /// Names, in lower case, of header fields that must be signed if they are sent. Signers of AWS do not sign all of
    /// them by themselves.
    pub signed_if_sent: &'a [&'a str],
}

/// A signature that was read and is in time, but not yet compared with any secret.
#[derive(Clone, Debug)]
pub struct Claim {
    authorization: Authorization,
    signed_at: i64,
    text_to_sign: String,
}

/// The proof that a request was signed with the secret of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Id of the access key.
    pub access_key_id: String,
    /// Signature, which identifies the signed request.
    pub signature: [u8; 32],
    /// Seconds since 1970 at which the request was signed.
    pub signed_at: i64,
}

impl Claim {
    /// Reads the signature of a request and everything that it covers. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// [`Refusal::Absent`] if there is no `Authorization` header of this form; otherwise the first rule that is broken.
    pub fn read(request: &SignedRequest<'_>, now: i64) -> Result<Self, Refusal> {
        let (authorization, signed_at) = read_head(request, now)?;
        let body_digest = body_digest(request)?;
        let canonical = canonical::request(request, &authorization, &body_digest)?;
        let text_to_sign = format!(
            "{ALGORITHM}\n{}\n{}\n{}",
            date::basic_format(signed_at)?,
            authorization.scope(),
            hex(digest::digest(&digest::SHA256, canonical.as_bytes()).as_ref()),
        );
        Ok(Claim {
            authorization,
            signed_at,
            text_to_sign,
        })
    }

    /// Reads what can be known before the body is there, and returns the id of the access key. The body of `request` is
    /// not looked at.
    ///
    /// # Errors
    /// Those of [`Claim::read`] that are not about the body.
    pub fn key_of(request: &SignedRequest<'_>, now: i64) -> Result<String, Refusal> {
        read_head(request, now).map(|(authorization, _)| authorization.access_key_id)
    }

    /// Returns the id of the key whose secret [`Claim::verify`] wants.
    pub fn access_key_id(&self) -> &str {
        &self.authorization.access_key_id
    }

    /// Compares the signature with the one that `secret` makes, in constant time. `None` stands for an unknown key, and
    /// takes as long as a known one.
    ///
    /// # Errors
    /// [`Refusal::UnknownKey`], [`Refusal::Mismatch`]; a caller gives the client the same answer to both.
    pub fn verify(self, secret: Option<&str>) -> Result<Verified, Refusal> {
        let key = self.signing_key(secret.unwrap_or(NO_SECRET));
        let signature = self.authorization.signature;
        let compared = hmac::verify(&key, self.text_to_sign.as_bytes(), &signature);
        match (secret, compared) {
            (None, _) => Err(Refusal::UnknownKey),
            (Some(_), Err(_)) => Err(Refusal::Mismatch),
            (Some(_), Ok(())) => Ok(Verified {
                access_key_id: self.authorization.access_key_id,
                signature,
                signed_at: self.signed_at,
            }),
        }
    }

    fn signing_key(&self, secret: &str) -> hmac::Key {
        let Authorization {
            date,
            region,
            service,
            ..
        } = &self.authorization;
        let mut key = sha256_key(format!("AWS4{secret}").as_bytes());
        for part in [date, region, service, "aws4_request"] {
            key = sha256_key(hmac::sign(&key, part.as_bytes()).as_ref());
        }
        key
    }
}

/// Returns the header of a signature, and when it was made.
fn read_head(request: &SignedRequest<'_>, now: i64) -> Result<(Authorization, i64), Refusal> {
    let authorization = Authorization::read(request.headers)?;
    authorization.check_service(request.services)?;
    authorization.check_headers(request.headers, request.signed_if_sent)?;
    let signed_at = date::signed_at(request.headers, &authorization)?;
    date::check_skew(signed_at, now)?;
    Ok((authorization, signed_at))
}

fn sha256_key(bytes: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, bytes)
}

/// Returns the body's SHA-256 in hexadecimal, which a header may state but not replace: what is not signed could be
/// exchanged on the way.
fn body_digest(request: &SignedRequest<'_>) -> Result<String, Refusal> {
    let digest = hex(digest::digest(&digest::SHA256, request.body).as_ref());
    let mut stated = request.headers.get_all("x-amz-content-sha256").iter();
    match (stated.next(), stated.next()) {
        (None, _) => Ok(digest),
        (Some(stated), None) if stated.as_bytes() == digest.as_bytes() => Ok(digest),
        (Some(_), _) => Err(Refusal::BodyDigest),
    }
}

/// Returns bytes in lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble & 0xf)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(*byte)])
        .collect()
}
