//! Sends parts in order: bytes made here, and ranges of the object as slices of shared blocks.

use super::object_way::{ObjectWay, ReadPosition};
use super::source::{SourceContent, VideoSource};
use crate::cache::ReadFault;
use crate::file_placeholder::{FILE_PLACEHOLDER_SIZE_BYTES, FileSending};
use crate::origin::DiskWork;
use bytes::{Bytes, BytesMut};
use privet_media::{Part, Parts};
use std::collections::VecDeque;
use std::fs::File;
use std::future::poll_fn;
use std::ops::Range;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// Minimum size of a slice that is sent by itself; smaller ones are copied together, which costs less.
const SLICE_SIZE_BYTES_MIN: usize = 4 * 1024;
/// Minimum length of a file's range that the operating system sends; shorter ones are read, which costs less.
const FILE_SIZE_BYTES_MIN: u64 = 8 * 1024;
/// Length of the end of the response, which is always read.
const LAST_SIZE_BYTES: u64 = 4 * 1024;
/// Maximum size of slices copied together.
const GATHERED_SIZE_BYTES_MAX: usize = 32 * 1024;

/// The next piece of the response.
#[derive(Debug)]
pub(crate) enum VideoPiece {
    Bytes(Bytes),
    /// A range of a file, to be sent by the operating system.
    File {
        file: Arc<File>,
        offset: u64,
        size_bytes: u64,
    },
}

/// A viewer's progress through parts. Holds one block and the slices that were copied together.
pub(crate) struct PartsReader {
    parts: Parts,
    /// Index of the part after the current one.
    next: usize,
    current: Option<Part>,
    remaining: u64,
    way: ObjectWay,
    files: FileSending,
    /// Slices already read, to be returned first.
    ahead: VecDeque<Bytes>,
    fault: Option<ReadFault>,
}

impl std::fmt::Debug for PartsReader {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("PartsReader")
            .field("remaining", &self.remaining)
            .finish_non_exhaustive()
    }
}

impl PartsReader {
    pub(super) fn new(source: &VideoSource, parts: Parts) -> Self {
        PartsReader {
            remaining: parts.size_bytes(),
            way: ObjectWay::new(source),
            files: FileSending::Read,
            parts,
            next: 0,
            current: None,
            ahead: VecDeque::new(),
            fault: None,
        }
    }

    /// Lets [`PartsReader::poll_piece`] give stretches of files, where the system sends these by itself.
    pub(crate) fn with_files(mut self, files: FileSending) -> Self {
        self.files = files;
        self
    }

    /// Returns the number of bytes left.
    pub(crate) fn remaining(&self) -> u64 {
        self.remaining
    }

    /// Returns the size of the bytes that were made for this viewer, and of the list of its parts.
    pub(crate) fn own_size_bytes(&self) -> u64 {
        own_size_bytes(&self.parts)
    }

    /// Waits until the first bytes are there, so that a fault is known before the response begins.
    pub(crate) async fn prepare(&mut self) -> Result<(), ReadFault> {
        // Parts made here come first and cannot fail; it is the first bytes of the object that may be missing.
        while !self.is_file_next()
            && let Some(slice) = poll_fn(|context| self.poll_first(context)).await?
        {
            self.ahead.push_back(slice);
            if let Some(Part::Source { .. }) = self.current {
                break;
            }
        }
        Ok(())
    }

