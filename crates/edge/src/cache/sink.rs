//! Takes an origin's body piece by piece: into the fill for its followers, and into the store for later requests.

use super::EdgeCache;
use super::cached_head::{CachedHead, Form, Generation};
use super::fetch_fault::FetchFault;
use super::fill::{Fill, Pace};
use super::reserved::Reserved;
use super::stored_object::StoredObject;
use crate::origin_client::OriginBody;
use bytes::Bytes;
use privet_cache::{Block, CHUNK_SIZE_BYTES, Key, Object, block_key};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

/// A head that goes into the store once its whole body has arrived.
#[derive(Debug)]
pub(super) struct PendingHead {
    pub(super) digest: Key,
    pub(super) head: CachedHead,
    pub(super) seq: u64,
}

/// The destination of one body.
pub(super) struct Sink {
    cache: Arc<EdgeCache>,
    generation: Generation,
    block_size_bytes: u64,
    fill: Arc<Fill>,
    keeping: Option<PendingHead>,
    /// Offset of the next byte.
    position: u64,
    /// Pieces of the current block.
    pieces: Vec<Bytes>,
    reservation: Option<Reserved>,
    storing: Storing,
    blocks: Blocks,
}

/// Storage of the current block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Storing {
    Yes,
    /// Not stored: there was no memory for it.
    No,
}

/// Storage of all blocks so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Blocks {
    NoneYet,
    All,
    Gaps,
}

impl Sink {
    /// A sink for bytes of `object` from the start of `fill` on.
    pub(super) fn new(
        cache: Arc<EdgeCache>,
        object: &StoredObject,
        fill: Arc<Fill>,
        keeping: Option<PendingHead>,
    ) -> Self {
        let mut sink = Sink {
            position: fill.start(),
            cache,
            generation: object.head().generation,
            block_size_bytes: object.head().block_size_bytes(),
            fill,
            keeping,
            pieces: Vec::new(),
            reservation: None,
            storing: Storing::Yes,
            blocks: Blocks::NoneYet,
        };
        sink.begin_block();
        sink
    }

    /// Takes the body to its end, as fast as the followers and the origin allow.
    pub(super) async fn take_all(mut self, mut body: OriginBody) {
        let outcome = loop {
            if self.fill.end() == Some(self.position) {
                // Only reading on tells that the connection is free; an origin that ignored the range keeps sending.
                // That is a fault only where the whole object is to be stored.
                let ends = body.next().await;
                break match ends {
                    Some(Ok(_)) if self.keeping.is_some() => Err(FetchFault::Unexpected),
                    Some(Ok(_)) | None => self.complete(),
                    Some(Err(fault)) => Err(FetchFault::from(fault)),
                };
            }
            match self.next(&mut body).await {
                Some(Ok(bytes)) => self.take(&bytes),
                Some(Err(fault)) => break Err(fault),
                None => break self.complete(),
            }
        };
        self.fill.finish(outcome);
    }

    /// Discards the first `skipped` bytes, which nobody requested.
    pub(super) async fn skip(
        &mut self,
        body: &mut OriginBody,
        skipped: u64,
    ) -> Result<(), FetchFault> {
        let mut left = skipped;
        while left > 0 {
            let Some(bytes) = self.next(body).await.transpose()? else {
                return Err(FetchFault::Unexpected);
            };
            let unwanted = left.min(bytes.len() as u64);
            left -= unwanted;
            let wanted = bytes.slice(unwanted as usize..);
            if !wanted.is_empty() {
                self.take(&wanted);
            }
        }
        Ok(())
    }

    async fn next(&self, body: &mut OriginBody) -> Option<Result<Bytes, FetchFault>> {
        poll_fn(|context| {
            match self.fill.poll_pace(context) {
                Poll::Ready(Pace::Go) => {}
                Poll::Ready(Pace::Abandon) => {
                    return Poll::Ready(Some(Err(FetchFault::Abandoned)));
                }
                Poll::Pending => return Poll::Pending,
            }
            body.poll_data(context)
                .map(|piece| piece.map(|result| result.map_err(FetchFault::from)))
        })
        .await
    }

