//! Lists of objects: both versions of `ListObjects`, and `ListObjectVersions` with the one version that there is.

use crate::encoding;
use crate::error::{self, IntoS3};
use crate::operations::{OWNER_ID, OWNER_NAME, Operations, VERSION, bucket_name};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use privet_objects::{Entry, Key, ListRequest, Metadata, Page};
use s3s::dto::{
    ChecksumAlgorithm, CommonPrefix, ETag, EncodingType, ListObjectVersionsInput,
    ListObjectVersionsOutput, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input,
    ListObjectsV2Output, Object, ObjectStorageClass, ObjectVersion, ObjectVersionStorageClass,
    Owner,
};
use s3s::{S3ErrorCode, S3Request, S3Response, S3Result};

const KEYS_MAX: i32 = 1000;

/// How names are written: characters that XML cannot have need `encoding-type=url`.
#[derive(Clone, Copy)]
pub(super) enum Writing {
    Plain,
    Url,
}

impl Writing {
    pub(super) fn of(encoding: Option<&EncodingType>) -> S3Result<Self> {
        match encoding.map(EncodingType::as_str) {
            None => Ok(Writing::Plain),
            Some(EncodingType::URL) => Ok(Writing::Url),
            Some(_) => Err(error::known(
                S3ErrorCode::InvalidArgument,
                "Invalid Encoding Method specified in Request",
            )),
        }
    }

    pub(super) fn name(self, text: &str) -> String {
        match self {
            // A list that is no XML would hide all other objects; U+FFFD says that the name has something else.
            Writing::Plain => text.chars().map(xml_character).collect(),
            Writing::Url => encoding::encode_path(text.as_bytes()),
        }
    }

    pub(super) fn shown(self) -> Option<EncodingType> {
        match self {
            Writing::Plain => None,
            Writing::Url => Some(EncodingType::from_static(EncodingType::URL)),
        }
    }
}

/// Replaces what is no character of XML 1.0 (2.2).
fn xml_character(character: char) -> char {
    match character {
        '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'.. => {
            character
        }
        _ => char::REPLACEMENT_CHARACTER,
    }
}

/// Reads the number of entries of a page.
pub(super) fn page_size(max: Option<i32>) -> S3Result<i32> {
    match max {
        Some(max) if max < 0 => Err(error::known(
            S3ErrorCode::InvalidArgument,
            "Argument maxKeys must be an integer between 0 and 2147483647",
        )),
        max => Ok(max.unwrap_or(KEYS_MAX).min(KEYS_MAX)),
    }
}

