//! The body of an origin's response, which ends cleanly only where the origin ends it.

use super::fault::{OriginFault, OriginFaultKind};
use super::pool::Connection;
use bytes::Bytes;
use http_body::Body;
use hyper::body::Incoming;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};

/// Maximum size of an unwanted body that is still read to its end.
const DISCARDED_BYTES_MAX: u64 = 64 * 1024;

/// The pieces of a body as they arrive. Dropping it before its end closes the connection; at its end the connection
/// goes back to the pool.
#[derive(Debug)]
pub(crate) struct OriginBody {
    incoming: Incoming,
    connection: Option<Connection>,
    /// Pieces that were looked at and not returned yet.
    looked_at: VecDeque<Bytes>,
    promised: Option<u64>,
    /// Response timeout.
    silence_max: Duration,
    deadline: Option<Pin<Box<Sleep>>>,
    waiting: Waiting,
}

/// State of the deadline: `Since` if it was set for the piece that is now waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    No,
    Since,
}

/// The bytes of a body that were looked at.
#[derive(Debug)]
pub(super) enum LookedAt {
    Whole(Vec<u8>),
    Beginning(Vec<u8>),
}

impl LookedAt {
    /// Returns the bytes, whether or not there are more.
    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            LookedAt::Whole(text) | LookedAt::Beginning(text) => text,
        }
    }

    /// Returns the whole body; `None` if there is more than was looked at.
    pub(super) fn whole(&self) -> Option<&[u8]> {
        match self {
            LookedAt::Whole(text) => Some(text),
            LookedAt::Beginning(_) => None,
        }
    }
}

impl OriginBody {
    pub(super) fn new(incoming: Incoming, connection: Connection, silence_max: Duration) -> Self {
        let mut body = OriginBody {
            promised: incoming.size_hint().exact(),
            incoming,
            connection: Some(connection),
            looked_at: VecDeque::new(),
            silence_max,
            deadline: None,
            waiting: Waiting::No,
        };
        body.give_back_at_end();
        body
    }

    /// Returns the size of the whole body, if the origin states it: its `Content-Length`, or 0 where there can be no
    /// body (HEAD, 204, 304). A body that ends without an error had exactly this size.
    pub(crate) fn promised(&self) -> Option<u64> {
        self.promised
    }

    /// Returns the next piece; `None` at the end that the origin has set.
    ///
    /// Errors: `Truncated` when the connection ends before the promised length or the last chunk, `ResponseTimeout`
    /// when nothing comes for the response timeout. Neither may be followed by another call.
    pub(crate) fn poll_data(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, OriginFault>>> {
        match self.looked_at.pop_front() {
            Some(bytes) => Poll::Ready(Some(Ok(bytes))),
            None => self.poll_incoming(context),
        }
    }

    fn poll_incoming(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, OriginFault>>> {
        loop {
            match Pin::new(&mut self.incoming).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => {
                    self.waiting = Waiting::No;
                    self.give_back_at_end();
                    // Trailers are not passed on (developer guide, "HTTP response headers that CloudFront removes").
                    if let Ok(bytes) = frame.into_data() {
                        return Poll::Ready(Some(Ok(bytes)));
                    }
                }
                Poll::Ready(Some(Err(_))) => {
                    return self.broken(OriginFaultKind::Truncated);
                }
                Poll::Ready(None) => {
                    if let Some(connection) = self.connection.take() {
                        connection.give_back();
                    }
                    return Poll::Ready(None);
                }
                Poll::Pending => {
                    return match self.poll_deadline(context) {
                        Poll::Ready(()) => self.broken(OriginFaultKind::ResponseTimeout),
                        Poll::Pending => Poll::Pending,
                    };
                }
            }
        }
    }

    /// Waits for the next piece.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, OriginFault>> {
        poll_fn(|context| self.poll_data(context)).await
    }

    /// Reads on until the end, or until there are more than `size_bytes_max` bytes. [`OriginBody::poll_data`] still
    /// returns all of them afterwards.
    ///
    /// Errors: those of [`OriginBody::poll_data`].
    pub(super) async fn look_ahead(
        &mut self,
        size_bytes_max: usize,
    ) -> Result<LookedAt, OriginFault> {
        let mut text: Vec<u8> = self.looked_at.iter().flatten().copied().collect();
        while text.len() <= size_bytes_max {
            let Some(bytes) = poll_fn(|context| self.poll_incoming(context)).await else {
                return Ok(LookedAt::Whole(text));
            };
            let bytes = bytes?;
            text.extend_from_slice(&bytes);
            self.looked_at.push_back(bytes);
        }
        Ok(LookedAt::Beginning(text))
    }

    /// Replaces a body that was looked at to its end by `text`.
    pub(super) fn replace_whole(&mut self, text: String) {
        self.promised = Some(text.len() as u64);
        self.looked_at = VecDeque::from([Bytes::from(text)]);
    }

    /// Drops an unwanted body. A short one is read to its end, so that its connection can be used again.
    pub(crate) fn discard(mut self) {
        if self
            .promised
            .is_some_and(|size_bytes| size_bytes <= DISCARDED_BYTES_MAX)
        {
            tokio::task::spawn_local(async move { while let Some(Ok(_)) = self.next().await {} });
        }
    }

    /// Gives the connection back at the end of the stream: a reader that counts the promised bytes, or expects none,
    /// never polls for the end.
    fn give_back_at_end(&mut self) {
        if self.incoming.is_end_stream()
            && let Some(connection) = self.connection.take()
        {
            connection.give_back();
        }
    }

    fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let silence_max = self.silence_max;
        let deadline = self
            .deadline
            .get_or_insert_with(|| Box::pin(sleep(silence_max)));
        if self.waiting == Waiting::No {
            deadline.as_mut().reset(Instant::now() + silence_max);
            self.waiting = Waiting::Since;
        }
        deadline.as_mut().poll(context)
    }

    fn broken<T>(&mut self, kind: OriginFaultKind) -> Poll<Option<Result<T, OriginFault>>> {
        // This closes the connection.
        self.connection = None;
        Poll::Ready(Some(Err(OriginFault::from(kind))))
    }
}
