//! What a valid signature permits, and the name under which logs know it.

use std::sync::Arc;

use aws_lc_rs::digest;

use crate::credentials::CredentialSource;
use crate::encoding;
use crate::time::Timestamp;

/// What a valid signature permits. Only [`crate::verify`] and its like make one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    pub(crate) key_pair_id: Arc<str>,
    pub(crate) until: Timestamp,
    pub(crate) source: CredentialSource,
    pub(crate) signature: Arc<[u8]>,
}

impl Grant {
    /// Id of the key that signed.
    pub fn key_pair_id(&self) -> &str {
        &self.key_pair_id
    }

    /// The end: requests that start at or after it are refused.
    pub fn until(&self) -> Timestamp {
        self.until
    }

    /// Whether the URL or cookies carried it.
    pub fn source(&self) -> CredentialSource {
        self.source
    }

    /// 16 lower-case hex digits of SHA-256 over the signature: names the grant in logs, reveals nothing usable.
    pub fn fingerprint(&self) -> String {
        fingerprint_of(&self.signature)
    }
}

/// [`Grant::fingerprint`] of a signature text as [`crate::Credentials::signature`] has it, for logs of refused requests.
///
/// `None` when the text is not base64.
pub fn fingerprint(signature_text: &str) -> Option<String> {
    encoding::decode(&encoding::percent_decode(signature_text))
        .map(|signature| fingerprint_of(&signature))
}

fn fingerprint_of(signature: &[u8]) -> String {
    let digest = digest::digest(&digest::SHA256, signature);
    let mut text = String::with_capacity(16);
    for byte in &digest.as_ref()[..8] {
        for nibble in [byte >> 4, byte & 15] {
            text.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
        }
    }
    text
}