    fn take(&mut self, bytes: &[u8]) {
        let left = self.fill.end().map_or(u64::MAX, |end| end - self.position);
        let mut rest = &bytes[..bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX))];
        while !rest.is_empty() {
            let block_end = (self.position / self.block_size_bytes + 1) * self.block_size_bytes;
            let length = (block_end - self.position)
                .min(CHUNK_SIZE_BYTES as u64)
                .min(rest.len() as u64) as usize;
            let (piece, after) = rest.split_at(length);
            rest = after;
            self.take_piece(piece);
            if self.position == block_end && self.is_in_blocks() {
                self.end_block();
                self.begin_block();
            }
        }
        if self.storing == Storing::No {
            self.fill.not_stored();
        }
    }

    fn take_piece(&mut self, piece: &[u8]) {
        let piece = match &mut self.reservation {
            Some(reservation) => reservation.chunk(piece.to_vec()),
            None => self.cache.store.chunk(piece.to_vec()),
        };
        self.position += piece.len() as u64;
        if self.storing == Storing::Yes {
            self.pieces.push(piece.clone());
        }
        self.fill.push(piece);
    }

    /// Returns true if the body is cut at the ends of blocks. One that fits in a block is not, as it is stored with its
    /// head.
    fn is_in_blocks(&self) -> bool {
        match self.keeping.as_ref().map(|keeping| &keeping.head.form) {
            Some(Form::Whole { .. }) => false,
            Some(Form::Growing { .. } | Form::Blocks { .. } | Form::Marker(_)) | None => true,
        }
    }

    fn begin_block(&mut self) {
        self.pieces = Vec::new();
        self.reservation = Reserved::take(&self.cache, self.block_size_at_hand());
        self.storing = if self.reservation.is_some() {
            Storing::Yes
        } else {
            Storing::No
        };
    }

    fn block_size_at_hand(&self) -> u64 {
        let left = self.fill.end().map_or(self.block_size_bytes, |end| {
            end.saturating_sub(self.position)
        });
        left.min(self.block_size_bytes)
    }

    /// Stores the current block, whole or the object's last.
    fn end_block(&mut self) {
        let pieces = std::mem::take(&mut self.pieces);
        self.reservation = None;
        if self.storing == Storing::No {
            self.blocks = Blocks::Gaps;
            return;
        }
        let number = (self.position - 1) / self.block_size_bytes;
        let block = self.cache.store.block_of(self.joined(pieces));
        self.cache
            .store
            .put_block(block_key(self.generation, number), block);
        if self.blocks == Blocks::NoneYet {
            self.blocks = Blocks::All;
        }
        self.fill.stored_before(self.position);
    }

    /// Stores what is pending, now that the body has ended where the origin set its end.
    fn complete(&mut self) -> Result<(), FetchFault> {
        if self.fill.end().is_some_and(|end| end != self.position) {
            return Err(FetchFault::Unexpected);
        }
        let Some(mut keeping) = self.keeping.take() else {
            self.end_last_block();
            return Ok(());
        };
        let size_bytes = self.position;
        if self.blocks == Blocks::NoneYet && size_bytes <= self.block_size_bytes {
            if self.storing == Storing::Yes {
                keeping.head.form = Form::Whole { size_bytes };
                let pieces = std::mem::take(&mut self.pieces);
                let pieces = self.joined(pieces);
                let body = if pieces.is_empty() {
                    Block::default()
                } else {
                    self.cache.store.block_of(pieces)
                };
                self.put(keeping, Some(body));
            }
            return Ok(());
        }
        self.end_last_block();
        if self.blocks == Blocks::All {
            keeping.head.form = Form::Blocks {
                size_bytes,
                block_size_bytes: self.block_size_bytes,
            };
            self.put(keeping, None);
        }
        Ok(())
    }

    fn end_last_block(&mut self) {
        let is_cut = !self.position.is_multiple_of(self.block_size_bytes);
        if is_cut && self.position > self.fill.start() {
            self.end_block();
        }
    }

    /// Joins small pieces into chunks, where keeping so many costs more than copying them once.
    fn joined(&self, pieces: Vec<Bytes>) -> Vec<Bytes> {
        let size_bytes: usize = pieces.iter().map(Bytes::len).sum();
        if pieces.len() <= 2 * size_bytes.div_ceil(CHUNK_SIZE_BYTES) + 8 {
            return pieces;
        }
        let mut joined = Vec::with_capacity(size_bytes.div_ceil(CHUNK_SIZE_BYTES));
        let mut chunk = Vec::with_capacity(CHUNK_SIZE_BYTES.min(size_bytes));
        for piece in pieces {
            let mut rest = &piece[..];
            while !rest.is_empty() {
                let room = CHUNK_SIZE_BYTES - chunk.len();
                let (now, later) = rest.split_at(rest.len().min(room));
                chunk.extend_from_slice(now);
                rest = later;
                if chunk.len() == CHUNK_SIZE_BYTES {
                    joined.push(self.cache.store.chunk(std::mem::take(&mut chunk)));
                }
            }
        }
        if !chunk.is_empty() {
            joined.push(self.cache.store.chunk(chunk));
        }
        joined
    }

    fn put(&self, keeping: PendingHead, body: Option<privet_cache::Block>) {
        self.cache.store.put_object(
            keeping.digest,
            Object {
                head: keeping.head,
                seq: keeping.seq,
                body,
            },
        );
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        // This counts only if nothing else has ended the fill.
        self.fill.finish(Err(FetchFault::Abandoned));
        self.cache.fills.remove(&self.generation, &self.fill);
    }
}
