//! Objects that are read: `GetObject`, `HeadObject`, `GetObjectAttributes`.

use crate::error::{self, IntoS3};
use crate::facts::Facts;
use crate::operations::conditions::{self, Decision, ReadConditions};
use crate::operations::writing::{checksum_fields, checksum_text, checksum_type};
use crate::operations::{Operations, bucket_name, facts, object_key, only_version};
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE,
    CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, EXPIRES, LAST_MODIFIED,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;
use privet_objects::{Algorithm, BucketFolder, Headers, Key, Metadata, ObjectError, ObjectFile};
use s3s::dto::{
    Checksum, ChecksumType, ETag, GetObjectAttributesInput, GetObjectAttributesOutput,
    GetObjectAttributesParts, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput,
    ObjectAttributes, ObjectPart, StreamingBlob,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;

/// Bytes that are read at a time.
const PIECE_SIZE_BYTES: usize = 512 * 1024;

/// Attributes that can be asked for.
const ATTRIBUTES: [&str; 5] = [
    ObjectAttributes::ETAG,
    ObjectAttributes::CHECKSUM,
    ObjectAttributes::OBJECT_PARTS,
    ObjectAttributes::STORAGE_CLASS,
    ObjectAttributes::OBJECT_SIZE,
];

/// What is wanted of an object.
struct Wanted {
    facts: Facts,
    part: Option<i32>,
    with_checksums: bool,
}

/// An object that is going to be sent.
struct Opened {
    object: ObjectFile,
    range: Range<u64>,
    headers: HeaderMap,
    first: Bytes,
}

impl Operations {
    pub(super) async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let overrides = overrides(&request.input)?;
        let wanted = Wanted {
            facts: facts(&request)?,
            part: request.input.part_number,
            with_checksums: request.input.checksum_mode.is_some(),
        };
        let input = request.input;
        only_version(input.version_id.as_deref())?;
        let key = object_key(&input.key)?;
        let bucket = bucket_name(&input.bucket)?;
        let opened = self
            .in_bucket(&bucket, move |bucket| {
                open(bucket, &key, &wanted, PIECE_SIZE_BYTES)
            })
            .await?;
        let Opened {
            object,
            range,
            mut headers,
            first,
        } = opened;
        headers.extend(overrides);
        let pieces = pieces(object, range, first);
        let body = s3s::Body::http_body_unsync(StreamBody::new(
            pieces.map(|piece| piece.map(Frame::data)),
        ));
        let output = GetObjectOutput {
            body: Some(StreamingBlob::from(body)),
            ..GetObjectOutput::default()
        };
        Ok(S3Response::with_headers(output, headers))
    }

    pub(super) async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let wanted = Wanted {
            facts: facts(&request)?,
            part: request.input.part_number,
            with_checksums: request.input.checksum_mode.is_some(),
        };
        let input = request.input;
        only_version(input.version_id.as_deref())?;
        let key = object_key(&input.key)?;
        let bucket = bucket_name(&input.bucket)?;
        let opened = self
            .in_bucket(&bucket, move |bucket| open(bucket, &key, &wanted, 0))
            .await?;
        Ok(S3Response::with_headers(
            HeadObjectOutput::default(),
            opened.headers,
        ))
    }

    pub(super) async fn get_object_attributes(
        &self,
        request: S3Request<GetObjectAttributesInput>,
    ) -> S3Result<S3Response<GetObjectAttributesOutput>> {
        let input = request.input;
        let asked = asked_attributes(&input.object_attributes)?;
        only_version(input.version_id.as_deref())?;
        let key = object_key(&input.key)?;
        let bucket = bucket_name(&input.bucket)?;
        let metadata = self
            .in_bucket(&bucket, move |bucket| {
                bucket.metadata(&key).map_err(IntoS3::into_s3)
            })
            .await?;
        let asks = |name: &str| asked.contains(&name);
        let parts = metadata.parts.count();
        let output = GetObjectAttributesOutput {
            checksum: (asks("Checksum") && !metadata.checksums.is_empty())
                .then(|| shown_checksum(&metadata)),
            e_tag: asks("ETag").then(|| ETag::Strong(metadata.etag.to_string())),
            last_modified: Some(metadata.modified.into()),
            object_parts: (asks("ObjectParts") && parts > 0)
                .then(|| shown_parts(&metadata, input.part_number_marker, input.max_parts)),
            object_size: asks("ObjectSize")
                .then(|| i64::try_from(metadata.size).unwrap_or(i64::MAX)),
            storage_class: asks("StorageClass")
                .then(|| s3s::dto::StorageClass::from_static(s3s::dto::StorageClass::STANDARD)),
            ..GetObjectAttributesOutput::default()
        };
        Ok(S3Response::new(output))
    }
}

