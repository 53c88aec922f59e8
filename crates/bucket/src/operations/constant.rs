//! What tools ask of every bucket, and of which there is one truth: there is one version of an object, everything is
//! the owner's, nothing is public. What was never configured is said in S3's words for that.

use crate::error::other;
use crate::operations::listing::owner;
use crate::operations::{OWNER_ID, Operations, attributes, bucket_name, only_version};
use http::StatusCode;
use s3s::dto::{
    AccessControlPolicy, GetBucketAccelerateConfigurationInput,
    GetBucketAccelerateConfigurationOutput, GetBucketAclInput, GetBucketAclOutput,
    GetBucketNotificationConfigurationInput, GetBucketNotificationConfigurationOutput,
    GetBucketOwnershipControlsInput, GetBucketOwnershipControlsOutput,
    GetBucketRequestPaymentInput, GetBucketRequestPaymentOutput, GetBucketVersioningInput,
    GetBucketVersioningOutput, GetObjectAclInput, GetObjectAclOutput, Grant, Grantee,
    ObjectOwnership, OwnershipControls, OwnershipControlsRule, Payer, Permission,
    PutBucketAclInput, PutBucketAclOutput, PutBucketOwnershipControlsInput,
    PutBucketOwnershipControlsOutput, PutBucketRequestPaymentInput, PutBucketRequestPaymentOutput,
    PutObjectAclInput, PutObjectAclOutput, Type,
};
use s3s::{S3Error, S3Request, S3Response, S3Result};

/// A configuration that no bucket has.
#[derive(Clone, Copy)]
pub(super) enum Absent {
    Encryption,
    Lifecycle,
    LegalHold,
    ObjectLock,
    Replication,
    Website,
}

impl Absent {
    pub(super) fn error(self) -> S3Error {
        let (code, message) = match self {
            Absent::Encryption => (
                "ServerSideEncryptionConfigurationNotFoundError",
                "The server side encryption configuration was not found",
            ),
            Absent::Lifecycle => (
                "NoSuchLifecycleConfiguration",
                "The lifecycle configuration does not exist",
            ),
            Absent::LegalHold => (
                "NoSuchObjectLockConfiguration",
                "The specified object does not have a ObjectLock configuration",
            ),
            Absent::ObjectLock => (
                "ObjectLockConfigurationNotFoundError",
                "Object Lock configuration does not exist for this bucket",
            ),
            Absent::Replication => (
                "ReplicationConfigurationNotFoundError",
                "The replication configuration was not found",
            ),
            Absent::Website => (
                "NoSuchWebsiteConfiguration",
                "The specified bucket does not have a website configuration",
            ),
        };
        other(StatusCode::NOT_FOUND, code, message)
    }
}

fn grants() -> Vec<Grant> {
    vec![Grant {
        grantee: Some(Grantee {
            display_name: owner().display_name,
            email_address: None,
            id: Some(OWNER_ID.to_owned()),
            type_: Type::from_static(Type::CANONICAL_USER),
            uri: None,
        }),
        permission: Some(Permission::from_static(Permission::FULL_CONTROL)),
    }]
}

/// Accepts an ACL that says what is true: the owner may do everything, and nobody else anything.
fn check_policy(policy: Option<&AccessControlPolicy>) -> S3Result<()> {
    let Some(policy) = policy else {
        return Ok(());
    };
    let is_owners = |grant: &Grant| {
        let grantee = grant
            .grantee
            .as_ref()
            .and_then(|grantee| grantee.id.as_deref());
        grantee == Some(OWNER_ID)
            && grant.permission.as_ref().map(Permission::as_str) == Some(Permission::FULL_CONTROL)
    };
    let granted = policy.grants.iter().flatten();
    match granted.clone().count() == 1 && granted.clone().all(is_owners) {
        true => Ok(()),
        false => Err(attributes::no_acls()),
    }
}

impl Operations {
    /// Says that a bucket, which has to exist, has no configuration of a kind.
    pub(super) async fn absent<T>(&self, bucket: &str, absent: Absent) -> S3Result<S3Response<T>> {
        self.record(&bucket_name(bucket)?).await?;
        Err(absent.error())
    }

    /// Removes a configuration that a bucket does not have.
    pub(super) async fn nothing<T: Default>(&self, bucket: &str) -> S3Result<S3Response<T>> {
        self.record(&bucket_name(bucket)?).await?;
        Ok(S3Response::new(T::default()))
    }

    pub(super) async fn get_bucket_versioning(
        &self,
        request: S3Request<GetBucketVersioningInput>,
    ) -> S3Result<S3Response<GetBucketVersioningOutput>> {
        self.nothing(&request.input.bucket).await
    }

