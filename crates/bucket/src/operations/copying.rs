//! Copies of objects and of parts of them.

use crate::access;
use crate::digests;
use crate::error::{self, IntoS3};
use crate::facts::Facts;
use crate::operations::conditions::{self, Decision, ReadConditions};
use crate::operations::writing::{checksum_text, put_checksum};
use crate::operations::{Operations, attributes, bucket_name, facts, object_key, only_version};
use crate::operators::Act;
use http::HeaderMap;
use privet_objects::{Algorithm, Attributes, BucketName, Key, Metadata, ObjectFile};
use s3s::dto::{
    CopyObjectInput, CopyObjectOutput, CopyObjectResult, CopySource, ETag, MetadataDirective,
    TaggingDirective,
};
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result};

/// What is copied from.
pub(super) struct Source {
    pub(super) bucket: BucketName,
    pub(super) key: Key,
    conditions: ReadConditions,
}

impl Source {
    /// Reads `x-amz-copy-source` and its conditions.
    pub(super) fn read(source: &CopySource, headers: &HeaderMap) -> S3Result<Self> {
        let CopySource::Bucket {
            bucket,
            key,
            version_id,
        } = source
        else {
            return Err(error::not_implemented("a copy from an access point"));
        };
        only_version(version_id.as_deref())?;
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let date = |name: &str| {
            let time = text(name).and_then(|text| httpdate::parse_http_date(text).ok());
            time.map(conditions::seconds)
        };
        Ok(Source {
            bucket: bucket_name(bucket)?,
            key: object_key(key)?,
            conditions: ReadConditions {
                if_match: text("x-amz-copy-source-if-match").map(conditions::tags),
                if_none_match: text("x-amz-copy-source-if-none-match").map(conditions::tags),
                if_modified_since: date("x-amz-copy-source-if-modified-since"),
                if_unmodified_since: date("x-amz-copy-source-if-unmodified-since"),
            },
        })
    }
}

impl Operations {
    /// Opens the object that is copied from, which the operator must be allowed to read.
    pub(super) async fn open_source(&self, facts: &Facts, source: &Source) -> S3Result<ObjectFile> {
        access::permit(
            self.shared.operators.as_ref(),
            facts,
            Act::ReadObjects,
            Some(&source.bucket),
        )?;
        let key = source.key.clone();
        let object = self
            .in_bucket(&source.bucket, move |bucket| {
                bucket.open(&key).map_err(IntoS3::into_s3)
            })
            .await?;
        match source.conditions.decide(&object.metadata) {
            Decision::Read => Ok(object),
            Decision::NotModified | Decision::Failed => Err(error::precondition_failed()),
        }
    }

    pub(super) async fn copy_object(
        &self,
        request: S3Request<CopyObjectInput>,
    ) -> S3Result<S3Response<CopyObjectOutput>> {
        let facts = facts(&request)?;
        let source = Source::read(&request.input.copy_source, &request.headers)?;
        let own = attributes::of_request(&request.headers, &facts.fields)?;
        let write_conditions = conditions::of_write(&facts.fields)?;
        let named = request.input.checksum_algorithm.as_ref();
        let named = named.and_then(|named| digests::algorithm(named.as_str()));
        let input = request.input;
        let bucket = bucket_name(&input.bucket)?;
        let key = object_key(&input.key)?;
        let object = self.open_source(&facts, &source).await?;
        if object.metadata.size > self.shared.upload_size_bytes_max {
            return Err(error::known(
                S3ErrorCode::InvalidRequest,
                "The specified copy source is larger than the maximum allowable size for a copy source",
            ));
        }
        let replaces = Replaces {
            metadata: directive(
                input
                    .metadata_directive
                    .as_ref()
                    .map(MetadataDirective::as_str),
            )?,
            tags: directive(
                input
                    .tagging_directive
                    .as_ref()
                    .map(TaggingDirective::as_str),
            )?,
        };
        let is_itself = source.bucket == bucket && source.key == key;
        if is_itself && replaces.metadata == Directive::Copy && named.is_none() {
            return Err(error::known(
                S3ErrorCode::InvalidRequest,
                "This copy request is illegal because it is trying to copy an object to itself without changing \
                 the object's metadata, storage class, website redirect location or encryption attributes.",
            ));
        }
        let attributes = replaces.attributes(&object.metadata, own);
        let algorithms = vec![named.unwrap_or_else(|| present(&object.metadata))];
        let metadata = self
            .in_bucket(&bucket, move |bucket| {
                let copied = bucket.copy(&object, &key, attributes, &algorithms, &write_conditions);
                copied.map_err(IntoS3::into_s3)
            })
            .await?;
        Ok(S3Response::new(CopyObjectOutput {
            copy_object_result: Some(result(&metadata)),
            ..CopyObjectOutput::default()
        }))
    }
}

/// Returns the algorithm of an object's own checksum.
fn present(metadata: &Metadata) -> Algorithm {
    let first = metadata.checksums.first();
    first.map_or(Algorithm::Crc64Nvme, |checksum| checksum.algorithm)
}

/// Whether something is taken over from the source.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Directive {
    Copy,
    Replace,
}

fn directive(text: Option<&str>) -> S3Result<Directive> {
    match text {
        None | Some("COPY") => Ok(Directive::Copy),
        Some("REPLACE") => Ok(Directive::Replace),
        Some(_) => Err(error::known(
            S3ErrorCode::InvalidArgument,
            "Unknown metadata directive.",
        )),
    }
}

struct Replaces {
    metadata: Directive,
    tags: Directive,
}

impl Replaces {
    fn attributes(self, source: &Metadata, own: Attributes) -> Attributes {
        Attributes {
            headers: match self.metadata {
                // The redirect is not copied (S3 API Reference, CopyObject).
                Directive::Copy => privet_objects::Headers {
                    website_redirect: own.headers.website_redirect,
                    ..source.headers.clone()
                },
                Directive::Replace => own.headers,
            },
            tags: match self.tags {
                Directive::Copy => source.tags.clone(),
                Directive::Replace => own.tags,
            },
        }
    }
}

fn result(metadata: &Metadata) -> CopyObjectResult {
    let mut result = CopyObjectResult {
        e_tag: Some(ETag::Strong(metadata.etag.to_string())),
        last_modified: Some(metadata.modified.into()),
        ..CopyObjectResult::default()
    };
    for checksum in &metadata.checksums {
        let text = checksum_text(checksum, None);
        put_checksum!(result, checksum.algorithm, text);
    }
    result
}
