//! Gathers the short writes of one turn of an HTTP/2 connection, so that all answers of the turn leave in few writes.
//!
//! h2 writes and flushes once for each DATA frame. Here short writes are copied and a flush is only noted, until
//! whoever drives the connection says that the turn is over ([`WriteBuffer::poll_send`]). What is long goes through at
//! once, behind what was gathered. Once the socket takes nothing, nothing more is gathered, and h2 waits as if this
//! were not here.

use bytes::{Buf, BytesMut};
use std::cell::Cell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The most that is gathered: two records of TLS, or some 25 answers of 1 KiB.
pub(crate) const WRITE_BUFFER_SIZE_BYTES: usize = 32 * 1024;
/// Longer writes are not copied: what that costs is no longer small beside a write of their own.
const COPIED_SIZE_BYTES_MAX: usize = 4 * 1024;
/// Slices that are sent together behind what was gathered. h2 writes two: what it has encoded, and a payload.
const SLICES_MAX: usize = 4;

thread_local! {
    /// The buffer of whoever needs one next: a turn gives it back at its end, so that idle connections hold none.
    static SPARE: Cell<BytesMut> = Cell::new(BytesMut::new());
}

/// Whether the socket takes what it is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Socket {
    Takes,
    Blocks,
}

/// A stream whose short writes are gathered.
#[derive(Debug)]
pub(super) struct WriteBuffer<I> {
    io: I,
    gathered: BytesMut,
    /// Whether something was gathered, or a flush asked for, since everything was last sent.
    owes_flush: bool,
    socket: Socket,
}

impl<I: AsyncRead + AsyncWrite + Unpin> WriteBuffer<I> {
    pub(super) fn new(io: I) -> Self {
        WriteBuffer {
            io,
            gathered: BytesMut::new(),
            owes_flush: false,
            socket: Socket::Takes,
        }
    }

    /// Sends what was gathered and flushes, if anybody asked for that; ready when it is with the operating system.
    ///
    /// Errors: those of the stream below, after which nothing is left to send.
    pub(super) fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.owes_flush && self.gathered.is_empty() {
            return Poll::Ready(Ok(()));
        }
        while !self.gathered.is_empty() {
            let written = Pin::new(&mut self.io).poll_write(context, &self.gathered);
            let length = ready!(self.noted(written))?;
            self.sent(length)?;
        }
        let flushed = Pin::new(&mut self.io).poll_flush(context);
        ready!(self.noted(flushed))?;
        self.owes_flush = false;
        self.socket = Socket::Takes;
        Poll::Ready(Ok(()))
    }

    /// Copies the slices if they are short and find room.
    fn gather(&mut self, slices: &[IoSlice<'_>]) -> Option<usize> {
        let length = slices.iter().map(|slice| slice.len()).sum();
        let has_room = self.gathered.len() + length <= WRITE_BUFFER_SIZE_BYTES;
        if self.socket == Socket::Blocks || length > COPIED_SIZE_BYTES_MAX || !has_room {
            return None;
        }
        if self.gathered.capacity() == 0 {
            self.gathered = SPARE.take();
            self.gathered.reserve(WRITE_BUFFER_SIZE_BYTES);
        }
        for slice in slices {
            self.gathered.extend_from_slice(slice);
        }
        self.owes_flush = true;
        Some(length)
    }

    /// Writes the slices behind what was gathered, all in one write as far as the stream below takes it.
    fn poll_write_through(
        &mut self,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.owes_flush = true;
        while !self.gathered.is_empty() {
            let mut all = [IoSlice::new(&[]); SLICES_MAX];
            all[0] = IoSlice::new(&self.gathered);
            let count = slices.len().min(SLICES_MAX - 1);
            all[1..=count].copy_from_slice(&slices[..count]);
            let written = Pin::new(&mut self.io).poll_write_vectored(context, &all[..=count]);
            let length = ready!(self.noted(written))?;
            let before = self.gathered.len().min(length);
            self.sent(before)?;
            if length > before {
                return Poll::Ready(Ok(length - before));
            }
        }
        let written = Pin::new(&mut self.io).poll_write_vectored(context, slices);
        self.noted(written)
    }

    /// The stream below has taken so much of what was gathered.
    fn sent(&mut self, length: usize) -> io::Result<()> {
        if length == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        self.gathered.advance(length);
        if self.gathered.is_empty() {
            let mut spare = std::mem::take(&mut self.gathered);
            spare.clear();
            SPARE.set(spare);
        }
        Ok(())
    }

    /// Remembers what the stream below made of a write or a flush.
    fn noted<T>(&mut self, result: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        match &result {
            Poll::Pending => self.socket = Socket::Blocks,
            Poll::Ready(Ok(_)) => {}
            Poll::Ready(Err(_)) => {
                self.gathered = BytesMut::new();
                self.owes_flush = false;
            }
        }
        result
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncRead for WriteBuffer<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for WriteBuffer<I> {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.gather(slices) {
            Some(length) => Poll::Ready(Ok(length)),
            None => self.poll_write_through(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    /// Ready at once while something is gathered: that leaves at the end of the turn.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.owes_flush = true;
        if self.socket == Socket::Takes && !self.gathered.is_empty() {
            return Poll::Ready(Ok(()));
        }
        self.poll_send(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(context))?;
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
