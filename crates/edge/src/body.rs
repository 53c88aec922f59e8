//! The body of a response: nothing, bytes in memory, ranges of an open file, or several parts.

use crate::answer_memory::{BodyMemory, Charge, Room, charged};
use crate::cache::{Next, ObjectReader, ReadFault};
use crate::exchange::OpenExchange;
use crate::file_placeholder::{
    FILE_PLACEHOLDER_SIZE_BYTES, FileSending, FileStretch, file_placeholder,
};
use crate::origin::DiskWork;
use crate::origin::file_chunk::{self, CHUNK_SIZE_BYTES};
use crate::origin_client::OriginBody;
use crate::video::{VideoBody, VideoPiece};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use privet_distribution::logging::DetailedResult;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// One piece of a body.
#[derive(Debug)]
pub(crate) enum Piece {
    /// Bytes that are counted elsewhere, or few.
    Memory(Bytes),
    /// Bytes that were made for this viewer alone.
    Made(Bytes),
    File {
        file: Arc<File>,
        offset: u64,
        size_bytes: u64,
        /// Set when the bytes were read recently, so that sending them will not wait for the disk.
        warm: bool,
    },
    /// A range of a cached object.
    Object(Box<ObjectReader>),
    /// A body that an origin sends to this viewer alone.
    Origin(Box<OriginBody>),
    /// A video, made of an object while it is sent.
    Video(VideoBody),
}

impl Piece {
    /// Returns the length; `None` if it is not known yet.
    pub(crate) fn size_bytes(&self) -> Option<u64> {
        match self {
            Piece::Memory(bytes) | Piece::Made(bytes) => Some(bytes.len() as u64),
            Piece::File { size_bytes, .. } => Some(*size_bytes),
            Piece::Object(reader) => reader.remaining(),
            Piece::Origin(body) => body.promised(),
            Piece::Video(body) => Some(body.remaining()),
        }
    }

    /// Returns true if nothing is left of the piece for certain.
    fn is_spent(&self) -> bool {
        match self {
            Piece::Memory(bytes) | Piece::Made(bytes) => bytes.is_empty(),
            Piece::File { size_bytes, .. } => *size_bytes == 0,
            // These report their end when they are polled.
            Piece::Object(_) | Piece::Origin(_) | Piece::Video(_) => false,
        }
    }
}

/// Charges what the pieces hold of their own; `None` when that is too much beside all that is on its way.
pub(crate) fn charge_own(pieces: &mut [Piece], memory: &BodyMemory) -> Option<Vec<Charge>> {
    let mut charges = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Made(bytes) => {
                let charge = memory.try_charge(bytes.len() as u64)?;
                *piece = Piece::Memory(charged(std::mem::take(bytes), charge));
            }
            Piece::Video(body) => {
                charges.push(memory.try_charge(body.own_size_bytes())?);
            }
            Piece::Origin(_) => charges.push(memory.try_charge_origin()?),
            Piece::Memory(_) | Piece::File { .. } | Piece::Object(_) => {}
        }
    }
    Some(charges)
}

/// Sends its pieces in order and holds the exchange until its end.
#[derive(Debug)]
pub(crate) struct ViewerBody {
    first: Option<Piece>,
    rest: VecDeque<Piece>,
    frame_size_bytes_max: usize,
    /// Room for the chunk that is being read.
    room: Option<Room>,
    /// Charges for what the pieces hold of their own.
    _own: Vec<Charge>,
    reading: Option<DiskWork<io::Result<Bytes>>>,
    /// Bytes left; `None` while the length is not known.
    remaining: Option<u64>,
    exchange: OpenExchange,
}

impl ViewerBody {
    /// Creates a body. `own`: see [`charge_own`]. `frame_size_bytes_max` is the maximum size of slices of bytes in
    /// memory.
    pub(crate) fn new(
        (pieces, own): (Vec<Piece>, Vec<Charge>),
        frame_size_bytes_max: usize,
        exchange: OpenExchange,
    ) -> Self {
        let remaining = pieces.iter().map(Piece::size_bytes).sum();
        let mut rest = VecDeque::from(pieces);
        let mut body = ViewerBody {
            first: rest.pop_front(),
            rest,
            frame_size_bytes_max,
            room: None,
            _own: own,
            reading: None,
            remaining,
            exchange,
        };
        body.exchange.record.outcome.complete = remaining == Some(0);
        body
    }

