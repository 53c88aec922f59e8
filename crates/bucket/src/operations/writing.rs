//! Objects that are written: `PutObject`, the file of a form, and what a part has in common with them.

use crate::body::{BodyError, Pieces, TrailerSlot};
use crate::digests;
use crate::error::{self, IntoS3};
use crate::operations::{
    Operations, attributes, blocking, bucket_name, conditions, facts, object_key,
};
use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderName, HeaderValue};
use privet_objects::{
    Algorithm, Attributes, BucketName, Checksum, ChecksumType, Digests, Key, Metadata, ObjectError,
    Upload, WriteConditions,
};
use s3s::dto::{ChecksumType as ShownType, ETag, PutObjectInput, PutObjectOutput, StreamingBlob};
use s3s::{S3Request, S3Response, S3Result};

/// Puts a checksum into its field of one of the router's shapes, which have nothing in common but these names.
macro_rules! put_checksum {
    ($shape:expr, $algorithm:expr, $text:expr) => {
        match $algorithm {
            Algorithm::Crc32 => $shape.checksum_crc32 = Some($text),
            Algorithm::Crc32c => $shape.checksum_crc32c = Some($text),
            Algorithm::Crc64Nvme => $shape.checksum_crc64nvme = Some($text),
            Algorithm::Sha1 => $shape.checksum_sha1 = Some($text),
            Algorithm::Sha256 => $shape.checksum_sha256 = Some($text),
        }
    };
}
pub(super) use put_checksum;

/// Bytes that are gathered before they are written: large enough that a task for each costs nothing beside the digests.
const BATCH_SIZE_BYTES: usize = 512 * 1024;

/// An object to be written.
pub(crate) struct Written {
    pub(crate) bucket: BucketName,
    pub(crate) key: Key,
    pub(crate) attributes: Attributes,
    pub(crate) algorithms: Vec<Algorithm>,
    pub(crate) digests: Digests,
    pub(crate) trailer: Option<TrailerSlot>,
    pub(crate) conditions: WriteConditions,
}

/// What bytes are written into: an object or a part.
pub(super) trait Sink: Send + 'static {
    fn write(&mut self, bytes: &[u8]) -> Result<(), ObjectError>;
}

impl Sink for Upload {
    fn write(&mut self, bytes: &[u8]) -> Result<(), ObjectError> {
        Upload::write(self, bytes)
    }
}

impl Operations {
    pub(super) async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let facts = facts(&request)?;
        let headers = &request.headers;
        let written = Written {
            bucket: bucket_name(&request.input.bucket)?,
            key: object_key(&request.input.key)?,
            attributes: attributes::of_request(headers, &facts.fields)?,
            algorithms: digests::wanted(headers, &facts.trailer_names)?,
            digests: digests::announced(headers)?,
            trailer: facts.trailer,
            conditions: conditions::of_write(&facts.fields)?,
        };
        let pieces = pieces_of(request.input.body);
        let metadata = self.write(written, pieces).await?;
        let mut headers = HeaderMap::new();
        checksum_fields(&metadata, &mut headers);
        let output = PutObjectOutput {
            e_tag: Some(ETag::Strong(metadata.etag.to_string())),
            ..PutObjectOutput::default()
        };
        Ok(S3Response::with_headers(output, headers))
    }

    /// Writes an object out of pieces, whose end is read before it appears.
    pub(crate) async fn write(&self, written: Written, pieces: Pieces) -> S3Result<Metadata> {
        let Written {
            bucket,
            key,
            attributes,
            algorithms,
            mut digests,
            trailer,
            conditions,
        } = written;
        let upload = self
            .in_bucket(&bucket, move |bucket| {
                let mut upload = bucket.begin(&key, attributes).map_err(IntoS3::into_s3)?;
                algorithms
                    .into_iter()
                    .for_each(|algorithm| upload.compute(algorithm));
                Ok(upload)
            })
            .await?;
        let upload = fill(upload, pieces).await?;
        digests::add_trailer(&mut digests, trailer.as_ref())?;
        blocking(move || upload.commit(&conditions, &digests).map_err(digest_error)).await
    }
}

