//! Sits between hyper and an HTTP/2 viewer: follows the frames, resets the streams that the viewer ignores, and ends
//! the connections of viewers that only make work. Leaves all else as it is.
//!
//! A viewer that opens no window for a response, or a tiny one, never makes a write wait, so its time runs here and not
//! in `viewer_io`.

use crate::connection_state::ConnectionState;
use crate::viewer_io::Patience;
use frame_scanner::{FrameScanner, ScanStep};
use privet_distribution::request::Denial;
use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use streams::{ConnectionError, Ignored, Streams};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};
use write_buffer::WriteBuffer;

mod frame_scanner;
mod shared;
mod streams;
mod write_buffer;

pub(crate) use shared::SharedWatch;
pub(crate) use write_buffer::WRITE_BUFFER_SIZE_BYTES;

/// Returns RST_STREAM with CANCEL for a stream (RFC 9113 6.4).
fn reset(stream: u32) -> Vec<u8> {
    let [s0, s1, s2, s3] = stream.to_be_bytes();
    vec![0, 0, 4, 3, 0, s0, s1, s2, s3, 0, 0, 0, 8]
}

/// Returns GOAWAY (RFC 9113 6.8).
fn goaway(highest: u32, error: ConnectionError) -> Vec<u8> {
    let mut frame = vec![0, 0, 8, 7, 0, 0, 0, 0, 0];
    frame.extend(highest.to_be_bytes());
    frame.extend(error.code().to_be_bytes());
    frame
}

/// Phase of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Serve,
    /// Send the notice, and end.
    Leave,
}

/// A stream of HTTP/2 bytes that is watched.
#[derive(Debug)]
pub(crate) struct H2Watch<I> {
    io: WriteBuffer<I>,
    viewer: FrameScanner,
    edge: FrameScanner,
    streams: Streams,
    connection: Rc<ConnectionState>,
    patience: Patience,
    /// The stream that is to be reset as soon as the viewer has finished a frame, and the time since which it waits.
    doomed: Option<(u32, Instant)>,
    /// Timer that rings when a stream may have been ignored for too long; present while streams are open.
    alarm: Option<Pin<Box<Sleep>>>,
    /// Frames of our own, sent as soon as h2 is between two frames.
    notice: Vec<u8>,
    phase: Phase,
}

impl<I: AsyncRead + AsyncWrite + Unpin> H2Watch<I> {
    /// Creates a watch. `streams_max` is the number of streams that hyper announces to the viewer.
    pub(crate) fn new(
        io: I,
        (connection, patience): (Rc<ConnectionState>, Patience),
        streams_max: u32,
    ) -> Self {
        H2Watch {
            io: WriteBuffer::new(io),
            viewer: FrameScanner::of_viewer(),
            edge: FrameScanner::of_edge(),
            streams: Streams::new(streams_max, Instant::now()),
            connection,
            patience,
            doomed: None,
            alarm: None,
            notice: Vec::new(),
            phase: Phase::Serve,
        }
    }

