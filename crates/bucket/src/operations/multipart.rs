//! Objects that are uploaded in parts.

use crate::digests;
use crate::error::{self, IntoS3, known};
use crate::operations::copying::Source;
use crate::operations::listing::{Writing, delimiter, owner, page_size};
use crate::operations::writing::{
    Sink, checksum_text, checksum_type, digest_error, fill, pieces_of, put_checksum,
};
use crate::operations::{
    Operations, attributes, blocking, bucket_name, conditions, facts, object_key,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use privet_objects::{
    Algorithm, Checksum, ChecksumType, CompletedPart, Completion, Digests, Metadata, ObjectError,
    ObjectFile, Part, PartUpload, UploadEntry, UploadId, UploadsRequest,
};
use s3s::dto::{
    AbortMultipartUploadInput, AbortMultipartUploadOutput, ChecksumAlgorithm,
    ChecksumType as ShownType, CommonPrefix, CompleteMultipartUploadInput,
    CompleteMultipartUploadOutput, CopyPartResult, CreateMultipartUploadInput,
    CreateMultipartUploadOutput, ETag, Initiator, ListMultipartUploadsInput,
    ListMultipartUploadsOutput, ListPartsInput, ListPartsOutput, MultipartUpload, StorageClass,
    UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput, UploadPartOutput,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::time::Duration;
use tokio::task::JoinError;
use tokio::time::timeout;

/// Time after which an answer begins before its result is known.
const SILENCE: Duration = Duration::from_secs(10);
const COPY_SIZE_BYTES: usize = 1024 * 1024;

impl Sink for PartUpload {
    fn write(&mut self, bytes: &[u8]) -> Result<(), ObjectError> {
        PartUpload::write(self, bytes)
    }
}

fn upload_id(text: &str) -> S3Result<UploadId> {
    UploadId::parse(text).ok_or_else(|| ObjectError::NoSuchUpload.into_s3())
}

fn part_number(number: i32) -> S3Result<u16> {
    let number = u16::try_from(number)
        .ok()
        .filter(|number| (1..=10_000).contains(number));
    number.ok_or_else(|| {
        known(
            S3ErrorCode::InvalidArgument,
            "Part number must be an integer between 1 and 10000, inclusive",
        )
    })
}

fn initiator() -> Initiator {
    let owner = owner();
    Initiator {
        display_name: owner.display_name,
        id: owner.id,
    }
}

fn standard() -> StorageClass {
    StorageClass::from_static(StorageClass::STANDARD)
}

fn shown_algorithm(algorithm: Algorithm) -> ChecksumAlgorithm {
    ChecksumAlgorithm::from_static(digests::name(algorithm))
}

fn shown_type(kind: ChecksumType) -> ShownType {
    ShownType::from_static(checksum_type(kind))
}

/// Reads the checksum that an upload is to have: by default of the whole for CRCs that S3 prefers so, else of the
/// parts.
fn wanted_checksum(
    input: &CreateMultipartUploadInput,
) -> S3Result<Option<(Algorithm, ChecksumType)>> {
    let kind = input.checksum_type.as_ref().map(ShownType::as_str);
    let Some(named) = &input.checksum_algorithm else {
        return match kind {
            None => Ok(None),
            Some(_) => Err(known(
                S3ErrorCode::InvalidRequest,
                "The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.",
            )),
        };
    };
    let algorithm = digests::algorithm(named.as_str()).ok_or_else(|| {
        known(
            S3ErrorCode::InvalidRequest,
            "Checksum algorithm provided is unsupported.",
        )
    })?;
    let kind = match (kind, algorithm) {
        (Some(ShownType::FULL_OBJECT), Algorithm::Sha1 | Algorithm::Sha256)
        | (Some(ShownType::COMPOSITE), Algorithm::Crc64Nvme) => {
            return Err(known(
                S3ErrorCode::InvalidRequest,
                format!(
                    "The checksum type cannot be used with {} checksum algorithm.",
                    digests::name(algorithm)
                ),
            ));
        }
        (Some(ShownType::FULL_OBJECT), _) | (None, Algorithm::Crc64Nvme) => {
            ChecksumType::FullObject
        }
        (Some(ShownType::COMPOSITE) | None, _) => ChecksumType::Composite,
        (Some(_), _) => return Err(S3Error::new(S3ErrorCode::InvalidArgument)),
    };
    Ok(Some((algorithm, kind)))
}

impl Operations {
    pub(super) async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let facts = facts(&request)?;
        let attributes = attributes::of_request(&request.headers, &facts.fields)?;
        let input = request.input;
        let checksum = wanted_checksum(&input)?;
        let bucket = bucket_name(&input.bucket)?;
        let key = object_key(&input.key)?;
        let upload = self
            .in_bucket(&bucket, move |bucket| {
                bucket
                    .create_upload(&key, attributes, checksum)
                    .map_err(IntoS3::into_s3)
            })
            .await?;
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            checksum_algorithm: checksum.map(|(algorithm, _)| shown_algorithm(algorithm)),
            checksum_type: checksum.map(|(_, kind)| shown_type(kind)),
            key: Some(input.key),
            upload_id: Some(upload.id.as_str().to_owned()),
            ..CreateMultipartUploadOutput::default()
        }))
    }

    pub(super) async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let facts = facts(&request)?;
        let algorithms = digests::wanted(&request.headers, &facts.trailer_names)?;
        let mut announced = digests::announced(&request.headers)?;
        let input = request.input;
        let number = part_number(input.part_number)?;
        let id = upload_id(&input.upload_id)?;
        let key = object_key(&input.key)?;
        let upload = self
            .in_bucket(&bucket_name(&input.bucket)?, move |bucket| {
                let mut upload = bucket.part(&key, &id, number).map_err(IntoS3::into_s3)?;
                algorithms
                    .into_iter()
                    .for_each(|algorithm| upload.compute(algorithm));
                Ok(upload)
            })
            .await?;
        let upload = fill(upload, pieces_of(input.body)).await?;
        digests::add_trailer(&mut announced, facts.trailer.as_ref())?;
        let part = blocking(move || upload.commit(&announced).map_err(digest_error)).await?;
        let mut headers = HeaderMap::new();
        for checksum in &part.checksums {
            let name = HeaderName::from_static(digests::field(checksum.algorithm));
            if let Ok(value) = HeaderValue::from_str(&checksum_text(checksum, None)) {
                headers.insert(name, value);
            }
        }
        let output = UploadPartOutput {
            e_tag: Some(ETag::Strong(part.etag.to_string())),
            ..UploadPartOutput::default()
        };
        Ok(S3Response::with_headers(output, headers))
    }

    pub(super) async fn upload_part_copy(
        &self,
        request: S3Request<UploadPartCopyInput>,
    ) -> S3Result<S3Response<UploadPartCopyOutput>> {
        let facts = facts(&request)?;
        let source = Source::read(&request.input.copy_source, &request.headers)?;
        let input = request.input;
        let number = part_number(input.part_number)?;
        let id = upload_id(&input.upload_id)?;
        let key = object_key(&input.key)?;
        let object = self.open_source(&facts, &source).await?;
        let range = copied_range(input.copy_source_range.as_deref(), object.metadata.size)?;
        if range.end - range.start > self.shared.upload_size_bytes_max {
            return Err(S3Error::new(S3ErrorCode::EntityTooLarge));
        }
        let part = self
            .in_bucket(&bucket_name(&input.bucket)?, move |bucket| {
                let upload = bucket.part(&key, &id, number).map_err(IntoS3::into_s3)?;
                copy(upload, &object, range)
            })
            .await?;
        Ok(S3Response::new(UploadPartCopyOutput {
            copy_part_result: Some(copied(&part)),
            ..UploadPartCopyOutput::default()
        }))
    }

    /// Puts an object together of its parts. If that takes long, the answer begins before it is known, and is kept
    /// alive.
    pub(super) async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let facts = facts(&request)?;
        let announced = digests::announced(&request.headers)?;
        let input = request.input;
        let completion = Completion {
            parts: completed_parts(&input)?,
            checksum: digests::single(announced)?,
            size: input
                .mpu_object_size
                .and_then(|size| u64::try_from(size).ok()),
            conditions: conditions::of_write(&facts.fields)?,
        };
        let id = upload_id(&input.upload_id)?;
        let key = object_key(&input.key)?;
        let bucket = bucket_name(&input.bucket)?;
        let operations = self.clone();
        let mut completing = tokio::spawn(async move {
            let completed = operations.in_bucket(&bucket, move |bucket| {
                bucket
                    .complete(&key, &id, &completion)
                    .map_err(digest_error)
            });
            let metadata = completed.await?;
            Ok(CompleteMultipartUploadOutput {
                location: Some(format!("/{}/{}", input.bucket, input.key)),
                bucket: Some(input.bucket),
                key: Some(input.key),
                ..completed_output(&metadata)
            })
        });
        // An error that is known by then has its own status.
        match timeout(SILENCE, &mut completing).await {
            Ok(completed) => Ok(S3Response::new(joined(completed)?)),
            Err(_) => Ok(S3Response::new(CompleteMultipartUploadOutput {
                future: Some(Box::pin(async move { joined(completing.await) })),
                ..CompleteMultipartUploadOutput::default()
            })),
        }
    }

    pub(super) async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let input = request.input;
        let id = upload_id(&input.upload_id)?;
        let key = object_key(&input.key)?;
        self.in_bucket(&bucket_name(&input.bucket)?, move |bucket| {
            bucket.abort(&key, &id).map_err(IntoS3::into_s3)
        })
        .await?;
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    pub(super) async fn list_parts(
        &self,
        request: S3Request<ListPartsInput>,
    ) -> S3Result<S3Response<ListPartsOutput>> {
        let input = request.input;
        let max = page_size(input.max_parts)?;
        let marker = input.part_number_marker.unwrap_or(0);
        let after = u16::try_from(marker.clamp(0, 10_000)).unwrap_or(0);
        let id = upload_id(&input.upload_id)?;
        let key = object_key(&input.key)?;
        let (upload, page) = self
            .in_bucket(&bucket_name(&input.bucket)?, move |bucket| {
                let upload = bucket.upload(&key, &id).map_err(IntoS3::into_s3)?;
                let max = usize::try_from(max).unwrap_or(0);
                let page = bucket
                    .parts(&key, &id, after, max)
                    .map_err(IntoS3::into_s3)?;
                Ok((upload, page))
            })
            .await?;
        Ok(S3Response::new(ListPartsOutput {
            bucket: Some(input.bucket),
            checksum_algorithm: upload
                .checksum
                .map(|(algorithm, _)| shown_algorithm(algorithm)),
            checksum_type: upload.checksum.map(|(_, kind)| shown_type(kind)),
            initiator: Some(initiator()),
            is_truncated: Some(page.next.is_some()),
            key: Some(input.key),
            max_parts: Some(max),
            next_part_number_marker: page.parts.last().map(|part| part.number.into()),
            owner: Some(owner()),
            part_number_marker: Some(marker),
            parts: Some(page.parts.iter().map(shown_part).collect()),
            storage_class: Some(standard()),
            upload_id: Some(input.upload_id),
            ..ListPartsOutput::default()
        }))
    }

    pub(super) async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let input = request.input;
        let writing = Writing::of(input.encoding_type.as_ref())?;
        let max = page_size(input.max_uploads)?;
        let delimiter = delimiter(input.delimiter);
        let wanted = UploadsRequest {
            prefix: input.prefix.clone().unwrap_or_default(),
            delimiter: delimiter.clone(),
            key_marker: input.key_marker.clone().filter(|marker| !marker.is_empty()),
            id_marker: input.upload_id_marker.as_deref().and_then(UploadId::parse),
            max: usize::try_from(max).unwrap_or(0),
        };
        let page = self
            .in_bucket(&bucket_name(&input.bucket)?, move |bucket| {
                bucket.uploads(&wanted).map_err(IntoS3::into_s3)
            })
            .await?;
        let mut uploads = Vec::new();
        let mut prefixes = Vec::new();
        for entry in page.entries {
            match entry {
                UploadEntry::Upload(upload) => uploads.push(MultipartUpload {
                    checksum_algorithm: upload
                        .checksum
                        .map(|(algorithm, _)| shown_algorithm(algorithm)),
                    checksum_type: upload.checksum.map(|(_, kind)| shown_type(kind)),
                    initiated: Some(upload.initiated.into()),
                    initiator: Some(initiator()),
                    key: Some(writing.name(upload.key.as_str())),
                    owner: Some(owner()),
                    storage_class: Some(standard()),
                    upload_id: Some(upload.id.as_str().to_owned()),
                }),
                UploadEntry::CommonPrefix(prefix) => prefixes.push(CommonPrefix {
                    prefix: Some(writing.name(&prefix)),
                }),
            }
        }
        let (next_key, next_id) = page.next.unzip();
        Ok(S3Response::new(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            common_prefixes: Some(prefixes),
            delimiter: delimiter.map(|delimiter| writing.name(&delimiter)),
            encoding_type: writing.shown(),
            is_truncated: Some(next_key.is_some()),
            key_marker: Some(writing.name(&input.key_marker.unwrap_or_default())),
            max_uploads: Some(max),
            next_key_marker: next_key.map(|next| writing.name(&next)),
            next_upload_id_marker: next_id.flatten().map(|id| id.as_str().to_owned()),
            prefix: Some(writing.name(&input.prefix.unwrap_or_default())),
            upload_id_marker: input.upload_id_marker,
            uploads: Some(uploads),
            ..ListMultipartUploadsOutput::default()
        }))
    }
}

