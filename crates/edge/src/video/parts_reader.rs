//! Sends parts in their order: bytes made here, and stretches of the object as slices of shared blocks.

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

/// Smaller slices are copied together: sending each by itself would cost more.
const SLICE_SIZE_BYTES_MIN: usize = 4 * 1024;
/// Shorter stretches of files are read: sending each by itself would cost more.
const FILE_SIZE_BYTES_MIN: u64 = 8 * 1024;
/// The end of what is sent, which is read.
const LAST_SIZE_BYTES: u64 = 4 * 1024;
/// What is copied together at most.
const GATHERED_SIZE_BYTES_MAX: usize = 32 * 1024;

/// What comes next.
#[derive(Debug)]
pub(crate) enum VideoPiece {
    Bytes(Bytes),
    /// To be sent by the operating system from the file.
    File {
        file: Arc<File>,
        offset: u64,
        size_bytes: u64,
    },
}

/// A viewer's way through parts. Holds one block and what was copied together.
pub(crate) struct PartsReader {
    parts: Parts,
    /// Of the part after the one at hand.
    next: usize,
    current: Option<Part>,
    remaining: u64,
    way: ObjectWay,
    files: FileSending,
    /// Taken already, to be given first.
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

    /// How many bytes are left.
    pub(crate) fn remaining(&self) -> u64 {
        self.remaining
    }

    /// Bytes that were made for this viewer, and the playlist of its parts.
    pub(crate) fn own_size_bytes(&self) -> u64 {
        own_size_bytes(&self.parts)
    }

    /// Waits until the first bytes are there, so that a fault is known before the answer begins.
    pub(crate) async fn prepare(&mut self) -> Result<(), ReadFault> {
        // What is made here stands in front: the first bytes of the object are what may be missing.
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

    /// As little of the object as possible: who knows when the viewer takes it.
    fn poll_first(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, ReadFault>> {
        self.skip_spent();
        let length_max = match &self.current {
            Some(Part::Source { .. }) => SLICE_SIZE_BYTES_MIN,
            Some(Part::Bytes(_)) | None => usize::MAX,
        };
        self.poll_slice(length_max, context)
    }

    /// As [`PartsReader::poll_next`], with stretches of files where those cost less than their bytes.
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

    /// Whether what comes next may be a stretch of a file.
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

    /// The stretch of the file that comes next, if its bytes are in memory: the connection's thread must not wait for
    /// the disk. The last bytes of all are never sent so: they are read, and what was sent before is known to be of the
    /// same state of the file as long as it has not changed then.
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

    /// The next bytes, `length_max` at most and never none; `None` at the end.
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

    /// What may be copied together now, so that the copies have their room from the beginning.
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

    /// The next slice of the part at hand, which then begins behind it.
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

    /// Makes the next part the one at hand when nothing is left of that.
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

/// Bytes of `parts` that were made for a viewer, and the playlist itself.
pub(crate) fn own_size_bytes(parts: &Parts) -> u64 {
    let own = |part: &Part| match part {
        Part::Bytes(bytes) => bytes.len(),
        Part::Source { .. } => 0,
    };
    let parts = parts.as_slice();
    (parts.iter().map(own).sum::<usize>() + size_of_val(parts)) as u64
}

impl VideoSource {
    /// A stretch of the object. What is read so is not kept for others, except in the cache of other servers' objects.
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

    /// Sends `parts`, whose stretches are of this object.
    pub(crate) fn reader(&self, parts: Parts) -> PartsReader {
        PartsReader::new(self, parts)
    }
}