    /// Sends what the turn that is over has written; ready when it has left.
    ///
    /// Errors: the stream's, which is of no use any more.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.poll_send(context)
    }

    /// Scans what the viewer sent. An error comes with the number of bytes before the frame at fault.
    fn scan_viewer(&mut self, bytes: &[u8]) -> Result<(), (usize, ConnectionError)> {
        let now = Instant::now();
        let mut at = 0;
        let mut frame_begins = 0;
        while at < bytes.len() {
            if self.viewer.is_between_frames() {
                frame_begins = at;
            }
            let (taken, found) = self.viewer.next(&bytes[at..]);
            at += taken;
            if let Some(found) = found {
                let judged = self.streams.viewer_sent(&found, now);
                judged.map_err(|error| (frame_begins, error))?;
            }
        }
        Ok(())
    }

    fn scan_edge(&mut self, mut bytes: &[u8], now: Instant) {
        while !bytes.is_empty() {
            let (taken, found) = self.edge.next(bytes);
            bytes = &bytes[taken..];
            if let Some(ScanStep::Head(head)) = found {
                if self.streams.is_refusal_of_h2(&head) {
                    let ends = &self.connection.ends;
                    ends.refused_head(&Denial::HeadTooLarge, head.length as u64);
                }
                self.streams.edge_sent(&head, now);
            }
        }
    }

    /// Sends frames of our own between those of h2; ready when there are none, or when it is not their turn.
    fn poll_notice(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.notice.is_empty() && self.edge.is_between_frames() {
            let written = ready!(Pin::new(&mut self.io).poll_write(context, &self.notice))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.notice.drain(..written);
            // The rest must follow before h2 continues; `edge` does not see these bytes.
        }
        Poll::Ready(Ok(()))
    }

    /// Sends the notice and ends the connection.
    fn poll_leave(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_notice(context))?;
        ready!(self.io.poll_send(context))?;
        Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()))
    }

    /// Ready when the viewer has ignored something for too long, or reads it too slowly.
    fn poll_ignored(&mut self, context: &mut Context<'_>) -> Poll<Ignored> {
        loop {
            if self.alarm.is_none() && self.streams.is_empty() {
                return Poll::Pending;
            }
            let write_timeout = self.patience.write_timeout;
            // Twice per window, so that no window is overlooked.
            let look_again = write_timeout / 2;
            let alarm = self
                .alarm
                .get_or_insert_with(|| Box::pin(tokio::time::sleep(look_again)));
            ready!(alarm.as_mut().poll(context));
            let now = Instant::now();
            let least = self.patience.write_least(&self.connection);
            let ignored = self.streams.ignored();
            let is_late = |ignored: &Ignored| ignored.since() + write_timeout <= now;
            if let Some(late) = ignored.filter(is_late) {
                return Poll::Ready(late);
            }
            if let Some(slow) = self.streams.too_slow(now, &least) {
                return Poll::Ready(slow);
            }
            if self.streams.is_empty() {
                self.alarm = None;
                continue;
            }
            let next = ignored.map(|ignored| ignored.since() + write_timeout);
            let look_again = now + look_again;
            alarm
                .as_mut()
                .reset(next.map_or(look_again, |next| next.min(look_again)));
        }
    }

    /// Makes h2 believe that the viewer has reset the stream, and tells the viewer that the edge has.
    fn give_up(&mut self, ignored: Ignored, buffer: &mut ReadBuf<'_>) -> io::Result<Given> {
        let Ignored::Stream { stream, .. } = ignored else {
            return Err(io::ErrorKind::TimedOut.into());
        };
        let frame = reset(stream);
        if !self.viewer.is_between_frames() || buffer.remaining() < frame.len() {
            // The viewer is in the middle of a frame. It gets the same time once more to finish that.
            let now = Instant::now();
            let known = self.doomed.filter(|(doomed, _)| *doomed == stream);
            let (_, since) = *self.doomed.insert(known.unwrap_or((stream, now)));
            return if since + self.patience.write_timeout <= now {
                Err(io::ErrorKind::TimedOut.into())
            } else {
                Ok(Given::Later)
            };
        }
        self.doomed = None;
        buffer.put_slice(&frame);
        self.notice.extend(frame);
        self.streams.given_up(stream, Instant::now());
        Ok(Given::Now)
    }

    /// Counts what was written, and makes sure that the alarm will ring.
    fn written(&mut self, length: usize, slices: &[IoSlice<'_>], context: &mut Context<'_>) {
        let now = Instant::now();
        let mut rest = length;
        for slice in slices {
            let part = rest.min(slice.len());
            self.scan_edge(&slice[..part], now);
            rest -= part;
        }
        if self.alarm.is_none() && self.poll_ignored(context).is_ready() {
            context.waker().wake_by_ref();
        }
    }
}

/// Result of giving a stream up.
#[derive(Debug)]
enum Given {
    Now,
    Later,
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncRead for H2Watch<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.phase == Phase::Leave {
            return this.poll_leave(context);
        }
        let before = buffer.filled().len();
        if let Poll::Ready(result) = Pin::new(&mut this.io).poll_read(context, buffer) {
            result?;
            if let Err((good, error)) = this.scan_viewer(&buffer.filled()[before..]) {
                buffer.set_filled(before + good);
                this.notice.extend(goaway(this.streams.highest(), error));
                this.phase = Phase::Leave;
                if good == 0 {
                    return this.poll_leave(context);
                }
            }
            return Poll::Ready(Ok(()));
        }
        let ignored = ready!(this.poll_ignored(context));
        match this.give_up(ignored, buffer)? {
            Given::Now => Poll::Ready(Ok(())),
            Given::Later => {
                let alarm = this
                    .alarm
                    .insert(Box::pin(tokio::time::sleep(this.patience.write_timeout)));
                ready!(alarm.as_mut().poll(context));
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for H2Watch<I> {
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
        let this = &mut *self;
        ready!(this.poll_notice(context))?;
        let written = ready!(Pin::new(&mut this.io).poll_write_vectored(context, slices))?;
        this.written(written, slices, context);
        Poll::Ready(Ok(written))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_notice(context))?;
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_notice(context))?;
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