    pub(super) async fn get_bucket_accelerate_configuration(
        &self,
        request: S3Request<GetBucketAccelerateConfigurationInput>,
    ) -> S3Result<S3Response<GetBucketAccelerateConfigurationOutput>> {
        self.nothing(&request.input.bucket).await
    }

    pub(super) async fn get_bucket_notification_configuration(
        &self,
        request: S3Request<GetBucketNotificationConfigurationInput>,
    ) -> S3Result<S3Response<GetBucketNotificationConfigurationOutput>> {
        self.nothing(&request.input.bucket).await
    }

    pub(super) async fn get_bucket_request_payment(
        &self,
        request: S3Request<GetBucketRequestPaymentInput>,
    ) -> S3Result<S3Response<GetBucketRequestPaymentOutput>> {
        self.record(&bucket_name(&request.input.bucket)?).await?;
        Ok(S3Response::new(GetBucketRequestPaymentOutput {
            payer: Some(Payer::from_static(Payer::BUCKET_OWNER)),
        }))
    }

    pub(super) async fn put_bucket_request_payment(
        &self,
        request: S3Request<PutBucketRequestPaymentInput>,
    ) -> S3Result<S3Response<PutBucketRequestPaymentOutput>> {
        let payer = &request.input.request_payment_configuration.payer;
        match payer.as_str() {
            Payer::BUCKET_OWNER => self.nothing(&request.input.bucket).await,
            _ => Err(crate::error::not_implemented("Requester Pays")),
        }
    }

    pub(super) async fn get_bucket_ownership_controls(
        &self,
        request: S3Request<GetBucketOwnershipControlsInput>,
    ) -> S3Result<S3Response<GetBucketOwnershipControlsOutput>> {
        self.record(&bucket_name(&request.input.bucket)?).await?;
        Ok(S3Response::new(GetBucketOwnershipControlsOutput {
            ownership_controls: Some(OwnershipControls {
                rules: vec![OwnershipControlsRule {
                    object_ownership: ObjectOwnership::from_static(
                        ObjectOwnership::BUCKET_OWNER_ENFORCED,
                    ),
                }],
            }),
        }))
    }

    pub(super) async fn put_bucket_ownership_controls(
        &self,
        request: S3Request<PutBucketOwnershipControlsInput>,
    ) -> S3Result<S3Response<PutBucketOwnershipControlsOutput>> {
        let rules = &request.input.ownership_controls.rules;
        rules
            .iter()
            .try_for_each(|rule| attributes::check_ownership(&rule.object_ownership))?;
        self.nothing(&request.input.bucket).await
    }

    pub(super) async fn get_bucket_acl(
        &self,
        request: S3Request<GetBucketAclInput>,
    ) -> S3Result<S3Response<GetBucketAclOutput>> {
        self.record(&bucket_name(&request.input.bucket)?).await?;
        Ok(S3Response::new(GetBucketAclOutput {
            grants: Some(grants()),
            owner: Some(owner()),
        }))
    }

    pub(super) async fn put_bucket_acl(
        &self,
        request: S3Request<PutBucketAclInput>,
    ) -> S3Result<S3Response<PutBucketAclOutput>> {
        attributes::check_acl(&request.headers)?;
        check_policy(request.input.access_control_policy.as_ref())?;
        self.nothing(&request.input.bucket).await
    }

    pub(super) async fn get_object_acl(
        &self,
        request: S3Request<GetObjectAclInput>,
    ) -> S3Result<S3Response<GetObjectAclOutput>> {
        let input = request.input;
        only_version(input.version_id.as_deref())?;
        self.metadata(&input.bucket, &input.key).await?;
        Ok(S3Response::new(GetObjectAclOutput {
            grants: Some(grants()),
            owner: Some(owner()),
            request_charged: None,
        }))
    }

    pub(super) async fn put_object_acl(
        &self,
        request: S3Request<PutObjectAclInput>,
    ) -> S3Result<S3Response<PutObjectAclOutput>> {
        attributes::check_acl(&request.headers)?;
        check_policy(request.input.access_control_policy.as_ref())?;
        let input = request.input;
        only_version(input.version_id.as_deref())?;
        self.metadata(&input.bucket, &input.key).await?;
        Ok(S3Response::new(PutObjectAclOutput::default()))
    }

    /// Says that an object, which has to exist, has no lock.
    pub(super) async fn no_lock<T>(&self, bucket: &str, key: &str) -> S3Result<S3Response<T>> {
        self.metadata(bucket, key).await?;
        Err(Absent::LegalHold.error())
    }
}
