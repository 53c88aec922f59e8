//! The body of a request as the operation reads it: without the framing of `aws-chunked`, checked against its
//! signature, its length and the clock while it passes.
//!
//! What was read is only good once the end was read: a writer commits after that, never before.

mod chunked;

pub(crate) use chunked::{Chunked, Framing, TrailerSlot};

use crate::settings::Limits;
use crate::sigv4::{Payload, Verified};
use aws_lc_rs::digest;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use http_body::Body;
use http_body_util::BodyExt;
use std::error::Error as StdError;
use std::pin::Pin;
use std::time::Duration;
use thiserror::Error;
use tokio::time::{Instant, timeout};

/// The reason why a body is not what was announced.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum BodyError {
    /// No byte came for too long, or too few on average.
    #[error("the body came too slowly")]
    TooSlow,
    /// The connection ended, or what came was no HTTP.
    #[error("the body ended before its end")]
    Broken,
    /// Fewer bytes than announced.
    #[error("the body is shorter than its announced length")]
    TooShort,
    /// More bytes than announced, or than are taken.
    #[error("the body is larger than may be")]
    TooLong,
    /// The body's SHA-256 is not the one that was signed.
    #[error("the provided x-amz-content-sha256 does not match what was computed")]
    Digest,
    /// The signature of a chunk is not good.
    #[error("the signature of a chunk does not match")]
    ChunkSignature,
    /// The framing of the chunks is broken.
    #[error("the chunks of the body are malformed: {0}")]
    Chunks(&'static str),
}

/// Pieces of a body, in order.
pub(crate) type Pieces = BoxStream<'static, Result<Bytes, BodyError>>;

/// A body that is read.
pub(crate) struct UploadBody {
    /// Its bytes, checked.
    pub(crate) pieces: Pieces,
    /// Their number, if it was announced.
    pub(crate) length: Option<u64>,
    /// Header fields that follow, once `pieces` has ended.
    pub(crate) trailer: Option<TrailerSlot>,
}

/// What the head of a request says about its body.
#[derive(Clone, Debug)]
pub(crate) struct Announced {
    /// `Content-Length`.
    pub(crate) content_length: Option<u64>,
    /// `x-amz-decoded-content-length`.
    pub(crate) decoded_length: Option<u64>,
    /// Names of `x-amz-trailer`.
    pub(crate) trailer: Vec<String>,
}

/// Makes a body that is checked as `verified` says.
pub(crate) fn checked<B>(
    body: B,
    verified: Verified,
    announced: Announced,
    limits: &Limits,
) -> Result<UploadBody, BodyError>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let may_have_trailer = matches!(
        verified.payload,
        Payload::Chunks {
            has_trailer: true,
            ..
        }
    );
    if !announced.trailer.is_empty() && !may_have_trailer {
        // A checksum that was announced would not be checked.
        return Err(BodyError::Chunks(
            "x-amz-trailer announces fields that such a body cannot have",
        ));
    }
    let paced = paced(body, limits.body_silence, limits.body_rate_bytes);
    let (pieces, length, trailer) = match verified.payload {
        Payload::Unsigned => (paced, announced.content_length, None),
        Payload::Digest(expected) => (digested(paced, expected), announced.content_length, None),
        Payload::Chunks {
            is_signed,
            has_trailer,
        } => {
            let length = announced
                .decoded_length
                .ok_or(BodyError::Chunks("x-amz-decoded-content-length is missing"))?;
            let slot = TrailerSlot::default();
            let framing = Framing {
                signer: is_signed.then_some(verified.chunks),
                trailer: has_trailer.then_some(announced.trailer),
                length,
            };
            let pieces = unchunked(paced, Chunked::new(framing), slot.clone());
            (pieces, Some(length), Some(slot))
        }
    };
    let pieces = bounded(pieces, length, limits.upload_size_bytes);
    Ok(UploadBody {
        pieces,
        length,
        trailer,
    })
}