    /// Reads as little of the object as possible, because nobody knows when the viewer reads it.
    fn poll_first(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, ReadFault>> {
        self.skip_spent();
        let length_max = match &self.current {
            Some(Part::Source { .. }) => SLICE_SIZE_BYTES_MIN,
            Some(Part::Bytes(_)) | None => usize::MAX,
        };
        self.poll_slice(length_max, context)
    }

    /// Returns the next piece as [`PartsReader::poll_next`] does, but with ranges of files where those cost less than
    /// their bytes.
    pub(crate) fn poll_piece(
        &mut self,
        length_max: usize,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<VideoPiece>, ReadFault>> {
        if self.fault.is_none() && self.ahead.is_empty() && self.is_file_next() {
            match self.next_file() {
                Ok(Some(piece)) => return Poll::Ready(Ok(Some(piece))),
                Ok(None) => {}
                Err(fault) => {
                    self.fault = Some(fault);
                    return Poll::Ready(Err(fault));
                }
            }
        }
        self.poll_next(length_max, context)
            .map_ok(|bytes| bytes.map(VideoPiece::Bytes))
    }

    /// Returns true if the next piece may be a range of a file.
    fn is_file_next(&mut self) -> bool {
        if self.files == FileSending::Read {
            return false;
        }
        self.skip_spent();
        match &self.current {
            Some(Part::Source { size_bytes, .. }) => {
                self.way.is_folder() && *size_bytes >= FILE_SIZE_BYTES_MIN
            }
            Some(Part::Bytes(_)) | None => false,
        }
    }

    /// Returns the next range of the file, if its bytes are in memory: the connection's thread must not wait for the
    /// disk. The last bytes of the response are never sent this way. They are read, and if the file is unchanged then,
    /// everything sent before came from the same state of the file.
    fn next_file(&mut self) -> Result<Option<VideoPiece>, ReadFault> {
        let Some(Part::Source { offset, size_bytes }) = &mut self.current else {
            return Ok(None);
        };
        let longest = (*size_bytes).min(FILE_PLACEHOLDER_SIZE_BYTES as u64);
        let length = longest.min(self.remaining - LAST_SIZE_BYTES);
        let Some(file) = self.way.file(*offset, length)? else {
            return Ok(None);
        };
        let piece = VideoPiece::File {
            file,
            offset: *offset,
            size_bytes: length,
        };
        *offset += length;
        *size_bytes -= length;
        self.remaining -= length;
        Ok(Some(piece))
    }

    /// Returns the next bytes, `length_max` at most and at least one; `None` at the end.
    pub(crate) fn poll_next(
        &mut self,
        length_max: usize,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, ReadFault>> {
        if let Some(fault) = self.fault {
            return Poll::Ready(Err(fault));
        }
        let mut gathered = BytesMut::new();
        loop {
            if !gathered.is_empty() && self.ahead.is_empty() && self.is_file_next() {
                return self.gives(gathered.freeze());
            }
            let room = length_max.min(GATHERED_SIZE_BYTES_MAX) - gathered.len();
            let slice = match self.ahead.pop_front() {
                Some(slice) => Poll::Ready(Ok(Some(slice))),
                None if gathered.is_empty() => self.poll_slice(length_max, context),
                None => self.poll_slice(room, context),
            };
            match slice {
                Poll::Ready(Ok(Some(mut slice))) => {
                    let is_large = slice.len() >= SLICE_SIZE_BYTES_MIN.min(length_max);
                    if gathered.is_empty() && (is_large || self.is_last(slice.len())) {
                        if slice.len() > length_max {
                            self.ahead.push_front(slice.split_off(length_max));
                        }
                        return self.gives(slice);
                    }
                    if slice.len() > room || (is_large && !gathered.is_empty()) {
                        self.ahead.push_front(slice);
                        return self.gives(gathered.freeze());
                    }
                    if gathered.is_empty() {
                        gathered.reserve(self.gathered_size_bytes_max(length_max));
                    }
                    gathered.extend_from_slice(&slice);
                    if gathered.len() == length_max.min(GATHERED_SIZE_BYTES_MAX) {
                        return self.gives(gathered.freeze());
                    }
                }
                Poll::Ready(Err(fault)) => {
                    self.fault = Some(fault);
                    if gathered.is_empty() {
                        return Poll::Ready(Err(fault));
                    }
                    return self.gives(gathered.freeze());
                }
                Poll::Ready(Ok(None)) | Poll::Pending if !gathered.is_empty() => {
                    return self.gives(gathered.freeze());
                }
                Poll::Ready(Ok(None)) => return Poll::Ready(Ok(None)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Returns how many bytes may be copied together now, so that the copies have their room from the beginning.
    fn gathered_size_bytes_max(&self, length_max: usize) -> usize {
        let left = usize::try_from(self.remaining).unwrap_or(usize::MAX);
        length_max.min(left).min(GATHERED_SIZE_BYTES_MAX)
    }

    fn is_last(&self, length: usize) -> bool {
        length as u64 == self.remaining
    }

    fn gives(&mut self, bytes: Bytes) -> Poll<Result<Option<Bytes>, ReadFault>> {
        self.remaining -= bytes.len() as u64;
        Poll::Ready(Ok(Some(bytes)))
    }

    /// Returns the next slice of the current part, and advances past it.
    fn poll_slice(
        &mut self,
        length_max: usize,
        context: &mut Context<'_>,
    ) -> Poll<Result<Option<Bytes>, ReadFault>> {
        self.skip_spent();
        match &mut self.current {
            Some(Part::Bytes(bytes)) => {
                let length = bytes.len().min(length_max);
                Poll::Ready(Ok(Some(bytes.split_to(length))))
            }
            Some(Part::Source { offset, size_bytes }) => {
                let place = ReadPosition {
                    offset: *offset,
                    size_bytes: *size_bytes,
                    after: &self.parts.as_slice()[self.next..],
                    file_size_bytes_min: match self.files {
                        FileSending::ByTheSystem => FILE_SIZE_BYTES_MIN,
                        FileSending::Read => u64::MAX,
                    },
                };
                let slice = ready!(self.way.poll_at(&place, length_max, context))?;
                *offset += slice.len() as u64;
                *size_bytes -= slice.len() as u64;
                Poll::Ready(Ok(Some(slice)))
            }
            None => Poll::Ready(Ok(None)),
        }
    }

    /// Moves to the next part when nothing of the current one is left.
    fn skip_spent(&mut self) {
        let is_spent = |part: &Part| part.size_bytes() == 0;
        while self.current.as_ref().is_none_or(is_spent) {
            self.current = self.parts.as_slice().get(self.next).cloned();
            if self.current.is_none() {
                return;
            }
            self.next += 1;
        }
    }
}

/// Returns the size of the bytes of `parts` that were made for a viewer, and of the list of parts itself.
pub(crate) fn own_size_bytes(parts: &Parts) -> u64 {
    let own = |part: &Part| match part {
        Part::Bytes(bytes) => bytes.len(),
        Part::Source { .. } => 0,
    };
    let parts = parts.as_slice();
    (parts.iter().map(own).sum::<usize>() + size_of_val(parts)) as u64
}

impl VideoSource {
    /// Reads a range of the object. The bytes are not cached for others, except in the cache of other servers' objects.
    pub(crate) async fn read(&self, range: Range<u64>) -> Result<Vec<Bytes>, ReadFault> {
        let length = range.end.saturating_sub(range.start);
        if range.end > self.size_bytes() || length == 0 {
            return Err(ReadFault::Lost);
        }
        if let SourceContent::File(file, _) = self.content() {
            let file = Arc::clone(file);
            let reading = DiskWork::start(move || file.read_whole(range.start, length));
            let read = reading.await.map_err(|_| ReadFault::Lost)?;
            return read.map(|bytes| vec![bytes]).ok_or(ReadFault::Lost);
        }
        let mut parts = Parts::default();
        parts.push_source(range.start, length);
        let mut reader = self.reader(parts);
        let mut pieces = Vec::new();
        while let Some(bytes) = poll_fn(|context| reader.poll_next(usize::MAX, context)).await? {
            pieces.push(bytes);
        }
        Ok(pieces)
    }

    /// Returns a reader of `parts`, whose ranges are of this object.
    pub(crate) fn reader(&self, parts: Parts) -> PartsReader {
        PartsReader::new(self, parts)
    }
}
