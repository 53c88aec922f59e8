//! Path tokens: a grant that was verified once, as a short text for the path of a URL.
//!
//! A token states what the policy stated, and nothing more. It is bound to the scheme and host that it was issued for,
//! to the public key behind it, and to a secret of the edge, so that checking it costs one HMAC instead of a signature.

use std::sync::Arc;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::credentials::{CredentialSource, Credentials};
use crate::grant::{Grant, PathTokenMark, SignatureMark};
use crate::key::PublicKey;
use crate::object::Object;
use crate::policy::canned_resource;
use crate::policy_error::PolicyError;
use crate::refusal::Refusal;
use crate::verifier::{Granted, Verifier};
use crate::viewer::ViewerUrl;
use claims::{Claims, Coverage};

mod claims;

/// Length of the longest token.
pub const PATH_TOKEN_SIZE_BYTES_MAX: usize = 1024;

/// Prefix of every token, whatever the version of its claims, so that nearly all tokens of another version still have
/// the form of one, and are refused.
const PREFIX: &str = "S1";
/// Separates these MACs from all others; the digit is the version of the claims.
const DOMAIN: &[u8] = b"privet path token 3\0";
/// Size of an HMAC-SHA256.
const MAC_SIZE_BYTES: usize = 32;
/// Minimum size of a secret.
const SECRET_SIZE_BYTES_MIN: usize = 32;

/// The secret that authenticates path tokens. All edges that serve one site need the same.
#[derive(Clone)]
pub struct PathTokenSecret(hmac::Key);

impl PathTokenSecret {
    /// Takes 32 random bytes or more. Returns `None` if there are fewer.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (bytes.len() >= SECRET_SIZE_BYTES_MIN)
            .then(|| PathTokenSecret(hmac::Key::new(hmac::HMAC_SHA256, bytes)))
    }
}

/// Shortest part of a MAC that is compared.
const MAC_PART_SIZE_BYTES_MIN: usize = 16;
/// Separates MACs for other purposes from those of tokens.
const OTHER_DOMAIN: &[u8] = b"privet mac 1\0";

impl PathTokenSecret {
    /// Returns the HMAC-SHA256 of some parts, for a purpose of the edge's other than path tokens.
    ///
    /// No MAC for one purpose is one for another or for a token, and the parts cannot be moved against each other.
    pub fn mac(&self, purpose: &str, parts: &[&[u8]]) -> [u8; MAC_SIZE_BYTES] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(OTHER_DOMAIN);
        for part in std::iter::once(purpose.as_bytes()).chain(parts.iter().copied()) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut mac = [0; MAC_SIZE_BYTES];
        mac.copy_from_slice(context.sign().as_ref());
        mac
    }

    /// True if `mac` is the beginning of what [`PathTokenSecret::mac`] returns, 16 bytes of it or more. The comparison
    /// takes the same time wherever they differ.
    pub fn confirms(&self, purpose: &str, parts: &[&[u8]], mac: &[u8]) -> bool {
        let expected = self.mac(purpose, parts);
        (MAC_PART_SIZE_BYTES_MIN..=MAC_SIZE_BYTES).contains(&mac.len())
            && verify_slices_are_equal(&expected[..mac.len()], mac).is_ok()
    }
}

impl std::fmt::Debug for PathTokenSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PathTokenSecret")
    }
}

impl Verifier<'_> {
    /// Verifies as [`Verifier::url`] does, and issues a token for what the credentials permit.
    ///
    /// A canned signature becomes its exact URL without signing parameters; a custom policy keeps its resource, expiry
    /// and address range, and its start has passed. The token has the identity of the link ([`Grant::link_id`]) and its
    /// mark ([`Grant::link_mark`]).
    ///
    /// The token of a limited link says that it is one. It does not say whose use of the link it belongs to: issue it
    /// only once that use has been counted, and ask for the use again when the token comes back.
    ///
    /// Returns `None` if the resource is too long for a token.
    ///
    /// # Errors
    /// As [`Verifier::url`].
    pub fn issue(
        &self,
        secret: &PathTokenSecret,
        url: &ViewerUrl<'_>,
        credentials: &Credentials<'_>,
    ) -> Result<Option<String>, Refusal> {
        let (grant, granted) = self.granted(&Object::of_url(url), credentials)?;
        let key = self
            .keys
            .get(&grant.key_pair_id)
            .ok_or(Refusal::UnknownKey)?;
        Ok(Claims::of(&grant, &granted, key).and_then(|claims| sealed(secret, url, &claims)))
    }

    /// As [`Verifier::url`], for a token that [`Verifier::issue`] made. The query of `url` counts as it does there.
    ///
    /// # Errors
    /// [`Refusal::PathTokenMismatch`] before anything else, then [`Refusal::PathTokenKeyGone`], then as
    /// [`Verifier::url`].
    pub fn path_token(
        &self,
        secret: &PathTokenSecret,
        text: &str,
        url: &ViewerUrl<'_>,
    ) -> Result<Grant, Refusal> {
        let bytes = opened(secret, url, text).ok_or(Refusal::PathTokenMismatch)?;
        let claims = Claims::read(&bytes[MAC_SIZE_BYTES..]).ok_or(Refusal::PathTokenMismatch)?;
        let key = self.keys.get(claims.key_pair_id);
        if key.map(key_digest) != Some(claims.key_digest) {
            return Err(Refusal::PathTokenKeyGone);
        }
        if claims.statement_object && !self.leniency.statement_object {
            return Err(Refusal::MalformedPolicy(PolicyError::StatementObject));
        }
        claims.coverage.check(url, self.leniency)?;
        if self.now >= claims.until {
            return Err(Refusal::Expired(claims.until));
        }
        if claims.ip.is_some_and(|range| !range.contains(self.client)) {
            return Err(Refusal::WrongAddress);
        }
        Ok(Grant {
            key_pair_id: claims.key_pair_id.into(),
            until: claims.until,
            source: CredentialSource::PathToken,
            signature_mark: SignatureMark::PathToken(claims.signature_mark),
            query_use: claims.coverage.query_use(),
            path_use: claims.coverage.path_use(),
            resource: claims.coverage.resource().map(Arc::from),
            link_mark: claims.link_mark.map(Arc::new),
        })
    }
}

