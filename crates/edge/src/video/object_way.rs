//! One viewer's progress through ranges of an object: which bytes come next, and from where.

use super::folder_blocks::{BLOCK_SIZE_BYTES, FolderBlock, FolderBlocks, FolderFile};
use super::source::{SourceContent, VideoSource};
use crate::cache::{CacheRequest, Next, ObjectReader, ReadFault, StoredObject, WorkerCache};
use crate::origin::DiskWork;
use crate::origin::file_chunk::{CHUNK_SIZE_BYTES, is_cached, poll_chunk};
use bytes::Bytes;
use privet_distribution::Span;
use privet_media::Part;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// Maximum gap between ranges that are read in one go.
const GAP_SIZE_BYTES_MAX: u64 = 64 * 1024;
/// Length of a file's range that is checked at once for being in memory, before it is sent.
const LOOK_SIZE_BYTES: u64 = 256 * 1024;
/// Minimum share of a block that a reader must want for the block to be read whole.
const BLOCK_SHARE_SIZE_BYTES_MIN: u64 = BLOCK_SIZE_BYTES / 8;

/// Progress through an object.
pub(super) enum ObjectWay {
    Memory(Bytes),
    Folder(FolderWay),
    Cached(Box<CachedWay>),
}

/// Position within a range, and the parts that follow it.
pub(super) struct ReadPosition<'a> {
    /// Offset of the next byte in the object.
    pub(super) offset: u64,
    /// Bytes left of the range; not 0.
    pub(super) size_bytes: u64,
    /// Parts after the range.
    pub(super) after: &'a [Part],
    /// Length from which ranges of a folder's file are sent and not read; `u64::MAX` if none are.
    pub(super) file_size_bytes_min: u64,
}

impl ObjectWay {
    pub(super) fn new(source: &VideoSource) -> Self {
        match source.content() {
            SourceContent::Memory(bytes) => ObjectWay::Memory(bytes.clone()),
            SourceContent::File(file, blocks) => ObjectWay::Folder(FolderWay {
                file: Arc::clone(file),
                blocks: Arc::clone(blocks),
                block: None,
                loading: None,
                reading: None,
                looked_at: 0..0,
            }),
            SourceContent::Cached { cache, ask, object } => {
                ObjectWay::Cached(Box::new(CachedWay {
                    cache: Rc::clone(cache),
                    ask: Rc::clone(ask),
                    object: object.clone(),
                    source: source.clone(),
                    reader: None,
                    end: 0,
                    chunk: None,
                    in_file: None,
                    reading: None,
                }))
            }
        }
    }

    /// Returns true if the object is a folder's open file.
    pub(super) fn is_folder(&self) -> bool {
        match self {
            ObjectWay::Folder(_) => true,
            ObjectWay::Memory(_) | ObjectWay::Cached(_) => false,
        }
    }

    /// Returns the file, if `length` bytes of it from `offset` on are in memory.
    ///
    /// Errors: the file has changed.
    pub(super) fn file(
        &mut self,
        offset: u64,
        length: u64,
    ) -> Result<Option<Arc<File>>, ReadFault> {
        let ObjectWay::Folder(way) = self else {
            return Ok(None);
        };
        let end = offset + length;
        if offset < way.looked_at.start || end > way.looked_at.end {
            // A video's ranges are short and close together, so they are checked together.
            let end = end.max(offset + LOOK_SIZE_BYTES).min(way.file.size_bytes());
            way.looked_at = offset..offset;
            if !way.file.is_unchanged() {
                return Err(ReadFault::Lost);
            }
            if !is_cached(&way.reading, way.file.file(), offset, end - offset) {
                return Ok(None);
            }
            way.looked_at = offset..end;
        }
        Ok(Some(Arc::clone(way.file.file())))
    }

