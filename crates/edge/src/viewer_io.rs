//! The viewer's byte stream as hyper sees it: enforces the time limits and reports when bytes have left.

use crate::connection_state::ConnectionState;
use crate::file_placeholder::is_file_placeholder;
use crate::pace::{Alarm, Least, Pace};
use crate::viewer_stream::ViewerStream;
use bytes::{Buf, Bytes};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// Limits on how long a viewer may keep the edge waiting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) head_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) write_timeout: Duration,
    pub(crate) write_rate_min: u64,
    /// How long a connection is idle before it may be parked; `None` where it never may.
    pub(crate) park_after: Option<Duration>,
}

/// Minimum rate for viewers of videos, even if the configured one is higher: a player reads at the rate at which it
/// plays, and nothing plays at less than this.
pub(crate) const PACED_RATE_MIN: u64 = 64;

impl Patience {
    /// Returns the minimum pace of the viewer of `connection`.
    pub(crate) fn write_least(&self, connection: &ConnectionState) -> Least {
        let rate_min = if connection.is_paced() {
            self.write_rate_min.min(PACED_RATE_MIN)
        } else {
            self.write_rate_min
        };
        Least {
            silence_max: self.write_timeout,
            rate_min,
        }
    }
}

/// A plain or encrypted stream under time limits.
#[derive(Debug)]
pub(crate) struct ViewerIo<S> {
    stream: S,
    connection: Rc<ConnectionState>,
    patience: Patience,
    alarm: Alarm,
    /// Pace at which the viewer reads what is sent.
    pace: Pace,
    /// Set when the edge has waited for the viewer since everything had last left.
    was_late: bool,
    /// Bytes that the socket below an encrypted stream had accepted when last checked.
    encrypted_bytes: u64,
    /// Our page in place of an error that hyper wrote itself; sent before anything else.
    substitute: Option<Bytes>,
    /// Bytes that hyper had read and not used when the connection was parked.
    unread: Box<[u8]>,
}

impl<S> ViewerIo<S> {
    pub(crate) fn new(stream: S, connection: Rc<ConnectionState>, patience: Patience) -> Self {
        ViewerIo {
            stream,
            connection,
            patience,
            alarm: Alarm::default(),
            pace: Pace::default(),
            was_late: false,
            encrypted_bytes: 0,
            substitute: None,
            unread: Box::default(),
        }
    }

    /// The connection that the stream is of.
    pub(crate) fn connection(&self) -> &Rc<ConnectionState> {
        &self.connection
    }

    /// Takes back bytes that were read here and not used; they are the next to be read.
    pub(crate) fn put_back(&mut self, unread: &[u8]) {
        self.unread = unread.into();
    }

    /// Ready when the viewer must have sent something by now; pending while it waits for us.
    fn poll_read_late(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(since) = self.connection.waiting_since() else {
            return Poll::Pending;
        };
        if self.connection.head_begun() {
            let deadline = since + self.patience.head_timeout;
            return self.alarm.poll(deadline, context);
        }
        if let Some(park_after) = self.patience.park_after
            && park_after < self.patience.idle_timeout
        {
            ready!(self.alarm.poll(since + park_after, context));
            self.connection.idle_for_a_while();
        }
        self.alarm.poll(since + self.patience.idle_timeout, context)
    }
}

