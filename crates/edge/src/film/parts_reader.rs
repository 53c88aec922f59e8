//! Sends parts in their order: bytes made here, and stretches of the object as slices of shared blocks.

use super::object_way::{ObjectWay, Place};
use super::source::FilmSource;
use crate::cache::ReadFault;
use bytes::{Bytes, BytesMut};
use privet_media::{Part, Parts};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::task::{Context, Poll};

/// Smaller slices are copied together: sending each by itself would cost more.
const SLICE_SIZE_BYTES_MIN: usize = 8 * 1024;
/// What is copied together at most.
const GATHERED_SIZE_BYTES_MAX: usize = 32 * 1024;

/// A viewer's way through parts. Holds one block and what was copied together.
pub(crate) struct PartsReader {
    parts: Parts,
    /// Of the part after the one at hand.
    next: usize,
    at_hand: Option<Part>,
    remaining: u64,
    way: ObjectWay,
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
    pub(super) fn new(source: FilmSource, parts: Parts) -> Self {
        PartsReader {
            remaining: parts.size_bytes(),
            way: ObjectWay::new(&source),
            parts,
            next: 0,
            at_hand: None,
            ahead: VecDeque::new(),
            fault: None,
        }
    }

    /// How many bytes are left.
    pub(crate) fn remaining(&self) -> u64 {
        self.remaining
    }

    /// Waits until the first bytes are there, so that a fault is known before the answer begins.
    pub(crate) async fn prepare(&mut self) -> Result<(), ReadFault> {
        // What is made here stands in front: the first bytes of the object are what may be missing.
        while let Some(slice) = poll_fn(|context| self.poll_slice(usize::MAX, context)).await? {
            self.ahead.push_back(slice);
            if let Some(Part::Source { .. }) = self.at_hand {
                break;
            }
        }
        Ok(())
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
                    if slice.len() > room || (is_large && gathered.len() >= SLICE_SIZE_BYTES_MIN) {
                        self.ahead.push_front(slice);
                        return self.gives(gathered.freeze());
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
        loop {
            match &mut self.at_hand {
                Some(Part::Bytes(bytes)) if !bytes.is_empty() => {
                    let length = bytes.len().min(length_max);
                    return Poll::Ready(Ok(Some(bytes.split_to(length))));
                }
                Some(Part::Source { offset, size_bytes }) if *size_bytes > 0 => {
                    let place = Place {
                        offset: *offset,
                        size_bytes: *size_bytes,
                        after: &self.parts.as_slice()[self.next..],
                    };
                    let slice = std::task::ready!(self.way.poll_at(&place, length_max, context))?;
                    *offset += slice.len() as u64;
                    *size_bytes -= slice.len() as u64;
                    return Poll::Ready(Ok(Some(slice)));
                }
                Some(Part::Bytes(_) | Part::Source { .. }) | None => {}
            }
            let Some(part) = self.parts.as_slice().get(self.next) else {
                return Poll::Ready(Ok(None));
            };
            self.next += 1;
            self.at_hand = Some(part.clone());
        }
    }
}