/// Reads the parts that a client names.
fn completed_parts(input: &CompleteMultipartUploadInput) -> S3Result<Vec<CompletedPart>> {
    let named = input
        .multipart_upload
        .as_ref()
        .and_then(|upload| upload.parts.as_ref());
    let named = named.filter(|parts| !parts.is_empty());
    let malformed = || S3Error::new(S3ErrorCode::MalformedXML);
    let part = |part: &s3s::dto::CompletedPart| {
        let mut headers = HeaderMap::new();
        for (algorithm, value) in [
            (Algorithm::Crc32, &part.checksum_crc32),
            (Algorithm::Crc32c, &part.checksum_crc32c),
            (Algorithm::Crc64Nvme, &part.checksum_crc64nvme),
            (Algorithm::Sha1, &part.checksum_sha1),
            (Algorithm::Sha256, &part.checksum_sha256),
        ] {
            let value = value.as_deref().map(HeaderValue::from_str);
            if let Some(value) = value.transpose().map_err(|_| malformed())? {
                headers.insert(HeaderName::from_static(digests::field(algorithm)), value);
            }
        }
        Ok(CompletedPart {
            number: part_number(part.part_number.ok_or_else(malformed)?)?,
            etag: part
                .e_tag
                .as_ref()
                .map(ETag::value)
                .unwrap_or_default()
                .trim_matches('"')
                .to_owned(),
            checksum: digests::single(digests::announced(&headers)?)?,
        })
    };
    named.ok_or_else(malformed)?.iter().map(part).collect()
}