/// Reads a delimiter; an empty one is none.
pub(super) fn delimiter(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

pub(super) fn owner() -> Owner {
    Owner {
        display_name: Some(OWNER_NAME.to_owned()),
        id: Some(OWNER_ID.to_owned()),
    }
}

impl Operations {
    async fn page(&self, bucket: &str, request: ListRequest) -> S3Result<Page> {
        let bucket = bucket_name(bucket)?;
        self.in_bucket(&bucket, move |bucket| {
            bucket.list(&request).map_err(IntoS3::into_s3)
        })
        .await
    }

    pub(super) async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        let writing = Writing::of(input.encoding_type.as_ref())?;
        let max = page_size(input.max_keys)?;
        let token = input
            .continuation_token
            .as_deref()
            .map(read_token)
            .transpose()?;
        let delimiter = delimiter(input.delimiter);
        let wanted = ListRequest {
            prefix: input.prefix.clone().unwrap_or_default(),
            delimiter: delimiter.clone(),
            after: token.or(input.start_after.clone()),
            max: usize::try_from(max).unwrap_or(0),
        };
        let page = self.page(&input.bucket, wanted).await?;
        let with_owner = input.fetch_owner.unwrap_or(false);
        let count = i32::try_from(page.entries.len()).ok();
        let next = page.next.clone();
        let (objects, prefixes) = split(page, writing);
        let contents = objects.iter().map(|(key, metadata)| Object {
            owner: with_owner.then(owner),
            ..shown(key, metadata, writing)
        });
        let output = ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(writing.name(&input.prefix.unwrap_or_default())),
            max_keys: Some(max),
            key_count: count,
            continuation_token: input.continuation_token,
            is_truncated: Some(next.is_some()),
            next_continuation_token: next.map(|next| BASE64_URL_SAFE_NO_PAD.encode(next)),
            contents: Some(contents.collect()),
            common_prefixes: Some(prefixes),
            delimiter: delimiter.map(|delimiter| writing.name(&delimiter)),
            encoding_type: writing.shown(),
            start_after: input.start_after.map(|after| writing.name(&after)),
            ..ListObjectsV2Output::default()
        };
        Ok(S3Response::new(output))
    }

    pub(super) async fn list_objects(
        &self,
        request: S3Request<ListObjectsInput>,
    ) -> S3Result<S3Response<ListObjectsOutput>> {
        let input = request.input;
        let writing = Writing::of(input.encoding_type.as_ref())?;
        let max = page_size(input.max_keys)?;
        let delimiter = delimiter(input.delimiter);
        let wanted = ListRequest {
            prefix: input.prefix.clone().unwrap_or_default(),
            delimiter: delimiter.clone(),
            after: input.marker.clone().filter(|marker| !marker.is_empty()),
            max: usize::try_from(max).unwrap_or(0),
        };
        let page = self.page(&input.bucket, wanted).await?;
        let next = page.next.clone();
        let (objects, prefixes) = split(page, writing);
        let contents = objects.iter().map(|(key, metadata)| Object {
            owner: Some(owner()),
            ..shown(key, metadata, writing)
        });
        let output = ListObjectsOutput {
            name: Some(input.bucket),
            prefix: Some(writing.name(&input.prefix.unwrap_or_default())),
            marker: Some(writing.name(&input.marker.unwrap_or_default())),
            max_keys: Some(max),
            is_truncated: Some(next.is_some()),
            contents: Some(contents.collect()),
            common_prefixes: Some(prefixes),
            // Without a delimiter the last key is the next marker (S3 API Reference, ListObjects).
            next_marker: next
                .filter(|_| delimiter.is_some())
                .map(|next| writing.name(&next)),
            delimiter: delimiter.map(|delimiter| writing.name(&delimiter)),
            encoding_type: writing.shown(),
            ..ListObjectsOutput::default()
        };
        Ok(S3Response::new(output))
    }

    pub(super) async fn list_object_versions(
        &self,
        request: S3Request<ListObjectVersionsInput>,
    ) -> S3Result<S3Response<ListObjectVersionsOutput>> {
        let input = request.input;
        let writing = Writing::of(input.encoding_type.as_ref())?;
        let max = page_size(input.max_keys)?;
        let delimiter = delimiter(input.delimiter);
        let wanted = ListRequest {
            prefix: input.prefix.clone().unwrap_or_default(),
            delimiter: delimiter.clone(),
            after: input.key_marker.clone().filter(|marker| !marker.is_empty()),
            max: usize::try_from(max).unwrap_or(0),
        };
        let page = self.page(&input.bucket, wanted).await?;
        let next = page.next.clone();
        let (objects, prefixes) = split(page, writing);
        let versions = objects
            .iter()
            .map(|(key, metadata)| version(key, metadata, writing));
        let output = ListObjectVersionsOutput {
            name: Some(input.bucket),
            prefix: Some(writing.name(&input.prefix.unwrap_or_default())),
            key_marker: Some(writing.name(&input.key_marker.unwrap_or_default())),
            version_id_marker: input.version_id_marker,
            max_keys: Some(max),
            is_truncated: Some(next.is_some()),
            versions: Some(versions.collect()),
            common_prefixes: Some(prefixes),
            next_version_id_marker: next.as_ref().map(|_| VERSION.to_owned()),
            next_key_marker: next.map(|next| writing.name(&next)),
            delimiter: delimiter.map(|delimiter| writing.name(&delimiter)),
            encoding_type: writing.shown(),
            ..ListObjectVersionsOutput::default()
        };
        Ok(S3Response::new(output))
    }
}

/// Reads a continuation token: the last entry of the page before.
fn read_token(token: &str) -> S3Result<String> {
    let invalid = || {
        error::known(
            S3ErrorCode::InvalidArgument,
            "The continuation token provided is incorrect",
        )
    };
    let bytes = BASE64_URL_SAFE_NO_PAD
        .decode(token)
        .map_err(|_| invalid())?;
    String::from_utf8(bytes)
        .ok()
        .filter(|text| !text.is_empty())
        .ok_or_else(invalid)
}

fn split(page: Page, writing: Writing) -> (Vec<(Key, Metadata)>, Vec<CommonPrefix>) {
    let mut objects = Vec::new();
    let mut prefixes = Vec::new();
    for entry in page.entries {
        match entry {
            Entry::Object(key, metadata) => objects.push((key, metadata)),
            Entry::CommonPrefix(prefix) => prefixes.push(CommonPrefix {
                prefix: Some(writing.name(&prefix)),
            }),
        }
    }
    (objects, prefixes)
}

fn shown(key: &Key, metadata: &Metadata, writing: Writing) -> Object {
    let algorithms = metadata.checksums.iter();
    let algorithms: Vec<ChecksumAlgorithm> = algorithms
        .map(|checksum| ChecksumAlgorithm::from_static(crate::digests::name(checksum.algorithm)))
        .collect();
    Object {
        checksum_algorithm: (!algorithms.is_empty()).then_some(algorithms),
        e_tag: Some(ETag::Strong(metadata.etag.to_string())),
        key: Some(writing.name(key.as_str())),
        last_modified: Some(metadata.modified.into()),
        size: i64::try_from(metadata.size).ok(),
        storage_class: Some(ObjectStorageClass::from_static(
            ObjectStorageClass::STANDARD,
        )),
        ..Object::default()
    }
}

fn version(key: &Key, metadata: &Metadata, writing: Writing) -> ObjectVersion {
    ObjectVersion {
        e_tag: Some(ETag::Strong(metadata.etag.to_string())),
        is_latest: Some(true),
        key: Some(writing.name(key.as_str())),
        last_modified: Some(metadata.modified.into()),
        owner: Some(owner()),
        size: i64::try_from(metadata.size).ok(),
        storage_class: Some(ObjectVersionStorageClass::from_static(
            ObjectVersionStorageClass::STANDARD,
        )),
        version_id: Some(VERSION.to_owned()),
        ..ObjectVersion::default()
    }
}
