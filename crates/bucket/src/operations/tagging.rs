//! Tags of objects and of buckets.

use crate::error::{IntoS3, known};
use crate::operations::{Operations, bucket_name, object_key, only_version};
use crate::records::Change;
use privet_objects::{Key, Tags};
use s3s::dto::{
    DeleteBucketTaggingInput, DeleteBucketTaggingOutput, DeleteObjectTaggingInput,
    DeleteObjectTaggingOutput, GetBucketTaggingInput, GetBucketTaggingOutput,
    GetObjectTaggingInput, GetObjectTaggingOutput, PutBucketTaggingInput, PutBucketTaggingOutput,
    PutObjectTaggingInput, PutObjectTaggingOutput, Tag, TagSet,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

const BUCKET_TAGS_MAX: usize = 50;
const NAME_LENGTH_MAX: usize = 128;
const VALUE_LENGTH_MAX: usize = 256;

impl Operations {
    pub(super) async fn get_object_tagging(
        &self,
        request: S3Request<GetObjectTaggingInput>,
    ) -> S3Result<S3Response<GetObjectTaggingOutput>> {
        let input = request.input;
        only_version(input.version_id.as_deref())?;
        let metadata = self.metadata(&input.bucket, &input.key).await?;
        Ok(S3Response::new(GetObjectTaggingOutput {
            tag_set: shown(&metadata.tags.0),
            version_id: None,
        }))
    }

    pub(super) async fn put_object_tagging(
        &self,
        request: S3Request<PutObjectTaggingInput>,
    ) -> S3Result<S3Response<PutObjectTaggingOutput>> {
        let input = request.input;
        only_version(input.version_id.as_deref())?;
        let tags = Tags(read(input.tagging.tag_set)?);
        self.set_tags(&input.bucket, object_key(&input.key)?, tags)
            .await?;
        Ok(S3Response::new(PutObjectTaggingOutput::default()))
    }

    pub(super) async fn delete_object_tagging(
        &self,
        request: S3Request<DeleteObjectTaggingInput>,
    ) -> S3Result<S3Response<DeleteObjectTaggingOutput>> {
        let input = request.input;
        only_version(input.version_id.as_deref())?;
        self.set_tags(&input.bucket, object_key(&input.key)?, Tags::default())
            .await?;
        Ok(S3Response::new(DeleteObjectTaggingOutput::default()))
    }

    async fn set_tags(&self, bucket: &str, key: Key, tags: Tags) -> S3Result<()> {
        let bucket = bucket_name(bucket)?;
        self.in_bucket(&bucket, move |bucket| {
            bucket
                .set_tags(&key, tags)
                .map(drop)
                .map_err(IntoS3::into_s3)
        })
        .await
    }

    pub(super) async fn get_bucket_tagging(
        &self,
        request: S3Request<GetBucketTaggingInput>,
    ) -> S3Result<S3Response<GetBucketTaggingOutput>> {
        let record = self.record(&bucket_name(&request.input.bucket)?).await?;
        if record.tags.is_empty() {
            return Err(known(
                S3ErrorCode::NoSuchTagSet,
                "The TagSet does not exist",
            ));
        }
        Ok(S3Response::new(GetBucketTaggingOutput {
            tag_set: shown(&record.tags),
        }))
    }

    pub(super) async fn put_bucket_tagging(
        &self,
        request: S3Request<PutBucketTaggingInput>,
    ) -> S3Result<S3Response<PutBucketTaggingOutput>> {
        let tags = bucket_tags(request.input.tagging.tag_set.clone())?;
        let bucket = bucket_name(&request.input.bucket)?;
        self.change(&request, &bucket, Change::Tags(tags)).await?;
        Ok(S3Response::new(PutBucketTaggingOutput::default()))
    }

    pub(super) async fn delete_bucket_tagging(
        &self,
        request: S3Request<DeleteBucketTaggingInput>,
    ) -> S3Result<S3Response<DeleteBucketTaggingOutput>> {
        let bucket = bucket_name(&request.input.bucket)?;
        self.change(&request, &bucket, Change::Tags(Vec::new()))
            .await?;
        Ok(S3Response::new(DeleteBucketTaggingOutput::default()))
    }
}

/// Reads the tags of a bucket, of which there may be more than an object has.
fn bucket_tags(set: TagSet) -> S3Result<Vec<(String, String)>> {
    let tags = read(set)?;
    let is_tag = |(name, value): &(String, String)| {
        (1..=NAME_LENGTH_MAX).contains(&name.chars().count())
            && value.chars().count() <= VALUE_LENGTH_MAX
            && !name.chars().chain(value.chars()).any(char::is_control)
    };
    let is_twice = |at: usize| tags[..at].iter().any(|(name, _)| *name == tags[at].0);
    if tags.len() > BUCKET_TAGS_MAX || !tags.iter().all(is_tag) || (0..tags.len()).any(is_twice) {
        return Err(invalid());
    }
    Ok(tags)
}

pub(super) fn read(set: TagSet) -> S3Result<Vec<(String, String)>> {
    let tags = set.into_iter().map(|tag| Some((tag.key?, tag.value?)));
    tags.collect::<Option<Vec<_>>>()
        .ok_or_else(|| S3Error::new(S3ErrorCode::MalformedXML))
}

fn invalid() -> S3Error {
    known(
        S3ErrorCode::InvalidTag,
        "a bucket has at most 50 tags, each name once, of at most 128 and 256 characters",
    )
}

fn shown(tags: &[(String, String)]) -> TagSet {
    let tag = |(name, value): &(String, String)| Tag {
        key: Some(name.clone()),
        value: Some(value.clone()),
    };
    tags.iter().map(tag).collect()
}
