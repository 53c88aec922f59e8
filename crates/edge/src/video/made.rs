//! Content of a video name: a text made here, parts of the object, or a transport stream that is written while it is
//! sent.

use super::parts_reader::{PartsReader, VideoPiece};
use super::source::VideoSource;
use crate::cache::{CacheResult, ReadFault};
use crate::file_placeholder::FileSending;
use bytes::Bytes;
use http::HeaderValue;
use privet_distribution::Span;
use privet_distribution::caching::{CacheStatus, ContentCoding};
use privet_media::Parts;
use privet_media::mux::TsSegment;
use std::task::{Context, Poll, ready};

use super::indexes::Video;
use std::sync::Arc;

/// Maximum number of bytes that a transport stream writes at once.
const TS_PIECE_SIZE_BYTES_MAX: usize = 64 * 1024;
/// Room for packet headers and the end of a sample, beside the bytes of the object.
const TS_MARGIN_SIZE_BYTES: usize = 1024;

/// Content of a video name, before conditions and ranges.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) content: MadeContent,
    pub(crate) content_type: HeaderValue,
    /// Strong entity tag, with its quotes; `None` if the object has nothing that tells its states apart.
    pub(crate) etag: Option<String>,
    /// The object that it is made of, whose lifetime it has. `None` for content that must not be cached, because it
    /// holds a viewer's grant or lacks a member of the set.
    pub(crate) source: Option<VideoSource>,
    pub(crate) how: CacheResult,
    pub(crate) cache_status: Option<CacheStatus>,
}

/// The bytes.
#[derive(Debug)]
pub(crate) enum MadeContent {
    /// A text in the coding that the viewer accepts.
    Text(Bytes, Option<ContentCoding>),
    Parts(VideoSource, Parts),
    Ts(TsPlace),
}

/// A segment of a transport stream.
#[derive(Clone, Debug)]
pub(crate) struct TsPlace {
    source: VideoSource,
    video: Arc<Video>,
    number: u32,
    size_bytes: u64,
}

impl MadeContent {
    pub(crate) fn size_bytes(&self) -> u64 {
        match self {
            MadeContent::Text(bytes, _) => bytes.len() as u64,
            MadeContent::Parts(_, parts) => parts.size_bytes(),
            MadeContent::Ts(place) => place.size_bytes,
        }
    }

    /// These of its bytes, which has all of them.
    pub(crate) fn stretch(&self, span: Span, file_sending: FileSending) -> Stretch {
        match self {
            MadeContent::Text(bytes, _) => {
                // Content in memory fits the address space, so the conversion loses nothing.
                let stretch = span.start as usize..span.end as usize;
                if stretch.len() == bytes.len() {
                    Stretch::Memory(bytes.clone())
                } else {
                    // A slice would hold on to the whole text, while only the slice is counted.
                    Stretch::Memory(Bytes::copy_from_slice(&bytes[stretch]))
                }
            }
            MadeContent::Parts(source, parts) => {
                let reader = source
                    .reader(parts.slice(span.start, span.end))
                    .with_files(file_sending);
                Stretch::Body(VideoBody::Parts(Box::new(reader)))
            }
            MadeContent::Ts(place) => {
                let body = TsBody::new(place, span);
                Stretch::Body(VideoBody::Ts(Box::new(body)))
            }
        }
    }
}

/// A range of the bytes, to be sent.
#[derive(Debug)]
pub(crate) enum Stretch {
    Memory(Bytes),
    Body(VideoBody),
}

/// Bytes that are read from the object while they are sent.
#[derive(Debug)]
pub(crate) enum VideoBody {
    Parts(Box<PartsReader>),
    Ts(Box<TsBody>),
}

impl VideoBody {
    /// Returns the number of bytes left.
    pub(crate) fn remaining(&self) -> u64 {
        match self {
            VideoBody::Parts(reader) => reader.remaining(),
            VideoBody::Ts(body) => body.remaining,
        }
    }

