//! The gate before all operations: what the table of operations does not list is refused, and so is what the sender of
//! a request may not do.

use crate::error;
use crate::facts::Facts;
use crate::operations::act;
use crate::operators::{Act, Operators, Permission};
use privet_objects::BucketName;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::{S3Result, s3_error};
use std::sync::Arc;

/// The gate before all operations: the sender of a request was recognized before, here it is asked what it may do.
pub(crate) struct Gate(pub(crate) Arc<dyn Operators>);

#[async_trait::async_trait]
impl S3Access for Gate {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let operation = context.s3_op().name().to_owned();
        let bucket = context.s3_path().get_bucket_name().map(str::to_owned);
        let facts = context.extensions_mut().get::<Facts>().cloned();
        // Requests come by the endpoint alone, which has put in who it is.
        let Some(facts) = facts else {
            return Err(error::access_denied());
        };
        let Some(act) = act(&operation) else {
            return Err(error::not_implemented(&operation));
        };
        let bucket = bucket
            .map(BucketName::new)
            .transpose()
            .map_err(|_| s3_error!(InvalidBucketName))?;
        permit(self.0.as_ref(), &facts, act, bucket.as_ref())
    }
}

/// Returns an error unless the sender of a request may do something.
pub(crate) fn permit(
    operators: &dyn Operators,
    facts: &Facts,
    act: Act,
    bucket: Option<&BucketName>,
) -> S3Result<()> {
    match operators.may(&facts.holder, act, bucket) {
        Permission::Granted => Ok(()),
        Permission::Denied => Err(error::access_denied()),
    }
}

/// Stands where s3s would check signatures, so that it asks the gate; it is never given a signature.
pub(crate) struct NoKeys;

#[async_trait::async_trait]
impl S3Auth for NoKeys {
    async fn get_secret_key(&self, _access_key: &str) -> S3Result<SecretKey> {
        Err(error::access_denied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_listed_is_nothing() {
        for operation in [
            "",
            "SelectObjectContent",
            "PutBucketVersioning",
            "RestoreObject",
            "PostObject",
        ] {
            assert_eq!(act(operation), None, "{operation}");
        }
        assert_eq!(act("CopyObject"), Some(Act::WriteObjects));
    }
}