/// Reads the names of attributes. Clients send one field with a list, or a field for each.
fn asked_attributes(lists: &[ObjectAttributes]) -> S3Result<Vec<&str>> {
    let names = lists.iter().flat_map(|list| list.as_str().split(','));
    let names: Vec<&str> = names.map(str::trim).collect();
    match names.iter().all(|name| ATTRIBUTES.contains(name)) {
        true => Ok(names),
        false => Err(error::known(
            S3ErrorCode::InvalidArgument,
            "Invalid attribute name specified.",
        )),
    }
}

/// Opens an object, decides what of it is sent, and reads the first piece.
fn open(bucket: &BucketFolder, key: &Key, wanted: &Wanted, piece_size: usize) -> S3Result<Opened> {
    let object = bucket.open(key).map_err(IntoS3::into_s3)?;
    let metadata = &object.metadata;
    match ReadConditions::of(&wanted.facts.fields).decide(metadata) {
        Decision::Read => {}
        Decision::NotModified => return Err(not_modified(metadata)),
        Decision::Failed => return Err(error::precondition_failed()),
    }
    let part = wanted
        .part
        .map(|number| part_range(metadata, number))
        .transpose()?;
    let range = match part {
        Some(range) => Some(range),
        None => conditions::range(&wanted.facts.fields, metadata)?,
    };
    let mut headers = headers_of(metadata, wanted.with_checksums && range.is_none());
    // An empty object is sent as a whole, also as its only part.
    if let Some(range) = range.as_ref().filter(|range| !range.is_empty()) {
        let text = format!("bytes {}-{}/{}", range.start, range.end - 1, metadata.size);
        insert(&mut headers, CONTENT_RANGE, &text);
    }
    if wanted.part.is_some() && metadata.parts.count() > 0 {
        let count = metadata.parts.count().to_string();
        insert(
            &mut headers,
            HeaderName::from_static("x-amz-mp-parts-count"),
            &count,
        );
    }
    let range = range.unwrap_or(0..metadata.size);
    headers.insert(CONTENT_LENGTH, (range.end - range.start).into());
    let first = read(&object, &range, piece_size).map_err(|error| object_error(&error))?;
    Ok(Opened {
        range: range.start + first.len() as u64..range.end,
        object,
        headers,
        first,
    })
}

/// Returns the bytes of a part. An object that was sent whole is one part.
fn part_range(metadata: &Metadata, number: i32) -> S3Result<Range<u64>> {
    let invalid = || {
        error::other(
            StatusCode::RANGE_NOT_SATISFIABLE,
            "InvalidPartNumber",
            "The requested partnumber is not satisfiable",
        )
    };
    let number = u32::try_from(number).map_err(|_| invalid())?;
    if metadata.parts.count() == 0 && number == 1 {
        return Ok(0..metadata.size);
    }
    metadata.parts.range(number).ok_or_else(invalid)
}

/// Reads the next bytes of a range, up to a size.
fn read(object: &ObjectFile, range: &Range<u64>, size: usize) -> io::Result<Bytes> {
    let left = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
    let mut bytes = vec![0; left.min(size)];
    object.file.read_exact_at(&mut bytes, range.start)?;
    Ok(bytes.into())
}

fn object_error(error: &io::Error) -> S3Error {
    // The file is shorter now than it was when it was opened.
    let error = match error.kind() == io::ErrorKind::UnexpectedEof {
        true => ObjectError::Changed,
        false => ObjectError::System(error.raw_os_error().unwrap_or_default()),
    };
    error.into_s3()
}

type SentPieces = BoxStream<'static, Result<Bytes, io::Error>>;

/// Sends a range of an object. One that was changed by hand meanwhile ends before its end: nobody takes the mixture for
/// the object.
fn pieces(object: ObjectFile, range: Range<u64>, first: Bytes) -> SentPieces {
    let rest = stream::try_unfold((Some(object), range), |(object, range)| async move {
        let Some(object) = object.filter(|_| !range.is_empty()) else {
            return Ok(None);
        };
        let start = range.start;
        let reading = tokio::task::spawn_blocking(move || {
            let bytes = read(&object, &range, PIECE_SIZE_BYTES)?;
            match object.is_unchanged() {
                true => Ok((bytes, object, range.end)),
                false => Err(io::Error::other("the object was changed while it was read")),
            }
        });
        let (bytes, object, end) = reading.await.map_err(io::Error::other)??;
        let next = start + bytes.len() as u64;
        Ok(Some((bytes, (Some(object), next..end))))
    });
    match first.is_empty() {
        true => rest.boxed(),
        false => stream::iter([Ok(first)]).chain(rest).boxed(),
    }
}

