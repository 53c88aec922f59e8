//! Bytes on their way to a viewer: at most 64 KiB of its own, and slices of blocks that all viewers share.

use crate::answer_memory::{Charge, ConnectionMemory};
use crate::cache::ReadFault;
use crate::pace::{Judgement, Least, Pace};
use crate::video::{PartsReader, VideoSource, own_size_bytes};
use bytes::{Buf, Bytes};
use privet_media::{Part, Parts};
use std::cell::Cell;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use thiserror::Error;
use tokio::io::AsyncWrite;
use tokio::time::Instant;

/// Maximum number of bytes prepared before the viewer reads them.
pub(super) const READY_SIZE_BYTES_MAX: usize = 64 * 1024;
/// Maximum number of slices in one write.
const SLICES_MAX: usize = 32;

/// Reason why sending ended.
#[derive(Debug, Error)]
pub(super) enum SendFault {
    #[error("the viewer is gone: {0}")]
    Viewer(#[from] io::Error),
    /// A message that has begun cannot be completed, so that nothing can follow it.
    #[error("the video cannot be read on")]
    Video(ReadFault),
    #[error("too much is on its way to viewers")]
    NoMemory,
}

/// The part of a batch that is not ready yet.
enum Batch {
    Own(VecDeque<Bytes>),
    Video(VideoSource, PartsReader),
}

/// Sends one batch of parts after the other.
pub(super) struct Outgoing {
    batch: Option<Batch>,
    ready: VecDeque<Bytes>,
    ready_size_bytes: usize,
    ready_size_bytes_max: usize,
    memory: Arc<ConnectionMemory>,
    /// Charges for the batch, and for its part that is ready.
    charges: Option<[Charge; 2]>,
    /// Bytes sent since the connection began.
    sent_bytes: Rc<Cell<u64>>,
    /// Pace at which the viewer reads what is sent.
    pace: Pace,
    least: Least,
    /// Set when something was written that the stream may still buffer.
    needs_flush: bool,
}

impl Outgoing {
    /// Creates a sender. `memory` is the connection's; `least` is the minimum pace of the viewer.
    pub(super) fn new(memory: Arc<ConnectionMemory>, least: Least) -> Self {
        Outgoing {
            batch: None,
            ready: VecDeque::new(),
            ready_size_bytes: 0,
            ready_size_bytes_max: READY_SIZE_BYTES_MAX,
            memory,
            charges: None,
            sent_bytes: Rc::default(),
            pace: Pace::default(),
            least,
            needs_flush: false,
        }
    }

    /// Returns the counter of bytes sent since the connection began.
    pub(super) fn sent_bytes(&self) -> Rc<Cell<u64>> {
        Rc::clone(&self.sent_bytes)
    }

    /// Returns how many bytes may be prepared for the viewer.
    pub(super) fn room(&self) -> u64 {
        self.memory.room(READY_SIZE_BYTES_MAX as u64)
    }

    /// Charges what is to be sent later; `None` when that is too much beside all that is on its way.
    pub(super) fn try_charge(&self, size_bytes: u64) -> Option<Charge> {
        Charge::try_of(size_bytes, &self.memory)
    }

    /// Returns true if everything was sent.
    pub(super) fn is_idle(&self) -> bool {
        self.batch.is_none() && self.ready.is_empty() && !self.needs_flush
    }

    /// Returns the time at which the viewer must be judged; `None` while the edge does not wait for it.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.pace.deadline(&self.least)
    }

    /// Judges whether the viewer reads fast enough.
    pub(super) fn judge(&mut self, now: Instant) -> Judgement {
        self.pace.judge(now, &self.least)
    }

