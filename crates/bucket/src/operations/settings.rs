//! Settings of a bucket that are kept: policy, CORS, logging, public access block.

use crate::access;
use crate::cors;
use crate::error::{self, IntoS3, known};
use crate::facts::Facts;
use crate::operations::{Operations, bucket_name, facts};
use crate::operators::Act;
use crate::policy::{self, PolicyContext};
use crate::records::{BucketPolicy, Change, CorsRule, Logging, PublicAccessBlock};
use http::StatusCode;
use privet_objects::BucketName;
use s3s::dto::{
    CORSRule, DeleteBucketCorsInput, DeleteBucketCorsOutput, DeleteBucketPolicyInput,
    DeleteBucketPolicyOutput, DeletePublicAccessBlockInput, DeletePublicAccessBlockOutput,
    GetBucketCorsInput, GetBucketCorsOutput, GetBucketLoggingInput, GetBucketLoggingOutput,
    GetBucketPolicyInput, GetBucketPolicyOutput, GetBucketPolicyStatusInput,
    GetBucketPolicyStatusOutput, GetPublicAccessBlockInput, GetPublicAccessBlockOutput,
    LoggingEnabled, PolicyStatus, PublicAccessBlockConfiguration, PutBucketCorsInput,
    PutBucketCorsOutput, PutBucketLoggingInput, PutBucketLoggingOutput, PutBucketPolicyInput,
    PutBucketPolicyOutput, PutPublicAccessBlockInput, PutPublicAccessBlockOutput,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

const LOG_PREFIX_LENGTH_MAX: usize = 512;

impl Operations {
    /// Makes a change to a bucket's record in the name of the request's operator.
    pub(super) async fn change<T>(
        &self,
        request: &S3Request<T>,
        bucket: &BucketName,
        change: Change,
    ) -> S3Result<()> {
        let holder = facts(request)?.holder;
        self.record(bucket).await?;
        let changed = self.shared.operators.change(&holder, bucket, change).await;
        changed.map_err(IntoS3::into_s3)
    }

    pub(super) async fn get_bucket_policy(
        &self,
        request: S3Request<GetBucketPolicyInput>,
    ) -> S3Result<S3Response<GetBucketPolicyOutput>> {
        let record = self.record(&bucket_name(&request.input.bucket)?).await?;
        let policy = record.policy.ok_or_else(no_policy)?;
        Ok(S3Response::new(GetBucketPolicyOutput {
            policy: Some(policy.text),
        }))
    }

    pub(super) async fn get_bucket_policy_status(
        &self,
        request: S3Request<GetBucketPolicyStatusInput>,
    ) -> S3Result<S3Response<GetBucketPolicyStatusOutput>> {
        let record = self.record(&bucket_name(&request.input.bucket)?).await?;
        record.policy.ok_or_else(no_policy)?;
        Ok(S3Response::new(GetBucketPolicyStatusOutput {
            // A policy that lets in everybody is refused when it is put.
            policy_status: Some(PolicyStatus {
                is_public: Some(false),
            }),
        }))
    }

    pub(super) async fn put_bucket_policy(
        &self,
        request: S3Request<PutBucketPolicyInput>,
    ) -> S3Result<S3Response<PutBucketPolicyOutput>> {
        let bucket = bucket_name(&request.input.bucket)?;
        let context = PolicyContext {
            bucket: bucket.as_str(),
            transport: self.shared.transport,
        };
        let text = request.input.policy.clone();
        let grants = policy::read(text.as_bytes(), context).map_err(IntoS3::into_s3)?;
        let policy = BucketPolicy {
            text,
            readers: grants.readers.into_iter().collect(),
            listers: grants.listers.into_iter().collect(),
        };
        self.change(&request, &bucket, Change::Policy(Some(policy)))
            .await?;
        Ok(S3Response::new(PutBucketPolicyOutput::default()))
    }

    pub(super) async fn delete_bucket_policy(
        &self,
        request: S3Request<DeleteBucketPolicyInput>,
    ) -> S3Result<S3Response<DeleteBucketPolicyOutput>> {
        let bucket = bucket_name(&request.input.bucket)?;
        self.change(&request, &bucket, Change::Policy(None)).await?;
        Ok(S3Response::new(DeleteBucketPolicyOutput::default()))
    }

    pub(super) async fn get_bucket_cors(
        &self,
        request: S3Request<GetBucketCorsInput>,
    ) -> S3Result<S3Response<GetBucketCorsOutput>> {
        let record = self.record(&bucket_name(&request.input.bucket)?).await?;
        if record.cors.is_empty() {
            return Err(known(
                S3ErrorCode::NoSuchCORSConfiguration,
                "The CORS configuration does not exist",
            ));
        }
        Ok(S3Response::new(GetBucketCorsOutput {
            cors_rules: Some(record.cors.iter().map(shown_rule).collect()),
        }))
    }

    pub(super) async fn put_bucket_cors(
        &self,
        request: S3Request<PutBucketCorsInput>,
    ) -> S3Result<S3Response<PutBucketCorsOutput>> {
        let bucket = bucket_name(&request.input.bucket)?;
        let rules = request.input.cors_configuration.cors_rules.iter();
        let rules = rules.map(read_rule).collect::<S3Result<Vec<_>>>()?;
        cors::check(&rules).map_err(IntoS3::into_s3)?;
        self.change(&request, &bucket, Change::Cors(rules)).await?;
        Ok(S3Response::new(PutBucketCorsOutput::default()))
    }

    pub(super) async fn delete_bucket_cors(
        &self,
        request: S3Request<DeleteBucketCorsInput>,
    ) -> S3Result<S3Response<DeleteBucketCorsOutput>> {
        let bucket = bucket_name(&request.input.bucket)?;
        self.change(&request, &bucket, Change::Cors(Vec::new()))
            .await?;
        Ok(S3Response::new(DeleteBucketCorsOutput::default()))
    }

    pub(super) async fn get_bucket_logging(
        &self,
        request: S3Request<GetBucketLoggingInput>,
    ) -> S3Result<S3Response<GetBucketLoggingOutput>> {
        let record = self.record(&bucket_name(&request.input.bucket)?).await?;
        Ok(S3Response::new(GetBucketLoggingOutput {
            logging_enabled: record.logging.map(|logging| LoggingEnabled {
                target_bucket: logging.bucket,
                target_grants: None,
                target_object_key_format: None,
                target_prefix: logging.prefix,
            }),
        }))
    }

    pub(super) async fn put_bucket_logging(
        &self,
        request: S3Request<PutBucketLoggingInput>,
    ) -> S3Result<S3Response<PutBucketLoggingOutput>> {
        let bucket = bucket_name(&request.input.bucket)?;
        let enabled = request.input.bucket_logging_status.logging_enabled.clone();
        let logging = match enabled {
            Some(enabled) => Some(self.logging(&facts(&request)?, enabled).await?),
            None => None,
        };
        self.change(&request, &bucket, Change::Logging(logging))
            .await?;
        Ok(S3Response::new(PutBucketLoggingOutput::default()))
    }

    async fn logging(&self, facts: &Facts, enabled: LoggingEnabled) -> S3Result<Logging> {
        if enabled
            .target_grants
            .is_some_and(|grants| !grants.is_empty())
        {
            return Err(error::not_implemented("TargetGrants"));
        }
        let is_partitioned = enabled
            .target_object_key_format
            .is_some_and(|format| format.partitioned_prefix.is_some());
        if is_partitioned {
            return Err(error::not_implemented("PartitionedPrefix"));
        }
        if enabled.target_prefix.len() > LOG_PREFIX_LENGTH_MAX {
            return Err(S3Error::new(S3ErrorCode::KeyTooLongError));
        }
        let target = bucket_name(&enabled.target_bucket)?;
        // Files will be written there in the operator's name.
        access::permit(
            self.shared.operators.as_ref(),
            facts,
            Act::ChangeSettings,
            Some(&target),
        )?;
        match self.record(&target).await {
            Ok(_) => Ok(Logging {
                bucket: enabled.target_bucket,
                prefix: enabled.target_prefix,
            }),
            Err(_) => Err(known(
                S3ErrorCode::InvalidTargetBucketForLogging,
                "The target bucket for logging does not exist",
            )),
        }
    }

    pub(super) async fn get_public_access_block(
        &self,
        request: S3Request<GetPublicAccessBlockInput>,
    ) -> S3Result<S3Response<GetPublicAccessBlockOutput>> {
        let record = self.record(&bucket_name(&request.input.bucket)?).await?;
        let block = record.public_access_block.ok_or_else(|| {
            error::other(
                StatusCode::NOT_FOUND,
                "NoSuchPublicAccessBlockConfiguration",
                "The public access block configuration was not found",
            )
        })?;
        Ok(S3Response::new(GetPublicAccessBlockOutput {
            public_access_block_configuration: Some(PublicAccessBlockConfiguration {
                block_public_acls: Some(block.block_public_acls),
                block_public_policy: Some(block.block_public_policy),
                ignore_public_acls: Some(block.ignore_public_acls),
                restrict_public_buckets: Some(block.restrict_public_buckets),
            }),
        }))
    }

    pub(super) async fn put_public_access_block(
        &self,
        request: S3Request<PutPublicAccessBlockInput>,
    ) -> S3Result<S3Response<PutPublicAccessBlockOutput>> {
        let bucket = bucket_name(&request.input.bucket)?;
        let wanted = &request.input.public_access_block_configuration;
        let block = PublicAccessBlock {
            block_public_acls: wanted.block_public_acls.unwrap_or(false),
            ignore_public_acls: wanted.ignore_public_acls.unwrap_or(false),
            block_public_policy: wanted.block_public_policy.unwrap_or(false),
            restrict_public_buckets: wanted.restrict_public_buckets.unwrap_or(false),
        };
        self.change(&request, &bucket, Change::PublicAccessBlock(Some(block)))
            .await?;
        Ok(S3Response::new(PutPublicAccessBlockOutput::default()))
    }

    pub(super) async fn delete_public_access_block(
        &self,
        request: S3Request<DeletePublicAccessBlockInput>,
    ) -> S3Result<S3Response<DeletePublicAccessBlockOutput>> {
        let bucket = bucket_name(&request.input.bucket)?;
        self.change(&request, &bucket, Change::PublicAccessBlock(None))
            .await?;
        Ok(S3Response::new(DeletePublicAccessBlockOutput::default()))
    }
}

fn no_policy() -> S3Error {
    known(
        S3ErrorCode::NoSuchBucketPolicy,
        "The bucket policy does not exist",
    )
}

fn read_rule(rule: &CORSRule) -> S3Result<CorsRule> {
    let max_age = rule.max_age_seconds.map(u32::try_from).transpose();
    Ok(CorsRule {
        id: rule.id.clone(),
        allowed_origins: rule.allowed_origins.clone(),
        allowed_methods: rule.allowed_methods.clone(),
        allowed_headers: rule.allowed_headers.clone().unwrap_or_default(),
        expose_headers: rule.expose_headers.clone().unwrap_or_default(),
        max_age_secs: max_age.map_err(|_| S3Error::new(S3ErrorCode::MalformedXML))?,
    })
}

fn shown_rule(rule: &CorsRule) -> CORSRule {
    let list = |texts: &Vec<String>| (!texts.is_empty()).then(|| texts.clone());
    CORSRule {
        allowed_headers: list(&rule.allowed_headers),
        allowed_methods: rule.allowed_methods.clone(),
        allowed_origins: rule.allowed_origins.clone(),
        expose_headers: list(&rule.expose_headers),
        id: rule.id.clone(),
        max_age_seconds: rule.max_age_secs.and_then(|secs| i32::try_from(secs).ok()),
    }
}