/// True if `text` has the form of a token. Any other text is an ordinary part of a path.
pub fn is_path_token_shaped(text: &str) -> bool {
    const LENGTH_MIN: usize = PREFIX.len() + (MAC_SIZE_BYTES + Claims::SIZE_BYTES_MIN) * 4 / 3;
    (LENGTH_MIN..=PATH_TOKEN_SIZE_BYTES_MAX).contains(&text.len())
        && text.starts_with(PREFIX)
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

/// True if `text` is a token that [`Verifier::issue`] made with this secret for the scheme and host of `url`. Its
/// claims, such as the expiry, are not checked.
pub fn is_issued_path_token(secret: &PathTokenSecret, text: &str, url: &ViewerUrl<'_>) -> bool {
    opened(secret, url, text).is_some()
}

/// Encodes a token. Returns `None` if it would be too long.
fn sealed(secret: &PathTokenSecret, url: &ViewerUrl<'_>, claims: &Claims<'_>) -> Option<String> {
    let body = claims.to_bytes()?;
    let mac = hmac::sign(&secret.0, &message(url, &body));
    let mut text = PREFIX.to_owned();
    URL_SAFE_NO_PAD.encode_string([mac.as_ref(), &body].concat(), &mut text);
    is_path_token_shaped(&text).then_some(text)
}

/// Decodes a token, if it was made with this secret for this scheme and host.
fn opened(secret: &PathTokenSecret, url: &ViewerUrl<'_>, text: &str) -> Option<Vec<u8>> {
    let digits = text
        .strip_prefix(PREFIX)
        .filter(|_| is_path_token_shaped(text))?;
    let bytes = URL_SAFE_NO_PAD.decode(digits).ok()?;
    let (mac, body) = bytes.split_at_checked(MAC_SIZE_BYTES)?;
    // The comparison takes the same time wherever the MACs differ.
    hmac::verify(&secret.0, &message(url, body), mac).ok()?;
    Some(bytes)
}

/// Returns the message that the MAC covers. No host has a NUL, so no two pairs of host and body give the same message.
fn message(url: &ViewerUrl<'_>, body: &[u8]) -> Vec<u8> {
    let host = url.plain_host();
    let parts: [&[u8]; 5] = [
        DOMAIN,
        url.scheme.as_str().as_bytes(),
        host.as_bytes(),
        b"\0",
        body,
    ];
    parts.concat()
}

fn key_digest(key: &PublicKey) -> [u8; 32] {
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest::digest(&digest::SHA256, key.spki_der()).as_ref());
    bytes
}

impl<'a> Claims<'a> {
    /// Makes the claims of a grant. Returns `None` only for a canned text that could not be taken apart.
    fn of(grant: &'a Grant, granted: &'a Granted, key: &PublicKey) -> Option<Self> {
        let (coverage, ip, statement_object) = match granted {
            Granted::Canned(signed) => (
                Coverage::Exactly(canned_resource(&signed.text)?),
                None,
                false,
            ),
            Granted::Custom(confirmed) => {
                let coverage = match confirmed.policy.resource.as_deref() {
                    None => Coverage::Everything,
                    Some(resource) => Coverage::Pattern(resource),
                };
                (coverage, confirmed.policy.ip, confirmed.statement_object)
            }
        };
        Some(Claims {
            coverage,
            statement_object,
            until: grant.until,
            ip,
            signature_mark: PathTokenMark {
                digest: grant.signature_mark.digest(),
                link: grant.link_id(),
            },
            link_mark: grant.link_mark().copied(),
            key_digest: key_digest(key),
            key_pair_id: &grant.key_pair_id,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(byte: u8) -> PathTokenSecret {
        PathTokenSecret::new(&[byte; 32]).expect("32 bytes")
    }

    #[test]
    fn a_mac_is_for_one_purpose_and_these_parts() {
        let mac = secret(1).mac("one", &[b"ab", b"c"]);
        assert!(!secret(2).confirms("one", &[b"ab", b"c"], &mac));
        assert!(!secret(1).confirms("two", &[b"ab", b"c"], &mac));
        for parts in [
            &[&b"a"[..], b"bc"][..],
            &[b"abc"],
            &[b"ab", b"c", b""],
            &[b"c", b"ab"],
            &[],
        ] {
            assert!(!secret(1).confirms("one", parts, &mac), "{parts:?}");
        }
        let parts: &[&[u8]] = &[b"ab", b"c"];
        assert!(!secret(1).confirms("one", parts, &mac[..15]));
        assert!(!secret(1).confirms("one", parts, &[]));
        assert!(!secret(1).confirms("one", parts, &[&mac[..], b"x"].concat()));
        assert!(!secret(1).confirms("one", parts, &mac[1..]));
        assert!(secret(1).confirms("one", parts, &mac[..16]));
        assert!(secret(1).confirms("one", parts, &mac));
    }
}