    /// Begins to send `parts`, whose ranges are of `source`. Only while idle.
    ///
    /// Errors: the bytes made here are too many beside all that is on its way to viewers.
    pub(super) fn begin(
        &mut self,
        parts: Parts,
        source: Option<&VideoSource>,
    ) -> Result<(), SendFault> {
        let room = self.room().min(parts.size_bytes());
        let size_bytes = own_size_bytes(&parts);
        let charge = |size_bytes| self.try_charge(size_bytes).ok_or(SendFault::NoMemory);
        self.charges = Some([charge(size_bytes)?, charge(room)?]);
        self.ready_size_bytes_max = room as usize;
        let own = |part: &Part| match part {
            Part::Bytes(bytes) => Some(bytes.clone()),
            Part::Source { .. } => None,
        };
        self.batch = match source {
            _ if parts.size_bytes() == 0 => None,
            Some(source) => Some(Batch::Video(source.clone(), source.reader(parts))),
            // Without a video there are no ranges of one.
            None => Some(Batch::Own(
                parts.as_slice().iter().filter_map(own).collect(),
            )),
        };
        Ok(())
    }

    /// Writes as much as the stream accepts; ready when everything was sent.
    pub(super) fn poll_send<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), SendFault>> {
        loop {
            self.make_ready(context)?;
            if self.ready.is_empty() {
                if self.batch.is_some() {
                    return Poll::Pending;
                }
                return self.poll_flush(stream, context);
            }
            let mut slices = [IoSlice::new(&[]); SLICES_MAX];
            let count = self.ready.len().min(SLICES_MAX);
            for (slice, bytes) in slices.iter_mut().zip(&self.ready) {
                *slice = IoSlice::new(bytes);
            }
            let written = Pin::new(&mut *stream).poll_write_vectored(context, &slices[..count]);
            match written {
                Poll::Ready(Ok(0)) => {
                    return Poll::Ready(Err(io::Error::from(io::ErrorKind::WriteZero).into()));
                }
                Poll::Ready(written) => self.written(written?),
                Poll::Pending => {
                    self.blocked();
                    return Poll::Pending;
                }
            }
        }
    }

    fn blocked(&mut self) {
        self.memory.blocked();
        self.pace.wait(Instant::now);
    }

    /// Takes slices of the batch until there is enough to write.
    fn make_ready(&mut self, context: &mut Context<'_>) -> Result<(), SendFault> {
        while self.ready_size_bytes < self.ready_size_bytes_max && self.ready.len() < SLICES_MAX {
            let room = self.ready_size_bytes_max - self.ready_size_bytes;
            let next = match &mut self.batch {
                None => return Ok(()),
                Some(Batch::Own(pieces)) => pieces.pop_front(),
                Some(Batch::Video(source, reader)) => match reader.poll_next(room, context) {
                    Poll::Ready(Ok(next)) => next,
                    Poll::Ready(Err(fault)) => {
                        source.mark_unshareable();
                        return Err(SendFault::Video(fault));
                    }
                    Poll::Pending => return Ok(()),
                },
            };
            match next {
                Some(bytes) => {
                    self.ready_size_bytes += bytes.len();
                    self.ready.push_back(bytes);
                }
                None => self.batch = None,
            }
        }
        Ok(())
    }

    fn written(&mut self, mut length: usize) {
        self.sent_bytes.set(self.sent_bytes.get() + length as u64);
        self.ready_size_bytes -= length;
        self.pace.moved(length as u64, Instant::now);
        self.needs_flush = true;
        while let Some(first) = self.ready.front_mut() {
            if first.len() > length {
                first.advance(length);
                return;
            }
            length -= first.len();
            self.ready.pop_front();
        }
    }

    fn poll_flush<S: AsyncWrite + Unpin>(
        &mut self,
        stream: &mut S,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), SendFault>> {
        if self.needs_flush {
            if Pin::new(stream).poll_flush(context)?.is_pending() {
                self.blocked();
                return Poll::Pending;
            }
            self.needs_flush = false;
            self.pace.pause(Instant::now);
            self.memory.flushed();
        }
        self.charges = None;
        Poll::Ready(Ok(()))
    }
}