fn joined<T>(result: Result<S3Result<T>, JoinError>) -> S3Result<T> {
    result.unwrap_or_else(|_| Err(S3Error::new(S3ErrorCode::InternalError)))
}

fn completed_output(metadata: &Metadata) -> CompleteMultipartUploadOutput {
    let mut output = CompleteMultipartUploadOutput {
        e_tag: Some(ETag::Strong(metadata.etag.to_string())),
        ..CompleteMultipartUploadOutput::default()
    };
    for checksum in &metadata.checksums {
        let text = checksum_text(checksum, Some(metadata.parts.count()));
        put_checksum!(output, checksum.algorithm, text);
        output.checksum_type = Some(shown_type(checksum.checksum_type));
    }
    output
}

/// Reads `x-amz-copy-source-range`, which unlike `Range` has to lie in the object.
fn copied_range(text: Option<&str>, size: u64) -> S3Result<Range<u64>> {
    let Some(text) = text else {
        return Ok(0..size);
    };
    let invalid = || {
        known(
            S3ErrorCode::InvalidArgument,
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last are the \
             zero-based offsets of the first and last bytes to copy",
        )
    };
    let number = |text: &str| match text.bytes().all(|byte| byte.is_ascii_digit()) {
        true => text.parse::<u64>().ok(),
        false => None,
    };
    let (first, last) = text
        .strip_prefix("bytes=")
        .and_then(|range| range.split_once('-'))
        .and_then(|(first, last)| Some((number(first)?, number(last)?)))
        .filter(|(first, last)| first <= last)
        .ok_or_else(invalid)?;
    match last < size {
        true => Ok(first..last + 1),
        false => Err(conditions::invalid_range(size)),
    }
}

