//! Reads a range of an object for one viewer: from memory, from disk, from a fill under way, or by beginning one.

mod decide;
mod open_end;
mod refill;

use super::WorkerCache;
use super::cache_request::CacheRequest;
use super::cached_head::Form;
use super::fetch_fault::FetchFault;
use super::fill::{Follower, Step};
use super::flight::FlightWaiter;
use super::stored_object::StoredObject;
use crate::origin::DiskWork;
use crate::origin_client::OriginFaultKind;
use bytes::Bytes;
use privet_cache::{Block, DiskBody, Key, block_key};
use privet_distribution::Span;
use std::fs::File;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// Maximum number of attempts at the same position without a byte.
const ATTEMPTS_MAX: u32 = 5;

/// A reader of one range of an object, for one viewer.
pub(crate) struct ObjectReader {
    cache: Rc<WorkerCache>,
    /// Request that missing blocks are fetched with; `None` for an object whose body is with it.
    ask: Option<Rc<CacheRequest>>,
    object: StoredObject,
    /// Offset of the next byte.
    position: u64,
    /// Offset behind the last byte; `None` while the object's size is not known.
    end: Option<u64>,
    source: Source,
    /// Position in a fill that has, or will have, the next bytes. Held even while the store has them, because a fill
    /// goes on only for its followers.
    follower: Option<Follower>,
    attempts: u32,
    /// Number of the block that this reader was counted for.
    counted_block: Option<u64>,
    /// Waiter that keeps a fill from being abandoned before it is followed.
    waiting: Option<FlightWaiter>,
}

/// Source of the next bytes.
enum Source {
    Undecided,
    /// The body that is with the object.
    With(Block),
    /// A body on disk, whose first byte is at offset `start` of the object.
    Disk {
        body: DiskBody,
        start: u64,
    },
    /// A block on disk whose location is being looked up, and its offset in the object.
    Opening(DiskWork<io::Result<Option<DiskBody>>>, u64),
    Following,
}

/// Where the next bytes can be taken from.
enum Near {
    /// There are none.
    End,
    /// A block in memory, which is not held any longer than that.
    Block(Arc<Block>),
    /// The body that is the source.
    Body,
    /// The fill that is followed, once they have come.
    Fill,
}

/// Why a block is looked up. Only what is taken counts towards keeping it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    LookAhead,
    Take,
}

/// The next bytes.
#[derive(Debug)]
pub(crate) enum Next {
    Bytes(Bytes),
    /// Bytes to be sent from the file.
    File {
        file: Arc<File>,
        offset: u64,
        size_bytes: u64,
    },
    End,
}

/// Reason why a body breaks off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReadFault {
    /// The origin failed.
    Origin(OriginFaultKind),
    /// The object has changed, or cannot be fetched in parts.
    Lost,
}

impl std::fmt::Debug for ObjectReader {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("ObjectReader")
            .field("position", &self.position)
            .field("end", &self.end)
            .finish_non_exhaustive()
    }
}

impl ObjectReader {
    /// Creates a reader from `start` to before `end`, both within the object; `None` reads to its end.
    pub(crate) fn new(
        cache: &Rc<WorkerCache>,
        ask: Option<&Rc<CacheRequest>>,
        object: StoredObject,
        waiting: Option<FlightWaiter>,
    ) -> Self {
        ObjectReader {
            cache: Rc::clone(cache),
            ask: ask.cloned(),
            position: 0,
            end: object.head().size_bytes(),
            object,
            source: Source::Undecided,
            follower: None,
            attempts: 0,
            counted_block: None,
            waiting,
        }
    }

    /// Reads these bytes of the object alone, which has all of them.
    pub(crate) fn within(mut self, span: Span) -> Self {
        self.position = span.start;
        self.end = Some(span.end);
        self
    }

    /// Returns the number of bytes left; `None` while the object's size is not known.
    pub(crate) fn remaining(&self) -> Option<u64> {
        self.end.map(|end| end - self.position)
    }

    /// Returns the offset of the next byte.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// Skips to `position`, which is not behind the end. Never goes back.
    pub(crate) fn skip_to(&mut self, position: u64) {
        if position <= self.position {
            return;
        }
        self.position = position;
        if let Some(follower) = &mut self.follower {
            follower.come_to(position);
        }
    }

    /// Waits until the next bytes are near, so that a fault is known before the response begins.
    pub(crate) async fn prepare(&mut self) -> Result<(), ReadFault> {
        std::future::poll_fn(|context| self.poll_ready(context)).await
    }