    fn sent(&mut self, bytes: Bytes) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let length = bytes.len() as u64;
        self.remaining = self.remaining.map(|left| left.saturating_sub(length));
        self.exchange.record.outcome.body_bytes_sent += length;
        self.exchange.record.outcome.complete = self.remaining == Some(0);
        Poll::Ready(Some(Ok(Frame::data(bytes))))
    }

    /// Returns the next slice of the current piece, and advances past it.
    fn next_chunk(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            while self.first.as_ref().is_some_and(Piece::is_spent) {
                self.first = self.rest.pop_front();
            }
            match ready!(self.poll_remote(context)) {
                Remote::Chunk(chunk) => return Poll::Ready(Some(chunk)),
                Remote::Over => self.first = self.rest.pop_front(),
                Remote::InFile(piece) => {
                    if let Some(first) = self.first.replace(piece) {
                        self.rest.push_front(first);
                    }
                }
                Remote::Neither => break,
            }
        }
        let chunk = match &mut self.first {
            None | Some(Piece::Object(_) | Piece::Origin(_) | Piece::Video(_)) => {
                return Poll::Ready(None);
            }
            Some(Piece::Memory(bytes) | Piece::Made(bytes)) => {
                Ok(bytes.split_to(bytes.len().min(self.frame_size_bytes_max)))
            }
            Some(Piece::File {
                file,
                offset,
                size_bytes,
                warm,
            }) if self.exchange.received.file_sending() == FileSending::ByTheSystem
                && (*warm || file_chunk::is_cached(&self.reading, file, *offset, *size_bytes)) =>
            {
                let length = (FILE_PLACEHOLDER_SIZE_BYTES as u64).min(*size_bytes) as usize;
                self.exchange
                    .received
                    .connection
                    .stretches
                    .push(FileStretch {
                        file: Arc::clone(file),
                        offset: *offset,
                        length,
                    });
                *offset += length as u64;
                *size_bytes -= length as u64;
                Ok(file_placeholder(length))
            }
            Some(Piece::File { .. }) => ready!(self.poll_read(context)),
        };
        Poll::Ready(Some(chunk))
    }

    /// Reads the next chunk of the current file.
    fn poll_read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<Bytes>> {
        let Some(Piece::File { size_bytes, .. }) = &self.first else {
            return Poll::Ready(Err(io::ErrorKind::Other.into()));
        };
        let room = ready!(self.poll_room(*size_bytes, context));
        let Some(Piece::File {
            file,
            offset,
            size_bytes,
            ..
        }) = &mut self.first
        else {
            return Poll::Ready(Err(io::ErrorKind::Other.into()));
        };
        let chunk = ready!(file_chunk::poll_chunk(
            &mut self.reading,
            file,
            *offset,
            room,
            context
        ));
        if let Ok(bytes) = &chunk {
            *offset += bytes.len() as u64;
            *size_bytes -= bytes.len() as u64;
        }
        Poll::Ready(chunk.map(|bytes| self.counted(bytes)))
    }

    /// Returns how much may be read next, at most `size_bytes_max`, which is counted from now on.
    fn poll_room(&mut self, size_bytes_max: u64, context: &mut Context<'_>) -> Poll<usize> {
        let room = match self.room.take() {
            Some(room) => room,
            None => ready!(
                self.exchange
                    .received
                    .memory
                    .poll_room(size_bytes_max, context)
            ),
        };
        Poll::Ready(self.room.insert(room).size_bytes())
    }

    fn counted(&mut self, bytes: Bytes) -> Bytes {
        match self.room.take() {
            Some(room) => room.filled(bytes),
            None => bytes,
        }
    }

    /// Polls the current piece if it is neither in memory nor in a file.
    fn poll_remote(&mut self, context: &mut Context<'_>) -> Poll<Remote> {
        if let Some(Piece::Memory(_) | Piece::Made(_) | Piece::File { .. }) | None = &self.first {
            return Poll::Ready(Remote::Neither);
        }
        let length_max = self.frame_size_bytes_max.min(CHUNK_SIZE_BYTES) as u64;
        let length_max = ready!(self.poll_room(length_max, context));
        let remote = ready!(self.poll_remote_piece(length_max, context));
        Poll::Ready(match remote {
            Remote::Chunk(Ok(bytes)) => Remote::Chunk(Ok(self.counted(bytes))),
            Remote::Chunk(Err(_)) | Remote::InFile(_) | Remote::Over | Remote::Neither => {
                self.room = None;
                remote
            }
        })
    }

    fn origin_broke_off(&mut self) {
        self.exchange.record.outcome.detail = Some(DetailedResult::OriginCommError);
    }

    fn poll_remote_piece(&mut self, length_max: usize, context: &mut Context<'_>) -> Poll<Remote> {
        Poll::Ready(match &mut self.first {
            Some(Piece::Object(reader)) => {
                let next = ready!(reader.poll_next(length_max, context));
                next.map_or_else(|fault| self.broken(fault), Remote::from)
            }
            Some(Piece::Video(body)) => {
                let next = ready!(body.poll_piece(length_max, context));
                next.map_or_else(|fault| self.broken(fault), Remote::from)
            }
            Some(Piece::Origin(body)) => match ready!(body.poll_data(context)) {
                Some(Ok(bytes)) => Remote::Chunk(Ok(bytes)),
                Some(Err(fault)) => {
                    self.origin_broke_off();
                    Remote::Chunk(Err(io::Error::other(fault)))
                }
                None => Remote::Over,
            },
            Some(Piece::Memory(_) | Piece::Made(_) | Piece::File { .. }) | None => Remote::Neither,
        })
    }

    /// The object cannot be read on, whoever is to blame: its origin has to answer for it.
    fn broken(&mut self, fault: ReadFault) -> Remote {
        match fault {
            ReadFault::Origin(_) | ReadFault::Lost => {
                self.origin_broke_off();
                Remote::Chunk(Err(io::ErrorKind::UnexpectedEof.into()))
            }
        }
    }
}

