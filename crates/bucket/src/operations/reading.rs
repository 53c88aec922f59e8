//! Objects that are read: `GetObject`, `HeadObject`, `GetObjectAttributes`.

use crate::error::{self, IntoS3};
use crate::facts::Facts;
use crate::file_sending::FileSending;
use crate::operations::conditions::{self, Decision, ReadConditions};
use crate::operations::writing::{checksum_fields, checksum_text, checksum_type, put_checksum};
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
use privet_objects::{
    Algorithm, BucketName, Headers, Key, Metadata, ObjectError, ObjectFile, sent_value,
};
use s3s::dto::{
    Checksum, ChecksumType, ETag, GetObjectAttributesInput, GetObjectAttributesOutput,
    GetObjectAttributesParts, GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput,
    ObjectAttributes, ObjectPart, StreamingBlob,
};
use s3s::{S3Error, S3ErrorCode, S3Request, S3Response, S3Result};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// Bytes that are read at a time.
const PIECE_SIZE_BYTES: usize = 512 * 1024;
/// Ranges up to this size are read and not sent from their file.
const READ_SIZE_BYTES: u64 = 64 * 1024;
/// Bytes that are sent from a file at a time.
const SENT_SIZE_BYTES: u64 = 1024 * 1024;
/// End of every other range, which is read and checked before it is sent: what was changed until then is noticed.
const TAIL_SIZE_BYTES: u64 = 16 * 1024;

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
}