    /// Returns up to `length_max` bytes at `place`, at least one.
    pub(super) fn poll_at(
        &mut self,
        place: &ReadPosition<'_>,
        length_max: usize,
        context: &mut Context<'_>,
    ) -> Poll<Result<Bytes, ReadFault>> {
        let left = usize::try_from(place.size_bytes).unwrap_or(usize::MAX);
        let length_max = length_max.min(left);
        match self {
            ObjectWay::Memory(bytes) => {
                let start = usize::try_from(place.offset).unwrap_or(usize::MAX);
                let end = start.saturating_add(length_max);
                let is_within = end <= bytes.len();
                Poll::Ready(if is_within {
                    Ok(bytes.slice(start..end))
                } else {
                    Err(ReadFault::Lost)
                })
            }
            ObjectWay::Folder(way) => way.poll_at(place, length_max, context),
            ObjectWay::Cached(way) => way.poll_at(place, length_max, context),
        }
    }
}

type Loading = Pin<Box<dyn Future<Output = Result<Arc<FolderBlock>, ReadFault>>>>;

/// Progress through a folder's file, by shared blocks where they are worth it.
pub(super) struct FolderWay {
    file: Arc<FolderFile>,
    blocks: Arc<FolderBlocks>,
    block: Option<(u64, Arc<FolderBlock>)>,
    loading: Option<(u64, Loading)>,
    reading: Option<DiskWork<io::Result<Bytes>>>,
    /// Range found in memory while the file was unchanged.
    looked_at: Range<u64>,
}

impl FolderWay {
    fn poll_at(
        &mut self,
        place: &ReadPosition<'_>,
        length_max: usize,
        context: &mut Context<'_>,
    ) -> Poll<Result<Bytes, ReadFault>> {
        let number = place.offset / BLOCK_SIZE_BYTES;
        loop {
            if let Some((at, loading)) = &mut self.loading {
                let at = *at;
                let loaded = ready!(loading.as_mut().poll(context));
                self.loading = None;
                self.block = Some((at, loaded?));
            }
            if self.reading.is_some() {
                break;
            }
            if let Some((at, block)) = &self.block
                && *at == number
            {
                let slice = block.slice(place.offset % BLOCK_SIZE_BYTES, length_max);
                return Poll::Ready(slice.ok_or(ReadFault::Lost));
            }
            self.block = None;
            if let Some(block) = self.blocks.in_memory(&self.file, number) {
                self.block = Some((number, block));
                continue;
            }
            let is_worth_it = wanted_of_block(place, number) >= BLOCK_SHARE_SIZE_BYTES_MIN;
            if !is_worth_it || self.blocks.are_held_up() {
                break;
            }
            let blocks = Arc::clone(&self.blocks);
            let file = Arc::clone(&self.file);
            let loading = async move { blocks.block(file, number).await };
            self.loading = Some((number, Box::pin(loading)));
        }
        let wanted = length_max.min(CHUNK_SIZE_BYTES);
        let file = self.file.file();
        let chunk = ready!(poll_chunk(
            &mut self.reading,
            file,
            place.offset,
            wanted,
            context
        ));
        let chunk = chunk.ok().filter(|_| self.file.is_unchanged());
        Poll::Ready(chunk.ok_or(ReadFault::Lost))
    }
}

/// Returns how much of the block is wanted, from the current position on.
fn wanted_of_block(place: &ReadPosition<'_>, number: u64) -> u64 {
    let end = (number + 1) * BLOCK_SIZE_BYTES;
    let mut wanted = place.size_bytes.min(end - place.offset);
    for part in place.after {
        if wanted >= BLOCK_SHARE_SIZE_BYTES_MIN {
            break;
        }
        match part {
            Part::Bytes(_) => {}
            Part::Source { offset, size_bytes } if offset / BLOCK_SIZE_BYTES == number => {
                if *size_bytes < place.file_size_bytes_min {
                    wanted += size_bytes.min(&(end - offset));
                }
            }
            Part::Source { .. } => break,
        }
    }
    wanted
}

/// Progress through a cached object of another server.
pub(super) struct CachedWay {
    cache: Rc<WorkerCache>,
    ask: Rc<CacheRequest>,
    object: StoredObject,
    source: VideoSource,
    reader: Option<ObjectReader>,
    /// Offset at which the reader ends.
    end: u64,
    /// The reader's last chunk and its offset: ranges are often shorter than a chunk, and finding blocks costs more.
    chunk: Option<(u64, Bytes)>,
    in_file: Option<InFile>,
    reading: Option<DiskWork<io::Result<Bytes>>>,
}