/// Reads a whole body up to a size.
pub(crate) async fn gather(mut pieces: Pieces, size_bytes_max: usize) -> Result<Bytes, BodyError> {
    let mut gathered = Vec::new();
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        if piece.len() > size_bytes_max - gathered.len() {
            return Err(BodyError::TooLong);
        }
        gathered.extend_from_slice(&piece);
    }
    Ok(gathered.into())
}

/// The pace of a body: how long it may be silent, and what it has to bring on average after that.
struct Pace<B> {
    body: Pin<Box<B>>,
    began: Instant,
    silence: Duration,
    rate_bytes: u64,
    received_bytes: u64,
}

/// Returns the data of a body, as long as the client keeps up.
pub(crate) fn paced<B>(body: B, silence: Duration, rate_bytes: u64) -> Pieces
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let pace = Pace {
        body: Box::pin(body),
        began: Instant::now(),
        silence,
        rate_bytes,
        received_bytes: 0,
    };
    stream::try_unfold(pace, |mut pace| async move {
        Ok(pace.next().await?.map(|piece| (piece, pace)))
    })
    .boxed()
}

impl<B> Pace<B>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    async fn next(&mut self) -> Result<Option<Bytes>, BodyError> {
        loop {
            let frame = timeout(self.silence, self.body.frame()).await;
            let frame = match frame.map_err(|_| BodyError::TooSlow)? {
                None => return Ok(None),
                Some(frame) => frame.map_err(|_| BodyError::Broken)?,
            };
            // HTTP's own trailers mean nothing to S3.
            let Ok(piece) = frame.into_data() else {
                continue;
            };
            self.received_bytes += piece.len() as u64;
            let paid_for = self.began.elapsed().saturating_sub(self.silence);
            if self.received_bytes < paid_for.as_secs().saturating_mul(self.rate_bytes) {
                return Err(BodyError::TooSlow);
            }
            if !piece.is_empty() {
                return Ok(Some(piece));
            }
        }
    }
}

/// Compares the SHA-256 of what passes with the one that was signed.
fn digested(pieces: Pieces, expected: [u8; 32]) -> Pieces {
    let context = digest::Context::new(&digest::SHA256);
    stream::try_unfold(Some((pieces, context)), move |state| async move {
        let Some((mut pieces, mut context)) = state else {
            return Ok(None);
        };
        match pieces.next().await.transpose()? {
            Some(piece) => {
                context.update(&piece);
                Ok(Some((piece, Some((pieces, context)))))
            }
            None if context.finish().as_ref() == expected => Ok(None),
            None => Err(BodyError::Digest),
        }
    })
    .boxed()
}

/// Takes the framing away, and puts the trailer into its slot.
fn unchunked(pieces: Pieces, chunked: Chunked, slot: TrailerSlot) -> Pieces {
    stream::try_unfold(
        (pieces, chunked, Bytes::new()),
        move |(mut pieces, mut chunked, mut left)| {
            let slot = slot.clone();
            async move {
                loop {
                    if let Some(piece) = chunked.take(&mut left)? {
                        return Ok(Some((piece, (pieces, chunked, left))));
                    }
                    match pieces.next().await.transpose()? {
                        Some(piece) => left = piece,
                        None => {
                            slot.fill(chunked.finish()?);
                            return Ok(None);
                        }
                    }
                }
            }
        },
    )
    .boxed()
}

/// Compares the number of bytes with the announced one, and ends what grows too large.
pub(crate) fn bounded(pieces: Pieces, length: Option<u64>, size_bytes_max: u64) -> Pieces {
    let size_bytes_max = length.unwrap_or(size_bytes_max).min(size_bytes_max);
    stream::try_unfold((pieces, 0_u64), move |(mut pieces, before)| async move {
        let Some(piece) = pieces.next().await.transpose()? else {
            return match length {
                Some(length) if before < length => Err(BodyError::TooShort),
                Some(_) | None => Ok(None),
            };
        };
        let now = before + piece.len() as u64;
        match now > size_bytes_max {
            true => Err(BodyError::TooLong),
            false => Ok(Some((piece, (pieces, now)))),
        }
    })
    .boxed()
}

#[cfg(test)]
mod tests;
