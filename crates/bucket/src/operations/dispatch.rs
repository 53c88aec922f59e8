//! The table of operations: what the router calls, where it is, and what an operator must be allowed to do for it. An
//! operation that is not here is not implemented, and is refused by the gate before it is looked at: the router knows
//! more operations than are answered here.

use crate::operations::Operations;
use crate::operations::constant::Absent;
use crate::operators::Act;
use s3s::dto::*;
use s3s::{S3, S3Request, S3Response, S3Result};

/// Writes the methods of the router's trait that pass a request on to the method of the same name.
macro_rules! operations {
    (
        passed { $($passed:ident $name:ident $input:ident $output:ident: $act:ident,)* }
        absent {
            $($absent:ident $absent_name:ident $absent_input:ident $absent_output:ident $kind:ident: $absent_act:ident,)*
        }
        nothing {
            $($nothing:ident $nothing_name:ident $nothing_input:ident $nothing_output:ident: $nothing_act:ident,)*
        }
        unlocked {
            $($unlocked:ident $unlocked_name:ident $unlocked_input:ident $unlocked_output:ident: $unlocked_act:ident,)*
        }
    ) => {
        /// Returns what an operation does, by its name; `None` for those that are not answered.
        pub(crate) fn act(operation: &str) -> Option<Act> {
            let act = match operation {
                $(stringify!($name) => Act::$act,)*
                $(stringify!($absent_name) => Act::$absent_act,)*
                $(stringify!($nothing_name) => Act::$nothing_act,)*
                $(stringify!($unlocked_name) => Act::$unlocked_act,)*
                _ => return None,
            };
            Some(act)
        }

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
        abort_multipart_upload AbortMultipartUpload AbortMultipartUploadInput AbortMultipartUploadOutput: WriteObjects,
        complete_multipart_upload CompleteMultipartUpload CompleteMultipartUploadInput CompleteMultipartUploadOutput: WriteObjects,
        copy_object CopyObject CopyObjectInput CopyObjectOutput: WriteObjects,
        create_bucket CreateBucket CreateBucketInput CreateBucketOutput: CreateBucket,
        create_multipart_upload CreateMultipartUpload CreateMultipartUploadInput CreateMultipartUploadOutput: WriteObjects,
        delete_bucket DeleteBucket DeleteBucketInput DeleteBucketOutput: DeleteBucket,
        delete_bucket_cors DeleteBucketCors DeleteBucketCorsInput DeleteBucketCorsOutput: ChangeSettings,
        delete_bucket_policy DeleteBucketPolicy DeleteBucketPolicyInput DeleteBucketPolicyOutput: ChangeSettings,
        delete_bucket_tagging DeleteBucketTagging DeleteBucketTaggingInput DeleteBucketTaggingOutput: ChangeSettings,
        delete_object DeleteObject DeleteObjectInput DeleteObjectOutput: WriteObjects,
        delete_object_tagging DeleteObjectTagging DeleteObjectTaggingInput DeleteObjectTaggingOutput: WriteObjects,
        delete_objects DeleteObjects DeleteObjectsInput DeleteObjectsOutput: WriteObjects,
        delete_public_access_block DeletePublicAccessBlock DeletePublicAccessBlockInput DeletePublicAccessBlockOutput: ChangeSettings,
        get_bucket_accelerate_configuration GetBucketAccelerateConfiguration GetBucketAccelerateConfigurationInput GetBucketAccelerateConfigurationOutput: ReadSettings,
        get_bucket_acl GetBucketAcl GetBucketAclInput GetBucketAclOutput: ReadSettings,
        get_bucket_cors GetBucketCors GetBucketCorsInput GetBucketCorsOutput: ReadSettings,
        get_bucket_location GetBucketLocation GetBucketLocationInput GetBucketLocationOutput: ReadObjects,
        get_bucket_logging GetBucketLogging GetBucketLoggingInput GetBucketLoggingOutput: ReadSettings,
        get_bucket_notification_configuration GetBucketNotificationConfiguration GetBucketNotificationConfigurationInput GetBucketNotificationConfigurationOutput: ReadSettings,
        get_bucket_ownership_controls GetBucketOwnershipControls GetBucketOwnershipControlsInput GetBucketOwnershipControlsOutput: ReadSettings,
        get_bucket_policy GetBucketPolicy GetBucketPolicyInput GetBucketPolicyOutput: ReadSettings,
        get_bucket_policy_status GetBucketPolicyStatus GetBucketPolicyStatusInput GetBucketPolicyStatusOutput: ReadSettings,
        get_bucket_request_payment GetBucketRequestPayment GetBucketRequestPaymentInput GetBucketRequestPaymentOutput: ReadSettings,
        get_bucket_tagging GetBucketTagging GetBucketTaggingInput GetBucketTaggingOutput: ReadSettings,
        get_bucket_versioning GetBucketVersioning GetBucketVersioningInput GetBucketVersioningOutput: ReadSettings,
        get_object GetObject GetObjectInput GetObjectOutput: ReadObjects,
        get_object_acl GetObjectAcl GetObjectAclInput GetObjectAclOutput: ReadObjects,
        get_object_attributes GetObjectAttributes GetObjectAttributesInput GetObjectAttributesOutput: ReadObjects,
        get_object_tagging GetObjectTagging GetObjectTaggingInput GetObjectTaggingOutput: ReadObjects,
        get_public_access_block GetPublicAccessBlock GetPublicAccessBlockInput GetPublicAccessBlockOutput: ReadSettings,
        head_bucket HeadBucket HeadBucketInput HeadBucketOutput: ReadObjects,
        head_object HeadObject HeadObjectInput HeadObjectOutput: ReadObjects,
        list_buckets ListBuckets ListBucketsInput ListBucketsOutput: ListBuckets,
        list_multipart_uploads ListMultipartUploads ListMultipartUploadsInput ListMultipartUploadsOutput: WriteObjects,
        list_object_versions ListObjectVersions ListObjectVersionsInput ListObjectVersionsOutput: ReadObjects,
        list_objects ListObjects ListObjectsInput ListObjectsOutput: ReadObjects,
        list_objects_v2 ListObjectsV2 ListObjectsV2Input ListObjectsV2Output: ReadObjects,
        list_parts ListParts ListPartsInput ListPartsOutput: WriteObjects,
        put_bucket_acl PutBucketAcl PutBucketAclInput PutBucketAclOutput: ChangeSettings,
        put_bucket_cors PutBucketCors PutBucketCorsInput PutBucketCorsOutput: ChangeSettings,
        put_bucket_logging PutBucketLogging PutBucketLoggingInput PutBucketLoggingOutput: ChangeSettings,
        put_bucket_ownership_controls PutBucketOwnershipControls PutBucketOwnershipControlsInput PutBucketOwnershipControlsOutput: ChangeSettings,
        put_bucket_policy PutBucketPolicy PutBucketPolicyInput PutBucketPolicyOutput: ChangeSettings,
        put_bucket_request_payment PutBucketRequestPayment PutBucketRequestPaymentInput PutBucketRequestPaymentOutput: ChangeSettings,
        put_bucket_tagging PutBucketTagging PutBucketTaggingInput PutBucketTaggingOutput: ChangeSettings,
        put_object PutObject PutObjectInput PutObjectOutput: WriteObjects,
        put_object_acl PutObjectAcl PutObjectAclInput PutObjectAclOutput: WriteObjects,
        put_object_tagging PutObjectTagging PutObjectTaggingInput PutObjectTaggingOutput: WriteObjects,
        put_public_access_block PutPublicAccessBlock PutPublicAccessBlockInput PutPublicAccessBlockOutput: ChangeSettings,
        upload_part UploadPart UploadPartInput UploadPartOutput: WriteObjects,
        upload_part_copy UploadPartCopy UploadPartCopyInput UploadPartCopyOutput: WriteObjects,
    }
    absent {
        get_bucket_encryption GetBucketEncryption GetBucketEncryptionInput GetBucketEncryptionOutput Encryption: ReadSettings,
        get_bucket_lifecycle_configuration GetBucketLifecycleConfiguration GetBucketLifecycleConfigurationInput GetBucketLifecycleConfigurationOutput Lifecycle: ReadSettings,
        get_bucket_replication GetBucketReplication GetBucketReplicationInput GetBucketReplicationOutput Replication: ReadSettings,
        get_bucket_website GetBucketWebsite GetBucketWebsiteInput GetBucketWebsiteOutput Website: ReadSettings,
        get_object_lock_configuration GetObjectLockConfiguration GetObjectLockConfigurationInput GetObjectLockConfigurationOutput ObjectLock: ReadSettings,
    }
    nothing {
        delete_bucket_encryption DeleteBucketEncryption DeleteBucketEncryptionInput DeleteBucketEncryptionOutput: ChangeSettings,
        delete_bucket_lifecycle DeleteBucketLifecycle DeleteBucketLifecycleInput DeleteBucketLifecycleOutput: ChangeSettings,
        delete_bucket_replication DeleteBucketReplication DeleteBucketReplicationInput DeleteBucketReplicationOutput: ChangeSettings,
        delete_bucket_website DeleteBucketWebsite DeleteBucketWebsiteInput DeleteBucketWebsiteOutput: ChangeSettings,
    }
    unlocked {
        get_object_legal_hold GetObjectLegalHold GetObjectLegalHoldInput GetObjectLegalHoldOutput: ReadSettings,
        get_object_retention GetObjectRetention GetObjectRetentionInput GetObjectRetentionOutput: ReadSettings,
    }
}