impl Operations {
    pub(super) async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let overrides = overrides(&request.input)?;
        let sending = request.extensions.get::<FileSending>().cloned();
        let wanted = Wanted {
            facts: facts(&request)?,
            part: request.input.part_number,
            with_checksums: request.input.checksum_mode.is_some(),
        };
        let input = request.input;
        only_version(input.version_id.as_deref())?;
        let key = object_key(&input.key)?;
        let bucket = bucket_name(&input.bucket)?;
        let Opened {
            object,
            range,
            mut headers,
        } = self.open(&bucket, key, wanted).await?;
        headers.extend(overrides);
        let mut unsent = Unsent {
            object: Arc::new(object),
            range,
            sending,
        };
        let first = unsent.first_piece().await;
        let first = first.map_err(|error| object_error(&error))?;
        let pieces = pieces(unsent, first);
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
        let opened = self.open(&bucket, key, wanted).await?;
        Ok(S3Response::with_headers(
            HeadObjectOutput::default(),
            opened.headers,
        ))
    }

    /// Opens an object, and decides what of it is sent. Most that are read were read shortly before: they are opened at
    /// once, others away from the runtime.
    async fn open(&self, bucket: &BucketName, key: Key, wanted: Wanted) -> S3Result<Opened> {
        self.record(bucket).await?;
        let known = self.shared.buckets.bucket_in_memory(bucket);
        if let Some(object) = known.and_then(|bucket| bucket.open_in_memory(&key)) {
            return decide(object, &wanted);
        }
        self.in_bucket(bucket, move |bucket| {
            decide(bucket.open(&key).map_err(IntoS3::into_s3)?, &wanted)
        })
        .await
    }

    /// Returns what is known of an object.
    pub(super) async fn metadata(&self, bucket: &str, key: &str) -> S3Result<Metadata> {
        let key = object_key(key)?;
        let bucket = bucket_name(bucket)?;
        self.in_bucket(&bucket, move |bucket| {
            bucket.metadata(&key).map_err(IntoS3::into_s3)
        })
        .await
    }

    pub(super) async fn get_object_attributes(
        &self,
        request: S3Request<GetObjectAttributesInput>,
    ) -> S3Result<S3Response<GetObjectAttributesOutput>> {
        let input = request.input;
        let asked = asked_attributes(&input.object_attributes)?;
        only_version(input.version_id.as_deref())?;
        let metadata = self.metadata(&input.bucket, &input.key).await?;
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

/// Decides what is sent of an object that was opened.
fn decide(object: ObjectFile, wanted: &Wanted) -> S3Result<Opened> {
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
    Ok(Opened {
        object,
        range,
        headers,
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

/// What is still to be sent of an object.
struct Unsent {
    object: Arc<ObjectFile>,
    range: Range<u64>,
    sending: Option<FileSending>,
}

/// Sends a range of an object. One that was changed by hand meanwhile ends before its end: nobody takes the mixture for
/// the object.
fn pieces(unsent: Unsent, first: Bytes) -> SentPieces {
    let rest = stream::try_unfold(unsent, |mut unsent| async move {
        if unsent.range.is_empty() {
            return Ok(None);
        }
        let bytes = match unsent.piece_in_memory()? {
            Some(bytes) => bytes,
            None => unsent.piece_on_disk().await?,
        };
        unsent.range.start += bytes.len() as u64;
        Ok(Some((bytes, unsent)))
    });
    match first.is_empty() {
        true => rest.boxed(),
        false => stream::iter([Ok(first)]).chain(rest).boxed(),
    }
}

impl Unsent {
    /// Takes the first bytes of what is to be read; none of what the system sends. What fails here is an answer.
    async fn first_piece(&mut self) -> io::Result<Bytes> {
        let length = self.range.end - self.range.start;
        if length == 0 || self.sending.is_some() && length > READ_SIZE_BYTES {
            return Ok(Bytes::new());
        }
        let bytes = match self.small_piece_in_memory() {
            Some(bytes) => bytes,
            None => {
                let (object, range) = (Arc::clone(&self.object), self.range.clone());
                let read = move || read(&object, &range, PIECE_SIZE_BYTES);
                let reading = tokio::task::spawn_blocking(read);
                reading.await.map_err(io::Error::other)??
            }
        };
        // What was changed by hand since it was opened has another entity tag.
        check(&self.object)?;
        self.range.start += bytes.len() as u64;
        Ok(bytes)
    }

    /// Returns all that is left, if it is not much and in memory.
    fn small_piece_in_memory(&self) -> Option<Bytes> {
        let Range { start, end } = self.range;
        let length = usize::try_from(end - start).ok()?;
        if end - start > READ_SIZE_BYTES {
            return None;
        }
        let mut bytes = vec![0; length];
        let is_read = self.object.read_from_memory(&mut bytes, start);
        is_read.then(|| bytes.into())
    }

    /// Returns a piece for which no disk has to be waited for: one that the system sends from the file, or the end of a
    /// range; `None` if there is none, or nothing is sent from files here.
    fn piece_in_memory(&self) -> io::Result<Option<Bytes>> {
        let Some(sending) = &self.sending else {
            return Ok(None);
        };
        let Range { start, end } = self.range;
        if end - start <= TAIL_SIZE_BYTES {
            let tail = self.small_piece_in_memory();
            check(&self.object)?;
            return Ok(tail);
        }
        let length = (end - start - TAIL_SIZE_BYTES).min(SENT_SIZE_BYTES);
        if !self.object.is_in_memory(&(start..start + length)) {
            return Ok(None);
        }
        check(&self.object)?;
        let length = usize::try_from(length).unwrap_or_default();
        let file = Arc::<ObjectFile>::clone(&self.object);
        let stand_in = sending.stand_in(file, start, length);
        Ok((!stand_in.is_empty()).then_some(stand_in))
    }

    /// Reads a piece away from the runtime.
    async fn piece_on_disk(&self) -> io::Result<Bytes> {
        let (object, range) = (Arc::clone(&self.object), self.range.clone());
        let reading = tokio::task::spawn_blocking(move || {
            let bytes = read(&object, &range, PIECE_SIZE_BYTES)?;
            check(&object)?;
            Ok(bytes)
        });
        reading.await.map_err(io::Error::other)?
    }
}

/// Fails if an object was changed by hand since it was opened.
fn check(object: &ObjectFile) -> io::Result<()> {
    match object.is_unchanged() {
        true => Ok(()),
        false => Err(io::Error::other("the object was changed while it was read")),
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
            insert(&mut headers, name, &sent_value(value));
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
        let text = checksum_text(checksum, Some(parts));
        put_checksum!(shown, checksum.algorithm, text);
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

#[cfg(test)]
mod tests;