    pub(crate) fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ReadFault>> {
        loop {
            match ready!(self.advance(Purpose::LookAhead, context))? {
                Near::End | Near::Block(_) => return Poll::Ready(Ok(())),
                Near::Body => break,
                Near::Fill => match ready!(self.poll_follower_near(context)) {
                    Ok(()) => break,
                    Err(fault) => {
                        self.leave_fill();
                        self.failed(fault)?;
                    }
                },
            }
        }
        self.waiting = None;
        Poll::Ready(Ok(()))
    }

    /// Returns the next bytes, `length_max` at most unless they are in a file.
    pub(crate) fn poll_next(
        &mut self,
        length_max: usize,
        context: &mut Context<'_>,
    ) -> Poll<Result<Next, ReadFault>> {
        loop {
            let next = match ready!(self.advance(Purpose::Take, context))? {
                Near::End => return Poll::Ready(Ok(Next::End)),
                Near::Block(block) => self.next_of_block(&block, length_max),
                Near::Body => self.next_of_body(length_max)?,
                Near::Fill => ready!(self.poll_next_of_fill(length_max, context))?,
            };
            if let Some(next) = next {
                return self.gives(next);
            }
        }
    }

    /// Goes on until the next bytes can be taken, or until nothing but the fill has to be waited for.
    ///
    /// A source is kept for as long as it has the next byte: looking for another one costs more than asking it. What is
    /// in the store in memory is never kept as a source, since the store may let go of it at any time, and a viewer who
    /// takes nothing would hold all of it.
    fn advance(
        &mut self,
        purpose: Purpose,
        context: &mut Context<'_>,
    ) -> Poll<Result<Near, ReadFault>> {
        loop {
            if self.end == Some(self.position) {
                return Poll::Ready(Ok(Near::End));
            }
            match &self.source {
                Source::Undecided => {
                    if let Some(block) = self.decide(purpose)? {
                        return Poll::Ready(Ok(Near::Block(block)));
                    }
                }
                Source::With(_) | Source::Disk { .. } => return Poll::Ready(Ok(Near::Body)),
                Source::Opening(..) => ready!(self.poll_opening(context)),
                Source::Following => return Poll::Ready(Ok(Near::Fill)),
            }
        }
    }

    /// Never more than a chunk of the block is held.
    fn next_of_block(&mut self, block: &Block, length_max: usize) -> Option<Next> {
        self.counted_block = Some(self.block_number());
        slice_at(block, self.position_in_block(), length_max).map(Next::Bytes)
    }

    /// `None` where a block on disk has come to its end: the next one has another source.
    fn next_of_body(&mut self, length_max: usize) -> Result<Option<Next>, ReadFault> {
        let next = match &self.source {
            Source::With(block) => slice_at(block, self.position, length_max).map(Next::Bytes),
            Source::Disk { body, start } => match stretch(body, *start, self.position) {
                None if self.is_in_blocks() => {
                    self.source = Source::Undecided;
                    return Ok(None);
                }
                next => next,
            },
            Source::Undecided | Source::Opening(..) | Source::Following => return Ok(None),
        };
        // Less than its head says: there is nowhere else to look.
        next.map(Some).ok_or(ReadFault::Lost)
    }

    /// `None` where the fill has nothing for this reader any more.
    fn poll_next_of_fill(
        &mut self,
        length_max: usize,
        context: &Context<'_>,
    ) -> Poll<Result<Option<Next>, ReadFault>> {
        match ready!(self.poll_follower(length_max, context)) {
            Step::Bytes(bytes) => return Poll::Ready(Ok(Some(Next::Bytes(bytes)))),
            Step::End if self.end.is_none() => self.end = Some(self.position),
            Step::End => self.leave_fill(),
            Step::Behind => self.source = Source::Undecided,
            Step::Failed(fault) => {
                self.leave_fill();
                self.failed(fault)?;
            }
        }
        Poll::Ready(Ok(None))
    }

    fn poll_follower(&mut self, length_max: usize, context: &Context<'_>) -> Poll<Step> {
        match &mut self.follower {
            Some(follower) => follower.poll_next(length_max, context),
            None => Poll::Ready(Step::Behind),
        }
    }

    fn poll_follower_near(&mut self, context: &Context<'_>) -> Poll<Result<(), FetchFault>> {
        match &mut self.follower {
            Some(follower) => follower.poll_near(context),
            None => Poll::Ready(Err(FetchFault::Abandoned)),
        }
    }

