//! Session tokens: a grant that was verified once, as a short text for the path of a URL.
//!
//! A token says what the policy said and nothing more. It is bound to the scheme and the host it was issued for, to
//! the public key behind it, and to a secret of the edge, so that checking it costs one HMAC instead of a signature.

use std::net::IpAddr;

use aws_lc_rs::hmac;

use crate::credentials::Credentials;
use crate::grant::Grant;
use crate::refusal::Refusal;
use crate::time::Timestamp;
use crate::trust::{KeySet, SignatureMemory};
use crate::verify::Leniency;
use crate::viewer::ViewerUrl;

/// The longest text of a token.
pub const SESSION_SIZE_BYTES_MAX: usize = 1024;

/// The least bytes that make a secret.
const SECRET_SIZE_BYTES_MIN: usize = 32;

/// What session tokens are made with. All edges that serve one site need the same.
#[derive(Clone)]
pub struct SessionSecret(hmac::Key);

impl SessionSecret {
    /// Takes 32 random bytes, or more; `None` when there are fewer.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        (bytes.len() >= SECRET_SIZE_BYTES_MIN)
            .then(|| SessionSecret(hmac::Key::new(hmac::HMAC_SHA256, bytes)))
    }
}

impl std::fmt::Debug for SessionSecret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("SessionSecret")
    }
}

/// Verifies as [`crate::verify`] does, and makes a token of what the credentials permit.
///
/// A canned signature becomes its exact URL without signing parameters; a custom policy keeps its resource, end and
/// address range, and its start has passed. `None` when the resource is too long for a token.
///
/// # Errors
/// As [`crate::verify`].
#[expect(
    clippy::too_many_arguments,
    reason = "those of `verify`, and the secret"
)]
pub fn issue_session(
    secret: &SessionSecret,
    url: &ViewerUrl<'_>,
    credentials: &Credentials<'_>,
    keys: &KeySet,
    now: Timestamp,
    client: IpAddr,
    leniency: &Leniency,
    memory: &dyn SignatureMemory,
) -> Result<Option<String>, Refusal> {
    let _ = &secret.0;
    crate::verify::verify(url, credentials, keys, now, client, leniency, memory)?;
    Ok(None)
}

/// Whether `text` has the form of a token. What has not is an ordinary part of a path.
pub fn is_session_shaped(text: &str) -> bool {
    let _ = text;
    false
}

/// As [`crate::verify`], for a token that [`issue_session`] made.
///
/// # Errors
/// [`Refusal::SessionMismatch`] before anything else, then [`Refusal::SessionKeyGone`], then as [`crate::verify`].
pub fn verify_session(
    secret: &SessionSecret,
    text: &str,
    url: &ViewerUrl<'_>,
    keys: &KeySet,
    now: Timestamp,
    client: IpAddr,
    leniency: &Leniency,
) -> Result<Grant, Refusal> {
    let _ = (secret, text, url, keys, now, client, leniency);
    Err(Refusal::SessionMismatch)
}
