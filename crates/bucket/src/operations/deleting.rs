//! Objects that are deleted: one, or up to a thousand in one request.

use crate::error::{self, IntoS3, precondition_failed};
use crate::operations::{Operations, bucket_name, conditions, facts, object_key, only_version};
use privet_objects::{BucketFolder, DeleteConditions, Key, ObjectError};
use s3s::dto::{
    DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput, DeleteObjectsOutput, DeletedObject,
    Error, ObjectIdentifier,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result};

const OBJECTS_MAX: usize = 1000;

impl Operations {
    pub(super) async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        let facts = facts(&request)?;
        let modified = request.headers.get("x-amz-if-match-last-modified-time");
        let modified = modified
            .map(|text| {
                text.to_str()
                    .ok()
                    .and_then(|text| httpdate::parse_http_date(text).ok())
            })
            .map(|time| time.ok_or_else(|| invalid_condition("x-amz-if-match-last-modified-time")))
            .transpose()?;
        let input = request.input;
        only_version(input.version_id.as_deref())?;
        let wanted = DeleteConditions {
            if_match: facts.fields.if_match.as_deref().map(conditions::tags),
            if_modified: modified,
            if_size: size(input.if_match_size)?,
        };
        let key = object_key(&input.key)?;
        let bucket = bucket_name(&input.bucket)?;
        self.in_bucket(&bucket, move |bucket| delete(bucket, &key, &wanted))
            .await?;
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    pub(super) async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        let input = request.input;
        let objects = input.delete.objects;
        if objects.is_empty() || objects.len() > OBJECTS_MAX {
            return Err(S3Error::new(S3ErrorCode::MalformedXML));
        }
        let is_quiet = input.delete.quiet.unwrap_or(false);
        let bucket = bucket_name(&input.bucket)?;
        let results = self
            .in_bucket(&bucket, move |bucket| {
                let results = objects.into_iter().map(|object| {
                    let result = delete_one(bucket, &object);
                    (object, result)
                });
                Ok(results.collect::<Vec<_>>())
            })
            .await?;
        let mut deleted = Vec::new();
        let mut errors = Vec::new();
        for (object, result) in results {
            match result {
                Ok(()) if is_quiet => {}
                Ok(()) => deleted.push(DeletedObject {
                    key: Some(object.key),
                    version_id: object.version_id,
                    ..DeletedObject::default()
                }),
                Err(error) => errors.push(Error {
                    code: Some(error.code().as_str().to_owned()),
                    key: Some(object.key),
                    message: error.message().map(str::to_owned),
                    version_id: object.version_id,
                }),
            }
        }
        Ok(S3Response::new(DeleteObjectsOutput {
            deleted: Some(deleted),
            errors: Some(errors),
            ..DeleteObjectsOutput::default()
        }))
    }
}

fn delete_one(bucket: &BucketFolder, object: &ObjectIdentifier) -> S3Result<()> {
    only_version(object.version_id.as_deref())?;
    let wanted = DeleteConditions {
        if_match: object
            .e_tag
            .as_ref()
            .map(|tag| conditions::tags(tag.value())),
        if_modified: object
            .last_modified_time
            .as_ref()
            .and_then(conditions::time_of),
        if_size: size(object.size)?,
    };
    delete(bucket, &object_key(&object.key)?, &wanted)
}

/// Deletes an object; that there is none is as good, unless a condition wants one.
fn delete(bucket: &BucketFolder, key: &Key, wanted: &DeleteConditions) -> S3Result<()> {
    match bucket.delete(key, wanted) {
        Ok(_) => Ok(()),
        Err(ObjectError::NotFound) if wanted.if_match.is_none() => Err(precondition_failed()),
        Err(error) => Err(error.into_s3()),
    }
}

fn size(size: Option<i64>) -> S3Result<Option<u64>> {
    size.map(|size| u64::try_from(size).map_err(|_| invalid_condition("x-amz-if-match-size")))
        .transpose()
}

fn invalid_condition(name: &str) -> S3Error {
    error::known(
        S3ErrorCode::InvalidArgument,
        format!("{name} cannot be read"),
    )
}