/// Says which checksum it was, as S3 does.
pub(super) fn digest_error(error: ObjectError) -> s3s::S3Error {
    if let ObjectError::ChecksumMismatch(algorithm) = error {
        return digests::bad_digest(digests::name(algorithm));
    }
    if error == ObjectError::DigestMismatch {
        return digests::bad_digest("Content-MD5");
    }
    error.into_s3()
}

/// Takes the pieces out of the router's body.
pub(super) fn pieces_of(body: Option<StreamingBlob>) -> Pieces {
    let Some(body) = body else {
        return futures_util::stream::empty().boxed();
    };
    body.map(|piece| {
        piece.map_err(|error| match error.downcast_ref::<BodyError>() {
            Some(error) => error.clone(),
            None => BodyError::Broken,
        })
    })
    .boxed()
}

/// Writes pieces as they come: a batch is written while the next is gathered, so that an upload never has more than
/// two.
pub(super) async fn fill<S: Sink>(sink: S, mut pieces: Pieces) -> S3Result<S> {
    let mut writing = None;
    let mut sink = Some(sink);
    loop {
        let batch = next_batch(&mut pieces).await;
        if let Some(task) = writing.take() {
            sink = Some(wait(task).await?);
        }
        let batch = batch.map_err(IntoS3::into_s3)?;
        match sink.take() {
            Some(sink) if batch.is_empty() => return Ok(sink),
            Some(sink) => writing = Some(tokio::task::spawn_blocking(move || append(sink, &batch))),
            None => {
                return Err(error::known(
                    s3s::S3ErrorCode::InternalError,
                    "an upload is lost",
                ));
            }
        }
    }
}

fn append<S: Sink>(mut sink: S, batch: &[Bytes]) -> Result<S, ObjectError> {
    for piece in batch {
        sink.write(piece)?;
    }
    Ok(sink)
}

async fn wait<S>(task: tokio::task::JoinHandle<Result<S, ObjectError>>) -> S3Result<S> {
    match task.await {
        Ok(result) => result.map_err(IntoS3::into_s3),
        Err(_) => Err(s3s::S3Error::new(s3s::S3ErrorCode::InternalError)),
    }
}

/// Gathers pieces up to a size; none if there are no more.
async fn next_batch(pieces: &mut Pieces) -> Result<Vec<Bytes>, BodyError> {
    let mut batch = Vec::new();
    let mut size_bytes = 0;
    while size_bytes < BATCH_SIZE_BYTES {
        match pieces.next().await.transpose()? {
            Some(piece) => {
                size_bytes += piece.len();
                batch.push(piece);
            }
            None => break,
        }
    }
    Ok(batch)
}

/// Writes checksums into header fields.
pub(crate) fn checksum_fields(metadata: &Metadata, headers: &mut HeaderMap) {
    let parts = metadata.parts.count();
    for checksum in &metadata.checksums {
        let name = HeaderName::from_static(digests::field(checksum.algorithm));
        if let Ok(value) = HeaderValue::from_str(&checksum_text(checksum, Some(parts))) {
            headers.insert(name, value);
        }
    }
    if let Some(checksum) = metadata.checksums.first() {
        let kind = HeaderValue::from_static(checksum_type(checksum.checksum_type));
        headers.insert("x-amz-checksum-type", kind);
    }
}

/// Returns a checksum in Base64; one of the checksums of parts has their number behind it.
pub(super) fn checksum_text(checksum: &Checksum, parts: Option<u32>) -> String {
    use base64::Engine;
    let text = base64::prelude::BASE64_STANDARD.encode(&checksum.value);
    match (checksum.checksum_type, parts) {
        (ChecksumType::Composite, Some(parts)) => format!("{text}-{parts}"),
        (ChecksumType::Composite | ChecksumType::FullObject, _) => text,
    }
}

pub(super) fn checksum_type(kind: ChecksumType) -> &'static str {
    match kind {
        ChecksumType::FullObject => ShownType::FULL_OBJECT,
        ChecksumType::Composite => ShownType::COMPOSITE,
    }
}
