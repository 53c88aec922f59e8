//! The signature of a form: over its policy, in fields.

use crate::encoding::unhex;
use crate::form::Fields;
use crate::sigv4::{
    ALGORITHM, EXPIRES_SECS_MAX, NO_SECRET, Refusal, SKEW_SECS_MAX, Scope, date, signing_key,
};
use aws_lc_rs::hmac;

/// A signature of a form that was read, but not yet compared with any secret.
pub(crate) struct FormClaim {
    scope: Scope,
    policy: String,
    signature: [u8; 32],
}

impl FormClaim {
    /// Reads the fields of a signature. `policy` is the field as sent, `now` in seconds since 1970.
    pub(crate) fn read(fields: &Fields, policy: &str, now: i64) -> Result<Self, Refusal> {
        let field = |name: &'static str| {
            fields
                .get(name)
                .ok_or(Refusal::malformed(name, "is missing"))
        };
        if field("x-amz-algorithm")? != ALGORITHM {
            return Err(Refusal::malformed(
                "x-amz-algorithm",
                "is not AWS4-HMAC-SHA256",
            ));
        }
        if fields.get("x-amz-security-token").is_some() {
            return Err(Refusal::SecurityToken);
        }
        let scope = Scope::read(field("x-amz-credential")?)?;
        let signed_at = date::read(field("x-amz-date")?, &scope.date)?;
        // The policy says until when it holds; a signing key is good for seven days.
        if signed_at > now.saturating_add(SKEW_SECS_MAX) {
            return Err(Refusal::NotYet);
        }
        if now > signed_at.saturating_add(EXPIRES_SECS_MAX) {
            return Err(Refusal::Expired);
        }
        let signature = unhex(field("x-amz-signature")?.as_bytes());
        Ok(FormClaim {
            scope,
            policy: policy.to_owned(),
            signature: signature
                .ok_or(Refusal::malformed("x-amz-signature", "is not 64 digits"))?,
        })
    }

    pub(crate) fn access_key_id(&self) -> &str {
        &self.scope.access_key_id
    }

    /// Compares the signature with the one that `secret` makes, as [`crate::sigv4::Claim::verify`] does.
    pub(crate) fn verify(&self, secret: Option<&str>) -> Result<(), Refusal> {
        let key = signing_key(secret.unwrap_or(NO_SECRET), &self.scope);
        let compared = hmac::verify(&key, self.policy.as_bytes(), &self.signature);
        match (secret, compared) {
            (Some(_), Ok(())) => Ok(()),
            (None, _) | (Some(_), Err(_)) => Err(Refusal::Mismatch),
        }
    }
}
