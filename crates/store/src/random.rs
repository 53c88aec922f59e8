//! Random identifiers, from the operating system's randomness.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::{Secret, StoreError};

const UPPER: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/// Fills `bytes` with randomness.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), StoreError> {
    SystemRandom::new()
        .fill(bytes)
        .map_err(|_| StoreError::Failed {
            cause: "the system has no randomness".to_owned(),
        })
}

/// Returns `prefix` and `count` of A-Z and 0-9, each as likely as the other.
pub(crate) fn upper(prefix: &str, count: usize) -> Result<String, StoreError> {
    let mut text = prefix.to_owned();
    let length = prefix.len() + count;
    let mut bytes = [0; 32];
    while text.len() < length {
        fill(&mut bytes)?;
        // 252 is the largest multiple of 36 in a byte; what lies above would favour the first letters.
        let even = bytes.iter().filter(|byte| **byte < 252);
        let letters = even.map(|byte| char::from(UPPER[usize::from(byte % 36)]));
        text.extend(letters.take(length - text.len()));
    }
    Ok(text)
}

/// Returns a new ETag: `E` and 12 of A-Z and 0-9, as CloudFront's look.
pub(crate) fn etag() -> Result<String, StoreError> {
    upper("E", 12)
}

/// Returns a secret of 240 bits as 40 characters that need no escaping in a header.
pub(crate) fn secret() -> Result<Secret, StoreError> {
    let mut bytes = [0; 30];
    fill(&mut bytes)?;
    Ok(Secret::new(URL_SAFE_NO_PAD.encode(bytes)))
}