impl<S: ViewerStream> ViewerIo<S> {
    /// Ready when a parked connection has something to read, the viewer's end among it.
    ///
    /// Errors: the socket's, and that the viewer was awaited for too long.
    pub(crate) fn poll_wake(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Poll::Ready(result) = self.stream.poll_readable(context) {
            return Poll::Ready(result);
        }
        self.poll_read_late(context)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: ViewerStream> AsyncRead for ViewerIo<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let filled = buffer.filled().len();
        let this = &mut *self;
        if !this.unread.is_empty() {
            let length = this.unread.len().min(buffer.remaining());
            let (taken, rest) = this.unread.split_at(length);
            buffer.put_slice(taken);
            this.unread = rest.into();
            return Poll::Ready(Ok(()));
        }
        if let Poll::Ready(result) = Pin::new(&mut this.stream).poll_read(context, buffer) {
            let length = buffer.filled().len() - filled;
            if length > 0 {
                this.connection.bytes_arrived();
            }
            return Poll::Ready(result);
        }
        this.poll_read_late(context)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: ViewerStream> ViewerIo<S> {
    /// Writes the page that replaces hyper's own error response; ready when it is gone.
    fn poll_substitute(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(bytes) = &mut self.substitute {
            let written = ready!(Pin::new(&mut self.stream).poll_write(context, bytes))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            bytes.advance(written);
            if bytes.is_empty() {
                self.substitute = None;
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Sends the range of a file that a placeholder of `length` bytes represents.
    fn poll_send_stretch(
        &mut self,
        context: &mut Context<'_>,
        length: usize,
    ) -> Poll<io::Result<usize>> {
        let Some(stretch) = self.connection.stretches.front() else {
            return Poll::Ready(Err(io::ErrorKind::InvalidData.into()));
        };
        let length = length.min(stretch.length);
        let sent =
            ready!(
                self.stream
                    .poll_send_file(context, &stretch.file, stretch.offset, length)
            )?;
        if sent == 0 {
            // The file has become shorter than the promised length.
            return Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()));
        }
        self.connection.stretches.advance(sent);
        Poll::Ready(Ok(sent))
    }

    fn written(
        &mut self,
        result: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        match result {
            Poll::Pending => self.write_waits(context),
            Poll::Ready(Ok(length)) => {
                self.progressed(length as u64);
                result
            }
            Poll::Ready(Err(_)) => result,
        }
    }

    /// Notes that `written` bytes were accepted. For an encrypted stream the socket's own count is used instead, since
    /// the stream's buffer hides the progress.
    fn progressed(&mut self, written: u64) {
        let moved = match self.stream.encrypted_bytes() {
            Some(bytes) => bytes - std::mem::replace(&mut self.encrypted_bytes, bytes),
            None => written,
        };
        self.pace.moved(moved, Instant::now);
    }

    /// Pending while the viewer keeps up.
    fn write_waits(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.connection.memory.blocked();
        self.progressed(0);
        self.was_late = true;
        let least = self.patience.write_least(&self.connection);
        self.pace
            .poll_too_slow(&least, &mut self.alarm, context)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: ViewerStream> AsyncWrite for ViewerIo<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        if let Some(denial) = this.connection.refusal_of_hyper(bytes) {
            this.substitute = Some(this.connection.refuse_head(&denial));
            return Poll::Ready(Ok(bytes.len()));
        }
        let result = match this.poll_substitute(context)? {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) if is_file_placeholder(bytes) => {
                this.poll_send_stretch(context, bytes.len())
            }
            Poll::Ready(()) => Pin::new(&mut this.stream).poll_write(context, bytes),
        };
        this.written(result, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = slices.first().map_or(&[][..], |slice| &**slice);
        let takes_one = self.substitute.is_some()
            || is_file_placeholder(first)
            || self.connection.refusal_of_hyper(first).is_some();
        if takes_one {
            return self.poll_write(context, first);
        }
        let this = &mut *self;
        let result = match slices.iter().position(|slice| is_file_placeholder(slice)) {
            Some(before) => this
                .stream
                .poll_write_before_file(context, &slices[..before]),
            None => Pin::new(&mut this.stream).poll_write_vectored(context, slices),
        };
        this.written(result, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let result = match this.poll_substitute(context)? {
            Poll::Pending => Poll::Pending,
            Poll::Ready(()) => Pin::new(&mut this.stream).poll_flush(context),
        };
        match result {
            Poll::Pending => this.write_waits(context).map_ok(|_| ()),
            Poll::Ready(result) => {
                this.progressed(0);
                this.pace.pause(Instant::now);
                if std::mem::take(&mut this.was_late) {
                    this.connection.left_late();
                }
                if result.is_ok() {
                    this.connection.memory.flushed();
                    this.connection.departures.everything_left();
                }
                Poll::Ready(result)
            }
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match Pin::new(&mut self.stream).poll_shutdown(context) {
            Poll::Pending => self.write_waits(context).map_ok(|_| ()),
            Poll::Ready(result) => Poll::Ready(result),
        }
    }
}

/// Without this the connection and its last exchanges would keep each other alive.
impl<S> Drop for ViewerIo<S> {
    fn drop(&mut self) {
        self.connection.departures.closed();
    }
}

#[cfg(test)]
mod tests;