/// Returns what is sent with an object.
pub(super) fn headers_of(metadata: &Metadata, with_checksums: bool) -> HeaderMap {
    let mut headers = HeaderMap::new();
    insert(&mut headers, ACCEPT_RANGES, "bytes");
    insert(&mut headers, ETAG, &format!("\"{}\"", metadata.etag));
    insert(
        &mut headers,
        LAST_MODIFIED,
        &conditions::http_date(metadata.modified),
    );
    let Headers {
        content_type,
        cache_control,
        content_disposition,
        content_encoding,
        content_language,
        expires,
        website_redirect,
        user,
    } = &metadata.headers;
    let redirect = HeaderName::from_static("x-amz-website-redirect-location");
    for (name, value) in [
        (CONTENT_TYPE, content_type),
        (CACHE_CONTROL, cache_control),
        (CONTENT_DISPOSITION, content_disposition),
        (CONTENT_ENCODING, content_encoding),
        (CONTENT_LANGUAGE, content_language),
        (EXPIRES, expires),
        (redirect, website_redirect),
    ] {
        if let Some(value) = value {
            insert(&mut headers, name, value);
        }
    }
    for (name, value) in user {
        if let Ok(name) = HeaderName::from_bytes(format!("x-amz-meta-{name}").as_bytes()) {
            insert(&mut headers, name, value);
        }
    }
    let tags = metadata.tags.0.len();
    if tags > 0 {
        let name = HeaderName::from_static("x-amz-tagging-count");
        insert(&mut headers, name, &tags.to_string());
    }
    if with_checksums {
        checksum_fields(metadata, &mut headers);
    }
    headers
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    // What cannot be a field was not stored as one.
    if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
        headers.insert(name, value);
    }
}

fn not_modified(metadata: &Metadata) -> S3Error {
    let mut error = S3Error::new(S3ErrorCode::NotModified);
    error.set_status_code(StatusCode::NOT_MODIFIED);
    error.set_headers(headers_of(metadata, false));
    error
}

/// Returns the header fields that a request wants in place of the object's own.
fn overrides(input: &GetObjectInput) -> S3Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    let expires = input
        .response_expires
        .as_ref()
        .and_then(conditions::time_of);
    let expires = expires.map(conditions::http_date);
    for (name, value) in [
        (CONTENT_TYPE, input.response_content_type.clone()),
        (CACHE_CONTROL, input.response_cache_control.clone()),
        (
            CONTENT_DISPOSITION,
            input.response_content_disposition.clone(),
        ),
        (CONTENT_ENCODING, input.response_content_encoding.clone()),
        (CONTENT_LANGUAGE, input.response_content_language.clone()),
        (EXPIRES, expires),
    ] {
        if let Some(value) = value {
            let invalid = |_| {
                error::known(
                    S3ErrorCode::InvalidArgument,
                    format!("response-{name} cannot be sent"),
                )
            };
            let value = HeaderValue::from_bytes(value.as_bytes()).map_err(invalid)?;
            headers.insert(name, value);
        }
    }
    Ok(headers)
}

fn shown_checksum(metadata: &Metadata) -> Checksum {
    let parts = metadata.parts.count();
    let mut shown = Checksum::default();
    for checksum in &metadata.checksums {
        let text = Some(checksum_text(checksum, Some(parts)));
        match checksum.algorithm {
            Algorithm::Crc32 => shown.checksum_crc32 = text,
            Algorithm::Crc32c => shown.checksum_crc32c = text,
            Algorithm::Crc64Nvme => shown.checksum_crc64nvme = text,
            Algorithm::Sha1 => shown.checksum_sha1 = text,
            Algorithm::Sha256 => shown.checksum_sha256 = text,
        }
        shown.checksum_type = Some(ChecksumType::from_static(checksum_type(
            checksum.checksum_type,
        )));
    }
    shown
}

fn shown_parts(
    metadata: &Metadata,
    marker: Option<i32>,
    max: Option<i32>,
) -> GetObjectAttributesParts {
    let marker = marker.unwrap_or(0).max(0);
    let max = max.unwrap_or(1000).clamp(0, 1000);
    let numbered = (1..).zip(metadata.parts.sizes());
    let mut behind = numbered
        .skip_while(|(number, _)| *number <= marker)
        .peekable();
    let mut parts = Vec::new();
    while parts.len() < usize::try_from(max).unwrap_or(0)
        && let Some((number, size)) = behind.next()
    {
        parts.push(ObjectPart {
            part_number: Some(number),
            size: i64::try_from(size).ok(),
            ..ObjectPart::default()
        });
    }
    let is_truncated = behind.peek().is_some();
    GetObjectAttributesParts {
        is_truncated: Some(is_truncated),
        max_parts: Some(max),
        next_part_number_marker: parts.last().and_then(|part| part.part_number),
        part_number_marker: Some(marker),
        parts: Some(parts),
        total_parts_count: i32::try_from(metadata.parts.count()).ok(),
    }
}