    /// Returns the size of the bytes that were made for this viewer and wait to be sent, and of the list of parts.
    pub(crate) fn own_size_bytes(&self) -> u64 {
        match self {
            VideoBody::Parts(reader) => reader.own_size_bytes(),
            VideoBody::Ts(body) => body.reader.own_size_bytes(),
        }
    }

    /// Waits until the first bytes are there, so that a fault is known before the response begins.
    pub(crate) async fn prepare(&mut self) -> Result<(), ReadFault> {
        match self {
            VideoBody::Parts(reader) => reader.prepare().await,
            VideoBody::Ts(body) => body.reader.prepare().await,
        }
    }

    /// Returns the next piece, with at most `length_max` bytes in memory and never empty; `None` at the end.
    pub(crate) fn poll_piece(
        &mut self,
        length_max: usize,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<VideoPiece>, ReadFault>> {
        match self {
            VideoBody::Parts(reader) => reader.poll_piece(length_max, context),
            VideoBody::Ts(body) => body
                .poll_next(length_max, context)
                .map_ok(|bytes| bytes.map(VideoPiece::Bytes)),
        }
    }
}

impl TsPlace {
    /// Returns the segment; `None` when the video has no such segment.
    pub(crate) fn new(source: &VideoSource, video: &Arc<Video>, number: u32) -> Option<Self> {
        let segment = TsSegment::new(&video.index, &video.segmentation, number)?;
        Some(TsPlace {
            source: source.clone(),
            video: Arc::clone(video),
            number,
            size_bytes: segment.size_bytes(),
        })
    }
}

/// A transport stream that is written while its samples arrive.
#[derive(Debug)]
pub(crate) struct TsBody {
    segment: Option<TsSegment>,
    reader: PartsReader,
    written: Vec<u8>,
    ready: Bytes,
    /// Bytes still to be written and not sent: they lie before the requested range.
    skipped: u64,
    remaining: u64,
}

impl TsBody {
    fn new(place: &TsPlace, span: Span) -> Self {
        let mut segment =
            TsSegment::new(&place.video.index, &place.video.segmentation, place.number);
        let skipped = segment
            .as_mut()
            .map_or(0, |segment| segment.skip(span.start));
        let sources = segment.as_ref().map(TsSegment::sources).unwrap_or_default();
        TsBody {
            segment,
            reader: place.source.reader(sources),
            written: Vec::new(),
            ready: Bytes::new(),
            skipped: span.start - skipped,
            remaining: span.size_bytes(),
        }
    }

    fn poll_next(
        &mut self,
        length_max: usize,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, ReadFault>> {
        loop {
            if self.remaining == 0 {
                return Poll::Ready(Ok(None));
            }
            if !self.ready.is_empty() {
                let left = usize::try_from(self.remaining).unwrap_or(usize::MAX);
                let length = self.ready.len().min(length_max).min(left);
                self.remaining -= length as u64;
                return Poll::Ready(Ok(Some(self.ready.split_to(length))));
            }
            let Some(segment) = &mut self.segment else {
                return Poll::Ready(Err(ReadFault::Lost));
            };
            // Bytes that are not sent at once are buffered, so no more is written than is wanted.
            let piece_size_bytes = length_max.min(TS_PIECE_SIZE_BYTES_MAX);
            if self.written.capacity() == 0 {
                self.written
                    .reserve(piece_size_bytes + piece_size_bytes / 8 + TS_MARGIN_SIZE_BYTES);
            }
            match ready!(self.reader.poll_next(piece_size_bytes, context))? {
                Some(bytes) => segment.supply(&bytes, &mut self.written),
                None => {
                    if !segment.finish(&mut self.written) {
                        return Poll::Ready(Err(ReadFault::Lost));
                    }
                    self.segment = None;
                }
            }
            let skipped = self.skipped.min(self.written.len() as u64);
            self.skipped -= skipped;
            self.written.drain(..skipped as usize);
            if self.written.len() >= piece_size_bytes || self.segment.is_none() {
                self.ready = Bytes::from(std::mem::take(&mut self.written));
            }
        }
    }
}