/// Result of [`ViewerBody::poll_remote`].
enum Remote {
    Chunk(io::Result<Bytes>),
    InFile(Piece),
    Over,
    /// The current piece is in memory or in a file.
    Neither,
}

impl From<Next> for Remote {
    fn from(next: Next) -> Self {
        match next {
            Next::Bytes(bytes) => Remote::Chunk(Ok(bytes)),
            Next::File {
                file,
                offset,
                size_bytes,
            } => Remote::InFile(Piece::File {
                file,
                offset,
                size_bytes,
                warm: false,
            }),
            Next::End => Remote::Over,
        }
    }
}

impl From<Option<VideoPiece>> for Remote {
    fn from(piece: Option<VideoPiece>) -> Self {
        match piece {
            Some(VideoPiece::Bytes(bytes)) => Remote::Chunk(Ok(bytes)),
            Some(VideoPiece::File {
                file,
                offset,
                size_bytes,
            }) => Remote::InFile(Piece::File {
                file,
                offset,
                size_bytes,
                warm: true,
            }),
            None => Remote::Over,
        }
    }
}

impl http_body::Body for ViewerBody {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(token) = self.exchange.cut_off() {
            // The length was already promised: only breaking the connection off tells the viewer.
            self.exchange.record.outcome.refusal = Some(token);
            return Poll::Ready(Some(Err(io::ErrorKind::PermissionDenied.into())));
        }
        match ready!(self.next_chunk(context)) {
            None => {
                self.exchange.record.outcome.complete |= self.remaining.is_none();
                self.remaining = Some(0);
                Poll::Ready(None)
            }
            Some(Ok(bytes)) => self.sent(bytes),
            Some(Err(error)) => {
                // The length was already promised: only breaking the connection off tells the viewer.
                let outcome = &mut self.exchange.record.outcome;
                outcome.broken_by_origin(DetailedResult::OriginReadError);
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.remaining == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.remaining
            .map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}
