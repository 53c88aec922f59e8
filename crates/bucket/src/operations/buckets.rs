//! Buckets themselves: made, removed, listed.

use crate::error::{self, IntoS3};
use crate::operations::listing::owner;
use crate::operations::{Operations, attributes, blocking, bucket_name, facts};
use crate::operators::{Act, Permission};
use crate::records::{BucketRecord, Change};
use privet_objects::{BucketName, OpenError};
use s3s::dto::{
    Bucket, BucketLocationConstraint, CreateBucketInput, CreateBucketOutput, DeleteBucketInput,
    DeleteBucketOutput, GetBucketLocationInput, GetBucketLocationOutput, HeadBucketInput,
    HeadBucketOutput, ListBucketsInput, ListBucketsOutput,
};
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Region that S3 does not name in `LocationConstraint`.
const FIRST_REGION: &str = "us-east-1";
const BUCKETS_MAX: i32 = 10_000;

impl Operations {
    pub(super) async fn create_bucket(
        &self,
        request: S3Request<CreateBucketInput>,
    ) -> S3Result<S3Response<CreateBucketOutput>> {
        let facts = facts(&request)?;
        attributes::check_acl(&request.headers)?;
        let input = request.input;
        if input.object_lock_enabled_for_bucket == Some(true) {
            return Err(error::not_implemented("object lock"));
        }
        if let Some(ownership) = &input.object_ownership {
            attributes::check_ownership(ownership)?;
        }
        let configuration = input.create_bucket_configuration;
        let location = configuration.and_then(|configuration| configuration.location_constraint);
        self.check_location(location.as_ref())?;
        let bucket = bucket_name(&input.bucket)?;
        let _alone = self.shared.making.lock().await;
        let has_made = self.make_folder(&bucket).await?;
        let change = Change::Create { tags: Vec::new() };
        let operators = &self.shared.operators;
        let made = operators.change(&facts.holder, &bucket, change).await;
        if let Err(refused) = made {
            // What another one has made meanwhile is a bucket, and so is one whose folder was missing.
            let is_bucket = !matches!(operators.record(&bucket).await, Ok(None));
            if has_made && !is_bucket {
                self.remove_folder(&bucket).await?;
            }
            return Err(refused.into_s3());
        }
        Ok(S3Response::new(CreateBucketOutput {
            location: Some(format!("/{bucket}")),
        }))
    }

    /// Makes the folder of a bucket; returns true if it was not there. A folder without a record is taken over as it
    /// is: it is of a creation that was killed, or was put there by hand.
    async fn make_folder(&self, bucket: &BucketName) -> S3Result<bool> {
        let shared = Arc::clone(&self.shared);
        let bucket = bucket.clone();
        blocking(move || match shared.buckets.create(&bucket) {
            Ok(_) => Ok(true),
            Err(OpenError::Exists) => Ok(false),
            Err(error) => Err(error.into_s3()),
        })
        .await
    }

    /// Removes the folder of a bucket, if it is empty.
    async fn remove_folder(&self, bucket: &BucketName) -> S3Result<()> {
        let shared = Arc::clone(&self.shared);
        let bucket = bucket.clone();
        blocking(move || match shared.buckets.delete(&bucket) {
            Ok(()) | Err(OpenError::NoSuchBucket) => Ok(()),
            Err(error) => Err(error.into_s3()),
        })
        .await
    }

    fn check_location(&self, location: Option<&BucketLocationConstraint>) -> S3Result<()> {
        let region = self.shared.region.as_str();
        match location.map(BucketLocationConstraint::as_str) {
            None | Some("") => Ok(()),
            Some(text) if text == region => Ok(()),
            Some(text) => Err(error::known(
                S3ErrorCode::IllegalLocationConstraintException,
                format!(
                    "The {text} location constraint is incompatible for the region specific endpoint this request was sent to: it is {region}."
                ),
            )),
        }
    }

    pub(super) async fn delete_bucket(
        &self,
        request: S3Request<DeleteBucketInput>,
    ) -> S3Result<S3Response<DeleteBucketOutput>> {
        let facts = facts(&request)?;
        let bucket = bucket_name(&request.input.bucket)?;
        let _alone = self.shared.making.lock().await;
        self.record(&bucket).await?;
        // Whoever keeps the record knows what else names the bucket, and is asked before anything is gone.
        let deleted = self
            .shared
            .operators
            .change(&facts.holder, &bucket, Change::Delete)
            .await;
        deleted.map_err(IntoS3::into_s3)?;
        Ok(S3Response::new(DeleteBucketOutput::default()))
    }

    pub(super) async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.in_bucket(&bucket_name(&request.input.bucket)?, |_| Ok(()))
            .await?;
        Ok(S3Response::new(HeadBucketOutput {
            bucket_region: Some(self.shared.region.clone()),
            ..HeadBucketOutput::default()
        }))
    }

    pub(super) async fn get_bucket_location(
        &self,
        request: S3Request<GetBucketLocationInput>,
    ) -> S3Result<S3Response<GetBucketLocationOutput>> {
        self.in_bucket(&bucket_name(&request.input.bucket)?, |_| Ok(()))
            .await?;
        let region = self.shared.region.clone();
        Ok(S3Response::new(GetBucketLocationOutput {
            location_constraint: (region != FIRST_REGION)
                .then(|| BucketLocationConstraint::from(region)),
        }))
    }

    /// Lists the buckets that the operator may know of.
    pub(super) async fn list_buckets(
        &self,
        request: S3Request<ListBucketsInput>,
    ) -> S3Result<S3Response<ListBucketsOutput>> {
        let facts = facts(&request)?;
        let input = request.input;
        let prefix = input.prefix.clone().unwrap_or_default();
        let after = input.continuation_token.unwrap_or_default();
        let shared = Arc::clone(&self.shared);
        let names = blocking(move || shared.buckets.names().map_err(IntoS3::into_s3)).await?;
        let mut found = Vec::new();
        for name in names {
            let is_wanted = name.as_str().starts_with(&prefix) && *name.as_str() > *after;
            if is_wanted && self.may_see(&facts, &name) {
                let record = self
                    .shared
                    .operators
                    .record(&name)
                    .await
                    .map_err(IntoS3::into_s3)?;
                found.extend(record.map(|record| (name, record)));
            }
        }
        let max = usize::try_from(
            input
                .max_buckets
                .unwrap_or(BUCKETS_MAX)
                .clamp(1, BUCKETS_MAX),
        );
        let max = max.unwrap_or(1);
        let is_truncated = found.len() > max;
        found.truncate(max);
        let next = found.last().map(|(name, _)| name.to_string());
        let buckets = found.into_iter().map(|(name, record)| Bucket {
            bucket_region: input.max_buckets.map(|_| self.shared.region.clone()),
            creation_date: Some(created(&record).into()),
            name: Some(name.to_string()),
        });
        Ok(S3Response::new(ListBucketsOutput {
            buckets: Some(buckets.collect()),
            continuation_token: next.filter(|_| is_truncated),
            owner: Some(owner()),
            prefix: input.prefix,
        }))
    }

    fn may_see(&self, facts: &crate::facts::Facts, bucket: &BucketName) -> bool {
        let operators = &self.shared.operators;
        operators.may(&facts.holder, Act::ReadSettings, Some(bucket)) == Permission::Granted
    }
}

fn created(record: &BucketRecord) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(record.created).unwrap_or(0))
}