fn copy(mut upload: PartUpload, object: &ObjectFile, range: Range<u64>) -> S3Result<Part> {
    let mut buffer = vec![0; COPY_SIZE_BYTES];
    let mut at = range.start;
    while at < range.end {
        let left = usize::try_from(range.end - at).unwrap_or(usize::MAX);
        let piece = &mut buffer[..left.min(COPY_SIZE_BYTES)];
        let read = object.file.read_exact_at(piece, at);
        read.map_err(|_| ObjectError::Changed.into_s3())?;
        upload.write(piece).map_err(IntoS3::into_s3)?;
        at += piece.len() as u64;
    }
    match object.is_unchanged() {
        true => upload.commit(&Digests::default()).map_err(digest_error),
        false => Err(error::known(
            S3ErrorCode::InternalError,
            "the source was changed meanwhile",
        )),
    }
}

fn copied(part: &Part) -> CopyPartResult {
    let mut result = CopyPartResult {
        e_tag: Some(ETag::Strong(part.etag.to_string())),
        last_modified: Some(part.modified.into()),
        ..CopyPartResult::default()
    };
    for (algorithm, text) in part.checksums.iter().map(text_of) {
        put_checksum!(result, algorithm, text);
    }
    result
}

fn shown_part(part: &Part) -> s3s::dto::Part {
    let mut shown = s3s::dto::Part {
        e_tag: Some(ETag::Strong(part.etag.to_string())),
        last_modified: Some(part.modified.into()),
        part_number: Some(part.number.into()),
        size: i64::try_from(part.size).ok(),
        ..s3s::dto::Part::default()
    };
    for (algorithm, text) in part.checksums.iter().map(text_of) {
        put_checksum!(shown, algorithm, text);
    }
    shown
}

fn text_of(checksum: &Checksum) -> (Algorithm, String) {
    (checksum.algorithm, checksum_text(checksum, None))
}
