//! Who sent a request: the key that a signature names is looked up, its secret compared, and a failure counted. All
//! kinds of signatures come through here, so that none tells strangers more than another.

use crate::endpoint::head::Sent;
use crate::error::IntoS3;
use crate::operators::{Asked, Holder, Operators};
use crate::sigv4::Refusal;
use s3s::S3Error;

/// The recognition of the sender of one request.
#[derive(Clone, Copy)]
pub(super) struct Recognition<'a> {
    operators: &'a dyn Operators,
    sent: Sent<'a>,
}

impl<'a> Sent<'a> {
    pub(super) fn recognition(self, operators: &'a dyn Operators) -> Recognition<'a> {
        Recognition {
            operators,
            sent: self,
        }
    }
}

impl Recognition<'_> {
    /// Returns the holder of a key with which `verify` finds a signature to be good, and what that has proven. `verify`
    /// gets the secret, or `None` if there is no such key.
    pub(super) async fn holder<T>(
        self,
        access_key_id: &str,
        verify: impl FnOnce(Option<&str>) -> Result<T, Refusal>,
    ) -> Result<(T, Holder), S3Error> {
        let asked = Asked {
            access_key_id,
            address: self.sent.address,
            request_id: self.sent.request_id,
        };
        let key = self.operators.key(asked).await.map_err(IntoS3::into_s3)?;
        let verified = verify(key.as_ref().map(|key| key.secret.as_str()));
        match (verified, key) {
            (Ok(proof), Some(key)) => {
                let admitted = self.operators.admit(&key.holder).await;
                admitted.map_err(IntoS3::into_s3)?;
                Ok((proof, key.holder))
            }
            (Ok(_) | Err(_), key) => {
                let known = key.map(|_| access_key_id);
                Err(self.refused(known, Refusal::Mismatch))
            }
        }
    }

    /// Counts a signature that is not good, and returns what is said of it: nothing more to an address that has failed
    /// too often. `access_key_id` is `None` if there is no such key.
    pub(super) fn refused(self, access_key_id: Option<&str>, refusal: Refusal) -> S3Error {
        // A request without a signature guesses nothing.
        if refusal == Refusal::Absent {
            return refusal.into_s3();
        }
        let noted = self
            .operators
            .note_failure(self.sent.address, access_key_id);
        match noted {
            Ok(()) => refusal.into_s3(),
            Err(error) => error.into_s3(),
        }
    }
}
