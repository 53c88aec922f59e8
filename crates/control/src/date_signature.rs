//! The signature of CloudFront's first API, which boto 2 makes: HMAC-SHA1 of the header `Date`, and of nothing else.
//!
//! It covers neither what is asked nor where, so whoever reads one can ask anything in the operator's name. Here is
//! what bounds that besides TLS: how a signature is read, for how long it counts, and from where (`first_use`). Pure:
//! time and secrets are passed in.

mod first_use;
mod refusal;
#[cfg(test)]
mod tests;

pub(crate) use first_use::FirstUses;
pub use refusal::{DATE_SKEW_SECS_MAX, DateRefusal, FIRST_USE_SECS_MAX};

use crate::sigv4::Verified;
use aws_lc_rs::digest::{Context, SHA256};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use http::header::{AUTHORIZATION, DATE, IF_MATCH};
use std::time::UNIX_EPOCH;

/// Beginning of an `Authorization` header in this form.
const SCHEME: &str = "AWS ";
const ACCESS_KEY_ID_LENGTH_MAX: usize = 128;
/// Bytes of an HMAC-SHA1.
const SIGNATURE_BYTES: usize = 20;

/// A signature that was read and is in time, but not yet compared with any secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DateClaim {
    access_key_id: String,
    signature: [u8; SIGNATURE_BYTES],
    /// Value of `Date`, which is the signed text.
    date: String,
    signed_at: i64,
}

/// What is asked, as far as it tells one request from another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AskedFor<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

/// Returns true for headers with an `Authorization` of this form, whether it can be read or not.
pub(crate) fn is_present(headers: &HeaderMap) -> bool {
    let value = headers.get(AUTHORIZATION).map(|value| value.as_bytes());
    value.is_some_and(|value| value.starts_with(SCHEME.as_bytes()))
}

impl DateClaim {
    /// Reads the signature of a request. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub(crate) fn read(headers: &HeaderMap, now: i64) -> Result<Self, DateRefusal> {
        if headers.contains_key("x-amz-security-token") {
            return Err(DateRefusal::SecurityToken);
        }
        let authorization = one(headers, AUTHORIZATION.as_str(), "Authorization")?;
        let date = one(headers, DATE.as_str(), "Date")?;
        let (access_key_id, signature) = read_authorization(authorization)?;
        let signed_at = read_date(date)?;
        let age = now.saturating_sub(signed_at);
        if age > DATE_SKEW_SECS_MAX {
            return Err(DateRefusal::Expired);
        }
        if age < -DATE_SKEW_SECS_MAX {
            return Err(DateRefusal::NotYet);
        }
        Ok(DateClaim {
            access_key_id: access_key_id.to_owned(),
            signature,
            date: date.to_owned(),
            signed_at,
        })
    }

    /// Returns the id of the key whose secret [`DateClaim::is_made_with`] wants.
    pub(crate) fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// Returns the time at which it was signed, in seconds since 1970.
    pub(crate) fn signed_at(&self) -> i64 {
        self.signed_at
    }

    /// Compares the signature with the one that a secret makes, in constant time.
    pub(crate) fn is_made_with(&self, secret: &str) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
        hmac::verify(&key, self.date.as_bytes(), &self.signature).is_ok()
    }

    /// Returns what one request is known by: all of a second have the signature in common.
    pub(crate) fn of_request(&self, asked: &AskedFor<'_>) -> Verified {
        let mut context = Context::new(&SHA256);
        context.update(&self.signature);
        let AskedFor {
            method,
            path,
            query,
            headers,
            body,
        } = asked;
        // None of these has a line end in it, so that no two requests give the same lines.
        for line in [method.as_bytes(), path.as_bytes(), query.as_bytes()] {
            context.update(line);
            context.update(b"\n");
        }
        for value in headers.get_all(IF_MATCH) {
            context.update(value.as_bytes());
            context.update(b"\n");
        }
        context.update(b"\n");
        context.update(body);
        let mut signature = [0; 32];
        signature.copy_from_slice(context.finish().as_ref());
        Verified {
            access_key_id: self.access_key_id.clone(),
            signature,
            signed_at: self.signed_at,
        }
    }
}

/// Returns the only value of a header.
fn one<'h>(headers: &'h HeaderMap, name: &str, part: &'static str) -> Result<&'h str, DateRefusal> {
    let mut values = headers.get_all(name).iter();
    let value = values
        .next()
        .ok_or(DateRefusal::malformed(part, "is missing"))?;
    if values.next().is_some() {
        return Err(DateRefusal::malformed(part, "is sent twice"));
    }
    let text = value.to_str();
    text.map_err(|_| DateRefusal::malformed(part, "is not ASCII"))
}

fn read_authorization(text: &str) -> Result<(&str, [u8; SIGNATURE_BYTES]), DateRefusal> {
    let malformed = |fault| DateRefusal::malformed("Authorization", fault);
    let rest = text.strip_prefix(SCHEME).unwrap_or_default();
    let (id, signature) = rest
        .split_once(':')
        .ok_or(malformed("is not AWS ID:SIGNATURE"))?;
    let is_id = (1..=ACCESS_KEY_ID_LENGTH_MAX).contains(&id.len())
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if !is_id {
        return Err(malformed("has no access key id"));
    }
    let bytes = STANDARD.decode(signature).unwrap_or_default();
    let bytes = bytes.try_into();
    let bytes = bytes.map_err(|_| malformed("has no signature of 20 bytes in base64"))?;
    Ok((id, bytes))
}

/// Reads a date in the one form that clients send (RFC 9110, 5.6.7): another spelling would be another signature of the
/// same second.
fn read_date(text: &str) -> Result<i64, DateRefusal> {
    let malformed = || DateRefusal::malformed("Date", "is not like Sun, 06 Nov 1994 08:49:37 GMT");
    let time = httpdate::parse_http_date(text).map_err(|_| malformed())?;
    if httpdate::fmt_http_date(time) != text {
        return Err(malformed());
    }
    let since = time.duration_since(UNIX_EPOCH).map_err(|_| malformed())?;
    i64::try_from(since.as_secs()).map_err(|_| malformed())
}