/// A range that the reader has returned as part of a file.
struct InFile {
    file: Arc<File>,
    /// The place of its bytes in the object.
    span: Span,
    /// The place of the first one in the file.
    offset: u64,
}

impl CachedWay {
    fn poll_at(
        &mut self,
        place: &ReadPosition<'_>,
        length_max: usize,
        context: &mut Context<'_>,
    ) -> Poll<Result<Bytes, ReadFault>> {
        loop {
            if let Some((start, chunk)) = &self.chunk {
                if let Some(slice) = slice_within(chunk, *start, place.offset, length_max) {
                    return Poll::Ready(Ok(slice));
                }
                self.chunk = None;
            }
            if let Some(in_file) = &self.in_file {
                if in_file.span.contains(place.offset) {
                    return self.poll_file(place.offset, length_max, context);
                }
                self.in_file = None;
                self.reading = None;
            }
            let reader = self.reader_at(place);
            match ready!(reader.poll_next(CHUNK_SIZE_BYTES, context))? {
                Next::Bytes(bytes) => self.chunk = Some((place.offset, bytes)),
                Next::File {
                    file,
                    offset,
                    size_bytes,
                } => {
                    self.in_file = Some(InFile {
                        file,
                        span: Span {
                            start: place.offset,
                            end: place.offset + size_bytes,
                        },
                        offset,
                    });
                }
                Next::End => return Poll::Ready(Err(ReadFault::Lost)),
            }
        }
    }

    /// Returns the current reader if it passes the position, or else a new one for what follows.
    fn reader_at(&mut self, place: &ReadPosition<'_>) -> &mut ObjectReader {
        let comes_by = self
            .reader
            .as_ref()
            .is_some_and(|reader| reader.position() <= place.offset && place.offset < self.end);
        if !comes_by {
            self.end = joined_end(place, self.object.block_size_bytes());
            self.reader = None;
        }
        let span = Span {
            start: place.offset,
            end: self.end,
        };
        let reader = self.reader.get_or_insert_with(|| {
            ObjectReader::new(
                &self.cache,
                Some(&self.ask),
                self.object.clone(),
                self.source.take_waiting(),
            )
            .within(span)
        });
        reader.skip_to(place.offset);
        reader
    }

    fn poll_file(
        &mut self,
        offset: u64,
        length_max: usize,
        context: &mut Context<'_>,
    ) -> Poll<Result<Bytes, ReadFault>> {
        let Some(in_file) = &self.in_file else {
            return Poll::Ready(Err(ReadFault::Lost));
        };
        let left = usize::try_from(in_file.span.end - offset).unwrap_or(usize::MAX);
        let wanted = length_max.min(left).min(CHUNK_SIZE_BYTES);
        let at = in_file.offset + (offset - in_file.span.start);
        let chunk = ready!(poll_chunk(
            &mut self.reading,
            &in_file.file,
            at,
            wanted,
            context
        ));
        Poll::Ready(chunk.map_err(|_| ReadFault::Lost))
    }
}

/// Returns up to `length_max` bytes at `offset` of a chunk that begins at `start`; `None` when the chunk has none
/// there.
fn slice_within(chunk: &Bytes, start: u64, offset: u64, length_max: usize) -> Option<Bytes> {
    let from = usize::try_from(offset.checked_sub(start)?).ok()?;
    let end = chunk.len().min(from.saturating_add(length_max));
    (from < end).then(|| chunk.slice(from..end))
}

/// Returns the end of a reader that also reads the ranges after `place`, as long as their gaps cost the origin nothing.
fn joined_end(place: &ReadPosition<'_>, block_size_bytes: u64) -> u64 {
    let mut end = place.offset + place.size_bytes;
    for part in place.after {
        match part {
            Part::Bytes(_) => {}
            Part::Source { offset, size_bytes } => {
                let is_near = *offset <= end + GAP_SIZE_BYTES_MAX
                    || offset / block_size_bytes <= end / block_size_bytes + 1;
                if *offset < end || !is_near {
                    break;
                }
                end = offset + size_bytes;
            }
        }
    }
    end
}