    fn leave_fill(&mut self) {
        self.follower = None;
        self.source = Source::Undecided;
    }

    /// Advances by the bytes that are given, and gives none beyond the range.
    fn gives(&mut self, next: Next) -> Poll<Result<Next, ReadFault>> {
        let left = self.remaining().unwrap_or(u64::MAX);
        let next = match next {
            Next::Bytes(mut bytes) => {
                bytes.truncate(usize::try_from(left).unwrap_or(usize::MAX));
                self.position += bytes.len() as u64;
                Next::Bytes(bytes)
            }
            Next::File {
                file,
                offset,
                size_bytes,
            } => {
                let size_bytes = size_bytes.min(left);
                self.position += size_bytes;
                Next::File {
                    file,
                    offset,
                    size_bytes,
                }
            }
            Next::End => Next::End,
        };
        if let Some(follower) = &mut self.follower {
            follower.come_to(self.position);
        }
        self.attempts = 0;
        self.waiting = None;
        Poll::Ready(Ok(next))
    }

    fn is_in_blocks(&self) -> bool {
        match self.object.head().form {
            Form::Blocks { .. } | Form::Growing { .. } => true,
            Form::Whole { .. } | Form::Marker(_) => false,
        }
    }

    fn block_number(&self) -> u64 {
        self.position / self.object.head().block_size_bytes()
    }

    fn block_key(&self, number: u64) -> Key {
        block_key(self.object.head().generation, number)
    }

    fn position_in_block(&self) -> u64 {
        self.position % self.object.head().block_size_bytes()
    }

    /// Returns true if a block of this size has the current byte. A shorter block counts as missing: waiting for it
    /// would never end.
    fn reaches_position(&self, size_bytes: u64) -> bool {
        self.position_in_block() < size_bytes
    }

    fn poll_opening(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Source::Opening(opening, start) = &mut self.source else {
            return Poll::Ready(());
        };
        let start = *start;
        let opened = ready!(Pin::new(opening).poll(context));
        self.source = match opened {
            Ok(Ok(Some(body))) if start + body.size_bytes > self.position => {
                Source::Disk { body, start }
            }
            // A block that cannot be read, or is too short, is fetched again.
            Ok(Ok(Some(_) | None) | Err(_)) | Err(_) => {
                self.remove_block();
                Source::Undecided
            }
        };
        Poll::Ready(())
    }

    /// Decides whether the reader may try again after a fill has failed.
    fn failed(&mut self, fault: FetchFault) -> Result<(), ReadFault> {
        match fault {
            FetchFault::Abandoned if self.attempts < ATTEMPTS_MAX => Ok(()),
            // An origin that broke off is asked once more for the rest, if that can be told from the bytes of another
            // version.
            FetchFault::Origin(OriginFaultKind::Truncated)
                if self.attempts == 0 && self.can_resume() =>
            {
                self.attempts += 1;
                Ok(())
            }
            FetchFault::Origin(kind) => Err(ReadFault::Origin(kind)),
            FetchFault::Changed | FetchFault::Unexpected | FetchFault::Abandoned => {
                Err(ReadFault::Lost)
            }
        }
    }

    /// Returns true if the object cannot be fetched in parts: nothing tells those from another version's, or its length
    /// is not known.
    fn is_whole_only(&self) -> bool {
        self.is_in_blocks() && !self.can_resume()
    }

    fn can_resume(&self) -> bool {
        matches!(self.object.head().form, Form::Blocks { .. })
            && self.object.head().validator().is_some()
    }
}

/// Returns up to `length_max` bytes at `position` of a block, all from one chunk.
fn slice_at(block: &Block, position: u64, length_max: usize) -> Option<Bytes> {
    let mut start = 0;
    for chunk in block.chunks() {
        let end = start + chunk.len() as u64;
        if position < end {
            let from = (position - start) as usize;
            return Some(chunk.slice(from..chunk.len().min(from.saturating_add(length_max))));
        }
        start = end;
    }
    None
}

/// Returns the rest of a body on disk.
fn stretch(body: &DiskBody, start: u64, position: u64) -> Option<Next> {
    let within = position.checked_sub(start)?;
    let left = body
        .size_bytes
        .checked_sub(within)
        .filter(|left| *left > 0)?;
    Some(Next::File {
        file: Arc::clone(&body.file),
        offset: body.offset + within,
        size_bytes: left,
    })
}
