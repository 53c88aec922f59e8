//! The table of operations: what the router calls, and where it is. An operation that is not here is not implemented, and is
//! refused by the gate before.

use crate::operations::Operations;
use crate::operations::constant::Absent;
use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result};

/// Writes the methods of the router's trait that pass a request on to the method of the same name.
macro_rules! operations {
    (
        passed { $($passed:ident $input:ident $output:ident,)* }
        absent { $($absent:ident $absent_input:ident $absent_output:ident $kind:ident,)* }
        nothing { $($nothing:ident $nothing_input:ident $nothing_output:ident,)* }
        unlocked { $($unlocked:ident $unlocked_input:ident $unlocked_output:ident,)* }
    ) => {
        #[async_trait::async_trait]
        impl S3 for Operations {
            $(async fn $passed(&self, request: S3Request<$input>) -> S3Result<S3Response<$output>> {
                Operations::$passed(self, request).await
            })*
            $(async fn $absent(
                &self,
                request: S3Request<$absent_input>,
            ) -> S3Result<S3Response<$absent_output>> {
                self.absent(&request.input.bucket, Absent::$kind).await
            })*
            $(async fn $nothing(
                &self,
                request: S3Request<$nothing_input>,
            ) -> S3Result<S3Response<$nothing_output>> {
                self.nothing(&request.input.bucket).await
            })*
            $(async fn $unlocked(
                &self,
                request: S3Request<$unlocked_input>,
            ) -> S3Result<S3Response<$unlocked_output>> {
                self.no_lock(&request.input.bucket, &request.input.key).await
            })*
        }
    };
}

operations! {
    passed {
        abort_multipart_upload AbortMultipartUploadInput AbortMultipartUploadOutput,
        complete_multipart_upload CompleteMultipartUploadInput CompleteMultipartUploadOutput,
        copy_object CopyObjectInput CopyObjectOutput,
        create_bucket CreateBucketInput CreateBucketOutput,
        create_multipart_upload CreateMultipartUploadInput CreateMultipartUploadOutput,
        delete_bucket DeleteBucketInput DeleteBucketOutput,
        delete_bucket_cors DeleteBucketCorsInput DeleteBucketCorsOutput,
        delete_bucket_policy DeleteBucketPolicyInput DeleteBucketPolicyOutput,
        delete_bucket_tagging DeleteBucketTaggingInput DeleteBucketTaggingOutput,
        delete_object DeleteObjectInput DeleteObjectOutput,
        delete_object_tagging DeleteObjectTaggingInput DeleteObjectTaggingOutput,
        delete_objects DeleteObjectsInput DeleteObjectsOutput,
        delete_public_access_block DeletePublicAccessBlockInput DeletePublicAccessBlockOutput,
        get_bucket_accelerate_configuration GetBucketAccelerateConfigurationInput GetBucketAccelerateConfigurationOutput,
        get_bucket_acl GetBucketAclInput GetBucketAclOutput,
        get_bucket_cors GetBucketCorsInput GetBucketCorsOutput,
        get_bucket_location GetBucketLocationInput GetBucketLocationOutput,
        get_bucket_logging GetBucketLoggingInput GetBucketLoggingOutput,
        get_bucket_notification_configuration GetBucketNotificationConfigurationInput GetBucketNotificationConfigurationOutput,
        get_bucket_ownership_controls GetBucketOwnershipControlsInput GetBucketOwnershipControlsOutput,
        get_bucket_policy GetBucketPolicyInput GetBucketPolicyOutput,
        get_bucket_policy_status GetBucketPolicyStatusInput GetBucketPolicyStatusOutput,
        get_bucket_request_payment GetBucketRequestPaymentInput GetBucketRequestPaymentOutput,
        get_bucket_tagging GetBucketTaggingInput GetBucketTaggingOutput,
        get_bucket_versioning GetBucketVersioningInput GetBucketVersioningOutput,
        get_object GetObjectInput GetObjectOutput,
        get_object_acl GetObjectAclInput GetObjectAclOutput,
        get_object_attributes GetObjectAttributesInput GetObjectAttributesOutput,
        get_object_tagging GetObjectTaggingInput GetObjectTaggingOutput,
        get_public_access_block GetPublicAccessBlockInput GetPublicAccessBlockOutput,
        head_bucket HeadBucketInput HeadBucketOutput,
        head_object HeadObjectInput HeadObjectOutput,
        list_buckets ListBucketsInput ListBucketsOutput,
        list_multipart_uploads ListMultipartUploadsInput ListMultipartUploadsOutput,
        list_object_versions ListObjectVersionsInput ListObjectVersionsOutput,
        list_objects ListObjectsInput ListObjectsOutput,
        list_objects_v2 ListObjectsV2Input ListObjectsV2Output,
        list_parts ListPartsInput ListPartsOutput,
        put_bucket_acl PutBucketAclInput PutBucketAclOutput,
        put_bucket_cors PutBucketCorsInput PutBucketCorsOutput,
        put_bucket_logging PutBucketLoggingInput PutBucketLoggingOutput,
        put_bucket_ownership_controls PutBucketOwnershipControlsInput PutBucketOwnershipControlsOutput,
        put_bucket_policy PutBucketPolicyInput PutBucketPolicyOutput,
        put_bucket_request_payment PutBucketRequestPaymentInput PutBucketRequestPaymentOutput,
        put_bucket_tagging PutBucketTaggingInput PutBucketTaggingOutput,
        put_object PutObjectInput PutObjectOutput,
        put_object_acl PutObjectAclInput PutObjectAclOutput,
        put_object_tagging PutObjectTaggingInput PutObjectTaggingOutput,
        put_public_access_block PutPublicAccessBlockInput PutPublicAccessBlockOutput,
        upload_part UploadPartInput UploadPartOutput,
        upload_part_copy UploadPartCopyInput UploadPartCopyOutput,
    }
    absent {
        get_bucket_encryption GetBucketEncryptionInput GetBucketEncryptionOutput Encryption,
        get_bucket_lifecycle_configuration GetBucketLifecycleConfigurationInput GetBucketLifecycleConfigurationOutput Lifecycle,
        get_bucket_replication GetBucketReplicationInput GetBucketReplicationOutput Replication,
        get_bucket_website GetBucketWebsiteInput GetBucketWebsiteOutput Website,
        get_object_lock_configuration GetObjectLockConfigurationInput GetObjectLockConfigurationOutput ObjectLock,
    }
    nothing {
        delete_bucket_encryption DeleteBucketEncryptionInput DeleteBucketEncryptionOutput,
        delete_bucket_lifecycle DeleteBucketLifecycleInput DeleteBucketLifecycleOutput,
        delete_bucket_ownership_controls DeleteBucketOwnershipControlsInput DeleteBucketOwnershipControlsOutput,
        delete_bucket_replication DeleteBucketReplicationInput DeleteBucketReplicationOutput,
        delete_bucket_website DeleteBucketWebsiteInput DeleteBucketWebsiteOutput,
    }
    unlocked {
        get_object_legal_hold GetObjectLegalHoldInput GetObjectLegalHoldOutput,
        get_object_retention GetObjectRetentionInput GetObjectRetentionOutput,
    }
}
